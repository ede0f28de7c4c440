# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of a finished mesh: each change displaces it anew from its stored depth."""

import json
from dataclasses import asdict
from math import degrees, radians

import bpy
import numpy as np
from bpy.props import (
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from ..core.building import Layout
from ..core.shaping import Layers, Shape, Viewpoint, displace, soften
from .mesh import BORDER, DEPTH, DETAIL, PLANE, SMOOTHED
from .mesh_edit import move_vertices, read_attribute
from .properties import PROJECTION, STRENGTH
from .stored import stored

def has_shape(mesh: bpy.types.Mesh) -> bool:
    """Whether the mesh stores what the sliders need."""
    return DEPTH in mesh.attributes and PLANE in mesh.attributes


def give_shape(
    mesh: bpy.types.Mesh, layout: Layout, shape: Shape, viewpoint: Viewpoint,
    span: tuple[float, float],
) -> None:
    """Set the sliders of a mesh to what it was built with.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        With the attributes ``depth`` and ``plane``.
    layout : Layout
    shape : Shape
    viewpoint : Viewpoint
    span : tuple of float
        The farthest and the nearest depth, in metres.
    """
    settings = mesh.face_depth
    # Without a record of what was applied, the sliders' own updates do nothing.
    settings.applied = ""
    settings.span = span
    settings.anchor, settings.axis, settings.aim = viewpoint.anchor, viewpoint.axis, viewpoint.aim
    settings.distance = viewpoint.distance
    settings.projection, settings.strength = shape.projection, shape.strength
    settings.near, settings.far, settings.gamma = shape.near, shape.far, shape.gamma
    settings.tilt_x, settings.tilt_y = (radians(angle) for angle in shape.tilt)
    settings.smoothing, settings.feather = shape.smoothing, shape.feather
    settings.detail = shape.detail
    settings.layout = json.dumps(asdict(layout))
    settings.applied = _written(settings)


def reshape(mesh: bpy.types.Mesh) -> None:
    """Displace a mesh by its sliders; what was sculpted, smoothed or keyed on it stays.

    A mesh in Edit Mode is left alone and follows with the next change after that.
    """
    settings = mesh.face_depth
    if not settings.applied or not has_shape(mesh) or mesh.is_editmode:
        return
    before = _read(settings.applied)
    after = shape_of(settings), viewpoint_of(settings)
    _ensure_layers(mesh, after[0])
    positions = _floats(mesh, "position", 3)
    change = shaped(mesh, *after) - shaped(mesh, *before)
    move_vertices(mesh, positions, positions + change)
    settings.applied = _written(settings)


def shaped(mesh: bpy.types.Mesh, shape: Shape, viewpoint: Viewpoint) -> np.ndarray:
    """Where the stored depth alone puts the vertices.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        With the attributes that the shape needs.
    shape : Shape
    viewpoint : Viewpoint

    Returns
    -------
    ndarray, (n, 3) float32
    """
    span = tuple(mesh.face_depth.span)
    layers = Layers(
        _floats(mesh, SMOOTHED, 2) if shape.smoothing > 0.0 else None,
        _floats(mesh, BORDER, 1)[:, 0] if shape.feather > 0.0 else None,
        _floats(mesh, DETAIL, 1)[:, 0] if DETAIL in mesh.attributes else None,
    )
    depth = soften(_floats(mesh, DEPTH, 1)[:, 0], layers, span, shape)
    return displace(_floats(mesh, PLANE, 2), depth, span, shape, viewpoint)


def applied(mesh: bpy.types.Mesh) -> tuple[Shape, Viewpoint]:
    """By what the mesh is displaced now."""
    return _read(mesh.face_depth.applied)


def layout_of(mesh: bpy.types.Mesh) -> Layout:
    """What faces the mesh was given."""
    return Layout(**json.loads(mesh.face_depth.layout))


def drop_layers(mesh: bpy.types.Mesh) -> None:
    """Forget what was sampled from the stored images, because these have changed."""
    for name in (SMOOTHED, BORDER, DETAIL):
        if name in mesh.attributes:
            mesh.attributes.remove(mesh.attributes[name])


def write_layers(mesh: bpy.types.Mesh, layers: Layers) -> None:
    """Store the layers that there are as attributes of the vertices."""
    for name, values in ((SMOOTHED, layers.smoothed), (BORDER, layers.inside),
                         (DETAIL, layers.detail)):
        if values is not None and name not in mesh.attributes:
            kind, value = ('FLOAT2', "vector") if name == SMOOTHED else ('FLOAT', "value")
            mesh.attributes.new(name, kind, 'POINT').data.foreach_set(value, values.ravel())


def _ensure_layers(mesh: bpy.types.Mesh, shape: Shape) -> None:
    needed = {SMOOTHED: shape.smoothing > 0.0, BORDER: shape.feather > 0.0}
    if all(name in mesh.attributes for name, asked in needed.items() if asked):
        return
    from ..core.building import meshed_part
    from ..core.layers import layers_at

    result = stored(mesh)
    part = meshed_part(result, layout_of(mesh))
    write_layers(mesh, layers_at(result, part, _floats(mesh, PLANE, 2), shape))


def _floats(mesh: bpy.types.Mesh, name: str, width: int) -> np.ndarray:
    """An attribute of the vertices: (n, width) float32."""
    count = len(mesh.vertices)
    kind = "vector" if width > 1 else "value"
    return read_attribute(mesh, name, kind, np.float32, width * count).reshape(-1, width)


def shape_of(settings: "FACEDEPTH_PG_shape") -> Shape:
    """What the sliders say of the surface."""
    return Shape(
        settings.projection, settings.strength, settings.near, settings.far, settings.gamma,
        (degrees(settings.tilt_x), degrees(settings.tilt_y)),
        settings.smoothing, settings.feather, settings.detail,
    )


def viewpoint_of(settings: "FACEDEPTH_PG_shape") -> Viewpoint:
    """What the sliders say of the camera."""
    return Viewpoint(
        settings.distance, settings.anchor, tuple(settings.axis), tuple(settings.aim)
    )


def _written(settings: "FACEDEPTH_PG_shape") -> str:
    return json.dumps([asdict(shape_of(settings)), asdict(viewpoint_of(settings))])


def _read(text: str) -> tuple[Shape, Viewpoint]:
    shape, viewpoint = json.loads(text)
    return Shape(**shape), Viewpoint(**viewpoint)


def _changed(settings: "FACEDEPTH_PG_shape", _context: bpy.types.Context) -> None:
    reshape(settings.id_data)


class FACEDEPTH_PG_shape(bpy.types.PropertyGroup):
    """How the stored depth of a mesh becomes its surface."""

    projection: EnumProperty(**PROJECTION, update=_changed)
    strength: FloatProperty(**STRENGTH, update=_changed)
    near: FloatProperty(
        name="Near", description="Cut off what is nearer than this share of the depth",
        default=1.0, min=0.0, max=1.0, subtype='FACTOR', update=_changed,
    )
    far: FloatProperty(
        name="Far", description="Cut off what is farther than this share of the depth",
        default=0.0, min=0.0, max=1.0, subtype='FACTOR', update=_changed,
    )
    gamma: FloatProperty(
        name="Gamma", description="Bends the depth: above 1 flattens what is far",
        default=1.0, min=0.1, max=10.0, soft_min=0.5, soft_max=2.0, update=_changed,
    )
    tilt_x: FloatProperty(
        name="Tilt X", description="Brings the right side of the picture nearer",
        subtype='ANGLE', min=radians(-60.0), max=radians(60.0), update=_changed,
    )
    tilt_y: FloatProperty(
        name="Y", description="Brings the top of the picture nearer",
        subtype='ANGLE', min=radians(-60.0), max=radians(60.0), update=_changed,
    )
    smoothing: FloatProperty(
        name="Smoothing",
        description="At half, fine detail of the depth is gone; at full, all but its broad form",
        default=0.0, min=0.0, max=1.0, subtype='FACTOR', update=_changed,
    )
    feather: FloatProperty(
        name="Feather",
        description="Width over which the border sinks to the farthest depth, as on a medal",
        default=0.0, min=0.0, soft_max=0.05, precision=4, step=0.1, unit='LENGTH', update=_changed,
    )
    detail: FloatProperty(
        name="Detail", description="Factor on the detail that was added; 0 leaves it out",
        default=1.0, min=0.0, soft_max=2.0, max=10.0, update=_changed,
    )
    distance: FloatProperty(
        name="Distance", description="From the camera to the eyes, for the perspectives",
        default=0.8, min=0.05, soft_min=0.3, soft_max=5.0, unit='LENGTH', update=_changed,
    )
    span: FloatVectorProperty(size=2, precision=6, options={'HIDDEN'})
    anchor: FloatProperty(options={'HIDDEN'})
    axis: FloatVectorProperty(size=2, options={'HIDDEN'})
    aim: FloatVectorProperty(size=2, options={'HIDDEN'})
    applied: StringProperty(options={'HIDDEN'})
    photo_size: IntVectorProperty(size=2, options={'HIDDEN'})
    metres_per_pixel: FloatProperty(precision=6, options={'HIDDEN'})
    roll: FloatProperty(options={'HIDDEN'})
    layout: StringProperty(options={'HIDDEN'})
    record: StringProperty(options={'HIDDEN'})
    photo_image: PointerProperty(type=bpy.types.Image, options={'HIDDEN'})
    backdrop_image: PointerProperty(type=bpy.types.Image, options={'HIDDEN'})
    depth_image: PointerProperty(type=bpy.types.Image, options={'HIDDEN'})
    matte_image: PointerProperty(type=bpy.types.Image, options={'HIDDEN'})
    detail_image: PointerProperty(type=bpy.types.Image, options={'HIDDEN'})


CLASSES = (FACEDEPTH_PG_shape,)
