# SPDX-License-Identifier: GPL-3.0-or-later
"""Completes a turned head by its mirror image, as an object of its own."""

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...core.errors import MeshError
from ...core.face.regions import region_mask
from ..attributes import COLOUR, PLANE, SEEN, UV
from ..linking import link_object, select_alone
from ..material import pack_image, photo_material
from ..mesh_edit import read_attribute
from ..packages import require_packages
from ..shaping.shape import applied, floats, require_shape, shaped
from ..shaping.shape_nodes import seen_shape
from ..stored import stored

if TYPE_CHECKING:
    from ...core.head.completion import CompletedHead
    from ...core.reconstruction import Reconstruction


def complete_object(
    context: bpy.types.Context, item: bpy.types.Object, hide_original: bool = True
) -> bpy.types.Object:
    """Add an object in which a head also has the side that the photo hides.

    The mesh it is made from keeps its sliders and all edits; it is completed as it is now, by its
    basis if it has shape keys, without other modifiers than the one of Face Depth.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        With a mesh that holds its reconstruction, not in Edit Mode.
    hide_original : bool
        Hide it, so that the two do not overlap.

    Returns
    -------
    bpy.types.Object
        In the same place; the one that is selected.

    Raises
    ------
    MeshError
        The mesh holds no reconstruction of a face, or too little of it is seen on both sides.
    """
    require_packages()
    from ...core.head.texture import encoded_texture

    result = stored(item.data)
    head = completed_head(item, result)
    mesh = write_mesh(
        f"{item.name} completed", head.positions, head.faces, head.colours, head.uvs[head.faces],
        encoded_texture(head, result),
    )
    mesh.attributes.new(SEEN, 'FLOAT', 'POINT').data.foreach_set("value", head.seen)
    return add_beside(context, item, mesh, hide_original)


def completed_head(item: bpy.types.Object, result: "Reconstruction") -> "CompletedHead":
    """The head that a relief shows, with the mirror image of what it does not show.

    Parameters
    ----------
    item : bpy.types.Object
        Not in Edit Mode.
    result : Reconstruction
        What its mesh was made from.

    Raises
    ------
    MeshError
        The mesh is no relief of a face, or too little of it is seen on both sides.
    """
    from ...core.head.completion import complete_head
    from ...core.interpolation import sample

    mesh = item.data
    require_shape(mesh)
    if not mesh.polygons:
        raise MeshError(f"The mesh {mesh.name} has no faces: reconstruct it with Face Depth.")
    if result.landmarks is None:
        raise MeshError(
            f"The mesh {mesh.name} was made of a whole image, without looking for a face: "
            "reconstruct it with a face to complete its head."
        )
    positions, places = seen_positions(item), _places(mesh, result)
    shape, viewpoint = seen_shape(item)
    faces = _faces(mesh)
    faces = faces[_in_head(places, result)[faces].all(axis=1)]
    if not len(faces):
        raise MeshError(f"Nothing of the head is left in the mesh {mesh.name}.")
    return complete_head(
        positions.astype(float), faces,
        np.rint(sample(result.rgb, places * result.size)).astype(np.uint8),
        places * (1.0, -1.0) + (0.0, 1.0), landmarks_on(positions, places, result),
        np.array(viewpoint.place) if shape.projection == "PERSPECTIVE" else None,
    )


def _in_head(places: np.ndarray, result: "Reconstruction") -> np.ndarray:
    """Which vertices are the head's, (n,) bool: a body is not symmetric to the head's plane."""
    head = region_mask(result.subject, result.landmarks, "HEAD")
    column, row = np.clip((places * result.size).astype(int), 0, result.size - 1).T
    return head[row, column]


def seen_positions(item: bpy.types.Object) -> np.ndarray:
    """Where the sliders, or the modifier in their place, put a mesh's vertices.

    Parameters
    ----------
    item : bpy.types.Object
        With a mesh that `shape.require_shape` accepts.

    Returns
    -------
    ndarray, (n, 3) float32
        In the mesh's own space; the basis, if there are shape keys.
    """
    mesh = item.data
    seen, now = seen_shape(item), applied(mesh)
    positions = floats(mesh, "position", 3)
    return positions if seen == now else positions + shaped(mesh, *seen) - shaped(mesh, *now)


