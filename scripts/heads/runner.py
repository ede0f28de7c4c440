# SPDX-License-Identifier: GPL-3.0-or-later
"""Render samples in worker processes of this machine.

A worker gets one index at a time and sends the finished files back; only the parent writes to the
disk.  So the bytes do not depend on who rendered them, and a worker may die at any time.
"""

import contextlib
import importlib
import itertools
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from .sources import Sources

FACTORY = "heads.runner:head_renderer"
# Each worker has one core, so threads of the libraries would only get in each other's way.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_SECONDS_TO_DIE = 10

Render = Callable[[int], tuple[dict[str, bytes], dict]]
Result = tuple[int, dict[str, bytes], dict]


class RenderError(Exception):
    """A sample could not be rendered; the message says which and what to do."""


@dataclass(frozen=True)
class Job:
    """What to render, the same for all samples.

    Attributes
    ----------
    factory
        "module:function", which each worker calls once with the job.  What it returns renders the
        sample of an index, as bytes by the end of their file's name and the manifest's record.
    """

    seed: int
    size: int
    protocol: str
    sources: Sources
    device: str
    factory: str = FACTORY


def head_renderer(job: Job) -> Render:
    """Return what renders the people of a job."""
    from . import parameters, scene

    renderer = scene.Renderer(job.sources, job.size, job.device)

    def render(index: int) -> tuple[dict[str, bytes], dict]:
        return renderer.render(parameters.draw(job.seed, index, job.protocol, job.sources))

    return render


def make_renderer(job: Job) -> Render:
    """Call the factory of a job."""
    module, function = job.factory.split(":")
    return getattr(importlib.import_module(module), function)(job)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def silence_stdout() -> None:
    """Send what the process prints nowhere: Cycles tells every step of every render."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def render_locally(job: Job, indices: Iterable[int], workers: int) -> Iterator[Result]:
    """Render samples in ``workers`` processes; yield each when it is finished.

    A worker that dies is replaced, and its sample tried once more.

    Raises
    ------
    RenderError
        If a sample cannot be rendered.
    """
    waiting = iter(indices)
    retried = set()
    with contextlib.ExitStack() as stack:
        # Blender makes a folder for temporary files, and a worker that is killed leaves it.
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="face-depth-"))

        def hire(number: int) -> _Worker:
            worker = _Worker(job, scratch, number)
            stack.callback(worker.stop)
            return worker

        busy: dict[Connection, _Worker] = {}
        for number, index in enumerate(itertools.islice(waiting, workers)):
            hire(number).start(index, busy)
        while busy:
            for connection in wait(list(busy)):
                worker = busy.pop(connection)
                try:
                    files, record = connection.recv()
                except (EOFError, ConnectionError):
                    _check_retry(worker, retried)
                    hire(worker.number).start(worker.index, busy)
                    continue
                index, following = worker.index, next(waiting, None)
                if following is not None:
                    worker.start(following, busy)
                yield index, files, record


class _Worker:
    """A worker process, as the parent sees it."""

    def __init__(self, job: Job, scratch: str, number: int) -> None:
        # A fork of a process that runs threads may hang, and Windows has none.
        context = multiprocessing.get_context("spawn")
        self.number, self.index = number, -1
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, job, scratch, number), daemon=True
        )
        self._process.start()
        theirs.close()

    def start(self, index: int, busy: dict[Connection, "_Worker"]) -> None:
        """Hand out a sample, and enter the worker among the busy ones."""
        self.index = index
        busy[self._connection] = self
        with contextlib.suppress(ConnectionError):  # that it has died shows when it is listened to
            self._connection.send(index)

    def exit_code(self) -> int | None:
        """Wait for a process that has closed its connection; None if it does not end."""
        self._process.join(_SECONDS_TO_DIE)
        return self._process.exitcode

    def stop(self) -> None:
        """End the process, which has nothing to lose."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _check_retry(worker: _Worker, retried: set[int]) -> None:
    code, index = worker.exit_code(), worker.index
    if code is None or code > 0:  # an error in Python, which would only come again
        raise RenderError(f"Sample {index} could not be rendered; the worker's error stands above.")
    if index in retried:
        raise RenderError(
            f"Sample {index} could not be rendered, because its worker process was ended twice "
            f"(exit code {code}), perhaps for lack of memory; run the same command again with "
            "fewer --workers to go on."
        )
    retried.add(index)


def _work(connection: Connection, job: Job, scratch: str, number: int) -> None:
    """Serve as a worker until the parent ends it or has died."""
    _keep_to_core(number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees to it
    threading.Thread(target=_end_with_parent, args=(scratch,), daemon=True).start()
    silence_stdout()
    os.environ.update(_ONE_THREAD, TMPDIR=scratch, TEMP=scratch, TMP=scratch)
    with connection:
        render = make_renderer(job)
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                index = connection.recv()
                answer = render(index)
                connection.send(answer)


def _keep_to_core(number: int) -> None:
    """Keep this process to one core, where the system can.

    While Cycles renders with one thread, another waits for it without sleeping; on a core of its
    own it would take half the machine from the other workers.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def _end_with_parent(scratch: str) -> None:
    multiprocessing.parent_process().join()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)
