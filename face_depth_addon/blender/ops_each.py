# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruct Each: several photos to a mesh each, modal in a window, else at once."""

import os
from typing import TYPE_CHECKING

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty

from ..core.errors import PhotoError
from . import photo_source, worker
from .fusion import photo_list
from .models.choice import MODEL_NAMES, ModelChoice, adopt, model_name
from .models.presence import poll_model
from .ops_reconstruct import PhotoOperator
from .preferences import worker_settings
from .viewports import frame_selected, show_texture

if TYPE_CHECKING:
    from .each import Made


class FACEDEPTH_OT_reconstruct_each(ModelChoice, PhotoOperator, bpy.types.Operator):
    """Make a mesh of each photo of the list. Esc keeps those that are ready"""

    bl_idname = "face_depth.reconstruct_each"
    bl_label = "Reconstruct Each"
    # Not {'REGISTER'}: whoever changes a value afterwards would wait for all photos again.
    bl_options = {'UNDO'}

    noun = "reconstruction"

    directory: StringProperty(subtype='DIR_PATH', options={'HIDDEN', 'SKIP_SAVE'})
    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={'HIDDEN', 'SKIP_SAVE'}
    )
    arrange: EnumProperty(**photo_list.ARRANGE, options={'HIDDEN', 'SKIP_SAVE'})

    @classmethod
    def poll(cls, context):
        return super().poll(context) and poll_model(cls, context)

    def adopt_panel(self, context):
        adopt(self, context, MODEL_NAMES)
        if not self.properties.is_property_set("arrange"):
            self.arrange = context.scene.face_depth.fusion.arrange
        super().adopt_panel(context)

    def start(self, context, wait):
        from .each import each_steps

        self._enough: list[bool] = []
        sources = self._sources(context)
        if not sources:
            raise PhotoError(
                "No photos are chosen: add some under Several Photos in the Face Depth tab."
            )
        preferences = worker_settings(context)
        return each_steps(
            context, worker.client(preferences.python, preferences.idle_seconds), sources,
            self.settings(preferences, model_name(self)), self.arrange == 'COLLECTIONS',
            self._enough, wait,
        )

    def modal(self, context, event):
        asked = (event.type == 'ESC' and event.value == 'PRESS') or self.stop_asked
        if asked and not self._enough:
            self._enough.append(True)
            self.stop_asked = False
            return {'RUNNING_MODAL'}
        return super().modal(context, event)

    def finished(self, context, outcome: "Made"):
        if not self.files:
            fusion = context.scene.face_depth.fusion
            photo_list.write_failures(fusion, self._given, outcome.failures)
        show_texture(context)
        frame_selected(context)
        said = f"{len(outcome.objects)} of {len(self._given)} photos reconstructed"
        if outcome.failures:
            told = " ".join(
                sentence if self._given[place].name in sentence
                else f"{self._given[place].name}: {sentence}"
                for place, sentence in outcome.failures.items()
            )
            said += f", {len(outcome.failures)} failed: {told}"
        self.report({'WARNING'} if outcome.failures else {'INFO'}, said)
        return {'FINISHED'}

    def _sources(self, context) -> list[photo_source.PhotoSource]:
        """The files that were named, or else the photos of the panel's list."""
        if self.files:
            paths = [os.path.join(self.directory, entry.name) for entry in self.files]
            self._given = [photo_list.Given(path, os.path.basename(path)) for path in paths]
            return [photo_source.from_file(path) for path in paths]
        self._given, sources = photo_list.given(context.scene.face_depth.fusion)
        return sources


CLASSES = (FACEDEPTH_OT_reconstruct_each,)
