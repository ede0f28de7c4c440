# SPDX-License-Identifier: GPL-3.0-or-later
"""Give the scripts a Python environment that has Blender, PyTorch and the rest.

``ensure()`` returns at once where everything is at hand: inside Blender, in an environment that
has the packages already, and in the one made here.  Anywhere else it makes ``.venv`` beside the
README (``.venv-4.2`` or ``.venv-5.0`` for the other Blender versions), installs the locked packages
of ``scripts/requirements/`` and starts the same script again with that environment's Python.

An environment carries a state file that names the locks it was made from.  One that was
interrupted is made anew from pip's cache; one made from older locks is brought up to date.
"""

# Postponed hints let an older Python read this file and be told which Python to get.
from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "scripts" / "requirements"
BLENDERS = {"4.2": "4.2.23", "4.5": "4.5.15", "5.0": "5.0.1"}
DEFAULT_BLENDER = "4.5"
TORCH = "2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
EXIT_NO_ENVIRONMENT = 3

MODULES = ("bpy", "cv2", "numpy", "PIL", "safetensors", "torch", "transformers")
TEST_MODULES = ("diffusers", "onnx", "onnxruntime", "pytest", "scipy", "skimage", "xdist")
DATASET_MODULES = ("accelerate", "anny", "matplotlib", "OpenEXR", "psutil", "ray", "scipy")
BATCH_MODULES = ("pyarrow", "ray", "tqdm")
IMPORT_CHECK = (
    "import bpy, cv2, numpy, PIL, safetensors, torch;"
    "from transformers import AutoImageProcessor, DepthAnythingForDepthEstimation,"
    " DPTForDepthEstimation"
)
# Shared libraries that the Linux builds of bpy and cv2 expect, and Debian's packages of them.
DEBIAN_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}

_STATE = "face-depth-setup.json"
_LOG = "face-depth-setup.log"
_WINDOWS_PATH_LIMIT = 259
_LONGEST_INNER_PATH = len("\\Lib\\site-packages\\") + 171  # a licence file inside torch
_GIGABYTE = 1000**3
_PROBE = (
    "import importlib.util as u, platform, sys;"
    "print(platform.python_implementation() == 'CPython' and sys.version_info[:2] == (3, 11)"
    " and sys.maxsize > 2**32, all(u.find_spec(n) for n in ('venv', 'ensurepip')))"
)


class SetupError(Exception):
    """The environment cannot be made; the message says what to do."""


def ensure(
    blender: str | None = None, tests: bool = False, dataset: bool = False, batch: bool = False
) -> None:
    """Return inside an environment that has all packages, or end the process.

    Parameters
    ----------
    blender
        "4.2", "4.5" or "5.0": the Blender version to run with.  None takes the one at hand, and
        4.5 where there is none.
    tests
        Whether the packages of the tests are needed too.
    dataset
        Whether the packages that render the training data and train are needed too.
    batch
        Whether the packages that ``scripts/batch.py`` runs on are needed too.

    Notes
    -----
    Where the running Python lacks something, the script is started again with the environment's
    Python and this call does not return.  A failed set-up ends the process with exit code 3.
    """
    if _inside_blender():
        return
    own = read_state(Path(sys.prefix))
    if own:
        blender = blender or own.get("blender")
        here = Path(sys.prefix)
        if own.get("blender") == blender and is_current(here, blender, tests, dataset, batch):
            return
    elif _has_everything(blender, tests, dataset, batch):
        return
    # With PYTHONHOME set, the environment's Python would look for its packages there.
    os.environ.pop("PYTHONHOME", None)
    try:
        folder = _prepare(blender or DEFAULT_BLENDER, tests, dataset, batch)
    except SetupError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_NO_ENVIRONMENT)
    except KeyboardInterrupt:
        print("Stopped; run the same command again to finish the set-up.", file=sys.stderr)
        sys.exit(130)
    _enter(folder)


def blender_version(text: str) -> str:
    """Return the key of ``BLENDERS`` that ``text`` ("4.2", "4.2.23") names.

    Raises
    ------
    ValueError
        If there is no such version; the message lists those there are.
    """
    for version, full in BLENDERS.items():
        if text in (version, full):
            return version
    raise ValueError(f"Blender {text} is not one of {', '.join(BLENDERS)}.")


