# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangles over a region of a grid with a clean outline, and stitching them to closed bodies.

Triangles are wound anticlockwise with x to the right and z up, so that they face -y. Needs numpy
only.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# A point of the outline keeps this share of a cell from the grid's points: no sliver arises.
_LEAST_SHARE = 0.1
_COARSEST = 6


@dataclass(frozen=True)
class Region:
    """A triangulated part of a grid.

    Attributes
    ----------
    first, second : ndarray, (n,) intp
        The points of the grid, by rows, between which each vertex lies; the same for both if it
        is one of them.
    share : ndarray, (n,) float64
        How far from the first to the second.
    triangles : ndarray, (m, 3) intp
    number : ndarray, (rows, columns) intp
        The vertex at each point of the grid; -1 outside.
    full : ndarray, (rows - 1, columns - 1) bool
        The cells that lie inside as a whole.
    """

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray
    triangles: np.ndarray
    number: np.ndarray
    full: np.ndarray

    def lift(self, values: np.ndarray) -> np.ndarray:
        """A grid's values at the vertices: (rows, columns, ...) to (n, ...)."""
        rows, columns = self.number.shape
        flat = values.reshape(rows * columns, *values.shape[2:])
        share = self.share.reshape(-1, *([1] * (flat.ndim - 1)))
        return flat[self.first] * (1.0 - share) + flat[self.second] * share

    @property
    def on_outline(self) -> np.ndarray:
        """(n,) bool: vertices of the outline that are none of the grid's points."""
        return self.first != self.second

    def lowest_row(self) -> np.ndarray:
        """Vertices on the grid's lowest row, from left to right."""
        columns = self.number.shape[1]
        on_row = np.flatnonzero((self.first < columns) & (self.second < columns))
        return on_row[np.argsort(self.lift(np.indices(self.number.shape)[1])[on_row])]


def triangulate(level: np.ndarray, heights: np.ndarray) -> Region:
    """The part of a grid where a level is above zero, its outline interpolated.

    Marching squares; where two corners of a cell are inside and lie across, they hang together,
    so that the outline touches itself nowhere.

    Parameters
    ----------
    level : ndarray, (rows, columns) float64
    heights : ndarray, (rows, columns) float64
        Whole cells are cut along the diagonal with the smaller step.
    """
    inside = level > 0.0
    grid = np.arange(level.size).reshape(level.shape)
    number = _numbers(inside, 0)
    across = inside[:, :-1] != inside[:, 1:]
    along = inside[:-1] != inside[1:]
    cut_across = _numbers(across, inside.sum())
    cut_along = _numbers(along, inside.sum() + across.sum())
    first = np.concatenate([grid[inside], grid[:, :-1][across], grid[:-1][along]])
    second = np.concatenate([grid[inside], grid[:, 1:][across], grid[1:][along]])
    before, after = level.ravel()[first], level.ravel()[second]
    share = np.clip(
        before / np.where(first == second, 1.0, before - after), _LEAST_SHARE, 1.0 - _LEAST_SHARE
    )
    share[first == second] = 0.0

    # Of each cell its corners and the cuts of its sides, both anticlockwise from the lower left.
    tokens = np.stack([
        *_cell_corners(number),
        cut_across[:-1], cut_along[:, 1:], cut_across[1:], cut_along[:, :-1],
    ])
    case = sum((tokens[corner] >= 0) << corner for corner in range(4))
    fans = [tokens[:, case == kind][_fan(kind)] for kind in range(1, 15)]
    triangles = [fan.transpose(2, 0, 1).reshape(-1, 3) for fan in fans]
    full = case == 15
    rising = np.abs(heights[:-1, :-1] - heights[1:, 1:])
    other = rising > np.abs(heights[:-1, 1:] - heights[1:, :-1])
    for cells, corners in (
        (full & ~other, ((0, 1, 2), (0, 2, 3))), (full & other, ((1, 2, 3), (1, 3, 0))),
    ):
        triangles += [tokens[:, cells][list(corner)].T for corner in corners]
    return Region(first, second, share, np.concatenate(triangles), number, full)


def _cell_corners(number: np.ndarray) -> tuple[np.ndarray, ...]:
    """Anticlockwise from the lower left."""
    return number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]


def _numbers(mask: np.ndarray, start: int) -> np.ndarray:
    """Running numbers of what is in a mask, -1 elsewhere."""
    return np.where(mask, np.cumsum(mask.ravel()).reshape(mask.shape) - 1 + start, -1)


