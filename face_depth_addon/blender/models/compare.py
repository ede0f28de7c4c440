# SPDX-License-Identifier: GPL-3.0-or-later
"""Several models on one photo: what the operator and the command line share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...core.errors import DeviceError, ModelError, WorkerError
from ...core.relief.shaping import depth_span
from ...inference.cards import read_cards
from ..photo_source import PhotoSource
from ..progress import Progress, part_of
from ..reconstruct import Settings, build_steps, infer_steps, object_name
from .display import Display, Labelled

if TYPE_CHECKING:
    from ...core.reconstruction import Reconstruction
    from ...inference.client import WorkerClient

_MM_PER_M = 1000.0
# Of the whole job's progress; the rest goes to the meshes.
_INFERENCE = 0.9


@dataclass(frozen=True)
class Compared:
    """What became of one model.

    Attributes
    ----------
    model : str
        As it was named.
    title : str
        For people.
    object : bpy.types.Object or None
        The mesh; None if the model failed.
    info : dict
        What the mesh was made from; also ``relief_mm``.
    error : str
        Why the model failed, as a sentence, or empty.
    """

    model: str
    title: str
    object: bpy.types.Object | None = None
    info: dict = field(default_factory=dict)
    error: str = ""

    @property
    def told(self) -> str:
        """A line on the result."""
        if self.error:
            return self.error
        # Of the depth alone: loading and finding the face say nothing of the model.
        parts = [f"{self.info['timings']['depth']:.1f} s"]
        agreement = self.info.get("depth", {}).get("agreement")
        if agreement is not None:
            parts.append(f"agreement {agreement:.2f}")
        parts.append(f"relief {self.info['relief_mm']:.0f} mm")
        return ", ".join(parts)


@dataclass(frozen=True)
class Comparison:
    """A finished comparison.

    Attributes
    ----------
    holder : bpy.types.Object
        The empty that all the other objects are children of.
    models : tuple of Compared
        In the order asked for.
    """

    holder: bpy.types.Object
    models: tuple[Compared, ...]

    @property
    def notes(self) -> list[str]:
        """What the user should know, in sentences."""
        told = []
        for model in self.models:
            told += [model.error] if model.error else model.info["notes"]
        return list(dict.fromkeys(told))


def compare_steps(
    context: bpy.types.Context, client: "WorkerClient", source: PhotoSource,
    settings: Sequence[Settings], wait: float = 0.0,
) -> Iterator[Progress]:
    """Reconstruct a photo with one model after the other and lay the meshes out side by side.

    A model that fails is left out, and its place says why. Closing the generator leaves nothing
    behind.

    Parameters
    ----------
    context : bpy.types.Context
        In whose scene a new collection is made.
    client : WorkerClient
    source : PhotoSource
    settings : sequence of Settings
        One for each model.
    wait : float
        Seconds that one step may wait for the worker.

    Yields
    ------
    Progress

    Returns
    -------
    Comparison

    Raises
    ------
    FaceDepthError
        The photo cannot be used, or no model can.
    """
    # All the depth first: an undo in the meantime would take meshes away.
    found: list[Compared | Reconstruction] = []
    for number, each in enumerate(settings):
        title, share = title_of(each.model), _INFERENCE / len(settings)
        steps = infer_steps(client, source, each, wait)
        try:
            found.append((yield from part_of(steps, f"{title}: ", number * share, share)))
        except (ModelError, DeviceError, WorkerError) as error:
            found.append(Compared(each.model, title, error=str(error)))
    usable = [each for each in found if not isinstance(each, Compared)]
    if not usable:
        raise ModelError(" ".join(dict.fromkeys(each.error for each in found)))
    display = Display(context, object_name(usable[0].info["photo"]))
    finished = False
    try:
        models = []
        for number, (each, result) in enumerate(zip(settings, found, strict=True)):
            if not isinstance(result, Compared):
                steps = build_steps(context, result, each, wait)
                share = (1.0 - _INFERENCE) / len(settings)
                mesh = yield from part_of(steps, "", _INFERENCE + number * share, share)
                told = _told(each, result)
                display.add_mesh(mesh, result, told.title)
                result = replace(told, object=mesh)
            models.append(result)
        display.lay_out([Labelled(each.object, each.title, each.told) for each in models])
        finished = True
    finally:
        if not finished:
            display.remove()
    return Comparison(display.holder, tuple(models))


def title_of(model: str) -> str:
    """What people call a model: by its card, or by its file's name."""
    card = read_cards().get(model)
    return card.title if card else Path(model).name


def _told(settings: Settings, result: "Reconstruction") -> Compared:
    far, near = depth_span(result)
    result.info["relief_mm"] = round(_MM_PER_M * (near - far), 1)
    return Compared(settings.model, title_of(settings.model), info=result.info)
