# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a printable object of a relief, and files for slicers of any closed mesh object."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bpy
import numpy as np
from mathutils import Matrix
from mathutils.bvhtree import BVHTree

from ...core.errors import MeshError, OutputError
from ...core.printing.frontview import Source
from ...core.printing.solid import Body, Hints, PrintSettings, make_body, measure
from ...core.printing.threemf import stl_bytes, threemf_bytes
from ..attributes import COLOUR
from ..linking import link_object, select_alone
from .export import write_folder_whole

Position = Literal["AUTO", "STANDING", "LYING"]

SUFFIXES = (".3mf", ".stl")
KIND = "face_depth_print"
_POSTURES = {False: "standing", True: "lying on its back"}
_MM_PER_M = 1000.0
_PROBES = 2000
# Surfaces that face each other like this make a wall; at an edge they meet.
_OPPOSITE = -0.95
_GAP = 0.15


@dataclass(frozen=True)
class Printed:
    """A printable object, and what a printer asks of it.

    Attributes
    ----------
    object : bpy.types.Object
    hints : Hints
    thinnest : float
        Estimate of the thinnest wall, in mm.
    """

    object: bpy.types.Object
    hints: Hints
    thinnest: float

    def sentence(self) -> str:
        """For people, without a final full stop."""
        width, depth, height = self.hints.size
        return (
            f"{width:.1f} x {depth:.1f} x {height:.1f} mm, {self.hints.volume:.1f} cm\u00b3, "
            f"walls from {self.thinnest:.1f} mm; {overhang(self.object[KIND], self.hints):.0%} "
            f"overhangs by more than 45\u00b0 {_POSTURES[_lies(self.object[KIND])]}"
        )


def make_print(item: bpy.types.Object, settings: PrintSettings) -> Printed:
    """Make a printable object beside a relief; the relief stays as it is.

    What is seen counts: modifiers and shape keys too. The object becomes the active one, and its
    custom properties say what a printer asks of it.

    Parameters
    ----------
    item : bpy.types.Object
        A mesh that faces -Y in its own space, in Object Mode.
    settings : PrintSettings

    Raises
    ------
    MeshError
        The lengths do not fit one another, or the mesh is no relief.
    """
    source = _source(item)
    body = make_body(source, settings)
    hints, thinnest = measure(body), thinnest_wall(body)
    mesh = bpy.data.meshes.new(f"{item.name} Print")
    _fill(mesh, body)
    made = bpy.data.objects.new(mesh.name, mesh)
    made[KIND] = settings.kind
    made["face_depth_size_mm"] = [round(float(side), 3) for side in hints.size]
    made["face_depth_volume_cm3"] = hints.volume
    made["face_depth_overhang"] = overhang(settings.kind, hints)
    made["face_depth_thinnest_mm"] = thinnest
    _place_beside(made, item, source.positions, hints.size / _MM_PER_M)
    return Printed(made, hints, thinnest)


