# SPDX-License-Identifier: GPL-3.0-or-later
"""From a reconstruction to the mesh that is asked for: cut, layers, what is carried over."""

from dataclasses import replace

import numpy as np
import pytest
from made_faces import METRES, made_face

from face_depth_addon.core.errors import MeshError
from face_depth_addon.core.face.sizing import measured_mm
from face_depth_addon.core.relief.building import Layout, build_surface, meshed_part
from face_depth_addon.core.relief.layers import layers_at
from face_depth_addon.core.relief.shaping import Shape, depth_span
from face_depth_addon.core.relief.transfer import carry

SIZE = 256


def stepped(height: float, width: int = 6):
    """A made face whose lower third lies ``height`` photo pixels farther, by a ramp of ``width``.

    The ramp's middle is at 0.75 of the height, and its pixels are crop pixels.
    """
    face = made_face(SIZE)
    rows = np.indices((SIZE, SIZE))[0]
    ramp = np.clip((rows - 0.75 * SIZE) / width + 0.5, 0.0, 1.0)
    flat = np.full((SIZE, SIZE), 30.0, np.float32) - (height * ramp).astype(np.float32)
    return replace(face, depth=flat)


def cut_rows(face, degrees: float) -> np.ndarray:
    """Rows of the picture in which the cut takes pixels of the subject."""
    part = meshed_part(face, Layout(max_angle=np.radians(degrees)))
    return np.flatnonzero((face.subject & ~part).any(axis=1))


def test_a_cut_takes_the_sheet_between_two_depths_and_nothing_else():
    # 40 photo pixels over 6 crop pixels of 200 / 256 photo pixels: 83 degrees.
    rows = cut_rows(stepped(40.0), 80.0)
    assert len(rows) and np.abs(rows + 0.5 - 0.75 * SIZE).max() <= 6
    assert not len(cut_rows(stepped(40.0), 86.0))
    assert not len(cut_rows(stepped(4.0), 80.0))
    face = stepped(40.0)
    assert np.array_equal(meshed_part(face, Layout()), face.subject)


def test_no_face_of_the_cut_mesh_spans_the_step():
    face = stepped(40.0)
    surface = build_surface(face, Layout(resolution=128, max_angle=np.radians(80.0)), Shape())
    whole = build_surface(face, Layout(resolution=128), Shape())

    def longest(mesh) -> float:
        ends = mesh.positions[mesh.edges]
        return float(np.abs(ends[:, 0, 1] - ends[:, 1, 1]).max())

    assert longest(whole) > 10 * METRES > 5 * METRES > longest(surface)


def test_a_groove_as_thin_as_a_nostril_and_a_crumb_are_not_kept_as_cuts_and_parts():
    face = stepped(0.0)
    depth = face.depth.copy()
    depth[100:130, 128] -= 60.0
    assert meshed_part(replace(face, depth=depth), Layout(max_angle=np.radians(80.0))).all(
        where=face.subject
    )
    # A small patch that the cut leaves alone in the middle of its ring goes with the ring.
    rows, columns = np.indices(depth.shape)
    away = np.hypot(rows - 110, columns - 128)
    sunk = np.clip((12.0 - away) / 6.0, 0.0, 1.0).astype(np.float32)
    island = replace(face, depth=face.depth - 40.0 * sunk)
    part = meshed_part(island, Layout(max_angle=np.radians(60.0)))
    assert not part[107:113, 125:131].any() and part[130:140, 120:136].all()


def test_nothing_left_is_an_error_in_words():
    face = made_face(SIZE)
    steep = replace(face, depth=np.indices((SIZE, SIZE))[1].astype(np.float32) * 20.0)
    with pytest.raises(MeshError, match="Nothing of the subject is left: raise the cut's angle"):
        meshed_part(steep, Layout(max_angle=np.radians(60.0)))


def test_layers_say_how_far_inside_what_is_smooth_and_what_is_detail():
    face = made_face(SIZE, detail=True)
    rows, columns = np.indices((SIZE, SIZE))
    disc = np.hypot(rows + 0.5 - 128, columns + 0.5 - 128) < 80
    tilted = (0.2 * (columns + 0.5)).astype(np.float32)
    face = replace(face, subject=disc, depth=tilted, detail=np.full((64, 64), 0.5, np.float32))
    per_pixel = 200.0 / SIZE * METRES
    places = np.array([(-25.0, 0.0), (40.0, 0.0), (0.0, -60.0), (79.0, 0.0)])
    layers = layers_at(
        face, disc, (places * per_pixel).astype(np.float32), Shape(smoothing=1.0, feather=0.01)
    )
    reach = 80.0 - np.hypot(*places.T)
    np.testing.assert_allclose(layers.inside, reach * per_pixel, atol=1.2 * per_pixel)
    slope = (0.2 * (128 + places[:, 0]) - 30.0) * METRES
    np.testing.assert_allclose(layers.smoothed[:3, 0], slope[:3], atol=0.05 * METRES)
    np.testing.assert_allclose(layers.smoothed[:2, 1], slope[:2], atol=0.05 * METRES)
    np.testing.assert_allclose(layers.detail, 0.5 * METRES, rtol=1e-5)
    # Averaged within the disc alone: what lies behind it pulls nothing.
    np.testing.assert_allclose(
        layers.smoothed[3], slope[3], atol=0.2 * 0.02 * SIZE * METRES
    )


def test_detail_is_in_the_mesh_that_is_built():
    fine, plain = made_face(detail=True), made_face()
    with_detail = build_surface(fine, Layout(resolution=96), Shape())
    without = build_surface(fine, Layout(resolution=96), Shape(detail=0.0))
    np.testing.assert_allclose(
        without.positions, build_surface(plain, Layout(resolution=96), Shape()).positions, atol=1e-7
    )
    change = (without.positions - with_detail.positions)[:, 1]
    np.testing.assert_allclose(change, with_detail.layers.detail, atol=1e-7)
    assert 0.3 * METRES < np.std(change) < METRES
    assert depth_span(fine) == depth_span(plain)


def test_carry_brings_a_smooth_edit_to_other_places():
    rng = np.random.default_rng(5)

    def edit(places: np.ndarray) -> np.ndarray:
        return np.column_stack([np.sin(8 * places[:, 0]), places[:, 1], np.ones(len(places))])

    rows, columns = np.indices((60, 50))
    plane = (np.column_stack([columns.ravel(), rows.ravel()]) * 0.004).astype(np.float32)
    to = rng.uniform((0.01, 0.01), (0.18, 0.22), (400, 2)).astype(np.float32)
    found = carry(plane, edit(plane).astype(np.float32), to)
    assert found.shape == (400, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found, edit(to), atol=0.001)
    # From uneven places, and beyond them.
    scattered = rng.uniform((0.0, 0.0), (0.2, 0.24), (6000, 2)).astype(np.float32)
    np.testing.assert_allclose(
        carry(scattered, edit(scattered).astype(np.float32), to), edit(to), atol=0.02
    )
    outside = carry(plane, np.ones((len(plane), 1), np.float32), to + 1.0)
    np.testing.assert_allclose(outside, 1.0, atol=1e-5)


def test_the_size_is_measured_between_the_eyes_in_space():
    face = made_face()
    landmarks = face.landmarks.copy()
    landmarks[[362, 263, 386, 374], 2] += 30.0
    turned = replace(face, landmarks=landmarks)
    assert measured_mm(face) == pytest.approx(40.0 * METRES * 1000, rel=1e-5)
    assert measured_mm(turned) == pytest.approx(50.0 * METRES * 1000, rel=1e-5)
