# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's tools for a finished mesh: a closed panel for each kind of work."""

import bpy

# Of each row of a panel the operators: name, text on a narrow button or None for its own, icon.
_Row = tuple[tuple[str, str | None, str], ...]

# In unscaled pixels: of a panel in which two buttons side by side cannot show their names.
_NARROW = 210


class _Tools:
    bl_space_type = 'VIEW_3D'
    bl_region_type = 'UI'
    bl_category = "Face Depth"
    bl_parent_id = "FACEDEPTH_PT_main"
    bl_options = {'DEFAULT_CLOSED'}

    rows: tuple[_Row, ...] = ()

    def draw(self, context):
        column = self.layout.column(align=True)
        narrow = context.region.width < _NARROW * context.preferences.system.ui_scale
        for row in self.rows:
            buttons = column.column(align=True) if narrow else column.row(align=True)
            for name, text, icon in row:
                buttons.operator(f"face_depth.{name}", text=text, icon=icon)


class FACEDEPTH_PT_edit(_Tools, bpy.types.Panel):
    """Smoothing and repairs, on any mesh"""

    bl_label = "Smooth and Clean Up"
    rows = (
        (("smooth", "Smooth", 'MOD_SMOOTH'), ("smooth_border", "Border", 'MOD_OUTLINE')),
        (("cleanup", "Clean Up", 'BRUSH_DATA'),),
        (
            ("cut_stretched", "Stretched", 'MOD_EDGESPLIT'),
            ("remove_spikes", "Spikes", 'SHARPCURVE'),
        ),
        (("drop_islands", "Islands", 'STICKY_UVS_DISABLE'), ("fill_holes", "Holes", 'MESH_CIRCLE')),
        (("merge_doubles", "Doubles", 'AUTOMERGE_ON'), ("turn_flipped", "Flipped", 'NORMALS_FACE')),
        (
            ("fix_non_manifold", "Non-Manifold", 'MOD_BOOLEAN'),
            ("select_crossing", "Crossing", 'SELECT_INTERSECT'),
        ),
    )


class FACEDEPTH_PT_detail(_Tools, bpy.types.Panel):
    """Pores and wrinkles from the photo or from a normal map"""

    bl_label = "Detail"
    rows = (
        (("add_detail", None, 'MOD_DISPLACE'),),
        (("remove_detail", "Remove", 'TRASH'), ("bake_detail", "Bake", 'NORMALS_VERTEX_FACE')),
    )


class FACEDEPTH_PT_head(_Tools, bpy.types.Panel):
    """Other faces, and what the photo does not show"""

    bl_label = "Topology and Head"
    rows = (
        (("wrap_template", None, 'MOD_MESHDEFORM'),),
        (("complete_head", None, 'MOD_MIRROR'),),
        (("quad_remesh", None, 'MOD_REMESH'), ("decimate", None, 'MOD_DECIM')),
    )


class FACEDEPTH_PT_cloud(_Tools, bpy.types.Panel):
    """Coloured points, their cleaning, and a surface from them"""

    bl_label = "Point Cloud"
    rows = (
        (("make_cloud", None, 'OUTLINER_DATA_POINTCLOUD'),),
        (("thin_cloud", "Thin Out", 'FILTER'), ("remove_outliers", "Outliers", 'X')),
        (("smooth_cloud", "Smooth", 'MOD_SMOOTH'), ("cloud_to_mesh", "Mesh", 'SURFACE_DATA')),
        (("import_cloud", "Import", 'IMPORT'), ("export_cloud", "Export", 'EXPORT')),
    )


class FACEDEPTH_PT_depth(_Tools, bpy.types.Panel):
    """The depth map: seen, painted, imported and exported"""

    bl_label = "Depth In and Out"
    rows = (
        (("show_depth", None, 'IMAGE_DATA'),),
        (("edit_depth", "Paint", 'TPAINT_HLT'), ("apply_depth", "Apply", 'CHECKMARK')),
        (("import_depth", "Import", 'IMPORT'), ("export_depth", "Export", 'EXPORT')),
        (("export_maps", None, 'TEXTURE'),),
        (("export_html", None, 'URL'),),
    )


class FACEDEPTH_PT_print(_Tools, bpy.types.Panel):
    """A watertight copy for a 3D printer"""

    bl_label = "3D Print"
    rows = ((("make_print", "Make", 'MESH_CUBE'), ("export_print", "Export", 'EXPORT')),)


CLASSES = (
    FACEDEPTH_PT_edit, FACEDEPTH_PT_detail, FACEDEPTH_PT_head, FACEDEPTH_PT_cloud,
    FACEDEPTH_PT_depth, FACEDEPTH_PT_print,
)
