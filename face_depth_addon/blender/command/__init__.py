# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, the same from a script, from Blender and from an installed extension."""

import argparse
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ...core.errors import FaceDepthError, OutputError
from ...core.fusion.limits import USUAL_RESOLUTION
from ...core.relief.building import Layout
from ..preferences import worker_settings
from ..shaping.mesh_settings import mesh_settings
from .arguments import parser
from .comparing import check_comparison, compare_target, comparison_report
from .fusing import check_fusion, fuse_target, fusion_report
from .means import Means, means_of
from .models import download_model, list_models
from .photos import check_together, open_empty_file, photo_steps, write_photo
from .self_check import self_check
from .targets import Target, plan
from .telling import (
    Row,
    log_errors_only,
    photos_report,
    say,
    shown,
    summary,
    write_report,
)
from .writing import point_at

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
            check_together(options)
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
                open_empty_file()
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
        outcome = shown(Path(named).name, photo_steps(means, target, options))
        say(f"{Path(named).name}: {summary(outcome.info)}")
        if outcome.note:
            say(outcome.note)
        row.details = write_photo(outcome, target, options)
    except FaceDepthError as error:
        row.error = str(error)
        say(f"{named}: {error}" if Path(named).name not in str(error) else row.error)
        return row
    row.ok = True
    return row
