# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that do one step of a clean-up each, alone and on selections."""

from functools import partial

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ...core.errors import FaceDepthError
from .mesh_targets import edit_targets, poll_mesh
from .ops_mesh import FILL, MAX_ANGLE, MAX_SIDES, MERGE_DISTANCE, MIN_ISLAND


class _Step:
    """An operator over one function, which takes the operator's properties and reports.

    A subclass's ``step`` gives the function, imported only now since it brings bmesh along;
    ``nothing`` is what to say where there was nothing to do.
    """

    bl_options = {'REGISTER', 'UNDO'}

    @classmethod
    def poll(cls, context):
        return poll_mesh(cls, context)

    def execute(self, context):
        from .cleanup_report import CleanupReport

        try:
            reports = edit_targets(context, partial(self.step(), **self.as_keywords()))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, sum(reports, CleanupReport()).sentence(self.nothing))
        return {'FINISHED'}


class FACEDEPTH_OT_merge_doubles(_Step, bpy.types.Operator):
    """Merge vertices that lie on one another"""

    bl_idname = "face_depth.merge_doubles"
    bl_label = "Merge Doubles"
    nothing = "No vertices lie on one another"

    distance: FloatProperty(**MERGE_DISTANCE)

    def step(self):
        from .mesh_cleanup import merge_double_vertices

        return merge_double_vertices


class FACEDEPTH_OT_remove_spikes(_Step, bpy.types.Operator):
    """Pull single vertices that stick out back to the surface"""

    bl_idname = "face_depth.remove_spikes"
    bl_label = "Remove Spikes"
    nothing = "No vertex sticks out"

    def step(self):
        from .mesh_cleanup import pull_spikes

        return pull_spikes


class FACEDEPTH_OT_cut_stretched(_Step, bpy.types.Operator):
    """Delete faces seen nearly edge-on from the front, as between face and ear"""

    bl_idname = "face_depth.cut_stretched"
    bl_label = "Cut Stretched Faces"
    nothing = "No face is so steep"

    max_angle: FloatProperty(**MAX_ANGLE)

    def step(self):
        from .mesh_cleanup import cut_stretched_faces

        return cut_stretched_faces


class FACEDEPTH_OT_drop_islands(_Step, bpy.types.Operator):
    """Delete small separate parts"""

    bl_idname = "face_depth.drop_islands"
    bl_label = "Drop Islands"
    nothing = "No part is so small"

    min_island: FloatProperty(**MIN_ISLAND)

    def step(self):
        from .mesh_cleanup import drop_small_islands

        return drop_small_islands


class FACEDEPTH_OT_fill_holes(_Step, bpy.types.Operator):
    """Close holes, but not the outer border, with a surface that carries on the one around"""

    bl_idname = "face_depth.fill_holes"
    bl_label = "Fill Holes"
    nothing = "No hole was found"

    max_sides: IntProperty(**MAX_SIDES | {"default": 400})
    fill: EnumProperty(**FILL)

    def step(self):
        from .mesh_holes import fill_mesh_holes

        return fill_mesh_holes


class FACEDEPTH_OT_fix_non_manifold(_Step, bpy.types.Operator):
    """Take the mesh apart where edges have more than two faces or only a vertex holds faces"""

    bl_idname = "face_depth.fix_non_manifold"
    bl_label = "Fix Non-Manifold"
    nothing = "The mesh is manifold"

    delete: BoolProperty(
        name="Delete Faces",
        description="Delete the faces that are too many at an edge, instead of detaching them",
    )
    delete_loose: BoolProperty(
        name="Delete Loose", description="Delete vertices and edges without faces", default=True
    )

    def step(self):
        from .mesh_repair import fix_non_manifold

        return fix_non_manifold


class FACEDEPTH_OT_turn_flipped(_Step, bpy.types.Operator):
    """Turn faces over that look the wrong way"""

    bl_idname = "face_depth.turn_flipped"
    bl_label = "Turn Flipped Faces"
    nothing = "All faces look the right way"

    select: BoolProperty(
        name="Only Select", description="Select the flipped faces and leave them as they are"
    )

    def step(self):
        from .mesh_repair import turn_flipped_faces

        return turn_flipped_faces


class FACEDEPTH_OT_select_crossing(_Step, bpy.types.Operator):
    """Select the faces that go through others, of the selected ones or, without any, of all"""

    bl_idname = "face_depth.select_crossing"
    bl_label = "Select Self-Intersections"
    nothing = "No face goes through another"

    def step(self):
        from .mesh_repair import select_crossing_faces

        return select_crossing_faces


CLASSES = (
    FACEDEPTH_OT_cut_stretched,
    FACEDEPTH_OT_remove_spikes,
    FACEDEPTH_OT_drop_islands,
    FACEDEPTH_OT_fill_holes,
    FACEDEPTH_OT_merge_doubles,
    FACEDEPTH_OT_fix_non_manifold,
    FACEDEPTH_OT_turn_flipped,
    FACEDEPTH_OT_select_crossing,
)
