# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Web Page: the active mesh as a page that turns in any browser."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ...core.errors import FaceDepthError
from ..polls import refuse


class FACEDEPTH_OT_export_html(bpy.types.Operator):
    """Write the mesh as one web page in which it can be turned, without Blender or network"""

    bl_idname = "face_depth.export_html"
    bl_label = "Export Web Page"
    bl_options = {'REGISTER'}

    filepath: StringProperty(
        name="File", description="Web page to write", subtype='FILE_PATH', options={'SKIP_SAVE'}
    )
    filter_glob: StringProperty(default="*.html;*.htm", options={'HIDDEN'})
    check_existing: BoolProperty(default=True, options={'HIDDEN'})
    show: BoolProperty(
        name="Show It", description="Open the page in the web browser when it is written",
        default=True,
    )

    @classmethod
    def poll(cls, context):
        if context.object is None or context.object.type != 'MESH':
            return refuse(cls, "Select a mesh object first")
        return True

    def invoke(self, context, event):
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            self.filepath = str(folder / f"{bpy.path.clean_name(context.object.name)}.html")
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def check(self, context):
        named = bpy.path.ensure_ext(self.filepath, ".html")
        if self.filepath.lower().endswith(".htm") or named == self.filepath:
            return False
        self.filepath = named
        return True

    def execute(self, context):
        from .page import write_html

        path = Path(bpy.path.abspath(self.filepath)).absolute()
        try:
            count = write_html(context.object, path)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        size = path.stat().st_size / 1e6
        self.report({'INFO'}, f"Wrote {path.name}: {count:,} vertices, {size:.1f} MB")
        if self.show and not bpy.app.background:
            bpy.ops.wm.url_open(url=path.as_uri())
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_export_html,)
