# SPDX-License-Identifier: GPL-3.0-or-later
"""A face beside the optical axis: what its crop shows, and what the photo's depth map says."""

import numpy as np
import pytest
from training.samples import Sample

from face_depth_addon.core.camera import Camera, assumed_camera, from_camera_plane
from face_depth_addon.core.crop import Crop

SIZE, FOCAL, DISTANCE, RADIUS = 240, 900.0, 1200.0, 80.0


def ball(beside: float) -> Sample:
    """A ball in the picture's middle, whose optical axis lies ``beside`` degrees to the left."""
    principal = (SIZE / 2 - FOCAL * np.tan(np.radians(beside)), SIZE / 2)
    rows, columns = np.indices((SIZE, SIZE)) + 0.5
    rays = np.stack([(columns - principal[0]) / FOCAL, (rows - SIZE / 2) / FOCAL, 0 * rows + 1], -1)
    middle = DISTANCE * np.array([np.tan(np.radians(beside)), 0.0, 1.0])
    squared = (rays**2).sum(-1)
    along = rays @ middle
    root = along**2 - squared * (middle @ middle - RADIUS**2)
    distance = np.where(root > 0, (along - np.sqrt(np.maximum(root, 0))) / squared, np.nan)
    face = np.hypot(rows - SIZE / 2, columns - SIZE / 2) < 40
    rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
    return Sample(
        rgb, distance.astype(np.float32), face, np.isfinite(distance).astype(np.float32), FOCAL,
        principal, {},
    )  # fmt: skip


def slope(depth: np.ndarray, face: np.ndarray) -> float:
    """Depth gained by a pixel to the right."""
    rows, columns = np.nonzero(face)
    return float(np.polyfit(columns, depth[face], 1)[0])


@pytest.mark.parametrize("beside", [-20.0, 0.0, 12.0])
def test_a_crop_shows_a_ball_the_same_wherever_the_axis_is(beside):
    sample = ball(beside)
    relief, pitch = sample.relief(SIZE / 2, SIZE / 2)
    assert abs(slope(relief, sample.face)) < 0.02
    assert pitch == pytest.approx((DISTANCE - RADIUS) / FOCAL, rel=0.02)


@pytest.mark.parametrize("beside", [-20.0, 0.0, 12.0])
def test_depth_from_the_cameras_plane_is_aslant_as_the_truth_is(beside):
    sample = ball(beside)
    relief, _ = sample.relief(SIZE / 2, SIZE / 2)
    crop = Crop(SIZE / 2, SIZE / 2, 200.0)
    found = from_camera_plane(relief, crop, Camera(FOCAL, *sample.principal))
    middle = np.median(sample.distance[sample.face])
    true = (middle - sample.distance) * FOCAL / middle
    assert slope(found, sample.face) == pytest.approx(slope(true, sample.face), abs=0.03)
    if beside:
        assert abs(slope(true, sample.face)) > 0.15


def test_a_camera_is_taken_from_exif_or_from_usual_distances():
    known = assumed_camera(3000, 2000, 50.0, 0.001)
    assert known.focal_px == pytest.approx(50 / 43.27 * np.hypot(3000, 2000))
    assert (known.x, known.y) == (1500, 1000)
    assert assumed_camera(3000, 2000, None, 0.0005).focal_px == pytest.approx(1600)
