# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos that become one head, in the Face Depth tab."""

import bpy

from ...core.fusion.limits import MOST_PHOTOS
from ..ops_each import FACEDEPTH_OT_reconstruct_each
from ..running import draw_button
from ..wording import iface
from ..wrapped import draw_wrapped
from .ops_fuse import FACEDEPTH_OT_fuse_photos
from .ops_photos import (
    FACEDEPTH_OT_add_photos,
    FACEDEPTH_OT_clear_photos,
    FACEDEPTH_OT_remove_photo,
)
from .photo_list import FACEDEPTH_PG_fusion, FACEDEPTH_PG_photo
from .thumbnails import icon_of

_THUMBNAIL_SCALE = 2.0


class FACEDEPTH_UL_photos(bpy.types.UIList):
    """A photo with its picture and its state"""

    def draw_item(
        self, context, layout, data, item, icon, active_data, active_property, index=0, flt_flag=0
    ):
        row = layout.row(align=True)
        picture = row.row()
        picture.scale_x = _THUMBNAIL_SCALE
        picture.template_icon(icon_value=icon_of(item), scale=1.0)
        row.label(text=item.name, translate=False)
        row.label(icon_value=layout.enum_item_icon(item, "state", item.state))


class FACEDEPTH_MT_add_image(bpy.types.Menu):
    """Images of this file, to be fused"""

    bl_label = "Add Image"

    def draw(self, context):
        layout = self.layout
        images = [image for image in bpy.data.images if _can_be_photo(image)]
        for image in images:
            layout.operator(
                FACEDEPTH_OT_add_photos.bl_idname, text=image.name, translate=False,
                icon_value=layout.icon(image),
            ).image = image.name
        if not images:
            layout.label(text=iface("There are no images in this file"))


class FACEDEPTH_PT_fusion(bpy.types.Panel):
    """Several photos of one person, or a video, make one head"""

    bl_label = "Several Photos"
    bl_space_type = 'VIEW_3D'
    bl_region_type = 'UI'
    bl_category = "Face Depth"
    bl_parent_id = "FACEDEPTH_PT_main"
    bl_options = {'DEFAULT_CLOSED'}

    def draw(self, context):
        layout = self.layout
        fusion = context.scene.face_depth.fusion
        row = layout.row()
        # Scaled from outside: a row's highlight is otherwise half as high as its picture.
        photos = row.column()
        photos.scale_y = _THUMBNAIL_SCALE
        photos.template_list(
            FACEDEPTH_UL_photos.__name__, "", fusion, "photos", fusion, "active", rows=3, maxrows=6
        )
        buttons = row.column(align=True)
        buttons.operator(FACEDEPTH_OT_add_photos.bl_idname, text="", icon='ADD')
        buttons.menu(FACEDEPTH_MT_add_image.__name__, text="", icon='IMAGE_DATA')
        buttons.operator(FACEDEPTH_OT_remove_photo.bl_idname, text="", icon='REMOVE')
        buttons.separator()
        buttons.operator(FACEDEPTH_OT_clear_photos.bl_idname, text="", icon='TRASH')
        if fusion.photos:
            _draw_photo(layout, context, fusion.photos[min(fusion.active, len(fusion.photos) - 1)])
        else:
            draw_wrapped(
                layout, context,
                iface(
                    "Add two to {count} photos of one person, from different sides, or a video, "
                    "for one head; or any photos, for a mesh each"
                ).format(count=MOST_PHOTOS),
                'INFO',
            )

        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in ("resolution", "texture_size", "pupils", "keep_all", "point_clouds"):
            column.prop(fusion, name)
        draw_button(layout, FACEDEPTH_OT_fuse_photos, 'RENDERLAYERS')
        _draw_residuals(layout, fusion)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(fusion, "arrange")
        draw_button(layout, FACEDEPTH_OT_reconstruct_each, 'MOD_ARRAY')


def _can_be_photo(image: bpy.types.Image) -> bool:
    """Not a render, nor a map such as the depth that meshes keep."""
    return (
        image.source in {'FILE', 'GENERATED'}
        and image.colorspace_settings.name not in {"Non-Color", "Raw"}
    )


def _draw_photo(
    layout: bpy.types.UILayout, context: bpy.types.Context, photo: FACEDEPTH_PG_photo
) -> None:
    """What became of the active photo."""
    icon = 'INFO' if photo.state == 'USED' else 'ERROR'
    if photo.remark:
        draw_wrapped(layout, context, photo.remark, icon)
    if photo.placed:
        yaw, pitch, _ = photo.pose
        text = iface("Turned {yaw:+.0f}°, raised {pitch:+.0f}°").format(yaw=yaw, pitch=pitch)
        if photo.residual_mm >= 0.0:
            text += iface(", {distance:.1f} mm from the others").format(distance=photo.residual_mm)
        draw_wrapped(layout, context, text, 'ORIENTATION_VIEW')


def _draw_residuals(layout: bpy.types.UILayout, fusion: FACEDEPTH_PG_fusion) -> None:
    if not any(fusion.residuals_mm):
        return
    column = layout.column(align=True)
    column.label(text=iface("Distance between the surfaces"), icon='DRIVER_DISTANCE')
    # ICP in between seeks the least distance, and the refinement what fits in detail.
    for step, residual in (
        (iface("By landmarks"), fusion.residuals_mm[0]), (iface("Fused"), fusion.residuals_mm[2])
    ):
        row = column.row()
        row.label(text=step, icon='BLANK1')
        row.label(text=f"{residual:.2f} mm")


CLASSES = (FACEDEPTH_UL_photos, FACEDEPTH_MT_add_image, FACEDEPTH_PT_fusion)
