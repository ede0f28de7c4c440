# SPDX-License-Identifier: GPL-3.0-or-later
"""Normal maps among the images of a file: read as arrays, and used by a mesh's material."""

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...core.errors import MeshError
from ..attributes import UV
from ..material import photo_material

if TYPE_CHECKING:
    from ...core.detail.fine_relief import Area, NormalMap
    from ...core.detail.normals import GreenAxis

# What tells our nodes from those of the user.
_NODE = "Face Depth Detail"


def read_normal_map(
    image: bpy.types.Image, area: "Area", green: "GreenAxis", largest: float
) -> "NormalMap":
    """The vectors of a normal map.

    Parameters
    ----------
    image : bpy.types.Image
        Of any depth; opened as a picture or as data.
    area, green, largest
        As of `core.detail.fine_relief.NormalMap`.

    Raises
    ------
    MeshError
        It has no pixels or no colours.
    """
    from ...core.detail.fine_relief import NormalMap
    from ...core.detail.normals import decode_normals

    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    if not len(pixels) or image.channels < 3:
        raise MeshError(f"The image {image.name} cannot be read as a normal map: open it anew.")
    image.pixels.foreach_get(pixels)
    rgb = pixels.reshape(height, width, image.channels)[::-1, :, :3]
    if image.is_float and image.colorspace_settings.name == 'sRGB':
        # A file of 16 bits that was opened as a picture: Blender has made it linear.
        rgb = np.where(
            rgb <= 0.0031308, 12.92 * rgb, 1.055 * np.maximum(rgb, 0.0) ** (1 / 2.4) - 0.055
        )
    return NormalMap(image.name, decode_normals(rgb), area, green, largest)


def normal_shader(mesh: bpy.types.Mesh) -> bpy.types.Node | None:
    """The shader of a mesh's first material that is to take a normal map.

    Returns
    -------
    bpy.types.Node or None
        None where there is no material.

    Raises
    ------
    MeshError
        It is no Principled shader, or has normals of its own.
    """
    material = mesh.materials[0] if mesh.materials else None
    if material is None:
        return None
    nodes = material.node_tree.nodes if material.node_tree else ()
    shader = next((node for node in nodes if node.type == 'BSDF_PRINCIPLED'), None)
    if shader is None:
        raise MeshError(
            f"The material {material.name} has no Principled BSDF to take a normal map: "
            "bake without using it in the material."
        )
    links = shader.inputs["Normal"].links
    if links and links[0].from_node.name != _NODE:
        raise MeshError(
            f"The material {material.name} has normals of its own: unlink them, or bake without "
            "using it in the material."
        )
    return shader


def shader_of_new_material(mesh: bpy.types.Mesh) -> bpy.types.Node:
    """The shader of a material that shows the photo, as the mesh's first."""
    material = photo_material(mesh.name, mesh.face_depth.photo_image)
    if mesh.materials:
        mesh.materials[0] = material
    else:
        mesh.materials.append(material)
    return normal_shader(mesh)


def plug(shader: bpy.types.Node, image: bpy.types.Image) -> None:
    """Let a shader use a normal map."""
    tree = shader.id_data
    nodes, links = tree.nodes, tree.links
    bend = nodes.new('ShaderNodeNormalMap')
    bend.name, bend.uv_map = _NODE, UV
    bend.location = (shader.location.x - 200.0, shader.location.y - 350.0)
    texture = nodes.new('ShaderNodeTexImage')
    texture.name, texture.image, texture.extension = f"{_NODE} Image", image, 'EXTEND'
    texture.location = (shader.location.x - 520.0, shader.location.y - 350.0)
    links.new(texture.outputs["Color"], bend.inputs["Color"])
    links.new(bend.outputs["Normal"], shader.inputs["Normal"])


def unplug(mesh: bpy.types.Mesh) -> None:
    """Remove what `plug` has made for the mesh's first material."""
    material = mesh.materials[0] if mesh.materials else None
    if material is None or material.node_tree is None:
        return
    nodes = material.node_tree.nodes
    for name in (_NODE, f"{_NODE} Image"):
        node = nodes.get(name)
        if node is not None:
            image = getattr(node, "image", None)
            nodes.remove(node)
            drop_image(image)


def drop_image(image: bpy.types.Image | None) -> None:
    """Remove an image that nothing uses any more."""
    if image is not None and not image.users:
        bpy.data.images.remove(image)