def write_print(item: bpy.types.Object, path: Path, position: Position = "AUTO") -> int:
    """Write a closed mesh object for a slicer: ``.3mf`` with its colours, or binary ``.stl``.

    Metres become millimetres, and the object is put where all coordinates are positive.

    Parameters
    ----------
    item : bpy.types.Object
        As it is seen, with its modifiers.
    path : Path
        The file appears whole or not at all.
    position : str
        ``STANDING`` is as in the scene, ``LYING`` on its back, ``AUTO`` as it prints best: plates
        and flat backs lie.

    Returns
    -------
    int
        Number of triangles.

    Raises
    ------
    MeshError
        The mesh is empty or not closed.
    OutputError
        Another suffix, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(f"{path.name} is no file for a printer: its name must end in "
                          f"{' or '.join(SUFFIXES)}.")
    lying = position == "LYING" or (position == "AUTO" and _lies(item.get(KIND, "")))
    turn = Matrix.Rotation(-np.pi / 2.0, 4, 'X') if lying else Matrix()
    source = _read(item, np.array(turn @ item.matrix_world))
    _refuse_open(item, source)
    positions = (source.positions - source.positions.min(axis=0)) * _MM_PER_M
    if suffix == ".stl":
        data = stl_bytes(positions, source.triangles)
    else:
        colours = np.rint(255.0 * source.colours).astype(np.uint8)
        data = threemf_bytes(
            positions, source.triangles, colours if colours.shape[1] else None, item.name
        )
    write_folder_whole(path, lambda folder: (folder / path.name).write_bytes(data))
    return len(source.triangles)


def overhang(kind: str, hints: Hints) -> float:
    """Share of the surface that hangs over by more than 45 degrees as it prints best."""
    return hints.lying if _lies(kind) else hints.standing


def thinnest_wall(body: Body) -> float:
    """Estimate of a body's thinnest wall, in mm: the shortest way through at random places."""
    corners = body.positions[body.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.sqrt((normals**2).sum(axis=1))
    normals /= areas[:, None]
    chosen = np.random.default_rng(0).choice(
        len(areas), min(_PROBES, len(areas)), p=areas / areas.sum()
    )
    tree = BVHTree.FromPolygons(
        body.positions.tolist(), body.triangles.tolist(), all_triangles=True
    )
    start = 1e-4 * np.ptp(body.positions)
    shortest = np.inf
    for middle, normal in zip(corners[chosen].mean(axis=1), normals[chosen], strict=True):
        _, facing, _, distance = tree.ray_cast(middle - start * normal, -normal)
        if facing is not None and facing.dot(normal) < _OPPOSITE:
            shortest = min(shortest, distance + start)
    return float(shortest)


def _lies(kind: str) -> bool:
    return kind in ("RELIEF", "SOLID")


def _source(item: bpy.types.Object) -> Source:
    """The mesh in its own space, but as large as in the scene."""
    if abs(item.matrix_world.determinant()) < 1e-12:
        raise MeshError(f"The object {item.name} is scaled to nothing: set its scale anew.")
    return _read(item, np.array(_scale(item)))


def _scale(item: bpy.types.Object) -> Matrix:
    """How an object is scaled; one that is mirrored, as if from left to right and then turned."""
    mirrored = item.matrix_world.determinant() < 0.0
    sides = [column.length for column in item.matrix_world.to_3x3().col]
    return Matrix.Diagonal((-sides[0] if mirrored else sides[0], *sides[1:], 1.0))


def _read(item: bpy.types.Object, matrix: np.ndarray) -> Source:
    """A mesh object as it is seen, its places transformed by a (4, 4) matrix.

    Raises
    ------
    MeshError
    """
    with _evaluated(item) as mesh:
        count, mesh_triangles = len(mesh.vertices), mesh.loop_triangles
        positions = np.empty((count, 3), np.float32)
        mesh.attributes["position"].data.foreach_get("vector", positions.ravel())
        triangles = np.empty((len(mesh_triangles), 3), np.int32)
        mesh_triangles.foreach_get("vertices", triangles.ravel())
        colours = _colours(mesh)
    if not len(triangles):
        raise MeshError(f"The mesh {item.name} has no faces.")
    # Loose vertices have no say in the size.
    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    if np.linalg.det(matrix[:3, :3]) < 0.0:
        triangles = triangles[:, ::-1]
    positions = positions[used].astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return Source(positions, triangles, colours[used])


@contextmanager
def _evaluated(item: bpy.types.Object) -> Iterator[bpy.types.Mesh]:
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    try:
        mesh.calc_loop_triangles()
        yield mesh
    finally:
        evaluated.to_mesh_clear()


def _colours(mesh: bpy.types.Mesh) -> np.ndarray:
    """sRGB of the vertices, (n, 3), or (n, 0) where there are no colours."""
    layer = mesh.color_attributes.get(COLOUR) or mesh.color_attributes.active_color
    if layer is None or not len(layer.data):
        return np.empty((len(mesh.vertices), 0))
    values = np.empty((len(layer.data), 4), np.float32)
    layer.data.foreach_get("color_srgb", values.ravel())
    values = np.clip(values[:, :3].astype(np.float64), 0.0, 1.0)
    if layer.domain == 'POINT':
        return values
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    of_vertices = np.ones((len(mesh.vertices), 3))
    of_vertices[corners] = values
    return of_vertices


def _refuse_open(item: bpy.types.Object, source: Source) -> None:
    """Raise MeshError unless each edge is between two triangles of the same winding."""
    count = len(source.positions)
    ends = source.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    keys, opposite = np.sort(ends @ (count, 1)), np.sort(ends @ (1, count))
    if not np.array_equal(keys, opposite) or (np.diff(keys) == 0).any():
        raise MeshError(
            f"The mesh {item.name} is not closed, so it cannot be printed: use 3D Print first."
        )


def _fill(mesh: bpy.types.Mesh, body: Body) -> None:
    """Write a body, in millimetres, into an empty mesh, in metres about its middle."""
    count = len(body.triangles)
    mesh.vertices.add(len(body.positions))
    mesh.loops.add(3 * count)
    mesh.polygons.add(count)
    middle = (body.positions.min(axis=0) + body.positions.max(axis=0)) / 2.0
    positions = ((body.positions - middle) / _MM_PER_M).astype(np.float32)
    mesh.vertices.foreach_set("co", positions.ravel())
    mesh.loops.foreach_set("vertex_index", body.triangles.astype(np.int32).ravel())
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.polygons.foreach_set("use_smooth", body.rounded)
    material = bpy.data.materials.new(mesh.name)
    mesh.materials.append(material)
    if body.colours.shape[1]:
        layer = mesh.color_attributes.new(COLOUR, 'BYTE_COLOR', 'POINT')
        opaque = np.ones((len(body.colours), 4), np.float32)
        opaque[:, :3] = body.colours
        layer.data.foreach_set("color_srgb", opaque.ravel())
        mesh.color_attributes.active_color_index = mesh.color_attributes.render_color_index = 0
        _show_colours(material)
    mesh.update()


def _show_colours(material: bpy.types.Material) -> None:
    if material.node_tree is None:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    shader = next(node for node in nodes if node.type == 'BSDF_PRINCIPLED')
    shader.inputs["Roughness"].default_value = 0.7
    colour = nodes.new('ShaderNodeVertexColor')
    colour.layer_name = COLOUR
    colour.location = (shader.location.x - 320.0, shader.location.y)
    material.node_tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])


def _place_beside(
    made: bpy.types.Object, item: bpy.types.Object, positions: np.ndarray, size: np.ndarray
) -> None:
    """To the right of the relief, on the ground it stands on, and alone selected."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    gap = _GAP * max(high[0] - low[0], size[0])
    offset = (high[0] + gap + size[0] / 2.0, (low[1] + high[1]) / 2.0, low[2] + size[2] / 2.0)
    rotation = (item.matrix_world @ _scale(item).inverted()).to_quaternion()
    frame = Matrix.Translation(item.matrix_world.translation) @ rotation.to_matrix().to_4x4()
    made.matrix_world = frame @ Matrix.Translation(offset)
    link_object(bpy.context, made, item)
    select_alone(bpy.context, made)
