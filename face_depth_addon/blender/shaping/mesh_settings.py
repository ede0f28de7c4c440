# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes Blender know the settings that a mesh keeps, also where the extension is not enabled."""

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from ..wording import give_context
from . import shape_settings


def register() -> None:
    for cls in shape_settings.CLASSES:
        give_context(cls)
        bpy.utils.register_class(cls)
    bpy.types.Mesh.face_depth = bpy.props.PointerProperty(type=shape_settings.FACEDEPTH_PG_shape)


def unregister() -> None:
    del bpy.types.Mesh.face_depth
    for cls in reversed(shape_settings.CLASSES):
        bpy.utils.unregister_class(cls)


@contextmanager
def mesh_settings() -> Iterator[None]:
    """Have the settings for a while, for scripts that the extension does not run."""
    if hasattr(bpy.types.Mesh, "face_depth"):
        yield
        return
    register()
    try:
        yield
    finally:
        unregister()
