# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing on shapes with known answers: noise goes; volume, steps and features stay."""

import numpy as np
import pytest
from test_meshfilter import SIDE, SPACING, grid_topology, polygons, relief, rms, sphere

from face_depth_addon.core.polygons.smoothing import feature_weights, smooth, smooth_border
from face_depth_addon.core.polygons.topology import Topology, border_vertices, keep_faces

METHODS = ["LAPLACIAN", "TAUBIN", "HC", "BILATERAL"]


@pytest.fixture
def rows_columns() -> tuple[np.ndarray, np.ndarray]:
    return np.indices((SIDE, SIDE))


def test_bilateral_keeps_a_step_that_laplacian_blurs_at_the_same_noise(rows_columns):
    topology = grid_topology()
    rows, columns = rows_columns
    noise = 0.2 * SPACING
    clean = relief(np.where(columns < SIDE // 2, 0.0, 16.0 * noise))
    noisy = clean + np.random.default_rng(1).normal(0.0, noise, (SIDE**2, 1)) * [0, 1, 0]
    from_step = np.abs(columns - (SIDE - 1) / 2)
    inside = (np.minimum(rows, columns) > 3) & (np.maximum(rows, columns) < SIDE - 4)
    flat, step = (inside & (from_step > 8)).ravel(), (inside & (from_step < 3)).ravel()

    def errors(method, iterations):
        result = smooth(noisy, topology, method, iterations, 0.5)
        deviation = result[:, 1] - clean[:, 1]
        return rms(deviation[flat]) / noise, rms(deviation[step]) / noise

    left, step_error = errors("BILATERAL", 10)
    assert left < 0.4
    assert step_error < 1.1
    laplacian = [errors("LAPLACIAN", iterations) for iterations in range(1, 8)]
    as_smooth = next(found for found in laplacian if found[0] <= left)
    assert as_smooth[1] > 2.5 * step_error


def test_bilateral_smooths_a_sphere_without_shrinking_it(rows_columns):
    rows, columns = rows_columns
    radius = 0.04
    flat = relief(np.zeros((SIDE, SIDE))) - [SIDE * SPACING / 2, 0.0, SIDE * SPACING / 2]
    flat[:, 1] = -np.sqrt(radius**2 - flat[:, 0] ** 2 - flat[:, 2] ** 2)
    noise = np.random.default_rng(2).normal(0.0, 0.1 * SPACING, (SIDE**2, 1))
    noisy = flat * (1.0 + noise / radius)
    inside = ((np.minimum(rows, columns) > 5) & (np.maximum(rows, columns) < SIDE - 6)).ravel()

    def off_sphere(method):
        result = smooth(noisy, grid_topology(), method, 30, 0.5)[inside]
        return np.linalg.norm(result, axis=1) - radius

    assert abs(off_sphere("BILATERAL").mean()) < 0.02 * SPACING
    assert off_sphere("BILATERAL").std() < 0.5 * noise.std()
    assert off_sphere("LAPLACIAN").mean() < -0.1 * SPACING


@pytest.mark.parametrize("method", METHODS)
def test_smoothing_moves_only_what_may_move_and_the_same_far_from_the_origin(method):
    topology = grid_topology()
    noisy = relief(np.random.default_rng(3).normal(0.0, 0.2 * SPACING, (SIDE, SIDE)))
    movable = ~border_vertices(topology)
    assert np.count_nonzero(~movable) == 4 * (SIDE - 1)

    result = smooth(noisy, topology, method, 3, 0.5 * movable)
    np.testing.assert_array_equal(result[~movable], noisy[~movable])
    assert np.all(np.abs(result - noisy)[movable].max(axis=1) > 0.0)
    away = np.array([50.0, -20.0, 7.0])
    moved = smooth(noisy + away, topology, method, 3, 0.5 * movable)
    np.testing.assert_allclose(moved - away, result, atol=1e-9)


def test_bilateral_estimates_the_noise_beside_a_flat_background(rows_columns):
    _, columns = rows_columns
    noise = np.random.default_rng(7).normal(0.0, 0.2 * SPACING, (SIDE, SIDE))
    positions = relief(np.where(columns < 15, noise, 0.0))
    result = smooth(positions, grid_topology(), "BILATERAL", 10, 0.5)
    noisy = (columns < 12).ravel()
    assert result[noisy, 1].std() < 0.5 * positions[noisy, 1].std()


def test_laplacian_does_not_draw_the_border_inwards():
    flat = relief(np.zeros((SIDE, SIDE)))
    result = smooth(flat, grid_topology(), "LAPLACIAN", 10, 0.5)
    middle = SIDE // 2
    np.testing.assert_allclose(result[middle], flat[middle], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_loose_vertices_stay_where_they_are(method):
    grid = grid_topology()
    topology = Topology(
        grid.vertex_count + 1, grid.edges, grid.corner_verts, grid.corner_edges, grid.face_starts
    )
    noisy = relief(np.random.default_rng(4).normal(0.0, 0.2 * SPACING, (SIDE, SIDE)))
    positions = np.vstack([noisy, [[1.0, 2.0, 3.0]]])
    result = smooth(positions, topology, method, 3, 0.5)
    np.testing.assert_array_equal(result[-1], [1.0, 2.0, 3.0])
    assert np.isfinite(result).all()




def volume(points: np.ndarray, triangles: np.ndarray) -> float:
    return float(np.linalg.det(points[triangles]).sum()) / 6.0


def test_taubin_hc_and_bilateral_keep_a_noisy_spheres_volume_that_laplacian_loses():
    points, triangles = sphere(4)
    topology = polygons(len(points), triangles)
    noise = 0.01 * np.random.default_rng(9).normal(size=(len(points), 1))
    noisy = points * (1.0 + noise)

    def after(method):
        result = smooth(noisy, topology, method, 20, 1.0)
        left = np.linalg.norm(result, axis=1).std() / noise.std()
        return abs(volume(result, triangles) / volume(points, triangles) - 1.0), left

    for method in ("TAUBIN", "HC", "BILATERAL"):
        lost, left = after(method)
        assert lost < 0.005, method
        assert left < 0.4, method
    assert after("LAPLACIAN")[0] > 0.05


def test_the_tip_of_a_nose_stays_where_it_is_but_with_laplacian(rows_columns):
    rows, columns = rows_columns - np.array([24, 24])[:, np.newaxis, np.newaxis]
    # A tip with a radius of ten cells.
    nose = relief(-15.0 * SPACING * np.exp(-(rows**2 + columns**2) / 300.0))
    noise = np.random.default_rng(10).normal(0.0, 0.1 * SPACING, nose.shape)
    tip = 24 * SIDE + 24

    def drift(method):
        result = smooth(nose + noise, grid_topology(), method, 20, 0.5)
        return np.linalg.norm(result[tip] - nose[tip]) / SPACING

    assert drift("TAUBIN") < 0.2
    assert drift("HC") < 0.2
    assert drift("BILATERAL") < 0.3
    assert drift("LAPLACIAN") > 0.6


def test_taubin_passes_long_waves_and_stops_short_ones():
    side = 96
    columns = np.indices((side, side))[1]
    for edges, low, high in ((24, 0.97, 1.03), (4, 0.0, 0.02)):
        wave = 0.1 * SPACING * np.sin(2.0 * np.pi * columns / edges)
        result = smooth(relief(wave), grid_topology(side), "TAUBIN", 20, 1.0)
        inside = result[:, 1].reshape(side, side)[32:64, 32:64]
        assert low < rms(inside) / rms(wave[32:64, 32:64]) < high


@pytest.mark.parametrize("method", METHODS)
def test_strength_is_each_vertexs_own(rows_columns, method):
    noisy = relief(np.random.default_rng(11).normal(0.0, 0.2 * SPACING, (SIDE, SIDE)))
    topology = grid_topology()
    even = smooth(noisy, topology, method, 5, 0.6)
    np.testing.assert_array_equal(even, smooth(noisy, topology, method, 5, np.full(SIDE**2, 0.6)))

    painted = np.clip((rows_columns[1].ravel() - 16) / 16.0, 0.0, 1.0)
    result = smooth(noisy, topology, method, 5, painted)
    np.testing.assert_array_equal(result[painted == 0.0], noisy[painted == 0.0])
    left = np.abs(result[:, 1]).reshape(SIDE, SIDE)[4:-4]
    assert left[:, 18:22].mean() > 1.3 * left[:, 26:30].mean() > 1.3 * left[:, 34:44].mean() / 1.3


def test_a_border_is_smoothed_along_itself_and_keeps_its_area(rows_columns):
    offset = rows_columns[:, :-1, :-1] - (SIDE - 2) / 2
    flat = relief(np.zeros((SIDE, SIDE)))
    quads = grid_topology()
    disc = keep_faces(quads, (np.hypot(*offset) < 18.0).ravel())
    border = disc.edges[disc.edge_face_counts == 1]
    members = np.unique(border)
    result = smooth_border(flat, disc, 20)
    centre = (SIDE - 1) / 2 * SPACING * np.array([1.0, 0.0, 1.0])

    def radii(positions):
        return np.linalg.norm(positions - centre, axis=1) / SPACING

    def area(positions):
        faces = (positions - centre)[disc.corner_verts.reshape(-1, 4)][:, :, [0, 2]]
        following = np.roll(faces, -1, axis=1)
        return np.linalg.det(np.stack([faces, following], axis=2)).sum() / 2.0

    assert radii(result[members]).std() < 0.5 * radii(flat[members]).std()
    assert area(result) == pytest.approx(area(flat), rel=0.005)
    inside = np.setdiff1d(np.arange(SIDE**2), members)
    np.testing.assert_array_equal(result[inside], flat[inside])
    again = smooth_border(flat, disc, 20, np.where(np.arange(SIDE**2) < SIDE**2 // 2, 0.0, 1.0))
    np.testing.assert_array_equal(again[: SIDE**2 // 2], flat[: SIDE**2 // 2])


def test_where_borders_meet_nothing_moves():
    keep = np.ones((SIDE - 1, SIDE - 1), dtype=bool)
    keep[30, 30] = keep[31, 31] = False
    topology = keep_faces(grid_topology(), keep.ravel())
    rough = relief(np.random.default_rng(12).normal(0.0, SPACING, (SIDE, SIDE)))
    moved = (smooth_border(rough, topology, 3) != rough).any(axis=1)
    assert not moved[31 * SIDE + 31]
    assert moved[30 * SIDE + 30] and moved[32 * SIDE + 32]


def test_features_are_spared_within_2_mm_and_free_from_7_mm_on():
    flat = relief(np.zeros((SIDE, SIDE)))
    centre = np.array([0.0235, 0.0, 0.0235])
    # Of the landmarks only the place in the picture counts, not their own depth.
    landmarks = np.broadcast_to(centre + [0.0, 0.02, 0.0], (468, 3))
    away = np.linalg.norm(flat - centre, axis=1)
    weights = feature_weights(flat, landmarks)
    assert (weights[away < 0.002] == 0.0).all()
    assert (weights[away > 0.007] == 1.0).all()
    between = (away > 0.0021) & (away < 0.0069)
    assert (np.diff(weights[between][np.argsort(away[between])]) >= 0.0).all()
    np.testing.assert_allclose(weights[np.abs(away - 0.0045) < 1e-4], 0.5, atol=0.03)
    # What lies behind the face is no feature.
    head = np.concatenate([flat, flat + [0.0, 0.1, 0.0]])
    assert (feature_weights(head, landmarks)[SIDE**2 :] == 1.0).all()


@pytest.mark.parametrize(
    ("indices", "spared"),
    [
        ((33, 133, 159, 145, 263, 362, 386, 374), True),  # corners and lids of the eyes
        ((129, 98, 358, 327), True),  # wings of the nose
        ((61, 291, 0, 17, 13, 14), True),  # corners of the mouth and lips
        ((10, 152, 50, 280, 105, 334, 6, 4), False),  # forehead, chin, cheeks, brows, nose
    ],
)
def test_features_are_the_eyes_the_nose_wings_and_the_lips(indices, spared):
    positions = np.array([[0.0, 0.0, 0.0], [0.03, 0.0, 0.01]])
    for index in indices:
        landmarks = np.zeros((468, 3))
        landmarks[index] = positions[1]
        assert feature_weights(positions, landmarks)[1] == (0.0 if spared else 1.0)
