# SPDX-License-Identifier: GPL-3.0-or-later
"""A rendered look at a mesh: from the front and at 45 degrees, with photo and as clay."""

from math import radians
from pathlib import Path

import addon_utils
import bpy
from mathutils import Matrix

from ...core.errors import OutputError

_TURN = radians(45.0)
_SAMPLES = 8


def render_preview(item: bpy.types.Object, path: Path, size: int = 800) -> None:
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
    if addon_utils.enable("cycles") is None:
        raise OutputError("This Blender was built without Cycles, which renders the preview.")
    scene = bpy.data.scenes.new("Face Depth preview")
    made: list[bpy.types.ID] = []
    try:
        made += _place_views(scene, item)
        scene.world = _world()
        made.append(scene.world)
        _set_up(scene, path, size)
        bpy.ops.render.render(scene=scene.name, write_still=True)
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove(made)


def _place_views(scene: bpy.types.Scene, item: bpy.types.Object) -> list[bpy.types.ID]:
    """Four linked copies, a camera and two lights; returns the new data-blocks."""
    reach = max(item.dimensions) * 0.58
    clay = bpy.data.materials.new("Face Depth clay")
    clay.diffuse_color = (0.6, 0.6, 0.6, 1.0)
    made: list[bpy.types.ID] = [clay]
    for column, angle in ((-1, 0.0), (1, _TURN)):
        for row in (1, -1):
            copy = item.copy()
            copy.matrix_world = (
                Matrix.Translation((column * reach, 0.0, row * reach))
                @ Matrix.Rotation(angle, 4, 'Z')
            )
            if row < 0:
                copy.material_slots[0].link = 'OBJECT'
                copy.material_slots[0].material = clay
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
    camera.type, camera.ortho_scale = 'ORTHO', 4.0 * reach
    holder = bpy.data.objects.new(camera.name, camera)
    holder.location, holder.rotation_euler = (0.0, -10.0 * reach, 0.0), (radians(90.0), 0.0, 0.0)
    camera.clip_end = 30.0 * reach
    scene.collection.objects.link(holder)
    scene.camera = holder
    return [*made, holder, camera]


def _world() -> bpy.types.World:
    """A grey backdrop that also lights."""
    world = bpy.data.worlds.new("Face Depth preview")
    if world.node_tree is None:
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == 'BACKGROUND')
    background.inputs["Color"].default_value = (0.25, 0.25, 0.25, 1.0)
    return world


def _set_up(scene: bpy.types.Scene, path: Path, size: int) -> None:
    import _cycles

    render = scene.render
    render.engine = 'CYCLES'
    # Distributions build Blender without the denoiser, and asking for it fails there.
    denoise = _cycles.with_openimagedenoise
    scene.cycles.samples = _SAMPLES if denoise else 3 * _SAMPLES
    scene.cycles.use_denoising = denoise
    scene.cycles.max_bounces = 1
    render.resolution_x = render.resolution_y = size
    render.resolution_percentage = 100
    render.image_settings.file_format = 'PNG'
    render.filepath = str(path)
    scene.view_settings.view_transform = 'Standard'
