# SPDX-License-Identifier: GPL-3.0-or-later
"""The terraces of depth maps of 8 bits, smoothed."""

from dataclasses import replace

import cv2
import numpy as np

from .depth_file import DepthMap

# Three values that were rounded by up to half a level each can bend by two levels.
_ROUNDING_BEND = 2.0 + 1e-3
_ROUNDS = 60
_SMALLEST_SIDE = 8


def remove_banding(depth_map: DepthMap) -> DepthMap:
    """Smooth the terraces of a map of whole numbers, no value by more than half a level.

    A rounded value stands for any within half a level of it; of all maps in that tube this is
    the one that bends least: it minimises the sum of the squared second differences along rows
    and columns. Where these are beyond what rounding makes, there is an edge, which neither
    moves nor spreads. Solved from coarse to fine by accelerated projected gradients (Beck and
    Teboulle 2009).

    Parameters
    ----------
    depth_map : DepthMap
        One of floats comes back as it is. One that is resized first has lost its levels.

    Returns
    -------
    DepthMap
        ``step`` is 0.
    """
    if depth_map.step == 0.0:
        return depth_map
    known = np.isfinite(depth_map.values)
    # Levels from the middle of the range: floats are finest near 0.
    middle = np.nanmean(depth_map.values)
    levels = np.where(known, (depth_map.values - middle) / depth_map.step, 0.0)
    smooth = _least_bent(levels.astype(np.float32), known) * np.float32(depth_map.step) + middle
    values = np.where(known, smooth, np.float32(np.nan))
    return replace(depth_map, values=values, step=0.0)


def _least_bent(levels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The map that bends least within half a level of (H, W) float32 levels."""
    start = levels
    if min(levels.shape) >= 2 * _SMALLEST_SIDE:
        height, width = levels.shape
        half = ((width + 1) // 2, (height + 1) // 2)
        weight = cv2.resize(known.astype(np.float32), half, interpolation=cv2.INTER_AREA)
        coarse = cv2.resize(levels, half, interpolation=cv2.INTER_AREA)
        coarse = _least_bent(coarse / np.maximum(weight, 1e-6), weight > 0.0)
        start = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return _unbend(levels, known, start)


def _unbend(levels: np.ndarray, known: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The same at one size, from a first guess."""
    across, down = _free(levels, known), _free(levels.T, known.T)
    moves = _touched(across) | _touched(down).T
    low, high = levels - 0.5, levels + 0.5
    # A guess farther off was mixed across an edge.
    near = np.abs(start - levels) < 1.0
    current = np.where(moves & near, np.clip(start, low, high), levels)
    ahead = current
    for done in range(_ROUNDS):
        gradient = np.zeros_like(levels)
        _add_gradient(gradient, ahead, across)
        _add_gradient(gradient.T, ahead.T, down)
        # The largest eigenvalue of the two squared second differences is 16 + 16.
        following = np.clip(ahead - gradient / 32.0, low, high)
        ahead = following + (following - current) * np.float32(done / (done + 3.0))
        current = following
    return current


def _free(levels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Where three neighbours in a row bend no more than rounding makes: (H, W - 2) bool."""
    together = known[:, :-2] & known[:, 1:-1] & known[:, 2:]
    return together & (np.abs(_bend(levels)) <= _ROUNDING_BEND)


def _bend(values: np.ndarray) -> np.ndarray:
    """Second differences along rows: (H, W - 2)."""
    return values[:, :-2] - 2.0 * values[:, 1:-1] + values[:, 2:]


def _touched(free: np.ndarray) -> np.ndarray:
    """The pixels that belong to three free neighbours: (H, W) bool."""
    middles = np.pad(free, ((0, 0), (1, 1))).astype(np.uint8)
    return cv2.dilate(middles, np.ones((1, 3), np.uint8)) > 0


def _add_gradient(gradient: np.ndarray, values: np.ndarray, free: np.ndarray) -> None:
    """Add half the gradient of the squared free second differences along rows."""
    bend = _bend(values) * free
    gradient[:, :-2] += bend
    gradient[:, 1:-1] -= 2.0 * bend
    gradient[:, 2:] += bend
