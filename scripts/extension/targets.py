# SPDX-License-Identifier: GPL-3.0-or-later
"""What zips are made for: systems, Pythons and editions."""

import platform
from dataclasses import dataclass
from typing import Literal

from . import BuildError

Edition = Literal["full", "lite", "slim"]

PLATFORMS = ("linux-x64", "windows-x64", "macos-arm64", "macos-x64")
PYTHONS = ("3.11", "3.13")
#: From which Blender on, and before which one.
_BLENDERS = {"3.11": ("4.2.0", "5.1.0"), "3.13": ("5.1.0", None)}
_LAST_INTEL_MAC = "5.0.0"
#: The versions of numpy that Blenders of a Python have, by the Blender that began with it.
_NUMPY = {
    "3.11": {"4.2": "1.24.3", "4.4": "1.26.4"},
    "3.13": {"5.1": "2.2.0", "5.2": "2.3.4"},
}
# Blender 4.2 and 5.1 run where the C library is as old as this.
_OLDEST_GLIBC = 28
_MACOS = "macosx_14_0"


@dataclass(frozen=True)
class Target:
    """A system and a Python that wheels are made for.

    Attributes
    ----------
    platform : str
        One of `PLATFORMS`, as Blender names them.
    python : str
        One of `PYTHONS`.
    """

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform}-py{self.python.replace('.', '')}"

    @property
    def blender(self) -> tuple[str, str | None]:
        """The first Blender that has this Python, and the first that no longer has it."""
        first, end = _BLENDERS[self.python]
        return first, (_LAST_INTEL_MAC if self.platform == "macos-x64" else end)

    @property
    def numpy(self) -> dict[str, str]:
        """Versions of Blender's own numpy, by the first Blender that has them."""
        return _NUMPY[self.python]

    @property
    def pip_platforms(self) -> tuple[str, ...]:
        """The tags of wheels that fit, for pip, which adds older ones for macOS only."""
        if self.platform == "windows-x64":
            return ("win_amd64",)
        if self.platform == "macos-arm64":
            return (f"{_MACOS}_arm64",)
        if self.platform == "macos-x64":
            return (f"{_MACOS}_x86_64",)
        versions = [f"manylinux_2_{minor}_x86_64" for minor in range(_OLDEST_GLIBC, 4, -1)]
        return (*versions, "manylinux2014_x86_64")

    @property
    def markers(self) -> dict[str, str]:
        """What a lock's markers are compared with."""
        system = self.platform.partition("-")[0]
        return {
            "implementation_name": "cpython", "platform_python_implementation": "CPython",
            "python_version": self.python, "python_full_version": f"{self.python}.0",
            "os_name": "nt" if system == "windows" else "posix",
            "sys_platform": {"linux": "linux", "windows": "win32", "macos": "darwin"}[system],
            "platform_system": {"linux": "Linux", "windows": "Windows", "macos": "Darwin"}[system],
            "platform_machine": {
                "linux-x64": "x86_64", "windows-x64": "AMD64", "macos-arm64": "arm64",
                "macos-x64": "x86_64",
            }[self.platform],
            "extra": "",
        }


def own_platform() -> str:
    """The platform of this machine, as Blender names it."""
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    machine = platform.machine().lower()
    return f"{system}-{'arm64' if machine in {'arm64', 'aarch64'} else 'x64'}"


def require_offered(target: Target, edition: Edition) -> None:
    """Check that there are wheels for a target.

    Raises
    ------
    BuildError
    """
    if target.platform not in PLATFORMS:
        raise BuildError(
            f"There is no zip with packages for {target.platform}; there is one for each of "
            f"{', '.join(PLATFORMS)}."
        )
    if target.platform != "macos-x64":
        return
    if target.python != "3.11":
        raise BuildError(
            "Blender for Macs with Intel processors ends with version 4.5, which has Python 3.11."
        )
    if edition == "full":
        raise BuildError(
            "PyTorch for Macs with Intel processors ends with version 2.2, which is too old for "
            "transformers; build the lite zip for macos-x64."
        )
