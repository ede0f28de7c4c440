# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes in polygon meshes: finding them, and patches that carry on the surface around.

Deliberately pure: no bpy, numpy only. Positions are (V, 3) float arrays in metres.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .meshfilter import (
    area_vectors,
    face_area_vectors,
    is_stretched,
    smoothed_normals,
    unit,
)
from .topology import Topology, border_loops, neighbour_pairs

_MIN_COSINE = 0.5
# Lengths in the plane of a hole are in edges of its border from here on.
_ROW = np.sqrt(0.75)
_GAP = 0.6
_TURN = 0.3
_SHAKE = 0.01
_STEEPEST = 2.0
_OUTSIDE = 1.5
_SLOPE_LOOSENESS = 0.1
_FLAT_AREA = 1e-9
_BLOCK = 1_000_000


@dataclass(frozen=True)
class HolePatch:
    """Triangles that close a hole.

    Attributes
    ----------
    positions : (N, 3) float64 array
        The new vertices, all inside the hole.
    faces : (T, 3) intp array
        Wound like the faces around. Below n, the number of the hole's vertices, they are
        places in its loop; n + i is the i-th new vertex.
    weights : (N, n) float32 array
        Mean-value coordinates: ``weights @ values`` carries values such as colours and UVs
        from the loop's vertices to the new ones. Rows sum to one. Inside a hole that is not
        convex some weights are below zero.
    """

    positions: np.ndarray
    faces: np.ndarray
    weights: np.ndarray


def find_holes(
    positions: np.ndarray,
    topology: Topology,
    max_sides: int,
    max_angle: float | None = None,
) -> list[np.ndarray]:
    """Find the holes of a mesh, each as a loop of vertices wound like its neighbours.

    A border loop is a hole if the face that would close it continues the faces around it
    (their mean normal lies within 60 degrees). The outer border of a sheet is not: it
    could only be closed by a face on the back.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    max_sides : int
        Holes with more border edges are left out.
    max_angle : float, optional
        Holes that only a stretched face would close are left out, see ``stretched_faces``.

    Returns
    -------
    list of (sides,) intp arrays
    """
    columns = np.asarray(positions, dtype=np.float64).T
    loops = border_loops(topology, max_sides)
    if not loops:
        return []
    normals = unit(face_area_vectors(columns, topology))
    holes = []
    for corners in loops:
        ring = topology.corner_verts[corners]
        lid = area_vectors(columns, ring[:, np.newaxis])
        around = unit(normals[:, topology.corner_faces[corners]].sum(axis=1, keepdims=True))
        continues = float((unit(lid) * around).sum()) > _MIN_COSINE
        if continues and (max_angle is None or not is_stretched(lid, max_angle)[0]):
            holes.append(ring)
    return holes


def fill_holes(
    positions: np.ndarray, topology: Topology, holes: list[np.ndarray]
) -> list[HolePatch | None]:
    """Patches that carry the surface on over holes, its slope included.

    In the plane of the hole, the patch is a regular triangle lattice as fine as the
    border's edges, joined to the border by a Delaunay triangulation. Its heights are a
    clamped thin plate: of all surfaces through the border with the surroundings' slope
    there, the one that bends least (its bi-Laplacian is zero). Slopes steeper than 2 count
    as 2, so that a torn edge does not bulge.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    holes : list of (n,) intp arrays
        Loops of vertices as ``find_holes`` gives them, best of up to some 1500 vertices:
        memory goes with the square of n, time with its cube.

    Returns
    -------
    list of HolePatch or None
        None where the border crosses itself, seen along the hole's normal as well as
        along the mean normal of the surroundings.

    References
    ----------
    J. Duchon: Splines minimizing rotation-invariant semi-norms in Sobolev spaces, 1977.
    M. S. Floater: Mean value coordinates, Computer Aided Geometric Design 20, 2003.
    """
    columns = np.asarray(positions, dtype=np.float64).T
    normals = smoothed_normals(columns, topology, neighbour_pairs(topology))
    return [_fill(columns[:, hole].T, normals[:, hole].T) for hole in holes]


