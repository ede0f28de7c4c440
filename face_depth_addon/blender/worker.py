# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker of this Blender."""

import atexit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..inference.client import WorkerClient

_clients: list["WorkerClient"] = []


def client(python: str = "", idle_seconds: float = 300.0) -> "WorkerClient":
    """The worker's client; another interpreter ends the worker of the one before.

    Parameters
    ----------
    python : str
        Interpreter; empty for Blender's own.
    idle_seconds : float
        After how long without a job the worker ends itself.
    """
    # Not at registration, which has no use for processes and threads.
    from ..inference.client import WorkerClient, default_python
    from .diagnosis.notebook import open_notebook

    wanted = python or default_python()
    if _clients and (_clients[0].python, _clients[0].idle_seconds) != (wanted, idle_seconds):
        close()
    if not _clients:
        open_notebook()
        _clients.append(WorkerClient(wanted, idle_seconds))
    return _clients[0]


def close() -> None:
    """End the worker, if one runs."""
    while _clients:
        _clients.pop().close()


atexit.register(close)
