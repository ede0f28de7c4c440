# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture that an imported depth map belongs to: a photo, or nothing but the map."""

import hashlib
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..crop import Crop
from ..errors import PhotoError
from ..photo import Photo
from ..pictures import MAX_SIZE, jpeg, photo_pictures, working_size
from ..reconstruction import Pictures, Reconstruction
from ..sampling import cut, inside_photo
from .depth_file import DepthMap

# Of the longest side of a picture that says nothing of its size.
_ASSUMED_METRES = 0.25
_PAINT_GREY = 200


@dataclass(frozen=True)
class Frame:
    """The picture that a depth map belongs to.

    Attributes
    ----------
    blank : Reconstruction
        Everything but depth.
    metres_per_pixel : float or None
        Scale of the photo at the subject, where it is known.
    """

    blank: Reconstruction
    metres_per_pixel: float | None = None


def frame_of_photo(photo: Photo, resolution: int) -> Frame:
    """The whole of a photo without a face.

    Parameters
    ----------
    photo : Photo
    resolution : int
        Vertices along the longest side of the mesh.

    Raises
    ------
    PhotoError
        The photo is transparent everywhere.
    """
    height, width = photo.rgb.shape[:2]
    crop = _whole(width, height)
    size = working_size(crop, resolution)
    subject = inside_photo(crop, photo.rgb.shape, size)
    if photo.alpha is not None:
        subject &= cut(photo.alpha, crop, size, cv2.BORDER_CONSTANT) >= 128
    if not subject.any():
        raise PhotoError(f"{photo.name} is transparent everywhere; choose another photo.")
    info = {
        "photo": photo.name, "digest": photo.digest, "width": width, "height": height,
        "focal_35mm": photo.focal_35mm,
    }
    pictures = photo_pictures(photo.rgb, crop, size)
    return Frame(_blank(cut(photo.rgb, crop, size), subject, crop, pictures, info))


def frame_of_map(depth_map: DepthMap) -> Frame:
    """A depth map without a photo: its mesh is grey, and what it was made from is the map.

    Parameters
    ----------
    depth_map : DepthMap
    """
    values = depth_map.values
    height, width = values.shape
    crop = _whole(width, height)
    size = min(max(width, height), MAX_SIZE)
    known = np.isfinite(values)
    low, high = values[known].min(), values[known].max()
    shares = np.where(known, (values - low) / max(high - low, np.float32(1e-30)), 0.0)
    shown = np.repeat(np.rint(255.0 * shares).astype(np.uint8)[..., None], 3, axis=2)
    rgb = np.full((size, size, 3), _PAINT_GREY, np.uint8)
    info = {
        "photo": depth_map.name, "digest": hashlib.sha256(values.tobytes()).hexdigest(),
        "width": width, "height": height, "focal_35mm": None,
    }
    pictures = replace(photo_pictures(shown, crop, size), photo=jpeg(rgb))
    return Frame(_blank(rgb, inside_photo(crop, values.shape, size), crop, pictures, info))


def _whole(width: int, height: int) -> Crop:
    """The square around a picture, its pixels whole pixels of the square too."""
    side = max(width, height)
    x, y = (length / 2 + (side - length) % 2 / 2 for length in (width, height))
    return Crop(x, y, float(side))


def _blank(
    rgb: np.ndarray, subject: np.ndarray, crop: Crop, pictures: Pictures, info: dict
) -> Reconstruction:
    return Reconstruction(
        depth=np.zeros(subject.shape, np.float32), subject=subject,
        matte=subject.astype(np.uint8) * 255, rgb=rgb, crop=crop,
        metres_per_pixel=_ASSUMED_METRES / crop.side, origin=np.zeros(3), pictures=pictures,
        info=info,
    )