def _inside_blender() -> bool:
    # The bpy package of the environments has an empty binary_path; Blender itself has not.
    bpy = sys.modules.get("bpy")
    return bpy is not None and bool(bpy.app.binary_path)


def _has_everything(blender: str | None, tests: bool, dataset: bool, batch: bool) -> bool:
    needed = MODULES + (TEST_MODULES if tests else ()) + (DATASET_MODULES if dataset else ())
    needed += BATCH_MODULES if batch else ()
    if not all(importlib.util.find_spec(name) for name in needed):
        return False
    return blender is None or importlib.metadata.version("bpy").startswith(f"{blender}.")


def _enter(folder: Path) -> None:
    command = [str(venv_python(folder)), *sys.argv]
    sys.stdout.flush()
    if os.name == "nt":
        # execv on Windows returns to the shell before the new process has ended.
        sys.exit(subprocess.run(command).returncode)
    os.execv(command[0], command)


# State of an environment


def wanted_parts(
    blender: str, tests: bool, dataset: bool = False, batch: bool = False
) -> dict[str, str]:
    """Return what an environment consists of: part name -> version or digest of its lock."""
    locks = ["packages.txt", f"blender-{blender}.txt"]
    locks += (["tests.txt"] if tests else []) + (["dataset.txt"] if dataset else [])
    locks += ["batch.txt"] if batch else []
    parts = {name: hashlib.sha256((LOCKS / name).read_bytes()).hexdigest() for name in locks}
    return {**parts, "torch": TORCH, "imports": IMPORT_CHECK}


def read_state(folder: Path) -> dict:
    """Return the state written in an environment; empty if there is none that can be read."""
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(folder: Path, blender: str, parts: dict[str, str], installing: bool) -> None:
    """Replace the state file of an environment in one step."""
    state = {"blender": blender, "installing": installing, "parts": parts}
    draft = folder / f"{_STATE}.new"
    draft.write_text(json.dumps(state, indent=1), encoding="utf-8")
    os.replace(draft, folder / _STATE)


def stale_parts(
    folder: Path, blender: str, tests: bool, dataset: bool = False, batch: bool = False
) -> list[str]:
    """Return the names of the parts that the environment lacks or has from another lock."""
    parts = read_state(folder).get("parts", {})
    wanted = wanted_parts(blender, tests, dataset, batch)
    return [name for name in wanted if parts.get(name) != wanted[name]]


def is_broken(folder: Path) -> bool:
    """Return whether a set-up was interrupted in ``folder`` or its Python has gone since."""
    return bool(read_state(folder).get("installing", True)) or not venv_python(folder).exists()


def is_current(
    folder: Path, blender: str, tests: bool, dataset: bool = False, batch: bool = False
) -> bool:
    """Return whether the environment is complete and made from the present locks."""
    return not is_broken(folder) and not stale_parts(folder, blender, tests, dataset, batch)


def venv_python(folder: Path) -> Path:
    """Return the path of the environment's interpreter."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


# Where, and with which Python


def user_cache() -> Path:
    """Return the folder for what this project can make anew, as the system has it."""
    if os.name == "nt":
        cache = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        cache = "~/Library/Caches"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "face-depth"


def candidate_folders(blender: str) -> tuple[Path, Path]:
    """Return where the environment may stand: beside the README, or in the user's cache."""
    name = ".venv" if blender == DEFAULT_BLENDER else f".venv-{blender}"
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    return ROOT / name, user_cache() / f"{checkout}{name}"


def _choose_folder(blender: str) -> Path:
    folders = candidate_folders(blender)
    for folder in folders:
        if _is_usable(folder):
            return folder
    raise SetupError(
        f"Neither {folders[0].parent} nor {folders[1].parent} can be written to; "
        "copy the project to a folder of your own and run the command there."
    )


def _is_usable(folder: Path) -> bool:
    if os.name == "nt" and len(str(folder)) + _LONGEST_INNER_PATH > _WINDOWS_PATH_LIMIT:
        return False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
            # A folder of that name which somebody else made is left alone.
            return not folder.exists() or not any(folder.iterdir()) or bool(read_state(folder))
    except OSError:
        return False


