# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry filters on polygon meshes: smoothing, spikes, stretched faces, holes.

Deliberately pure: no bpy, numpy only, whole arrays at a time. Positions are (V, 3) float
arrays in metres; a relief stands upright (+Z up) and faces -Y.
"""

from typing import Literal

import numpy as np

from .topology import Topology, border_loops, border_vertices, neighbour_pairs

SmoothMethod = Literal["LAPLACIAN", "BILATERAL"]

# A median absolute deviation times this is the standard deviation of Gaussian noise.
MAD_TO_SIGMA = 1.4826
FLAT_SLOPE = 1e-5
SPIKE_SIGMAS = 5.0
SPIKE_MIN_SLOPE = 0.5
SPIKE_SHARE = 0.8
HOLE_MIN_COSINE = 0.5


def smooth(
    positions: np.ndarray,
    topology: Topology,
    method: SmoothMethod = "BILATERAL",
    iterations: int = 5,
    strength: float = 0.5,
    movable: np.ndarray | None = None,
) -> np.ndarray:
    """Smooth a mesh.

    ``LAPLACIAN`` moves each vertex towards the mean of its neighbours, border vertices
    along the border only. ``BILATERAL`` moves each vertex along its normal by a weighted
    mean of its neighbours' offsets; offsets that are large against the noise, which is
    estimated as their median absolute deviation, count little, so that edges stay. An
    offset is measured along the mean of the two normals: it is zero on planes and spheres,
    so that curved surfaces do not shrink.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    method : {"LAPLACIAN", "BILATERAL"}
    iterations : int
    strength : float
        0 (nothing moves) to 1, of each iteration.
    movable : (V,) bool array, optional
        The other vertices stay where they are, but count as neighbours.

    Returns
    -------
    (V, 3) float64 array

    References
    ----------
    S. Fleishman, I. Drori, D. Cohen-Or: Bilateral Mesh Denoising, SIGGRAPH 2003.
    """
    pairs = neighbour_pairs(topology)
    if movable is None:
        movable = np.ones(topology.vertex_count, dtype=bool)
    columns = np.array(positions, dtype=np.float64).T.copy()
    # A vertex without neighbours has nothing to be smoothed by.
    if not len(pairs[0]):
        return columns.T
    if method == "LAPLACIAN":
        _smooth_laplacian(columns, topology, pairs, iterations, strength * movable)
    else:
        _smooth_bilateral(columns, topology, pairs, iterations, strength * movable)
    return np.ascontiguousarray(columns.T)


def _smooth_laplacian(columns, topology, pairs, iterations, step) -> None:
    border = border_vertices(topology)
    # Pairs seen from either end; the border is not drawn into the surface.
    start, end = np.concatenate(pairs), np.concatenate(pairs[::-1])
    counts = ~border[start] | border[end]
    start, end = start[counts], end[counts]
    degree = np.bincount(start, minlength=topology.vertex_count)
    step = np.where(degree > 0, step, 0.0)
    degree = np.maximum(degree, 1)
    for _ in range(iterations):
        for column in columns:
            mean = np.bincount(start, column[end], minlength=topology.vertex_count) / degree
            column += step * (mean - column)


def _smooth_bilateral(columns, topology, pairs, iterations, step) -> None:
    first, second = pairs
    count = topology.vertex_count
    distance = np.sqrt(sum((column[second] - column[first]) ** 2 for column in columns))
    spacing = _both_ends_sum(pairs, distance, distance, count) / np.maximum(
        _degrees(pairs, count), 1
    )
    local = np.maximum(spacing[first] * spacing[second], np.finfo(np.float64).tiny)
    nearness = np.exp(-(distance**2) / (2.0 * local))
    total = _both_ends_sum(pairs, nearness, nearness, count)
    step = step / np.maximum(total, np.finfo(np.float64).tiny)

    sigma = None
    for _ in range(iterations):
        normals = _smoothed_normals(columns, topology, pairs)
        offset = 0.5 * sum(
            (normal[first] + normal[second]) * (column[second] - column[first])
            for normal, column in zip(normals, columns, strict=True)
        )
        if sigma is None:
            # Flat backgrounds and what stays put say nothing about the noise.
            telling = (np.abs(offset) > FLAT_SLOPE * distance) & ((step[first] + step[second]) > 0)
            if not telling.any():
                return
            sigma = MAD_TO_SIGMA * float(np.median(np.abs(offset[telling])))
        weighted = offset * nearness * np.exp(-(offset**2) / (2.0 * sigma**2))
        # Seen from the second vertex, the first lies on the other side.
        columns += normals * (step * _both_ends_sum(pairs, weighted, -weighted, count))


def _smoothed_normals(columns, topology, pairs) -> np.ndarray:
    """Vertex normals averaged once over the neighbours, so that noise tilts them less."""
    normals = vertex_normals(columns, topology)
    return _unit(_neighbour_sums(pairs, normals))


def pull_spikes(
    positions: np.ndarray, topology: Topology, movable: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pull single vertices that stick out back to their neighbourhood's surface.

    A spike is a vertex that stands out of more than four fifths of its neighbours to the
    same side, by more than five standard deviations of the mesh's offsets and by more than
    half of the distance to its neighbours. Ridges, steps and their corners are none: there
    some neighbours stand as high. It goes to the middle of those neighbours, a vertex of
    the border to the middle of its neighbours along the border.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    movable : (V,) bool array, optional
        Only these are pulled.

    Returns
    -------
    positions : (V, 3) float64 array
    spikes : (V,) bool array
        The vertices that were pulled.
    """
    columns = np.array(positions, dtype=np.float64).T.copy()
    first, second = pairs = neighbour_pairs(topology)
    spikes = np.zeros(topology.vertex_count, dtype=bool)
    if not len(first) or not len(topology.face_starts):
        return columns.T, spikes
    degree = np.maximum(_degrees(pairs, topology.vertex_count), 1)
    centres = _neighbour_sums(pairs, columns) / degree
    # Averaged, since a second spike in the ring would tilt it.
    normals = _unit(_neighbour_sums(pairs, _ring_normals(columns, centres, topology)))

    start, end = np.concatenate(pairs), np.concatenate(pairs[::-1])
    height = sum(
        normal[start] * (column[start] - column[end])
        for normal, column in zip(normals, columns, strict=True)
    )
    radius = np.sqrt(
        sum(
            (column[end] - centre[start]) ** 2
            for column, centre in zip(columns, centres, strict=True)
        )
    )
    radius = np.bincount(start, radius, minlength=topology.vertex_count) / degree
    sigma = MAD_TO_SIGMA * np.median(np.abs(height))
    threshold = np.maximum(SPIKE_SIGMAS * sigma, SPIKE_MIN_SLOPE * radius)[start]

    side = np.where(height > threshold, 1, np.where(height < -threshold, -1, 0))
    above = np.bincount(start, side > 0, minlength=topology.vertex_count)
    below = np.bincount(start, side < 0, minlength=topology.vertex_count)
    spikes = np.maximum(above, below) > SPIKE_SHARE * degree
    if movable is not None:
        spikes &= movable

    # Neighbours that are spikes too tell nothing; along the border only its own do.
    border = border_vertices(topology)
    fair = spikes[start] & ~spikes[end] & (side != 0) & (~border[start] | border[end])
    start, end = start[fair], end[fair]
    votes = np.bincount(start, minlength=topology.vertex_count)
    spikes &= votes >= 2
    for column in columns:
        total = np.bincount(start, column[end], minlength=topology.vertex_count)
        column[spikes] = total[spikes] / votes[spikes]
    return np.ascontiguousarray(columns.T), spikes


