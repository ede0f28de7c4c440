# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests, after making the environment they need.

    python scripts/test.py                      all tests, with Blender 4.5
    python scripts/test.py --blender 4.2 -k ops

Everything but --blender goes to pytest; paths are taken from the repository root. Files run side
by side, a process for each processor up to four, unless -n or --pdb says otherwise.
"""

from __future__ import annotations  # see _environment.py

import os
import sys

import _environment

# Each holds Blender, and its worker the networks: about two gigabytes.
_MOST_PROCESSES = 4


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


def side_by_side(arguments: list[str]) -> list[str]:
    """Return pytest's options for running files at once; none where the caller decides."""
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    if processes == 1 or any(word == "--pdb" or word.startswith("-n") for word in arguments):
        return []
    # Or each process, and each worker that it starts, would compute on all processors.
    os.environ.setdefault("OMP_NUM_THREADS", str((os.cpu_count() or 1) // processes))
    return ["-n", str(processes), "--dist", "loadfile"]


def main() -> int:
    """Run pytest and return its exit code."""
    try:
        version, pytest_arguments = split_arguments(sys.argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    _environment.ensure(version, tests=True, dataset=True, batch=True)
    import pytest

    os.chdir(_environment.ROOT)
    return pytest.main([
        "--override-ini", "testpaths=tests", *side_by_side(pytest_arguments), *pytest_arguments
    ])


if __name__ == "__main__":
    _environment.end(main())
