# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo to an object in the scene: what the operator and the command line share."""

import collections
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import bpy

from ..core.errors import MeshError, TorchError
from ..core.relief.building import Layout, build_surface
from ..core.relief.shaping import Shape, depth_span, photo_viewpoint
from ..inference.cards import BUNDLED, FACEMESH
from ..inference.running import Running
from .linking import link_object, select_alone
from .material import photo_material
from .mesh import fill_mesh
from .packages import require_packages
from .photo_source import PhotoSource
from .progress import Progress, finish
from .shaping.shape import give_shape, write_layers
from .stored import keep

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ..core.reconstruction import Reconstruction
    from ..inference.client import WorkerClient

_KEPT_RESULTS = 4
_STEP_SECONDS = 0.003
_results: collections.OrderedDict[str, "Reconstruction"] = collections.OrderedDict()


@dataclass(frozen=True)
class Settings:
    """What to make of a photo.

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
    face : int or None
        Which face, 0 the largest; None for the whole image.
    layout : Layout
        Which part becomes a mesh, and of which faces.
    shape : Shape
        How depth becomes its surface.
    fall_back : bool
        Use the Fast source, with a note, where PyTorch is missing.
    depth_output : str or None
        File for the depth map in the photo's frame.
    """

    model: str = BUNDLED
    running: Running = Running()
    models: str = ""
    fit: bool = False
    face: int | None = 0
    layout: Layout = Layout()
    shape: Shape = Shape()
    fall_back: bool = False
    depth_output: str | None = None


@dataclass(frozen=True)
class Outcome:
    """A finished reconstruction.

    Attributes
    ----------
    object : bpy.types.Object
    key : str
        Under which `rebuild` finds the depth again.
    info : dict
        What it was made from, with timings in seconds.
    note : str
        What the user should know, in sentences; often empty.
    """

    object: bpy.types.Object
    key: str
    info: dict
    note: str = ""


def reconstruct_steps(
    context: bpy.types.Context, client: "WorkerClient", source: PhotoSource, settings: Settings,
    wait: float = 0.0,
) -> Iterator[Progress]:
    """Reconstruct a photo in small steps; closing the generator leaves nothing behind.

    Parameters
    ----------
    context : bpy.types.Context
        Whose collection the object is linked to.
    client : WorkerClient
    source : PhotoSource
    settings : Settings
    wait : float
        Seconds that one step may wait for the worker.

    Yields
    ------
    Progress

    Returns
    -------
    Outcome

    Raises
    ------
    FaceDepthError
    """
    begun = perf_counter()
    note = ""
    try:
        result = yield from infer_steps(client, source, settings, wait)
    except TorchError as error:
        if not settings.fall_back:
            raise
        note = f"The Fast source was used. {error}"
        settings = replace(settings, model=FACEMESH)
        result = yield from infer_steps(client, source, settings, wait)
    inferred = perf_counter()
    item = yield from build_steps(context, result, settings, wait)
    timings = result.info["timings"]
    timings["inference"] = inferred - begun
    timings["mesh"] = perf_counter() - inferred
    timings["total"] = perf_counter() - begun
    note = " ".join(filter(None, (note, *result.info["notes"])))
    return Outcome(item, _keep(result), result.info, note)


def rebuild(
    context: bpy.types.Context, key: str, layout: Layout, shape: Shape
) -> bpy.types.Object | None:
    """Build the mesh of an earlier result anew, without inference.

    Returns
    -------
    bpy.types.Object or None
        None when the result is not kept any more.
    """
    result = kept(key)
    if result is None:
        return None
    settings = Settings(model=result.info["model"], layout=layout, shape=shape)
    return finish(build_steps(context, result, settings, 0.01))


def infer_steps(
    client: "WorkerClient", source: PhotoSource, settings: Settings, wait: float
) -> Iterator[Progress]:
    from ..inference.request import Request

    job = client.submit(Request(
        photo=source.photo, arrays=source.arrays, model=settings.model, models=settings.models,
        **running_fields(settings.running),
        options={
            "face": settings.face, "resolution": settings.layout.resolution, "fit": settings.fit,
        },
        depth_output=settings.depth_output,
    ))
    try:
        while not job.poll(wait):
            yield Progress(job.label, job.fraction)
    except GeneratorExit:
        job.cancel()
        raise
    return job.result


