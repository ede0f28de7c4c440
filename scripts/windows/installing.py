# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension comes, is used without a window, and goes again, by Blender's own commands."""

import json
import re
import resource
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from .rooms import CHECKOUT, HOME, PYTHON, Room

MODULE = "bl_ext.user_default.face_depth"

_PACKAGE = "face_depth"
_OLDER, _NEWER = "0.0.1", "99.0.0"
_STARTS = 15
_REGISTRATIONS = 6
_REMARK = "FACE DEPTH TEST "
_SETTINGS = f"""
import bpy
preferences = bpy.context.preferences
preferences.view.show_splash = False
preferences.system.use_online_access = True
preferences.addons[{MODULE!r}].preferences.python = {PYTHON!r}
bpy.ops.wm.save_userpref()
"""
_TELL = f"""
import json, sys, bpy
addon = bpy.context.preferences.addons.get({MODULE!r})
heavy = ("torch", "transformers", "diffusers", "onnxruntime", "cv2", "PIL")
print({_REMARK!r} + json.dumps({{
    "enabled": addon is not None,
    "loaded": {MODULE!r} in sys.modules,
    "python": addon.preferences.python if addon and addon.preferences else None,
    "registered": hasattr(bpy.types.Scene, "face_depth"),
    "heavy": [name for name in heavy if name in sys.modules],
}}))
"""
_SPEAK = """
import bpy
view = bpy.context.preferences.view
view.language = next(name for name in bpy.app.translations.locales if name.startswith({language!r}))
view.use_translate_interface = view.use_translate_tooltips = True
bpy.ops.wm.save_userpref()
"""
_DISABLE = f"""
import bpy
bpy.ops.preferences.addon_disable(module={MODULE!r})
bpy.ops.wm.save_userpref()
"""
_REGISTER = f"""
import importlib, time
began = time.perf_counter()
importlib.import_module({f"{MODULE}.blender.registration"!r}).register()
print({_REMARK!r} + str(time.perf_counter() - began))
"""
_ENABLE = f"""
import time, bpy
began = time.process_time()
bpy.ops.preferences.addon_enable(module={MODULE!r})
print({_REMARK!r} + str(time.process_time() - began))
bpy.ops.wm.save_userpref()
"""


class InstallError(Exception):
    """The extension does not behave as one; the message is one sentence."""


