# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh that is dense at eyes, nose and mouth and coarse elsewhere, to a vertex budget.

A quadtree over the subject is split where it matters most until its leaves fit the budget.
The mesh is its dual: a vertex in the middle of each leaf, a face around each corner where
leaves meet. Four leaves make a quad; a leaf and two of half its size make a triangle. So no
vertex ever lies within another face's edge, and since neighbours differ by one level at most
there are no slivers either. A strip of quads joins the leaves to the subject's outline.

Needs numpy and cv2 only.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..errors import MeshError
from ..face.face_points import LEFT_EYE, RIGHT_EYE
from ..interpolation import resample, sample, sample_lattice, sample_spline
from ..polygons.topology import Topology, connected_components, keep_faces
from ..reconstruction import Reconstruction
from .grid import round_border
from .surface import SurfaceMesh, place

MIN_BUDGET = 1000
NOSE = (6, 129, 358, 98, 327, 2)
LIPS = (61, 291, 37, 267, 0, 17, 84, 314)

# How much each feature counts. A network's eyes are smoother than its noses.
_FEATURES = ((RIGHT_EYE, 4.0), (LEFT_EYE, 4.0), (NOSE, 1.0), (LIPS, 3.0))
_FALL_OFF_METRES = 0.008
_BASE_DENSITY = 0.04
# Where the density is 1, leaves are split as if the surface were at least as curved as this.
_RADIUS_METRES = 0.008

_LEVELS = 6
# The finest leaf over the area that each vertex would have in an even grid.
_FINEST = 1 / 16
_MAX_CELLS = 4096
_BORDER_SHARE = 0.3
# How far inside the outline the outermost leaves lie, in their sides.
_INSET = 0.4
_FIT_ROUNDS = 4
_BUDGET_SHARE = 0.02
_RELAX_ROUNDS = 3
_LEAST_ANGLE = np.radians(20.0)
_NEIGHBOURS = np.ones((3, 3), np.uint8)


def build_adaptive(
    reconstruction: Reconstruction,
    landmarks: np.ndarray | None,
    budget: int,
) -> SurfaceMesh:
    """Mesh of quads and triangles over the subject with about ``budget`` vertices.

    Parameters
    ----------
    reconstruction : Reconstruction
    landmarks : ndarray, (468, 2 or more) float, or None
        x, y in crops' sides, (0, 0) at the upper left; None where there is no face, so that
        the relief alone decides.
    budget : int
        Number of vertices, kept within 2 %.

    Returns
    -------
    SurfaceMesh
        Its quads come first, then the triangles.

    Raises
    ------
    MeshError
        The budget is too small, or the subject too ragged for it.
    ValueError
        The subject is empty.
    """
    if budget < MIN_BUDGET:
        raise MeshError(f"An adaptive mesh needs a budget of at least {MIN_BUDGET} vertices.")
    if not reconstruction.subject.any():
        raise ValueError("The subject is empty.")
    tree = _tree_over(reconstruction.subject, budget)
    costs = _costs(reconstruction, landmarks, tree)
    outline, forest = _plan(reconstruction.subject, tree, costs, budget)
    topology, points, rim = _add_strip(*_fit(tree, forest, budget))
    points = _relax(points, topology, rim, outline, reconstruction.size)

    sampled = sample_spline(reconstruction.depth, points)
    placed = place(reconstruction, points, sampled)
    return SurfaceMesh(
        placed.positions, placed.depth, placed.plane, _colours(reconstruction, points), placed.uvs,
        placed.uvs[topology.corner_verts], topology.corner_verts.astype(np.int32),
        topology.corner_edges.astype(np.int32), topology.edges.astype(np.int32),
        topology.face_starts.astype(np.int32),
    )


