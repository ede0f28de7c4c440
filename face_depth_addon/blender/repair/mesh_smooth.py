# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth meshes and their borders, in Object Mode and in Edit Mode."""

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ...core.errors import MeshError
from ...core.polygons import smoothing
from ...core.polygons.smoothing import SmoothMethod
from ...core.polygons.topology import border_vertices
from ..attributes import DEPTH, PLANE, has_shape, has_stored
from ..mesh_edit import move_vertices, read_attribute, read_state, readable, refuse_locked_key
from ..stored import stored


def smooth_mesh(
    mesh: bpy.types.Mesh,
    *,
    method: SmoothMethod = "BILATERAL",
    iterations: int = 5,
    strength: float = 0.5,
    keep_border: bool = True,
    keep_features: bool = False,
    weights: np.ndarray | None = None,
    selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> int:
    """Smooth a mesh; hidden vertices stay where they are.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        In Object Mode or in Edit Mode.
    method, iterations, strength
        See ``core.polygons.smoothing.smooth``.
    keep_border : bool
        Vertices of open borders do not move.
    keep_features : bool
        Spare eyes, nose wings and lips, if the mesh was made from a photo with a face.
    weights : (V,) float array, optional
        Factors on the strength, 0 to 1.
    selected_only : bool
        Only selected vertices move.
    shape_key : bpy.types.ShapeKey, optional
        Key of the mesh to smooth in Object Mode, by default the basis. Keys relative to it
        move along, so that the shapes keep their difference.

    Returns
    -------
    int
        Number of vertices moved.

    Raises
    ------
    MeshError
        If the shape key is locked, or if the images that the mesh was made from are damaged.
    """
    refuse_locked_key(mesh, shape_key)
    state = read_state(mesh, selected_only, shape_key)
    movable = strength * state.allowed
    if keep_border:
        movable *= ~border_vertices(state.topology)
    if keep_features:
        movable *= feature_weights(mesh)
    if weights is not None:
        movable *= weights
    smoothed = smoothing.smooth(state.positions, state.topology, method, iterations, movable)
    return move_vertices(mesh, state.positions, smoothed, shape_key)


def smooth_mesh_border(
    mesh: bpy.types.Mesh,
    *,
    iterations: int = 10,
    strength: float = 1.0,
    weights: np.ndarray | None = None,
    selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> int:
    """Smooth the open borders of a mesh along themselves.

    Parameters
    ----------
    mesh, weights, selected_only, shape_key
        See ``smooth_mesh``.
    iterations, strength
        See ``core.polygons.smoothing.smooth_border``.

    Returns
    -------
    int
        Number of vertices moved.

    Raises
    ------
    MeshError
        If the shape key is locked.
    """
    refuse_locked_key(mesh, shape_key)
    state = read_state(mesh, selected_only, shape_key)
    movable = strength * state.allowed
    if weights is not None:
        movable *= weights
    smoothed = smoothing.smooth_border(state.positions, state.topology, iterations, movable)
    return move_vertices(mesh, state.positions, smoothed, shape_key)


def feature_weights(mesh: bpy.types.Mesh) -> np.ndarray:
    """Factors that spare the face's features: (V,), ones where no face is known.

    Measured in the photo's plane, so that no slider and no sculpting moves them.

    Raises
    ------
    MeshError
        The images that the mesh was made from are damaged.
    """
    with readable(mesh) as source:
        count = len(source.vertices)
        plane = read_attribute(source, PLANE, "vector", np.float32, 2 * count).reshape(-1, 2)
        depth = read_attribute(source, DEPTH, "value", np.float32, count)
        known = has_shape(source)
    result = stored(mesh) if known and has_stored(mesh) else None
    if result is None or result.landmarks is None:
        return np.ones(count)
    side = result.crop.side * result.metres_per_pixel
    x, y, _ = (result.landmarks - result.origin).T * side
    landmarks = np.stack([x, np.zeros_like(x), -y], axis=1)
    return smoothing.feature_weights(
        np.column_stack([plane[:, 0], -depth, plane[:, 1]]), landmarks
    )


def group_weights(item: bpy.types.Object, name: str) -> np.ndarray:
    """Weights of an object's vertices in one of its vertex groups: (V,) float64.

    Raises
    ------
    MeshError
        The object has no such group.
    """
    group = item.vertex_groups.get(name)
    if group is None:
        raise MeshError(f"{item.name} has no vertex group {name}: choose another or none.")
    if item.data.is_editmode:
        return _weights(bmesh.from_edit_mesh(item.data), group.index)
    edited = bmesh.new()
    try:
        edited.from_mesh(item.data, face_normals=False, vertex_normals=False)
        return _weights(edited, group.index)
    finally:
        edited.free()


def _weights(edited, index) -> np.ndarray:
    layer = edited.verts.layers.deform.active
    if layer is None:
        return np.zeros(len(edited.verts))
    # Neither has Blender bulk access to vertex groups.
    return np.array([vert[layer].get(index, 0.0) for vert in edited.verts])
