# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the user calls a model to one that is ready to run. Standard library only."""

import importlib
import os
from pathlib import Path

from ..core.depth.predicted import DepthSource
from ..core.errors import ModelError
from .cards import FACEMESH, Card, read_cards
from .depth_sources import Checked
from .places import find_place, state
from .running import Running
from .weights import refuse_pickle

_OWN_SPEED = "medium"


def find_model(name: str, folder: str = "") -> Checked:
    """Look at the files of a model.

    Parameters
    ----------
    name : str
        A card's name, the path of a folder in the format of transformers or diffusers, or of
        an ONNX file.
    folder : str
        The user's own folder of models; empty if there is none.

    Raises
    ------
    ModelError
        Missing, incomplete, damaged, of an unknown kind, or weights that are a pickle.
    """
    if not name:
        raise ModelError("No folder of a depth model is chosen.")
    card = read_cards().get(name)
    if card is not None and card.source:
        place = find_place(card, folder)
        if place is None:
            partial = state(card, folder) == "partial"
            raise ModelError(_unfinished(card) if partial else _missing(card))
        return _module(card).check(place, card)
    path = Path(os.path.abspath(os.path.expanduser(name)))
    if path.is_file():
        refuse_pickle(path)
    card = _card_of(path)
    if card is None:
        raise ModelError(f"There is no depth model called or stored at {name}.")
    return _module(card).check(path, card)


def load_model(checked: Checked, running: Running) -> DepthSource:
    """Load a model; its libraries are imported here.

    Raises
    ------
    ModelError, DeviceError, TorchError
    """
    return _module(checked.card).load(checked, running)


def is_landmarks(name: str) -> bool:
    """Whether it is the source that needs no network."""
    return name == FACEMESH


def _module(card: Card):
    return importlib.import_module(f".depth_sources.{card.source}", __package__)


def _card_of(path: Path) -> Card | None:
    """A card for a model of the user's own; None if nothing there can be one."""
    if path.is_dir():
        marigold = (path / "model_index.json").is_file()
        source = "marigold" if marigold else "transformers_model"
    elif path.is_file() and path.suffix == ".onnx":
        # A file that somebody knows needs no settings beside it.
        for card in read_cards().values():
            if card.settings.get("file") == path.name:
                return card
        source = "onnx_model"
    else:
        return None
    return Card(
        name=path.name, number=-1, title=path.name, good_at="", source=source, faces_only=False,
        licence="", commercial=True, megabytes=0, speed=_OWN_SPEED,
    )


def _unfinished(card: Card) -> str:
    return (
        f"The download of {card.title} is not finished: start it again in the Face Depth panel, or "
        f"by --download {card.name}, it goes on where it stopped."
    )


def _missing(card: Card) -> str:
    where = f" ({card.home})" if card.home else ""
    single = card.settings.get("file", "")
    name = single if single and "/" not in single else card.name
    return (
        f"{card.title} is not on this machine: download it in the Face Depth panel, or by "
        f"--download {card.name}, or put it as {name} into your folder of models{where}."
    )
