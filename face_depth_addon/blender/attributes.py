# SPDX-License-Identifier: GPL-3.0-or-later
"""What our meshes carry, by which panels and buttons know them."""

import bpy

COLOUR, DEPTH, PLANE, UV = "Color", "depth", "plane", "UVMap"
# Written when they are first needed.
SMOOTHED, BORDER, DETAIL = "depth_smoothed", "border_distance", "depth_detail"
#: Of whole heads, see `head.completion` and `fusion.fused_object`: what photos show of a vertex.
SEEN = "seen"


def has_shape(mesh: bpy.types.Mesh) -> bool:
    """Whether the mesh stores what the sliders need."""
    return DEPTH in mesh.attributes and PLANE in mesh.attributes


def has_stored(mesh: bpy.types.Mesh) -> bool:
    """Whether `stored.stored` would find everything it needs."""
    settings = mesh.face_depth
    return bool(settings.record) and settings.depth_image is not None and (
        settings.matte_image is not None and settings.photo_image is not None
    )
