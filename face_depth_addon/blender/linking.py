# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts new objects into the scene."""

import bpy


def link_object(
    context: bpy.types.Context, made: bpy.types.Object, item: bpy.types.Object | None = None
) -> None:
    """Link a new object beside another, or to the active collection.

    Collections of other files cannot take it, nor do those count that are no part of the scene:
    then it goes to the scene itself.

    Parameters
    ----------
    context : bpy.types.Context
    made : bpy.types.Object
        In no collection.
    item : bpy.types.Object or None
    """
    scene = context.scene.collection
    reachable = (scene, *scene.children_recursive)
    wanted = item.users_collection if item else (context.collection,)
    fit = [each for each in wanted if each in reachable and each.is_editable]
    for collection in fit or (scene,):
        collection.objects.link(made)


def select_alone(context: bpy.types.Context, item: bpy.types.Object) -> None:
    """Make an object the active one and the only one selected, if it can be seen.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
    """
    for other in context.view_layer.objects.selected:
        other.select_set(False)
    # Not in a hidden or excluded collection. The question also brings the view layer, which
    # does not know a new object yet, up to date.
    if item.visible_get(view_layer=context.view_layer):
        item.select_set(True)
        context.view_layer.objects.active = item
