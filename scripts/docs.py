# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation as a site of plain files.

    python scripts/docs.py                 into out/site; a warning is a failure
    python scripts/docs.py --serve         at http://127.0.0.1:8000, anew at every change

Where this Python has no MkDocs, a small environment of its own is made for it once, ``.venv-docs``
beside the README.  Neither Blender nor PyTorch is needed.
"""

from __future__ import annotations  # see _environment.py

import argparse
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import _environment

CONFIG = _environment.ROOT / "mkdocs.yml"
ENVIRONMENT = _environment.ROOT / ".venv-docs"
LOCK = _environment.LOCKS / "docs.txt"
EXIT_INTERRUPTED = 130
_OLDEST_PYTHON = (3, 11)
_MARK = "face-depth-docs.sha256"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        python = python_with_mkdocs()
        command = ["serve"] if options.serve else ["build", "--clean"]
        if options.output and not options.serve:
            command += ["--site-dir", str(options.output.resolve())]
        return subprocess.run(
            [str(python), "-m", "mkdocs", *command, "--strict", "--config-file", str(CONFIG)]
        ).returncode
    except _environment.SetupError as error:
        print(error, file=sys.stderr)
        return _environment.EXIT_NO_ENVIRONMENT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", action="store_true", help="show the site while it is written")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where the site goes (default: out/site)"
    )
    return parser


def python_with_mkdocs() -> Path:
    """The interpreter that has MkDocs, in an environment made for it if need be.

    Raises
    ------
    SetupError
    """
    if importlib.util.find_spec("mkdocs"):
        return Path(sys.executable)
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    mark = ENVIRONMENT / _MARK
    python = _environment.venv_python(ENVIRONMENT)
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted and python.exists():
        return python
    if sys.version_info < _OLDEST_PYTHON:
        raise _environment.SetupError("The documentation needs Python 3.11 or newer to be built.")
    print(f"Setting up MkDocs in {ENVIRONMENT}, once only.", file=sys.stderr, flush=True)
    _call(sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT))
    _call(
        str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
        "--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(LOCK),
    )  # fmt: skip
    mark.write_text(wanted, encoding="utf-8")
    return python


def _call(*command: str) -> None:
    """Run a command whose chatter matters only if it fails.

    Raises
    ------
    SetupError
    """
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise _environment.SetupError(
            f"{done.stdout.strip()}\nMkDocs could not be installed; run the same command again, "
            "or install it into this Python by `pip install mkdocs`."
        )


if __name__ == "__main__":
    sys.exit(main())
