# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's ``--compare``: one photo with each of several models."""

import argparse
from pathlib import Path

import bpy

from ...core.errors import FaceDepthError
from .. import photo_source
from ..models.compare import Compared, Comparison, compare_steps
from ..output.export import write_folder_whole, write_objects
from ..output.preview import render_display
from ..reconstruct import Settings
from .means import Means, layout_of, shape_of
from .targets import OUTPUTS, Target, flag
from .telling import Row, say, shown
from .writing import quiet_blender, show_texture_on_open

_OUTPUTS = ("output", "preview")
_SUFFIXES = (".blend", ".glb")
# Options of a mesh by itself.
_OF_ONE_MESH = (
    *(name for name in OUTPUTS if name not in _OUTPUTS), "model", "depth_input", "depth_near",
    "depth_kind", "depth_unit", "depth_relief", "distance", "pupils", "detail", "cleanup", "smooth",
    "watertight", "complete", "fuse", "keep_all", "format",
)
# Of a column of the picture, and of all.
_COLUMN, _WIDEST = 320, 8000


def check_comparison(options: argparse.Namespace, defaults: argparse.ArgumentParser) -> None:
    """Refuse options that do not go with ``--compare``.

    Parameters
    ----------
    options : argparse.Namespace
    defaults : argparse.ArgumentParser
        Which has read them.

    Raises
    ------
    FaceDepthError
    """
    if not options.photos:
        raise FaceDepthError("Give the photo before --compare, which takes all that follows it.")
    if len(options.photos) > 1:
        raise FaceDepthError("--compare takes one photo.")
    if len(set(options.compare)) < len(options.compare):
        raise FaceDepthError("--compare was given a model twice.")
    for name in _OF_ONE_MESH:
        if getattr(options, name) != defaults.get_default(name):
            raise FaceDepthError(f"{flag(name)} does not go with --compare: leave it out.")
    if options.topology not in ("grid", "adaptive"):
        raise FaceDepthError("Models are compared as --topology grid or adaptive.")
    if options.output and options.output.suffix.lower() not in _SUFFIXES:
        raise FaceDepthError(f"--compare writes {' or '.join(_SUFFIXES)}, not {options.output}.")


def compare_target(means: Means, target: Target, options: argparse.Namespace) -> Row:
    """Lay out the meshes of all models in the empty file that is open and write its outputs."""
    row = Row(target.photo)
    settings = [
        Settings(
            model=model, running=means.running, models=means.models, fit=means.fit,
            face=options.face, layout=layout_of(options), shape=shape_of(options),
        )
        for model in options.compare
    ]
    name = Path(target.photo).name
    try:
        steps = compare_steps(
            bpy.context, means.client, photo_source.from_file(target.photo), settings, wait=0.1
        )
        made = shown(name, steps)
        for model in made.models:
            say(f"{model.title}: {model.told}")
            for note in model.info.get("notes", ()):
                say(note)
        with quiet_blender():
            _write(made, target.files)
    except FaceDepthError as error:
        row.error = str(error)
        say(row.error if name in row.error else f"{target.photo}: {error}")
        return row
    row.ok = not any(model.error for model in made.models)
    row.details |= {
        "models": [_details(model) for model in made.models],
        "outputs": [str(path) for path in target.paths()],
        "blender": bpy.app.version_string,
    }
    return row


def comparison_report(rows: list[Row]) -> dict:
    """The report on a photo that several models have seen."""
    (row,) = rows
    return {
        "photo": row.photo, "models": [], **row.details, "ok": row.ok, "error": row.error or None,
    }


def _write(made: Comparison, files: dict[str, Path]) -> None:
    meshes = [model.object for model in made.models if model.object]
    items = [*meshes, *(item for item in made.holder.children if item not in meshes), made.holder]
    if "output" in files:
        show_texture_on_open()
        write_objects(items, files["output"])
    if "preview" in files:
        path = files["preview"]
        width = min(_COLUMN * len(made.models), _WIDEST)
        write_folder_whole(
            path, lambda folder: render_display(items, meshes, folder / path.name, width)
        )


def _details(model: Compared) -> dict:
    return {
        **model.info, "model": model.model, "title": model.title, "ok": not model.error,
        "error": model.error or None,
    }