def _fan(case: int) -> np.ndarray:
    """Triangles of a cell that is cut, as places in its tokens, from a corner that is inside."""
    inside = [case >> corner & 1 for corner in range(4)]
    ring = []
    for corner in range(4):
        if inside[corner]:
            ring.append(corner)
        if inside[corner] != inside[(corner + 1) % 4]:
            ring.append(4 + corner)
    start = next(place for place, token in enumerate(ring) if token < 4)
    ring = ring[start:] + ring[:start]
    return np.array([(ring[0], one, other) for one, other in pairwise(ring[1:])])


def flat_triangles(region: Region, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The same region with few triangles inside, for a plane; the outline's vertices stay.

    Whole cells are joined to squares of up to 64, each a fan about its middle.

    Parameters
    ----------
    region : Region
    count : int
        The number that the first new vertex gets.

    Returns
    -------
    triangles : ndarray, (t, 3) intp
    middles : ndarray, (c, 2) float64
        Row and column of the new vertices.
    """
    number, free = region.number, region.full.copy()
    cut = region.triangles[_touches_cut(region)]
    used = np.zeros(len(region.first), bool)
    used[cut] = True
    border = np.zeros(number.shape, bool)
    border[[0, -1]] = border[:, [0, -1]] = True
    used[number[border & (number >= 0)]] = True
    squares = []
    for level in range(_COARSEST, 0, -1):
        side = 2**level
        at = _free_squares(free, side)
        for row, column in ((0, 0), (0, side), (side, side), (side, 0)):
            used[number[at[:, 0] + row, at[:, 1] + column]] = True
        squares.append((at, side))
    a, b, c, d = (corner[free] for corner in _cell_corners(number))
    used[np.concatenate([a, b, c, d])] = True
    triangles = [cut, np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]
    middles = []
    for at, side in squares:
        triangles.append(_square_fans(number, used, at, side, count))
        middles.append(at + side / 2)
        count += len(at)
    return np.concatenate(triangles), np.concatenate(middles)


def _touches_cut(region: Region) -> np.ndarray:
    """(m,) bool: triangles of cells that are not whole."""
    return np.arange(len(region.triangles)) < len(region.triangles) - 2 * region.full.sum()


def _free_squares(free: np.ndarray, side: int) -> np.ndarray:
    """Rows and columns, (k, 2), of aligned squares of free cells, which are then taken."""
    rows, columns = (length // side for length in free.shape)
    blocks = free[: rows * side, : columns * side].reshape(rows, side, columns, side)
    whole = blocks.all(axis=(1, 3))
    blocks &= ~whole[:, None, :, None]
    return np.argwhere(whole) * side


def _square_fans(
    number: np.ndarray, used: np.ndarray, at: np.ndarray, side: int, count: int
) -> np.ndarray:
    """Triangles from the middle of each square to its rim, which has all used vertices."""
    steps = np.arange(side)
    rim_rows = np.concatenate([0 * steps, steps, 0 * steps + side, side - steps])
    rim_columns = np.concatenate([steps, 0 * steps + side, side - steps, 0 * steps])
    rims = number[at[:, :1] + rim_rows, at[:, 1:] + rim_columns]
    taken = used[rims]
    square = np.nonzero(taken)[0]
    vertices = rims[taken]
    # The vertex after each one, in its own square's ring.
    sizes = taken.sum(axis=1)
    last = np.cumsum(sizes) - 1
    following = np.roll(vertices, -1)
    following[last] = vertices[last - sizes + 1]
    return np.stack([count + square, vertices, following], axis=1)


def rim(triangles: np.ndarray) -> np.ndarray:
    """Sides of triangles that no other triangle has the other way round: (k, 2) intp."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = int(triangles.max()) + 1
    keys, opposite = sides @ (count, 1), sides @ (1, count)
    return sides[~np.isin(keys, opposite)]


def walls(edges: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Triangles that lead from a rim to its copy.

    Parameters
    ----------
    edges : ndarray, (k, 2) intp
        As `rim` gives them.
    to : ndarray, (k, 2) intp
        The same edges on the other side.
    """
    (start, end), (start_to, end_to) = edges.T, to.T
    return np.concatenate([
        np.stack([end, start, start_to], axis=1), np.stack([end, start_to, end_to], axis=1)
    ])
