# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruct Face: modal with progress in a window, at once in scripts and redo."""

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

from ..core.errors import NoFaceError, PhotoError
from ..inference.cards import BUNDLED, FACEMESH
from . import photo_source, worker
from .models.choice import (
    MODEL_NAMES,
    RUN_NAMES,
    ModelChoice,
    RunChoice,
    adopt,
    model_name,
    running_of,
)
from .models.presence import poll_model
from .preferences import WorkerSettings, worker_settings
from .properties import PROJECTION, REGION, RESOLUTION, STRENGTH
from .running import RunningOperator
from .viewports import frame_selected, show_texture

if TYPE_CHECKING:
    from ..core.relief.building import Layout
    from ..core.relief.shaping import Shape
    from .reconstruct import Outcome, Settings


def chosen_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """The image that the panel's settings point at."""
    settings = context.scene.face_depth
    if settings.source == 'OBJECT':
        return photo_source.image_of_object(context.object)
    if settings.source == 'EDITOR':
        return photo_source.image_in_editor(context.screen)
    return settings.image


class PhotoOperator(RunChoice, RunningOperator):
    """A job of one photo, which is that of the panel unless told; for operators to inherit."""

    filepath: StringProperty(
        name="Photo", description="File of the photo", subtype='FILE_PATH',
        options={'HIDDEN', 'SKIP_SAVE'},
    )
    image: StringProperty(
        name="Image", description="Name of an image in this file",
        options={'HIDDEN', 'SKIP_SAVE'},
    )
    whole_image: BoolProperty(name="Use the Whole Image", options={'HIDDEN'})
    face: IntProperty(name="Face", min=0, options={'HIDDEN'})
    resolution: IntProperty(**RESOLUTION)
    region: EnumProperty(**REGION)
    projection: EnumProperty(**PROJECTION)
    strength: FloatProperty(**STRENGTH)

    def adopt_panel(self, context):
        adopt(self, context, (
            "whole_image", "face", "resolution", "region", "projection", "strength", *RUN_NAMES
        ))

    def form(self) -> tuple["Layout", "Shape"]:
        """Which mesh is wanted."""
        from ..core.relief.building import Layout
        from ..core.relief.shaping import Shape

        layout = Layout(resolution=self.resolution, region=self.region)
        return layout, Shape(self.projection, self.strength)

    def settings(self, preferences: WorkerSettings, model: str) -> "Settings":
        """What to make of the photo with a model."""
        from .reconstruct import Settings

        layout, shape = self.form()
        return Settings(
            model=model, running=running_of(self, preferences), models=preferences.models,
            fit=self.fit, face=None if self.whole_image else self.face, layout=layout, shape=shape,
        )

    def photo(self, context: bpy.types.Context) -> photo_source.PhotoSource:
        """The photo that was named, or else that of the panel.

        Raises
        ------
        PhotoError
        """
        if self.filepath:
            return photo_source.from_file(self.filepath)
        image = bpy.data.images.get(self.image) if self.image else chosen_image(context)
        if image is None:
            raise PhotoError(
                f"There is no image called {self.image}." if self.image else
                "No photo is chosen: open one in the Face Depth panel."
            )
        return photo_source.from_image(image)


class FACEDEPTH_OT_reconstruct(ModelChoice, PhotoOperator, bpy.types.Operator):
    """Turn the photo into a coloured mesh of the face"""

    bl_idname = "face_depth.reconstruct"
    bl_label = "Reconstruct Face"

    noun = "reconstruction"

    directory: StringProperty(subtype='DIR_PATH', options={'HIDDEN', 'SKIP_SAVE'})
    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={'HIDDEN', 'SKIP_SAVE'}
    )
    result_key: StringProperty(options={'HIDDEN', 'SKIP_SAVE'})

    @classmethod
    def poll(cls, context):
        return super().poll(context) and poll_model(cls, context)

    def invoke(self, context, event):
        if len(self.files) > 1:
            return self._each('INVOKE_DEFAULT')
        return super().invoke(context, event)

    def execute(self, context):
        if len(self.files) > 1:
            return self._each('EXEC_DEFAULT')
        if self.result_key:
            from .reconstruct import rebuild

            item = rebuild(context, self.result_key, *self.form())
            if item is not None:
                return {'FINISHED'}
        return super().execute(context)

    def _each(self, manner: str) -> set[str]:
        """Have the other operator take several photos that were dropped."""
        done = bpy.ops.face_depth.reconstruct_each(
            manner, directory=self.directory, files=[{"name": each.name} for each in self.files],
            **self.as_keywords(ignore=("directory", "files", "filepath", "image", "result_key")),
        )
        # One that goes on by itself is not this operator's to wait for.
        return {'CANCELLED'} if 'RUNNING_MODAL' in done else done

    def adopt_panel(self, context):
        adopt(self, context, MODEL_NAMES)
        super().adopt_panel(context)

    def start(self, context, wait):
        from dataclasses import replace

        from .reconstruct import reconstruct_steps

        preferences = worker_settings(context)
        if self.files and self.files[0].name:
            self.filepath = os.path.join(self.directory, self.files[0].name)
        return reconstruct_steps(
            context, worker.client(preferences.python, preferences.idle_seconds),
            self.photo(context),
            replace(self.settings(preferences, model_name(self)), fall_back=True), wait,
        )

    def finished(self, context, outcome: "Outcome"):
        self.result_key = outcome.key
        show_texture(context)
        frame_selected(context)
        if outcome.note:
            self.report({'WARNING'}, outcome.note)
        else:
            self.report({'INFO'}, (
                f"{outcome.info['vertices']:,} vertices in "
                f"{outcome.info['timings']['total']:.1f} s"
            ))
        return {'FINISHED'}

    def failed(self, context, error):
        if isinstance(error, NoFaceError):
            self._offer_whole_image(context, str(error))
        else:
            super().failed(context, error)

    def _offer_whole_image(self, context, sentence: str) -> None:
        """A menu with the sentence and the way on; it takes the place of an error's popup."""
        self.report({'WARNING'}, sentence)
        again = self.as_keywords(ignore=("files", "directory", "whole_image"))
        again |= {"whole_image": True, "model": BUNDLED if self.model == FACEMESH else self.model}

        def draw(menu, _context):
            menu.layout.label(text=sentence)
            menu.layout.operator_context = 'INVOKE_DEFAULT'
            button = menu.layout.operator(
                self.bl_idname, text="Use the Whole Image", icon='IMAGE_DATA'
            )
            for name, value in again.items():
                setattr(button, name, value)

        context.window_manager.popup_menu(draw, title="Face Depth", icon='ERROR')


class FACEDEPTH_FH_photo(bpy.types.FileHandler):
    """Photos dropped into the 3D viewport."""

    bl_idname = "FACEDEPTH_FH_photo"
    bl_label = "Face Depth"
    bl_import_operator = FACEDEPTH_OT_reconstruct.bl_idname
    bl_file_extensions = ";".join(photo_source.EXTENSIONS)

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == 'VIEW_3D'


CLASSES = (FACEDEPTH_OT_reconstruct, FACEDEPTH_FH_photo)
