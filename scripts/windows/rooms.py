# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian systems in folders of their own, each with one of Debian's Blenders."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
CHECKOUT = "/face-depth"
HOME = "/tmp/home"
PYTHON = "/opt/face-depth/bin/python"

_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_PACKAGES = (
    "blender", "python3-numpy", "python3-opencv", "python3-pil", "python3-torch",
    "xvfb", "openbox", "xdotool", "imagemagick", "tesseract-ocr", "tesseract-ocr-eng",
    "libgl1-mesa-dri", "ca-certificates", "python3-venv",
)
# Old mirrors serve lists that have run out; they are signed all the same.
_APT = ("-qq", "-o", "Acquire::Check-Valid-Until=false")
_STATE = "face-depth-room.json"


class RoomError(Exception):
    """A system cannot be made or used; the message is one sentence."""


@dataclass(frozen=True)
class Recipe:
    """What a room is made of.

    Attributes
    ----------
    blender : str
        First two numbers of Blender's version.
    suite : str
        Debian's name for the release.
    packages : tuple of str
        Debian's packages.
    pip : tuple of str
        What Debian lacks of the model's packages; they go to a virtual environment, whose
        interpreter `PYTHON` is for the extension's preferences.
    """

    blender: str
    suite: str
    packages: tuple[str, ...]
    pip: tuple[str, ...]


def recipes(lock: str) -> dict[str, Recipe]:
    """The rooms there are, by Blender's version.

    Parameters
    ----------
    lock : str
        Text of a lock file that pins what comes from pip.
    """
    # Debian's OpenCV is built without the reader of the face models.
    opencv = _pinned("opencv-python", lock)
    return {
        "4.3": Recipe("4.3", "trixie", _PACKAGES, (opencv, _pinned("transformers", lock))),
        # The manifest reader of Blender 5.2 wants cattrs.
        "5.2": Recipe(
            "5.2", "sid", (*_PACKAGES, "python3-cattr", "python3-transformers"), (opencv,)
        ),
    }


def _pinned(name: str, lock: str) -> str:
    return re.search(rf"^{name}==\S+", lock, re.MULTILINE)[0]


