# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of a finished mesh: each change displaces it anew from its stored depth."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import degrees, radians

import bpy
import numpy as np

from ...core.errors import MeshError
from ...core.reconstruction import Reconstruction
from ...core.relief.building import Layout, meshed_part
from ...core.relief.shaping import Layers, Shape, Viewpoint, displace, move, soften
from ..attributes import BORDER, DEPTH, DETAIL, PLANE, SMOOTHED, has_shape
from ..mesh_edit import move_vertices, read_attribute
from ..packages import require_packages
from ..stored import stored
from .shape_settings import FACEDEPTH_PG_shape

# So many vertices are displaced at a time that what is worked out in between stays in the cache.
_BLOCK = 1 << 15


def require_shape(mesh: bpy.types.Mesh) -> None:
    """Raise a `MeshError` unless the mesh says how it was made."""
    if not has_shape(mesh) or not mesh.face_depth.applied or not min(mesh.face_depth.photo_size):
        raise MeshError(f"The mesh {mesh.name} has no depth: reconstruct it with Face Depth.")


def give_shape(
    mesh: bpy.types.Mesh, layout: Layout, shape: Shape, viewpoint: Viewpoint,
    span: tuple[float, float],
) -> None:
    """Set the sliders of a mesh to what it was built with.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        With the attributes ``depth`` and ``plane``.
    layout : Layout
    shape : Shape
    viewpoint : Viewpoint
    span : tuple of float
        The farthest and the nearest depth, in metres.
    """
    settings = mesh.face_depth
    with as_applied(settings):
        settings.span = span
        settings.anchor = viewpoint.anchor
        settings.axis, settings.aim = viewpoint.axis, viewpoint.aim
        _set_sliders(settings, shape, viewpoint.distance)
        settings.layout = json.dumps(asdict(layout))


def set_shape(mesh: bpy.types.Mesh, shape: Shape, distance: float) -> None:
    """Move several sliders at once, and the mesh with them.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.
    shape : Shape
    distance : float
        From the camera to the eyes, in metres.
    """
    settings = mesh.face_depth
    before = settings.applied
    with as_applied(settings):
        _set_sliders(settings, shape, distance)
    settings.applied = before
    reshape(mesh)


def restore_sliders(mesh: bpy.types.Mesh) -> None:
    """Put the sliders back to what the mesh is displaced by now."""
    settings = mesh.face_depth
    shape, viewpoint = applied(mesh)
    with as_applied(settings):
        _set_sliders(settings, shape, viewpoint.distance)
        settings.size_mm = settings.applied_mm


def reshape(mesh: bpy.types.Mesh) -> None:
    """Displace a mesh by its sliders; what was sculpted, smoothed or keyed on it stays.

    A mesh in Edit Mode is left alone and follows with the next change after that.

    Raises
    ------
    MeshError
        Smoothing or Feather was asked for, and the mesh does not hold its depth image any more.
    """
    settings = mesh.face_depth
    if not settings.applied or not has_shape(mesh) or mesh.is_editmode:
        return
    before, after = applied(mesh), (shape_of(settings), viewpoint_of(settings))
    if before == after:
        return
    ensure_layers(mesh, _needed(after[0]))
    values, span = _values(mesh, before[0], after[0]), tuple(settings.span)
    positions = floats(mesh, "position", 3)
    moved = positions if mesh.shape_keys is None else positions.copy()
    for rows in _blocks(len(moved)):
        part = values.part(rows)
        states = ((part.softened(span, shape), shape, view) for shape, view in (before, after))
        move(moved[rows], part.plane, span, *states)
    if mesh.shape_keys is None:
        mesh.attributes["position"].data.foreach_set("vector", moved.ravel())
        mesh.update()
    else:
        move_vertices(mesh, positions, moved)
    settings.applied = _written(settings)


def shaped(mesh: bpy.types.Mesh, shape: Shape, viewpoint: Viewpoint) -> np.ndarray:
    """Where the stored depth alone puts the vertices.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        With the attributes that the shape needs.
    shape : Shape
    viewpoint : Viewpoint

    Returns
    -------
    ndarray, (n, 3) float32
    """
    values, span = _values(mesh, shape), tuple(mesh.face_depth.span)
    return displace(values.plane, values.softened(span, shape), span, shape, viewpoint)


def applied(mesh: bpy.types.Mesh) -> tuple[Shape, Viewpoint]:
    """By what the mesh is displaced now."""
    shape, viewpoint = json.loads(mesh.face_depth.applied)
    shape["tilt"] = tuple(shape["tilt"])
    viewpoint["axis"], viewpoint["aim"] = tuple(viewpoint["axis"]), tuple(viewpoint["aim"])
    return Shape(**shape), Viewpoint(**viewpoint)


def layout_of(mesh: bpy.types.Mesh) -> Layout:
    """What faces the mesh was given."""
    return Layout(**json.loads(mesh.face_depth.layout))


