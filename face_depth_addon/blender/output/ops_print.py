# SPDX-License-Identifier: GPL-3.0-or-later
"""3D Print: a printable object from a relief, and its file for a slicer."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ...core.errors import FaceDepthError
from ..polls import poll_object_mode

_MM = {"subtype": 'DISTANCE_CAMERA', "min": 0.0, "precision": 2}
_SHOWN = {
    'RELIEF': ("plate", "size_mm", "relief_mm", "base_mm", "border_mm", "detail_mm"),
    'BUST': ("size_mm", "wall_mm", "base_mm", "hole_mm", "detail_mm"),
    'SOLID': ("size_mm", "base_mm", "detail_mm"),
}


class FACEDEPTH_OT_make_print(bpy.types.Operator):
    """Make a closed, printable object of the active relief, in its true size"""

    bl_idname = "face_depth.make_print"
    bl_label = "3D Print"
    bl_options = {'REGISTER', 'UNDO'}

    kind: EnumProperty(
        name="Kind", description="What is made of the relief",
        items=(
            ('RELIEF', "Relief Plate", "A shallow relief on a plate, as on a medal"),
            ('BUST', "Hollow Bust", "A head with a rounded back that stands, hollow inside"),
            ('SOLID', "Solid", "The face as deep as it is, with a flat back"),
        ),
        default='RELIEF',
    )
    plate: EnumProperty(
        name="Plate", description="Form of the plate",
        items=(
            ('RECTANGLE', "Rectangle", "As wide as the relief needs"),
            ('ROUND', "Round", "A disc around the relief"),
        ),
        default='RECTANGLE',
    )
    size_mm: FloatProperty(name="Size", description="Height of the whole", default=100.0, **_MM)
    relief_mm: FloatProperty(
        name="Relief", description="Height of the relief above the plate", default=5.0, **_MM
    )
    wall_mm: FloatProperty(
        name="Wall Thickness", description="Least thickness of the walls", default=2.0, **_MM
    )
    base_mm: FloatProperty(
        name="Base Thickness",
        description="Thickness of the plate, of a bust's floor, or of a solid where it is thinnest",
        default=3.0, **_MM,
    )
    border_mm: FloatProperty(
        name="Border", description="Free width around the relief", default=5.0, **_MM
    )
    hole_mm: FloatProperty(
        name="Hole",
        description="Diameter of the hole in the floor; smaller where there is no room",
        default=15.0, **_MM,
    )
    detail_mm: FloatProperty(
        name="Detail", description="Distance between the points of the surface", default=0.25, **_MM
    )

    @classmethod
    def poll(cls, context):
        return poll_object_mode(cls, context)

    def execute(self, context):
        from .printing import PrintSettings, make_print

        lengths = ("size", "relief", "wall", "base", "border", "hole")
        try:
            printed = make_print(context.active_object, PrintSettings(
                kind=self.kind, plate=self.plate, spacing=self.detail_mm,
                **{name: getattr(self, f"{name}_mm") for name in lengths},
            ))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, printed.sentence())
        return {'FINISHED'}

    def draw(self, _context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "kind")
        column = layout.column()
        for name in _SHOWN[self.kind]:
            column.prop(self, name)


class FACEDEPTH_OT_export_print(bpy.types.Operator):
    """Write the active object as a file for a slicer, in millimetres"""

    bl_idname = "face_depth.export_print"
    bl_label = "Export for Printing"

    filepath: StringProperty(subtype='FILE_PATH', options={'SKIP_SAVE'})
    check_existing: BoolProperty(default=True, options={'HIDDEN'})
    filter_glob: StringProperty(default="*.3mf;*.stl", options={'HIDDEN'})
    file_format: EnumProperty(
        name="Format",
        description="If the file's name does not say it",
        items=(
            ('.3mf', "3MF", "With colours and its unit"),
            ('.stl', "STL", "Binary, for any slicer"),
        ),
        default='.3mf',
    )
    position: EnumProperty(
        name="Position", description="How the object lies in the printer",
        items=(
            ('AUTO', "As It Prints Best", "Plates and flat backs lie, all else stands"),
            ('STANDING', "Standing", "As in the scene"),
            ('LYING', "Lying", "On its back"),
        ),
        default='AUTO',
    )

    @classmethod
    def poll(cls, context):
        return poll_object_mode(cls, context)

    def invoke(self, context, _event):
        if not self.filepath:
            name = bpy.path.clean_name(context.active_object.name)
            self.filepath = f"{name}{self.file_format}"
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def check(self, _context):
        path = self.filepath.removesuffix(".3mf").removesuffix(".stl") + self.file_format
        changed, self.filepath = path != self.filepath, path
        return changed

    def execute(self, context):
        from .printing import SUFFIXES, write_print

        path = Path(bpy.path.abspath(self.filepath))
        if path.suffix.lower() not in SUFFIXES:
            path = path.with_name(path.name + self.file_format)
        try:
            count = write_print(context.active_object, path, self.position)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, f"Wrote {path.name}: {count:,} triangles")
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_make_print, FACEDEPTH_OT_export_print)
