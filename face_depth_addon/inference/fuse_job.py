# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's part of fusing photos: depth of each, then one head of all that can be used."""

import collections
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from ..core.depth.predicted import DepthSource
from ..core.errors import (
    Cancelled,
    DeviceError,
    FaceDepthError,
    FusionError,
    ModelError,
    NoFaceError,
    WorkerError,
)
from ..core.fusion.fuse import FuseOptions, fuse
from ..core.fusion.fused import FusedHead, PhotoCloud, PhotoReport
from ..core.fusion.limits import MOST_PHOTOS
from ..core.fusion.video import MOST_FRAMES, choose_frames
from ..core.photo import Photo
from ..core.pipeline import Clock, Options, Pipeline
from ..core.reconstruction import Reconstruction
from .running import Running
from .sources import is_video, name_of, read_photo

Report = Callable[[str, float], None]

# No other photo would fare better.
_ENDS_THE_JOB = (Cancelled, ModelError, DeviceError, WorkerError)
# Of the whole job's progress, where its parts end; without videos theirs is left out.
_START, _VIDEOS_END, _PHOTOS_END, _FUSION_END = 0.02, 0.15, 0.7, 0.97


@dataclass(frozen=True)
class FuseJob:
    """What a worker is to fuse.

    Attributes
    ----------
    sources : sequence of (dict, dict of ndarray)
        The ``photo`` and the ``arrays`` of a request each.
    source : callable
        Gives the network when it is needed; None means landmarks alone.
    model : str
    running : Running
        What that network is.
    options : Options
        For each photo.
    fusion : FuseOptions
    """

    sources: Sequence[tuple[dict, dict[str, np.ndarray]]]
    source: Callable[[], DepthSource | None]
    model: str
    running: Running
    options: Options
    fusion: FuseOptions


class Kept:
    """The reconstructions of late, so that one more photo takes the time of one.

    Parameters
    ----------
    most : int
        How many are kept.
    """

    def __init__(self, most: int = MOST_PHOTOS):
        self._most = most
        self._results: collections.OrderedDict[str, Reconstruction] = collections.OrderedDict()

    def get(self, key: str) -> Reconstruction | None:
        if key in self._results:
            self._results.move_to_end(key)
        return self._results.get(key)

    def add(self, key: str, result: Reconstruction) -> None:
        self._results[key] = result
        while len(self._results) > self._most:
            self._results.popitem(last=False)


def fuse_photos(pipeline: Pipeline, job: FuseJob, kept: Kept, report: Report) -> FusedHead:
    """One head of several photos.

    Parameters
    ----------
    pipeline : Pipeline
    job : FuseJob
    kept : Kept
        Takes the photos' reconstructions, and has those of earlier jobs.
    report : callable
        ``report(label, fraction)``, which may raise `Cancelled`.

    Returns
    -------
    FusedHead
        Its photos are those that were given, in their order, a video's frames in its place.

    Raises
    ------
    FusionError
        There are too many photos, or too few that can be used.
    FaceDepthError
        What would be the same for all photos: of the model, the device or the worker.
    """
    if len(job.sources) > MOST_PHOTOS:
        raise FusionError(
            f"One head is made of {MOST_PHOTOS} photos at most, and these are "
            f"{len(job.sources)}: leave some out."
        )
    begun = perf_counter()
    given = _with_frames(pipeline, job.sources, report)
    start = _VIDEOS_END if any(is_video(source) for source, _ in job.sources) else _START
    reports: list[PhotoReport] = []
    results: dict[int, Reconstruction] = {}
    for number, photo in enumerate(given):
        step = (_PHOTOS_END - start) / len(given)
        of_photo = _part(
            report, f"Photo {number + 1} of {len(given)}: ", start + number * step, step
        )
        said, result = _reconstruct(pipeline, job, kept, photo, of_photo)
        if result is not None:
            results[number] = result
        reports.append(said)
    inferred = perf_counter() - begun
    left_out = [said.told for said in reports if said.reason]
    if len(results) < 2:
        raise FusionError(" ".join([_too_few(len(results), len(reports)), *left_out]))
    of_fusion = _part(report, "", _PHOTOS_END, _FUSION_END - _PHOTOS_END)
    try:
        head = fuse(list(results.values()), job.fusion, of_fusion)
    except FusionError as error:
        raise FusionError(" ".join([str(error), *left_out])) from error
    head = replace(head, info={**head.info, "notes": _notes(list(results.values()))})
    return _among(head, reports, np.array(list(results), np.int32), inferred)


