# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh through the points of a cloud."""

from dataclasses import replace
from typing import Literal

import bpy
import numpy as np

from ...core.cloud.pointcloud import PointCloud, estimate_normals
from ...core.cloud.surface import CloudSurface, SurfaceMethod, face_size, surface_through
from ...core.errors import PointCloudError
from .cloud_object import add_colours, add_object, colour_layer, read_points

Facing = Literal["FRONT", "OUTWARDS"]

# Where a cloud lacks normals, so many points make a plane.
_PLANE = 16


def cloud_to_mesh(
    context: bpy.types.Context, item: bpy.types.Object, size: float = 0.0,
    method: SurfaceMethod = "LOCAL", facing: Facing = "FRONT",
) -> tuple[bpy.types.Object, float]:
    """A mesh object through a cloud's points, in their colours and where the cloud stands.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        A cloud, not in Edit Mode.
    size : float
        Of the faces, in metres; 0 for one that suits the points' spacing.
    method : str
        ``POISSON`` needs Open3D.
    facing : str
        For clouds without normals: where the surface's outside is.

    Returns
    -------
    item : bpy.types.Object
        The one selected object.
    size : float
        Of the faces, in metres.

    Raises
    ------
    PointCloudError
    """
    cloud = _with_normals(read_points(item.data), facing)
    size = size or face_size(cloud)
    if not size > 0.0:
        raise PointCloudError("The points lie on one another: choose a size of faces.")
    surface = surface_through(cloud, size, method)
    mesh = _new_mesh(f"{item.name} surface", surface)
    return add_object(context, mesh.name, mesh, item.matrix_world), size


def _with_normals(cloud: PointCloud, facing: Facing) -> PointCloud:
    if cloud.normals is not None:
        return cloud
    towards: np.ndarray | tuple[float, float, float] = (0.0, -1.0, 0.0)
    if facing == "OUTWARDS":
        towards = cloud.positions - cloud.positions.mean(axis=0)
    return replace(cloud, normals=estimate_normals(cloud.positions, _PLANE, towards))


def _new_mesh(name: str, surface: CloudSurface) -> bpy.types.Mesh:
    count, sides = surface.faces.shape
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(surface.positions))
    mesh.loops.add(count * sides)
    mesh.polygons.add(count)
    mesh.attributes["position"].data.foreach_set("vector", surface.positions.ravel())
    starts = np.arange(0, count * sides, sides, dtype=np.int32)
    mesh.polygons.foreach_set("loop_start", starts)
    mesh.loops.foreach_set("vertex_index", surface.faces.ravel())
    mesh.update(calc_edges=True)
    add_colours(mesh)
    colours = surface.colours / np.float32(255.0)
    colour_layer(mesh).data.foreach_set("color_srgb", colours.ravel())
    return mesh
