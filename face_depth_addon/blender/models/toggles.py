# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models are compared: a toggle for each that has a card."""

import re

import bpy
from bpy.props import BoolProperty

from ...inference.cards import Card, read_cards


def toggle_of(card: Card) -> str:
    """The name of a card's toggle in `FACEDEPTH_PG_compare`."""
    return "use_" + re.sub(r"\W", "_", card.name)


class FACEDEPTH_PG_compare(bpy.types.PropertyGroup):
    """The models to compare."""

    __annotations__ = {
        toggle_of(card): BoolProperty(
            name=card.title, description=card.good_at, default=card.comes_along
        )
        for card in read_cards().values()
    }


CLASSES = (FACEDEPTH_PG_compare,)
