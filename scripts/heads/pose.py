# SPDX-License-Identifier: GPL-3.0-or-later
"""The bend of the neck: the head stays where it is and the body turns beneath it."""

import numpy as np
from scipy.spatial.transform import Rotation

from .maths import smoothstep

# The middle of the neck in the head's frame, and the heights (along a slanted axis) between which
# the turn fades from the head to the shoulders, in millimetres.
_PIVOT = np.array([0.0, 30.0, -140.0])
_SLANT = 0.45
_HEAD, _SHOULDERS = -100.0, -175.0


def body_share(vertices: np.ndarray) -> np.ndarray:
    """Return how far vertices (V, 3) of a neutral head and body move with the body, float32 (V,).

    0 on the head, 1 from the shoulders down; the vertices are in the head's frame.
    """
    height = vertices[:, 2] - _SLANT * vertices[:, 1]
    return smoothstep(height, _HEAD, _SHOULDERS).astype(np.float32)


def bend_neck(
    vertices: np.ndarray, share: np.ndarray, turn: tuple[float, float, float]
) -> np.ndarray:
    """Return vertices (V, 3) with the body turned below the head.

    Parameters
    ----------
    share
        ``body_share`` of the neutral shape's vertices.
    turn
        How the head is turned on the shoulders: yaw (to the left), pitch (up) and roll (towards
        the left shoulder) in degrees.
    """
    moved = np.flatnonzero(share > 0)
    result = vertices.astype(np.float32, copy=True)
    rotation = head_rotation(turn).inv().as_rotvec()
    steps = Rotation.from_rotvec(share[moved, None] * rotation)
    result[moved] = steps.apply(vertices[moved] - _PIVOT) + _PIVOT
    return result


def head_rotation(turn: tuple[float, float, float]) -> Rotation:
    """Return the rotation that turns a head by yaw, pitch and roll in degrees."""
    yaw, pitch, roll = turn
    return Rotation.from_euler("zxy", [yaw, -pitch, roll], degrees=True)
