# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the outputs of the command line go, checked before any work."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import OutputError
from ...core.web_page import SUFFIXES as _PAGES
from ..output.export import WRITERS, files_of


@dataclass(frozen=True)
class Output:
    """A kind of file.

    Attributes
    ----------
    kind : str
        With an article, for messages.
    suffixes : tuple of str
        The first is what a folder of them has.
    metavar, help : str
        For the list of options.
    """

    kind: str
    suffixes: tuple[str, ...]
    metavar: str
    help: str


#: By the option's name.
OUTPUTS = {
    "output": Output(
        "a mesh file", tuple(WRITERS), "OUT", f"mesh file ({', '.join(WRITERS)})"
    ),
    "depth_output": Output(
        "a depth map", (".npy", ".exr", ".png"), "FILE",
        "depth map at photo size: .npy float32, .exr or 16-bit .png",
    ),
    "normal_map": Output(
        "a normal map", (".png",), "FILE.png", "normal map of the relief, on the mesh's UVs"
    ),
    "texture": Output(
        "a texture", (".jpg", ".jpeg", ".png"), "FILE", "the photo as it lies on the mesh's UVs"
    ),
    "landmarks": Output(
        "a file of landmarks", (".json",), "FILE.json",
        "468 landmarks, in the photo and on the mesh",
    ),
    "point_cloud": Output(
        "a point cloud", (".ply",), "FILE.ply", "coloured points with normals, one for each pixel"
    ),
    "point_cloud_before": Output(
        "a point cloud", (".ply",), "FILE.ply",
        "with --fuse: the photos' points as they lay by their landmarks alone",
    ),
    "print": Output(
        "a file for printers", (".3mf", ".stl"), "FILE",
        "closed body for a 3D printer, .3mf or .stl",
    ),
    "preview": Output(
        "a picture", (".png",), "FILE.png", "picture of the mesh from the front and at 45 degrees"
    ),
    "html": Output(
        "a web page", _PAGES, "FILE.html",
        "web page in which the mesh can be turned, without Blender or network",
    ),
}


def flag(name: str) -> str:
    """An option as it is typed."""
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class Target:
    """One mesh to make.

    Attributes
    ----------
    photo : str or None
        None for a depth map without a photo.
    files : dict
        Path of each output, by its option's name.
    """

    photo: str | None
    files: dict[str, Path]

    def paths(self) -> list[Path]:
        """All files that will be written."""
        return [
            path for name, file in self.files.items()
            for path in (files_of(file) if name == "output" else [file])
        ]


def plan(options: argparse.Namespace) -> list[Target]:
    """Check the outputs and make their folders; all photos of a fused head are one target.

    Raises
    ------
    OutputError
    """
    chosen = {name: path for name in OUTPUTS if (path := getattr(options, name)) is not None}
    if not chosen:
        raise OutputError(f"There is nothing to write: give -o, {_listed()}.")
    if len(options.photos) > 1 and not options.fuse:
        targets = _in_folders(options, chosen)
    else:
        for name, path in chosen.items():
            _check_suffix(path, OUTPUTS[name].suffixes, OUTPUTS[name].kind)
        targets = [Target(options.photos[0] if options.photos else None, chosen)]
    _check_suffix(options.report, (".json",), "a report")
    paths = [path for target in targets for path in target.paths()]
    if options.report:
        paths.append(options.report)
    read = [*options.photos, *([options.depth_input] if options.depth_input else [])]
    _check_overlap(read, paths)
    for path in paths:
        _make_folder(path.parent)
    return targets


def _listed() -> str:
    *most, last = (flag(name) for name in OUTPUTS if name != "output")
    return f"{', '.join(most)} or {last}"


def _in_folders(options: argparse.Namespace, chosen: dict[str, Path]) -> list[Target]:
    """Each photo's outputs under its own name, numbered where two share one.

    Raises
    ------
    OutputError
    """
    files = {suffix for output in OUTPUTS.values() for suffix in output.suffixes}
    for path in chosen.values():
        if path.suffix.lower() in files:
            raise OutputError(f"{path} is a file's name: with several photos, name a folder.")
    suffixes = {name: OUTPUTS[name].suffixes[0] for name in chosen}
    suffixes["output"] = f".{options.format}"
    taken: set[str] = set()
    targets = []
    for photo in options.photos:
        stem = Path(photo).stem
        name = next(
            name for name in (stem, *(f"{stem}-{i}" for i in range(2, len(options.photos) + 2)))
            if name.casefold() not in taken
        )
        taken.add(name.casefold())
        targets.append(Target(photo, {
            option: folder / f"{name}{suffixes[option]}" for option, folder in chosen.items()
        }))
    return targets


def _check_suffix(path: Path | None, suffixes: tuple[str, ...], kind: str) -> None:
    if path is not None and path.suffix.lower() not in suffixes:
        raise OutputError(f"{path} is not {kind}: its name must end in {', '.join(suffixes)}.")


def _check_overlap(read: list[str | Path], paths: list[Path]) -> None:
    """No output may take the place of what is read or of another output."""
    # Letter case counts on some disks only: two names that differ in it alone are one here.
    originals = {os.path.realpath(photo).casefold() for photo in read}
    seen: set[str] = set()
    for path in paths:
        place = os.path.realpath(path).casefold()
        if place in originals:
            raise OutputError(
                f"{path} is one of the files to read: choose another name to write to."
            )
        if place in seen:
            raise OutputError(f"Two outputs would be written to {path}: choose another name.")
        seen.add(place)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}).") from error
