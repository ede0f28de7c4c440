# SPDX-License-Identifier: GPL-3.0-or-later
"""How polygon meshes become surfaces: crowded edges and bow ties divided, faces turned over.

Deliberately pure: no bpy, numpy only. Positions are (V, 3) float arrays in metres.
"""

from dataclasses import dataclass

import numpy as np

from .meshfilter import face_area_vectors, unit
from .topology import (
    Topology,
    connected_components,
    faces_within,
    flipped_faces,
    island_labels,
    keep_faces,
)

# Of the area of an open island: as much of it must show its back to be turned over.
_MOSTLY_BACK = 0.25
# Faces that continue each other should also be wound alike and hang in the mesh by all their
# other edges, but less so.
_ALIKE, _ATTACHED = 0.1, 0.1


@dataclass(frozen=True)
class Division:
    """How a mesh is taken apart so that it becomes a surface.

    Attributes
    ----------
    doomed : (F,) bool array
        Faces to delete.
    corner_verts : (C,) intp array
        For each corner its vertex from now on; from the number of vertices on they are
        new.
    sources : (N,) intp array
        The vertex that each new one is a copy of.
    """

    doomed: np.ndarray
    corner_verts: np.ndarray
    sources: np.ndarray


def divide_non_manifold(
    positions: np.ndarray,
    topology: Topology,
    delete: bool = False,
    allowed: np.ndarray | None = None,
) -> Division:
    """Take a mesh apart where it is no surface, see ``topology.non_manifold``.

    Of the faces at an edge of more than two, those stay together that continue each other
    best. The others get vertices of their own, or with ``delete`` go. Fans of faces that
    meet at a vertex only get vertices of their own. A face over the same vertices as an
    earlier one goes, and so does what no division of vertices sets apart.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    delete : bool
    allowed : (V,) bool array, optional
        Only these vertices are divided, and only faces within them deleted.
    """
    if allowed is None:
        allowed = np.ones(topology.vertex_count, dtype=bool)
    deletable = faces_within(topology, allowed)
    doomed = _duplicates(topology) & deletable
    while True:
        rest = keep_faces(topology, ~doomed)
        pairs, best = _continued(positions, rest)
        divided, sources = _divide(rest, pairs, allowed)
        name = np.sort(np.stack([divided, divided[rest.corner_next]]), axis=0)
        _, edge, count = np.unique(name, axis=1, return_inverse=True, return_counts=True)
        crowded = rest.edge_face_counts[rest.corner_edges] > 2
        if not delete:
            crowded &= count[edge.ravel()] > 2
        crowded[best] = False
        surplus = np.flatnonzero(~doomed)[_least_attached(rest, np.flatnonzero(crowded))]
        surplus = surplus[deletable[surplus]]
        if not len(surplus):
            break
        doomed[surplus] = True
    corner_verts = topology.corner_verts.copy()
    corner_verts[~doomed[topology.corner_faces]] = divided
    return Division(doomed, corner_verts, sources)


def _duplicates(topology) -> np.ndarray:
    """(F,) bool: faces over the same vertices as an earlier face."""
    found = np.zeros(len(topology.face_starts), dtype=bool)
    for faces, rings in topology.faces_by_size:
        _, first = np.unique(np.sort(rings, axis=0), axis=1, return_index=True)
        found[np.delete(faces, first)] = True
    return found


def _continued(positions, topology) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of corners whose faces stay together over the edge that leaves the corners.

    Returns
    -------
    pairs : (P, 2) intp array
    best : (B,) intp array
        Corners of each edge's best pair.
    """
    first, second = _at_same_edge(topology)
    inward = _into_faces(positions, topology)
    alike = topology.corner_verts[first] != topology.corner_verts[second]
    attached = _attachment(topology)[topology.corner_faces]
    likeness = _ALIKE * alike + _ATTACHED * (attached[first] + attached[second])
    likeness -= (inward[first] * inward[second]).sum(axis=1)
    order = np.argsort(-likeness, kind="stable")
    first, second = first[order], second[order]
    pairs = []
    while len(first):
        _, leading = np.unique(topology.corner_edges[first], return_index=True)
        pairs.append(np.stack([first[leading], second[leading]], axis=1))
        taken = np.zeros(len(topology.corner_verts), dtype=bool)
        taken[pairs[-1]] = True
        free = ~taken[first] & ~taken[second]
        first, second = first[free], second[free]
    if not pairs:
        return np.empty((0, 2), dtype=np.intp), np.empty(0, dtype=np.intp)
    return np.concatenate(pairs), pairs[0].ravel()


def _attachment(topology) -> np.ndarray:
    """(F,) share of each face's edges that lie between exactly two faces."""
    inside = topology.edge_face_counts[topology.corner_edges] == 2
    counts = np.bincount(topology.corner_faces, inside, minlength=len(topology.face_starts))
    return counts / topology.face_sizes


