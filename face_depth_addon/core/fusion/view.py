# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo's surface as the fusion sees it, and what is fitted of it."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np

from ..face.regions import region_mask
from ..head.template import load_template, normals_of
from ..head.visibility import ramp
from ..interpolation import sample, sample_lattice
from ..reconstruction import Reconstruction
from ..relief.shaping import Viewpoint, photo_viewpoint

#: Pixels a side at which photos are compared.
SIZE = 256
# Metres by which places are divided before they are raised to powers, and those powers.
_REACH = 0.1
_POWERS = tuple((i, d - i) for d in (1, 2, 3) for i in range(d, -1, -1))
BENDS = len(_POWERS)
# Degrees from the line of sight up to which, and from which on, a surface is seen well and badly.
_SURE, _STEEP = 50.0, 78.0
# Pixels beside the subject's border that do not count, and over which trust rises.
_BORDER, _RISE = 3, 8.0


@dataclass(frozen=True, eq=False)
class Fit:
    """Where a photo's surface lies in the head's frame, and what is wrong with its depth.

    Attributes
    ----------
    rotation : ndarray, (3, 3) float64
    scale : float
    translation : ndarray, (3,) float64
    closeness : float
        Natural logarithm of how many times nearer the camera stood than the photo says.
    gain : float
        Natural logarithm of the factor on the depth.
    bend : ndarray, (BENDS,) float64
        Polynomial that is added to the depth, in metres; its terms are those of `View.terms`.
    """

    rotation: np.ndarray
    scale: float
    translation: np.ndarray
    closeness: float = 0.0
    gain: float = 0.0
    bend: np.ndarray = field(default_factory=lambda: np.zeros(BENDS))

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the photo's frame in the head's frame."""
        return self.scale * (points @ self.rotation.T) + self.translation

    def back(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the head's frame in the photo's frame."""
        return (points - self.translation) @ self.rotation / self.scale

    def then(self, rotation: np.ndarray, scale: float, translation: np.ndarray) -> "Fit":
        """The same in a frame reached by another similarity."""
        return replace(
            self, rotation=rotation @ self.rotation, scale=scale * self.scale,
            translation=scale * rotation @ self.translation + translation,
        )


@dataclass(frozen=True, eq=False)
class View:
    """One photo of the head.

    The photo's frame is that of its mesh: x to the picture's right, y away from the camera, z up,
    metres by the photo's scale, with the subject's middle at the origin.

    Attributes
    ----------
    found : Reconstruction
    viewpoint : Viewpoint
        As the photo has it, before anything is fitted.
    depth : ndarray, (SIZE, SIZE) float32
        Metres, nearer is larger.
    grey : ndarray, (SIZE, SIZE) float32
        0 to 1.
    subject : ndarray, (SIZE, SIZE) bool
    head : ndarray, (SIZE, SIZE) bool
        The head without neck and body.
    """

    found: Reconstruction
    viewpoint: Viewpoint
    depth: np.ndarray
    grey: np.ndarray
    subject: np.ndarray
    head: np.ndarray

    @classmethod
    def of(cls, found: Reconstruction) -> "View":
        """The view of a reconstruction with landmarks."""
        at = (np.arange(SIZE) + 0.5) * found.size / SIZE
        depth = sample_lattice(found.depth[..., None], at, at)[..., 0] - found.origin[2]
        small = cv2.resize(found.rgb, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        pixel = np.ix_(at.astype(int), at.astype(int))
        return cls(
            found, photo_viewpoint(found), (depth * found.metres_per_pixel).astype(np.float32),
            cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255.0),
            found.subject[pixel],
            region_mask(found.subject, found.landmarks, "HEAD")[pixel],
        )

    @property
    def side(self) -> float:
        """Of the crop, in metres."""
        return self.found.crop.side * self.found.metres_per_pixel

    @cached_property
    def plane(self) -> np.ndarray:
        """(SIZE, SIZE, 2) float64: where pixels lie in the picture, x and z in metres."""
        ticks = (np.arange(SIZE) + 0.5) / SIZE
        x, y = np.meshgrid(ticks, ticks)
        return np.stack([x - self.found.origin[0], self.found.origin[1] - y], axis=-1) * self.side

    @cached_property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks in the picture, (468, 2) metres, and their depth, (468,) metres.

        Their relief is their own: the surface at a hidden landmark is another one.
        """
        marks = self.found.landmarks.astype(float)
        surface = sample(self.depth, marks[:, :2] * SIZE)
        depth = marks[:, 2] * self.found.metres_per_pixel
        places = (marks[:, :2] - self.found.origin[:2]) * (self.side, -self.side)
        return places, depth + np.median(surface - depth)

    @cached_property
    def landmark_trust(self) -> np.ndarray:
        """(468,) float64: how far the photo shows each landmark."""
        template = load_template()
        points, _ = points_of(self, Fit(np.eye(3), 1.0, np.zeros(3)), *self.landmarks)
        normals = template.at_mediapipe(normals_of(template.vertices, template.triangles))
        own = template.at_mediapipe(template.vertices)
        turn = np.linalg.svd((points - points.mean(axis=0)).T @ (own - own.mean(axis=0)))
        rotation = turn[0] @ turn[2]
        facing = -(normals @ rotation.T)[:, 1]
        settled = np.minimum(0.002 / template.mediapipe_scatter, 1.0)
        return settled * np.clip(2.0 * facing + 0.3, 0.03, 1.0)

    @property
    def digest(self) -> str:
        """SHA-256 of the photo."""
        return self.found.info["digest"]

    def places(self, plane: np.ndarray) -> np.ndarray:
        """Where places (..., 2) in the picture lie in the crop, in its sides, from the top left."""
        return plane * (1.0, -1.0) / self.side + self.found.origin[:2]


def points_of(
    view: View, fit: Fit, plane: np.ndarray, depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points of the photo's frame as fitted.

    Parameters
    ----------
    view : View
    fit : Fit
    plane : ndarray, (..., 2)
    depth : ndarray, (...)
        Metres, as the photo has it.

    Returns
    -------
    points : ndarray, (..., 3) float64
    nearness : ndarray, (...) float64
        In front of the frame's origin.
    """
    from_axis, growth, nearness = _raised(view, fit, plane, depth)
    points = np.empty((*nearness.shape, 3))
    points[..., 0::2] = plane + growth[..., None] * from_axis
    points[..., 1] = -nearness
    return points, nearness


