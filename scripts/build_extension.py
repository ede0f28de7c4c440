# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an installable zip of the extension, without packages.

usage: python scripts/build_extension.py --output DIR

Blender's Python, or the interpreter set in the preferences, brings the packages. The
same checkout gives the same bytes.
"""

import argparse
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TIMESTAMP = (2020, 1, 1, 0, 0, 0)


def contents() -> list[tuple[str, Path]]:
    """Names in the zip and the files behind them: the package's files at its top."""
    package = ROOT / "face_depth_addon"
    files = [
        (path.relative_to(package).as_posix(), path)
        for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    files += [(name, ROOT / name) for name in ("blender_manifest.toml", "LICENSE", "LICENSES.md")]
    return sorted(files)


def build(folder: Path) -> Path:
    """Write the zip into ``folder``; returns its path."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{manifest['id']}-{manifest['version']}-slim.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, path in contents():
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.create_system = 3  # Unix on every system: the same bytes everywhere.
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="DIR")
    target = build(parser.parse_args().output)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
