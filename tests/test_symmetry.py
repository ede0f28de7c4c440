# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirror plane, trust and completion of made-up heads whose far side is known."""

import cv2
import numpy as np
import pytest
from turned_head import Relief, head_radius, landmarks_of, relief_of, swelling, turn

from face_depth_addon.core.errors import MeshError
from face_depth_addon.core.face.face_points import CHIN, FOREHEAD, LEFT_EYE, OUTLINE, RIGHT_EYE
from face_depth_addon.core.head.completion import complete_head
from face_depth_addon.core.head.mirror_blend import whole
from face_depth_addon.core.head.plane_fit import refine_plane
from face_depth_addon.core.head.symmetry import LEFT, MIDLINE, PARTNER, MirrorPlane, mirror_plane
from face_depth_addon.core.head.texture import head_texture
from face_depth_addon.core.head.visibility import vertex_trust
from face_depth_addon.core.polygons.topology import connected_components


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
    # The texture lies on the chart as the mesh does.
    assert head.uvs.min() >= 0.0 and head.uvs.max() <= 1.0
    pixels = head.chart.pixels(head.positions.astype(float))
    moved = np.abs(head.chart.uvs(pixels) - head.uvs) * head.chart.shape[::-1]
    assert np.quantile(moved, 0.95) < 0.01


def test_texture_shows_the_photo_and_its_mirror_image(turned):
    relief, head = turned
    # A photo in which red and blue say where on the head a pixel lies, and green stripes are fine.
    side = 400
    u, v = np.meshgrid((np.arange(side) + 0.5) / side, 1.0 - (np.arange(side) + 0.5) / side)
    x, z = (u - 0.5) / 4.0, (v - 0.5) / 4.0
    gaps = cv2.flann_Index(relief.positions[:, ::2].astype(np.float32), {
        "algorithm": 4, "leaf_max_size": 10,
    })
    places = np.column_stack([x.ravel(), z.ravel()]).astype(np.float32)
    found, _ = gaps.knnSearch(places, 1, params={"checks": -1})
    photo = relief.colours[found[:, 0]].reshape(side, side, 3)
    stripes = np.where(np.sin(2.0 * np.pi * z / 0.006) > 0.0, 200, 60)
    photo = np.dstack([photo[..., 0], stripes, photo[..., 2]]).astype(np.uint8)

    texture = head_texture(head, photo, 1200)
    height, width = texture.shape[:2]
    assert width == 1200
    assert height == pytest.approx(1200 * head.chart.shape[0] / head.chart.shape[1], abs=1)
    column, row = (head.uvs * (width, height)).astype(int).T
    shown = texture[height - 1 - row, column].astype(float)
    in_head = relief.in_head(head.positions)
    face = (np.abs(in_head[:, 2]) < 0.06) & (in_head[:, 1] < -0.04)
    for hidden in (False, True):
        part = face & ((head.seen < 0.01) if hidden else (head.seen > 0.99))
        assert part.sum() > 300
        assert np.quantile(np.abs(shown[part, 0] - 128.0 - 1000.0 * in_head[part, 2]), 0.9) < 6
        blue = 1500.0 * np.abs(in_head[part, 0])
        assert np.quantile(np.abs(shown[part, 2] - blue), 0.9) < 8
        # Finer than the mesh, whose vertices are 2 mm apart.
        mirrored = head.plane.reflect(head.positions[part].astype(float)) if hidden else (
            head.positions[part]
        )
        wave = np.sin(2.0 * np.pi * mirrored[:, 2] / 0.006)
        bright = shown[part, 1] > 130.0
        sure = np.abs(wave) > 0.5
        assert (bright == (wave > 0.0))[sure].mean() > 0.9


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


def test_crumb_in_a_hole_on_both_sides_leaves_no_spike():
    relief = relief_of(40.0)
    # Nothing is known of two cheeks but some millimetres that float over the far one.
    far = np.array([np.sin(np.radians(15.0)), -np.cos(np.radians(15.0)), 0.25])
    far *= head_radius(far / np.linalg.norm(far)) / np.linalg.norm(far)
    middles = relief.in_head(relief.positions[relief.faces].mean(axis=1))
    apart = [np.linalg.norm(middles - far * [side, 1.0, 1.0], axis=1) for side in (-1.0, 1.0)]
    across, up = (axis.ravel() * 0.002 for axis in np.mgrid[-2.0:3, -2.0:3])
    crumb = 1.15 * relief.to_picture @ far + np.column_stack([across, 0.0 * across, up])
    number = len(relief.positions) + np.arange(25).reshape(5, 5)
    corners = (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:])
    relief.faces = np.concatenate([
        relief.faces[np.minimum(*apart) > 0.014], np.stack(corners, axis=-1).reshape(-1, 4)
    ])
    relief.positions = np.concatenate([relief.positions, crumb])
    relief.colours = np.concatenate([relief.colours, np.zeros((25, 3), np.uint8)])
    relief.uvs = np.concatenate([relief.uvs, np.zeros((25, 2))])
    head = complete(relief)
    near = np.linalg.norm(relief.in_head(head.positions.astype(float)) - far, axis=1) < 0.025
    assert near.sum() > 200
    assert np.abs(deviation(relief, head.positions[near])).max() < 0.004


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


def test_map_of_what_is_known_loses_horns_and_keeps_its_body():
    body = np.zeros((120, 120), bool)
    body[20:80, 30:90] = True
    horned = body.copy()
    horned[80:110, 30:44] = horned[80:110, 76:90] = True
    kept = whole(horned, spacing=0.001)
    assert not kept[86:].any()
    assert (kept & whole(body, spacing=0.001)).sum() > 0.99 * whole(body, spacing=0.001).sum()