def running_fields(running: Running) -> dict:
    """How a request tells the worker where and how exactly a model runs."""
    fields = asdict(running)
    return {"device": fields.pop("device"), "running": fields}


def build_steps(
    context: bpy.types.Context, result: "Reconstruction", settings: Settings, wait: float
) -> Iterator[Progress]:
    """Grid in a thread, then the data-blocks piece by piece; an early end removes them."""
    if settings.layout.topology == "ADAPTIVE" or settings.shape.smoothing or settings.shape.feather:
        require_packages()
    from concurrent.futures import ThreadPoolExecutor

    progress = Progress("Building the mesh", 0.98)
    executor = ThreadPoolExecutor(1)
    try:
        future = executor.submit(build_surface, result, settings.layout, settings.shape)
        while not _done(future, wait):
            yield progress
    finally:
        executor.shutdown(wait=False)
    surface = future.result()
    name = object_name(result.info["photo"])
    mesh = bpy.data.meshes.new(name)
    finished = False
    try:
        since = perf_counter()
        for _ in fill_mesh(mesh, surface):
            # A pause costs a tick of the window's timer: none for pieces of a millisecond.
            if perf_counter() - since > _STEP_SECONDS:
                yield progress
                since = perf_counter()
        write_layers(mesh, surface.layers)
        keep(mesh, name, result)
        give_shape(
            mesh, settings.layout, settings.shape, photo_viewpoint(result), depth_span(result)
        )
        item = _add_object(context, name, mesh, result, settings)
        finished = True
    except ReferenceError as error:
        raise MeshError(
            "The mesh was lost by an undo while it was being built: reconstruct again."
        ) from error
    finally:
        if not finished:
            _discard(mesh)
    result.info["vertices"] = len(mesh.vertices)
    return item


def _discard(mesh: bpy.types.Mesh) -> None:
    try:
        bpy.data.meshes.remove(mesh)
    except ReferenceError:
        # An undo has removed it already.
        return


def _done(future: "Future", wait: float) -> bool:
    try:
        future.exception(timeout=wait)
    except TimeoutError:
        return False
    return True


def _add_object(
    context: bpy.types.Context, name: str, mesh: bpy.types.Mesh, result: "Reconstruction",
    settings: Settings,
) -> bpy.types.Object:
    """Link the finished mesh, with its material, as the one selected object."""
    mesh.materials.append(photo_material(name, mesh.face_depth.photo_image))
    item = bpy.data.objects.new(name, mesh)
    for key, value in _provenance(result, settings).items():
        item[f"face_depth_{key}"] = value
    link_object(context, item)
    item.location = context.scene.cursor.location
    select_alone(context, item)
    return item


def _provenance(result: "Reconstruction", settings: Settings) -> dict:
    crop, info = result.crop, result.info
    return {
        "photo": info["photo"], "digest": info["digest"], "model": info["model"],
        "resolution": settings.layout.resolution, "strength": settings.shape.strength,
        "crop": (crop.x, crop.y, crop.side, crop.roll),
        "photo_size": (info["width"], info["height"]),
        "metres_per_pixel": result.metres_per_pixel,
    }


def object_name(photo: str) -> str:
    """The photo's name without its suffix, within Blender's 63 bytes."""
    stem, _, suffix = photo.rpartition(".")
    # A frame of a video ends in its time.
    name = photo if not stem or " " in suffix else stem
    return name.encode()[:48].decode(errors="ignore") or "Face"


def kept(key: str) -> "Reconstruction | None":
    """An earlier result, while it is one of the last few."""
    return _results.get(key)


def _keep(result: "Reconstruction") -> str:
    """Keep a result for `rebuild`, dropping the oldest; its key."""
    face = result.info.get("face", {}).get("box", "whole")
    key = f"{result.info['digest']} {result.info['model']} {face} {result.size}"
    _results[key] = result
    _results.move_to_end(key)
    while len(_results) > _KEPT_RESULTS:
        _results.popitem(last=False)
    return key
