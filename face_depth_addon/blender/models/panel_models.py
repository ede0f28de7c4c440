# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel tells of the chosen model, and which are compared."""

import os
from typing import TYPE_CHECKING

import bpy

from ...inference.cards import BUNDLED, SPEEDS, Card, read_cards
from ..preferences import worker_settings
from ..running import draw_button
from ..wording import iface
from ..wrapped import draw_wrapped
from .choice import MODEL_FILE, MODEL_FOLDER, card_of, own_place, takes_fit, takes_steps
from .download import licence_of
from .ops_compare import FACEDEPTH_OT_compare_models
from .ops_download import FACEDEPTH_OT_download_model
from .presence import Presence, presence
from .toggles import toggle_of

if TYPE_CHECKING:
    from ..properties import FACEDEPTH_PG_settings

_STATES = {
    "present": ("On this machine", 'CHECKMARK'),
    "partial": ("The download is not finished", 'ERROR'),
    "missing": ("Not on this machine", 'ERROR'),
}


class _Models:
    bl_space_type = 'VIEW_3D'
    bl_region_type = 'UI'
    bl_category = "Face Depth"
    bl_parent_id = "FACEDEPTH_PT_main"
    bl_options = {'DEFAULT_CLOSED'}


class FACEDEPTH_PT_model(_Models, bpy.types.Panel):
    """What the chosen model is for, its licence, and where it is"""

    bl_label = "Model"

    def draw(self, context):
        settings = context.scene.face_depth
        card = card_of(settings)
        _draw_choice(self.layout, settings)
        if card is not None:
            _draw_card(self.layout, context, card)
        elif not settings.model:
            draw_wrapped(self.layout, context, "This file's model is not installed here", 'ERROR')
        else:
            _draw_own(self.layout, context, own_place(settings))


class FACEDEPTH_PT_compare(_Models, bpy.types.Panel):
    """One photo with several models, side by side"""

    bl_label = "Compare Models"

    def draw(self, context):
        toggles, folder = context.scene.face_depth.compare, worker_settings(context).models
        column = self.layout.column(align=True)
        for card in read_cards().values():
            if presence(card, folder).here:
                column.prop(toggles, toggle_of(card))
        draw_button(self.layout, FACEDEPTH_OT_compare_models, 'MOD_ARRAY')


def _draw_choice(layout: bpy.types.UILayout, settings: "FACEDEPTH_PG_settings") -> None:
    """The model, and of the ways to run it those that count for it."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(settings, "model")
    if settings.model == MODEL_FOLDER:
        column.prop(settings, "model_folder", text=iface("Folder"))
    elif settings.model == MODEL_FILE:
        column.prop(settings, "model_file", text=iface("File"))
    if takes_steps(settings):
        for name in ("steps", "ensemble", "seed"):
            column.prop(settings, name)
    if takes_fit(settings):
        column.prop(settings, "fit")


def _draw_card(layout: bpy.types.UILayout, context: bpy.types.Context, card: Card) -> None:
    there = presence(card, worker_settings(context).models)
    draw_wrapped(layout, context, card.good_at, 'INFO')
    draw_wrapped(
        layout, context, iface("Licence: {licence}").format(licence=licence_of(card)),
        'CHECKMARK' if card.commercial else 'ERROR',
    )
    if card.megabytes:
        draw_wrapped(layout, context, card.size_text, 'DISK_DRIVE')
    if card.name != BUNDLED:
        speed = iface(SPEEDS[card.speed])
        draw_wrapped(layout, context, f"{speed[0].upper()}{speed[1:]}", 'TIME')
    _draw_presence(layout, context, card, there)
    if not there.here:
        draw_button(layout, FACEDEPTH_OT_download_model, 'IMPORT')
    if card.home:
        layout.operator("wm.url_open", text="Web Page", icon='URL').url = card.home


def _draw_presence(
    layout: bpy.types.UILayout, context: bpy.types.Context, card: Card, there: Presence
) -> None:
    if card.comes_along:
        draw_wrapped(layout, context, "Comes with Face Depth", 'CHECKMARK')
        return
    draw_wrapped(layout, context, *_STATES[there.state])
    if there.place is not None:
        draw_wrapped(layout, context, str(there.place), 'FILE_FOLDER')


def _draw_own(layout: bpy.types.UILayout, context: bpy.types.Context, place: str) -> None:
    if not place:
        draw_wrapped(layout, context, "Choose it above", 'INFO')
        return
    draw_wrapped(layout, context, place, 'FILE_FOLDER')
    if not os.path.exists(place):
        draw_wrapped(layout, context, "There is nothing at this place", 'ERROR')


CLASSES = (FACEDEPTH_PT_model, FACEDEPTH_PT_compare)
