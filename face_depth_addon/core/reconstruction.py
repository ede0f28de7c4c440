# SPDX-License-Identifier: GPL-3.0-or-later
"""What inference hands to mesh building. Needs numpy only."""

from dataclasses import dataclass, field

import numpy as np

from .crop import Crop


@dataclass(frozen=True)
class Pictures:
    """What a .blend keeps of a reconstruction, as files in memory.

    Attributes
    ----------
    photo : bytes
        The crop as a JPEG, at up to its size in the photo.
    backdrop : bytes
        The upright photo as a JPEG, at up to 2048 pixels a side.
    depth : bytes
        An OpenEXR file of float32: 0 is the subject's farthest depth, 1 the nearest.
    matte : bytes
        A PNG.
    """

    photo: bytes
    backdrop: bytes
    depth: bytes
    matte: bytes


@dataclass(frozen=True)
class Reconstruction:
    """Depth and colour of one subject in its upright square crop.

    Attributes
    ----------
    depth : ndarray, (S, S) float32
        Photo pixels, nearer is larger; finite everywhere, meaningful in the subject.
    subject : ndarray, (S, S) bool
        The pixels that belong to the subject.
    matte : ndarray, (S, S) uint8
        How much of a pixel is the subject's, up to 255; soft at its border.
    rgb : ndarray, (S, S, 3) uint8
        sRGB colours of the crop.
    crop : Crop
        Where the crop lies in the photo.
    metres_per_pixel : float
        Scale of the photo at the subject.
    origin : ndarray, (3,) float64
        Centre of the subject: x, y in [0, 1] crop coordinates, depth in photo pixels.
    pictures : Pictures
    landmarks : ndarray, (468, 3) float32, or None
        x, y in sides of the crop, depth in photo pixels; None where no face was looked for.
    detail : ndarray, (D, D) float32, or None
        What pores and wrinkles add to the depth, in photo pixels.
    span : tuple of float, or None
        Farthest and nearest depth in metres, to which clips and gamma refer; None for the
        subject's own. It stays what it was when depth is painted.
    info : dict
        What it was made from: photo, digest, source, device, face, timings, notes.
    """

    depth: np.ndarray
    subject: np.ndarray
    matte: np.ndarray
    rgb: np.ndarray
    crop: Crop
    metres_per_pixel: float
    origin: np.ndarray
    pictures: Pictures
    landmarks: np.ndarray | None = None
    detail: np.ndarray | None = None
    span: tuple[float, float] | None = None
    info: dict = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Width and height S of the arrays."""
        return self.depth.shape[0]
