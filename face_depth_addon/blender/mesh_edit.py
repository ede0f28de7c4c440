# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and changing mesh data-blocks, in Object Mode and in Edit Mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, compress

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ..core.errors import MeshError
from ..core.polygons.topology import Topology


@dataclass(frozen=True)
class MeshState:
    """A mesh as arrays.

    Attributes
    ----------
    positions : (V, 3) float32 array
        Of the mesh, or of one of its shape keys.
    topology : Topology
    allowed : (V,) bool array
        The vertices that may change: visible ones, and only selected ones if asked for.
    """

    positions: np.ndarray
    topology: Topology
    allowed: np.ndarray


def has_selection(mesh: bpy.types.Mesh) -> bool:
    """Whether any visible vertex is selected."""
    if mesh.is_editmode:
        return mesh.total_vert_sel > 0
    count = len(mesh.vertices)
    selected = read_attribute(mesh, ".select_vert", "value", bool, count)
    return bool((selected & ~read_attribute(mesh, ".hide_vert", "value", bool, count)).any())


def read_state(
    mesh: bpy.types.Mesh,
    selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> MeshState:
    """Arrays of a mesh.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        In Object Mode or in Edit Mode.
    selected_only : bool
        Only selected vertices may change.
    shape_key : bpy.types.ShapeKey, optional
        Key of the mesh whose positions are read in Object Mode, by default the basis.
    """
    with readable(mesh) as source:
        count = len(source.vertices)
        edges = read_attribute(source, ".edge_verts", "value", np.int32, 2 * len(source.edges))
        corner_verts, corner_edges = (
            read_attribute(source, name, "value", np.int32, len(source.loops))
            for name in (".corner_vert", ".corner_edge")
        )
        face_starts = np.empty(len(source.polygons), dtype=np.int32)
        source.polygons.foreach_get("loop_start", face_starts)
        if shape_key is None or mesh.is_editmode:
            positions = read_attribute(source, "position", "vector", np.float32, 3 * count)
        else:
            positions = np.empty(3 * count, dtype=np.float32)
            shape_key.data.foreach_get("co", positions)
        allowed = ~read_attribute(source, ".hide_vert", "value", bool, count)
        if selected_only:
            allowed &= read_attribute(source, ".select_vert", "value", bool, count)
    topology = Topology(
        count,
        edges.reshape(-1, 2).astype(np.intp),
        corner_verts.astype(np.intp),
        corner_edges.astype(np.intp),
        face_starts.astype(np.intp),
    )
    return MeshState(positions.reshape(-1, 3), topology, allowed)


def read_attribute(mesh, name, field, dtype, length) -> np.ndarray:
    """All values of a mesh attribute in one flat array; zeros where it is missing."""
    values = np.zeros(length, dtype=dtype)
    attribute = mesh.attributes.get(name)
    if attribute is not None and length:
        attribute.data.foreach_get(field, values)
    return values


@contextmanager
def readable(mesh: bpy.types.Mesh) -> Iterator[bpy.types.Mesh]:
    """The mesh, or in Edit Mode a scratch copy of its state there, to read arrays from."""
    if not mesh.is_editmode:
        yield mesh
        return
    scratch = bpy.data.meshes.new(mesh.name)
    try:
        bmesh.from_edit_mesh(mesh).to_mesh(scratch)
        yield scratch
    finally:
        bpy.data.meshes.remove(scratch)


@contextmanager
def editable(mesh: bpy.types.Mesh) -> Iterator[bmesh.types.BMesh]:
    """The mesh's BMesh for changes of topology, written back at the end."""
    if mesh.is_editmode:
        edited = bmesh.from_edit_mesh(mesh)
        yield edited
        edited.select_flush_mode()
        edited.normal_update()
        bmesh.update_edit_mesh(mesh)
        return
    edited = bmesh.new()
    try:
        edited.from_mesh(mesh, face_normals=False, vertex_normals=False)
        yield edited
        edited.to_mesh(mesh)
        mesh.update()
    finally:
        edited.free()


def refuse_locked_key(mesh: bpy.types.Mesh, shape_key: bpy.types.ShapeKey | None) -> None:
    """Raise a MeshError if the shape key, by default the basis, must not be changed."""
    if mesh.shape_keys is not None and not mesh.is_editmode:
        key = shape_key or mesh.shape_keys.reference_key
        if key.lock_shape:
            raise MeshError(f"The shape key {key.name} is locked: unlock it or choose another.")


def shapes_mesh(mesh: bpy.types.Mesh, shape_key: bpy.types.ShapeKey | None) -> bool:
    """Whether changes of the shape key are changes of the mesh itself."""
    return shape_key is None or shape_key == mesh.shape_keys.reference_key


def select_faces(mesh: bpy.types.Mesh, chosen: np.ndarray) -> None:
    """Select these faces ((F,) bool) with their vertices and edges, and nothing else."""
    if mesh.is_editmode:
        edited = bmesh.from_edit_mesh(mesh)
        for element in chain(edited.verts, edited.edges, edited.faces):
            element.select = False
        for face in compress(edited.faces, chosen.tolist()):
            face.select = True
        bmesh.update_edit_mesh(mesh, loop_triangles=False, destructive=False)
        return
    corners = np.repeat(chosen, np.diff(_starts(mesh), append=len(mesh.loops)))
    for name, domain, corner_of, count in (
        (".select_vert", 'POINT', ".corner_vert", len(mesh.vertices)),
        (".select_edge", 'EDGE', ".corner_edge", len(mesh.edges)),
    ):
        at = read_attribute(mesh, corner_of, "value", np.int32, len(mesh.loops))
        flags = np.zeros(count, dtype=bool)
        flags[at[corners]] = True
        _write_flags(mesh, name, domain, flags)
    _write_flags(mesh, ".select_poly", 'FACE', chosen)
    mesh.update()


def _starts(mesh) -> np.ndarray:
    starts = np.empty(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    return starts


def _write_flags(mesh, name, domain, flags) -> None:
    # Made anew: after from_pydata, bpy 5.0 has edge flags of a wrong type and crashes on them.
    if name in mesh.attributes:
        mesh.attributes.remove(mesh.attributes[name])
    mesh.attributes.new(name, 'BOOLEAN', domain).data.foreach_set("value", flags)


def move_vertices(mesh, before, after, shape_key=None) -> int:
    """Write positions and return how many vertices they move."""
    after = after.astype(np.float32)
    moved = (after != before).any(axis=1)
    if not moved.any():
        return 0
    if mesh.is_editmode:
        _move_edited(mesh, moved, after)
    else:
        _move_keys(mesh, after, after - before, shape_key)
        if shapes_mesh(mesh, shape_key):
            mesh.attributes["position"].data.foreach_set("vector", after.ravel())
        mesh.update()
    return int(moved.sum())


def _move_edited(mesh, moved, after) -> None:
    edited = bmesh.from_edit_mesh(mesh)
    # An edited mesh has no bulk access to its positions.
    for vert, position in zip(
        compress(edited.verts, moved.tolist()), after[moved].tolist(), strict=True
    ):
        vert.co = position
    edited.normal_update()
    bmesh.update_edit_mesh(mesh, destructive=False)


def _move_keys(mesh, after, shift, shape_key) -> None:
    """Move a shape key, and along with it all keys relative to it."""
    keys = mesh.shape_keys
    if keys is None:
        return
    active = shape_key or keys.reference_key
    active.data.foreach_set("co", after.ravel())
    moving = {active.name}
    queue = [active.name] if keys.use_relative else []
    while queue:
        parent = queue.pop()
        for key in keys.key_blocks:
            if key.relative_key.name == parent and key.name not in moving:
                moving.add(key.name)
                queue.append(key.name)
                positions = np.empty(shift.size, dtype=np.float32)
                key.data.foreach_get("co", positions)
                key.data.foreach_set("co", positions + shift.ravel())
