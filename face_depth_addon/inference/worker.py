# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process: takes jobs on standard input, answers on standard output.

It keeps the models warm between jobs, and ends itself when idle for long or when the
process that started it goes.
"""

import logging
import os
import queue
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")

from ..core.depth.depth_file import write_depth
from ..core.errors import Cancelled, DownloadError, FaceDepthError, ModelError, WorkerError
from ..core.pipeline import Clock, Options, Pipeline, photo_depth
from .cards import MODELS, read_cards
from .depth_sources import Checked
from .fused_message import pack_head
from .protocol import read_message, write_message
from .registry import find_model, is_landmarks, load_model
from .running import Running
from .sources import read_photo

if TYPE_CHECKING:
    from .fuse_job import Kept

log = logging.getLogger(__name__)


class Worker:
    """Serves one parent process.

    Parameters
    ----------
    incoming, outgoing : binary file
    idle_seconds : float
        How long it waits for the next job before it ends.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, idle_seconds: float):
        self._incoming, self._outgoing = incoming, outgoing
        self._idle_seconds = idle_seconds
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._pipeline = Pipeline(MODELS)
        self._loader = ThreadPoolExecutor(1)
        self._network: tuple[Checked, Running, Future] | None = None
        self._kept: Kept | None = None

    def serve(self) -> None:
        """Work off jobs until idle for too long."""
        threading.Thread(target=self._read, daemon=True).start()
        write_message(self._outgoing, {"type": "ready"})
        while True:
            try:
                header, arrays = self._jobs.get(timeout=self._idle_seconds)
            except queue.Empty:
                return
            self._answer(header, arrays)

    def _read(self) -> None:
        """Queue jobs as they come; the parent's end is ours, whatever is being computed."""
        while (message := read_message(self._incoming)) is not None:
            header, arrays = message
            if header["type"] == "cancel":
                self._cancelled.add(header["job"])
            else:
                self._jobs.put((header, arrays))
        _end()

    def _answer(self, header: dict, arrays: dict[str, np.ndarray]) -> None:
        job = header["job"]
        try:
            answer, arrays = self._run(header, arrays)
        except FaceDepthError as error:
            answer = {"type": "error", "kind": type(error).__name__, "message": str(error)}
            arrays = {}
        except MemoryError:
            answer = {
                "type": "error", "kind": "WorkerError",
                "message": "There is too little memory for this photo: make it smaller.",
            }
            arrays = {}
        except Exception as error:  # the boundary: whatever happens, the parent gets a sentence
            log.exception("job %s", job)
            answer = {
                "type": "error", "kind": "WorkerError",
                "message": f"The worker failed unexpectedly ({type(error).__name__}: {error}).",
            }
            arrays = {}
        self._cancelled.discard(job)
        write_message(self._outgoing, {**answer, "job": job}, arrays)

    def _run(
        self, header: dict, arrays: dict[str, np.ndarray]
    ) -> tuple[dict, dict[str, np.ndarray]]:
        job = header["job"]

        def report(label: str, fraction: float) -> None:
            if job in self._cancelled:
                raise Cancelled("Cancelled.")
            write_message(self._outgoing, {
                "type": "progress", "job": job, "label": label, "fraction": fraction,
            })

        online = os.environ.get("HF_HUB_OFFLINE") != "1"
        if header["type"] == "download":
            if not online:
                raise DownloadError(
                    "This worker has no access to the network: start the download in the Face "
                    "Depth panel, or by --download."
                )
            return _download(header, report)
        if header["type"] == "check":
            report("Looking at the packages", 0.3)
            return _check(header)
        if online:
            raise WorkerError("The worker that downloads models takes no photos.")
        network = self._start_loading(header)
        run = self._fuse if header["type"] == "fuse" else self._reconstruct
        answer, arrays = run(header, arrays, network, report)
        report("Sending the result", 0.98)
        answer["info"] |= {
            "model": header["model"], "worker_python": sys.version.split()[0],
            "device": network.result().device if network else "cpu", "versions": _versions(),
            "worker_peak_mb": _peak_megabytes(),
        }
        return {**answer, "type": "result"}, arrays

    def _reconstruct(
        self, header: dict, arrays: dict[str, np.ndarray], network: Future | None,
        report: Callable[[str, float], None],
    ) -> tuple[dict, dict[str, np.ndarray]]:
        clock = Clock(report)
        clock.enter("photo", "Reading the photo", 0.1)
        photo = read_photo(header["photo"], arrays)
        result = self._pipeline.run(
            photo, network.result if network else lambda: None,
            Options(**header["options"]), clock,
        )
        if header.get("depth_output"):
            clock.enter("output", "Writing the depth map", 0.9)
            depth_file = Path(header["depth_output"])
            write_depth(depth_file, photo_depth(result), result.metres_per_pixel)
            clock.finish()
        crop = result.crop
        return (
            {
                "info": dict(result.info), "crop": [crop.x, crop.y, crop.side, crop.roll],
                "metres_per_pixel": result.metres_per_pixel,
            },
            {
                "depth": result.depth, "subject": result.subject, "matte": result.matte,
                "rgb": result.rgb, "origin": result.origin,
                **{
                    f"pictures.{name}": np.frombuffer(data, np.uint8)
                    for name, data in vars(result.pictures).items()
                },
                **({} if result.landmarks is None else {"landmarks": result.landmarks}),
            },
        )

    def _fuse(
        self, header: dict, arrays: dict[str, np.ndarray], network: Future | None,
        report: Callable[[str, float], None],
    ) -> tuple[dict, dict[str, np.ndarray]]:
        # Few workers ever fuse.
        from ..core.fusion.fuse import FuseOptions
        from .fuse_job import FuseJob, Kept, fuse_photos

        if self._kept is None:
            self._kept = Kept()
        sources = [(photo, {}) for photo in header["photos"]]
        for name, array in arrays.items():
            number, _, kind = name.partition(".")
            sources[int(number)][1][kind] = array
        job = FuseJob(
            sources, network.result if network else lambda: None, header["model"],
            _running(header), Options(**header["options"]), FuseOptions(**header["fusion"]),
        )
        head = fuse_photos(self._pipeline, job, self._kept, report)
        answer, arrays = pack_head(head)
        return {**answer, "info": dict(head.info)}, arrays

    def _start_loading(self, header: dict) -> Future | None:
        """Load a model beside the rest of the job, unless it is loaded already."""
        if is_landmarks(header["model"]):
            return None
        checked = find_model(header["model"], header["models"])
        running = _running(header)
        if self._network is None or self._network[:2] != (checked, running) or (
            self._network[2].done() and self._network[2].exception()
        ):
            # Two large models at once may be more than the memory holds.
            self._network = None
            self._network = checked, running, self._loader.submit(load_model, checked, running)
        return self._network[2]


