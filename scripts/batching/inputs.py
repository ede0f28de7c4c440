# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos of a batch, one after the other: from folders, patterns and lists.

Nothing here holds more than one folder's names or one block of a list.
"""

import csv
import glob
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow
import pyarrow.parquet

from face_depth_addon.blender.photo_source import EXTENSIONS

from .errors import UsageError

LISTS = (".csv", ".parquet")
_PHOTO_COLUMNS = ("photo", "path", "file")
_SUFFIXES = {*EXTENSIONS, ".avif"}
_BLOCK = 1024

Cells = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Item:
    """A photo that somebody wants.

    Attributes
    ----------
    path : str
        Absolute.
    inside : str
        What its outputs are called after: its path within the input, with slashes.
    cells : tuple of (str, str)
        Options of its own by their names in a list.
    problem : str
        Why it cannot be done, a sentence; empty if nothing is known.
    """

    path: str
    inside: str
    cells: Cells = ()
    problem: str = ""


def items(
    inputs: list[str], out: Path, column: Callable[[str], str]
) -> Iterator[Item]:
    """All photos in order.

    Parameters
    ----------
    inputs : list of str
        Folders, patterns, lists and photos.
    out : Path
        A folder whose content is no input.
    column : callable
        Gives the option that a list's column means.

    Yields
    ------
    Item

    Raises
    ------
    UsageError
        An input is not there or cannot be read, or is a list that makes no sense.
    """
    for text in inputs:
        path = os.path.abspath(os.path.expanduser(text))
        if os.path.isdir(path):
            yield from _of_folder(path, os.path.realpath(out))
        elif path.lower().endswith(LISTS):
            yield from _of_list(path, column)
        elif os.path.lexists(path):
            yield Item(path, os.path.basename(path))
        elif glob.has_magic(text):
            yield from _of_pattern(path, os.path.realpath(out))
        else:
            raise UsageError(f"{text} does not exist: name a folder, a pattern, a list or photos.")


def _of_folder(top: str, out: str) -> Iterator[Item]:
    try:
        os.scandir(top).close()
    except OSError as error:
        raise UsageError(f"The folder {top} cannot be read ({error.strerror}).") from error
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted((entry.name, entry.is_dir(follow_symlinks=False))
                               for entry in entries if not entry.name.startswith("."))
        except OSError as error:
            yield Item(
                folder, _inside(folder, top),
                problem=f"The folder {folder} cannot be read ({error.strerror}).",
            )
            continue
        folders = []
        for name, is_folder in found:
            path = os.path.join(folder, name)
            if is_folder:
                if os.path.realpath(path) != out:
                    folders.append(path)
            elif os.path.splitext(name)[1].lower() in _SUFFIXES:
                yield Item(path, _inside(path, top))
        waiting.extend(reversed(folders))


def _of_pattern(pattern: str, out: str) -> Iterator[Item]:
    base = pattern
    while glob.has_magic(base):
        base = os.path.dirname(base)
    for path in sorted(glob.iglob(pattern, recursive=True)):
        within = os.path.realpath(os.path.dirname(path))
        if within == out or within.startswith(out + os.sep):
            continue
        if os.path.isfile(path) and os.path.splitext(path)[1].lower() in _SUFFIXES:
            yield Item(path, _inside(path, base))


def _of_list(path: str, column: Callable[[str], str]) -> Iterator[Item]:
    base = os.path.dirname(path)
    rows = _parquet_rows if path.lower().endswith(".parquet") else _csv_rows
    try:
        for number, row, problem in rows(path, column):
            yield _of_row(path, base, number, row, problem)
    except (OSError, pyarrow.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0].rstrip(".")
        raise UsageError(f"The list {path} cannot be read ({reason}).") from error


def _of_row(path: str, base: str, number: int, row: dict[str, str], problem: str) -> Item:
    photo = row.pop("", "")
    where = f"Row {number} of {os.path.basename(path)}"
    if not photo:
        name = f"{path}:{number}"
        return Item(name, f"row {number}", (), problem or f"{where} names no photo.")
    full = os.path.abspath(os.path.join(base, os.path.expanduser(photo)))
    cells = tuple(sorted((name, value) for name, value in row.items() if value))
    return Item(full, _inside(full, base), cells, f"{where} {problem}" if problem else "")


def _csv_rows(path: str, column) -> Iterator[tuple[int, dict[str, str], str]]:
    with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = csv.reader(file)
        try:
            names = _columns(path, next(reader, []), column)
        except csv.Error as error:
            raise UsageError(f"The list {path} cannot be read ({error}).") from error
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield reader.line_num, {}, f"Row {reader.line_num} cannot be read ({error})."
                continue
            if not any(map(str.strip, cells)):
                continue
            problem = ""
            if len(cells) > len(names):
                problem = f"has {len(cells)} cells for {len(names)} columns."
            row = dict(zip(names, map(str.strip, cells)))
            yield reader.line_num, row, problem


def _parquet_rows(path: str, column) -> Iterator[tuple[int, dict[str, str], str]]:
    with pyarrow.parquet.ParquetFile(path) as file:
        names = _columns(path, file.schema_arrow.names, column)
        number = 0
        for block in file.iter_batches(_BLOCK):
            for cells in zip(*(values.to_pylist() for values in block.columns)):
                number += 1
                yield number, dict(zip(names, map(_text, cells))), ""


def _columns(path: str, titles: list[str], column: Callable[[str], str]) -> list[str]:
    """The options' names by the titles of a list; the photo's is empty."""
    names = []
    for title in titles:
        plain = title.strip().lower().lstrip("-").replace("_", "-")
        names.append("" if plain in _PHOTO_COLUMNS else column(plain))
    if names.count("") != 1:
        raise UsageError(
            f"The list {path} needs one column called photo, and a heading in its first row."
        )
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise UsageError(f"The list {path} has the column {doubled} twice.")
    return names


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        # Whole numbers beside empty cells come as floats, and empty cells as NaN.
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value).strip()


def _inside(path: str, base: str) -> str:
    try:
        relative = os.path.relpath(path, base)
    except ValueError:
        # Another drive of Windows.
        relative = os.pardir
    if relative.split(os.sep)[0] == os.pardir:
        relative = os.path.splitdrive(path)[1].lstrip(os.sep)
    return relative.replace(os.sep, "/")
