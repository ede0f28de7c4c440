# SPDX-License-Identifier: GPL-3.0-or-later
"""The node group that displaces a mesh from its stored depth."""

from dataclasses import dataclass
from math import pi

import bpy

from ..attributes import BORDER, DEPTH, DETAIL, PLANE, SMOOTHED

GROUP = "Face Depth Shape"
# Stands in the group, so that a group of an older version is not taken for this one.
_VERSION = 1
VERSION_KEY = "face_depth_version"


@dataclass(frozen=True)
class _Input:
    """A socket of the group: its name, default, bounds and kind."""

    name: str
    default: float | tuple[float, float, float]
    low: float = -1e6
    high: float = 1e6
    subtype: str = 'NONE'
    kind: str = 'NodeSocketFloat'


INPUTS = (
    _Input("Strength", 1.0, 0.0, 10.0),
    _Input("Near", 1.0, 0.0, 1.0, 'FACTOR'),
    _Input("Far", 0.0, 0.0, 1.0, 'FACTOR'),
    _Input("Gamma", 1.0, 0.1, 10.0),
    _Input("Tilt X", 0.0, -pi / 3, pi / 3, 'ANGLE'),
    _Input("Tilt Y", 0.0, -pi / 3, pi / 3, 'ANGLE'),
    _Input("Smoothing", 0.0, 0.0, 1.0, 'FACTOR'),
    _Input("Feather", 0.0, 0.0, subtype='DISTANCE'),
    _Input("Detail", 1.0, 0.0, 10.0),
    _Input("Max Angle", pi / 2, 0.0, pi / 2, 'ANGLE'),
    _Input("Camera Axis", 0.0, 0.0, 1.0, 'FACTOR'),
    _Input("Perspective", 0.0, 0.0, 1.0, 'FACTOR'),
    _Input("Distance", 0.8, 0.001, subtype='DISTANCE'),
    _Input("Farthest", 0.0, subtype='DISTANCE'),
    _Input("Nearest", 0.0, subtype='DISTANCE'),
    _Input("Anchor", 0.0, subtype='DISTANCE'),
    _Input("Optical Axis", (0.0, 0.0, 0.0), subtype='TRANSLATION', kind='NodeSocketVector'),
    _Input("Aim", (0.0, 0.0, 0.0), subtype='TRANSLATION', kind='NodeSocketVector'),
)


def shape_group() -> bpy.types.NodeTree:
    """The node group, made where the file has none yet."""
    for tree in bpy.data.node_groups:
        if tree.get(VERSION_KEY) == _VERSION:
            return tree
    tree = bpy.data.node_groups.new(GROUP, 'GeometryNodeTree')
    tree.is_modifier = True
    tree[VERSION_KEY] = _VERSION
    face = tree.interface
    face.new_socket("Geometry", in_out='OUTPUT', socket_type='NodeSocketGeometry')
    face.new_socket("Geometry", in_out='INPUT', socket_type='NodeSocketGeometry')
    for entry in INPUTS:
        socket = face.new_socket(entry.name, in_out='INPUT', socket_type=entry.kind)
        socket.default_value = entry.default
        socket.min_value, socket.max_value = entry.low, entry.high
        if entry.subtype != 'NONE':
            socket.subtype = entry.subtype
    _Builder(tree).build()
    return tree


