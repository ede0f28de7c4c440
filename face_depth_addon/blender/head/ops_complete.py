# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete Head: mirrors what a turned head hides."""

import bpy
import numpy as np
from bpy.props import BoolProperty

from ...core.errors import FaceDepthError


class FACEDEPTH_OT_complete_head(bpy.types.Operator):
    """Add an object in which a turned head also has the side that the photo hides"""

    bl_idname = "face_depth.complete_head"
    bl_label = "Complete Head"
    bl_options = {'REGISTER', 'UNDO'}

    hide_original: BoolProperty(
        name="Hide Original",
        description="Hide the mesh it is made from; it keeps its sliders and edits", default=True,
    )

    @classmethod
    def poll(cls, context):
        from ..shaping.shape import has_shape
        from ..stored import has_stored

        item = context.active_object
        if item is None or item.type != 'MESH':
            cls.poll_message_set("Select a mesh made by Face Depth")
        elif not has_shape(item.data) or not has_stored(item.data):
            cls.poll_message_set("The mesh does not keep the photo and depth it was made from")
        elif item.mode != 'OBJECT':
            cls.poll_message_set("Switch to Object Mode first")
        else:
            return True
        return False

    def execute(self, context):
        from ..mesh_edit import read_attribute
        from .completion import SEEN, complete_object

        try:
            made = complete_object(context, context.active_object, self.hide_original)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        mesh = made.data
        seen = read_attribute(mesh, SEEN, "value", np.float32, len(mesh.vertices))
        self.report(
            {'INFO'},
            f"{made.name}: {len(mesh.vertices)} vertices, {100.0 * (1.0 - seen.mean()):.0f} % of "
            "them mirrored",
        )
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_complete_head,)
