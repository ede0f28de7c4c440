# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of Catmull-Clark subdivision as a sparse matrix, made once and applied to any shape.

After Catmull and Clark, "Recursively generated B-spline surfaces on arbitrary topological meshes"
(1978), with sharp rules left out: borders follow their own edges as cubic B-splines.
"""

import numpy as np
from scipy import sparse


class Subdivision:
    """The subdivision of a mesh of triangles and quads.

    Parameters
    ----------
    faces
        int32 (F, 4), indices into ``vertex_count`` vertices; a triangle ends in -1.
    uv
        float32 (F, 4, 2) per corner, split linearly.
    vertex_count
        The number of rows of the vertex arrays to be given; those without a face are carried over.

    Attributes
    ----------
    faces, uv
        The mesh of quads: int32 (Q, 4) and float32 (Q, 4, 2).  New vertex i < vertex_count is the
        old vertex i, moved.
    parents
        int32 (Q,): the old face each quad was cut from.
    """

    def __init__(self, faces: np.ndarray, uv: np.ndarray, vertex_count: int) -> None:
        count = np.where(faces[:, 3] < 0, 3, 4)
        face_of, corner_of = np.nonzero(faces >= 0)
        here = faces[face_of, corner_of]
        following = (corner_of + 1) % count[face_of]
        previous = (corner_of - 1) % count[face_of]
        edges = np.sort(np.stack([here, faces[face_of, following]], 1), axis=1)
        edges, edge_of = np.unique(edges, axis=0, return_inverse=True)
        edge_of = edge_of.reshape(-1)
        edge_table = np.full(faces.shape, -1, np.int64)
        edge_table[face_of, corner_of] = edge_of

        first_face, first_edge = vertex_count, vertex_count + len(faces)
        quads = np.stack(
            [
                here,
                first_edge + edge_table[face_of, corner_of],
                first_face + face_of,
                first_edge + edge_table[face_of, previous],
            ],
            axis=1,
        )
        self.faces = quads.astype(np.int32)
        self.parents = face_of.astype(np.int32)
        self.uv = _split_uv(uv, count, face_of, corner_of, following, previous)
        self.matrix = _matrix(face_of, here, count, edges, edge_of, vertex_count)

    def apply(self, vertices: np.ndarray) -> np.ndarray:
        """Return the subdivided vertices, float32, of vertices (V, 3)."""
        return (self.matrix @ vertices).astype(np.float32)


def _split_uv(
    uv: np.ndarray,
    count: np.ndarray,
    face_of: np.ndarray,
    corner_of: np.ndarray,
    following: np.ndarray,
    previous: np.ndarray,
) -> np.ndarray:
    inside = np.arange(4) < count[:, None]
    middle = np.where(inside[..., None], uv, 0).sum(1) / count[:, None]
    here = uv[face_of, corner_of]
    after = (here + uv[face_of, following]) / 2
    before = (here + uv[face_of, previous]) / 2
    return np.stack([here, after, middle[face_of], before], axis=1).astype(np.float32)


def _matrix(
    face_of: np.ndarray,
    here: np.ndarray,
    count: np.ndarray,
    edges: np.ndarray,
    edge_of: np.ndarray,
    vertex_count: int,
) -> sparse.csr_matrix:
    face_count, edge_count = len(count), len(edges)
    face_rows = sparse.csr_matrix(
        (1.0 / count[face_of], (face_of, here)), shape=(face_count, vertex_count)
    )
    ends = np.repeat(np.arange(edge_count), 2)
    middles = sparse.csr_matrix(
        (np.full(2 * edge_count, 0.5), (ends, edges.ravel())), shape=(edge_count, vertex_count)
    )
    edge_faces = sparse.csr_matrix(
        (np.ones(len(edge_of)), (edge_of, face_of)), shape=(edge_count, face_count)
    )
    uses = np.bincount(edge_of, minlength=edge_count)
    border = uses == 1
    quarter = sparse.diags(np.where(border, 0.0, 0.5 / np.maximum(uses, 1)))
    half = sparse.diags(np.where(border, 1.0, 0.5))
    edge_rows = half @ middles + quarter @ (edge_faces @ face_rows)

    around = sparse.csr_matrix(
        (np.ones(2 * edge_count), (edges.ravel(), ends)), shape=(vertex_count, edge_count)
    )
    vertex_faces = sparse.csr_matrix(
        (np.ones(len(here)), (here, face_of)), shape=(vertex_count, face_count)
    )
    valence = np.asarray(around.sum(1)).ravel()
    on_border = np.asarray((around @ border.astype(float)) > 0).ravel()
    inner = (valence > 0) & ~on_border
    degree = np.maximum(valence, 1)
    keep = sparse.diags(np.where(inner, (degree - 3) / degree, 1.0))
    face_share = np.where(inner, 1 / degree, 0.0) / np.maximum(
        np.asarray(vertex_faces.sum(1)).ravel(), 1
    )
    edge_share = np.where(inner, 2 / degree**2, 0.0)
    identity = sparse.identity(vertex_count, format="csr")
    inner_rows = (
        keep @ identity
        + sparse.diags(face_share) @ (vertex_faces @ face_rows)
        + sparse.diags(edge_share) @ (around @ middles)
    )
    border_edges = around @ sparse.diags(border.astype(float))
    border_share = np.where(on_border, 0.25, 0.0)
    border_rows = (
        sparse.diags(1 - border_share * np.asarray(border_edges.sum(1)).ravel()) @ identity
        + sparse.diags(border_share) @ (border_edges @ middles)
    )
    vertex_rows = (
        sparse.diags((~on_border).astype(float)) @ inner_rows
        + sparse.diags(on_border.astype(float)) @ border_rows
    )
    return sparse.vstack([vertex_rows, face_rows, edge_rows]).astype(np.float32).tocsr()
