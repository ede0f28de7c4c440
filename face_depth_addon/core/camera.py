# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a photo, as far as it is known, and what a face beside its axis means."""

from dataclasses import dataclass

import numpy as np

from .crop import Crop

# Of the 36 x 24 mm picture, by which EXIF's equivalent focal lengths go.
_DIAGONAL_35MM = 43.27
_USUAL_DISTANCE = 0.8


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes
    ----------
    focal_px : float
        Focal length in photo pixels.
    x, y : float
        Principal point, in continuous photo pixels.
    """

    focal_px: float
    x: float
    y: float


def assumed_camera(
    width: int, height: int, focal_35mm: float | None, metres_per_pixel: float
) -> Camera:
    """The camera of an uncropped photo.

    Parameters
    ----------
    width, height : int
    focal_35mm : float or None
        From EXIF. Without it the subject is taken to be 80 cm away.
    metres_per_pixel : float
        Scale of the photo at the subject.
    """
    if focal_35mm:
        focal_px = focal_35mm / _DIAGONAL_35MM * float(np.hypot(width, height))
    else:
        focal_px = _USUAL_DISTANCE / metres_per_pixel
    return Camera(focal_px, width / 2, height / 2)


def from_camera_plane(depth: np.ndarray, crop: Crop, camera: Camera) -> np.ndarray:
    """Depth along the crop's middle to depth along the camera's axis.

    A crop shows a face as a camera turned towards it would. Seen from the plane of the real
    camera the same surface is aslant, by the angle between the face and the optical axis.

    Parameters
    ----------
    depth : ndarray, (height, width) float32
        In the photo's frame, photo pixels, nearer is larger.
    crop : Crop
    camera : Camera

    Returns
    -------
    ndarray, (height, width) float32
    """
    right, down = (crop.x - camera.x) / camera.focal_px, (crop.y - camera.y) / camera.focal_px
    squared = 1.0 + right**2 + down**2
    rows, columns = (np.arange(count, dtype=np.float32) + 0.5 for count in depth.shape)
    slant = (columns - crop.x) * right + (rows[:, None] - crop.y) * down
    return (depth / np.sqrt(squared) + slant / squared).astype(np.float32)
