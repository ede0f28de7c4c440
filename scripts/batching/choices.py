# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a batch and of its photos, read by the command line's own parser."""

import argparse
import copy
import functools
import hashlib
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from face_depth_addon.blender.command.arguments import parser
from face_depth_addon.blender.command.photos import check_together
from face_depth_addon.blender.command.targets import OUTPUTS, flag
from face_depth_addon.core.errors import FaceDepthError
from face_depth_addon.core.relief.building import Layout
from face_depth_addon.inference.cards import read_cards
from face_depth_addon.inference.places import find_place
from face_depth_addon.inference.registry import find_model, is_landmarks

from .errors import UsageError

ROOT = Path(__file__).resolve().parent.parent.parent
_DEPTH_FORMATS = tuple(suffix[1:] for suffix in OUTPUTS["depth_output"].suffixes)
_ALSO = tuple(
    flag(name)[2:] for name in OUTPUTS
    if name not in ("output", "depth_output", "point_cloud_before")
)
# Options that belong to a single mesh, to several photos of one person, or end at once.
_LEFT_OUT = (
    *OUTPUTS, "report", "fuse", "keep_all", "compare", "list_models", "self_check", "download",
    "depth_input", "depth_near", "depth_kind", "depth_unit", "depth_relief",
)
# How a batch runs, which changes nothing in what it makes.
_RUNNING = ("photos", "out", "workers", "ray", "threads", "retry", "python", "device", "models")
_BATCH_WIDE = ("out", "workers", "ray", "threads", "retry", "depth", "also", "python", "models")
_YES, _NO = ("yes", "true", "x"), ("no", "false")

_EPILOG = """A list is a CSV or Parquet file with a column `photo`, whose paths count from the
list's folder, and columns called like the options above for photos that want their own.

A batch that was stopped or killed continues by the same command. Photos that are done and have not
changed are skipped, failures are listed; --retry tries those alone.

--ray ADDRESS uses the cores and graphics cards of a cluster (host:port, or auto). Its machines need
this checkout, its environment, the photos and the output folder at the same paths.

exit codes: 0 every photo is done; 1 a photo failed, or the disk is full; 2 wrong arguments;
3 the environment cannot be set up; 130 interrupted"""


def reader() -> argparse.ArgumentParser:
    """The parser of ``batch.py``: that of single photos, with what a batch needs."""
    result = parser()
    result.prog = "batch"
    result.description = "Turn thousands of face photos into editable 3D meshes."
    result.epilog = _EPILOG
    for action in result._actions:
        if action.dest in _LEFT_OUT:
            action.help = argparse.SUPPRESS
        if action.dest == "photos":
            action.metavar = "INPUT"
            action.help = "folder, quoted pattern, CSV or Parquet list, or photos"
        if action.dest == "format":
            action.help = "mesh format (default: glb)"
        if action.dest == "resolution":
            action.help = "vertices along the longest side, 16 to 2048 (default: 512)"
    result.set_defaults(format="glb")
    add = result.add_argument_group("the batch").add_argument
    add("--out", type=Path, metavar="DIR", help="folder for all that is written")
    add("--workers", type=_count, metavar="N",
        help="processes on this machine (default: as many as cores and memory allow)")
    add("--ray", metavar="ADDRESS", help="run on a Ray cluster, not on this machine alone")
    add("--threads", type=_count, default=1, metavar="T",
        help="cores for each process (default: 1)")
    add("--depth", choices=_DEPTH_FORMATS, help="write depth maps at photo size too")
    add("--also", choices=_ALSO, action="append", default=[],
        help="write this too; may be repeated")
    add("--retry", action="store_true", help="try photos again that failed, and no others")
    return result


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 4096:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 4096, not {text}")
    return int(text)


@dataclass(frozen=True)
class Chosen:
    """What is wanted of one photo.

    Attributes
    ----------
    options : argparse.Namespace
        As the command line of single photos knows them.
    settings : dict
        Those of them that change what is made, with the model's digest and our version.
    digest : str
        Of the settings.
    """

    options: argparse.Namespace
    settings: dict
    digest: str


