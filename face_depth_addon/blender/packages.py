# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's own Python may lack, and only some tools need."""

from importlib.util import find_spec

from ..core.errors import FaceDepthError

_NEEDED = {"cv2": "OpenCV", "PIL": "Pillow"}


def require_packages() -> None:
    """Check, before a tool imports them, that OpenCV and Pillow are there.

    Raises
    ------
    FaceDepthError
    """
    missing = [title for name, title in _NEEDED.items() if find_spec(name) is None]
    if missing:
        raise FaceDepthError(
            f"This tool needs {' and '.join(missing)}, which this Blender lacks: install the "
            "complete extension again."
        )
