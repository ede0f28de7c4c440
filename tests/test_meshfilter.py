# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and repairs on meshes with known answers: spikes, islands, crossings, winding."""

import numpy as np
import pytest

from face_depth_addon.core.polygons import meshfilter
from face_depth_addon.core.polygons.spikes import pull_spikes
from face_depth_addon.core.polygons.topology import (
    Topology,
    connected_components,
    flipped_faces,
    island_labels,
    keep_faces,
    non_manifold,
    small_islands,
)

SIDE = 48
SPACING = 0.001


def polygons(vertex_count: int, *faces: np.ndarray) -> Topology:
    """Topology of faces, given as (N, sides) arrays of vertices."""
    ends = np.concatenate(
        [np.stack([group, np.roll(group, -1, axis=1)], axis=-1).reshape(-1, 2) for group in faces]
    )
    edges, corner_edges = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True)
    sizes = np.concatenate([np.full(len(group), group.shape[1]) for group in faces])
    return Topology(
        vertex_count, edges, ends[:, 0], corner_edges.ravel(), np.cumsum(sizes) - sizes
    )


def grid_topology(side: int = SIDE) -> Topology:
    """Quads of a side x side grid, wound to face -Y, vertices row by row upwards."""
    vertex = np.arange(side * side).reshape(side, side)
    quads = np.stack([vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1]], axis=-1)
    return polygons(side * side, quads.reshape(-1, 4))