class Choices:
    """The options of all photos, and of each what its row in a list changes.

    Parameters
    ----------
    arguments : list of str

    Raises
    ------
    UsageError
        The options make no sense together.
    SystemExit
        By the parser, for ``--help`` and what it cannot read.
    """

    def __init__(self, arguments: list[str]):
        self._reader = reader()
        self.common = self._reader.parse_args(arguments)
        for name in _LEFT_OUT:
            if getattr(self.common, name) != self._reader.get_default(name):
                raise UsageError(
                    f"{flag(name)} does not go with a batch; --out names the folder for meshes, "
                    "--depth and --also say what else is written."
                )
        if not self.common.photos:
            raise UsageError("Give a folder, a pattern or a list of photos.")
        if self.common.out is None:
            raise UsageError("Give the folder for the meshes by --out.")
        if self.common.ray and self.common.workers:
            raise UsageError("Give --workers or --ray: a cluster knows how many it has.")
        self._actions = {
            flag(action.dest)[2:]: action for action in self._reader._actions
            if action.dest not in (*_LEFT_OUT, *_BATCH_WIDE, "photos", "help")
        }
        self._reader.error = _refuse
        self.read = functools.lru_cache(maxsize=256)(self._read)
        try:
            self.read(())
        except FaceDepthError as error:
            raise UsageError(str(error)) from error

    def column(self, name: str) -> str:
        """The option that a list's column means.

        Raises
        ------
        UsageError
        """
        if name not in self._actions:
            raise UsageError(
                f"A list's column {name} is no option of single photos; it may have: photo, "
                f"{', '.join(self._actions)}."
            )
        return name

    def _read(self, cells: tuple[tuple[str, str], ...]) -> Chosen:
        """What a photo with these cells in its row wants.

        Raises
        ------
        FaceDepthError
        """
        options = copy.deepcopy(self.common)
        for name, text in cells:
            action = self._actions[name]
            word = text.lower()
            if action.nargs == 0:
                word = {"1": "yes", "0": "no"}.get(word, word)
                if word not in (*_YES, *_NO):
                    raise FaceDepthError(f"--{name} must be yes or no, not {text}.")
            if word in _NO and action.nargs in (0, "?"):
                setattr(options, action.dest, action.default)
            elif word in _YES and action.nargs in (0, "?"):
                self._reader.parse_args([f"--{name}"], options)
            else:
                self._reader.parse_args([f"--{name}={text}"], options)
        if options.resolution is None:
            options.resolution = Layout.resolution
        options.photos = self.common.photos or [""]
        check_together(options)
        settings = {
            name: value for name, value in sorted(vars(options).items())
            if name not in (*_RUNNING, *_LEFT_OUT)
        }
        settings |= {
            "model_digest": _model_digest(options.model, options.models), "version": version(),
        }
        text = json.dumps(settings, sort_keys=True, default=str)
        return Chosen(options, settings, hashlib.sha256(text.encode()).hexdigest()[:16])


def _refuse(message: str) -> None:
    raise FaceDepthError(f"{message[0].upper()}{message[1:]}.")


def file_names(name: str, options: argparse.Namespace) -> dict[str, str]:
    """What a photo's outputs are called, by the options of single photos.

    Parameters
    ----------
    name : str
        Of the photo, without a suffix.
    options : argparse.Namespace
    """
    files = {"output": f"{name}.{options.format}"}
    if options.depth:
        files["depth_output"] = f"{name}.depth.{options.depth}"
    for kind in options.also:
        option = kind.replace("-", "_")
        files[option] = f"{name}.{kind}{OUTPUTS[option].suffixes[0]}"
    return files


#: What a photo's name may not end in, or its outputs could take the place of another's.
KINDS = ("depth", *_ALSO)


@functools.cache
def version() -> str:
    """The add-on's version."""
    text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["version"]


@functools.cache
def _model_digest(name: str, folder: str) -> str:
    """SHA-256 of a model's files; empty for the landmarks, which come with our version.

    Raises
    ------
    ModelError
    """
    if is_landmarks(name):
        return ""
    find_model(name, folder)
    card = read_cards().get(name)
    place = find_place(card, folder) if card and card.source else None
    place = place or Path(os.path.abspath(os.path.expanduser(name)))
    files = [place] if place.is_file() else sorted(filter(Path.is_file, place.rglob("*")))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode(errors="surrogateescape"))
        digest.update(file_digest(path).encode())
    return digest.hexdigest()


def file_digest(path: Path | str) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
