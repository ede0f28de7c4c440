# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder: who may write there, where a photo's files go, and how they get there whole.

A photo's files are made in a hidden folder on the same disk and then renamed, its record
``NAME.json`` last. The record says that the photo is done, and with what.
"""

import errno
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import _environment

from .choices import KINDS
from .errors import FullDiskError, UsageError

HIDDEN = ".batch"
MANIFEST, PAGE, PAGE_ROWS, THUMBNAILS = "manifest.parquet", "index.html", "summary", "thumbnails"
_OWN_NAMES = {"index", "manifest"}
# What a disk says that takes no more, whoever has asked it.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


class OutputFolder:
    """The folder that a batch writes to, which is its alone until this is closed.

    Parameters
    ----------
    path : Path
        Made where it is missing.

    Attributes
    ----------
    path, hidden, work : Path
        The folder, what a batch keeps for itself, and where photos are worked on.

    Raises
    ------
    UsageError
        It cannot be made or written to, or another batch uses it.
    """

    def __init__(self, path: Path):
        self.path = Path(os.path.abspath(path.expanduser()))
        self.hidden = self.path / HIDDEN
        try:
            self.hidden.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.hidden / "lock", "a+b")  # noqa: SIM115 -- held until close
        except OSError as error:
            raise UsageError(
                f"The folder {self.path} cannot be written to ({error.strerror})."
            ) from error
        if not _environment.try_lock(self._lock):
            self._lock.close()
            raise UsageError(
                f"Another batch is writing to {self.path}: wait for it, or name another folder."
            )
        # What a batch that was killed has left.
        shutil.rmtree(self.hidden / "work", ignore_errors=True)
        try:
            (self.hidden / "work").mkdir(exist_ok=True)
            self.work = Path(tempfile.mkdtemp(dir=self.hidden / "work"))
        except OSError as error:
            self._lock.close()
            raise UsageError(
                f"The folder {self.path} cannot be written to ({error.strerror})."
            ) from error

    def close(self) -> None:
        """Leave no temporary file, and let others in."""
        shutil.rmtree(self.hidden / "work", ignore_errors=True)
        self._lock.close()

    def places(self, inside: str, photo: str) -> Iterator[str]:
        """Where a photo's outputs may go, the best first."""
        folder, _, name = inside.rpartition("/")
        stem = os.path.splitext(name)[0] or name
        prefix = f"{folder}/" if folder else ""
        # Else a photo called face.depth.png and the depth of face.png would share a name.
        taken = stem.rpartition(".")[2] in KINDS or (not folder and stem.lower() in _OWN_NAMES)
        names = (f"{stem}-{number}" for number in itertools.count(2))
        for candidate in names if taken else itertools.chain([stem], names):
            place = prefix + candidate
            record = self.record(place)
            if record is None or record["photo"] == photo:
                yield place

    def record(self, place: str) -> dict | None:
        """The record at a place; None where there is none that can be read."""
        try:
            content = json.loads(self._file(place, ".json").read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(content, dict) or not {"photo", "key", "bytes"} <= content.keys():
            return None
        return content

    def whole(self, record: dict | None) -> bool:
        """Whether all files of a record are there, of the size they had."""
        try:
            return record is not None and all(
                (self.path / name).stat().st_size == size
                for name, size in record["bytes"].items()
            )
        except OSError:
            return False

    def commit(self, place: str, made: Path, names: list[str], record: dict) -> dict:
        """Rename the finished files of a folder to their place, the record last.

        Parameters
        ----------
        place : str
        made : Path
            Folder in which the files lie.
        names : list of str
            Of the files.
        record : dict
            What is known of the photo; the files' names and sizes are added.

        Returns
        -------
        dict
            The record as it was written.

        Raises
        ------
        FullDiskError, OSError
        """
        folder = self._file(place).parent
        with explained(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            relative = place.rpartition("/")[0]
            sizes = {
                f"{relative}/{name}" if relative else name: (made / name).stat().st_size
                for name in names
            }
            content = record | {"outputs": list(sizes), "bytes": sizes}
            draft = made / "record"
            draft.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
            # An older record must not speak for newer files.
            self._file(place, ".json").unlink(missing_ok=True)
            for name in names:
                os.replace(made / name, folder / name)
            os.replace(draft, self._file(place, ".json"))
        return content

    def link(self, place: str, original: dict, record: dict) -> dict:
        """Give a duplicate the files of a photo that is done, under its own name.

        Parameters
        ----------
        place : str
        original : dict
            The record of the photo that is done.
        record : dict
            What is known of the duplicate.

        Returns
        -------
        dict
            The record as it was written.

        Raises
        ------
        FullDiskError, OSError
        """
        source = original["place"].rpartition("/")[2]
        stem = place.rpartition("/")[2]
        with explained(self.path), tempfile.TemporaryDirectory(dir=self.work) as name:
            made = Path(name)
            names = []
            for file in map(self.path.__truediv__, original["bytes"]):
                names.append(stem + file.name.removeprefix(source))
                if file.suffix in (".obj", ".mtl"):
                    # They name each other and the texture.
                    text = file.read_bytes()
                    for suffix in (".mtl", "_photo.jpg"):
                        text = text.replace(
                            f" {source}{suffix}".encode(errors="surrogateescape"),
                            f" {stem}{suffix}".encode(errors="surrogateescape"),
                        )
                    (made / names[-1]).write_bytes(text)
                else:
                    _link_or_copy(file, made / names[-1])
            return self.commit(place, made, names, record)

    def thumbnail(self, key: str) -> str:
        """The name of a picture of photo, depth and mesh, within this folder."""
        return f"{THUMBNAILS}/{key[:2]}/{key[:24]}{key[-16:]}.webp"

    def keep_thumbnail(self, made: Path, key: str) -> None:
        """Rename a finished thumbnail to its place.

        Raises
        ------
        FullDiskError, OSError
        """
        path = self.path / self.thumbnail(key)
        with explained(self.path):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(made, path)

    def _file(self, place: str, suffix: str = "") -> Path:
        return self.path.joinpath(*f"{place}{suffix}".split("/"))


class explained:
    """A ``with`` block that tells a full disk from other errors."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise full_disk(self._path, error.strerror) from error


def full_disk(path: Path, reason: str) -> FullDiskError:
    """What to tell when nothing more can be written."""
    return FullDiskError(
        f"{path} takes no more files ({reason}): make room and run the same command again; all "
        "photos that are done stay."
    )


def full_disk_reason(sentence: str) -> str:
    """What a disk has said that takes no more, if that is what a sentence tells; else empty."""
    reasons = map(os.strerror, _FULL)
    return next((reason for reason in reasons if reason.lower() in sentence.lower()), "")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it.

    Raises
    ------
    FullDiskError, OSError
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        with explained(path.parent):
            draft.write_bytes(data)
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Some disks know no links.
        shutil.copyfile(source, target)
