# SPDX-License-Identifier: GPL-3.0-or-later
"""The adaptive mesh on a made-up face whose surface, outline and features are known."""

import numpy as np
import pytest

from face_depth_addon.core.crop import Crop
from face_depth_addon.core.errors import MeshError
from face_depth_addon.core.face.face_points import LEFT_EYE, RIGHT_EYE
from face_depth_addon.core.reconstruction import Pictures, Reconstruction
from face_depth_addon.core.relief.adaptive import LIPS, NOSE, build_adaptive
from face_depth_addon.core.relief.grid import build_grid

SIZE = 256
# The crop is 256 photo pixels wide at 1 mm a pixel.
EYES, MOUTH, NOSE_TIP = ((98.0, 108.0), (158.0, 108.0)), (128.0, 172.0), (128.0, 142.0)
FOREHEAD, CHEEKS = (128.0, 62.0), ((70.0, 150.0), (186.0, 150.0))


def pixels() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(*[np.arange(SIZE) + 0.5] * 2)
    return x, y


def bare_depth(x, y):
    """Depth in pixels: an ellipsoid."""
    inner = 1.0 - ((x - 128) / 110) ** 2 - ((y - 128) / 140) ** 2
    return 90.0 * np.sqrt(np.maximum(inner, 0.02))


def head_depth(x, y):
    """The ellipsoid with a nose, eyeballs in sockets, and lips."""

    def bump(at, width, height):
        return np.exp(-(((x - at[0]) / width) ** 2) - ((y - at[1]) / height) ** 2)

    depth = bare_depth(x, y) + 22.0 * bump(NOSE_TIP, 9, 16) + 4.0 * bump((128, 138), 5, 30)
    for eye in EYES:
        depth = depth - 9.0 * bump(eye, 17, 10) + 6.0 * bump(eye, 8, 5)
    for lip in (-5, 5):
        depth = depth + 5.0 * bump((MOUTH[0], MOUTH[1] + lip), 20, 4)
    return depth


def head_mask() -> np.ndarray:
    x, y = pixels()
    return ((x - 128) / 90) ** 2 + ((y - 128) / 115) ** 2 < 1.0


def ring_of(mask_radius: float = 100.0, hole: float = 40.0) -> np.ndarray:
    x, y = pixels()
    radius = np.hypot(x - 128, y - 128)
    return (radius < mask_radius) & (radius > hole)


def ragged_mask() -> np.ndarray:
    return head_mask() & (np.random.default_rng(3).random((SIZE, SIZE)) > 0.15)


def blots_mask() -> np.ndarray:
    """Squares, many of which meet in a corner alone."""
    return np.kron(np.random.default_rng(2).random((16, 16)) > 0.4, np.ones((16, 16))) > 0


def half_mask() -> np.ndarray:
    """Cut off by the crop's lower and right sides."""
    x, y = pixels()
    return (x > 60.3) & (y > 90.7)


def landmarks() -> np.ndarray:
    points = np.full((468, 2), 128.0)
    points[list(RIGHT_EYE)] = np.add(EYES[0], [(-13, 0), (13, 0), (0, -5), (0, 5)])
    points[list(LEFT_EYE)] = np.add(EYES[1], [(-13, 0), (13, 0), (0, -5), (0, 5)])
    around = np.linspace(0, 2 * np.pi, len(LIPS), endpoint=False)
    points[list(LIPS)] = np.column_stack([24 * np.cos(around), 9 * np.sin(around)]) + MOUTH
    points[list(NOSE)] = np.add(
        NOSE_TIP, [(0, -30), (-13, 8), (13, 8), (-8, 13), (8, 13), (0, 14)]
    )
    return points / SIZE


