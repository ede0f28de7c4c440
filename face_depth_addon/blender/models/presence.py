# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models are on this machine, asked rarely enough for panels and buttons."""

from pathlib import Path
from time import monotonic
from typing import NamedTuple

import bpy

from ...inference.cards import Card
from ..polls import refuse
from ..preferences import worker_settings
from .choice import card_of

_SECONDS = 2.0
_known: dict[tuple[str, str], tuple[float, "Presence"]] = {}


class Presence(NamedTuple):
    """Where a model is.

    Attributes
    ----------
    state : str
        ``present``, ``partial`` (a download is not finished) or ``missing``.
    place : Path or None
        Of its files.
    """

    state: str
    place: Path | None

    @property
    def here(self) -> bool:
        return self.state == "present"


def presence(card: Card, folder: str) -> Presence:
    """Where a model is, as of two seconds ago at most.

    Parameters
    ----------
    card : Card
    folder : str
        The user's own folder of models, or empty.
    """
    from ...inference.places import find_place, state

    key = card.name, folder
    asked, known = _known.get(key, (0.0, None))
    if known is None or monotonic() - asked > _SECONDS:
        known = Presence(state(card, folder), find_place(card, folder))
        _known[key] = monotonic(), known
    return known


def forget() -> None:
    """Ask anew, since something has changed."""
    _known.clear()


def poll_model(operator_class: type, context: bpy.types.Context) -> bool:
    """Whether the panel's model is on this machine; the operator's grey button says so."""
    card = card_of(context.scene.face_depth)
    if card is None or presence(card, worker_settings(context).models).here:
        return True
    return refuse(
        operator_class,
        "{model} is not on this machine: download it under Model, or choose another",
        model=card.title,
    )
