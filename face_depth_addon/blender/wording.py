# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user reads, in the language of Blender's interface.

All of it is looked up in a context of our own: in Blender's, a face is a polygon and a feather
belongs to a bird, and what we translate there would count for other extensions too.
"""

import bpy
from bpy.app.translations import pgettext_iface, pgettext_rpt

CONTEXT = "Face Depth"


def iface(text: str) -> str:
    """A label in the user's language."""
    return pgettext_iface(text, CONTEXT)


def reason(text: str) -> str:
    """A sentence, such as a grey button's, in the user's language."""
    return pgettext_rpt(text, CONTEXT)


def give_context(cls: type) -> None:
    """Have Blender look up a class's names in our context; to be called before it is registered."""
    if issubclass(cls, bpy.types.Operator | bpy.types.Panel | bpy.types.Menu):
        cls.bl_translation_context = CONTEXT
    for base in cls.__mro__:
        if base.__module__.partition(".blender.")[0] == __name__.partition(".blender.")[0]:
            for prop in getattr(base, "__annotations__", {}).values():
                if hasattr(prop, "keywords"):
                    prop.keywords["translation_context"] = CONTEXT