def landmarks_on(
    positions: np.ndarray, places: np.ndarray, result: "Reconstruction"
) -> np.ndarray:
    """Where the landmarks of a face lie on its mesh.

    Parameters
    ----------
    positions : ndarray, (n, 3) float
        Of the vertices.
    places : ndarray, (n, 2) float
        Where they lie in the crop, in its sides.
    result : Reconstruction
        With landmarks.

    Returns
    -------
    ndarray, (468, 3) float64
    """
    from ...core.head.visibility import nearest

    wanted = result.landmarks[:, :2]
    at = nearest(places, wanted)
    landmarks = positions[at].astype(float)
    # Between vertices; what lies beside the mesh is drawn to its border.
    reach = 1.0 / result.size
    aside = np.clip(wanted - places[at], -reach, reach)
    landmarks[:, 0::2] += aside * (1.0, -1.0) * result.crop.side * result.metres_per_pixel
    return landmarks


def _places(mesh: bpy.types.Mesh, result: "Reconstruction") -> np.ndarray:
    """(n, 2) places of a mesh's vertices in the crop, in its sides, from its upper left."""
    side = result.crop.side * result.metres_per_pixel
    return floats(mesh, PLANE, 2) * (1.0, -1.0) / side + result.origin[:2]


def write_mesh(
    name: str, positions: np.ndarray, faces: np.ndarray, colours: np.ndarray,
    corner_uvs: np.ndarray, texture: bytes, repeat: bool = False,
) -> bpy.types.Mesh:
    """A mesh data-block of a head with its texture.

    Parameters
    ----------
    name : str
    positions : ndarray, (n, 3) float32
        Metres.
    faces : ndarray, (f, 3) or (f, 4) int32
        Wound anticlockwise as seen from outside; a triangle among quads ends in -1.
    colours : ndarray, (n, 3) uint8
        sRGB.
    corner_uvs : ndarray, (f, 3, 2) or (f, 4, 2) float32
    texture : bytes
        A JPEG or PNG file.
    repeat : bool
        Begin the texture anew beyond its border.
    """
    mesh = bpy.data.meshes.new(name)
    is_corner = faces >= 0
    sides = is_corner.sum(axis=1, dtype=np.int32)
    mesh.vertices.add(len(positions))
    mesh.loops.add(int(sides.sum()))
    mesh.polygons.add(len(faces))
    mesh.attributes["position"].data.foreach_set("vector", positions.astype(np.float32).ravel())
    mesh.attributes[".corner_vert"].data.foreach_set("value", faces[is_corner].astype(np.int32))
    mesh.polygons.foreach_set("loop_start", np.cumsum(sides, dtype=np.int32) - sides)
    mesh.update(calc_edges=True)
    layer = mesh.attributes.new(UV, 'FLOAT2', 'CORNER')
    layer.data.foreach_set("vector", corner_uvs[is_corner].astype(np.float32).ravel())
    rgba = np.ones((len(positions), 4), np.float32)
    rgba[:, :3] = colours / np.float32(255.0)
    mesh.attributes.new(COLOUR, 'BYTE_COLOR', 'POINT').data.foreach_set("color_srgb", rgba.ravel())
    index = mesh.color_attributes.find(COLOUR)
    mesh.color_attributes.active_color_index = index
    mesh.color_attributes.render_color_index = index
    mesh.materials.append(photo_material(name, pack_image(f"{name} texture", texture), repeat))
    return mesh


def add_beside(
    context: bpy.types.Context, item: bpy.types.Object, mesh: bpy.types.Mesh, hide_original: bool
) -> bpy.types.Object:
    """An object of a mesh in the place of another, as the one that is selected.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        What the mesh was made from.
    mesh : bpy.types.Mesh
    hide_original : bool
        Hide ``item`` in the viewport and in renders.
    """
    made = bpy.data.objects.new(mesh.name, mesh)
    for key, value in item.items():
        if key.startswith("face_depth_"):
            made[key] = value
    link_object(context, made, item)
    made.matrix_world = item.matrix_world
    select_alone(context, made)
    if hide_original:
        item.hide_set(True)
        item.hide_render = True
    return made


def _faces(mesh: bpy.types.Mesh) -> np.ndarray:
    """(f, 4) vertices of the faces if all are quads, or else (f, 3) of their triangles."""
    if len(mesh.loops) == 4 * len(mesh.polygons):
        totals = np.empty(len(mesh.polygons), np.int32)
        mesh.polygons.foreach_get("loop_total", totals)
        if (totals == 4).all():
            corners = read_attribute(mesh, ".corner_vert", "value", np.int32, len(mesh.loops))
            return corners.reshape(-1, 4)
    mesh.calc_loop_triangles()
    triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    return triangles.reshape(-1, 3)
