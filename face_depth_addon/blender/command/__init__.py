# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, the same from a script, from Blender and from an installed extension."""

import argparse
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ...core.depth.meaning import Meaning
from ...core.errors import FaceDepthError, OutputError
from ...core.fusion.limits import USUAL_RESOLUTION
from ...core.printing.solid import PrintSettings
from ...core.relief.building import Layout
from .. import photo_source
from ..depth.depth_io import FaceFinder, ImportSettings, import_steps
from ..detail.fine_relief import DetailSettings, add_detail
from ..head.completion import complete_object
from ..head.wrap import wrap_template
from ..preferences import worker_settings
from ..reconstruct import Progress, Settings, reconstruct_steps
from ..repair.mesh_cleanup import cleanup_mesh
from ..repair.mesh_smooth import smooth_mesh
from ..repair.remesh import quad_remesh
from ..shaping.mesh_settings import mesh_settings
from .arguments import parser
from .comparing import check_comparison, compare_target, comparison_report
from .fusing import check_fusion, fuse_target, fusion_report
from .means import Means, constant, layout_of, means_of, shape_of
from .models import download_model, list_models
from .self_check import self_check
from .targets import Target, flag, plan
from .telling import (
    Row,
    log_errors_only,
    photos_report,
    say,
    shown,
    summary,
    write_report,
)
from .writing import point_at, quiet_blender, write_outputs

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def run_command(arguments: list[str]) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str
        Without the program's name.

    Returns
    -------
    int
        Exit code.
    """
    with mesh_settings():
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    log_errors_only()
    preferences = worker_settings(bpy.context)
    try:
        reader = parser()
        options = reader.parse_args(arguments)
        if options.list_models:
            list_models(options, preferences)
            return 0
        if options.self_check:
            return 0 if self_check(options, preferences) else EXIT_FAILED
        if options.download:
            return 0 if download_model(options, preferences) else EXIT_FAILED
        if options.resolution is None:
            options.resolution = USUAL_RESOLUTION if options.fuse else Layout.resolution
        if options.compare:
            check_comparison(options, reader)
        elif options.fuse:
            check_fusion(options, reader)
        else:
            _check_together(options)
        targets = plan(options)
    except SystemExit as stop:
        return int(stop.code or 0)
    except FaceDepthError as error:
        say(str(error))
        return EXIT_USAGE
    except KeyboardInterrupt:
        say("Interrupted.")
        return EXIT_INTERRUPTED
    means = means_of(options, preferences)
    work, told = _run_photo, photos_report
    if options.compare:
        work, told = compare_target, comparison_report
    elif options.fuse:
        work, told = fuse_target, fusion_report
    rows = []
    streams = [os.dup(stream) for stream in (1, 2)]
    try:
        with _interrupts_noted() as check:
            for target in targets:
                with quiet_blender():
                    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
                check()
                rows.append(work(means, target, options))
                check()
        if options.report:
            write_report(options.report, told(rows))
    except KeyboardInterrupt:
        # It may have come in the middle of keeping Blender quiet.
        point_at(streams)
        say("Interrupted.")
        return EXIT_INTERRUPTED
    except OutputError as error:
        say(str(error))
        return EXIT_FAILED
    finally:
        means.client.close()
        for stream in streams:
            os.close(stream)
    return 0 if all(row.ok for row in rows) else EXIT_FAILED


def _check_together(options: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Raises
    ------
    FaceDepthError
    """
    if not options.photos and not options.depth_input:
        raise FaceDepthError("Give a photo, or a depth map by --depth-input.")
    if len(options.photos) > 1 and options.depth_input:
        raise FaceDepthError("A depth map belongs to one photo: give --depth-input one at a time.")
    if options.topology == "template":
        if options.complete:
            raise FaceDepthError("The template is a whole head: leave --complete out.")
        if options.detail or options.cleanup or options.smooth:
            raise FaceDepthError(
                "The template follows the stored depth: leave --detail, --cleanup and --smooth out."
            )
    if options.distance and options.projection == "relief":
        raise FaceDepthError("--distance counts in perspective: give --projection too.")
    if options.part != "bust" and options.face is None:
        raise FaceDepthError("--part needs a face: leave it out, or --face none.")
    if options.topology == "template" or options.complete:
        for name in ("normal_map", "texture", "landmarks"):
            if getattr(options, name):
                raise FaceDepthError(
                    f"{flag(name)} belongs to the relief: write it without --complete and "
                    "--topology template."
                )
    if options.point_cloud_before:
        raise FaceDepthError("--point-cloud-before shows how photos were placed: give --fuse too.")
    if options.keep_all:
        raise FaceDepthError("--keep-all is for photos that become one head: give --fuse too.")
    if options.watertight and options.topology != "template":
        raise FaceDepthError("--watertight is for --topology template; --print closes any mesh.")


