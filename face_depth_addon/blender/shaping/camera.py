# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera that sees the mesh as the photo's camera saw the face."""

from math import isclose, radians

import bpy
from mathutils import Matrix, Vector

from .companions import attach, companion_of, companions
from .shape import require_shape
from .shape_nodes import seen_shape

_SENSOR_MM = 36.0
# Nothing of the mesh may lie behind an orthographic camera: so many of the photo's sides away.
_ORTHOGRAPHIC_SIDES = 10.0


def add_camera(context: bpy.types.Context, item: bpy.types.Object) -> bpy.types.Object:
    """Look through a camera that is a child of the mesh object, with the photo behind the mesh.

    The mesh's projection decides whether it is a perspective or an orthographic one. The scene's
    render size becomes the photo's, so that pixels are pixels. The camera that the object has
    already is used again.

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
    require_shape(mesh)
    holder = companion_of(item, "camera")
    if holder is None:
        camera = bpy.data.cameras.new(f"{item.name} camera")
        holder = bpy.data.objects.new(camera.name, camera)
        if mesh.face_depth.backdrop_image is not None:
            _show_backdrop(camera, mesh.face_depth.backdrop_image)
    attach(holder, item, "camera")
    render = context.scene.render
    render.resolution_x, render.resolution_y = mesh.face_depth.photo_size
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    context.scene.camera = holder
    match_camera(holder, mesh)
    return holder


def follow(mesh: bpy.types.Mesh) -> None:
    """Bring the cameras that were added to a mesh to where its photo's camera stood."""
    for holder in companions(mesh, "camera"):
        match_camera(holder, mesh)


def match_camera(holder: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
    """Bring a camera to where the photo's stood, by the mesh's projection and distance."""
    settings, camera = mesh.face_depth, holder.data
    shape, viewpoint = seen_shape(holder.parent)
    longest = max(settings.photo_size) * settings.metres_per_pixel
    # A camera takes its place, but not its own lengths, from its parent's scale.
    scale = holder.parent.matrix_world.median_scale
    x, y, z = viewpoint.place
    camera.sensor_fit, camera.sensor_width = 'AUTO', _SENSOR_MM
    if shape.projection == "PERSPECTIVE":
        camera.type = 'PERSP'
        camera.lens = _SENSOR_MM * viewpoint.distance / longest
        camera.clip_start = scale * viewpoint.distance / 100.0
    else:
        camera.type = 'ORTHO'
        camera.ortho_scale = scale * longest
        y = -_ORTHOGRAPHIC_SIDES * longest
        camera.clip_start = scale * longest / 100.0
    camera.clip_end = max(100.0, 10.0 * scale * -y)
    # Upright it would look along y with z up; the photo's own upright is turned by the roll.
    turn = Matrix.Rotation(-settings.roll, 4, 'Y') @ Matrix.Rotation(radians(90.0), 4, 'X')
    holder.matrix_parent_inverse.identity()
    holder.matrix_basis = Matrix.Translation(Vector((x, y, z))) @ turn


def photo_distance(mesh: bpy.types.Mesh) -> float:
    """From the camera to the eyes, in metres, by the photo's EXIF or else by what is usual."""
    return mesh.face_depth.focal_px * mesh.face_depth.metres_per_pixel


def distance_source(mesh: bpy.types.Mesh) -> str:
    """Where the distance comes from, for people: a few words."""
    settings = mesh.face_depth
    if not isclose(settings.distance, photo_distance(mesh), rel_tol=1e-4):
        return "Set by hand"
    return "From EXIF" if settings.focal_known else "Assumed"


def _show_backdrop(camera: bpy.types.Camera, image: bpy.types.Image) -> None:
    camera.show_background_images = True
    backdrop = camera.background_images.new()
    backdrop.image, backdrop.alpha = image, 1.0
    # The photo was scaled to whole pixels, so that its sides are not quite those of the frame.
    backdrop.display_depth, backdrop.frame_method = 'BACK', 'STRETCH'
