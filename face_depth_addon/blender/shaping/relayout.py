# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a finished mesh other faces, without inference."""

from typing import TYPE_CHECKING

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ...core.relief.building import Layout, build_surface
from ..attributes import BORDER, PLANE, SMOOTHED
from ..mesh import fill_mesh
from ..mesh_edit import read_attribute
from ..packages import require_packages
from ..stored import stored
from . import backdrop
from .shape import (
    applied,
    drop_layers,
    give_shape,
    require_shape,
    sampled_layers,
    shaped,
    write_layers,
)

if TYPE_CHECKING:
    from ...core.relief.surface import SurfaceMesh

# What sculpting moved less than this, in metres, was rounding.
_UNMOVED = 1e-6


def relayout(mesh: bpy.types.Mesh, layout: Layout) -> None:
    """Build a mesh anew from its stored depth, on the object and with the materials it has.

    What was sculpted, smoothed or keyed goes along. Vertex groups end up empty.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.
    layout : Layout

    Raises
    ------
    MeshError
        The mesh holds no reconstruction, or nothing would be left of it.
    FaceDepthError
        OpenCV is missing.
    """
    require_packages()
    require_shape(mesh)
    result = stored(mesh)
    shape, viewpoint = applied(mesh)
    surface = build_surface(result, layout, shape, viewpoint)
    edits = _edits(mesh, shaped(mesh, shape, viewpoint), surface)
    span = tuple(mesh.face_depth.span)
    sampled = {SMOOTHED, BORDER} & set(mesh.attributes.keys())
    drop_layers(mesh)
    if mesh.shape_keys is None:
        mesh.clear_geometry()
        _fill(mesh, surface, edits[0])
    else:
        _fill_with_keys(mesh, surface, edits)
    write_layers(mesh, sampled_layers(result, layout, surface.plane, sampled))
    give_shape(mesh, layout, shape, viewpoint, span)
    backdrop.follow(mesh)


def _edits(mesh: bpy.types.Mesh, unedited: np.ndarray, surface: "SurfaceMesh") -> list[np.ndarray]:
    """How far the user moved each vertex to be, by the mesh or by each of its shape keys."""
    from ...core.relief.transfer import carry

    count = len(mesh.vertices)
    plane = read_attribute(mesh, PLANE, "vector", np.float32, 2 * count).reshape(-1, 2)
    if mesh.shape_keys is None:
        states = [read_attribute(mesh, "position", "vector", np.float32, 3 * count)]
    else:
        states = [np.empty(3 * count, np.float32) for _ in mesh.shape_keys.key_blocks]
        for key, state in zip(mesh.shape_keys.key_blocks, states, strict=True):
            key.data.foreach_get("co", state)
    moved = [state.reshape(-1, 3) - unedited for state in states]
    unmoved = np.zeros_like(surface.positions)
    return [
        carry(plane, move, surface.plane) if (np.abs(move) > _UNMOVED).any() else unmoved
        for move in moved
    ]


def _fill(mesh: bpy.types.Mesh, surface: "SurfaceMesh", edit: np.ndarray) -> None:
    for _ in fill_mesh(mesh, surface):
        continue
    mesh.attributes["position"].data.foreach_set("vector", (surface.positions + edit).ravel())
    mesh.update()


def _fill_with_keys(
    mesh: bpy.types.Mesh, surface: "SurfaceMesh", edits: list[np.ndarray]
) -> None:
    """Through a BMesh, which alone can change how many vertices a shape key has."""
    fresh = bpy.data.meshes.new(mesh.name)
    edited = bmesh.new()
    try:
        _fill(fresh, surface, edits[0])
        edited.from_mesh(mesh)
        bmesh.ops.delete(edited, geom=edited.verts[:], context='VERTS')
        edited.from_mesh(fresh)
        edited.to_mesh(mesh)
    finally:
        edited.free()
        bpy.data.meshes.remove(fresh)
    for key, edit in zip(mesh.shape_keys.key_blocks, edits, strict=True):
        key.data.foreach_set("co", (surface.positions + edit).ravel())
    mesh.update()