def drop_layers(mesh: bpy.types.Mesh) -> None:
    """Forget what was sampled from the stored images, because these have changed."""
    for name in (SMOOTHED, BORDER, DETAIL):
        if name in mesh.attributes:
            mesh.attributes.remove(mesh.attributes[name])


def write_layers(mesh: bpy.types.Mesh, layers: Layers) -> None:
    """Store the layers that there are as attributes of the vertices."""
    for name, values in ((SMOOTHED, layers.smoothed), (BORDER, layers.inside),
                         (DETAIL, layers.detail)):
        if values is not None and name not in mesh.attributes:
            kind, value = ('FLOAT2', "vector") if name == SMOOTHED else ('FLOAT', "value")
            mesh.attributes.new(name, kind, 'POINT').data.foreach_set(value, values.ravel())


def ensure_layers(mesh: bpy.types.Mesh, names: set[str]) -> None:
    """Sample those of the layers ``depth_smoothed`` and ``border_distance`` that are missing.

    Raises
    ------
    MeshError
        The mesh does not hold its images any more.
    """
    missing = {name for name in names if name not in mesh.attributes}
    if missing:
        plane = floats(mesh, PLANE, 2)
        write_layers(mesh, sampled_layers(stored(mesh), layout_of(mesh), plane, missing))


def sampled_layers(
    result: Reconstruction, layout: Layout, plane: np.ndarray, names: set[str]
) -> Layers:
    """The layers of those names, and the detail if there is any, for (n, 2) places."""
    require_packages()
    from ...core.relief.layers import layers_at

    asked = Shape(smoothing=float(SMOOTHED in names), feather=float(BORDER in names))
    return layers_at(result, meshed_part(result, layout), plane, asked)


def floats(mesh: bpy.types.Mesh, name: str, width: int) -> np.ndarray:
    """An attribute of the vertices: (n, width) float32; zeros where it is missing."""
    count = len(mesh.vertices)
    kind = "vector" if width > 1 else "value"
    return read_attribute(mesh, name, kind, np.float32, width * count).reshape(-1, width)


def shape_of(settings: FACEDEPTH_PG_shape) -> Shape:
    """What the sliders say of the surface."""
    return Shape(
        settings.projection, settings.strength, settings.near, settings.far, settings.gamma,
        (degrees(settings.tilt_x), degrees(settings.tilt_y)),
        settings.smoothing, settings.feather, settings.detail,
    )


def viewpoint_of(settings: FACEDEPTH_PG_shape) -> Viewpoint:
    """What the sliders say of the camera."""
    return Viewpoint(
        settings.distance, settings.anchor, tuple(settings.axis), tuple(settings.aim)
    )


@contextmanager
def as_applied(settings: FACEDEPTH_PG_shape) -> Iterator[None]:
    """Within it sliders can be set without any update, after it they count as applied."""
    before = settings.applied
    # Without a record of what was applied, their own updates do nothing.
    settings.applied = ""
    try:
        yield
        before = _written(settings)
    finally:
        settings.applied = before


@dataclass(frozen=True)
class _Values:
    """What the mesh stores of each vertex."""

    plane: np.ndarray
    depth: np.ndarray
    layers: Layers

    def part(self, rows: slice) -> "_Values":
        layers = (self.layers.smoothed, self.layers.inside, self.layers.detail)
        return _Values(self.plane[rows], self.depth[rows], Layers(
            *(None if layer is None else layer[rows] for layer in layers)
        ))

    def softened(self, span: tuple[float, float], shape: Shape) -> np.ndarray:
        return soften(self.depth, self.layers, span, shape)


def _values(mesh: bpy.types.Mesh, *shapes: Shape) -> _Values:
    needed = {DETAIL} & set(mesh.attributes.keys()) | set().union(*map(_needed, shapes))
    return _Values(floats(mesh, PLANE, 2), floats(mesh, DEPTH, 1)[:, 0], Layers(
        floats(mesh, SMOOTHED, 2) if SMOOTHED in needed else None,
        floats(mesh, BORDER, 1)[:, 0] if BORDER in needed else None,
        floats(mesh, DETAIL, 1)[:, 0] if DETAIL in needed else None,
    ))


def _needed(shape: Shape) -> set[str]:
    """The layers that are sampled for a shape."""
    asked = ((SMOOTHED, shape.smoothing > 0.0), (BORDER, shape.feather > 0.0))
    return {name for name, needed in asked if needed}


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _BLOCK):
        yield slice(start, start + _BLOCK)


def _set_sliders(settings: FACEDEPTH_PG_shape, shape: Shape, distance: float) -> None:
    for name, value in asdict(shape).items():
        if name != "tilt":
            setattr(settings, name, value)
    settings.tilt_x, settings.tilt_y = (radians(angle) for angle in shape.tilt)
    settings.distance = distance


def _written(settings: FACEDEPTH_PG_shape) -> str:
    return json.dumps([asdict(shape_of(settings)), asdict(viewpoint_of(settings))])
