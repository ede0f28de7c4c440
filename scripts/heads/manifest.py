# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a data set: its header, its samples and its manifest.

::

    dataset.json                what all samples have in common
    samples/000000_colour.jpg   the images of sample 0, and more beside it
    samples/000000.json         its record, written last: without it the sample does not count
    manifest.jsonl              all records, one a line, by index

Every file is written under another name first, which begins with a dot, and then renamed.
"""

import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import _environment

from . import sources

FORMAT = 1
HEADER = "dataset.json"
MANIFEST = "manifest.jsonl"
_SAMPLE_FILE = re.compile(r"\.?(\d{6,})[_.].+")
_PACKAGES = ("anny", "bpy", "numpy", "opencv-python", "pillow", "scipy")


class FolderError(Exception):
    """The folder cannot be used, or no more can be written; the message says what to do."""


def generator_digest() -> str:
    """Return the SHA-256 of this package's code and tables: another version makes other people."""
    folder = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".npz", ".json"):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def header(seed: int, size: int, protocol: str, found: sources.Sources) -> dict:
    """Return what all samples of a data set have in common, as it stands in ``dataset.json``.

    ``sources`` has null for one that was left out.
    """
    digests = dict(found.digests)
    return {
        "format": FORMAT,
        "generator": generator_digest(),
        "seed": seed,
        "size": size,
        "protocol": protocol,
        "sources": {
            kind.name: {
                "sha256": digests[kind.name], "licence": kind.licence, "origin": kind.origin
            } if kind.name in digests else None
            for kind in sources.KINDS
        },
        "tools": tool_versions(),
    }  # fmt: skip