def _download(
    header: dict, report: Callable[[str, float], None]
) -> tuple[dict, dict[str, np.ndarray]]:
    # Few workers ever download.
    from .download import fetch

    card = read_cards().get(header["card"])
    if card is None:
        raise ModelError(f"There is no depth model called {header['card']}.")
    downloaded = fetch(card, report)
    return {"type": "result", "path": str(downloaded.path), "bytes": downloaded.bytes}, {}


def _check(header: dict) -> tuple[dict, dict[str, np.ndarray]]:
    # Few workers are ever asked.
    from .diagnosis import look

    return {"type": "result", "findings": [vars(found) for found in look(header["models"])]}, {}


def _running(header: dict) -> Running:
    return Running(device=header["device"], **header["running"])


def _versions() -> dict[str, str]:
    names = ("numpy", "cv2", "PIL", "torch", "transformers", "diffusers", "onnxruntime")
    return {
        name: str(sys.modules[name].__version__) for name in names if name in sys.modules
    }


def _peak_megabytes() -> float | None:
    """Peak resident memory of this process; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def main() -> None:
    """Serve on the standard streams; whatever libraries print goes to standard error."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if os.environ.get("FACE_DEPTH_LOG"):
        handlers.append(logging.FileHandler(os.environ["FACE_DEPTH_LOG"], encoding="utf-8"))
    logging.basicConfig(
        handlers=handlers, level=logging.WARNING,
        format="%(asctime)s worker %(name)s %(levelname)s: %(message)s",
    )
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    Worker(sys.stdin.buffer, outgoing, float(os.environ["FACE_DEPTH_IDLE"])).serve()
    _end()


def _end() -> None:
    """End the process, whatever its other threads are doing inside torch."""
    shutil.rmtree(os.environ["FACE_DEPTH_SCRATCH"], ignore_errors=True)
    os._exit(0)
