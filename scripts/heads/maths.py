# SPDX-License-Identifier: GPL-3.0-or-later
"""Small functions that several things are made with."""

import numpy as np


def smoothstep(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 before ``low``, 1 beyond ``high`` and a smooth ramp between.

    Where ``low`` is the greater number, "beyond" means below.
    """
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (..., 3) at unit length; zero stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def direction(azimuth: np.ndarray | float, elevation: np.ndarray | float) -> np.ndarray:
    """Return unit vectors (..., 3) in the head's frame, for angles in radians.

    The azimuth goes from the front to the person's left.
    """
    level = np.cos(elevation)
    parts = (np.sin(azimuth) * level, -np.cos(azimuth) * level, np.sin(elevation))
    return np.stack(np.broadcast_arrays(*parts), axis=-1)


def oval(front: float, side: float, back: float, azimuth: np.ndarray) -> np.ndarray:
    """Return values that go smoothly from the front, at azimuth 0, by the side to the back."""
    middle = (front + back) / 2
    return (
        (middle + side) / 2
        + (front - back) / 2 * np.cos(azimuth)
        + (middle - side) / 2 * np.cos(2 * azimuth)
    )


def waves(
    rng: np.random.Generator, positions: np.ndarray, size: float, count: int = 6
) -> np.ndarray:
    """Return smooth noise, roughly -1 to 1, float32 (N,), at positions (N, 3).

    ``size`` is the typical wavelength in millimetres.
    """
    directions = rng.normal(size=(3, count))
    directions *= rng.uniform(0.6, 1.6, count) / np.linalg.norm(directions, axis=0)
    phase = positions @ (directions * (2 * np.pi / size)) + rng.uniform(0, 2 * np.pi, count)
    return (np.sin(phase).sum(1) / np.sqrt(count)).astype(np.float32)
