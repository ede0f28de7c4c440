# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the subject becomes a mesh. Needs numpy only."""

from typing import Literal

import numpy as np

from .face_points import JAW, OUTLINE

Region = Literal["FACE", "HEAD", "BUST"]

# How far below the jaw the head ends, in lengths from the jaw's ends to the chin.
_BELOW_JAW = 0.12


def region_mask(subject: np.ndarray, landmarks: np.ndarray | None, region: Region) -> np.ndarray:
    """The part of a subject that is asked for.

    Parameters
    ----------
    subject : ndarray, (S, S) bool
        In an upright crop.
    landmarks : ndarray, (468, 2 or more) float, or None
        x, y in crops' sides, (0, 0) at the upper left; None where there is no face, which leaves
        the subject whole.
    region : str
        ``FACE`` is what the landmarks surround, ``HEAD`` all above the jaw, with hair as far down
        as the chin, ``BUST`` the whole subject.

    Returns
    -------
    ndarray, (S, S) bool
    """
    if landmarks is None or region == "BUST":
        return subject
    points = landmarks[:, :2] * subject.shape[0]
    if region == "FACE":
        return subject & _inside(points[list(OUTLINE)], subject.shape)
    return subject & _above_jaw(points[list(JAW)], subject.shape)


def _above_jaw(jaw: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels above a curve a little below the jaw, level to both sides of its ends."""
    rows, columns = (np.arange(count) + 0.5 for count in shape)
    # A turned jaw doubles back; seen from below only its lowest points count.
    jaw = jaw[np.argsort(jaw[:, 0])]
    drop = _BELOW_JAW * np.ptp(jaw[:, 1])
    lowest = jaw[:, 1].max()
    curve = np.interp(columns, jaw[:, 0], jaw[:, 1], left=lowest, right=lowest) + drop
    return rows[:, None] < curve


def _inside(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centres lie in a polygon, (n, 2) pixels, by the even-odd rule."""
    rows, columns = (np.arange(count) + 0.5 for count in shape)
    inside = np.zeros(shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, 1, axis=0)):
        crossing = (y0 > rows) != (y1 > rows)
        if crossing.any():
            at = x0 + (rows[crossing] - y0) * (x1 - x0) / (y1 - y0)
            inside[crossing] ^= columns < at[:, None]
    return inside
