# SPDX-License-Identifier: GPL-3.0-or-later
"""Fabrics: materials, their patterns as pictures, and where a garment shows which part of them."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from .colours import Colour, encode_image, mixed
from .shapes import Material

PATTERNS = ("plain", "stripes", "plaid", "print", "melange")

_U_SPAN, _V_TOP, _V_SPAN = 720.0, -60.0, 480.0  # the rest millimetres a fabric's picture covers


def rest_uv(rest: np.ndarray) -> np.ndarray:
    """Return texture coordinates, float32 (F, 4, 2), of faces' corners at rest, (F, 4, 3)."""
    sleeve = np.abs(rest[..., 0]).mean(1, keepdims=True) > 165
    ridge = 120 - 0.12 * np.abs(rest[..., 0])
    height = rest[..., 2] - 0.7 * np.abs(np.clip(rest[..., 1], 20, 220) - ridge) + 50
    # Along an arm that hangs down to the side, the weave goes with the arm.
    along = np.abs(rest[..., 0]) * 0.66 - rest[..., 2] * 0.75
    across = (np.abs(rest[..., 0]) * 0.75 + rest[..., 2] * 0.66) * np.sign(rest[..., 0])
    u = np.where(sleeve, across + np.sign(rest[..., 0]) * 180, rest[..., 0])
    v = np.where(sleeve, 60 - along, height)
    coordinates = np.stack([u / _U_SPAN + 0.5, (v - _V_TOP) / _V_SPAN + 1], axis=-1)
    return np.clip(coordinates, 0, 1).astype(np.float32)


@lru_cache(maxsize=1)
def _ribs() -> np.ndarray:
    u = np.arange(1024)
    rib = np.clip(np.sin(u / 1024 * 2 * np.pi * 128) * 1.4 + 0.5, 0, 1)
    return np.repeat((rib * 255).astype(np.uint8)[None], 4, 0)


def plain_material(colour: Colour, weave: str) -> Material:
    """Return a fabric of one colour; weave is "cloth", "rib", "knit", "wool" or "fleece"."""
    red, green, blue = (float(c) for c in colour)
    colour = (red, green, blue)
    if weave == "rib":
        return Material(
            colour, roughness=0.85, specular=0.2, sheen=0.15, relief=_ribs(), relief_height=0.7
        )
    bump, size, sheen = {
        "cloth": (0.12, 1.2, 0.05),
        "knit": (0.7, 2.6, 0.25),
        "wool": (0.35, 1.8, 0.2),
        "fleece": (0.45, 2.2, 0.3),
    }[weave]
    return Material(
        colour, roughness=0.85, specular=0.2, sheen=sheen, bump=bump, bump_scale=size, mottle=0.06
    )


def cloth_material(
    weave: str, pattern: str, colour: Colour, accent: Colour, rng: np.random.Generator
) -> Material:
    """Return a fabric for the texture coordinates of ``rest_uv``.

    ``weave`` is as for ``plain_material``, ``pattern`` one of ``PATTERNS``.
    """
    plain = plain_material(colour, weave)
    if pattern == "plain":
        return plain
    if pattern == "melange":
        return replace(plain, mottle=0.35)
    picture = {"stripes": _stripes, "plaid": _plaid, "print": _print}[pattern]
    height, width = 320, 480
    y, x = np.mgrid[0:height, 0:width]
    x = (x + 0.5) / width * _U_SPAN - _U_SPAN / 2
    y = (y + 0.5) / height * _V_SPAN
    pixels = picture(x, y, np.array(colour), np.array(accent), rng)
    return _with_picture(plain, pixels)


def wrap_material(
    colour: Colour, accent: Colour, pattern: str, rng: np.random.Generator
) -> Material:
    """Return a woollen fabric for the texture coordinates of ``lattice_uv``, plain or plaid."""
    wool = plain_material(colour, "wool")
    if pattern == "plain":
        return wool
    y, x = np.mgrid[0:64, 0:512]
    pixels = _plaid(x * 1.1, y * 2.4, np.array(colour), np.array(accent), rng)
    return replace(_with_picture(wool, pixels), roughness=0.9)


def _with_picture(plain: Material, pixels: np.ndarray) -> Material:
    return replace(plain, colour=(1.0, 1.0, 1.0), image=encode_image(pixels), mottle=0.0)


def _stripes(
    x: np.ndarray, y: np.ndarray, colour: np.ndarray, accent: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    period = rng.uniform(9, 46)
    share = rng.uniform(0.15, 0.5)
    upright = rng.random() < 0.3
    along = x if upright else y
    blend = np.clip((np.abs((along / period) % 1 - 0.5) - share / 2) * period / 1.5 + 0.5, 0, 1)
    return colour + (1 - blend[..., None]) * (accent - colour)


def _plaid(
    x: np.ndarray, y: np.ndarray, colour: np.ndarray, accent: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    period = rng.uniform(18, 44)
    shift, share = rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.5)
    third = colour * 0.25 if colour.sum() > 0.5 else colour + 0.4
    pixels = np.broadcast_to(colour, (*x.shape, 3)).copy()
    for along in (x, y):
        phase = (along / period) % 1
        broad, narrow = phase < share, np.abs(phase - share - shift) < 0.05
        pixels += 0.45 * broad[..., None] * (accent - pixels)
        pixels += 0.5 * narrow[..., None] * (third - pixels)
    return pixels


def _print(
    x: np.ndarray, y: np.ndarray, colour: np.ndarray, accent: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a plain fabric with a few bold shapes on the chest."""
    pixels = np.broadcast_to(colour, (*x.shape, 3)).copy()
    for _ in range(int(rng.integers(1, 5))):
        cx, cy = rng.normal(0, 26), 190 + rng.normal(0, 22)
        wide, tall, turn = rng.uniform(16, 60), rng.uniform(8, 40), rng.normal(0, 0.4)
        u = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / wide
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / tall
        power = rng.choice([1.2, 2.0, 8.0])
        ink = mixed(accent, rng.choice([0.0, 0.7]), rng)
        radius = np.abs(u) ** power + np.abs(v) ** power
        inside = radius < 1
        if rng.random() < 0.4:
            inside &= radius > 0.6
        pixels[inside] = ink
    return pixels
