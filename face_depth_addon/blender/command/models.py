# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's ``--list-models`` and ``--download``."""

import argparse
import os
import sys

from ...core.errors import FaceDepthError
from ...inference.cards import BUNDLED, SPEEDS, Card, read_cards
from ...inference.places import find_place, state
from ..models.download import (
    download_steps,
    find_card,
    folder_of,
    is_kept_offline,
    licence_of,
    source_of,
)
from ..preferences import WorkerSettings
from .telling import say, shown

_STATES = {"present": "yes", "partial": "in part", "missing": "no"}
_HEADING = ("name", "title", "here", "size", "licence", "speed", "good at")
_MB = 1e6


def list_models(options: argparse.Namespace, preferences: WorkerSettings) -> None:
    """Write a table of all models to standard output."""
    folder = options.models or preferences.models
    rows = [_HEADING, *(_row(card, folder) for card in read_cards().values())]
    widths = [max(map(len, column)) for column in zip(*rows)]
    try:
        for row in rows:
            line = "  ".join(text.ljust(width) for text, width in zip(row, widths))
            sys.stdout.write(f"{line.rstrip()}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough, as `head` has; Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def download_model(options: argparse.Namespace, preferences: WorkerSettings) -> bool:
    """Download the model that the options name; whether it is here in the end."""
    try:
        card = find_card(options.download)
        place = find_place(card, options.models or preferences.models)
        if place is not None:
            say(f"{card.title} is on this machine already: {place}")
            return True
        if is_kept_offline():
            raise FaceDepthError(
                "Blender keeps its extensions from the network: allow Online Access in its "
                "preferences, under System, first."
            )
        say(f"{card.title}: {card.size_text} from {source_of(card)} into {folder_of(card)}")
        say(f"Licence: {licence_of(card)}")
        steps = download_steps(card, options.python or preferences.python, wait=0.1)
        try:
            done = shown(card.title, steps)
        finally:
            steps.close()
    except FaceDepthError as error:
        say(str(error))
        return False
    say(f"{card.title} is on this machine now: {done.bytes / _MB:.0f} MB in {done.path}")
    return True


def _row(card: Card, folder: str) -> tuple[str, ...]:
    return (
        card.name, card.title, _STATES[state(card, folder)],
        card.size_text, licence_of(card), "-" if card.name == BUNDLED else SPEEDS[card.speed],
        card.good_at,
    )
