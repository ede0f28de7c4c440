# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrap Head: a head of fixed topology in the shape and colours of a photo's face."""

import bpy
from bpy.props import BoolProperty, EnumProperty

from ...core.errors import FaceDepthError
from ..polls import poll_photo_mesh


class FACEDEPTH_OT_wrap_template(bpy.types.Operator):
    """Add a whole head with clean face loops in the shape and colours of the photo's face"""

    bl_idname = "face_depth.wrap_template"
    bl_label = "Wrap Head"
    bl_options = {'REGISTER', 'UNDO'}

    texture_size: EnumProperty(
        name="Texture", description="Width and height of the face's texture",
        items=(
            ('1024', "1024", "For a small picture, or to try"),
            ('2048', "2048", "As fine as most photos"),
            ('4096', "4096", "For a face that fills a large photo"),
        ),
        default='2048',
    )
    expression_keys: BoolProperty(
        name="Expression Keys",
        description="Add 55 shape keys with the template's expressions, named as in ARKit",
        default=False,
    )
    close: BoolProperty(
        name="Watertight", description="Close the neck, as printers and simulations need it",
        default=False,
    )
    hide_original: BoolProperty(
        name="Hide Original",
        description="Hide the mesh it is made from; it keeps its sliders and edits", default=True,
    )

    @classmethod
    def poll(cls, context):
        return poll_photo_mesh(cls, context)

    def execute(self, context):
        from .wrap import wrap_template

        try:
            made = wrap_template(
                context, context.active_object, int(self.texture_size), self.expression_keys,
                self.hide_original, self.close,
            )
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        mesh = made.data
        self.report(
            {'INFO'}, f"{made.name}: {len(mesh.vertices)} vertices, {len(mesh.polygons)} faces"
        )
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_wrap_template,)
