# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries what was changed on one mesh over to another of the same picture."""

import numpy as np

from .filters import fill_outside
from .interpolation import sample

_MAX_CELLS = 2048


def carry(plane: np.ndarray, values: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Values at other places of the picture's plane.

    Parameters
    ----------
    plane : ndarray, (n, 2) float32
        Where the values are known.
    values : ndarray, (n, c) float32
    to : ndarray, (m, 2) float32

    Returns
    -------
    ndarray, (m, c) float32
    """
    low, high = plane.min(axis=0), plane.max(axis=0)
    cell = float(np.sqrt(max(np.prod(high - low), 1e-12) / len(plane)))
    cell = max(cell, float((high - low).max()) / _MAX_CELLS)
    width, height = (np.ceil((high - low) / cell).astype(int) + 1).tolist()
    column, row = np.rint((plane - low) / cell).astype(int).T
    at = row * width + column
    count = np.bincount(at, minlength=width * height).reshape(height, width)
    places = (to - low) / cell + 0.5
    columns = []
    for channel in values.T:
        total = np.bincount(at, channel, width * height).reshape(height, width)
        known = (total / np.maximum(count, 1)).astype(np.float32)
        columns.append(sample(fill_outside(known, count > 0), places))
    return np.column_stack(columns).astype(np.float32)
