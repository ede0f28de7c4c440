# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a mesh's attributes off its surface for other faces that lie on it."""

from dataclasses import dataclass, replace
from functools import cached_property

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from ..mesh_edit import read_attribute

# The property that holds the values of each type of attribute, their type and their number.
_FIELDS = {
    'FLOAT': ("value", np.float32, 1), 'FLOAT2': ("vector", np.float32, 2),
    'FLOAT_VECTOR': ("vector", np.float32, 3), 'FLOAT_COLOR': ("color", np.float32, 4),
    'BYTE_COLOR': ("color_srgb", np.float32, 4), 'INT': ("value", np.int32, 1),
    'BOOLEAN': ("value", bool, 1),
}
# A corner is looked up this much nearer to its face's middle, to stay on its side of a seam.
_INWARD = 0.05


@dataclass(frozen=True, eq=False)
class Faces:
    """Vertices and faces without more.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
    corners : ndarray, (c,) int32
        Vertices of the faces' corners.
    starts : ndarray, (f,) int32
        First corner of each face.
    edge_of_corner : ndarray, (c,) int32
        The edge that leaves each corner.
    """

    positions: np.ndarray
    corners: np.ndarray
    starts: np.ndarray
    edge_of_corner: np.ndarray

    @classmethod
    def of(cls, mesh: bpy.types.Mesh) -> "Faces":
        """Those of a mesh."""
        count = len(mesh.loops)
        positions = read_attribute(mesh, "position", "vector", np.float32, 3 * len(mesh.vertices))
        starts = np.empty(len(mesh.polygons), np.int32)
        mesh.polygons.foreach_get("loop_start", starts)
        return cls(
            positions.reshape(-1, 3),
            read_attribute(mesh, ".corner_vert", "value", np.int32, count), starts,
            read_attribute(mesh, ".corner_edge", "value", np.int32, count),
        )

    @property
    def count(self) -> int:
        """Number of faces."""
        return len(self.starts)

    @cached_property
    def face_of_corner(self) -> np.ndarray:
        """(c,)"""
        return np.repeat(np.arange(self.count), np.diff(self.starts, append=len(self.corners)))

    @cached_property
    def middles(self) -> np.ndarray:
        """(f, 3): means of the faces' corners."""
        sums = np.add.reduceat(self.positions[self.corners], self.starts, axis=0)
        return sums / np.diff(self.starts, append=len(self.corners))[:, None]

    def write(self, mesh: bpy.types.Mesh) -> None:
        """Fill an empty mesh, smooth all over."""
        mesh.vertices.add(len(self.positions))
        mesh.loops.add(len(self.corners))
        mesh.polygons.add(self.count)
        mesh.attributes["position"].data.foreach_set("vector", self.positions.ravel())
        mesh.attributes[".corner_vert"].data.foreach_set("value", self.corners)
        mesh.polygons.foreach_set("loop_start", self.starts)
        mesh.update(calc_edges=True)
        mesh.shade_smooth()


@dataclass(frozen=True, eq=False)
class Values:
    """An attribute to be written."""

    name: str
    kind: str
    domain: str
    values: np.ndarray

    def write(self, mesh: bpy.types.Mesh) -> None:
        """Store it with a mesh that has as many elements."""
        field, number, _ = _FIELDS[self.kind]
        attribute = mesh.attributes.get(self.name)
        if attribute is None:
            attribute = mesh.attributes.new(self.name, self.kind, self.domain)
        attribute.data.foreach_set(field, np.ascontiguousarray(self.values.ravel(), number))


@dataclass(frozen=True, eq=False)
class _Places:
    """Points on a mesh's triangles: their vertices, corners and face, and how near to each."""

    vertices: np.ndarray
    corners: np.ndarray
    face: np.ndarray
    weights: np.ndarray

    def read(self, values: np.ndarray, domain: str) -> np.ndarray:
        """Values (n, c) of vertices, corners or faces at the points."""
        if domain == 'FACE':
            return values[self.face]
        at = values[self.vertices if domain == 'POINT' else self.corners]
        if values.dtype != np.float32:
            return at[np.arange(len(at)), self.weights.argmax(axis=1)]
        return np.einsum("nk,nkc->nc", self.weights, at)


