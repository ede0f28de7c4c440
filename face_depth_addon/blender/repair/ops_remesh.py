# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that give a mesh other faces: quads, or fewer triangles."""

import bpy
from bpy.props import EnumProperty, IntProperty

from ...core.errors import FaceDepthError
from ..polls import poll_object_mode, poll_own, refuse


def _poll_remesh(operator_class: type, context: bpy.types.Context) -> bool:
    """Whether the active mesh can get other faces; says why it cannot."""
    if not poll_object_mode(operator_class, context):
        return False
    mesh = context.active_object.data
    if not poll_own(operator_class, mesh):
        return False
    if mesh.shape_keys is not None:
        return refuse(
            operator_class,
            "The mesh has shape keys, which only fit its own vertices: remove them first",
        )
    return True


class FACEDEPTH_OT_quad_remesh(bpy.types.Operator):
    """Give the active mesh new faces: quads of even size that follow its form"""

    bl_idname = "face_depth.quad_remesh"
    bl_label = "Quad Remesh"
    bl_options = {'REGISTER', 'UNDO'}

    method: EnumProperty(
        name="Method", description="How the quads are made",
        items=(
            ('QUADRIFLOW', "QuadriFlow", "Quads along the form, for open and closed meshes; slow"),
            ('VOXEL', "Voxels", "Quads along the axes, for closed meshes; quick"),
        ),
        default='QUADRIFLOW',
    )
    faces: IntProperty(
        name="Faces", description="About how many faces the mesh is to have",
        default=8000, min=100, soft_max=100000, max=1000000,
    )

    @classmethod
    def poll(cls, context):
        return _poll_remesh(cls, context)

    def execute(self, context):
        from .remesh import quad_remesh

        item = context.active_object
        before = len(item.data.polygons)
        try:
            quad_remesh(context, item, self.faces, self.method)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"Remeshed {before} faces as {len(item.data.polygons)}")
        return {'FINISHED'}


class FACEDEPTH_OT_decimate(bpy.types.Operator):
    """Reduce the active mesh to a number of triangles or vertices, most where it is flat"""

    bl_idname = "face_depth.decimate"
    bl_label = "Decimate"
    bl_options = {'REGISTER', 'UNDO'}

    unit: EnumProperty(
        name="Unit", description="What the budget counts",
        items=(
            ('TRIANGLES', "Triangles", "Triangles that are left"),
            ('VERTICES', "Vertices", "Vertices that are left"),
        ),
        default='TRIANGLES',
    )
    budget: IntProperty(
        name="Budget", description="How many are left at most", default=10000, min=50,
        soft_max=500000, max=10000000,
    )

    @classmethod
    def poll(cls, context):
        return _poll_remesh(cls, context)

    def execute(self, context):
        from .remesh import decimate

        try:
            before, after = decimate(context, context.active_object, self.budget, self.unit)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"Reduced {before} {self.unit.lower()} to {after}")
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_quad_remesh, FACEDEPTH_OT_decimate)
