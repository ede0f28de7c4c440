# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruct Face: modal with progress in a window, at once in scripts and redo."""

import os
from collections.abc import Iterator

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)

from ..core.errors import FaceDepthError, ModelError, NoFaceError, PhotoError
from ..core.relief.building import Layout
from ..core.relief.shaping import Shape
from ..inference.model_folder import BUNDLED, FACEMESH
from . import photo_source, worker
from .preferences import worker_settings
from .properties import MODEL_FOLDER, MODEL_ITEMS, PROJECTION, REGION, RESOLUTION, STRENGTH
from .reconstruct import Outcome, Progress, Settings, finish, rebuild, reconstruct_steps

_TICK_SECONDS = 0.05

_running: list["FACEDEPTH_OT_reconstruct"] = []


def running_progress() -> Progress | None:
    """How far the reconstruction in this window is; None when there is none."""
    return _running[0].progress if _running else None


def end_running(context: bpy.types.Context) -> None:
    """End the running reconstruction at once, for when its operator goes away."""
    for operator in list(_running):
        operator.cancel(context)


def cancel_running() -> None:
    """Ask the running reconstruction to stop at its next tick."""
    for operator in _running:
        operator.stop_asked = True


def chosen_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """The image that the panel's settings point at."""
    settings = context.scene.face_depth
    if settings.source == 'OBJECT':
        return photo_source.image_of_object(context.object)
    if settings.source == 'EDITOR':
        return photo_source.image_in_editor(context.screen)
    return settings.image


def chosen_model(context: bpy.types.Context) -> str:
    """The model that the panel's settings name.

    Raises
    ------
    ModelError
        The file was saved where other models came with the add-on.
    """
    model = context.scene.face_depth.model
    if not model:
        raise ModelError(
            "The model that this file was saved with is not installed here: choose another in "
            "the Face Depth panel."
        )
    return model


class FACEDEPTH_OT_reconstruct(bpy.types.Operator):
    """Turn the photo into a coloured mesh of the face"""

    bl_idname = "face_depth.reconstruct"
    bl_label = "Reconstruct Face"
    bl_options = {'REGISTER', 'UNDO'}

    filepath: StringProperty(
        name="Photo", description="File of the photo", subtype='FILE_PATH',
        options={'HIDDEN', 'SKIP_SAVE'},
    )
    directory: StringProperty(subtype='DIR_PATH', options={'HIDDEN', 'SKIP_SAVE'})
    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={'HIDDEN', 'SKIP_SAVE'}
    )
    image: StringProperty(
        name="Image", description="Name of an image in this file",
        options={'HIDDEN', 'SKIP_SAVE'},
    )
    model: EnumProperty(name="Model", items=MODEL_ITEMS, options={'HIDDEN'})
    model_folder: StringProperty(name="Model Folder", options={'HIDDEN'})
    whole_image: BoolProperty(name="Use the Whole Image", options={'HIDDEN'})
    face: IntProperty(name="Face", min=0, options={'HIDDEN'})
    resolution: IntProperty(**RESOLUTION)
    region: EnumProperty(**REGION)
    projection: EnumProperty(**PROJECTION)
    strength: FloatProperty(**STRENGTH)
    result_key: StringProperty(options={'HIDDEN', 'SKIP_SAVE'})

    progress: Progress | None = None
    _timer: bpy.types.Timer | None = None

    @classmethod
    def poll(cls, context):
        if context.mode != 'OBJECT':
            cls.poll_message_set("Switch to Object Mode first")
            return False
        if _running:
            cls.poll_message_set("A reconstruction is running: press Esc to cancel it")
            return False
        return True

    def invoke(self, context, event):
        try:
            self._adopt_panel(context)
            if bpy.app.background:
                return self.execute(context)
            self._steps = self._start(context, wait=0.0)
            first = next(self._steps)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        self.stop_asked = False
        _running.append(self)
        self._timer = context.window_manager.event_timer_add(_TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        self._show(context, first)
        return {'RUNNING_MODAL'}

    def modal(self, context, event):
        # The release of an Esc that ended something else, such as a move, is not for us.
        if (event.type == 'ESC' and event.value == 'PRESS') or self.stop_asked:
            self.cancel(context)
            self.report({'INFO'}, "Reconstruction cancelled")
            return {'CANCELLED'}
        if event.type != 'TIMER':
            return {'PASS_THROUGH'}
        if context.mode != 'OBJECT':
            # The new object becomes the active one, which must not happen to an edited one.
            self._show(context, Progress("Waiting for Object Mode", self.progress.fraction))
            return {'PASS_THROUGH'}
        ended = True
        try:
            progress = next(self._steps)
            ended = False
        except StopIteration as stop:
            return self._finished(context, stop.value)
        except NoFaceError as error:
            # The menu's button stays grey while this reconstruction counts as running.
            self._end(context)
            self._offer_whole_image(context, str(error))
            return {'CANCELLED'}
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        finally:
            if ended:
                self._end(context)
        self._show(context, progress)
        return {'PASS_THROUGH'}

    def cancel(self, context):
        """Blender calls this too, when a file is loaded or the window closes."""
        try:
            self._steps.close()
        finally:
            self._end(context)

    def execute(self, context):
        if self.result_key:
            item = rebuild(context, self.result_key, *self._form())
            if item is not None:
                return {'FINISHED'}
        try:
            return self._finished(context, finish(self._start(context, wait=0.1)))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}

    def _adopt_panel(self, context) -> None:
        """Take from the panel what the caller has not set."""
        settings = context.scene.face_depth
        if not self.properties.is_property_set("model"):
            self.model = chosen_model(context)
        for name in (
            "model_folder", "whole_image", "face", "resolution", "region", "projection", "strength"
        ):
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(settings, name))

    def _form(self) -> tuple[Layout, Shape]:
        layout = Layout(resolution=self.resolution, region=self.region)
        return layout, Shape(self.projection, self.strength)

    def _start(self, context, wait: float) -> Iterator[Progress]:
        preferences = worker_settings(context)
        layout, shape = self._form()
        return reconstruct_steps(
            context, worker.client(preferences.python, preferences.idle_seconds),
            self._source(context),
            Settings(
                model=(
                    bpy.path.abspath(self.model_folder)
                    if self.model == MODEL_FOLDER else self.model
                ),
                device=preferences.device,
                face=None if self.whole_image else self.face,
                layout=layout, shape=shape, fall_back=True,
            ),
            wait,
        )

    def _source(self, context) -> photo_source.PhotoSource:
        if self.files and self.files[0].name:
            self.filepath = os.path.join(self.directory, self.files[0].name)
        if self.filepath:
            return photo_source.from_file(self.filepath)
        image = bpy.data.images.get(self.image) if self.image else chosen_image(context)
        if image is None:
            raise PhotoError(
                f"There is no image called {self.image}." if self.image else
                "No photo is chosen: open one in the Face Depth panel."
            )
        return photo_source.from_image(image)

    def _finished(self, context, outcome: Outcome) -> set[str]:
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

    def _show(self, context, progress: Progress) -> None:
        if progress == self.progress:
            return
        self.progress = progress
        context.workspace.status_text_set(
            f"{progress.label} ({progress.fraction:.0%}), Esc cancels"
        )
        _redraw_viewports(context)

    def _end(self, context) -> None:
        if self in _running:
            _running.remove(self)
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        # The text belongs to the workspace of its moment, and the user may have switched.
        for workspace in bpy.data.workspaces:
            with context.temp_override(workspace=workspace):
                workspace.status_text_set(None)
        _redraw_viewports(context)