def _least_attached(topology, corners) -> np.ndarray:
    """Of the faces of these corners, one at each edge."""
    faces = topology.corner_faces[corners]
    order = np.argsort(_attachment(topology)[faces], kind="stable")
    _, first = np.unique(topology.corner_edges[corners][order], return_index=True)
    return faces[order[first]]


def _at_same_edge(topology) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of corners that leave along the same edge."""
    by_edge = np.argsort(topology.corner_edges, kind="stable")
    edges = topology.corner_edges[by_edge]
    first, second = [], []
    for step in range(1, int(topology.edge_face_counts.max(initial=1))):
        same = np.flatnonzero(edges[step:] == edges[:-step])
        first.append(by_edge[same])
        second.append(by_edge[same + step])
    none = np.empty(0, dtype=np.intp)
    return np.concatenate([none, *first]), np.concatenate([none, *second])


def _into_faces(positions, topology) -> np.ndarray:
    """(C, 3) unit vectors in the plane of each corner's face, square to the corner's edge."""
    points = np.asarray(positions, dtype=np.float64)
    normals = unit(face_area_vectors(points.T, topology)).T
    start = points[topology.corner_verts]
    along = points[topology.corner_verts[topology.corner_next]] - start
    return unit(np.cross(normals[topology.corner_faces], along).T).T


def _divide(topology, pairs, allowed) -> tuple[np.ndarray, np.ndarray]:
    """A vertex for each fan of faces; a vertex's biggest fan keeps it."""
    one, other = pairs.T
    next_one, next_other = topology.corner_next[one], topology.corner_next[other]
    alike = topology.corner_verts[one] != topology.corner_verts[other]
    at_start = np.stack([one, np.where(alike, next_other, other)], axis=1)
    at_end = np.stack([next_one, np.where(alike, other, next_other)], axis=1)
    fan = connected_components(
        np.concatenate([at_start, at_end]), len(topology.corner_verts)
    )
    fans, fan_of_corner, size = np.unique(fan, return_inverse=True, return_counts=True)
    vertex = topology.corner_verts[fans]
    order = np.lexsort([-size, vertex])
    spare = order[1:][np.diff(vertex[order]) == 0]
    spare = spare[allowed[vertex[spare]]]
    names = vertex.copy()
    names[spare] = topology.vertex_count + np.arange(len(spare))
    return names[fan_of_corner.ravel()], vertex[spare]


def inverted_faces(
    positions: np.ndarray, topology: Topology, faces_viewer: bool = False
) -> np.ndarray:
    """(F,) bool: faces to turn over, so that all agree with their neighbours and show outside.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    faces_viewer : bool
        Islands with a border are to face -Y. Without it their majority decides.

    Notes
    -----
    Where neighbours disagree, see ``topology.flipped_faces``. After that, closed islands
    must have a positive volume.
    """
    flipped = flipped_faces(topology)
    points = np.asarray(positions, dtype=np.float64)
    points = points - points.mean(axis=0) if len(points) else points
    areas = np.where(flipped, -1.0, 1.0) * face_area_vectors(points.T, topology)
    _, island = np.unique(island_labels(topology)[0], return_inverse=True)
    island = island.ravel()
    borders = np.bincount(
        island[topology.corner_faces], topology.edge_face_counts[topology.corner_edges] != 2
    )
    origins = points[topology.corner_verts[topology.face_starts]].T
    volume = np.bincount(island, (areas * origins).sum(axis=0))
    inverted = (borders == 0) & (volume < 0.0)
    if faces_viewer:
        extent = np.bincount(island, np.sqrt((areas**2).sum(axis=0)))
        back = np.bincount(island, areas[1]) > _MOSTLY_BACK * extent
        inverted |= (borders > 0) & back
    return flipped ^ inverted[island]
