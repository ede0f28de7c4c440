# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons of the preferences: check, and copy a report."""

from typing import TYPE_CHECKING

import bpy

from .. import worker
from ..preferences import worker_settings
from ..running import RunningOperator
from ..wrapped import draw_lines

if TYPE_CHECKING:
    from ...inference.findings import Finding

_ICONS = {"ok": 'CHECKMARK', "missing": 'ERROR', "optional": 'DOT'}
_LETTERS = 90

_last: list["Finding"] = []


class FACEDEPTH_OT_self_check(RunningOperator, bpy.types.Operator):
    """Look at what is there and what is missing, and say how to mend it"""

    bl_idname = "face_depth.self_check"
    bl_label = "Self-Check"
    bl_options = set()

    noun = "self-check"
    object_mode_only = False

    def start(self, context, wait):
        from .check import check_steps

        settings = worker_settings(context)
        client = worker.client(settings.python, settings.idle_seconds)
        return check_steps(client, settings, wait)

    def finished(self, context, outcome: list["Finding"]):
        _last[:] = outcome
        missing = [finding for finding in outcome if finding.state == "missing"]
        if missing:
            self.report({'WARNING'}, " ".join(finding.line() for finding in missing))
        else:
            self.report({'INFO'}, "Nothing is missing")
        for window in context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == 'PREFERENCES':
                    area.tag_redraw()
        return {'FINISHED'}


class FACEDEPTH_OT_copy_report(bpy.types.Operator):
    """Copy versions, settings, the self-check and the last errors, without your name"""

    bl_idname = "face_depth.copy_report"
    bl_label = "Copy Report"
    bl_options = set()

    def execute(self, context):
        from .report import report_text

        text = report_text(_last, worker_settings(context))
        context.window_manager.clipboard = text
        self.report({'INFO'}, f"Copied a report of {len(text.splitlines())} lines")
        return {'FINISHED'}


def draw_diagnosis(layout: bpy.types.UILayout) -> None:
    """The buttons, and what was found last."""
    row = layout.row()
    row.operator(FACEDEPTH_OT_self_check.bl_idname, icon='VIEWZOOM')
    row.operator(FACEDEPTH_OT_copy_report.bl_idname, icon='COPYDOWN')
    if not _last:
        return
    box = layout.box()
    for finding in _last:
        cure = f". {finding.cure}." if finding.cure else ""
        draw_lines(box, f"{finding.text}{cure}", _LETTERS, _ICONS[finding.state])


CLASSES = (FACEDEPTH_OT_self_check, FACEDEPTH_OT_copy_report)
