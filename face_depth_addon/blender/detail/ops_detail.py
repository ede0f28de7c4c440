# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for pores and wrinkles: add them, take them away, bake them into a normal map."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ...core.errors import FaceDepthError
from ..polls import poll_own, poll_photo_mesh, refuse

_SIZES = (
    ('512', "512", "Folds"),
    ('1024', "1024", "Folds and wrinkles"),
    ('2048', "2048", "Wrinkles and pores, for large photos"),
)


def _poll_relief(operator_class, context) -> bool:
    return poll_photo_mesh(operator_class, context) and poll_own(
        operator_class, context.active_object.data
    )


def _poll_detail(operator_class, context) -> bool:
    from .fine_relief import has_detail

    if not _poll_relief(operator_class, context):
        return False
    if not has_detail(context.active_object.data):
        return refuse(operator_class, "Add detail first")
    return True


class FACEDEPTH_OT_add_detail(bpy.types.Operator):
    """Displace the mesh by the fine relief that its photo or a normal map shows"""

    bl_idname = "face_depth.add_detail"
    bl_label = "Add Detail"
    bl_options = {'REGISTER', 'UNDO'}

    source: EnumProperty(
        name="From", description="What the detail is taken from",
        items=(
            (
                'SHADING', "Shading",
                "Light and shade of the photo's skin; a guess, to which a stain is relief too",
            ),
            ('NORMALS', "Normal Map", "An image that holds the normals of this face"),
            ('BOTH', "Both", "The sum of the two"),
        ),
        default='SHADING',
    )
    size: EnumProperty(
        name="Size", items=_SIZES, default='1024',
        description="Width of the detail in pixels; no more than the pictures have is used",
    )
    strength: FloatProperty(
        name="Strength", description="Factor on the detail; the mesh keeps it as a slider",
        default=1.0, min=0.0, soft_max=2.0, max=10.0,
    )
    cap: FloatProperty(
        name="Cap", description="Height that detail from shading does not reach",
        default=0.0007, min=0.00001, soft_max=0.003, precision=5, step=0.01, subtype='DISTANCE',
    )
    normal_map: StringProperty(
        name="Normal Map", description="Image of this file that holds the face's normals",
    )
    area: EnumProperty(
        name="Shows", description="What the normal map shows",
        items=(
            ('PHOTO', "Photo", "The normal map was made from the whole photo"),
            ('CROP', "Texture", "The normal map was made from the texture of the mesh"),
        ),
        default='PHOTO',
    )
    green: EnumProperty(
        name="Green", description="Which way the green channel points",
        items=(
            ('OPENGL', "Up", "Green is light where the surface looks up, as in Blender"),
            ('DIRECTX', "Down", "Green is light where the surface looks down, as in DirectX"),
        ),
        default='OPENGL',
    )
    largest: FloatProperty(
        name="Largest", description="Forms wider than this stay those of the depth",
        default=0.02, min=0.001, soft_max=0.1, precision=4, step=0.1, subtype='DISTANCE',
    )
    refine: BoolProperty(
        name="Refine Mesh",
        description="Give the mesh an even grid, dense enough to show the detail",
    )
    vertices: IntProperty(
        name="Resolution", description="Vertices along the longest side of the mesh",
        default=1024, min=16, max=2048, soft_min=256,
    )

    @classmethod
    def poll(cls, context):
        return _poll_relief(cls, context)

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context):
        from .fine_relief import DetailSettings, add_detail

        settings = DetailSettings(
            self.source, int(self.size), self.strength, self.cap,
            bpy.data.images.get(self.normal_map), self.area, self.green, self.largest,
            self.vertices if self.refine else 0,
        )
        try:
            added = add_detail(context.active_object.data, settings)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report(
            {'INFO'},
            f"Added detail of up to {1000.0 * added.height:.2f} mm at {added.size} pixels, "
            f"shown by {added.vertices} vertices",
        )
        return {'FINISHED'}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "source")
        layout.prop(self, "size")
        layout.prop(self, "strength")
        if self.source != 'NORMALS':
            layout.prop(self, "cap")
        if self.source != 'SHADING':
            layout.prop_search(self, "normal_map", bpy.data, "images")
            for name in ("area", "green", "largest"):
                layout.prop(self, name)
        layout.prop(self, "refine")
        if self.refine:
            layout.prop(self, "vertices")


class FACEDEPTH_OT_remove_detail(bpy.types.Operator):
    """Take the added detail away from the mesh and from its material"""

    bl_idname = "face_depth.remove_detail"
    bl_label = "Remove Detail"
    bl_options = {'REGISTER', 'UNDO'}

    @classmethod
    def poll(cls, context):
        return _poll_detail(cls, context)

    def execute(self, context):
        from .fine_relief import remove_detail

        try:
            remove_detail(context.active_object.data)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.report({'INFO'}, "Removed the detail")
        return {'FINISHED'}


class FACEDEPTH_OT_bake_detail(bpy.types.Operator):
    """Turn the added detail into a normal map of the material instead of displacement"""

    bl_idname = "face_depth.bake_detail"
    bl_label = "Bake Detail"
    bl_options = {'REGISTER', 'UNDO'}

    strength: FloatProperty(
        name="Strength", description="Factor on the detail",
        default=1.0, min=0.0, soft_max=2.0, max=10.0,
    )
    use_in_material: BoolProperty(
        name="Use in Material", description="Have the first material of the mesh use it",
        default=True,
    )

    @classmethod
    def poll(cls, context):
        return _poll_detail(cls, context)

    def execute(self, context):
        from .detail_bake import bake_detail

        try:
            image = bake_detail(
                context.active_object.data, self.strength, self.use_in_material
            )
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        width, height = image.size
        self.report({'INFO'}, f"Baked the detail into {image.name}, {width} x {height} pixels")
        return {'FINISHED'}


CLASSES = (FACEDEPTH_OT_add_detail, FACEDEPTH_OT_remove_detail, FACEDEPTH_OT_bake_detail)
