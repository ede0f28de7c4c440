# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cloud is shown: a geometry-nodes modifier that gives its vertices a radius."""

import bpy

from ..attributes import COLOUR
from ..shaping.shape_nodes import set_input

GROUP = "Face Depth Points"
# As Blender's own PLY importer calls it.
NORMAL = "normal"
_RADIUS, _MATERIAL = "Point Radius", "Material"
# Stands in the group, so that a group of an older version is not taken for this one.
_VERSION = 1
_VERSION_KEY, _BY_NORMALS = "face_depth_points_version", "by_normals"


def show_points(item: bpy.types.Object, radius: float) -> bpy.types.Modifier:
    """Let a mesh object's vertices be seen and rendered as points.

    Parameters
    ----------
    item : bpy.types.Object
        Its first material becomes that of the points.
    radius : float
        In metres.
    """
    modifier = item.modifiers.new("Points", 'NODES')
    modifier.node_group = points_group()
    set_input(modifier, _RADIUS, radius)
    set_input(modifier, _MATERIAL, item.data.materials[0])
    return modifier


def points_group() -> bpy.types.NodeTree:
    """The node group, made where the file has none yet."""
    for tree in bpy.data.node_groups:
        if tree.get(_VERSION_KEY) == _VERSION:
            return tree
    tree = bpy.data.node_groups.new(GROUP, 'GeometryNodeTree')
    tree.is_modifier = True
    tree[_VERSION_KEY] = _VERSION
    face = tree.interface
    face.new_socket("Geometry", in_out='OUTPUT', socket_type='NodeSocketGeometry')
    face.new_socket("Geometry", in_out='INPUT', socket_type='NodeSocketGeometry')
    radius = face.new_socket(_RADIUS, in_out='INPUT', socket_type='NodeSocketFloat')
    radius.default_value, radius.min_value, radius.subtype = 0.0005, 0.0, 'DISTANCE'
    face.new_socket(_MATERIAL, in_out='INPUT', socket_type='NodeSocketMaterial')

    start, points, coloured, end = (
        tree.nodes.new(kind) for kind in (
            'NodeGroupInput', 'GeometryNodeMeshToPoints', 'GeometryNodeSetMaterial',
            'NodeGroupOutput',
        )
    )
    for column, node in enumerate((start, points, coloured, end)):
        node.location = (200.0 * column, 0.0)
    for output, socket in (
        (start.outputs["Geometry"], points.inputs[0]),
        (start.outputs[_RADIUS], points.inputs["Radius"]),
        (points.outputs[0], coloured.inputs["Geometry"]),
        (start.outputs[_MATERIAL], coloured.inputs["Material"]),
        (coloured.outputs["Geometry"], end.inputs[0]),
    ):
        tree.links.new(output, socket)
    return tree


def colour_material(by_normals: bool) -> bpy.types.Material:
    """A matt material in the colours of the vertices, made where the file has none yet.

    Parameters
    ----------
    by_normals : bool
        Light each point as the surface that it stands for, by its attribute ``normal``, and not
        as the little ball that it is.
    """
    name = "Face Depth Points" if by_normals else "Face Depth Colours"
    for material in bpy.data.materials:
        if material.get(_VERSION_KEY) == _VERSION and material.get(_BY_NORMALS) == by_normals:
            return material
    material = bpy.data.materials.new(name)
    material[_VERSION_KEY], material[_BY_NORMALS] = _VERSION, by_normals
    # Blender 5.0 and later always have nodes and deprecate the switch.
    if material.node_tree is None:
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == 'BSDF_PRINCIPLED')
    shader.inputs["Roughness"].default_value = 0.7

    def read(attribute: str, output: str, column: float, row: float) -> bpy.types.NodeSocket:
        node = nodes.new('ShaderNodeAttribute')
        node.attribute_name = attribute
        node.location = (shader.location.x - column, shader.location.y - row)
        return node.outputs[output]

    links.new(read(COLOUR, "Color", 240.0, 0.0), shader.inputs["Base Color"])
    if by_normals:
        turned = nodes.new('ShaderNodeVectorTransform')
        turned.vector_type, turned.convert_from, turned.convert_to = 'NORMAL', 'OBJECT', 'WORLD'
        turned.location = (shader.location.x - 240.0, shader.location.y - 240.0)
        links.new(read(NORMAL, "Vector", 480.0, 240.0), turned.inputs[0])
        links.new(turned.outputs[0], shader.inputs["Normal"])
    return material
