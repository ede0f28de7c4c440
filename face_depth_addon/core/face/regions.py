# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the subject becomes a mesh. Needs numpy only."""

from typing import Literal

import numpy as np

from ..masks import big_pieces, hull_mask
from .face_points import JAW

Region = Literal["FACE", "HEAD", "BUST"]

# How far below the jaw the head ends, in lengths from the jaw's ends to the chin.
_BELOW_JAW = 0.12
# How steeply its lower end rises from the ear lobes outwards, so that no shoulder belongs to it.
_RISE = 1.0


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
        as the ear lobes, ``BUST`` the whole subject. The first two are of one piece.

    Returns
    -------
    ndarray, (S, S) bool
    """
    if landmarks is None or region == "BUST":
        return subject
    points = landmarks[:, :2] * subject.shape[0]
    # A turned nose reaches beyond the face's outline, but not beyond the hull.
    part = hull_mask(points, subject.shape)
    if region == "HEAD":
        part |= _above_jaw(points[list(JAW)], subject.shape)
    return big_pieces(subject & part)


def _above_jaw(jaw: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels above a curve a little below the jaw, which rises outwards of the ear lobes."""
    rows, columns = (np.arange(count) + 0.5 for count in shape)
    drop = _BELOW_JAW * np.ptp(jaw[:, 1])
    right_lobe, left_lobe = jaw[[0, -1], 1]
    across, down = jaw[np.argsort(jaw[:, 0])].T
    # A turned jaw doubles back; seen from below only its lowest points count.
    down = np.minimum(np.maximum.accumulate(down), np.maximum.accumulate(down[::-1])[::-1])
    curve = np.interp(columns, across, down, left=right_lobe, right=left_lobe)
    outwards = np.maximum(np.maximum(across[0] - columns, columns - across[-1]), 0.0)
    return rows[:, None] < curve + drop - _RISE * outwards
