# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking up values between pixels. Needs numpy only."""

import numpy as np


def resample(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cubic B-spline look-up on a lattice: smooth also where it magnifies.

    Bilinear look-up would leave facets that show in the shading.

    Parameters
    ----------
    image : ndarray, (H, W) float32
    rows, columns : ndarray, (r,) and (c,)
        Continuous pixels.

    Returns
    -------
    ndarray, (r, c) float32
    """
    for at in (rows, columns):
        low = np.floor(at - 0.5).astype(int)
        t = (at - 0.5 - low).astype(np.float32)
        weights = (
            (1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6,
        )
        last = image.shape[0] - 1
        image = sum(
            weight[:, None] * image[np.clip(low + offset, 0, last)]
            for offset, weight in zip((-1, 0, 1, 2), weights)
        ).T
    return image


def enlarge(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A map at a larger size by cubic B-splines, with the same corners.

    Parameters
    ----------
    image : ndarray, (h, w) float32
    shape : tuple of int
        (height, width) of the result.

    Returns
    -------
    ndarray, (height, width) float32
    """
    rows, columns = (
        (np.arange(new) + 0.5) * old / new for new, old in zip(shape, image.shape)
    )
    return resample(image, rows, columns)


def sample_lattice(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Bilinear look-up on a lattice; `sample` of all its points, several times as fast.

    Parameters
    ----------
    image : ndarray, (H, W, C)
    rows, columns : ndarray, (r,) and (c,)
        Continuous pixels; outside, the nearest border pixel counts.

    Returns
    -------
    ndarray, (r, c, C) float32
    """
    height, width = image.shape[:2]
    left, x = _pixel_before(columns, width)
    top, y = _pixel_before(rows, height)
    x, y = x[:, None], y[:, None, None]
    image = image[:, left] * (1 - x) + image[:, np.minimum(left + 1, width - 1)] * x
    return image[top] * (1 - y) + image[np.minimum(top + 1, height - 1)] * y


def sample(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Bilinear look-up.

    Parameters
    ----------
    image : ndarray, (H, W) or (H, W, C)
    points : ndarray, (n, 2)
        Continuous pixels; outside, the nearest border pixel counts.

    Returns
    -------
    ndarray, (n,) or (n, C) float32
    """
    height, width = image.shape[:2]
    left, x = _pixel_before(points[:, 0], width)
    top, y = _pixel_before(points[:, 1], height)
    if image.ndim == 3:
        x, y = x[:, None], y[:, None]
    flat = image.reshape(height * width, *image.shape[2:])
    index = top * width + left
    upper = flat[index] * (1 - x) + flat[index + 1] * x
    index += width
    lower = flat[index] * (1 - x) + flat[index + 1] * x
    return upper * (1 - y) + lower * y


def _pixel_before(at: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Index of the pixel centre before each place, and how far on the place lies, 0 to 1."""
    at = np.clip(at - 0.5, 0, size - 1).astype(np.float32)
    index = np.minimum(at.astype(np.int32), max(size - 2, 0))
    return index, (at - index).astype(np.float32)


def sample_spline(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`resample` at (n, 2) scattered points: (n,) float32."""
    low = np.floor(points - 0.5).astype(int)
    t = (points - 0.5 - low).astype(np.float32)
    weights = (
        (1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6,
    )
    last = image.shape[0] - 1
    pixels = [np.clip(low + offset, 0, last) for offset in (-1, 0, 1, 2)]
    return sum(
        row_weight[:, 1] * weight[:, 0] * image[row[:, 1], column[:, 0]]
        for row_weight, row in zip(weights, pixels, strict=True)
        for weight, column in zip(weights, pixels, strict=True)
    )
