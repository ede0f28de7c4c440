# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options say of every mesh: by what its depth comes about, and its form."""

import argparse
import math
from dataclasses import dataclass

from ...core.relief.building import Layout
from ...core.relief.shaping import Shape
from ...inference.client import WorkerClient
from ...inference.running import Running
from ..preferences import WorkerSettings


@dataclass(frozen=True)
class Means:
    """The worker, and what it is told of every model.

    Attributes
    ----------
    client : WorkerClient
    running : Running
    models : str
        The user's own folder of models, or empty.
    fit : bool
        Scale depth in metres to the face's landmarks too.
    """

    client: WorkerClient
    running: Running
    models: str
    fit: bool


def means_of(options: argparse.Namespace, preferences: WorkerSettings) -> Means:
    """What the options say, and where they are silent the preferences."""
    return Means(
        WorkerClient(options.python or preferences.python),
        Running(
            options.device or preferences.device, options.precision or preferences.precision,
            options.steps, options.ensemble, options.seed,
        ),
        options.models or preferences.models, options.fit,
    )


def layout_of(options: argparse.Namespace) -> Layout:
    """Which part becomes a mesh, and of which faces."""
    return Layout(
        constant(options.topology) if options.topology in ("grid", "adaptive") else "GRID",
        options.resolution, options.budget, constant(options.part), math.radians(options.cut),
    )


def shape_of(options: argparse.Namespace) -> Shape:
    """How depth becomes the mesh's surface."""
    return Shape(constant(options.projection), options.strength)


def constant(choice: str) -> str:
    """An option's choice as the package's own names are written."""
    return choice.upper().replace("-", "_")