@dataclass(frozen=True)
class _Tree:
    """A complete quadtree's lattice; level 0 has the finest cells.

    Attributes
    ----------
    start : ndarray, (2,)
        Upper left corner, x and y in crop pixels.
    step : float
        Side of the finest cells.
    roots : ndarray, (2,) int
        Cells of the coarsest level along x and y.
    """

    start: np.ndarray
    step: float
    roots: np.ndarray

    def side(self, level: int) -> float:
        """Side of a level's cells."""
        return self.step * 2**level

    def centres(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """x and y of a level's columns and rows."""
        counts = self.roots * 2 ** (_LEVELS - 1 - level)
        x, y = (
            low + self.side(level) * (np.arange(count) + 0.5)
            for low, count in zip(self.start, counts, strict=True)
        )
        return x, y

    def look_up(self, image: np.ndarray, level: int, offset: float = 0.0) -> np.ndarray:
        """An (H, W) image at the centres of a level's cells."""
        x, y = self.centres(level)
        return sample_lattice(image[..., None], y + offset, x + offset)[..., 0]


def _tree_over(subject: np.ndarray, budget: int) -> _Tree:
    rows, columns = (np.flatnonzero(subject.any(axis=axis)) for axis in (1, 0))
    low = np.array([columns[0], rows[0]], float)
    high = np.array([columns[-1], rows[-1]], float) + 1.0
    step = float(np.sqrt(np.count_nonzero(subject) * _FINEST / budget))
    # A thin subject in a large box would need a lattice beyond measure.
    step = max(step, (high - low).max() / _MAX_CELLS)
    root = step * 2 ** (_LEVELS - 1)
    roots = np.ceil((high - low) / root + 0.5).astype(int)
    return _Tree((low + high - roots * root) / 2, step, roots)


def _density(reconstruction: Reconstruction, landmarks: np.ndarray | None) -> np.ndarray:
    """How much each pixel counts, (S, S) float32: high at the features, falling off."""
    size = reconstruction.size
    across = (np.arange(size, dtype=np.float32) + 0.5) / size
    # Not the same at any two places, lest all cells of a plain be split at once or none.
    density = -0.1 * _BASE_DENSITY * ((across[:, None] - 0.47) ** 2 + (across - 0.48) ** 2)
    if landmarks is not None:
        metres = reconstruction.metres_per_pixel * reconstruction.crop.side / size
        for feature, weight in _FEATURES:
            outside = np.ones((size, size), np.uint8)
            corners = np.round(landmarks[list(feature), :2] * size - 0.5).astype(np.int32)
            cv2.fillConvexPoly(outside, cv2.convexHull(corners), 0)
            away = cv2.distanceTransform(outside, cv2.DIST_L2, 5) * (metres / _FALL_OFF_METRES)
            np.maximum(density, weight / (1.0 + away**2), out=density)
    return density + np.float32(_BASE_DENSITY)


def _costs(
    reconstruction: Reconstruction, landmarks: np.ndarray | None, tree: _Tree
) -> list[np.ndarray]:
    """What each cell costs if it is not split, for each level; level 0 cannot be split.

    That is the most by which the bilinear patch over the cell misses the depth at the
    middles of cell and sides, or would miss it on a sphere, times the density.
    """
    density = _density(reconstruction, landmarks)
    per_pixel = reconstruction.size / reconstruction.crop.side
    curvature = reconstruction.metres_per_pixel / per_pixel / _RADIUS_METRES
    x, y = (
        low + tree.step * np.arange(count * 2 ** (_LEVELS - 1) + 1)
        for low, count in zip(tree.start, tree.roots, strict=True)
    )
    depth = resample(reconstruction.depth, y, x) * np.float32(per_pixel)
    costs = [np.zeros((len(y) - 1, len(x) - 1), np.float32)]
    for level in range(1, _LEVELS):
        counts, side = tree.look_up(density, level), tree.side(level)
        # Blurred, since scattered splits cost a triangle for each vertex.
        miss = cv2.GaussianBlur(_patch_miss(depth, 2**level, side), (0, 0), 1.0)
        costs.append((1.0 + counts) * miss + counts * np.float32(curvature * side**2 / 8.0))
    return costs


def _patch_miss(depth: np.ndarray, stride: int, side: float) -> np.ndarray:
    """Largest distance of depth from the bilinear patches over ``stride`` samples."""
    middle = stride // 2
    corner = depth[::stride, ::stride]
    across = np.abs(depth[::stride, middle::stride] - (corner[:, :-1] + corner[:, 1:]) / 2)
    down = np.abs(depth[middle::stride, ::stride] - (corner[:-1] + corner[1:]) / 2)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    centre = np.abs(depth[middle::stride, middle::stride] - (a + b + c + d) / 4)
    miss = np.maximum.reduce([across[:-1], across[1:], down[:, :-1], down[:, 1:], centre])
    # Between the distance along the view and that along the normal, lest cliffs take all.
    squared = ((b + d - a - c) ** 2 + (c + d - a - b) ** 2) / np.float32(4 * side**2)
    return miss / (1.0 + squared) ** 0.25


@dataclass(frozen=True)
class _Outline:
    """The subject's outline as the mesh's border follows it.

    Attributes
    ----------
    level : int
        The leaves' along the border.
    distance : ndarray
        Crop pixels to the outline, positive inside, on a map larger than the crop.
    margin : int
        By how many pixels at each side.
    side : float
        Of the border's leaves.
    """

    level: int
    distance: np.ndarray
    margin: int
    side: float

    def clearances(self, tree: _Tree) -> list[np.ndarray]:
        """Distance of each cell's centre from where the outermost leaves begin, by level."""
        return [
            tree.look_up(self.distance, level, self.margin)
            - _INSET * tree.side(min(level, self.level))
            for level in range(_LEVELS)
        ]

    @cached_property
    def _slope(self) -> np.ndarray:
        down, across = np.gradient(self.distance)
        return np.dstack([across, down])

    def way(self, points: np.ndarray) -> np.ndarray:
        """The way from (n, 2) points to the outline: (n, 2)."""
        at = points + self.margin
        slope = sample(self._slope, at)
        steepness = np.maximum((slope**2).sum(axis=1), 0.25)
        return -slope * (sample(self.distance, at) / steepness)[:, None]


def _outline(subject: np.ndarray, level: int, side: float) -> _Outline:
    margin, blur = int(3 * side) + 2, max(0.5 * side, 0.6)
    soft = cv2.GaussianBlur(np.pad(subject, margin).astype(np.float32), (0, 0), blur)
    inside = (soft > 0.5).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    distance -= cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    # Measured between pixels' centres; the outline runs half-way.
    distance -= 0.5 * np.sign(distance)
    return _Outline(level, cv2.GaussianBlur(distance, (0, 0), blur), margin, side)


@dataclass(frozen=True)
class _Forest:
    """Cells of all levels, the finest first.

    Attributes
    ----------
    priorities : list of ndarray
        Cells are split where it exceeds a tolerance. It is never less than that of a
        cell's children and of their neighbours, so any tolerance gives a balanced tree.
    inside : list of ndarray
        Whether a leaf would be a vertex.
    """

    priorities: list[np.ndarray]
    inside: list[np.ndarray]

    @cached_property
    def gains(self) -> list[np.ndarray]:
        """How many vertices more there are once a cell is split."""
        gains = [np.zeros_like(self.inside[0], int)]
        for fine, coarse in zip(self.inside[:-1], self.inside[1:], strict=True):
            gains.append(_fours(fine).sum(axis=(1, 3)) - coarse)
        return gains

    def count(self, tolerance: float) -> int:
        """Number of vertices at a tolerance."""
        split = (
            gain[priority >= tolerance].sum()
            for gain, priority in zip(self.gains, self.priorities, strict=True)
        )
        return int(self.inside[-1].sum() + sum(split))

    def leaves(self, tree: _Tree, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
        """Vertices: for each finest cell its leaf's number or -1, and (n, 2) points."""
        exists = np.ones_like(self.inside[-1])
        labels = np.full(exists.shape, -1, np.int32)
        points = np.empty((0, 2))
        for level in reversed(range(_LEVELS)):
            split = self.priorities[level] >= tolerance
            leaf = exists & ~split & self.inside[level]
            rows, columns = np.nonzero(leaf)
            labels[leaf] = len(points) + np.arange(len(rows))
            x, y = tree.centres(level)
            points = np.concatenate([points, np.column_stack([x[columns], y[rows]])])
            if level:
                exists, labels = (
                    values.repeat(2, axis=0).repeat(2, axis=1) for values in (split, labels)
                )
        return labels, points


def _fours(cells: np.ndarray) -> np.ndarray:
    """Cells (2 r, 2 c) as (r, 2, c, 2): axes 1 and 3 run over the children of one."""
    return cells.reshape(cells.shape[0] // 2, 2, cells.shape[1] // 2, 2)


def _plan(
    subject: np.ndarray, tree: _Tree, costs: list[np.ndarray], budget: int
) -> tuple[_Outline, _Forest]:
    """The finest outline that takes no more than its share of the budget."""
    for level in range(_LEVELS):
        outline = _outline(subject, level, tree.side(level))
        clearances = outline.clearances(tree)
        forest = _Forest(
            _priorities(costs, clearances, outline), [clear > 0.0 for clear in clearances]
        )
        if forest.count(np.inf) <= _BORDER_SHARE * budget:
            break
    return outline, forest


def _priorities(
    costs: list[np.ndarray], clearances: list[np.ndarray], outline: _Outline
) -> list[np.ndarray]:
    """See `_Forest`; infinite where only leaves of the outline's level will do."""
    at_border = np.abs(clearances[outline.level]) < 1.2 * outline.side
    priorities = [costs[0]]
    for level in range(1, _LEVELS):
        # Depth outside the subject says nothing. Islands and gaps of few cells are not worth
        # their triangles: opening and closing remove them, but for ties.
        cost = np.where(clearances[level] > 0.0, costs[level], 0.0).astype(np.float32)
        opened = cv2.morphologyEx(cost, cv2.MORPH_OPEN, _NEIGHBOURS)
        priority = opened + np.float32(0.01) * (cost - opened)
        if level == outline.level + 1:
            priority[_fours(at_border).any(axis=(1, 3))] = np.inf
        if level > 1:
            around = cv2.dilate(priorities[-1], _NEIGHBOURS)
            np.maximum(priority, _fours(around).max(axis=(1, 3)), out=priority)
        priorities.append(cv2.morphologyEx(priority, cv2.MORPH_CLOSE, _NEIGHBOURS))
    return priorities


def _fit(tree: _Tree, forest: _Forest, budget: int) -> tuple[Topology, np.ndarray]:
    """Faces between the leaves, and points, that with their border's strip fit the budget.

    Which leaves will end up in a face is known only afterwards, hence the rounds.
    """
    order = np.concatenate([priority.ravel() for priority in forest.priorities])
    gains = np.concatenate([gain.ravel() for gain in forest.gains])
    descending = np.argsort(-order, kind="stable")
    order, counts = order[descending], np.cumsum(gains[descending])
    counts += np.count_nonzero(forest.inside[-1])
    last = np.flatnonzero(order[1:] < order[:-1])
    best, target = None, budget
    for _ in range(_FIT_ROUNDS):
        tolerance = order[last[np.abs(counts[last] - target).argmin()]]
        labels, points = forest.leaves(tree, tolerance)
        topology = _without_pinches(_dual(labels, len(points)))
        border = np.count_nonzero(topology.edge_face_counts == 1)
        excess = len(np.unique(topology.corner_verts)) + border - budget
        if best is None or abs(excess) < abs(best[0]):
            best = excess, topology, points
        if abs(excess) <= budget // 500:
            break
        target -= excess
    excess, topology, points = best
    if not len(topology.face_starts) or abs(excess) > _BUDGET_SHARE * budget:
        raise MeshError(
            f"The subject is too thin or ragged for an adaptive mesh of {budget} vertices: "
            "allow more, or choose the full grid."
        )
    return topology, points


def _dual(labels: np.ndarray, vertex_count: int) -> Topology:
    """Faces around the corners of leaves: three or four different ones around a point."""
    parts = labels[1:, :-1], labels[1:, 1:], labels[:-1, 1:], labels[:-1, :-1]
    meeting = (parts[0] != parts[2]) & (np.minimum.reduce(parts) >= 0)
    around = np.column_stack([part[meeting] for part in parts])
    repeated = around == np.roll(around, -1, axis=1)
    repeats = np.count_nonzero(repeated, axis=1)
    once = repeats == 1
    triangles = around[once][~repeated[once]].reshape(-1, 3)
    return _topology(around[repeats == 0], triangles, vertex_count)


def _topology(quads: np.ndarray, triangles: np.ndarray, vertex_count: int) -> Topology:
    sizes = np.repeat([4, 3], [len(quads), len(triangles)])
    starts = np.cumsum(sizes) - sizes
    verts = np.concatenate([quads.ravel(), triangles.ravel()]).astype(np.intp)
    ends = np.concatenate([np.roll(faces, -1, axis=1).ravel() for faces in (quads, triangles)])
    keys = np.minimum(verts, ends) * vertex_count + np.maximum(verts, ends)
    keys, corner_edges = np.unique(keys, return_inverse=True)
    edges = np.column_stack(np.divmod(keys, vertex_count))
    return Topology(vertex_count, edges, verts, corner_edges.ravel(), starts)


def _without_pinches(topology: Topology) -> Topology:
    """Drop faces until those at each vertex hang together by edges."""
    while True:
        corner_count = len(topology.corner_verts)
        by_edge = np.argsort(topology.corner_edges, kind="stable")
        shared = np.diff(topology.corner_edges[by_edge]) == 0
        one, other = by_edge[:-1][shared], by_edge[1:][shared]
        links = np.concatenate([
            np.column_stack([one, topology.corner_next[other]]),
            np.column_stack([topology.corner_next[one], other]),
        ])
        fan = connected_components(links, corner_count)
        fans, sizes = np.unique(fan, return_counts=True)
        vertices = topology.corner_verts[fans]
        order = np.lexsort([-sizes, vertices])
        surplus = np.zeros(corner_count, bool)
        surplus[fans[order][1:][np.diff(vertices[order]) == 0]] = True
        if not surplus.any():
            return topology
        keep = np.ones(len(topology.face_starts), bool)
        keep[topology.corner_faces[surplus[fan]]] = False
        topology = keep_faces(topology, keep)


def _add_strip(
    core: Topology, points: np.ndarray
) -> tuple[Topology, np.ndarray, np.ndarray]:
    """Grow a strip of quads around the border, a short way outwards.

    Returns
    -------
    topology : Topology
    points : ndarray, (n, 2)
        Without the vertices that no face uses.
    rim : ndarray, (b, 2)
        Edges of the new border; its vertices are the last ones.
    """
    used, verts = np.unique(core.corner_verts, return_inverse=True)
    verts, points = verts.ravel(), points[used]
    corners = np.flatnonzero(core.edge_face_counts[core.corner_edges] == 1)
    start, end = verts[corners], verts[core.corner_next[corners]]
    inner = np.unique(start)
    twin = np.zeros(len(points), np.intp)
    twin[inner] = len(points) + np.arange(len(inner))

    along = points[end] - points[start]
    lengths = np.linalg.norm(along, axis=1)
    outwards = np.column_stack([-along[:, 1], along[:, 0]]) / lengths[:, None]
    way, reach = np.zeros_like(points), np.full(len(points), np.inf)
    for ends in (start, end):
        np.add.at(way, ends, outwards)
        np.minimum.at(reach, ends, lengths)
    way = way[inner] / np.abs(way[inner]).max(axis=1, keepdims=True)
    grown = points[inner] + 0.4 * reach[inner, None] * way

    quads = verts[:np.count_nonzero(core.face_sizes == 4) * 4].reshape(-1, 4)
    triangles = verts[quads.size:].reshape(-1, 3)
    strip = np.column_stack([end, start, twin[start], twin[end]])
    points = np.concatenate([points, grown])
    topology = _topology(np.concatenate([quads, strip]), triangles, len(points))
    return topology, points, np.column_stack([twin[start], twin[end]])


def _relax(
    points: np.ndarray, topology: Topology, rim: np.ndarray, outline: _Outline, size: int
) -> np.ndarray:
    """Draw the rim to the outline and even out what lies inside.

    Where that would leave a face with a sharp corner, its vertices stay nearer to where
    they were.
    """
    first, second = topology.edges.T
    degree = np.bincount(topology.edges.ravel(), minlength=len(points))[:, None]
    members = np.unique(rim)
    near = np.zeros(len(points), bool)
    near[members] = True
    for _ in range(_RELAX_ROUNDS):
        near[topology.edges[near[topology.edges].any(axis=1)]] = True
    near[members] = False
    goal = points.copy()
    for _ in range(_RELAX_ROUNDS):
        total = np.zeros_like(goal)
        np.add.at(total, first, goal[second])
        np.add.at(total, second, goal[first])
        relaxed = goal.copy()
        relaxed[near] = (goal + total / degree)[near] / 2
        round_border(relaxed, rim)
        relaxed[members] += outline.way(relaxed[members])
        goal = np.clip(relaxed, 0.0, size)
    freedom = np.ones(len(points))
    while True:
        moved = points + freedom[:, None] * (goal - points)
        sharp = _sharp_faces(moved, topology)
        held = np.unique(topology.corner_verts[sharp[topology.corner_faces]])
        if not freedom[held].any():
            return moved
        freedom[held] = np.where(freedom[held] > 0.1, 0.7 * freedom[held], 0.0)


def _sharp_faces(points: np.ndarray, topology: Topology) -> np.ndarray:
    """(F,) bool: faces with a corner that is nearly 0 or 180 degrees, or turned over."""
    at = points[topology.corner_verts]
    after, before = at[topology.corner_next] - at, at[topology.corner_prev] - at
    # Rows run down: seen in the picture, corners turn the other way.
    turn = after[:, 1] * before[:, 0] - after[:, 0] * before[:, 1]
    angle = np.arctan2(turn, (after * before).sum(axis=1))
    sharp = (angle < _LEAST_ANGLE) | (angle > np.pi - _LEAST_ANGLE)
    return np.bincount(topology.corner_faces[sharp], minlength=len(topology.face_starts)) > 0


def _colours(reconstruction: Reconstruction, points: np.ndarray) -> np.ndarray:
    colours = np.full((len(points), 4), 255, np.uint8)
    colours[:, :3] = np.rint(sample(reconstruction.rgb, points))
    return colours
