# SPDX-License-Identifier: GPL-3.0-or-later
"""Which meshes an operator changes, and whether it can."""

from collections.abc import Callable
from typing import Any

import bpy

from ..polls import poll_own, refuse


def poll_mesh(operator_class: type, context: bpy.types.Context) -> bool:
    """Whether the active mesh can be changed here; says why it cannot."""
    active = context.active_object
    if active is None or active.type != 'MESH':
        return refuse(operator_class, "Select a mesh object first")
    if active.mode not in {'OBJECT', 'EDIT'}:
        return refuse(operator_class, "Switch to Object Mode or Edit Mode first")
    return poll_own(operator_class, active.data)


def _targets(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The active object, or in Edit Mode one object for each mesh that is edited."""
    if context.active_object.mode == 'EDIT':
        return [item for item in context.objects_in_mode_unique_data if item.type == 'MESH']
    return [context.active_object]


def edit_targets(
    context: bpy.types.Context,
    edit: Callable,
    of_object: Callable[[bpy.types.Object], dict[str, Any]] = lambda item: {},
) -> list:
    """Run ``edit(mesh, selected_only=..., shape_key=...)`` on each target; their results.

    As soon as a vertex is selected on any of them, only selected vertices count on all.
    ``of_object`` says what else ``edit`` is to know of an object.
    """
    from ..mesh_edit import has_selection

    targets = _targets(context)
    selected_only = any(has_selection(target.data) for target in targets)
    settings = [of_object(target) for target in targets]
    return [
        edit(target.data, selected_only=selected_only, shape_key=target.active_shape_key, **known)
        for target, known in zip(targets, settings, strict=True)
    ]


def weights_of(item: bpy.types.Object, group: str) -> dict[str, Any]:
    """The weights of an object's vertex group, if one is named, as a setting.

    Raises
    ------
    MeshError
        The object has no such group.
    """
    from .mesh_smooth import group_weights

    return {"weights": group_weights(item, group)} if group else {}
