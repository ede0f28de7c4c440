# SPDX-License-Identifier: GPL-3.0-or-later
"""Face Depth: a face photo becomes an editable mesh.

Imports point inward only: ``blender`` to ``inference`` to ``core``. This file imports
none of them before Blender registers it, since the worker process loads it too.
"""


def register() -> None:
    """Register classes, handlers and the command line; called by Blender."""
    from .blender import registration

    registration.register()


def unregister() -> None:
    """Undo `register` and end the worker; called by Blender."""
    from .blender import registration

    registration.unregister()
