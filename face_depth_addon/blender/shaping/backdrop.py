# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo on a plane behind the mesh."""

import bpy
import numpy as np

from ...core.errors import MeshError
from ...core.relief.shaping import Shape, Viewpoint
from ..attributes import UV
from ..material import photo_material
from .companions import attach, companion_of, companions
from .shape import applied, floats, require_shape, shaped
from .shape_nodes import seen_shape

# How far behind the mesh the plane lies, in sides of the photo.
_GAP = 0.002
# Anticlockwise as the camera sees them, from the lower left: x and y in halves of the photo.
_CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)


def add_backdrop(item: bpy.types.Object) -> bpy.types.Object:
    """Put the whole photo on a plane behind a mesh object, as its child.

    Through the camera of `camera.add_camera` the plane shows the photo where it was. It follows the
    mesh's sliders. The plane that the object has already is used again.

    Parameters
    ----------
    item : bpy.types.Object

    Returns
    -------
    bpy.types.Object

    Raises
    ------
    MeshError
        The mesh does not say what it was made from, or holds no photo.
    """
    mesh = item.data
    require_shape(mesh)
    image = mesh.face_depth.backdrop_image
    if image is None:
        raise MeshError(f"The mesh {mesh.name} does not hold its photo: reconstruct it again.")
    holder = companion_of(item, "backdrop")
    if holder is None:
        name = f"{item.name} backdrop"
        plane = bpy.data.meshes.new(name)
        plane.materials.append(photo_material(name, image))
        holder = bpy.data.objects.new(name, plane)
    attach(holder, item, "backdrop")
    if not _is_plane(holder):
        _fill(holder.data)
    match_backdrop(holder, mesh)
    return holder


def _is_plane(holder: bpy.types.Object) -> bool:
    """Whether nobody has edited it since it was made."""
    return len(holder.data.vertices) == len(_CORNERS) and not holder.data.is_editmode


def _fill(plane: bpy.types.Mesh) -> None:
    plane.clear_geometry()
    plane.from_pydata([(x, 0.0, z) for x, z in _CORNERS], [], [(0, 1, 2, 3)])
    uvs = (_CORNERS + 1.0) / 2.0
    layer = plane.uv_layers.get(UV) or plane.uv_layers.new(name=UV)
    layer.uv.foreach_set("vector", uvs.astype(np.float32).ravel())


def follow(mesh: bpy.types.Mesh) -> None:
    """Bring the planes that were added to a mesh to where they line up with it."""
    for holder in companions(mesh, "backdrop"):
        if _is_plane(holder):
            match_backdrop(holder, mesh)


def match_backdrop(holder: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
    """Bring a plane behind the farthest point of a mesh, where the camera sees it as the photo."""
    settings = mesh.face_depth
    shape, viewpoint = seen_shape(holder.parent)
    lengths = np.array(settings.photo_size) * settings.metres_per_pixel
    behind = _farthest(mesh, shape, viewpoint) + _GAP * lengths.max()
    places = _photo_corners(lengths / 2.0, settings.roll, viewpoint)
    if shape.projection == "PERSPECTIVE":
        middle = np.array(viewpoint.axis)
        growth = (viewpoint.anchor + behind) / viewpoint.distance
        places = places + growth * (places - middle)
    corners = np.column_stack([places[:, 0], np.full(4, behind), places[:, 1]])
    holder.data.attributes["position"].data.foreach_set(
        "vector", corners.astype(np.float32).ravel()
    )
    holder.data.update()
    holder.matrix_parent_inverse.identity()
    holder.matrix_basis.identity()


def _farthest(mesh: bpy.types.Mesh, shape: Shape, viewpoint: Viewpoint) -> float:
    """How far behind the subject's centre the mesh reaches, with its modifier's shape."""
    behind = floats(mesh, "position", 3)[:, 1]
    if (shape, viewpoint) != applied(mesh):
        change = shaped(mesh, shape, viewpoint) - shaped(mesh, *applied(mesh))
        behind = behind + change[:, 1]
    return float(behind.max()) if len(behind) else 0.0


def _photo_corners(halves: np.ndarray, roll: float, viewpoint: Viewpoint) -> np.ndarray:
    """The photo's corners in the picture's plane: (4, 2) x, z in metres."""
    right = np.array([np.cos(roll), np.sin(roll)])
    across, up = (_CORNERS * halves).T
    return np.array(viewpoint.axis) + across[:, None] * right + up[:, None] * (-right[1], right[0])
