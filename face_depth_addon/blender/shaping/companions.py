# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the objects that Face Depth has added to a mesh: its cameras and its backdrop."""

from collections.abc import Iterator
from typing import Literal

import bpy

from ..linking import link_object

Kind = Literal["camera", "backdrop", "photo camera"]
_MARK = "face_depth_companion"


def attach(holder: bpy.types.Object, item: bpy.types.Object, kind: Kind) -> None:
    """Make an object a companion: a child, in the collections of its parent.

    One that was taken out of all collections comes back.

    Parameters
    ----------
    holder : bpy.types.Object
    item : bpy.types.Object
    kind : str
    """
    holder[_MARK] = kind
    if not holder.users_collection:
        link_object(bpy.context, holder, item)
    holder.parent = item


def companions(mesh: bpy.types.Mesh, kind: Kind) -> Iterator[bpy.types.Object]:
    """The companions of all objects that have the mesh."""
    for holder in bpy.data.objects:
        parent = holder.parent
        if parent is not None and parent.data == mesh and holder.get(_MARK) == kind:
            yield holder


def companion_of(item: bpy.types.Object, kind: Kind) -> bpy.types.Object | None:
    """The companion of one object."""
    held = (holder for holder in companions(item.data, kind) if holder.parent == item)
    return next(held, None)
