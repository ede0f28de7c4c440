# SPDX-License-Identifier: GPL-3.0-or-later
"""What Smoothing, Feather and Detail have to know of each vertex."""

import cv2
import numpy as np

from ..interpolation import sample
from ..reconstruction import Reconstruction
from .shaping import Layers, Shape

# How wide depth is averaged, in sides of the crop: over eyelids the first, over lips the second.
_SMOOTHED_SIDES = (1 / 180, 1 / 54)
# How wide the distance to the border is averaged, or each of its dents would draw a crease.
_BORDER_SIDES = 1 / 80


def layers_at(
    reconstruction: Reconstruction, part: np.ndarray, plane: np.ndarray, shape: Shape
) -> Layers:
    """The layers that a shape needs.

    Parameters
    ----------
    reconstruction : Reconstruction
    part : ndarray, (S, S) bool
        The pixels that became a mesh.
    plane : ndarray, (n, 2) float32
        Where the vertices lie in the picture: x, z, in metres by the photo's scale.
    shape : Shape
    """
    points = points_of(reconstruction, plane)
    detail = reconstruction.detail
    return Layers(
        _smoothed(reconstruction, points) if shape.smoothing > 0.0 else None,
        _inside(reconstruction, part, points) if shape.feather > 0.0 else None,
        None if detail is None else _detail(reconstruction, points),
    )


def _smoothed(reconstruction: Reconstruction, points: np.ndarray) -> np.ndarray:
    subject = reconstruction.subject.astype(np.float32)
    known = reconstruction.depth * subject
    columns = []
    for sides in _SMOOTHED_SIDES:
        # Averaged within the subject alone, or its border would sink to what is behind it.
        spread = sides * reconstruction.size
        weight = cv2.GaussianBlur(subject, (0, 0), spread)
        blurred = cv2.GaussianBlur(known, (0, 0), spread) / np.maximum(weight, 1e-3)
        columns.append(sample(np.where(weight > 1e-3, blurred, reconstruction.depth), points))
    depths = np.column_stack(columns) - np.float32(reconstruction.origin[2])
    return (depths * reconstruction.metres_per_pixel).astype(np.float32)


def _inside(reconstruction: Reconstruction, part: np.ndarray, points: np.ndarray) -> np.ndarray:
    spread = _BORDER_SIDES * reconstruction.size
    frame = int(3.0 * spread) + 2
    framed = np.pad(part.astype(np.uint8), frame)
    # Signed, it stays zero at the border when it is averaged.
    inside, outside = (
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for side in (framed, 1 - framed)
    )
    distance = cv2.GaussianBlur(inside - outside, (0, 0), spread)[frame:-frame, frame:-frame]
    reach = np.maximum(sample(distance, points), 0.0) * _metres_per_pixel(reconstruction)
    return reach.astype(np.float32)


def _detail(reconstruction: Reconstruction, points: np.ndarray) -> np.ndarray:
    scale = len(reconstruction.detail) / reconstruction.size
    values = sample(reconstruction.detail, points * scale)
    return (values * reconstruction.metres_per_pixel).astype(np.float32)


def _metres_per_pixel(reconstruction: Reconstruction) -> float:
    """Of the crop's arrays, not of the photo."""
    side = reconstruction.crop.side * reconstruction.metres_per_pixel
    return side / reconstruction.size


def points_of(reconstruction: Reconstruction, plane: np.ndarray) -> np.ndarray:
    """Crop pixels of places in the picture's plane."""
    places = plane * (1.0, -1.0) / _metres_per_pixel(reconstruction)
    return places + reconstruction.origin[:2] * reconstruction.size
