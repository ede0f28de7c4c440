# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that Face Depth knows, a card each. Standard library only.

A card is a file ``cards/NAME.json``. Adding a model is a card, and for a new kind of model
a module in ``depth_sources``.
"""

import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

CARDS = Path(__file__).resolve().parent.parent / "cards"
MODELS = Path(__file__).resolve().parent.parent / "models"
BUNDLED = "face-dpt"
FACEMESH = "facemesh"

#: How long a photo takes beside the bundled model, for people.
SPEEDS = {
    "quickest": "quicker than Face DPT", "quick": "about as quick as Face DPT",
    "medium": "several times as long as Face DPT", "slow": "ten times as long or more",
    "slowest": "minutes without a graphics card",
}


@dataclass(frozen=True)
class Card:
    """What people should know of a model, and where it is.

    Attributes
    ----------
    name : str
        Of the card's file; what ``--model`` takes.
    number : int
        Stands in saved .blend files, so that none may ever be given to another model.
    title : str
    good_at : str
        One line on what it is for, without a full stop.
    source : str
        The module of ``depth_sources`` that runs it; empty for the landmarks alone.
    faces_only : bool
        It has learnt from faces, and other things come out roughly.
    licence : str
        SPDX identifier, or a name.
    commercial : bool
        The licence lets people earn money with what comes out.
    megabytes : int
        Of the weights.
    speed : str
        A key of `SPEEDS`.
    home : str
        Where people read about it.
    repository, revision : str
        On the Hugging Face Hub; empty if it comes from elsewhere.
    files : tuple of str
        What of the repository is needed, as patterns.
    url, sha256 : str
        Of a single file that is offered elsewhere.
    settings : dict
        For the source.
    """

    name: str
    number: int
    title: str
    good_at: str
    source: str
    faces_only: bool
    licence: str
    commercial: bool
    megabytes: int
    speed: str
    home: str = ""
    repository: str = ""
    revision: str = "main"
    files: tuple[str, ...] = ()
    url: str = ""
    sha256: str = ""
    settings: dict = field(default_factory=dict, hash=False)

    @property
    def size_text(self) -> str:
        """The weights' size, for people."""
        if self.megabytes < 1000:
            return f"{self.megabytes} MB"
        return f"{self.megabytes / 1000:.1f} GB"

    @property
    def comes_along(self) -> bool:
        """Whether it is a part of the add-on."""
        return not self.repository and not self.url


@cache
def read_cards() -> dict[str, Card]:
    """All cards by their names, in the order of their numbers, the add-on's own first.

    Models that should come along and do not are left out.
    """
    with os.scandir(CARDS) as entries:
        cards = [_read(entry.path) for entry in entries if entry.name.endswith(".json")]
    cards.sort(key=lambda card: (not card.comes_along, not card.faces_only, card.number))
    return {
        card.name: card for card in cards
        if not card.comes_along or not card.source or (MODELS / card.name).is_dir()
    }


def _read(path: str) -> Card:
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    content["files"] = tuple(content.get("files", ()))
    return Card(name=os.path.basename(path).removesuffix(".json"), **content)
