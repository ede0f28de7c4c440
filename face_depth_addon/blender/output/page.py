# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh object as a web page in which it can be turned."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from ...core.web_page import Corners, PageMesh, page_mesh, write_page
from ..attributes import COLOUR, UV
from ..mesh_edit import read_attribute
from .textures import jpeg_of


def write_html(item: bpy.types.Object, path: Path) -> int:
    """Write a mesh object as one web page that needs no network, with its photo.

    The page shows the object as Blender does: with modifiers, shape keys and what is being
    edited, turned and scaled as in the scene, from the front (numpad 1) at first. The
    texture of its material is shown; without one, or with several, the mesh's colours.

    Parameters
    ----------
    item : bpy.types.Object
        A mesh; it stays as it is.
    path : Path
        Its name ends in ``.html`` or ``.htm``.

    Returns
    -------
    int
        Number of vertices on the page.

    Raises
    ------
    MeshError
        The mesh has no faces.
    OutputError
    """
    image = _texture_of(item)
    texture = jpeg_of(image) if image else b""
    if item.mode == 'EDIT':
        item.update_from_editmode()
    graph = bpy.context.evaluated_depsgraph_get()
    evaluated = item.evaluated_get(graph)
    try:
        mesh = evaluated.to_mesh(preserve_all_data_layers=True, depsgraph=graph)
        shown = _page_mesh(mesh, np.array(item.matrix_world)[:3, :3], bool(texture))
    finally:
        evaluated.to_mesh_clear()
    write_page(path, shown, item.name, texture if shown.uvs is not None else b"")
    return len(shown.positions)


def _page_mesh(mesh: bpy.types.Mesh, matrix: np.ndarray, textured: bool) -> PageMesh:
    positions = read_attribute(mesh, "position", "vector", np.float32, 3 * len(mesh.vertices))
    corners = _corners(mesh, textured)
    colours = _colours(mesh, corners.vertices) if corners.uvs is None else None
    positions = positions.reshape(-1, 3) @ matrix.T.astype(np.float32)
    shown = page_mesh(positions, corners, colours)
    if np.linalg.det(matrix) < 0.0:
        # A mirrored object would be inside out.
        shown = replace(shown, faces=shown.faces[:, ::-1], sides=shown.sides[:, [1, 0, 2]])
    return shown


def _corners(mesh: bpy.types.Mesh, textured: bool) -> Corners:
    count = len(mesh.loops)
    starts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    mesh.calc_loop_triangles()
    triangles = np.empty((len(mesh.loop_triangles), 3), np.int32)
    mesh.loop_triangles.foreach_get("loops", triangles.ravel())
    layer = (mesh.uv_layers.get(UV) or mesh.uv_layers.active) if textured else None
    uvs = normals = None
    if layer is not None:
        uvs = read_attribute(mesh, layer.name, "vector", np.float32, 2 * count).reshape(-1, 2)
    if mesh.normals_domain != 'POINT':
        normals = np.empty((count, 3), np.float32)
        mesh.corner_normals.foreach_get("vector", normals.ravel())
    return Corners(
        read_attribute(mesh, ".corner_vert", "value", np.int32, count), starts, triangles, uvs,
        normals,
    )


def _colours(mesh: bpy.types.Mesh, corner_verts: np.ndarray) -> np.ndarray | None:
    """(n, 3) uint8, of a vertex that has several any of them; None where there are none."""
    attribute = mesh.color_attributes.get(COLOUR) or mesh.color_attributes.active_color
    if attribute is None:
        return None
    values = np.empty((len(attribute.data), 4), np.float32)
    attribute.data.foreach_get("color_srgb", values.ravel())
    colours = np.rint(255.0 * np.clip(values[:, :3], 0.0, 1.0)).astype(np.uint8)
    if attribute.domain == 'POINT':
        return colours
    of_vertices = np.zeros((len(mesh.vertices), 3), np.uint8)
    of_vertices[corner_verts] = colours
    return of_vertices


def _texture_of(item: bpy.types.Object) -> bpy.types.Image | None:
    """The picture, no data such as normals, that the object's materials show; None of several."""
    images = {
        node.image for slot in item.material_slots if slot.material and slot.material.node_tree
        for node in slot.material.node_tree.nodes if node.type == 'TEX_IMAGE' and node.image
        and not node.image.colorspace_settings.is_data
    }
    return images.pop() if len(images) == 1 else None
