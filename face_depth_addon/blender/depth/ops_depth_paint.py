# SPDX-License-Identifier: GPL-3.0-or-later
"""Paint Depth and Apply Painting: the stored depth edited by hand."""

import bpy
from bpy.props import EnumProperty

from ...core.errors import FaceDepthError
from ..polls import poll_own, refuse
from .ops_depth import poll_depth, show_image


class FACEDEPTH_OT_edit_depth(bpy.types.Operator):
    """Paint on the depth or the outline that the mesh was made from; Apply Painting shows it"""

    bl_idname = "face_depth.edit_depth"
    bl_label = "Paint Depth"
    bl_options = {'REGISTER', 'UNDO'}

    image: EnumProperty(
        name="Paint On", description="Which picture is painted on", items=(
            ('depth', "Depth", "White is the nearest, black the farthest"),
            ('matte', "Matte", "The subject is white; painting it gives the mesh other faces"),
        ),
    )

    @classmethod
    def poll(cls, context):
        return poll_depth(cls, context)

    def execute(self, context):
        from .depth_paint import begin_painting

        try:
            image = begin_painting(context.object.data, self.image)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        if not bpy.app.background:
            show_image(context, image).ui_mode = 'PAINT'
        self.report({'INFO'}, f"Paint on {image.name}, then choose Apply Painting")
        return {'FINISHED'}


class FACEDEPTH_OT_apply_depth(bpy.types.Operator):
    """Displace the mesh by what was painted on its depth and matte; sculpted edits stay"""

    bl_idname = "face_depth.apply_depth"
    bl_label = "Apply Painting"
    bl_options = {'REGISTER', 'UNDO'}

    @classmethod
    def poll(cls, context):
        if not poll_depth(cls, context):
            return False
        item = context.object
        if item.mode not in {'OBJECT', 'TEXTURE_PAINT'}:
            return refuse(cls, "Switch to Object Mode or Texture Paint first")
        return poll_own(cls, item.data)

    def execute(self, context):
        from .depth_paint import apply_painting

        try:
            done = apply_painting(context.object.data)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        if done.rebuilt:
            self.report({'INFO'}, f"New faces, {done.moved:,} vertices")
        else:
            self.report({'INFO'}, f"{done.moved:,} vertices moved")
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_edit_depth, FACEDEPTH_OT_apply_depth)