def _fill(border, normals) -> HolePatch | None:
    """The patch of one hole from its (n, 3) border and the unit normals there."""
    centre = border.mean(axis=0)
    lid = area_vectors(border.T, np.arange(len(border))[:, np.newaxis])[:, 0]
    # A torn border can wind too much to be laid out from its own side.
    for direction in (lid, normals.sum(axis=0)):
        axes = _axes(unit(direction))
        local = (border - centre) @ axes.T
        spacing = np.linalg.norm(_following(local) - local, axis=1).mean()
        outline, heights = local[:, :2] / spacing, local[:, 2] / spacing
        ears = _clip_ears(outline) if _is_simple(outline) else None
        if ears is not None:
            break
    else:
        return None
    inner = _lattice(outline)
    faces = _insert(np.concatenate([outline, inner]), ears, len(outline))
    plate = _plate(outline, heights, normals @ axes.T)
    lifted = np.column_stack([inner, _in_blocks(plate, inner, 2 * len(outline))])
    weights = _in_blocks(lambda at: _mean_value_weights(at, outline), inner, len(outline))
    return HolePatch(lifted * spacing @ axes + centre, faces, weights)


def _axes(normal) -> np.ndarray:
    """Orthonormal rows, the last one the given unit vector."""
    across = unit(np.cross(normal, np.eye(3)[np.abs(normal).argmin()]))
    return np.stack([across, np.cross(normal, across), normal])


def _following(values) -> np.ndarray:
    """The value after each one in a closed loop."""
    return np.roll(values, -1, axis=0)


