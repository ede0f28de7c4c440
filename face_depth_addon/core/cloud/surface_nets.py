# SPDX-License-Identifier: GPL-3.0-or-later
"""From values on a sparse lattice to the faces around its zeros. Needs numpy only."""

from itertools import product

import numpy as np

_CORNERS = np.array(list(product((0, 1), repeat=3)))
# Both ends of a cell's twelve edges, as rows of `_CORNERS`.
_EDGES = np.array([
    (first, second) for first in range(8) for second in range(first + 1, 8)
    if np.abs(_CORNERS[first] - _CORNERS[second]).sum() == 1
])


def lattice_around(positions: np.ndarray, size: float, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes of all lattice cells that are within ``reach`` cells of a point.

    Parameters
    ----------
    positions : ndarray, (n, 3)
        At least one.
    size : float
        Side of a cell.
    reach : int

    Returns
    -------
    nodes : ndarray, (m, 3) int64
        Whole numbers of cells from the origin, sorted.
    origin : ndarray, (3,) float64
    """
    origin = positions.min(axis=0).astype(np.float64) - (reach + 0.5) * size
    cells = np.floor((positions - origin) / size).astype(np.int64)
    shape = cells.max(axis=0) + reach + 2
    keys = np.unique(_keys(cells, shape))
    # Along one axis after the other: a cube of side 2 reach + 2 is the sum of three lines.
    for axis in range(3):
        step = _keys(np.eye(3, dtype=np.int64)[axis], shape)
        keys = np.unique((keys[:, None] + step * np.arange(-reach, reach + 2)).ravel())
    return np.stack(np.unravel_index(keys, shape), axis=1).astype(np.int64), origin


def surface_nets(nodes: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quads between the cells in which values change their sign.

    The naive form of S. Gibson: Constrained Elastic Surface Nets, MICCAI 1998: each such cell
    has one vertex, the mean of the crossings on its edges. Where nodes are missing the
    surface stays open.

    Parameters
    ----------
    nodes : ndarray, (m, 3) int64
        Of a lattice, each once, sorted by x, y and z.
    values : ndarray, (m,) float
        Positive outside.

    Returns
    -------
    vertices : ndarray, (v, 3) float64
        In cells.
    quads : ndarray, (q, 4) int64
        Anticlockwise as seen from outside.
    """
    # One more on each side, so that no neighbour's key is another node's.
    shape = nodes.max(axis=0) + 3
    keys = _keys(nodes + 1, shape)
    corners = np.stack([_find(keys, keys + _keys(corner, shape)) for corner in _CORNERS], axis=1)
    outside = values > 0.0
    inside = ~outside[corners]
    mixed = inside.any(axis=1) & ~inside.all(axis=1)
    cells = np.flatnonzero((corners >= 0).all(axis=1) & mixed)
    vertices = nodes[cells] + _crossings(values[corners[cells]])
    number = np.full(len(nodes), -1)
    number[cells] = np.arange(len(cells))
    quads = [_quads_across(axis, keys, shape, number, outside) for axis in range(3)]
    return vertices, np.concatenate(quads)


def _crossings(values: np.ndarray) -> np.ndarray:
    """Mean of the zeros on the edges of each cell, (c, 3), from values at its corners (c, 8)."""
    total, count = np.zeros((len(values), 3)), np.zeros((len(values), 1))
    for first, second in _EDGES:
        start, end = values[:, first], values[:, second]
        crossed = (start > 0.0) != (end > 0.0)
        share = start / np.where(crossed, start - end, 1.0)
        at = _CORNERS[first] + share[:, None] * (_CORNERS[second] - _CORNERS[first])
        total += np.where(crossed[:, None], at, 0.0)
        count += crossed[:, None]
    return total / count


def _quads_across(
    axis: int, keys: np.ndarray, shape: np.ndarray, number: np.ndarray, outside: np.ndarray
) -> np.ndarray:
    """Quads of the cells around each lattice edge along an axis on which the sign changes."""
    steps = [_keys(row, shape) for row in np.eye(3, dtype=np.int64)]
    along, first, second = steps[axis], steps[(axis + 1) % 3], steps[(axis + 2) % 3]
    end = _find(keys, keys + along)
    start = np.flatnonzero((end >= 0) & (outside != outside[end]))
    around = np.stack([
        _find(keys, keys[start] - shift) for shift in (0 * first, first, first + second, second)
    ], axis=1)
    quads = np.where(around >= 0, number[around], -1)
    # Seen from the axis' end the cells lie anticlockwise, which is right if that is outside.
    falling = outside[start]
    quads[falling] = quads[falling][:, ::-1]
    return quads[(quads >= 0).all(axis=1)]


def _keys(nodes: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """One number for each node, (..., 3) to (...); sums of nodes are sums of numbers."""
    return (nodes[..., 0] * shape[1] + nodes[..., 1]) * shape[2] + nodes[..., 2]


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted key stands among sorted ones; -1 where it does not."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)
