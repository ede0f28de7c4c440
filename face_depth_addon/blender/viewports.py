# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window's 3D viewports show."""

from collections.abc import Iterator

import bpy


def viewports(context: bpy.types.Context) -> Iterator[bpy.types.Area]:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == 'VIEW_3D':
                yield area


def redraw_viewports(context: bpy.types.Context) -> None:
    for area in viewports(context):
        area.tag_redraw()


def show_texture(context: bpy.types.Context) -> None:
    """Let solid viewports that show plain material colours show the photo."""
    for area in viewports(context):
        shading = area.spaces.active.shading
        if shading.type == 'SOLID' and shading.color_type == 'MATERIAL':
            shading.color_type = 'TEXTURE'


def frame_selected(context: bpy.types.Context) -> None:
    """Bring the new mesh into the viewport's view: a head is lost in the default scene."""
    area = context.area
    if area is None or area.type != 'VIEW_3D' or bpy.app.background:
        return
    region = next(region for region in area.regions if region.type == 'WINDOW')
    with context.temp_override(area=area, region=region):
        bpy.ops.view3d.view_selected()
