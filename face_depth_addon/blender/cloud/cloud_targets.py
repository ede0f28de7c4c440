# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators on clouds share: which object they work on, and how it is shown after."""

import bpy

from ..polls import poll_object_mode, poll_own, refuse

LENGTH = {"min": 0.0, "precision": 5, "step": 0.01, "subtype": 'DISTANCE'}
RADIUS = dict(
    name="Point Radius", default=0.0, soft_max=0.01,
    description="Of the points as they are shown; 0 takes one that suits their spacing. "
    "The modifier Points changes it later", **LENGTH,
)


def poll_cloud(operator_class: type, context: bpy.types.Context) -> bool:
    """Whether the active object is a cloud in Object Mode; says what is amiss."""
    from .cloud_object import is_cloud

    what = "Select a point cloud: a mesh of vertices without edges and faces"
    if not poll_object_mode(operator_class, context, what):
        return False
    if not is_cloud(context.active_object.data):
        return refuse(operator_class, what)
    return True


def poll_own_cloud(operator_class: type, context: bpy.types.Context) -> bool:
    """The same, and whether it can be changed."""
    if not poll_cloud(operator_class, context):
        return False
    return poll_own(operator_class, context.active_object.data, "cloud")


def hide(item: bpy.types.Object) -> None:
    """In the viewport and in renders, where it would lie upon what was made of it."""
    item.hide_set(True)
    item.hide_render = True


def show_colours(context: bpy.types.Context) -> None:
    """Let solid viewports show materials: solid points are grey whatever their colours."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == 'VIEW_3D' and area.spaces.active.shading.type == 'SOLID':
                area.spaces.active.shading.type = 'MATERIAL'
