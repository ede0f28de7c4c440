# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender learns of the extension, in one place."""

import bpy

from . import (
    ops_each,
    ops_reconstruct,
    panel,
    panel_tools,
    preferences,
    presets,
    properties,
    running,
    translations,
    wording,
    worker,
)
from .cloud import ops_cloud
from .depth import ops_depth, ops_depth_export, ops_depth_import, ops_depth_paint
from .detail import ops_detail
from .diagnosis import ops_diagnosis
from .fusion import ops_fuse, ops_photos, panel_fusion, photo_list, thumbnails
from .head import ops_complete, ops_wrap
from .models import ops_compare, ops_download, panel_models, toggles
from .output import ops_page, ops_print
from .repair import ops_cleanup, ops_mesh, ops_remesh
from .shaping import mesh_settings, ops_shape, panel_shape

_MODULES = (
    photo_list, toggles, properties, presets, preferences, running, ops_diagnosis, ops_reconstruct,
    ops_download, ops_compare, ops_each, ops_photos, ops_fuse, ops_shape, ops_mesh, ops_cleanup,
    ops_detail, ops_wrap, ops_remesh, ops_complete, ops_cloud, ops_depth, ops_depth_import,
    ops_depth_paint, ops_depth_export, ops_page, ops_print, panel, panel_shape, panel_models,
    panel_fusion, panel_tools,
)
CLASSES = tuple(cls for module in _MODULES for cls in module.CLASSES)

_commands: list[object] = []


def register() -> None:
    for cls in CLASSES:
        wording.give_context(cls)
        bpy.utils.register_class(cls)
    bpy.types.Scene.face_depth = bpy.props.PointerProperty(type=properties.FACEDEPTH_PG_settings)
    mesh_settings.register()
    translations.register()
    if preferences.log_path(bpy.context):
        from .diagnosis.notebook import follow

        follow(preferences.log_path(bpy.context))
    _commands.append(bpy.utils.register_cli_command("face_depth", _run_command))


def _run_command(arguments: list[str]) -> int:
    # What only the command line needs would take a good part of the registration's time.
    from .command import run_command

    return run_command(arguments)


def unregister() -> None:
    from .diagnosis.notebook import close_notebook

    running.end_running(bpy.context)
    worker.close()
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    translations.unregister()
    mesh_settings.unregister()
    del bpy.types.Scene.face_depth
    thumbnails.free()
    close_notebook()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
