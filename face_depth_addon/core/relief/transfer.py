# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries what was changed on one mesh over to another of the same picture."""

import cv2
import numpy as np

from ..filters import fill_outside
from ..interpolation import sample

_MAX_CELLS = 2048
# In cells as wide as the vertices are apart some would be left without any.
_WIDER = 1.05
_ROUNDS, _RELAXATIONS = 2, 4


def carry(plane: np.ndarray, values: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Values at other places of the picture's plane.

    They are averaged in the cells of a lattice and looked up there. Beyond where they are known
    they go on smoothly.

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
    cell = max(_WIDER * _spacing(plane, low, high), float((high - low).max()) / _MAX_CELLS)
    width, height = np.maximum(np.ceil((high - low) / cell).astype(int) + 1, 2).tolist()
    places = (plane - low) / cell
    nearest = np.rint(places)
    at = (nearest[:, 1] * width + nearest[:, 0]).astype(int)
    count = np.bincount(at, minlength=width * height)

    def mean(parts: np.ndarray) -> np.ndarray:
        total = np.bincount(at, parts, width * height) / np.maximum(count, 1)
        return total.astype(np.float32).reshape(height, width)

    known = (count > 0).reshape(height, width)
    offset = tuple(mean(part) for part in (places - nearest).T)
    targets = (to - low) / cell + 0.5
    lattices = (_lattice(mean(channel), known, offset) for channel in values.T)
    return np.column_stack([sample(lattice, targets) for lattice in lattices]).astype(np.float32)


def _spacing(plane: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """How far places are apart, in the mean over what they cover."""
    cell = 2.0 * float(np.sqrt(max(np.prod(high - low), 1e-12) / len(plane)))
    column, row = np.rint((plane - low) / cell).astype(int).T
    covered = len(np.unique(row * (column.max() + 1) + column))
    return cell * float(np.sqrt(covered / len(plane)))


def _lattice(
    mean: np.ndarray, known: np.ndarray, offset: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Values in the middle of each cell, from means that lie a little beside it."""
    lattice = fill_outside(mean, known)
    across, up = offset
    for _ in range(_ROUNDS):
        slope_up, slope_across = np.gradient(lattice)
        moved = mean - slope_across * across - slope_up * up
        lattice = np.where(known, moved, lattice)
        for _ in range(_RELAXATIONS):
            lattice = np.where(known, lattice, cv2.blur(lattice, (3, 3)))
    return lattice