def unsupported_machine(system: str, machine: str) -> str | None:
    """Return why there are no builds for this machine, or None where there are.

    ``system`` and ``machine`` are what the functions of those names in ``platform`` return.
    """
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine.lower(), machine.lower())
    if (system, machine) in {("Linux", "x86_64"), ("Windows", "x86_64"), ("Darwin", "arm64")}:
        return None
    return (
        f"Blender and PyTorch {TORCH} have no common Python packages for {system} on {machine}; "
        "use Linux or Windows on a 64-bit Intel or AMD processor, or a Mac with Apple silicon."
    )


def choose_interpreter(probes: list[tuple[list[str], bool, bool]]) -> list[str]:
    """Return the command of the first Python that can make the environment.

    Parameters
    ----------
    probes
        For each Python: its command, whether it is a 64-bit CPython 3.11, and whether it has the
        modules venv and ensurepip.

    Raises
    ------
    SetupError
        If none can.
    """
    fitting = [(command, has_venv) for command, is_311, has_venv in probes if is_311]
    for command, has_venv in fitting:
        if has_venv:
            return command
    if fitting:
        raise SetupError(
            "This Python 3.11 cannot make environments; on Debian or Ubuntu run "
            "`sudo apt install python3.11-venv` and try again."
        )
    raise SetupError(
        "Blender's Python packages need a 64-bit Python 3.11, which was not found; install it "
        "(from python.org, with your system's package manager as python3.11, or with "
        "`uv python install 3.11`), or run the script through Blender itself: "
        "`blender -b --python scripts/reconstruct.py -- PHOTO`."
    )


def _probe(command: list[str]) -> tuple[list[str], bool, bool]:
    try:
        answer = subprocess.run([*command, "-c", _PROBE], capture_output=True, text=True)
    except OSError:
        return command, False, False
    words = answer.stdout.split()
    return command, words[:1] == ["True"], words[1:] == ["True"]


def _find_interpreter() -> list[str]:
    # Not sys.executable, which may be that of the very environment to be made anew.
    running = [getattr(sys, "_base_executable", None) or sys.executable]
    other = ["py", "-3.11"] if os.name == "nt" else ["python3.11"]
    return choose_interpreter([_probe(running), _probe(other)])


def _has_cuda() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia").exists()


def torch_attempts(system: str, cuda: bool) -> list[list[str]]:
    """Return the pip arguments to try in turn for PyTorch.

    On Linux the plain package brings several gigabytes of CUDA libraries, so a machine without an
    NVIDIA card gets the CPU build.
    """
    if system != "Linux" or cuda:
        return [[f"torch=={TORCH}"]]
    build = f"torch=={TORCH}+cpu"
    return [["--no-deps", build], ["--no-deps", "--index-url", TORCH_CPU_INDEX, build]]


# Making it


def _prepare(blender: str, tests: bool, dataset: bool, batch: bool) -> Path:
    for folder in candidate_folders(blender):
        if is_current(folder, blender, tests, dataset, batch):
            return folder
    reason = unsupported_machine(platform.system(), platform.machine())
    if reason:
        raise SetupError(reason)
    folder = _choose_folder(blender)
    with _exclusive(folder.parent / f"{folder.name}.lock") as lock:
        # Another process may have made it while this one waited.
        if not is_current(folder, blender, tests, dataset, batch):
            try:
                _Setup(folder, blender, tests, dataset, batch, lock).run()
            except OSError as error:
                raise SetupError(explain(str(error), folder / _LOG)) from error
    return folder


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[BinaryIO]:
    """Hold the lock on a file; the system frees it when the holder and its pip have ended."""
    with open(path, "a+b") as file:
        if not try_lock(file):
            print("Another set-up of this environment is running; waiting.", file=sys.stderr)
            while not try_lock(file):
                time.sleep(0.5)
        yield file


