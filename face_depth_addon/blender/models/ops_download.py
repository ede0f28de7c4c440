# SPDX-License-Identifier: GPL-3.0-or-later
"""Download Model: asks first, then runs with progress in a window, in scripts at once."""

from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...core.errors import FaceDepthError, ModelError
from ...inference.cards import Card
from ..polls import refuse
from ..preferences import worker_settings
from ..running import RunningOperator
from ..wording import iface
from ..wrapped import draw_lines
from .choice import chosen_model
from .download import download_steps, find_card, folder_of, licence_of, source_of
from .presence import forget, presence

if TYPE_CHECKING:
    from ...inference.request import Downloaded

_WIDTH, _LETTERS = 460, 66


class FACEDEPTH_OT_download_model(RunningOperator, bpy.types.Operator):
    """Fetch the chosen model from the network"""

    bl_idname = "face_depth.download_model"
    bl_label = "Download Model"
    bl_options = set()

    noun = "download"
    object_mode_only = False

    model: StringProperty(
        name="Model", description="Name of the model; empty for that of the Face Depth panel",
        options={'HIDDEN', 'SKIP_SAVE'},
    )
    _agreed = False

    @classmethod
    def poll(cls, context):
        if not bpy.app.online_access:
            return refuse(cls, "Allow Online Access in Blender's preferences, under System, first")
        return super().poll(context)

    def invoke(self, context, event):
        if bpy.app.background:
            return self.execute(context)
        try:
            card = self._card(context)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        # What comes after the question is the click's doing, and not a script's.
        self._agreed = True
        return context.window_manager.invoke_props_dialog(
            self, width=_WIDTH, confirm_text=iface("Download"),
            title=iface("Download {model}?").format(model=card.title),
        )

    def draw(self, context):
        card = find_card(self.model or chosen_model(context))
        for text, icon in question(card):
            draw_lines(self.layout, text, _LETTERS, icon)

    def execute(self, context):
        if not self._agreed:
            return super().execute(context)
        try:
            return self.run_modal(context)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}

    def start(self, context, wait):
        return download_steps(self._card(context), worker_settings(context).python, wait)

    def finished(self, context, outcome: "Downloaded"):
        self.report({'INFO'}, f"{self._name} is on this machine now: {outcome.path}")
        return {'FINISHED'}

    def _card(self, context: bpy.types.Context) -> Card:
        """What is to be fetched.

        Raises
        ------
        ModelError
            It cannot be fetched, or is here already.
        """
        card = find_card(self.model or chosen_model(context))
        forget()
        if presence(card, worker_settings(context).models).here:
            raise ModelError(f"{card.title} is on this machine already.")
        self._name = card.title
        return card


def question(card: Card) -> list[tuple[str, str]]:
    """What people should know before they agree to a download: texts, each with an icon."""
    return [
        (
            iface("{size} from {place}").format(size=card.size_text, place=source_of(card)), 'URL',
        ),
        (iface("into {place}").format(place=folder_of(card)), 'FILE_FOLDER'),
        (
            iface("Licence: {licence}").format(licence=licence_of(card)),
            'CHECKMARK' if card.commercial else 'ERROR',
        ),
        ("A download that is stopped goes on there the next time.", 'INFO'),
    ]


CLASSES = (FACEDEPTH_OT_download_model,)
