# SPDX-License-Identifier: GPL-3.0-or-later
"""Poisson surfaces by Open3D, which people may have installed; Face Depth does not bring it."""

import importlib.util

import numpy as np

from ..errors import PointCloudError
from .pointcloud import PointCloud


def has_open3d() -> bool:
    """Whether Open3D is installed in this Python."""
    return importlib.util.find_spec("open3d") is not None


def poisson_surface(cloud: PointCloud, size: float) -> tuple[np.ndarray, np.ndarray]:
    """The closed surface whose gradient is nearest to a cloud's normals.

    Parameters
    ----------
    cloud : PointCloud
        With normals, all to the outside.
    size : float
        Of the finest cells, in metres.

    Returns
    -------
    vertices : ndarray, (v, 3) float64
    triangles : ndarray, (t, 3) int64

    Raises
    ------
    PointCloudError
        Open3D is missing, or cannot be loaded.

    References
    ----------
    M. Kazhdan and H. Hoppe: Screened Poisson Surface Reconstruction, TOG 2013.
    """
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise PointCloudError(
            f"The package Open3D cannot be loaded ({error}): use the method Local, or repair it."
        ) from error
    points = open3d.geometry.PointCloud()
    points.points = open3d.utility.Vector3dVector(cloud.positions.astype(np.float64))
    points.normals = open3d.utility.Vector3dVector(cloud.normals.astype(np.float64))
    mesh, _ = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
        points, depth=0, width=size
    )
    return np.asarray(mesh.vertices).copy(), np.asarray(mesh.triangles).astype(np.int64)
