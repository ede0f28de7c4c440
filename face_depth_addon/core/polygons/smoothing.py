# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing of polygon meshes and of their borders, and where a face is spared from it.

Deliberately pure: no bpy, numpy only, whole arrays at a time. Positions are (V, 3) float
arrays in metres. Smoothing moves vertices and nothing else: what hangs on them, such as
colours and UVs, keeps its values.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from .meshfilter import MAD_TO_SIGMA, both_ends_sum, degrees, smoothed_normals
from .topology import Topology, border_vertices, neighbour_pairs

SmoothMethod = Literal["LAPLACIAN", "TAUBIN", "HC", "BILATERAL"]

_FLAT_SLOPE = 1e-5
# Of the umbrella operator's spectrum, which reaches from 0 to 2: at this frequency Taubin's
# two steps cancel. On a regular quad grid that wave is seventeen edges long.
PASS_BAND = 0.05
_TAUBIN_SHRINK = 0.63
_TAUBIN_GROW = 1.0 / (PASS_BAND - 1.0 / _TAUBIN_SHRINK)
_HC_ORIGINAL, _HC_OWN = 0.02, 0.6

_Mean = Callable[[np.ndarray], np.ndarray]


def smooth(
    positions: np.ndarray,
    topology: Topology,
    method: SmoothMethod = "BILATERAL",
    iterations: int = 5,
    strength: float | np.ndarray = 0.5,
) -> np.ndarray:
    """Smooth a mesh.

    ``LAPLACIAN`` moves each vertex towards the mean of its neighbours; the mesh shrinks.
    ``TAUBIN`` follows each such step by a longer one backwards, so that waves longer than
    about seventeen edges (a frequency below ``PASS_BAND``) keep their height, and the mesh its
    volume. ``HC`` takes back from the step what a vertex and its neighbours have in common,
    and holds on to the original positions; it keeps finer shapes than Taubin, and more of
    the noise. With all three, border vertices move along the border only.

    ``BILATERAL`` moves each vertex along its normal by a weighted mean of its neighbours'
    offsets; offsets that are large against the noise, which is estimated as their median
    absolute deviation, count little, so that edges stay. An offset is measured along the
    mean of the two normals: it is zero on planes and spheres, so that curved surfaces do
    not shrink.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    method : {"LAPLACIAN", "TAUBIN", "HC", "BILATERAL"}
    iterations : int
    strength : float or (V,) float array
        0 (nothing moves) to 1, of each iteration. Vertices that do not move still count
        as neighbours.

    Returns
    -------
    (V, 3) float64 array

    References
    ----------
    G. Taubin: A Signal Processing Approach to Fair Surface Design, SIGGRAPH 1995.
    J. Vollmer, R. Mencl, H. Mueller: Improved Laplacian Smoothing of Noisy Surface Meshes,
    Eurographics 1999.
    S. Fleishman, I. Drori, D. Cohen-Or: Bilateral Mesh Denoising, SIGGRAPH 2003.
    """
    pairs = neighbour_pairs(topology)
    columns = np.array(positions, dtype=np.float64).T.copy()
    # A vertex without neighbours has nothing to be smoothed by.
    if len(pairs[0]):
        step = np.broadcast_to(np.asarray(strength, dtype=np.float64), topology.vertex_count)
        if method == "BILATERAL":
            _bilateral(columns, topology, pairs, iterations, step)
        else:
            filters = {"LAPLACIAN": _laplacian, "TAUBIN": _taubin, "HC": _hc}
            filters[method](columns, _neighbour_mean(topology, pairs), iterations, step)
    return np.ascontiguousarray(columns.T)


def smooth_border(
    positions: np.ndarray,
    topology: Topology,
    iterations: int = 10,
    strength: float | np.ndarray = 1.0,
) -> np.ndarray:
    """Smooth the open borders of a mesh along themselves, without drawing them inwards.

    Taubin's filter on the border's edges: waves longer than about twenty edges stay.
    Vertices inside the mesh, and those where borders meet, stay where they are.

    Parameters
    ----------
    positions, iterations, strength
        See ``smooth``.
    topology : Topology

    Returns
    -------
    (V, 3) float64 array
    """
    border = topology.edges[topology.edge_face_counts == 1]
    start, end = np.concatenate([border, border[:, ::-1]]).T
    simple = np.bincount(start, minlength=topology.vertex_count) == 2
    columns = np.array(positions, dtype=np.float64).T.copy()
    mean = _mean_over(start, end, topology.vertex_count)
    _taubin(columns, mean, iterations, np.where(simple, strength, 0.0))
    return np.ascontiguousarray(columns.T)


def _neighbour_mean(topology, pairs) -> _Mean:
    """Mean over each vertex's neighbours; the border is not drawn into the surface."""
    border = border_vertices(topology)
    start, end = np.concatenate(pairs), np.concatenate(pairs[::-1])
    counts = ~border[start] | border[end]
    return _mean_over(start[counts], end[counts], topology.vertex_count)


def _mean_over(start, end, count) -> _Mean:
    """Mean of (3, V) columns over links; a vertex without a link has its own values."""
    degree = np.bincount(start, minlength=count)
    divisor = np.maximum(degree, 1)

    def mean(columns: np.ndarray) -> np.ndarray:
        sums = np.stack([np.bincount(start, column[end], minlength=count) for column in columns])
        return np.where(degree > 0, sums / divisor, columns)

    return mean


def _laplacian(columns, mean, iterations, step) -> None:
    for _ in range(iterations):
        columns += step * (mean(columns) - columns)


