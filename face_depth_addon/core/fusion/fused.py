# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fusion of several photos hands to mesh building. Needs numpy only."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class PhotoReport:
    """What became of one photo.

    Attributes
    ----------
    photo : str
        Its name.
    used : bool
    reason : str
        Why it was left out, as a sentence; empty if it was used.
    note : str
        What the user should know of a photo that was used, as a sentence; often empty.
    digest : str
        SHA-256 of the file; empty if it could not be read.
    pose : tuple of float, or None
        Yaw, pitch and roll of the head in the photo, degrees, as of `Face.pose` but from the
        fusion; None if the photo has no place.
    sharpness : float or None
        Of the face: 1 is the sharpest photo.
    likeness : float or None
        How well the photo agrees with the others, 0 to 1.
    residual_mm : float or None
        Root mean square distance of its surface from the others', after all steps.
    """

    photo: str
    used: bool
    reason: str = ""
    note: str = ""
    digest: str = ""
    pose: tuple[float, float, float] | None = None
    sharpness: float | None = None
    likeness: float | None = None
    residual_mm: float | None = None

    @property
    def told(self) -> str:
        """Its reason or its note with its name; empty if there is neither."""
        text = self.reason or self.note
        return text if not text or self.photo in text else f"{self.photo}: {text}"


@dataclass(frozen=True, eq=False)
class PhotoCamera:
    """The camera of a photo, in the head's frame.

    Attributes
    ----------
    photo : int
        Index into `FusedHead.photos`.
    rotation : ndarray, (3, 3) float64
        Its columns are the camera's right, its up, and the way back from what it looks at.
    place : ndarray, (3,) float64
        Metres.
    focal_px : float
        In photo pixels; the optical axis meets the photo's middle.
    width, height : int
        Of the photo.
    backdrop : bytes
        The photo as a JPEG file, at up to 2048 pixels a side.
    """

    photo: int
    rotation: np.ndarray
    place: np.ndarray
    focal_px: float
    width: int
    height: int
    backdrop: bytes


@dataclass(frozen=True, eq=False)
class PhotoCloud:
    """The photos' surfaces as one point cloud in the head's frame.

    Attributes
    ----------
    positions, normals : ndarray, (n, 3) float32
        Metres.
    colours : ndarray, (n, 3) uint8
        sRGB.
    photo : ndarray, (n,) int32
        Which of `FusedHead.photos` each point is from.
    """

    positions: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    photo: np.ndarray


@dataclass(frozen=True, eq=False)
class FusedHead:
    """One head made of several photos.

    The frame is that of all meshes: metres, the face looks to -Y, z points up, and the origin
    lies in the middle of the head.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
    faces : ndarray, (f, 4) int32
        Wound anticlockwise as seen from outside; a triangle ends in -1.
    uvs : ndarray, (f, 4, 2) float32
        Of the faces' corners in the texture, (0, 0) at the lower left; the fourth of a triangle
        is void.
    colours : ndarray, (n, 3) uint8
        sRGB.
    seen : ndarray, (n,) float32
        How far photos show the vertex, 0 to 1; the rest is a mirror image or a template.
    views : ndarray, (n,) float32
        How many photos show it.
    texture : bytes
        A JPEG file.
    landmarks : ndarray, (468, 3) float32
    photos : tuple of PhotoReport
        One for each photo that was given, in their order.
    cameras : tuple of PhotoCamera
        Of the photos that were used.
    before, after : PhotoCloud
        The photos' surfaces placed by their landmarks alone, and after all steps.
    residuals : dict
        Root mean square distance between the photos' surfaces where they overlap, in mm, after
        each step: ``landmarks``, ``icp``, ``refined``.
    info : dict
        What it was made from: ``timings`` in seconds, ``model``, ``photos`` used, ``reference``.
    """

    positions: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray
    colours: np.ndarray
    seen: np.ndarray
    views: np.ndarray
    texture: bytes
    landmarks: np.ndarray
    photos: tuple[PhotoReport, ...]
    cameras: tuple[PhotoCamera, ...]
    before: PhotoCloud
    after: PhotoCloud
    residuals: dict[str, float]
    info: dict = field(default_factory=dict)
