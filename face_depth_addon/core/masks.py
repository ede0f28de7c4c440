# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of pixels: their pieces, growing and shrinking, hulls of points. Needs numpy only.

Blender's own Python lacks OpenCV, and a mesh must come about there all the same.
"""

import numpy as np

from .polygons.topology import connected_components


def label_pieces(mask: np.ndarray) -> np.ndarray:
    """Number the pieces of a mask, by edges that pixels share.

    Parameters
    ----------
    mask : ndarray, (H, W) bool

    Returns
    -------
    ndarray, (H, W) intp
        0 outside the mask, and a number from 1 up to the count of pieces in each.
    """
    height, width = mask.shape
    # A column of False parts the rows, so that runs can be told in the flattened mask.
    flat = np.zeros((height, width + 1), np.int8)
    flat[:, :width] = mask
    steps = np.diff(flat.ravel(), prepend=0)
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    first = np.searchsorted(stops, starts + width + 1, side="right")
    last = np.searchsorted(starts, stops + width + 1, side="left")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(starts)), counts)
    lower = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    links = np.column_stack([upper, np.repeat(first, counts) + lower])
    numbers = np.unique(connected_components(links, len(starts)), return_inverse=True)[1] + 1
    labels = np.zeros(flat.size, np.intp)
    labels[flat.ravel() > 0] = np.repeat(numbers, stops - starts)
    return labels.reshape(flat.shape)[:, :width]


def big_pieces(mask: np.ndarray, share: float = 1.0) -> np.ndarray:
    """A mask without the pieces that are smaller than a share of its biggest one.

    Parameters
    ----------
    mask : ndarray, (H, W) bool
    share : float
        1 leaves the biggest alone.
    """
    labels = label_pieces(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept = sizes >= share * sizes.max() if share < 1.0 else np.arange(len(sizes)) == sizes.argmax()
    kept[0] = False
    return kept[labels]


def grown(mask: np.ndarray, radius: int) -> np.ndarray:
    """A mask and all pixels whose middle is within a radius of one of its own, in pixels."""
    height, width = mask.shape
    result = mask.copy()
    for down in range(-radius, radius + 1):
        reach = int(np.sqrt(radius**2 - down**2))
        source = mask[max(0, -down) : height - max(0, down)]
        target = result[max(0, down) : height - max(0, -down)]
        for across in range(-reach, reach + 1):
            target[:, max(0, across) : width - max(0, -across)] |= (
                source[:, max(0, -across) : width - max(0, across)]
            )
    return result


def opened(mask: np.ndarray, radius: int) -> np.ndarray:
    """A mask without what is narrower than a disc of that radius, in pixels."""
    return grown(~grown(~mask, radius), radius)


def hull_mask(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose middle lies in the convex hull of points.

    Parameters
    ----------
    points : ndarray, (n, 2) float
        x, y in pixels; the middle of the upper left pixel is (0.5, 0.5).
    shape : tuple of int
        Height and width.

    Returns
    -------
    ndarray, (H, W) bool
    """
    rows, columns = (np.arange(count) + 0.5 for count in shape)
    left, right = _sides(points)
    inside = (rows >= left[0, 1]) & (rows <= left[-1, 1])
    from_x = np.interp(rows, left[:, 1], left[:, 0])
    to_x = np.interp(rows, right[:, 1], right[:, 0])
    between = (columns >= from_x[:, None]) & (columns <= to_x[:, None])
    return inside[:, None] & between


def _sides(points: np.ndarray) -> list[np.ndarray]:
    """The left and the right side of the convex hull, each (k, 2) from its top to its bottom."""
    ordered = points[np.lexsort((points[:, 0], points[:, 1]))]
    sides = []
    for sign in (1.0, -1.0):
        side: list[np.ndarray] = []
        for point in ordered:
            while len(side) > 1 and sign * _turn(side[-2], side[-1], point) >= 0.0:
                side.pop()
            side.append(point)
        sides.append(np.array(side))
    return sides


def _turn(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> float:
    """Above zero where the way through three points turns clockwise as seen."""
    (ax, ay), (bx, by) = second - first, third - second
    return float(ax * by - ay * bx)
