# SPDX-License-Identifier: GPL-3.0-or-later
"""What cameras, editors and web sites do to a photo, drawn at random."""

import cv2
import numpy as np


def spoil(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary the look of a photo and lower its quality.

    Parameters
    ----------
    rgb : ndarray, (s, s, 3) uint8
    rng : Generator

    Returns
    -------
    ndarray, (s, s, 3) uint8
    """
    for chance, change in _CHANGES:
        if rng.random() < chance:
            rgb = change(rgb, rng)
    return rgb


def _tone(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exposure, contrast and gamma, the same for all colours."""
    ramp = np.linspace(0.0, 1.0, 256) ** np.exp(rng.normal(0.0, 0.25))
    ramp = (ramp - 0.5) * np.exp(rng.normal(0.0, 0.2)) + 0.5 + rng.normal(0.0, 0.06)
    return cv2.LUT(rgb, _to_bytes(255.0 * ramp))


def _cast(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour cast, as of a wrong white balance."""
    gains = np.exp(rng.normal(0.0, 0.1, 3))
    return cv2.LUT(rgb, _to_bytes(np.arange(256.0)[None, :, None] * gains))


def _saturation(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    amount = rng.uniform(0.2, 1.6)
    return cv2.addWeighted(rgb, amount, grey, 1.0 - amount, 0.0)


def _grey(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _shade(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A soft shadow or light from one side, as a lamp or a window gives."""
    angle, amount = rng.uniform(0.0, 2.0 * np.pi), rng.normal(0.0, 0.35)
    ticks = np.linspace(-1.0, 1.0, rgb.shape[0], dtype=np.float32)
    slope = np.cos(angle) * ticks[None] + np.sin(angle) * ticks[:, None]
    return _to_bytes(rgb * np.exp(np.float32(amount) * slope)[..., None])


def _coarsen(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The resolution of a face that is small in its photo."""
    size = rgb.shape[0]
    small = max(32, round(size * rng.uniform(0.3, 0.9)))
    shrunk = cv2.resize(rgb, (small, small), interpolation=cv2.INTER_AREA)
    way = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return cv2.resize(shrunk, (size, size), interpolation=way)


def _blur(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.3, 1.6))


def _sharpen(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    amount = rng.uniform(0.3, 1.2)
    return cv2.addWeighted(rgb, 1.0 + amount, cv2.GaussianBlur(rgb, (0, 0), 1.2), -amount, 0.0)


def _grain(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(rgb.shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise[...] = noise[..., :1]
    return _to_bytes(rgb + np.float32(rng.uniform(2.0, 14.0)) * noise)


def _jpeg(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    quality = int(rng.integers(25, 95))
    _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def _patch(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Something before the face: a patch of one colour."""
    size = rgb.shape[0]
    width, height = (rng.uniform(0.08, 0.3, 2) * size).astype(int)
    left, top = (rng.random(2) * (size - width, size - height)).astype(int)
    rgb = rgb.copy()
    rgb[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return rgb


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values + 0.5, 0.0, 255.0).astype(np.uint8)


_CHANGES = (
    (0.1, _patch), (0.3, _shade), (0.8, _tone), (0.5, _cast), (0.4, _saturation), (0.1, _grey),
    (0.35, _coarsen), (0.2, _blur), (0.15, _sharpen), (0.4, _grain), (0.4, _jpeg),
)  # fmt: skip
