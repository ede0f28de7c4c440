# SPDX-License-Identifier: GPL-3.0-or-later
"""Show Depth: the depth of a reconstructed mesh, seen in an Image Editor."""

import bpy

from ...core.errors import FaceDepthError
from ..attributes import DEPTH, has_stored
from ..polls import refuse


def has_depth(item: bpy.types.Object | None) -> bool:
    """Whether an object is a mesh that stores the depth it was made from."""
    return item is not None and item.type == 'MESH' and has_stored(item.data)


def poll_depth(operator_class: type, context: bpy.types.Context) -> bool:
    """Whether the active mesh stores its depth; says why it does not."""
    if has_depth(context.object):
        return True
    return refuse(operator_class, "Select a mesh made by Face Depth")


class FACEDEPTH_OT_show_depth(bpy.types.Operator):
    """Show the depth of the mesh as a grey image"""

    bl_idname = "face_depth.show_depth"
    bl_label = "Show Depth"
    bl_options = {'REGISTER', 'UNDO'}

    @classmethod
    def poll(cls, context):
        item = context.object
        if item is None or item.type != 'MESH' or DEPTH not in item.data.attributes:
            return refuse(cls, "Select a mesh made by Face Depth")
        return True

    def execute(self, context):
        from .depth_image import depth_image

        try:
            image = depth_image(context.object)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        if not bpy.app.background:
            show_image(context, image)
        return {'FINISHED'}


def show_image(
    context: bpy.types.Context, image: bpy.types.Image
) -> bpy.types.SpaceImageEditor:
    """Show an image in an Image Editor, in a new window when none is open; the editor."""
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    editor = next((area for area in areas if area.type == 'IMAGE_EDITOR'), None)
    if editor is None:
        bpy.ops.wm.window_new()
        editor = context.window_manager.windows[-1].screen.areas[0]
        editor.ui_type = 'IMAGE_EDITOR'
    editor.spaces.active.image = image
    return editor.spaces.active


CLASSES = (FACEDEPTH_OT_show_depth,)
