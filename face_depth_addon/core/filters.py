# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge-aware image filters."""

import cv2
import numpy as np

from .interpolation import enlarge


def guided_upsample(
    low: np.ndarray, guide: np.ndarray, radius: int, epsilon: float
) -> np.ndarray:
    """Bring a coarse map to the guide's size so that its edges follow the guide's.

    The fast guided filter (He and Sun 2015): a local linear model of the coarse map in
    the coarse guide, its coefficients enlarged and applied to the fine guide.

    Parameters
    ----------
    low : ndarray, (s, s) float32
    guide : ndarray, (S, S) float32
        In [0, 1].
    radius : int
        Window's half width in coarse pixels.
    epsilon : float
        Variance of the guide below which it is taken as flat.

    Returns
    -------
    ndarray, (S, S) float32
    """
    size = low.shape[::-1]
    coarse = cv2.resize(guide, size, interpolation=cv2.INTER_AREA)
    window = (2 * radius + 1, 2 * radius + 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, window)

    mean_guide, mean_low = mean(coarse), mean(low)
    variance = mean(coarse * coarse) - mean_guide**2
    slope = (mean(coarse * low) - mean_guide * mean_low) / (variance + epsilon)
    offset = mean_low - slope * mean_guide
    # The window's own mean would blur the map: carry its residual over as well.
    residual = low - (mean(slope) * coarse + mean(offset))
    slope = enlarge(mean(slope), guide.shape)
    return slope * guide + enlarge(mean(offset) + residual, guide.shape)


def fill_outside(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Continue a map smoothly beyond where it is known (push-pull pyramid).

    Parameters
    ----------
    values : ndarray, (H, W) float32
    known : ndarray, (H, W) bool or float32
        Where, or how far, ``values`` counts; somewhere it must.

    Returns
    -------
    ndarray, (H, W) float32
        ``values`` where fully known, a smooth continuation elsewhere.
    """
    weight = known.astype(np.float32)
    total = np.where(weight > 0, values, 0.0).astype(np.float32) * weight
    if min(values.shape) > 2 and weight.min() == 0.0:
        half = (max(1, values.shape[1] // 2), max(1, values.shape[0] // 2))
        coarse_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
        coarse_total = cv2.resize(total, half, interpolation=cv2.INTER_AREA)
        coarse = fill_outside(
            coarse_total / np.maximum(coarse_weight, 1e-6), np.minimum(coarse_weight * 4, 1.0)
        )
        rest = cv2.resize(coarse, values.shape[::-1], interpolation=cv2.INTER_LINEAR)
    else:
        rest = np.full(values.shape, total.sum() / max(weight.sum(), 1e-6), np.float32)
    return total + (1.0 - weight) * rest


def extend(values: np.ndarray, known: np.ndarray, reach: int = 6) -> np.ndarray:
    """Continue a map beyond where it is known with the slope it has at the border.

    A point outside takes twice the value of the nearest known point less the value of its
    own mirror image in that point.

    Parameters
    ----------
    values : ndarray, (H, W) float32
    known : ndarray, (H, W) bool
        Somewhere true.
    reach : int
        How many pixels the slope goes on; farther out the map is flat.

    Returns
    -------
    ndarray, (H, W) float32
    """
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(labels.max() + 1, int)
    place[labels[known]] = np.flatnonzero(known)
    row, column = np.divmod(place[labels], values.shape[1])
    rows, columns = np.indices(values.shape)
    mirror_row = np.clip(row + np.clip(row - rows, -reach, reach), 0, values.shape[0] - 1)
    mirror_column = np.clip(
        column + np.clip(column - columns, -reach, reach), 0, values.shape[1] - 1
    )
    nearest, mirrored = values[row, column], values[mirror_row, mirror_column]
    slope = np.where(known[mirror_row, mirror_column], nearest - mirrored, 0.0)
    return np.where(known, values, nearest + slope).astype(np.float32)
