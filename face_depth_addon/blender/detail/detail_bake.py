# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the detail of a mesh into a normal map."""

import bpy

from ..material import pack_image
from ..packages import require_packages
from ..shaping.shape import applied
from ..shaping.shape_nodes import seen_shape
from ..stored import stored
from .fine_relief import require_detail, set_detail, with_modifier
from .normal_maps import normal_shader, plug, shader_of_new_material, unplug


def bake_detail(
    mesh: bpy.types.Mesh, strength: float = 1.0, use_in_material: bool = True
) -> bpy.types.Image:
    """Turn the detail of a mesh into a normal map, and its slider to 0.

    Parameters
    ----------
    mesh : bpy.types.Mesh
        Not in Edit Mode.
    strength : float
        Factor on the detail.
    use_in_material : bool
        Have the mesh's first material use it.

    Returns
    -------
    bpy.types.Image
        In tangent space, green up, laid out as the UV map of the photo.

    Raises
    ------
    MeshError
        There is no detail, or the material has normals of its own or no Principled shader.
    """
    require_packages()
    from ...core.detail.fine_relief import baked_detail

    require_detail(mesh)
    shader = normal_shader(mesh) if use_in_material else None
    factor = strength * _shown_strength(mesh)
    baked = baked_detail(stored(mesh), factor)
    if use_in_material:
        unplug(mesh)
    image = pack_image(f"{mesh.name} normals", baked)
    image.colorspace_settings.name = 'Non-Color'
    if use_in_material:
        plug(shader or shader_of_new_material(mesh), image)
    else:
        # Nothing else would keep it in the file.
        image.use_fake_user = True
    set_detail(mesh, 0.0)
    return image


def _shown_strength(mesh: bpy.types.Mesh) -> float:
    """Factor on the whole relief, by the mesh or by the modifier that shapes it."""
    shaped_items = with_modifier(mesh)
    shape, _ = seen_shape(shaped_items[0]) if shaped_items else applied(mesh)
    return shape.strength
