# SPDX-License-Identifier: GPL-3.0-or-later
"""Normals of polygon meshes, and what is wrong with their faces: stretched, crossing.

Deliberately pure: no bpy, numpy only, whole arrays at a time. Positions are (V, 3) float
arrays in metres; a relief stands upright (+Z up) and faces -Y. Most helpers take them as
(3, V) columns, and pairs of neighbours as ``neighbour_pairs`` gives them.
"""

from itertools import product

import numpy as np

from .box_pairs import near_pairs
from .topology import Topology

# A median absolute deviation times this is the standard deviation of Gaussian noise.
MAD_TO_SIGMA = 1.4826
# Of a triangle's size: how far a clear crossing lies from its corners and sides.
_CLEAR = 1e-6


def stretched_faces(positions: np.ndarray, topology: Topology, max_angle: float) -> np.ndarray:
    """(F,) bool: faces whose plane is seen too much edge-on along the view axis Y.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    max_angle : float
        Largest angle in radians between a face's normal, either way round, and the axis.

    Notes
    -----
    A face without area has no angle and is not stretched.
    """
    columns = np.asarray(positions, dtype=np.float64).T
    return is_stretched(face_area_vectors(columns, topology), max_angle)


def is_stretched(area, max_angle) -> np.ndarray:
    return np.abs(area[1]) < np.cos(max_angle) * np.sqrt((area**2).sum(axis=0))


def self_intersections(positions: np.ndarray, topology: Topology) -> np.ndarray:
    """Find the pairs of faces that go through each other.

    Faces count as fans of triangles around their first corners. Triangles with a common
    vertex are not compared, and those that only touch or lie in one plane do not cross.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology

    Returns
    -------
    (K, 2) intp array
        Faces, the smaller number first; each pair once, in order.
    """
    triangles, faces = fan_triangles(topology)
    pairs = [np.empty((0, 2), dtype=np.intp)]
    if len(triangles):
        corners = np.asarray(positions, dtype=np.float64)[triangles]
        for first, second in near_pairs(corners.min(axis=1), corners.max(axis=1)):
            # The cheap tests first: few pairs are left for the last one.
            for one, other in product(triangles.T, repeat=2):
                keep = one[first] != other[second]
                first, second = first[keep], second[keep]
            for _ in range(2):
                keep = _reaches_across(corners[first], corners[second])
                first, second = second[keep], first[keep]
            keep = _cross_each_other(corners[first], corners[second])
            pairs.append(np.stack([faces[first[keep]], faces[second[keep]]], axis=1))
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def fan_triangles(topology: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Faces cut into fans around their first corners.

    Returns
    -------
    triangles : (T, 3) intp array
        Vertices, wound like the face.
    faces : (T,) intp array
        The face that each triangle is part of.
    """
    triangles, faces = [np.empty((0, 3), dtype=np.intp)], [np.empty(0, dtype=np.intp)]
    for members, rings in topology.faces_by_size:
        for second, third in zip(rings[1:-1], rings[2:], strict=True):
            triangles.append(np.stack([rings[0], second, third], axis=1))
            faces.append(members)
    return np.concatenate(triangles), np.concatenate(faces)


def _reaches_across(triangle, other) -> np.ndarray:
    """(M,) bool: whether the others' corners lie on both sides of the triangles' planes."""
    a, b, c = triangle.transpose(1, 0, 2)
    heights = ((other - a[:, np.newaxis]) @ np.cross(b - a, c - a)[..., np.newaxis])[..., 0]
    return (heights.min(axis=1) < 0.0) & (heights.max(axis=1) > 0.0)


def _cross_each_other(first, second) -> np.ndarray:
    """(M,) bool: whether an edge of either (M, 3, 3) triangle goes through the other."""
    crossing = np.zeros(len(first), dtype=bool)
    for triangle, other in ((first, second), (second, first)):
        for corner in range(3):
            crossing |= _pierces(other[:, corner], other[:, corner - 1], triangle)
    return crossing


def _pierces(start, end, triangle) -> np.ndarray:
    """(M,) bool: whether segments pass the inside of (M, 3, 3) triangles."""
    corners = list(triangle.transpose(1, 0, 2))
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    clear = _CLEAR * np.sqrt(_length(normal))
    before, after = (_side(point - corners[0], normal, clear) for point in (start, end))
    rounds = [
        _side(corner - start, np.cross(end - start, following - corner), clear)
        for corner, following in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    return (before * after < 0) & (np.abs(sum(rounds)) == 3)


def _side(offset, normal, clear) -> np.ndarray:
    """1 where (M, 3) offsets are clearly before a plane, -1 behind, 0 too near to tell."""
    height = (offset * normal).sum(axis=1)
    return np.where(np.abs(height) > clear * _length(normal), np.sign(height), 0.0)


def _length(vectors) -> np.ndarray:
    return np.sqrt((vectors**2).sum(axis=1))


def both_ends_sum(pairs, at_first, at_second, count) -> np.ndarray:
    """Sum pair values at each pair's two vertices, (V,)."""
    first, second = pairs
    return np.bincount(first, at_first, minlength=count) + np.bincount(
        second, at_second, minlength=count
    )


def neighbour_sums(pairs, columns) -> np.ndarray:
    """Sum of each column's values over the neighbours of each vertex."""
    first, second = pairs
    return np.stack(
        [
            both_ends_sum(pairs, column[second], column[first], len(column))
            for column in columns
        ]
    )


def degrees(pairs, count) -> np.ndarray:
    return np.bincount(np.concatenate(pairs), minlength=count)


def smoothed_normals(columns: np.ndarray, topology: Topology, pairs) -> np.ndarray:
    """(3, V) vertex normals averaged once over the neighbours, so that noise tilts them less."""
    return unit(neighbour_sums(pairs, vertex_normals(columns, topology)))


def vertex_normals(columns: np.ndarray, topology: Topology) -> np.ndarray:
    """Area-weighted unit normals of vertices, (3, V), from (3, V) positions.

    Vertices without a face have the normal 0.
    """
    normals = np.zeros((3, topology.vertex_count))
    for _, rings in topology.faces_by_size:
        for normal, area in zip(normals, area_vectors(columns, rings), strict=True):
            for ring in rings:
                normal += np.bincount(ring, area, minlength=topology.vertex_count)
    return unit(normals)


def face_area_vectors(columns, topology) -> np.ndarray:
    """(3, F) normals of faces, as long as their area."""
    areas = np.zeros((3, len(topology.face_starts)))
    for faces, rings in topology.faces_by_size:
        areas[:, faces] = area_vectors(columns, rings)
    return areas


def area_vectors(columns, rings) -> np.ndarray:
    """(3, N) area vectors of N polygons, from the (sides, N) vertices of their corners."""
    # Taken from the first corner, so that a mesh far from its origin stays exact.
    origin = columns[:, rings[0]]
    area = np.zeros_like(origin)
    before = columns[:, rings[1]] - origin
    for ring in rings[2:]:
        after = columns[:, ring] - origin
        area += cross(before, after)
        before = after
    return 0.5 * area


def unit(vectors) -> np.ndarray:
    length = np.sqrt((vectors**2).sum(axis=0))
    return vectors / np.where(length > 0.0, length, 1.0)


def cross(a, b) -> np.ndarray:
    return np.stack(
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    )
