# SPDX-License-Identifier: GPL-3.0-or-later
"""Loops of border edges in polygon meshes.

Deliberately pure: no bpy, numpy only, and no Python loop over vertices or faces.
"""

import numpy as np

from .topology import Topology, opposite_corners


def border_loops(topology: Topology, max_sides: int) -> list[np.ndarray]:
    """Closed loops of border edges, each wound as a face that closes it would be.

    Where two faces touch at one vertex only, a loop crosses from the one to the other and
    so stays on its side of the pinch. Loops that meet a vertex twice, faces of opposite
    winding or edges of three faces are left out, since no single face can close them.

    Parameters
    ----------
    topology : Topology
    max_sides : int
        Longer loops are left out.

    Returns
    -------
    list of (sides,) intp arrays
        Corners, one for each border edge: ``corner_verts`` of them are the loop's vertices.
    """
    corners = np.flatnonzero(topology.edge_face_counts[topology.corner_edges] == 1)
    if not len(corners):
        return []
    rank = np.full(len(topology.corner_verts), -1)
    rank[corners] = np.arange(len(corners))
    follower = rank[_next_border_corners(topology, corners)]

    label, jump = np.arange(len(corners)), follower
    for _ in range(int(len(corners)).bit_length()):
        label = np.minimum(label, label[jump])
        jump = jump[jump]
    starts, sides = np.unique(label, return_counts=True)
    short = (sides >= 3) & (sides <= max_sides)
    starts, sides = starts[short], sides[short]

    walk = np.empty((len(starts), max_sides + 1), dtype=np.intp)
    walk[:, 0] = starts
    for step in range(max_sides):
        walk[:, step + 1] = follower[walk[:, step]]
    loops = []
    for row, start, count in zip(walk, starts, sides, strict=True):
        loop = corners[row[:count]]
        if row[count] == start and len(np.unique(topology.corner_verts[loop])) == count:
            loops.append(loop)
    return loops


def _next_border_corners(topology: Topology, corners: np.ndarray) -> np.ndarray:
    """For each border corner the next one of its loop; itself where there is none."""
    vertex = topology.corner_verts
    opposite = opposite_corners(topology)
    found = np.full(len(corners), -1)
    turning = np.arange(len(corners))
    current = topology.corner_prev[corners]
    # Turn around the vertex face by face; the longest fan at the border sets the rounds.
    while len(turning):
        at_border = topology.edge_face_counts[topology.corner_edges[current]] == 1
        found[turning[at_border]] = current[at_border]
        turning, current = turning[~at_border], opposite[current[~at_border]]
        sound = (current >= 0) & (vertex[current] == vertex[corners[turning]])
        turning, current = turning[sound], topology.corner_prev[current[sound]]

    # At a pinch of two fans, each loop goes on along the other fan.
    order = np.argsort(vertex[corners], kind="stable")
    _, first, count = np.unique(vertex[corners][order], return_index=True, return_counts=True)
    one, other = order[first[count == 2]], order[first[count == 2] + 1]
    found[one], found[other] = found[other], found[one]
    return np.where(found < 0, corners, found)
