# SPDX-License-Identifier: GPL-3.0-or-later
"""Render samples on a Ray cluster: one task per chunk of samples.

The tasks send the finished files back and the driver writes them, as it does when it renders
locally, so no disk need be shared.  Every machine of the cluster must have this project, its
environment and the sources at the same paths as the driver's.
"""

import itertools
import os
import platform
import socket
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache

from . import manifest, sources
from .runner import Job, Render, RenderError, Result, make_renderer, silence_stdout

# Ray reports its use over the network unless this says no before it is imported.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray  # noqa: E402

LOCAL = "local"
_CHUNK = 8
_RETRIES = 3
_STORE_BYTES = 256 * 1024**2
_SECONDS_TO_ANSWER = 10

Tools = tuple[tuple[str, str], ...]


class Cluster:
    """A connection to a Ray cluster, for a ``with`` block.

    Parameters
    ----------
    address
        What ``ray.init`` takes, such as "auto" or "10.0.0.1:6379"; "local" starts a cluster on
        this machine and ends it with the block.
    workers
        Worker processes of a local cluster; of another one, how many of its cores to use at most.

    Attributes
    ----------
    cores
        How many cores share the work.

    Raises
    ------
    RenderError
        If no cluster answers.
    """

    def __init__(self, address: str, workers: int | None) -> None:
        options = {
            "num_cpus": workers, "include_dashboard": False, "object_store_memory": _STORE_BYTES,
        } if address == LOCAL else {}  # fmt: skip
        # The workers import this package from where the driver does.
        imports = {"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}}
        try:
            _knock(address)
            ray.init(
                address, runtime_env=imports, log_to_driver=False, logging_level="ERROR", **options
            )
        except (OSError, RuntimeError) as error:
            raise RenderError(
                f"No Ray cluster answers at {address}; start one with `ray start --head`, or use "
                "one on this machine with `--ray local`."
            ) from error
        there = int(ray.cluster_resources().get("CPU", 1))
        self.cores = min(workers or there, there)
        # More chunks than cores, so that no core waits for the driver; not where some must be free.
        self._at_once = 2 * there if self.cores == there else self.cores

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    def render(self, job: Job, indices: Sequence[int]) -> Iterator[Result]:
        """Render samples; yield each when its chunk is finished.

        A chunk whose worker or machine dies is rendered anew, by another.

        Raises
        ------
        RenderError
            If a sample cannot be rendered.
        """
        size = max(1, min(_CHUNK, len(indices) // self._at_once))
        chunks = iter([indices[start : start + size] for start in range(0, len(indices), size)])
        tools = tuple(manifest.tool_versions().items())
        pending = {}

        def hand_out(count: int) -> None:
            for chunk in itertools.islice(chunks, count):
                pending[_render_chunk.remote(job, tools, chunk)] = chunk

        hand_out(self._at_once)
        while pending:
            (ready,), _ = ray.wait(list(pending), num_returns=1)
            results = _results(ready, pending.pop(ready))
            hand_out(1)
            yield from results


def _knock(address: str) -> None:
    """Raise OSError if nobody listens at host:port; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()


def _results(reference: ray.ObjectRef, chunk: Sequence[int]) -> list[Result]:
    name = f"A sample of {chunk[0]} to {chunk[-1]}"
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        print(error, file=sys.stderr)
        raise RenderError(
            f"{name} could not be rendered; the worker's error stands above."
        ) from None
    except ray.exceptions.RayError as error:
        raise RenderError(
            f"{name} could not be rendered, because its worker process was ended "
            f"{_RETRIES + 1} times, perhaps for lack of memory; run the same command again with "
            "fewer cores to go on."
        ) from error


@lru_cache(maxsize=1)
def _renderer(job: Job, tools: Tools) -> Render:
    """Return this worker's renderer; refuse on a machine that would render something else."""
    without = set(sources.OPTIONAL) - dict(job.sources.digests).keys()
    digests = sources.find(job.sources.folder, without).digests
    if (digests, tuple(manifest.tool_versions().items())) != (job.sources.digests, tools):
        raise RenderError(
            f"The machine {platform.node()} has other sources or other versions of packages than "
            "the one that started the run; make them equal."
        )
    silence_stdout()
    return make_renderer(job)


@ray.remote(num_cpus=1, max_retries=_RETRIES)
def _render_chunk(job: Job, tools: Tools, chunk: Sequence[int]) -> list[Result]:
    render = _renderer(job, tools)
    return [(index, *render(index)) for index in chunk]
