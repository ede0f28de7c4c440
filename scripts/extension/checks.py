# SPDX-License-Identifier: GPL-3.0-or-later
"""What would go wrong on somebody else's machine, found before a zip is made."""

from collections.abc import Iterable
from itertools import combinations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from . import BuildError
from .licences import licence_of
from .targets import Target
from .wheel import Wheel

# Windows' own limit of 260 counts the zero at the end.
PATH_LIMIT = 259
_USER = "u" * 20
_BLENDER = rf"C:\Users\{_USER}\AppData\Roaming\Blender Foundation\Blender\5.1\extensions"
_EXTENSION = _BLENDER + r"\user_default\face_depth" + "\\"


def check_wheels(wheels: list[Wheel], target: Target) -> None:
    """Check all that a zip is to hold.

    Raises
    ------
    BuildError
        The first thing that is wrong.
    """
    for wheel in wheels:
        licence_of(wheel)
        _check_numpy(wheel, target)
        if target.platform == "windows-x64":
            folder = rf"{_BLENDER}\.local\lib\python{target.python}\site-packages" + "\\"
            check_paths(str(wheel), wheel.files, folder)
    for one, other in combinations(wheels, 2):
        _check_apart(one, other)


def check_paths(owner: str, names: Iterable[str], folder: str = _EXTENSION) -> None:
    """Check that Windows can hold files, for somebody whose user name has 20 letters.

    Parameters
    ----------
    owner : str
        What they belong to.
    names : iterable of str
        Of the files, inside ``folder``.
    folder : str
        By default the one of the extension itself.

    Raises
    ------
    BuildError
    """
    longest = max(names, key=len)
    length = len(folder) + len(longest)
    if length > PATH_LIMIT:
        raise BuildError(
            f"{owner} has a path of {length} letters on Windows for a user name of 20, "
            f"{length - PATH_LIMIT} more than Windows allows: {longest}."
        )


def _check_numpy(wheel: Wheel, target: Target) -> None:
    if canonicalize_name(wheel.name) == "numpy":
        raise BuildError(f"{wheel} would take the place of Blender's own numpy.")
    for line in wheel.metadata.get_all("Requires-Dist", []):
        wanted = Requirement(line)
        if canonicalize_name(wanted.name) != "numpy":
            continue
        if wanted.marker and not wanted.marker.evaluate(target.markers):
            continue
        for blender, version in target.numpy.items():
            if not SpecifierSet(str(wanted.specifier)).contains(version):
                raise BuildError(
                    f"{wheel} wants numpy{wanted.specifier}, and Blender {blender} has {version}."
                )


def _check_apart(one: Wheel, other: Wheel) -> None:
    """Two wheels that write the same files, or into one package, undo each other."""
    for package in sorted(one.packages.keys() & other.packages.keys()):
        if one.packages[package] or other.packages[package]:
            raise BuildError(f"{one} and {other} both bring the package {package}.")
    # Windows and macOS take no heed of capital letters.
    same = {name.lower() for name in one.files} & {name.lower() for name in other.files}
    if same:
        raise BuildError(f"{one} and {other} both bring the file {min(same)}.")
