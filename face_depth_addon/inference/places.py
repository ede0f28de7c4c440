# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a model's weights lie: in the add-on, a folder of the user's, the Hub's cache.

Standard library only, and quick enough to be asked while a panel is drawn.
"""

import os
from pathlib import Path

from .cards import MODELS, Card


def find_place(card: Card, folder: str = "") -> Path | None:
    """The folder or file with a card's weights, or None if they are not on this machine.

    Parameters
    ----------
    card : Card
    folder : str
        The user's own, which holds models by the card's or the repository's name; empty if
        there is none.
    """
    if card.comes_along:
        return MODELS / card.name
    single = card.settings.get("file", "")
    for name in filter(None, (single, card.name, card.repository.rpartition("/")[2])):
        place = Path(folder, name) if folder else None
        if place is not None and (place.is_file() if name == single else place.is_dir()):
            return place / single if single and place.is_dir() else place
    if card.repository:
        snapshot = _cached_snapshot(card.repository, card.revision)
        if snapshot is not None:
            place = snapshot / single
            return place if place.exists() else None
    elif card.url:
        place = downloads() / single
        return place if place.is_file() else None
    return None


def hub_cache() -> Path:
    """The folder of the Hugging Face Hub's cache, as its own library finds it."""
    variables = os.environ
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if variables.get(name):
            return Path(variables[name]).expanduser()
    home = variables.get("HF_HOME")
    if not home:
        home = os.path.join(variables.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(home).expanduser() / "hub"


def downloads() -> Path:
    """Where single files are kept that do not come from the Hub."""
    return hub_cache().parent / "face_depth"


def _cached_snapshot(repository: str, revision: str) -> Path | None:
    """A revision's folder in the cache, once all of it has been fetched."""
    folder = hub_cache() / ("models--" + repository.replace("/", "--"))
    commit = revision
    reference = folder / "refs" / revision
    if reference.is_file():
        commit = reference.read_text(encoding="utf-8").strip()
    snapshot = folder / "snapshots" / commit
    return snapshot if snapshot.is_dir() else None


def is_partial(card: Card, place: Path) -> bool:
    """Whether a place is what a download that was stopped has left in the Hub's cache."""
    blobs = hub_cache() / ("models--" + card.repository.replace("/", "--")) / "blobs"
    if not card.repository or blobs.parent not in place.parents:
        return False
    return any(blobs.glob("*.incomplete"))