class FACEDEPTH_OT_cancel(bpy.types.Operator):
    """Stop the running reconstruction"""

    bl_idname = "face_depth.cancel"
    bl_label = "Cancel"
    bl_options = {'INTERNAL'}

    @classmethod
    def poll(cls, context):
        return bool(_running)

    def execute(self, context):
        cancel_running()
        return {'FINISHED'}


class FACEDEPTH_FH_photo(bpy.types.FileHandler):
    """Photos dropped into the 3D viewport."""

    bl_idname = "FACEDEPTH_FH_photo"
    bl_label = "Face Depth"
    bl_import_operator = FACEDEPTH_OT_reconstruct.bl_idname
    bl_file_extensions = ";".join(photo_source.EXTENSIONS)

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == 'VIEW_3D'


def _viewports(context: bpy.types.Context) -> Iterator[bpy.types.Area]:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == 'VIEW_3D':
                yield area


def _redraw_viewports(context: bpy.types.Context) -> None:
    for area in _viewports(context):
        area.tag_redraw()


def show_texture(context: bpy.types.Context) -> None:
    """Let solid viewports that show plain material colours show the photo."""
    for area in _viewports(context):
        shading = area.spaces.active.shading
        if shading.type == 'SOLID' and shading.color_type == 'MATERIAL':
            shading.color_type = 'TEXTURE'


def frame_selected(context: bpy.types.Context) -> None:
    """Bring the new mesh into the viewport's view: a head is lost in the default scene."""
    area = context.area
    if area is None or area.type != 'VIEW_3D' or bpy.app.background:
        return
    region = next(region for region in area.regions if region.type == 'WINDOW')
    with context.temp_override(area=area, region=region):
        bpy.ops.view3d.view_selected()


CLASSES = (FACEDEPTH_OT_reconstruct, FACEDEPTH_OT_cancel, FACEDEPTH_FH_photo)