def _ring_normals(columns, centres, topology) -> np.ndarray:
    """Unit normals of the rings of neighbours around each vertex, without the vertex."""
    vertex = topology.corner_verts
    after = columns[:, vertex[topology.corner_next]] - centres[:, vertex]
    before = columns[:, vertex[topology.corner_prev]] - centres[:, vertex]
    return _unit(
        np.stack(
            [
                np.bincount(vertex, normal, minlength=topology.vertex_count)
                for normal in _cross(after, before)
            ]
        )
    )


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
    return _is_stretched(_face_area_vectors(columns, topology), max_angle)


def _is_stretched(area, max_angle) -> np.ndarray:
    return np.abs(area[1]) < np.cos(max_angle) * np.sqrt((area**2).sum(axis=0))


def find_holes(
    positions: np.ndarray,
    topology: Topology,
    max_sides: int,
    max_angle: float | None = None,
) -> list[np.ndarray]:
    """Find the holes of a mesh, each as a loop of vertices wound like its neighbours.

    A border loop is a hole if the face that would close it continues the faces around it
    (their mean normal lies within 60 degrees). The outer border of a sheet is not: it
    could only be closed by a face on the back.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    max_sides : int
        Holes with more border edges are left out.
    max_angle : float, optional
        Holes that only a stretched face would close are left out, see ``stretched_faces``.

    Returns
    -------
    list of (sides,) intp arrays
    """
    columns = np.asarray(positions, dtype=np.float64).T
    loops = border_loops(topology, max_sides)
    if not loops:
        return []
    normals = _unit(_face_area_vectors(columns, topology))
    holes = []
    for corners in loops:
        ring = topology.corner_verts[corners]
        lid = _area_vectors(columns, ring[:, np.newaxis])
        around = _unit(normals[:, topology.corner_faces[corners]].sum(axis=1, keepdims=True))
        continues = float((_unit(lid) * around).sum()) > HOLE_MIN_COSINE
        if continues and (max_angle is None or not _is_stretched(lid, max_angle)[0]):
            holes.append(ring)
    return holes


