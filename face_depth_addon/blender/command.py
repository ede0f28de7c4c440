# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, the same from a script, from Blender and from an installed extension."""

import argparse
import json
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ..core.errors import FaceDepthError, OutputError
from ..core.files import write_whole
from ..inference.client import WorkerClient
from ..inference.model_folder import BUNDLED
from . import photo_source
from .export import WRITERS, files_of, write_folder_whole, write_object
from .mesh_edit import cleanup_mesh, smooth_mesh
from .preferences import worker_settings
from .preview import render_preview
from .properties import MODEL_FOLDER, MODEL_ITEMS
from .reconstruct import Outcome, Progress, Settings, reconstruct_steps

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
_DEPTH_SUFFIXES = (".npy", ".exr", ".png")
_EPILOG = """exit codes: 0 every output was written; 1 a photo failed (the others were done);
2 wrong arguments; 3 the environment cannot be set up; 130 interrupted"""


@dataclass(frozen=True)
class _Targets:
    """Where the outputs of one photo go."""

    photo: str
    mesh: Path | None
    depth: Path | None
    preview: Path | None

    def paths(self) -> list[Path]:
        mesh = files_of(self.mesh) if self.mesh else []
        return [*mesh, *(path for path in (self.depth, self.preview) if path is not None)]


@dataclass
class _Row:
    """What the report says of one photo."""

    photo: str
    ok: bool = False
    error: str = ""
    details: dict = field(default_factory=dict)


def parser() -> argparse.ArgumentParser:
    """The argument parser of all three ways to run."""
    result = argparse.ArgumentParser(
        prog="reconstruct", description="Turn face photos into editable 3D meshes.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add("photos", nargs="+", metavar="PHOTO", help="image file")
    add("-o", "--output", type=Path, metavar="OUT",
        help=f"mesh file ({', '.join(WRITERS)}); with several photos a folder")
    add("--format", choices=[suffix[1:] for suffix in WRITERS], default="blend",
        help="mesh format in a folder (default: blend)")
    add("--depth-output", type=Path, metavar="FILE",
        help="depth map at photo size: .npy float32, .exr or 16-bit .png; "
        "with several photos a folder of .npy files")
    add("--preview", type=Path, metavar="FILE.png",
        help="picture of the mesh from the front and at 45 degrees; with several photos a folder")
    add("--report", type=Path, metavar="FILE.json", help="timings, counts, faces and versions")
    add("--resolution", type=_number(int, 16, 2048), default=512, metavar="N",
        help="vertices along the longest side, 16 to 2048 (default: 512)")
    add("--strength", type=_number(float, 0, 10), default=1.0, metavar="X",
        help="factor on the relief, 0 to 10 (default: 1, true to the photo)")
    add("--model", default=BUNDLED, metavar="NAME|FOLDER",
        help=f"{_named_models()}; or a model's folder")
    add("--face", type=_face, default=0, metavar="INDEX|none",
        help="which face, 0 the largest (default); none for the whole image")
    add("--smooth", type=_number(int, 0, 200), nargs="?", const=5, default=0, metavar="ITERATIONS",
        help="smooth the mesh, keeping its features (5 iterations unless told)")
    add("--cleanup", action="store_true",
        help="cut stretched faces, drop islands, remove spikes, fill small holes")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default=None,
        help="where the model runs (default: auto)")
    add("--python", default="", metavar="PATH",
        help="interpreter that has torch and transformers (default: this one)")
    return result


def _named_models() -> str:
    """Each model that has a name, with what it is good for."""
    return "; ".join(
        f"{name}{' (default)' if name == BUNDLED else ''}: {text[0].lower()}{text[1:]}"
        for name, _, text, _ in MODEL_ITEMS if name != MODEL_FOLDER
    )


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
    _log_errors_only()
    try:
        options = parser().parse_args(arguments)
        targets = _plan(options)
    except SystemExit as stop:
        return int(stop.code or 0)
    except FaceDepthError as error:
        _say(str(error))
        return EXIT_USAGE
    preferences = worker_settings(bpy.context)
    client = WorkerClient(options.python or preferences.python)
    device = options.device or preferences.device
    rows = []
    streams = [os.dup(stream) for stream in (1, 2)]
    try:
        with _interrupts_noted() as check:
            for target in targets:
                with _quiet_blender():
                    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
                check()
                rows.append(_run_photo(client, target, options, device))
                check()
        if options.report:
            _write_report(options.report, rows)
    except KeyboardInterrupt:
        # It may have come in the middle of keeping Blender quiet.
        _point_at(streams)
        _say("Interrupted.")
        return EXIT_INTERRUPTED
    except OutputError as error:
        _say(str(error))
        return EXIT_FAILED
    finally:
        client.close()
        for stream in streams:
            os.close(stream)
    return 0 if all(row.ok for row in rows) else EXIT_FAILED


def _log_errors_only() -> None:
    """Bound the handler: Blender's exporters give their own loggers a level of chatter."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    logging.basicConfig(handlers=[handler])


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


def _number(kind: type, low: int, high: int) -> Callable[[str], float]:
    """An argument's type: a number within bounds."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be a number from {low} to {high}, not {text}")
        return value

    return parse


