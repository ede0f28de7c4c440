# SPDX-License-Identifier: GPL-3.0-or-later
"""New poses, shapes and lights for an example, made from its own depth."""

import cv2
import numpy as np

# How deep under its middle the face turns, in sides of the crop.
_PIVOT = 0.2
_TURN, _STRONGEST_TURN = np.radians(6.0), np.radians(14.0)
_ROUNDS = 4


def turned(values: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The person as seen from a little to the side or above, and a little wider or narrower.

    What comes into view for the first time is filled with what lies beside it, so turns stay
    small. The background is carried along with the person's outline.

    Parameters
    ----------
    values : dict of ndarray
        As `examples.example` gives them.
    rng : Generator

    Returns
    -------
    dict of ndarray
    """
    yaw, pitch = np.clip(rng.normal(0.0, _TURN, 2), -_STRONGEST_TURN, _STRONGEST_TURN)
    stretch = np.diag([*np.exp(rng.normal(0.0, 0.03, 2)), 1.0])
    return seen_from(values, rotation(yaw, pitch) @ stretch)


def rotation(yaw: float, pitch: float) -> np.ndarray:
    """(3, 3): a turn in radians of x to the right, y down and z towards the camera."""
    sin, cos = np.sin(yaw), np.cos(yaw)
    across = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    sin, cos = np.sin(pitch), np.cos(pitch)
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, sin], [0.0, -sin, cos]]) @ across


def seen_from(values: dict[str, np.ndarray], matrix: np.ndarray) -> dict[str, np.ndarray]:
    """An example after a linear change of space.

    Parameters
    ----------
    values : dict of ndarray
    matrix : ndarray, (3, 3)
        Of x to the right, y down and z towards the camera, in sides of the crop from its middle.

    Returns
    -------
    dict of ndarray
    """
    size = values["depth"].shape[0]
    known = values["weight"] > 0.0
    relief = _filled(values["depth"], known) + np.float32(_PIVOT)
    smooth = cv2.GaussianBlur(relief, (0, 0), size / 100.0)
    ticks = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    there = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    back = np.linalg.inv(matrix[:2, :2]).astype(np.float32)
    sideways = matrix[:2, 2].astype(np.float32)

    here = there
    for _ in range(_ROUNDS):
        height = _sampled(smooth, here)
        here = (there - height[..., None] * sideways) @ back.T
    moved = {
        name: _sampled(array, here, *_WAYS[name])
        for name, array in values.items() if name in _WAYS
    }  # fmt: skip
    whole = _sampled(known.astype(np.float32), here) > 0.99
    weight = moved["weight"] * whole
    away, down, nearer = matrix[2].astype(np.float32)
    depth = away * here[..., 0] + down * here[..., 1] + nearer * _sampled(relief, here)
    depth = np.where(weight > 0.0, depth - np.float32(nearer * _PIVOT), np.float32(0))
    return {**values, **moved, "weight": weight, "depth": depth}


def relit(values: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The person under one more lamp.

    Parameters
    ----------
    values : dict of ndarray
        As `examples.example` gives them.
    rng : Generator

    Returns
    -------
    dict of ndarray
    """
    x, y = rng.normal(0.0, 0.7), rng.normal(-0.4, 0.6)
    amount = rng.uniform(0.2, 0.9)
    return lit_from(values, (x, y), amount, np.exp(rng.normal(0.0, 0.15, 3)))


def lit_from(
    values: dict[str, np.ndarray], towards: tuple[float, float], amount: float, colour: np.ndarray
) -> dict[str, np.ndarray]:
    """An example under one more lamp, far away.

    Parameters
    ----------
    values : dict of ndarray
    towards : tuple of float
        How far the lamp is to the right and down, over how far it is towards the camera.
    amount : float
        Its share of the light, 0 to 1.
    colour : ndarray, (3,)
        Around 1.

    Returns
    -------
    dict of ndarray
    """
    size = values["depth"].shape[0]
    known = values["weight"] > 0.0
    relief = cv2.GaussianBlur(_filled(values["depth"], known), (0, 0), size / 150.0) * size
    down, across = np.gradient(relief)
    lamp = np.array([*towards, 1.0]) / np.linalg.norm([*towards, 1.0])
    facing = lamp[2] - lamp[0] * across - lamp[1] * down
    light = np.maximum(0.0, facing) / np.sqrt(1.0 + across**2 + down**2)
    gain = 1.0 - amount + amount * light[..., None] / 0.7 * colour
    # A picture's numbers are about the root of the light they stand for.
    body = cv2.GaussianBlur(known.astype(np.float32), (0, 0), size / 150.0)[..., None]
    shaded = values["rgb"] * (1.0 + body * (np.sqrt(gain) - 1.0)) + 0.5
    return {**values, "rgb": np.clip(shaded, 0.0, 255.0).astype(np.uint8)}


def _filled(depth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The depth, where it is unknown that of the nearest pixel that is known, if any is."""
    if not known.any():
        return depth
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(labels.max() + 1, np.float32)
    by_label[labels[known]] = depth[known]
    return by_label[labels]


def _sampled(
    array: np.ndarray, here: np.ndarray, way: int = cv2.INTER_LINEAR,
    border: int = cv2.BORDER_REPLICATE,
) -> np.ndarray:  # fmt: skip
    """The array at points (s, s, 2) in sides of the crop from its middle."""
    pixels = (here + np.float32(0.5)) * np.float32(array.shape[0]) - np.float32(0.5)
    return cv2.remap(array, pixels[..., 0], pixels[..., 1], way, borderMode=border)


_WAYS = {
    "rgb": (cv2.INTER_CUBIC, cv2.BORDER_REPLICATE),
    "weight": (cv2.INTER_NEAREST, cv2.BORDER_CONSTANT),
    "subject": (cv2.INTER_LINEAR, cv2.BORDER_REPLICATE),
    "inside": (cv2.INTER_NEAREST, cv2.BORDER_CONSTANT),
}