class _Builder:
    """Lays the nodes; the sums are those of `core.relief.shaping.soften` and `displace`."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self._tree = tree
        self._given = tree.nodes.new('NodeGroupInput')
        self._columns = 0

    def build(self) -> None:
        """Fill the tree."""
        plane = self._attribute(PLANE, 'FLOAT_VECTOR')
        x, z, _ = self._apart(plane)
        stored, detail = self._attribute(DEPTH, 'FLOAT'), self._attribute(DETAIL, 'FLOAT')
        depth = self._math('ADD', self._smoothed(stored), self._math(
            'MULTIPLY', detail, self._input("Detail")
        ))
        depth = self._feathered(depth)
        nearness = self._math('MULTIPLY', self._bent(self._clipped(depth)), self._input("Strength"))
        for place, name in ((x, "Tilt X"), (z, "Tilt Y")):
            slope = self._math('TANGENT', self._input(name))
            nearness = self._math('ADD', nearness, self._math('MULTIPLY', place, slope))
        nearness = self._mixed(nearness, self._slanted(nearness, x, z), "Camera Axis")
        growth = self._math(
            'DIVIDE', self._math('SUBTRACT', self._input("Anchor"), nearness),
            self._input("Distance"),
        )
        growth = self._math('MULTIPLY', growth, self._input("Perspective"))
        axis_x, _, axis_z = self._apart(self._input("Optical Axis"))
        moved = self._vector(
            self._math('MULTIPLY', growth, self._math('SUBTRACT', x, axis_x)),
            self._math('SUBTRACT', self._math('ADD', stored, detail), nearness),
            self._math('MULTIPLY', growth, self._math('SUBTRACT', z, axis_z)),
        )
        self._finish(moved)

    def _smoothed(self, depth):
        """From depth over its fine and then to its broad form."""
        fine, broad, _ = self._apart(self._attribute(SMOOTHED, 'FLOAT_VECTOR'))
        share = self._math('MULTIPLY', self._input("Smoothing"), 2.0)
        depth = self._between(depth, fine, self._math('MINIMUM', share, 1.0))
        rest = self._math('MAXIMUM', self._math('SUBTRACT', share, 1.0), 0.0)
        return self._between(depth, broad, rest)

    def _feathered(self, depth):
        """Depth that sinks to the farthest towards the border."""
        far, feather = self._input("Farthest"), self._input("Feather")
        share = self._math('DIVIDE', self._attribute(BORDER, 'FLOAT'), feather)
        share = self._math('MINIMUM', self._math('MAXIMUM', share, 0.0), 1.0)
        curve = self._math('MULTIPLY', self._math('MULTIPLY', share, share), self._math(
            'SUBTRACT', 3.0, self._math('MULTIPLY', share, 2.0)
        ))
        sunk = self._between(far, depth, curve)
        return self._between(depth, sunk, self._math('GREATER_THAN', feather, 0.0))

    def _clipped(self, depth):
        """Depth within the shares of its range that Near and Far say."""
        far, near = self._input("Farthest"), self._input("Nearest")
        reach = self._math('SUBTRACT', near, far)
        ends = [
            self._math('ADD', far, self._math('MULTIPLY', reach, self._math(
                kind, self._input("Near"), self._input("Far"),
            ))) for kind in ('MINIMUM', 'MAXIMUM')
        ]
        # Ends that are those of the range cut nothing off, as rounding would.
        whole = self._math('MULTIPLY', self._math('COMPARE', self._input("Near"), 1.0, 1e-6),
                           self._math('COMPARE', self._input("Far"), 0.0, 1e-6))
        cut = self._math('MINIMUM', self._math('MAXIMUM', depth, ends[0]), ends[1])
        return self._between(cut, depth, whole)

    def _bent(self, depth):
        """Depth with Gamma as the exponent of its share of the range."""
        far = self._input("Farthest")
        reach = self._math(
            'MAXIMUM', self._math('SUBTRACT', self._input("Nearest"), far), 1e-9
        )
        share = self._math('DIVIDE', self._math('SUBTRACT', depth, far), reach)
        share = self._math('MINIMUM', self._math('MAXIMUM', share, 0.0), 1.0)
        power = self._math('POWER', share, self._input("Gamma"))
        bent = self._math('ADD', far, self._math('MULTIPLY', reach, power))
        return self._between(bent, depth, self._math('COMPARE', self._input("Gamma"), 1.0, 1e-6))

    def _slanted(self, nearness, x, z):
        """Depth along the camera's axis."""
        offset = self._node('ShaderNodeVectorMath', self._input("Aim"), self._input("Optical Axis"))
        offset.operation = 'SUBTRACT'
        across, _, up = self._apart(offset.outputs[0])
        distance = self._input("Distance")
        across, up = (self._math('DIVIDE', value, distance) for value in (across, up))
        squared = self._math('ADD', 1.0, self._math(
            'ADD', self._math('MULTIPLY', across, across), self._math('MULTIPLY', up, up)
        ))
        slant = self._math(
            'ADD', self._math('MULTIPLY', x, across), self._math('MULTIPLY', z, up)
        )
        return self._math(
            'ADD', self._math('DIVIDE', nearness, self._math('SQRT', squared)),
            self._math('DIVIDE', slant, squared),
        )

    def _finish(self, offset) -> None:
        """Move the points, and delete what is then seen more steeply than Max Angle."""
        moved = self._tree.nodes.new('GeometryNodeSetPosition')
        self._link(self._given.outputs["Geometry"], moved.inputs["Geometry"])
        self._link(offset, moved.inputs["Offset"])
        normal = self._tree.nodes.new('GeometryNodeInputNormal')
        _, y, _ = self._apart(normal.outputs[0])
        # Steep is what turns its side to the viewer, who looks along y.
        angle = self._math('ARCCOSINE', self._math('MINIMUM', self._math('ABSOLUTE', y), 1.0))
        steep = self._math('GREATER_THAN', angle, self._input("Max Angle"))
        kept = self._tree.nodes.new('GeometryNodeDeleteGeometry')
        kept.domain = 'FACE'
        self._link(moved.outputs["Geometry"], kept.inputs["Geometry"])
        self._link(steep, kept.inputs["Selection"])
        end = self._tree.nodes.new('NodeGroupOutput')
        self._link(kept.outputs["Geometry"], end.inputs["Geometry"])

    def _mixed(self, first, second, factor: str):
        return self._between(first, second, self._input(factor))

    def _between(self, first, second, factor):
        """``first`` where the factor is 0, ``second`` where it is 1."""
        change = self._math('SUBTRACT', second, first)
        return self._math('ADD', first, self._math('MULTIPLY', change, factor))

    def _input(self, name: str):
        return self._given.outputs[name]

    def _attribute(self, name: str, kind: str):
        node = self._tree.nodes.new('GeometryNodeInputNamedAttribute')
        node.data_type = kind
        node.inputs["Name"].default_value = name
        # The node has a socket for each type, of which one is in use.
        return next(
            socket for socket in node.outputs if socket.name == "Attribute" and socket.enabled
        )

    def _apart(self, vector):
        node = self._node('ShaderNodeSeparateXYZ', vector)
        return tuple(node.outputs)

    def _vector(self, *parts):
        return self._node('ShaderNodeCombineXYZ', *parts).outputs[0]

    def _math(self, operation: str, *values):
        node = self._node('ShaderNodeMath', *values)
        node.operation = operation
        return node.outputs[0]

    def _node(self, kind: str, *values):
        node = self._tree.nodes.new(kind)
        for socket, value in zip(node.inputs, values, strict=False):
            if isinstance(value, (int, float)):
                socket.default_value = value
            else:
                self._link(value, socket)
        self._columns += 1
        node.location = (180.0 * (self._columns // 6), -160.0 * (self._columns % 6))
        return node

    def _link(self, start, end) -> None:
        self._tree.links.new(start, end)
