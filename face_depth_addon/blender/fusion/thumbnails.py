# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of the listed photos, which Blender reads when they are first drawn."""

import os
from typing import TYPE_CHECKING

import bpy

from ...core.fusion.limits import VIDEO_SUFFIXES

if TYPE_CHECKING:
    from bpy.utils.previews import ImagePreviewCollection

    from .photo_list import FACEDEPTH_PG_photo

_previews: list["ImagePreviewCollection"] = []


def icon_of(photo: "FACEDEPTH_PG_photo") -> int:
    """The number of an icon with a photo's picture; 0 for none."""
    if photo.image is not None:
        return bpy.types.UILayout.icon(photo.image)
    path = photo.filepath
    if not path:
        return 0
    if not _previews:
        from bpy.utils import previews

        _previews.append(previews.new())
    pictures = _previews[0]
    if path not in pictures:
        # This reads nothing yet: a job of Blender's own does when the icon is drawn.
        kind = 'MOVIE' if os.path.splitext(path)[1].lower() in VIDEO_SUFFIXES else 'IMAGE'
        pictures.load(path, bpy.path.abspath(path), kind)
    return pictures[path].icon_id


def free() -> None:
    """Forget all pictures."""
    from bpy.utils import previews

    while _previews:
        previews.remove(_previews.pop())
