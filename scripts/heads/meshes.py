# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces and normals that several things are made with."""

import numpy as np

from .maths import normalised
from .shapes import Label, Material, Surface


def triangulate(faces: np.ndarray) -> np.ndarray:
    """Return quads (F, 4), of which a triangle ends in -1, as triangles int32 (T, 3)."""
    return np.concatenate([faces[:, :3], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])


def quad_edges(faces: np.ndarray) -> np.ndarray:
    """Return the edges, (4 * F, 2), of quads (F, 4), side by side of the quads."""
    return np.concatenate([faces[:, [i, (i + 1) % 4]] for i in range(4)])


def area_vectors(corners: np.ndarray) -> np.ndarray:
    """Return the normals (T, 3) of triangles with corners (T, 3, 3), as long as twice the areas.

    Of triangles in the plane, (T, 3, 2), twice the signed areas, (T,).
    """
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def quad_area_vectors(corners: np.ndarray) -> np.ndarray:
    """Return the normals (F, 3) of quads with corners (F, 4, 3), as long as twice the areas."""
    return np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])


def quad_normals(corners: np.ndarray) -> np.ndarray:
    """Return the unit normals (F, 3) of quads with corners (F, 4, 3)."""
    return normalised(quad_area_vectors(corners))


def lattice(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Return the quads, int32 (F, 4), of a grid of points numbered row by row.

    Rows go up and columns to the right as seen from outside; ``closed`` joins the last column to
    the first.
    """
    row, column = np.mgrid[: rows - 1, : columns if closed else columns - 1]
    start, after = row * columns, (column + 1) % columns
    quads = (start + column, start + after, start + columns + after, start + columns + column)
    return np.stack(quads, axis=-1).reshape(-1, 4).astype(np.int32)


def lattice_uv(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Return texture coordinates, float32 (F, 4, 2), of ``lattice``: u along a row, v up."""
    spans = columns if closed else columns - 1
    row, column = np.mgrid[: rows - 1, :spans]
    corners = [(column + i, row + j) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
    uv = np.stack([np.stack([u / spans, v / (rows - 1)], axis=-1) for u, v in corners], axis=2)
    return uv.reshape(-1, 4, 2).astype(np.float32)


def grid_surface(
    name: str,
    label: Label,
    points: np.ndarray,
    material: Material,
    closed: bool = True,
    thin: bool = False,
) -> Surface:
    """Return points (R, C, 3), rows up and columns to the right seen from outside, as a surface."""
    rows, columns = points.shape[:2]
    faces, uv = lattice(rows, columns, closed), lattice_uv(rows, columns, closed)
    vertices = points.reshape(-1, 3).astype(np.float32)
    return Surface(name, label, vertices, faces, material, uv, thin=thin)
