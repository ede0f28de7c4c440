# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of a finished mesh in real Blender: what they move and what they leave alone."""

from math import radians

import bpy
import numpy as np
import pytest
from made_faces import METRES, add_face, attribute, made_face, positions

from face_depth_addon.blender import packages
from face_depth_addon.blender.shaping import panel_shape
from face_depth_addon.blender.shaping.backdrop import add_backdrop
from face_depth_addon.blender.shaping.camera import add_camera, distance_source
from face_depth_addon.blender.shaping.relayout import relayout
from face_depth_addon.blender.shaping.shape import applied, give_shape, layout_of, shaped
from face_depth_addon.blender.stored import stored
from face_depth_addon.core.relief.building import Layout, build_surface
from face_depth_addon.core.relief.shaping import Shape, photo_viewpoint

SLIDERS = {
    "projection": 'PERSPECTIVE', "strength": 1.6, "near": 0.9, "far": 0.15, "gamma": 1.3,
    "tilt_x": radians(7.0), "tilt_y": radians(-4.0), "smoothing": 0.7, "feather": 0.012,
    "detail": 1.7, "distance": 0.5,
}


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def move_sliders(mesh: bpy.types.Mesh, **values) -> None:
    for name, value in values.items():
        setattr(mesh.face_depth, name, value)


def sculpt(mesh: bpy.types.Mesh) -> np.ndarray:
    """Push the upper half out, smoothly; by how much, (n, 3)."""
    edit = np.zeros((len(mesh.vertices), 3), np.float32)
    edit[:, 1] = 0.02 * np.clip(attribute(mesh, "plane", 2)[:, 1], 0.0, None)
    moved = positions(mesh) + edit
    mesh.attributes["position"].data.foreach_set("vector", moved.ravel())
    mesh.update()
    return edit


