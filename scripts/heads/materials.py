# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials as Cycles shaders."""

import bpy
import numpy as np

from .shapes import Material

UV_LAYER = "uv"
_DETAIL = "Fine Detail"
# How far light travels in skin by colour, as shares of red's way.
_RED_TO_BLUE = (1.0, 0.36, 0.2)


class MaterialLibrary:
    """Makes the shaders of one scene, and switches their bumps off for the geometry's pictures."""

    def __init__(self) -> None:
        group = bpy.data.node_groups.new(_DETAIL, "ShaderNodeTree")
        group.interface.new_socket("Strength", in_out="OUTPUT", socket_type="NodeSocketFloat")
        value = group.nodes.new("ShaderNodeValue")
        output = group.nodes.new("NodeGroupOutput")
        group.links.new(value.outputs[0], output.inputs[0])
        self._group = group
        self._strength = value.outputs[0]
        self._materials: list[bpy.types.Material] = []
        self._images: dict[int, tuple[np.ndarray, bpy.types.Image]] = {}
        self.set_detail(True)

    def set_detail(self, on: bool) -> None:
        """Switch the bumps of all materials on or off."""
        self._strength.default_value = 1.0 if on else 0.0

    def clear(self) -> None:
        """Remove what was made for the last scene."""
        bpy.data.batch_remove([*self._materials, *(image for _, image in self._images.values())])
        self._materials, self._images = [], {}

    def make(self, name: str, description: Material) -> bpy.types.Material:
        """Return a Blender material for a description."""
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        self._materials.append(material)
        _Tree(material.node_tree, description, self).build()
        return material

    def image(self, pixels: np.ndarray, is_data: bool = False) -> bpy.types.Image:
        """Return a Blender image of uint8 pixels (H, W), (H, W, 3) or (H, W, 4)."""
        known = self._images.get(id(pixels))
        if known:
            return known[1]
        height, width = pixels.shape[:2]
        if pixels.ndim == 2:
            pixels_rgb = np.repeat(pixels[..., None], 3, axis=2)
        else:
            pixels_rgb = pixels[..., :3]
        rgba = np.ones((height, width, 4), np.float32)
        rgba[..., :3] = pixels_rgb[::-1] / np.float32(255)
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            rgba[..., 3] = pixels[::-1, :, 3] / np.float32(255)
        image = bpy.data.images.new("Picture", width, height, alpha=True, is_data=is_data)
        image.alpha_mode = "CHANNEL_PACKED"
        image.pixels.foreach_set(rgba.ravel())
        self._images[id(pixels)] = (pixels, image)
        return image

    @property
    def detail_group(self) -> bpy.types.NodeTree:
        """The node group whose output is the strength of all bumps."""
        return self._group


