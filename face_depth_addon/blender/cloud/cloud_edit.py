# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleans point clouds."""

from itertools import compress

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ...core.cloud.neighbours import spacing
from ...core.cloud.pointcloud import (
    PointCloud,
    averaged,
    radius_outliers,
    statistical_outliers,
    voxels,
)
from ...core.cloud.smoothing import smooth
from ...core.errors import PointCloudError
from ..mesh_edit import editable, has_selection, read_attribute
from .cloud_object import read_points, write_points

# With five others asked for, this spares the sparse points of a relief's steep sides.
_RADIUS_SPACINGS = 5.0


def thin(mesh: bpy.types.Mesh, size: float) -> int:
    """Leave one point in each cube, at the middle of those that were there.

    Like all that is done here, on the selected points or, without any, on all; hidden ones
    stay as they are.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        A cloud, not in Edit Mode and without shape keys.
    size : float
        Side of the cubes, in metres.

    Returns
    -------
    int
        How many points went.

    Raises
    ------
    PointCloudError
    """
    _refuse_keys(mesh)
    chosen = np.flatnonzero(_chosen(mesh))
    if not len(chosen):
        return 0
    cloud = read_points(mesh)
    part = cloud.keep(chosen)
    order, starts = voxels(part.positions, size)
    kept = chosen[order[starts]]
    means = averaged(part, order, starts)
    cloud.positions[kept], cloud.colours[kept] = means.positions, means.colours
    if cloud.normals is not None:
        cloud.normals[kept] = means.normals
    write_points(mesh, cloud)
    gone = np.zeros(len(cloud.positions), bool)
    gone[chosen] = True
    gone[kept] = False
    return _remove(mesh, gone)


def remove_statistical(mesh: bpy.types.Mesh, neighbours: int, ratio: float) -> int:
    """Remove points unusually far from their neighbours; see `thin`.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    neighbours, ratio
        As in `core.cloud.pointcloud.statistical_outliers`.
    """
    points = read_points(mesh).positions
    return _remove(mesh, statistical_outliers(points, neighbours, ratio) & _chosen(mesh))


def remove_sparse(mesh: bpy.types.Mesh, radius: float, least: int) -> int:
    """Remove points with too few others around; see `thin`.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    radius, least
        As in `core.cloud.pointcloud.radius_outliers`; 0 for a radius that suits the points'
        spacing.
    """
    points = read_points(mesh).positions
    radius = radius or _RADIUS_SPACINGS * spacing(points)
    if not radius:
        raise PointCloudError("The points lie on one another: choose a radius.")
    return _remove(mesh, radius_outliers(points, radius, least) & _chosen(mesh))


def smooth_points(mesh: bpy.types.Mesh, width: float) -> float:
    """Even out noise across the surface that the points make; see `thin`.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Without shape keys.
    width : float
        As in `core.cloud.smoothing.smooth`.

    Returns
    -------
    float
        Mean way that the points went, in metres.
    """
    _refuse_keys(mesh)
    chosen = _chosen(mesh)
    before = read_points(mesh)
    after = smooth(before, width)
    where = chosen[:, np.newaxis]
    positions = np.where(where, after.positions, before.positions)
    normals = None
    if before.normals is not None:
        normals = np.where(where, after.normals, before.normals)
    write_points(mesh, PointCloud(positions, before.colours, normals))
    ways = np.linalg.norm(positions - before.positions, axis=1)[chosen]
    return float(ways.mean()) if len(ways) else 0.0


def _chosen(mesh: bpy.types.Mesh) -> np.ndarray:
    """The points that may change: (n,) bool."""
    count = len(mesh.vertices)
    chosen = ~read_attribute(mesh, ".hide_vert", "value", bool, count)
    if has_selection(mesh):
        chosen &= read_attribute(mesh, ".select_vert", "value", bool, count)
    return chosen


def _remove(mesh: bpy.types.Mesh, gone: np.ndarray) -> int:
    """Delete points and return how many; all else that hangs on the others stays."""
    count = int(gone.sum())
    if count == len(gone):
        raise PointCloudError(
            "All points would be removed: choose a larger radius or ratio, or fewer neighbours."
        )
    if count:
        with editable(mesh) as edited:
            bmesh.ops.delete(edited, geom=list(compress(edited.verts, gone)), context='VERTS')
    return count


def _refuse_keys(mesh: bpy.types.Mesh) -> None:
    if mesh.shape_keys is not None:
        raise PointCloudError(
            f"The mesh {mesh.name} has shape keys: remove or apply them first."
        )
