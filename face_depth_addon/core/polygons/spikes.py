# SPDX-License-Identifier: GPL-3.0-or-later
"""Single vertices that stick out of polygon meshes, and where they belong.

Deliberately pure: no bpy, numpy only, whole arrays at a time. Positions are (V, 3) float
arrays in metres.
"""

import numpy as np

from .meshfilter import MAD_TO_SIGMA, cross, degrees, neighbour_sums, unit
from .topology import Topology, border_vertices, neighbour_pairs

_SIGMAS = 5.0
_MIN_SLOPE = 0.5
_SHARE = 0.8


def pull_spikes(
    positions: np.ndarray, topology: Topology, movable: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pull single vertices that stick out back to their neighbourhood's surface.

    Parameters
    ----------
    positions, topology, movable
        See ``spike_links``.

    Returns
    -------
    positions : (V, 3) float64 array
    spikes : (V,) bool array
        The vertices that were pulled.
    """
    links = spike_links(positions, topology, movable)
    spikes = np.zeros(topology.vertex_count, dtype=bool)
    spikes[links[0]] = True
    return at_neighbours(positions, links), spikes


def spike_links(
    positions: np.ndarray, topology: Topology, movable: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find single vertices that stick out, and the neighbours in whose middle they belong.

    A spike is a vertex that stands out of more than four fifths of its neighbours to the
    same side, by more than five standard deviations of the mesh's offsets and by more than
    half of the distance to its neighbours. Ridges, steps and their corners are none: there
    some neighbours stand as high. It belongs in the middle of those neighbours, a vertex
    of the border in the middle of its neighbours along the border.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    movable : (V,) bool array, optional
        Only these are spikes.

    Returns
    -------
    spikes, neighbours : (L,) intp arrays
        A spike as often as it has such neighbours.
    """
    columns = np.array(positions, dtype=np.float64).T.copy()
    first, second = pairs = neighbour_pairs(topology)
    if not len(first) or not len(topology.face_starts):
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    degree = np.maximum(degrees(pairs, topology.vertex_count), 1)
    centres = neighbour_sums(pairs, columns) / degree
    # Averaged, since a second spike in the ring would tilt it.
    normals = unit(neighbour_sums(pairs, _ring_normals(columns, centres, topology)))

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
    threshold = np.maximum(_SIGMAS * sigma, _MIN_SLOPE * radius)[start]

    side = np.where(height > threshold, 1, np.where(height < -threshold, -1, 0))
    above = np.bincount(start, side > 0, minlength=topology.vertex_count)
    below = np.bincount(start, side < 0, minlength=topology.vertex_count)
    spikes = np.maximum(above, below) > _SHARE * degree
    if movable is not None:
        spikes &= movable

    # Neighbours that are spikes too tell nothing; along the border only its own do.
    border = border_vertices(topology)
    fair = spikes[start] & ~spikes[end] & (side != 0) & (~border[start] | border[end])
    fair &= np.bincount(start[fair], minlength=topology.vertex_count)[start] >= 2
    return start[fair], end[fair]


def at_neighbours(values: np.ndarray, links: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Values of vertices, those at the start of links replaced by their ends' mean.

    Parameters
    ----------
    values : (V, k) float array
    links : (2, L) intp arrays
        As ``spike_links`` gives them.

    Returns
    -------
    (V, k) float64 array
    """
    start, end = links
    result = np.array(values, dtype=np.float64)
    counts = np.bincount(start, minlength=len(result))
    for column in result.T:
        sums = np.bincount(start, column[end], minlength=len(result))
        column[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return result


def _ring_normals(columns, centres, topology) -> np.ndarray:
    """Unit normals of the rings of neighbours around each vertex, without the vertex."""
    vertex = topology.corner_verts
    after = columns[:, vertex[topology.corner_next]] - centres[:, vertex]
    before = columns[:, vertex[topology.corner_prev]] - centres[:, vertex]
    return unit(
        np.stack(
            [
                np.bincount(vertex, normal, minlength=topology.vertex_count)
                for normal in cross(after, before)
            ]
        )
    )