class Surface:
    """A mesh's surface, to lay other faces onto and to read the mesh's attributes off for them.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode, with faces.
    """

    def __init__(self, mesh: bpy.types.Mesh):
        self._mesh = mesh
        self._faces = Faces.of(mesh)
        mesh.calc_loop_triangles()
        count = len(mesh.loop_triangles)
        self._vertices, self._corners = (np.empty((count, 3), np.int32) for _ in range(2))
        self._face = np.empty(count, np.int32)
        for name, values in (
            ("vertices", self._vertices), ("loops", self._corners), ("polygon_index", self._face)
        ):
            mesh.loop_triangles.foreach_get(name, values.ravel())
        self._tree = BVHTree.FromPolygons(
            self._faces.positions.tolist(), self._vertices.tolist(), all_triangles=True
        )

    def laid(self, faces: Faces) -> Faces:
        """Other faces with their vertices (n, 3) on this surface."""
        there = self._locate(faces.positions)
        return replace(faces, positions=there.read(self._faces.positions, 'POINT'))

    def values(self, faces: Faces, without_seams: bool = False) -> list[Values]:
        """The mesh's attributes for other faces near its surface.

        Parameters
        ----------
        faces : Faces
            Each vertex, corner and face takes what is nearest to it: numbers and colours are
            interpolated over the mesh's triangles, whole numbers are those of the nearest corner.
        without_seams : bool
            Only what varies from vertex to vertex: no attributes of faces, and of the corners only
            those that all corners of a vertex share.
        """
        at_corner = faces.positions[faces.corners]
        at_corner = at_corner + _INWARD * (faces.middles[faces.face_of_corner] - at_corner)
        places = {'POINT': faces.positions, 'CORNER': at_corner, 'FACE': faces.middles}
        found: dict[str, _Places] = {}
        result = []
        for attribute in self._mesh.attributes:
            name, kind, domain = attribute.name, attribute.data_type, attribute.domain
            if name == "position" or name.startswith(".") or kind not in _FIELDS:
                continue
            if domain not in places:
                continue
            field, number, width = _FIELDS[kind]
            values = np.empty((len(attribute.data), width), number)
            attribute.data.foreach_get(field, values.ravel())
            seamless = domain == 'POINT' or (domain == 'CORNER' and self._is_seamless(values))
            if without_seams and not seamless:
                continue
            if domain not in found:
                found[domain] = self._locate(places[domain])
            result.append(Values(name, kind, domain, found[domain].read(values, domain)))
        return result

    def _is_seamless(self, values: np.ndarray) -> bool:
        """Whether values (c, k) of the corners are the same at all corners of a vertex."""
        shared = np.zeros((len(self._faces.positions), values.shape[1]), values.dtype)
        shared[self._faces.corners] = values
        return bool(np.allclose(shared[self._faces.corners], values, atol=1e-6))

    def _locate(self, places: np.ndarray) -> _Places:
        """The points on the surface next to places (n, 3)."""
        # The tree has no bulk access.
        hits = [self._tree.find_nearest(place)[::2] for place in places.tolist()]
        points = np.array([point for point, _ in hits])
        triangle = np.array([index for _, index in hits])
        corners = self._faces.positions[self._vertices[triangle]].astype(float)
        return _Places(
            self._vertices[triangle], self._corners[triangle], self._face[triangle],
            _barycentric(points, corners).astype(np.float32),
        )


def _barycentric(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Weights (n, 3) of points (n, 3) in the planes of triangles (n, 3, 3)."""
    areas = np.stack([
        np.cross(corners[:, (corner + 1) % 3] - points, corners[:, (corner + 2) % 3] - points)
        for corner in range(3)
    ], axis=1)
    normal = areas.sum(axis=1, keepdims=True)
    weights = np.maximum((areas * normal).sum(axis=2), 0.0) + 1e-30
    return weights / weights.sum(axis=1, keepdims=True)
