# SPDX-License-Identifier: GPL-3.0-or-later
"""Several photos to a mesh each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ..core.errors import FaceDepthError, PhotoError
from .linking import select_alone
from .photo_source import PhotoSource
from .progress import Progress, part_of
from .reconstruct import Settings, build_steps, infer_steps

if TYPE_CHECKING:
    from ..core.reconstruction import Reconstruction
    from ..inference.client import WorkerClient

# Of the whole job's progress; the rest goes to the meshes.
_INFERENCE = 0.9
# Between two meshes, in widths of the widest.
_GAP = 0.1


@dataclass(frozen=True)
class Made:
    """What became of the photos.

    Attributes
    ----------
    objects : list of bpy.types.Object
        In the photos' order.
    failures : dict
        By a photo's place among those given, why there is no mesh of it, in a sentence.
    """

    objects: list[bpy.types.Object]
    failures: dict[int, str]


def each_steps(
    context: bpy.types.Context, client: "WorkerClient", sources: Sequence[PhotoSource],
    settings: Settings, in_collections: bool, enough: Sequence[object], wait: float = 0.0,
) -> Iterator[Progress]:
    """Reconstruct one photo after the other; closing the generator leaves nothing behind.

    Parameters
    ----------
    context : bpy.types.Context
    client : WorkerClient
    sources : sequence of PhotoSource
    settings : Settings
    in_collections : bool
        Put each mesh into a collection of its own at the 3D cursor, rather than all into a row.
    enough : sequence
        As soon as it is not empty, the photos that are not done are left out.
    wait : float
        Seconds that one step may wait for the worker.

    Yields
    ------
    Progress

    Returns
    -------
    Made

    Raises
    ------
    PhotoError
        There is no mesh of any photo.
    """
    # All the depth first: an undo in the meantime would take meshes away.
    results: list[Reconstruction] = []
    failures: dict[int, str] = {}
    share = _INFERENCE / len(sources)
    for number, source in enumerate(sources):
        try:
            result = yield from part_of(
                infer_steps(client, source, settings, wait), f"{number + 1} of {len(sources)}: ",
                number * share, share, enough,
            )
        except FaceDepthError as error:
            failures[number] = str(error)
            continue
        if result is None:
            break
        results.append(result)
    if not results:
        raise PhotoError(" ".join(dict.fromkeys(failures.values())) or "No photo was done.")
    objects: list[bpy.types.Object] = []
    finished = False
    try:
        for number, result in enumerate(results):
            done = _INFERENCE + (1.0 - _INFERENCE) * number / len(results)
            steps = build_steps(context, result, settings, wait)
            objects.append((yield from part_of(steps, "", done, 0.0)))
        _lay_out(context, objects, in_collections)
        finished = True
    finally:
        if not finished:
            for item in objects:
                bpy.data.meshes.remove(item.data)
    return Made(objects, failures)


def _lay_out(
    context: bpy.types.Context, objects: Sequence[bpy.types.Object], in_collections: bool
) -> None:
    """Put the new objects, which lie at the 3D cursor, where they are wanted; select them all."""
    context.view_layer.update()
    if in_collections:
        for item in objects:
            collection = bpy.data.collections.new(item.name)
            context.scene.collection.children.link(collection)
            for other in item.users_collection:
                other.objects.unlink(item)
            collection.objects.link(item)
    else:
        gap = _GAP * max(item.dimensions.x for item in objects)
        x = 0.0
        for item in objects:
            left, *_ = sorted(corner[0] for corner in item.bound_box)
            item.location.x += x - left
            x += item.dimensions.x + gap
    select_alone(context, objects[-1])
    for item in objects:
        if item.visible_get(view_layer=context.view_layer):
            item.select_set(True)
