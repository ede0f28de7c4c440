# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops, grids and edges on made-up data whose answers are known."""

import numpy as np
import pytest

from face_depth_addon.core.crop import Crop, transform_points
from face_depth_addon.core.filters import extend, fill_outside, guided_upsample
from face_depth_addon.core.reconstruction import Pictures, Reconstruction
from face_depth_addon.core.relief.grid import build_grid
from face_depth_addon.core.sampling import cut, inside_photo, paste


def ramp(width: int, height: int) -> np.ndarray:
    """An image whose values are its own continuous coordinates."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.dstack([x, y]).astype(np.float32)


def reconstruction(depth, subject, rgb=None, side=200.0, metres_per_pixel=0.001):
    size = depth.shape[0]
    rgb = np.zeros((size, size, 3), np.uint8) if rgb is None else rgb
    return Reconstruction(
        depth=depth.astype(np.float32), subject=subject,
        matte=subject.astype(np.uint8) * 255, rgb=rgb,
        crop=Crop(100.0, 100.0, side), metres_per_pixel=metres_per_pixel,
        origin=np.array([0.5, 0.5, 0.0]), pictures=Pictures(b"", b"", b"", b""),
    )


def disc(size: int, radius: float = 0.4) -> np.ndarray:
    x, y = np.meshgrid(*[(np.arange(size) + 0.5) / size - 0.5] * 2)
    return np.hypot(x, y) < radius


@pytest.mark.parametrize("side", [60.0, 120.0, 540.0])
@pytest.mark.parametrize("roll", [0.0, 0.4, -2.0])
def test_crop_samples_the_place_it_names(side, roll):
    image = ramp(900, 800)
    crop = Crop(450.0, 400.0, side, roll)
    size = 128
    sampled = cut(image, crop, size)
    centres = np.stack(np.meshgrid(*[np.arange(size) + 0.5] * 2), -1).reshape(-1, 2)
    true = transform_points(crop.to_photo(size), centres).reshape(size, size, 2)
    within = inside_photo(crop, image.shape, size)
    within[[0, -1]], within[:, [0, -1]] = False, False
    assert np.abs(sampled - true)[within].max() < 0.05 + 0.01 * side / size


def test_paste_brings_a_crop_back_and_leaves_the_rest_unknown():
    image = ramp(300, 200)[..., 0]
    crop = Crop(150.0, 100.0, 90.0, 0.3)
    back = paste(cut(image, crop, 180), crop, image.shape)
    known = np.isfinite(back)
    assert 0.9 * 90 * 90 < known.sum() < 1.1 * 90 * 90
    assert np.abs(back - image)[known].max() < 0.6


def test_large_photo_is_not_aliased():
    stripes = np.tile(np.array([0, 255], np.uint8), (1600, 800))
    small = cut(np.dstack([stripes] * 3), Crop(800.0, 800.0, 1500.0), 100)
    assert np.ptp(small[5:-5, 5:-5].astype(int)) < 40


@pytest.mark.parametrize("resolution", [16, 64, 300])
def test_grid_has_the_promised_resolution_size_and_place(resolution):
    subject = disc(200)
    grid = build_grid(reconstruction(np.zeros((200, 200)), subject), resolution)
    low, high = grid.positions.min(axis=0), grid.positions.max(axis=0)
    # A disc of 0.8 of a crop of 200 pixels at 1 mm a pixel, less its rounded border.
    assert np.allclose((high - low)[[0, 2]], 0.16, rtol=0.15)
    assert np.allclose((high + low)[[0, 2]], 0.0, atol=0.003)
    across = len(np.unique(np.round(grid.uvs[:, 0], 6)))
    assert resolution * 0.85 <= across
    assert len(grid.face_starts) == pytest.approx(np.pi / 4 * resolution**2, rel=0.25)


def test_grid_is_upright_unmirrored_and_faces_the_camera():
    size = 128
    rgb = np.zeros((size, size, 3), np.uint8)
    rgb[: size // 2, : size // 2] = (255, 0, 0)
    depth = np.zeros((size, size))
    depth[: size // 2, : size // 2] = 30.0
    grid = build_grid(reconstruction(depth, np.ones((size, size), bool), rgb), 64)
    red = grid.colours[:, 0] > 200
    middle = grid.positions[red].mean(axis=0)
    # The photo's upper left is at -X and +Z; nearer is towards -Y.
    assert middle[0] < -0.02 and middle[2] > 0.02
    assert grid.positions[red][:, 1].mean() < grid.positions[~red][:, 1].mean() - 0.02
    assert grid.depth[red].mean() == pytest.approx(0.03, rel=0.1)
    assert grid.uvs[red].mean(axis=0) == pytest.approx((0.25, 0.75), abs=0.02)
    quads = grid.positions[grid.corner_verts.reshape(-1, 4)]
    normals = np.cross(quads[:, 1] - quads[:, 0], quads[:, 3] - quads[:, 0])
    assert (normals[:, 1] < 0).all()


def test_relief_is_metric_and_smooth_where_the_grid_is_finer_than_the_depth():
    size = 64
    x = (np.arange(size) + 0.5) / size - 0.5
    depth = 80.0 * np.sqrt(np.maximum(0.36 - x[:, None] ** 2 - x[None] ** 2, 0.0))
    grid = build_grid(reconstruction(depth, disc(size, 0.45)), 400)
    radius = np.hypot(*(grid.uvs - 0.5).T)
    inner = radius < 0.4
    true = 0.08 * np.sqrt(0.36 - radius[inner] ** 2)
    assert np.abs(grid.depth[inner] - true).max() < 2e-4
    row = inner & (grid.uvs[:, 1] == grid.uvs[np.abs(grid.uvs[:, 1] - 0.5).argmin(), 1])
    steps = np.diff(grid.depth[row][np.argsort(grid.uvs[row, 0])], 2)
    assert np.abs(steps).max() < 1e-5


def test_border_is_manifold_and_rounded():
    rng = np.random.default_rng(0)
    subject = disc(90) & (rng.random((90, 90)) > 0.1)
    grid = build_grid(reconstruction(np.zeros((90, 90)), subject), 90)
    quads = grid.corner_verts.reshape(-1, 4)
    sides = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    assert np.array_equal(np.sort(grid.edges[grid.corner_edges], axis=1), sides)
    used, counts = np.unique(sides, axis=0, return_counts=True)
    assert len(used) == len(grid.edges) and counts.max() == 2
    # Each border vertex has exactly two border edges: no two sheets meet in a corner.
    assert (np.unique(used[counts == 1], return_counts=True)[1] == 2).all()
    smooth = build_grid(reconstruction(np.zeros((90, 90)), disc(90)), 90)
    ring = np.unique(smooth.edges[np.bincount(smooth.corner_edges) == 1])
    assert np.ptp(np.hypot(*(smooth.uvs[ring] - 0.5).T)) < 0.012


def test_guided_upsampling_puts_edges_where_the_photo_has_them():
    size, factor = 256, 8
    guide = np.zeros((size, size), np.float32)
    guide[:, 101:] = 1.0
    true = np.where(guide > 0.5, 10.0, 0.0).astype(np.float32)
    low = true.reshape(size // factor, factor, size // factor, factor).mean(axis=(1, 3))
    fine = guided_upsample(low, guide, 2, 6e-2)
    plain = np.kron(low, np.ones((factor, factor), np.float32))
    assert np.abs(fine - true)[20:-20].mean() < 0.7 * np.abs(plain - true)[20:-20].mean()
    assert fine[128, 102] - fine[128, 100] > 5.0


def test_depth_goes_on_beyond_the_subject_with_its_slope():
    known = disc(80, 0.3)
    x = np.tile(np.arange(80, dtype=np.float32), (80, 1))
    wrong = np.where(known, x, -500.0).astype(np.float32)
    extended = extend(wrong, known)
    assert np.array_equal(extended[known], x[known])
    rim = disc(80, 0.33) & ~known
    assert np.abs(extended - x)[rim].max() < 1.0
    filled = fill_outside(np.where(known, 7.0, -500.0).astype(np.float32), known)
    assert np.allclose(filled, 7.0, atol=1e-3)
