# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a model's weights lie: in the add-on, a folder of the user's, the Hub's cache.

Standard library only, and quick enough to be asked while a panel is drawn.
"""

import os
from pathlib import Path, PurePosixPath
from typing import Literal

from .cards import MODELS, Card

#: What the Hub's own library adds to the name of a file that is still being downloaded.
INCOMPLETE = ".incomplete"

State = Literal["present", "partial", "missing"]


def find_place(card: Card, folder: str = "") -> Path | None:
    """The folder or file with a card's weights, or None if they are not on this machine.

    Parameters
    ----------
    card : Card
    folder : str
        The user's own, which holds models by the card's or the repository's name; empty if
        there is none. It goes before the Hub's cache.
    """
    if card.comes_along:
        return MODELS / card.name
    own = _own_place(card, Path(folder).expanduser()) if folder else None
    return own or _downloaded(card)


def state(card: Card, folder: str = "") -> State:
    """Whether a card's weights are on this machine.

    ``partial`` is what a download leaves that was stopped, or weights whose file has been
    deleted from the cache since.

    Parameters
    ----------
    card : Card
    folder : str
        As for `find_place`.
    """
    if find_place(card, folder) is not None:
        return "present"
    return "partial" if _is_begun(card) else "missing"


def hub_cache() -> Path:
    """The folder of the Hugging Face Hub's cache, as its own library finds it."""
    variables = os.environ
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if variables.get(name):
            return _expanded(variables[name])
    home = variables.get("HF_HOME")
    if not home:
        home = os.path.join(variables.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return _expanded(home) / "hub"


def hub_folder(repository: str) -> Path:
    """A repository's folder in the Hub's cache."""
    return hub_cache() / ("models--" + repository.replace("/", "--"))


def downloads() -> Path:
    """Where single files are kept that do not come from the Hub."""
    return hub_cache().parent / "face_depth"


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(os.path.expanduser(path)))


def _own_place(card: Card, folder: Path) -> Path | None:
    repository = card.repository
    names = [card.name]
    if repository:
        names += [repository.rpartition("/")[2], repository.replace("/", "--"), repository]
    places = [folder / name for name in names]
    single = card.settings.get("file", "")
    if not single:
        return next((place for place in places if place.is_dir()), None)
    bare = PurePosixPath(single).name
    files = [place / name for place in places for name in (single, bare)]
    if bare == single:
        # A name such as model.onnx, which is deeper at the Hub, says little by itself.
        files.insert(0, folder / single)
    return next((file for file in files if file.is_file()), None)


def _downloaded(card: Card) -> Path | None:
    single = card.settings.get("file", "")
    if card.repository:
        snapshot = _snapshot(card)
        return snapshot / single if _is_complete(card, snapshot) else None
    file = downloads() / single
    return file if file.is_file() else None


def _snapshot(card: Card) -> Path:
    """Where the card's revision lies in the cache, if it is there."""
    folder = hub_folder(card.repository)
    reference = folder / "refs" / card.revision
    commit = card.revision
    if reference.is_file():
        commit = reference.read_text(encoding="utf-8").strip()
    return folder / "snapshots" / commit


def _is_complete(card: Card, snapshot: Path) -> bool:
    """Whether all the files are there; a link in the cache may lead nowhere."""
    for name in card.files:
        if "*" in name:
            there = any(file.exists() for file in snapshot.glob(name))
        else:
            # Other programs fetch the same weights in single precision.
            there = any((snapshot / kind).exists() for kind in (name, name.replace(".fp16.", ".")))
        if not there:
            return False
    return snapshot.is_dir()


def _is_begun(card: Card) -> bool:
    if not card.repository:
        return (downloads() / (card.settings.get("file", "") + INCOMPLETE)).is_file()
    blobs = hub_folder(card.repository) / "blobs"
    return _snapshot(card).is_dir() or any(blobs.glob("*" + INCOMPLETE))
