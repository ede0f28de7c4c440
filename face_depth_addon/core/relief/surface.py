# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrays of a mesh over the subject, whatever its topology. Needs numpy only."""

from dataclasses import dataclass, field

import numpy as np

from ..reconstruction import Reconstruction
from .shaping import Layers


@dataclass(frozen=True)
class SurfaceMesh:
    """Arrays of a mesh, upright in Blender: +Z up, facing -Y, in metres.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
    depth : ndarray, (n,) float32
        Distance towards the camera from the subject's centre, in metres, as the photo says.
    plane : ndarray, (n, 2) float32
        Where the vertices lie in the picture: x, z, in metres by the photo's scale.
    colours : ndarray, (n, 4) uint8
        sRGB with alpha 255.
    uvs : ndarray, (n, 2) float32
        Position in the crop, (0, 0) at its lower left.
    corner_uvs : ndarray, (c, 2) float32
        The same for each face corner.
    corner_verts : ndarray, (c,) int32
        Faces wound anticlockwise as seen by the camera.
    corner_edges : ndarray, (c,) int32
        The edge that leaves each corner.
    edges : ndarray, (e, 2) int32
    face_starts : ndarray, (f,) int32
        First corner of each face.
    layers : Layers
        Those by which the positions were softened.
    """

    positions: np.ndarray
    depth: np.ndarray
    plane: np.ndarray
    colours: np.ndarray
    uvs: np.ndarray
    corner_uvs: np.ndarray
    corner_verts: np.ndarray
    corner_edges: np.ndarray
    edges: np.ndarray
    face_starts: np.ndarray
    layers: Layers = field(default_factory=Layers)


@dataclass(frozen=True)
class Placed:
    """Vertices before they have faces; the attributes are those of `SurfaceMesh`."""

    positions: np.ndarray
    depth: np.ndarray
    plane: np.ndarray
    uvs: np.ndarray


def place(reconstruction: Reconstruction, points: np.ndarray, sampled: np.ndarray) -> Placed:
    """Displace points of the crop straight towards the viewer.

    Parameters
    ----------
    reconstruction : Reconstruction
    points : ndarray, (n, 2) float64
        Continuous crop pixels.
    sampled : ndarray, (n,) float32
        The reconstruction's depth there.
    """
    per_pixel = reconstruction.metres_per_pixel
    depth = ((sampled - reconstruction.origin[2]) * per_pixel).astype(np.float32)
    uvs = (points / reconstruction.size).astype(np.float32)
    side = reconstruction.crop.side * per_pixel
    plane = np.empty((len(points), 2), np.float32)
    plane[:, 0] = (uvs[:, 0] - reconstruction.origin[0]) * side
    plane[:, 1] = (reconstruction.origin[1] - uvs[:, 1]) * side
    uvs[:, 1] = 1.0 - uvs[:, 1]
    positions = np.column_stack([plane[:, 0], -depth, plane[:, 1]])
    return Placed(positions, depth, plane, uvs)
