# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's 468 face landmarks on cv2.dnn, and what follows from them.

The network reads an upright square of 192 pixels, RGB in [0, 1], and gives x, y and z
in those pixels; z is smaller towards the camera, on the scale of x.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..crop import Crop, transform_points
from ..sampling import cut
from .detection import Detection, read_tflite
from .face_points import CHIN, FOREHEAD, LEFT_EYE, RIGHT_EYE

INTER_PUPIL_MM = 63.0

_SIZE = 192
_ROI = 1.5
_MIN_PRESENCE = 0.5


@dataclass(frozen=True)
class Face:
    """Landmarks of one face.

    Attributes
    ----------
    landmarks : ndarray, (468, 3) float64
        x, y in continuous photo pixels, depth in photo pixels, nearer is larger.
    presence : float
        The network's own certainty that a face is there, 0 to 1.
    box : ndarray, (4,) float64
        The detector's box x0, y0, x1, y1.
    """

    landmarks: np.ndarray
    presence: float
    box: np.ndarray

    @property
    def roll(self) -> float:
        """Angle of the eye line in the photo, radians, clockwise as seen."""
        right, left = self._eye(RIGHT_EYE), self._eye(LEFT_EYE)
        return float(np.arctan2(left[1] - right[1], left[0] - right[0]))

    @property
    def inter_pupil(self) -> float:
        """Distance of the eyes' centres in space, in photo pixels."""
        return float(np.linalg.norm(self._eye(LEFT_EYE) - self._eye(RIGHT_EYE)))

    @property
    def metres_per_pixel(self) -> float:
        """Scale of the photo at the face, taking 63 mm between the pupils."""
        return INTER_PUPIL_MM / 1000.0 / self.inter_pupil

    @property
    def pose(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll of the head in degrees.

        Yaw is positive when the face looks to the picture's right, pitch when it
        looks up, roll when it leans clockwise. The face's own axes are the line through
        the eyes' outer corners and the line from chin to forehead.
        """
        points = self.landmarks * (1.0, -1.0, 1.0)
        across = points[263] - points[33]
        up = points[FOREHEAD] - points[CHIN]
        forward = np.cross(across, up)
        forward /= np.linalg.norm(forward)
        yaw = np.arctan2(forward[0], forward[2])
        pitch = np.arcsin(np.clip(forward[1], -1.0, 1.0))
        return tuple(float(np.degrees(angle)) for angle in (yaw, pitch, self.roll))

    def crop(self, margin: float, rise: float) -> Crop:
        """Upright square around the landmarks.

        Parameters
        ----------
        margin : float
            Side of the square over the longer side of the landmarks' box.
        rise : float
            How far the centre moves towards the forehead, in sides.
        """
        return upright_square(self.landmarks[:, :2], self.roll, margin, rise)

    def _eye(self, corners: tuple[int, ...]) -> np.ndarray:
        return self.landmarks[list(corners)].mean(axis=0)


class LandmarkNet:
    """The 468-point network.

    Parameters
    ----------
    path : Path
        ``face_landmark.tflite``.
    """

    def __init__(self, path: Path):
        self._path = path

    @cached_property
    def _net(self):
        return read_tflite(self._path)

    def locate(self, rgb: np.ndarray, detection: Detection) -> Face | None:
        """Landmarks of a detected face, refined once from their own outline.

        Parameters
        ----------
        rgb : ndarray, (H, W, 3) uint8
        detection : Detection

        Returns
        -------
        Face or None
            None when the network finds no face there.
        """
        across = detection.points[[1, 4]].sum(axis=0) - detection.points[[0, 3]].sum(axis=0)
        roll = float(np.arctan2(across[1], across[0]))
        corners = detection.box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
        centre = corners.mean(axis=0)
        crop = Crop(*centre, side=_ROI * np.ptp(corners, axis=0).max(), roll=roll)
        for _ in range(2):
            points, presence = self._forward(rgb, crop)
            face = Face(points, presence, detection.box)
            crop = face.crop(_ROI, 0.0)
        return face if presence >= _MIN_PRESENCE else None

    def _forward(self, rgb: np.ndarray, crop: Crop) -> tuple[np.ndarray, float]:
        patch = cut(rgb, crop, _SIZE).astype(np.float32) / 255.0
        self._net.setInput(patch.transpose(2, 0, 1)[None])
        logit, points = self._net.forward(("conv2d_31", "conv2d_21"))
        points = points.reshape(468, 3).astype(float)
        placed = transform_points(crop.to_photo(_SIZE), points[:, :2])
        depth = -points[:, 2] * crop.side / _SIZE
        return np.column_stack([placed, depth]), float(1.0 / (1.0 + np.exp(-logit.item())))


def upright_square(points: np.ndarray, roll: float, margin: float, rise: float) -> Crop:
    """Square around (n, 2) points in axes turned by ``roll``."""
    axes = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    turned = points @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    side = margin * (high - low).max()
    centre = ((low + high) / 2 - (0.0, rise * side)) @ axes
    return Crop(float(centre[0]), float(centre[1]), float(side), roll)


def outline_mask(face: Face, crop: Crop, size: int) -> np.ndarray:
    """The face's hull in the crop: (size, size) bool."""
    points = transform_points(crop.from_photo(size), face.landmarks[:, :2])
    hull = cv2.convexHull(np.round(points - 0.5).astype(np.int32))
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    return mask.astype(bool)
