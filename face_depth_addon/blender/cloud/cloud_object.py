# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds as objects: meshes of vertices alone, which a modifier shows as points."""

from typing import Literal

import bpy
import numpy as np
from mathutils import Matrix

from ...core.cloud.pointcloud import PointCloud
from ...core.errors import MeshError
from ..attributes import COLOUR
from ..linking import link_object, select_alone
from ..mesh_edit import read_attribute
from ..packages import require_packages
from .cloud_nodes import NORMAL, colour_material, show_points

Source = Literal["MESH", "DEPTH"]

# Of the points' spacing: they overlap a little, so that no gaps shine through.
_RADIUS_SPACINGS = 0.75


def is_cloud(mesh: bpy.types.Mesh) -> bool:
    """Whether a mesh has vertices and nothing between them."""
    return len(mesh.vertices) > 0 and not len(mesh.edges) and not len(mesh.polygons)


def cloud_of(
    context: bpy.types.Context, item: bpy.types.Object, source: Source = "MESH"
) -> PointCloud:
    """The points of a cloud or of a mesh object, in its own frame.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        Not in Edit Mode.
    source : str
        ``MESH`` for the vertices, of a mesh as it is seen with its modifiers; ``DEPTH`` for a
        point of each pixel of the photo that the mesh was made from, shaped as the mesh is but
        without what was sculpted on it.

    Raises
    ------
    MeshError
        There are no vertices, or the mesh holds no depth.
    """
    if source == "DEPTH":
        return _depth_cloud(item)
    return read_points(item.data) if is_cloud(item.data) else _mesh_cloud(context, item)


def _mesh_cloud(context: bpy.types.Context, item: bpy.types.Object) -> PointCloud:
    seen = item.evaluated_get(context.evaluated_depsgraph_get())
    mesh = seen.to_mesh()
    try:
        if mesh is None or not len(mesh.vertices):
            raise MeshError(f"The mesh {item.name} has no vertices to make points of.")
        return read_points(mesh)
    finally:
        seen.to_mesh_clear()


def _depth_cloud(item: bpy.types.Object) -> PointCloud:
    require_packages()
    from ...core.cloud.dense import dense_cloud
    from ..shaping.shape import layout_of, require_shape
    from ..shaping.shape_nodes import seen_shape
    from ..stored import stored

    mesh = item.data
    require_shape(mesh)
    result = stored(mesh)
    image = mesh.face_depth.photo_image
    width, height = image.size
    if width != height:
        raise MeshError(f"The image {image.name} is not square any more.")
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    rows = pixels.reshape(height, width, image.channels)[::-1, :, :3]
    photo = np.rint(255.0 * rows).astype(np.uint8)
    return dense_cloud(
        result, photo, layout_of(mesh), *seen_shape(item), tuple(mesh.face_depth.span)
    )


def read_points(mesh: bpy.types.Mesh) -> PointCloud:
    """The vertices of a mesh, white where it has no colours.

    Normals are those of the attribute ``normal`` or, in a mesh with faces, of the vertices;
    elsewhere there are none.
    """
    count = len(mesh.vertices)
    positions = read_attribute(mesh, "position", "vector", np.float32, 3 * count)
    normals = None
    if len(mesh.polygons):
        normals = np.empty(3 * count, np.float32)
        mesh.vertex_normals.foreach_get("vector", normals)
    elif NORMAL in mesh.attributes and mesh.attributes[NORMAL].data_type == 'FLOAT_VECTOR':
        normals = read_attribute(mesh, NORMAL, "vector", np.float32, 3 * count)
    colours = np.full((count, 4), 255, np.uint8)
    layer = colour_layer(mesh)
    if layer is not None:
        values = np.empty(4 * count, np.float32)
        layer.data.foreach_get("color_srgb", values)
        colours = np.rint(255.0 * values.clip(0.0, 1.0)).astype(np.uint8).reshape(-1, 4)
    return PointCloud(
        positions.reshape(-1, 3), colours, None if normals is None else normals.reshape(-1, 3)
    )


def write_points(mesh: bpy.types.Mesh, cloud: PointCloud) -> None:
    """Write positions, and the colours and normals that both have, to a mesh of as many points."""
    mesh.attributes["position"].data.foreach_set("vector", cloud.positions.ravel())
    layer = colour_layer(mesh)
    if layer is not None:
        colours = cloud.colours / np.float32(255.0)
        layer.data.foreach_set("color_srgb", colours.ravel())
    if cloud.normals is not None and NORMAL in mesh.attributes:
        mesh.attributes[NORMAL].data.foreach_set("vector", cloud.normals.ravel())
    mesh.update()


def colour_layer(mesh: bpy.types.Mesh) -> bpy.types.Attribute | None:
    """The colours of a mesh's vertices: Face Depth's, or else those that are active."""
    for layer in (mesh.color_attributes.get(COLOUR), mesh.color_attributes.active_color):
        if layer is not None and layer.domain == 'POINT':
            return layer
    return None


def add_cloud(
    context: bpy.types.Context, name: str, cloud: PointCloud, matrix: Matrix | None = None,
    radius: float = 0.0,
) -> bpy.types.Object:
    """A cloud as the one selected object.

    Parameters
    ----------
    context : bpy.types.Context
        Whose collection it is linked to.
    name : str
    cloud : PointCloud
    matrix : Matrix, optional
        Where it is put in the world.
    radius : float
        Of the points as they are shown, in metres; 0 for one that suits their spacing.

    Raises
    ------
    PointCloudError
        OpenCV, which measures the spacing, is missing.
    """
    if not radius:
        from ...core.cloud.neighbours import spacing

        radius = _RADIUS_SPACINGS * spacing(cloud.positions)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(cloud.positions))
    if cloud.normals is not None:
        mesh.attributes.new(NORMAL, 'FLOAT_VECTOR', 'POINT')
    add_colours(mesh)
    write_points(mesh, cloud)
    item = add_object(context, name, mesh, matrix)
    show_points(item, radius)
    return item


def add_colours(mesh: bpy.types.Mesh) -> None:
    """Give a mesh colours of its vertices, as those that are shown, and a material with them."""
    mesh.attributes.new(COLOUR, 'BYTE_COLOR', 'POINT')
    index = mesh.color_attributes.find(COLOUR)
    mesh.color_attributes.active_color_index = index
    mesh.color_attributes.render_color_index = index
    mesh.materials.append(colour_material(by_normals=NORMAL in mesh.attributes))


def add_object(
    context: bpy.types.Context, name: str, mesh: bpy.types.Mesh, matrix: Matrix | None
) -> bpy.types.Object:
    """Link a mesh to the scene as the one selected object."""
    item = bpy.data.objects.new(name, mesh)
    if matrix is not None:
        item.matrix_world = matrix
    link_object(context, item)
    select_alone(context, item)
    return item
