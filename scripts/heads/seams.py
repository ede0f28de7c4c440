# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture charts of the base mesh's skin, edge loops, and the strip that joins two of them."""

from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


class Charts:
    """The base mesh's skin, cut along its texture seams.

    Parameters
    ----------
    faces, uv
        The skin: int32 (F, 4) quads and float32 (F, 4, 2).
    vertices
        The base mesh at rest in the head's frame, (V, 3).

    Attributes
    ----------
    head, sockets, mouth, torso
        Masks of the faces, (F,) bool.
    """

    def __init__(self, faces: np.ndarray, uv: np.ndarray, vertices: np.ndarray) -> None:
        self.faces, self.uv = faces, uv
        chart = _uv_components(uv)
        centres = vertices[faces].mean(axis=1)
        counts = np.bincount(chart)
        means = np.stack([np.bincount(chart, centres[:, k]) / counts for k in range(3)], axis=1)
        self.head = chart == np.bincount(chart[centres[:, 2] > 20.0]).argmax()
        torso = np.bincount(chart[abs(centres[:, 2] + 250.0) < 50.0]).argmax()
        self.torso = chart == torso
        inner = (means[:, 2] > -100.0)[chart] & ~self.head
        self.sockets = inner & (abs(means[:, 0]) > 5.0)[chart]
        self.mouth = inner & ~self.sockets

    def corner_uv(self, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the triangles (T, 3) of some faces and their corners' UVs (T, 3, 2)."""
        faces, uv = self.faces[mask], self.uv[mask]
        triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
        return triangles, np.concatenate([uv[:, [0, 1, 2]], uv[:, [0, 2, 3]]])

    @cached_property
    def neckline(self) -> np.ndarray:
        """Vertices of the seam between head and torso, int32 (N,), in order round the neck."""
        shared = np.intersect1d(self.faces[self.head], self.faces[self.torso])
        loops = boundary_loops(self.faces[self.torso])
        return next(loop for loop in loops if np.isin(loop, shared).all())


def _uv_components(uv: np.ndarray) -> np.ndarray:
    """Number of the texture island of each face (F, 4, 2)."""
    points = np.unique(np.round(uv.reshape(-1, 2), 6), axis=0, return_inverse=True)[1].reshape(-1)
    corners = points.reshape(uv.shape[:2])
    rows, columns = np.repeat(corners[:, 0], 3), corners[:, 1:].ravel()
    count = int(points.max()) + 1
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), (count, count))
    return connected_components(graph, directed=False)[1][corners[:, 0]]


def boundary_loops(faces: np.ndarray) -> list[np.ndarray]:
    """Return the open edges of faces (F, 4) as closed loops of vertices.

    Raises
    ------
    ValueError
        When two loops meet in a vertex.
    """
    following = {}
    for start, end in open_edges(faces):
        if start in following:
            raise ValueError(f"Vertex {start} lies on two open loops.")
        following[start] = end
    loops = []
    while following:
        start = min(following)
        loop = [start]
        while (vertex := following.pop(loop[-1])) != start:
            loop.append(vertex)
        loops.append(np.array(loop, np.int32))
    return loops


def open_edges(faces: np.ndarray) -> list[tuple[int, int]]:
    """Directed edges (start, end) that only one face has, in its own direction."""
    corners = np.where(faces < 0, faces[:, :1], faces)
    edges = np.stack([corners, np.roll(corners, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges = edges[edges[:, 0] != edges[:, 1]]
    size = int(edges.max()) + 1
    keys = edges[:, 0].astype(np.int64) * size + edges[:, 1]
    twins = edges[:, 1].astype(np.int64) * size + edges[:, 0]
    alone = edges[~np.isin(keys, twins)]
    return [(int(start), int(end)) for start, end in alone]


def ring(faces: np.ndarray, vertices: np.ndarray, steps: int) -> np.ndarray:
    """Return the vertices that lie a number of edges away from given ones, sorted.

    Parameters
    ----------
    faces
        int32 (F, 4) quads.
    vertices
        Where to start.
    """
    edges = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges = np.concatenate([edges, edges[:, ::-1]])
    reached = newest = np.asarray(vertices)
    for _ in range(steps):
        newest = np.setdiff1d(edges[np.isin(edges[:, 0], newest), 1], reached)
        reached = np.concatenate([reached, newest])
    return newest


def drop_pinches(faces: np.ndarray) -> np.ndarray:
    """Return a mask of faces without those that make the open edge cross itself."""
    kept = np.ones(len(faces), bool)
    while True:
        starts = np.array([start for start, _ in open_edges(faces[kept])])
        vertices, counts = np.unique(starts, return_counts=True)
        pinched = vertices[counts > 1]
        if len(pinched) == 0:
            return kept
        kept &= ~np.isin(faces, pinched).any(axis=1)


def stitch(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return triangles between two polylines that run side by side.

    Parameters
    ----------
    upper, lower
        (N, 3) and (M, 3).

    Returns
    -------
    numpy.ndarray
        int32 (N + M - 2, 3): numbers below N are of ``upper``, the others, less N, of ``lower``;
        the sum of the squared cross edges is the least.
    """
    cost = ((upper[:, None] - lower[None]) ** 2).sum(axis=-1)
    total = np.full(cost.shape, np.inf)
    total[0] = np.cumsum(cost[0])
    total[:, 0] = np.cumsum(cost[:, 0])
    for row in range(1, len(upper)):
        for column in range(1, len(lower)):
            least = min(total[row - 1, column], total[row, column - 1])
            total[row, column] = least + cost[row, column]
    row, column = len(upper) - 1, len(lower) - 1
    triangles = []
    while row or column:
        from_above = column == 0 or (row and total[row - 1, column] <= total[row, column - 1])
        if from_above:
            triangles.append((row - 1, len(upper) + column, row))
            row -= 1
        else:
            triangles.append((row, len(upper) + column - 1, len(upper) + column))
            column -= 1
    return np.array(triangles[::-1], np.int32)
