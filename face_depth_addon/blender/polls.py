# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether operators can run, and the reasons that their greyed buttons give."""

import bpy

from .attributes import has_shape, has_stored
from .wording import reason


def refuse(operator_class: type, sentence: str, **values: object) -> bool:
    """Let a grey button say why it is grey; always False, for ``poll`` to return.

    Parameters
    ----------
    operator_class : type
    sentence : str
        In English, as `translations` has it; if there are ``values``, they go into its braces.
    """
    text = reason(sentence)
    # A sentence without values may hold a name, and that a brace.
    operator_class.poll_message_set(text.format(**values) if values else text)
    return False


def poll_object_mode(
    operator_class: type, context: bpy.types.Context, what: str = "Select a mesh object first"
) -> bool:
    """Whether a mesh object is active in Object Mode; says ``what`` to select otherwise."""
    active = context.active_object
    if active is None or active.type != 'MESH':
        return refuse(operator_class, what)
    if active.mode != 'OBJECT':
        return refuse(operator_class, "Switch to Object Mode first")
    return True


def poll_own(operator_class: type, mesh: bpy.types.Mesh, what: str = "mesh") -> bool:
    """Whether a mesh can be changed in this file."""
    if mesh.is_editable and mesh.override_library is None:
        return True
    return refuse(
        operator_class, "The {what} is linked from another file: make it local",
        what=reason(what),
    )


def poll_photo_mesh(operator_class: type, context: bpy.types.Context) -> bool:
    """Whether a mesh that keeps its photo and depth is active in Object Mode."""
    if not poll_object_mode(operator_class, context, "Select a mesh made by Face Depth"):
        return False
    mesh = context.active_object.data
    if not has_shape(mesh) or not has_stored(mesh):
        return refuse(
            operator_class, "The mesh does not keep the photo and depth it was made from"
        )
    return True