def _taubin(columns, mean, iterations, step) -> None:
    for _ in range(iterations):
        shrunk = columns + _TAUBIN_SHRINK * (mean(columns) - columns)
        grown = shrunk + _TAUBIN_GROW * (mean(shrunk) - shrunk)
        # Both steps as one, so that an uneven strength leaves long waves alone as well.
        columns += step * (grown - columns)


def _hc(columns, mean, iterations, step) -> None:
    original = columns.copy()
    for _ in range(iterations):
        moved = mean(columns)
        drift = moved - _HC_ORIGINAL * original - (1.0 - _HC_ORIGINAL) * columns
        back = _HC_OWN * drift + (1.0 - _HC_OWN) * mean(drift)
        columns += step * (moved - back - columns)


def _bilateral(columns, topology, pairs, iterations, step) -> None:
    first, second = pairs
    count = topology.vertex_count
    distance = np.sqrt(sum((column[second] - column[first]) ** 2 for column in columns))
    spacing = both_ends_sum(pairs, distance, distance, count) / np.maximum(
        degrees(pairs, count), 1
    )
    local = np.maximum(spacing[first] * spacing[second], np.finfo(np.float64).tiny)
    nearness = np.exp(-(distance**2) / (2.0 * local))
    total = both_ends_sum(pairs, nearness, nearness, count)
    step = step / np.maximum(total, np.finfo(np.float64).tiny)

    sigma = None
    for _ in range(iterations):
        normals = smoothed_normals(columns, topology, pairs)
        offset = 0.5 * sum(
            (normal[first] + normal[second]) * (column[second] - column[first])
            for normal, column in zip(normals, columns, strict=True)
        )
        if sigma is None:
            # Flat backgrounds and what stays put say nothing about the noise.
            telling = (np.abs(offset) > _FLAT_SLOPE * distance) & ((step[first] + step[second]) > 0)
            if not telling.any():
                return
            sigma = MAD_TO_SIGMA * float(np.median(np.abs(offset[telling])))
        weighted = offset * nearness * np.exp(-(offset**2) / (2.0 * sigma**2))
        # Seen from the second vertex, the first lies on the other side.
        columns += normals * (step * both_ends_sum(pairs, weighted, -weighted, count))


# Chains of MediaPipe's landmarks; "right" is the person's own right.
_RIGHT_EYE = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 33),
    (33, 133),
)
_LEFT_EYE = (
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466, 263),
    (263, 362),
)
_NOSE_WINGS = (
    (198, 209, 49, 129, 64, 98, 97, 2, 326, 327, 294, 358, 279, 429, 420),
    (219, 166, 79, 239, 238),
    (439, 392, 309, 459, 458),
)
_LIPS = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146, 61),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95, 78),
)
_FEATURES = np.concatenate(
    [
        np.stack([chain[:-1], chain[1:]], axis=1)
        for chain in _RIGHT_EYE + _LEFT_EYE + _NOSE_WINGS + _LIPS
    ]
)
# Metres from a feature's line: up to the first all is spared, from the second on nothing.
_FEATURE_CORE, _FEATURE_REACH = 0.002, 0.007
_SURFACE_RADIUS = 0.001


def feature_weights(positions: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Factors on a smoothing's strength that spare the eyes, nose wings and lips.

    0 within 2 mm of the lids, the eye's axis, the wings' creases, the nostrils and the
    lips' outer and inner lines, rising smoothly to 1 at 7 mm.

    Parameters
    ----------
    positions : (V, 3) float array
        A mesh that faces -Y.
    landmarks : (468, 3) float array
        MediaPipe's landmarks in the mesh's own frame. Only x and z are used: the depth of
        a feature is that of the mesh's foremost vertex there, since a network's depth and
        the landmarks' differ by more than a feature is wide.

    Returns
    -------
    (V,) float64 array
        0 to 1.
    """
    positions = np.asarray(positions, dtype=np.float64)
    flat, lines = positions[:, ::2], landmarks[:, ::2][_FEATURES]
    low, high = lines.min(axis=(0, 1)) - _FEATURE_REACH, lines.max(axis=(0, 1)) + _FEATURE_REACH
    near = np.flatnonzero(((flat > low) & (flat < high)).all(axis=1))
    weights = np.ones(len(positions))
    if not len(near):
        return weights
    used, ends = np.unique(_FEATURES, return_inverse=True)
    anchors = _on_surface(positions[near], landmarks[used])
    squared = np.full(len(near), np.inf)
    for start, end in anchors[ends.reshape(-1, 2)]:
        np.minimum(squared, _squared_distance(positions[near].T, start, end), out=squared)
    rise = (np.sqrt(squared) - _FEATURE_CORE) / (_FEATURE_REACH - _FEATURE_CORE)
    rise = np.clip(rise, 0.0, 1.0)
    weights[near] = rise**2 * (3.0 - 2.0 * rise)
    return weights


def _on_surface(positions, points) -> np.ndarray:
    """The (n, 3) points moved along Y onto the foremost vertices where they lie."""
    placed = np.array(points, dtype=np.float64)
    for point in placed:
        away = np.hypot(positions[:, 0] - point[0], positions[:, 2] - point[2])
        point[1] = positions[away <= away.min() + _SURFACE_RADIUS, 1].min()
    return placed


def _squared_distance(columns, start, end) -> np.ndarray:
    """Squared distance of (3, n) points from the segment between two points."""
    along = end - start
    length = max(float(along @ along), np.finfo(np.float64).tiny)
    offset = columns - start[:, np.newaxis]
    share = np.clip(along @ offset / length, 0.0, 1.0)
    return ((offset - share * along[:, np.newaxis]) ** 2).sum(axis=0)
