# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface through the points of a cloud that has normals. Needs numpy and OpenCV."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import PointCloudError
from ..polygons.topology import connected_components
from ..relief.grid import round_border
from .neighbours import neighbourhoods, spacing
from .pointcloud import PointCloud, voxel_downsample
from .surface_nets import lattice_around, surface_nets

SurfaceMethod = Literal["LOCAL", "POISSON"]

# Size of the faces where none is asked for, in spacings of the points.
_FACE_SPACINGS = 1.5
# With smaller faces each point would have a patch of its own.
_LEAST_SPACINGS = 0.5
# Points nearer to each other than this share of a face's size are taken together.
_THIN = 0.75
# How many points make the surface at a place: enough to tell the sides apart, and to lie on it.
_SIDES_FIT, _SURFACE_FIT = 20, 32
# The surface spans gaps of about twice so many faces.
_REACH = {"LOCAL": 2, "POISSON": 6}
# At a straight border the points' weighted mean lies 0.235 of their reach to one side.
_OFF_SIDE = 0.26
# Parts with fewer faces than this share of the biggest one's are dropped.
_LEAST_PART = 0.02
_MAX_NODES = 30_000_000
_TIDY_ROUNDS = 10


@dataclass(frozen=True)
class CloudSurface:
    """Arrays of a mesh.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
        Metres.
    colours : ndarray, (n, 4) uint8
        sRGB and alpha.
    faces : ndarray, (f, 3 or 4) int32
        Anticlockwise as seen from where the normals point.
    """

    positions: np.ndarray
    colours: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True)
class _Fit:
    """The surface near some places, as seen from each.

    Attributes
    ----------
    distances : ndarray, (m,) float64
        How far outside it the place lies.
    normals : ndarray, (m, 3) float64
    off_side : ndarray, (m,) float64
        How far to one side the points lie, as a share of how far they reach.
    colours : ndarray, (m, 4) float64
    """

    distances: np.ndarray
    normals: np.ndarray
    off_side: np.ndarray
    colours: np.ndarray


def face_size(cloud: PointCloud) -> float:
    """Which size of faces, in metres, does a cloud justice."""
    return _FACE_SPACINGS * spacing(cloud.positions)


def surface_through(
    cloud: PointCloud, size: float, method: SurfaceMethod = "LOCAL"
) -> CloudSurface:
    """A mesh through a cloud, open where the cloud ends.

    Parameters
    ----------
    cloud : PointCloud
        With normals, all to the outside.
    size : float
        Of the faces, in metres. What is smaller than about twice that is evened out.
    method : str
        ``LOCAL`` fits spheres to the points around each place; ``POISSON`` is that of
        Open3D, which spans wider gaps and must be installed.

    Returns
    -------
    CloudSurface
        Manifold, without parts much smaller than the biggest.

    Raises
    ------
    PointCloudError
        Too few points, or faces too small for them or for the memory; Open3D or OpenCV is
        missing.

    References
    ----------
    G. Guennebaud and M. Gross: Algebraic Point Set Surfaces, SIGGRAPH 2007. A. Adamson and
    M. Alexa: Approximating Bounded, Non-orientable Surfaces from Points, SMI 2004, for the
    borders.
    """
    thin = voxel_downsample(cloud, _THIN * size)
    if len(thin.positions) < _SURFACE_FIT:
        raise PointCloudError(
            f"Of the cloud {len(thin.positions)} points are left at this size of faces, too few "
            "for a surface: choose a smaller one."
        )
    apart = spacing(thin.positions)
    if size < _LEAST_SPACINGS * apart:
        raise PointCloudError(
            f"The points are {1000.0 * apart:.3g} mm apart: choose faces of at least half that "
            "size."
        )
    if method == "LOCAL":
        vertices, faces = _zero_surface(thin, size)
    else:
        from .poisson import poisson_surface

        vertices, faces = poisson_surface(cloud, size)
    fit = _fit(thin, vertices, _SURFACE_FIT)
    reach = _REACH[method] * size
    kept = (fit.off_side < _OFF_SIDE) & (_to_nearest(thin, vertices) < reach)
    if method == "LOCAL":
        vertices = vertices - fit.distances[:, None] * fit.normals
    else:
        # What closes a gap is far from the points' own sphere; a balloon still farther.
        kept &= np.abs(fit.distances) < reach
    faces = _tidy(faces[kept[faces].all(axis=1)])
    if not len(faces):
        raise PointCloudError(
            "The points do not make up a surface: choose a larger size of faces, or smooth the "
            "cloud."
        )
    return _finished(thin, vertices, faces, fit)


