# SPDX-License-Identifier: GPL-3.0-or-later
"""A text for bug reports, without the user's name in it."""

import getpass
import os
import platform
import re
import sys
import traceback

import addon_utils
import bpy

from ...inference.findings import Finding
from ..preferences import PACKAGE, WorkerSettings
from .notebook import late_lines


def report_text(findings: list[Finding], settings: WorkerSettings) -> str:
    """Versions, settings, what was found and what went wrong last.

    Parameters
    ----------
    findings : list of Finding
        Of the last self-check; may be empty.
    settings : WorkerSettings
    """
    lines = [
        f"Face Depth {_version()} in Blender {bpy.app.version_string} "
        f"({bpy.app.build_platform.decode()})",
        f"{platform.platform()}, Python {platform.python_version()}",
        f"Interpreter: {settings.python or 'of Blender'}; device {settings.device}, precision "
        f"{settings.precision}, kept warm for {settings.idle_seconds:g} s; models in "
        f"{settings.models or 'the cache alone'}",
        "",
        "Self-check:",
        *(f"- {finding.line()}" for finding in findings),
        *([] if findings else ["- not run"]),
    ]
    went_wrong = late_lines()
    error = getattr(sys, "last_value", None)
    if error is not None:
        went_wrong.append("".join(traceback.format_exception(error)).rstrip())
    if went_wrong:
        lines += ["", "Last messages:", *went_wrong]
    return anonymous("\n".join(lines)) + "\n"


def anonymous(text: str) -> str:
    """A text with the home folder as ~ and the user's name as USER."""
    home = os.path.expanduser("~")
    for spelled in {home, home.replace("\\", "/")}:
        if len(spelled) > 1:
            text = text.replace(spelled, "~")
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        # Some systems have no name for who runs this.
        return text
    return re.sub(rf"(?<=[\\/]){re.escape(name)}(?=[\\/])", "USER", text)


def _version() -> str:
    for module in addon_utils.modules(refresh=False):
        if module.__name__ == PACKAGE:
            return ".".join(map(str, addon_utils.module_bl_info(module)["version"]))
    return "from its source"
