# SPDX-License-Identifier: GPL-3.0-or-later
"""Sparse least squares on a mesh's vertices and edges. Needs numpy only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class MeshGraph:
    """Vertices and what each weighs with its neighbours.

    Attributes
    ----------
    neighbours : ndarray, (n, k) int
        Filled up with n.
    weights : ndarray, (n, k) float64
        Symmetric: of both ends the same; 0 where filled up.
    """

    neighbours: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, edges: np.ndarray, positions: np.ndarray) -> "MeshGraph":
        """Weigh (e, 2) edges by the inverse of their length over positions (n, 3)."""
        count = len(positions)
        lengths = np.linalg.norm(positions[edges[:, 0]] - positions[edges[:, 1]], axis=1)
        strength = np.median(lengths) / np.maximum(lengths, 1e-3 * np.median(lengths))
        start, end = np.concatenate([edges, edges[:, ::-1]]).T
        order = np.argsort(start, kind="stable")
        start, end, strength = start[order], end[order], np.tile(strength, 2)[order]
        valence = np.bincount(start, minlength=count)
        place = np.arange(len(start)) - (np.cumsum(valence) - valence)[start]
        neighbours = np.full((count, valence.max()), count)
        weights = np.zeros(neighbours.shape)
        neighbours[start, place], weights[start, place] = end, strength
        return cls(neighbours, weights)

    @cached_property
    def degree(self) -> np.ndarray:
        """(n, 1): `total`, to divide by."""
        return np.maximum(self.total, 1e-12)

    @cached_property
    def total(self) -> np.ndarray:
        """(n, 1): the sum of each vertex's weights."""
        return self.weights.sum(axis=1, keepdims=True)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of the neighbours' values, (n, c)."""
        padded = np.concatenate([values, np.zeros((1, values.shape[1]))])
        return np.einsum("nk,nkc->nc", self.weights, padded[self.neighbours])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Weighted means of the neighbours' values, (n, c)."""
        return self.spread(values) / self.degree

    def strain(self, values: np.ndarray, stiffness: np.ndarray, tautness: float) -> np.ndarray:
        """Gradient of the energy of a plate that is also a membrane.

        Half that of ``sum(stiffness * (v - mean v)^2)`` over the vertices, and of ``tautness *
        (v - w)^2`` over the edges with their weights.
        """
        around = self.spread(values)
        bent = stiffness * (values - around / self.degree)
        strained = bent - self.spread(bent / self.degree)
        return strained + tautness * (self.total * values - around)

    def strain_diagonal(self, stiffness: np.ndarray, tautness: float) -> np.ndarray:
        """Diagonal of the matrix that `strain` multiplies by: (n, 1)."""
        padded = np.concatenate([stiffness / self.degree**2, [[0.0]]])[:, 0]
        bent = (self.weights**2 * padded[self.neighbours]).sum(axis=1, keepdims=True)
        return stiffness + bent + tautness * self.total

    def fill(self, values: np.ndarray, known: np.ndarray, iterations: int = 200) -> np.ndarray:
        """Continue values over vertices where they are not known, as a membrane does.

        Parameters
        ----------
        values : ndarray, (n, c) float
        known : ndarray, (n,) bool
        iterations : int
            Steps of conjugate gradients at most.

        Returns
        -------
        ndarray, (n, c) float64
            What is joined to no known vertex keeps the known ones' mean.
        """
        free = ~known[:, None]
        start = np.where(free, values[known].mean(axis=0), values)

        def apply(moved: np.ndarray) -> np.ndarray:
            return free * (self.total * moved - self.spread(moved))

        return start - solve(apply, apply(start), self.degree, iterations)


def solve(
    apply: Callable[[np.ndarray], np.ndarray], right: np.ndarray, diagonal: np.ndarray,
    iterations: int, tolerance: float = 1e-4,
) -> np.ndarray:
    """Preconditioned conjugate gradients (Hestenes and Stiefel 1952), from zero.

    Parameters
    ----------
    apply : function
        Product with a symmetric positive semidefinite matrix.
    right : ndarray, (n, c) float64
    diagonal : ndarray, (n, c) or (n, 1) float64
        Of the matrix, or near it; positive.
    iterations : int
        At most so many.
    tolerance : float
        Ends when the residual is this share of what it was.
    """
    solution = np.zeros_like(right)
    residual = right.copy()
    scaled = residual / diagonal
    direction = scaled.copy()
    energy = float((residual * scaled).sum())
    enough = energy * tolerance**2
    for _ in range(iterations):
        if energy <= enough:
            break
        product = apply(direction)
        step = energy / float((direction * product).sum())
        solution += step * direction
        residual -= step * product
        scaled = residual / diagonal
        before, energy = energy, float((residual * scaled).sum())
        direction = scaled + (energy / before) * direction
    return solution
