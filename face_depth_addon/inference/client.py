# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's side of the worker: start, feed, listen, cancel. No torch, no cv2, no bpy."""

import collections
import itertools
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core import errors
from .findings import Finding
from .protocol import read_message, write_message
from .request import AnyRequest, Downloaded

if TYPE_CHECKING:
    from ..core.fusion.fused import FusedHead
    from ..core.reconstruction import Reconstruction

log = logging.getLogger(__name__)

_MAIN = Path(__file__).resolve().parent / "worker_main.py"
_ALWAYS = {
    "HF_HUB_DISABLE_TELEMETRY": "1", "OPENCV_IO_ENABLE_OPENEXR": "1", "PYTHONIOENCODING": "utf-8",
}
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
_ONLINE = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
_PACKAGES = {"cv2": "opencv-python", "PIL": "pillow"}


class _Process:
    """A started worker and the three threads on its pipes."""

    def __init__(self, python: str, idle_seconds: float, online: bool):
        self.python = python
        self.ready = False
        self._inboxes: dict[int, queue.SimpleQueue] = {}
        self._ended = False
        self._lock = threading.Lock()
        self._outbox: queue.SimpleQueue = queue.SimpleQueue()
        self._last_words: collections.deque[str] = collections.deque(maxlen=40)
        hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        try:
            # Torch and OpenCV leave temporary files when their process ends at once.
            self._scratch = tempfile.TemporaryDirectory(
                prefix="face-depth-", ignore_cleanup_errors=True
            )
        except OSError as error:
            raise errors.WorkerError(
                f"The folder for temporary files cannot be written ({error.strerror or error})."
            ) from error
        try:
            self._popen = subprocess.Popen(
                [python, str(_MAIN)],
                env=_environment(python, idle_seconds, online, self._scratch.name),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                creationflags=hidden,
            )
        except OSError as error:
            self._scratch.cleanup()
            raise errors.WorkerError(
                f"The Python interpreter {python} cannot be started ({error.strerror or error}): "
                "set another one in the preferences (--python on the command line)."
            ) from error
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._reading = threading.Thread(target=self._read_errors, daemon=True)
        for thread in (
            self._listening, self._reading, threading.Thread(target=self._write, daemon=True)
        ):
            thread.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def alive(self) -> bool:
        return self._popen.poll() is None

    def open_inbox(self, job: int) -> queue.SimpleQueue:
        """Where the answers to a job arrive; None in it means that the worker has ended."""
        inbox = queue.SimpleQueue()
        with self._lock:
            self._inboxes[job] = inbox
            if self._ended:
                inbox.put(None)
        return inbox

    def send(self, header: dict, arrays: dict[str, np.ndarray] | None = None) -> None:
        self._outbox.put((header, arrays))

    def close(self) -> None:
        """End the process at once."""
        self._outbox.put(None)
        self._popen.kill()
        self._popen.wait()
        # A child of the interpreter may keep the pipes open for longer.
        self._listening.join(1.0)
        self._reading.join(1.0)
        self._scratch.cleanup()

    def why_it_ended(self) -> errors.FaceDepthError:
        """A sentence about an end that was not asked for."""
        self._reading.join(1.0)
        code = self._popen.wait()
        words = [line for line in self._last_words if line.strip()]
        log.warning("worker ended with %s: %s", code, "\n".join(words))
        last = words[-1].strip().rstrip(".") if words else f"exit code {code}"
        if last.startswith("missing module: "):
            module = last.removeprefix("missing module: ")
            return errors.WorkerError(
                f"The Python interpreter {self.python} lacks the package "
                f"{_PACKAGES.get(module, module)}: install it there, or set another interpreter "
                "in the preferences (--python on the command line)."
            )
        if last.startswith("broken module: "):
            reason = last.removeprefix("broken module: ")
            return errors.WorkerError(
                f"A package of the Python interpreter {self.python} cannot be loaded ({reason}): "
                "install it again, or set another interpreter in the preferences (--python on "
                "the command line)."
            )
        if not self.ready:
            return errors.WorkerError(
                f"The Python interpreter {self.python} could not run the worker ({last}): "
                "set another one in the preferences (--python on the command line)."
            )
        if code < 0:
            last = f"signal {signal.Signals(-code).name}"
        return errors.WorkerError(
            f"The worker process stopped unexpectedly ({last}), perhaps for lack of memory; "
            "the next click starts a new one."
        )

    def _write(self) -> None:
        try:
            with self._popen.stdin as pipe:
                while (message := self._outbox.get()) is not None:
                    write_message(pipe, *message)
        except OSError:
            # The listener sees the same end and tells the user.
            return

    def _listen(self) -> None:
        with self._popen.stdout as pipe:
            try:
                while (message := read_message(pipe)) is not None:
                    self._deliver(message)
            except (ValueError, KeyError, TypeError, AttributeError):
                # Another program than our worker, which need not end by itself.
                self._last_words.append("it does not answer as Python would")
                self._popen.kill()
        with self._lock:
            self._ended = True
            for inbox in self._inboxes.values():
                inbox.put(None)

    def _deliver(self, message: tuple[dict, dict[str, np.ndarray]]) -> None:
        header = message[0]
        if header["type"] == "ready":
            self.ready = True
            return
        with self._lock:
            last = header["type"] in {"result", "error"}
            take = self._inboxes.pop if last else self._inboxes.get
            take(header["job"]).put(message)

    def _read_errors(self) -> None:
        with self._popen.stderr as pipe:
            for line in pipe:
                self._last_words.append(line.decode(errors="replace").rstrip())