def _both_ends_sum(pairs, at_first, at_second, count) -> np.ndarray:
    """Sum pair values at each pair's two vertices, (V,)."""
    first, second = pairs
    return np.bincount(first, at_first, minlength=count) + np.bincount(
        second, at_second, minlength=count
    )


def _neighbour_sums(pairs, columns) -> np.ndarray:
    """Sum of each column's values over the neighbours of each vertex."""
    first, second = pairs
    return np.stack(
        [
            _both_ends_sum(pairs, column[second], column[first], len(column))
            for column in columns
        ]
    )


def _degrees(pairs, count) -> np.ndarray:
    return np.bincount(np.concatenate(pairs), minlength=count)


def vertex_normals(columns: np.ndarray, topology: Topology) -> np.ndarray:
    """Area-weighted unit normals of vertices, (3, V), from (3, V) positions.

    Vertices without a face have the normal 0.
    """
    normals = np.zeros((3, topology.vertex_count))
    for _, rings in topology.faces_by_size:
        for normal, area in zip(normals, _area_vectors(columns, rings), strict=True):
            for ring in rings:
                normal += np.bincount(ring, area, minlength=topology.vertex_count)
    return _unit(normals)


def _face_area_vectors(columns, topology) -> np.ndarray:
    """(3, F) normals of faces, as long as their area."""
    areas = np.zeros((3, len(topology.face_starts)))
    for faces, rings in topology.faces_by_size:
        areas[:, faces] = _area_vectors(columns, rings)
    return areas


def _area_vectors(columns, rings) -> np.ndarray:
    """(3, N) area vectors of N polygons, from the (sides, N) vertices of their corners."""
    # Taken from the first corner, so that a mesh far from its origin stays exact.
    origin = columns[:, rings[0]]
    area = np.zeros_like(origin)
    before = columns[:, rings[1]] - origin
    for ring in rings[2:]:
        after = columns[:, ring] - origin
        area += _cross(before, after)
        before = after
    return 0.5 * area


def _unit(vectors) -> np.ndarray:
    length = np.sqrt((vectors**2).sum(axis=0))
    return vectors / np.where(length > 0.0, length, 1.0)


def _cross(a, b) -> np.ndarray:
    return np.stack(
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    )
