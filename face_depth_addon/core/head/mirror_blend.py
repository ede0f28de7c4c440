# SPDX-License-Identifier: GPL-3.0-or-later
"""Blends what a photo shows of a head with its own mirror image, on the head's chart."""

import cv2
import numpy as np

from ..filters import fill_outside
from .visibility import MARGIN, STEEP, SURE, ramp, smoothstep

# Metres: widths of the seam, of the differences in place and in colour that are carried over it,
# of the notches that are closed, and of crumbs of the relief that do not count.
_SEAM, _CARRY, _CARRY_COLOUR, _NOTCH, _CRUMB = 0.003, 0.005, 0.02, 0.012, 0.004
_INSIDE = 0.75


def own_weight(
    trust: np.ndarray, drawn: np.ndarray, facing: np.ndarray, spacing: float
) -> np.ndarray:
    """Smooth (H, W) weight of what is seen, from its trust: at least a little where it counts.

    What a relief has where a round head turns away from the camera is background that was
    taken for the head.

    Parameters
    ----------
    trust : (H, W) float array
        As of `visibility.vertex_trust`.
    drawn : (H, W) int array
        0 sheets and overhangs, 1 what is fair, 2 what is trusted, -1 where nothing lies.
    facing : (H, W) float array
        Cosines between the chart's rays and the way to the camera.
    spacing : float
        Metres from cell to cell.
    """
    sheet = cv2.distanceTransform((drawn != 0).astype(np.uint8), cv2.DIST_L2, 5) * spacing
    own = ((drawn == 2) | ((drawn == 1) & (sheet > MARGIN))).astype(np.uint8)
    # Between sheets, at a collar or behind a shoulder, crumbs of the relief lie at any depth.
    own = cv2.morphologyEx(own, cv2.MORPH_OPEN, _disc(_CRUMB / spacing))
    _, labels = cv2.connectedComponents(own, None, 4)
    sound = np.bincount(labels[drawn == 2], minlength=labels.max() + 1) > 0
    own = (own > 0) & sound[labels]
    rim = cv2.distanceTransform(np.pad(own, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    known = np.where(own, trust, 0.0) * ramp(facing, SURE, STEEP)
    smooth = blur(known, _SEAM / spacing) * smoothstep(rim * spacing / (4.0 * _SEAM))
    return np.where(own, np.maximum(smooth, 1e-6), 0.0).astype(np.float32)


def blend_with_mirror(
    values: np.ndarray, weight: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blend maps with their mirror images.

    Parameters
    ----------
    values : (H, W, K) float array
        First the radius, then colours.
    weight : (H, W) float array
        From `own_weight`.
    spacing : float
        Metres from cell to cell.

    Returns
    -------
    seen : (H, W) float32
        Share of the map's own values.
    blended : (H, W, K) float32
        Filled from around where there are none.
    carried : (H, W, K) float32
        What the mirror images are changed by.
    """
    other = weight[:, ::-1]
    seen = smoothstep(weight / np.maximum(0.8 * other, 1e-9)).astype(np.float32)
    values = np.where(weight[..., None] > 0.0, values, 0.0)
    flipped = values[:, ::-1]
    both, differences = weight * other, np.moveaxis(values - flipped, -1, 0)
    carried = np.dstack([
        carry(difference, both, (_CARRY if layer == 0 else _CARRY_COLOUR) / spacing)
        for layer, difference in enumerate(differences)
    ])
    share = seen[..., None]
    blended = share * values + (1.0 - share) * (flipped + carried)
    known = (weight > 0.0) | (other > 0.0)
    filled = [fill_outside(layer, known) for layer in np.moveaxis(blended, -1, 0)]
    return seen, np.dstack(filled), carried.astype(np.float32)


def whole(known: np.ndarray, spacing: float) -> np.ndarray:
    """The largest piece of a (H, W) bool map, without holes, notches, horns and frays."""
    disc = _disc(_NOTCH / spacing)
    width = len(disc)
    closed = cv2.morphologyEx(
        np.pad(known, width).astype(np.uint8), cv2.MORPH_CLOSE, disc
    )[width:-width, width:-width]
    # A little inside of the border: what is filled beyond it has another slope, and stands out.
    even = (blur(closed, width / 3.0) > _INSIDE).astype(np.uint8)
    # Horns are cut as notches are filled: shreds of a collar beside the neck.
    even = cv2.morphologyEx(even, cv2.MORPH_OPEN, disc)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(even, None, 4)
    largest = labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])
    around = np.pad(~largest, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(around, None, 4)
    return (labels != labels[0, 0])[1:-1, 1:-1]


def carry(difference: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth (H, W) map of a difference, continued away from where ``weight`` is."""
    near = blur(weight, sigma)
    smooth = blur(difference * weight, sigma) / np.maximum(near, 1e-6)
    sure = smoothstep(near / 0.1)
    spread = blur(fill_outside(smooth.astype(np.float32), sure), sigma)
    return sure * smooth + (1.0 - sure) * spread


def _disc(width: float) -> np.ndarray:
    """A structuring element about so many cells wide."""
    side = 2 * int(width / 2) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of a (H, W) map, float32; ``sigma`` in cells."""
    return cv2.GaussianBlur(
        values.astype(np.float32), (0, 0), max(sigma, 0.5), borderType=cv2.BORDER_REPLICATE
    )
