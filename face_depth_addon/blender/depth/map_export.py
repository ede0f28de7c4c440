# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh was made from as files: depth, normals, texture, landmarks."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...core.errors import MeshError, OutputError
from ...core.files import write_whole
from ..attributes import PLANE
from ..material import JPEG_MAGIC
from ..packages import require_packages
from ..shaping.shape import floats
from ..stored import pixels_of, stored

if TYPE_CHECKING:
    from ...core.reconstruction import Reconstruction



def write_depth_map(mesh: bpy.types.Mesh, path: Path) -> None:
    """Write the depth that a mesh was made from, in the photo's frame, with what was painted.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    path : Path
        ``.png`` of 16 bits, ``.exr`` or ``.npy``.

    Raises
    ------
    FaceDepthError
    """
    require_packages()
    from ...core.depth.depth_file import write_depth
    from ...core.pipeline import photo_depth

    result = stored(mesh)
    write_depth(path, photo_depth(result), result.metres_per_pixel)


def write_normals(mesh: bpy.types.Mesh, path: Path) -> None:
    """Write the relief's normal map, which lies on the UV map, as ``.png``.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    path : Path

    Raises
    ------
    FaceDepthError
    """
    require_packages()
    from ...core.depth.normal_map import relief_normals, write_normal_map

    write_normal_map(path, relief_normals(stored(mesh)))


def write_texture(mesh: bpy.types.Mesh, path: Path) -> None:
    """Write the picture that lies on the UV map, with what was painted, as ``.jpg`` or ``.png``.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    path : Path

    Raises
    ------
    FaceDepthError
    """
    require_packages()
    from ...core.pictures import jpeg, png

    encode = {".jpg": jpeg, ".jpeg": jpeg, ".png": png}.get(path.suffix.lower())
    if encode is None:
        raise OutputError(f"{path.name} is no texture: its name must end in .jpg or .png.")
    image = mesh.face_depth.photo_image
    if image is None:
        raise MeshError(f"The mesh {mesh.name} does not hold its photo: reconstruct it again.")
    packed = image.packed_file
    if packed and not image.is_dirty and encode is jpeg and packed.data[:3] == JPEG_MAGIC:
        # Encoding it again would cost quality.
        write_whole(path, packed.data)
    else:
        write_whole(path, encode(_bytes(image)))


def write_landmarks(mesh: bpy.types.Mesh, path: Path) -> None:
    """Write the face's landmarks, in the photo and on the mesh, as ``.json``.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    path : Path

    Raises
    ------
    FaceDepthError
        There was no face, or the file cannot be written.
    """
    require_packages()
    from ...core.face.landmark_file import landmarks_json

    if path.suffix.lower() != ".json":
        raise OutputError(f"{path.name} is no file of landmarks: its name must end in .json.")
    result = stored(mesh)
    vertices = positions = None
    if result.landmarks is not None:
        vertices = _nearest_vertices(mesh, result)
        positions = floats(mesh, "position", 3)[vertices]
    write_whole(path, landmarks_json(result, vertices, positions).encode())


def has_landmarks(mesh: bpy.types.Mesh) -> bool:
    """Whether the mesh was made of a face."""
    record = mesh.face_depth.record
    return bool(record) and json.loads(record)["landmarks"] is not None


def _nearest_vertices(mesh: bpy.types.Mesh, result: "Reconstruction") -> np.ndarray:
    """The vertices that lie nearest to the landmarks in the picture: (468,) int."""
    plane = floats(mesh, PLANE, 2)
    side = result.crop.side * result.metres_per_pixel
    places = (result.landmarks[:, :2] - result.origin[:2]) * (side, -side)
    return np.array([((plane - place) ** 2).sum(axis=1).argmin() for place in places])


def _bytes(image: bpy.types.Image) -> np.ndarray:
    """An image's pixels, (H, W, 3) uint8, the upper row first."""
    return np.rint(255.0 * np.clip(pixels_of(image)[..., :3], 0.0, 1.0)).astype(np.uint8)
