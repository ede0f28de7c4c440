# SPDX-License-Identifier: GPL-3.0-or-later
"""Through the camera that is added, mesh and backdrop lie on the photo's own pixels."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from made_faces import CROP, HEIGHT, WIDTH, add_face, made_face, positions
from mathutils import Matrix, Vector

from face_depth_addon.core.crop import transform_points
from face_depth_addon.core.relief.building import Layout

PROJECTIONS = ('RELIEF', 'WEAK_PERSPECTIVE', 'PERSPECTIVE')


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


@pytest.fixture(params=[None, 70.0], ids=["assumed", "exif"])
def item(request) -> bpy.types.Object:
    """A mesh object that was moved, turned and scaled."""
    item = add_face(made_face(focal_35mm=request.param), Layout(resolution=24))
    item.matrix_world = (
        Matrix.Translation((1.0, 2.0, -0.5)) @ Matrix.Rotation(0.7, 4, (1.0, 2.0, 3.0))
        @ Matrix.Scale(1.7, 4)
    )
    bpy.context.view_layer.update()
    return item


def seen_pixels(item: bpy.types.Object, places: np.ndarray) -> np.ndarray:
    """Where the scene's camera sees places of an object: (n, 2) photo pixels."""
    scene = bpy.context.scene
    bpy.context.view_layer.update()
    seen = np.array([
        world_to_camera_view(scene, scene.camera, item.matrix_world @ Vector(place))
        for place in places.tolist()
    ])
    assert (seen[:, 2] > scene.camera.data.clip_start).all()
    assert (seen[:, 2] < scene.camera.data.clip_end).all()
    return seen[:, :2] * (WIDTH, -HEIGHT) + (0, HEIGHT)


def photo_pixels(mesh: bpy.types.Mesh) -> np.ndarray:
    """Where the vertices lie in the photo, by their texture: (n, 2)."""
    uvs, verts = np.empty((len(mesh.loops), 2), np.float32), np.empty(len(mesh.loops), np.int32)
    mesh.uv_layers["UVMap"].uv.foreach_get("vector", uvs.ravel())
    mesh.loops.foreach_get("vertex_index", verts)
    places = np.empty((len(mesh.vertices), 2))
    places[verts] = uvs * (1.0, -1.0) + (0.0, 1.0)
    return transform_points(CROP.to_photo(1), places)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_mesh_and_backdrop_line_up_with_the_photo(item, projection):
    item.data.face_depth.projection = projection
    bpy.ops.face_depth.add_camera()
    bpy.ops.face_depth.add_backdrop()
    render = bpy.context.scene.render
    assert (render.resolution_x, render.resolution_y) == (WIDTH, HEIGHT)
    assert_lined_up(item)


def assert_lined_up(item: bpy.types.Object) -> None:
    mesh = item.data
    np.testing.assert_allclose(
        seen_pixels(item, positions(mesh)), photo_pixels(mesh), rtol=0, atol=0.01
    )
    (plane,) = (child for child in item.children if child.type == 'MESH')
    corners = np.empty((4, 2), np.float32)
    plane.data.uv_layers[0].uv.foreach_get("vector", corners.ravel())
    np.testing.assert_allclose(
        seen_pixels(plane, positions(plane.data)),
        corners * (WIDTH, -HEIGHT) + (0, HEIGHT), rtol=0, atol=0.01,
    )
    to_mesh = item.matrix_world.inverted() @ plane.matrix_world
    behind = np.array([to_mesh @ vertex.co for vertex in plane.data.vertices])[:, 1]
    assert behind.min() > positions(mesh)[:, 1].max()


@pytest.mark.parametrize("first", PROJECTIONS)
@pytest.mark.parametrize("second", PROJECTIONS)
def test_they_follow_projection_distance_size_and_sliders(first, second):
    item = add_face(made_face(), Layout(resolution=20))
    settings = item.data.face_depth
    settings.projection = first
    bpy.ops.face_depth.add_camera()
    bpy.ops.face_depth.add_backdrop()
    settings.projection = second
    settings.distance, settings.strength, settings.size_mm = 0.4, 1.8, 70.0
    assert_lined_up(item)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_they_line_up_with_what_the_modifier_makes(projection):
    item = add_face(made_face(), Layout(resolution=20))
    settings = item.data.face_depth
    settings.projection, settings.strength, settings.distance = projection, 1.5, 0.5
    bpy.ops.face_depth.add_camera()
    bpy.ops.face_depth.add_backdrop()
    bpy.ops.face_depth.add_shape_modifier()
    bpy.ops.face_depth.add_camera()
    shown = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    np.testing.assert_allclose(
        seen_pixels(item, positions(shown)), photo_pixels(item.data), rtol=0, atol=0.01
    )


def test_the_camera_shows_the_photo_behind():
    item = add_face(made_face(), Layout(resolution=20))
    bpy.ops.face_depth.add_camera()
    (camera,) = item.children
    assert bpy.context.scene.camera == camera and camera.data.show_background_images
    (shown,) = camera.data.background_images
    assert tuple(shown.image.size) == (WIDTH, HEIGHT) and shown.frame_method == 'STRETCH'


def test_backdrop_follows_new_faces_and_leaves_an_edited_plane_alone():
    item = add_face(made_face(), Layout(resolution=48, region="FACE"))
    bpy.ops.face_depth.add_backdrop()
    plane = next(child for child in item.children if child.type == 'MESH')
    bpy.ops.face_depth.relayout(region='BUST')
    assert positions(plane.data)[:, 1].min() > positions(item.data)[:, 1].max()
    plane.data.clear_geometry()
    item.data.face_depth.strength = 1.5
    assert not len(plane.data.vertices)
    bpy.ops.face_depth.add_backdrop()
    assert len(plane.data.vertices) == 4
    assert positions(plane.data)[:, 1].min() > positions(item.data)[:, 1].max()
    for collection in plane.users_collection:
        collection.objects.unlink(plane)
    bpy.ops.face_depth.add_backdrop()
    assert len(plane.users_collection) == 1
