# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos that a request names: files, bytes or pixels. Needs Pillow."""

from pathlib import Path

import numpy as np

from ..core.fusion.limits import VIDEO_SUFFIXES
from ..core.photo import Photo, decode_photo, load_photo, photo_from_pixels


def read_photo(source: dict, arrays: dict[str, np.ndarray]) -> Photo:
    """The photo of a request.

    Parameters
    ----------
    source : dict
        As `request.Request.photo`.
    arrays : dict of ndarray

    Raises
    ------
    PhotoError
    """
    if "path" in source:
        return load_photo(source["path"])
    if "pixels" in arrays:
        return photo_from_pixels(arrays["pixels"], source["name"], source["linear"])
    return decode_photo(arrays["data"].tobytes(), source["name"])


def is_video(source: dict) -> bool:
    """Whether it is a file with a video's suffix."""
    return Path(source.get("path", "")).suffix.lower() in VIDEO_SUFFIXES


def name_of(source: dict) -> str:
    """The photo's name, also where it cannot be read."""
    return source["name"] if "name" in source else Path(source["path"]).name
