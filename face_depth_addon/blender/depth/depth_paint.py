# SPDX-License-Identifier: GPL-3.0-or-later
"""Painting on the depth and the matte that a mesh was made from."""

from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np

from ...core.errors import MeshError
from ...core.reconstruction import Reconstruction
from ..attributes import BORDER, DEPTH, PLANE, SMOOTHED
from ..material import pack_image
from ..mesh_edit import move_vertices
from ..packages import require_packages
from ..shaping import backdrop
from ..shaping.relayout import relayout
from ..shaping.shape import (
    applied,
    drop_layers,
    floats,
    layout_of,
    require_shape,
    sampled_layers,
    shaped,
    write_layers,
)
from ..stored import pixels_of, stored
from ..stored import resized_to as resized

Painted = Literal["depth", "matte"]

_KINDS: tuple[Painted, ...] = ("depth", "matte")
# Custom property of the mesh: the image as the mesh was last displaced by it.
_BEFORE = "face_depth_{}_before"


@dataclass(frozen=True)
class Applied:
    """What was applied.

    Attributes
    ----------
    moved : int
        Vertices that were moved, or that a mesh with other faces has.
    rebuilt : bool
        The painted matte gave the mesh other faces.
    """

    moved: int
    rebuilt: bool = False


def begin_painting(mesh: bpy.types.Mesh, kind: Painted) -> bpy.types.Image:
    """Get a stored image ready to be painted on, and remember what it is like.

    Parameters
    ----------
    mesh : bpy.types.Mesh
    kind : str
        ``depth``: white is the nearest, black the farthest; ``matte``: the subject is white.

    Returns
    -------
    bpy.types.Image

    Raises
    ------
    MeshError
        The mesh holds no such image, or it cannot be read.
    """
    require_packages()
    require_shape(mesh)
    stored(mesh)
    for each in _KINDS:
        image = _image(mesh, each)
        if _is_shared(image, mesh, each):
            setattr(mesh.face_depth, f"{each}_image", image.copy())
            image = _image(mesh, each)
        if image.packed_file is None:
            image.pack()
        if mesh.get(_BEFORE.format(each)) is None:
            mesh[_BEFORE.format(each)] = _packed_copy(image)
    return _image(mesh, kind)


def apply_painting(mesh: bpy.types.Mesh) -> Applied:
    """Displace a mesh by what was painted; what was sculpted, smoothed or keyed on it stays.

    Only what was painted moves: the difference to the image before counts, so that vertices that
    came from elsewhere stay too. A painted matte gives the mesh other faces, as
    `relayout.relayout` does.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.

    Raises
    ------
    MeshError
        The images are gone, scaled or empty.
    """
    require_shape(mesh)
    result = stored(mesh)
    _require_paintable(mesh, result)
    if _subject_painted(mesh, result):
        relayout(mesh, layout_of(mesh))
        done = Applied(len(mesh.vertices), rebuilt=True)
    else:
        done = Applied(_displace(mesh, result))
    for kind in _KINDS:
        image = _image(mesh, kind)
        # Blender 5.0 loses an image without a file that is packed though nothing has changed.
        if image.is_dirty:
            image.pack()
        _forget(mesh, kind)
    backdrop.follow(mesh)
    return done


def _require_paintable(mesh: bpy.types.Mesh, result: Reconstruction) -> None:
    if not np.isfinite(result.depth).all():
        raise MeshError(
            f"The image {_image(mesh, 'depth').name} holds values that are no numbers: undo the "
            "last strokes."
        )
    if not result.subject.any():
        raise MeshError(
            f"The image {_image(mesh, 'matte').name} is black everywhere: paint white where the "
            "mesh shall be."
        )


def _image(mesh: bpy.types.Mesh, kind: Painted) -> bpy.types.Image:
    return getattr(mesh.face_depth, f"{kind}_image")


def _is_shared(image: bpy.types.Image, mesh: bpy.types.Mesh, kind: Painted) -> bool:
    """Whether a copy of the mesh was made from the same image."""
    return any(other != mesh and _image(other, kind) == image for other in bpy.data.meshes)


def _packed_copy(image: bpy.types.Image) -> bpy.types.Image:
    """The image as it was packed, without the strokes since then."""
    copy = pack_image(f"{image.name} before", image.packed_file.data)
    copy.colorspace_settings.name = image.colorspace_settings.name
    return copy


def _before(mesh: bpy.types.Mesh, kind: Painted) -> np.ndarray | None:
    """Pixels by which the mesh was last displaced; None where they are those of the image."""
    image, remembered = _image(mesh, kind), mesh.get(_BEFORE.format(kind))
    if remembered is not None:
        return pixels_of(remembered)
    if not image.is_dirty or image.packed_file is None:
        return None
    copy = _packed_copy(image)
    try:
        return pixels_of(copy)
    finally:
        bpy.data.images.remove(copy)


def _forget(mesh: bpy.types.Mesh, kind: Painted) -> None:
    remembered = mesh.get(_BEFORE.format(kind))
    if _BEFORE.format(kind) in mesh:
        del mesh[_BEFORE.format(kind)]
    if remembered is not None and not remembered.users:
        bpy.data.images.remove(remembered)


def _subject_painted(mesh: bpy.types.Mesh, result: Reconstruction) -> bool:
    before = _before(mesh, "matte")
    if before is None:
        return False
    subject = np.rint(255.0 * resized(before[..., :1], result.size)[..., 0]) >= 128.0
    return not np.array_equal(subject, result.subject)


def _displace(mesh: bpy.types.Mesh, result: Reconstruction) -> int:
    """Follow the painted depth; how many vertices moved."""
    require_packages()
    from ...core.depth.edit import painted_change
    from ...core.relief.layers import points_of

    before = _before(mesh, "depth")
    if before is None:
        return 0
    image = _image(mesh, "depth")
    after = pixels_of(image)
    if before.shape[:2] != after.shape[:2]:
        raise MeshError(
            f"The image {image.name} was scaled to {len(after)} pixels: scale it back to "
            f"{len(before)}."
        )
    far, near = mesh.face_depth.span
    if near <= far and (before[..., 0] != after[..., 0]).any():
        raise MeshError(f"The depth of {mesh.name} is flat, so that shades of grey say nothing.")
    plane = floats(mesh, PLANE, 2)
    change = painted_change(before[..., 0], after[..., 0], points_of(result, plane))
    if not change.any():
        return 0
    shape, viewpoint = applied(mesh)
    unpainted = shaped(mesh, shape, viewpoint)
    depth = floats(mesh, DEPTH, 1)[:, 0] + np.float32(near - far) * change
    mesh.attributes[DEPTH].data.foreach_set("value", depth)
    sampled = {SMOOTHED, BORDER} & set(mesh.attributes.keys())
    drop_layers(mesh)
    write_layers(mesh, sampled_layers(result, layout_of(mesh), plane, sampled))
    positions = floats(mesh, "position", 3)
    moved = positions + (shaped(mesh, shape, viewpoint) - unpainted)
    return move_vertices(mesh, positions, moved)
