# SPDX-License-Identifier: GPL-3.0-or-later
"""Add, Remove and Bake Detail on a mesh whose photo shows folds that its depth lacks."""

import bpy
import cv2
import numpy as np
import pytest

from face_depth_addon.blender.attributes import DETAIL
from face_depth_addon.blender.mesh import fill_mesh
from face_depth_addon.blender.output.preview import render_preview
from face_depth_addon.blender.shaping.shape import give_shape
from face_depth_addon.blender.shaping.shape_nodes import add_shape_modifier
from face_depth_addon.blender.stored import keep, stored
from face_depth_addon.core.crop import Crop
from face_depth_addon.core.reconstruction import Pictures, Reconstruction
from face_depth_addon.core.relief.building import Layout, build_surface
from face_depth_addon.core.relief.shaping import Shape, depth_span, photo_viewpoint

SIZE, SIDE, MPP = 256, 400.0, 0.0005
FOLD = 0.2  # photo pixels


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def dome_and_folds(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth in photo pixels at places of the crop from -0.5 to 0.5, and folds 8 mm apart."""
    dome = -400.0 * (x**2 + 0.7 * y**2)
    return dome, np.sin(2 * np.pi * (20 * x + 15 * y))


def lattice(size: int) -> list[np.ndarray]:
    return np.meshgrid(*[(np.arange(size) + 0.5) / size - 0.5] * 2)


def normals_of(depth: np.ndarray) -> np.ndarray:
    """Unit normals, green up."""
    down, right = np.gradient(depth / (SIDE / len(depth)))
    normals = np.stack([-right, down, np.ones_like(right)], axis=-1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def encoded(kind: str, values: np.ndarray) -> bytes:
    return cv2.imencode(kind, values)[1].tobytes()


def make_relief(resolution: int = 128) -> bpy.types.Object:
    """The active object: a mesh that holds a reconstruction without detail."""
    dome, _ = dome_and_folds(*lattice(SIZE))
    dome = dome.astype(np.float32)
    fine, folds = dome_and_folds(*lattice(512))
    direct = np.maximum(normals_of(fine + FOLD * folds) @ [-0.6, 0.3, 0.74], 0.0)
    code = 1.055 * (0.5 * (0.2 + 0.8 * direct)) ** (1 / 2.4) - 0.055
    photo = np.repeat(np.round(255 * code).astype(np.uint8)[..., None], 3, axis=-1)
    matte = np.zeros((SIZE, SIZE), np.uint8)
    matte[20:-20, 20:-20] = 255
    subject = matte >= 128
    far, near = dome[subject].min(), dome[subject].max()
    pictures = Pictures(
        encoded(".png", photo), encoded(".png", photo),
        encoded(".exr", (dome - far) / (near - far)), encoded(".png", matte),
    )
    result = Reconstruction(
        dome, subject, matte, cv2.resize(photo, (SIZE, SIZE)), Crop(300.0, 250.0, SIDE), MPP,
        np.array([0.5, 0.5, -50.0]), pictures,
        info={
            "photo": "folds.png", "digest": "", "model": "facemesh", "width": 600, "height": 500,
            "focal_35mm": None,
        },
    )
    layout = Layout(resolution=resolution)
    mesh = bpy.data.meshes.new("Folds")
    for _ in fill_mesh(mesh, build_surface(result, layout, Shape())):
        continue
    keep(mesh, "Folds", result)
    give_shape(mesh, layout, Shape(), photo_viewpoint(result), depth_span(result))
    item = bpy.data.objects.new("Folds", mesh)
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    item.select_set(True)
    return item


def points(data) -> np.ndarray:
    """(n, 3) of the vertices of a mesh, or of the points of a shape key."""
    values = np.empty((len(data.data if hasattr(data, "data") else data.vertices), 3), np.float32)
    (data.data if hasattr(data, "data") else data.vertices).foreach_get("co", values.ravel())
    return values


def folds_at(mesh: bpy.types.Mesh) -> np.ndarray:
    """The true folds at the vertices, in metres."""
    plane = np.empty((len(mesh.vertices), 2), np.float32)
    mesh.attributes["plane"].data.foreach_get("vector", plane.ravel())
    across, up = (plane / (SIDE * MPP)).T
    return FOLD * MPP * dome_and_folds(across, -up)[1]


def inner(mesh: bpy.types.Mesh) -> np.ndarray:
    plane = np.empty((len(mesh.vertices), 2), np.float32)
    mesh.attributes["plane"].data.foreach_get("vector", plane.ravel())
    return np.abs(plane).max(axis=1) < 0.06


def normal_image(name: str, normals: np.ndarray) -> bpy.types.Image:
    """A normal map of 8 bits among the images of the file."""
    image = bpy.data.images.new(name, normals.shape[1], normals.shape[0])
    pixels = np.ones((*normals.shape[:2], 4), np.float32)
    pixels[..., :3] = (normals[::-1] + 1.0) / 2.0
    image.pixels.foreach_set(pixels.ravel())
    return image


def counts() -> tuple[int, ...]:
    return len(bpy.data.images), len(bpy.data.meshes), len(bpy.data.materials)


def test_detail_from_shading_moves_the_mesh_and_follows_the_slider():
    mesh = make_relief().data
    flat = points(mesh)
    assert bpy.ops.face_depth.add_detail(size='512') == {'FINISHED'}
    added = points(mesh) - flat
    assert not added[:, 0::2].any()
    raised, true = -added[inner(mesh), 1], folds_at(mesh)[inner(mesh)]
    assert np.corrcoef(raised, true)[0, 1] > 0.8
    assert 0.2 * true.std() < raised.std() < 1.2 * true.std()
    mesh.face_depth.detail = 2.0
    np.testing.assert_allclose(points(mesh) - flat, 2.0 * added, atol=1e-7)
    mesh.face_depth.detail = 0.0
    np.testing.assert_allclose(points(mesh), flat, atol=1e-7)
    # With less cap and more strength anew, in place of what there was.
    images = counts()
    bpy.ops.face_depth.add_detail(size='512', cap=0.00002, strength=3.0)
    assert counts() == images and "Folds detail" in bpy.data.images
    assert mesh.face_depth.detail == 3.0
    lower = np.abs(points(mesh) - flat).max()
    assert 0.00002 < lower <= 0.00006001


def test_detail_is_in_the_saved_file(tmp_path):
    item = make_relief()
    bpy.ops.face_depth.add_detail(size='512', strength=0.5)
    detail, places = stored(item.data).detail, points(item.data)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "folds.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "folds.blend"))
    mesh = bpy.data.objects["Folds"].data
    np.testing.assert_array_equal(stored(mesh).detail, detail)
    mesh.face_depth.detail = 0.0
    flat = points(mesh)
    mesh.face_depth.detail = 0.5
    np.testing.assert_allclose(points(mesh), places, atol=1e-7)
    assert np.abs(flat - places).max() > 1e-5


def test_what_was_sculpted_and_keyed_stays():
    item = make_relief()
    mesh = item.data
    flat = points(mesh)
    sculpted = flat + np.where(flat[:, 2:] > 0.02, [[0.0, -0.01, 0.0]], 0.0).astype(np.float32)
    mesh.attributes["position"].data.foreach_set("vector", sculpted.ravel())
    item.shape_key_add(name="Basis", from_mix=False)
    smile = item.shape_key_add(name="Smile", from_mix=False)
    smile.data.foreach_set("co", (sculpted + [0.02, 0.0, 0.0]).astype(np.float32).ravel())
    bpy.ops.face_depth.add_detail(size='512')
    basis, smile = (points(key) for key in mesh.shape_keys.key_blocks)
    np.testing.assert_allclose(smile - basis, np.tile([0.02, 0.0, 0.0], (len(flat), 1)), atol=1e-6)
    assert np.abs(basis - sculpted).max() > 1e-5
    assert bpy.ops.face_depth.remove_detail() == {'FINISHED'}
    basis, smile = (points(key) for key in mesh.shape_keys.key_blocks)
    np.testing.assert_allclose(basis, sculpted, atol=1e-6)
    np.testing.assert_allclose(smile, sculpted + [0.02, 0.0, 0.0], atol=1e-6)
    assert mesh.face_depth.detail_image is None and DETAIL not in mesh.attributes
    assert "Folds detail" not in bpy.data.images
    assert not bpy.ops.face_depth.remove_detail.poll()


def test_a_finer_mesh_shows_the_detail_at_once():
    mesh = make_relief(resolution=48).data
    places = points(mesh)
    bump = np.exp(-(places[:, 0] ** 2 + places[:, 2] ** 2) / 0.02**2)
    moved = places.copy()
    moved[:, 1] -= 0.01 * bump
    mesh.attributes["position"].data.foreach_set("vector", moved.ravel())
    bpy.ops.face_depth.add_detail(size='512', refine=True, vertices=300, strength=1.0)
    assert 250**2 < len(mesh.vertices) <= 300**2
    mesh.face_depth.detail = 0.0
    flat = points(mesh)
    mesh.face_depth.detail = 1.0
    raised = (flat - points(mesh))[inner(mesh), 1]
    assert np.corrcoef(raised, folds_at(mesh)[inner(mesh)])[0, 1] > 0.8
    middle = np.hypot(flat[:, 0], flat[:, 2]).argmin()
    assert flat[middle, 1] == pytest.approx(moved[:, 1].min(), abs=0.0005)


@pytest.mark.parametrize("kind", ["bytes", "sixteen", "data"])
def test_detail_from_a_normal_map(tmp_path, kind):
    mesh = make_relief().data
    flat = points(mesh)
    dome, folds = dome_and_folds(*lattice(512))
    normals = normals_of(dome + FOLD * folds)
    if kind == "bytes":
        normal_image("Skin", normals)
    else:
        path = tmp_path / "Skin.png"
        values = np.round(32767.5 * (normals[..., ::-1] + 1.0)).astype(np.uint16)
        path.write_bytes(encoded(".png", values))
        image = bpy.data.images.load(str(path))
        image.name = "Skin"
        if kind == "data":
            image.colorspace_settings.name = 'Non-Color'
    assert bpy.ops.face_depth.add_detail(
        source='NORMALS', size='512', normal_map="Skin", area='CROP'
    ) == {'FINISHED'}
    raised, true = (flat - points(mesh))[inner(mesh), 1], folds_at(mesh)[inner(mesh)]
    assert np.corrcoef(raised, true)[0, 1] > 0.97
    assert raised.std() == pytest.approx(true.std(), rel=0.25)


def test_bad_normal_maps_are_refused_and_change_nothing():
    mesh = make_relief().data
    flat = points(mesh)
    grey = normal_image("Portrait", np.zeros((100, 100, 3)))
    normal_image("Oblong", np.dstack([np.zeros((50, 100))] * 2 + [np.ones((50, 100))]))
    before = counts()
    for name, area, message in (
        ("", 'CROP', "No normal map was chosen"),
        ("Nowhere", 'CROP', "No normal map was chosen"),
        (grey.name, 'CROP', "does not look like a normal map"),
        ("Oblong", 'CROP', "texture square"),
        ("Oblong", 'PHOTO', "100 x 50 pixels and the photo 600 x 500"),
    ):
        with pytest.raises(RuntimeError, match=message):
            bpy.ops.face_depth.add_detail(source='BOTH', normal_map=name, area=area)
        np.testing.assert_array_equal(points(mesh), flat)
        assert counts() == before and mesh.face_depth.detail_image is None


def test_where_detail_is_not_to_be_had():
    item = make_relief()
    bpy.ops.object.mode_set(mode='EDIT')
    assert not bpy.ops.face_depth.add_detail.poll()
    bpy.ops.object.mode_set(mode='OBJECT')
    assert bpy.ops.face_depth.add_detail.poll()
    assert not bpy.ops.face_depth.bake_detail.poll()
    item.data.face_depth.depth_image = None
    assert not bpy.ops.face_depth.add_detail.poll()


def test_a_shape_modifier_takes_the_strength():
    item = make_relief()
    add_shape_modifier(item)

    def shown() -> np.ndarray:
        return points(item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)

    flat = shown()
    bpy.ops.face_depth.add_detail(size='512', strength=1.0)
    once = shown() - flat
    bpy.ops.face_depth.add_detail(size='512', strength=2.0)
    assert np.abs(once).max() > 1e-5
    np.testing.assert_allclose(shown() - flat, 2.0 * once, atol=1e-6)


def look(item: bpy.types.Object, path) -> np.ndarray:
    """What is fine in a picture of the mesh with its material, from the front."""
    from PIL import Image

    render_preview(item, path, 200)
    shown = np.asarray(Image.open(path).convert("L"), np.float32)[20:80, 20:80]
    return (shown - cv2.GaussianBlur(shown, (0, 0), 4.0))[5:-5, 5:-5]


def test_baked_detail_looks_like_displacement(tmp_path):
    item = make_relief(resolution=300)
    mesh = item.data
    mesh.materials.append(bpy.data.materials.new("Clay"))
    if mesh.materials[0].node_tree is None:
        mesh.materials[0].use_nodes = True
    bpy.ops.face_depth.add_detail(size='512', strength=8.0)
    by_relief = look(item, tmp_path / "displaced.png")
    bpy.ops.face_depth.bake_detail(strength=1.0)
    assert bpy.ops.face_depth.bake_detail(strength=8.0) == {'FINISHED'}
    assert mesh.face_depth.detail == 0.0
    by_map = look(item, tmp_path / "baked.png")
    assert by_relief.std() > 4.0
    assert np.corrcoef(by_relief.ravel(), by_map.ravel())[0, 1] > 0.8
    assert by_map.std() == pytest.approx(by_relief.std(), rel=0.3)
    # One map, that of the last time.
    maps = [image for image in bpy.data.images if "normals" in image.name]
    assert [image.name for image in maps] == ["Folds normals"]
    assert tuple(maps[0].size) == (512, 512) and maps[0].packed_file is not None
    assert maps[0].colorspace_settings.name == 'Non-Color'
    # The detail itself stays, so that the slider can bring it back.
    assert mesh.face_depth.detail_image is not None
    bpy.ops.face_depth.remove_detail()
    nodes = mesh.materials[0].node_tree.nodes
    assert not [node for node in nodes if node.type in {'NORMAL_MAP', 'TEX_IMAGE'}]
    assert "Folds normals" not in bpy.data.images


def test_baking_leaves_a_users_normals_alone():
    mesh = make_relief().data
    material = bpy.data.materials.new("Mine")
    if material.node_tree is None:
        material.use_nodes = True
    mesh.materials.append(material)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == 'BSDF_PRINCIPLED')
    links.new(nodes.new('ShaderNodeBump').outputs["Normal"], shader.inputs["Normal"])
    bpy.ops.face_depth.add_detail(size='512')
    before, places = counts(), points(mesh)
    with pytest.raises(RuntimeError, match="Mine has normals of its own"):
        bpy.ops.face_depth.bake_detail()
    assert counts() == before
    np.testing.assert_array_equal(points(mesh), places)
    assert bpy.ops.face_depth.bake_detail(use_in_material=False) == {'FINISHED'}
    assert shader.inputs["Normal"].links[0].from_node.type == 'BUMP'
    assert bpy.data.images["Folds normals"].use_fake_user
