# SPDX-License-Identifier: GPL-3.0-or-later
"""Which depth model and how it runs, as the panel and the operators set it."""

import os
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ...core.errors import ModelError
from ...inference.cards import Card, read_cards
from ..preferences import WorkerSettings

if TYPE_CHECKING:
    from ...inference.running import Running

MODEL_FOLDER, MODEL_FILE = 'FOLDER', 'FILE'


def tooltip(card: Card, good_at: str) -> str:
    """What the menu of models tells of one, by a text on what it is good at in any language."""
    return good_at if card.comes_along else f"{good_at} ({card.size_text}, {card.licence})"


def _item(card: Card) -> tuple[str, str, str, int]:
    return card.name, card.title, tooltip(card, card.good_at), card.number


#: An empty name makes a heading of the menu.
MODEL_ITEMS = (
    ("", "For Faces", ""),
    *(_item(card) for card in read_cards().values() if card.faces_only),
    ("", "For Anything", ""),
    *(_item(card) for card in read_cards().values() if not card.faces_only),
    ("", "Your Own", ""),
    (MODEL_FOLDER, "Folder", "A model in the format of transformers or diffusers", 2),
    (MODEL_FILE, "ONNX File", "A model exported to ONNX; needs onnxruntime", 5),
)


FOLDER_PATH = dict(
    name="Model Folder", description="Holds config.json, model.safetensors and "
    "preprocessor_config.json, or a pipeline of diffusers",
)
FILE_PATH = dict(name="ONNX File", description="A depth model that ends in .onnx")


class RunChoice:
    """How models run; for property groups and operators to inherit."""

    steps: IntProperty(
        name="Steps", min=0, max=100, soft_max=20, options={'HIDDEN'},
        description="Of the diffusion: more are slower and finer; 0 takes as many as suit the "
        "model",
    )
    ensemble: IntProperty(
        name="Ensemble", default=1, min=1, max=10, options={'HIDDEN'},
        description="How many runs of the diffusion are averaged: calmer depth for as many times "
        "the time",
    )
    seed: IntProperty(
        name="Seed", min=0, options={'HIDDEN'},
        description="Of the diffusion's noise: the same number gives the same depth again",
    )
    fit: BoolProperty(
        name="Fit to Face", options={'HIDDEN'},
        description="Make a face as deep as its landmarks say, whatever a model in metres says",
    )


class ModelChoice(RunChoice):
    """Which model, and how it runs; for property groups and operators to inherit."""

    model: EnumProperty(
        name="Model", description="What estimates the depth", items=MODEL_ITEMS,
        options={'HIDDEN'},
    )
    model_folder: StringProperty(**FOLDER_PATH, options={'HIDDEN'})
    model_file: StringProperty(**FILE_PATH, options={'HIDDEN'})


RUN_NAMES = tuple(RunChoice.__annotations__)
MODEL_NAMES = tuple(ModelChoice.__annotations__) + RUN_NAMES


def chosen_model(context: bpy.types.Context) -> str:
    """The item of the panel's menu of models.

    Raises
    ------
    ModelError
        The file was saved where other models came with the add-on.
    """
    model = context.scene.face_depth.model
    if not model:
        raise ModelError(
            "The model that this file was saved with is not installed here: choose another in "
            "the Face Depth panel."
        )
    return model


def adopt(operator: bpy.types.Operator, context: bpy.types.Context, names: tuple[str, ...]) -> None:
    """Take those of the panel's settings that an operator's caller has not set.

    Raises
    ------
    ModelError
        See `chosen_model`.
    """
    settings = context.scene.face_depth
    for name in names:
        if not operator.properties.is_property_set(name):
            value = chosen_model(context) if name == "model" else getattr(settings, name)
            setattr(operator, name, value)


def model_name(choice: ModelChoice) -> str:
    """What a `Request` calls the model: a card's name or an absolute path.

    Raises
    ------
    ModelError
        A model of the user's own is to be used, and none is named.
    """
    if choice.model not in (MODEL_FOLDER, MODEL_FILE):
        return choice.model
    place = own_place(choice)
    if not place:
        kind = "folder of a" if choice.model == MODEL_FOLDER else "ONNX file of a"
        raise ModelError(f"No {kind} depth model is chosen.")
    return place


def own_place(choice: ModelChoice) -> str:
    """The absolute path of a model of the user's own; empty if none is named."""
    path = choice.model_folder if choice.model == MODEL_FOLDER else choice.model_file
    return os.path.abspath(os.path.expanduser(bpy.path.abspath(path))) if path else ""


def card_of(choice: ModelChoice) -> Card | None:
    """The card of the chosen model; None for one of the user's own."""
    return read_cards().get(choice.model)


def takes_steps(choice: ModelChoice) -> bool:
    """Whether the chosen model is a diffusion, for which steps, ensemble and seed count."""
    card = card_of(choice)
    if card is not None:
        return card.source == "marigold"
    return choice.model == MODEL_FOLDER and os.path.isfile(
        os.path.join(own_place(choice), "model_index.json")
    )


def takes_fit(choice: ModelChoice) -> bool:
    """Whether the chosen model may give metres, which can be fitted to a face."""
    card = card_of(choice)
    if card is not None:
        return card.settings.get("output") == "metres"
    return choice.model in (MODEL_FOLDER, MODEL_FILE)


def running_of(choice: RunChoice, preferences: WorkerSettings) -> "Running":
    """How models are to run, by the preferences and what was chosen."""
    from ...inference.running import Running

    return Running(
        preferences.device, preferences.precision, choice.steps, choice.ensemble, choice.seed
    )
