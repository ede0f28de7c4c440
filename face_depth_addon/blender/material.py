# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo as a packed image, and a material that shows it."""

import bpy

JPEG_MAGIC = b"\xff\xd8\xff"


def pack_image(name: str, data: bytes) -> bpy.types.Image:
    """An image data-block that holds an encoded picture inside the .blend.

    Parameters
    ----------
    name : str
    data : bytes
        A JPEG or PNG file.
    """
    image = bpy.data.images.new(name, 1, 1)
    image.pack(data=data, data_len=len(data))
    image.source = 'FILE'
    return image


def photo_material(
    name: str, image: bpy.types.Image, repeat: bool = False
) -> bpy.types.Material:
    """A matt material with the photo as its base colour.

    Parameters
    ----------
    name : str
    image : bpy.types.Image
    repeat : bool
        Begin anew beyond the picture's border, where it would go on in the border's colour.
    """
    material = bpy.data.materials.new(name)
    # Blender 5.0 and later always have nodes and deprecate the switch.
    if material.node_tree is None:
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == 'BSDF_PRINCIPLED')
    shader.inputs["Roughness"].default_value = 0.7
    texture = nodes.new('ShaderNodeTexImage')
    texture.image, texture.extension = image, 'REPEAT' if repeat else 'EXTEND'
    texture.location = (shader.location.x - 320.0, shader.location.y)
    links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    nodes.active = texture
    return material
