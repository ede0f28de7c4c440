# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as heights over an upright grid, and smooth maps on such grids. Needs numpy only.

Row 0 is the lowest; x runs along the columns, z along the rows, and heights are y, which grows
away from the viewer.
"""

from dataclasses import dataclass

import numpy as np

from ..polygons.topology import connected_components

# Of a blur's sigma: how far values count.
BLUR_REACH = 3.0
_CANDIDATES_AT_ONCE = 2_000_000
_TOUCH = 1e-9
_FLAT = 1e-12
_SMALLEST = 6
_STIFF = 1e-2
_SWEEPS = 60
_OVER = 1.6


@dataclass(frozen=True)
class Raster:
    """Where the points of a grid lie.

    Attributes
    ----------
    left, bottom : float
        x of column 0, z of row 0.
    spacing : float
    shape : tuple of int
        Rows, columns.
    """

    left: float
    bottom: float
    spacing: float
    shape: tuple[int, int]

    @property
    def x(self) -> np.ndarray:
        """(columns,) float64."""
        return self.left + self.spacing * np.arange(self.shape[1])

    @property
    def z(self) -> np.ndarray:
        """(rows,) float64."""
        return self.bottom + self.spacing * np.arange(self.shape[0])


@dataclass(frozen=True)
class Heights:
    """A mesh as seen along y.

    Attributes
    ----------
    front : ndarray, (rows, columns) float64
        The nearest y of the mesh; infinite beside it.
    colours : ndarray, (rows, columns, k) float64
        Of the nearest point.
    """

    front: np.ndarray
    colours: np.ndarray

    @property
    def covered(self) -> np.ndarray:
        """(rows, columns) bool: where there is mesh."""
        return np.isfinite(self.front)


def rasterise(
    positions: np.ndarray, triangles: np.ndarray, colours: np.ndarray, raster: Raster
) -> Heights:
    """Heights of a mesh at the points of a grid.

    Parameters
    ----------
    positions : ndarray, (n, 3) float64
    triangles : ndarray, (m, 3) intp
        Wound either way.
    colours : ndarray, (n, k) float64
        Anything that varies evenly over a triangle.
    raster : Raster
    """
    rows, columns = raster.shape
    front = np.full(rows * columns, np.inf)
    painted = np.zeros((rows * columns, colours.shape[1]))
    places = (positions[:, ::2] - (raster.left, raster.bottom)) / raster.spacing
    corners = places[triangles]
    low = np.maximum(np.ceil(corners.min(axis=1) - _TOUCH), 0).astype(np.intp)
    high = np.floor(corners.max(axis=1) + _TOUCH).astype(np.intp)
    size = np.maximum(np.minimum(high, (columns - 1, rows - 1)) - low + 1, 0)
    counts = size.prod(axis=1)
    blocks = np.cumsum(counts) // _CANDIDATES_AT_ONCE
    for block in np.split(np.arange(len(counts)), np.flatnonzero(np.diff(blocks)) + 1):
        of, inside = _spread(counts[block])
        of = block[of]
        at = low[of] + np.stack([inside % size[of, 0], inside // size[of, 0]], axis=1)
        weights = _weights(at, corners[of])
        hit = weights.min(axis=1) >= -_TOUCH
        of, weights = triangles[of[hit]], weights[hit]
        cell = at[hit, 1] * columns + at[hit, 0]
        y = (weights * positions[of, 1]).sum(axis=1)
        np.minimum.at(front, cell, y)
        nearest = y == front[cell]
        painted[cell[nearest]] = np.einsum(
            "nc,nck->nk", weights[nearest], colours[of[nearest]]
        )
    return Heights(front.reshape(rows, columns), painted.reshape(rows, columns, colours.shape[1]))


def _spread(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each index as often as counted, and the running number within each."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - (np.cumsum(counts) - counts)[index]


def _weights(at: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric coordinates of (n, 2) points in (n, 3, 2) triangles; below 0 in flat ones."""
    a, b, c = (corners[:, corner] - at for corner in range(3))
    parts = np.stack([_turn(b, c), _turn(c, a), _turn(a, b)], axis=1)
    area = parts.sum(axis=1, keepdims=True)
    flat = np.abs(area) < _FLAT
    return np.where(flat, -1.0, parts / np.where(flat, 1.0, area))


