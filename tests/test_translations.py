# SPDX-License-Identifier: GPL-3.0-or-later
"""Every label, tooltip and reason that Blender shows is in each translation, and nothing else."""

import ast
import re
from collections.abc import Iterator
from string import Formatter

import bpy
import pytest
from conftest import ROOT

from face_depth_addon.blender import registration
from face_depth_addon.blender.models.choice import MODEL_ITEMS, MODEL_NAMES, tooltip
from face_depth_addon.blender.models.panel_models import _STATES
from face_depth_addon.blender.panel import _MISSING
from face_depth_addon.blender.panel_tools import _Tools
from face_depth_addon.blender.presets import _PRESETS
from face_depth_addon.blender.properties import FACEDEPTH_PG_settings
from face_depth_addon.blender.shaping import shape_settings
from face_depth_addon.blender.translations import german
from face_depth_addon.inference.cards import SPEEDS, read_cards

CLASSES = (*registration.CLASSES, *shape_settings.CLASSES)
# Functions that show a text to the user, and which of their arguments it is.
SHOWN = {
    "iface": 0, "reason": 0, "Progress": 0, "_tell": 0, "report": 0, "_stage": 1, "enter": 1,
    "refuse": 1, "draw_wrapped": 2, "poll_object_mode": 2, "poll_own": 2,
}
BUTTONS = {"label", "operator", "menu"}
NAMES = {"client.py": "label", "request.py": "next_label", "cloud_targets.py": "what"}
REASONS = {"refusal", "slider_refusal", "_stored_refusal", "distance_source"}
# Names, numbers and signs that are the same in every language.
SAME = re.compile(r"[\d\W]*|OpenGL|Face Depth")


def own_properties(cls: type) -> Iterator[bpy.types.Property]:
    """The properties of a class that the user can see."""
    own = {
        name for base in cls.__mro__ if base.__module__.startswith("face_depth_addon")
        for name in getattr(base, "__annotations__", {})
    }
    rna = cls.bl_rna
    if issubclass(cls, bpy.types.Operator):
        group, _, name = cls.bl_idname.partition(".")
        rna = getattr(getattr(bpy.ops, group), name).get_rna_type()
    for prop in rna.properties:
        # The file browser has fields of its own for places, and panels draw what lies in groups.
        if prop.identifier not in own - {"filepath", "directory"}:
            continue
        if prop.type in {'POINTER', 'COLLECTION'} and prop.name == prop.identifier:
            continue
        if not prop.is_hidden or (cls is FACEDEPTH_PG_settings and prop.identifier in MODEL_NAMES):
            yield prop


def registered() -> Iterator[str]:
    """What Blender itself looks up: labels and tooltips of all that is registered."""
    for cls in CLASSES:
        if issubclass(cls, bpy.types.Operator | bpy.types.Panel | bpy.types.Menu):
            yield cls.bl_label
            yield getattr(cls, "bl_description", "") or cls.__doc__ or ""
        for prop in own_properties(cls):
            yield prop.name
            yield prop.description
            if prop.type == 'ENUM':
                for item in prop.enum_items:
                    yield item.name
                    yield item.description


def tables() -> Iterator[str]:
    """What panels show out of tables."""
    for cls in _Tools.__subclasses__():
        yield from (text for row in cls.rows for _, text, _ in row if text)
    yield from (text for text, _ in _STATES.values())
    yield from _MISSING.values()
    yield from SPEEDS.values()
    yield from (text for preset in _PRESETS.values() for text in (preset.title, preset.told))
    yield from (card.good_at for card in read_cards().values())
    yield from (item[1] for item in MODEL_ITEMS if not item[0])
    # What the reasons of `poll_own` name where nothing else is said.
    yield "mesh"
    yield "A download that is stopped goes on there the next time."
    for cls in CLASSES:
        if noun := getattr(cls, "noun", ""):
            yield noun


def written() -> Iterator[str]:
    """Texts that stand in calls that show them, and in names that are shown."""
    for file in (ROOT / "face_depth_addon").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in SHOWN and len(node.args) > SHOWN[name]:
                    yield _text(node.args[SHOWN[name]])
                if name in BUTTONS:
                    yield from (_text(word.value) for word in node.keywords if word.arg == "text")
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                target = getattr(node, "target", None) or node.targets[0]
                if getattr(target, "id", getattr(target, "attr", "")) == NAMES.get(file.name):
                    yield from map(_text, ast.walk(node.value))
            elif isinstance(node, ast.FunctionDef) and node.name in REASONS:
                for part in ast.walk(node):
                    if isinstance(part, ast.Return):
                        yield from map(_text, ast.walk(part.value))


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def shown() -> set[str]:
    cards = read_cards().values()
    composed = {tooltip(card, card.good_at) for card in cards} | {card.title for card in cards}
    found = ({*registered()} - composed) | {*tables(), *written()}
    return {text for text in found if not SAME.fullmatch(text)}


@pytest.mark.parametrize("messages", [german.MESSAGES], ids=["german"])
class TestLanguage:
    def test_has_all_that_is_shown(self, messages, empty_scene):
        assert not sorted(shown() - messages.keys())

    def test_has_nothing_that_is_not_shown(self, messages, empty_scene):
        assert not sorted(messages.keys() - shown())

    def test_leaves_the_same_gaps_for_values(self, messages):
        for text, translated in messages.items():
            assert translated, text
            assert gaps(translated) == gaps(text), translated


def gaps(text: str) -> set[tuple[str, str]]:
    return {(name, form) for _, name, form, _ in Formatter().parse(text) if name is not None}


def test_all_that_can_be_set_or_clicked_has_a_tooltip(empty_scene):
    for cls in CLASSES:
        if issubclass(cls, bpy.types.Operator | bpy.types.Panel | bpy.types.Menu):
            assert getattr(cls, "bl_description", "") or cls.__doc__, cls
        if issubclass(cls, bpy.types.Operator | bpy.types.PropertyGroup):
            for prop in own_properties(cls):
                if prop.type not in {'POINTER', 'COLLECTION'}:
                    assert prop.description, f"{cls.__name__}.{prop.identifier}"
