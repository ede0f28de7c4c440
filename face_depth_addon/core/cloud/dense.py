# SPDX-License-Identifier: GPL-3.0-or-later
"""A point for each pixel of the photo, from a reconstruction."""

import numpy as np

from ..interpolation import resample, sample_lattice
from ..reconstruction import Reconstruction
from ..relief.building import Layout, meshed_part
from ..relief.shaping import Layers, Shape, Viewpoint, displace, soften
from .pointcloud import PointCloud, unit

# Four million points are enough for any photo of a face.
_MAX_SIDE = 2048


def dense_cloud(
    reconstruction: Reconstruction, photo: np.ndarray, layout: Layout, shape: Shape,
    viewpoint: Viewpoint, span: tuple[float, float],
) -> PointCloud:
    """The part that a layout makes a mesh of, as points at the photo's own resolution.

    Parameters
    ----------
    reconstruction : Reconstruction
    photo : ndarray, (P, P, 3) uint8
        The crop at its size in the photo. It has a point for each pixel, or 2048 a side.
    layout : Layout
    shape : Shape
    viewpoint : Viewpoint
    span : tuple of float
        The farthest and the nearest depth, in metres.

    Returns
    -------
    PointCloud
        With normals; row by row as the photo, in the mesh's frame.

    Raises
    ------
    MeshError
        Nothing of the subject is left.
    """
    part = meshed_part(reconstruction, layout)
    side = min(len(photo), _MAX_SIDE)
    lines = (np.arange(side) + 0.5) / side
    on_depth, on_photo = lines * reconstruction.size, lines * len(photo)
    inside = resample(part.astype(np.float32), on_depth, on_depth) > 0.5

    metres = reconstruction.metres_per_pixel
    nearness = resample(reconstruction.depth, on_depth, on_depth) - reconstruction.origin[2]
    depth = (nearness * metres).astype(np.float32).ravel()
    plane = np.empty((side, side, 2), np.float32)
    extent = reconstruction.crop.side * metres
    plane[..., 0] = (lines - reconstruction.origin[0]) * extent
    plane[..., 1] = ((reconstruction.origin[1] - lines) * extent)[:, np.newaxis]
    plane = plane.reshape(-1, 2)

    layers = Layers()
    if shape.smoothing > 0.0 or shape.feather > 0.0 or reconstruction.detail is not None:
        from ..relief.layers import layers_at

        layers = layers_at(reconstruction, part, plane, shape)
    depth = soften(depth, layers, span, shape)
    positions = displace(plane, depth, span, shape, viewpoint).reshape(side, side, 3)
    colours = np.full((side, side, 4), 255, np.uint8)
    colours[..., :3] = np.clip(sample_lattice(photo, on_photo, on_photo) + 0.5, 0, 255)
    return PointCloud(positions[inside], colours[inside], _normals(positions, inside)[inside])


def _normals(positions: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Normals, (H, W, 3) float32, of points in rows, by their neighbours inside alone."""
    across, down = (_slope(positions, inside, axis) for axis in (1, 0))
    normals = unit(np.cross(down, across).reshape(-1, 3)).reshape(positions.shape)
    normals[~normals.any(axis=-1)] = (0.0, -1.0, 0.0)
    return normals.astype(np.float32)


def _slope(positions: np.ndarray, inside: np.ndarray, axis: int) -> np.ndarray:
    """The steps to both neighbours along an axis, summed where both ends lie inside."""
    first = tuple(slice(None, -1) if axis == i else slice(None) for i in range(2))
    second = tuple(slice(1, None) if axis == i else slice(None) for i in range(2))
    both = (inside[first] & inside[second])[..., np.newaxis]
    step = np.where(both, positions[second] - positions[first], np.float32(0.0))
    total = np.zeros_like(positions)
    total[first] += step
    total[second] += step
    return total
