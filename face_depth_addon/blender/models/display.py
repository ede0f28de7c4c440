# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of one photo side by side, each above its depth map and a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import radians
from typing import TYPE_CHECKING

import bpy
import numpy as np

if TYPE_CHECKING:
    from ...core.reconstruction import Reconstruction

# In widths of the widest mesh: from one column to the next, of a depth map, between the rows, and
# of the letters.
_PITCH, _MAP, _GAP, _LETTERS = 1.2, 1.1, 0.08, 0.066
# The map's longest side in pixels.
_PIXELS = 512


@dataclass(frozen=True)
class Labelled:
    """A column of the display.

    Attributes
    ----------
    mesh : bpy.types.Object or None
        One that was added; None for a place that stays empty.
    title, told : str
        The lines of the label.
    """

    mesh: bpy.types.Object | None
    title: str
    told: str


class Display:
    """A new collection whose objects are children of an empty at the 3D cursor.

    Parameters
    ----------
    context : bpy.types.Context
    name : str
        Of the photo.

    Attributes
    ----------
    holder : bpy.types.Object
    """

    def __init__(self, context: bpy.types.Context, name: str):
        self._context = context
        self._collection = bpy.data.collections.new(f"Compare {name}")
        self._made: list[bpy.types.ID] = [self._collection]
        self._maps: dict[str, bpy.types.Object] = {}
        context.scene.collection.children.link(self._collection)
        self.holder = self._add(f"Compare {name}", None)
        self.holder.location = context.scene.cursor.location
        self.holder.empty_display_size = 0.05

    def add_mesh(self, item: bpy.types.Object, result: "Reconstruction", title: str) -> None:
        """Take over a mesh object that `reconstruct.build_steps` has just made."""
        mesh, kept = item.data, item.data.face_depth
        self._made += [item, mesh, *mesh.materials]
        self._made += filter(None, (
            kept.photo_image, kept.backdrop_image, kept.depth_image, kept.matte_image
        ))
        for collection in item.users_collection:
            collection.objects.unlink(item)
        self._collection.objects.link(item)
        item.name = mesh.name = f"{item.name} {title}"
        item.parent, item.location = self.holder, (0.0, 0.0, 0.0)
        self._maps[item.name] = self._add_map(f"{title} depth", result)

    def lay_out(self, columns: Sequence[Labelled]) -> None:
        """Give everything its place, from left to right, and select it."""
        boxes = [np.array(each.mesh.bound_box) if each.mesh else None for each in columns]
        width = max(np.ptp(box[:, 0]) for box in boxes if box is not None)
        side, gap = _MAP * width, _GAP * width
        for number, (each, box) in enumerate(zip(columns, boxes, strict=True)):
            x = (number - (len(columns) - 1) / 2) * _PITCH * width
            if box is not None:
                low, high = box.min(axis=0), box.max(axis=0)
                each.mesh.location = (x - (low[0] + high[0]) / 2, 0.0, -low[2])
                shown = self._maps[each.mesh.name]
                shown.location, shown.scale = (x, 0.0, -gap - side / 2), (side, side, side)
            self._add_label(each, x, -2.0 * gap - side, width)
        for item in self._context.view_layer.objects.selected:
            item.select_set(False)
        self._context.view_layer.update()
        for item in self._collection.objects:
            item.select_set(True)
        self._context.view_layer.objects.active = self.holder

    def remove(self) -> None:
        """Take away everything that was made."""
        bpy.data.batch_remove([block for block in self._made if _is_there(block)])

    def _add(self, name: str, data: bpy.types.ID | None) -> bpy.types.Object:
        item = bpy.data.objects.new(name, data)
        self._made += filter(None, (item, data))
        self._collection.objects.link(item)
        return item

    def _add_map(self, name: str, result: "Reconstruction") -> bpy.types.Object:
        """An upright square of one metre that shows the depth, near white, unlit."""
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(
            [(-0.5, 0.0, -0.5), (0.5, 0.0, -0.5), (0.5, 0.0, 0.5), (-0.5, 0.0, 0.5)], [],
            [(0, 1, 2, 3)],
        )
        layer = mesh.uv_layers.new(name="UVMap")
        layer.uv.foreach_set("vector", (0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0))
        image = _depth_image(name, result)
        material = _unlit(name, image)
        mesh.materials.append(material)
        self._made += [image, material]
        item = self._add(name, mesh)
        item.parent = self.holder
        return item

    def _add_label(self, column: Labelled, x: float, z: float, width: float) -> None:
        text = bpy.data.curves.new(f"{column.title} label", 'FONT')
        text.body = f"{column.title}\n{column.told}"
        text.size, text.align_x, text.align_y = _LETTERS * width, 'CENTER', 'TOP'
        box = text.text_boxes[0]
        box.width = _MAP * width
        box.x = -box.width / 2
        item = self._add(text.name, text)
        item.parent, item.location = self.holder, (x, 0.0, z)
        item.rotation_euler = (radians(90.0), 0.0, 0.0)


def _is_there(block: bpy.types.ID) -> bool:
    """Whether an undo has left a data-block where it was."""
    try:
        return bool(block.name_full)
    except ReferenceError:
        return False


def _depth_image(name: str, result: "Reconstruction") -> bpy.types.Image:
    """The subject's depth from black to white as a packed picture."""
    step = -(-result.size // _PIXELS)
    depth, subject = result.depth[::-step, ::step], result.subject[::-step, ::step]
    known = result.depth[result.subject]
    low, high = float(known.min()), float(known.max())
    grey = np.where(subject, (depth - low) / max(high - low, 1e-9), 0.0)
    pixels = np.ones((*grey.shape, 4), np.float32)
    pixels[..., :3] = np.clip(grey, 0.0, 1.0)[..., None]
    image = bpy.data.images.new(name, grey.shape[1], grey.shape[0])
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image


def _unlit(name: str, image: bpy.types.Image) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    # Blender 5.0 and later always have nodes and deprecate the switch.
    if material.node_tree is None:
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture, light = nodes.new('ShaderNodeTexImage'), nodes.new('ShaderNodeEmission')
    output = nodes.new('ShaderNodeOutputMaterial')
    texture.image = image
    light.location, output.location = (300.0, 0.0), (500.0, 0.0)
    links.new(texture.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs["Emission"], output.inputs["Surface"])
    nodes.active = texture
    return material
