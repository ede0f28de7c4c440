# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the shape of a finished mesh: other faces, camera, backdrop, modifier, reset."""

from math import radians
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ...core.errors import FaceDepthError
from ...core.relief.limits import SHEET_ANGLE
from ..attributes import has_shape, has_stored
from ..polls import refuse
from ..properties import REGION, RESOLUTION
from ..wording import iface

if TYPE_CHECKING:
    from ...core.relief.building import Layout

TOPOLOGIES = (
    ('GRID', "Even Grid", "Squares of one size"),
    ('ADAPTIVE', "Adaptive", "Dense at eyes, nose and mouth, coarse elsewhere"),
)
_RIGHT_ANGLE = radians(90.0)


def is_made(item: bpy.types.Object | None) -> bool:
    """Whether an object's mesh was made by Face Depth and can still be displaced."""
    return (
        item is not None and item.type == 'MESH' and has_shape(item.data)
        and bool(item.data.face_depth.applied)
    )


def refusal(item: bpy.types.Object | None) -> str:
    """Why an object's mesh cannot be displaced or built anew now; empty if it can."""
    if not is_made(item):
        return "Select a mesh made by Face Depth"
    if item.mode != 'OBJECT':
        return "Switch to Object Mode first"
    if not item.data.is_editable or item.data.override_library is not None:
        return "The mesh is linked from another file: make it local"
    return ""


def slider_refusal(item: bpy.types.Object | None) -> str:
    """Why the sliders of an object's mesh cannot be moved now; empty if they can."""
    from .shape_nodes import shape_modifier

    reason = refusal(item)
    modifier = None if reason else shape_modifier(item)
    if modifier is None:
        return reason
    return iface("The modifier {name} shapes this mesh").format(name=modifier.name)


def _stored_refusal(item: bpy.types.Object | None) -> str:
    reason = refusal(item)
    if not reason and not has_stored(item.data):
        reason = "The mesh does not keep the photo and depth it was made from"
    return reason


class _ShapeOperator:
    bl_options = {'REGISTER', 'UNDO'}

    @classmethod
    def poll(cls, context):
        reason = cls.refusal(context.active_object)
        return not reason or refuse(cls, reason)

    def execute(self, context):
        try:
            message = self.apply(context, context.active_object)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, message)
        return {'FINISHED'}


class FACEDEPTH_OT_relayout(_ShapeOperator, bpy.types.Operator):
    """Give the mesh other faces or another part of the person, without inference"""

    bl_idname = "face_depth.relayout"
    bl_label = "Build Faces Anew"
    bl_description = (
        "Build the mesh anew from its stored depth. Shape keys, materials, modifiers and what was "
        "sculpted stay; vertex groups become empty"
    )

    # What is not set stays as the mesh has it, so that nothing is remembered from another one.
    topology: EnumProperty(
        name="Faces", description="How the surface is divided", items=TOPOLOGIES,
        options={'SKIP_SAVE'},
    )
    resolution: IntProperty(**RESOLUTION, options={'SKIP_SAVE'})
    budget: IntProperty(
        name="Vertices", description="How many vertices the adaptive mesh may have",
        default=20000, min=1000, max=4_000_000, soft_max=200_000, options={'SKIP_SAVE'},
    )
    region: EnumProperty(**REGION, options={'SKIP_SAVE'})
    cut: BoolProperty(
        name="Cut", description="Cut the mesh open where depth jumps, as from jaw to neck",
        options={'SKIP_SAVE'},
    )
    max_angle: FloatProperty(
        name="Max Angle", description="Where the relief is steeper than this, it is cut",
        default=SHEET_ANGLE, min=radians(30.0), max=_RIGHT_ANGLE, subtype='ANGLE',
        options={'SKIP_SAVE'},
    )

    refusal = staticmethod(_stored_refusal)

    def invoke(self, context, event):
        from .shape import layout_of

        self._adopt(layout_of(context.active_object.data))
        return context.window_manager.invoke_props_dialog(self)

    def apply(self, context, item):
        from ...core.relief.building import Layout
        from .relayout import relayout
        from .shape import layout_of

        mesh = item.data
        self._adopt(layout_of(mesh))
        relayout(mesh, Layout(
            self.topology, self.resolution, self.budget, self.region,
            self.max_angle if self.cut else _RIGHT_ANGLE,
        ))
        message = f"{len(mesh.vertices):,} vertices, {len(mesh.polygons):,} faces"
        return message + ("; vertex groups are empty now" if item.vertex_groups else "")

    def draw(self, context):
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(self, "topology")
        column.prop(self, "resolution" if self.topology == 'GRID' else "budget")
        column.prop(self, "region")
        row = column.row(heading=iface("Cut"))
        row.prop(self, "cut", text="")
        row = row.row()
        row.active = self.cut
        row.prop(self, "max_angle", text="")

    def _adopt(self, layout: "Layout") -> None:
        """Take from the mesh what the caller has not set."""
        cut = layout.max_angle < _RIGHT_ANGLE
        present = {
            "topology": layout.topology, "resolution": layout.resolution,
            "budget": layout.budget, "region": layout.region, "cut": cut,
        } | ({"max_angle": layout.max_angle} if cut else {})
        for name, value in present.items():
            if not self.properties.is_property_set(name):
                setattr(self, name, value)


