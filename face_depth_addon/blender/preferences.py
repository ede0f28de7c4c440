# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sets once: interpreter, device, precision, folder of models, idle time, log."""

import os
from typing import NamedTuple

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

from .wording import iface

PACKAGE = __package__.rpartition(".")[0]


def _follow_log(preferences, context):
    from .diagnosis.notebook import follow

    preferences.log_error = follow(_path(preferences.log_file))


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
        description="Runs the depth model: one that has torch and transformers, or onnxruntime, "
        "and opencv-python and pillow. Empty for Blender's own Python",
    )
    device: EnumProperty(
        name="Device", description="What depth models run on", items=DEVICE_ITEMS,
    )
    precision: EnumProperty(
        name="Precision", items=PRECISION_ITEMS,
        description="Numbers that depth models compute with",
    )
    models_folder: StringProperty(
        name="Folder of Models", subtype='DIR_PATH',
        description="Your own folder that holds models by their names, beside those that were "
        "downloaded",
    )
    log_file: StringProperty(
        name="Log File", subtype='FILE_PATH', update=_follow_log,
        description="Where warnings and errors are written, those of the worker too; empty for "
        "nowhere. Workers that are running already go on as they are",
    )
    log_error: StringProperty(options={'HIDDEN', 'SKIP_SAVE'})
    idle_minutes: FloatProperty(
        name="Keep Warm (Minutes)", default=5.0, min=0.1, soft_max=60.0,
        description="Minutes after which an idle worker frees its memory",
    )

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "python", placeholder=iface("Blender's own"))
        layout.prop(self, "device")
        layout.prop(self, "precision")
        layout.prop(self, "models_folder")
        layout.prop(self, "idle_minutes")
        layout.prop(self, "log_file")
        if self.log_error:
            layout.label(text=self.log_error, icon='ERROR')
        from .diagnosis.ops_diagnosis import draw_diagnosis

        draw_diagnosis(layout)


class WorkerSettings(NamedTuple):
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


def log_path(context: bpy.types.Context) -> str:
    """The user's log file; empty for none."""
    addon = context.preferences.addons.get(PACKAGE)
    return _path(addon.preferences.log_file) if addon and addon.preferences else ""


def _path(chosen: str) -> str:
    return os.path.expanduser(bpy.path.abspath(chosen)) if chosen else ""


CLASSES = (FACEDEPTH_AP_preferences,)
