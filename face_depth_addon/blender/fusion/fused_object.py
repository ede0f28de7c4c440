# SPDX-License-Identifier: GPL-3.0-or-later
"""A fused head as objects: its mesh, the cameras of its photos, their points."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix

from ..attributes import SEEN
from ..cloud.cloud_object import add_cloud
from ..head.completion import write_mesh
from ..linking import link_object, select_alone
from ..material import pack_image
from ..reconstruct import object_name
from ..shaping.companions import attach

if TYPE_CHECKING:
    from ...core.cloud.pointcloud import PointCloud
    from ...core.fusion.fused import FusedHead, PhotoCamera, PhotoCloud

#: Attribute of a fused mesh: how many photos show the vertex.
VIEWS = "views"
#: Attribute of a cloud's points: which of all photos each is from.
PHOTO = "photo"
#: Width and height of a camera's photo, as its custom property.
PHOTO_SIZE = "face_depth_photo_size"

_SENSOR_MM = 36.0


def add_head(
    context: bpy.types.Context, head: "FusedHead", resolution: int, pupils: float
) -> bpy.types.Object:
    """Add a head at the 3D cursor, with a hidden camera for each photo, as the one selected object.

    Parameters
    ----------
    context : bpy.types.Context
    head : FusedHead
    resolution : int
        With which it was made.
    pupils : float
        Distance of its pupils, in millimetres.
    """
    used = [report for report in head.photos if report.used]
    name = f"{object_name(used[0].photo)} fused"
    mesh = write_mesh(
        name, head.positions, head.faces, head.colours, head.uvs, head.texture, repeat=True
    )
    for attribute, values in ((SEEN, head.seen), (VIEWS, head.views)):
        data = mesh.attributes.new(attribute, 'FLOAT', 'POINT').data
        data.foreach_set("value", values.astype(np.float32))
    item = bpy.data.objects.new(name, mesh)
    item["face_depth_model"] = head.info["model"]
    item["face_depth_resolution"], item["face_depth_pupils_mm"] = resolution, pupils
    item["face_depth_photos"] = json.dumps([report.photo for report in used])
    item["face_depth_digests"] = json.dumps([report.digest for report in used])
    item["face_depth_residuals_mm"] = {step: float(mm) for step, mm in head.residuals.items()}
    item["face_depth_reports"] = json.dumps([asdict(report) for report in head.photos])
    link_object(context, item)
    item.location = context.scene.cursor.location
    for camera in head.cameras:
        _add_camera(context, item, camera, head.photos[camera.photo].photo)
    select_alone(context, item)
    return item


def add_clouds(
    context: bpy.types.Context, item: bpy.types.Object, head: "FusedHead"
) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Add the photos' points where a head is, as they lay by landmarks alone and as they do now.

    Parameters
    ----------
    context : bpy.types.Context
    item : bpy.types.Object
        The head's object.
    head : FusedHead

    Returns
    -------
    tuple of bpy.types.Object
        Before and after; the latter is selected alone.

    Raises
    ------
    PointCloudError
        OpenCV, which measures the points' spacing, is missing.
    """
    return (
        _add_cloud(context, item, f"{item.name} points before", head.before),
        _add_cloud(context, item, f"{item.name} points", head.after),
    )


def points_of(cloud: "PhotoCloud") -> "PointCloud":
    """The photos' points as a plain cloud."""
    from ...core.cloud.pointcloud import PointCloud

    opaque = np.full((len(cloud.positions), 4), 255, np.uint8)
    opaque[:, :3] = cloud.colours
    return PointCloud(cloud.positions, opaque, cloud.normals)


def look_through(context: bpy.types.Context, holder: bpy.types.Object) -> None:
    """Make a photo's camera the scene's, which renders as many pixels as the photo has.

    Parameters
    ----------
    context : bpy.types.Context
    holder : bpy.types.Object
        A camera of `add_head`; it is hidden no longer, or else its photo would not be seen.
    """
    if context.view_layer.objects.get(holder.name) == holder:
        holder.hide_set(False, view_layer=context.view_layer)
    # A camera takes its place, but not its own lengths, from its parent's scale.
    _clip(holder, holder.matrix_world.median_scale)
    render = context.scene.render
    render.resolution_x, render.resolution_y = holder[PHOTO_SIZE]
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    context.scene.camera = holder


def _add_cloud(
    context: bpy.types.Context, item: bpy.types.Object, name: str, cloud: "PhotoCloud"
) -> bpy.types.Object:
    made = add_cloud(context, name, points_of(cloud), item.matrix_world)
    data = made.data.attributes.new(PHOTO, 'INT', 'POINT').data
    data.foreach_set("value", cloud.photo.astype(np.int32))
    return made


def _add_camera(
    context: bpy.types.Context, item: bpy.types.Object, seen: "PhotoCamera", photo: str
) -> None:
    """The camera of a photo as a hidden child of the head, with the photo behind it."""
    name = object_name(photo)
    camera = bpy.data.cameras.new(name)
    camera.sensor_fit, camera.sensor_width = 'AUTO', _SENSOR_MM
    camera.lens = _SENSOR_MM * seen.focal_px / max(seen.width, seen.height)
    camera.show_background_images = True
    backdrop = camera.background_images.new()
    backdrop.image, backdrop.alpha = pack_image(f"{name} backdrop", seen.backdrop), 1.0
    # The photo was scaled to whole pixels, so that its sides are not quite those of the frame.
    backdrop.display_depth, backdrop.frame_method = 'BACK', 'STRETCH'
    holder = bpy.data.objects.new(name, camera)
    holder[PHOTO_SIZE] = seen.width, seen.height
    attach(holder, item, "photo camera")
    matrix = Matrix(seen.rotation.tolist()).to_4x4()
    matrix.translation = seen.place.tolist()
    holder.matrix_basis = matrix
    _clip(holder, 1.0)
    # Others are in collections that the view layer leaves out.
    if holder.visible_get(view_layer=context.view_layer):
        holder.hide_set(True, view_layer=context.view_layer)


def _clip(holder: bpy.types.Object, scale: float) -> None:
    """Let a camera see from close before it to far behind the head."""
    distance = scale * holder.matrix_basis.translation.length
    holder.data.clip_start, holder.data.clip_end = distance / 100.0, max(100.0, 10.0 * distance)
