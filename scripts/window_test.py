# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the extension in Debian's Blenders, and use it in real windows with mouse and keys.

usage: python scripts/window_test.py [--blender 4.3|5.2] [--zip FILE] [--shots DIR]

Needs Linux and root. Makes a Debian system with each Blender in a folder (once: 3 GB, twenty
minutes), opens Blender there on a screen that nobody sees, offline, and keeps a picture of each
step. Nothing is left running or mounted, however it ends.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _environment

_INSIDE = "FACE_DEPTH_WINDOW_TEST"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--blender", choices=("4.3", "5.2"), action="append",
        help="one of the two (default: both, one after the other)",
    )
    parser.add_argument("--zip", type=Path, metavar="FILE", help="default: built anew, slim")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", default=_environment.user_cache() / "windows",
        help="folder of the Debian systems (default: %(default)s)",
    )
    parser.add_argument(
        "--shots", type=Path, metavar="DIR", default=_environment.ROOT / "out" / "windows",
        help="folder for the pictures (default: %(default)s)",
    )
    return parser.parse_args()


def start_inside() -> int:
    """Start this script again where its mounts and processes end with it; its exit code.

    Raises
    ------
    RoomError
    """
    from windows.rooms import RoomError

    if sys.platform != "linux" or os.geteuid():
        raise RoomError("The window test makes Debian systems, for which it must be root on Linux.")
    if shutil.which("debootstrap") is None:
        if shutil.which("apt-get") is None:
            raise RoomError("Install debootstrap, with which the Debian systems are made.")
        for words in (["update", "-qq"], ["install", "-y", "-qq", "debootstrap"]):
            subprocess.run(["apt-get", *words], check=True)
    command = [
        # However this process ends, unshare does too, which by itself would ignore a SIGTERM.
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
        sys.executable, *sys.argv,
    ]
    return subprocess.call(command, env={**os.environ, _INSIDE: "1"})


def build_zip(folder: Path) -> Path:
    """The extension without packages, which Debian brings."""
    subprocess.run(
        [sys.executable, str(_environment.ROOT / "scripts" / "build_extension.py"),
         "--slim", "--output", str(folder)],
        check=True, stdout=subprocess.DEVNULL,
    )
    return next(folder.glob("*.zip"))


def test_blender(room, zip_file: Path, shots: Path) -> None:
    """All that is tested with one Blender.

    Raises
    ------
    RoomError, InstallError, StepError
    """
    import PIL.Image
    import skimage.data
    from windows.desktop import desktop
    from windows.installing import Extension
    from windows.rooms import HOME
    from windows.steps import PHOTO, Visit

    def say(line: str) -> None:
        print(f"  {line}", flush=True)

    room.make()
    room.share(_environment.ROOT)
    PIL.Image.fromarray(skimage.data.astronaut()).save(room.path(f"{HOME}/{PHOTO}"))
    extension = Extension(room, zip_file, say)
    extension.install()
    with desktop(room) as desk:
        visit = Visit(desk, shots, say)
        visit.make_a_face()
        visit.return_to_it()
        extension.speak("de")
        visit.read_german()
        extension.speak("en")
    extension.use_without_window(f"{HOME}/{PHOTO}")
    extension.disable_and_enable()
    extension.upgrade_and_remove()


def test_all(arguments: argparse.Namespace) -> int:
    """Test each Blender in turn; returns the exit code.

    Raises
    ------
    subprocess.CalledProcessError
        The zip cannot be built.
    """
    from windows.installing import InstallError
    from windows.rooms import Room, RoomError, recipes
    from windows.steps import StepError

    rooms = recipes((_environment.LOCKS / "packages.txt").read_text(encoding="utf-8"))
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        zip_file = arguments.zip or build_zip(Path(folder))
        for version in arguments.blender or rooms:
            began = time.monotonic()
            print(f"Blender {version}:", flush=True)
            room = Room(rooms[version], arguments.cache.resolve())
            try:
                test_blender(room, zip_file, arguments.shots / version)
            except (InstallError, RoomError, StepError) as error:
                print(f"  FAILED: {error}", flush=True)
                code = 1
            print(f"  {time.monotonic() - began:.0f} s", flush=True)
    print(f"Pictures: {arguments.shots}")
    return code


def main() -> int:
    arguments = parse()
    _environment.ensure(tests=True)
    from windows.rooms import RoomError

    try:
        return test_all(arguments) if os.environ.get(_INSIDE) else start_inside()
    except (RoomError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return _environment.EXIT_NO_ENVIRONMENT
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
