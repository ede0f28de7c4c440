# SPDX-License-Identifier: GPL-3.0-or-later
"""Scales a mesh with all that it stores."""

import json

import bpy
import numpy as np

from ..attributes import BORDER, DEPTH, DETAIL, PLANE, SMOOTHED
from . import shape_nodes
from .shape import as_applied, floats

_ATTRIBUTES = (("position", 3), (DEPTH, 1), (PLANE, 2), (SMOOTHED, 2), (BORDER, 1), (DETAIL, 1))
_LENGTHS = ("anchor", "distance", "feather", "metres_per_pixel")
_PLACES = ("axis", "aim", "span")
_PROVENANCE = "face_depth_metres_per_pixel"


def resize(mesh: bpy.types.Mesh) -> None:
    """Bring a mesh, and all that it stores in metres, to the size that its settings ask for.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode, and displaced as its sliders say.
    """
    settings = mesh.face_depth
    ratio = settings.size_mm / settings.applied_mm
    for name, width in _ATTRIBUTES:
        if name in mesh.attributes:
            values = floats(mesh, name, width) * np.float32(ratio)
            mesh.attributes[name].data.foreach_set(
                "vector" if width > 1 else "value", values.ravel()
            )
    for key in mesh.shape_keys.key_blocks if mesh.shape_keys else ():
        places = np.empty(3 * len(mesh.vertices), np.float32)
        key.data.foreach_get("co", places)
        key.data.foreach_set("co", places * np.float32(ratio))
    with as_applied(settings):
        for name in _LENGTHS:
            setattr(settings, name, ratio * getattr(settings, name))
        for name in _PLACES:
            setattr(settings, name, [ratio * value for value in getattr(settings, name)])
        if settings.record:
            record = json.loads(settings.record)
            record["metres_per_pixel"] *= ratio
            settings.record = json.dumps(record)
        settings.applied_mm = settings.size_mm
    for item in bpy.data.objects:
        if item.data == mesh:
            shape_nodes.resize_modifiers(item, ratio)
            if _PROVENANCE in item:
                item[_PROVENANCE] *= ratio
    mesh.update()
