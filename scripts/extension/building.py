# SPDX-License-Identifier: GPL-3.0-or-later
"""From wheels to a zip, and from zips to a repository."""

import shutil
import tempfile
import tomllib
from pathlib import Path

from . import BuildError, archive
from .checks import check_paths, check_wheels
from .staging import OURS, Source, stage
from .targets import Edition, Target
from .wheel import Wheel, read_wheel

_WINDOWS = "windows-x64"


def build(
    folder: Path, edition: Edition, target: Target | None, wheels: list[Path],
    source: Source = OURS,
) -> Path:
    """Check everything and build one zip, twice.

    Parameters
    ----------
    folder : Path
        Where the zip goes.
    edition : Edition
    target : Target or None
        None for the slim edition.
    wheels : list of Path
    source : Source

    Returns
    -------
    Path

    Raises
    ------
    BuildError
        Why there is no zip.
    """
    held = [read_wheel(path) for path in wheels]
    if target is not None:
        check_wheels(held, target)
    manifest = tomllib.loads(source.manifest.read_text(encoding="utf-8"))
    kind = edition if target is None else f"{edition}-{target}"
    finished = folder / f"{manifest['id']}-{manifest['version']}-{kind}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as scratch:
        zips = [Path(scratch) / name for name in ("first.zip", "second.zip")]
        for path in zips:
            _build_once(path, edition, target, held, source)
        if archive.digest(zips[0]) != archive.digest(zips[1]):
            raise BuildError(
                f"{finished.name} was another one when it was built again: "
                f"{', '.join(archive.differing(*zips))}."
            )
        zips[0].replace(finished)
    return finished


def publish(zips: list[Path], repository: Path) -> None:
    """Put zips into a repository, in the place of their older versions.

    Raises
    ------
    BuildError
        It has another edition for the same Blender.
    """
    repository.mkdir(parents=True, exist_ok=True)
    for path in zips:
        name, _, kind = path.name.split("-", 2)
        for older in repository.glob(f"{name}-*-{kind}"):
            if not older.samefile(path):
                older.unlink()
        if path.parent.resolve() != repository.resolve():
            shutil.copy(path, repository)
    archive.index(repository)


def _build_once(
    path: Path, edition: Edition, target: Target | None, wheels: list[Wheel], source: Source
) -> None:
    staged = path.with_suffix("")
    stage(staged, edition, target, wheels, source)
    if target is None or target.platform == _WINDOWS:
        check_paths("The extension", [
            file.relative_to(staged).as_posix() for file in staged.rglob("*") if file.is_file()
        ])
    archive.build(staged, path)
    shutil.rmtree(staged)
