# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials as Cycles shaders."""

import bpy
import numpy as np

from .shapes import Material

UV_LAYER = "uv"
_SWITCHES = "Switches"
# How far light travels in skin by colour, as shares of red's way.
_RED_TO_BLUE = (1.0, 0.36, 0.2)


class MaterialLibrary:
    """Makes the shaders of one scene, and switches them between photo and geometry."""

    def __init__(self) -> None:
        group = bpy.data.node_groups.new(_SWITCHES, "ShaderNodeTree")
        for name in ("Bumps", "Sharp"):
            group.interface.new_socket(name, in_out="OUTPUT", socket_type="NodeSocketFloat")
        output = group.nodes.new("NodeGroupOutput")
        values = [group.nodes.new("ShaderNodeValue") for _ in range(2)]
        for value, socket in zip(values, output.inputs, strict=False):
            group.links.new(value.outputs[0], socket)
        self._group = group
        self._bumps, self._sharp = (value.outputs[0] for value in values)
        self._materials: list[bpy.types.Material] = []
        self._mirrors: list[bpy.types.Node] = []
        self._images: dict[int, tuple[np.ndarray, bpy.types.Image]] = {}
        self.set_detail(True)

    def set_detail(self, on: bool) -> None:
        """Switch all materials to the photo's look, or to what geometry needs.

        Geometry has no bumps, and what is half there or more is there; the rest is not.
        """
        self._bumps.default_value = 1.0 if on else 0.0
        self._sharp.default_value = 0.0 if on else 1.0

    def set_surroundings(self, image: bpy.types.Image) -> None:
        """Give the panes of glass an equirectangular image to mirror."""
        for node in self._mirrors:
            node.image = image

    def clear(self) -> None:
        """Remove what was made for the last scene."""
        bpy.data.batch_remove([*self._materials, *(image for _, image in self._images.values())])
        self._materials, self._images, self._mirrors = [], {}, []

    def make(self, name: str, description: Material) -> bpy.types.Material:
        """Return a Blender material for a description."""
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        self._materials.append(material)
        tree = _Tree(material.node_tree, description, self)
        if description.pane:
            self._mirrors.append(tree.build_pane())
            material.cycles.emission_sampling = "NONE"
        else:
            tree.build()
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
    def switches(self) -> bpy.types.NodeTree:
        """The node group whose outputs are the strength of all bumps, and 1 for sharp edges."""
        return self._group


class _Tree:
    def __init__(
        self, tree: bpy.types.NodeTree, description: Material, shaders: MaterialLibrary
    ) -> None:
        self.tree = tree
        self.description = description
        self.shaders = shaders
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
        }
        for name, value in values.items():
            self.shader.inputs[name].default_value = value
        if look.subsurface:
            self._subsurface(look.subsurface)
        self._colour()
        if look.opacity < 1:
            constant = self._node("ShaderNodeValue")
            constant.outputs[0].default_value = look.opacity
            self._alpha(constant.outputs[0])
        heights = self._noise_height(), self._relief_height()
        normal = None
        for height, distance in heights:
            if height is not None:
                normal = self._bump(height, distance, normal)
        if normal is not None:
            self._link(normal, self.shader.inputs["Normal"])

    def build_pane(self) -> bpy.types.Node:
        """Make a pane of glass; return the texture node of what it mirrors.

        What it mirrors is added as light of its own: a mirror that is hit by one ray in twenty only
        would be a scatter of dots.
        """
        look = self.description
        through = self._node("ShaderNodeBsdfTransparent")
        through.inputs["Color"].default_value = (*look.colour, 1.0)
        place = self._node("ShaderNodeTexCoord")
        mirrored = self._node("ShaderNodeTexEnvironment")
        self._link(place.outputs["Reflection"], mirrored.inputs["Vector"])
        light = self._node("ShaderNodeEmission")
        light.inputs["Strength"].default_value = look.opacity
        self._link(mirrored.outputs["Color"], light.inputs["Color"])
        both = self._node("ShaderNodeAddShader")
        self._link(through.outputs[0], both.inputs[0])
        self._link(light.outputs[0], both.inputs[1])
        self._link(both.outputs[0], self.tree.nodes["Material Output"].inputs["Surface"])
        return mirrored

    def _switch(self, name: str) -> bpy.types.NodeSocket:
        group = self._node("ShaderNodeGroup")
        group.node_tree = self.shaders.switches
        return group.outputs[name]

    def _alpha(self, source: bpy.types.NodeSocket) -> None:
        step = self._node("ShaderNodeMath")
        step.operation = "GREATER_THAN"
        step.inputs[1].default_value = 0.5
        self._link(source, step.inputs[0])
        mix = self._node("ShaderNodeMix")
        self._link(self._switch("Sharp"), mix.inputs["Factor"])
        self._link(source, mix.inputs["A"])
        self._link(step.outputs[0], mix.inputs["B"])
        self._link(mix.outputs["Result"], self.shader.inputs["Alpha"])

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
                self._alpha(texture.outputs["Alpha"])
        if look.mottle:
            source = self._mottled(source, colour)
        if source is not None:
            self._link(source, self.shader.inputs["Base Color"])

    def _texture(self, pixels: np.ndarray, is_data: bool = False) -> bpy.types.Node:
        layer = self._node("ShaderNodeUVMap")
        layer.uv_map = UV_LAYER
        texture = self._node("ShaderNodeTexImage")
        texture.image = self.shaders.image(pixels, is_data)
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
        bump = self._node("ShaderNodeBump")
        bump.inputs["Distance"].default_value = distance
        self._link(self._switch("Bumps"), bump.inputs["Strength"])
        self._link(height, bump.inputs["Height"])
        if normal is not None:
            self._link(normal, bump.inputs["Normal"])
        return bump.outputs["Normal"]