def tool_versions() -> dict[str, str]:
    """Return the versions of the packages that the samples depend on."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


class Folder:
    """A data set that is being written, by this process alone.

    Parameters
    ----------
    path
        New, empty, or left by an earlier run with the same header.
    head
        See ``header``.

    Attributes
    ----------
    done
        The indices of the complete samples, from within the ``with`` block on.

    Raises
    ------
    FolderError
        On entry, if the folder holds something else, or another run is writing into it.
    """

    def __init__(self, path: Path, head: dict) -> None:
        self.path = Path(path)
        self.samples = self.path / "samples"
        self.done: set[int] = set()
        self._head = head
        self._lock = contextlib.ExitStack()

    def __enter__(self) -> "Folder":
        with explained(self.path), contextlib.ExitStack() as stack:
            self._check_header()
            self.path.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(open(self.path / ".lock", "a+b"))
            if not _environment.try_lock(lock):
                raise FolderError(
                    f"Another run is writing into {self.path}; wait for its end, or name another "
                    "folder with --out."
                )
            if not (self.path / HEADER).exists():
                text = json.dumps(self._head, indent=1) + "\n"
                _replace({self.path / HEADER: text.encode()})
            self.samples.mkdir(exist_ok=True)
            self._find_done()
            self._remove_others()
            self._lock = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._remove_others()

    def write(self, index: int, files: dict[str, bytes], record: dict) -> None:
        """Write a sample; what an error leaves of it goes at the end of the ``with`` block.

        Parameters
        ----------
        index
            The sample's number.
        files
            The bytes by the end of their file's name, such as "colour.jpg".
        record
            Goes to the manifest, with the files' paths and sizes in bytes added: ``files`` and
            ``bytes``, both by the first part of that end ("colour").

        Raises
        ------
        FolderError
            If the disk is full or refuses otherwise.
        """
        contents = {f"{index:06d}_{suffix}": data for suffix, data in files.items()}
        keys = [suffix.split(".")[0] for suffix in files]
        record = {
            **record,
            "files": dict(zip(keys, (f"samples/{name}" for name in contents), strict=True)),
            "bytes": dict(zip(keys, map(len, contents.values()), strict=True)),
        }
        line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
        contents[self._record_path(index).name] = line.encode()
        with explained(self.path):
            _replace({self.samples / name: data for name, data in contents.items()})
        self.done.add(index)

    def write_manifest(self) -> None:
        """Write the manifest anew from the records of the complete samples."""
        with explained(self.path):
            records = [self._record_path(index).read_bytes() for index in sorted(self.done)]
            _replace({self.path / MANIFEST: b"".join(records)})

    def _record_path(self, index: int) -> Path:
        return self.samples / f"{index:06d}.json"

    def _check_header(self) -> None:
        if not (self.path / HEADER).exists():
            if self.path.exists() and any(path.name[0] != "." for path in self.path.iterdir()):
                raise FolderError(
                    f"{self.path} holds other files than a data set's; name a new or an empty "
                    "folder with --out."
                )
            return
        there = read_header(self.path)
        changed = [key for key in self._head if there.get(key) != self._head[key]]
        if changed:
            raise FolderError(
                f"{self.path} holds samples made with "
                f"{_difference(there, self._head, changed[0])}; use that again, or name another "
                "folder with --out."
            )

    def _find_done(self) -> None:
        for path in _record_paths(self.path):
            with contextlib.suppress(OSError, ValueError, KeyError):
                record = json.loads(path.read_bytes())
                sizes = {record["files"][key]: size for key, size in record["bytes"].items()}
                if all((self.path / name).stat().st_size == sizes[name] for name in sizes):
                    self.done.add(int(path.stem))

    def _remove_others(self) -> None:
        """Remove what belongs to no complete sample: left by a run that was stopped or killed."""
        for path in self.samples.iterdir():
            match = _SAMPLE_FILE.fullmatch(path.name)
            if match and (path.name.startswith(".") or int(match[1]) not in self.done):
                path.unlink()
        for name in (HEADER, MANIFEST):
            _draft(self.path / name).unlink(missing_ok=True)


def read_header(folder: Path) -> dict:
    """Return the header of a data set.

    Raises
    ------
    FolderError
        If the folder is not one.
    """
    try:
        head = json.loads((Path(folder) / HEADER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FolderError(f"{folder} is not a data set: it has no {HEADER}.") from None
    except (OSError, ValueError) as error:
        raise FolderError(f"{Path(folder) / HEADER} cannot be read: {error}.") from error
    if not isinstance(head, dict):
        raise FolderError(f"{Path(folder) / HEADER} is not the header of a data set.")
    return head


def read_records(folder: Path) -> list[dict]:
    """Return the records of the samples written so far, by index.

    Raises
    ------
    FolderError
        If the folder is not a data set or has no samples.
    """
    read_header(folder)
    records = [_read_record(path) for path in _record_paths(Path(folder))]
    if not records:
        raise FolderError(f"{folder} has no samples yet; make some with `render --out {folder}`.")
    return records


def _read_record(path: Path) -> dict:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FolderError(
            f"{path} is damaged; run the same `render` command again to mend the data set."
        ) from error


def _record_paths(folder: Path) -> list[Path]:
    paths = (folder / "samples").glob("*.json")
    return sorted((path for path in paths if path.stem.isdigit()), key=lambda path: int(path.stem))


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _replace(contents: dict[Path, bytes]) -> None:
    """Write all files under their names, in this order, once all are written under others."""
    for path, data in contents.items():
        _draft(path).write_bytes(data)
    for path in contents:
        os.replace(_draft(path), path)


def _difference(there: dict, wanted: dict, key: str) -> str:
    """How two headers differ under a key, in the user's terms."""
    old, new = there.get(key), wanted[key]
    if key in ("seed", "size", "protocol"):
        return f"--{key} {old}, not {new}"
    if key == "tools":
        name = next(name for name in new if old.get(name) != new[name])
        return f"{name} {old.get(name)}, not {new[name]}"
    if key == "sources":
        name = next(name for name in new if old.get(name) != new[name])
        if old.get(name) and new[name]:
            return f"other files of the source {name}"
        return f"--without {name}" if new[name] else f"the source {name}"
    return "another version of this generator"


@contextlib.contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the disk says into a ``FolderError`` that tells what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise FolderError(
                f"The disk that holds {folder} is full; free some space and run the same command "
                "again to go on."
            ) from error
        raise FolderError(f"{folder} cannot be written to: {error.strerror}.") from error
