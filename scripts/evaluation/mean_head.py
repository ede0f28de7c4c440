# SPDX-License-Identifier: GPL-3.0-or-later
"""The mean head at the true pose: what is known of a face before one looks at it.

It is placed by a similarity from its landmarks to the true ones, and drawn as a depth map.
"""

from dataclasses import dataclass

import numpy as np
from heads.ict_model import HEAD_END, IctModel
from heads.meshes import triangulate
from heads.registration import closest_points

from .truth import Truth, unproject

_EYES = ("M_ScleraLeft", "M_IrisLeft", "M_ScleraRight", "M_IrisRight")
_ROUNDS, _POINTS, _KEPT = 25, 1200, 0.8
_LEAST_LANDMARKS = 6
_CHUNK = 1_000_000


@dataclass(frozen=True)
class Similarity:
    """``scale * rotation @ point + translation``."""

    scale: float
    rotation: np.ndarray
    translation: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Move (n, 3) points."""
        return self.scale * points @ self.rotation.T + self.translation

    def undo(self, points: np.ndarray) -> np.ndarray:
        """Move (n, 3) points back."""
        return (points - self.translation) @ self.rotation / self.scale


def umeyama(source: np.ndarray, target: np.ndarray) -> Similarity:
    """Return the similarity that takes (n, 3) points nearest to their targets.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE PAMI 13 (1991).
    """
    source_middle, target_middle = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_middle, target - target_middle
    left, values, right = np.linalg.svd(b.T @ a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left * signs @ right
    scale = float((values * signs).sum() / np.square(a).sum())
    return Similarity(scale, rotation, target_middle - scale * rotation @ source_middle)


class MeanHead:
    """ICT-FaceKit's mean head as a depth map.

    Parameters
    ----------
    model : IctModel
    """

    def __init__(self, model: IctModel) -> None:
        self._vertices = model.neutral.astype(float)
        skin = model.faces[model.skin_faces]
        # The mouth's lining would be seen through the gap between the lips, far behind them.
        skin = skin[(skin < HEAD_END).all(axis=1)]
        eyes = model.faces[model.material_faces(*_EYES)]
        self._triangles = triangulate(np.concatenate([skin, eyes]))
        self._landmarks = model.landmarks68

    def distance(self, truth: Truth) -> np.ndarray | None:
        """Return the placed head's distance from the camera's plane.

        Parameters
        ----------
        truth : Truth

        Returns
        -------
        ndarray, (H, W) float32, or None
            mm, NaN beside the head; None where too few landmarks are known to place it.
        """
        placed = self._place(truth)
        if placed is None:
            return None
        return rasterise(
            placed.apply(self._vertices), self._triangles, truth.focal_px, truth.principal_px,
            truth.face.shape,
        )  # fmt: skip

    def _place(self, truth: Truth) -> Similarity | None:
        if len(truth.landmarks) < _LEAST_LANDMARKS:
            return None
        source = self._vertices[self._landmarks[truth.landmarks]]
        target = truth.landmark_points
        placed = umeyama(source, target)
        if truth.exact_landmarks:
            return placed
        # A landmark that is hidden was laid on what hides it.
        good = _nearest_share(np.linalg.norm(placed.apply(source) - target, axis=1))
        return self._refine(umeyama(source[good], target[good]), truth)

    def _refine(self, placed: Similarity, truth: Truth) -> Similarity:
        """Trimmed ICP: the nearest 80 % of the true points against the head's surface."""
        rows, columns = np.nonzero(truth.face)
        chosen = np.linspace(0, len(rows) - 1, min(_POINTS, len(rows))).astype(int)
        rows, columns = rows[chosen], columns[chosen]
        target = unproject(
            np.column_stack([columns, rows]) + 0.5, truth.distance[rows, columns].astype(float),
            truth.focal_px, truth.principal_px,
        )  # fmt: skip
        for _ in range(_ROUNDS):
            points = placed.undo(target)
            nearest = closest_points(points, self._vertices, self._triangles).on(self._vertices)
            good = _nearest_share(np.linalg.norm(nearest - points, axis=1))
            placed = umeyama(nearest[good], target[good])
        return placed


def _nearest_share(distances: np.ndarray) -> np.ndarray:
    return np.argsort(distances, kind="stable")[: max(3, int(len(distances) * _KEPT))]


def rasterise(
    vertices: np.ndarray, triangles: np.ndarray, focal: float, principal: tuple[float, float],
    shape: tuple[int, int],
) -> np.ndarray:
    """Draw a mesh as a depth map by a z-buffer.

    Parameters
    ----------
    vertices : ndarray, (V, 3) float
        mm in the camera's frame: x right, y down, z away.
    triangles : ndarray, (T, 3) int
        Counter-clockwise as seen from outside; one that faces away from the camera, or reaches
        behind it, is not drawn.
    focal : float
        In pixels.
    principal : tuple of float
        x, y in pixels.
    shape : tuple of int
        (height, width).

    Returns
    -------
    ndarray, (height, width) float32
        Distance from the camera's plane at the pixels' centres, in mm; NaN where there is nothing.
    """
    triangles = triangles[(vertices[triangles, 2] > 0).all(axis=1)]
    closeness = 1.0 / vertices[:, 2]
    pixels = vertices[:, :2] * (focal * closeness)[:, None] + np.array(principal)
    corners, closeness = pixels[triangles], closeness[triangles]
    # y goes down in the picture, which turns the sense round.
    front = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) < 0
    corners, closeness = corners[front], closeness[front]
    # The pixels whose centres lie in the triangles' boxes.
    limit = np.array(shape[::-1])
    low = np.clip(np.ceil(corners.min(axis=1) - 0.5), 0, limit).astype(int)
    high = np.clip(np.floor(corners.max(axis=1) - 0.5) + 1, 0, limit).astype(int)
    sizes = np.maximum(high - low, 0)
    areas = sizes.prod(axis=1)
    seen = np.flatnonzero(areas)
    buffer = np.zeros(shape[0] * shape[1])
    ends = np.cumsum(areas[seen])
    for part in np.split(seen, np.searchsorted(ends, np.arange(_CHUNK, areas.sum(), _CHUNK))):
        _draw(buffer, shape[1], corners[part], closeness[part], low[part], sizes[part])
    buffer[buffer == 0] = np.nan
    return (1.0 / buffer).reshape(shape).astype(np.float32)


def _draw(
    buffer: np.ndarray, width: int, corners: np.ndarray, closeness: np.ndarray, low: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """Keep the greatest closeness (1 / distance), which is linear in the picture, per pixel."""
    areas = sizes.prod(axis=1)
    which = np.repeat(np.arange(len(areas)), areas)
    step = np.arange(len(which)) - np.repeat(np.cumsum(areas) - areas, areas)
    columns = low[which, 0] + step % sizes[which, 0]
    rows = low[which, 1] + step // sizes[which, 0]
    x, y = columns + 0.5, rows + 0.5
    opposite = []
    for start, end in ((1, 2), (2, 0), (0, 1)):
        (ax, ay), (bx, by) = corners[which, start].T, corners[which, end].T
        opposite.append((bx - ax) * (y - ay) - (by - ay) * (x - ax))
    weights = np.stack(opposite, axis=1)
    doubled = weights.sum(axis=1)
    inside = (doubled < -1e-12) & (weights <= 0).all(axis=1)
    weights = weights[inside] / doubled[inside, None]
    near = (weights * closeness[which[inside]]).sum(axis=1)
    np.maximum.at(buffer, rows[inside] * width + columns[inside], near)
