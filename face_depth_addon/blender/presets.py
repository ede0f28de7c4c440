# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for common wishes, by one click, and the user's own beside them."""

from math import isclose
from typing import NamedTuple

import bpy
from bl_operators.presets import AddPresetBase
from bpy.props import EnumProperty

from ..inference.cards import BUNDLED, FACEMESH
from .properties import RESOLUTION, FACEDEPTH_PG_settings
from .wording import iface, reason


class _Preset(NamedTuple):
    title: str
    told: str
    icon: str
    values: dict


_USUAL = {
    "model": BUNDLED, "whole_image": False, "region": 'BUST', "resolution": RESOLUTION["default"],
    "projection": 'RELIEF', "strength": 1.0,
}
_PRESETS = {
    'PORTRAIT': _Preset(
        "Portrait", "Head and shoulders as the photo shows them, to look at and to sculpt on",
        'USER', _USUAL,
    ),
    'PRINT_RELIEF': _Preset(
        "Print Relief", "Flat as a medal and finely divided. When it is there, Make under 3D Print "
        "gives it a plate", 'MESH_PLANE', {**_USUAL, "resolution": 1024, "strength": 0.4},
    ),
    'HIGH_DETAIL': _Preset(
        "High Detail", "Four times the vertices. When it is there, Add Detail brings out the pores",
        'SHADING_TEXTURE', {**_USUAL, "resolution": 1024},
    ),
    'FAST': _Preset(
        "Fast", "From the face's landmarks alone, coarsely divided: works without PyTorch, in less "
        "than half the time", 'SORTTIME', {**_USUAL, "model": FACEMESH, "resolution": 256},
    ),
}
_KEPT = (*_USUAL, "model_folder", "model_file", "steps", "ensemble", "seed", "fit")


def preset_title(settings: FACEDEPTH_PG_settings) -> str:
    """The name of the preset that the settings are like; that of the menu if there is none."""
    for preset in _PRESETS.values():
        if all(_same(getattr(settings, name), value) for name, value in preset.values.items()):
            return preset.title
    return FACEDEPTH_MT_presets.bl_label


def _same(value: object, wanted: object) -> bool:
    return isclose(value, wanted, rel_tol=1e-6) if isinstance(wanted, float) else value == wanted


class FACEDEPTH_OT_apply_preset(bpy.types.Operator):
    """Set model, part, resolution, projection and strength for a common wish"""

    bl_idname = "face_depth.apply_preset"
    bl_label = "Apply Preset"
    bl_options = {'REGISTER', 'UNDO', 'INTERNAL'}

    preset: EnumProperty(
        name="Preset", description="For what",
        items=[(name, each.title, each.told) for name, each in _PRESETS.items()],
    )

    @classmethod
    def description(cls, _context, properties):
        return reason(_PRESETS[properties.preset].told)

    def execute(self, context):
        settings = context.scene.face_depth
        for name, value in _PRESETS[self.preset].values.items():
            setattr(settings, name, value)
        return {'FINISHED'}


class FACEDEPTH_OT_preset_add(AddPresetBase, bpy.types.Operator):
    """Keep the present settings as a preset of your own, or remove the one that was chosen"""

    bl_idname = "face_depth.preset_add"
    bl_label = "Own Preset"
    preset_menu = "FACEDEPTH_MT_presets"
    preset_subdir = "face_depth"
    preset_defines = ["settings = bpy.context.scene.face_depth"]
    preset_values = [f"settings.{name}" for name in _KEPT]


class FACEDEPTH_MT_presets(bpy.types.Menu):
    """Settings for common wishes, and your own"""

    bl_label = "Presets"
    preset_subdir = "face_depth"
    preset_operator = "script.execute_preset"

    def draw(self, context):
        layout = self.layout
        for name, preset in _PRESETS.items():
            layout.operator(
                FACEDEPTH_OT_apply_preset.bl_idname, text=preset.title, icon=preset.icon
            ).preset = name
        if bpy.utils.preset_paths(self.preset_subdir):
            layout.separator()
            self.draw_preset(context)


def draw_presets(layout: bpy.types.UILayout, settings: FACEDEPTH_PG_settings) -> None:
    """A menu with the preset's name, and buttons to keep and remove one's own."""
    row = layout.row(align=True)
    row.menu(FACEDEPTH_MT_presets.__name__, text=iface(preset_title(settings)), icon='PRESET')
    add = FACEDEPTH_OT_preset_add.bl_idname
    row.operator(add, text="", icon='ADD')
    row.operator(add, text="", icon='REMOVE').remove_active = True


CLASSES = (FACEDEPTH_OT_apply_preset, FACEDEPTH_OT_preset_add, FACEDEPTH_MT_presets)