def reconstruction(mask=None, depth=None, rgb=None) -> Reconstruction:
    x, y = pixels()
    mask = head_mask() if mask is None else mask
    return Reconstruction(
        depth=(head_depth(x, y) if depth is None else depth).astype(np.float32),
        subject=mask, matte=mask.astype(np.uint8) * 255,
        rgb=np.zeros((SIZE, SIZE, 3), np.uint8) if rgb is None else rgb,
        crop=Crop(300.0, 200.0, float(SIZE)), metres_per_pixel=0.001,
        origin=np.array([0.5, 0.5, 0.0]), pictures=Pictures(b"", b"", b"", b""),
    )


def faces(mesh) -> tuple[np.ndarray, np.ndarray]:
    """(q, 4) quads and (t, 3) triangles."""
    sizes = np.diff(mesh.face_starts, append=len(mesh.corner_verts))
    assert set(sizes) <= {3, 4}
    quads, triangles = (
        mesh.corner_verts[mesh.face_starts[sizes == n, None] + np.arange(n)] for n in (4, 3)
    )
    return quads, triangles


def places(mesh) -> np.ndarray:
    """(n, 2) crop pixels, y down, of the vertices as they stand in the scene."""
    return mesh.positions[:, ::2].astype(float) * (1000.0, -1000.0) + SIZE / 2


def directed_sides(mesh) -> np.ndarray:
    return np.concatenate([
        np.stack([group, np.roll(group, -1, axis=1)], axis=-1).reshape(-1, 2)
        for group in faces(mesh)
    ])


def border_edges(mesh) -> np.ndarray:
    return mesh.edges[np.bincount(mesh.corner_edges, minlength=len(mesh.edges)) == 1]


