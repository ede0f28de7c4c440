# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete Head on the mesh of a made-up head that is turned, and on bad input."""

import bpy
import cv2
import numpy as np
import pytest
from turned_head import Relief, head_radius, relief_of

from face_depth_addon.blender.attributes import SEEN
from face_depth_addon.blender.head.completion import completed_head
from face_depth_addon.blender.mesh import fill_mesh
from face_depth_addon.blender.shaping.shape import give_shape
from face_depth_addon.blender.shaping.shape_nodes import add_shape_modifier
from face_depth_addon.blender.stored import keep, stored
from face_depth_addon.core.crop import Crop
from face_depth_addon.core.filters import fill_outside
from face_depth_addon.core.reconstruction import Pictures, Reconstruction
from face_depth_addon.core.relief.building import Layout, build_surface
from face_depth_addon.core.relief.shaping import Shape, depth_span, photo_viewpoint

SIZE, MPP = 128, 0.002
YAW = 40.0


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


@pytest.fixture(scope="module")
def relief() -> Relief:
    return relief_of(YAW)


@pytest.fixture(scope="module")
def reconstruction(relief) -> Reconstruction:
    """A photo of the head, two millimetres a pixel."""
    column, row = np.rint(relief.positions[:, ::2] * (1, -1) / MPP + SIZE / 2 - 0.5).astype(int).T
    subject = np.zeros((SIZE, SIZE), bool)
    subject[row, column] = True
    depth, rgb = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE, 3), np.float32)
    depth[row, column], rgb[row, column] = -relief.positions[:, 1] / MPP, relief.colours
    depth = fill_outside(depth, subject)
    rgb = np.dstack([fill_outside(rgb[..., k], subject) for k in range(3)]).astype(np.uint8)
    places = relief.landmarks[:, ::2] * (1, -1) / (MPP * SIZE) + 0.5
    landmarks = np.column_stack([places, -relief.landmarks[:, 1] / MPP]).astype(np.float32)
    far, near = depth[subject].min(), depth[subject].max()
    matte = subject.astype(np.uint8) * 255
    photo = encoded(".png", rgb[..., ::-1])
    pictures = Pictures(
        photo, photo, encoded(".exr", (depth - far) / (near - far)), encoded(".png", matte)
    )
    return Reconstruction(
        depth, subject, matte, rgb, Crop(64.0, 64.0, float(SIZE)), MPP,
        np.array([0.5, 0.5, 0.0]), pictures, landmarks,
        info={
            "photo": "turned.png", "digest": "", "model": "facemesh", "width": SIZE,
            "height": SIZE, "focal_35mm": None,
        },
    )


def encoded(kind: str, values: np.ndarray) -> bytes:
    return cv2.imencode(kind, values)[1].tobytes()


def make_object(result: Reconstruction, layout: Layout | None = None) -> bpy.types.Object:
    """The active object: the mesh of a reconstruction."""
    layout = layout or Layout(resolution=120)
    mesh = bpy.data.meshes.new("Turned")
    for _ in fill_mesh(mesh, build_surface(result, layout, Shape())):
        continue
    keep(mesh, "Turned", result)
    give_shape(mesh, layout, Shape(), photo_viewpoint(result), depth_span(result))
    item = bpy.data.objects.new("Turned", mesh)
    item["face_depth_photo"] = "turned.png"
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    item.select_set(True)
    return item


def points(mesh: bpy.types.Mesh) -> np.ndarray:
    values = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", values.ravel())
    return values


def values_of(mesh: bpy.types.Mesh, name: str, kind: str, width: int) -> np.ndarray:
    data = mesh.attributes[name].data
    values = np.empty((len(data), width), np.float32)
    data.foreach_get(kind, values.ravel())
    return values


def hidden_face(relief: Relief, mesh: bpy.types.Mesh) -> np.ndarray:
    """Vertices of the face, from the nose to the temple, that the photo does not show."""
    in_head = relief.in_head(points(mesh).astype(float))
    seen = values_of(mesh, SEEN, "value", 1)[:, 0]
    return (np.abs(in_head[:, 2]) < 0.07) & (in_head[:, 1] < -0.02) & (seen < 0.01)


def deviation(relief: Relief, places: np.ndarray) -> np.ndarray:
    places = relief.in_head(places.astype(float))
    length = np.linalg.norm(places, axis=1)
    return np.abs(length - head_radius(places / length[:, None]))


