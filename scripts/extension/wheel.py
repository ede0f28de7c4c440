# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wheel says of itself and puts where."""

import email
import zipfile
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from pathlib import Path

from . import BuildError

# Parts of a wheel that Blender puts beside the packages, as pip does.
_MOVED = ("purelib", "platlib")


@dataclass(frozen=True)
class Wheel:
    """A wheel that has been read.

    Attributes
    ----------
    path : Path
    files : tuple of str
        Where its files go, inside the folder of packages.
    metadata : Message
        Its ``METADATA``.
    """

    path: Path
    files: tuple[str, ...]
    metadata: Message

    @property
    def name(self) -> str:
        return self.metadata["Name"]

    @property
    def version(self) -> str:
        return self.metadata["Version"]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @cached_property
    def packages(self) -> dict[str, bool]:
        """What it puts at the top, and whether each is its own alone.

        A folder without an ``__init__`` may be shared, as a namespace.
        """
        own = {name.partition("/")[0] for name in self.files if _is_start(name)}
        top = {name.partition("/")[0] for name in self.files}
        return {
            name: name in own for name in top if not name.endswith((".dist-info", ".data"))
        }


def _is_start(name: str) -> bool:
    folder, slash, rest = name.partition("/")
    return not slash or rest.startswith("__init__.")


def read_wheel(path: Path) -> Wheel:
    """Open a wheel.

    Raises
    ------
    BuildError
        It is no wheel.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            metadata = email.message_from_bytes(archive.read(_metadata_name(names)))
    except (OSError, zipfile.BadZipFile, LookupError) as error:
        raise BuildError(f"{path.name} is no wheel ({error}).") from error
    return Wheel(path, tuple(map(_place, names)), metadata)


def _metadata_name(names: list[str]) -> str:
    for name in names:
        if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
            return name
    raise LookupError("it has no METADATA")


def _place(name: str) -> str:
    folder, _, rest = name.partition("/")
    kind, _, inner = rest.partition("/")
    return inner if folder.endswith(".data") and kind in _MOVED else name
