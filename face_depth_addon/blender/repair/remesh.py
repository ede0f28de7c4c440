# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a mesh other faces by Blender's own remeshers, and its attributes back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ...core.errors import MeshError
from .surface_transfer import Faces, Surface

Method = Literal["QUADRIFLOW", "VOXEL"]
Unit = Literal["TRIANGLES", "VERTICES"]

# How often a remesher may try to come near to the number that is asked for, and the share of it by
# which it may miss. QuadriFlow takes seconds each time and does not come nearer for long.
_TRIES, _NEAR = 4, 0.05
_QUADRIFLOW_TRIES, _QUADRIFLOW_NEAR = 4, 0.1


def quad_remesh(
    context: bpy.types.Context, item: bpy.types.Object, faces: int, method: Method = "QUADRIFLOW"
) -> None:
    """Replace a mesh's faces by quads of even size.

    Colours, UV maps, materials and all other attributes are read off the old surface at the place
    of the new vertices, so that the sliders of a relief go on working. Vertex groups end up empty.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        Not in Edit Mode; its modifiers stay.
    faces : int
        About how many the mesh is to have.
    method : str
        ``QUADRIFLOW`` follows the form, ``VOXEL`` cuts a closed mesh along its axes.

    Raises
    ------
    MeshError
        The mesh has shape keys or no faces, or the method cannot work on it.
    """
    mesh = item.data
    _refuse_unfit(mesh)
    if method == "VOXEL":
        found = _by_voxels(context, mesh, faces)
    else:
        found = _by_quadriflow(context, mesh, faces)
    surface = Surface(mesh)
    found = surface.laid(found)
    values = surface.values(found)
    colour = _active_colours(mesh)
    mesh.clear_geometry()
    found.write(mesh)
    for value in values:
        value.write(mesh)
    _set_active_colours(mesh, colour)
    mesh.update()


def decimate(
    context: bpy.types.Context, item: bpy.types.Object, budget: int, unit: Unit = "TRIANGLES"
) -> tuple[int, int]:
    """Collapse edges until no more than a number of triangles or vertices is left.

    All attributes and vertex groups go along.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        Not in Edit Mode; its modifiers stay.
    budget : int
    unit : str
        ``TRIANGLES`` or ``VERTICES``.

    Returns
    -------
    tuple of int
        How many there were before, and how many are left.

    Raises
    ------
    MeshError
        The mesh has shape keys, no faces, or no more than the budget already.
    """
    mesh = item.data
    _refuse_unfit(mesh)
    triangles, vertices = _triangle_count(mesh), len(mesh.vertices)
    before = triangles if unit == "TRIANGLES" else vertices
    if budget >= before:
        raise MeshError(
            f"The mesh has only {before} {unit.lower()}: choose a smaller budget than that."
        )
    colour = _active_colours(mesh)
    with _scratch(context, mesh) as scratch:
        modifier = scratch.modifiers.new("Decimate", 'DECIMATE')
        modifier.use_collapse_triangulate, modifier.use_symmetry = True, False
        # Away from borders each vertex that goes takes two triangles along.
        left = budget if unit == "TRIANGLES" else triangles - 2 * (vertices - budget)
        for _ in range(_TRIES):
            modifier.ratio = max(left, 1) / triangles
            evaluated = scratch.evaluated_get(_updated(context))
            reduced = evaluated.data
            after = _triangle_count(reduced) if unit == "TRIANGLES" else len(reduced.vertices)
            if budget * (1.0 - _NEAR) <= after <= budget:
                break
            left = int(left * budget / after) - 1
        # Each collapse shifts attributes along its edge alone, though the vertex leaves it.
        values = Surface(mesh).values(Faces.of(reduced), without_seams=True)
        edited = bmesh.new()
        try:
            edited.from_mesh(reduced)
            edited.to_mesh(mesh)
        finally:
            edited.free()
    for value in values:
        value.write(mesh)
    _set_active_colours(mesh, colour)
    mesh.update()
    return before, after


def _refuse_unfit(mesh: bpy.types.Mesh) -> None:
    if mesh.shape_keys is not None:
        raise MeshError(
            f"The mesh {mesh.name} has shape keys, which only fit its own vertices: remove them "
            "first, or remesh a copy without them."
        )
    if not mesh.polygons:
        raise MeshError(f"The mesh {mesh.name} has no faces that could be remeshed.")


