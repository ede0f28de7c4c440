# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders as a geometry-nodes modifier, which works where the extension is not installed."""

from math import degrees, radians

import bpy

from ...core.relief.shaping import Shape, Viewpoint
from ..attributes import BORDER, SMOOTHED
from .shape import applied, ensure_layers, require_shape, set_shape, shape_of, viewpoint_of
from .shape_group import INPUTS, VERSION_KEY, shape_group


def add_shape_modifier(item: bpy.types.Object) -> bpy.types.Modifier:
    """Give a mesh object the sliders as a modifier; the mesh's own go back to their defaults.

    Other objects with the same mesh get one too.

    Parameters
    ----------
    item : bpy.types.Object

    Returns
    -------
    bpy.types.Modifier

    Raises
    ------
    MeshError
        The mesh has no stored depth, or does not hold its images any more.
    """
    mesh = item.data
    require_shape(mesh)
    ensure_layers(mesh, {SMOOTHED, BORDER})
    settings = mesh.face_depth
    shape, viewpoint, span = shape_of(settings), viewpoint_of(settings), tuple(settings.span)
    for user in bpy.data.objects:
        if user.data == mesh and shape_modifier(user) is None:
            modifier = user.modifiers.new("Face Depth", 'NODES')
            modifier.node_group = shape_group()
            for name, value in _values(shape, viewpoint, span).items():
                set_input(modifier, name, value)
            user.update_tag()
    # The modifier starts from the mesh as it is with this shape.
    set_shape(mesh, Shape(), viewpoint.distance)
    return shape_modifier(item)


def shape_modifier(item: bpy.types.Object) -> bpy.types.Modifier | None:
    """The modifier that shapes a mesh object in place of the mesh's own sliders."""
    for modifier in item.modifiers:
        group = modifier.node_group if modifier.type == 'NODES' else None
        if group is not None and VERSION_KEY in group:
            return modifier
    return None


def resize_modifiers(item: bpy.types.Object, ratio: float) -> None:
    """Scale the lengths in a mesh object's shape modifier, if it has one."""
    modifier = shape_modifier(item)
    if modifier is None:
        return
    for entry in INPUTS:
        if entry.subtype in ('DISTANCE', 'TRANSLATION'):
            value = get_input(modifier, entry.name)
            set_input(modifier, entry.name, (
                ratio * value if entry.subtype == 'DISTANCE' else [ratio * part for part in value]
            ))
    item.update_tag()


def seen_shape(item: bpy.types.Object) -> tuple[Shape, Viewpoint]:
    """By what a mesh object is displaced: its modifier, or else the mesh's own sliders."""
    modifier = shape_modifier(item)
    return applied(item.data) if modifier is None else _modifier_shape(modifier)


def _modifier_shape(modifier: bpy.types.Modifier) -> tuple[Shape, Viewpoint]:
    """What the inputs of a shape modifier say of the surface and of the camera."""
    def value(name: str) -> float:
        return get_input(modifier, name)

    projection = "PERSPECTIVE" if value("Perspective") > 0.5 else (
        "WEAK_PERSPECTIVE" if value("Camera Axis") > 0.5 else "RELIEF"
    )
    tilt = degrees(value("Tilt X")), degrees(value("Tilt Y"))
    axis, aim = (tuple(get_input(modifier, name))[0::2] for name in ("Optical Axis", "Aim"))
    shape = Shape(
        projection, value("Strength"), value("Near"), value("Far"), value("Gamma"), tilt,
        value("Smoothing"), value("Feather"), value("Detail"),
    )
    return shape, Viewpoint(value("Distance"), value("Anchor"), axis, aim)


def get_input(modifier: bpy.types.Modifier, name: str) -> object:
    """An input of a geometry-nodes modifier by its name."""
    identifier = _identifier(modifier, name)
    properties = getattr(modifier, "properties", None)
    if properties is None:
        return modifier[identifier]
    return getattr(properties.inputs, identifier).value


def set_input(modifier: bpy.types.Modifier, name: str, value: object) -> None:
    """Set an input of a geometry-nodes modifier by its name."""
    identifier = _identifier(modifier, name)
    # From Blender 5.2 on inputs are properties; before, they are the modifier's own entries.
    properties = getattr(modifier, "properties", None)
    if properties is None:
        modifier[identifier] = value
    else:
        getattr(properties.inputs, identifier).value = value


def _identifier(modifier: bpy.types.Modifier, name: str) -> str:
    return next(
        socket.identifier for socket in modifier.node_group.interface.items_tree
        if socket.item_type == 'SOCKET' and socket.in_out == 'INPUT' and socket.name == name
    )


def _values(shape: Shape, viewpoint: Viewpoint, span: tuple[float, float]) -> dict[str, object]:
    (axis_x, axis_z), (aim_x, aim_z) = viewpoint.axis, viewpoint.aim
    return {
        "Strength": shape.strength, "Near": shape.near, "Far": shape.far, "Gamma": shape.gamma,
        "Tilt X": radians(shape.tilt[0]), "Tilt Y": radians(shape.tilt[1]),
        "Smoothing": shape.smoothing, "Feather": shape.feather, "Detail": shape.detail,
        "Camera Axis": float(shape.projection != "RELIEF"),
        "Perspective": float(shape.projection == "PERSPECTIVE"),
        "Distance": viewpoint.distance, "Farthest": span[0], "Nearest": span[1],
        "Anchor": viewpoint.anchor,
        "Optical Axis": (axis_x, 0.0, axis_z), "Aim": (aim_x, 0.0, aim_z),
    }
