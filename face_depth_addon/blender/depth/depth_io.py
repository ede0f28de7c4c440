# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps from other programs as meshes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import bpy

from ...core.depth.meaning import Meaning
from ...core.errors import NoFaceError
from ...core.relief.building import Layout
from ...core.relief.shaping import Shape
from ...inference.cards import FACEMESH
from ..packages import require_packages
from ..photo_source import PhotoSource
from ..progress import Progress, finish
from ..reconstruct import Outcome, Settings, build_steps, infer_steps
from ..stored import stored

if TYPE_CHECKING:
    from ...inference.client import WorkerClient

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class FaceFinder:
    """By what a face is found in photos: the worker, and which face is meant."""

    client: "WorkerClient"
    index: int = 0


@dataclass(frozen=True)
class ImportSettings:
    """What to make of a depth map.

    Attributes
    ----------
    meaning : Meaning
    layout : Layout
    shape : Shape
    """

    meaning: Meaning = Meaning()
    layout: Layout = Layout()
    shape: Shape = Shape()


def import_depth(
    context: bpy.types.Context, path: Path, settings: ImportSettings,
    picture: PhotoSource | bpy.types.Mesh | None = None, faces: FaceFinder | None = None,
) -> bpy.types.Object:
    """Make a mesh object of a depth map, as of a reconstructed photo; see `import_steps`."""
    return finish(import_steps(context, path, settings, picture, faces, _POLL_SECONDS)).object


def import_steps(
    context: bpy.types.Context, path: Path, settings: ImportSettings,
    picture: PhotoSource | bpy.types.Mesh | None, faces: FaceFinder | None, wait: float = 0.0,
) -> Iterator[Progress]:
    """Import a depth map in small steps; closing the generator leaves nothing behind.

    Parameters
    ----------
    context : bpy.types.Context
        Whose collection the object is linked to.
    path : Path
        PNG, TIFF, JPEG, OpenEXR or .npy file.
    settings : ImportSettings
    picture : PhotoSource, bpy.types.Mesh or None
        The photo that the map belongs to, or a mesh that was made of that photo.
    faces : FaceFinder or None
        Cuts out the person in a photo and gives the landmarks on which a relative map is scaled.
        None takes the whole photo.
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
        The map or the photo cannot be used, or they do not belong together.
    """
    require_packages()
    from ...core.depth.assembly import reconstruct_map
    from ...core.depth.depth_file import read_depth
    from ...core.depth.frame import Frame, frame_of_map

    begun = perf_counter()
    depth_map = read_depth(path)
    if picture is None:
        frame = frame_of_map(depth_map)
    elif isinstance(picture, bpy.types.Mesh):
        made_of = stored(picture)
        frame = Frame(made_of, made_of.metres_per_pixel)
    else:
        frame = yield from _frame_of(picture, faces, settings.layout, wait)
    yield Progress("Reading the depth map", 0.9)
    result = reconstruct_map(depth_map, frame, settings.meaning)
    read = perf_counter()
    building = Settings(model=result.info["model"], layout=settings.layout, shape=settings.shape)
    item = yield from build_steps(context, result, building, wait)
    result.info["timings"] = {
        "reading": read - begun, "mesh": perf_counter() - read, "total": perf_counter() - begun,
    }
    return Outcome(item, "", result.info)


def _frame_of(
    photo: PhotoSource, faces: FaceFinder | None, layout: Layout, wait: float
) -> Iterator[Progress]:
    """The person's crop of a photo or, without a face, all of it; returns a `Frame`."""
    from ...core.depth.frame import Frame, frame_of_photo
    from ...inference.sources import read_photo

    if faces is not None:
        finding = Settings(model=FACEMESH, face=faces.index, layout=layout)
        try:
            seen = yield from infer_steps(faces.client, photo, finding, wait)
            return Frame(seen, seen.metres_per_pixel)
        except NoFaceError:
            # Then the map is of something else, as it may well be.
            if faces.index:
                raise
    return frame_of_photo(read_photo(photo.photo, photo.arrays), layout.resolution)
