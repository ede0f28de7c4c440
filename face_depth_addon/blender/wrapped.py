# SPDX-License-Identifier: GPL-3.0-or-later
"""Long text in panels."""

import bpy

from .wording import iface

# Of a letter in the panel's font, and of the panel's borders and icon, in unscaled pixels.
_LETTER_WIDTH, _MARGIN = 6.2, 60.0


def draw_wrapped(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str
) -> None:
    """Text in as many lines as the panel's width asks for, which labels do not do."""
    width = context.region.width / context.preferences.system.ui_scale - _MARGIN
    draw_lines(layout, text, max(16, int(width / _LETTER_WIDTH)), icon)


def draw_lines(layout: bpy.types.UILayout, text: str, letters: int, icon: str) -> None:
    """Text in lines of so many letters, the first with an icon."""
    import textwrap

    column = layout.column(align=True)
    column.scale_y = 0.8
    for line in textwrap.wrap(iface(text), letters):
        column.label(text=line, icon=icon, translate=False)
        icon = 'BLANK1'
