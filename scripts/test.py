# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests, after making the environment they need.

    python scripts/test.py                      all tests, with Blender 4.5
    python scripts/test.py --blender 4.2 -k ops

Everything but --blender goes to pytest; paths are taken from the repository root.
"""

from __future__ import annotations  # see _environment.py

import os
import sys

import _environment


def split_arguments(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the value of ``--blender`` (None if absent) and the arguments meant for pytest.

    Raises
    ------
    ValueError
        If the value is missing or names no Blender version there is an environment for.
    """
    version, rest = None, []
    words = iter(arguments)
    for word in words:
        if word == "--blender":
            version = _environment.blender_version(next(words, "(none given)"))
        elif word.startswith("--blender="):
            version = _environment.blender_version(word.split("=", 1)[1])
        else:
            rest.append(word)
    return version, rest


def main() -> int:
    """Run pytest and return its exit code."""
    try:
        version, pytest_arguments = split_arguments(sys.argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    _environment.ensure(version, tests=True, dataset=True)
    import pytest

    os.chdir(_environment.ROOT)
    return pytest.main(["--override-ini", "testpaths=tests", *pytest_arguments])


if __name__ == "__main__":
    _environment.end(main())
