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

from ..core.shaping import Shape, Viewpoint, displace
from .mesh import DEPTH, PLANE
from .mesh_edit import move_vertices, read_attribute
from .properties import STRENGTH

_PROJECTIONS = (
    ('RELIEF', "Relief", "Straight towards the viewer, as in a medal"),
    (
        'WEAK_PERSPECTIVE', "Weak Perspective",
        "Along the camera's axis: a face beside the photo's middle is turned as it was",
    ),
    (
        'PERSPECTIVE', "Perspective",
        "Along the camera's rays: the true shape, if the distance is right",
    ),
)


def has_shape(mesh: bpy.types.Mesh) -> bool:
    """Whether the mesh stores what the sliders need."""
    return DEPTH in mesh.attributes and PLANE in mesh.attributes


def give_shape(
    mesh: bpy.types.Mesh, shape: Shape, viewpoint: Viewpoint, span: tuple[float, float]
) -> None:
    """Set the sliders of a mesh to what it was built with.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        With the attributes ``depth`` and ``plane``.
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
    settings.applied = _written(settings)


def reshape(mesh: bpy.types.Mesh) -> None:
    """Displace a mesh by its sliders; what was sculpted, smoothed or keyed on it stays.

    A mesh in Edit Mode is left alone and follows with the next change after that.
    """
    settings = mesh.face_depth
    if not settings.applied or not has_shape(mesh) or mesh.is_editmode:
        return
    count = len(mesh.vertices)
    plane = read_attribute(mesh, PLANE, "vector", np.float32, 2 * count).reshape(-1, 2)
    depth = read_attribute(mesh, DEPTH, "value", np.float32, count)
    positions = read_attribute(mesh, "position", "vector", np.float32, 3 * count).reshape(-1, 3)
    span = tuple(settings.span)
    change = displace(plane, depth, span, shape_of(settings), viewpoint_of(settings))
    change -= displace(plane, depth, span, *_read(settings.applied))
    move_vertices(mesh, positions, positions + change)
    settings.applied = _written(settings)


def shape_of(settings: "FACEDEPTH_PG_shape") -> Shape:
    """What the sliders say of the surface."""
    return Shape(
        settings.projection, settings.strength, settings.near, settings.far, settings.gamma,
        (degrees(settings.tilt_x), degrees(settings.tilt_y)),
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

    projection: EnumProperty(name="Projection", items=_PROJECTIONS, update=_changed)
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
    backdrop: PointerProperty(type=bpy.types.Image, options={'HIDDEN'})


CLASSES = (FACEDEPTH_PG_shape,)
