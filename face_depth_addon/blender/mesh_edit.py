# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth and clean up mesh data-blocks, in Object Mode and in Edit Mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from math import radians

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ..core import meshfilter, smoothing
from ..core.errors import MeshError
from ..core.holes import find_holes
from ..core.smoothing import SmoothMethod
from ..core.topology import Topology, border_vertices, faces_within, keep_faces, small_islands


@dataclass(frozen=True)
class CleanupReport:
    """What a clean-up has changed, as numbers of elements."""

    merged: int = 0
    faces: int = 0
    islands: int = 0
    spikes: int = 0
    holes: int = 0

    def __add__(self, other: "CleanupReport") -> "CleanupReport":
        return CleanupReport(
            self.merged + other.merged,
            self.faces + other.faces,
            self.islands + other.islands,
            self.spikes + other.spikes,
            self.holes + other.holes,
        )

    def sentence(self) -> str:
        """For people, without a final full stop."""
        removed = [
            _counted(self.faces, "face"),
            _counted(self.islands, "island"),
            _counted(self.spikes, "spike"),
        ]
        removed = ", ".join(part for part in removed if part)
        parts = [
            f"merged {_counted(self.merged, 'vertex', 'vertices')}" if self.merged else "",
            f"removed {removed}" if removed else "",
            f"filled {_counted(self.holes, 'hole')}" if self.holes else "",
        ]
        text = "; ".join(part for part in parts if part) or "nothing to clean up"
        return text[0].upper() + text[1:]


def has_selection(mesh: bpy.types.Mesh) -> bool:
    """Whether any visible vertex is selected."""
    if mesh.is_editmode:
        return mesh.total_vert_sel > 0
    count = len(mesh.vertices)
    selected = read_attribute(mesh, ".select_vert", "value", bool, count)
    return bool((selected & ~read_attribute(mesh, ".hide_vert", "value", bool, count)).any())


