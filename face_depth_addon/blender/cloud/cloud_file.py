# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds from and to PLY files."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from ...core.cloud.ply import decode_ply, encode_ply
from ...core.cloud.pointcloud import PointCloud, unit
from ...core.errors import PointCloudError
from ...core.files import write_whole
from .cloud_object import Source, add_cloud, cloud_of


def export_cloud(
    context: bpy.types.Context, item: bpy.types.Object, path: Path, scale: float = 1.0,
    source: Source = "MESH",
) -> int:
    """Write a cloud's or a mesh's points, as they lie in the world, to a binary PLY file.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        Not in Edit Mode.
    path : Path
        The file appears whole or not at all.
    scale : float
        Units of the file in a metre.
    source : str
        As for `cloud_object.cloud_of`.

    Returns
    -------
    int
        How many points.

    Raises
    ------
    OutputError
        The file cannot be written.
    MeshError
        There are no points.
    """
    cloud = cloud_of(context, item, source)
    write_whole(path, encode_ply(placed(cloud, Matrix.Scale(scale, 4) @ item.matrix_world)))
    return len(cloud.positions)


def import_cloud(
    context: bpy.types.Context, path: Path, scale: float = 1.0, radius: float = 0.0
) -> bpy.types.Object:
    """A cloud of the points of a PLY file, as the one selected object.

    Parameters
    ----------
    context : bpy.types.Context
    path : Path
    scale : float
        Metres in a unit of the file.
    radius : float
        Of the points as they are shown, in metres; 0 for one that suits their spacing.

    Raises
    ------
    PointCloudError
        The file cannot be read, or holds no points.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PointCloudError(f"{path} cannot be read ({error.strerror}).") from error
    cloud = placed(decode_ply(data), Matrix.Scale(scale, 4))
    return add_cloud(context, path.stem, cloud, radius=radius)


def placed(cloud: PointCloud, matrix: Matrix) -> PointCloud:
    """A cloud moved, turned and scaled by a (4, 4) matrix; bit by bit the same where it does not.

    Parameters
    ----------
    cloud : PointCloud
    matrix : Matrix
    """
    if matrix == Matrix.Identity(4):
        return cloud
    full = np.array(matrix)
    linear = full[:3, :3]
    positions = (cloud.positions @ linear.T + full[:3, 3]).astype(np.float32)
    normals = cloud.normals
    if normals is not None:
        # By the cofactors, which also serve where the matrix is flat.
        cofactors = np.stack([np.cross(linear[i - 2], linear[i - 1]) for i in range(3)])
        if np.linalg.det(linear) < 0.0:
            cofactors = -cofactors
        normals = unit(normals @ cofactors.T).astype(np.float32)
    return replace(cloud, positions=positions, normals=normals)
