# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth of a reconstructed mesh as a grey float image."""

import bpy
import numpy as np

from ...core.errors import MeshError
from ..attributes import DEPTH, UV
from ..mesh_edit import has_selection, readable

_FAR, _NEAR = "face_depth_far_m", "face_depth_near_m"


def depth_image(item: bpy.types.Object) -> bpy.types.Image:
    """The mesh's depth as an image: white is near, black far, transparent outside.

    It is the depth of the mesh as it is now, edited or not, of the selected vertices if
    there are any. They are placed by their UV coordinates, at the grid's own resolution.

    Parameters
    ----------
    item : bpy.types.Object
        With the attribute ``depth`` and a UV map.

    Raises
    ------
    MeshError
    """
    with readable(item.data) as mesh:
        depth, uvs, cell = _read(mesh, has_selection(item.data))
    if not len(depth):
        raise MeshError("The selected vertices are in no face: select others, or none for all.")
    size = int(np.clip(round(1.0 / max(cell, 1e-4)), 16, 2048))
    # In whole cells from the first vertex, so that no rounding leaves a row empty.
    start = uvs.min(axis=0)
    cells = np.rint((uvs - start) * size) + np.floor(start * size)
    columns, rows = np.clip(cells.astype(int), 0, size - 1).T
    far, near = float(depth.min()), float(depth.max())
    pixels = np.zeros((size, size, 4), np.float32)
    pixels[rows, columns, :3] = ((depth - far) / max(near - far, 1e-6))[:, None]
    pixels[rows, columns, 3] = 1.0
    name = f"{item.name} depth"
    image = bpy.data.images.get(name)
    if image is None or _FAR not in image or tuple(image.size) != (size, size):
        image = bpy.data.images.new(
            name, size, size, alpha=True, float_buffer=True, is_data=True
        )
    image.pixels.foreach_set(pixels.ravel())
    image[_FAR], image[_NEAR] = far, near
    image.pack()
    image.update()
    return image


def _read(
    mesh: bpy.types.Mesh, selected_only: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Depth (n,) and UV coordinates (n, 2) of vertices in faces, and the UV grid's cell."""
    if DEPTH not in mesh.attributes or not mesh.uv_layers or not mesh.loops:
        raise MeshError(f"The mesh {mesh.name} has no depth: reconstruct it with Face Depth.")
    positions = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.attributes["position"].data.foreach_get("vector", positions.ravel())
    layer = mesh.uv_layers.get(UV) or mesh.uv_layers.active
    corner_uvs = np.empty((len(mesh.loops), 2), np.float32)
    layer.uv.foreach_get("vector", corner_uvs.ravel())
    corner_verts = np.empty(len(mesh.loops), np.int32)
    mesh.attributes[".corner_vert"].data.foreach_get("value", corner_verts)
    uvs = np.full((len(mesh.vertices), 2), np.nan, np.float32)
    uvs[corner_verts] = corner_uvs
    used = np.isfinite(uvs[:, 0])
    if selected_only:
        selected = np.empty(len(mesh.vertices), bool)
        mesh.vertices.foreach_get("select", selected)
        used &= selected
    # Most neighbours in this order are neighbours in the grid.
    steps = np.abs(np.diff(corner_uvs, axis=0)).max(axis=1)
    return -positions[used, 1], uvs[used], float(np.median(steps))
