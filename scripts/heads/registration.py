# SPDX-License-Identifier: GPL-3.0-or-later
"""Laying one surface onto another: a smooth warp by landmarks, then the nearest surface."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from .maths import normalised
from .meshes import area_vectors

_CANDIDATES = 24
_NORMAL_PENALTY = 6.0  # millimetres for a normal that points the other way


def triangle_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return unit normals (T, 3)."""
    return normalised(area_vectors(vertices[triangles]))


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return unit normals (V, 3), weighted by area."""
    weighted = area_vectors(vertices[triangles])
    normals = np.zeros((len(vertices), 3))
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], weighted)
    return normalised(normals)


@dataclass(frozen=True)
class SurfacePoints:
    """Points on a triangle mesh.

    Attributes
    ----------
    triangles
        Which triangle each point lies on, (N,).
    corners
        Its vertices, int32 (N, 3).
    weights
        Barycentric coordinates, (N, 3), within the triangle.
    """

    triangles: np.ndarray
    corners: np.ndarray
    weights: np.ndarray

    def on(self, values: np.ndarray) -> np.ndarray:
        """Return what is given per vertex, (V, C), at the points, (N, C)."""
        return np.einsum("nk,nkc->nc", self.weights, values[self.corners])


def closest_points(
    points: np.ndarray,
    vertices: np.ndarray,
    triangles: np.ndarray,
    normals: np.ndarray | None = None,
) -> SurfacePoints:
    """Return the nearest points on a mesh.

    Parameters
    ----------
    points
        (N, 3).
    vertices, triangles
        The mesh: (V, 3) and int (T, 3).
    normals
        Of the points, (N, 3): what faces another way then counts as up to 12 mm further.
    """
    corners = vertices[triangles]
    tree = cKDTree(corners.mean(axis=1))
    count = min(_CANDIDATES, len(triangles))
    _, near = tree.query(points, k=count)
    near = near.reshape(len(points), count)
    weights = _barycentric(points[:, None], corners[near])
    distance = np.linalg.norm(
        np.einsum("nck,nckd->ncd", weights, corners[near]) - points[:, None], axis=-1
    )
    if normals is not None:
        facing = np.einsum("nd,ncd->nc", normals, triangle_normals(vertices, triangles)[near])
        distance = distance + _NORMAL_PENALTY * (1.0 - facing)
    best = distance.argmin(axis=1)
    rows = np.arange(len(points))
    chosen = near[rows, best]
    return SurfacePoints(chosen, triangles[chosen], weights[rows, best])


def _barycentric(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Coordinates of the points of triangles (..., 3, 3) that are nearest to points (..., 3)."""
    first, second, third = np.moveaxis(corners, -2, 0)
    along, across, to_point = second - first, third - first, points - first
    d00, d01, d11 = _dot(along, along), _dot(along, across), _dot(across, across)
    d20, d21 = _dot(to_point, along), _dot(to_point, across)
    determinant = np.maximum(d00 * d11 - d01 * d01, 1e-12)
    v = (d11 * d20 - d01 * d21) / determinant
    w = (d00 * d21 - d01 * d20) / determinant
    inside = np.stack([1.0 - v - w, v, w], axis=-1)
    best = np.where((inside >= 0).all(-1, keepdims=True), inside, 0.0)
    outside = ~(inside >= 0).all(-1)
    nearest = np.full(outside.shape, np.inf)
    for start, end in ((0, 1), (1, 2), (2, 0)):
        edge = corners[..., end, :] - corners[..., start, :]
        t = _dot(points - corners[..., start, :], edge) / np.maximum(_dot(edge, edge), 1e-12)
        t = np.clip(t, 0.0, 1.0)
        gap = points - corners[..., start, :] - t[..., None] * edge
        distance = _dot(gap, gap)
        closer = outside & (distance < nearest)
        nearest = np.where(closer, distance, nearest)
        on_edge = np.zeros_like(inside)
        on_edge[..., start], on_edge[..., end] = 1.0 - t, t
        best = np.where(closer[..., None], on_edge, best)
    return best


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...d,...d->...", a, b)


def warp(points: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return points (N, 3) moved by the smooth map that takes the landmarks to their targets."""
    distinct = np.unique(np.round(source, 3), axis=0, return_index=True)[1]
    spline = RBFInterpolator(source[distinct], target[distinct], kernel="linear", smoothing=1.0)
    return spline(points)


def laplacian(triangles: np.ndarray, count: int):
    """Return the mesh's umbrella operator: a vertex minus the mean of its neighbours."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    ones = np.ones(2 * len(edges))
    rows, columns = np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]]
    adjacency = coo_matrix((ones, (rows, columns)), (count, count)).tocsr()
    adjacency.data[:] = 1.0
    valence = np.maximum(np.asarray(adjacency.sum(axis=1)).ravel(), 1.0)
    return diags(np.ones(count)) - diags(1.0 / valence) @ adjacency


def settle(
    vertices: np.ndarray,
    smoothness,
    pulled: np.ndarray,
    targets: np.ndarray,
    landmarks,
    landmark_targets: np.ndarray,
) -> np.ndarray:
    """Move vertices towards targets, and landmarks to theirs, by a smooth displacement.

    Parameters
    ----------
    vertices
        (V, 3).
    smoothness
        A sparse matrix (., V) whose product with the displacement is to be small, such as the
        weighted ``laplacian``.
    pulled, targets
        Weight of each vertex's target, (V,), and the targets, (V, 3).
    landmarks, landmark_targets
        A sparse matrix (L, V) that gives the landmarks, and where they belong, (L, 3), both times
        the landmarks' weights.
    """
    system = smoothness.T @ smoothness + diags(pulled + 1e-6) + landmarks.T @ landmarks
    right = pulled[:, None] * (targets - vertices)
    right = right + landmarks.T @ (landmark_targets - landmarks @ vertices)
    return vertices + splu(system.tocsc()).solve(right)
