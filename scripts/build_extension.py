# SPDX-License-Identifier: GPL-3.0-or-later
"""Make installable zips of the extension.

    python scripts/build_extension.py                      full, for this system and Blender 4.2-5.0
    python scripts/build_extension.py --lite --platform linux-x64 windows-x64 --python 3.11 3.13
    python scripts/build_extension.py --slim --repo REPOSITORY

full: all packages inside, PyTorch among them.  lite: ONNX Runtime runs the bundled models, for
people who need no other.  slim: no packages; the interpreter that is set in the preferences has
them.  Sets itself up on a fresh machine; wheels are fetched into wheels/ by the locks in
scripts/requirements/.  Every zip is built twice, and the same checkout gives the same bytes.
"""

from __future__ import annotations  # see _environment.py

import argparse
import sys
from pathlib import Path

import _environment

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
WHEELS = _environment.ROOT / "wheels"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    _environment.ensure(tests=options.edition == "lite")
    if str(_environment.ROOT) not in sys.path:
        sys.path.insert(0, str(_environment.ROOT))
    from extension import BuildError

    try:
        run(options)
    except BuildError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped; what was finished is there.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    edition = parser.add_mutually_exclusive_group()
    edition.add_argument(
        "--slim", dest="edition", action="store_const", const="slim", default="full",
        help="without packages, for every system and Blender",
    )
    edition.add_argument(
        "--lite", dest="edition", action="store_const", const="lite",
        help="with ONNX Runtime in the place of PyTorch, for the bundled models",
    )
    parser.add_argument("--output", type=Path, default=_environment.ROOT / "dist", metavar="DIR")
    parser.add_argument(
        "--platform", nargs="+", metavar="P",
        help="linux-x64, windows-x64, macos-arm64 or macos-x64; without it this machine's",
    )
    parser.add_argument(
        "--python", nargs="+", default=["3.11"], metavar="V", choices=["3.11", "3.13"],
        help="3.11 for Blender 4.2 to 5.0, which is the default, 3.13 for 5.1 and later",
    )
    parser.add_argument(
        "--repo", type=Path, metavar="DIR",
        help="make DIR a repository with these zips, for Blender to install and update from",
    )
    return parser


def run(options: argparse.Namespace) -> None:
    """Build what was asked for, and the repository.

    Raises
    ------
    BuildError
    """
    from extension import building, wheels
    from extension.targets import Target, own_platform, require_offered

    targets: list[Target | None] = [None]
    if options.edition != "slim":
        systems = options.platform or [own_platform()]
        targets = [Target(system, python) for system in systems for python in options.python]
        for target in targets:
            require_offered(target, options.edition)
    zips = []
    for target in targets:
        held = [] if target is None else wheels.fetch(target, options.edition, WHEELS)
        zips.append(building.build(options.output, options.edition, target, held))
        print(f"{zips[-1]}: {zips[-1].stat().st_size / 1e6:.1f} MB", flush=True)
    if options.repo:
        building.publish(zips, options.repo)
        print(f"{options.repo / 'index.json'}: {len(zips)} new")


if __name__ == "__main__":
    sys.exit(main())
