# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of a finished mesh, on surfaces and cameras with known answers."""

import numpy as np
import pytest

from face_depth_addon.core.camera import Camera, from_camera_plane
from face_depth_addon.core.crop import Crop
from face_depth_addon.core.relief.shaping import Shape, Viewpoint, displace

SPAN = (-0.08, 0.06)
BESIDE = Viewpoint(distance=0.6, anchor=0.02, axis=(-0.15, 0.07), aim=(0.01, 0.03))
PROJECTIONS = ("RELIEF", "WEAK_PERSPECTIVE", "PERSPECTIVE")


@pytest.fixture
def points() -> np.ndarray:
    """(500, 3) points of a head-sized cloud: x, nearness, z in metres."""
    low, high = (-0.1, SPAN[0], -0.1), (0.1, SPAN[1], 0.1)
    return np.random.default_rng(3).uniform(low, high, (500, 3))


def as_seen(positions: np.ndarray, viewpoint: Viewpoint) -> np.ndarray:
    """Where a pinhole camera at the viewpoint sees positions, in the plane of the scale: x, z."""
    place = np.array(viewpoint.place)
    rays = positions - place
    return place[[0, 2]] + rays[:, [0, 2]] / rays[:, [1]] * viewpoint.distance


def test_perspective_gives_points_back_from_what_a_camera_saw_of_them(points):
    viewpoint = Viewpoint(distance=0.5, anchor=0.03, axis=(0.02, -0.04), aim=(0.02, -0.04))
    true = np.column_stack([points[:, 0], -points[:, 1], points[:, 2]])
    seen = as_seen(true, viewpoint).astype(np.float32)
    found = displace(seen, points[:, 1].astype(np.float32), SPAN, Shape("PERSPECTIVE"), viewpoint)
    np.testing.assert_allclose(found, true, atol=2e-7)
    relief = displace(seen, points[:, 1].astype(np.float32), SPAN, Shape("RELIEF"), viewpoint)
    assert np.abs(relief - true).max() > 0.01


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_no_slider_moves_a_point_off_its_pixel(points, projection):
    plane, depth = points[:, [0, 2]].astype(np.float32), points[:, 1].astype(np.float32)
    shape = Shape(projection, strength=1.7, near=0.9, far=0.2, gamma=1.5, tilt=(8.0, -5.0))
    positions = displace(plane, depth, SPAN, shape, BESIDE)
    seen = as_seen(positions, BESIDE) if projection == "PERSPECTIVE" else positions[:, [0, 2]]
    np.testing.assert_allclose(seen, plane, atol=1e-6)


def test_weak_perspective_is_aslant_as_the_depth_map_from_the_cameras_plane():
    size, metres = 64, 0.002
    crop, camera = Crop(310.0, 100.0, float(size)), Camera(300.0, 160.0, 120.0)
    rows, columns = np.indices((size, size)) + 0.5
    depth = 20.0 * np.sin(columns / 9) * np.cos(rows / 7)
    x, z = (columns - size / 2) * metres, (size / 2 - rows) * metres
    # The same place in the photo's frame, whose pixels are the crop's here.
    shifted = Crop(size / 2, size / 2, float(size))
    moved = Camera(300.0, camera.x - crop.x + size / 2, camera.y - crop.y + size / 2)
    expected = from_camera_plane(depth.astype(np.float32), shifted, moved) * metres
    viewpoint = Viewpoint(
        300.0 * metres, 0.0, ((camera.x - crop.x) * metres, (crop.y - camera.y) * metres), (0, 0)
    )
    plane = np.column_stack([x.ravel(), z.ravel()]).astype(np.float32)
    metric = (depth * metres).astype(np.float32).ravel()
    found = displace(plane, metric, (-1.0, 1.0), Shape("WEAK_PERSPECTIVE"), viewpoint)
    np.testing.assert_allclose(-found[:, 1], expected.ravel(), atol=1e-6)


def test_strength_clips_and_gamma_do_to_depth_what_they_say(points):
    plane, depth = points[:, [0, 2]].astype(np.float32), points[:, 1].astype(np.float32)

    def nearness(**settings) -> np.ndarray:
        return -displace(plane, depth, SPAN, Shape(**settings), BESIDE)[:, 1]

    np.testing.assert_array_equal(nearness(), depth)
    np.testing.assert_allclose(nearness(strength=2.5), 2.5 * depth, rtol=1e-6)
    assert nearness(near=0.75, far=0.25).min() == pytest.approx(-0.045, abs=1e-6)
    assert nearness(near=0.75, far=0.25).max() == pytest.approx(0.025, abs=1e-6)
    bent = nearness(gamma=2.0)
    share = (depth - SPAN[0]) / (SPAN[1] - SPAN[0])
    np.testing.assert_allclose((bent - SPAN[0]) / (SPAN[1] - SPAN[0]), share**2, atol=1e-5)


def test_tilt_is_in_degrees_about_each_axis():
    plane = np.array([[0, 0], [0.1, 0], [0, 0.1]], np.float32)
    flat = np.zeros(3, np.float32)
    positions = displace(plane, flat, (0.0, 0.0), Shape(tilt=(30.0, -45.0)), BESIDE)
    np.testing.assert_allclose(-positions[:, 1], [0, 0.1 * np.tan(np.radians(30)), -0.1], atol=1e-7)
