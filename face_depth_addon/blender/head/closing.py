# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes the openings of a wrapped head, so that it is watertight."""

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh


def close_openings(mesh: bpy.types.Mesh) -> int:
    """Close a mesh at its borders by fans, which take the colours of their surroundings.

    Vertices and faces that were there keep their numbers.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode, without shape keys.

    Returns
    -------
    int
        How many faces were added.
    """
    edited = bmesh.new()
    edited.from_mesh(mesh)
    border = [edge for edge in edited.edges if edge.is_boundary]
    caps = bmesh.ops.holes_fill(edited, edges=border, sides=0)["faces"]
    fans = bmesh.ops.poke(edited, faces=caps)["faces"] if caps else []
    colours = [*edited.verts.layers.color.values(), *edited.verts.layers.float_color.values()]
    maps = edited.loops.layers.uv.values()
    for face in fans:
        *outer, hub = sorted(face.loops, key=lambda loop: loop.vert.index)
        beside = outer[0].edge if hub.vert not in outer[0].edge.verts else outer[1].edge
        model = next((loop for loop in beside.link_loops if loop.face not in fans), None)
        if model is None:
            continue
        face.material_index, face.smooth = model.face.material_index, model.face.smooth
        # One place for the whole triangle: between two of them the texture may show anything.
        for layer in maps:
            for loop in face.loops:
                loop[layer].uv = model[layer].uv
        for layer in colours:
            hub.vert[layer] = model.vert[layer]
    edited.to_mesh(mesh)
    edited.free()
    mesh.update()
    return len(fans)