def default_python() -> str:
    """The interpreter that runs this code, also when Blender hosts it."""
    executable = Path(sys.executable)
    if "python" in executable.name.lower():
        return str(executable)
    name = "python.exe" if os.name == "nt" else f"python3.{sys.version_info.minor}"
    return str(Path(sys.prefix) / "bin" / name)


def _environment(
    python: str, idle_seconds: float, online: bool, scratch: str
) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _OFFLINE}
    reach = _ONLINE if online else _OFFLINE
    environment = {**inherited, **_ALWAYS, **reach, "FACE_DEPTH_IDLE": str(idle_seconds)}
    places = ("FACE_DEPTH_SCRATCH", "TMPDIR", "TEMP", "TMP", "OPENCV_TEMP_PATH")
    environment |= {name: scratch for name in places}
    environment.pop("PYTHONHOME", None)
    if python == default_python():
        # Wheels of an extension lie where only Blender's own sys.path points.
        environment["FACE_DEPTH_PATH"] = os.pathsep.join(sys.path)
    return environment


class WorkerClient:
    """Keeps at most one worker process, started when first needed.

    Parameters
    ----------
    python : str
        Interpreter; empty for the one that runs Blender.
    idle_seconds : float
        After how long without a job the worker ends itself.
    online : bool
        It may reach the network; it then takes a `DownloadRequest`, and nothing else.
    """

    def __init__(self, python: str = "", idle_seconds: float = 300.0, online: bool = False):
        self.python = python or default_python()
        self.idle_seconds = idle_seconds
        self.online = online
        self._process: _Process | None = None
        self._numbers = itertools.count(1)

    @property
    def pid(self) -> int | None:
        """Process id of the running worker."""
        return self._process.pid if self._process and self._process.alive() else None

    def submit(self, request: AnyRequest) -> "Job":
        """Queue a job; returns at once.

        Raises
        ------
        WorkerError
            The interpreter cannot be started.
        """
        return Job(self, request, next(self._numbers))

    def running_process(self) -> _Process:
        """The warm worker, or a new one.

        Raises
        ------
        WorkerError
            The interpreter cannot be started.
        """
        if self._process is None or not self._process.alive():
            self.close()
            self._process = _Process(self.python, self.idle_seconds, self.online)
        return self._process

    def drop(self, process: _Process) -> None:
        """End a worker, if it is still the current one."""
        if self._process is process:
            self.close()

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.close()
            self._process = None


class Job:
    """A submitted request; ask it again and again with `poll`.

    Attributes
    ----------
    label : str
        What is being done, for people.
    fraction : float
        Progress, 0 to 1.
    result : Reconstruction, FusedHead, Downloaded, list of Finding, or None
        By the request's kind; None until it is there.
    """

    def __init__(self, client: WorkerClient, request: AnyRequest, number: int):
        self.result: Reconstruction | FusedHead | Downloaded | list[Finding] | None = None
        self._client, self._request, self._number = client, request, number
        self._submit()

    def poll(self, timeout: float = 0.0) -> bool:
        """Take what the worker has said.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the next message.

        Returns
        -------
        bool
            True when `result` is there.

        Raises
        ------
        FaceDepthError
            What went wrong, in one sentence.
        """
        while self.result is None:
            try:
                message = self._inbox.get(timeout > 0.0, timeout or None)
            except queue.Empty:
                return False
            timeout = 0.0
            if message is None:
                self._worker_ended()
            else:
                self._take(*message)
        return True

    def cancel(self) -> None:
        """Forget the job; the worker stops at its next stage and stays warm."""
        self._process.send({"type": "cancel", "job": self._number})

    def _submit(self) -> None:
        header, arrays = self._request.message()
        self._process = self._client.running_process()
        self._inbox = self._process.open_inbox(self._number)
        self._was_warm, self._answered = self._process.ready, False
        self.label = "Waiting for the worker" if self._was_warm else "Starting the worker"
        self.fraction = 0.02
        self._process.send({**header, "job": self._number}, arrays)

    def _worker_ended(self) -> None:
        reason = self._process.why_it_ended()
        self._client.drop(self._process)
        if not self._was_warm or self._answered:
            raise reason
        # It ended for idleness in the moment the job came.
        self._submit()

    def _take(self, header: dict, arrays: dict[str, np.ndarray]) -> None:
        self._answered = True
        if header["type"] == "progress":
            self.label, self.fraction = header["label"], header["fraction"]
        elif header["type"] == "error":
            kind = getattr(errors, header["kind"])
            if issubclass(kind, errors.TorchError):
                # A new process sees packages that have been installed since.
                self._client.drop(self._process)
            raise kind(header["message"])
        else:
            self.label, self.fraction = self._request.next_label, 1.0
            self.result = self._request.result(header, arrays)
