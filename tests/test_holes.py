# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes in meshes with known answers, and the patches that close them."""

import numpy as np
import pytest
from test_meshfilter import SIDE, SPACING, grid_topology, polygons, relief, without

from face_depth_addon.core.polygons.holes import fill_holes, find_holes
from face_depth_addon.core.polygons.meshfilter import self_intersections
from face_depth_addon.core.polygons.topology import flipped_faces, keep_faces, non_manifold


@pytest.fixture
def rows_columns() -> tuple[np.ndarray, np.ndarray]:
    return np.indices((SIDE, SIDE))


def test_holes_are_found_apart_at_a_pinch_but_not_the_outer_border():
    flat = relief(np.zeros((SIDE, SIDE)))
    single, pair = (5, 5), [(20, 20), (20, 21)]
    diagonal, at_corner = [(30, 30), (31, 31)], [(0, 0), (1, 1)]
    topology = without(grid_topology(), single, *pair, *diagonal, *at_corner)
    holes = find_holes(flat, topology, 32)
    assert sorted(map(len, holes)) == [4, 4, 4, 4, 6]
    assert sorted(map(len, find_holes(flat, topology, 4))) == [4, 4, 4, 4]
    assert len(find_holes(flat, topology, 10 * SIDE)) == 5

    rings = {frozenset(hole.tolist()) for hole in holes}
    corner = 5 * SIDE + 5
    assert frozenset({corner, corner + 1, corner + SIDE, corner + SIDE + 1}) in rings


def test_hole_is_left_open_where_its_lid_would_be_stretched(rows_columns):
    _, columns = rows_columns
    wall = relief(np.where(columns > 10, 9 * SPACING, 0.0))
    topology = without(grid_topology(), (20, 10))
    assert len(find_holes(wall, topology, 32)) == 1
    assert find_holes(wall, topology, 32, np.radians(75.0)) == []


def closed(positions, topology, hole, patch):
    """Positions and topology of a grid with a patch in its hole."""
    count = len(positions)
    names = np.concatenate([hole, count + np.arange(len(patch.positions))])
    quads = topology.corner_verts.reshape(-1, 4)
    whole = polygons(count + len(patch.positions), quads, names[patch.faces])
    return np.concatenate([positions, patch.positions]), whole


def round_hole(rows_columns, across: float):
    rows, columns = rows_columns[:, :-1, :-1] - (SIDE - 2) / 2
    return keep_faces(grid_topology(), (np.hypot(rows, columns) > across / 2).ravel())


def middled(depth) -> np.ndarray:
    """Positions of a relief around the origin."""
    return relief(depth) - [(SIDE - 1) / 2 * SPACING, 0.0, (SIDE - 1) / 2 * SPACING]


def away_from_middle(rows_columns) -> np.ndarray:
    return np.hypot(*(rows_columns - (SIDE - 1) / 2)) * SPACING


def only_hole(positions, topology):
    (hole,) = find_holes(positions, topology, 400)
    (patch,) = fill_holes(positions, topology, [hole])
    return hole, patch


def test_a_patch_carries_a_sphere_on_over_thirty_cells(rows_columns):
    radius = 0.04
    positions = middled(-np.sqrt(radius**2 - away_from_middle(rows_columns) ** 2))
    topology = round_hole(rows_columns, 30)
    hole, patch = only_hole(positions, topology)
    assert np.linalg.norm(positions[hole].mean(axis=0)) < 0.94 * radius
    np.testing.assert_allclose(np.linalg.norm(patch.positions, axis=1), radius, rtol=0.01)

    points, whole = closed(positions, topology, hole, patch)
    assert find_holes(points, whole, 400) == []
    assert not any(found.any() for found in non_manifold(whole))
    assert not flipped_faces(whole).any()
    assert len(self_intersections(points, whole)) == 0
    # As dense as the grid around it: 709 cells are open, and the seam takes some.
    assert 600 < len(patch.positions) < 800


