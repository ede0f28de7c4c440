# SPDX-License-Identifier: GPL-3.0-or-later
"""The Face Depth tab of the 3D viewport's sidebar."""

import bpy

from .models.choice import card_of
from .models.presence import presence
from .ops_reconstruct import FACEDEPTH_OT_reconstruct, chosen_image
from .preferences import PACKAGE, worker_settings
from .presets import draw_presets
from .properties import FACEDEPTH_PG_settings
from .running import draw_button
from .wording import iface
from .wrapped import draw_wrapped

# Share of a square grid that a head with its shoulders fills, rounded, for the estimate.
_TYPICAL_SHARE = 0.6
_MISSING = {
    'OBJECT': "Select an image or a textured plane",
    'EDITOR': "Open a photo in an Image Editor",
}


class FACEDEPTH_PT_main(bpy.types.Panel):
    """Photo, preset and the one button"""

    bl_label = "Face Depth"
    bl_space_type = 'VIEW_3D'
    bl_region_type = 'UI'
    bl_category = "Face Depth"

    def draw_header_preset(self, _context):
        self.layout.operator(
            "preferences.addon_show", text="", icon='PREFERENCES', emboss=False
        ).module = PACKAGE

    def draw(self, context):
        layout = self.layout
        settings = context.scene.face_depth
        column = layout.column(align=True)
        column.row(align=True).prop(settings, "source", expand=True)
        if settings.source == 'IMAGE':
            column.template_ID(settings, "image", open="image.open")
        else:
            image = chosen_image(context)
            text = image.name if image else iface(_MISSING[settings.source])
            column.box().label(text=text, icon='IMAGE_DATA', translate=False)

        draw_presets(layout, settings)
        _draw_summary(layout, context, settings)
        draw_button(layout, FACEDEPTH_OT_reconstruct, 'MESH_MONKEY')


class FACEDEPTH_PT_options(bpy.types.Panel):
    """What of the photo becomes a mesh, and how fine and deep it is"""

    bl_label = "Options"
    bl_space_type = 'VIEW_3D'
    bl_region_type = 'UI'
    bl_category = "Face Depth"
    bl_parent_id = "FACEDEPTH_PT_main"
    bl_options = {'DEFAULT_CLOSED'}

    def draw(self, context):
        settings = context.scene.face_depth
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "region")
        column.prop(settings, "resolution")
        column.prop(settings, "projection")
        column.prop(settings, "strength")
        column.prop(settings, "whole_image", text=iface("Whole Image"))
        row = column.row()
        row.enabled = not settings.whole_image
        row.prop(settings, "face")


def _draw_summary(
    layout: bpy.types.UILayout, context: bpy.types.Context, settings: FACEDEPTH_PG_settings
) -> None:
    """What a click will use and make, or what is still needed for it."""
    if settings.source == 'IMAGE' and settings.image is None:
        draw_wrapped(layout, context, iface("Open a photo, or drop one into the viewport"), 'INFO')
        return
    card = card_of(settings)
    if card is not None and not presence(card, worker_settings(context).models).here:
        draw_wrapped(
            layout, context,
            iface("{model} is not on this machine: see Model below").format(model=card.title),
            'ERROR',
        )
        return
    model = card.title if card else iface("Own model")
    text = iface("{model}, about {count} vertices").format(
        model=model, count=_vertex_estimate(settings.resolution)
    )
    draw_wrapped(layout, context, text, 'INFO')


def _vertex_estimate(resolution: int) -> str:
    """The vertex count beforehand, as a portrait comes to it."""
    count = round(_TYPICAL_SHARE * resolution**2, -3 if resolution > 100 else -2)
    return f"{count:,.0f}"


CLASSES = (FACEDEPTH_PT_main, FACEDEPTH_PT_options)
