# SPDX-License-Identifier: GPL-3.0-or-later
"""A Cycles scene: shapes, lights and a camera go in, a picture and its geometry come out."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix

from .camera import Camera, CameraParams
from .lighting import Rig
from .materials import UV_LAYER, MaterialLibrary
from .shapes import Label, Strands, Surface

# Blender takes lens and sensor for thousandths of the scene's unit, so here for micrometres.
_SENSOR = 36000.0
# Wider than a pixel, as a lens and a sensor blur; and the pixel's centre alone, for the geometry.
_FILTER, _POINT = 1.5, 0.01
# Light passes many cards of hair, one before the other.
_COLOUR_BOUNCES, _TRANSPARENT_BOUNCES = 2, 24


@dataclass(frozen=True)
class Geometry:
    """What the rays through the pixels' centres meet first.

    Attributes
    ----------
    depth
        float32 (H, W): distance from the camera's plane in millimetres; 0 where there is nothing.
    normals
        float32 (H, W, 3): unit normals in camera coordinates (x right, y down, z away from the
        camera), without bumps; 0 where there is nothing.
    labels
        uint8 (H, W) of ``Label``.
    uv
        float32 (H, W, 2): the surface's texture coordinates.
    """

    depth: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    uv: np.ndarray


class DeviceError(Exception):
    """The wanted device is not there; the message says what to do."""

    def __init__(self, device: str) -> None:
        super().__init__(
            f"Cycles finds no {device} device on this machine; leave --device out to render with "
            "what there is."
        )


class Stage:
    """The one scene of a process.

    Parameters
    ----------
    device
        "cpu", or a Cycles device type such as "optix", "cuda", "hip", "metal".
    samples
        Rays per pixel of the colour picture, before denoising.

    Raises
    ------
    DeviceError
        If Cycles has no such device.
    """

    def __init__(self, device: str = "cpu", samples: int = 5) -> None:
        if device not in devices():
            raise DeviceError(device)
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.samples = samples
        self.shaders = MaterialLibrary()
        self._objects: list[bpy.types.Object] = []
        self._thin: list[bpy.types.Object] = []
        self._lamps: list[bpy.types.Object] = []
        self._data: list[bpy.types.ID] = []
        self._folder = tempfile.TemporaryDirectory(prefix="face-depth-stage-")
        self._configure(device)
        self._camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        self.scene.collection.objects.link(self._camera)
        self.scene.camera = self._camera
        self._make_world()

    def _configure(self, device: str) -> None:
        scene = self.scene
        scene.render.engine = "CYCLES"
        render, cycles = scene.render, scene.cycles
        render.threads_mode, render.threads = "FIXED", 1
        render.film_transparent = True
        render.use_persistent_data = True
        render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
        render.image_settings.exr_codec = "NONE"
        render.image_settings.color_depth = "32"
        cycles.use_adaptive_sampling = False
        cycles.max_bounces = _COLOUR_BOUNCES
        cycles.diffuse_bounces = cycles.glossy_bounces = 1
        cycles.transmission_bounces = 1
        cycles.transparent_max_bounces = _TRANSPARENT_BOUNCES
        cycles.use_light_tree = False
        cycles.caustics_reflective = cycles.caustics_refractive = False
        cycles.sample_clamp_indirect = 4.0
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_quality = "FAST"
        cycles.denoising_prefilter = "NONE"
        # The normals of hair are as noisy as its picture, and would have its dots kept.
        cycles.denoising_input_passes = "RGB_ALBEDO"
        scene.cycles_curves.shape = "RIBBONS"
        scene.cycles_curves.subdivisions = 1
        layer = scene.view_layers[0]
        layer.use_pass_z = layer.use_pass_normal = layer.use_pass_uv = True
        layer.use_pass_object_index = True
        if device != "cpu":
            preferences = bpy.context.preferences.addons["cycles"].preferences
            preferences.compute_device_type = device.upper()
            preferences.get_devices()
            for found in preferences.devices:
                found.use = found.type == device.upper()
            cycles.device = "GPU"

    def _make_world(self) -> None:
        world = bpy.data.worlds.new("World")
        self.scene.world = world
        world.use_nodes = True
        nodes, links = world.node_tree.nodes, world.node_tree.links
        self._environment = nodes.new("ShaderNodeTexEnvironment")
        links.new(self._environment.outputs["Color"], nodes["Background"].inputs["Color"])
        # What surrounds a head is soft; rays aimed at its bright parts would double the time.
        world.cycles.sampling_method = "NONE"

    # Filling the scene

    def clear(self) -> None:
        """Remove the last person, lights and materials."""
        bpy.data.batch_remove(self._objects)
        bpy.data.batch_remove(self._data)
        self.shaders.clear()
        self._objects, self._thin, self._lamps, self._data = [], [], [], []

    def add(self, shapes: Iterable[Surface | Strands]) -> None:
        """Add surfaces and strands."""
        for shape in shapes:
            material = self.shaders.make(shape.name, shape.material)
            data = _curves(shape) if isinstance(shape, Strands) else _mesh(shape)
            data.materials.append(material)
            item = bpy.data.objects.new(shape.name, data)
            item.pass_index = int(shape.label)
            self._place(item, data)
            if shape.thin:
                self._thin.append(item)

    def _place(self, item: bpy.types.Object, data: bpy.types.ID) -> None:
        self.scene.collection.objects.link(item)
        self._objects.append(item)
        self._data.append(data)

    def light(self, rig: Rig) -> None:
        """Set up the lights and the surroundings."""
        for number, area in enumerate(rig.areas):
            lamp = bpy.data.lights.new(f"Area {number}", "AREA")
            lamp.shape = "RECTANGLE"
            lamp.size, lamp.size_y = area.size
            lamp.color = area.colour
            lamp.energy = area.watts(1.0)
            item = bpy.data.objects.new(lamp.name, lamp)
            item.matrix_world = _look_at(area.position, area.target)
            item.visible_camera = False
            self._place(item, lamp)
            self._lamps.append(item)
        for number, sun in enumerate(rig.suns):
            lamp = bpy.data.lights.new(f"Sun {number}", "SUN")
            lamp.angle = np.radians(sun.angle)
            lamp.color = sun.colour
            lamp.energy = np.pi * sun.irradiance
            item = bpy.data.objects.new(lamp.name, lamp)
            item.matrix_world = _look_at(sun.direction, (0.0, 0.0, 0.0))
            self._place(item, lamp)
            self._lamps.append(item)
        image = self._surroundings(rig.environment)
        self._environment.image = image
        self.shaders.set_surroundings(image)

    def _surroundings(self, pixels: np.ndarray) -> bpy.types.Image:
        height, width = pixels.shape[:2]
        image = bpy.data.images.new("Surroundings", width, height, float_buffer=True, is_data=True)
        rgba = np.ones((height, width, 4), np.float32)
        rgba[..., :3] = pixels[::-1]
        image.pixels.foreach_set(rgba.ravel())
        self._data.append(image)
        return image

    def aim(self, camera: Camera, size: int, params: CameraParams) -> None:
        """Put the camera in place for square pictures of ``size`` pixels."""
        self.scene.render.resolution_x = self.scene.render.resolution_y = size
        lens = self._camera.data
        lens.sensor_fit, lens.sensor_width = "HORIZONTAL", _SENSOR
        lens.lens = camera.focal / size * _SENSOR
        lens.shift_x = 0.5 - camera.principal[0] / size
        lens.shift_y = camera.principal[1] / size - 0.5
        lens.clip_start, lens.clip_end = 10.0, 20000.0
        world = Matrix.Identity(4)
        turn = camera.rotation.T @ np.diag([1.0, -1.0, -1.0])
        where = camera.position
        for row in range(3):
            world[row][:] = (*turn[row], where[row])
        self._camera.matrix_world = world
        lens.dof.use_dof = params.f_number > 0
        if params.f_number > 0:
            lens.dof.focus_distance = params.distance
            # The aperture is that of the lens on the full frame, of which this picture is a part.
            opening = params.focal_length * 1000 / params.f_number
            lens.dof.aperture_fstop = lens.lens / opening

    # Filming

    def film_colour(self, seed: int) -> np.ndarray:
        """Return the picture, float32 (H, W, 4): linear RGB times coverage, and the coverage."""
        cycles = self.scene.cycles
        cycles.samples, cycles.filter_width, cycles.seed = self.samples, _FILTER, seed
        cycles.max_bounces, cycles.use_denoising = _COLOUR_BOUNCES, True
        self.shaders.set_detail(True)
        channels = self._render()
        return np.stack([channels[f"Combined.{name}"] for name in "RGBA"], axis=-1)

    def film_geometry(self, camera: Camera, behind: bool = False) -> Geometry:
        """Return the geometry seen; ``behind`` looks through what is thin."""
        cycles = self.scene.cycles
        cycles.samples, cycles.filter_width, cycles.seed = 1, _POINT, 0
        cycles.max_bounces, cycles.use_denoising = 0, False
        self.shaders.set_detail(False)
        dof, self._camera.data.dof.use_dof = self._camera.data.dof.use_dof, False
        for item in self._lamps:
            item.hide_render = True
        for item in self._thin:
            item.visible_camera = not behind
        # Cycles must not meet the next person with this one's pictures in its memory.
        self.scene.render.use_persistent_data = not behind
        channels = self._render()
        self.scene.render.use_persistent_data = True
        for item in self._lamps:
            item.hide_render = False
        for item in self._thin:
            item.visible_camera = True
        self._camera.data.dof.use_dof = dof
        labels = np.rint(channels["IndexOB.X"]).astype(np.uint8)
        seen = labels != Label.BACKGROUND
        depth = np.where(seen, channels["Depth.Z"], 0).astype(np.float32)
        world = np.stack([channels[f"Normal.{axis}"] for axis in "XYZ"], axis=-1)
        normals = world @ camera.rotation.T.astype(np.float32)
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        normals = np.where(seen[..., None] & (length > 0.5), normals / np.maximum(length, 0.5), 0)
        uv = np.stack([channels["UV.U"], channels["UV.V"]], axis=-1)
        return Geometry(depth, normals.astype(np.float32), labels, uv)

    def _render(self) -> dict[str, np.ndarray]:
        path = str(Path(self._folder.name) / "frame.exr")
        bpy.ops.render.render()
        bpy.data.images["Render Result"].save_render(path)
        with OpenEXR.File(path, separate_channels=True) as file:
            channels = file.channels()
            return {name.partition(".")[2]: np.array(c.pixels) for name, c in channels.items()}


def _mesh(surface: Surface) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(surface.name)
    inside = surface.faces >= 0
    sizes = inside.sum(1)
    corners = surface.faces[inside]
    mesh.vertices.add(len(surface.vertices))
    mesh.attributes["position"].data.foreach_set(
        "vector", np.ascontiguousarray(surface.vertices, np.float32).ravel()
    )
    mesh.loops.add(len(corners))
    mesh.loops.foreach_set("vertex_index", corners.astype(np.int32))
    mesh.polygons.add(len(surface.faces))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    mesh.polygons.foreach_set("loop_start", starts.astype(np.int32))
    mesh.update(calc_edges=True)
    if surface.uv is not None:
        layer = mesh.uv_layers.new(name=UV_LAYER)
        layer.uv.foreach_set("vector", np.ascontiguousarray(surface.uv[inside], np.float32).ravel())
    if surface.smooth:
        mesh.shade_smooth()
    return mesh


def _curves(strands: Strands) -> bpy.types.ID:
    count, length = strands.points.shape[:2]
    curves = bpy.data.hair_curves.new(strands.name)
    curves.add_curves([length] * count)
    curves.attributes["position"].data.foreach_set(
        "vector", np.ascontiguousarray(strands.points, np.float32).ravel()
    )
    radius = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    taper = np.linspace(*strands.radius, length, dtype=np.float32)
    radius.data.foreach_set("value", np.tile(taper, count))
    return curves


def _look_at(position: Iterable[float], target: Iterable[float]) -> Matrix:
    away = np.subtract(position, target).astype(float)
    z = away / np.linalg.norm(away)
    helper = np.array([0.0, 0.0, 1.0]) if abs(z[2]) < 0.99 else np.array([0.0, 1.0, 0.0])
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    matrix = Matrix.Identity(4)
    for row in range(3):
        matrix[row][:] = (x[row], y[row], z[row], list(position)[row])
    return matrix


def devices() -> Iterator[str]:
    """Yield the Cycles device types of this machine, fastest first, "cpu" last."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL"):
        try:
            preferences.compute_device_type = kind
        except TypeError:
            continue
        preferences.get_devices()
        if any(found.type == kind for found in preferences.devices):
            yield kind.lower()
    yield "cpu"
