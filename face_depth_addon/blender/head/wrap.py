# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds a head of fixed topology, wrapped onto the face of a reconstructed mesh."""

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...core.head.template import FRONT_END, MATERIALS, PARTS
from ..attributes import COLOUR, UV
from ..material import photo_material
from ..packages import require_packages
from ..shaping.shape import floats, require_shape
from ..shaping.shape_nodes import seen_shape
from ..stored import stored
from .closing import close_openings
from .completion import add_beside

if TYPE_CHECKING:
    from ...core.head.bake import HeadColours
    from ...core.head.wrap import FittedHead

#: UV map of a wrapped head: where the photo's crop shows, or would show, each vertex.
PHOTO_UV = "Photo"
#: Vertex group of what the photo shows, and the custom property with the landmarks' vertices.
VISIBLE, LANDMARKS = "Visible", "landmarks_68"


def wrap_template(
    context: bpy.types.Context, item: bpy.types.Object, texture_size: int = 2048,
    expression_keys: bool = False, hide_original: bool = True, close: bool = False,
) -> bpy.types.Object:
    """Add ICT-FaceKit's head in the shape and with the colours of a reconstructed face.

    It follows the stored depth as the sliders shape it; what was sculpted since does not count.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        With a mesh that holds its reconstruction, not in Edit Mode.
    texture_size : int
        Width and height of the face's texture; the rest of the head has half as much.
    expression_keys : bool
        Add a shape key for each expression of the template.
    hide_original : bool
        Hide ``item``, so that the two do not overlap.
    close : bool
        Close the neck, and the eyeballs' backs, so that all of it is watertight; what this adds
        comes after the template's own vertices and faces.

    Returns
    -------
    bpy.types.Object
        In the same place; the one that is selected. Its vertices, faces and UVs are in the same
        order for every photo.

    Raises
    ------
    MeshError
        The mesh holds no reconstruction, or it is not of a face.
    """
    require_packages()
    from ...core.head.bake import bake_texture, head_colours, tile_size
    from ...core.head.wrap import fit_template

    require_shape(item.data)
    result = stored(item.data)
    head = fit_template(result, *seen_shape(item))
    photo = _photo(item.data.face_depth.photo_image)
    colours = head_colours(head, photo)
    name = f"{item.name} wrapped"
    mesh = _write_mesh(name, head, colours)
    for material, part in enumerate(MATERIALS):
        size = tile_size(material, texture_size)
        texture = bake_texture(head, colours, photo, material, size)
        mesh.materials.append(_material(f"{name} {part.lower()}", texture))
    if close:
        close_openings(mesh)
    made = add_beside(context, item, mesh, hide_original)
    _add_groups(made, head)
    if expression_keys:
        _add_expressions(made, head)
    return made


def _write_mesh(name: str, head: "FittedHead", colours: "HeadColours") -> bpy.types.Mesh:
    template = head.template
    there = template.corners
    corners = template.faces[there]
    sizes = there.sum(axis=1)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(head.positions))
    mesh.loops.add(len(corners))
    mesh.polygons.add(len(sizes))
    mesh.attributes["position"].data.foreach_set("vector", head.positions.ravel())
    mesh.attributes[".corner_vert"].data.foreach_set("value", corners.astype(np.int32))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.polygons.foreach_set("material_index", template.materials.astype(np.int32))
    mesh.update(calc_edges=True)
    in_photo = head.in_crop * np.float32((1.0, -1.0)) + np.float32((0.0, 1.0))
    for layer, uvs in ((UV, template.uvs[template.face_uvs[there]]), (PHOTO_UV, in_photo[corners])):
        mesh.attributes.new(layer, 'FLOAT2', 'CORNER').data.foreach_set(
            "vector", uvs.astype(np.float32).ravel()
        )
    mesh.uv_layers.active = mesh.uv_layers[UV]
    mesh.uv_layers[UV].active_render = True
    rgba = np.ones((len(head.positions), 4), np.float32)
    rgba[:, :3] = colours.vertices / 255.0
    mesh.attributes.new(COLOUR, 'BYTE_COLOR', 'POINT').data.foreach_set("color_srgb", rgba.ravel())
    index = mesh.color_attributes.find(COLOUR)
    mesh.color_attributes.active_color_index = index
    mesh.color_attributes.render_color_index = index
    mesh[LANDMARKS] = template.landmarks.tolist()
    return mesh


def _add_groups(item: bpy.types.Object, head: "FittedHead") -> None:
    """Vertex groups of the template's parts, of features and ears, and of what the photo shows."""
    for name, (start, stop) in PARTS.items():
        item.vertex_groups.new(name=name).add(range(start, stop), 1.0, 'REPLACE')
    item.vertex_groups.new(name="Features").add(range(FRONT_END), 1.0, 'REPLACE')
    ears = np.flatnonzero(head.template.ears).tolist()
    item.vertex_groups.new(name="Ears").add(ears, 1.0, 'REPLACE')
    visible = item.vertex_groups.new(name=VISIBLE)
    steps = np.rint(head.visibility * 16.0).astype(int)
    for step in range(1, 17):
        visible.add(np.flatnonzero(steps == step).tolist(), step / 16.0, 'REPLACE')


def _add_expressions(item: bpy.types.Object, head: "FittedHead") -> None:
    item.shape_key_add(name="Basis", from_mix=False)
    template, model = head.template, head.model
    places = floats(item.data, "position", 3)
    for name, moved in zip(template.expression_names, template.expression):
        key = item.shape_key_add(name=name, from_mix=False)
        turned = model.scale * (moved.T @ model.rotation.T)
        places[:len(turned)] = head.positions + turned
        key.data.foreach_set("co", places.ravel())


def _photo(image: bpy.types.Image) -> np.ndarray:
    """The crop as fine as it is stored: (P, P, 3) float32 from 0 to 255, row 0 at the top."""
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    return 255.0 * pixels.reshape(height, width, -1)[::-1, :, :3]


def _material(name: str, texture: np.ndarray) -> bpy.types.Material:
    """The photo's material with a texture (s, s, 3) that repeats, as its UVs may lie beside it."""
    size = len(texture)
    image = bpy.data.images.new(name, size, size)
    pixels = np.ones((size, size, 4), np.float32)
    pixels[..., :3] = texture[::-1] / np.float32(255.0)
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    image.pack()
    material = photo_material(name, image)
    node = next(node for node in material.node_tree.nodes if node.type == 'TEX_IMAGE')
    node.extension = 'REPEAT'
    return material
