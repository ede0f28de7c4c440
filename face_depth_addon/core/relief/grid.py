# SPDX-License-Identifier: GPL-3.0-or-later
"""From depth in a crop to the arrays of a displaced quad grid. Needs numpy only."""

from dataclasses import dataclass

import numpy as np

from ..interpolation import resample, sample, sample_lattice
from ..reconstruction import Reconstruction
from .surface import SurfaceMesh, place

_BORDER_ROUNDS = 4


@dataclass(frozen=True)
class _Lattice:
    """The grid before displacement: which cells exist, and where its lines lie."""

    columns: np.ndarray
    rows: np.ndarray
    cells: np.ndarray


def _lattice(subject: np.ndarray, resolution: int) -> _Lattice:
    """Lay square cells over the subject's box, its longest side ``resolution`` vertices."""
    size = subject.shape[0]
    filled_rows, filled_columns = (np.flatnonzero(subject.any(axis=axis)) for axis in (1, 0))
    low = np.array([filled_columns[0], filled_rows[0]], float)
    high = np.array([filled_columns[-1], filled_rows[-1]], float) + 1.0
    step = (high - low).max() / (resolution - 1)
    counts = np.maximum(np.ceil((high - low) / step - 1e-6).astype(int) + 1, 2)
    start = (low + high) / 2 - step * (counts - 1) / 2
    columns, rows = (start[axis] + step * np.arange(counts[axis]) for axis in (0, 1))
    middle_columns = np.clip((columns[:-1] + step / 2).astype(int), 0, size - 1)
    middle_rows = np.clip((rows[:-1] + step / 2).astype(int), 0, size - 1)
    return _Lattice(columns, rows, tidy_cells(subject[middle_rows][:, middle_columns]))


def tidy_cells(cells: np.ndarray) -> np.ndarray:
    """Drop cells until no two meet in a corner alone: the border stays manifold."""
    while True:
        a, b, c, d = cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]
        falling, rising = a & d & ~b & ~c, b & c & ~a & ~d
        if not (falling.any() or rising.any()):
            return cells
        cells = cells.copy()
        cells[:-1, :-1] &= ~falling
        cells[:-1, 1:] &= ~rising


def used_vertices(cells: np.ndarray) -> np.ndarray:
    """Grid vertices that touch a cell: (rows + 1, columns + 1) bool."""
    used = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1), bool)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            used[rows, columns] |= cells
    return used


def build_grid(reconstruction: Reconstruction, resolution: int) -> SurfaceMesh:
    """Displaced grid over the subject.

    Parameters
    ----------
    reconstruction : Reconstruction
    resolution : int
        Vertices along the subject's longest side.

    Returns
    -------
    SurfaceMesh

    Raises
    ------
    ValueError
        The subject is empty.
    """
    lattice = _lattice(reconstruction.subject, resolution)
    used = used_vertices(lattice.cells)
    number = np.cumsum(used.ravel(), dtype=np.int32).reshape(used.shape) - 1
    edges, corner_edges = _edges(lattice.cells, used, number)
    rows, columns = np.nonzero(used)
    points = np.column_stack([lattice.columns[columns], lattice.rows[rows]])
    border = edges[_border(edges, corner_edges)]
    round_border(points, border)
    moved = np.unique(border)

    sampled = resample(reconstruction.depth, lattice.rows, lattice.columns)[used]
    sampled[moved] = sample(reconstruction.depth, points[moved])
    placed = place(reconstruction, points, sampled)
    colours = np.full((len(points), 4), 255, np.uint8)
    colours[:, :3] = _bytes(
        sample_lattice(reconstruction.rgb, lattice.rows, lattice.columns)
    )[used]
    colours[moved, :3] = _bytes(sample(reconstruction.rgb, points[moved]))
    corner_verts = quad_corners(number, lattice.cells)
    return SurfaceMesh(
        placed.positions, placed.depth, placed.plane, colours, placed.uvs,
        placed.uvs.take(corner_verts, axis=0), corner_verts, corner_edges, edges,
        np.arange(0, len(corner_verts), 4, dtype=np.int32),
    )


def _bytes(values: np.ndarray) -> np.ndarray:
    """Rounded to uint8."""
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def quad_corners(number: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Vertex of each quad corner: lower left, lower right, upper right, upper left."""
    quads = (number[1:, :-1], number[1:, 1:], number[:-1, 1:], number[:-1, :-1])
    return np.stack([part[cells] for part in quads], axis=1).ravel()


def _edges(
    cells: np.ndarray, used: np.ndarray, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Edges (e, 2) int32, and the edge leaving each quad corner (4 q,) int32."""
    across = np.zeros((used.shape[0], used.shape[1] - 1), bool)
    across[:-1] |= cells
    across[1:] |= cells
    down = np.zeros((used.shape[0] - 1, used.shape[1]), bool)
    down[:, :-1] |= cells
    down[:, 1:] |= cells
    across_number = np.cumsum(across.ravel(), dtype=np.int32).reshape(across.shape) - 1
    first_down = across_number[-1, -1] + 1
    down_number = np.cumsum(down.ravel(), dtype=np.int32).reshape(down.shape) - 1 + first_down
    edges = np.concatenate([
        np.column_stack([number[:, :-1][across], number[:, 1:][across]]),
        np.column_stack([number[:-1][down], number[1:][down]]),
    ])
    leaving = (across_number[1:], down_number[:, 1:], across_number[:-1], down_number[:, :-1])
    return edges, np.stack([part[cells] for part in leaving], axis=1).ravel()


def _border(edges: np.ndarray, corner_edges: np.ndarray) -> np.ndarray:
    """Which edges bound one quad only: (e,) bool."""
    return np.bincount(corner_edges, minlength=len(edges)) == 1


def round_border(points: np.ndarray, border: np.ndarray) -> None:
    """Turn the border's staircase into a line by averaging along it.

    Parameters
    ----------
    points : ndarray, (n, 2) float64
        Moved in place.
    border : ndarray, (b, 2) int
        The border's edges.
    """
    members, local = np.unique(border, return_inverse=True)
    local = local.reshape(-1, 2)
    degree = np.bincount(local.ravel(), minlength=len(members))[:, None]
    for _ in range(_BORDER_ROUNDS):
        ring = points[members]
        total = np.zeros_like(ring)
        np.add.at(total, local[:, 0], ring[local[:, 1]])
        np.add.at(total, local[:, 1], ring[local[:, 0]])
        points[members] = (ring + total / degree) / 2