def key_places(key: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty((len(key.data), 3), np.float32)
    key.data.foreach_get("co", values.ravel())
    return values


@pytest.mark.parametrize("detail", [False, True])
def test_sliders_give_what_a_mesh_built_with_them_has_and_back(detail):
    face = made_face(detail=detail)
    mesh = add_face(face).data
    before = positions(mesh)
    move_sliders(mesh, **SLIDERS)
    shape, viewpoint = applied(mesh)
    built = build_surface(face, Layout(resolution=48), shape, viewpoint)
    np.testing.assert_allclose(positions(mesh), built.positions, atol=1e-6)
    assert np.abs(positions(mesh) - before).max() > 0.01
    move_sliders(mesh, **{
        name: mesh.face_depth.bl_rna.properties[name].default
        for name in SLIDERS if name != "distance"
    })
    np.testing.assert_allclose(positions(mesh), before, atol=1e-6)


@pytest.mark.parametrize("slider", SLIDERS)
def test_each_slider_moves_the_mesh_and_keeps_what_was_sculpted(slider):
    mesh = add_face(made_face(detail=True)).data
    mesh.face_depth.projection = 'WEAK_PERSPECTIVE'
    edit = sculpt(mesh)
    before = positions(mesh)
    move_sliders(mesh, **{slider: SLIDERS[slider]})
    assert np.abs(positions(mesh) - before).max() > 1e-4
    np.testing.assert_allclose(positions(mesh) - shaped(mesh, *applied(mesh)), edit, atol=1e-6)


def test_shape_keys_materials_and_modifiers_live_through_sliders():
    item = add_face(made_face())
    mesh = item.data
    for name in ("Basis", "Smile"):
        item.shape_key_add(name=name, from_mix=False)
    basis, smile = mesh.shape_keys.key_blocks
    smile.data.foreach_set("co", (key_places(smile) + (0.0, 0.0, 0.03)).ravel())
    item.modifiers.new("Subdivision", 'SUBSURF')
    move_sliders(mesh, strength=2.0, projection='PERSPECTIVE')
    expected = shaped(mesh, *applied(mesh))
    np.testing.assert_allclose(key_places(basis), expected, atol=1e-6)
    np.testing.assert_allclose(positions(mesh), expected, atol=1e-6)
    np.testing.assert_allclose(key_places(smile), expected + (0.0, 0.0, 0.03), atol=1e-6)
    assert len(mesh.materials) == 1 and item.modifiers[0].name == "Subdivision"


def test_a_mesh_in_edit_mode_follows_afterwards():
    item = add_face(made_face())
    mesh, before = item.data, positions(item.data)
    bpy.ops.object.mode_set(mode='EDIT')
    mesh.face_depth.strength = 2.0
    bpy.ops.object.mode_set(mode='OBJECT')
    np.testing.assert_array_equal(positions(mesh), before)
    mesh.face_depth.size_mm = 70.0
    np.testing.assert_allclose(positions(mesh), shaped(mesh, *applied(mesh)), atol=1e-6)
    assert applied(mesh)[0].strength == 2.0


def test_smoothing_takes_the_waves_and_feather_brings_the_border_down():
    mesh = add_face(made_face(waves=110.0)).data
    depth = attribute(mesh, "depth")[:, 0]
    places = attribute(mesh, "plane", 2) / (200.0 * METRES) * (1.0, -1.0) + 0.5
    waves = np.sin(110 * places[:, 0]) * np.cos(0.85 * 110 * places[:, 1])
    inner = np.hypot(*(places - (0.5, 0.45)).T) < 0.15

    def height() -> float:
        """Of the waves that are left, in photo pixels."""
        beside = waves[inner] - waves[inner].mean()
        return -positions(mesh)[inner, 1] @ beside / (beside @ beside) / METRES

    full = height()
    assert 1.5 < full < 2.1
    mesh.face_depth.smoothing = 0.5
    assert 0.5 < height() / full < 0.9
    mesh.face_depth.smoothing = 1.0
    assert abs(height()) < 0.1 * full
    move_sliders(mesh, smoothing=0.0, feather=0.02)
    inside = attribute(mesh, "border_distance")[:, 0]
    far = mesh.face_depth.span[0]
    sunk = -positions(mesh)[:, 1]
    np.testing.assert_allclose(sunk[inside > 0.021], depth[inside > 0.021], atol=1e-6)
    rim = inside < 0.001
    assert rim.sum() > 20
    np.testing.assert_allclose(sunk[rim], far, atol=0.02 * (depth.max() - far))


def test_size_between_the_pupils_scales_all_that_is_stored_and_back():
    item = add_face(made_face(detail=True))
    mesh = item.data
    settings = mesh.face_depth
    # 0.2 sides of 200 photo pixels.
    assert settings.size_mm == pytest.approx(40.0 * METRES * 1000.0, rel=1e-4)
    item.shape_key_add(name="Basis", from_mix=False)
    item.shape_key_add(name="Wide", from_mix=False)
    move_sliders(mesh, projection='PERSPECTIVE', smoothing=0.4, feather=0.01)
    edit = sculpt(mesh)
    key = mesh.shape_keys.key_blocks[0]
    key.data.foreach_set("co", positions(mesh).ravel())
    usual = settings.size_mm
    before, wide = positions(mesh), key_places(mesh.shape_keys.key_blocks["Wide"])
    settings.size_mm = 1.25 * usual
    np.testing.assert_allclose(positions(mesh), 1.25 * before, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(
        key_places(mesh.shape_keys.key_blocks["Wide"]), 1.25 * wide, rtol=1e-5, atol=1e-8
    )
    np.testing.assert_allclose(
        positions(mesh), shaped(mesh, *applied(mesh)) + 1.25 * edit, atol=1e-6
    )
    again = stored(mesh)
    assert again.metres_per_pixel == pytest.approx(1.25 * METRES, rel=1e-6)
    built = build_surface(again, layout_of(mesh), *applied(mesh))
    np.testing.assert_allclose(built.positions, shaped(mesh, *applied(mesh)), atol=2e-6)
    settings.size_mm = usual
    np.testing.assert_allclose(positions(mesh), before, atol=1e-7)
    assert settings.metres_per_pixel == pytest.approx(METRES, rel=1e-6)
    assert applied(mesh)[1].distance == pytest.approx(0.8, rel=1e-6)


def test_size_of_a_photo_without_a_face_is_that_of_its_longest_side():
    mesh = add_face(made_face(face=False)).data
    assert not mesh.face_depth.has_face
    assert mesh.face_depth.size_mm == pytest.approx(480 * METRES * 1000.0, rel=1e-4)


@pytest.mark.parametrize("layout", [
    Layout("ADAPTIVE", budget=2000), Layout(resolution=64, region="HEAD"),
    Layout(resolution=40, region="FACE", max_angle=radians(80.0)),
])
def test_relayout_keeps_edits_keys_materials_and_modifiers(layout):
    item = add_face(made_face())
    mesh = item.data
    sculpt(mesh)
    for name in ("Basis", "Smile"):
        item.shape_key_add(name=name, from_mix=False)
    smile = mesh.shape_keys.key_blocks["Smile"]
    smile.data.foreach_set("co", (key_places(smile) + (0.0, 0.0, 0.03)).ravel())
    smile.value = 0.5
    item.modifiers.new("Subdivision", 'SUBSURF')
    move_sliders(mesh, strength=1.4, projection='PERSPECTIVE')
    done = bpy.ops.face_depth.relayout(
        topology=layout.topology, resolution=layout.resolution, budget=layout.budget,
        region=layout.region, cut=layout.max_angle < 1.5, max_angle=layout.max_angle,
    )
    assert done == {'FINISHED'} and not mesh.validate()
    assert layout_of(mesh).region == layout.region
    plain = shaped(mesh, *applied(mesh))
    expected = 0.02 * np.clip(attribute(mesh, "plane", 2)[:, 1], 0.0, None)
    edit = positions(mesh) - plain
    inner = np.hypot(*attribute(mesh, "plane", 2).T) < 0.06
    np.testing.assert_allclose(edit[inner, 1], expected[inner], atol=2e-4)
    basis, smile = mesh.shape_keys.key_blocks
    np.testing.assert_allclose(
        key_places(smile) - key_places(basis), np.broadcast_to((0, 0, 0.03), plain.shape), atol=1e-5
    )
    np.testing.assert_allclose(key_places(basis), positions(mesh), atol=1e-7)
    assert smile.value == 0.5
    assert len(mesh.materials) == 1 and [entry.type for entry in item.modifiers] == ['SUBSURF']
    assert {"UVMap", "Color", "depth", "plane"} <= set(mesh.attributes.keys())


def test_relayout_and_back_gives_the_same_mesh():
    mesh = add_face(made_face(detail=True)).data
    move_sliders(mesh, smoothing=0.3, feather=0.01)
    before, inside = positions(mesh), attribute(mesh, "border_distance")
    relayout(mesh, Layout("ADAPTIVE", budget=1500))
    relayout(mesh, Layout(resolution=48))
    np.testing.assert_allclose(positions(mesh), before, atol=1e-5)
    np.testing.assert_allclose(attribute(mesh, "border_distance"), inside, atol=1e-6)


@pytest.mark.parametrize("keyed", [False, True])
def test_layers_belong_to_the_faces_the_mesh_has(keyed):
    item = add_face(made_face())
    if keyed:
        item.shape_key_add(name="Basis", from_mix=False)
    mesh = item.data
    move_sliders(mesh, smoothing=0.5, feather=0.02)
    move_sliders(mesh, smoothing=0.0, feather=0.0)
    relayout(mesh, Layout(resolution=56, region="FACE"))
    move_sliders(mesh, smoothing=0.5, feather=0.02)
    built = build_surface(made_face(), layout_of(mesh), *applied(mesh))
    np.testing.assert_allclose(positions(mesh), built.positions, atol=2e-6)


def test_what_the_operator_is_not_told_stays_as_the_mesh_has_it():
    mesh = add_face(made_face(), Layout("ADAPTIVE", budget=3000, max_angle=radians(82.0))).data
    bpy.ops.face_depth.relayout(region='HEAD')
    assert layout_of(mesh) == Layout("ADAPTIVE", 512, 3000, "HEAD", pytest.approx(radians(82.0)))
    bpy.ops.face_depth.relayout(cut=False)
    assert layout_of(mesh).max_angle == pytest.approx(radians(90.0))
    assert layout_of(mesh).region == "HEAD"
    bpy.ops.face_depth.relayout(cut=True)
    assert layout_of(mesh).max_angle == pytest.approx(radians(86.0))


def test_a_saved_file_can_be_built_anew_and_moved(tmp_path):
    mesh = add_face(made_face(detail=True)).data
    move_sliders(mesh, strength=1.5, projection='PERSPECTIVE')
    before = positions(mesh)
    path = str(tmp_path / "face.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    mesh = bpy.data.meshes["Face"]
    np.testing.assert_array_equal(positions(mesh), before)
    relayout(mesh, Layout("ADAPTIVE", budget=1500, region="HEAD"))
    relayout(mesh, Layout(resolution=48))
    np.testing.assert_allclose(positions(mesh), before, atol=1e-5)
    move_sliders(mesh, smoothing=0.6, feather=0.01)
    built = build_surface(made_face(detail=True), layout_of(mesh), *applied(mesh))
    np.testing.assert_allclose(positions(mesh), built.positions, atol=2e-5)


def test_undo_brings_the_faces_and_sliders_back():
    item = add_face(made_face())
    bpy.ops.ed.undo_push(message="before")
    before, count = positions(item.data), len(item.data.polygons)
    bpy.ops.face_depth.relayout(topology='ADAPTIVE', budget=1500)
    bpy.ops.ed.undo_push(message="relayout")
    assert len(item.data.polygons) != count
    bpy.ops.ed.undo()
    mesh = bpy.data.objects["Face"].data
    assert len(mesh.polygons) == count and layout_of(mesh).topology == "GRID"
    np.testing.assert_array_equal(positions(mesh), before)
    mesh.face_depth.strength = 2.0
    np.testing.assert_allclose(positions(mesh), shaped(mesh, *applied(mesh)), atol=1e-6)


def test_reset_brings_back_what_the_photo_says_and_keeps_edits():
    mesh = add_face(made_face(detail=True, focal_35mm=60.0)).data
    distance = mesh.face_depth.distance
    assert distance_source(mesh) == "From EXIF"
    edit = sculpt(mesh)
    move_sliders(mesh, **SLIDERS, size_mm=70.0)
    assert distance_source(mesh) == "Set by hand"
    bpy.ops.face_depth.reset_shape()
    shape, viewpoint = applied(mesh)
    ratio = 70.0 / 48.0
    assert shape == Shape("PERSPECTIVE")
    assert viewpoint.distance == pytest.approx(ratio * distance, rel=1e-5)
    np.testing.assert_allclose(positions(mesh) - shaped(mesh, shape, viewpoint), ratio * edit,
                               atol=1e-6)


def test_refusals_are_sentences_and_change_nothing():
    with pytest.raises(RuntimeError, match="Select a mesh made by Face Depth"):
        bpy.ops.face_depth.relayout()
    item = add_face(made_face())
    mesh, before = item.data, positions(item.data)
    bpy.ops.object.mode_set(mode='EDIT')
    for operator in ("relayout", "reset_shape", "add_camera", "add_backdrop", "add_shape_modifier"):
        with pytest.raises(RuntimeError, match="Switch to Object Mode first"):
            getattr(bpy.ops.face_depth, operator)()
    bpy.ops.object.mode_set(mode='OBJECT')
    bpy.data.images.remove(mesh.face_depth.depth_image)
    with pytest.raises(RuntimeError, match="does not keep the photo and depth"):
        bpy.ops.face_depth.relayout()
    np.testing.assert_array_equal(positions(mesh), before)
    assert not item.children and not item.modifiers


def test_a_mesh_built_without_a_reconstruction_has_no_sliders():
    bpy.ops.mesh.primitive_plane_add()
    mesh = bpy.context.object.data
    mesh.face_depth.strength = 3.0
    assert len(mesh.vertices) == 4 and not panel_shape.FACEDEPTH_PT_shape.poll(bpy.context)
    face = made_face()
    add_face(face)
    assert panel_shape.FACEDEPTH_PT_shape.poll(bpy.context)
    give_shape(mesh, Layout(), Shape(), photo_viewpoint(face), (0.0, 0.0))
    mesh.face_depth.strength = 2.0
    assert np.abs(positions(mesh)).max() == 1.0


def test_camera_and_backdrop_are_made_once_and_follow():
    item = add_face(made_face())
    for _ in range(2):
        add_camera(bpy.context, item)
        add_backdrop(item)
    assert sorted(child.type for child in item.children) == ['CAMERA', 'MESH']
    camera, plane = sorted(item.children, key=lambda child: child.type)
    other = bpy.data.objects.new("Other", bpy.data.cameras.new("Other"))
    other.parent = item
    behind = plane.data.vertices[0].co.y
    item.data.face_depth.projection = 'PERSPECTIVE'
    assert camera.data.type == 'PERSP' and other.location.length == 0.0
    item.data.face_depth.distance = 2.0
    assert camera.location.y == pytest.approx(-2.0 - item.data.face_depth.anchor, rel=1e-5)
    item.data.face_depth.strength = 3.0
    assert plane.data.vertices[0].co.y > behind + 0.01
    assert plane.data.vertices[0].co.y > positions(item.data)[:, 1].max()


def test_a_slider_that_cannot_be_applied_goes_back_and_hinders_no_other(monkeypatch):
    mesh = add_face(made_face(), Layout(resolution=32)).data
    monkeypatch.setattr(packages, "missing_packages", lambda: ("OpenCV",))
    before = positions(mesh)
    mesh.face_depth.smoothing = 0.5
    assert mesh.face_depth.smoothing == 0.0
    np.testing.assert_array_equal(positions(mesh), before)
    mesh.face_depth.strength = 2.0
    assert np.ptp(positions(mesh)[:, 1]) == pytest.approx(2.0 * np.ptp(before[:, 1]), rel=1e-4)


def test_emptied_mesh_can_be_built_anew():
    item = add_face(made_face(), Layout(resolution=32))
    count = len(item.data.vertices)
    item.data.clear_geometry()
    item.data.attributes.new("depth", 'FLOAT', 'POINT')
    item.data.attributes.new("plane", 'FLOAT2', 'POINT')
    bpy.ops.face_depth.add_backdrop()
    bpy.ops.face_depth.relayout()
    assert len(item.data.vertices) == count
