# SPDX-License-Identifier: GPL-3.0-or-later
"""From several photos to one head in the scene: what the operator and the command line share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import bpy

from ...core.fusion.limits import USUAL_RESOLUTION
from ...core.fusion.sizing import sized
from ...inference.cards import BUNDLED
from ...inference.running import Running
from ..photo_source import PhotoSource
from ..progress import Progress
from ..reconstruct import running_fields
from .fused_object import add_head

if TYPE_CHECKING:
    from ...core.fusion.fused import FusedHead
    from ...inference.client import WorkerClient

USUAL_PUPILS_MM = 63.0


@dataclass(frozen=True)
class FuseSettings:
    """What to make of the photos.

    Attributes
    ----------
    model : str
        A card's name, or the path of a folder or an ONNX file.
    running : Running
        Where and how exactly it runs.
    models : str
        The user's own folder of models, or empty.
    fit : bool
        Scale depth in metres to the face's landmarks too.
    resolution : int
        Vertices from the top of the head to the neck, 64 to 1024.
    texture_size : int
        Width of the texture, in pixels.
    pupils : float or None
        Distance of the person's pupils in millimetres, which gives the size; None for the usual.
    keep_all : bool
        Use photos that seem to show somebody else, too.
    """

    model: str = BUNDLED
    running: Running = Running()
    models: str = ""
    fit: bool = False
    resolution: int = USUAL_RESOLUTION
    texture_size: int = 2048
    pupils: float | None = None
    keep_all: bool = False


@dataclass(frozen=True)
class FuseOutcome:
    """A finished fusion.

    Attributes
    ----------
    object : bpy.types.Object
    head : FusedHead
        As large as the object.
    info : dict
        What it was made from, with timings in seconds.
    note : str
        What is to be known of photos that were used and of their depth, in sentences; often
        empty.
    """

    object: bpy.types.Object
    head: "FusedHead"
    info: dict
    note: str = ""


def fuse_steps(
    context: bpy.types.Context, client: "WorkerClient", sources: Sequence[PhotoSource],
    settings: FuseSettings, wait: float = 0.0,
) -> Iterator[Progress]:
    """Fuse photos in small steps; closing the generator leaves nothing behind.

    Parameters
    ----------
    context : bpy.types.Context
        Whose collection the object is linked to.
    client : WorkerClient
    sources : sequence of PhotoSource
        Photos and videos.
    settings : FuseSettings
    wait : float
        Seconds that one step may wait for the worker.

    Yields
    ------
    Progress

    Returns
    -------
    FuseOutcome

    Raises
    ------
    FaceDepthError
    """
    from ...inference.request import FuseRequest

    begun = perf_counter()
    job = client.submit(FuseRequest(
        photos=tuple((source.photo, source.arrays) for source in sources),
        model=settings.model, models=settings.models, **running_fields(settings.running),
        options={"fit": settings.fit},
        fusion={
            "resolution": settings.resolution, "texture_size": settings.texture_size,
            "keep_all": settings.keep_all,
        },
    ))
    try:
        while not job.poll(wait):
            yield Progress(job.label, job.fraction)
    except GeneratorExit:
        job.cancel()
        raise
    pupils = settings.pupils or USUAL_PUPILS_MM
    head = sized(job.result, pupils)
    answered = perf_counter()
    yield Progress(job.label, 0.98)
    item = add_head(context, head, settings.resolution, pupils)
    timings = head.info.setdefault("timings", {})
    timings["worker"] = answered - begun
    timings["mesh"] = perf_counter() - answered
    timings["total"] = perf_counter() - begun
    head.info["vertices"] = len(item.data.vertices)
    told = (report.told for report in head.photos if report.used and report.note)
    return FuseOutcome(item, head, head.info, " ".join([*told, *head.info["notes"]]))
