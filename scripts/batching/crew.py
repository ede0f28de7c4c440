# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers of a batch: Ray actors, each with a few photos in flight, made anew when they die."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .actor import Answer, Reconstructor, Task
from .errors import BatchError, UsageError

# Ray reports its use over the network unless this says no before it is imported.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray  # noqa: E402

_STORE_BYTES = 100 * 1024**2
# Of an actor with Blender and of its depth worker with the bundled model.
_ACTOR_BYTES = 1_300_000_000
_SECONDS_TO_ANSWER = 10
# One is worked on and one waits, so that no worker waits for the driver.
_IN_FLIGHT = 2
_MOST_STILLBORN = 5
_PREFIX = "fd-"
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"
)
# Unix sockets have short names: Ray's own part of the path takes about 70 of 104 letters.
_LONGEST_TEMPORARY = 30


@dataclass(frozen=True)
class Death:
    """A worker has died over a task.

    Attributes
    ----------
    blamed : bool
        It was at work on it, and not before or after.
    """

    blamed: bool


@dataclass
class _Place:
    """Where one actor after the other runs."""

    cores: list[int]
    actor: object = None
    ready: object = None
    was_ready: bool = False
    flying: deque = field(default_factory=deque)  # of (reference, task)


class Crew:
    """Workers on this machine or on a cluster, for a ``with`` block.

    They start with the first task, so that nothing starts where there is nothing to do.

    Parameters
    ----------
    address : str or None
        Of a cluster; None for Ray of our own on this machine, which ends with the block.
    workers : int or None
        How many on this machine; None for as many as cores and memory allow.
    threads : int
        Cores for each.
    graphics : bool
        Let each have a graphics card, where there are any.
    paths : list of str
        Where the workers import this project from.
    note : callable
        Takes the folder of Ray's temporary files as soon as there is one.
    """

    def __init__(
        self, address: str | None, workers: int | None, threads: int, graphics: bool,
        paths: list[str], note: Callable[[str], object],
    ):
        self._address, self._workers, self._threads = address, workers, threads
        self._graphics, self._paths, self._note = graphics, paths, note
        self._folder = None
        self._places: list[_Place] = []
        self._stillborn = 0

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers at once, and Ray where it is ours."""
        for place in self._places:
            ray.kill(place.actor)
        ray.shutdown()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def wants(self) -> bool:
        """Whether a worker could take another photo."""
        places = self._places
        return not places or any(len(place.flying) < _IN_FLIGHT for place in places)

    def take(self, task: Task) -> None:
        """Give a task to the worker that has least to do.

        Raises
        ------
        BatchError
            Ray or the cluster cannot be used.
        """
        if not self._places:
            self._start()
        place = min(self._places, key=lambda place: len(place.flying))
        place.flying.append((place.actor.reconstruct.remote(task), task))

    def finished(self, seconds: float) -> Iterator[tuple[Task, Answer | Death]]:
        """What has ended, after waiting for something to end.

        Parameters
        ----------
        seconds : float
            How long to wait at most.

        Raises
        ------
        BatchError
            Workers do not even start.
        """
        first = {place.flying[0][0]: place for place in self._places if place.flying}
        if not first:
            return
        ended, _ = ray.wait(list(first), num_returns=1, timeout=seconds)
        for reference in ended:
            place = first[reference]
            try:
                answer = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                answer = Answer(f"The photo failed unexpectedly ({_last_line(error)}).", "Error")
                sys.stderr.write(f"{error}\n")
            except ray.exceptions.RayError as error:
                yield from self._replace(place, error)
                continue
            place.was_ready, self._stillborn = True, 0
            _, task = place.flying.popleft()
            yield task, answer

    def _start(self) -> None:
        threads, cores = self._threads, _own_cores()
        self._connect(self._workers or max(1, len(cores) // threads))
        there = ray.cluster_resources()
        cards = int(there.get("GPU", 0)) if self._graphics else 0
        size = self._workers
        if not size:
            size = int(there.get("CPU", 1)) // threads
            size = min(size, cards or size, int(there.get("memory", 0) // _ACTOR_BYTES))
            size = max(1, size)
        self._kind = ray.remote(
            num_cpus=threads, num_gpus=min(1.0, cards / size), max_restarts=0
        )(Reconstructor)
        # Cores of another machine have other numbers, and too few are better left to the system.
        pinned = self._address is None and size * threads <= len(cores)
        self._places = [
            _Place(cores[i * threads:(i + 1) * threads] if pinned else []) for i in range(size)
        ]
        for place in self._places:
            self._man(place)

    def _connect(self, workers: int) -> None:
        variables = dict.fromkeys(_THREAD_VARIABLES, str(self._threads))
        # Or each of Ray's many threads would keep memory of its own, which adds up over photos.
        variables["MALLOC_ARENA_MAX"] = "2"
        variables["PYTHONPATH"] = os.pathsep.join(self._paths)
        on_end = signal.getsignal(signal.SIGTERM)
        try:
            if self._address:
                _knock(self._address)
                options = {"runtime_env": {"env_vars": variables}}
            else:
                # What Ray starts here inherits them, sooner than Ray would hand them out.
                os.environ.update(variables)
                self._folder = tempfile.mkdtemp(prefix=_PREFIX, dir=_short_temporary())
                self._note(self._folder)
                options = {
                    "num_cpus": workers * self._threads, "include_dashboard": False,
                    "object_store_memory": _STORE_BYTES, "_temp_dir": self._folder,
                }
            ray.init(
                self._address or "local", log_to_driver=False, logging_level="ERROR", **options
            )
        except (OSError, RuntimeError, ValueError) as error:
            if self._address:
                raise UsageError(
                    f"No Ray cluster answers at {self._address}, or it wants a token, which "
                    "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN give; start one with `ray start "
                    "--head`, or leave --ray out for this machine alone."
                ) from error
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise BatchError(f"Ray could not be started ({reason}).") from error
        # Ray would end this process without a word.
        signal.signal(signal.SIGTERM, on_end)

    def _replace(
        self, place: _Place, error: Exception
    ) -> Iterator[tuple[Task, Death]]:
        tasks = [task for _, task in place.flying]
        place.flying.clear()
        place.was_ready = place.was_ready or _has_value(place.ready)
        if not place.was_ready:
            self._stillborn += 1
            if self._stillborn >= _MOST_STILLBORN:
                raise BatchError(
                    f"No worker could start, {self._stillborn} times in a row "
                    f"({_last_line(error)}); perhaps there is too little memory for --workers, or "
                    "a machine lacks this project."
                )
        blamed = place.was_ready
        ray.kill(place.actor)
        self._man(place)
        for task in tasks:
            yield task, Death(blamed)
            blamed = False

    def _man(self, place: _Place) -> None:
        place.actor = self._kind.remote(place.cores)
        place.ready = place.actor.ready.remote()
        place.was_ready = False


def remove_leftovers(folder: str) -> bool:
    """Remove the temporary files of a Ray that was killed; whether they are gone."""
    if Path(folder).name.startswith(_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
    return not Path(folder).exists()


def _has_value(reference) -> bool:
    try:
        ray.get(reference, timeout=0)
    except (ray.exceptions.RayError, TimeoutError):
        return False
    return True


def _own_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _short_temporary() -> str:
    usual = tempfile.gettempdir()
    return "/tmp" if os.name == "posix" and len(usual) > _LONGEST_TEMPORARY else usual


def _knock(address: str) -> None:
    """Raise OSError if nobody listens at host:port; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip().rstrip(".")
