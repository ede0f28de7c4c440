# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of the active mesh, in the Face Depth tab."""

from math import degrees, pi

import bpy

from ..attributes import BORDER, DETAIL, SMOOTHED, has_stored
from ..packages import missing_packages
from ..properties import REGIONS
from ..wording import iface
from .ops_shape import (
    FACEDEPTH_OT_add_backdrop,
    FACEDEPTH_OT_add_camera,
    FACEDEPTH_OT_add_shape_modifier,
    FACEDEPTH_OT_relayout,
    FACEDEPTH_OT_reset_shape,
    is_made,
    refusal,
    slider_refusal,
)

_REGION_NAMES = {name: title for name, title, _ in REGIONS}


class FACEDEPTH_PT_shape(bpy.types.Panel):
    """How the stored depth of the active mesh becomes its surface"""

    bl_label = "Shape"
    bl_space_type = 'VIEW_3D'
    bl_region_type = 'UI'
    bl_category = "Face Depth"
    bl_parent_id = "FACEDEPTH_PT_main"

    @classmethod
    def poll(cls, context):
        return is_made(context.active_object)

    def draw(self, context):
        layout, item = self.layout, context.active_object
        reason = slider_refusal(item)
        if reason:
            layout.label(text=iface(reason), icon='INFO')
        for draw, hindered in ((_draw_sliders, reason), (_draw_size, refusal(item))):
            column = layout.column()
            column.enabled = not hindered
            column.use_property_split = True
            column.use_property_decorate = False
            draw(column, item.data)
        layout.operator(FACEDEPTH_OT_reset_shape.bl_idname, icon='LOOP_BACK')

        column = layout.column(align=True)
        column.label(text=_summary(item.data), icon='MESH_DATA')
        column.operator(FACEDEPTH_OT_relayout.bl_idname, icon='MOD_REMESH')
        column = layout.column(align=True)
        column.operator(FACEDEPTH_OT_add_camera.bl_idname, icon='CAMERA_DATA')
        column.operator(FACEDEPTH_OT_add_backdrop.bl_idname, icon='IMAGE_PLANE')
        column.operator(FACEDEPTH_OT_add_shape_modifier.bl_idname, icon='GEOMETRY_NODES')


def _draw_sliders(column: bpy.types.UILayout, mesh: bpy.types.Mesh) -> None:
    from .camera import distance_source

    settings = mesh.face_depth
    column.prop(settings, "projection")
    if settings.projection != 'RELIEF':
        column.prop(settings, "distance")
        column.label(text=iface(distance_source(mesh)), icon='BLANK1')
    column.separator()
    column.prop(settings, "strength")
    pair = column.column(align=True)
    pair.prop(settings, "near")
    pair.prop(settings, "far")
    column.prop(settings, "gamma")
    pair = column.column(align=True)
    pair.prop(settings, "tilt_x")
    pair.prop(settings, "tilt_y")
    column.separator()
    kept = has_stored(mesh) and not missing_packages()
    for name, layer in (("smoothing", SMOOTHED), ("feather", BORDER)):
        row = column.row()
        row.enabled = kept or layer in mesh.attributes
        row.prop(settings, name)
    if DETAIL in mesh.attributes:
        column.prop(settings, "detail")


def _draw_size(column: bpy.types.UILayout, mesh: bpy.types.Mesh) -> None:
    settings = mesh.face_depth
    # The scene may show lengths in other units; faces are measured in these.
    text = iface("Pupils (mm)") if settings.has_face else iface("Photo (mm)")
    column.prop(settings, "size_mm", text=text)


def _summary(mesh: bpy.types.Mesh) -> str:
    """What faces the mesh has, in a few words."""
    from .shape import layout_of

    layout = layout_of(mesh)
    cut = ""
    if layout.max_angle < pi / 2:
        cut = iface(", cut at {angle:.0f}°").format(angle=degrees(layout.max_angle))
    return iface(_REGION_NAMES[layout.region]) + cut


CLASSES = (FACEDEPTH_PT_shape,)