def _by_quadriflow(context: bpy.types.Context, mesh: bpy.types.Mesh, faces: int) -> Faces:
    def remesh(scratch: bpy.types.Object, asked: int) -> Faces:
        scratch.data = mesh.copy()
        with context.temp_override(
            object=scratch, active_object=scratch, selected_objects=[scratch],
            selected_editable_objects=[scratch],
        ):
            outcome = bpy.ops.object.quadriflow_remesh(
                mode='FACES', target_faces=asked, use_mesh_symmetry=False,
                use_preserve_boundary=True, use_preserve_sharp=False, seed=0,
            )
        if outcome != {'FINISHED'}:
            raise MeshError(
                f"QuadriFlow cannot remesh {mesh.name}: its surface crosses or meets itself, or "
                "its faces point both ways; run Clean Up on it first."
            )
        return Faces.of(scratch.data)

    with _scratch(context, mesh) as scratch:
        return _nearest_count(
            lambda asked: remesh(scratch, asked), faces, _QUADRIFLOW_TRIES, _QUADRIFLOW_NEAR
        )


def _by_voxels(context: bpy.types.Context, mesh: bpy.types.Mesh, faces: int) -> Faces:
    counts = np.bincount(Faces.of(mesh).edge_of_corner)
    if (counts != 2).any():
        raise MeshError(
            f"The mesh {mesh.name} is not closed, which voxels need: choose QuadriFlow, or close "
            "the mesh first."
        )

    def remesh(scratch: bpy.types.Object, asked: int) -> Faces:
        modifier = scratch.modifiers.get("Remesh") or scratch.modifiers.new("Remesh", 'REMESH')
        modifier.mode = 'VOXEL'
        modifier.voxel_size = float(np.sqrt(area / asked))
        return Faces.of(scratch.evaluated_get(_updated(context)).data)

    with _scratch(context, mesh) as scratch:
        areas = np.empty(len(mesh.polygons), np.float32)
        mesh.polygons.foreach_get("area", areas)
        area = float(areas.sum())
        return _nearest_count(lambda asked: remesh(scratch, asked), faces, _TRIES, _NEAR)


def _nearest_count(
    remesh: Callable[[int], Faces], faces: int, tries: int, near: float
) -> Faces:
    """The result with the number of faces that comes nearest to what is wanted."""
    asked, best = faces, None
    for _ in range(tries):
        found = remesh(asked)
        if not found.count:
            break
        if best is None or abs(found.count - faces) < abs(best.count - faces):
            best = found
        if abs(best.count - faces) <= near * faces:
            break
        asked = max(4, round(asked * faces / found.count))
    if best is None:
        raise MeshError("No faces would be left: ask for more.")
    return best


@contextmanager
def _scratch(context: bpy.types.Context, mesh: bpy.types.Mesh) -> Iterator[bpy.types.Object]:
    """An object of a copy of a mesh, in the scene for as long as it is used."""
    meshes = {mesh.name for mesh in bpy.data.meshes}
    scratch = bpy.data.objects.new("Face Depth scratch", mesh.copy())
    context.scene.collection.objects.link(scratch)
    try:
        yield scratch
    finally:
        bpy.data.objects.remove(scratch)
        bpy.data.batch_remove([mesh for mesh in bpy.data.meshes if mesh.name not in meshes])
        # Until then the layer's list of objects holds a gap.
        context.view_layer.update()


def _updated(context: bpy.types.Context) -> bpy.types.Depsgraph:
    context.view_layer.update()
    return context.evaluated_depsgraph_get()


def _triangle_count(mesh: bpy.types.Mesh) -> int:
    return len(mesh.loops) - 2 * len(mesh.polygons)


@dataclass(frozen=True)
class _Active:
    colour: str
    render: str


def _active_colours(mesh: bpy.types.Mesh) -> _Active:
    return _Active(
        mesh.attributes.active_color_name or "", mesh.attributes.default_color_name or ""
    )


def _set_active_colours(mesh: bpy.types.Mesh, names: _Active) -> None:
    mesh.attributes.active_color_name = names.colour
    mesh.attributes.default_color_name = names.render
