# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of boxes that meet, among many. Needs numpy only."""

from collections.abc import Iterator

import numpy as np

# Cells of the hash grid, in sizes of the middling box.
_CELL = 2.0
_CELLS_ACROSS = 1000.0
_ENTRIES_PER_BOX = 64
_PAIRS_AT_ONCE = 1_000_000


def near_pairs(low, high) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of boxes that meet, found in the cells of a grid, each pair once, in blocks.

    A pair is taken from the cell where the boxes' common part begins.
    """
    low, high = low - low.min(axis=0), high - low.min(axis=0)
    middling = np.median((high - low).max(axis=1))
    cell = max(_CELL * middling, high.max() / _CELLS_ACROSS) or 1.0
    while True:
        begin, end = ((at / cell).astype(np.int64) for at in (low, high))
        size = end - begin + 1
        # A few huge triangles would fill the memory with cells.
        if size.prod(axis=1).sum() <= _ENTRIES_PER_BOX * len(low):
            break
        cell *= 2.0
    grid = end.max(axis=0) + 1

    box, offset = _spread(size.prod(axis=1))
    width, height = size[box, 0], size[box, 1]
    within = np.stack([offset % width, offset // width % height, offset // (width * height)])
    cells = _cell_number(begin[box].T + within, grid)
    order = np.argsort(cells, kind="stable")
    box, cells = box[order], cells[order]

    followers = np.searchsorted(cells, cells, side="right") - np.arange(len(cells)) - 1
    blocks = np.cumsum(followers) // _PAIRS_AT_ONCE
    for part in np.split(np.arange(len(cells)), np.flatnonzero(np.diff(blocks)) + 1):
        entry, step = _spread(followers[part])
        entry = part[entry]
        first, second = box[entry], box[entry + step + 1]
        common = _cell_number(np.maximum(begin[first], begin[second]).T, grid)
        once = common == cells[entry]
        first, second = first[once], second[once]
        for axis_low, axis_high in zip(low.T, high.T, strict=True):
            meet = axis_low[first] <= axis_high[second]
            meet &= axis_low[second] <= axis_high[first]
            first, second = first[meet], second[meet]
        yield first, second


def _spread(counts) -> tuple[np.ndarray, np.ndarray]:
    """Each index as often as counted, and the running number within each."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - (np.cumsum(counts) - counts)[index]


def _cell_number(cell, grid) -> np.ndarray:
    return (cell[2] * grid[1] + cell[1]) * grid[0] + cell[0]