class Room:
    """A system in a folder.

    Mounts are made in the mount namespace of this process and go with it, so that they need no
    undoing: see `scripts/window_test.py`, which enters one.

    Parameters
    ----------
    recipe : Recipe
    cache : Path
        Folder of all rooms.
    """

    def __init__(self, recipe: Recipe, cache: Path):
        self.recipe = recipe
        self.root = cache / recipe.suite

    def make(self) -> None:
        """Make the system, or what an interrupted run has left to do.

        Raises
        ------
        RoomError
        """
        done = self._state()
        if not done.get("system"):
            shutil.rmtree(self.root, ignore_errors=True)
            self.root.parent.mkdir(parents=True, exist_ok=True)
            _checked(
                ["debootstrap", "--variant=minbase", self.recipe.suite, str(self.root), MIRROR],
                f"Debian {self.recipe.suite} cannot be fetched",
            )
            done = {"system": True}
            self._keep(done)
        self._mount()
        shutil.copy("/etc/resolv.conf", self.path("/etc/resolv.conf"))
        # Where Blender's file browser looks for what is mounted.
        mounts = self.path("/etc/mtab")
        if not mounts.is_symlink():
            mounts.symlink_to("/proc/self/mounts")
        if done.get("packages") != list(self.recipe.packages):
            self._install()
            done["packages"] = list(self.recipe.packages)
            self._keep(done)
        if done.get("pip", []) != list(self.recipe.pip):
            self._install_by_pip()
            done["pip"] = list(self.recipe.pip)
            self._keep(done)

    def share(self, checkout: Path) -> None:
        """Show the checkout inside, read-only, as `CHECKOUT`."""
        inside = self.path(CHECKOUT)
        inside.mkdir(exist_ok=True)
        _mount("--bind", str(checkout), str(inside))
        _mount("-o", "remount,bind,ro", str(inside))

    def path(self, inside: str) -> Path:
        """Where a file of the room is from outside."""
        return self.root / inside.lstrip("/")

    def command(
        self, words: list[str], variables: Mapping[str, str] = {}, offline: bool = True
    ) -> list[str]:
        """A command that runs inside, without a network unless ``offline`` is False."""
        settings = {
            "HOME": HOME, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1", **variables,
        }
        return [
            *(["unshare", "--net"] if offline else []), "chroot", str(self.root),
            "env", "-i", *(f"{name}={value}" for name, value in settings.items()), *words,
        ]

    def run(
        self, words: list[str], variables: Mapping[str, str] = {}, offline: bool = True,
        timeout: float = 600.0,
    ) -> subprocess.CompletedProcess:
        """Run a command inside and wait for its end; output is text, both kinds in one."""
        return subprocess.run(
            self.command(words, variables, offline), text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=timeout,
        )

    def processes(self, name: str) -> list[int]:
        """Process ids of those inside whose command line has ``name`` in it."""
        return [
            int(folder.name) for folder in Path("/proc").glob("[0-9]*")
            if name in _command_line(folder) and _is_below(folder, self.root)
        ]

    def _mount(self) -> None:
        _mount("-t", "proc", "proc", str(self.path("/proc")))
        _mount("-t", "sysfs", "sysfs", str(self.path("/sys")))
        _mount("--rbind", "/dev", str(self.path("/dev")))
        # Sockets, logs and the user's home begin empty each time.
        _mount("-t", "tmpfs", "tmpfs", str(self.path("/tmp")))
        self.path("/tmp").chmod(0o1777)
        self.path(HOME).mkdir()

    def _install(self) -> None:
        variables = {"DEBIAN_FRONTEND": "noninteractive", **_network_variables()}
        for words in (
            ["dpkg", "--configure", "-a"],
            ["apt-get", *_APT, "update"],
            ["apt-get", *_APT, "install", "-y", "--no-install-recommends", *self.recipe.packages],
            ["apt-get", "clean"],
        ):
            _checked(
                self.command(words, variables, offline=False),
                f"Packages of Debian {self.recipe.suite} cannot be installed",
            )

    def _install_by_pip(self) -> None:
        # Registries may be reached by certificates that only this machine trusts.
        if Path(_CERTIFICATES).exists():
            shutil.copy(_CERTIFICATES, self.path(_CERTIFICATES))
        folder = PYTHON.removesuffix("/bin/python")
        shutil.rmtree(self.path(folder), ignore_errors=True)
        for words in (
            ["python3", "-m", "venv", "--system-site-packages", folder],
            [PYTHON, "-m", "pip", "install", "--quiet", "--no-cache-dir", *self.recipe.pip],
        ):
            _checked(
                self.command(words, _network_variables(), offline=False),
                f"pip cannot install {' and '.join(self.recipe.pip)}",
            )

    def _state(self) -> dict:
        try:
            return json.loads((self.root / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _keep(self, state: dict) -> None:
        (self.root / _STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    """A process that does not outlive the block."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _network_variables() -> dict[str, str]:
    """How this machine reaches Debian and PyPI; places on its disk are not inside."""
    return {
        name: value for name, value in os.environ.items()
        if (name.startswith("PIP_") and name != "PIP_FIND_LINKS")
        or name.lower() in {"http_proxy", "https_proxy", "no_proxy"}
    }


def _checked(command: list[str], failure: str) -> None:
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        last = (result.stdout.strip().splitlines() or ["no output"])[-1]
        raise RoomError(f"{failure}: {last}")


def _mount(*words: str) -> None:
    _checked(["mount", *words], f"{words[-1]} cannot be mounted")


def _command_line(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # It has ended since.


def _is_below(folder: Path, root: Path) -> bool:
    try:
        return Path(os.readlink(folder / "root")) == root.resolve()
    except OSError:
        return False
