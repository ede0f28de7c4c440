# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes in polygon meshes: finding them, and patches that carry on the surface around.

Deliberately pure: no bpy, numpy only. Positions are (V, 3) float arrays in metres.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from . import patches as polygons
from .borders import border_loops
from .meshfilter import (
    area_vectors,
    face_area_vectors,
    is_stretched,
    smoothed_normals,
    unit,
)
from .patches import cross_2d, following, in_blocks, is_inside
from .topology import Topology, neighbour_pairs

HoleFill = Literal["AUTO", "FAN", "GRID", "SURFACE"]

# Up to so many sides a hole is small: rows of quads go on across it.
SMALL_HOLE = 16

_MIN_COSINE = 0.5
# Lengths in the plane of a hole are in edges of its border from here on.
_GAP = 0.6
_STEEPEST = 2.0
_OUTSIDE = 1.5
_SLOPE_LOOSENESS = 0.1
_FLAT_AREA = 1e-9


@dataclass(frozen=True)
class HolePatch:
    """Faces that close a hole.

    Attributes
    ----------
    positions : (N, 3) float64 array
        The new vertices, all inside the hole.
    faces : (T, 3) or (T, 4) intp array
        Wound like the faces around. Below n, the number of the hole's vertices, they are
        places in its loop; n + i is the i-th new vertex.
    weights : (N, n) float32 array
        Mean-value coordinates: ``weights @ values`` carries values such as colours and UVs
        from the loop's vertices to the new ones. Rows sum to one. Inside a hole that is not
        convex some weights are below zero.
    """

    positions: np.ndarray
    faces: np.ndarray
    weights: np.ndarray


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
    normals = unit(face_area_vectors(columns, topology))
    holes = []
    for corners in loops:
        ring = topology.corner_verts[corners]
        lid = area_vectors(columns, ring[:, np.newaxis])
        around = unit(normals[:, topology.corner_faces[corners]].sum(axis=1, keepdims=True))
        continues = float((unit(lid) * around).sum()) > _MIN_COSINE
        if continues and (max_angle is None or not is_stretched(lid, max_angle)[0]):
            holes.append(ring)
    return holes


def fill_holes(
    positions: np.ndarray,
    topology: Topology,
    holes: list[np.ndarray],
    fill: HoleFill = "SURFACE",
) -> list[HolePatch | None]:
    """Patches that carry the surface on over holes, its slope included.

    In the plane of the hole, ``SURFACE`` is a regular triangle lattice as fine as the
    border's edges, joined to the border by a Delaunay triangulation; ``GRID`` is rows of
    quads between the border's four sharpest corners; ``FAN`` is triangles around one new
    vertex. ``AUTO`` is a grid in holes of up to ``SMALL_HOLE`` sides and a surface in
    others. Where a grid does not fit a small hole, a fan is taken; where neither fits, a
    surface.

    The patch's heights are a clamped thin plate: of all surfaces through the border with
    the surroundings' slope there, the one that bends least (its bi-Laplacian is zero).
    Slopes steeper than 2 count as 2, so that a torn edge does not bulge.

    Parameters
    ----------
    positions : (V, 3) float array
    topology : Topology
    holes : list of (n,) intp arrays
        Loops of vertices as ``find_holes`` gives them, best of up to some 1500 vertices:
        memory goes with the square of n, time with its cube.
    fill : {"AUTO", "FAN", "GRID", "SURFACE"}

    Returns
    -------
    list of HolePatch or None
        None where the border crosses itself, seen along the hole's normal as well as
        along the mean normal of the surroundings.

    References
    ----------
    J. Duchon: Splines minimizing rotation-invariant semi-norms in Sobolev spaces, 1977.
    M. S. Floater: Mean value coordinates, Computer Aided Geometric Design 20, 2003.
    """
    columns = np.asarray(positions, dtype=np.float64).T
    normals = smoothed_normals(columns, topology, neighbour_pairs(topology))
    return [_fill(columns[:, hole].T, normals[:, hole].T, fill) for hole in holes]


