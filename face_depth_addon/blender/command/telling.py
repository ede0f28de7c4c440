# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command line tells: progress and sentences on standard error, and a report."""

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...core.files import write_whole
from ..progress import Progress


@dataclass
class Row:
    """What the report says of one mesh.

    Attributes
    ----------
    photo : str
        What it was made of.
    ok : bool
        Every output was written.
    error : str
        A sentence, or empty.
    details : dict
    """

    photo: str
    ok: bool = False
    error: str = ""
    details: dict = field(default_factory=dict)


def shown(name: str, steps: Iterator[Progress]):
    """Run the steps, with a progress bar on a terminal; what they return."""
    live = sys.stderr.isatty()
    try:
        while True:
            progress = next(steps)
            if live:
                filled = round(20 * progress.fraction)
                bar = f"[{'#' * filled}{'.' * (20 - filled)}] {progress.fraction:4.0%}"
                sys.stderr.write(f"\r\x1b[K{name} {bar} {progress.label}")
                sys.stderr.flush()
    except StopIteration as stop:
        if live:
            sys.stderr.write("\r\x1b[K")
        return stop.value


def summary(info: dict) -> str:
    """How large a mesh is and how long it took."""
    return f"{info['vertices']:,} vertices in {info['timings']['total']:.1f} s"


def say(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def photos_report(rows: list[Row]) -> dict:
    """The report on photos that became a mesh each."""
    return {"photos": [
        {**row.details, "photo": row.photo, "ok": row.ok, "error": row.error or None}
        for row in rows
    ]}


def write_report(path: Path, content: dict) -> None:
    """Write a report as JSON.

    Raises
    ------
    OutputError
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    # Names that are not UTF-8 become escapes, which JSON reads back as they were.
    write_whole(path, text.encode(errors="backslashreplace"))


def log_errors_only() -> None:
    """Bound the handler: Blender's exporters give their own loggers a level of chatter."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    logging.basicConfig(handlers=[handler])
