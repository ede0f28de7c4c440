# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up head whose far side is known, as a far camera sees it when it is turned."""

from dataclasses import dataclass

import numpy as np

from face_depth_addon.core.head.symmetry import LEFT, MIDLINE, RIGHT

STEP = 0.002


def bump(directions, across, up, width, height):
    """Radius added around a direction, given as slopes from straight ahead (-Y)."""
    ahead = np.maximum(-directions[..., 1], 1e-3)
    x, z = directions[..., 0] / ahead - across, directions[..., 2] / ahead - up
    return height * np.exp(-(x**2 + z**2) / (2.0 * width**2)) * (directions[..., 1] < 0.0)


def head_radius(directions: np.ndarray) -> np.ndarray:
    """A symmetric head about its centre that looks to -Y: skull, nose, sockets, lips, chin."""
    radius = 1.0 / np.linalg.norm(directions / [0.075, 0.095, 0.115], axis=-1)
    radius += bump(directions, 0.0, -0.1, 0.13, 0.02) + bump(directions, 0.0, -0.85, 0.2, 0.008)
    radius += bump(directions, 0.0, -0.5, 0.15, 0.004)
    for side in (-1.0, 1.0):
        radius += bump(directions, 0.38 * side, 0.25, 0.13, -0.007)
    return radius


def swelling(directions: np.ndarray) -> np.ndarray:
    """What a head may have more on its own left than on its right: up to 4 mm, evenly."""
    share = np.clip(np.arctan2(directions[..., 0], -directions[..., 1]) / 1.2 + 0.5, 0.0, 1.0)
    return 0.004 * share**2 * (3.0 - 2.0 * share)


def turn(degrees: float) -> np.ndarray:
    """Turn a head that looks to -Y about the vertical, to the picture's right."""
    angle = np.radians(degrees)
    return np.array([
        [np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0, 0, 1.0]
    ])


@dataclass
class Relief:
    positions: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray
    colours: np.ndarray
    landmarks: np.ndarray
    to_picture: np.ndarray

    def in_head(self, points: np.ndarray) -> np.ndarray:
        return points @ self.to_picture


def landmarks_of(radius) -> np.ndarray:
    """468 points on a head, symmetric in pairs, brow and chin where they belong."""
    rng = np.random.default_rng(8)
    slopes = np.column_stack([rng.uniform(-0.75, -0.05, 468), rng.uniform(-0.9, 0.6, 468)])
    slopes[list(MIDLINE), 0] = 0.0
    slopes[[9, 151], 1], slopes[[199, 200], 1] = 0.6, -0.9
    slopes[LEFT] = slopes[RIGHT] * [-1.0, 1.0]
    directions = np.column_stack([slopes[:, 0], -np.ones(468), slopes[:, 1]])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * radius(directions)[:, None]


def relief_of(yaw: float, noise: float = 0.0, radius=head_radius) -> Relief:
    """What a far camera at -Y sees of a head that is turned to the picture's right."""
    to_picture = turn(yaw)
    x = np.arange(-0.115, 0.116, STEP)
    z = np.arange(-0.125, 0.126, STEP)
    sight = np.stack(np.meshgrid(x, z), axis=-1)

    def inside(y: np.ndarray) -> np.ndarray:
        points = np.stack([sight[..., 0], y, sight[..., 1]], axis=-1) @ to_picture
        length = np.linalg.norm(points, axis=-1)
        return length < radius(points / length[..., None])

    near, hit = np.full(sight.shape[:2], 0.13), np.zeros(sight.shape[:2], bool)
    for y in np.arange(-0.13, 0.13, STEP):
        first = ~hit & inside(np.full(near.shape, y))
        near[first], hit = y, hit | first
    far = near - STEP
    for _ in range(12):
        middle = (near + far) / 2.0
        within = inside(middle)
        near, far = np.where(within, middle, near), np.where(within, far, middle)
    rng = np.random.default_rng(3)
    near = near + rng.normal(0.0, noise, near.shape)

    number = np.where(hit, np.cumsum(hit).reshape(hit.shape) - 1, -1)
    corners = (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1])
    faces = np.stack(corners, axis=-1).reshape(-1, 4)
    positions = np.stack([sight[..., 0], near, sight[..., 1]], axis=-1)[hit]
    in_head = positions @ to_picture
    # Red and blue go by the place on the head, alike on both sides; green is the side.
    colours = np.column_stack([
        128 + 1000 * in_head[:, 2], np.full(len(in_head), 90), 1500 * np.abs(in_head[:, 0])
    ]).clip(0, 255).astype(np.uint8)

    # A landmark knows its place in the picture only; its depth is the relief's there.
    landmarks = landmarks_of(radius) @ to_picture.T
    landmarks += rng.normal(0.0, 2.0 * noise, landmarks.shape)
    gaps = ((landmarks[:, None, ::2] - positions[:, ::2]) ** 2).sum(axis=2)
    landmarks[:, 1] = positions[gaps.argmin(axis=1), 1]
    return Relief(
        positions, faces[(faces >= 0).all(axis=1)], positions[:, ::2] * 4.0 + 0.5, colours,
        landmarks, to_picture,
    )
