# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stored depth belongs to a surface that was shaped by hand. Needs numpy only."""

import numpy as np

from .shaping import Shape, Viewpoint, displace

# Metres over which a slope is measured: far above the rounding of float32.
_STEP = 1e-3
_ROUNDS = 3
# Squared: a strength far below this hundredth says nothing about depth.
_DAMPING = 1e-4


def absorb(
    plane: np.ndarray,
    depth: np.ndarray,
    shift: np.ndarray,
    span: tuple[float, float],
    shape: Shape,
    viewpoint: Viewpoint,
) -> tuple[np.ndarray, np.ndarray]:
    """By how much plane and depth must change for `displace` to move points by a shift.

    Solved by Newton's method. What the shape makes ineffective stays: depth under no
    strength, or where it is clipped.

    Parameters
    ----------
    plane : (n, 2) float32 array
    depth : (n,) float32 array
    shift : (n, 3) float array
        Metres.
    span : tuple of float
    shape : Shape
    viewpoint : Viewpoint
        As `displace` takes them.

    Returns
    -------
    plane_change : (n, 2) float32 array
    depth_change : (n,) float32 array
    """

    def place(at: np.ndarray) -> np.ndarray:
        at = at.astype(np.float32)
        return displace(at[:, :2], at[:, 2], span, shape, viewpoint).astype(np.float64)

    start = np.column_stack([plane, depth]).astype(np.float64)
    found, goal = start.copy(), place(start) + shift
    for _ in range(_ROUNDS):
        here = place(found)
        slopes = np.stack([place(found + step) - here for step in _STEP * np.eye(3)], axis=2)
        slopes /= _STEP
        turned = slopes.transpose(0, 2, 1)
        damped = turned @ slopes + _DAMPING * np.eye(3)
        found += np.linalg.solve(damped, turned @ (goal - here)[..., np.newaxis])[..., 0]
    change = (found - start).astype(np.float32)
    return change[:, :2], change[:, 2]
