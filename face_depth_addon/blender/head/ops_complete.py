# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete Head: mirrors what a turned head hides."""

import bpy
from bpy.props import BoolProperty

from ...core.errors import FaceDepthError
from ..polls import poll_photo_mesh


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
        return poll_photo_mesh(cls, context)

    def execute(self, context):
        import numpy as np

        from ..attributes import SEEN
        from ..mesh_edit import read_attribute
        from .completion import complete_object

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