def try_lock(file: BinaryIO) -> bool:
    """Take the lock on an open file, until it is closed; return whether it was free."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Setup:
    """One run of the set-up, from the first message to the state file."""

    def __init__(
        self, folder: Path, blender: str, tests: bool, dataset: bool, batch: bool, lock: BinaryIO
    ) -> None:
        self.folder = folder
        self.blender = blender
        self.tests = tests
        self.dataset = dataset
        self.batch = batch
        self.lock = lock
        self.log = folder / _LOG
        self.started = time.monotonic()

    def run(self) -> None:
        if is_broken(self.folder):
            self._make_venv()
        wanted = wanted_parts(self.blender, self.tests, self.dataset, self.batch)
        stale = stale_parts(self.folder, self.blender, self.tests, self.dataset, self.batch)
        locks = [name for name in stale if name.endswith(".txt")]
        if locks:
            names = {
                "packages.txt": "image and network libraries",
                "tests.txt": "the test tools",
                "dataset.txt": "the tools of training and of its data",
                "batch.txt": "the tools for many photos",
            }
            blender = f"Blender {BLENDERS[self.blender]}"
            self._say(f"Installing {', '.join(names.get(name, blender) for name in locks)}.")
            files = [word for name in locks for word in ("-r", str(LOCKS / name))]
            self._pip([["--require-hashes", "--no-deps", *files]])
            self._record({name: wanted[name] for name in locks})
        if "torch" in stale:
            self._say(f"Installing PyTorch {TORCH}.")
            self._pip(torch_attempts(platform.system(), _has_cuda()))
            self._record({"torch": wanted["torch"]})
        self._say("Checking that everything can be imported.")
        self._check_imports()
        self._record({"imports": wanted["imports"]})
        self._say("The environment is ready.")

    def _say(self, text: str) -> None:
        elapsed = time.monotonic() - self.started
        print(f"[{elapsed:4.0f} s] {text}", file=sys.stderr, flush=True)

    def _record(self, parts: dict[str, str], installing: bool = False) -> None:
        known = read_state(self.folder).get("parts", {})
        write_state(self.folder, self.blender, {**known, **parts}, installing)

    def _make_venv(self) -> None:
        interpreter = _find_interpreter()
        if self.folder.exists():
            if read_state(self.folder):
                self._say("An earlier set-up did not finish; starting it anew.")
            shutil.rmtree(self.folder)
        download, disk = (4, 9) if platform.system() == "Linux" and _has_cuda() else (0.8, 3)
        if shutil.disk_usage(self.folder.parent).free < disk * _GIGABYTE:
            raise SetupError(
                f"{self.folder.parent} needs {disk} GB of free space for the packages; free some "
                "and run the same command again."
            )
        self._say(
            f"Setting up Blender {BLENDERS[self.blender]} as a Python package and PyTorch in "
            f"{self.folder}: up to {download} GB to download, {disk} GB on disk, once only."
        )
        self.folder.mkdir()
        write_state(self.folder, self.blender, {}, installing=True)
        output = self._call([*interpreter, "-m", "venv", str(self.folder)])
        if output is not None:
            raise SetupError(explain(output, self.log))

    def _pip(self, attempts: list[list[str]]) -> None:
        """Run ``pip install`` with each list of arguments until one succeeds."""
        install = [
            str(venv_python(self.folder)), "-m", "pip", "install", "--no-input",
            "--disable-pip-version-check", "--progress-bar", "off", "--only-binary", ":all:",
        ]  # fmt: skip
        for arguments in attempts:
            self._record({}, installing=True)
            output = self._call([*install, *arguments])
            if output is None:
                return
            if "Installing collected packages" not in output:
                # pip gave up before it touched anything, so the environment is still sound.
                self._record({})
        raise SetupError(explain(output, self.log))

    def _check_imports(self) -> None:
        output = self._call([str(venv_python(self.folder)), "-c", IMPORT_CHECK])
        if output is not None:
            raise SetupError(explain(output, self.log))

    def _call(self, command: list[str]) -> str | None:
        """Run a command with its chatter in the log; return the chatter if it failed."""
        # A pip that outlives this process keeps the lock until it has ended.
        inherit = {} if os.name == "nt" else {"pass_fds": (self.lock.fileno(),)}
        with open(self.log, "ab") as log:
            start = log.tell()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **inherit
            )
        try:
            output = self._narrate(process, start)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        return output if process.returncode else None

    def _narrate(self, process: subprocess.Popen, start: int) -> str:
        """Retell the log in plain words while the process runs; return what it wrote."""
        output, told = "", 0
        last_word = time.monotonic()
        with open(self.log, encoding="utf-8", errors="replace", newline="") as log:
            log.seek(start)
            while True:
                ended = process.poll() is not None
                output += log.read()
                *lines, _unfinished = output[told:].split("\n")
                told += sum(len(line) + 1 for line in lines)
                news = [words for words in map(plain_words, lines) if words]
                if not news and time.monotonic() - last_word > 30:
                    news = ["Still working."]
                for words in news:
                    self._say(words)
                    last_word = time.monotonic()
                if ended:
                    return output
                time.sleep(0.3)


# What pip says, in plain words


def plain_words(line: str) -> str | None:
    """Return a line of pip's as a message for people; None for one that need not be told."""
    file = re.search(r"(Downloading|Using cached) (?:\S*/)?(\w+)-\S+ \((\d+)(?:\.\d+)? MB\)", line)
    if file and int(file[3]) >= 10:
        verb = "Downloading" if file[1] == "Downloading" else "Taking from pip's cache"
        return f"{verb} {file[2]} ({file[3]} MB)."
    if line.startswith("Installing collected packages:"):
        count = line.count(",") + 1
        return f"Unpacking {count} package{'s' if count > 1 else ''}."
    return None


