# SPDX-License-Identifier: GPL-3.0-or-later
"""A model from the network: what the operator and the command line share."""

from collections.abc import Iterator
from pathlib import Path

import bpy

from ...core.errors import ModelError
from ...inference.cards import Card, read_cards
from ..preferences import PACKAGE
from ..progress import Progress
from ..wording import iface
from .presence import forget


def find_card(name: str) -> Card:
    """The card of a model that can be downloaded.

    Raises
    ------
    ModelError
        There is none, or the model is a part of Face Depth.
    """
    card = read_cards().get(name)
    if card is None:
        raise ModelError(
            f"There is no model called {name} to download: the Face Depth panel and --list-models "
            "name all."
        )
    if card.comes_along:
        raise ModelError(f"{card.title} comes with Face Depth.")
    return card


def download_steps(card: Card, python: str, wait: float = 0.0) -> Iterator[Progress]:
    """Download a model in small steps; closing the generator stops it where it is.

    What has arrived stays on the disk, and the next download goes on from there.

    Parameters
    ----------
    card : Card
    python : str
        Interpreter; empty for Blender's own.
    wait : float
        Seconds that one step may wait for the worker.

    Yields
    ------
    Progress

    Returns
    -------
    Downloaded

    Raises
    ------
    FaceDepthError
    """
    from ...inference.client import WorkerClient
    from ...inference.request import DownloadRequest

    # A worker of its own: that of the photos never reaches the network.
    client = WorkerClient(python, online=True)
    try:
        job = client.submit(DownloadRequest(card.name))
        while not job.poll(wait):
            yield Progress(job.label, job.fraction)
        return job.result
    finally:
        client.close()
        forget()


def source_of(card: Card) -> str:
    """From where a model comes, for people."""
    return f"huggingface.co/{card.repository}" if card.repository else card.url


def folder_of(card: Card) -> Path:
    """Where a downloaded model is put."""
    from ...inference.places import downloads, hub_cache

    return hub_cache() if card.repository else downloads()


def licence_of(card: Card) -> str:
    """The licence, with a warning where it is one for some uses only."""
    if card.commercial:
        return card.licence
    return iface("{licence}, not for commercial use").format(licence=card.licence)


def is_kept_offline() -> bool:
    """Whether the user keeps extensions of this Blender from the network."""
    return PACKAGE.startswith("bl_ext.") and not bpy.app.online_access
