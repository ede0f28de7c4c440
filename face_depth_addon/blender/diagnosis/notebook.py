# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong of late, kept for reports, and written to the user's log file."""

import collections
import logging
import os

from ..preferences import PACKAGE

_KEPT = 5
#: Read by the worker, which writes to the same file.
LOG_VARIABLE = "FACE_DEPTH_LOG"

_log = logging.getLogger(PACKAGE)
_handlers: list[logging.Handler] = []


class _Late(logging.Handler):
    """The last few records, as text."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines: collections.deque[str] = collections.deque(maxlen=_KEPT)
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))

    def emit(self, record):
        self.lines.append(self.format(record))


_late = _Late()


def open_notebook() -> None:
    """Begin to keep what is logged."""
    _log.addHandler(_late)


def follow(path: str) -> str:
    """Also write what is logged to a file, and to no other.

    Parameters
    ----------
    path : str
        Empty for none. Workers that are started from now on write there too.

    Returns
    -------
    str
        Why the file cannot be written, or empty.
    """
    close_file()
    if not path:
        return ""
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        return f"The log file {path} cannot be written ({error.strerror or error})."
    handler.setFormatter(logging.Formatter("%(asctime)s Blender %(name)s: %(message)s"))
    _log.addHandler(handler)
    _handlers.append(handler)
    os.environ[LOG_VARIABLE] = path
    return ""


def close_file() -> None:
    """Write to no file any more."""
    os.environ.pop(LOG_VARIABLE, None)
    while _handlers:
        handler = _handlers.pop()
        _log.removeHandler(handler)
        handler.close()


def close_notebook() -> None:
    """Keep and write nothing any more."""
    close_file()
    _log.removeHandler(_late)


def late_lines() -> list[str]:
    """The last few things that were logged, the oldest first."""
    return list(_late.lines)
