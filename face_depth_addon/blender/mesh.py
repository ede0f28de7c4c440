# SPDX-License-Identifier: GPL-3.0-or-later
"""A `GridMesh` as a Blender mesh, written in bulk, in steps short enough for a window."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import bpy
import numpy as np

if TYPE_CHECKING:
    from ..core.grid import GridMesh

COLOUR, DEPTH, PLANE, UV = "Color", "depth", "plane", "UVMap"


def fill_mesh(mesh: bpy.types.Mesh, grid: "GridMesh") -> Iterator[None]:
    """Write a grid into an empty mesh, pausing after each piece of work.

    Topology goes in as named attributes: on such grids that takes a third of the time of
    ``bmesh.ops.create_grid``, and what edits it later is bmesh.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Without vertices.
    grid : GridMesh

    Yields
    ------
    None
        After every few milliseconds of work at 512 vertices a side.
    """
    mesh.vertices.add(len(grid.positions))
    mesh.edges.add(len(grid.edges))
    mesh.loops.add(len(grid.corner_verts))
    mesh.polygons.add(grid.quad_count)
    yield
    _write(mesh, "position", "vector", grid.positions)
    _write(mesh, ".edge_verts", "value", grid.edges)
    _write(mesh, ".corner_vert", "value", grid.corner_verts)
    _write(mesh, ".corner_edge", "value", grid.corner_edges)
    yield
    mesh.polygons.foreach_set(
        "loop_start", np.arange(0, len(grid.corner_verts), 4, dtype=np.int32)
    )
    yield
    mesh.attributes.new(UV, 'FLOAT2', 'CORNER')
    yield
    _write(mesh, UV, "vector", grid.corner_uvs)
    yield
    mesh.attributes.new(COLOUR, 'BYTE_COLOR', 'POINT')
    colours = grid.colours / np.float32(255.0)
    yield
    _write(mesh, COLOUR, "color_srgb", colours)
    yield
    mesh.attributes.new(DEPTH, 'FLOAT', 'POINT')
    _write(mesh, DEPTH, "value", grid.depth)
    index = mesh.color_attributes.find(COLOUR)
    mesh.color_attributes.active_color_index = index
    mesh.color_attributes.render_color_index = index
    yield
    mesh.update()


def _write(mesh: bpy.types.Mesh, attribute: str, property_name: str, values: np.ndarray) -> None:
    mesh.attributes[attribute].data.foreach_set(property_name, values.ravel())
