# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that goes on while the window stays usable: one job at a time, with progress and Esc."""

from collections.abc import Generator, Iterator

import bpy

from ..core.errors import FaceDepthError
from .polls import refuse
from .progress import Progress, finish
from .viewports import redraw_viewports
from .wording import iface

_TICK_SECONDS = 0.05

_running: list["RunningOperator"] = []


def end_running(context: bpy.types.Context) -> None:
    """End the running job at once, for when its operator goes away."""
    for operator in list(_running):
        operator.cancel(context)


class RunningOperator:
    """Modal with progress in a window, at once in scripts; for operators to inherit.

    Attributes
    ----------
    noun : str
        What the job is called.
    object_mode_only : bool
        It makes a new object, which must not take the place of one that is edited.
    progress : Progress or None
    """

    bl_options = {'REGISTER', 'UNDO'}

    noun = "job"
    object_mode_only = True
    progress: Progress | None = None
    _timer: bpy.types.Timer | None = None
    _steps: Generator[Progress, None, object] | None = None

    def adopt_panel(self, context: bpy.types.Context) -> None:
        """Take from the panel what the caller has not set."""

    def start(self, context: bpy.types.Context, wait: float) -> Iterator[Progress]:
        """The job in steps, each of which may wait for so many seconds."""
        raise NotImplementedError

    def finished(self, context: bpy.types.Context, outcome) -> set[str]:
        """Show what the job has returned."""
        raise NotImplementedError

    def failed(self, context: bpy.types.Context, error: FaceDepthError) -> None:
        """Tell the user of a window why the job has ended."""
        self.report({'ERROR'}, str(error))

    @classmethod
    def poll(cls, context):
        if cls.object_mode_only and context.mode != 'OBJECT':
            return refuse(cls, "Switch to Object Mode first")
        if _running:
            return refuse(
                cls, "A {job} is running: press Esc to cancel it", job=iface(_running[0].noun)
            )
        return True

    def invoke(self, context, event):
        try:
            self.adopt_panel(context)
            if bpy.app.background:
                return self.execute(context)
            return self.run_modal(context)
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}

    def run_modal(self, context: bpy.types.Context) -> set[str]:
        """Take the first step, and the others at the ticks of a timer.

        Raises
        ------
        FaceDepthError
            There is nothing to run.
        """
        self._steps = self.start(context, wait=0.0)
        first = next(self._steps)
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
            self.report({'INFO'}, f"{self.noun.capitalize()} cancelled")
            return {'CANCELLED'}
        if event.type != 'TIMER':
            return {'PASS_THROUGH'}
        if self.object_mode_only and context.mode != 'OBJECT':
            self._show(context, Progress("Waiting for Object Mode", self.progress.fraction))
            return {'PASS_THROUGH'}
        ended = True
        try:
            progress = next(self._steps)
            ended = False
        except StopIteration as stop:
            return self.finished(context, stop.value)
        except FaceDepthError as error:
            # A menu's button for another try stays grey while this job counts as running.
            self._end(context)
            self.failed(context, error)
            return {'CANCELLED'}
        finally:
            if ended:
                self._end(context)
        self._show(context, progress)
        return {'PASS_THROUGH'}

    def cancel(self, context):
        """Blender calls this too: a dialog before the job or the window closes, a file loads."""
        try:
            if self._steps is not None:
                self._steps.close()
        finally:
            self._end(context)

    def execute(self, context):
        try:
            return self.finished(context, finish(self.start(context, wait=0.1)))
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}

    def _show(self, context, progress: Progress) -> None:
        if progress == self.progress:
            return
        self.progress = progress
        context.workspace.status_text_set(
            iface("{stage} ({share:.0%}), Esc cancels").format(
                stage=_stage(progress), share=progress.fraction
            )
        )
        redraw_viewports(context)

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
        redraw_viewports(context)


def _stage(progress: Progress) -> str:
    """What is being done; of which photo or model may stand before it."""
    part, colon, label = progress.label.rpartition(": ")
    return f"{part}{colon}{iface(label)}"


class FACEDEPTH_OT_cancel(bpy.types.Operator):
    """Stop what is running"""

    bl_idname = "face_depth.cancel"
    bl_label = "Cancel"
    bl_options = {'INTERNAL'}

    @classmethod
    def poll(cls, context):
        return bool(_running)

    def execute(self, context):
        # At its next tick: only there may it report that it was cancelled.
        for operator in _running:
            operator.stop_asked = True
        return {'FINISHED'}


def draw_button(layout: bpy.types.UILayout, operator_class: type, icon: str) -> None:
    """The button of a `RunningOperator`, or the progress of what it has started."""
    progress = next(
        (each.progress for each in _running if isinstance(each, operator_class)), None
    )
    if progress is None:
        column = layout.column()
        column.scale_y = 1.6
        column.operator(operator_class.bl_idname, icon=icon)
        return
    row = layout.row(align=True)
    row.progress(factor=progress.fraction, text=_stage(progress))
    row.operator(FACEDEPTH_OT_cancel.bl_idname, text="", icon='CANCEL')


CLASSES = (FACEDEPTH_OT_cancel,)
