# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyeballs: a drawn iris, pupil and sclera, on a sphere with a slight corneal bulge.

Texture layout: azimuthal about the gaze, ``uv = 0.5 + angle / 90 degrees * 0.5 * (cos, sin)``, as
an onlooker sees the eye; what lies behind the equator takes the colour of the rim.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .shapes import Label, Material, Surface

IRIS_RADIUS = 5.85  # millimetres; hardly differs between people
# sRGB of the outer and the inner iris, and how often each occurs in a mixed population.
COLOURS = {
    "dark": ((40, 26, 20), (58, 36, 25), 0.28),
    "brown": ((72, 44, 27), (104, 64, 36), 0.34),
    "hazel": ((88, 78, 48), (124, 84, 44), 0.10),
    "green": ((86, 98, 70), (128, 116, 70), 0.07),
    "blue": ((82, 108, 134), (128, 150, 164), 0.13),
    "grey": ((98, 108, 114), (138, 144, 144), 0.08),
}
_DARK_ONLY = ("dark", "brown")


@dataclass(frozen=True)
class EyeParams:
    """How a person's eyes look.

    Attributes
    ----------
    colour, second_colour
        Keys of ``COLOURS``; ``mix`` of the second is in the first.
    lightness
        Factor on the iris's sRGB colour.
    pupil
        Its diameter, millimetres.
    ring
        Darkness of the limbal ring, 0 to 1.
    sclera
        sRGB of the white of the eye, 0 to 255.
    veins
        Redness of veins and rim, 0 to 1.
    """

    colour: str
    second_colour: str
    mix: float
    lightness: float
    pupil: float
    ring: float
    sclera: tuple[int, int, int]
    veins: float
    seed: int


def draw(
    rng: np.random.Generator,
    ancestry: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3),
    age: float = 35.0,
) -> EyeParams:
    """Draw eyes.

    Parameters
    ----------
    ancestry
        Weights of African, Asian and European descent; the former two are mostly brown-eyed.
    age
        Years: the white yellows and pupils narrow.
    """
    dark = (ancestry[0] + ancestry[1]) / max(sum(ancestry), 1e-6)
    weights = np.array([weight for *_, weight in COLOURS.values()])
    light = np.array([name not in _DARK_ONLY for name in COLOURS])
    weights = np.where(light, weights * (1.65 - 1.55 * dark), weights)
    first, second = rng.choice(list(COLOURS), size=2, p=weights / weights.sum())
    yellow = float(np.clip(rng.normal(0.25 + 0.006 * (age - 35.0) + 0.25 * dark, 0.2), 0.0, 1.0))
    bright = float(rng.uniform(0.72, 0.93))
    white = bright * (np.array([238, 233, 229]) - yellow * np.array([6, 14, 34]))
    return EyeParams(
        colour=str(first),
        second_colour=str(second),
        mix=round(float(rng.uniform(0.0, 0.35)), 4),
        lightness=round(float(rng.uniform(0.75, 1.2)), 4),
        pupil=round(float(np.clip(rng.normal(4.1 - 0.015 * (age - 35.0), 0.8), 2.2, 6.5)), 4),
        ring=round(float(rng.uniform(0.25, 0.9)), 4),
        sclera=tuple(int(value) for value in white.round()),
        veins=round(float(rng.beta(1.5, 3.5)), 4),
        seed=int(rng.integers(2**31)),
    )