def _turn(a, b) -> np.ndarray:
    """Cross product of (..., 2) vectors: positive where b lies anticlockwise of a."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _is_simple(outline) -> bool:
    """Whether no two sides of an (n, 2) polygon cross and its corners run anticlockwise."""
    start, end = outline, _following(outline)
    side = _turn(end - start, start[:, np.newaxis] - start)
    other = _following(side)
    apart = (np.minimum(side, other) < -_FLAT_AREA) & (np.maximum(side, other) > _FLAT_AREA)
    crossing = apart & apart.T
    return not crossing.any() and float(_turn(start, end).sum()) > _FLAT_AREA


def _in_blocks(function: Callable, points, breadth: int) -> np.ndarray:
    """A function of (N, 2) points, a few rows at a time; it makes ``breadth`` values of each."""
    rows = max(1, _BLOCK // breadth)
    return np.concatenate(
        [function(points[row : row + rows]) for row in range(0, max(len(points), 1), rows)]
    )


def _lattice(outline) -> np.ndarray:
    """(N, 2) points of a triangle lattice inside the polygon, off its sides."""
    # Turned, so that no row runs along the rows of a grid.
    turn = np.array([[np.cos(_TURN), -np.sin(_TURN)], [np.sin(_TURN), np.cos(_TURN)]])
    turned = outline @ turn
    low, high = turned.min(axis=0), turned.max(axis=0)
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1.0), np.arange(low[1], high[1], _ROW))
    x = x + 0.5 * (np.arange(len(x)) % 2)[:, np.newaxis]
    points = np.stack([x, y], axis=-1).reshape(-1, 2) @ turn.T
    # Shaken, so that no four points in a row come to be inserted at once.
    points += np.random.default_rng(0).uniform(-_SHAKE, _SHAKE, points.shape)
    return points[_in_blocks(lambda at: _is_inside(at, outline), points, len(outline))]


def _is_inside(points, outline, gap=_GAP) -> np.ndarray:
    """Which points lie inside the polygon, ``gap`` or more from its sides."""
    start = outline - points[:, np.newaxis]
    along = _following(outline) - outline
    share = np.clip(-(start * along).sum(axis=2) / (along**2).sum(axis=1), 0.0, 1.0)
    nearest = start + share[..., np.newaxis] * along
    above, next_above = start[..., 1] > 0.0, start[..., 1] + along[:, 1] > 0.0
    right = (_turn(start, along) > 0.0) == next_above
    inside = ((above != next_above) & right).sum(axis=1) % 2 == 1
    return inside & ((nearest**2).sum(axis=2).min(axis=1) >= gap**2)


def _clip_ears(outline) -> np.ndarray | None:
    """Triangulate a simple polygon: (n - 2, 3), or None if it touches itself."""
    rest = np.arange(len(outline))
    ears = []
    while len(rest) > 2:
        corners = np.stack([np.roll(rest, 1), rest, np.roll(rest, -1)], axis=1)
        a, b, c = outline[corners].transpose(1, 0, 2)
        area = _turn(b - a, c - a)
        shape = area / ((b - a) ** 2 + (c - b) ** 2 + (a - c) ** 2).sum(axis=1)
        # The best ear first; most often it is free.
        for place in np.argsort(-shape)[: np.count_nonzero(area > _FLAT_AREA)]:
            others = outline[np.setdiff1d(rest, corners[place], assume_unique=True)]
            if not _in_triangles(others, outline[corners[place]]).any():
                break
        else:
            return None
        ears.append(corners[place])
        rest = np.delete(rest, place)
    return np.array(ears)


def _in_triangles(points, triangles) -> np.ndarray:
    """Whether (..., 2) points lie in anticlockwise (..., 3, 2) triangles or on their sides."""
    a, b, c = (triangles[..., corner, :] for corner in range(3))
    sides = [_turn(end - start, points - start) for start, end in ((a, b), (b, c), (c, a))]
    return np.minimum.reduce(sides) >= -_FLAT_AREA


def _insert(points, triangles, known: int) -> np.ndarray:
    """Delaunay triangulation of (P, 2) points, the first ``known`` of which are triangulated.

    In each round every triangle takes one of the points inside it; then edges are flipped.
    The border of the triangulation stays as it is.
    """
    # In random order, so that a triangle's first point lies anywhere in it.
    waiting = known + np.random.default_rng(0).permutation(len(points) - known)
    home = _in_blocks(
        lambda at: _in_triangles(at[:, np.newaxis], points[triangles]).argmax(axis=1),
        points[waiting], len(triangles),
    )
    triangles = _flip(points, triangles, waiting, home)
    while len(waiting):
        split, taken = np.unique(home, return_index=True)
        centre = waiting[taken]
        waiting, home = np.delete(waiting, taken), np.delete(home, taken)
        a, b, c = triangles[split].T
        children = len(triangles) + np.arange(2 * len(split)).reshape(2, -1)
        triangles[split] = np.stack([a, b, centre], axis=1)
        triangles = np.concatenate(
            [triangles, np.stack([b, c, centre], axis=1), np.stack([c, a, centre], axis=1)]
        )
        parent = np.searchsorted(split, home)
        middle = points[centre[parent]]
        past_a, past_b, past_c = (
            _turn(points[corner[parent]] - middle, points[waiting] - middle) >= 0.0
            for corner in (a, b, c)
        )
        home = np.where(past_b & ~past_c, children[0][parent], home)
        home = np.where(past_c & ~past_a, children[1][parent], home)
        triangles = _flip(points, triangles, waiting, home)
    return triangles


def _flip(points, triangles, waiting, home) -> np.ndarray:
    """Flip edges until the triangulation is Delaunay; waiting points go along, in place."""
    triangles = triangles.copy()
    while True:
        left, right, a, b, c, d = _inner_edges(triangles)
        excess = _excess(*(points[at] for at in (a, b, c, d)))
        bad = np.flatnonzero(excess > _FLAT_AREA)
        if not len(bad):
            return triangles
        # Of the bad edges of a triangle the worst is flipped, if its other triangle agrees.
        bad = bad[np.argsort(excess[bad])]
        worst = np.full(len(triangles), -1)
        for side in (left, right):
            np.maximum.at(worst, side[bad], np.arange(len(bad)))
        chosen = (worst[left[bad]] == np.arange(len(bad))) & (worst[left[bad]] == worst[right[bad]])
        left, right, a, b, c, d = (at[bad[chosen]] for at in (left, right, a, b, c, d))
        triangles[left] = np.stack([c, a, d], axis=1)
        triangles[right] = np.stack([d, b, c], axis=1)
        flip = np.full(len(triangles), -1)
        flip[left] = flip[right] = np.arange(len(left))
        moved = np.flatnonzero(flip[home] >= 0)
        edge = flip[home[moved]]
        start = points[c[edge]]
        beyond = _turn(points[d[edge]] - start, points[waiting[moved]] - start) > 0
        home[moved] = np.where(beyond, right[edge], left[edge])


def _inner_edges(triangles) -> tuple[np.ndarray, ...]:
    """Edges of two triangles: left and right triangle, start, end, and the corners across."""
    start, end, across = (np.roll(triangles, -turn, axis=1).ravel() for turn in range(3))
    edge = np.minimum(start, end) * (triangles.max() + 1) + np.maximum(start, end)
    order = np.argsort(edge, kind="stable")
    paired = np.flatnonzero(np.diff(edge[order]) == 0)
    left, right = order[paired], order[paired + 1]
    return left // 3, right // 3, start[left], end[left], across[left], across[right]


def _excess(a, b, c, d) -> np.ndarray:
    """Positive where the angles at c and d over the edge ab exceed 180 degrees: -sin(c + d)."""
    ca, cb, da, db = a - c, b - c, a - d, b - d
    lengths = np.prod([np.linalg.norm(side, axis=1) for side in (ca, cb, da, db)], axis=0)
    sine = _turn(ca, cb) * (da * db).sum(axis=1) + _turn(db, da) * (ca * cb).sum(axis=1)
    return -sine / lengths


def _plate(outline, heights, normals) -> Callable:
    """Thin-plate spline through the border, with the slope of the normals there.

    The slope enters by points outside, as far off that it holds half way; it is loose, so
    that noise does not crease the patch.
    """
    along = unit((_following(outline) - outline).T).T
    outward = along + np.roll(along, 1, axis=0)
    outward = unit(np.stack([outward[:, 1], -outward[:, 0]])).T
    rise = -(normals[:, :2] * outward).sum(axis=1)
    slope = np.clip(rise / np.maximum(normals[:, 2], 1e-6), -_STEEPEST, _STEEPEST)
    outside = outline + _OUTSIDE * outward
    # Where the border winds, points outside may come to lie near or within it again.
    free = ~_is_inside(outside, outline, 0.0)
    free &= _squared_distances(outside, outline).min(axis=1) > _GAP**2
    nodes = np.concatenate([outline, outside[free]])
    values = np.concatenate([heights, (heights + _OUTSIDE * slope)[free]])

    count = len(nodes)
    plane = np.column_stack([np.ones(count), nodes])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(_squared_distances(nodes, nodes))
    loose = np.arange(len(outline), count)
    system[loose, loose] += _SLOPE_LOOSENESS
    system[:count, count:], system[count:, :count] = plane, plane.T
    solution = np.linalg.solve(system, np.concatenate([values, np.zeros(3)]))

    def height(points: np.ndarray) -> np.ndarray:
        bending = _kernel(_squared_distances(points, nodes)) @ solution[:count]
        return bending + solution[count] + points @ solution[count + 1 :]

    return height


def _kernel(squared) -> np.ndarray:
    """Thin-plate kernel r^2 log r, of squared distances."""
    return 0.5 * squared * np.log(np.maximum(squared, np.finfo(np.float64).tiny))


def _squared_distances(a, b) -> np.ndarray:
    return ((a[:, np.newaxis] - b) ** 2).sum(axis=2)


def _mean_value_weights(points, outline) -> np.ndarray:
    """(N, n) mean-value coordinates of points inside an (n, 2) polygon, float32."""
    start = outline - points[:, np.newaxis]
    end = np.roll(start, -1, axis=1)
    distance = np.linalg.norm(start, axis=2)
    both = distance * np.roll(distance, -1, axis=1)
    half_tangent = _turn(start, end) / (both + (start * end).sum(axis=2))
    weights = (half_tangent + np.roll(half_tangent, 1, axis=1)) / distance
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
