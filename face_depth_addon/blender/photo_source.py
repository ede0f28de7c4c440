# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the photo comes from: a file, an image in the .blend, an object, an editor."""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import bpy

from ..core.errors import PhotoError

if TYPE_CHECKING:
    import numpy as np

EXTENSIONS = (
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".exr", ".hdr",
)


class PhotoSource(NamedTuple):
    """A photo in the form that a worker's `Request` takes."""

    name: str
    photo: dict
    arrays: Mapping[str, "np.ndarray"] = MappingProxyType({})


def from_file(path: str) -> PhotoSource:
    """A photo on disk; the worker reads it."""
    path = os.path.abspath(bpy.path.abspath(path))
    return PhotoSource(os.path.basename(path), {"path": path})


def from_image(image: bpy.types.Image) -> PhotoSource:
    """A photo in the .blend: its file, its packed file or, when painted or generated, its pixels.

    Raises
    ------
    PhotoError
        The image has no pixels.
    """
    import numpy as np

    name = image.name
    if image.source == 'FILE' and not image.is_dirty:
        if image.packed_file is not None:
            data = np.frombuffer(image.packed_file.data, np.uint8)
            return PhotoSource(name, {"name": name}, {"data": data})
        return PhotoSource(name, from_file_of(image).photo)
    no_pixels = PhotoError(
        f"The image {name} has no pixels that can be read: save it as a PNG file, or choose "
        "another."
    )
    if not image.has_data or not all(image.size) or image.channels == 0:
        # Generated images have no buffer until something asks for one.
        try:
            image.update()
        except RuntimeError as error:
            raise no_pixels from error
    width, height = image.size
    if width * height == 0 or len(image.pixels) == 0:
        raise no_pixels
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, image.channels)[::-1]
    if image.is_float and image.channels == 4 and image.alpha_mode == 'PREMUL':
        pixels = pixels.copy()
        pixels[..., :3] /= np.maximum(pixels[..., 3:], 1e-6)
    linear = image.is_float and image.colorspace_settings.name != "sRGB"
    return PhotoSource(name, {"name": name, "linear": linear}, {"pixels": pixels})


def from_file_of(image: bpy.types.Image) -> PhotoSource:
    """The file that an unpacked image refers to.

    Raises
    ------
    PhotoError
        It is not there any more.
    """
    path = image.filepath_from_user()
    if not os.path.exists(path):
        raise PhotoError(f"The file of the image {image.name} is missing: {path}.")
    return from_file(path)


def image_of_object(item: bpy.types.Object | None) -> bpy.types.Image | None:
    """The image of an image empty, or of the active texture of an object's material."""
    if item is None:
        return None
    if item.type == 'EMPTY' and item.empty_display_type == 'IMAGE':
        return item.data
    material = item.active_material
    if material is None or material.node_tree is None:
        return None
    textures = [
        node for node in material.node_tree.nodes if node.type == 'TEX_IMAGE' and node.image
    ]
    textures.sort(key=lambda node: node != material.node_tree.nodes.active)
    return textures[0].image if textures else None


def image_in_editor(screen: bpy.types.Screen | None) -> bpy.types.Image | None:
    """The image that an Image Editor of the screen shows."""
    for area in screen.areas if screen else ():
        if area.type == 'IMAGE_EDITOR' and area.spaces.active.image is not None:
            return area.spaces.active.image
    return None