@dataclass(frozen=True)
class _Given:
    """A photo still to be read; ``read`` may raise what keeps it from being used."""

    name: str
    read: Callable[[], Photo]


def _with_frames(
    pipeline: Pipeline, sources: Sequence[tuple[dict, dict[str, np.ndarray]]], report: Report
) -> list[_Given]:
    """All photos, with frames in the place of each video."""
    videos = sum(is_video(source) for source, _ in sources)
    room = (MOST_PHOTOS - len(sources)) // videos + 1 if videos else 0
    share = (_VIDEOS_END - _START) / max(videos, 1)
    given, looked = [], 0
    for source, arrays in sources:
        if is_video(source):
            looking = _part(report, "", _START + looked * share, share)
            given += _frames(pipeline, source["path"], min(room, MOST_FRAMES), looking)
            looked += 1
        else:
            given.append(_Given(name_of(source), partial(read_photo, source, arrays)))
    return given


def _frames(pipeline: Pipeline, path: str, count: int, report: Report) -> list[_Given]:
    try:
        frames = choose_frames(path, pipeline.find_faces, count, report)
    except _ENDS_THE_JOB:
        raise
    except FaceDepthError as error:
        return [_Given(Path(path).name, partial(_fail, error))]
    return [_Given(frame.name, partial(_itself, frame)) for frame in frames]


def _fail(error: FaceDepthError) -> Photo:
    raise error


def _itself(photo: Photo) -> Photo:
    return photo


def _part(report: Report, prefix: str, begin: float, length: float) -> Report:
    """Progress of a part as that of the whole job."""

    def of_part(label: str, fraction: float) -> None:
        report(f"{prefix}{label}", begin + length * fraction)

    return of_part


def _reconstruct(
    pipeline: Pipeline, job: FuseJob, kept: Kept, given: _Given, report: Report
) -> tuple[PhotoReport, Reconstruction | None]:
    """What is to be said of one photo, and its depth if it can be used."""
    said = PhotoReport(given.name, used=False)
    try:
        clock = Clock(report)
        clock.enter("photo", "Reading the photo", 0.0)
        photo = given.read()
        said = PhotoReport(photo.name, used=True, digest=photo.digest)
        key = json.dumps([photo.digest, job.model, vars(job.running), vars(job.options)])
        result = kept.get(key)
        if result is None:
            result = pipeline.run(photo, job.source, job.options, clock)
            kept.add(key, result)
    except _ENDS_THE_JOB:
        raise
    except NoFaceError:
        # The error's own advice is for a photo alone.
        reason = f"No face that can be used was found in {said.photo}."
        return replace(said, used=False, reason=reason), None
    except FaceDepthError as error:
        return replace(said, used=False, reason=str(error)), None
    # The same file may have come under another name before.
    return said, replace(result, info={**result.info, "photo": photo.name})


def _too_few(usable: int, count: int) -> str:
    told = "none" if not usable else "only one"
    given = "one photo was given" if count == 1 else f"of {count} photos {told} can be used"
    return f"A head is made of two photos or more, but {given}."


def _notes(results: list[Reconstruction]) -> list[str]:
    """What is to be known of the photos' depth, each once, with the photo if it is of one."""
    photos: dict[str, list[str]] = {}
    for result in results:
        for note in result.info["notes"]:
            photos.setdefault(note, []).append(result.info["photo"])
    return [
        note if len(told) > 1 else f"{told[0]}: {note}" for note, told in photos.items()
    ]


def _among(
    head: FusedHead, reports: list[PhotoReport], places: np.ndarray, inferred: float
) -> FusedHead:
    """A head of some photos as one of all: ``places`` says which of all they are."""
    photos = list(reports)
    for place, said in zip(places, head.photos, strict=True):
        photos[place] = said

    def moved(cloud: PhotoCloud) -> PhotoCloud:
        return replace(cloud, photo=places[cloud.photo])

    timings = {"inference": inferred, **head.info.get("timings", {})}
    return replace(
        head, photos=tuple(photos),
        cameras=tuple(
            replace(camera, photo=int(places[camera.photo])) for camera in head.cameras
        ),
        before=moved(head.before), after=moved(head.after), info={**head.info, "timings": timings},
    )
