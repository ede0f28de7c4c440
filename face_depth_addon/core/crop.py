# SPDX-License-Identifier: GPL-3.0-or-later
"""An upright square cut from a photo, and the way back. Needs numpy only."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Crop:
    """A square in the photo, turned by ``roll``.

    Attributes
    ----------
    x, y : float
        Centre, in continuous photo pixels.
    side : float
        Length of a side, in photo pixels.
    roll : float
        Angle of the crop's x axis in the photo, in radians, clockwise as seen.
    """

    x: float
    y: float
    side: float
    roll: float = 0.0

    def to_photo(self, size: int) -> np.ndarray:
        """Affine map from crop pixels to photo pixels.

        Parameters
        ----------
        size : int
            Width and height in pixels at which the crop is sampled.

        Returns
        -------
        ndarray, (2, 3) float64
            Matrix ``M`` with ``photo = M @ (u, v, 1)``, both continuous.
        """
        scale = self.side / size
        axis = np.array([np.cos(self.roll), np.sin(self.roll)])
        linear = scale * np.array([[axis[0], -axis[1]], [axis[1], axis[0]]])
        offset = np.array([self.x, self.y]) - linear @ np.full(2, size / 2)
        return np.column_stack([linear, offset])

    def from_photo(self, size: int) -> np.ndarray:
        """Affine map from photo pixels to crop pixels; inverse of `to_photo`."""
        return invert_affine(self.to_photo(size))


def invert_affine(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a (2, 3) affine map, again (2, 3) float64."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def transform_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a (2, 3) affine map to (n, 2) points; returns (n, 2) float64."""
    return points @ matrix[:, :2].T + matrix[:, 2]