def corner_angles(points: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Degrees within each face, below 0 or near 360 where it is turned over or folded."""
    at = points[group]
    after, before = np.roll(at, -1, axis=1) - at, np.roll(at, 1, axis=1) - at
    turn = after[..., 1] * before[..., 0] - after[..., 0] * before[..., 1]
    return np.degrees(np.arctan2(turn, (after * before).sum(axis=-1)))


def edge_length_at(mesh, *spots, radius=8.0) -> float:
    points = places(mesh)
    ends = points[mesh.edges]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    away = np.linalg.norm(ends.mean(axis=1)[:, None] - np.array(spots), axis=2).min(axis=1)
    return lengths[away < radius].mean()


def surface_error(positions: np.ndarray, groups, truth) -> float:
    """Root mean square of what bilinear quads and flat triangles miss of the depth, in metres."""
    total = area = 0.0
    points = positions[:, ::2].astype(float) * (1000.0, -1000.0) + SIZE / 2
    for group in groups:
        if group.shape[1] == 4:
            s, t = (part.ravel() for part in np.meshgrid(*[(np.arange(5) + 0.5) / 5] * 2))
            weights = np.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t])
        else:
            weights = np.full((3, 3), 1 / 6) + np.eye(3) / 2
        at = np.einsum("fcd,cs->fsd", points[group], weights)
        missed = -positions[:, 1][group] @ weights - 0.001 * truth(at[..., 0], at[..., 1])
        after = np.roll(points[group], -1, axis=1)
        cross = points[group][..., 0] * after[..., 1] - points[group][..., 1] * after[..., 0]
        areas = np.abs(cross.sum(axis=1)) / 2
        total += (areas * (missed**2).mean(axis=1)).sum()
        area += areas.sum()
    return float(np.sqrt(total / area))


@pytest.fixture(scope="module")
def face_mesh():
    return build_adaptive(reconstruction(), landmarks(), 4000)


MASKS = {"head": head_mask, "ring": ring_of, "ragged": ragged_mask, "blots": blots_mask,
         "cut off": half_mask}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("budget", [1000, 5000])
def test_mesh_is_manifold_and_faces_the_camera_without_slivers(name, budget):
    mesh = build_adaptive(reconstruction(MASKS[name]()), landmarks(), budget)
    sides = directed_sides(mesh)
    # No side twice in the same direction: neighbours are wound alike, edges have two faces at most.
    assert len(np.unique(sides, axis=0)) == len(sides)
    used, counts = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    assert np.array_equal(used, np.unique(np.sort(mesh.edges, axis=1), axis=0))
    assert counts.max() == 2 and len(used) == len(mesh.edges)
    assert np.array_equal(np.unique(mesh.corner_verts), np.arange(len(mesh.positions)))
    # Two border edges at each vertex of the border, and faces all around the others: no bow tie.
    rim, degree = np.unique(used[counts == 1], return_counts=True)
    assert (degree == 2).all()
    corners = np.bincount(mesh.corner_verts)
    neighbours = np.bincount(mesh.edges.ravel())
    inner = np.setdiff1d(np.arange(len(corners)), rim)
    assert np.array_equal(corners[rim], neighbours[rim] - 1)
    assert np.array_equal(corners[inner], neighbours[inner])

    for group in faces(mesh):
        angles = corner_angles(places(mesh), group)
        assert angles.min() > 20.0 and angles.max() < 165.0
        first, second, last = (mesh.positions[group[:, index]] for index in (0, 1, -1))
        assert (np.cross(second - first, last - first)[:, 1] < 0.0).all()


def test_corner_edges_leave_their_corners(face_mesh):
    following = np.arange(1, len(face_mesh.corner_verts) + 1)
    sizes = np.diff(face_mesh.face_starts, append=len(face_mesh.corner_verts))
    following[face_mesh.face_starts + sizes - 1] = face_mesh.face_starts
    ends = np.stack([face_mesh.corner_verts, face_mesh.corner_verts[following]], axis=1)
    assert np.array_equal(
        np.sort(face_mesh.edges[face_mesh.corner_edges], axis=1), np.sort(ends, axis=1)
    )
    assert np.array_equal(face_mesh.corner_uvs, face_mesh.uvs[face_mesh.corner_verts])


@pytest.mark.parametrize("name, loops", [("head", 1), ("ring", 0)])
def test_no_vertex_hangs_in_another_face_s_edge(name, loops):
    mesh = build_adaptive(reconstruction(MASKS[name]()), landmarks(), 4000)
    # Euler's formula for a disc, and for a disc with a hole: an open seam would show.
    assert len(mesh.positions) - len(mesh.edges) + len(mesh.face_starts) == loops
    points = places(mesh)
    start, end = points[border_edges(mesh)].transpose(1, 0, 2)
    along = end - start
    offset = points[:, None] - start
    share = (offset * along).sum(axis=-1) / (along**2).sum(axis=-1)
    away = np.linalg.norm(offset - np.clip(share, 0, 1)[..., None] * along, axis=-1)
    assert away[(share > 0.01) & (share < 0.99)].min() > 0.1


@pytest.mark.parametrize("budget", [1000, 1500, 6000, 25000])
def test_budget_is_kept_and_nearly_all_faces_are_quads(budget):
    mesh = build_adaptive(reconstruction(), landmarks(), budget)
    assert abs(len(mesh.positions) - budget) <= 0.02 * budget
    quads, triangles = faces(mesh)
    assert len(quads) > 0.85 * (len(quads) + len(triangles))


def test_budget_is_kept_on_a_plain_without_a_face():
    mesh = build_adaptive(reconstruction(depth=np.zeros((SIZE, SIZE))), None, 2500)
    assert abs(len(mesh.positions) - 2500) <= 50


@pytest.mark.parametrize("budget", [1500, 6000])
@pytest.mark.parametrize("surface", [head_depth, bare_depth])
def test_edges_are_short_at_eyes_and_lips_and_long_on_cheeks_and_forehead(surface, budget):
    made = reconstruction(depth=surface(*pixels()))
    mesh = build_adaptive(made, landmarks(), budget)
    plain = min(edge_length_at(mesh, FOREHEAD), edge_length_at(mesh, *CHEEKS))
    for spots in (EYES[:1], EYES[1:], (MOUTH,)):
        assert edge_length_at(mesh, *spots) <= 0.5 * plain
    assert edge_length_at(mesh, NOSE_TIP) <= 0.6 * plain


@pytest.mark.parametrize("budget", [1500, 6000])
def test_surface_is_truer_than_an_even_grid_s_with_as_many_vertices(budget):
    made = reconstruction()
    mesh = build_adaptive(made, landmarks(), budget)
    resolution = next(n for n in range(10, 400) if len(build_grid(made, n).positions) >= budget)
    grid = build_grid(made, resolution)
    even = surface_error(grid.positions, [grid.corner_verts.reshape(-1, 4)], head_depth)
    assert surface_error(mesh.positions, faces(mesh), head_depth) < 0.9 * even


def test_density_changes_by_steps_of_two(face_mesh):
    points = places(face_mesh)
    ends = face_mesh.edges
    lengths = np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1)
    around = np.bincount(ends.ravel(), np.repeat(lengths, 2)) / np.bincount(ends.ravel())
    assert around.max() > 4.0 * around.min()
    ratio = around[ends[:, 0]] / around[ends[:, 1]]
    assert np.maximum(ratio, 1.0 / ratio).max() < 2.2


def test_cliff_beside_a_plain_is_balanced_too():
    x, _ = pixels()
    depth = np.where(x > 140, 30.0, 0.0)
    mesh = build_adaptive(reconstruction(depth=depth), None, 3000)
    points = places(mesh)
    lengths = np.linalg.norm(points[mesh.edges[:, 0]] - points[mesh.edges[:, 1]], axis=1)
    around = np.bincount(mesh.edges.ravel(), np.repeat(lengths, 2))
    around /= np.bincount(mesh.edges.ravel())
    assert edge_length_at(mesh, (140, 128)) < 0.4 * edge_length_at(mesh, (90, 128))
    ratio = around[mesh.edges[:, 0]] / around[mesh.edges[:, 1]]
    assert np.maximum(ratio, 1.0 / ratio).max() < 2.2


def test_border_runs_along_the_outline_in_even_steps():
    mesh = build_adaptive(reconstruction(ring_of()), landmarks(), 4000)
    ends = places(mesh)[border_edges(mesh)]
    radius = np.hypot(*(ends - 128.0).T).T
    outer = radius > 70.0
    assert np.abs(radius[outer] - 100.0).max() < 0.5
    assert np.abs(radius[~outer] - 40.0).max() < 0.5
    steps = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)[outer.all(axis=1)]
    assert steps.max() < 3.0 * steps.min()


def test_mesh_is_upright_unmirrored_and_metric():
    x, y = pixels()
    rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
    rgb[(x < 128) & (y < 128)] = (255, 0, 0)
    made = reconstruction(rgb=rgb)
    mesh = build_adaptive(made, landmarks(), 3000)
    red = mesh.colours[:, 0] > 200
    middle = mesh.positions[red].mean(axis=0)
    assert middle[0] < -0.02 and middle[2] > 0.02 and (mesh.colours[:, 3] == 255).all()
    assert mesh.uvs[red].mean(axis=0) == pytest.approx((0.37, 0.64), abs=0.05)
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    assert (high - low)[::2] == pytest.approx((0.18, 0.23), rel=0.02)
    true = 0.001 * head_depth(*places(mesh).T)
    assert np.abs(mesh.depth - true).max() < 2e-4
    assert np.allclose(mesh.positions[:, 1], -mesh.depth)


def test_what_cannot_be_meshed_is_told():
    with pytest.raises(MeshError, match="at least 1000"):
        build_adaptive(reconstruction(), landmarks(), 100)
    x, y = pixels()
    with pytest.raises(MeshError, match="too thin or ragged"):
        build_adaptive(reconstruction((x // 4 + y // 4) % 2 == 0), landmarks(), 1000)
    with pytest.raises(ValueError, match="empty"):
        build_adaptive(reconstruction(np.zeros((SIZE, SIZE), bool)), landmarks(), 1000)