def _face(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be none, 0 or more, not {text}")
    return int(text)


def _plan(options: argparse.Namespace) -> list[_Targets]:
    """Where everything goes, checked before any work.

    Raises
    ------
    OutputError
    """
    outputs = (options.output, options.depth_output, options.preview)
    if not any(outputs):
        raise OutputError("There is nothing to write: give -o, --depth-output or --preview.")
    if len(options.photos) == 1:
        _check_suffix(options.output, tuple(WRITERS), "a mesh file")
        _check_suffix(options.depth_output, _DEPTH_SUFFIXES, "a depth map")
        _check_suffix(options.preview, (".png",), "a picture")
        targets = [_Targets(options.photos[0], *outputs)]
    else:
        targets = _plan_folders(options)
    _check_suffix(options.report, (".json",), "a report")
    paths = [path for target in targets for path in target.paths()]
    if options.report:
        paths.append(options.report)
    _check_overlap(options.photos, paths)
    for path in paths:
        _make_folder(path.parent)
    return targets


def _plan_folders(options: argparse.Namespace) -> list[_Targets]:
    """Each photo's outputs under its own name, numbered where two share one.

    Raises
    ------
    OutputError
    """
    for path in (options.output, options.depth_output, options.preview):
        if path is not None and path.suffix.lower() in (*WRITERS, *_DEPTH_SUFFIXES):
            raise OutputError(f"{path} is a file's name: with several photos, name a folder.")
    taken: set[str] = set()
    targets = []
    for photo in options.photos:
        stem = Path(photo).stem
        name = next(
            name for name in (stem, *(f"{stem}-{i}" for i in range(2, len(options.photos) + 2)))
            if name.casefold() not in taken
        )
        taken.add(name.casefold())
        targets.append(_Targets(
            photo,
            options.output and options.output / f"{name}.{options.format}",
            options.depth_output and options.depth_output / f"{name}.npy",
            options.preview and options.preview / f"{name}.png",
        ))
    return targets


def _check_suffix(path: Path | None, suffixes: tuple[str, ...], kind: str) -> None:
    if path is not None and path.suffix.lower() not in suffixes:
        raise OutputError(f"{path} is not {kind}: its name must end in {', '.join(suffixes)}.")


def _check_overlap(photos: list[str], paths: list[Path]) -> None:
    """No output may take the place of a photo or of another output."""
    # Letter case counts on some disks only: two names that differ in it alone are one here.
    originals = {os.path.realpath(photo).casefold() for photo in photos}
    seen: set[str] = set()
    for path in paths:
        place = os.path.realpath(path).casefold()
        if place in originals:
            raise OutputError(f"{path} is one of the photos: choose another name to write to.")
        if place in seen:
            raise OutputError(f"Two outputs would be written to {path}: choose another name.")
        seen.add(place)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}).") from error


def _run_photo(
    client: WorkerClient, target: _Targets, options: argparse.Namespace, device: str
) -> _Row:
    """Reconstruct one photo into the empty file that is open and write its outputs."""
    row = _Row(target.photo)
    settings = Settings(
        model=options.model, device=device, face=options.face,
        resolution=options.resolution, strength=options.strength,
        depth_output=str(target.depth.resolve()) if target.depth else None,
    )
    try:
        steps = reconstruct_steps(
            bpy.context, client, photo_source.from_file(target.photo), settings, wait=0.1
        )
        outcome = _show(Path(target.photo).name, steps)
        mesh = outcome.object.data
        if options.cleanup:
            row.details["cleanup"] = cleanup_mesh(mesh).sentence()
        if options.smooth:
            smooth_mesh(mesh, iterations=options.smooth)
        with _quiet_blender():
            _write_outputs(outcome.object, target)
    except FaceDepthError as error:
        row.error = str(error)
        _say(f"{target.photo}: {error}" if Path(target.photo).name not in str(error) else row.error)
        return row
    row.ok = True
    row.details |= {
        **outcome.info, "vertices": len(mesh.vertices), "quads": len(mesh.polygons),
        "outputs": [str(path) for path in target.paths()],
        "blender": bpy.app.version_string,
    }
    return row


def _write_outputs(item: bpy.types.Object, target: _Targets) -> None:
    if target.mesh:
        _show_texture_on_open()
        write_object(item, target.mesh)
    if target.preview:
        write_folder_whole(
            target.preview, lambda folder: render_preview(item, folder / target.preview.name)
        )


@contextmanager
def _quiet_blender() -> Iterator[None]:
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
        _point_at(kept)
        for stream in kept:
            os.close(stream)


def _point_at(streams: list[int]) -> None:
    """Let standard output and standard error be these."""
    for stream, copy in zip((1, 2), streams):
        os.dup2(copy, stream)


def _show_texture_on_open() -> None:
    """Let the saved file's viewports show the photo in solid mode."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == 'VIEW_3D':
                area.spaces.active.shading.color_type = 'TEXTURE'


def _show(name: str, steps: Iterator[Progress]) -> Outcome:
    """Run the steps with a progress bar on a terminal, or a line when done."""
    live = sys.stderr.isatty()
    while True:
        try:
            progress = next(steps)
        except StopIteration as stop:
            outcome = stop.value
            break
        if live:
            filled = round(20 * progress.fraction)
            bar = f"[{'#' * filled}{'.' * (20 - filled)}] {progress.fraction:4.0%}"
            sys.stderr.write(f"\r{name} {bar} {progress.label:<28}")
            sys.stderr.flush()
    if live:
        sys.stderr.write("\r\x1b[K")
    timings = outcome.info["timings"]
    _say(f"{name}: {outcome.info['vertices']:,} vertices in {timings['total']:.1f} s")
    return outcome


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _write_report(path: Path, rows: list[_Row]) -> None:
    photos = [
        {**row.details, "photo": row.photo, "ok": row.ok, "error": row.error or None}
        for row in rows
    ]
    text = json.dumps({"photos": photos}, indent=2, ensure_ascii=False) + "\n"
    # Names that are not UTF-8 become escapes, which JSON reads back as they were.
    write_whole(path, text.encode(errors="backslashreplace"))
