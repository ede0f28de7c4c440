# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Depth Map and Export Maps: what a mesh was made from, for other programs."""

import os
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...core.errors import FaceDepthError, OutputError
from .ops_depth import poll_depth

_FORMATS = (
    ('.png', "PNG", "16 bits, with the range and scale noted inside"),
    ('.exr', "OpenEXR", "Exact floats in photo pixels"),
    ('.npy', "NumPy", "Exact floats in photo pixels, for Python"),
)
_PICTURE_FORMATS = (
    ('.jpg', "JPEG", "Small, as the photo was"), ('.png', "PNG", "Without loss"),
)


class FACEDEPTH_OT_export_depth(bpy.types.Operator):
    """Write the depth that the mesh was made from, at the photo's size, with what was painted"""

    bl_idname = "face_depth.export_depth"
    bl_label = "Export Depth Map"

    filepath: StringProperty(subtype='FILE_PATH', options={'SKIP_SAVE'})
    filter_glob: StringProperty(default="*.png;*.exr;*.npy", options={'HIDDEN'})
    check_existing: BoolProperty(default=True, options={'HIDDEN'})
    format: EnumProperty(name="Format", description="Kind of the file", items=_FORMATS)

    @classmethod
    def poll(cls, context):
        return poll_depth(cls, context)

    def invoke(self, context, event):
        if not self.filepath:
            self.filepath = f"{bpy.path.clean_name(context.object.name)}_depth{self.format}"
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def check(self, context):
        """Let the name follow the format while the browser is open."""
        stem, suffix = os.path.splitext(self.filepath)
        if suffix == self.format or not os.path.basename(stem):
            return False
        known = suffix.lower() in {name for name, *_ in _FORMATS}
        self.filepath = (stem if known else self.filepath) + self.format
        return True

    def execute(self, context):
        from .map_export import write_depth_map

        path = Path(bpy.path.abspath(self.filepath))
        try:
            write_depth_map(context.object.data, path)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"Wrote {path.name}")
        return {'FINISHED'}

    def draw(self, context):
        self.layout.prop(self, "format")


class FACEDEPTH_OT_export_maps(bpy.types.Operator):
    """Write the normal map, the texture and the landmarks of the mesh into a folder"""

    bl_idname = "face_depth.export_maps"
    bl_label = "Export Maps"

    directory: StringProperty(subtype='DIR_PATH', options={'SKIP_SAVE'})
    filter_folder: BoolProperty(default=True, options={'HIDDEN'})
    normal_map: BoolProperty(
        name="Normal Map", default=True,
        description="Of the relief, on the mesh's UV map, for a plane or a coarser mesh",
    )
    texture: BoolProperty(
        name="Texture", default=True, description="The photo's part that lies on the UV map"
    )
    texture_format: EnumProperty(
        name="Texture Format", description="Kind of the texture's file", items=_PICTURE_FORMATS,
    )
    landmarks: BoolProperty(
        name="Landmarks", default=True,
        description="468 points of the face, in the photo and on the mesh, as JSON",
    )
    overwrite: BoolProperty(
        name="Overwrite", description="Replace files that are there already", default=False
    )

    @classmethod
    def poll(cls, context):
        return poll_depth(cls, context)

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def execute(self, context):
        from .map_export import has_landmarks

        mesh = context.object.data
        faceless = self.landmarks and not has_landmarks(mesh)
        try:
            names = self._write(context.object, self.landmarks and not faceless)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        if faceless:
            self.report({'WARNING'}, f"Wrote {', '.join(names)}, but the mesh has no landmarks")
        else:
            self.report({'INFO'}, f"Wrote {', '.join(names)}")
        return {'FINISHED'}

    def draw(self, context):
        layout = self.layout
        layout.prop(self, "normal_map")
        layout.prop(self, "texture")
        row = layout.row()
        row.enabled = self.texture
        row.prop(self, "texture_format", text="")
        layout.prop(self, "landmarks")
        layout.prop(self, "overwrite")

    def _write(self, item: bpy.types.Object, landmarks: bool) -> list[str]:
        """Write what was asked for; the files' names."""
        from .map_export import write_landmarks, write_normals, write_texture

        stem = Path(bpy.path.abspath(self.directory)) / bpy.path.clean_name(item.name)
        files = [
            (write, Path(f"{stem}{ending}"))
            for asked, write, ending in (
                (self.normal_map, write_normals, "_normal.png"),
                (self.texture, write_texture, f"_texture{self.texture_format}"),
                (landmarks, write_landmarks, "_landmarks.json"),
            )
            if asked
        ]
        if not files:
            raise OutputError(
                "There is nothing to write: choose the normal map or the texture, or the "
                "landmarks of a mesh that has a face."
            )
        for _, path in files:
            if path.exists() and not self.overwrite:
                raise OutputError(
                    f"{path.name} is there already: choose Overwrite or another folder."
                )
        for write, path in files:
            write(item.data, path)
        return [path.name for _, path in files]


CLASSES = (FACEDEPTH_OT_export_depth, FACEDEPTH_OT_export_maps)
