# SPDX-License-Identifier: GPL-3.0-or-later
"""A rendered look at a mesh: from the front and at 45 degrees, with photo and as clay."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import radians
from pathlib import Path

import addon_utils
import bpy
from mathutils import Matrix, Vector

from ...core.errors import OutputError

_TURN = radians(45.0)
_SAMPLES = 8
_SIZE = 800


@dataclass(frozen=True)
class View:
    """One look at an object.

    Attributes
    ----------
    item : bpy.types.Object
    turn : float
        Radians about the vertical; positive turns the face towards the picture's right.
    clay : bool
        Grey in place of its materials.
    """

    item: bpy.types.Object
    turn: float = 0.0
    clay: bool = False


def render_preview(item: bpy.types.Object, path: Path, size: int = _SIZE) -> None:
    """Render a mesh object to a PNG of two by two views, on the CPU, without a window.

    Parameters
    ----------
    item : bpy.types.Object
        Its scene stays as it is.
    path : Path
    size : int
        Width and height in pixels.

    Raises
    ------
    OutputError
        This Blender has no Cycles.
    """
    views = [View(item, turn, clay) for clay in (False, True) for turn in (0.0, _TURN)]
    render_views(views, 2, path, size // 2)


def render_views(views: Sequence[View], columns: int, path: Path, size: int = _SIZE // 2) -> None:
    """Render looks at objects in rows, all at one scale, to a PNG.

    Parameters
    ----------
    views : sequence of View
        From the upper left, row by row.
    columns : int
    path : Path
    size : int
        Width and height of one view in pixels.

    Raises
    ------
    OutputError
        This Blender has no Cycles.
    """
    if addon_utils.enable("cycles") is None:
        raise OutputError("This Blender was built without Cycles, which renders the preview.")
    scene = bpy.data.scenes.new("Face Depth preview")
    made: list[bpy.types.ID] = []
    # Sizes that were set since the last evaluation are not known before the next.
    bpy.context.view_layer.update()
    try:
        rows = -(-len(views) // columns)
        _place_views(scene, views, columns, rows, made)
        scene.world = _world()
        made.append(scene.world)
        _set_up(scene, path, size * columns, size * rows)
        bpy.ops.render.render(scene=scene.name, write_still=True)
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove(made)


def _place_views(
    scene: bpy.types.Scene, views: Sequence[View], columns: int, rows: int,
    made: list[bpy.types.ID],
) -> None:
    """Linked copies, a camera and two lights; ``made`` collects the new data-blocks."""
    reach = 0.58 * max(max(_size(view.item)) for view in views)
    clay = bpy.data.materials.new("Face Depth clay")
    clay.diffuse_color = (0.6, 0.6, 0.6, 1.0)
    made.append(clay)
    for index, view in enumerate(views):
        row, column = divmod(index, columns)
        place = ((2 * column + 1 - columns) * reach, 0.0, (rows - 1 - 2 * row) * reach)
        copy = view.item.copy()
        corners = [Vector(corner) for corner in view.item.bound_box]
        middle = sum(corners, Vector()) / len(corners)
        copy.matrix_world = (
            Matrix.Translation(place) @ Matrix.Rotation(view.turn, 4, 'Z')
            @ Matrix.Translation(-middle)
        )
        if view.clay:
            for slot in copy.material_slots:
                slot.link = 'OBJECT'
                slot.material = clay
        scene.collection.objects.link(copy)
        made.append(copy)
    for name, energy, turn in (("key", 2.4, (60.0, 0.0, -35.0)), ("fill", 1.2, (75.0, 0.0, 40.0))):
        light = bpy.data.lights.new(f"Face Depth {name}", 'SUN')
        light.energy, light.angle = energy, radians(20.0)
        lamp = bpy.data.objects.new(light.name, light)
        lamp.rotation_euler = [radians(value) for value in turn]
        scene.collection.objects.link(lamp)
        made += [lamp, light]
    camera = bpy.data.cameras.new("Face Depth preview")
    camera.type, camera.ortho_scale = 'ORTHO', 2.0 * max(columns, rows) * reach
    holder = bpy.data.objects.new(camera.name, camera)
    holder.location, holder.rotation_euler = (0.0, -10.0 * reach, 0.0), (radians(90.0), 0.0, 0.0)
    camera.clip_end = 30.0 * reach
    scene.collection.objects.link(holder)
    scene.camera = holder
    made += [holder, camera]


def _size(item: bpy.types.Object) -> list[float]:
    """Of its box, without its scale."""
    corners = list(zip(*item.bound_box))
    return [max(side) - min(side) for side in corners]


def _world() -> bpy.types.World:
    """A grey backdrop that also lights."""
    world = bpy.data.worlds.new("Face Depth preview")
    if world.node_tree is None:
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == 'BACKGROUND')
    background.inputs["Color"].default_value = (0.25, 0.25, 0.25, 1.0)
    return world


def _set_up(scene: bpy.types.Scene, path: Path, width: int, height: int) -> None:
    import _cycles

    render = scene.render
    render.engine = 'CYCLES'
    # Distributions build Blender without the denoiser, and asking for it fails there.
    denoise = _cycles.with_openimagedenoise
    scene.cycles.samples = _SAMPLES if denoise else 3 * _SAMPLES
    scene.cycles.use_denoising = denoise
    scene.cycles.max_bounces = 1
    render.resolution_x, render.resolution_y = width, height
    render.resolution_percentage = 100
    render.image_settings.file_format = 'PNG'
    render.filepath = str(path)
    scene.view_settings.view_transform = 'Standard'
