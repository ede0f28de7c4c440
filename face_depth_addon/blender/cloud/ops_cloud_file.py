# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Point Cloud and Export Point Cloud."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from ...core.errors import FaceDepthError
from ..polls import poll_object_mode, refuse
from .cloud_targets import RADIUS, show_colours


class _PlyFile:
    filepath: StringProperty(
        name="File", description="A PLY file", subtype='FILE_PATH', options={'SKIP_SAVE'}
    )
    filter_glob: StringProperty(default="*.ply", options={'HIDDEN'})

    def path(self) -> Path:
        return Path(bpy.path.abspath(self.filepath))


class FACEDEPTH_OT_import_cloud(bpy.types.Operator, _PlyFile):
    """Open the points of a PLY file as a point cloud"""

    bl_idname = "face_depth.import_cloud"
    bl_label = "Import Point Cloud"
    bl_options = {'REGISTER', 'UNDO'}

    scale: FloatProperty(
        name="Scale", default=1.0, min=1e-6, soft_max=1000.0, precision=4,
        description="Metres in a unit of the file: 0.001 for files in millimetres",
    )
    radius: FloatProperty(**RADIUS)

    @classmethod
    def poll(cls, context):
        if context.mode != 'OBJECT':
            return refuse(cls, "Switch to Object Mode first")
        return True

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def execute(self, context):
        from .cloud_file import import_cloud

        try:
            item = import_cloud(context, self.path(), self.scale, self.radius)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        show_colours(context)
        metres = max(item.dimensions)
        self.report({'INFO'}, f"{len(item.data.vertices):,} points, {metres:.3g} m across")
        return {'FINISHED'}


class FACEDEPTH_OT_export_cloud(bpy.types.Operator, _PlyFile):
    """Write the active point cloud, or a mesh's vertices, with colours and normals, as PLY"""

    bl_idname = "face_depth.export_cloud"
    bl_label = "Export Point Cloud"
    bl_options = {'REGISTER'}

    check_existing: BoolProperty(default=True, options={'HIDDEN'})
    scale: FloatProperty(
        name="Scale", default=1.0, min=1e-6, soft_max=1000.0, precision=4,
        description="Units of the file in a metre: 1000 for a file in millimetres",
    )

    @classmethod
    def poll(cls, context):
        return poll_object_mode(cls, context, "Select a point cloud or a mesh first")

    def invoke(self, context, event):
        if not self.filepath:
            self.filepath = f"{bpy.path.clean_name(context.active_object.name)}.ply"
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def check(self, context):
        named = bpy.path.ensure_ext(self.filepath, ".ply")
        changed = named != self.filepath
        self.filepath = named
        return changed

    def execute(self, context):
        from .cloud_file import export_cloud

        try:
            count = export_cloud(context, context.active_object, self.path(), self.scale)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"Wrote {self.path().name}: {count:,} points")
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_import_cloud, FACEDEPTH_OT_export_cloud)
