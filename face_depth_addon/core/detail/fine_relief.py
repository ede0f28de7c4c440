# SPDX-License-Identifier: GPL-3.0-or-later
"""The detail of a reconstruction: from its photo, from a normal map, and baked into one."""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from ..errors import DepthMapError, MeshError
from ..interpolation import enlarge
from ..reconstruction import Reconstruction
from ..sampling import cut, resized
from .normals import GreenAxis, bake_normals, normal_detail
from .shading import feature_mask, shading_detail

Area = Literal["CROP", "PHOTO"]

_ASPECT_TOLERANCE = 0.01
# Of a normal map's vectors in the subject, so many point to the viewer and are about unit length.
_LEAST_NORMAL, _LENGTH_TOLERANCE = 0.6, 0.3


@dataclass(frozen=True)
class NormalMap:
    """Normals of the photographed surface.

    Attributes
    ----------
    name : str
        What the user calls it.
    vectors : ndarray, (H, W, 3) float32
        In [-1, 1], in the frame of the picture: x right, z to the viewer.
    area : str
        ``CROP`` shows what the mesh's texture shows, ``PHOTO`` the whole photo.
    green : str
        ``OPENGL``: y points up the picture; ``DIRECTX``: down.
    largest : float
        Forms wider than this, in metres, stay those of the depth.
    """

    name: str
    vectors: np.ndarray
    area: Area = "CROP"
    green: GreenAxis = "OPENGL"
    largest: float = 0.02


def crop_photo(reconstruction: Reconstruction) -> np.ndarray:
    """The crop's picture at the size that is kept: (P, P, 3) uint8.

    Raises
    ------
    MeshError
        There is none.
    """
    data = np.frombuffer(reconstruction.pictures.photo, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise MeshError("The photo of this mesh is gone: reconstruct it with Face Depth.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def shading_relief(
    reconstruction: Reconstruction, size: int, cap: float = 0.0007
) -> np.ndarray:
    """What the shading of the photo suggests of wrinkles and folds, on skin alone.

    Parameters
    ----------
    reconstruction : Reconstruction
        Without landmarks all of the subject counts as skin.
    size : int
        Width D of the result.
    cap : float
        Height, in metres, that no detail reaches.

    Returns
    -------
    ndarray, (D, D) float32
        Photo pixels, to be added to the depth.

    Raises
    ------
    MeshError
        The photo is missing.
    """
    photo = _resized(crop_photo(reconstruction), size)
    mask = _resized(reconstruction.matte, size) / np.float32(255.0)
    if reconstruction.landmarks is not None:
        mask *= feature_mask(reconstruction.landmarks[:, :2] * size, (size, size))
    millimetre = 0.001 / reconstruction.metres_per_pixel
    return shading_detail(
        photo, depth_at(reconstruction, size), mask, reconstruction.crop.side / size, millimetre,
        1000.0 * cap,
    )


def normal_relief(
    reconstruction: Reconstruction, size: int, normals: NormalMap
) -> np.ndarray:
    """What a normal map shows and the depth does not.

    Parameters
    ----------
    reconstruction : Reconstruction
    size : int
        Width D of the result.
    normals : NormalMap

    Returns
    -------
    ndarray, (D, D) float32
        Photo pixels, to be added to the depth.

    Raises
    ------
    DepthMapError
        It is no normal map, or of another shape than what it is said to show.
    """
    vectors = _in_crop(reconstruction, size, normals)
    subject = _resized(reconstruction.matte, size) >= 128
    length = np.linalg.norm(vectors, axis=-1)
    fair = (vectors[..., 2] > 0.0) & (np.abs(length - 1.0) < _LENGTH_TOLERANCE)
    if not subject.any() or fair[subject].mean() < _LEAST_NORMAL:
        raise DepthMapError(
            f'"{normals.name}" does not look like a normal map of this face: choose one that is '
            "mostly light blue, of the picture that you say it shows."
        )
    pixel = reconstruction.crop.side / size
    wavelength = normals.largest / reconstruction.metres_per_pixel / pixel
    return normal_detail(
        depth_at(reconstruction, size), vectors, subject, pixel, wavelength, "DIRECTX"
    )


def depth_at(reconstruction: Reconstruction, size: int) -> np.ndarray:
    """A reconstruction's depth at another size: (size, size) float32, photo pixels."""
    if size > reconstruction.size:
        return enlarge(reconstruction.depth, (size, size))
    return _resized(reconstruction.depth, size)


def baked_detail(reconstruction: Reconstruction, strength: float) -> bytes:
    """The detail as a tangent-space normal map, laid out as the mesh's UVs.

    Parameters
    ----------
    reconstruction : Reconstruction
        With detail.
    strength : float
        Factor on the detail.

    Returns
    -------
    bytes
        A PNG of 16 bits a channel: green up, as Blender wants it.
    """
    detail = reconstruction.detail
    size = len(detail)
    coarse = depth_at(reconstruction, size)
    baked = bake_normals(
        coarse + np.float32(strength) * detail, coarse, size / reconstruction.crop.side
    )
    return cv2.imencode(".png", baked[..., ::-1])[1].tobytes()


def _in_crop(reconstruction: Reconstruction, size: int, normals: NormalMap) -> np.ndarray:
    """(size, size, 3) vectors in the crop's frame: x right, y down, z to the viewer."""
    crop, info = reconstruction.crop, reconstruction.info
    height, width = normals.vectors.shape[:2]
    vectors = normals.vectors * np.array([1.0, 1.0 if normals.green == "DIRECTX" else -1.0, 1.0])
    whole = normals.area == "PHOTO"
    shown = (info["width"], info["height"]) if whole else (1, 1)
    if abs(width * shown[1] / (height * shown[0]) - 1.0) > _ASPECT_TOLERANCE:
        what = f"the photo {shown[0]} x {shown[1]}" if whole else "the mesh's texture square"
        raise DepthMapError(
            f'"{normals.name}" is {width} x {height} pixels and {what}: choose a normal map of '
            "the same picture."
        )
    if not whole:
        return _resized(vectors.astype(np.float32), size)
    scale = width / info["width"]
    scaled = replace(crop, x=crop.x * scale, y=crop.y * scale, side=crop.side * scale)
    x, y, z = np.moveaxis(cut(vectors.astype(np.float32), scaled, size, cv2.BORDER_CONSTANT), -1, 0)
    across, down = np.cos(crop.roll), np.sin(crop.roll)
    return np.stack([across * x + down * y, across * y - down * x, z], axis=-1)


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[0] == size:
        return image
    small = resized(image, size)
    return small[..., 0] if image.ndim == 2 else small
