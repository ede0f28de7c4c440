# SPDX-License-Identifier: GPL-3.0-or-later
"""Render our own training data: people's heads with exact depth.

    python scripts/dataset.py render --out DIR --count 1000 --seed 1 --sources SOURCES
    python scripts/dataset.py sheet DIR
    python scripts/dataset.py stats DIR
    python scripts/dataset.py sources --sources SOURCES

Sets itself up on a fresh machine.  ``render --help`` lists the options.  A run that was stopped
goes on when the same command is given again; a larger --count adds samples.
"""

from __future__ import annotations  # see _environment.py

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import _environment

DEVICES = ("auto", "cpu", "optix", "cuda", "hip", "oneapi", "metal")
PROTOCOLS = ("mix", "views19")
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None, factory: str | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    arguments
        The command line after the script's name; None takes that of the process.
    factory
        What renders in the workers, see ``heads.runner.Job``; None for people's heads.
    """
    options = _parser().parse_args(arguments)
    _environment.ensure(dataset=True)
    from heads import manifest, runner, sources

    try:
        return options.run(options, factory or runner.FACTORY)
    except (manifest.FolderError, runner.RenderError, sources.SourceError) as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped; run the same command again to go on.", file=sys.stderr)
        return EXIT_INTERRUPTED


def render(options: argparse.Namespace, factory: str) -> int:
    """Render what is missing of a data set."""
    from heads import manifest, progress, runner, sources

    found = sources.find(options.sources, options.without)
    if options.device not in ("auto", "cpu") and not options.ray:
        _check_device(options.device)
    job = runner.Job(options.seed, options.size, options.protocol, found, options.device, factory)
    head = manifest.header(options.seed, options.size, options.protocol, found)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(manifest.Folder(options.out, head))
        indices = [index for index in range(options.count) if index not in folder.done]
        if options.count > len(indices):
            print(f"{options.count - len(indices)} of {options.count} images are there already.")
        stack.callback(folder.write_manifest)
        if not indices:
            return 0
        if options.ray:
            from heads import ray_runner

            cluster = stack.enter_context(ray_runner.Cluster(options.ray, options.workers))
            cores, results = cluster.cores, cluster.render(job, indices)
        else:
            workers = options.workers or runner.available_cores()
            cores = min(workers, runner.available_cores())
            results = runner.render_locally(job, indices, workers)
        stack.enter_context(contextlib.closing(results))
        done = options.count - len(indices)
        with progress.Progress(options.count, done, cores) as counter:
            for index, files, record in results:
                folder.write(index, files, record)
                counter.advance()
    print(counter.summary())
    return 0


def _check_device(device: str) -> None:
    """Raise what the workers would, before any is started."""
    from heads import runner, stage

    if device not in stage.devices():
        raise runner.RenderError(str(stage.DeviceError(device)))


def sheet(options: argparse.Namespace, factory: str) -> int:
    """Write the contact sheets."""
    from heads import sheet

    for path in sheet.write(options.folder, options.count, options.columns, options.out):
        print(path)
    return 0


def stats(options: argparse.Namespace, factory: str) -> int:
    """Print the distributions, and write them as a picture and as JSON."""
    from heads import statistics

    print(statistics.write(options.folder))
    return 0


def list_sources(options: argparse.Namespace, factory: str) -> int:
    """Print which sources there are; the exit code tells whether all are sound."""
    from heads import sources

    if options.pin:
        sources.pin(options.sources)
    findings = sources.inspect(options.sources)
    print(sources.table(findings))
    return 0 if all(finding.is_sound for finding in findings) else EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dataset.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("render", help="render samples")
    command.set_defaults(run=render)
    command.add_argument("--out", type=Path, required=True, metavar="DIR")
    command.add_argument(
        "--count", type=_number(1), required=True, metavar="N",
        help="images in all, those included that are there already",
    )  # fmt: skip
    command.add_argument("--seed", type=_number(0), required=True, metavar="S")
    command.add_argument(
        "--size", type=_number(16, 4096), default=384, metavar="PIXELS",
        help="side of the images (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--protocol", choices=PROTOCOLS, default=PROTOCOLS[0],
        help="mix: every image another person; views19: each person from 19 directions",
    )  # fmt: skip
    command.add_argument(
        "--workers", type=_number(1), metavar="K",
        help="processes that render, with one core each (default: all cores)",
    )  # fmt: skip
    command.add_argument(
        "--device", choices=DEVICES, default=DEVICES[0],
        help="what Cycles renders with (default: a graphics card if there is one)",
    )  # fmt: skip
    command.add_argument(
        "--ray", metavar="ADDRESS",
        help="render on a Ray cluster, whose machines have this project, its environment and the "
        "sources at the same paths: host:port, auto, or local for one on this machine",
    )  # fmt: skip
    command.add_argument(
        "--sources", type=Path, metavar="DIR",
        help="folder that holds makehuman and ict_facekit; `dataset.py sources` tells more",
    )  # fmt: skip
    command.add_argument(
        "--without", type=lambda text: text.split(","), default=[], metavar="NAMES",
        help="do without these sources: makehuman, ict_facekit or both, with a comma",
    )  # fmt: skip

    command = commands.add_parser("sheet", help="write contact sheets of random samples")
    command.set_defaults(run=sheet)
    command.add_argument("folder", type=Path, metavar="DIR")
    command.add_argument("--count", type=_number(1), default=64, metavar="N")
    command.add_argument("--columns", type=_number(1), default=8, metavar="N")
    command.add_argument(
        "--out", type=Path, metavar="PNG",
        help="default: DIR/sheet.png; the second sheet is named after it",
    )  # fmt: skip

    command = commands.add_parser("stats", help="print the distributions, and plot them")
    command.set_defaults(run=stats)
    command.add_argument("folder", type=Path, metavar="DIR")

    command = commands.add_parser("sources", help="list what people are made from")
    command.set_defaults(run=list_sources)
    command.add_argument("--sources", type=Path, metavar="DIR")
    command.add_argument(
        "--pin", action="store_true",
        help="take the files in DIR as the expected ones from now on",
    )  # fmt: skip
    return parser


def _number(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """Return an argument type: a whole number within limits."""

    def convert(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            limits = f"from {least} to {most}" if most < 2**63 - 1 else f"from {least} on"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {limits}")
        return int(text)

    return convert


if __name__ == "__main__":
    sys.exit(main())
