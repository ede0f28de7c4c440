# SPDX-License-Identifier: GPL-3.0-or-later
"""What a .blend keeps of a reconstruction: making its picture files."""

from dataclasses import replace

import cv2
import numpy as np

from .crop import Crop
from .depth.exr import encode_exr
from .reconstruction import Pictures
from .sampling import cut

MAX_SIZE = 2048
_MAX_TEXTURE, _MAX_BACKDROP = 4096, 2048


def photo_pictures(rgb: np.ndarray, crop: Crop, size: int) -> Pictures:
    """The pictures that show the photo; those of the depth are empty.

    Parameters
    ----------
    rgb : ndarray, (H, W, 3) uint8
        The upright photo.
    crop : Crop
    size : int
        Side at which depth is worked out.
    """
    side = int(np.clip(round(crop.side), size, _MAX_TEXTURE))
    scale = min(_MAX_BACKDROP / max(rgb.shape[:2]), 1.0)
    backdrop = rgb if scale == 1.0 else cv2.resize(
        rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    return Pictures(jpeg(cut(rgb, crop, side)), jpeg(backdrop), b"", b"")


def with_depth(
    pictures: Pictures, depth: np.ndarray, matte: np.ndarray, subject: np.ndarray
) -> Pictures:
    """The same pictures with those of a depth.

    Parameters
    ----------
    pictures : Pictures
    depth : ndarray, (S, S) float32
    matte : ndarray, (S, S) uint8
    subject : ndarray, (S, S) bool
        Somewhere true.
    """
    far, near = depth[subject].min(), depth[subject].max()
    shares = (depth - far) / max(near - far, np.float32(1e-6))
    # Half or more of the matte in the subject and nowhere else.
    clear = np.where(subject, np.maximum(matte, 128), np.minimum(matte, 127))
    return replace(
        pictures, depth=encode_exr(shares, compressed=False),
        matte=cv2.imencode(".png", clear)[1].tobytes(),
    )


def jpeg(rgb: np.ndarray) -> bytes:
    """A JPEG file of (H, W, 3) uint8."""
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95]
    )
    return data.tobytes()


def png(rgb: np.ndarray) -> bytes:
    """A PNG file of (H, W, 3) uint8."""
    return cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()


def working_size(crop: Crop, resolution: int) -> int:
    """Side at which depth is worked out: the photo's own, but enough for the mesh."""
    enough = min(max(resolution, 512), MAX_SIZE)
    return int(np.clip(round(crop.side), enough, max(enough, 1024)))


def origin_of(depth: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Middle of the subject's box: x, y in [0, 1], depth in photo pixels."""
    rows, columns = (np.flatnonzero(subject.any(axis=axis)) for axis in (1, 0))
    size = subject.shape[0]
    low, high = np.percentile(depth[subject], (1, 99))
    return np.array([
        (columns[0] + columns[-1] + 1) / 2 / size,
        (rows[0] + rows[-1] + 1) / 2 / size,
        (low + high) / 2,
    ])