def _zero_surface(cloud: PointCloud, size: float) -> tuple[np.ndarray, np.ndarray]:
    nodes, origin = lattice_around(cloud.positions, size, _REACH["LOCAL"])
    if len(nodes) > _MAX_NODES:
        raise PointCloudError(
            "The faces would be too many for the memory: choose a larger size of faces."
        )
    values = _fit(cloud, origin + nodes * size, _SIDES_FIT).distances
    vertices, faces = surface_nets(nodes, values)
    return origin + vertices * size, faces


def _finished(
    cloud: PointCloud, vertices: np.ndarray, faces: np.ndarray, fit: _Fit
) -> CloudSurface:
    """Without loose vertices, and with a line for a border instead of a staircase."""
    used, local = np.unique(faces, return_inverse=True)
    faces = local.reshape(faces.shape)
    vertices, colours = vertices[used], fit.colours[used]
    edges, counts = _edges(faces)
    border = edges[counts == 1]
    if len(border):
        round_border(vertices, border)
        moved = np.unique(border)
        there = _fit(cloud, vertices[moved], _SURFACE_FIT)
        vertices[moved] -= there.distances[:, None] * there.normals
        colours[moved] = there.colours
    return CloudSurface(
        vertices.astype(np.float32), np.clip(colours + 0.5, 0, 255).astype(np.uint8),
        faces.astype(np.int32),
    )


def _fit(cloud: PointCloud, places: np.ndarray, count: int) -> _Fit:
    """Spheres through the nearest ``count`` points and their normals, in closed form."""
    distances, off_side = np.empty(len(places)), np.empty(len(places))
    normals, colours = np.empty((len(places), 3)), np.empty((len(places), 4))
    for rows, indices, squares in neighbourhoods(cloud.positions, count, places):
        # To nothing at the farthest point, so that the surface does not jump.
        reach = squares[:, -1:].astype(np.float64) + 1e-18
        weights = (1.0 - squares / reach) ** 4 + 1e-12
        weights /= weights.sum(axis=1, keepdims=True)
        # With the place as the origin the sphere u0 + u.x + uq x.x has u0 for its value there.
        points = cloud.positions[indices] - places[rows, None]
        facing = cloud.normals[indices]
        middle = np.einsum("rk,rkc->rc", weights, points)
        mean_facing = np.einsum("rk,rkc->rc", weights, facing)
        along = np.einsum("rk,rkc,rkc->r", weights, points, facing)
        squared = np.einsum("rk,rkc,rkc->r", weights, points, points)
        spread = squared - _dot(middle, middle)
        curved = 0.5 * (along - _dot(middle, mean_facing)) / np.maximum(spread, 1e-18)
        gradient = mean_facing - 2.0 * curved[:, None] * middle
        value = -_dot(gradient, middle) - curved * squared
        slope = np.maximum(np.linalg.norm(gradient, axis=1), 1e-9)
        root = np.sqrt(np.maximum(slope**2 - 4.0 * curved * value, 0.0))
        distances[rows] = 2.0 * value / (slope + root)
        normals[rows] = normal = gradient / slope[:, None]
        aside = middle - _dot(middle, normal)[:, None] * normal
        off_side[rows] = np.linalg.norm(aside, axis=1) / np.sqrt(reach[:, 0])
        colours[rows] = np.einsum("rk,rkc->rc", weights, cloud.colours[indices].astype(float))
    return _Fit(distances, normals, off_side, colours)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.einsum("rc,rc->r", first, second)


def _to_nearest(cloud: PointCloud, places: np.ndarray) -> np.ndarray:
    found = neighbourhoods(cloud.positions, 1, places)
    return np.sqrt(np.concatenate([squares[:, 0] for _, _, squares in found]))


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges, (e, 2), and how many faces each has."""
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    ends.sort(axis=1)
    # One number each: unique rows would take ten times as long.
    count = int(ends.max()) + 1 if len(ends) else 1
    keys, counts = np.unique(ends[:, 0] * count + ends[:, 1], return_counts=True)
    return np.stack([keys // count, keys % count], axis=1), counts


def _tidy(faces: np.ndarray) -> np.ndarray:
    """Without what is not manifold and without small parts."""
    for _ in range(_TIDY_ROUNDS):
        edges, counts = _edges(faces)
        if not len(edges):
            return faces
        bad = np.bincount(edges[counts == 1].ravel(), minlength=edges.max() + 1) > 2
        bad[edges[counts > 2]] = True
        if not bad.any():
            break
        faces = faces[~bad[faces].any(axis=1)]
    parts = connected_components(edges, int(edges.max()) + 1)[faces[:, 0]]
    sizes = np.bincount(parts)
    return faces[(sizes > _LEAST_PART * sizes.max())[parts]]
