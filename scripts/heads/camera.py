# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a photo is taken from, and with which lens.

Camera coordinates are those of computer vision: x to the right of the picture, y down, z along the
optical axis.  Pixel (0, 0) is the top left one, and its centre lies at (0.5, 0.5).
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

FRAME = (24.0, 36.0)  # short and long side of the full frame, millimetres
FOCAL_LENGTHS = (24.0, 135.0)
YAW, PITCH, ROLL = 60.0, 30.0, 20.0
_FACE_HEIGHT = 230.0
_FACE_WIDTH = 200.0
_NEAREST, _FARTHEST = 330.0, 5000.0
_VIEW_WIDTH, _SKULL_DEPTH = 350.0, 40.0  # the latter: of the skull's middle behind the face's
# The middle of the face in the head's frame: between the eyes and the mouth, behind the skin.
MIDDLE = (0.0, -10.0, -25.0)


@dataclass(frozen=True)
class CameraParams:
    """A camera before a head.

    Attributes
    ----------
    yaw, pitch, roll
        How the head is turned as the camera sees it, degrees: to the person's left, up, and
        clockwise in the picture.
    focal_length
        Equivalent on the 36 x 24 mm frame, millimetres.
    distance
        From the camera's centre to the middle of the face, millimetres.
    width
        What the picture's side covers at that distance, millimetres.
    centre
        Where the middle of the face lies in the picture, as shares of its side.
    offset
        How far the face is off the optical axis, as tangents of the angles (right, down).
    f_number
        0 for a lens that is sharp everywhere.
    """

    yaw: float
    pitch: float
    roll: float
    focal_length: float
    distance: float
    width: float
    centre: tuple[float, float]
    offset: tuple[float, float]
    f_number: float


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in the head's frame.

    Attributes
    ----------
    rotation, translation
        float64 (3, 3) and (3,): camera point = rotation @ head point + translation, millimetres.
    focal, principal
        In pixels.
    """

    rotation: np.ndarray
    translation: np.ndarray
    focal: float
    principal: tuple[float, float]

    @property
    def position(self) -> np.ndarray:
        """Where the camera is in the head's frame, float64 (3,), millimetres."""
        return -self.rotation.T @ self.translation

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return pixels and depths, (..., 3), of points (..., 3) of the head's frame."""
        x, y, z = np.moveaxis(points @ self.rotation.T + self.translation, -1, 0)
        return np.stack(
            [self.focal * x / z + self.principal[0], self.focal * y / z + self.principal[1], z], -1
        )


def draw(rng: np.random.Generator) -> CameraParams:
    """Return a random camera; most heads are nearly frontal."""
    frontal = rng.random() < 0.6
    spread = np.array([14.0, 7.0, 5.0]) if frontal else np.array([30.0, 12.0, 8.0])
    limits = np.array([YAW, PITCH, ROLL])
    yaw, pitch, roll = np.clip(rng.normal(0, 1, 3) * spread, -limits, limits)
    focal = float(np.exp(rng.uniform(*np.log(FOCAL_LENGTHS))))
    share = rng.uniform(0.25, 0.7)
    distance = np.clip(focal * _FACE_HEIGHT / (share * FRAME[0]), _NEAREST, _FARTHEST)
    width = _FACE_WIDTH * rng.uniform(1.25, 1.95)
    centre = 0.5 + rng.normal(0, 0.025, 2) + (0.0, 0.02)
    reach = np.array([FRAME[1], FRAME[0]]) / 2 / focal * (1 - share)
    offset = np.clip(rng.normal(0, 0.35, 2), -1, 1) * reach
    blurred = rng.random() < 0.35
    f_number = float(np.exp(rng.uniform(np.log(1.4), np.log(5.6)))) if blurred else 0.0
    return CameraParams(
        *(round(float(angle), 4) for angle in (yaw, pitch, roll)),
        round(focal, 4),
        round(float(distance), 4),
        round(float(width), 4),
        tuple(round(float(value), 4) for value in centre),
        tuple(round(float(value), 4) for value in offset),
        round(f_number, 4),
    )


def fixed_view(yaw: float) -> CameraParams:
    """Return the camera of the 19-view protocol: 85 mm, level, the head turned by ``yaw``."""
    # The skull, not the face, stays in the middle of the picture.
    column = round(0.5 + _SKULL_DEPTH * float(np.sin(np.radians(yaw))) / _VIEW_WIDTH, 4)
    return CameraParams(
        float(yaw), 0.0, 0.0, 85.0, 1500.0, _VIEW_WIDTH, (column, 0.5), (0.0, 0.0), 0.0
    )


def eye_contact(params: CameraParams) -> tuple[float, float]:
    """Return yaw and pitch, in degrees, of the eyes of a head that looks into the camera."""
    x, y, z = place(params, 1).rotation.T @ np.array([0.0, 0.0, -1.0])
    return float(np.degrees(np.arctan2(x, -y))), float(np.degrees(np.arcsin(z)))


def place(params: CameraParams, size: int) -> Camera:
    """Return the camera for a picture of ``size`` pixels a side."""
    turn = Rotation.from_euler("ZXY", [params.yaw, -params.pitch, params.roll], degrees=True)
    # Of a head at rest: its x is the picture's x, its -z the picture's y, its y the axis.
    facing = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    rotation = facing @ turn.as_matrix()
    focal = size * params.distance / params.width
    # The ray to the face leaves the axis by the offset, and the camera is turned back onto it.
    middle = np.array([params.offset[0], params.offset[1], 1.0]) * params.distance
    swing = Rotation.align_vectors([middle / np.linalg.norm(middle)], [[0.0, 0.0, 1.0]])[0]
    rotation = swing.as_matrix() @ rotation
    translation = middle - rotation @ np.array(MIDDLE)
    principal = tuple(
        float(size * centre - focal * shift)
        for centre, shift in zip(params.centre, params.offset, strict=True)
    )
    return Camera(rotation, translation, float(focal), principal)