def test_a_turned_head_gets_its_other_side(relief, reconstruction):
    item = make_object(reconstruction)
    item.location = (1.0, 2.0, 3.0)
    bpy.context.view_layer.update()
    before = points(item.data)
    assert bpy.ops.face_depth.complete_head() == {'FINISHED'}
    made = bpy.context.object
    mesh = made.data
    assert made != item and made.matrix_world == item.matrix_world
    assert made["face_depth_photo"] == "turned.png"
    # What it was made from keeps everything, out of the way.
    np.testing.assert_array_equal(points(item.data), before)
    assert item.hide_get() and item.hide_render and not made.hide_get()
    item.data.face_depth.strength = 2.0
    assert np.abs(points(item.data) - before).max() > 0.01

    hidden = hidden_face(relief, mesh)
    assert hidden.sum() > 500
    off = deviation(relief, points(mesh)[hidden])
    assert np.median(off) < 0.0005 and np.quantile(off, 0.95) < 0.002
    normals = np.empty((len(mesh.polygons), 3), np.float32)
    mesh.polygons.foreach_get("normal", normals.ravel())
    centres = np.empty((len(mesh.polygons), 3), np.float32)
    mesh.polygons.foreach_get("center", centres.ravel())
    assert ((normals * centres).sum(axis=1) > 0.0).mean() > 0.99
    assert not mesh.validate()


def test_colours_and_texture_are_mirrored_too(relief, reconstruction):
    make_object(reconstruction)
    bpy.ops.face_depth.complete_head(hide_original=False)
    mesh = bpy.context.object.data
    assert not bpy.data.objects["Turned"].hide_get()
    assert mesh.color_attributes.active_color.name == "Color"
    assert mesh.color_attributes.render_color_index == mesh.color_attributes.find("Color")
    hidden = hidden_face(relief, mesh)
    in_head = relief.in_head(points(mesh)[hidden].astype(float))
    true = np.column_stack([128.0 + 1000.0 * in_head[:, 2], 1500.0 * np.abs(in_head[:, 0])])
    shown = 255.0 * values_of(mesh, "Color", "color_srgb", 4)[hidden]
    assert np.quantile(np.abs(shown[:, [0, 2]] - true), 0.9) < 10

    nodes = mesh.materials[0].node_tree.nodes
    image = next(node.image for node in nodes if node.type == 'TEX_IMAGE')
    assert image.packed_file is not None
    width, height = image.size
    pixels = np.array(image.pixels, np.float32).reshape(height, width, 4)
    corners = values_of(mesh, "UVMap", "vector", 2)
    verts = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", verts)
    uvs = np.empty((len(mesh.vertices), 2), np.float32)
    uvs[verts] = corners
    column, row = (uvs[hidden] * (width, height)).astype(int).T
    texels = 255.0 * pixels[row, column]
    assert np.quantile(np.abs(texels[:, [0, 2]] - true), 0.9) < 12


def test_the_head_is_completed_as_sliders_or_a_modifier_show_it(reconstruction):
    item = make_object(reconstruction, Layout(resolution=100))
    relief = completed_head(item, stored(item.data)).positions
    item.data.face_depth.projection, item.data.face_depth.distance = 'PERSPECTIVE', 1.0
    by_sliders = completed_head(item, stored(item.data)).positions
    assert by_sliders.shape != relief.shape or np.abs(by_sliders - relief).max() > 0.002
    # The modifier takes the sliders' place, and the mesh itself is a relief again.
    add_shape_modifier(item)
    by_modifier = completed_head(item, stored(item.data)).positions
    np.testing.assert_allclose(by_modifier, by_sliders, atol=1e-5)


def test_an_adaptive_mesh_is_completed_too(relief, reconstruction):
    make_object(reconstruction, Layout("ADAPTIVE", budget=6000))
    bpy.ops.face_depth.complete_head()
    mesh = bpy.context.object.data
    off = deviation(relief, points(mesh)[hidden_face(relief, mesh)])
    assert len(off) > 100 and np.median(off) < 0.001


def test_where_a_head_cannot_be_completed(reconstruction):
    item = make_object(reconstruction)
    bpy.ops.object.mode_set(mode='EDIT')
    assert not bpy.ops.face_depth.complete_head.poll()
    bpy.ops.object.mode_set(mode='OBJECT')
    whole = Reconstruction(**{**vars(reconstruction), "landmarks": None})
    keep(item.data, "Turned", whole)
    before = len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.images)
    with pytest.raises(RuntimeError, match="without looking for a face"):
        bpy.ops.face_depth.complete_head()
    assert (len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.images)) == before
    assert not item.hide_get()
    item.data.face_depth.depth_image = None
    assert not bpy.ops.face_depth.complete_head.poll()


def test_a_profile_is_refused_and_nothing_is_added(reconstruction):
    item = make_object(reconstruction)
    # Without the far half of the face there is nothing to tell the plane of symmetry by.
    profile = np.array(stored(item.data).landmarks)
    profile[:, 0] = 0.2 + 0.05 * profile[:, 0]
    keep(item.data, "Turned", Reconstruction(**{**vars(reconstruction), "landmarks": profile}))
    before = len(bpy.data.objects), len(bpy.data.meshes)
    with pytest.raises(RuntimeError, match="turned more towards the camera"):
        bpy.ops.face_depth.complete_head()
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before