@lru_cache(maxsize=4)
def _polar(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the angle from the gaze in degrees and the angle about it in radians, (S, S)."""
    axis = ((np.arange(size) + 0.5) / size - 0.5) * 180.0
    x, y = np.meshgrid(axis, -axis)
    return np.hypot(x, y).astype(np.float32), np.arctan2(y, x).astype(np.float32)


def _step(values: np.ndarray, edge: float, width: float) -> np.ndarray:
    return np.clip((values - edge) / width + 0.5, 0.0, 1.0)


def _fibres(rng: np.random.Generator, radius: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Return noise of mean 0 that runs along the radii, for radius 0 to 1."""
    noise = rng.standard_normal((8, 160)).astype(np.float32)
    noise = cv2.GaussianBlur(np.hstack([noise] * 3), (0, 0), 0.9)[:, 160:320]
    columns = ((turn / (2 * np.pi)) % 1.0 * 160).astype(np.float32)
    rows = (np.clip(radius, 0.0, 1.0) * 7).astype(np.float32)
    noise = np.hstack([noise, noise[:, :1]])
    return cv2.remap(noise, columns, rows, cv2.INTER_LINEAR) / noise.std()


def _veins(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return the strength of thin winding veins that run inwards from the rim, 0 to 1, (S, S)."""
    canvas = np.zeros((size, size), np.uint8)
    for _ in range(26):
        turn = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0.0, 0.05, 14))
        radius = np.linspace(0.5, rng.uniform(0.22, 0.4), 14)
        points = 0.5 + radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
        points = np.round(points * size * 16).astype(np.int32)
        cv2.polylines(canvas, [points], False, int(rng.integers(60, 200)), 1, cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(canvas, (0, 0), size / 400).astype(np.float32) / 255.0


def eye_image(params: EyeParams, eyeball_radius: float = 14.0, size: int = 256) -> np.ndarray:
    """Return the texture of an eye, uint8 sRGB (size, size, 3), row 0 at the top.

    Parameters
    ----------
    eyeball_radius
        Millimetres; the iris keeps its true size on a larger eyeball.
    """
    rng = np.random.default_rng(params.seed)
    angle, turn = _polar(size)
    edge = np.degrees(np.arcsin(min(IRIS_RADIUS / eyeball_radius, 1.0)))
    hole = np.degrees(np.arcsin(min(params.pupil / 2 / eyeball_radius, 1.0)))
    pixel = 180.0 / size

    rim = _step(angle, 65.0, 50.0)
    sclera = np.array(params.sclera, np.float32)
    redness = (0.15 + 0.5 * params.veins) * rim + 0.75 * params.veins * _veins(rng, size)
    image = sclera * (1.0 - np.clip(redness, 0, 1)[..., None] * np.float32([0.10, 0.48, 0.46]))

    outer, inner, _ = COLOURS[params.colour]
    second = COLOURS[params.second_colour][1]
    depth = np.clip((angle - hole) / (edge - hole), 0.0, 1.0)  # 0 at the pupil, 1 at the limbus
    fibres = _fibres(rng, depth, turn)
    near = np.clip(1.25 - 1.6 * depth + 0.25 * fibres, 0.0, 1.0)[..., None]
    iris = np.float32(outer) * (1 - near) + np.float32(inner) * near
    collarette = np.exp(-(((depth - 0.35) / 0.18) ** 2))[..., None]
    iris += params.mix * collarette * (np.float32(second) - iris)
    iris *= params.lightness * (1.0 + 0.13 * fibres)[..., None]
    iris *= (1.0 - params.ring * 0.75 * _step(depth, 0.93, 0.22))[..., None]
    iris *= (0.06 + 0.94 * _step(angle, hole + pixel, 1.5 * pixel))[..., None]

    inside = 1.0 - _step(angle, edge, 2.5 + pixel)[..., None]
    image = image * (1 - inside) + iris * inside
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


@lru_cache(maxsize=2)
def _sphere(rings: int, segments: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a unit sphere about its pole +z: vertices, polar angles in degrees, faces and UVs."""
    polar = np.linspace(0.0, 180.0, rings + 1)[1:-1]
    turn = np.arange(segments) * 2 * np.pi / segments
    angles = np.concatenate([[0.0], np.repeat(polar, segments), [180.0]])
    turns = np.concatenate([[0.0], np.tile(turn, rings - 1), [0.0]])
    flat = np.stack([np.cos(turns), np.sin(turns)], 1)
    sine, cosine = np.sin(np.radians(angles)), np.cos(np.radians(angles))
    vertices = np.column_stack([flat * sine[:, None], cosine])

    here = np.arange(segments)
    after = (here + 1) % segments
    faces = [np.stack([np.zeros_like(here), 1 + here, 1 + after, -np.ones_like(here)], 1)]
    for ring in range(rings - 2):
        start = 1 + ring * segments
        below = start + segments
        faces.append(np.stack([start + here, below + here, below + after, start + after], 1))
    start, last = 1 + (rings - 2) * segments, len(vertices) - 1
    faces.append(
        np.stack([start + here, np.full_like(here, last), start + after, -1 + 0 * here], 1)
    )
    faces = np.concatenate(faces).astype(np.int32)
    uv = 0.5 + 0.5 * np.minimum(angles / 90.0, 1.0)[:, None] * flat
    return vertices, angles, faces, uv[faces].astype(np.float32)


def eyeball(
    centre: np.ndarray,
    radius: float,
    gaze: np.ndarray,
    name: str,
    image: np.ndarray,
    bulge: float = 0.4,
) -> Surface:
    """Return an eyeball.

    Parameters
    ----------
    centre
        (3,) millimetres in the head's frame.
    radius
        Millimetres, without the bulge.
    gaze
        (3,), unit vector the eye looks along; not straight up or down.
    image
        What ``eye_image`` returns for that radius.
    bulge
        How far the cornea stands out at its apex, millimetres.
    """
    unit, angles, faces, uv = _sphere(24, 32)
    gaze = np.asarray(gaze, np.float64) / np.linalg.norm(gaze)
    right = np.cross(gaze, [0.0, 0.0, 1.0])  # an onlooker's right
    right = -right / np.linalg.norm(right)
    up = np.cross(gaze, right)
    edge = np.degrees(np.arcsin(min(IRIS_RADIUS / radius, 1.0)))
    lift = bulge * np.clip(1.0 - (angles / (1.15 * edge)) ** 2, 0.0, 1.0)
    vertices = (unit * (radius + lift)[:, None]) @ np.stack([right, up, gaze])
    return Surface(
        name,
        Label.EYE,
        (vertices + np.asarray(centre)).astype(np.float32),
        faces,
        Material(image=image, roughness=0.1, coat=1.0),
        uv,
    )
