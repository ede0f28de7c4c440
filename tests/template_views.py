# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstructions of the template's head from several sides, whose truth is known."""

from dataclasses import dataclass

import cv2
import numpy as np

from face_depth_addon.core.crop import Crop
from face_depth_addon.core.head.template import OUTER_END, load_template, normals_of
from face_depth_addon.core.pictures import jpeg, origin_of
from face_depth_addon.core.polygons.raster import rasterise
from face_depth_addon.core.reconstruction import Pictures, Reconstruction

SIZE = 320
SIDE, DISTANCE = 0.30, 0.8  # metres


@dataclass(frozen=True)
class Person:
    """The template in somebody's shape, with a skin of its own.

    Attributes
    ----------
    vertices : ndarray, (n, 3) float64
    colours : ndarray, (n, 3) float64
        sRGB from 0 to 255.
    """

    vertices: np.ndarray
    colours: np.ndarray


def person(seed: int) -> Person:
    """Somebody with moles, freckles and brows where nobody else has them."""
    template, rng = load_template(), np.random.default_rng(seed)
    shape = rng.normal(0.0, 0.8, len(template.identity))
    vertices = template.vertices + np.tensordot(shape, template.identity, 1).T
    skin = vertices[:OUTER_END]
    tone = np.full((len(vertices), 3), (190.0, 150.0, 130.0))
    for size, count in ((0.002, 700), (0.005, 120), (0.02, 30)):
        middles = skin[rng.integers(0, len(skin), count)]
        depth = rng.uniform(-55.0, 25.0, count)
        for middle, change in zip(middles, depth):
            near = ((skin - middle) ** 2).sum(axis=1) / size**2
            tone[:OUTER_END] += change * np.exp(-near)[:, None]
    return Person(vertices.astype(float), np.clip(tone, 5.0, 250.0))


def turned(
    who: Person, yaw: float, pitch: float = 0.0, tilt: float = 0.0, gain: float = 1.0,
    light: float = 1.0, name: str = "", seed: int = 0,
) -> Reconstruction:
    """What a photo of somebody turned by so many degrees would give.

    ``tilt`` and ``gain`` are what is wrong with its depth; landmarks scatter by some millimetres.
    """
    template, rng = load_template(), np.random.default_rng(seed + int(1000 + 10 * yaw))
    rotation = rotation_of(yaw, pitch)
    points = who.vertices @ rotation.T
    nearness = -points[:, 1]
    spread = DISTANCE / (DISTANCE - nearness)
    per_pixel = SIDE / SIZE
    places = points[:, 0::2] * spread[:, None] * (1.0, -1.0) / per_pixel + SIZE / 2
    triangles = template.triangles
    cover = rasterise(places[triangles], (SIZE, SIZE), nearness[triangles])
    corners = triangles[cover.triangles]
    depth, rgb = np.zeros(SIZE**2), np.full((SIZE**2, 3), 70.0)
    normals = normals_of(points, triangles)
    shade = 0.75 + 0.25 * np.clip(normals @ rotation @ (0.3, -0.8, 0.5), -1.0, 1.0)
    colours = light * who.colours * shade[:, None]
    depth[cover.pixels] = np.einsum("pk,pk->p", cover.weights, nearness[corners])
    rgb[cover.pixels] = np.einsum("pk,pkc->pc", cover.weights, colours[corners])
    subject = np.zeros(SIZE**2, bool)
    subject[cover.pixels] = True
    subject = subject.reshape(SIZE, SIZE)
    across = (np.arange(SIZE) + 0.5 - SIZE / 2) * per_pixel
    depth = gain * depth.reshape(SIZE, SIZE) + tilt * across[None, :]
    depth = np.where(subject, depth, depth[subject].min()).astype(np.float32) / per_pixel
    rgb = np.clip(rgb, 0, 255).astype(np.uint8).reshape(SIZE, SIZE, 3)
    marks = template.at_mediapipe(points)
    marks = marks + rng.normal(0.0, 0.0015, marks.shape) * (1.0, 2.0, 1.0)
    grown = DISTANCE / (DISTANCE + marks[:, 1])
    flat = marks[:, 0::2] * grown[:, None] * (1.0, -1.0) / SIDE + 0.5
    landmarks = np.column_stack([flat, -marks[:, 1] / per_pixel]).astype(np.float32)
    subject_depth = depth.astype(np.float32)
    return Reconstruction(
        depth=subject_depth, subject=subject, matte=(255 * subject).astype(np.uint8), rgb=rgb,
        crop=Crop(SIZE / 2, SIZE / 2, float(SIZE)), metres_per_pixel=per_pixel,
        origin=origin_of(subject_depth, subject),
        pictures=Pictures(jpeg(rgb), jpeg(rgb), b"", b""), landmarks=landmarks,
        info={
            "photo": name or f"yaw{yaw:+.0f}.png", "digest": f"{name}{yaw}{pitch}{light}{seed}",
            "width": SIZE, "height": SIZE, "focal_35mm": None, "faces": 1, "timings": {},
            "face": {"box": [0, 0, SIZE, SIZE], "presence": 1.0,
                     "pose": [yaw, pitch, 0.0], "inter_pupil_px": 0.063 / per_pixel},
        },
    )


def rotation_of(yaw: float, pitch: float = 0.0) -> np.ndarray:
    """(3, 3): yaw turns the face to the picture's right, pitch lifts it."""
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.0, np.radians(yaw)]))
    nod, _ = cv2.Rodrigues(np.array([np.radians(-pitch), 0.0, 0.0]))
    return nod @ turn
