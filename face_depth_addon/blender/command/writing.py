# SPDX-License-Identifier: GPL-3.0-or-later
"""Each output of the command line, written."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ...core.printing.solid import PrintSettings
from ..cloud.cloud_file import export_cloud
from ..depth import map_export
from ..output.export import write_folder_whole, write_object
from ..output.page import write_html
from ..output.preview import render_preview
from ..output.printing import make_print, write_print


def write_outputs(
    made: bpy.types.Object, edited: bpy.types.Object, files: dict[str, Path],
    settings: PrintSettings,
) -> None:
    """Write the files of one photo.

    Parameters
    ----------
    made : bpy.types.Object
        With what the mesh was made from.
    edited : bpy.types.Object
        The mesh that is wanted, often the same.
    files : dict
        Paths by the options' names; the depth map only where no worker has written it.
    settings : PrintSettings

    Raises
    ------
    FaceDepthError
    """
    for name, path in files.items():
        match name:
            case "output":
                show_texture_on_open()
                write_object(edited, path)
            case "depth_output":
                map_export.write_depth_map(made.data, path)
            case "normal_map":
                map_export.write_normals(made.data, path)
            case "texture":
                map_export.write_texture(made.data, path)
            case "landmarks":
                map_export.write_landmarks(made.data, path)
            case "point_cloud":
                export_cloud(bpy.context, made, path, source="DEPTH")
            case "print":
                write_print(make_print(edited, settings).object, path)
            case "preview":
                _write_preview(edited, path)
            case "html":
                write_html(edited, path)


def _write_preview(item: bpy.types.Object, path: Path) -> None:
    write_folder_whole(path, lambda folder: render_preview(item, folder / path.name))


def show_texture_on_open() -> None:
    """Let the saved file's viewports show the photo in solid mode."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == 'VIEW_3D':
                area.spaces.active.shading.color_type = 'TEXTURE'


@contextmanager
def quiet_blender() -> Iterator[None]:
    """Keep what Blender prints of its own work from the user; errors are raised."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(stream) for stream in (1, 2)]
    with open(os.devnull, "wb") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        point_at(kept)
        for stream in kept:
            os.close(stream)


def point_at(streams: list[int]) -> None:
    """Let standard output and standard error be these."""
    for stream, copy in zip((1, 2), streams):
        os.dup2(copy, stream)
