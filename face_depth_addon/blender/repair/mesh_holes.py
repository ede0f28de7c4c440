# SPDX-License-Identifier: GPL-3.0-or-later
"""Close holes of meshes with patches that take on all that hangs on the vertices around."""

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np

from ...core.polygons.holes import HoleFill, HolePatch, find_holes
from ...core.polygons.holes import fill_holes as patches_of
from ...core.polygons.meshfilter import area_vectors, is_stretched
from ...core.relief.absorbing import absorb
from ..attributes import DEPTH, PLANE, SMOOTHED, has_shape
from ..mesh_edit import MeshState, editable, read_attribute, read_state, readable
from ..shaping.shape import applied
from .cleanup_report import CleanupReport
from .patch_mesh import Seam, patch_mesh, seam_of


def fill_mesh_holes(
    mesh: bpy.types.Mesh,
    *,
    max_sides: int = 32,
    fill: HoleFill = "AUTO",
    max_angle: float | None = None,
    selected_only: bool = False,
    shape_key: bpy.types.ShapeKey | None = None,
) -> CleanupReport:
    """Close holes, but never the outer border, with a surface that carries on the one around.

    New vertices get colours, UVs, groups and all other attributes from the hole's border,
    and the stored depth that their place calls for, so that the sliders move them along.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        In Object Mode or in Edit Mode.
    max_sides : int
        Holes of more edges stay open.
    fill : str
        See ``core.polygons.holes.fill_holes``.
    max_angle : float, optional
        Holes stay open that would need a face turned further than this (radians) from the
        Y axis.
    selected_only : bool
        Only holes whose whole border is selected; their fillings become selected too.
    shape_key : bpy.types.ShapeKey, optional
        Key of the mesh whose shape the patches fit in Object Mode, by default the basis.
        In the others they keep their bulge.
    """
    state = read_state(mesh, selected_only, shape_key)
    holes = find_holes(state.positions, state.topology, max_sides, max_angle)
    holes = [hole for hole in holes if state.allowed[hole].all()]
    patches = patches_of(state.positions, state.topology, holes, fill)
    left = sum(patch is None for patch in patches)
    pairs = [
        (hole, patch) for hole, patch in zip(holes, patches, strict=True)
        if patch is not None and not _is_steep(state.positions[hole], patch, max_angle)
    ]
    if not pairs:
        return CleanupReport(left=left)
    seam = seam_of(state.topology, *zip(*pairs, strict=True))
    bulge = _bulge(state, seam)
    with readable(mesh) as source:
        added = patch_mesh(source, seam, bulge, _depth_changes(mesh, source, seam, bulge))
    try:
        with editable(mesh) as edited:
            verts = _sew(edited, added, seam, bulge)
            if selected_only:
                for vert in verts:
                    vert.select = True
                edited.select_flush(True)
    finally:
        bpy.data.meshes.remove(added)
    return CleanupReport(holes=len(pairs), vertices=len(bulge), left=left)


def _is_steep(border: np.ndarray, patch: HolePatch, max_angle: float | None) -> bool:
    if max_angle is None:
        return False
    points = np.concatenate([border, patch.positions])
    return bool(is_stretched(area_vectors(points.T, patch.faces.T), max_angle).any())


def _bulge(state: MeshState, seam: Seam) -> np.ndarray:
    """How far new vertices lie off the mean of the border's: (N, 3)."""
    positions = np.concatenate([patch.positions for patch in seam.patches])
    return positions - seam.weighted(state.positions)


def _depth_changes(
    mesh: bpy.types.Mesh, source: bpy.types.Mesh, seam: Seam, bulge: np.ndarray
) -> dict[str, np.ndarray]:
    """What the bulge adds to stored attributes: (N, width) by name."""
    if not has_shape(source) or not mesh.face_depth.applied or not len(bulge):
        return {}
    count = len(source.vertices)
    plane = read_attribute(source, PLANE, "vector", np.float32, 2 * count).reshape(-1, 2)
    depth = read_attribute(source, DEPTH, "value", np.float32, count)[:, np.newaxis]
    shape, viewpoint = applied(mesh)
    plane_change, depth_change = absorb(
        seam.weighted(plane), seam.weighted(depth)[:, 0], bulge,
        tuple(mesh.face_depth.span), shape, viewpoint,
    )
    column = depth_change[:, np.newaxis]
    return {PLANE: plane_change, DEPTH: column, SMOOTHED: column}


def _sew(
    edited: bmesh.types.BMesh, added: bpy.types.Mesh, seam: Seam, bulge: np.ndarray
) -> list[bmesh.types.BMVert]:
    """Join the patches' mesh to the border's vertices; its own vertices."""
    edited.verts.ensure_lookup_table()
    border = [edited.verts[index] for index in seam.border.tolist()]
    keys = edited.verts.layers.shape.values()
    shapes = [
        seam.weighted_border(np.array([vert[key] for vert in border])) + bulge for key in keys
    ]
    twins, donors = np.split(_joined(edited, added), [len(border)])
    welds = dict(zip(twins, border, strict=True))
    for place, donor in enumerate(donors):
        # A copy, since what comes from a mesh takes the number of another for its own.
        vert = welds[donor] = edited.verts.new(donor.co, donor)
        for key, positions in zip(keys, shapes, strict=True):
            vert[key] = positions[place]
    inner = [welds[donor] for donor in donors]
    _spread_groups(border, inner, edited, seam)
    bmesh.ops.weld_verts(edited, targetmap=welds)
    edited.verts.index_update()
    return inner


def _joined(edited: bmesh.types.BMesh, added: bpy.types.Mesh) -> np.ndarray:
    """Vertices of another mesh, (V,) objects in its order, after it has come along."""
    known = set(edited.verts)
    edited.from_mesh(added)
    # They fill the gaps that deleted ones have left, but have their own mesh's numbers.
    verts = [vert for vert in edited.verts if vert not in known]
    verts.sort(key=lambda vert: vert.index)
    return np.array(verts, dtype=object)


def _spread_groups(border, inner, edited, seam: Seam) -> None:
    layer = edited.verts.layers.deform.active
    if layer is None:
        return
    for group in sorted({group for vert in border for group, _ in vert[layer].items()}):
        weights = np.array([vert[layer].get(group, 0.0) for vert in border])
        for vert, weight in zip(
            inner, seam.weighted_border(weights[:, np.newaxis])[:, 0].tolist(), strict=True
        ):
            if weight > 0.0:
                vert[layer][group] = weight
