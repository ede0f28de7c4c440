# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirror plane, trust and completion of made-up heads whose far side is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from face_depth_addon.core.errors import MeshError
from face_depth_addon.core.face_points import CHIN, FOREHEAD, LEFT_EYE, OUTLINE, RIGHT_EYE
from face_depth_addon.core.symmetry import (
    LEFT,
    MIDLINE,
    PARTNER,
    RIGHT,
    MirrorPlane,
    complete_head,
    mirror_plane,
    refine_plane,
    vertex_trust,
)
from face_depth_addon.core.topology import connected_components

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


def complete(relief: Relief):
    return complete_head(
        relief.positions, relief.faces, relief.colours, relief.uvs, relief.landmarks
    )


def deviation(relief: Relief, points: np.ndarray, radius=head_radius) -> np.ndarray:
    """How far points stand out of the true head, along the lines from its centre."""
    points = relief.in_head(points.astype(float))
    length = np.linalg.norm(points, axis=1)
    return length - radius(points / length[:, None])


def edges_of(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    return np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)


def test_partners_are_the_landmarks_on_the_other_side():
    assert np.array_equal(PARTNER[PARTNER], np.arange(468))
    assert set(np.flatnonzero(np.arange(468) == PARTNER)) == set(MIDLINE)
    assert {FOREHEAD, CHIN} < set(MIDLINE)
    assert {int(PARTNER[at]) for at in RIGHT_EYE} == set(LEFT_EYE)
    # The outline runs from the forehead down the left and up the right.
    assert PARTNER[list(OUTLINE[1:])].tolist() == list(OUTLINE[:0:-1])
    # Corners of the eyes and the mouth, wings of the nose, ends of the brows, ears.
    known = {33: 263, 133: 362, 61: 291, 48: 278, 70: 300, 107: 336, 234: 454, 50: 280, 7: 249}
    assert {at: int(PARTNER[at]) for at in known} == known


@pytest.mark.parametrize("yaw", [0.0, -20.0, 35.0, -45.0])
def test_plane_of_a_turned_noisy_head(yaw):
    relief = relief_of(yaw, noise=0.0005)
    trust = vertex_trust(relief.positions, relief.faces)
    true = relief.to_picture @ [1.0, 0.0, 0.0]
    guess = mirror_plane(relief.landmarks)
    assert np.degrees(np.arccos(guess.normal @ true)) < 5.0
    # Landmarks on a turned face are off by more than the made-up ones are.
    guess = MirrorPlane(turn(4.0) @ guess.normal, guess.offset + 0.002)
    plane = refine_plane(guess, relief.positions, relief.faces, trust, relief.landmarks)
    assert np.degrees(np.arccos(min(1.0, plane.normal @ true))) < 1.0
    # The head's centre and the tip of its nose lie in the plane.
    nose = relief.to_picture @ [0.0, -0.115, -0.01]
    assert np.abs(plane.distance(np.stack([np.zeros(3), nose]))).max() < 0.001
    moved = relief.positions[::50]
    assert np.allclose(plane.reflect(plane.reflect(moved)), moved)


def test_plane_of_landmarks_of_which_a_third_is_wrong():
    landmarks = landmarks_of(head_radius) @ turn(25.0).T
    landmarks[LEFT[::3]] += [0.01, 0.03, 0.0]
    plane = mirror_plane(landmarks)
    assert np.degrees(np.arccos(plane.normal @ turn(25.0)[:, 0])) < 0.1
    assert abs(plane.offset) < 1e-4
    # The normal points to the person's left, which is the picture's right.
    assert plane.normal[0] > 0.9


def test_trust_falls_with_the_slope_and_beside_sheets():
    x, z = np.meshgrid(np.arange(-30, 31) * 0.001, np.arange(-30, 31) * 0.001)
    number = np.arange(x.size).reshape(x.shape)
    faces = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], -1)
    faces = faces.reshape(-1, 4)

    def trust(y, viewpoint=None):
        points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
        return vertex_trust(points, faces, viewpoint).reshape(x.shape)[10:-10, 10:-10]

    for degrees, expected in ((0.0, 1.0), (50.0, 1.0), (70.0, 0.4), (81.0, 0.0)):
        assert trust(x * np.tan(np.radians(degrees))) == pytest.approx(expected, abs=0.15)
    assert (trust(0.0 * x) == 1.0).all()
    # A camera close by on the left sees the same wall aslant.
    assert (trust(0.0 * x, np.array([-0.5, -0.05, 0.0])) < 0.05).all()

    step = trust(np.where(x > 0.0, 0.01, 0.0))[20]
    assert (step[19:23] < 0.05).all()
    assert (step[[8, 33]] == 1.0).all()
    assert np.abs(np.diff(step)).max() < 0.5


@pytest.fixture(scope="module")
def turned():
    relief = relief_of(40.0)
    return relief, complete(relief)


