# SPDX-License-Identifier: GPL-3.0-or-later
"""A dense depth from the 468 landmarks alone: the *Fast* source.

A thin-plate spline runs through the landmarks; around them it is held by points of an
ellipsoid, fitted to the face's outline, that stands in for the rest of the head.
"""

import numpy as np

from ..crop import Crop, transform_points
from ..interpolation import enlarge
from .face_points import CHIN, FOREHEAD, OUTLINE
from .landmarks import Face

_GRID = 56


def facemesh_depth(face: Face, crop: Crop, size: int) -> np.ndarray:
    """Depth of the whole crop from landmarks.

    Parameters
    ----------
    face : Face
    crop : Crop
    size : int
        Width and height of the result.

    Returns
    -------
    ndarray, (size, size) float32
        Photo pixels, nearer is larger, finite everywhere.
    """
    unit = crop.from_photo(2)
    points = transform_points(unit, face.landmarks[:, :2]) - 1.0
    heights = face.landmarks[:, 2] * 2.0 / crop.side
    around, around_heights = _head(points, heights)
    coefficients, nodes = _fit_spline(
        np.concatenate([points, around]), np.concatenate([heights, around_heights])
    )
    ticks = (np.arange(_GRID) + 0.5) * 2.0 / _GRID - 1.0
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    coarse = _evaluate(coefficients, nodes, grid).reshape(_GRID, _GRID).astype(np.float32)
    return enlarge(coarse, (size, size)) * np.float32(crop.side / 2.0)


def _head(points: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) of a head's ellipsoid outside the face, and their heights.

    The ellipsoid is as deep as the face is long, 1.05 face lengths tall and stands over
    the outline's middle, raised by the cranium; its height is shifted to the outline's.
    """
    outline = points[list(OUTLINE)]
    length = np.linalg.norm(points[FOREHEAD] - points[CHIN])
    centre = outline.mean(axis=0) - (0.0, 0.2 * length)
    radii = np.array([0.52, 0.78]) * length
    depth = 0.55 * length

    def dome(at: np.ndarray) -> np.ndarray:
        inner = 1.0 - (((at - centre) / radii) ** 2).sum(axis=1)
        # Beyond the ellipsoid's rim the surface falls on with a constant slope.
        return depth * np.where(inner > 0.05, np.sqrt(np.maximum(inner, 0.05)), 0.22 + 2.0 * inner)

    shift = np.median(heights[list(OUTLINE)] - dome(outline))
    ring = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    directions = np.column_stack([np.cos(ring), np.sin(ring)])
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    half = np.ptp(outline, axis=0) / 2
    around = np.concatenate([middle + directions * half * grow for grow in (1.35, 1.7, 2.2)])
    floor = heights[list(OUTLINE)].min() - 0.2 * length
    return around, np.maximum(dome(around) + shift, floor)


def _kernel(squared: np.ndarray) -> np.ndarray:
    """Thin-plate kernel r^2 log r, of squared distances."""
    return 0.5 * squared * np.log(np.maximum(squared, 1e-12))


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * (a @ b.T)


def _fit_spline(
    nodes: np.ndarray, values: np.ndarray, smoothing: float = 3e-3
) -> tuple[np.ndarray, np.ndarray]:
    """Thin-plate spline through (n, 2) nodes: coefficients (n + 3,) and the nodes."""
    count = len(nodes)
    plane = np.column_stack([np.ones(count), nodes])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(_squared_distances(nodes, nodes))
    system[:count, :count] += smoothing * np.eye(count)
    system[:count, count:], system[count:, :count] = plane, plane.T
    return np.linalg.solve(system, np.concatenate([values, np.zeros(3)])), nodes


def _evaluate(coefficients: np.ndarray, nodes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Spline values at (m, 2) points; single precision is enough and twice as fast."""
    kernel = _kernel(_squared_distances(at.astype(np.float32), nodes.astype(np.float32)))
    plane = np.column_stack([np.ones(len(at)), at])
    count = len(nodes)
    return kernel @ coefficients[:count].astype(np.float32) + plane @ coefficients[count:]
