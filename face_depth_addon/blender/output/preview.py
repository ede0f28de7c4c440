# SPDX-License-Identifier: GPL-3.0-or-later
"""A rendered look at a mesh: from the front and at 45 degrees, with photo and as clay."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


def render_display(
    items: Sequence[bpy.types.Object], turned: Sequence[bpy.types.Object], path: Path,
    width: int,
) -> None:
    """Render objects of the scene as they stand, from the front, to a PNG.

    Parameters
    ----------
    items : sequence of bpy.types.Object
    turned : sequence of bpy.types.Object
        Of them meshes that are also shown above the others, turned by 45 degrees and as clay.
    path : Path
    width : int
        Of the picture in pixels.

    Raises
    ------
    OutputError
        This Blender has no Cycles.
    """
    with _picture_scene() as (scene, made):
        for item in items:
            scene.collection.objects.link(item)
        low, high = _bounds(items)
        clay, top = _clay(made), high.z
        for item in turned:
            reach = 0.5 * max(_size(item))
            place = Vector((item.matrix_world.translation.x, 0.0, top + 1.1 * reach))
            view = View(item, _TURN, True)
            _place_view(scene, view, place, clay, made)
            high.z = max(high.z, place.z + reach)
        margin = 0.03 * (high.x - low.x)
        box = (high.x - low.x + 2.0 * margin, high.z - low.z + 2.0 * margin)
        _add_lights(scene, made)
        _add_camera(scene, (low + high) / 2.0, max(box), made)
        _set_up(scene, path, width, max(round(width * box[1] / box[0]), 1))
        bpy.ops.render.render(scene=scene.name, write_still=True)


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
    with _picture_scene() as (scene, made):
        rows = -(-len(views) // columns)
        reach = 0.58 * max(max(_size(view.item)) for view in views)
        clay = _clay(made)
        for index, view in enumerate(views):
            row, column = divmod(index, columns)
            place = ((2 * column + 1 - columns) * reach, 0.0, (rows - 1 - 2 * row) * reach)
            _place_view(scene, view, Vector(place), clay, made)
        _add_lights(scene, made)
        _add_camera(scene, Vector(), 2.0 * max(columns, rows) * reach, made)
        _set_up(scene, path, size * columns, size * rows)
        bpy.ops.render.render(scene=scene.name, write_still=True)


@contextmanager
def _picture_scene() -> Iterator[tuple[bpy.types.Scene, list[bpy.types.ID]]]:
    """A scene for a while, and a list of what is to go with it.

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
        scene.world = _world()
        made.append(scene.world)
        yield scene, made
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove(made)


def _place_view(
    scene: bpy.types.Scene, view: View, place: Vector, clay: bpy.types.Material,
    made: list[bpy.types.ID],
) -> None:
    """A linked copy; ``made`` collects the new data-blocks."""
    copy = view.item.copy()
    copy.parent = None
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


def _clay(made: list[bpy.types.ID]) -> bpy.types.Material:
    clay = bpy.data.materials.new("Face Depth clay")
    clay.diffuse_color = (0.6, 0.6, 0.6, 1.0)
    made.append(clay)
    return clay


def _add_lights(scene: bpy.types.Scene, made: list[bpy.types.ID]) -> None:
    for name, energy, turn in (("key", 2.4, (60.0, 0.0, -35.0)), ("fill", 1.2, (75.0, 0.0, 40.0))):
        light = bpy.data.lights.new(f"Face Depth {name}", 'SUN')
        light.energy, light.angle = energy, radians(20.0)
        lamp = bpy.data.objects.new(light.name, light)
        lamp.rotation_euler = [radians(value) for value in turn]
        scene.collection.objects.link(lamp)
        made += [lamp, light]


def _add_camera(
    scene: bpy.types.Scene, middle: Vector, extent: float, made: list[bpy.types.ID]
) -> None:
    """One that looks along Y, and sees so much along the picture's longer side."""
    camera = bpy.data.cameras.new("Face Depth preview")
    camera.type, camera.ortho_scale = 'ORTHO', extent
    holder = bpy.data.objects.new(camera.name, camera)
    holder.location = (middle.x, middle.y - 5.0 * extent, middle.z)
    holder.rotation_euler = (radians(90.0), 0.0, 0.0)
    camera.clip_end = 15.0 * extent
    scene.collection.objects.link(holder)
    scene.camera = holder
    made += [holder, camera]


def _bounds(items: Sequence[bpy.types.Object]) -> tuple[Vector, Vector]:
    """The lowest and the highest corner of all their boxes, in the world."""
    corners = [
        item.matrix_world @ Vector(corner)
        for item in items if item.type != 'EMPTY' for corner in item.bound_box
    ]
    low, high = zip(*((min(axis), max(axis)) for axis in zip(*corners)))
    return Vector(low), Vector(high)


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
