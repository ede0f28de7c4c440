# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of hole patches, with attributes carried over from the border's vertices."""

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.polygons.holes import HolePatch
from ...core.polygons.topology import Topology
from ..mesh_edit import read_attribute

# The property that holds the values of each type of attribute, their type and their number.
_FIELDS = {
    'FLOAT': ("value", np.float32, 1),
    'FLOAT2': ("vector", np.float32, 2),
    'FLOAT_VECTOR': ("vector", np.float32, 3),
    'FLOAT_COLOR': ("color", np.float32, 4),
    'BYTE_COLOR': ("color_srgb", np.float32, 4),
    'INT': ("value", np.int32, 1),
    'BOOLEAN': ("value", bool, 1),
}


@dataclass(frozen=True)
class Seam:
    """Where patches meet a mesh.

    Attributes
    ----------
    holes : tuple of (n,) intp arrays
        Vertices around each hole.
    patches : tuple of HolePatch
    corners : (B,) intp array
        For each vertex around a hole its corner in a face beside the hole.
    faces : (P,) intp array
        A face beside each hole.
    """

    holes: tuple[np.ndarray, ...]
    patches: tuple[HolePatch, ...]
    corners: np.ndarray
    faces: np.ndarray

    @property
    def border(self) -> np.ndarray:
        """(B,) the vertices around all holes."""
        return np.concatenate(self.holes)

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """Values of the mesh's vertices, (V, k), carried to the new ones: (N, k)."""
        return self.weighted_border(values[self.border])

    def weighted_border(self, values: np.ndarray, nearest: bool = False) -> np.ndarray:
        """Values of the vertices around the holes, (B, k), carried to the new ones: (N, k).

        They stay within the range of the values around the hole. With ``nearest`` each is
        the one of the vertex around the hole that counts most.
        """
        ends = np.cumsum([len(hole) for hole in self.holes])
        carried = []
        for patch, around in zip(self.patches, np.split(values, ends[:-1]), strict=True):
            if nearest:
                carried.append(around[patch.weights.argmax(axis=1)])
            else:
                mean = patch.weights @ around
                carried.append(np.clip(mean, around.min(axis=0), around.max(axis=0)))
        return np.concatenate(carried)


def seam_of(
    topology: Topology, holes: Sequence[np.ndarray], patches: Sequence[HolePatch]
) -> Seam:
    """The seam of patches with the mesh whose holes they fill.

    Parameters
    ----------
    topology : Topology
    holes : sequence of (n,) intp arrays
        Vertices around each hole, as ``core.polygons.holes.find_holes`` gives them.
    patches : sequence of HolePatch
    """
    border = np.flatnonzero(topology.edge_face_counts[topology.corner_edges] == 1)
    start = topology.corner_verts[border]
    end = topology.corner_verts[topology.corner_next[border]]
    order = np.argsort(start * topology.vertex_count + end)
    # Faces beside a hole run around it the other way.
    wanted = np.concatenate(
        [hole * topology.vertex_count + np.roll(hole, 1) for hole in holes]
    )
    names = (start * topology.vertex_count + end)[order]
    corners = border[order[np.searchsorted(names, wanted)]]
    first = np.cumsum([0] + [len(hole) for hole in holes[:-1]])
    return Seam(tuple(holes), tuple(patches), corners, topology.corner_faces[corners[first]])


def patch_mesh(
    source: bpy.types.Mesh, seam: Seam, bulge: np.ndarray, changes: dict[str, np.ndarray]
) -> bpy.types.Mesh:
    """A mesh of the patches: first the vertices around the holes, then those inside.

    Parameters
    ----------
    source : bpy.types.Mesh
        The mesh with the holes, not in Edit Mode.
    seam : Seam
    bulge : (N, 3) array
        Added to the positions of the vertices inside.
    changes : dict of (N, k) arrays
        Added to attributes of the vertices inside.
    """
    rings, faces, corner_verts = _faces(seam)
    mesh = bpy.data.meshes.new(source.name)
    mesh.vertices.add(len(seam.border) + len(bulge))
    mesh.loops.add(len(corner_verts))
    mesh.polygons.add(len(rings))
    mesh.loops.foreach_set("vertex_index", corner_verts)
    mesh.polygons.foreach_set("loop_start", rings)
    mesh.update(calc_edges=True)
    for name in (".select_vert", ".select_edge", ".select_poly"):
        # What is added to a mesh comes selected.
        if name in mesh.attributes:
            mesh.attributes.remove(mesh.attributes[name])
    read, places = _reader(source), {
        'POINT': (seam.border, slice(None)), 'CORNER': (seam.corners, corner_verts),
        'FACE': (seam.faces, faces),
    }
    for attribute in source.attributes:
        known = attribute.data_type in _FIELDS and attribute.domain in places
        if not known or attribute.name.startswith("."):
            continue
        rows, spread = places[attribute.domain]
        values = read(attribute)[rows]
        if attribute.domain != 'FACE':
            discrete = attribute.data_type in {'INT', 'BOOLEAN'}
            inner = seam.weighted_border(values, discrete)
            if attribute.name == "position":
                inner = inner + bulge
            elif attribute.domain == 'POINT' and attribute.name in changes:
                inner = inner + changes[attribute.name]
            values = np.concatenate([values, inner])
        _write(mesh, attribute, values[spread])
    return mesh


def _faces(seam: Seam) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First corner of each face, the hole it lies in, and the corners' vertices."""
    starts, holes, corners = [], [], []
    border, inner, corner = 0, len(seam.border), 0
    for number, (hole, patch) in enumerate(zip(seam.holes, seam.patches, strict=True)):
        sides, count = len(hole), len(patch.positions)
        names = np.concatenate([border + np.arange(sides), inner + np.arange(count)])
        corners.append(names[patch.faces].ravel())
        starts.append(corner + np.arange(0, patch.faces.size, patch.faces.shape[1]))
        holes.append(np.full(len(patch.faces), number))
        border, inner, corner = border + sides, inner + count, corner + patch.faces.size
    return np.concatenate(starts), np.concatenate(holes), np.concatenate(corners)


def _reader(source: bpy.types.Mesh):
    def read(attribute: bpy.types.Attribute) -> np.ndarray:
        field, dtype, width = _FIELDS[attribute.data_type]
        values = read_attribute(
            source, attribute.name, field, dtype, width * len(attribute.data)
        )
        return values.reshape(-1, width)

    return read


def _write(mesh: bpy.types.Mesh, like: bpy.types.Attribute, values: np.ndarray) -> None:
    field, dtype, _ = _FIELDS[like.data_type]
    attribute = mesh.attributes.get(like.name) or mesh.attributes.new(
        like.name, like.data_type, like.domain
    )
    attribute.data.foreach_set(field, np.ascontiguousarray(values, dtype).ravel())