def test_a_patch_takes_the_slope_around_it_in_any_direction(rows_columns):
    # A paraboloid is a clamped plate at rest.
    positions = middled(-8.0 * away_from_middle(rows_columns) ** 2)
    turn, _ = np.linalg.qr(np.random.default_rng(13).normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    topology = round_hole(rows_columns, 24)
    hole, patch = only_hole(positions @ turn.T + 5.0, topology)
    x, y, z = ((patch.positions - 5.0) @ turn).T
    height = 8.0 * 0.012**2
    assert np.abs(y + 8.0 * (x**2 + z**2)).max() < 0.03 * height

    # A plane stays a plane, however the border winds in it.
    flat = middled(np.zeros((SIDE, SIDE)))
    _, patch = only_hole(flat @ turn.T, topology)
    assert np.abs((patch.positions @ turn)[:, 1]).max() < 1e-9


def test_a_torn_edge_does_not_bulge(rows_columns):
    topology = round_hole(rows_columns, 24)
    (hole,) = find_holes(middled(np.zeros((SIDE, SIDE))), topology, 400)
    depth = np.zeros((SIDE, SIDE))
    depth.flat[hole] = -20.0 * SPACING
    hole, patch = only_hole(middled(depth), topology)
    out = -patch.positions[:, 1] / SPACING
    assert out.min() > 20.0 and out.max() < 25.0


@pytest.mark.parametrize("shape", ["comb", "slit", "spiral", "single"])
def test_any_outline_is_meshed_evenly_and_just_filled(rows_columns, shape):
    rows, columns = rows_columns[:, :-1, :-1]
    open_cells = {
        "comb": (rows > 8) & (rows < 36) & (columns > 8) & (columns < 38)
        & ((columns % 6 < 3) | (rows < 14)),
        "slit": (np.abs(rows - columns) < 2) & (rows > 8) & (rows < 40),
        "spiral": (np.hypot(rows - 23, columns - 23) < 18)
        & (np.hypot(rows - 23, columns - 23) > 9) & ((rows < 23) | (columns < 20)),
        "single": (rows == 20) & (columns == 20),
    }[shape]
    flat = middled(np.zeros((SIDE, SIDE)))
    topology = keep_faces(grid_topology(), ~open_cells.ravel())
    hole, patch = only_hole(flat, topology)
    points, whole = closed(flat, topology, hole, patch)
    assert not any(found.any() for found in non_manifold(whole))
    assert not flipped_faces(whole).any()
    assert find_holes(points, whole, 400) == []

    corners = np.concatenate([flat[hole], patch.positions])[patch.faces] / SPACING
    area = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (area[:, 1] < -1e-3).all()
    assert -area[:, 1].sum() == pytest.approx(open_cells.sum())
    inner = (patch.faces >= len(hole)).all(axis=1)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    np.testing.assert_allclose(sides[inner], 1.0, atol=0.1)
    assert sides.max() < 2.5


def cells(*chosen: tuple[int, int]):
    """The grid without these cells, with a slight bulge."""
    offset = np.indices((SIDE, SIDE)) - 20.0
    return middled(-0.02 * SPACING * (offset**2).sum(axis=0)), without(grid_topology(), *chosen)


@pytest.mark.parametrize(
    ("chosen", "points", "sizes"),
    [
        ([(20, 20)], 0, [4]),
        ([(20, 20), (20, 21)], 0, [4, 4]),
        ([(r, c) for r in range(18, 21) for c in range(18, 22)], 6, [4] * 12),
        # An L and a hole of three sides less than a square have no four sides.
        ([(20, 20), (20, 21), (21, 20)], 1, [3] * 8),
    ],
)
def test_small_holes_get_the_quads_back_that_were_there(chosen, points, sizes):
    positions, topology = cells(*chosen)
    (hole,) = find_holes(positions, topology, 32)
    patch, fan = (fill_holes(positions, topology, [hole], fill)[0] for fill in ("AUTO", "FAN"))
    assert len(patch.positions) == points
    assert [len(face) for face in patch.faces] == sizes
    for found in (patch, fan):
        whole, closed_topology = closed(positions, topology, hole, found)
        assert find_holes(whole, closed_topology, 400) == []
        assert not any(item.any() for item in non_manifold(closed_topology))
        assert not flipped_faces(closed_topology).any()
    assert len(fan.positions) == 1 and len(fan.faces) == len(hole)
    # New vertices lie where the lost ones were, on the bulge too.
    for point in patch.positions[: points if sizes[0] == 4 else 0]:
        assert np.linalg.norm(positions - point, axis=1).min() < 0.02 * SPACING


def test_a_fan_or_grid_that_does_not_fit_gives_way_to_a_surface(rows_columns):
    rows, columns = rows_columns[:, :-1, :-1]
    comb = (rows > 8) & (rows < 20) & (columns > 8) & (columns < 30)
    comb &= (columns % 6 < 3) | (rows < 12)
    positions = middled(np.zeros((SIDE, SIDE)))
    topology = keep_faces(grid_topology(), ~comb.ravel())
    (hole,) = find_holes(positions, topology, 400)
    surface, *others = (
        fill_holes(positions, topology, [hole], fill)[0] for fill in ("SURFACE", "FAN", "GRID")
    )
    for other in others:
        np.testing.assert_array_equal(other.faces, surface.faces)


def test_colours_and_uvs_go_on_evenly_over_a_patch(rows_columns):
    positions = middled(-8.0 * away_from_middle(rows_columns) ** 2)
    topology = round_hole(rows_columns, 24)
    hole, patch = only_hole(positions, topology)
    uvs = positions[:, [0, 2]] * 10.0 + 0.5
    carried = patch.weights @ uvs[hole]
    np.testing.assert_allclose(carried, patch.positions[:, [0, 2]] * 10.0 + 0.5, atol=1e-4)

    red = (positions[hole, 0] > 0.0).astype(float)
    found = patch.weights @ red
    assert found.min() > -0.02 and found.max() < 1.02
    left = patch.positions[:, 0] < -0.009
    assert found[left].max() < 0.2
    middle = np.linalg.norm(patch.positions[:, [0, 2]], axis=1) < 0.001
    np.testing.assert_allclose(found[middle], 0.5, atol=0.1)


def test_a_border_that_crosses_itself_is_left_open(rows_columns):
    positions = middled(np.zeros((SIDE, SIDE)))
    topology = round_hole(rows_columns, 24)
    (hole,) = find_holes(positions, topology, 400)
    tangled = positions.copy()
    tangled[hole[[42, 48]]] = positions[hole[[48, 42]]]
    small = [SIDE + 1, SIDE + 2, 2 * SIDE + 2, 2 * SIDE + 1]
    crossed, sound = fill_holes(tangled, topology, [hole, np.array(small)])
    assert crossed is None
    assert len(sound.faces) == 2