def test_hidden_side_of_a_turned_head_is_that_of_the_true_head(turned):
    relief, head = turned
    in_head = relief.in_head(head.positions)
    face = (np.abs(in_head[:, 2]) < 0.08) & (in_head[:, 1] < -0.01)
    hidden = face & (head.seen < 0.01)
    assert (in_head[hidden, 0] > 0.0).mean() > 0.95
    # From the nose to the temple, in front of the ear.
    assert in_head[hidden, 0].max() > 0.07
    off = np.abs(deviation(relief, head.positions))
    assert np.median(off[hidden]) < 0.0003
    assert np.quantile(off[hidden], 0.95) < 0.0015
    bare = in_head[hidden][::7] @ relief.to_picture.T
    nearest = np.sqrt(((bare[:, None] - relief.positions) ** 2).sum(axis=2)).min(axis=1)
    assert np.median(nearest) > 0.01


def test_what_the_photo_shows_well_stays(turned):
    relief, head = turned
    kept = head.seen > 0.99
    assert 0.35 < kept.mean() < 0.75
    off = np.abs(deviation(relief, head.positions[kept]))
    assert np.median(off) < 0.0001
    assert np.quantile(off, 0.95) < 0.0006


def test_colours_and_uvs_follow_the_surface(turned):
    relief, head = turned
    in_head = relief.in_head(head.positions)
    face = (np.abs(in_head[:, 2]) < 0.08) & (in_head[:, 1] < -0.02)
    assert np.abs(head.colours[face, 0] - (128.0 + 1000.0 * in_head[face, 2])).max() < 8
    blue = 1500.0 * np.abs(in_head[face, 0])
    assert np.quantile(np.abs(head.colours[face, 2] - blue), 0.98) < 8
    from_photo = head.seen > 0.5
    assert np.array_equal(np.isfinite(head.uvs).all(axis=1), from_photo)
    sure = head.seen > 0.99
    assert np.abs(head.uvs[sure] - (head.positions[sure][:, ::2] * 4.0 + 0.5)).max() < 4.0 * STEP


def test_mesh_is_one_manifold_sheet_that_faces_outwards(turned):
    relief, head = turned
    edges, counts = edges_of(head.faces)
    assert counts.max() == 2
    border = edges[counts == 1]
    assert (np.unique(border, return_counts=True)[1] == 2).all()
    assert np.array_equal(np.unique(head.faces), np.arange(len(head.positions)))
    corners = head.positions[head.faces].astype(float)
    # Each half of each quad, so that a folded quad shows.
    for a, b, c in ((0, 1, 2), (0, 2, 3), (0, 1, 3), (1, 2, 3)):
        normal = np.cross(corners[:, b] - corners[:, a], corners[:, c] - corners[:, a])
        inner = (normal * corners.mean(axis=1)).sum(axis=1) <= 0.0
        assert inner.mean() < 0.001


def test_hole_in_the_relief_is_filled():
    relief = relief_of(40.0)
    temple = relief.to_picture @ [-0.07, -0.02, 0.03]
    middles = relief.positions[relief.faces].mean(axis=1)
    relief.faces = relief.faces[np.linalg.norm(middles - temple, axis=1) > 0.012]
    head = complete(relief)
    edges, counts = edges_of(head.faces)
    border = edges[counts == 1]
    loops = connected_components(border, len(head.positions))[np.unique(border)]
    assert len(np.unique(loops)) == 1
    fill = np.linalg.norm(head.positions - temple, axis=1) < 0.01
    assert fill.sum() > 30
    assert np.abs(deviation(relief, head.positions[fill])).max() < 0.0015


def test_seam_of_an_uneven_head_has_no_step():
    def uneven(directions):
        return head_radius(directions) + swelling(directions)

    relief = relief_of(40.0, radius=uneven)
    # Light from the side: what the far side lacks the seam must not show.
    bright = 60.0 * (relief.positions[:, 0] / 0.1)
    relief.colours[:, 1] = np.clip(120.0 - bright, 0, 255)
    head = complete(relief)
    in_head = relief.in_head(head.positions)
    edges, _ = edges_of(head.faces)
    face = (np.abs(in_head[:, 2]) < 0.07) & (in_head[:, 1] < -0.03)
    seam = face & (head.seen > 0.0) & (head.seen < 1.0)
    near = edges[seam[edges].any(axis=1) & face[edges].all(axis=1)]
    assert len(near) > 300
    off = deviation(relief, head.positions)
    # The swelling itself is there, on the seen part of the far side, and gentle.
    assert off[seam].max() > 0.002
    assert np.abs(off[near[:, 0]] - off[near[:, 1]]).max() < 0.0003
    green = head.colours[:, 1].astype(float)
    assert np.abs(green[near[:, 0]] - green[near[:, 1]]).max() < 12.0


def test_a_profile_cannot_be_mirrored():
    with pytest.raises(MeshError, match="turned more towards the camera"):
        complete(relief_of(88.0))
