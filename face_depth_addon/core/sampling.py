# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting crops out of photos and putting them back, without aliasing."""

import cv2
import numpy as np

from .crop import Crop


def _centred(matrix: np.ndarray) -> np.ndarray:
    """The same (2, 3) map for cv2, whose integer coordinates are pixel centres."""
    shifted = matrix.copy()
    shifted[:, 2] += 0.5 * (matrix[:, :2].sum(axis=1) - 1.0)
    return shifted


def cut(image: np.ndarray, crop: Crop, size: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    """Sample a crop from an image at ``size`` x ``size`` pixels.

    Parameters
    ----------
    image : ndarray, (H, W) or (H, W, C) uint8 or float32
    crop : Crop
    size : int
        Width and height of the result.
    border : int
        cv2 border mode for what lies outside the image.

    Returns
    -------
    ndarray, (size, size) or (size, size, C), dtype of ``image``
    """
    to_photo = crop.to_photo(size)
    # A bilinear warp that shrinks by more than 2 skips pixels: average them first.
    factor = int(crop.side / size)
    if factor >= 2:
        image, to_photo = _reduce(image, crop, to_photo, factor)
    return cv2.warpAffine(
        image, _centred(to_photo), (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border,
    )


def _reduce(
    image: np.ndarray, crop: Crop, to_photo: np.ndarray, factor: int
) -> tuple[np.ndarray, np.ndarray]:
    """Shrink the part of the image that the crop touches by a whole factor."""
    reach = crop.side * 0.75
    height, width = image.shape[:2]
    left, right = np.clip([crop.x - reach, crop.x + reach], 0, width).astype(int)
    top, bottom = np.clip([crop.y - reach, crop.y + reach], 0, height).astype(int)
    part = image[top:bottom, left:right]
    columns, rows = max(1, part.shape[1] // factor), max(1, part.shape[0] // factor)
    part = cv2.resize(
        part[: rows * factor, : columns * factor], (columns, rows), interpolation=cv2.INTER_AREA
    )
    shrunk = to_photo.copy()
    shrunk[:, 2] -= (left, top)
    return part, shrunk / factor


def paste(
    values: np.ndarray, crop: Crop, shape: tuple[int, int], outside: float = np.nan
) -> np.ndarray:
    """Put crop values back into the photo's frame.

    Parameters
    ----------
    values : ndarray, (S, S) float32
        NaN where there is nothing.
    crop : Crop
    shape : tuple of int
        (height, width) of the photo.
    outside : float
        Value where the crop does not reach.

    Returns
    -------
    ndarray, (height, width) float32
    """
    size = values.shape[0]
    to_photo = _centred(crop.to_photo(size))
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0).astype(np.float32)
    flags = cv2.INTER_LINEAR
    weight = cv2.warpAffine(known.astype(np.float32), to_photo, shape[::-1], flags=flags)
    total = cv2.warpAffine(filled, to_photo, shape[::-1], flags=flags)
    # Half of the bilinear weight known: the subject's outline keeps its place.
    return np.where(weight >= 0.5, total / np.maximum(weight, 1e-6), np.float32(outside))


def inside_photo(crop: Crop, shape: tuple[int, int], size: int) -> np.ndarray:
    """Where the crop lies inside the photo: (size, size) bool."""
    centres = np.arange(size) + 0.5
    to_photo = crop.to_photo(size)
    x = to_photo[0, 0] * centres + to_photo[0, 1] * centres[:, None] + to_photo[0, 2]
    y = to_photo[1, 0] * centres + to_photo[1, 1] * centres[:, None] + to_photo[1, 2]
    return (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """A square picture at another size, averaged where it shrinks.

    Parameters
    ----------
    pixels : ndarray, (s, s, C) float32
    size : int

    Returns
    -------
    ndarray, (size, size, C) float32
    """
    way = cv2.INTER_AREA if pixels.shape[0] > size else cv2.INTER_LINEAR
    return cv2.resize(pixels, (size, size), interpolation=way).reshape(size, size, -1)
