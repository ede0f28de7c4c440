# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the Blender that is tested, and writes down what is so, ten times a second.

It acts on nothing: all that happens comes from the mouse and the keys.
"""

import json
import os
import sys
import zlib

import bpy
import numpy as np

_TARGET = os.environ["FACE_DEPTH_OBSERVED"]
_PAUSE = 0.1
_HEAVY = ("torch", "transformers", "diffusers", "onnxruntime", "cv2", "PIL")

_counts = {"ticks": 0}


def _box(item: bpy.types.Area | bpy.types.Region, height: int) -> list[int]:
    """Left, top, width and height in the window's pixels, from its upper left corner."""
    return [item.x, height - item.y - item.height, item.width, item.height]


def _area(area: bpy.types.Area, height: int) -> dict:
    found = {
        "type": area.type, "box": _box(area, height),
        "regions": {region.type: _box(region, height) for region in area.regions},
    }
    if area.type == 'VIEW_3D':
        view = area.spaces.active.region_3d
        found["view"] = [round(value, 5) for row in view.view_matrix for value in row]
    return found


def _object(item: bpy.types.Object) -> dict:
    found = {"type": item.type, "selected": item.select_get()}
    if item.type == 'MESH':
        positions = np.empty(len(item.data.vertices) * 3, np.float32)
        item.data.vertices.foreach_get("co", positions)
        found |= {"vertices": len(item.data.vertices), "checksum": zlib.crc32(positions)}
    return found


def _facts() -> dict:
    manager = bpy.context.window_manager
    windows = [
        {
            "size": [window.width, window.height],
            "areas": [_area(area, window.height) for area in window.screen.areas],
            "modal": [operator.bl_idname for operator in window.modal_operators],
        }
        for window in manager.windows
    ]
    layer = manager.windows[0].view_layer
    return {
        "tick": _counts["ticks"], "windows": windows,
        "objects": {item.name: _object(item) for item in layer.objects},
        "active": layer.objects.active.name if layer.objects.active else None,
        "images": [image.name for image in bpy.data.images],
        "file": bpy.data.filepath, "unsaved": bpy.data.is_dirty,
        "version": list(bpy.app.version),
        "heavy": [name for name in _HEAVY if name in sys.modules],
    }


def _observe() -> float:
    _counts["ticks"] += 1
    draft = f"{_TARGET}.new"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(_facts(), file)
    os.replace(draft, _TARGET)
    return _PAUSE


bpy.app.timers.register(_observe, first_interval=_PAUSE, persistent=True)
