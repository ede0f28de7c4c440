# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's own Python may lack, and only some tools need."""

from functools import cache

from ..core.errors import FaceDepthError

_NEEDED = {"cv2": "OpenCV", "PIL": "Pillow"}


@cache
def missing_packages() -> tuple[str, ...]:
    """Those of OpenCV and Pillow that this Python lacks."""
    from importlib.util import find_spec

    return tuple(title for name, title in _NEEDED.items() if find_spec(name) is None)


def require_packages() -> None:
    """Check, before a tool imports them, that OpenCV and Pillow are there.

    Raises
    ------
    FaceDepthError
    """
    missing = missing_packages()
    if missing:
        raise FaceDepthError(
            f"This tool needs {' and '.join(missing)}, which this Blender lacks: install the "
            "packages opencv-python and pillow for Blender's own Python."
        )
