# SPDX-License-Identifier: GPL-3.0-or-later
"""Zips and repositories, made and checked by Blender's own extension command."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

from . import BuildError

_TIMESTAMP = (2020, 1, 1, 0, 0, 0)
_UNIX, _READABLE = 3, 0o100644 << 16


def build(folder: Path, target: Path) -> None:
    """Make a zip of a staged folder, the same bytes each time.

    Parameters
    ----------
    folder : Path
        See `staging.stage`.
    target : Path
        The zip.

    Raises
    ------
    BuildError
        Blender refuses it.
    """
    raw = target.with_suffix(".raw.zip")
    try:
        blender(
            "build", "--source-dir", str(folder), "--output-filepath", str(raw),
            "--valid-tags", str(_tags()),
        )  # fmt: skip
        _without_chance(raw, target)
    finally:
        raw.unlink(missing_ok=True)
    blender("validate", "--valid-tags", str(_tags()), str(target))


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def differing(one: Path, other: Path) -> list[str]:
    """Names of what is not the same in two zips."""
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        found = [
            {(entry.filename, entry.CRC) for entry in opened.infolist()}
            for opened in (first, second)
        ]
    return sorted({name for name, _ in found[0] ^ found[1]})


def index(folder: Path) -> None:
    """Make a folder of zips a repository that Blender can install and update from.

    Raises
    ------
    BuildError
        Two of the zips are for the same Blender.
    """
    said = blender("server-generate", "--repo-dir", str(folder))
    if "duplicate" in said:
        raise BuildError(
            f"{folder} has more than one zip for the same Blender, of which it could offer one "
            "only: delete the others, or use a folder for each edition."
        )


def blender(*arguments: str) -> str:
    """Run Blender's extension command; returns what it said.

    Raises
    ------
    BuildError
        It failed.
    """
    command = [sys.executable, "-B", str(_command()), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    said = ended.stdout + ended.stderr
    if ended.returncode:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        faults = [line for line in lines if line.startswith(("FATAL_ERROR", "ERROR"))]
        why = (faults or lines or ["it gave no reason"])[-1].rstrip(".")
        raise BuildError(f"Blender's extension command failed at {arguments[0]} ({why}).")
    return said


def _without_chance(raw: Path, target: Path) -> None:
    """Write a zip anew without its order of files, times and rights, which are chance."""
    with zipfile.ZipFile(raw) as before, zipfile.ZipFile(target, "w") as after:
        for entry in sorted(before.infolist(), key=lambda entry: entry.filename):
            clean = zipfile.ZipInfo(entry.filename, _TIMESTAMP)
            clean.create_system, clean.external_attr = _UNIX, _READABLE
            clean.compress_type, clean.file_size = entry.compress_type, entry.file_size
            with before.open(entry) as source, after.open(clean, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def _command() -> Path:
    return _scripts() / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"


def _tags() -> Path:
    """The tags that Blender knows."""
    return _scripts() / "modules" / "_bpy_internal" / "extensions" / "tags.py"


@cache
def _scripts() -> Path:
    # Without importing it, which would start Blender.
    package = Path(importlib.util.find_spec("bpy").origin).parent
    return next(package.glob("*/scripts"))
