# SPDX-License-Identifier: GPL-3.0-or-later
"""From stored depth to positions: what the sliders of a finished mesh do. Needs numpy only.

The frame is the mesh's own: x to the picture's right, y away from the camera, z up, in metres, with
the subject's centre at the origin.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..camera import assumed_camera
from ..crop import transform_points
from ..face.face_points import LEFT_EYE, RIGHT_EYE
from ..interpolation import sample
from ..reconstruction import Reconstruction

Projection = Literal["RELIEF", "WEAK_PERSPECTIVE", "PERSPECTIVE"]


@dataclass(frozen=True)
class Viewpoint:
    """Where the photo's camera stood.

    Attributes
    ----------
    distance : float
        From the camera's plane to the plane in which the photo's scale holds, in metres.
    anchor : float
        Nearness of that plane, in metres.
    axis : tuple of float
        Where the optical axis meets that plane: x, z.
    aim : tuple of float
        Where the crop's middle lies in it: x, z. Depth runs along the line to there.
    """

    distance: float
    anchor: float
    axis: tuple[float, float]
    aim: tuple[float, float]

    @property
    def place(self) -> tuple[float, float, float]:
        """The camera's place: x, y, z. It looks along y."""
        return self.axis[0], -self.distance - self.anchor, self.axis[1]


@dataclass(frozen=True)
class Shape:
    """How stored depth becomes a surface.

    Attributes
    ----------
    projection : str
        ``RELIEF`` moves points straight towards the viewer of the crop; ``WEAK_PERSPECTIVE`` along
        the camera's axis, so that a face beside it is aslant; ``PERSPECTIVE`` along each point's
        own ray.
    strength : float
        Factor on the relief; 1 is true to the photo.
    near, far : float
        Depth is cut off in front of, and behind, these shares of its range: 1 is the nearest
        point, 0 the farthest.
    gamma : float
        Exponent on depth within that range: above 1 flattens what is far.
    tilt : tuple of float
        Degrees about the vertical axis, positive bringing the picture's right side nearer, and
        about the horizontal one, positive bringing the top nearer.
    smoothing : float
        0 leaves the relief as it is, 0.5 takes fine detail away, 1 leaves only its broad form.
    feather : float
        Width, in metres, over which the relief sinks to its farthest depth at the border.
    detail : float
        Factor on what was added as detail.
    """

    projection: Projection = "RELIEF"
    strength: float = 1.0
    near: float = 1.0
    far: float = 0.0
    gamma: float = 1.0
    tilt: tuple[float, float] = (0.0, 0.0)
    smoothing: float = 0.0
    feather: float = 0.0
    detail: float = 1.0


@dataclass(frozen=True)
class Layers:
    """What some sliders need to know of each vertex; None where it is not needed or there is none.

    Attributes
    ----------
    smoothed : ndarray, (n, 2) float32, or None
        Depth without fine detail, and without any, in metres.
    inside : ndarray, (n,) float32, or None
        How far the vertices lie inside the border, in metres.
    detail : ndarray, (n,) float32, or None
        What the photo's shading adds to the depth, in metres.
    """

    smoothed: np.ndarray | None = None
    inside: np.ndarray | None = None
    detail: np.ndarray | None = None


def photo_viewpoint(reconstruction: Reconstruction) -> Viewpoint:
    """Where the camera stood, by the photo's EXIF or, without it, 80 cm from the eyes.

    The photo's scale is that of the eyes, so the distance is theirs too.

    Parameters
    ----------
    reconstruction : Reconstruction
    """
    info, crop = reconstruction.info, reconstruction.crop
    per_pixel = reconstruction.metres_per_pixel
    camera = assumed_camera(info["width"], info["height"], info["focal_35mm"], per_pixel)
    (axis,) = transform_points(crop.from_photo(1), np.array([[camera.x, camera.y]]))

    def place(x: float, y: float) -> tuple[float, float]:
        side, (middle_x, middle_y, _) = crop.side * per_pixel, reconstruction.origin
        return float((x - middle_x) * side), float((middle_y - y) * side)

    anchor = (_eye_depth(reconstruction) - reconstruction.origin[2]) * per_pixel
    return Viewpoint(camera.focal_px * per_pixel, float(anchor), place(*axis), place(0.5, 0.5))


def _eye_depth(reconstruction: Reconstruction) -> float:
    """Depth at the eyes, or of the subject's middle where there are none."""
    if reconstruction.landmarks is None:
        return float(reconstruction.origin[2])
    eyes = reconstruction.landmarks[list(RIGHT_EYE + LEFT_EYE), :2] * reconstruction.size
    return float(sample(reconstruction.depth, eyes).mean())


def depth_span(reconstruction: Reconstruction) -> tuple[float, float]:
    """The subject's farthest and nearest depth, in metres from its centre."""
    if reconstruction.span is not None:
        return reconstruction.span
    depth = reconstruction.depth[reconstruction.subject]
    origin, per_pixel = reconstruction.origin[2], reconstruction.metres_per_pixel
    return float((depth.min() - origin) * per_pixel), float((depth.max() - origin) * per_pixel)


