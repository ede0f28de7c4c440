# SPDX-License-Identifier: GPL-3.0-or-later
"""The Face Depth tab of the 3D viewport's sidebar."""

import bpy

from .models.choice import MODEL_FILE, MODEL_FOLDER, card_of, takes_fit, takes_steps
from .models.presence import presence
from .ops_reconstruct import FACEDEPTH_OT_reconstruct, chosen_image
from .preferences import worker_settings
from .properties import FACEDEPTH_PG_settings
from .running import draw_button

# Share of a square grid that a head with its shoulders fills, rounded, for the estimate.
_TYPICAL_SHARE = 0.6
_MISSING = {
    'OBJECT': "Select an image or a textured plane",
    'EDITOR': "Open a photo in an Image Editor",
}


class FACEDEPTH_PT_main(bpy.types.Panel):
    """Photo, model and the one button"""

    bl_label = "Face Depth"
    bl_space_type = 'VIEW_3D'
    bl_region_type = 'UI'
    bl_category = "Face Depth"

    def draw(self, context):
        layout = self.layout
        settings = context.scene.face_depth
        column = layout.column(align=True)
        column.row(align=True).prop(settings, "source", expand=True)
        if settings.source == 'IMAGE':
            column.template_ID(settings, "image", open="image.open")
        else:
            image = chosen_image(context)
            text = image.name if image else _MISSING[settings.source]
            column.box().label(text=text, icon='IMAGE_DATA')

        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        _draw_model(column, context, settings)
        column.prop(settings, "whole_image", text="Whole Image")
        row = column.row()
        row.enabled = not settings.whole_image
        row.prop(settings, "face")
        column.prop(settings, "region")
        column.prop(settings, "resolution")
        column.label(text=_vertex_estimate(settings.resolution), icon='VERTEXSEL')
        column.prop(settings, "projection")
        column.prop(settings, "strength")
        draw_button(layout, FACEDEPTH_OT_reconstruct, 'MESH_MONKEY')


def _draw_model(
    column: bpy.types.UILayout, context: bpy.types.Context, settings: FACEDEPTH_PG_settings
) -> None:
    """The model, and of the ways to run it those that count for it."""
    column.prop(settings, "model")
    if settings.model == MODEL_FOLDER:
        column.prop(settings, "model_folder", text="Folder")
    elif settings.model == MODEL_FILE:
        column.prop(settings, "model_file", text="File")
    card = card_of(settings)
    if card is not None and not presence(card, worker_settings(context).models).here:
        column.label(text="Not on this machine: see Model below", icon='ERROR')
    if takes_steps(settings):
        for name in ("steps", "ensemble", "seed"):
            column.prop(settings, name)
    if takes_fit(settings):
        column.prop(settings, "fit")


def _vertex_estimate(resolution: int) -> str:
    """The vertex count beforehand, as a portrait comes to it."""
    count = round(_TYPICAL_SHARE * resolution**2, -3 if resolution > 100 else -2)
    return f"About {count:,.0f} vertices"


CLASSES = (FACEDEPTH_PT_main,)
