# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes that are no surface are taken apart into ones that are, and faces turned outwards."""

import numpy as np
import pytest
from test_meshfilter import SIDE, SPACING, grid_topology, polygons, relief, sphere

from face_depth_addon.core.polygons.manifold import divide_non_manifold, inverted_faces
from face_depth_addon.core.polygons.topology import Topology, island_labels, non_manifold
from face_depth_addon.core.relief.absorbing import absorb
from face_depth_addon.core.relief.shaping import Shape, Viewpoint, displace


def divided(positions, topology, **settings):
    """Positions and topology after a division, all faces of one size."""
    division = divide_non_manifold(positions, topology, **settings)
    rings = division.corner_verts.reshape(len(topology.face_starts), -1)
    points = np.concatenate([positions, positions[division.sources]])
    return points, polygons(len(points), rings[~division.doomed]), division


def assert_manifold(topology: Topology) -> None:
    assert not any(found.any() for found in non_manifold(topology))


def crossing_sheets(count: int, turns: tuple[float, ...]):
    """Strips of quads in half-planes around the Z axis, which they share."""
    height = np.arange(count + 1) * 1.0
    points = [np.stack([0 * height, 0 * height, height], axis=1)]
    quads = []
    for number, turn in enumerate(turns):
        points.append(points[0] + [np.cos(turn), np.sin(turn), 0.0])
        low = np.arange(count)
        out = (number + 1) * (count + 1) + low
        quads.append(np.stack([low, out, out + 1, low + 1], axis=1))
    points = np.concatenate(points)
    return points, polygons(len(points), np.concatenate(quads))


def test_of_crossing_sheets_those_stay_together_that_go_on_straight():
    points, topology = crossing_sheets(5, (0.0, np.pi / 2, np.pi, 3 * np.pi / 2))
    after, whole, division = divided(points, topology)
    assert_manifold(whole)
    assert not division.doomed.any()
    assert sorted(division.sources) == list(range(6))
    labels, _ = island_labels(whole)
    assert len(set(labels)) == 2
    for label in set(labels):
        corners = whole.corner_verts[(labels == label)[whole.corner_faces]]
        # Each sheet lies in one plane.
        assert np.linalg.matrix_rank(after[corners] - after[corners[0]], tol=1e-6) == 2


@pytest.mark.parametrize("delete", [False, True])
def test_a_wall_on_a_sheet_comes_off_or_goes(delete):
    points, topology = crossing_sheets(5, (0.0, 1.2, np.pi))
    _, whole, division = divided(points, topology, delete=delete)
    assert_manifold(whole)
    if delete:
        np.testing.assert_array_equal(np.flatnonzero(division.doomed), np.arange(5, 10))
        assert len(division.sources) == 0
    else:
        assert not division.doomed.any()
        assert sorted(division.sources) == list(range(6))
        moved = (division.corner_verts != topology.corner_verts)[topology.face_starts]
        np.testing.assert_array_equal(np.flatnonzero(moved), np.arange(5, 10))


def test_only_what_is_allowed_comes_apart():
    points, topology = crossing_sheets(5, (0.0, 1.2, np.pi))
    allowed = points[:, 2] < 2.5
    division = divide_non_manifold(points, topology, allowed=allowed)
    assert sorted(division.sources) == [0, 1, 2]
    division = divide_non_manifold(points, topology, delete=True, allowed=allowed)
    np.testing.assert_array_equal(np.flatnonzero(division.doomed), [5, 6])


def test_a_face_that_lies_on_others_goes_and_none_of_those():
    flat = relief(np.zeros((SIDE, SIDE)))
    quads = grid_topology().corner_verts.reshape(-1, 4)
    twice = polygons(SIDE**2, np.concatenate([quads, quads[[700]][:, ::-1]]))
    division = divide_non_manifold(flat, twice)
    assert np.flatnonzero(division.doomed).tolist() == [len(quads)]
    assert len(division.sources) == 0
    half = polygons(SIDE**2, quads, quads[[700], :3])
    division = divide_non_manifold(flat, half, delete=True)
    assert np.flatnonzero(division.doomed).tolist() == [len(quads)]


@pytest.mark.parametrize("delete", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_any_heap_of_triangles_becomes_manifold(seed, delete):
    random = np.random.default_rng(seed)
    points = random.normal(size=(14, 3))
    triangles = np.array([random.choice(14, 3, replace=False) for _ in range(90)])
    after, whole, division = divided(points, polygons(14, triangles), delete=delete)
    assert_manifold(whole)
    assert division.doomed.mean() < (0.8 if delete else 0.3)
    again = divide_non_manifold(after, whole)
    assert not again.doomed.any() and len(again.sources) == 0


def test_a_sound_mesh_stays_whole():
    points, triangles = sphere(2)
    division = divide_non_manifold(points, polygons(len(points), triangles))
    assert not division.doomed.any() and len(division.sources) == 0


def test_solids_show_their_outside_and_reliefs_the_viewer():
    points, triangles = sphere(2)
    count = len(points)
    flat = relief(np.zeros((SIDE, SIDE))) + [50.0, 0.0, 0.0]
    quads = grid_topology().corner_verts.reshape(-1, 4) + 2 * count
    everything = np.concatenate([points, points + [9.0, 0.0, 0.0], flat])
    # The second sphere is inside out, but for a few faces, and the sheet shows its back.
    inner = triangles[:, ::-1] + count
    inner[:7] = inner[:7, ::-1]
    topology = polygons(len(everything), triangles, inner, quads[:, ::-1])
    spheres, sheet = np.split(inverted_faces(everything, topology), [2 * len(triangles)])
    assert not spheres[: len(triangles)].any()
    assert not spheres[len(triangles) :][:7].any() and spheres[len(triangles) :][7:].all()
    assert not sheet.any()
    assert inverted_faces(everything, topology, faces_viewer=True)[2 * len(triangles) :].all()


@pytest.mark.parametrize(
    "shape",
    [
        Shape(), Shape("WEAK_PERSPECTIVE", 1.4), Shape("PERSPECTIVE", 0.6, gamma=1.4),
        Shape("PERSPECTIVE", 1.0, tilt=(10.0, -6.0)),
    ],
)
def test_absorbed_shifts_come_back_from_displacement(shape):
    random = np.random.default_rng(3)
    plane = random.uniform(-0.1, 0.1, (200, 2)).astype(np.float32)
    depth = random.uniform(-0.06, 0.05, 200).astype(np.float32)
    shift = random.uniform(-0.005, 0.005, (200, 3))
    rest = (-0.08, 0.06), shape, Viewpoint(0.6, 0.02, (-0.15, 0.07), (0.01, 0.03))
    across, deeper = absorb(plane, depth, shift, *rest)
    moved = displace(plane + across, depth + deeper, *rest) - displace(plane, depth, *rest)
    np.testing.assert_allclose(moved, shift, atol=2e-6)


def test_what_has_no_effect_is_not_absorbed():
    plane, depth = np.zeros((3, 2), np.float32), np.float32([-0.05, 0.0, 0.05])
    shift = np.full((3, 3), 0.001)
    rest = (-0.08, 0.06), Shape(strength=0.0), Viewpoint(0.6, 0.0, (0.0, 0.0), (0.0, 0.0))
    across, deeper = absorb(plane, depth, shift, *rest)
    np.testing.assert_allclose(across, SPACING, atol=1e-6)
    np.testing.assert_array_equal(deeper, 0.0)
