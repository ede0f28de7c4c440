# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that sees the mesh as the photo's camera saw the face."""

from math import radians

import bpy
from mathutils import Matrix, Vector

from ..core.errors import MeshError
from .shape import has_shape, viewpoint_of

_SENSOR_MM = 36.0
# Nothing of the mesh may lie behind an orthographic camera, wherever it stands.
_ORTHOGRAPHIC_METRES = 2.0


def add_camera(context: bpy.types.Context, item: bpy.types.Object) -> bpy.types.Object:
    """Add a camera that is a child of the mesh object, with the photo behind it.

    The mesh's projection decides whether it is a perspective or an orthographic one. The scene's
    render size becomes the photo's, so that pixels are pixels.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object

    Returns
    -------
    bpy.types.Object

    Raises
    ------
    MeshError
        The mesh does not say what it was made from.
    """
    mesh = item.data
    if not has_shape(mesh) or not mesh.face_depth.applied:
        raise MeshError(f"The mesh {mesh.name} has no depth: reconstruct it with Face Depth.")
    settings = mesh.face_depth
    camera = bpy.data.cameras.new(f"{item.name} camera")
    holder = bpy.data.objects.new(camera.name, camera)
    for collection in item.users_collection:
        collection.objects.link(holder)
    holder.parent = item
    scene = context.scene
    scene.render.resolution_x, scene.render.resolution_y = settings.photo_size
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    scene.camera = holder
    if settings.backdrop_image is not None:
        _show_backdrop(camera, settings.backdrop_image)
    match_camera(holder, mesh)
    return holder


def match_camera(holder: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
    """Bring a camera to where the photo's stood, by the mesh's projection and distance."""
    settings, camera = mesh.face_depth, holder.data
    viewpoint = viewpoint_of(settings)
    longest = max(settings.photo_size) * settings.metres_per_pixel
    x, y, z = viewpoint.place
    camera.sensor_fit, camera.sensor_width = 'AUTO', _SENSOR_MM
    if settings.projection == 'PERSPECTIVE':
        camera.type = 'PERSP'
        camera.lens = _SENSOR_MM * viewpoint.distance / longest
    else:
        camera.type = 'ORTHO'
        camera.ortho_scale = longest
        y = -_ORTHOGRAPHIC_METRES
    camera.clip_start, camera.clip_end = 0.01, max(100.0, 10.0 * -y)
    # Upright it would look along y with z up; the photo's own upright is turned by the roll.
    turn = Matrix.Rotation(-settings.roll, 4, 'Y') @ Matrix.Rotation(radians(90.0), 4, 'X')
    holder.matrix_parent_inverse.identity()
    holder.matrix_basis = Matrix.Translation(Vector((x, y, z))) @ turn


def _show_backdrop(camera: bpy.types.Camera, image: bpy.types.Image) -> None:
    camera.show_background_images = True
    backdrop = camera.background_images.new()
    backdrop.image, backdrop.alpha = image, 1.0
    backdrop.display_depth, backdrop.frame_method = 'BACK', 'FIT'