def _fill(border, normals, fill) -> HolePatch | None:
    """The patch of one hole from its (n, 3) border and the unit normals there."""
    centre = border.mean(axis=0)
    lid = area_vectors(border.T, np.arange(len(border))[:, np.newaxis])[:, 0]
    # A torn border can wind too much to be laid out from its own side.
    for direction in (lid, normals.sum(axis=0)):
        axes = _axes(unit(direction))
        local = (border - centre) @ axes.T
        spacing = np.linalg.norm(following(local) - local, axis=1).mean()
        outline, heights = local[:, :2] / spacing, local[:, 2] / spacing
        ears = polygons.clip_ears(outline) if _is_simple(outline) else None
        if ears is not None:
            break
    else:
        return None
    inner, faces = _laid_out(outline, ears, fill)
    plate = _plate(outline, heights, normals @ axes.T)
    lifted = np.column_stack([inner, in_blocks(plate, inner, 2 * len(outline))])
    weights = in_blocks(lambda at: _mean_value_weights(at, outline), inner, len(outline))
    return HolePatch(lifted * spacing @ axes + centre, faces, weights)


def _laid_out(outline, ears, fill) -> polygons.Layout:
    """New points in the plane of the hole, and faces."""
    small = len(outline) <= SMALL_HOLE
    layout = None
    if fill == "GRID" or (fill == "AUTO" and small):
        layout = polygons.grid(outline)
    if layout is None and len(outline) > 3 and (fill == "FAN" or (fill != "SURFACE" and small)):
        layout = polygons.fan(outline)
    return layout or polygons.even_triangles(outline, ears)


def _axes(normal) -> np.ndarray:
    """Orthonormal rows, the last one the given unit vector."""
    across = unit(np.cross(normal, np.eye(3)[np.abs(normal).argmin()]))
    return np.stack([across, np.cross(normal, across), normal])


def _is_simple(outline) -> bool:
    """Whether no two sides of an (n, 2) polygon cross and its corners run anticlockwise."""
    start, end = outline, following(outline)
    side = cross_2d(end - start, start[:, np.newaxis] - start)
    other = following(side)
    apart = (np.minimum(side, other) < -_FLAT_AREA) & (np.maximum(side, other) > _FLAT_AREA)
    crossing = apart & apart.T
    return not crossing.any() and float(cross_2d(start, end).sum()) > _FLAT_AREA


def _plate(outline, heights, normals) -> Callable:
    """Thin-plate spline through the border, with the slope of the normals there.

    The slope enters by points outside, as far off that it holds half way; it is loose, so
    that noise does not crease the patch.
    """
    along = unit((following(outline) - outline).T).T
    outward = along + np.roll(along, 1, axis=0)
    outward = unit(np.stack([outward[:, 1], -outward[:, 0]])).T
    rise = -(normals[:, :2] * outward).sum(axis=1)
    slope = np.clip(rise / np.maximum(normals[:, 2], 1e-6), -_STEEPEST, _STEEPEST)
    outside = outline + _OUTSIDE * outward
    # Where the border winds, points outside may come to lie near or within it again.
    free = ~is_inside(outside, outline, 0.0)
    free &= _squared_distances(outside, outline).min(axis=1) > _GAP**2
    nodes = np.concatenate([outline, outside[free]])
    values = np.concatenate([heights, (heights + _OUTSIDE * slope)[free]])

    count = len(nodes)
    plane = np.column_stack([np.ones(count), nodes])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(_squared_distances(nodes, nodes))
    loose = np.arange(len(outline), count)
    system[loose, loose] += _SLOPE_LOOSENESS
    system[:count, count:], system[count:, :count] = plane, plane.T
    solution = np.linalg.solve(system, np.concatenate([values, np.zeros(3)]))

    def height(points: np.ndarray) -> np.ndarray:
        bending = _kernel(_squared_distances(points, nodes)) @ solution[:count]
        return bending + solution[count] + points @ solution[count + 1 :]

    return height


def _kernel(squared) -> np.ndarray:
    """Thin-plate kernel r^2 log r, of squared distances."""
    return 0.5 * squared * np.log(np.maximum(squared, np.finfo(np.float64).tiny))


def _squared_distances(a, b) -> np.ndarray:
    return ((a[:, np.newaxis] - b) ** 2).sum(axis=2)


def _mean_value_weights(points, outline) -> np.ndarray:
    """(N, n) mean-value coordinates of points inside an (n, 2) polygon, float32."""
    start = outline - points[:, np.newaxis]
    end = np.roll(start, -1, axis=1)
    distance = np.linalg.norm(start, axis=2)
    both = distance * np.roll(distance, -1, axis=1)
    half_tangent = cross_2d(start, end) / (both + (start * end).sum(axis=2))
    weights = (half_tangent + np.roll(half_tangent, 1, axis=1)) / distance
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