def sphere(rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions on the unit sphere and triangles of an icosahedron, each cut in four."""
    golden = (1.0 + 5.0**0.5) / 2.0
    points = np.array([[0.0, a, b * golden] for a in (-1, 1) for b in (-1, 1)])
    points = np.concatenate([np.roll(points, turn, axis=1) for turn in range(3)])
    gaps = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    first, second, third = np.meshgrid(*[np.arange(12)] * 3, indexing="ij")
    near = gaps < 2.1
    found = near[first, second] & near[second, third] & near[third, first]
    found &= (first < second) & (first < third) & (second != third)
    found &= np.linalg.det(points[np.stack([first, second, third], axis=-1)]) > 0.0
    triangles = np.stack([first[found], second[found], third[found]], axis=1)
    for _ in range(rounds):
        topology = polygons(len(points), triangles)
        middle = len(points) + topology.corner_edges.reshape(-1, 3)
        points = np.concatenate([points, points[topology.edges].mean(axis=1)])
        inner = np.concatenate(
            [np.stack([triangles[:, i], middle[:, i], middle[:, i - 1]], axis=1) for i in range(3)]
        )
        triangles = np.concatenate([inner, middle])
    return points / np.linalg.norm(points, axis=1, keepdims=True), triangles


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


def test_spikes_go_back_and_steps_ridges_and_domes_stay(rows_columns):
    rows, columns = rows_columns
    depth = np.random.default_rng(5).normal(0.0, 0.02 * SPACING, (SIDE, SIDE))
    depth += np.where((rows > 30) & (columns > 30), 5 * SPACING, 0.0)
    depth -= np.where(rows == 8, 2 * SPACING, 0.0)
    depth -= 6 * SPACING * np.exp(-((rows - 20) ** 2 + (columns - 20) ** 2) / 60.0)
    clean = relief(depth)
    assert not pull_spikes(clean, grid_topology())[1].any()

    spiky = clean.copy()
    lone, twins, border = [22 * SIDE + 21], [40 * SIDE + 10, 40 * SIDE + 11], [25 * SIDE]
    spiky[lone, 1] -= 9 * SPACING
    spiky[twins, 1] += 7 * SPACING
    spiky[border, 1] -= 8 * SPACING
    pulled, spikes = pull_spikes(spiky, grid_topology())
    assert set(np.flatnonzero(spikes)) == {*lone, *twins, *border}
    np.testing.assert_allclose(pulled, clean, atol=0.3 * SPACING)
    np.testing.assert_array_equal(pulled[~spikes], spiky[~spikes])
    assert not pull_spikes(pulled, grid_topology())[1].any()


def test_only_faces_beyond_the_angle_are_stretched(rows_columns):
    _, columns = rows_columns
    slopes = np.array([0.0, 1.0, 3.0, 4.5])  # 0, 45, 71.6 and 77.5 degrees
    depth = np.cumsum(np.tile(slopes, SIDE // 4) * SPACING)
    positions = relief(np.broadcast_to(depth, (SIDE, SIDE)))
    stretched = meshfilter.stretched_faces(positions, grid_topology(), np.radians(75.0))
    by_column = stretched.reshape(SIDE - 1, SIDE - 1)
    expected = np.tile(slopes, SIDE // 4)[1:] == 4.5
    np.testing.assert_array_equal(by_column, np.broadcast_to(expected, by_column.shape))


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


def test_sheets_that_cross_are_flagged_where_they_cross(rows_columns):
    rows, columns = rows_columns
    sheet = relief(0.2 * SPACING * np.sin(rows + columns))
    # A wall across the sheet between two rows of vertices, from the second column on.
    height, left, right = 20.3 * SPACING, 1.5 * SPACING, 60.0 * SPACING
    wall = [[x, y, height] for x, y in ((left, -1.0), (right, -1.0), (right, 1.0), (left, 1.0))]
    quads = grid_topology().corner_verts.reshape(-1, 4)
    topology = polygons(SIDE**2 + 4, quads, SIDE**2 + np.arange(4)[np.newaxis])
    crossed = np.array([[20 * (SIDE - 1) + column, len(quads)] for column in range(1, SIDE - 1)])

    found = meshfilter.self_intersections(np.concatenate([sheet, wall]), topology)
    np.testing.assert_array_equal(found, crossed)
    beside = np.concatenate([sheet, wall + np.array([0.0, 0.0, 100.0 * SPACING])])
    assert len(meshfilter.self_intersections(beside, topology)) == 0
    standing = np.concatenate([sheet * [1, 0, 1], wall + np.array([0.0, 1.0, 0.0])])
    assert len(meshfilter.self_intersections(standing, topology)) == 0


def test_spheres_cross_in_all_faces_that_reach_into_the_other():
    points, triangles = sphere(3)
    shift = np.array([1.1, 0.2, -0.3])
    topology = polygons(2 * len(points), triangles, triangles + len(points))
    assert len(meshfilter.self_intersections(np.concatenate([points, points + 3.0]), topology)) == 0

    found = meshfilter.self_intersections(np.concatenate([points, points + shift]), topology)
    assert (found[:, 0] < len(triangles)).all() and (found[:, 1] >= len(triangles)).all()
    off = np.linalg.norm(points - shift, axis=1)[triangles] - 1.0
    # The facets lie up to 0.006 inside the sphere.
    through = np.flatnonzero((off.min(axis=1) < -0.01) & (off.max(axis=1) > 0.0))
    clear = np.flatnonzero((off.min(axis=1) > 0.0) | (off.max(axis=1) < -0.01))
    assert len(through) > 20
    assert set(through) <= set(found[:, 0])
    assert not set(clear) & set(found[:, 0])


def test_edges_of_three_faces_and_bow_ties_are_no_surface():
    points, triangles = sphere(1)
    edges, vertices = non_manifold(polygons(len(points), triangles))
    assert not edges.any() and not vertices.any()
    edges, vertices = non_manifold(without(grid_topology(), (5, 5), (7, 7)))
    assert not edges.any() and not vertices.any()

    edges, vertices = non_manifold(without(grid_topology(), (30, 30), (31, 31)))
    assert not edges.any()
    assert np.flatnonzero(vertices).tolist() == [31 * SIDE + 31]
    fin = np.array([[5, 6, SIDE**2]])
    quads = grid_topology().corner_verts.reshape(-1, 4)
    topology = polygons(SIDE**2 + 1, quads, fin + [[SIDE * 9, SIDE * 9, 0]])
    edges, vertices = non_manifold(topology)
    assert topology.edges[edges].tolist() == [[9 * SIDE + 5, 9 * SIDE + 6]]
    assert not vertices.any()
    # Two spheres that share one vertex.
    twins = np.where(triangles == 0, 0, triangles + len(points) - 1)
    edges, vertices = non_manifold(polygons(2 * len(points) - 1, triangles, twins))
    assert not edges.any()
    assert np.flatnonzero(vertices).tolist() == [0]


def test_faces_wound_against_their_neighbours_are_flipped():
    points, triangles = sphere(3)
    wrong = np.random.default_rng(8).random(2 * len(triangles)) < 0.3
    wrong[0] = True
    both = np.concatenate([triangles, triangles + len(points)])
    # Most of the second sphere is turned inside out: there the others are the flipped ones.
    wrong[len(triangles) :] = ~wrong[len(triangles) :]
    both[wrong] = both[wrong, ::-1]
    expected = np.concatenate([wrong[: len(triangles)], ~wrong[len(triangles) :]])
    found = flipped_faces(polygons(2 * len(points), both))
    np.testing.assert_array_equal(found, expected)
    assert not flipped_faces(grid_topology()).any()


def test_a_moebius_strip_has_no_flipped_faces():
    low = np.arange(12)
    strip = np.stack([low, low + 1, low + 13, low + 12], axis=1)
    strip[-1] = [11, 12, 0, 23]
    assert not flipped_faces(polygons(24, strip)).any()
