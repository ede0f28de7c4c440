# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectivity of polygon meshes as index arrays: borders, neighbours and islands.

Deliberately pure: no bpy, numpy only, and no Python loop over vertices or faces.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Topology:
    """Connectivity of a polygon mesh, in Blender's layout.

    Parameters
    ----------
    vertex_count : int
        Number of vertices, loose ones included.
    edges : (E, 2) intp array
        Vertices of each edge, wire edges included.
    corner_verts, corner_edges : (C,) intp arrays
        For each face corner its vertex, and the edge from there to the face's next corner.
    face_starts : (F,) intp array
        First corner of each face; a face's corners lie in a row, and faces in order.
    """

    vertex_count: int
    edges: np.ndarray
    corner_verts: np.ndarray
    corner_edges: np.ndarray
    face_starts: np.ndarray

    @cached_property
    def face_sizes(self) -> np.ndarray:
        """(F,) number of corners of each face."""
        return np.diff(self.face_starts, append=len(self.corner_verts))

    @cached_property
    def corner_faces(self) -> np.ndarray:
        """(C,) face of each corner."""
        return np.repeat(np.arange(len(self.face_starts)), self.face_sizes)

    @cached_property
    def corner_next(self) -> np.ndarray:
        """(C,) the corner after each corner in its face."""
        following = np.arange(1, len(self.corner_verts) + 1)
        following[self.face_starts + self.face_sizes - 1] = self.face_starts
        return following

    @cached_property
    def corner_prev(self) -> np.ndarray:
        """(C,) the corner before each corner in its face."""
        before = np.arange(-1, len(self.corner_verts) - 1)
        before[self.face_starts] = self.face_starts + self.face_sizes - 1
        return before

    @cached_property
    def faces_by_size(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Faces of each size: (N,) faces and the (sides, N) vertices of their corners."""
        groups = []
        for size in np.unique(self.face_sizes):
            faces = np.flatnonzero(self.face_sizes == size)
            corners = self.face_starts[faces] + np.arange(size)[:, np.newaxis]
            groups.append((faces, self.corner_verts[corners]))
        return groups

    @cached_property
    def edge_face_counts(self) -> np.ndarray:
        """(E,) number of faces at each edge: 0 wire, 1 border, 2 inside."""
        return np.bincount(self.corner_edges, minlength=len(self.edges))


def keep_faces(topology: Topology, keep: np.ndarray) -> Topology:
    """Topology of the faces marked in ``keep`` ((F,) bool), without the others' own edges.

    Vertex indices stay; edge indices do not.
    """
    corners = keep[topology.corner_faces]
    corner_edges = topology.corner_edges[corners]
    keep_edge = topology.edge_face_counts == 0
    keep_edge[corner_edges] = True
    sizes = topology.face_sizes[keep]
    return Topology(
        topology.vertex_count,
        topology.edges[keep_edge],
        topology.corner_verts[corners],
        (np.cumsum(keep_edge) - 1)[corner_edges],
        np.cumsum(sizes) - sizes,
    )


def faces_within(topology: Topology, vertices: np.ndarray) -> np.ndarray:
    """(F,) bool: faces with all their corners in ``vertices`` ((V,) bool)."""
    outside = topology.corner_faces[~vertices[topology.corner_verts]]
    return np.bincount(outside, minlength=len(topology.face_starts)) == 0


def border_vertices(topology: Topology) -> np.ndarray:
    """(V,) bool: vertices of an edge that does not lie between exactly two faces."""
    border = np.zeros(topology.vertex_count, dtype=bool)
    border[topology.edges[topology.edge_face_counts != 2]] = True
    return border


def neighbour_pairs(topology: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of neighbouring vertices, each pair once: edges, and diagonals of quads.

    Returns
    -------
    first, second : (P,) intp arrays
    """
    quads = topology.face_starts[topology.face_sizes == 4]
    corner_verts = topology.corner_verts
    first = [topology.edges[:, 0], corner_verts[quads], corner_verts[quads + 1]]
    second = [topology.edges[:, 1], corner_verts[quads + 2], corner_verts[quads + 3]]
    return np.concatenate(first), np.concatenate(second)


def connected_components(links: np.ndarray, node_count: int) -> np.ndarray:
    """Label the connected components of a graph.

    Each round hooks every component to a linked one with a smaller label, then flattens
    the chains by pointer jumping, so that few rounds over whole arrays suffice.

    Parameters
    ----------
    links : (L, 2) intp array
        Linked nodes.
    node_count : int

    Returns
    -------
    (node_count,) intp array
        The smallest node of each node's component.
    """
    parent = np.arange(node_count)
    first, second = links[:, 0], links[:, 1]
    while len(first):
        first, second = parent[first], parent[second]
        apart = first != second
        first, second = first[apart], second[apart]
        parent[np.maximum(first, second)] = np.minimum(first, second)
        grandparent = parent[parent]
        while not np.array_equal(parent, grandparent):
            parent = grandparent
            grandparent = parent[parent]
    return parent


def island_labels(topology: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Label the islands of a mesh, where faces hang together by edges.

    Faces that touch at one vertex only are two islands: such a pinch holds nothing.

    Returns
    -------
    face_labels : (F,) intp array
    vertex_labels : (V,) intp array
        Labels are common to both. A vertex of several islands has the label of one of them.
    """
    face_count = len(topology.face_starts)
    node = face_count + np.arange(topology.vertex_count)
    node[topology.corner_verts] = topology.corner_faces

    by_edge = np.argsort(topology.corner_edges, kind="stable")
    same_edge = np.diff(topology.corner_edges[by_edge]) == 0
    faces = topology.corner_faces[by_edge]
    across = np.stack([faces[:-1][same_edge], faces[1:][same_edge]], axis=1)
    wires = node[topology.edges[topology.edge_face_counts == 0]]

    labels = connected_components(
        np.concatenate([across, wires]), face_count + topology.vertex_count
    )
    return labels[:face_count], labels[node]


def small_islands(
    topology: Topology, min_share: float, alive: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Islands with fewer than ``min_share`` of the vertices of the biggest one.

    Parameters
    ----------
    topology : Topology
    min_share : float
        0 to 1.
    alive : (V,) bool array
        Vertices that count; the others belong to no island.
    allowed : (V,) bool array
        Islands with a vertex outside are left out.

    Returns
    -------
    faces : (F,) bool array
    vertices : (V,) bool array
        Loose ones among them are in no face.
    count : int
        Number of such islands.
    """
    face_labels, vertex_labels = island_labels(topology)
    sizes = np.bincount(vertex_labels[alive], minlength=len(face_labels) + len(vertex_labels))
    small = np.zeros(len(sizes), dtype=bool)
    small[face_labels] = True
    small[vertex_labels[alive]] = True
    small &= sizes < min_share * sizes.max(initial=0)
    small[vertex_labels[alive & ~allowed]] = False
    return small[face_labels], small[vertex_labels] & alive, int(small.sum())


def non_manifold(topology: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Where a mesh is no surface, not even one with a border.

    Returns
    -------
    edges : (E,) bool array
        Edges of more than two faces.
    vertices : (V,) bool array
        Vertices where fans of faces meet that have no edge in common: bow ties.
    """
    corner_count = len(topology.corner_verts)
    corners = np.tile(np.arange(corner_count), 2)
    edges = np.concatenate([topology.corner_edges, topology.corner_edges[topology.corner_prev]])
    at_end = topology.corner_verts[corners] == topology.edges[edges, 1]
    place = 2 * edges + at_end
    order = np.argsort(place, kind="stable")
    together = np.diff(place[order]) == 0
    links = np.stack([corners[order][:-1][together], corners[order][1:][together]], axis=1)
    first_of_fan = connected_components(links, corner_count) == np.arange(corner_count)
    fans = np.bincount(topology.corner_verts[first_of_fan], minlength=topology.vertex_count)
    return topology.edge_face_counts > 2, fans > 1


def flipped_faces(topology: Topology) -> np.ndarray:
    """(F,) bool: faces wound the other way round than most faces they hang together with.

    Faces hang together by edges between exactly two faces. Of two equal halves the one
    without the first face is flipped. A one-sided surface, such as a Moebius strip, cannot
    be wound consistently: none of its faces counts as flipped.
    """
    count = len(topology.face_starts)
    opposite = opposite_corners(topology)
    corner = np.flatnonzero(opposite > np.arange(len(opposite)))
    across = opposite[corner]
    one, other = topology.corner_faces[corner], topology.corner_faces[across]
    # Each face has two nodes, as it is and turned over. Agreeing neighbours run along
    # their edge in opposite directions.
    turned = count * (topology.corner_verts[corner] == topology.corner_verts[across])
    first = np.concatenate([one, one + count])
    second = np.concatenate([other + turned, other + count - turned])
    labels = connected_components(np.stack([first, second], axis=1), 2 * count)
    as_is, turned_over = labels[:count], labels[count:]
    second_side = as_is > turned_over
    group = np.minimum(as_is, turned_over)
    minority = 2 * np.bincount(group, second_side) <= np.bincount(group)
    return np.where(minority[group], second_side, ~second_side) & (as_is != turned_over)


def opposite_corners(topology: Topology) -> np.ndarray:
    """(C,) the corner across each corner's edge, -1 where there is not exactly one."""
    inside = np.flatnonzero(topology.edge_face_counts[topology.corner_edges] == 2)
    pairs = inside[np.argsort(topology.corner_edges[inside], kind="stable")].reshape(-1, 2)
    opposite = np.full(len(topology.corner_verts), -1)
    opposite[pairs[:, 0]] = pairs[:, 1]
    opposite[pairs[:, 1]] = pairs[:, 0]
    return opposite