def _raised(view: View, fit: Fit, plane: np.ndarray, depth: np.ndarray) -> tuple:
    x, z = plane[..., 0], plane[..., 1]
    close = np.exp(fit.closeness) / view.viewpoint.distance
    right, above = slant(view) * close
    squared = 1.0 + right**2 + above**2
    nearness = np.exp(fit.gain) * depth / np.sqrt(squared) + (x * right + z * above) / squared
    nearness = nearness + np.tensordot(fit.bend, terms(plane), 1)
    growth = (view.viewpoint.anchor - nearness) * close
    return plane - np.array(view.viewpoint.axis), growth, nearness


def slant(view: View) -> np.ndarray:
    """(2,) metres from the optical axis to where the crop's middle lies."""
    return np.subtract(view.viewpoint.aim, view.viewpoint.axis)


def terms(plane: np.ndarray) -> np.ndarray:
    """(BENDS, ...) powers of places (..., 2) by which a depth may be bent."""
    x, z = plane[..., 0] / _REACH, plane[..., 1] / _REACH
    return np.stack([x**i * z**k for i, k in _POWERS])


def term_degrees() -> np.ndarray:
    """(BENDS,) degree of each of the `terms`."""
    return np.array([i + k for i, k in _POWERS])


def derivatives(
    view: View, fit: Fit, plane: np.ndarray, depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points in the head's frame, and how all that is fitted moves them.

    Returns
    -------
    points : ndarray, (n, 3) float64
    motions : ndarray, (n, 3, 9 + BENDS) float64
        By a turn about the head's axes, a growth, a shift, closeness, gain and the bends.
    """
    from_axis, growth, nearness = _raised(view, fit, plane, depth)
    close = np.exp(fit.closeness) / view.viewpoint.distance
    local = np.empty((len(depth), 3))
    local[:, 0::2], local[:, 1] = plane + growth[:, None] * from_axis, -nearness
    arms = fit.scale * (local @ fit.rotation.T)
    motions = np.zeros((len(depth), 3, 9 + BENDS))
    motions[:, 0, 1], motions[:, 0, 2] = arms[:, 2], -arms[:, 1]
    motions[:, 1, 0], motions[:, 1, 2] = -arms[:, 2], arms[:, 0]
    motions[:, 2, 0], motions[:, 2, 1] = arms[:, 1], -arms[:, 0]
    motions[:, :, 3] = arms
    motions[:, :, 4:7] = np.eye(3)
    linear = fit.scale * fit.rotation
    nearer = np.empty((len(depth), 3))
    nearer[:, 0::2], nearer[:, 1] = -close * from_axis, -1.0
    nearer = nearer @ linear.T
    spread = np.zeros((len(depth), 3))
    spread[:, 0::2] = growth[:, None] * from_axis
    right, above = slant(view) * close
    motions[:, :, 7] = spread @ linear.T + nearer * (plane @ (right, above))[:, None]
    motions[:, :, 8] = nearer * (np.exp(fit.gain) * depth)[:, None]
    motions[:, :, 9:] = nearer[:, :, None] * terms(plane).T[:, None, :]
    return arms + fit.translation, motions


@dataclass(frozen=True, eq=False)
class Surface:
    """A view's pixels in space as fitted.

    Attributes
    ----------
    view : View
    fit : Fit
    points, normals : ndarray, (SIZE, SIZE, 3)
        In the head's frame; normals look to the camera.
    facing : ndarray, (SIZE, SIZE)
        Cosine between normal and line of sight.
    trust : ndarray, (SIZE, SIZE) float32
        0 to 1: seen well, and well inside the head.
    """

    view: View
    fit: Fit
    points: np.ndarray
    normals: np.ndarray
    facing: np.ndarray
    trust: np.ndarray

    @classmethod
    def of(cls, view: View, fit: Fit) -> "Surface":
        """The surface of a view."""
        points, _ = points_of(view, fit, view.plane, view.depth)
        normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
        towards = camera_place(view, fit) - points
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
        facing = (normals * towards).sum(axis=-1)
        return cls(
            view, fit, fit.place(points), normals @ fit.rotation.T, facing,
            _trust(view, facing),
        )

    @property
    def camera(self) -> np.ndarray:
        """(3,) place of the camera in the head's frame."""
        return self.fit.place(camera_place(self.view, self.fit))

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Where points (n, 3) of the head's frame appear: (n, 2) continuous pixels of SIZE."""
        return SIZE * self.places(points)

    def places(self, points: np.ndarray) -> np.ndarray:
        """Where points (..., 3) of the head's frame appear in the crop, in its sides."""
        return self.view.places(projected(self.view, self.fit, self.fit.back(points)))

    def sight(self, points: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 3) from points of the head's frame to the camera."""
        towards = self.camera - points
        return towards / np.linalg.norm(towards, axis=-1, keepdims=True)

    def depth_of(self, points: np.ndarray) -> np.ndarray:
        """How near points (n, 3) of the head's frame are to the camera's plane, in metres."""
        return -self.fit.scale * self.fit.back(points)[..., 1]

    @cached_property
    def nearness(self) -> np.ndarray:
        """(SIZE, SIZE) `depth_of` the pixels."""
        return self.depth_of(self.points)


def camera_place(view: View, fit: Fit) -> np.ndarray:
    """(3,) place of the camera in the photo's frame."""
    x, z = view.viewpoint.axis
    distance = view.viewpoint.distance * np.exp(-fit.closeness)
    return np.array([x, -distance - view.viewpoint.anchor, z])


def projected(view: View, fit: Fit, points: np.ndarray) -> np.ndarray:
    """Where points (..., 3) of the photo's frame appear in the picture: (..., 2) metres."""
    close = np.exp(fit.closeness) / view.viewpoint.distance
    growth = ((view.viewpoint.anchor + points[..., 1]) * close)[..., None]
    axis = np.array(view.viewpoint.axis)
    return (points[..., 0::2] + growth * axis) / np.maximum(1.0 + growth, 0.05)


def _trust(view: View, facing: np.ndarray) -> np.ndarray:
    fair = view.subject & view.head & (facing > np.cos(np.radians(_STEEP)))
    kernel = np.ones((2 * _BORDER + 1, 2 * _BORDER + 1), np.uint8)
    fair = cv2.morphologyEx(fair.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    inside = cv2.distanceTransform(np.pad(fair, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rise = np.clip((inside - _BORDER) / _RISE, 0.0, 1.0)
    steady = cv2.erode(facing.astype(np.float32), kernel[:5, :5])
    return (rise * ramp(steady, _SURE, _STEEP)).astype(np.float32)
