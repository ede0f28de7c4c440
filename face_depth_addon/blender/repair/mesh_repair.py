# SPDX-License-Identifier: GPL-3.0-or-later
"""Repair what makes a mesh no clean surface: crowded edges, flipped faces, crossings.

The steps are like those of ``mesh_cleanup``.
"""

from itertools import compress

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ...core.polygons.manifold import Division, divide_non_manifold, inverted_faces
from ...core.polygons.meshfilter import self_intersections
from ...core.polygons.topology import Topology, faces_within
from ..attributes import has_shape
from ..mesh_edit import MeshState, editable, read_state, readable, select_faces
from .cleanup_report import CleanupReport


def fix_non_manifold(
    mesh: bpy.types.Mesh, *, delete: bool = False, delete_loose: bool = True,
    selected_only: bool = False, shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Take a mesh apart so that each edge has at most two faces and no vertex two fans.

    Parameters
    ----------
    mesh, selected_only, shape_key
        See ``mesh_cleanup``.
    delete : bool
        Delete the faces at an edge that are too many, instead of giving them vertices of
        their own.
    delete_loose : bool
        Delete edges and vertices without faces. A mesh without any face keeps them.
    """
    state = read_state(mesh, selected_only, shape_key)
    if not len(state.topology.face_starts):
        return CleanupReport()
    division = divide_non_manifold(state.positions, state.topology, delete, state.allowed)
    wires, points = _loose_parts(state, delete_loose)
    report = CleanupReport(
        faces=int(division.doomed.sum()), loose=int(wires.sum() + points.sum()),
        divided=len(division.sources),
    )
    if report != CleanupReport():
        with editable(mesh) as edited:
            lines = list(compress(edited.edges, wires.tolist()))
            dots = list(compress(edited.verts, points.tolist()))
            _take_apart(edited, state.topology, division)
            bmesh.ops.delete(edited, geom=lines, context='EDGES')
            bmesh.ops.delete(edited, geom=dots, context='VERTS')
    return report


def _loose_parts(state: MeshState, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Edges without a face, (E,) bool, and vertices without an edge, (V,) bool."""
    topology, allowed = state.topology, state.allowed & wanted
    wires = (topology.edge_face_counts == 0) & allowed[topology.edges].all(axis=1)
    points = allowed.copy()
    points[topology.edges] = False
    return wires, points


def _take_apart(edited: bmesh.types.BMesh, topology: Topology, division: Division) -> None:
    edited.verts.ensure_lookup_table()
    verts = list(edited.verts)
    for index in division.sources.tolist():
        verts.append(edited.verts.new(verts[index].co, verts[index]))
    changed = division.corner_verts != topology.corner_verts
    moved = np.zeros(len(topology.face_starts), dtype=bool)
    moved[topology.corner_faces[changed]] = True
    faces, replaced = list(edited.faces), []
    for index in np.flatnonzero(moved & ~division.doomed).tolist():
        start, size = topology.face_starts[index], topology.face_sizes[index]
        corners = division.corner_verts[start : start + size].tolist()
        face = edited.faces.new([verts[corner] for corner in corners], faces[index])
        for corner, old in zip(face.loops, faces[index].loops, strict=True):
            corner.edge.seam, corner.edge.smooth = old.edge.seam, old.edge.smooth
            # Last, since it makes Python's own hold on the corner void.
            corner.copy_from(old)
        replaced.append(faces[index])
    doomed = list(compress(faces, division.doomed.tolist()))
    bmesh.ops.delete(edited, geom=doomed + replaced, context='FACES')


def turn_flipped_faces(
    mesh: bpy.types.Mesh, *, select: bool = False, selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Turn faces over so that neighbours agree, solids show their outside and reliefs face -Y.

    Parameters
    ----------
    mesh, selected_only, shape_key
        See ``mesh_cleanup``. What is not selected counts as a neighbour, but stays.
    select : bool
        Select these faces instead.
    """
    state = read_state(mesh, selected_only, shape_key)
    if not len(state.topology.face_starts):
        return CleanupReport()
    with readable(mesh) as source:
        relief = has_shape(source)
    flipped = inverted_faces(state.positions, state.topology, faces_viewer=relief)
    flipped &= faces_within(state.topology, state.allowed)
    count = int(flipped.sum())
    if select:
        select_faces(mesh, flipped)
        return CleanupReport(flipped=count)
    if count:
        with editable(mesh) as edited:
            bmesh.ops.reverse_faces(edited, faces=list(compress(edited.faces, flipped.tolist())))
    return CleanupReport(turned=count)


def select_crossing_faces(
    mesh: bpy.types.Mesh, *, selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Select the faces that go through others, and nothing else.

    With ``selected_only`` those of which one or the other is selected; hidden faces are
    left out.
    """
    state = read_state(mesh, selected_only, shape_key)
    visible = state if not selected_only else read_state(mesh, False, shape_key)
    pairs = self_intersections(state.positions, state.topology)
    pairs = pairs[faces_within(state.topology, visible.allowed)[pairs].all(axis=1)]
    pairs = pairs[faces_within(state.topology, state.allowed)[pairs].any(axis=1)]
    crossing = np.zeros(len(state.topology.face_starts), dtype=bool)
    crossing[pairs] = True
    select_faces(mesh, crossing)
    return CleanupReport(crossing=int(crossing.sum()))
