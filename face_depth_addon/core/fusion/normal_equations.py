# SPDX-License-Identifier: GPL-3.0-or-later
"""Least squares over the parameters of several photos. Needs numpy only."""

import numpy as np


class NormalEquations:
    """Normal equations of a Gauss-Newton step, the same parameters for each photo.

    The parameters are those of `view.derivatives`, or the first of them.

    Parameters
    ----------
    photos, parameters : int
        How many photos, and parameters for each.
    """

    def __init__(self, photos: int, parameters: int):
        self._parameters = parameters
        self._matrix = np.zeros((photos, parameters, photos, parameters))
        self._right = np.zeros((photos, parameters))

    def add_one(
        self, photo: int, motions: np.ndarray, misses: np.ndarray, weight: np.ndarray
    ) -> None:
        """Points (n, 3) that miss their goals."""
        rows = motions.reshape(-1, self._parameters)
        weighted = np.repeat(weight, 3)[:, None] * rows
        self._matrix[photo, :, photo] += rows.T @ weighted
        self._right[photo] -= weighted.T @ misses.ravel()

    def add_pair(
        self, here: int, there: int, first: np.ndarray, second: np.ndarray, misses: np.ndarray,
        weight: np.ndarray,
    ) -> None:
        """Rows (n, p) of both photos, what they miss (n,), and weights (n,)."""
        sides = ((here, first), (there, second))
        for one, rows in sides:
            weighted = weight[:, None] * rows
            self._right[one] -= weighted.T @ misses
            for other, columns in sides:
                self._matrix[one, :, other] += weighted.T @ columns

    def add_prior(
        self, photo: int, chosen: list[int], values: np.ndarray, precision: np.ndarray
    ) -> None:
        """Draw parameters, whose values are given, to zero."""
        self._matrix[photo, chosen, photo, chosen] += precision
        self._right[photo, chosen] -= precision * values

    def couple(self, one: int, other: int, parameter: int, precision: float) -> None:
        """Add to the precision of two photos' parameter."""
        self._matrix[one, parameter, other, parameter] += precision

    def push(self, photo: int, parameter: int, force: float) -> None:
        """Add to the right side."""
        self._right[photo, parameter] += force

    def fix_mean(self, parameter: int, mean: float, deviation: float = 1e-4) -> None:
        """Draw a parameter's mean over the photos, as it is now, to zero."""
        count = len(self._right)
        self._matrix[:, parameter, :, parameter] += (deviation * count) ** -2.0
        self._right[:, parameter] -= mean / (deviation**2 * count)

    def hold(self, photo: int) -> None:
        """Keep a photo's rotation and place."""
        fixed = [0, 1, 2, 4, 5, 6]
        self._matrix[photo, fixed, photo, fixed] += 1e12

    def solve(self) -> np.ndarray:
        """The step, (photos, parameters)."""
        size = self._right.size
        matrix = self._matrix.reshape(size, size)
        matrix[np.diag_indices(size)] += 1e-9
        return np.linalg.solve(matrix, self._right.ravel()).reshape(self._right.shape)