class FACEDEPTH_OT_reset_shape(_ShapeOperator, bpy.types.Operator):
    """Bring all sliders back to what the photo says; projection, size and edits stay"""

    bl_idname = "face_depth.reset_shape"
    bl_label = "Reset Shape"

    refusal = staticmethod(slider_refusal)

    def apply(self, context, item):
        from .live import reset_shape

        reset_shape(item.data)
        return "The sliders are as the photo says"


class FACEDEPTH_OT_add_camera(_ShapeOperator, bpy.types.Operator):
    """Look at the mesh as the photo's camera did, with the photo behind it"""

    bl_idname = "face_depth.add_camera"
    bl_label = "Photo's Camera"
    bl_description = (
        "Look at the mesh as the photo's camera did, with the photo behind it. It becomes the "
        "scene's camera, and the photo's size the render size"
    )

    refusal = staticmethod(refusal)

    def apply(self, context, item):
        from .camera import add_camera

        add_camera(context, item)
        view = context.region_data
        if view is not None:
            view.view_perspective = 'CAMERA'
        width, height = item.data.face_depth.photo_size
        return f"The render size is {width} x {height} pixels now, as the photo's"


class FACEDEPTH_OT_add_backdrop(_ShapeOperator, bpy.types.Operator):
    """Put the whole photo on a plane behind the mesh, where the camera saw it"""

    bl_idname = "face_depth.add_backdrop"
    bl_label = "Background Plane"

    refusal = staticmethod(refusal)

    def apply(self, context, item):
        from .backdrop import add_backdrop

        left, right, above = (vertex.co for vertex in add_backdrop(item).data.vertices[:3])
        width, height = 1000.0 * (right - left).length, 1000.0 * (above - right).length
        return f"The plane is {width:.0f} x {height:.0f} mm"


class FACEDEPTH_OT_add_shape_modifier(_ShapeOperator, bpy.types.Operator):
    """Turn the sliders into a modifier, which can be animated and works without Face Depth"""

    bl_idname = "face_depth.add_shape_modifier"
    bl_label = "Sliders as Modifier"

    @staticmethod
    def refusal(item):
        return slider_refusal(item) or _stored_refusal(item)

    def apply(self, context, item):
        from .shape_nodes import add_shape_modifier

        return f"The modifier {add_shape_modifier(item).name} shapes the mesh now"


CLASSES = (
    FACEDEPTH_OT_relayout, FACEDEPTH_OT_reset_shape, FACEDEPTH_OT_add_camera,
    FACEDEPTH_OT_add_backdrop, FACEDEPTH_OT_add_shape_modifier,
)
