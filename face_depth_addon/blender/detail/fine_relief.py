# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds fine relief to a finished mesh, and takes it away."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import bpy
import numpy as np

from ...core.errors import MeshError
from ..attributes import DETAIL, PLANE, has_shape
from ..mesh_edit import move_vertices
from ..packages import require_packages
from ..shaping import backdrop
from ..shaping.relayout import relayout
from ..shaping.shape import (
    applied,
    floats,
    layout_of,
    require_shape,
    shaped,
    write_layers,
)
from ..shaping.shape_nodes import set_input, shape_modifier
from ..stored import stored
from .normal_maps import drop_image, read_normal_map, unplug

if TYPE_CHECKING:
    from ...core.detail.fine_relief import Area, NormalMap
    from ...core.detail.normals import GreenAxis
    from ...core.reconstruction import Reconstruction

Source = Literal["SHADING", "NORMALS", "BOTH"]


@dataclass(frozen=True)
class DetailSettings:
    """Where detail comes from, and how much of it.

    Attributes
    ----------
    source : str
        ``SHADING`` of the photo, ``NORMALS`` of a normal map, or ``BOTH``.
    size : int
        Width of the detail, in pixels; less where the pictures have less.
    strength : float
        The mesh's slider for it.
    cap : float
        Height, in metres, that detail from shading does not reach.
    normals : bpy.types.Image or None
        The normal map.
    area, green, largest
        As of `core.detail.fine_relief.NormalMap`.
    vertices : int
        Vertices along the mesh's longest side that it is given at once; 0 leaves its faces.
    """

    source: Source = "SHADING"
    size: int = 1024
    strength: float = 1.0
    cap: float = 0.0007
    normals: bpy.types.Image | None = None
    area: "Area" = "CROP"
    green: "GreenAxis" = "OPENGL"
    largest: float = 0.02
    vertices: int = 0


@dataclass(frozen=True)
class AddedDetail:
    """What `add_detail` has made.

    Attributes
    ----------
    size : int
        Width of the detail, in pixels.
    height : float
        What a hundredth of the subject exceeds, in metres, before the slider.
    vertices : int
        Of the mesh.
    """

    size: int
    height: float
    vertices: int


def has_detail(mesh: bpy.types.Mesh) -> bool:
    """Whether detail was added to a mesh."""
    return has_shape(mesh) and mesh.face_depth.detail_image is not None


def require_detail(mesh: bpy.types.Mesh) -> None:
    """Raise a `MeshError` unless detail was added to a mesh."""
    if not has_detail(mesh):
        raise MeshError(f"The mesh {mesh.name} has no detail: add some first.")


def add_detail(mesh: bpy.types.Mesh, settings: DetailSettings) -> AddedDetail:
    """Work out detail, in place of what there was, and displace the mesh by it.

    What was sculpted, smoothed or keyed on the mesh stays.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.
    settings : DetailSettings

    Raises
    ------
    MeshError
        The mesh holds no reconstruction.
    DepthMapError
        The normal map cannot be used.
    """
    require_shape(mesh)
    result = stored(mesh)
    detail = _relief(result, settings)
    image = _float_image(f"{mesh.name} detail", detail)
    old, mesh.face_depth.detail_image = mesh.face_depth.detail_image, image
    if settings.vertices:
        # It samples the new detail itself, and needs the old for what was sculpted.
        layout = replace(layout_of(mesh), topology="GRID", resolution=settings.vertices)
        try:
            relayout(mesh, layout)
        except MeshError:
            mesh.face_depth.detail_image = old
            bpy.data.images.remove(image)
            raise
    else:
        _displace_anew(mesh, replace(result, detail=detail))
    drop_image(old)
    image.name = f"{mesh.name} detail"
    unplug(mesh)
    set_detail(mesh, settings.strength)
    seen = np.abs(detail[detail != 0.0]) if detail.any() else np.zeros(1)
    height = float(np.quantile(seen, 0.99)) * result.metres_per_pixel
    return AddedDetail(len(detail), height, len(mesh.vertices))


def remove_detail(mesh: bpy.types.Mesh) -> None:
    """Take the detail of a mesh away, baked or not; what was sculpted on it stays.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.

    Raises
    ------
    MeshError
        It has none.
    """
    require_detail(mesh)
    _displace_anew(mesh, None)
    old, mesh.face_depth.detail_image = mesh.face_depth.detail_image, None
    drop_image(old)
    unplug(mesh)


def set_detail(mesh: bpy.types.Mesh, strength: float) -> None:
    """Move the slider for detail: that of the mesh, or of its shape modifiers in its place.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.
    strength : float
    """
    shaped_items = with_modifier(mesh)
    for item in shaped_items:
        set_input(shape_modifier(item), "Detail", strength)
        item.update_tag()
    if not shaped_items:
        mesh.face_depth.detail = strength


def with_modifier(mesh: bpy.types.Mesh) -> list[bpy.types.Object]:
    """The objects of a mesh that a modifier shapes in place of the mesh's sliders."""
    return [item for item in bpy.data.objects if item.data == mesh and shape_modifier(item)]


def _relief(result: "Reconstruction", settings: DetailSettings) -> np.ndarray:
    require_packages()
    from ...core.detail.fine_relief import crop_photo, normal_relief, shading_relief

    normals = None if settings.source == "SHADING" else _normals(settings)
    finest = max(len(crop_photo(result)), result.size)
    if normals is not None:
        finest = max(finest, min(normals.vectors.shape[:2]))
    size = min(settings.size, finest)
    parts = []
    if settings.source != "NORMALS":
        parts.append(shading_relief(result, size, settings.cap))
    if normals is not None:
        parts.append(normal_relief(result, size, normals))
    return sum(parts)


def _normals(settings: DetailSettings) -> "NormalMap":
    if settings.normals is None:
        raise MeshError("No normal map was chosen: choose an image of this file.")
    return read_normal_map(settings.normals, settings.area, settings.green, settings.largest)


def _float_image(name: str, values: np.ndarray) -> bpy.types.Image:
    """(D, D) values, the upper row first, in the red channel of a packed OpenEXR."""
    size = len(values)
    image = bpy.data.images.new(name, size, size, float_buffer=True, is_data=True)
    pixels = np.zeros((size, size, 4), np.float32)
    pixels[..., 0], pixels[..., 3] = values[::-1], 1.0
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image


def _displace_anew(mesh: bpy.types.Mesh, result: "Reconstruction | None") -> None:
    """Replace what the vertices know of detail, by that of a result or by nothing."""
    before = shaped(mesh, *applied(mesh))
    if DETAIL in mesh.attributes:
        mesh.attributes.remove(mesh.attributes[DETAIL])
    if result is not None:
        from ...core.relief.layers import layers_at
        from ...core.relief.shaping import Shape

        write_layers(mesh, layers_at(result, result.subject, floats(mesh, PLANE, 2), Shape()))
    positions = floats(mesh, "position", 3)
    move_vertices(mesh, positions, positions + shaped(mesh, *applied(mesh)) - before)
    backdrop.follow(mesh)
