# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that smooth and clean up the active mesh, a relief or any other."""

from functools import partial
from math import radians

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ...core.errors import FaceDepthError
from ..attributes import SEEN
from .mesh_targets import edit_targets, poll_mesh, weights_of

# Shared with the operators that do one step of the clean-up each.
MAX_ANGLE = dict(
    name="Max Angle",
    description="Largest angle of a face's normal to the viewing direction",
    default=radians(75.0), min=0.0, max=radians(90.0), subtype='ANGLE',
)
MIN_ISLAND = dict(
    name="Min Island",
    description="Smallest part to keep, as a share of the biggest part's vertices",
    default=0.05, min=0.0, max=1.0, subtype='FACTOR',
)
MERGE_DISTANCE = dict(
    name="Merge Distance",
    description="Largest distance between vertices to merge",
    default=0.0001, min=0.0, soft_max=0.01, precision=5, step=0.01, subtype='DISTANCE',
)
MAX_SIDES = dict(
    name="Max Hole Sides",
    description="Largest number of edges around a hole to fill",
    default=32, min=3, max=1500, soft_max=400,
)
FILL = dict(
    name="Fill With",
    description="Faces of the fillings; all carry on the curvature around the hole",
    items=(
        ('AUTO', "Automatic", "A grid in small holes, an even surface in large ones"),
        ('GRID', "Grid", "Rows of quads, where the hole has four sides"),
        ('FAN', "Fan", "Triangles around one new vertex"),
        ('SURFACE', "Surface", "Even triangles as fine as the mesh around"),
    ),
)
_GROUP = dict(
    name="Vertex Group", description="Its weights, painted in Weight Paint, scale the strength",
)


class _Smoothing:
    """What the operators that move vertices have in common."""

    bl_options = {'REGISTER', 'UNDO'}

    @classmethod
    def poll(cls, context):
        return poll_mesh(cls, context)

    def execute(self, context):
        settings = self.as_keywords()
        group = settings.pop("vertex_group")
        edit = partial(self.edit(), **settings)
        try:
            moved = sum(edit_targets(context, edit, partial(weights_of, group=group)))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"Smoothed {moved} vertices" if moved else "Nothing to smooth")
        return {'FINISHED'}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for name in self.as_keywords():
            if name != "vertex_group":
                layout.prop(self, name)
        layout.prop_search(self, "vertex_group", context.active_object, "vertex_groups")


class FACEDEPTH_OT_smooth(_Smoothing, bpy.types.Operator):
    """Even out noise on the active mesh"""

    bl_idname = "face_depth.smooth"
    bl_label = "Smooth Relief"
    bl_description = "Even out noise, on the selected vertices or, without any, on the whole mesh"

    method: EnumProperty(
        name="Method", description="How noise is told from form",
        items=(
            ('BILATERAL', "Bilateral", "Even out noise and keep nose, lips and eyelids"),
            ('HC', "HC", "Even out noise, keep the volume and most of the shape"),
            ('TAUBIN', "Taubin", "Even out all that is fine, keep the volume"),
            ('LAPLACIAN', "Laplacian", "Even out everything, features too; the mesh shrinks"),
        ),
        default='BILATERAL',
    )
    iterations: IntProperty(
        name="Iterations", description="How often to smooth", default=5, min=1, max=200
    )
    strength: FloatProperty(
        name="Strength", description="How far each iteration goes",
        default=0.5, min=0.0, max=1.0, subtype='FACTOR',
    )
    keep_border: BoolProperty(
        name="Keep Border", description="Do not move the vertices of open borders", default=True
    )
    keep_features: BoolProperty(
        name="Keep Features",
        description="Spare the eyes, the wings of the nose and the lips of a reconstructed face: "
        "their shape stays, and so does their noise",
        default=False,
    )
    vertex_group: StringProperty(**_GROUP)

    def edit(self):
        from .mesh_smooth import smooth_mesh

        return smooth_mesh


class FACEDEPTH_OT_smooth_border(_Smoothing, bpy.types.Operator):
    """Even out the open borders of the active mesh"""

    bl_idname = "face_depth.smooth_border"
    bl_label = "Smooth Border"
    bl_description = (
        "Even out ragged open borders along themselves, of the selected vertices or, without any, "
        "of the whole mesh"
    )

    iterations: IntProperty(
        name="Iterations", description="How often to smooth", default=10, min=1, max=200
    )
    strength: FloatProperty(
        name="Strength", description="How far each iteration goes",
        default=1.0, min=0.0, max=1.0, subtype='FACTOR',
    )
    vertex_group: StringProperty(**_GROUP)

    def edit(self):
        from .mesh_smooth import smooth_mesh_border

        return smooth_mesh_border


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
    merge_distance: FloatProperty(**MERGE_DISTANCE)
    remove_spikes: BoolProperty(
        name="Remove Spikes",
        description="Pull single vertices that stick out back to the surface",
        default=True,
    )
    cut_stretched: BoolProperty(
        name="Cut Stretched Faces",
        description="Delete faces seen nearly edge-on from the front, as between face and ear; at "
        "first not of a whole head, which is steep all round",
        default=True, options={'SKIP_SAVE'},
    )
    max_angle: FloatProperty(**MAX_ANGLE)
    drop_islands: BoolProperty(
        name="Drop Islands", description="Delete small separate parts", default=True
    )
    min_island: FloatProperty(**MIN_ISLAND)
    fill_holes: BoolProperty(
        name="Fill Holes", description="Close holes, but not the outer border", default=True
    )
    max_hole_sides: IntProperty(**MAX_SIDES)
    fill: EnumProperty(**FILL)

    @classmethod
    def poll(cls, context):
        return poll_mesh(cls, context)

    def execute(self, context):
        from .cleanup_report import CleanupReport
        from .mesh_cleanup import cleanup_mesh

        if not self.properties.is_property_set("cut_stretched"):
            self.cut_stretched = SEEN not in context.active_object.data.attributes
        settings = self.as_keywords()
        try:
            reports = edit_targets(context, partial(cleanup_mesh, **settings))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, sum(reports, CleanupReport()).sentence())
        return {'FINISHED'}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for step, *details in (
            ("merge_doubles", "merge_distance"),
            ("remove_spikes",),
            ("cut_stretched", "max_angle"),
            ("drop_islands", "min_island"),
            ("fill_holes", "max_hole_sides", "fill"),
        ):
            column = layout.column()
            column.prop(self, step)
            for detail in details:
                row = column.row()
                row.active = getattr(self, step)
                row.prop(self, detail)


CLASSES = (FACEDEPTH_OT_smooth, FACEDEPTH_OT_smooth_border, FACEDEPTH_OT_cleanup)
