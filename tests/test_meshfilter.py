# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh filters on grids with known answers: smoothing, spikes, stretched faces, holes."""

import numpy as np
import pytest

from face_depth_addon.core import meshfilter
from face_depth_addon.core.topology import (
    Topology,
    border_vertices,
    connected_components,
    island_labels,
    keep_faces,
    small_islands,
)

SIDE = 48
SPACING = 0.001


def grid_topology(side: int = SIDE) -> Topology:
    """Quads of a side x side grid, wound to face -Y, vertices row by row upwards."""
    vertex = np.arange(side * side).reshape(side, side)
    quads = np.stack([vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1]], axis=-1)
    quads = quads.reshape(-1, 4)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, corner_edges = np.unique(ends, axis=0, return_inverse=True)
    starts = np.arange(0, quads.size, 4)
    return Topology(side * side, edges, quads.ravel(), corner_edges.ravel(), starts)


def relief(depth: np.ndarray) -> np.ndarray:
    """(V, 3) positions of a relief; depth is (side, side), +Y is away from the viewer."""
    row, column = np.indices(depth.shape)
    return np.stack([column * SPACING, depth, row * SPACING], axis=-1).reshape(-1, 3)


def without(topology: Topology, *cells: tuple[int, int]) -> Topology:
    keep = np.ones(len(topology.face_starts), dtype=bool)
    for row, column in cells:
        keep[row * (SIDE - 1) + column] = False
    return keep_faces(topology, keep)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


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
        result = meshfilter.smooth(noisy, topology, method, iterations, 0.5)
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
        result = meshfilter.smooth(noisy, grid_topology(), method, 30, 0.5)[inside]
        return np.linalg.norm(result, axis=1) - radius

    assert abs(off_sphere("BILATERAL").mean()) < 0.02 * SPACING
    assert off_sphere("BILATERAL").std() < 0.5 * noise.std()
    assert off_sphere("LAPLACIAN").mean() < -0.1 * SPACING


@pytest.mark.parametrize("method", ["LAPLACIAN", "BILATERAL"])
def test_smoothing_moves_only_what_may_move_and_the_same_far_from_the_origin(method):
    topology = grid_topology()
    noisy = relief(np.random.default_rng(3).normal(0.0, 0.2 * SPACING, (SIDE, SIDE)))
    movable = ~border_vertices(topology)
    assert np.count_nonzero(~movable) == 4 * (SIDE - 1)

    result = meshfilter.smooth(noisy, topology, method, 3, 0.5, movable)
    np.testing.assert_array_equal(result[~movable], noisy[~movable])
    assert np.all(np.abs(result - noisy)[movable].max(axis=1) > 0.0)
    away = np.array([50.0, -20.0, 7.0])
    moved = meshfilter.smooth(noisy + away, topology, method, 3, 0.5, movable)
    np.testing.assert_allclose(moved - away, result, atol=1e-9)


def test_bilateral_estimates_the_noise_beside_a_flat_background(rows_columns):
    _, columns = rows_columns
    noise = np.random.default_rng(7).normal(0.0, 0.2 * SPACING, (SIDE, SIDE))
    positions = relief(np.where(columns < 15, noise, 0.0))
    result = meshfilter.smooth(positions, grid_topology(), "BILATERAL", 10, 0.5)
    noisy = (columns < 12).ravel()
    assert result[noisy, 1].std() < 0.5 * positions[noisy, 1].std()


def test_laplacian_does_not_draw_the_border_inwards():
    flat = relief(np.zeros((SIDE, SIDE)))
    result = meshfilter.smooth(flat, grid_topology(), "LAPLACIAN", 10, 0.5)
    middle = SIDE // 2
    np.testing.assert_allclose(result[middle], flat[middle], atol=1e-12)


@pytest.mark.parametrize("method", ["LAPLACIAN", "BILATERAL"])
def test_loose_vertices_stay_where_they_are(method):
    grid = grid_topology()
    topology = Topology(
        grid.vertex_count + 1, grid.edges, grid.corner_verts, grid.corner_edges, grid.face_starts
    )
    noisy = relief(np.random.default_rng(4).normal(0.0, 0.2 * SPACING, (SIDE, SIDE)))
    positions = np.vstack([noisy, [[1.0, 2.0, 3.0]]])
    result = meshfilter.smooth(positions, topology, method, 3, 0.5)
    np.testing.assert_array_equal(result[-1], [1.0, 2.0, 3.0])
    assert np.isfinite(result).all()


