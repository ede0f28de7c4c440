# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheels of a zip: by locks with hashes, fetched into ``wheels/`` once."""

import hashlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import _environment
from packaging.markers import Marker

from . import BuildError
from .targets import Edition, Target

_TORCH_LINUX = "wheels-torch-linux.txt"


@dataclass(frozen=True)
class Pin:
    """One package of a lock.

    Attributes
    ----------
    requirement : str
        Name and version, as in ``pillow==13.0.0``.
    hashes : frozenset of str
        SHA-256 of its files, in hexadecimal.
    """

    requirement: str
    hashes: frozenset[str]


def read_lock(path: Path, target: Target) -> list[Pin]:
    """The packages of a lock that a target wants."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    pins = []
    for line in text.splitlines():
        found = re.match(r"(\S+==\S+)\s*(?:;(.*?))?\s+(--hash=.*)$", line)
        # pip itself would compare markers with the Python that it runs in.
        if found and (not found[2] or Marker(found[2].strip()).evaluate(target.markers)):
            pins.append(Pin(found[1], frozenset(re.findall(r"sha256:(\w+)", found[3]))))
    return pins


def fetch(target: Target, edition: Edition, folder: Path) -> list[Path]:
    """The wheels of an edition, downloaded where they are not there yet.

    Parameters
    ----------
    target : Target
    edition : Edition
    folder : Path
        Where wheels are kept; each target has a folder of its own in it.

    Returns
    -------
    list of Path

    Raises
    ------
    BuildError
        The index cannot be reached, or has no such file.
    """
    kept = folder / str(target)
    wheels = _fetch_lock(_environment.LOCKS / f"wheels-{edition}.txt", target, kept, [[]])
    if edition == "full" and target.platform == "linux-x64":
        own_index = ["--index-url", _environment.TORCH_CPU_INDEX]
        wheels += _fetch_lock(_environment.LOCKS / _TORCH_LINUX, target, kept, [[], own_index])
    return sorted(wheels)


def _fetch_lock(
    lock: Path, target: Target, kept: Path, attempts: list[list[str]]
) -> list[Path]:
    pins = read_lock(lock, target)
    words = ""
    for options in attempts:
        missing = [pin for pin in pins if _there(pin, kept) is None]
        if missing:
            words = _download(missing, target, kept, options)
    wheels = {pin.requirement: _there(pin, kept) for pin in pins}
    missing = [requirement for requirement, wheel in wheels.items() if wheel is None]
    if not missing:
        return list(wheels.values())
    if lock.name == _TORCH_LINUX:
        raise BuildError(
            f"PyTorch for {target} without the libraries of graphics cards comes from "
            f"{_environment.TORCH_CPU_INDEX}, which could not be reached; build where it can be, "
            "or build the lite zip."
        )
    raise BuildError(
        f"The wheels of {', '.join(missing)} for {target} could not be fetched ({words})."
    )


def _there(pin: Pin, folder: Path) -> Path | None:
    """The file of a pin, if it is in the folder and the very one that was locked."""
    name, _, version = pin.requirement.partition("==")
    start = f"{re.sub(r'[-_.]+', '_', name)}-{version}-".lower()
    for file in folder.glob("*.whl"):
        if file.name.lower().startswith(start) and _sha256(file) in pin.hashes:
            return file
    return None


def _download(pins: list[Pin], target: Target, folder: Path, options: list[str]) -> str:
    """Let pip fetch what it can; returns the last that it said."""
    lines = [
        " ".join((pin.requirement, *(f"--hash=sha256:{digest}" for digest in sorted(pin.hashes))))
        for pin in pins
    ]
    with tempfile.TemporaryDirectory() as scratch:
        lock = Path(scratch) / "lock.txt"
        lock.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--retries", "1",
            "--disable-pip-version-check", "--progress-bar", "off",
            "--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(lock),
            "--dest", str(folder), "--implementation", "cp", "--python-version", target.python,
            *(word for tag in target.pip_platforms for word in ("--platform", tag)), *options,
        ]  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        ended = subprocess.run(command, capture_output=True, text=True)
    said = [line.strip() for line in ended.stderr.splitlines() if line.startswith("ERROR")]
    return said[-1].removeprefix("ERROR: ").rstrip(".") if said else "pip gave no reason"


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
