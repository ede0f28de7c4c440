# SPDX-License-Identifier: GPL-3.0-or-later
"""A `SurfaceMesh` as a Blender mesh, written in bulk, in steps short enough for a window."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import bpy
import numpy as np

from .attributes import COLOUR, DEPTH, PLANE, UV

if TYPE_CHECKING:
    from ..core.relief.surface import SurfaceMesh

_SELECTION = (".select_vert", ".select_edge", ".select_poly")


def fill_mesh(mesh: bpy.types.Mesh, surface: "SurfaceMesh") -> Iterator[None]:
    """Write a surface into an empty mesh, pausing after each piece of work.

    Topology goes in as named attributes: on such grids that takes a third of the time of
    ``bmesh.ops.create_grid``, and what edits it later is bmesh.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Without vertices.
    surface : SurfaceMesh

    Yields
    ------
    None
        After every few milliseconds of work at 512 vertices a side.
    """
    mesh.vertices.add(len(surface.positions))
    mesh.edges.add(len(surface.edges))
    mesh.loops.add(len(surface.corner_verts))
    mesh.polygons.add(len(surface.face_starts))
    yield
    _write(mesh, "position", "vector", surface.positions)
    _write(mesh, ".edge_verts", "value", surface.edges)
    _write(mesh, ".corner_vert", "value", surface.corner_verts)
    _write(mesh, ".corner_edge", "value", surface.corner_edges)
    yield
    mesh.polygons.foreach_set("loop_start", surface.face_starts)
    yield
    mesh.attributes.new(UV, 'FLOAT2', 'CORNER')
    yield
    _write(mesh, UV, "vector", surface.corner_uvs)
    yield
    mesh.attributes.new(COLOUR, 'BYTE_COLOR', 'POINT')
    colours = surface.colours / np.float32(255.0)
    yield
    _write(mesh, COLOUR, "color_srgb", colours)
    yield
    mesh.attributes.new(DEPTH, 'FLOAT', 'POINT')
    _write(mesh, DEPTH, "value", surface.depth)
    mesh.attributes.new(PLANE, 'FLOAT2', 'POINT')
    _write(mesh, PLANE, "vector", surface.plane)
    index = mesh.color_attributes.find(COLOUR)
    mesh.color_attributes.active_color_index = index
    mesh.color_attributes.render_color_index = index
    yield
    # Blender adds elements selected, which whoever enters Edit Mode does not expect.
    for name in _SELECTION:
        if name in mesh.attributes:
            mesh.attributes.remove(mesh.attributes[name])
    mesh.update()


def _write(mesh: bpy.types.Mesh, attribute: str, property_name: str, values: np.ndarray) -> None:
    mesh.attributes[attribute].data.foreach_set(property_name, values.ravel())