def displace(
    plane: np.ndarray, depth: np.ndarray, span: tuple[float, float], shape: Shape,
    viewpoint: Viewpoint,
) -> np.ndarray:
    """Positions of the mesh's vertices.

    Parameters
    ----------
    plane : ndarray, (n, 2) float32
        Where they lie in the picture: x, z, in metres by the photo's scale.
    depth : ndarray, (n,) float32
        Metres, nearer is larger.
    span : tuple of float
        The farthest and the nearest depth.
    shape : Shape
    viewpoint : Viewpoint

    Returns
    -------
    ndarray, (n, 3) float32
    """
    nearness, growth = _raised(plane, depth, span, shape, viewpoint)
    positions = np.empty((len(plane), 3), np.float32)
    positions[:, 0::2] = plane
    np.negative(nearness, out=positions[:, 1])
    if growth is not None:
        _spread(positions, plane, growth, viewpoint)
    return positions


def move(
    positions: np.ndarray, plane: np.ndarray, span: tuple[float, float],
    before: tuple[np.ndarray, Shape, Viewpoint], after: tuple[np.ndarray, Shape, Viewpoint],
) -> None:
    """Move positions by the difference of two displacements; quicker than both.

    Parameters
    ----------
    positions : ndarray, (n, 3) float32
        Changed in place.
    plane : ndarray, (n, 2) float32
    span : tuple of float
    before, after : tuple
        Depth, (n,) float32, shape and viewpoint, as for `displace`. The optical axis is the same.
    """
    nearness, growth = _raised(plane, before[0], span, *before[1:])
    raised, grown = _raised(plane, after[0], span, *after[1:])
    positions[:, 1] -= raised - nearness
    if growth is None and grown is None:
        return
    change = -growth if grown is None else grown if growth is None else grown - growth
    _spread(positions, plane, change, after[2])


def _raised(
    plane: np.ndarray, depth: np.ndarray, span: tuple[float, float], shape: Shape,
    viewpoint: Viewpoint,
) -> tuple[np.ndarray, np.ndarray | None]:
    """How near points are and, in perspective, by what share they move away from the axis."""
    nearness = remap(depth, span, shape)
    across, up = plane[:, 0], plane[:, 1]
    for place, angle in zip((across, up), shape.tilt, strict=True):
        if angle:
            nearness = nearness + place * float(np.tan(np.radians(angle)))
    if shape.projection == "RELIEF":
        return nearness, None
    nearness = _from_camera_plane(nearness, across, up, viewpoint)
    if shape.projection == "WEAK_PERSPECTIVE":
        return nearness, None
    # What is nearer than the plane of the scale is smaller than it seems.
    return nearness, (viewpoint.anchor - nearness) * (1.0 / viewpoint.distance)


def _spread(
    positions: np.ndarray, plane: np.ndarray, growth: np.ndarray, viewpoint: Viewpoint
) -> None:
    """Move (n, 3) positions away from the optical axis by a share of their distance to it."""
    for column, place, middle in zip((0, 2), plane.T, viewpoint.axis, strict=True):
        positions[:, column] += growth * (place - middle)


def soften(
    depth: np.ndarray, layers: Layers, span: tuple[float, float], shape: Shape
) -> np.ndarray:
    """Smooth depth, add its detail and let it sink towards the border.

    Parameters
    ----------
    depth : ndarray, (n,) float32
    layers : Layers
        Those that the shape needs.
    span : tuple of float
        The farthest and the nearest depth.
    shape : Shape

    Returns
    -------
    ndarray, (n,) float32
    """
    if shape.smoothing > 0.0:
        share = 2.0 * min(shape.smoothing, 1.0)
        fine, broad = layers.smoothed[:, 0], layers.smoothed[:, 1]
        depth = (
            depth + share * (fine - depth) if share <= 1.0
            else fine + (share - 1.0) * (broad - fine)
        )
    if shape.detail and layers.detail is not None:
        depth = depth + shape.detail * layers.detail
    if shape.feather > 0.0:
        share = np.clip(layers.inside / shape.feather, 0.0, 1.0)
        depth = span[0] + (depth - span[0]) * (share * share * (3.0 - 2.0 * share))
    return depth


def remap(depth: np.ndarray, span: tuple[float, float], shape: Shape) -> np.ndarray:
    """Clip, bend and scale depth: (n,) float32 metres to the same."""
    far, near = span
    reach = max(near - far, 1e-9)
    if shape.near < 1.0 or shape.far > 0.0:
        low = far + min(shape.far, shape.near) * reach
        depth = np.clip(depth, low, far + max(shape.far, shape.near) * reach)
    if shape.gamma != 1.0:
        share = np.clip((depth - far) / reach, 0.0, 1.0)
        depth = far + reach * share**shape.gamma
    return shape.strength * depth


def _from_camera_plane(
    nearness: np.ndarray, across: np.ndarray, up: np.ndarray, viewpoint: Viewpoint
) -> np.ndarray:
    """Depth along the line to the crop's middle as depth along the camera's axis.

    As `camera.from_camera_plane` does for depth maps.
    """
    right, above = (
        (aim - axis) / viewpoint.distance
        for aim, axis in zip(viewpoint.aim, viewpoint.axis, strict=True)
    )
    squared = 1.0 + right**2 + above**2
    slanted = nearness * squared**-0.5
    slanted += across * (right / squared)
    slanted += up * (above / squared)
    return slanted
