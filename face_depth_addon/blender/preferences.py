# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sets once: interpreter, device, precision, folder of models, idle time."""

import os
from dataclasses import dataclass

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

PACKAGE = __package__.rpartition(".")[0]

DEVICE_ITEMS = (
    ('auto', "Automatic", "The fastest device that PyTorch finds"),
    ('cuda', "CUDA", "An NVIDIA graphics card"),
    ('mps', "Metal", "An Apple graphics processor"),
    ('cpu', "CPU", "The processor: works everywhere"),
)
PRECISION_ITEMS = (
    ('auto', "Automatic", "Half precision on graphics cards, single on the processor"),
    ('float32', "Single", "32 bits: the most exact"),
    ('float16', "Half", "16 bits: half the memory, and less time on graphics cards"),
    ('bfloat16', "Bfloat16", "16 bits that hold larger values, and are coarser"),
)


class FACEDEPTH_AP_preferences(bpy.types.AddonPreferences):
    """Where and how the depth model runs."""

    bl_idname = PACKAGE

    python: StringProperty(
        name="Python Interpreter", subtype='FILE_PATH',
        description="Runs the depth model; it needs torch, transformers, opencv-python and "
        "pillow. Empty for Blender's own Python",
    )
    device: EnumProperty(name="Device", items=DEVICE_ITEMS)
    precision: EnumProperty(
        name="Precision", items=PRECISION_ITEMS,
        description="Numbers that depth models compute with",
    )
    models_folder: StringProperty(
        name="Folder of Models", subtype='DIR_PATH',
        description="Your own folder that holds models by their names, beside those that were "
        "downloaded",
    )
    idle_minutes: FloatProperty(
        name="Keep Warm (Minutes)", default=5.0, min=0.1, soft_max=60.0,
        description="Minutes after which an idle worker frees its memory",
    )

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "python", placeholder="Blender's own")
        layout.prop(self, "device")
        layout.prop(self, "precision")
        layout.prop(self, "models_folder")
        layout.prop(self, "idle_minutes")


@dataclass(frozen=True)
class WorkerSettings:
    """Preferences as values, also where the add-on is registered without being enabled."""

    python: str = ""
    device: str = "auto"
    idle_seconds: float = 300.0
    precision: str = "auto"
    models: str = ""


def worker_settings(context: bpy.types.Context) -> WorkerSettings:
    """The user's preferences; ``FACE_DEPTH_PYTHON`` stands in for an unset interpreter."""
    python = os.environ.get("FACE_DEPTH_PYTHON", "")
    addon = context.preferences.addons.get(PACKAGE)
    if addon is None or addon.preferences is None:
        return WorkerSettings(python)
    chosen = addon.preferences
    return WorkerSettings(
        _path(chosen.python) or python, chosen.device, chosen.idle_minutes * 60.0,
        chosen.precision, _path(chosen.models_folder),
    )


def _path(chosen: str) -> str:
    return os.path.expanduser(bpy.path.abspath(chosen)) if chosen else ""


CLASSES = (FACEDEPTH_AP_preferences,)
