# SPDX-License-Identifier: GPL-3.0-or-later
"""A face in the depth of a coin, and the circle that it fits in. Needs numpy only."""

import numpy as np

from .heightfield import ease, relax

# Slopes of a face that are gentler than this keep their strength.
_GENTLE = 0.2
# Of the relief: how high its outline stands above the plate.
_STEP = 0.15


def bas_relief(nearness: np.ndarray, level: np.ndarray, spacing: float) -> np.ndarray:
    """Heights from 0 to 1 that show a face in the depth of a coin.

    Steep slopes are compressed, gentle ones kept, and the heights that come nearest to these
    slopes rise from the plate along the outline (after Weyrich et al.: Digital Bas-Relief from
    3D Scenes, SIGGRAPH 2007).

    Parameters
    ----------
    nearness : ndarray, (rows, columns) float64
        Towards the viewer, finite everywhere.
    level : ndarray, (rows, columns) float64
        Above zero inside the outline, up to 0.5.
    spacing : float
        Between the grid's points, in the unit of the nearness.

    Returns
    -------
    ndarray, (rows, columns) float64
        0 outside.
    """
    inside = level > 0.0
    divergence = np.zeros_like(nearness)
    for axis in (0, 1):
        slope = np.diff(nearness, axis=axis) / spacing
        rise = spacing * _GENTLE * np.arcsinh(slope / _GENTLE)
        within = inside.swapaxes(0, axis)
        rise[(within[:-1] != within[1:]).swapaxes(0, axis)] = 0.0
        leaving = divergence.swapaxes(0, axis)
        leaving[:-1] += rise.swapaxes(0, axis)
        leaving[1:] -= rise.swapaxes(0, axis)
    height = np.maximum(relax(np.zeros_like(level), ~inside, -divergence), 0.0)
    # By the grid's points alone the outline would be a staircase.
    height = ease(level) * (_STEP + (1.0 - _STEP) * height / max(height.max(), 1e-9))
    return height / height.max()


def enclosing_circle(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle and radius of a circle around (n, 2) points, hardly larger than the least.

    M. Badoiu, K. Clarkson: Smaller Core-Sets for Balls, SODA 2003.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2.0
    for step in range(2, 300):
        middle = middle + (points[_distances(points, middle).argmax()] - middle) / step
    return middle, float(_distances(points, middle).max())


def _distances(points: np.ndarray, to: np.ndarray) -> np.ndarray:
    return np.hypot(*(points - to).T)
