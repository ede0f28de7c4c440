# SPDX-License-Identifier: GPL-3.0-or-later
"""Which triangle covers each pixel. Needs numpy only."""

from dataclasses import dataclass

import numpy as np

_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Cover:
    """The covered pixels of a picture.

    Attributes
    ----------
    pixels : ndarray, (p,) int
        Each once, by rows.
    triangles : ndarray, (p,) int
    weights : ndarray, (p, 3) float32
        Barycentric coordinates of the pixel's centre.
    """

    pixels: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray


def rasterise(
    corners: np.ndarray, shape: tuple[int, int], nearness: np.ndarray | None = None
) -> Cover:
    """Find the triangle at each pixel's centre.

    Parameters
    ----------
    corners : ndarray, (t, 3, 2) float
        In continuous pixels.
    shape : tuple of int
        (height, width).
    nearness : ndarray, (t, 3) float, or None
        Where triangles overlap, the one with the largest value counts; the last one without it.
    """
    corners = np.asarray(corners, np.float64)
    size = np.array(shape[::-1])
    low = np.clip(np.ceil(corners.min(axis=1) - 0.5), 0, size).astype(int)
    high = np.clip(np.floor(corners.max(axis=1) - 0.5) + 1, 0, size).astype(int)
    width, height = np.maximum(high - low, 0).T
    ends = np.cumsum(width * height)
    parts = np.searchsorted(ends, np.arange(0, ends[-1] if len(ends) else 0, _AT_ONCE))
    pieces = [
        _covered(corners, low, width, height, slice(start, stop), shape[1])
        for start, stop in zip(parts, [*parts[1:], len(corners)])
    ]
    if not pieces:
        return Cover(np.empty(0, int), np.empty(0, int), np.empty((0, 3), np.float32))
    pixels, triangles, weights = (np.concatenate(column) for column in zip(*pieces))
    if nearness is None:
        order = np.lexsort((triangles, pixels))
    else:
        order = np.lexsort((np.einsum("pk,pk->p", weights, nearness[triangles]), pixels))
    last = order[np.flatnonzero(np.diff(pixels[order], append=-1))]
    return Cover(pixels[last], triangles[last], weights[last].astype(np.float32))


def _covered(
    corners: np.ndarray, low: np.ndarray, width: np.ndarray, height: np.ndarray, part: slice,
    columns: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, triangles and weights of all centres inside triangles of a part, overlaps too."""
    counts = (width * height)[part]
    triangles = np.repeat(np.arange(part.start, part.stop), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(place, width[triangles])
    row += low[triangles, 1]
    column += low[triangles, 0]
    first = corners[:, 0]
    across, down = corners[:, 1] - first, corners[:, 2] - first
    doubled = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    inverse = 1.0 / np.where(doubled == 0.0, np.inf, doubled)
    x, y = column + 0.5 - first[triangles, 0], row + 0.5 - first[triangles, 1]
    second = (x * down[triangles, 1] - y * down[triangles, 0]) * inverse[triangles]
    third = (y * across[triangles, 0] - x * across[triangles, 1]) * inverse[triangles]
    inside = (second >= 0.0) & (third >= 0.0) & (second + third <= 1.0)
    inside &= (doubled != 0.0)[triangles]
    second, third = second[inside], third[inside]
    weights = np.column_stack([1.0 - second - third, second, third])
    return (row * columns + column)[inside], triangles[inside], weights
