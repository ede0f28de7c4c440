# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean-up of meshes, step by step or at once, in Object Mode and in Edit Mode.

Each step takes a mesh, ``selected_only`` and ``shape_key`` as ``read_state`` does, changes
only what lies wholly within the vertices that may change, and returns what it did. Vertices
that stay keep their colours, UVs and stored depth.
"""

from itertools import compress
from math import radians

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ...core.errors import MeshError
from ...core.polygons.holes import HoleFill
from ...core.polygons.meshfilter import stretched_faces
from ...core.polygons.spikes import at_neighbours, spike_links
from ...core.polygons.topology import faces_within, small_islands
from ..attributes import DEPTH, has_shape
from ..mesh_edit import (
    editable,
    move_vertices,
    read_attribute,
    read_state,
    readable,
    refuse_locked_key,
    shapes_mesh,
)
from ..shaping.shape import applied
from .cleanup_report import CleanupReport
from .mesh_holes import fill_mesh_holes


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
    fill: HoleFill = "AUTO",
    merge_doubles: bool = False,
    merge_distance: float = 0.0001,
    selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Repair a mesh: merge doubles, pull spikes, cut, drop islands, fill holes, in this order.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        In Object Mode or in Edit Mode.
    cut_stretched, max_angle
        See ``cut_stretched_faces``.
    remove_spikes : bool
        See ``pull_spikes``.
    drop_islands, min_island
        See ``drop_small_islands``.
    fill_holes, max_hole_sides, fill
        See ``fill_mesh_holes``. With ``cut_stretched`` no hole is closed by a stretched face.
    merge_doubles, merge_distance
        See ``merge_double_vertices``.
    selected_only : bool
        Change only what lies wholly within the selected vertices.
    shape_key : bpy.types.ShapeKey, optional
        See ``mesh_smooth.smooth_mesh``.

    Raises
    ------
    MeshError
        If the cut would delete every face, or if the shape key is locked.
    """
    if cut_stretched:
        _refuse_to_cut_all(read_state(mesh, selected_only, shape_key), max_angle)
    refuse_locked_key(mesh, shape_key)
    target = {"selected_only": selected_only, "shape_key": shape_key}
    report = CleanupReport()
    if merge_doubles:
        report += merge_double_vertices(mesh, distance=merge_distance, **target)
    if remove_spikes:
        report += pull_spikes(mesh, **target)
    if cut_stretched:
        report += cut_stretched_faces(mesh, max_angle=max_angle, **target)
    if drop_islands:
        report += drop_small_islands(mesh, min_island=min_island, **target)
    if fill_holes:
        limit = max_angle if cut_stretched else None
        report += fill_mesh_holes(
            mesh, max_sides=max_hole_sides, fill=fill, max_angle=limit, **target
        )
    return report


def merge_double_vertices(
    mesh: bpy.types.Mesh, *, distance: float = 0.0001, selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Merge vertices that are no further apart than this distance (metres)."""
    allowed = read_state(mesh, selected_only, shape_key).allowed
    with editable(mesh) as edited:
        before = len(edited.verts)
        verts = list(compress(edited.verts, allowed.tolist()))
        bmesh.ops.remove_doubles(edited, verts=verts, dist=distance)
        return CleanupReport(merged=before - len(edited.verts))


def pull_spikes(
    mesh: bpy.types.Mesh, *, selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Pull single vertices that stick out back to their neighbours, their depth too.

    Raises
    ------
    MeshError
        If the shape key is locked.
    """
    refuse_locked_key(mesh, shape_key)
    state = read_state(mesh, selected_only, shape_key)
    links = spike_links(state.positions, state.topology, state.allowed)
    if len(links[0]):
        pulled = at_neighbours(state.positions, links)
        if has_shape(mesh) and applied(mesh)[0].projection == "RELIEF":
            # Beside the line of sight it stays where its stored place in the photo says.
            pulled[:, ::2] = state.positions[:, ::2]
        move_vertices(mesh, state.positions, pulled, shape_key)
        if shapes_mesh(mesh, shape_key):
            _pull_depth(mesh, links)
    return CleanupReport(spikes=len(np.unique(links[0])))


def _pull_depth(mesh, links) -> None:
    """A spike in the stored depth would come back with each slider."""
    with readable(mesh) as source:
        attribute = source.attributes.get(DEPTH)
        if attribute is None or (attribute.domain, attribute.data_type) != ('POINT', 'FLOAT'):
            return
        before = read_attribute(source, DEPTH, "value", np.float32, len(source.vertices))
    depth = at_neighbours(before[:, np.newaxis], links)[:, 0]
    if not mesh.is_editmode:
        mesh.attributes[DEPTH].data.foreach_set("value", depth.astype(np.float32))
        return
    edited = bmesh.from_edit_mesh(mesh)
    edited.verts.ensure_lookup_table()
    layer = edited.verts.layers.float[DEPTH]
    for spike in np.unique(links[0]).tolist():
        edited.verts[spike][layer] = float(depth[spike])


def cut_stretched_faces(
    mesh: bpy.types.Mesh, *, max_angle: float = radians(75.0), selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Delete faces turned further than ``max_angle`` (radians) from the Y axis.

    Those are the rubber sheets at depth jumps.

    Raises
    ------
    MeshError
        If that would be every face.
    """
    state = read_state(mesh, selected_only, shape_key)
    doomed = _refuse_to_cut_all(state, max_angle) & faces_within(state.topology, state.allowed)
    if doomed.any():
        with editable(mesh) as edited:
            faces = list(compress(edited.faces, doomed.tolist()))
            bmesh.ops.delete(edited, geom=faces, context='FACES')
    return CleanupReport(faces=int(doomed.sum()))


def _refuse_to_cut_all(state, max_angle) -> np.ndarray:
    """(F,) bool: the stretched faces."""
    stretched = stretched_faces(state.positions, state.topology, max_angle)
    if len(stretched) and stretched.all():
        raise MeshError(
            "Every face would be cut: turn the mesh so that it faces -Y in its own space, "
            "raise the angle, or switch off Cut Stretched Faces."
        )
    return stretched


def drop_small_islands(
    mesh: bpy.types.Mesh, *, min_island: float = 0.05, selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Delete parts with fewer than this share (0 to 1) of the biggest part's vertices."""
    state = read_state(mesh, selected_only, shape_key)
    topology = state.topology
    everything = np.ones(topology.vertex_count, dtype=bool)
    doomed, members, count = small_islands(topology, min_island, everything, state.allowed)
    if count:
        # A vertex that an island shares with a part that stays is that part's.
        members[topology.corner_verts] = False
        with editable(mesh) as edited:
            faces = list(compress(edited.faces, doomed.tolist()))
            loose = list(compress(edited.verts, members.tolist()))
            bmesh.ops.delete(edited, geom=loose, context='VERTS')
            bmesh.ops.delete(edited, geom=faces, context='FACES')
    return CleanupReport(islands=count)
