# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user reads in Blender's other languages: a module for each, with its `MESSAGES`.

Labels, tooltips and the reasons of grey buttons are translated; sentences about what went wrong
and what was done are English everywhere, so that they can be searched for.
"""

import bpy

from ...inference.cards import read_cards
from ..models.choice import tooltip
from ..preferences import PACKAGE
from ..wording import CONTEXT
from . import german

# Shorter texts may be labels that mean something else elsewhere.
_SPACES_OF_A_TOOLTIP = 2
_LANGUAGES = {"de": german.MESSAGES}


def register() -> None:
    bpy.app.translations.register(
        PACKAGE, {language: _entries(messages) for language, messages in _LANGUAGES.items()}
    )


def unregister() -> None:
    bpy.app.translations.unregister(PACKAGE)


def _entries(messages: dict[str, str]) -> dict[tuple[str, str], str]:
    """As Blender takes them: in our context, and tooltips in its own, where it looks for them."""
    whole = messages | {
        tooltip(card, card.good_at): tooltip(card, messages[card.good_at])
        for card in read_cards().values() if card.good_at in messages
    }
    ours = {(CONTEXT, text): translated for text, translated in whole.items()}
    return ours | {
        (bpy.app.translations.contexts.default, text): translated
        for text, translated in whole.items() if text.count(" ") >= _SPACES_OF_A_TOOLTIP
    }
