# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a photo shows each part of a relief, and the geometry that this takes.

Positions are in metres, in Blender's axes; faces are triangles or quads, wound anticlockwise as
seen by the camera, which looks along +Y from far away unless a viewpoint is given.
"""

import cv2
import numpy as np

# Degrees from the line of sight: a surface up to the first is seen well, from the second on badly.
SURE, STEEP = 55.0, 80.0
#: Trust below which nothing counts.
TRUSTED = 0.1
# Metres beside a border or a sheet that do not count, and the most rings of vertices in them.
MARGIN, _MAX_ROUNDS = 0.003, 24


def vertex_trust(
    positions: np.ndarray, faces: np.ndarray, viewpoint: np.ndarray | None = None
) -> np.ndarray:
    """How well a photo shows each vertex of a relief.

    Trust falls with the angle between the surface's normal and the line of sight, from 1 at
    55 degrees to 0 at 80. Where a near part hides a far one, a relief bridges the two by a
    steep sheet: it counts nothing, nor does the border, and trust rises over some millimetres
    beside them.

    Parameters
    ----------
    positions : (V, 3) float array
        In metres, in Blender's axes.
    faces : (F, 3) or (F, 4) int array
        Wound anticlockwise as seen by the camera.
    viewpoint : (3,) float array, optional
        Where the camera stands; None for a camera far away at -Y.

    Returns
    -------
    (V,) float64 array
        0 to 1.
    """
    cosine = facing_camera(vertex_normals(positions, faces), positions, viewpoint)
    trust = ramp(cosine, SURE, STEEP)
    edges, counts = face_edges(faces, len(positions))
    trust[edges[counts == 1]] = 0.0
    rounds = int(np.clip(np.ceil(MARGIN / edge_length(positions, edges)), 1, _MAX_ROUNDS))
    for _ in range(rounds):
        lower = trust[edges].min(axis=1)
        for ends in edges.T:
            np.minimum.at(trust, ends, lower)
    degree = np.bincount(edges.ravel(), minlength=len(trust)) + 1.0
    for _ in range(rounds):
        around = sum(
            np.bincount(start, trust[end], len(trust)) for start, end in (edges.T, edges.T[::-1])
        )
        trust = (trust + around) / degree
    return trust


def face_normals(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F, 3) normals of triangles or quads, twice as long as their area."""
    corners = positions[faces]
    return np.cross(corners[:, 2] - corners[:, 0], corners[:, -1] - corners[:, 1])


def vertex_normals(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, faces weighted by their areas."""
    each = face_normals(positions, faces)
    total = np.zeros((len(positions), 3))
    for ring in faces.T:
        for axis in range(3):
            total[:, axis] += np.bincount(ring, each[:, axis], len(positions))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def facing_camera(
    normals: np.ndarray, positions: np.ndarray, viewpoint: np.ndarray | None
) -> np.ndarray:
    """(n,) cosines between normals, of any length, and the way to the camera."""
    if viewpoint is None:
        return cosines(normals, np.array([[0.0, -1.0, 0.0]]))
    towards = viewpoint - positions
    return cosines(normals, towards / np.linalg.norm(towards, axis=1, keepdims=True))


def cosines(normals: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(n,) cosines between (n, 3) normals, of any length, and unit directions."""
    length = np.maximum(np.linalg.norm(normals, axis=1), 1e-30)
    return (normals * directions).sum(axis=1) / length


def face_edges(faces: np.ndarray, vertex_count: int) -> tuple[np.ndarray, np.ndarray]:
    """(E, 2) vertices of the edges, and of how many faces each is an edge."""
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2).astype(np.int64)
    keys, counts = np.unique(ends.min(axis=1) * vertex_count + ends.max(axis=1), return_counts=True)
    return np.column_stack(np.divmod(keys, vertex_count)), counts


def edge_length(positions: np.ndarray, edges: np.ndarray) -> float:
    """Median length of edges."""
    return float(np.median(np.linalg.norm(positions[edges[:, 1]] - positions[edges[:, 0]], axis=1)))


def nearest(points: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """(m,) index of the point next to each of (m, 3) queries."""
    # 4 is the exact tree, which needs no random numbers.
    index = cv2.flann_Index(points.astype(np.float32), {"algorithm": 4, "leaf_max_size": 10})
    found, _ = index.knnSearch(queries.astype(np.float32), 1, params={"checks": -1})
    return found[:, 0]


def lowest(values: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) the lowest of each face's vertex values."""
    return values[faces].min(axis=1)


def ramp(cosines: np.ndarray, sure: float, steep: float) -> np.ndarray:
    """1 up to an angle of ``sure`` degrees, 0 from ``steep`` on."""
    full, none = np.cos(np.radians([sure, steep]))
    return smoothstep((cosines - none) / (full - none))


def smoothstep(values: np.ndarray) -> np.ndarray:
    """From 0 at 0 to 1 at 1, level at both ends."""
    values = np.clip(values, 0.0, 1.0)
    return values * values * (3.0 - 2.0 * values)
