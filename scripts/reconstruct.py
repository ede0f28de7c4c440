# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn face photos into meshes, headless.

    python scripts/reconstruct.py PHOTO [PHOTO ...] -o OUT
    blender -b --python-exit-code 1 --python scripts/reconstruct.py -- PHOTO -o OUT

The first form sets itself up on a fresh machine. ``--help`` lists the options.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import _environment  # noqa: E402 -- Blender does not put a script's folder on the path


def arguments() -> list[str]:
    """What follows ``--`` inside Blender, or the script's name elsewhere."""
    return sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else sys.argv[1:]


def main() -> int:
    _environment.ensure()
    sys.path.insert(0, str(ROOT))
    import bpy

    if bpy.app.version < (4, 2, 0):
        sys.stderr.write(
            f"Face Depth needs Blender 4.2 or newer, this is {bpy.app.version_string}: "
            "install a newer Blender from blender.org.\n"
        )
        return 3
    if bpy.app.binary_path:
        # Blender's own Python seldom has torch; the environment of the first form does.
        for folder in _environment.candidate_folders(_environment.DEFAULT_BLENDER):
            if not _environment.is_broken(folder):
                python = _environment.venv_python(folder)
                os.environ.setdefault("FACE_DEPTH_PYTHON", str(python))
    from face_depth_addon.blender.command import run_command

    return run_command(arguments())


if __name__ == "__main__":
    _environment.end(main())
