# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuse Photos: one head of several photos, modal with progress in a window, else at once."""

import os
from typing import TYPE_CHECKING

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)

from ...core.errors import PhotoError
from .. import photo_source, worker
from ..linking import select_alone
from ..models.choice import MODEL_NAMES, ModelChoice, adopt, model_name, running_of
from ..models.presence import poll_model
from ..packages import require_packages
from ..preferences import worker_settings
from ..running import RunningOperator
from ..viewports import frame_selected, show_texture
from . import photo_list

if TYPE_CHECKING:
    from .fuse import FuseOutcome


class FACEDEPTH_OT_fuse_photos(ModelChoice, RunningOperator, bpy.types.Operator):
    """Make one head of several photos of a person"""

    bl_idname = "face_depth.fuse_photos"
    bl_label = "Fuse Photos"

    noun = "fusion"

    directory: StringProperty(subtype='DIR_PATH', options={'HIDDEN', 'SKIP_SAVE'})
    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={'HIDDEN', 'SKIP_SAVE'},
    )
    resolution: IntProperty(**photo_list.RESOLUTION, options={'HIDDEN'})
    texture_size: EnumProperty(**photo_list.TEXTURE_SIZE, options={'HIDDEN'})
    pupils: FloatProperty(**photo_list.PUPILS, options={'HIDDEN'})
    keep_all: BoolProperty(**photo_list.KEEP_ALL, options={'HIDDEN'})
    point_clouds: BoolProperty(**photo_list.POINT_CLOUDS, options={'HIDDEN'})

    @classmethod
    def poll(cls, context):
        return super().poll(context) and poll_model(cls, context)

    def adopt_panel(self, context):
        adopt(self, context, MODEL_NAMES)
        fusion = context.scene.face_depth.fusion
        for name in ("resolution", "texture_size", "pupils", "keep_all", "point_clouds"):
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(fusion, name))

    def start(self, context, wait):
        from .fuse import FuseSettings, fuse_steps

        if self.point_clouds:
            # Their absence would come to light at the end only.
            require_packages()
        preferences = worker_settings(context)
        sources = self._sources(context)
        if not sources:
            raise PhotoError(
                "No photos are chosen: add two or more under Several Photos in the Face Depth tab."
            )
        return fuse_steps(
            context, worker.client(preferences.python, preferences.idle_seconds), sources,
            FuseSettings(
                model=model_name(self), running=running_of(self, preferences),
                models=preferences.models, fit=self.fit, resolution=self.resolution,
                texture_size=int(self.texture_size), pupils=self.pupils, keep_all=self.keep_all,
            ),
            wait,
        )

    def finished(self, context, outcome: "FuseOutcome"):
        head = outcome.head
        if not self.files:
            photo_list.write_outcome(context.scene.face_depth.fusion, self._given, head)
        if self.point_clouds:
            _add_hidden_clouds(context, outcome)
        show_texture(context)
        frame_selected(context)
        used = sum(photo.used for photo in head.photos)
        left_out = [photo.told for photo in head.photos if not photo.used]
        if left_out:
            said = f"{used} photos fused, {len(left_out)} left out: {' '.join(left_out)}"
        else:
            info = outcome.info
            said = (
                f"{used} photos fused: {info['vertices']:,} vertices in "
                f"{info['timings']['total']:.1f} s"
            )
        if outcome.note:
            said += f"{'' if left_out else '.'} {outcome.note}"
        self.report({'WARNING'} if left_out or outcome.note else {'INFO'}, said)
        return {'FINISHED'}

    def _sources(self, context) -> list[photo_source.PhotoSource]:
        """The files that were named, or else the photos of the panel's list."""
        if self.files:
            return [
                photo_source.from_file(os.path.join(self.directory, entry.name))
                for entry in self.files
            ]
        self._given, sources = photo_list.given(context.scene.face_depth.fusion)
        return sources


def _add_hidden_clouds(context: bpy.types.Context, outcome: "FuseOutcome") -> None:
    from .fused_object import add_clouds

    for cloud in add_clouds(context, outcome.object, outcome.head):
        if cloud.visible_get(view_layer=context.view_layer):
            cloud.hide_set(True)
    select_alone(context, outcome.object)


CLASSES = (FACEDEPTH_OT_fuse_photos,)