@contextmanager
def _interrupts_noted() -> Iterator[Callable[[], None]]:
    """Give a check that raises KeyboardInterrupt where Blender has swallowed one.

    It does so when Ctrl+C comes while one of its operators runs Python of its own.
    """
    noted = []

    def note(number: int, _frame: object) -> None:
        noted.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if noted:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        # None stands for a handler that was not set by Python.
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _run_photo(means: Means, target: Target, options: argparse.Namespace) -> Row:
    """Make one mesh in the empty file that is open and write its outputs."""
    named = target.photo or str(options.depth_input)
    row = Row(named)
    try:
        outcome = shown(Path(named).name, _steps(means, target, options))
        say(f"{Path(named).name}: {summary(outcome.info)}")
        if outcome.note:
            say(outcome.note)
        files = dict(target.files)
        if not options.depth_input:
            files.pop("depth_output", None)
        settings = PrintSettings(options.print_kind.upper(), options.print_height)
        with quiet_blender():
            edited = _edit(outcome.object, options, row)
            write_outputs(outcome.object, edited, files, settings)
    except FaceDepthError as error:
        row.error = str(error)
        say(f"{named}: {error}" if Path(named).name not in str(error) else row.error)
        return row
    row.ok = True
    row.details |= {
        **outcome.info,
        "vertices": len(edited.data.vertices), "polygons": len(edited.data.polygons),
        "outputs": [str(path) for path in target.paths()],
        "blender": bpy.app.version_string,
    }
    return row


def _steps(means: Means, target: Target, options: argparse.Namespace) -> Iterator[Progress]:
    layout, shape = layout_of(options), shape_of(options)
    photo = photo_source.from_file(target.photo) if target.photo else None
    if options.depth_input:
        relief = options.depth_relief
        meaning = Meaning(
            options.depth_near, options.depth_kind, constant(options.depth_unit),
            relief and relief / 1000.0,
        )
        faces = FaceFinder(means.client, options.face) if options.face is not None else None
        settings = ImportSettings(meaning, layout, shape)
        return import_steps(bpy.context, options.depth_input, settings, photo, faces, wait=0.1)
    depth_file = target.files.get("depth_output")
    settings = Settings(
        model=options.model, running=means.running, models=means.models, fit=means.fit,
        face=options.face, layout=layout, shape=shape,
        depth_output=str(depth_file.resolve()) if depth_file else None,
    )
    return reconstruct_steps(bpy.context, means.client, photo, settings, wait=0.1)


def _edit(made: bpy.types.Object, options: argparse.Namespace, row: Row) -> bpy.types.Object:
    """Do to the mesh what the options say; returns the object that is wanted in the end.

    Raises
    ------
    FaceDepthError
    """
    mesh = made.data
    if options.pupils:
        if not mesh.face_depth.has_face:
            raise FaceDepthError("--pupils needs a face, and none was looked for or found.")
        mesh.face_depth.size_mm = options.pupils
    if options.distance:
        mesh.face_depth.distance = options.distance
    if options.detail:
        add_detail(mesh, DetailSettings(strength=options.detail))
    if options.cleanup:
        row.details["cleanup"] = cleanup_mesh(mesh).sentence()
    if options.smooth:
        smooth_mesh(mesh, iterations=options.smooth)
    if options.topology == "template":
        return wrap_template(bpy.context, made, close=options.watertight)
    item = complete_object(bpy.context, made) if options.complete else made
    if options.topology == "quads":
        quad_remesh(bpy.context, item, options.budget)
    return item