class _Tree:
    def __init__(
        self, tree: bpy.types.NodeTree, description: Material, library: MaterialLibrary
    ) -> None:
        self.tree = tree
        self.description = description
        self.library = library
        self.shader = tree.nodes["Principled BSDF"]

    def build(self) -> None:
        look = self.description
        values = {
            "Roughness": look.roughness,
            "Specular IOR Level": look.specular,
            "Metallic": look.metallic,
            "Transmission Weight": look.transmission,
            "Sheen Weight": look.sheen,
            "Coat Weight": look.coat,
            "Alpha": look.opacity,
        }
        for name, value in values.items():
            self.shader.inputs[name].default_value = value
        if look.subsurface:
            self._subsurface(look.subsurface)
        self._colour()
        heights = self._noise_height(), self._relief_height()
        normal = None
        for height, distance in heights:
            if height is not None:
                normal = self._bump(height, distance, normal)
        if normal is not None:
            self._link(normal, self.shader.inputs["Normal"])

    def _link(self, output: bpy.types.NodeSocket, target: bpy.types.NodeSocket) -> None:
        self.tree.links.new(output, target)

    def _node(self, kind: str) -> bpy.types.Node:
        return self.tree.nodes.new(kind)

    def _subsurface(self, radius: float) -> None:
        # A random walk below the skin would cost three times as much as the rest together.
        self.shader.subsurface_method = "BURLEY"
        self.shader.inputs["Subsurface Weight"].default_value = 1.0
        self.shader.inputs["Subsurface Scale"].default_value = radius
        self.shader.inputs["Subsurface Radius"].default_value = _RED_TO_BLUE

    def _colour(self) -> None:
        look = self.description
        colour = (*look.colour, 1.0)
        if look.image is None:
            self.shader.inputs["Base Color"].default_value = colour
            source = None
        else:
            texture = self._texture(look.image)
            source = texture.outputs["Color"]
            if look.colour != (1.0, 1.0, 1.0):
                source = self._multiply(source, colour)
            if look.image.ndim == 3 and look.image.shape[2] == 4:
                self._link(texture.outputs["Alpha"], self.shader.inputs["Alpha"])
        if look.mottle:
            source = self._mottled(source, colour)
        if source is not None:
            self._link(source, self.shader.inputs["Base Color"])

    def _texture(self, pixels: np.ndarray, is_data: bool = False) -> bpy.types.Node:
        layer = self._node("ShaderNodeUVMap")
        layer.uv_map = UV_LAYER
        texture = self._node("ShaderNodeTexImage")
        texture.image = self.library.image(pixels, is_data)
        texture.extension = "EXTEND"
        self._link(layer.outputs["UV"], texture.inputs["Vector"])
        return texture

    def _multiply(
        self, source: bpy.types.NodeSocket, colour: tuple[float, ...]
    ) -> bpy.types.NodeSocket:
        mix = self._node("ShaderNodeMix")
        mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
        mix.inputs["Factor"].default_value = 1.0
        self._link(source, mix.inputs["A"])
        mix.inputs["B"].default_value = colour
        return mix.outputs["Result"]

    def _mottled(
        self, source: bpy.types.NodeSocket | None, colour: tuple[float, ...]
    ) -> bpy.types.NodeSocket:
        spread = self._node("ShaderNodeMapRange")
        spread.inputs["To Min"].default_value = 1 - self.description.mottle
        spread.inputs["To Max"].default_value = 1 + self.description.mottle
        self._link(self._noise(), spread.inputs["Value"])
        scale = self._node("ShaderNodeVectorMath")
        scale.operation = "SCALE"
        self._link(spread.outputs["Result"], scale.inputs["Scale"])
        if source is None:
            scale.inputs[0].default_value = colour[:3]
        else:
            self._link(source, scale.inputs[0])
        return scale.outputs["Vector"]

    def _noise(self) -> bpy.types.NodeSocket:
        place = self._node("ShaderNodeTexCoord")
        noise = self._node("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value = 1 / self.description.bump_scale
        noise.inputs["Detail"].default_value = 1.0
        self._link(place.outputs["Object"], noise.inputs["Vector"])
        return noise.outputs["Fac"]

    def _noise_height(self) -> tuple[bpy.types.NodeSocket | None, float]:
        look = self.description
        return (self._noise(), look.bump) if look.bump else (None, 0.0)

    def _relief_height(self) -> tuple[bpy.types.NodeSocket | None, float]:
        look = self.description
        if look.relief is None:
            return None, 0.0
        return self._texture(look.relief, is_data=True).outputs["Color"], look.relief_height

    def _bump(
        self,
        height: bpy.types.NodeSocket,
        distance: float,
        normal: bpy.types.NodeSocket | None,
    ) -> bpy.types.NodeSocket:
        detail = self._node("ShaderNodeGroup")
        detail.node_tree = self.library.detail_group
        bump = self._node("ShaderNodeBump")
        bump.inputs["Distance"].default_value = distance
        self._link(detail.outputs[0], bump.inputs["Strength"])
        self._link(height, bump.inputs["Height"])
        if normal is not None:
            self._link(normal, bump.inputs["Normal"])
        return bump.outputs["Normal"]
