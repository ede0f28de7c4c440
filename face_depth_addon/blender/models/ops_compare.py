# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare Models: one photo with each of several models, in a window with progress."""

from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...core.errors import ModelError
from ...inference.cards import Card, read_cards
from .. import worker
from ..ops_reconstruct import PhotoOperator
from ..polls import refuse
from ..preferences import worker_settings
from ..viewports import frame_selected, show_texture
from .presence import presence
from .toggles import toggle_of

if TYPE_CHECKING:
    from .compare import Comparison


class FACEDEPTH_OT_compare_models(PhotoOperator, bpy.types.Operator):
    """Reconstruct the photo with each ticked model and lay the meshes out side by side"""

    bl_idname = "face_depth.compare_models"
    bl_label = "Compare"
    # Not {'REGISTER'}: whoever changes a value afterwards would wait for all the models again.
    bl_options = {'UNDO'}

    noun = "comparison"

    models: StringProperty(
        name="Models", description="Names with commas between them; empty for those that are "
        "ticked in the Face Depth panel", options={'HIDDEN', 'SKIP_SAVE'},
    )

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        if not ticked_models(context):
            return refuse(cls, "Tick the models to compare first")
        return True

    def start(self, context, wait):
        from .compare import compare_steps

        preferences = worker_settings(context)
        names = [name.strip() for name in self.models.split(",") if name.strip()]
        if not names:
            names = [card.name for card in ticked_models(context)]
        if not names:
            raise ModelError("No models are chosen: tick some under Compare Models.")
        return compare_steps(
            context, worker.client(preferences.python, preferences.idle_seconds),
            self.photo(context), [self.settings(preferences, name) for name in names], wait,
        )

    def finished(self, context, outcome: "Comparison"):
        show_texture(context)
        frame_selected(context)
        done = sum(not model.error for model in outcome.models)
        said = f"{done} of {len(outcome.models)} models compared"
        if outcome.notes:
            self.report({'WARNING'}, f"{said}. {' '.join(outcome.notes)}")
        else:
            self.report({'INFO'}, said)
        return {'FINISHED'}


def ticked_models(context: bpy.types.Context) -> list[Card]:
    """The models on this machine that are to be compared."""
    toggles, folder = context.scene.face_depth.compare, worker_settings(context).models
    return [
        card for card in read_cards().values()
        if getattr(toggles, toggle_of(card)) and presence(card, folder).here
    ]


CLASSES = (FACEDEPTH_OT_compare_models,)
