# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh keeps of its reconstruction, so that it can be built anew in any session."""

import json
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..core.camera import assumed_camera
from ..core.crop import Crop
from ..core.errors import MeshError
from ..core.face.sizing import measured_mm
from ..core.reconstruction import Pictures, Reconstruction
from .attributes import has_stored
from .material import pack_image
from .packages import require_packages

if TYPE_CHECKING:
    from .shaping.shape import FACEDEPTH_PG_shape

_PICTURES = ("photo", "backdrop", "depth", "matte")


def keep(mesh: bpy.types.Mesh, name: str, result: Reconstruction) -> None:
    """Store a reconstruction with a mesh.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    name : str
        What the images are called after.
    result : Reconstruction
    """
    settings = mesh.face_depth
    for kind in _PICTURES:
        # What Show Depth makes has the shorter name.
        title = "stored depth" if kind == "depth" else kind
        image = pack_image(f"{name} {title}", getattr(result.pictures, kind))
        if kind in ("depth", "matte"):
            image.colorspace_settings.name = 'Non-Color'
        setattr(settings, f"{kind}_image", image)
    crop, info = result.crop, result.info
    settings.record = json.dumps({
        "crop": (crop.x, crop.y, crop.side, crop.roll),
        "metres_per_pixel": result.metres_per_pixel, "origin": result.origin.tolist(),
        "landmarks": None if result.landmarks is None else result.landmarks.tolist(),
        "info": {key: info[key] for key in ("photo", "digest", "model", "width", "height")}
        | {"focal_35mm": info["focal_35mm"]},
    })
    width, height, focal = info["width"], info["height"], info["focal_35mm"]
    settings.photo_size = width, height
    settings.focal_px = assumed_camera(width, height, focal, result.metres_per_pixel).focal_px
    settings.focal_known = bool(focal)
    settings.metres_per_pixel, settings.roll = result.metres_per_pixel, crop.roll
    settings.has_face = result.landmarks is not None
    _say_size(settings, measured_mm(result))


def _say_size(settings: "FACEDEPTH_PG_shape", size_mm: float) -> None:
    # Without a record of what was applied, its update does nothing.
    before, settings.applied = settings.applied, ""
    settings.size_mm = round(size_mm, 3)
    settings.applied_mm = settings.size_mm
    settings.applied = before


def stored(mesh: bpy.types.Mesh) -> Reconstruction:
    """The reconstruction that a mesh was made from, with what was painted on its images.

    Parameters
    ----------
    mesh : bpy.types.Mesh

    Raises
    ------
    MeshError
        The mesh was made otherwise, or its images are gone.
    """
    settings = mesh.face_depth
    if not has_stored(mesh):
        raise MeshError(
            f"The mesh {mesh.name} does not hold the photo and depth it was made from: "
            "reconstruct it with Face Depth."
        )
    record = json.loads(settings.record)
    shares = pixels_of(settings.depth_image)[..., 0]
    size = len(shares)
    if shares.shape != (size, size):
        raise MeshError(f"The image {settings.depth_image.name} is not square any more.")
    origin, per_pixel = np.array(record["origin"]), record["metres_per_pixel"]
    far, near = settings.span
    matte = np.rint(255.0 * resized_to(pixels_of(settings.matte_image)[..., :1], size)[..., 0])
    rgb = np.rint(255.0 * resized_to(pixels_of(settings.photo_image)[..., :3], size))
    landmarks, detail = record["landmarks"], settings.detail_image
    return Reconstruction(
        depth=((far + (near - far) * shares) / per_pixel + origin[2]).astype(np.float32),
        subject=matte >= 128.0, matte=matte.astype(np.uint8), rgb=rgb.astype(np.uint8),
        crop=Crop(*record["crop"]), metres_per_pixel=per_pixel, origin=origin,
        pictures=_files(settings),
        landmarks=None if landmarks is None else np.array(landmarks, np.float32),
        detail=None if detail is None else np.ascontiguousarray(pixels_of(detail)[..., 0]),
        span=(far, near), info=record["info"],
    )


def _files(settings: "FACEDEPTH_PG_shape") -> Pictures:
    images = {kind: getattr(settings, f"{kind}_image") for kind in _PICTURES}
    return Pictures(**{
        kind: image.packed_file.data if image and image.packed_file else b""
        for kind, image in images.items()
    })


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    """(height, width, channels) float32, the upper row first."""
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    if not len(values):
        raise MeshError(f"The image {image.name} cannot be read.")
    image.pixels.foreach_get(values)
    return values.reshape(height, width, image.channels)[::-1]


def resized_to(pixels: np.ndarray, size: int) -> np.ndarray:
    """(size, size, channels), averaged or interpolated."""
    if pixels.shape[:2] == (size, size):
        return pixels
    require_packages()
    from ..core.sampling import resized

    return resized(pixels, size)
