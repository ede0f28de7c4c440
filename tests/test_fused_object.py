# SPDX-License-Identifier: GPL-3.0-or-later
"""A fused head in the scene: its mesh, its cameras, its points, and every kind of file of it."""

import json

import bpy
import cv2
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from fused_sphere import PHOTOS, fused_sphere
from mathutils import Matrix, Vector

from face_depth_addon.blender.fusion.fused_object import add_clouds, add_head, look_through
from face_depth_addon.blender.output.export import write_object
from face_depth_addon.blender.output.page import write_html
from face_depth_addon.blender.output.preview import render_preview
from face_depth_addon.blender.output.printing import make_print, write_print
from face_depth_addon.core.printing.solid import PrintSettings


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


@pytest.fixture
def head():
    return fused_sphere()


@pytest.fixture
def item(head) -> bpy.types.Object:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    return add_head(bpy.context, head, 32, 63.0)


def values(mesh: bpy.types.Mesh, name: str, width: int = 1, kind: type = np.float32) -> np.ndarray:
    found = np.empty((len(mesh.attributes[name].data), width), kind)
    mesh.attributes[name].data.foreach_get("vector" if width > 1 else "value", found.ravel())
    return found


def test_mesh_is_the_head_with_its_texture(item, head):
    mesh = item.data
    assert tuple(item.location) == (1.0, 2.0, 3.0)
    assert bpy.context.selected_objects == [item] and bpy.context.object == item
    assert np.array_equal(values(mesh, "position", 3), head.positions)
    sides = np.array([polygon.loop_total for polygon in mesh.polygons])
    assert np.array_equal(sides, (head.faces >= 0).sum(axis=1)) and set(sides) == {3, 4}
    for polygon in (mesh.polygons[5], mesh.polygons[200]):
        corners = head.faces[polygon.index]
        assert list(polygon.vertices) == corners[corners >= 0].tolist()
        uvs = [mesh.uv_layers["UVMap"].uv[loop].vector[:] for loop in polygon.loop_indices]
        assert np.allclose(uvs, head.uvs[polygon.index][corners >= 0])
        outwards = sum((mesh.vertices[number].co for number in polygon.vertices), Vector())
        assert polygon.normal.dot(outwards) > 0.0
    assert np.array_equal(values(mesh, "seen")[:, 0], head.seen)
    assert np.array_equal(values(mesh, "views")[:, 0], head.views)
    assert not mesh.validate()
    (texture,) = (
        node for node in mesh.materials[0].node_tree.nodes if node.type == 'TEX_IMAGE'
    )
    assert texture.extension == 'REPEAT' and tuple(texture.image.size) == (256, 128)
    assert texture.image.packed_file.data == head.texture


def test_object_says_what_it_was_made_from(item, head):
    assert json.loads(item["face_depth_photos"]) == ["front.jpg", "left.jpg", "right.jpg"]
    assert json.loads(item["face_depth_digests"]) == ["a1", "b2", "c3"]
    assert item["face_depth_model"] == "made" and item["face_depth_pupils_mm"] == 63.0
    assert item["face_depth_residuals_mm"].to_dict() == head.residuals
    reports = json.loads(item["face_depth_reports"])
    assert [report["photo"] for report in reports] == [report.photo for report in head.photos]
    assert reports[1]["reason"] == "No face that can be used was found in cat.png."


@pytest.mark.parametrize("number", range(len(PHOTOS)))
def test_each_camera_sees_the_head_as_its_photo_does(item, head, number):
    item.matrix_world = (
        Matrix.Translation((1.0, 2.0, -0.5)) @ Matrix.Rotation(0.7, 4, (1.0, 2.0, 3.0))
        @ Matrix.Scale(1.7, 4)
    )
    scene, camera = bpy.context.scene, head.cameras[number]
    named = bpy.data.objects[("front", "left", "right")[number]]
    assert named.parent == item and named.hide_get()
    bpy.context.view_layer.update()
    look_through(bpy.context, named)
    bpy.context.view_layer.update()
    assert scene.camera == named and named.visible_get()
    assert (scene.render.resolution_x, scene.render.resolution_y) == (camera.width, camera.height)
    seen = np.array([
        world_to_camera_view(scene, named, item.matrix_world @ Vector(place))
        for place in head.positions[::40].tolist()
    ])
    assert (seen[:, 2] > named.data.clip_start).all() and (seen[:, 2] < named.data.clip_end).all()
    local = (head.positions[::40] - camera.place) @ camera.rotation
    pixels = local[:, :2] / -local[:, 2:] * camera.focal_px * (1.0, -1.0)
    pixels += (camera.width / 2, camera.height / 2)
    size = np.array([camera.width, camera.height])
    np.testing.assert_allclose(seen[:, :2] * size * (1, -1) + (0, size[1]), pixels, atol=0.02)
    (shown,) = named.data.background_images
    assert named.data.show_background_images and shown.frame_method == 'STRETCH'
    assert tuple(shown.image.size) == (camera.width, camera.height)
    assert shown.image.packed_file.data == camera.backdrop