def _turn(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def part_at(mask: np.ndarray, row: int, column: int) -> np.ndarray:
    """The part of a mask that a point of it belongs to."""
    labels = _parts(mask)
    return mask & (labels == labels[row, column])


def without_holes(mask: np.ndarray) -> np.ndarray:
    """A mask with all that does not hang together with the outside."""
    framed = np.pad(mask, 1)
    return ~part_at(~framed, 0, 0)[1:-1, 1:-1]


def _parts(mask: np.ndarray) -> np.ndarray:
    """A number for each part of a mask and each part of the rest."""
    number = np.arange(mask.size).reshape(mask.shape)
    links = [
        np.stack([one[same], other[same]], axis=1)
        for one, other, same in (
            (number[:, :-1], number[:, 1:], mask[:, :-1] == mask[:, 1:]),
            (number[:-1], number[1:], mask[:-1] == mask[1:]),
        )
    ]
    return connected_components(np.concatenate(links), mask.size).reshape(mask.shape)


def largest_around(values: np.ndarray, reach: int) -> np.ndarray:
    """The largest value in a square about each point, to so many cells on each side."""
    for _ in range(2):
        padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
        values = windows.max(axis=-1).T
    return values


def without_gaps(mask: np.ndarray, reach: int) -> np.ndarray:
    """A mask whose parts are joined where less than twice so many cells lie between them."""
    grown = largest_around(np.pad(mask, 2 * reach), reach)
    return ~largest_around(~grown, reach)[2 * reach : -2 * reach, 2 * reach : -2 * reach]


def blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur; beyond the border its values go on.

    Parameters
    ----------
    values : ndarray, (rows, columns) float64
    sigma : float
        In cells.
    """
    reach = max(1, round(BLUR_REACH * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for _ in range(2):
        padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
        values = sum(
            weight * padded[step : step + len(values)] for step, weight in enumerate(kernel)
        ).T
    return values


def fit_planes(
    values: np.ndarray, known: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """A blur that keeps slopes, up to the border of what is known and a little beyond.

    At each point the plane that comes nearest to the values around it, by a Gaussian weight.

    Parameters
    ----------
    values : ndarray, (rows, columns) float64
        Finite everywhere.
    known : ndarray, (rows, columns) bool
        Which of them count.
    sigma : float
        In cells.

    Returns
    -------
    fitted : ndarray, (rows, columns) float64
    share : ndarray, (rows, columns) float64
        Of the weight, what is known; where it is small, the fit means nothing.
    """
    row, column = np.indices(values.shape) - np.array(values.shape).reshape(2, 1, 1) / 2.0
    weight = known.astype(float)

    def mean(factor: np.ndarray) -> np.ndarray:
        return blur(weight * factor, sigma)

    share = blur(weight, sigma)
    safe = np.maximum(share, _FLAT)
    x, z, y = mean(column) / safe, mean(row) / safe, mean(values) / safe
    xx, xz, zz = (
        mean(one * other) / safe - middle
        for one, other, middle in ((column, column, x * x), (column, row, x * z), (row, row, z * z))
    )
    xy, zy = mean(column * values) / safe - x * y, mean(row * values) / safe - z * y
    # Stiffened a little, for a few points in a row tell nothing across it.
    xx, zz = xx + _STIFF, zz + _STIFF
    area = xx * zz - xz * xz
    across, up = (xy * zz - zy * xz) / area, (zy * xx - xy * xz) / area
    return y + across * (column - x) + up * (row - z), share


def relax(
    values: np.ndarray, fixed: np.ndarray, source: np.ndarray | float = 0.0
) -> np.ndarray:
    """The map with a given Laplacian that has given values at some points.

    Coarse grids first, then over-relaxation in the order of a chequer-board. The border is
    free: nothing flows through it.

    Parameters
    ----------
    values : ndarray, (rows, columns) float64
        Where they are not fixed they do not count.
    fixed : ndarray, (rows, columns) bool
        Somewhere true.
    source : ndarray, (rows, columns) float64, or float
        Minus the Laplacian, for cells of side 1.
    """
    source = np.broadcast_to(np.asarray(source, float), values.shape)
    values = np.where(fixed, values, 0.0)
    if min(values.shape) > _SMALLEST:
        start = _coarse_solution(values, fixed, source)
    else:
        start = np.full(values.shape, values.sum() / fixed.sum())
    solution = np.pad(np.where(fixed, values, start), 1, mode="edge")
    row, column = np.indices(values.shape)
    boards = [~fixed & ((row + column) % 2 == colour) for colour in (0, 1)]
    inner = solution[1:-1, 1:-1]
    for _ in range(_SWEEPS):
        for board in boards:
            around = solution[:-2, 1:-1] + solution[2:, 1:-1]
            around += solution[1:-1, :-2] + solution[1:-1, 2:]
            around += source
            inner += np.where(board, _OVER * (0.25 * around - inner), 0.0)
            solution[0], solution[-1] = solution[1], solution[-2]
            solution[:, 0], solution[:, -1] = solution[:, 1], solution[:, -2]
    return inner.copy()


def _coarse_solution(values: np.ndarray, fixed: np.ndarray, source: np.ndarray) -> np.ndarray:
    rows, columns = values.shape
    odd = ((0, rows % 2), (0, columns % 2))

    def fours(layer: np.ndarray) -> np.ndarray:
        padded = np.pad(layer.astype(float), odd, mode="edge")
        return padded.reshape(len(padded) // 2, 2, -1, 2).sum(axis=(1, 3))

    count = fours(fixed)
    coarse = relax(fours(values) / np.maximum(count, 1.0), count > 0.0, fours(source))
    return coarse.repeat(2, axis=0).repeat(2, axis=1)[:rows, :columns]


def ease(level: np.ndarray) -> np.ndarray:
    """0 at the outline, 1 where the level is highest."""
    share = np.clip(2.0 * level, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
