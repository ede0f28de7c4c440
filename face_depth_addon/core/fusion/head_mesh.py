# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of a merged head: closed at the back and at the crown, cut even at the neck.

Needs numpy only.
"""

from dataclasses import dataclass

import numpy as np

from ..head.chart import HeadChart
from ..relief.grid import quad_corners
from .merging import MergedHead

# Share of a cell's height.
_TOUCHES = 0.3


@dataclass(frozen=True, eq=False)
class HeadMesh:
    """The mesh of a merged head.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
    faces : ndarray, (f, 4) int32
        A triangle ends in -1.
    uvs : ndarray, (f, 4, 2) float32
        Of the faces' corners; those beside the seam at the back go beyond 1.
    cells : ndarray, (n, 2) int
        Row and column in the chart of each vertex; the crown, the last one, is in the first row.
    """

    positions: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray
    cells: np.ndarray


def head_mesh(head: MergedHead) -> HeadMesh:
    """Mesh of the cells that are there."""
    chart = head.chart
    rows, columns = chart.shape
    points, there = _cut_even(head)
    merged = _merged_columns(chart)
    # A column more closes the seam; its vertices are the first column's.
    vertex = np.arange(rows)[:, None] * columns + np.concatenate([merged, merged[:, :1]], axis=1)
    place = np.concatenate([merged, np.full((rows, 1), columns)], axis=1)
    around = np.concatenate([there, there[:, :1]], axis=1)
    lower, upper = around[1:].astype(int), around[:-1].astype(int)
    count = lower[:, :-1] + lower[:, 1:] + upper[:, 1:] + upper[:, :-1]
    faces, spots, shown = (
        quad_corners(layer, count >= 3).reshape(-1, 4) for layer in (
            vertex, place + (columns + 1) * np.arange(rows)[:, None], around,
        )
    )
    crown = rows * columns
    ring = np.arange(columns)
    first, second = vertex[0, ring], vertex[0, ring + 1]
    fans = np.stack([first, second, np.full(columns, crown), np.full(columns, -1)], axis=1)
    corners = np.concatenate([
        np.stack(np.divmod(spots, columns + 1)[::-1], axis=-1).astype(float),
        _fan_corners(place[0]),
    ])
    faces = np.concatenate([np.where(shown, faces, -1), fans])
    faces, corners = _without_doubles(faces, corners)
    uvs = chart.uvs(corners.reshape(-1, 2)).reshape(-1, 4, 2)
    used, numbers = np.unique(faces[faces >= 0], return_inverse=True)
    faces[faces >= 0] = numbers
    top = chart.origin + chart.axes[2] * head.radius[0].mean() * np.sin(chart.top)
    positions = np.concatenate([points.reshape(-1, 3), top[None]])[used]
    cells = np.stack(np.divmod(np.minimum(used, crown - 1), columns), axis=1)
    cells[used == crown] = (0, columns // 2)
    return HeadMesh(
        positions.astype(np.float32), faces.astype(np.int32), uvs.astype(np.float32), cells
    )


def _cut_even(head: MergedHead) -> tuple[np.ndarray, np.ndarray]:
    """Points (H, W, 3), the lowest of each column moved to the cut's height; which count."""
    points = head.chart.points(head.radius)
    height = head.chart.heights(points) - head.cut
    there = head.there.copy()
    last = there.sum(axis=0) - 1
    column = np.arange(there.shape[1])
    below = np.minimum(last + 1, len(there) - 1)
    above, under = height[last, column], height[below, column]
    share = np.clip(above / np.maximum(above - under, 1e-9), 0.0, 1.0)
    ends = points[last, column] + share[:, None] * (points[below, column] - points[last, column])
    # No edges too short to work with: what nearly touches it is moved itself.
    moved = np.where(share < _TOUCHES, last, below)
    points[moved, column] = ends
    there[moved, column] = True
    return points, there


def _merged_columns(chart: HeadChart) -> np.ndarray:
    """(H, W) which column's vertex stands for each: near the crown several share one."""
    rows, columns = chart.shape
    room = np.maximum(np.cos(chart.elevations), 1e-3)
    step = 2 ** np.maximum(np.floor(-np.log2(room)), 0).astype(int)
    own = np.arange(columns)[None, :] // step[:, None]
    return own * step[:, None]


def _fan_corners(place: np.ndarray) -> np.ndarray:
    """(W, 4, 2) columns and rows of the corners of the triangles about the crown."""
    start, end = place[:-1].astype(float), place[1:].astype(float)
    zero = np.zeros_like(start)
    return np.stack([
        np.column_stack([start, zero]), np.column_stack([end, zero]),
        np.column_stack([(start + end) / 2.0, zero - 0.5]), np.zeros((len(start), 2)),
    ], axis=1)


def _without_doubles(faces: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quads in which corners are one vertex, or are not there, as triangles; no lesser faces."""
    following = np.roll(faces, -1, axis=1)
    kept = (faces >= 0) & (faces != following)
    count = kept.sum(axis=1)
    # What stays comes first, in its order.
    order = np.argsort(~kept, axis=1, kind="stable")
    faces = np.take_along_axis(np.where(kept, faces, -1), order, axis=1)
    corners = np.take_along_axis(corners, order[..., None], axis=1)
    return faces[count >= 3], corners[count >= 3]
