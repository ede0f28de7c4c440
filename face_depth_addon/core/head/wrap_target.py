# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface that a photo shows, as something a mesh can be drawn to. Needs numpy only."""

from dataclasses import dataclass

import numpy as np

from ..interpolation import sample, sample_lattice
from ..reconstruction import Reconstruction
from ..relief.shaping import Shape, Viewpoint, depth_span, displace

# Enough for a template whose edges are some millimetres long.
_MAX_SIZE = 384
# Cosine between surface and line of sight below which it is a sheet that bridges an edge.
_LEAST_FACING = 0.2
_BORDER = 2  # pixels


@dataclass(frozen=True, eq=False)
class Target:
    """A point for each pixel of the crop, in the mesh's frame.

    Attributes
    ----------
    points, normals : ndarray, (S, S, 3) float32
        Metres; normals look to the camera.
    valid : ndarray, (S, S) float32
        1 where the subject's surface is seen well, 0 elsewhere.
    side : float
        Of the crop, in metres.
    origin : ndarray, (3,) float64
        As in `Reconstruction`.
    shape : Shape
    viewpoint : Viewpoint
    """

    points: np.ndarray
    normals: np.ndarray
    valid: np.ndarray
    side: float
    origin: np.ndarray
    shape: Shape
    viewpoint: Viewpoint

    @classmethod
    def of(cls, reconstruction: Reconstruction, shape: Shape, viewpoint: Viewpoint) -> "Target":
        """The surface of a reconstruction, shaped."""
        size = min(reconstruction.size, _MAX_SIZE)
        ticks = (np.arange(size) + 0.5) / size
        at = ticks * reconstruction.size
        depth = sample_lattice(reconstruction.depth[..., None], at, at)[..., 0]
        subject = reconstruction.subject[np.ix_(at.astype(int), at.astype(int))]
        side = reconstruction.crop.side * reconstruction.metres_per_pixel
        x, y = np.meshgrid(ticks, ticks)
        plane = np.stack([x - reconstruction.origin[0], reconstruction.origin[1] - y], axis=-1)
        points = displace(
            (plane.reshape(-1, 2) * side).astype(np.float32),
            _metres(depth, reconstruction).ravel(), depth_span(reconstruction), shape, viewpoint,
        ).reshape(size, size, 3)
        normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
        facing = (normals * to_camera(points, shape, viewpoint)).sum(axis=-1)
        valid = _eroded(subject & (facing > _LEAST_FACING))
        return cls(
            points, normals.astype(np.float32), valid.astype(np.float32), side,
            reconstruction.origin, shape, viewpoint,
        )

    def in_crop(self, positions: np.ndarray) -> np.ndarray:
        """Where positions (n, 3) appear: (n, 2) in crop's sides, (0, 0) at the upper left."""
        plane = positions[:, 0::2].astype(np.float64)
        if self.shape.projection == "PERSPECTIVE":
            growth = (self.viewpoint.anchor + positions[:, 1:2]) / self.viewpoint.distance
            plane = (plane + growth * np.array(self.viewpoint.axis)) / (1.0 + growth)
        return plane / self.side * (1.0, -1.0) + self.origin[:2]

    def at(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (n, 3), normals (n, 3) and validity (n,) at places (n, 2) in crop's sides."""
        pixels = places * len(self.points)
        inside = ((places > 0.0) & (places < 1.0)).all(axis=1)
        normals = sample(self.normals, pixels)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        # What lies half on an edge is no surface.
        valid = (sample(self.valid, pixels) > 0.99) & inside
        return sample(self.points, pixels), normals, valid

    def sight(self, positions: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 3) from positions to the camera."""
        return to_camera(positions, self.shape, self.viewpoint)


def to_camera(positions: np.ndarray, shape: Shape, viewpoint: Viewpoint) -> np.ndarray:
    """Unit vectors (..., 3) from positions to where they are seen from."""
    if shape.projection != "PERSPECTIVE":
        return np.broadcast_to(np.array([0.0, -1.0, 0.0], np.float32), positions.shape)
    ahead = np.array(viewpoint.place, np.float32) - positions
    return ahead / np.linalg.norm(ahead, axis=-1, keepdims=True)


def landmark_points(reconstruction: Reconstruction, target: Target) -> np.ndarray:
    """The landmarks in the target's frame, (468, 3) float32.

    Their relief is their own, for the surface at a hidden landmark is another one; how near they
    are is taken from the surface.
    """
    landmarks = np.asarray(reconstruction.landmarks, np.float32)
    surface = sample(reconstruction.depth, landmarks[:, :2] * reconstruction.size)
    depth = landmarks[:, 2] + np.median(surface - landmarks[:, 2])
    plane = (landmarks[:, :2] - target.origin[:2]) * (target.side, -target.side)
    return displace(
        plane.astype(np.float32), _metres(depth, reconstruction), depth_span(reconstruction),
        target.shape, target.viewpoint,
    )


def _metres(depth: np.ndarray, reconstruction: Reconstruction) -> np.ndarray:
    centred = depth - np.float32(reconstruction.origin[2])
    return (centred * reconstruction.metres_per_pixel).astype(np.float32)


def _eroded(mask: np.ndarray) -> np.ndarray:
    """A mask without its border of some pixels."""
    for _ in range(_BORDER):
        framed = np.pad(mask, 1)
        mask = (
            mask & framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
        )
    return mask