def smooth_mesh(
    mesh: bpy.types.Mesh,
    *,
    method: SmoothMethod = "BILATERAL",
    iterations: int = 5,
    strength: float = 0.5,
    keep_border: bool = True,
    selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> int:
    """Smooth a mesh; hidden vertices stay where they are.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        In Object Mode or in Edit Mode.
    method, iterations, strength
        See ``core.smoothing.smooth``.
    keep_border : bool
        Vertices of open borders do not move.
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
        If the shape key is locked.
    """
    _refuse_locked_key(mesh, shape_key)
    state = _read(mesh, selected_only, shape_key)
    movable = state.allowed
    if keep_border:
        movable = movable & ~border_vertices(state.topology)
    smoothed = smoothing.smooth(
        state.positions, state.topology, method, iterations, strength * movable
    )
    return move_vertices(mesh, state.positions, smoothed, shape_key)


def cleanup_mesh(
    mesh: bpy.types.Mesh,
    *,
    cut_stretched: bool = True,
    max_angle: float = radians(75.0),
    remove_spikes: bool = True,
    drop_islands: bool = True,
    min_island: float = 0.05,
    fill_holes: bool = True,
    max_hole_sides: int = 32,
    merge_doubles: bool = False,
    merge_distance: float = 0.0001,
    selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Repair a mesh: merge doubles, pull spikes, cut, drop islands, fill holes, in this order.

    Hidden vertices, and what hangs on them, are left alone.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        In Object Mode or in Edit Mode.
    cut_stretched, max_angle
        Delete faces turned further than ``max_angle`` (radians) from the Y axis: the rubber
        sheets at depth jumps.
    remove_spikes : bool
        Pull single vertices that stick out back to their neighbours.
    drop_islands, min_island
        Delete parts with fewer than this share (0 to 1) of the biggest part's vertices.
    fill_holes, max_hole_sides
        Close holes of at most so many edges, but never the outer border, and with
        ``cut_stretched`` no hole that only a stretched face would close.
    merge_doubles, merge_distance
        Merge vertices that are no further apart than this distance (metres).
    selected_only : bool
        Change only what lies wholly within the selected vertices.
    shape_key : bpy.types.ShapeKey, optional
        See ``smooth_mesh``.

    Returns
    -------
    CleanupReport

    Raises
    ------
    MeshError
        If the cut would delete every face, or if the shape key is locked.
    """
    state = _read(mesh, selected_only, shape_key)
    if cut_stretched:
        _refuse_to_cut_all(state, max_angle)
    _refuse_locked_key(mesh, shape_key)
    merged = 0
    if merge_doubles:
        merged = _merge_doubles(mesh, state.allowed, merge_distance)
        state = _read(mesh, selected_only, shape_key) if merged else state

    positions, topology, allowed = state.positions, state.topology, state.allowed
    spike_count = 0
    if remove_spikes:
        positions, spikes = meshfilter.pull_spikes(positions, topology, allowed)
        spike_count = int(spikes.sum())

    doomed = np.zeros(len(topology.face_starts), dtype=bool)
    if cut_stretched:
        doomed = meshfilter.stretched_faces(positions, topology, max_angle)
        doomed &= faces_within(topology, allowed)
    cut_count = int(doomed.sum())

    loose = np.zeros(topology.vertex_count, dtype=bool)
    island_count = 0
    if drop_islands:
        rest = keep_faces(topology, ~doomed)
        in_rest, in_mesh = _in_faces(rest), _in_faces(topology)
        island_faces, island_vertices, island_count = small_islands(
            rest, min_island, in_rest | ~in_mesh, allowed
        )
        loose = island_vertices & ~in_mesh
        doomed[np.flatnonzero(~doomed)[island_faces]] = True

    holes = []
    if fill_holes:
        rest = keep_faces(topology, ~doomed)
        limit = max_angle if cut_stretched else None
        holes = find_holes(positions, rest, max_hole_sides, limit)
        holes = [hole for hole in holes if allowed[hole].all()]

    if spike_count:
        move_vertices(mesh, state.positions, positions, shape_key)
    if holes or doomed.any() or loose.any():
        _rebuild(mesh, doomed, loose, holes)
    return CleanupReport(merged, cut_count, island_count, spike_count, len(holes))


@dataclass(frozen=True)
class _MeshState:
    positions: np.ndarray
    topology: Topology
    allowed: np.ndarray


def _read(mesh, selected_only, shape_key) -> _MeshState:
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
    return _MeshState(positions.reshape(-1, 3), topology, allowed)


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
def _editable(mesh) -> Iterator[bmesh.types.BMesh]:
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


def _refuse_to_cut_all(state, max_angle) -> None:
    stretched = meshfilter.stretched_faces(state.positions, state.topology, max_angle)
    if len(stretched) and stretched.all():
        raise MeshError(
            "Every face would be cut: turn the mesh so that it faces -Y in its own space, "
            "raise the angle, or switch off Cut Stretched Faces."
        )


def _refuse_locked_key(mesh, shape_key) -> None:
    if mesh.shape_keys is not None and not mesh.is_editmode:
        key = shape_key or mesh.shape_keys.reference_key
        if key.lock_shape:
            raise MeshError(f"The shape key {key.name} is locked: unlock it or choose another.")


def _in_faces(topology) -> np.ndarray:
    inside = np.zeros(topology.vertex_count, dtype=bool)
    inside[topology.corner_verts] = True
    return inside


def _merge_doubles(mesh, allowed, distance) -> int:
    with _editable(mesh) as edited:
        before = len(edited.verts)
        verts = list(compress(edited.verts, allowed.tolist()))
        bmesh.ops.remove_doubles(edited, verts=verts, dist=distance)
        return before - len(edited.verts)


def _rebuild(mesh, doomed, loose, holes) -> None:
    """Delete faces and loose vertices, then close holes."""
    with _editable(mesh) as edited:
        edited.verts.ensure_lookup_table()
        rims = [[edited.verts[index] for index in hole.tolist()] for hole in holes]
        stray = list(compress(edited.verts, loose.tolist()))
        faces = list(compress(edited.faces, doomed.tolist()))
        bmesh.ops.delete(edited, geom=stray, context='VERTS')
        bmesh.ops.delete(edited, geom=faces, context='FACES')
        for rim in rims:
            _close_hole(edited, rim)


def _close_hole(edited, rim) -> None:
    """Add one face that takes its looks, UVs and corner data from the faces around."""
    beside = edited.edges.get(rim[:2]).link_faces[0]
    face = edited.faces.new(rim, beside)
    for corner in face.loops:
        corner.copy_from(corner.link_loop_radial_next.link_loop_next)


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
        if shape_key is None or shape_key == mesh.shape_keys.reference_key:
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


def _counted(count: int, singular: str, plural: str = "") -> str:
    if not count:
        return ""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