def test_deleting_the_head_with_its_children_leaves_no_object(item):
    bpy.context.view_layer.objects.active = item
    for child in item.children_recursive:
        child.hide_set(False)
        child.select_set(True)
    item.select_set(True)
    bpy.ops.object.delete()
    assert not bpy.data.objects


def test_head_goes_into_a_collection_that_is_left_out(head):
    aside = bpy.data.collections.new("aside")
    bpy.context.scene.collection.children.link(aside)
    layer = bpy.context.view_layer.layer_collection.children["aside"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    made = add_head(bpy.context, head, 32, 63.0)
    assert len(made.children) == 3


def test_points_lie_where_the_head_is(item, head):
    item.matrix_world = Matrix.Translation((0.5, 0.0, 0.0)) @ Matrix.Scale(2.0, 4)
    before, after = add_clouds(bpy.context, item, head)
    assert bpy.context.selected_objects == [after]
    for made, cloud in ((before, head.before), (after, head.after)):
        assert made.matrix_world == item.matrix_world and not made.data.polygons
        assert np.array_equal(values(made.data, "position", 3), cloud.positions)
        assert np.array_equal(values(made.data, "photo", 1, np.int32)[:, 0], cloud.photo)
    assert before.name.endswith("points before")


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".stl", ".ply"])
def test_mesh_file_holds_the_head_alone(item, head, tmp_path, suffix):
    path = tmp_path / f"head{suffix}"
    write_object(item, path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(path))
    else:
        getattr(bpy.ops.wm, f"{suffix[1:]}_import")(filepath=str(path))
    (made,) = bpy.data.objects
    bpy.context.view_layer.update()
    size = np.array(made.dimensions) / (1000.0 if suffix == ".stl" else 1.0)
    assert np.allclose(np.sort(size), np.sort(np.ptp(head.positions, axis=0)), rtol=1e-3)
    if suffix in (".glb", ".obj"):
        (image,) = (image for image in bpy.data.images if image.users and image.size[0])
        assert tuple(image.size) == (256, 128)
        uvs = np.empty((len(made.data.loops), 2), np.float32)
        made.data.uv_layers.active.uv.foreach_get("vector", uvs.ravel())
        assert uvs[:, 0].max() == pytest.approx(head.uvs[..., 0].max(), abs=1e-4)


def test_file_is_saved_with_all_cameras_and_their_photos(item, tmp_path):
    write_object(item, tmp_path / "head.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    cameras = [each for each in bpy.data.objects if each.type == 'CAMERA']
    assert len(cameras) == 3 and all(camera.hide_get() for camera in cameras)
    assert all(
        camera.data.background_images[0].image.packed_file is not None for camera in cameras
    )


def test_preview_and_page_show_the_texture(item, tmp_path):
    render_preview(item, tmp_path / "look.png", 240)
    picture = cv2.imread(str(tmp_path / "look.png")).astype(int)
    upper, lower = picture[:120], picture[120:]
    assert np.ptp(upper, axis=2).mean() > 4.0 * np.ptp(lower, axis=2).mean()
    assert write_html(item, tmp_path / "page.html") >= len(item.data.vertices)
    assert (tmp_path / "page.html").stat().st_size > 200_000


@pytest.mark.parametrize("kind", ["BUST", "SOLID", "RELIEF"])
def test_head_can_be_printed(item, tmp_path, kind):
    made = make_print(item, PrintSettings(kind, 80.0)).object
    assert write_print(made, tmp_path / "head.3mf") > 100
    assert max(made.dimensions) == pytest.approx(0.08, abs=0.001)


def test_cleaning_up_a_whole_head_leaves_its_sides(item):
    before = len(item.data.polygons)
    assert bpy.ops.face_depth.cleanup() == {'FINISHED'}
    assert len(item.data.polygons) > 0.95 * before
    bpy.ops.face_depth.cleanup(cut_stretched=True)
    assert len(item.data.polygons) < 0.95 * before
