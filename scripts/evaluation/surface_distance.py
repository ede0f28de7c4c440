# SPDX-License-Identifier: GPL-3.0-or-later
"""How far points of a scan lie from a mesh, once the mesh has been laid on the scan."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from face_depth_addon.core.head.wrap_model import similarity

# Rounds of ICP, how many points it takes, and the share of them that counts.
_ROUNDS, _SAMPLES, _PAIRS = 40, 2000, 0.8
# A turn in radians below which ICP has come to rest.
_AT_REST = 2e-5
_CANDIDATES = 2
_MOST_PARTS = 12


@dataclass(frozen=True, eq=False)
class Placing:
    """A similarity: points are scaled, turned and shifted, in this order.

    Attributes
    ----------
    rotation : ndarray, (3, 3) float64
    scale : float
    shift : ndarray, (3,) float64
    """

    rotation: np.ndarray
    scale: float
    shift: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 3), moved."""
        return self.scale * (points @ self.rotation.T) + self.shift


class MeshSurface:
    """A mesh that can be asked for its nearest points.

    Parameters
    ----------
    positions : ndarray, (n, 3)
    faces : ndarray, (f, 4) int
        A triangle ends in -1.
    spacing : float
        Triangles with longer edges are looked at in parts.
    """

    def __init__(self, positions: np.ndarray, faces: np.ndarray, spacing: float) -> None:
        triangles = np.concatenate([faces[:, :3], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])
        corners = np.asarray(positions, float)[triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        size = np.linalg.norm(normals, axis=1)
        corners, normals, size = (each[size > 0.0] for each in (corners, normals, size))
        self._corners, self.normals = corners, normals / size[:, None]
        longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
        parts = np.clip(np.ceil(longest / spacing), 1, _MOST_PARTS).astype(int)
        samples, owners = [], []
        for count in np.unique(parts):
            (which,) = np.nonzero(parts == count)
            weights = _part_middles(count)
            samples.append(np.einsum("wc,tcd->twd", weights, corners[which]).reshape(-1, 3))
            owners.append(np.repeat(which, len(weights)))
        self._owners = np.concatenate(owners)
        self._tree = cKDTree(np.concatenate(samples), balanced_tree=False, compact_nodes=False)

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest point of the surface to each of (n, 3), and its triangle: (n,)."""
        count = min(_CANDIDATES, self._tree.n)
        found = self._tree.query(points, k=count)[1].reshape(len(points), count)
        best = np.full(len(points), np.inf)
        places, which = np.empty((len(points), 3)), np.empty(len(points), int)
        for column in found.T:
            owners = self._owners[column]
            there = nearest_in_triangles(points, self._corners[owners])
            gap = np.linalg.norm(there - points, axis=1)
            nearer = gap < best
            best[nearer], places[nearer], which[nearer] = gap[nearer], there[nearer], owners[nearer]
        return places, which


def nearest_in_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the point of a triangle that is nearest to a point, for each of many pairs.

    Parameters
    ----------
    points : ndarray, (n, 3)
    corners : ndarray, (n, 3, 3)
        Of triangles with an area.

    Returns
    -------
    ndarray, (n, 3) float64
    """
    ends = np.roll(corners, -1, axis=1)
    along = ends - corners
    share = ((points[:, None] - corners) * along).sum(axis=2)
    share = np.clip(share / np.maximum((along**2).sum(axis=2), 1e-30), 0.0, 1.0)
    on_edges = corners + share[..., None] * along
    gaps = np.linalg.norm(on_edges - points[:, None], axis=2)
    result = on_edges[np.arange(len(points)), gaps.argmin(axis=1)]
    normal = np.cross(along[:, 0], along[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    foot = points - ((points - corners[:, 0]) * normal).sum(axis=1, keepdims=True) * normal
    outwards = np.cross(along, normal[:, None])
    inside = (((foot[:, None] - corners) * outwards).sum(axis=2) <= 0.0).all(axis=1)
    result[inside] = foot[inside]
    return result


def lay_on(points: np.ndarray, surface: MeshSurface, start: Placing) -> Placing:
    """Return where points fit a surface best: ICP, point to plane, size included.

    The farthest fifth of the points does not count, in each round anew.

    Parameters
    ----------
    points : ndarray, (n, 3)
    surface : MeshSurface
    start : Placing
        From the points' frame to the surface's.
    """
    chosen = points[np.linspace(0, len(points) - 1, min(_SAMPLES, len(points))).astype(int)]
    rotation, scale, shift = start.rotation, start.scale, start.shift
    for _ in range(_ROUNDS):
        moved = scale * (chosen @ rotation.T) + shift
        there, which = surface.nearest(moved)
        gap = np.linalg.norm(there - moved, axis=1)
        near = gap <= np.quantile(gap, _PAIRS)
        arm, normal = moved[near] - shift, surface.normals[which[near]]
        rows = np.column_stack([np.cross(arm, normal), normal, (arm * normal).sum(axis=1)])
        misses = ((there[near] - moved[near]) * normal).sum(axis=1)
        step = np.linalg.lstsq(rows, misses, rcond=None)[0]
        turn, _ = cv2.Rodrigues(step[:3])
        rotation, scale, shift = turn @ rotation, scale * np.exp(step[6]), shift + step[3:6]
        if np.linalg.norm(step[:3]) + abs(step[6]) < _AT_REST:
            break
    return Placing(rotation, float(scale), shift)


def distances(points: np.ndarray, surface: MeshSurface, placing: Placing) -> np.ndarray:
    """Return how far points lie from a surface: (n,) in the points' unit."""
    moved = placing(points)
    return np.linalg.norm(surface.nearest(moved)[0] - moved, axis=1) / placing.scale


def from_pairs(source: np.ndarray, goal: np.ndarray) -> Placing:
    """Return the similarity that takes points (n, 3) nearest to others."""
    return Placing(*similarity(source, goal, np.ones(len(source))))


def _part_middles(count: int) -> np.ndarray:
    """Weights of a triangle's corners at the middles of ``count`` squared equal parts: (k, 3)."""
    first, second = (each.ravel() for each in np.mgrid[:count, :count])
    upright = first + second < count
    hanging = first + second < count - 1
    pairs = np.concatenate([
        np.column_stack([first, second])[upright] + 1 / 3,
        np.column_stack([first, second])[hanging] + 2 / 3,
    ]) / count
    return np.column_stack([1.0 - pairs.sum(axis=1), pairs])
