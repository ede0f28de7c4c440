# SPDX-License-Identifier: GPL-3.0-or-later
"""What a slider of a finished mesh moves: the mesh, its camera and its backdrop."""

import bpy

from ...core.relief.shaping import Shape
from . import backdrop, camera
from .shape import reshape, set_shape
from .sizing import resize


def follow(mesh: bpy.types.Mesh) -> None:
    """Bring a mesh, and what belongs to it, to what its sliders say.

    In Edit Mode it is left alone and follows with the next change after that.

    Raises
    ------
    MeshError
        As `shape.reshape` does.
    """
    settings = mesh.face_depth
    if not settings.applied or mesh.is_editmode:
        return
    reshape(mesh)
    if settings.size_mm != settings.applied_mm:
        resize(mesh)
    camera.follow(mesh)
    backdrop.follow(mesh)


def reset_shape(mesh: bpy.types.Mesh) -> None:
    """Bring all sliders back to what the photo says; projection, size and edits stay.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.
    """
    settings = mesh.face_depth
    set_shape(mesh, Shape(settings.projection), camera.photo_distance(mesh))
    follow(mesh)
