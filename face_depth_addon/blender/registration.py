# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender learns of the extension, in one place."""

import bpy

from . import ops_depth, ops_mesh, ops_reconstruct, panel, preferences, properties, shape, worker

CLASSES = (
    *properties.CLASSES,
    *shape.CLASSES,
    *preferences.CLASSES,
    *ops_reconstruct.CLASSES,
    *ops_mesh.CLASSES,
    *ops_depth.CLASSES,
    *panel.CLASSES,
)

_commands: list[object] = []


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.face_depth = bpy.props.PointerProperty(type=properties.FACEDEPTH_PG_settings)
    bpy.types.Mesh.face_depth = bpy.props.PointerProperty(type=shape.FACEDEPTH_PG_shape)
    _commands.append(bpy.utils.register_cli_command("face_depth", _run_command))


def _run_command(arguments: list[str]) -> int:
    # What only the command line needs would take a good part of the registration's time.
    from .command import run_command

    return run_command(arguments)


def unregister() -> None:
    ops_reconstruct.end_running(bpy.context)
    worker.close()
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    del bpy.types.Mesh.face_depth
    del bpy.types.Scene.face_depth
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
