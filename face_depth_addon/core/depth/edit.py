# SPDX-License-Identifier: GPL-3.0-or-later
"""What painting on a depth map changes at the vertices of its mesh."""

import cv2
import numpy as np

from ..interpolation import sample_spline

# A vertex takes its depth from 4 by 4 pixels.
_REACH = np.ones((5, 5), np.uint8)


def painted_change(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How far vertices follow what was painted, sampled as the mesh was: by cubic B-splines.

    Parameters
    ----------
    before, after : ndarray, (S, S) float32
    points : ndarray, (n, 2)
        Continuous pixels.

    Returns
    -------
    ndarray, (n,) float32
        In the units of the maps; 0 where nothing was painted near by.
    """
    difference = after - before
    painted = cv2.dilate((difference != 0.0).astype(np.uint8), _REACH) > 0
    columns, rows = np.clip(points.astype(int), 0, len(painted) - 1).T
    near = painted[rows, columns]
    change = np.zeros(len(points), np.float32)
    change[near] = sample_spline(difference, points[near])
    return change
