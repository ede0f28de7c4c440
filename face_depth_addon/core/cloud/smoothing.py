# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing of point clouds. Needs numpy and OpenCV."""

import numpy as np

from .neighbours import neighbourhoods
from .pointcloud import PointCloud, unit, voxel_downsample

# The Gaussian is taken over this many points that are half its width apart: to twice its width.
_SMOOTHED = 48


def smooth(cloud: PointCloud, width: float) -> PointCloud:
    """Even out noise: move the points along their normals to a Gaussian mean around them.

    What the mean would take off a curved surface is put back by smoothing the moves as well
    (Tukey's twicing), so that noses do not shrink. Normals are averaged likewise.

    Parameters
    ----------
    cloud : PointCloud
    width : float
        Standard deviation of the Gaussian, in metres.

    Returns
    -------
    PointCloud
        The same points in the same order.

    Raises
    ------
    ValueError
        ``width`` is not positive.
    PointCloudError
        A position is not finite, or OpenCV is missing.
    """
    if not width > 0.0:
        raise ValueError(f"width must be positive, not {width}")
    if not len(cloud.positions):
        return cloud
    sources = voxel_downsample(cloud, 0.5 * width)
    source_moves, _ = _to_mean(sources, sources, width, np.zeros(sources.positions.shape))
    moves, normals = _to_mean(cloud, sources, width, source_moves)
    return PointCloud(
        (cloud.positions + moves).astype(np.float32), cloud.colours,
        None if cloud.normals is None else normals.astype(np.float32),
    )


def _to_mean(
    cloud: PointCloud, sources: PointCloud, width: float, source_moves: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The way along its mean normal that each point has to go, and that normal: (n, 3) each.

    The way is to the mean of the sources around it, less the mean of their own moves.
    """
    moves, normals = (np.empty(cloud.positions.shape) for _ in range(2))
    for rows, indices, squares in neighbourhoods(sources.positions, _SMOOTHED, cloud.positions):
        # From the nearest on, or far from the others all weights would be 0.
        weights = np.exp((squares[:, :1] - squares) / (2.0 * width * width))[:, :, np.newaxis]
        weights /= weights.sum(axis=1, keepdims=True)
        points = sources.positions[indices]
        mean = (weights * points).sum(axis=1)
        if sources.normals is None:
            around = weights**0.5 * (points - mean[:, np.newaxis])
            normal = np.linalg.eigh(around.transpose(0, 2, 1) @ around)[1][:, :, 0]
        else:
            normal = unit((weights * sources.normals[indices]).sum(axis=1))
        way = mean - cloud.positions[rows] - (weights * source_moves[indices]).sum(axis=1)
        moves[rows] = (way * normal).sum(axis=1, keepdims=True) * normal
        normals[rows] = normal
    return moves, normals