def test_spikes_go_back_and_steps_ridges_and_domes_stay(rows_columns):
    rows, columns = rows_columns
    depth = np.random.default_rng(5).normal(0.0, 0.02 * SPACING, (SIDE, SIDE))
    depth += np.where((rows > 30) & (columns > 30), 5 * SPACING, 0.0)
    depth -= np.where(rows == 8, 2 * SPACING, 0.0)
    depth -= 6 * SPACING * np.exp(-((rows - 20) ** 2 + (columns - 20) ** 2) / 60.0)
    clean = relief(depth)
    assert not meshfilter.pull_spikes(clean, grid_topology())[1].any()

    spiky = clean.copy()
    lone, twins, border = [22 * SIDE + 21], [40 * SIDE + 10, 40 * SIDE + 11], [25 * SIDE]
    spiky[lone, 1] -= 9 * SPACING
    spiky[twins, 1] += 7 * SPACING
    spiky[border, 1] -= 8 * SPACING
    pulled, spikes = meshfilter.pull_spikes(spiky, grid_topology())
    assert set(np.flatnonzero(spikes)) == {*lone, *twins, *border}
    np.testing.assert_allclose(pulled, clean, atol=0.3 * SPACING)
    np.testing.assert_array_equal(pulled[~spikes], spiky[~spikes])
    assert not meshfilter.pull_spikes(pulled, grid_topology())[1].any()


def test_only_faces_beyond_the_angle_are_stretched(rows_columns):
    _, columns = rows_columns
    slopes = np.array([0.0, 1.0, 3.0, 4.5])  # 0, 45, 71.6 and 77.5 degrees
    depth = np.cumsum(np.tile(slopes, SIDE // 4) * SPACING)
    positions = relief(np.broadcast_to(depth, (SIDE, SIDE)))
    stretched = meshfilter.stretched_faces(positions, grid_topology(), np.radians(75.0))
    by_column = stretched.reshape(SIDE - 1, SIDE - 1)
    expected = np.tile(slopes, SIDE // 4)[1:] == 4.5
    np.testing.assert_array_equal(by_column, np.broadcast_to(expected, by_column.shape))


def test_holes_are_found_apart_at_a_pinch_but_not_the_outer_border():
    flat = relief(np.zeros((SIDE, SIDE)))
    single, pair = (5, 5), [(20, 20), (20, 21)]
    diagonal, at_corner = [(30, 30), (31, 31)], [(0, 0), (1, 1)]
    topology = without(grid_topology(), single, *pair, *diagonal, *at_corner)
    holes = meshfilter.find_holes(flat, topology, 32)
    assert sorted(map(len, holes)) == [4, 4, 4, 4, 6]
    assert sorted(map(len, meshfilter.find_holes(flat, topology, 4))) == [4, 4, 4, 4]
    assert len(meshfilter.find_holes(flat, topology, 10 * SIDE)) == 5

    rings = {frozenset(hole.tolist()) for hole in holes}
    corner = 5 * SIDE + 5
    assert frozenset({corner, corner + 1, corner + SIDE, corner + SIDE + 1}) in rings


def test_hole_is_left_open_where_its_lid_would_be_stretched(rows_columns):
    _, columns = rows_columns
    wall = relief(np.where(columns > 10, 9 * SPACING, 0.0))
    topology = without(grid_topology(), (20, 10))
    assert len(meshfilter.find_holes(wall, topology, 32)) == 1
    assert meshfilter.find_holes(wall, topology, 32, np.radians(75.0)) == []


def test_faces_that_touch_at_one_vertex_are_two_islands():
    keep = np.zeros((SIDE - 1, SIDE - 1), dtype=bool)
    keep[10, 10:14] = keep[11, 14] = True
    labels, _ = island_labels(keep_faces(grid_topology(), keep.ravel()))
    assert labels[0] == labels[3] != labels[4]


def test_small_islands_are_measured_against_the_biggest():
    # Columns 0 to 39 hold 40 vertices a row, columns 41 to 47 hold 7: a share of 0.175.
    gap = [(row, column) for row in range(SIDE - 1) for column in (39, 40)]
    topology = without(grid_topology(), *gap)
    alive = np.zeros(topology.vertex_count, dtype=bool)
    alive[topology.corner_verts] = True
    everything = np.ones_like(alive)
    assert small_islands(topology, 0.17, alive, everything)[2] == 0
    faces, vertices, count = small_islands(topology, 0.18, alive, everything)
    assert (count, faces.sum(), vertices.sum()) == (1, 6 * (SIDE - 1), 7 * SIDE)
    hidden = everything.copy()
    hidden[-1] = False
    assert small_islands(topology, 0.18, alive, hidden)[2] == 0


def test_components_of_shuffled_chains():
    names = np.random.default_rng(6).permutation(3000)
    links = np.stack([np.arange(2999), np.arange(1, 3000)], axis=1)
    links = names[np.delete(links, [999, 1999], axis=0)]
    labels = connected_components(links, 3001)
    chains = [set(labels[names[start : start + 1000]]) for start in (0, 1000, 2000)]
    assert [len(chain) for chain in chains] == [1, 1, 1]
    assert len(set.union(*chains)) == 3
    assert labels[3000] == 3000