class Extension:
    """Our extension in a room's Blender.

    Parameters
    ----------
    room : Room
    zip_file : Path
        What is installed in the end.
    say : callable
        Takes a line of what was seen.
    """

    def __init__(self, room: Room, zip_file: Path, say: Callable[[str], None]):
        self.room, self.zip_file, self.say = room, zip_file, say

    def install(self) -> None:
        """Install an older version, make settings, and upgrade to the one to be tested.

        Raises
        ------
        InstallError
        """
        self._install(_OLDER)
        self._python(_SETTINGS)
        self._install(None)
        facts = self._facts()
        if not (facts["enabled"] and facts["registered"]):
            raise InstallError("Expected that the extension is enabled after its upgrade.")
        if facts["python"] != PYTHON:
            raise InstallError("Expected that an upgrade keeps the preferences.")
        if facts["heavy"]:
            raise InstallError(f"Expected a light start, but {facts['heavy'][0]} is loaded.")
        self.say(f"upgraded from {_OLDER} to {self._version()}, preferences kept")

    def speak(self, language: str) -> None:
        """Let Blender's interface be in a language, such as ``de``.

        Raises
        ------
        InstallError
        """
        self._python(_SPEAK.format(language=language))

    def use_without_window(self, photo: str) -> None:
        """Reconstruct by script and by command, offline.

        Raises
        ------
        InstallError
        """
        script = f"{CHECKOUT}/scripts/reconstruct.py"
        for output, words in (
            ("script.glb", ["-b", "--python-exit-code", "1", "--python", script, "--"]),
            ("command.blend", ["--command", _PACKAGE]),
        ):
            target = f"{HOME}/{output}"
            began = time.monotonic()
            variables = {"FACE_DEPTH_PYTHON": PYTHON}
            self._blender([*words, photo, "-o", target], variables)
            size = self.room.path(target).stat().st_size
            seconds = time.monotonic() - began
            self.say(f"blender {words[-2]} offline: {size / 1e6:.1f} MB in {seconds:.1f} s")

    def disable_and_enable(self) -> None:
        """Switch the extension off and on, and time Blender's start with and without it.

        Raises
        ------
        InstallError
        """
        without = f"{HOME}-without"
        self._python(_DISABLE)
        facts = self._facts()
        if facts["loaded"] or facts["registered"]:
            raise InstallError("Expected that nothing is loaded of a disabled extension.")
        config = ".config/blender"
        shutil.copytree(self.room.path(HOME) / config, self.room.path(without) / config)
        self._python(_REGISTER)
        times = sorted(
            1000 * float(_remark(self._python(_REGISTER))) for _ in range(_REGISTRATIONS)
        )
        self.say(
            f"importing and registering takes {times[0]:.0f} to {times[-1]:.0f} ms at a start "
            f"({_REGISTRATIONS} starts; meant to be below 30)"
        )
        seconds = float(_remark(self._python(_ENABLE)))
        if not self._facts()["registered"]:
            raise InstallError("Expected that the extension can be enabled again.")
        self.say(f"enabling in a running Blender takes {seconds * 1000:.0f} ms of the processor")
        self._python("", without)
        pairs = [
            (self._start_seconds(HOME), self._start_seconds(without)) for _ in range(_STARTS)
        ]
        for name, times in zip(("processor's", "clock's"), zip(*map(_transposed, pairs))):
            # Other programs on the machine only ever add to a start.
            with_it, without_it = (1000 * min(side) for side in zip(*times))
            self.say(
                f"it adds {with_it - without_it:.0f} ms of the {name} time to Blender's start, "
                f"{without_it:.0f} ms (the shortest of {_STARTS} starts each)"
            )

    def upgrade_and_remove(self) -> None:
        """Install a newer version over this one, and uninstall it.

        Raises
        ------
        InstallError
        """
        self._install(_NEWER)
        if self._version() != _NEWER:
            raise InstallError(f"Expected version {_NEWER} after the upgrade.")
        users = self._files()
        kept = {name for name in users if "/extensions/" not in name}
        self._blender(["--command", "extension", "remove", _PACKAGE])
        left = {name for name in self._files() if _PACKAGE in name or "face-depth" in name}
        if left - kept:
            raise InstallError(f"Expected nothing of the extension, but there is {min(left)}.")
        if lost := {name for name in kept if _is_users(name)} - self._files():
            raise InstallError(f"Expected that {min(lost)} stays when the extension goes.")
        facts = self._facts()
        if facts["enabled"] or facts["registered"]:
            raise InstallError("Expected that Blender forgets an extension that is removed.")
        self.say(f"upgraded to {_NEWER}, removed; {len([*filter(_is_users, kept)])} files kept")

    def _install(self, version: str | None) -> None:
        target = self.room.path(HOME) / "extension.zip"
        if version is None:
            shutil.copy(self.zip_file, target)
        else:
            write_version(self.zip_file, target, version)
        self._blender([
            "--command", "extension", "install-file", "-r", "user_default", "--enable",
            f"{HOME}/{target.name}",
        ])
        target.unlink()

    def _version(self) -> str:
        found = list(self.room.path(HOME).glob(f".config/blender/*/extensions/*/{_PACKAGE}"))
        if len(found) != 1:
            raise InstallError(f"Expected one folder of the extension, not {len(found)}.")
        manifest = (found[0] / "blender_manifest.toml").read_text(encoding="utf-8")
        return re.search(r'^version = "(.*)"', manifest, re.MULTILINE)[1]

    def _files(self) -> set[str]:
        home = self.room.path(HOME)
        return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}

    def _facts(self) -> dict:
        return json.loads(_remark(self._python(_TELL)))

    def _start_seconds(self, home: str) -> tuple[float, float]:
        """Seconds of the processor and of the clock for a start without a window."""
        # Other programs on the machine disturb the clock's time more.
        began, used = time.monotonic(), _children_seconds()
        self._python("", home)
        return _children_seconds() - used, time.monotonic() - began

    def _python(self, code: str, home: str = HOME) -> str:
        words = ["-b", "--python-exit-code", "1", "--python-expr", code]
        return self._blender(words, {"HOME": home})

    def _blender(self, words: list[str], variables: Mapping[str, str] = {}) -> str:
        result = self.room.run(["blender", *words], variables)
        if result.returncode:
            last = (result.stdout.strip().splitlines() or ["no output"])[-1]
            shown = " ".join(words[:3])
            raise InstallError(f"blender {shown} ended with {result.returncode}: {last}")
        return result.stdout


def write_version(source: Path, target: Path, version: str) -> None:
    """Copy a zip with another version in its manifest."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.rpartition("/")[2] == "blender_manifest.toml":
                text = re.sub(
                    r'^version = ".*"', f'version = "{version}"', data.decode(), flags=re.MULTILINE
                )
                data = text.encode()
            new.writestr(entry, data, entry.compress_type)


def _transposed(pair: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Of two starts with two times each the two times with two starts each."""
    return list(zip(*pair))


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _remark(output: str) -> str:
    return next(
        line.removeprefix(_REMARK) for line in output.splitlines() if line.startswith(_REMARK)
    )


def _is_users(name: str) -> bool:
    return name.endswith((".png", ".blend", ".glb")) and not name.startswith(".config")