def explain(output: str, log: Path) -> str:
    """Return what to do about a failed step, from what it wrote, with the end of that."""
    tail = "\n".join("    " + line for line in output.strip().splitlines()[-8:])
    return f"{tail}\n{_remedy(output)} (The whole log: {log})"


def _remedy(output: str) -> str:
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, output, re.IGNORECASE):
            return remedy
    if "cannot open shared object file" in output:
        return _library_remedy(output)
    return "The set-up failed; run the same command again, and report these lines if that fails."


_REMEDIES = (
    (
        r"no space left on device|not enough space on the disk|disk quota exceeded|errno 28\b",
        "The disk is full; free about 3 GB and run the same command again.",
    ),
    (
        r"name resolution|getaddrinfo failed|nodename nor servname|failed to establish a new "
        r"connection|network is unreachable|connection (?:timed out|refused|reset)|read timed out"
        r"|proxyerror|sslerror",
        "The package index could not be reached; connect this computer to the internet (or set "
        "HTTPS_PROXY) and run the same command again.",
    ),
    (
        r"do not match the hashes",
        "A downloaded file is not the one this project was locked to; run the same command with "
        "PIP_NO_CACHE_DIR=1 set, and do not use the package index if that fails too.",
    ),
    (
        r"long path support",
        "Windows refused a path of more than 260 letters; move the project to a short path such "
        "as C:\\face-depth and run the same command again.",
    ),
    (
        r"could not find a version|no matching distribution|not a supported wheel",
        "The package index has no build of that package for this system; update the operating "
        "system (macOS 14 or newer, or Linux with glibc 2.28 or newer) or check pip's index.",
    ),
    (
        r"dll load failed",
        "Windows lacks a library; install the Microsoft Visual C++ Redistributable (x64) and run "
        "the same command again.",
    ),
    (
        r"permission ?(?:error|denied)|access is denied|read-only file system",
        "A file could not be written; close other programs that use the environment, check the "
        "folder's permissions and run the same command again.",
    ),
)


def _library_remedy(output: str) -> str:
    missing = set(re.findall(r"(\S+\.so[.\d]*): cannot open shared object file", output))
    missing |= {name for name in DEBIAN_PACKAGES if not _is_loadable(name)}
    packages = sorted(DEBIAN_PACKAGES[name] for name in missing if name in DEBIAN_PACKAGES)
    if not packages:
        return f"Install the system libraries {', '.join(sorted(missing))} and try again."
    return (
        "System libraries that Blender needs are missing; on Debian or Ubuntu run "
        f"`sudo apt install {' '.join(packages)}` and run the same command again."
    )


def _is_loadable(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def end(code: int) -> None:
    """End the process.

    The bpy 4.2 package would crash in Python's own end, once properties that have an ``update``
    function were registered, or after a glTF export.
    """
    bpy = sys.modules.get("bpy")
    if bpy is None or bpy.app.binary_path:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)
    os._exit(code)
