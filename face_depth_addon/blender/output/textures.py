# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of materials as files that go along with a mesh."""

import tempfile
from pathlib import Path

import bpy
import numpy as np

from ..material import JPEG_MAGIC

_LARGEST_PICTURE = 4096
_JPEG_QUALITY = 90


def jpeg_of(image: bpy.types.Image) -> bytes:
    """A JPEG file of an image, painted on or not; nothing where it cannot be read."""
    packed = image.packed_file
    small = max(image.size) <= _LARGEST_PICTURE
    if packed is not None and small and not image.is_dirty and packed.data[:3] == JPEG_MAGIC:
        return packed.data
    width, height = image.size
    if not width * height or not len(image.pixels):
        return b""
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    opaque = np.ones((width * height, 4), np.float32)
    opaque[:, :3] = pixels.reshape(-1, image.channels)[:, :3]
    copy = bpy.data.images.new(image.name, width, height, float_buffer=image.is_float)
    try:
        copy.pixels.foreach_set(opaque.ravel())
        if not small:
            scale = _LARGEST_PICTURE / max(width, height)
            copy.scale(max(1, round(width * scale)), max(1, round(height * scale)))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "texture.jpg")
            copy.file_format = 'JPEG'
            copy.save(filepath=str(file), quality=_JPEG_QUALITY)
            return file.read_bytes()
    finally:
        bpy.data.images.remove(copy)
