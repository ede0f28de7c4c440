# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of a finished mesh, and what it keeps to be built anew."""

import sys
from math import radians

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from ...core.errors import FaceDepthError
from ..properties import PROJECTION, STRENGTH


def _changed(settings: "FACEDEPTH_PG_shape", _context: bpy.types.Context) -> None:
    # What the sliders move reads them itself.
    from .live import follow
    from .shape import restore_sliders

    try:
        follow(settings.id_data)
    except FaceDepthError as error:
        restore_sliders(settings.id_data)
        _tell(str(error))


def _tell(sentence: str) -> None:
    """Say why a slider went back, where it was moved."""
    if bpy.app.background:
        sys.stderr.write(f"{sentence}\n")
        return
    bpy.context.window_manager.popup_menu(
        lambda popup, _context: popup.layout.label(text=sentence), title="Face Depth",
        icon='ERROR',
    )


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
        default=0.8, min=0.001, soft_min=0.3, soft_max=5.0, unit='LENGTH', update=_changed,
    )
    size_mm: FloatProperty(
        name="Size",
        description="Millimetres between the pupils or, without a face, along the longest side of "
        "the photo. The mesh grows by it as a whole; 63 is usual for adults",
        default=63.0, min=1.0, soft_min=50.0, soft_max=75.0, max=1e5, precision=1, step=10,
        update=_changed,
    )
    applied_mm: FloatProperty(default=63.0, options={'HIDDEN'})
    span: FloatVectorProperty(size=2, precision=6, options={'HIDDEN'})
    anchor: FloatProperty(options={'HIDDEN'})
    axis: FloatVectorProperty(size=2, options={'HIDDEN'})
    aim: FloatVectorProperty(size=2, options={'HIDDEN'})
    applied: StringProperty(options={'HIDDEN'})
    photo_size: IntVectorProperty(size=2, options={'HIDDEN'})
    focal_px: FloatProperty(options={'HIDDEN'})
    focal_known: BoolProperty(options={'HIDDEN'})
    has_face: BoolProperty(options={'HIDDEN'})
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
