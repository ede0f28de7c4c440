# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours: the sRGB curve, and colours that differ a little from one thing to the next."""

import numpy as np

Colour = tuple[float, float, float]

LUMA = np.array([0.2126, 0.7152, 0.0722])  # luminance of linear sRGB


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Return linear values, 0 to 1, on the sRGB curve, 0 to 1."""
    curve = 1.055 * np.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve)


def encode_image(linear: np.ndarray) -> np.ndarray:
    """Return linear values, 0 to 1, as an image's, uint8 sRGB."""
    return np.rint(encode_srgb(np.clip(linear, 0, 1)) * 255).astype(np.uint8)


def decode_srgb(encoded: np.ndarray) -> np.ndarray:
    """Return values on the sRGB curve, 0 to 1, as linear ones, 0 to 1."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def varied(rng: np.random.Generator, colour: Colour, tint: float, shade: float = 0.18) -> Colour:
    """Return a fabric's linear colour made a little different at random.

    ``tint`` is the deviation of each channel and ``shade`` that of all, as natural logarithms.
    """
    factors = np.exp(rng.normal(0, tint, 3) + rng.normal(0, shade))
    red, green, blue = np.clip(np.array(colour) * factors, 0.006, 0.82)
    return round(float(red), 4), round(float(green), 4), round(float(blue), 4)


def mixed(colour: Colour | np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Return a colour, (3,), moved towards a random one by a share of the way."""
    return np.clip(np.array(colour) + strength * (rng.random(3) - np.array(colour)), 0, 1)
