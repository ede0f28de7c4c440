# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes inside simple polygons of the plane: a fan, a grid of quads, an even triangulation.

Deliberately pure: no bpy, numpy only. Polygons are (n, 2) float arrays that run
anticlockwise; lengths are in sides of the polygon, which are about 1 long.
"""

from collections.abc import Callable

import numpy as np

_ROW = np.sqrt(0.75)
_GAP = 0.6
_TURN = 0.3
_SHAKE = 0.01
_FLAT_AREA = 1e-9
_BLOCK = 1_000_000
# Sine of the flattest corner that a grid may have, and lowest height of a fan's triangles.
_FLAT_CORNER = 0.1

# New points inside a polygon, and faces: below n places in the polygon, above new points.
Layout = tuple[np.ndarray, np.ndarray]


def fan(outline: np.ndarray) -> Layout | None:
    """Triangles around one new point in the polygon's middle.

    Returns
    -------
    points : (1, 2) float64 array
    faces : (n, 3) intp array
        Or None instead of both, where a side is not seen from the middle.
    """
    start, end = outline, following(outline)
    area = cross_2d(start, end)
    centre = ((start + end) * area[:, np.newaxis]).sum(axis=0) / (3.0 * area.sum())
    place = np.arange(len(outline))
    seen = cross_2d(start - centre, end - centre)
    if (seen <= _FLAT_CORNER * np.linalg.norm(end - start, axis=1)).any():
        return None
    faces = np.stack([place, following(place), np.full(len(place), len(place))], axis=1)
    return centre[np.newaxis], faces


def grid(outline: np.ndarray) -> Layout | None:
    """Rows of quads between the polygon's four sharpest corners, as a Coons patch.

    Returns
    -------
    points : (N, 2) float64 array
    faces : (Q, 4) intp array
        Or None instead of both, where the number of sides is odd or a quad would be
        folded.
    """
    sides = len(outline)
    if sides % 2 or sides < 4:
        return None
    first, width = _sharpest_corners(outline)
    height = sides // 2 - width
    ring = (first + np.arange(sides)) % sides
    names = np.empty((height + 1, width + 1), dtype=np.intp)
    names[0], names[:, -1] = ring[: width + 1], ring[width : width + height + 1]
    names[-1, ::-1] = ring[width + height : 2 * width + height + 1]
    names[1:-1, 0] = ring[2 * width + height + 1 :][::-1]
    count = (height - 1) * (width - 1)
    names[1:-1, 1:-1] = sides + np.arange(count).reshape(height - 1, width - 1)

    edge = outline[np.where(names < sides, names, 0)]
    up = np.linspace(0.0, 1.0, height + 1)[1:-1, np.newaxis, np.newaxis]
    along = np.linspace(0.0, 1.0, width + 1)[1:-1, np.newaxis]
    across = (1.0 - along) * edge[1:-1, :1] + along * edge[1:-1, -1:]
    upwards, corners = (
        (1.0 - up) * rows[0] + up * rows[1]
        for rows in (
            (edge[0, 1:-1], edge[-1, 1:-1]),
            [(1.0 - along) * row[0] + along * row[-1] for row in (edge[0], edge[-1])],
        )
    )
    inner = (across + upwards - corners).reshape(-1, 2)
    faces = np.stack([names[:-1, :-1], names[:-1, 1:], names[1:, 1:], names[1:, :-1]], axis=-1)
    faces = faces.reshape(-1, 4)
    points = np.concatenate([outline, inner])[faces].transpose(1, 0, 2)
    return (inner, faces) if _is_open(points) else None


def _sharpest_corners(outline) -> tuple[int, int]:
    """Where a grid's first side begins and how many sides of the polygon it takes."""
    along = outline - np.roll(outline, 1, axis=0)
    after = following(along)
    bend = np.arctan2(cross_2d(along, after), (along * after).sum(axis=1))
    half = len(outline) // 2
    best, choice = -np.inf, (0, 1)
    # Of equally sharp ones those of the squarest grid.
    for width in range(half // 2, 0, -1):
        opposite = bend + np.roll(bend, -half)
        found = opposite + np.roll(opposite, -width)
        place = int(found[:half].argmax())
        if found[place] > best + 1e-6:
            best, choice = found[place], (place, width)
    return choice


def _is_open(corners) -> bool:
    """Whether no corner of (sides, N, 2) polygons is flat or turned inwards."""
    before = corners - np.roll(corners, 1, axis=0)
    after = np.roll(before, -1, axis=0)
    length = np.linalg.norm(before, axis=2) * np.linalg.norm(after, axis=2)
    return bool((cross_2d(before, after) > _FLAT_CORNER * length).all())


def even_triangles(outline: np.ndarray, ears: np.ndarray) -> Layout:
    """A triangle lattice as fine as the polygon's sides, joined to them by Delaunay's rule.

    Parameters
    ----------
    outline : (n, 2) float array
    ears : (n - 2, 3) intp array
        A triangulation of the polygon, see ``clip_ears``.

    Returns
    -------
    points : (N, 2) float64 array
    faces : (T, 3) intp array
    """
    inner = _lattice(outline)
    return inner, _insert(np.concatenate([outline, inner]), ears, len(outline))


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
    return points[in_blocks(lambda at: is_inside(at, outline), points, len(outline))]


def is_inside(points, outline, gap=_GAP) -> np.ndarray:
    """Which points lie inside the polygon, ``gap`` or more from its sides."""
    start = outline - points[:, np.newaxis]
    along = following(outline) - outline
    share = np.clip(-(start * along).sum(axis=2) / (along**2).sum(axis=1), 0.0, 1.0)
    nearest = start + share[..., np.newaxis] * along
    above, next_above = start[..., 1] > 0.0, start[..., 1] + along[:, 1] > 0.0
    right = (cross_2d(start, along) > 0.0) == next_above
    inside = ((above != next_above) & right).sum(axis=1) % 2 == 1
    return inside & ((nearest**2).sum(axis=2).min(axis=1) >= gap**2)


def clip_ears(outline) -> np.ndarray | None:
    """Triangulate a simple polygon: (n - 2, 3), or None if it touches itself."""
    rest = np.arange(len(outline))
    ears = []
    while len(rest) > 2:
        corners = np.stack([np.roll(rest, 1), rest, np.roll(rest, -1)], axis=1)
        a, b, c = outline[corners].transpose(1, 0, 2)
        area = cross_2d(b - a, c - a)
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
    sides = [cross_2d(end - start, points - start) for start, end in ((a, b), (b, c), (c, a))]
    return np.minimum.reduce(sides) >= -_FLAT_AREA


def _insert(points, triangles, known: int) -> np.ndarray:
    """Delaunay triangulation of (P, 2) points, the first ``known`` of which are triangulated.

    In each round every triangle takes one of the points inside it; then edges are flipped.
    The border of the triangulation stays as it is.
    """
    # In random order, so that a triangle's first point lies anywhere in it.
    waiting = known + np.random.default_rng(0).permutation(len(points) - known)
    home = in_blocks(
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
            cross_2d(points[corner[parent]] - middle, points[waiting] - middle) >= 0.0
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
        beyond = cross_2d(points[d[edge]] - start, points[waiting[moved]] - start) > 0
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
    sine = cross_2d(ca, cb) * (da * db).sum(axis=1) + cross_2d(db, da) * (ca * cb).sum(axis=1)
    return -sine / lengths


def following(values) -> np.ndarray:
    """The value after each one in a closed loop."""
    return np.roll(values, -1, axis=0)


def cross_2d(a, b) -> np.ndarray:
    """Cross product of (..., 2) vectors: positive where b lies anticlockwise of a."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def in_blocks(function: Callable, points, breadth: int) -> np.ndarray:
    """A function of (N, 2) points, a few rows at a time; it makes ``breadth`` values of each."""
    rows = max(1, _BLOCK // breadth)
    return np.concatenate(
        [function(points[row : row + rows]) for row in range(0, max(len(points), 1), rows)]
    )
