# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether operators can run, and the reasons that their greyed buttons give."""

import bpy

from .attributes import has_shape, has_stored


def poll_object_mode(
    operator_class: type, context: bpy.types.Context, what: str = "Select a mesh object first"
) -> bool:
    """Whether a mesh object is active in Object Mode; says ``what`` to select otherwise."""
    active = context.active_object
    if active is None or active.type != 'MESH':
        operator_class.poll_message_set(what)
    elif active.mode != 'OBJECT':
        operator_class.poll_message_set("Switch to Object Mode first")
    else:
        return True
    return False


def poll_own(operator_class: type, mesh: bpy.types.Mesh, what: str = "mesh") -> bool:
    """Whether a mesh can be changed in this file."""
    if mesh.is_editable and mesh.override_library is None:
        return True
    operator_class.poll_message_set(f"The {what} is linked from another file: make it local")
    return False


def poll_photo_mesh(operator_class: type, context: bpy.types.Context) -> bool:
    """Whether a mesh that keeps its photo and depth is active in Object Mode."""
    if not poll_object_mode(operator_class, context, "Select a mesh made by Face Depth"):
        return False
    mesh = context.active_object.data
    if not has_shape(mesh) or not has_stored(mesh):
        operator_class.poll_message_set(
            "The mesh does not keep the photo and depth it was made from"
        )
        return False
    return True
