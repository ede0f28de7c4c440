# SPDX-License-Identifier: GPL-3.0-or-later
"""Coloured point clouds: thinning, outliers and normals.

Thinning and outliers follow the legacy ``geometry::PointCloud`` of Open3D 0.20
(``cpp/open3d/geometry/PointCloud.cpp``), so that its settings carry over. All results
depend on the input alone. Needs numpy only, but OpenCV for all but thinning.
"""

from dataclasses import dataclass

import numpy as np

from .neighbours import neighbourhoods

# A neighbourhood narrower than a ten-thousandth of its length is a line.
_LINE = 1e-8


@dataclass(frozen=True)
class PointCloud:
    """Coloured points.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
        Metres.
    colours : ndarray, (n, 4) uint8
        sRGB and alpha.
    normals : ndarray, (n, 3) float32, optional
        Unit vectors.
    """

    positions: np.ndarray
    colours: np.ndarray
    normals: np.ndarray | None = None

    def keep(self, points: np.ndarray) -> "PointCloud":
        """The cloud of some ``points`` only: (n,) bool, or their indices."""
        normals = None if self.normals is None else self.normals[points]
        return PointCloud(self.positions[points], self.colours[points], normals)


def voxel_downsample(cloud: PointCloud, size: float) -> PointCloud:
    """One point for each cube that holds any: the mean of the cube's points.

    As in Open3D, the first cubes are centred on the cloud's lower bounds, and colours are
    averaged as they are stored, in sRGB. Unlike there, normals come out with unit length
    (zero where they cancel) and points in the order of their cubes: by x, then y, then z.

    Parameters
    ----------
    cloud : PointCloud
    size : float
        Side of the cubes, in metres.

    Returns
    -------
    PointCloud

    Raises
    ------
    ValueError
        ``size`` is not positive.
    """
    if not len(cloud.positions):
        return cloud
    return averaged(cloud, *voxels(cloud.positions, size))


def averaged(cloud: PointCloud, order: np.ndarray, starts: np.ndarray) -> PointCloud:
    """One point for each group of points that `voxels` has found."""
    counts = np.diff(starts, append=len(order))[:, np.newaxis]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values[order].astype(np.float64), starts, axis=0) / counts

    normals = None if cloud.normals is None else unit(mean(cloud.normals)).astype(np.float32)
    return PointCloud(
        mean(cloud.positions).astype(np.float32),
        np.floor(mean(cloud.colours) + 0.5).astype(np.uint8),
        normals,
    )


def voxels(positions: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Which points share a cube of the grid that `voxel_downsample` lays.

    Parameters
    ----------
    positions : ndarray, (n, 3) float32
        At least one.
    size : float

    Returns
    -------
    order : ndarray, (n,) intp
        The points cube by cube, within each in the order they had.
    starts : ndarray, (v,) intp
        Where in ``order`` each cube begins.

    Raises
    ------
    ValueError
        ``size`` is not positive.
    """
    _check_positive("size", size)
    positions = positions.astype(np.float64)
    cells = np.floor((positions - positions.min(axis=0) + 0.5 * size) / size)
    order = np.lexsort(cells.T[::-1])
    new = np.any(np.diff(cells[order], axis=0) != 0.0, axis=1)
    return order, np.append(0, np.flatnonzero(new) + 1)


def statistical_outliers(positions: np.ndarray, neighbours: int, ratio: float) -> np.ndarray:
    """Points that are farther from their neighbours than is usual in the cloud.

    Open3D's ``RemoveStatisticalOutliers`` (after PCL's filter of that name): each point has
    the mean distance of its nearest points, itself counted among them. It stays if that is
    positive and below the mean over all points plus ``ratio`` standard deviations (n - 1).
    So a point that as many others coincide with is an outlier too; it counts with 0 in the
    mean and not at all in the squares.

    Parameters
    ----------
    positions : ndarray, (n, 3) float32
    neighbours : int
        How many nearest points count, the point itself included.
    ratio : float
        The higher, the fewer outliers.

    Returns
    -------
    ndarray, (n,) bool
        True for outliers.

    Raises
    ------
    ValueError
        A setting is not positive.
    PointCloudError
        A position is not finite, or OpenCV is missing.
    """
    _check_positive("ratio", ratio)
    distances = np.zeros(len(positions))
    for rows, _, squares in neighbourhoods(positions, neighbours):
        distances[rows] = np.sqrt(squares, dtype=np.float64).mean(axis=1)
    apart = distances > 0.0
    if not apart.any():
        return ~apart
    mean = distances.mean()
    deviation = np.sqrt(np.sum((distances[apart] - mean) ** 2) / (len(distances) - 1))
    return ~(apart & (distances < mean + ratio * deviation))


def radius_outliers(positions: np.ndarray, radius: float, least: int) -> np.ndarray:
    """Points with too few others around them.

    Open3D's ``RemoveRadiusOutliers``: it keeps a point if more than ``least`` points,
    itself counted among them, are nearer than ``radius``.

    Parameters
    ----------
    positions : ndarray, (n, 3) float32
    radius : float
        Metres.
    least : int
        How many other points must be nearer.

    Returns
    -------
    ndarray, (n,) bool
        True for outliers.

    Raises
    ------
    ValueError
        A setting is not positive.
    PointCloudError
        A position is not finite, or OpenCV is missing.
    """
    _check_positive("radius", radius)
    _check_positive("least", least)
    outliers = np.ones(len(positions), dtype=bool)
    # Counting all points inside could mean millions; the farthest needed one tells as much.
    for rows, indices, squares in neighbourhoods(positions, least + 1):
        if indices.shape[1] > least:
            outliers[rows] = squares[:, least] >= radius**2
    return outliers


def estimate_normals(
    positions: np.ndarray, neighbours: int, towards: np.ndarray | tuple[float, float, float]
) -> np.ndarray:
    """Normals of the planes through each point's neighbourhood, by principal components.

    Parameters
    ----------
    positions : ndarray, (n, 3) float32
    neighbours : int
        How many nearest points make a plane, the point itself included: at least 3.
    towards : ndarray, (3,) or (n, 3)
        Direction to the camera, of any length, common or of each point.

    Returns
    -------
    ndarray, (n, 3) float32
        Unit vectors on the camera's side; ``towards`` itself where neighbours lie on a line.

    Raises
    ------
    ValueError
        ``neighbours`` is not positive.
    PointCloudError
        A position is not finite, or OpenCV is missing.

    References
    ----------
    H. Hoppe et al.: Surface Reconstruction from Unorganized Points, SIGGRAPH 1992.
    """
    towards = unit(np.atleast_2d(np.asarray(towards, dtype=np.float64)))
    towards = np.broadcast_to(towards, (len(positions), 3))
    normals = np.empty((len(positions), 3), np.float32)
    for rows, indices, _ in neighbourhoods(positions, neighbours):
        around = positions[indices].astype(np.float64)
        around -= around.mean(axis=1, keepdims=True)
        spread, axes = np.linalg.eigh(around.transpose(0, 2, 1) @ around)
        normal, facing = axes[:, :, 0], towards[rows]
        away = (normal * facing).sum(axis=1) < 0.0
        line = spread[:, 1] <= _LINE * spread[:, 2]
        normal[away] *= -1.0
        normals[rows] = np.where(line[:, np.newaxis], facing, normal)
    return normals


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} must be positive, not {value}")


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors, (n, 3), at length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0.0, length, 1.0)
