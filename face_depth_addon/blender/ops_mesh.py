# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that smooth and clean up the active mesh, a relief or any other."""

from functools import partial
from math import radians

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ..core.errors import FaceDepthError


def _poll_mesh(operator_class, context) -> bool:
    """Whether the active mesh can be changed here; says why it cannot."""
    active = context.active_object
    if active is None or active.type != 'MESH':
        operator_class.poll_message_set("Select a mesh object first")
    elif active.mode not in {'OBJECT', 'EDIT'}:
        operator_class.poll_message_set("Switch to Object Mode or Edit Mode first")
    elif not active.data.is_editable or active.data.override_library is not None:
        operator_class.poll_message_set("The mesh is linked from another file: make it local")
    else:
        return True
    return False


def _target_objects(context) -> list[bpy.types.Object]:
    """The active object, or in Edit Mode one object for each mesh that is edited."""
    if context.active_object.mode == 'EDIT':
        return [item for item in context.objects_in_mode_unique_data if item.type == 'MESH']
    return [context.active_object]


def _edit_targets(context, edit) -> list:
    """Run ``edit(mesh, selected_only=..., shape_key=...)`` on each target; their results.

    As soon as a vertex is selected on any of them, only selected vertices count on all.
    """
    targets = _target_objects(context)
    from .mesh_edit import has_selection

    selected_only = any(has_selection(target.data) for target in targets)
    return [
        edit(target.data, selected_only=selected_only, shape_key=target.active_shape_key)
        for target in targets
    ]


class FACEDEPTH_OT_smooth(bpy.types.Operator):
    """Even out noise on the active mesh"""

    bl_idname = "face_depth.smooth"
    bl_label = "Smooth Relief"
    bl_description = "Even out noise, on the selected vertices or, without any, on the whole mesh"
    bl_options = {'REGISTER', 'UNDO'}

    method: EnumProperty(
        name="Method",
        items=(
            ('BILATERAL', "Bilateral", "Even out noise and keep nose, lips and eyelids"),
            ('LAPLACIAN', "Laplacian", "Even out everything, features too"),
        ),
        default='BILATERAL',
    )
    iterations: IntProperty(
        name="Iterations", description="How often to smooth", default=5, min=1, max=200
    )
    strength: FloatProperty(
        name="Strength",
        description="How far each iteration goes",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype='FACTOR',
    )
    keep_border: BoolProperty(
        name="Keep Border", description="Do not move the vertices of open borders", default=True
    )

    @classmethod
    def poll(cls, context):
        return _poll_mesh(cls, context)

    def execute(self, context):
        from .mesh_edit import smooth_mesh

        settings = self.as_keywords()
        try:
            moved = sum(_edit_targets(context, partial(smooth_mesh, **settings)))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"Smoothed {moved} vertices" if moved else "Nothing to smooth")
        return {'FINISHED'}


class FACEDEPTH_OT_cleanup(bpy.types.Operator):
    """Repair the active mesh"""

    bl_idname = "face_depth.cleanup"
    bl_label = "Clean Up Relief"
    bl_description = (
        "Remove stretched faces, spikes and loose parts and fill holes, on the selected vertices "
        "or, without any, on the whole mesh"
    )
    bl_options = {'REGISTER', 'UNDO'}

    merge_doubles: BoolProperty(
        name="Merge Doubles",
        description="Merge vertices that lie on one another",
        default=False,
    )
    merge_distance: FloatProperty(
        name="Merge Distance",
        description="Largest distance between vertices to merge",
        default=0.0001,
        min=0.0,
        soft_max=0.01,
        precision=5,
        step=0.01,
        subtype='DISTANCE',
    )
    remove_spikes: BoolProperty(
        name="Remove Spikes",
        description="Pull single vertices that stick out back to the surface",
        default=True,
    )
    cut_stretched: BoolProperty(
        name="Cut Stretched Faces",
        description="Delete faces seen nearly edge-on from the front, as between face and ear",
        default=True,
    )
    max_angle: FloatProperty(
        name="Max Angle",
        description="Largest angle of a face's normal to the viewing direction",
        default=radians(75.0),
        min=0.0,
        max=radians(90.0),
        subtype='ANGLE',
    )
    drop_islands: BoolProperty(
        name="Drop Islands", description="Delete small separate parts", default=True
    )
    min_island: FloatProperty(
        name="Min Island",
        description="Smallest part to keep, as a share of the biggest part's vertices",
        default=0.05,
        min=0.0,
        max=1.0,
        subtype='FACTOR',
    )
    fill_holes: BoolProperty(
        name="Fill Holes", description="Close holes, but not the outer border", default=True
    )
    max_hole_sides: IntProperty(
        name="Max Hole Sides",
        description="Largest number of edges around a hole to fill",
        default=32,
        min=3,
        max=1000,
    )

    @classmethod
    def poll(cls, context):
        return _poll_mesh(cls, context)

    def execute(self, context):
        from .mesh_edit import CleanupReport, cleanup_mesh

        settings = self.as_keywords()
        try:
            reports = _edit_targets(context, partial(cleanup_mesh, **settings))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, sum(reports, CleanupReport()).sentence())
        return {'FINISHED'}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for step, detail in (
            ("merge_doubles", "merge_distance"),
            ("remove_spikes", None),
            ("cut_stretched", "max_angle"),
            ("drop_islands", "min_island"),
            ("fill_holes", "max_hole_sides"),
        ):
            column = layout.column()
            column.prop(self, step)
            if detail is not None:
                row = column.row()
                row.active = getattr(self, step)
                row.prop(self, detail)


CLASSES = (FACEDEPTH_OT_smooth, FACEDEPTH_OT_cleanup)
