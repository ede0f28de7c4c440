# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up fused head: an egg with a nose, seen by cameras whose pictures are known."""

import cv2
import numpy as np

from face_depth_addon.core.face.face_points import LEFT_EYE, RIGHT_EYE
from face_depth_addon.core.fusion.fused import FusedHead, PhotoCamera, PhotoCloud, PhotoReport

AROUND, ROWS = 48, 33
HALVES = np.array([0.075, 0.095, 0.115])
# Width and height of each photo, and where its camera stands: degrees to the head's left and up.
PHOTOS = ((480, 640, 0.0, 0.0), (800, 600, 40.0, 0.0), (600, 600, -35.0, 20.0))
DISTANCE, FOCAL_PX = 0.7, 900.0


def fused_sphere() -> FusedHead:
    """Quads in rows around the vertical, triangles at the top, open below; one photo left out."""
    turns = np.arange(AROUND) / AROUND * 2 * np.pi
    heights = np.linspace(0.0, 0.85 * np.pi, ROWS)[1:]
    rings = np.stack(np.broadcast_arrays(
        np.sin(heights)[:, None] * np.sin(turns), np.sin(heights)[:, None] * np.cos(turns),
        np.cos(heights)[:, None],
    ), axis=-1).reshape(-1, 3)
    directions = np.vstack([[0.0, 0.0, 1.0], rings])
    positions = directions * HALVES
    positions[:, 1] -= 0.02 * np.exp(
        -((positions[:, 0] / 0.012) ** 2) - (positions[:, 2] / 0.02) ** 2
    ) * (directions[:, 1] < 0)
    faces, uvs = _faces()
    reports = (
        PhotoReport("front.jpg", True, digest="a1", pose=(0.0, 1.5, 0.0), sharpness=1.0,
                    likeness=0.9, residual_mm=1.25),
        PhotoReport("cat.png", False, reason="No face that can be used was found in cat.png."),
        PhotoReport("left.jpg", True, digest="b2", pose=(40.0, 0.0, 2.0), note="It is blurred.",
                    sharpness=0.5, likeness=0.8, residual_mm=1.5),
        PhotoReport("right.jpg", True, digest="c3", pose=(-35.0, 20.0, 0.0), sharpness=0.75,
                    likeness=0.9, residual_mm=1.75),
    )
    colours = np.rint(127.5 + 127.5 * directions).astype(np.uint8)
    landmarks = np.zeros((468, 3), np.float32)
    landmarks[list(RIGHT_EYE)] = -0.03, -0.08, 0.03
    landmarks[list(LEFT_EYE)] = 0.03, -0.08, 0.03
    return FusedHead(
        positions=positions.astype(np.float32), faces=faces, uvs=uvs, colours=colours,
        seen=np.clip(0.5 - directions[:, 1], 0.0, 1.0).astype(np.float32),
        views=np.rint(1.5 - 1.5 * directions[:, 1]).astype(np.float32), texture=_texture(),
        landmarks=landmarks, photos=reports,
        cameras=tuple(_camera(at, *photo) for at, photo in zip((0, 2, 3), PHOTOS, strict=True)),
        before=_cloud(positions * 1.03, directions, colours), after=_cloud(
            positions, directions, colours
        ),
        residuals={"landmarks": 3.5, "icp": 1.5, "refined": 1.25},
        info={"model": "made", "photos": 3, "reference": 0, "timings": {"icp": 0.5}},
    )


def _faces() -> tuple[np.ndarray, np.ndarray]:
    """A fan of triangles and rows of quads, whose texture goes on beyond 1 at the back's seam."""
    numbers = 1 + np.arange((ROWS - 1) * AROUND).reshape(-1, AROUND)
    following = np.roll(numbers, -1, axis=1)
    top = np.zeros(AROUND, int)
    fan = np.column_stack([top, following[0], numbers[0], np.full(AROUND, -1)])
    quads = np.stack([numbers[:-1], following[:-1], following[1:], numbers[1:]], axis=-1)
    left = np.arange(AROUND) / AROUND
    right = left + 1 / AROUND
    up = 1.0 - np.arange(1, ROWS) / (ROWS - 1)
    uv_fan = np.stack([
        np.column_stack([across, np.full(AROUND, height)])
        for across, height in ((left, 1.0), (right, up[0]), (left, up[0]), (left, 0.0))
    ], axis=1)
    uv_quads = np.stack([
        np.stack(np.broadcast_arrays(across, height[:, None]), axis=-1)
        for across, height in (
            (left, up[:-1]), (right, up[:-1]), (right, up[1:]), (left, up[1:])
        )
    ], axis=2)
    return (
        np.concatenate([fan, quads.reshape(-1, 4)]).astype(np.int32),
        np.concatenate([uv_fan, uv_quads.reshape(-1, 4, 2)]).astype(np.float32),
    )


def _texture() -> bytes:
    """Red rises from left to right, green from below."""
    picture = np.full((128, 256, 3), 60, np.uint8)
    picture[..., 2] = np.arange(256)
    picture[..., 1] = 2 * np.arange(128)[::-1, None]
    return cv2.imencode(".jpg", picture)[1].tobytes()


def _camera(number: int, width: int, height: int, left: float, up: float) -> PhotoCamera:
    turn, rise = np.radians(left), np.radians(up)
    back = np.array([np.sin(turn) * np.cos(rise), -np.cos(turn) * np.cos(rise), np.sin(rise)])
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    picture = np.full((height, width, 3), 30 + 60 * number, np.uint8)
    return PhotoCamera(
        number, np.column_stack([right, np.cross(back, right), back]), DISTANCE * back, FOCAL_PX,
        width, height, cv2.imencode(".jpg", picture)[1].tobytes(),
    )


def _cloud(positions: np.ndarray, normals: np.ndarray, colours: np.ndarray) -> PhotoCloud:
    return PhotoCloud(
        positions.astype(np.float32), normals.astype(np.float32), colours,
        np.array([0, 2, 3], np.int32)[np.arange(len(positions)) % 3],
    )
