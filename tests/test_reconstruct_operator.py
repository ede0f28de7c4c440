# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators as a script or a click runs them, in real Blender with the real models."""

import json

import bpy
import numpy as np
import pytest

from face_depth_addon.blender import photo_source, worker
from face_depth_addon.blender.progress import finish
from face_depth_addon.blender.reconstruct import Settings, reconstruct_steps
from face_depth_addon.core.errors import TorchError
from face_depth_addon.core.relief.building import Layout
from face_depth_addon.inference.cards import read_cards

pytestmark = pytest.mark.usefixtures("empty_scene")


def positions(mesh: bpy.types.Mesh) -> np.ndarray:
    values = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.attributes["position"].data.foreach_get("vector", values.ravel())
    return values


def colours(mesh: bpy.types.Mesh) -> np.ndarray:
    values = np.empty((len(mesh.vertices), 4), np.float32)
    mesh.attributes["Color"].data.foreach_get("color_srgb", values.ravel())
    return values


def counts() -> dict[str, int]:
    """How many data-blocks of each kind there are."""
    return {
        name: len(getattr(bpy.data, name))
        for name in ("meshes", "objects", "materials", "images", "collections", "scenes")
    }


def reconstruct(photo, **properties) -> bpy.types.Object:
    properties = {"model": "facemesh", "resolution": 128, **properties}
    assert bpy.ops.face_depth.reconstruct(filepath=str(photo), **properties) == {'FINISHED'}
    return bpy.context.object


@pytest.mark.parametrize("model", [
    card.name for card in read_cards().values() if card.comes_along
])
def test_mesh_is_a_head_of_the_right_size_and_way_round(astronaut, model):
    item = reconstruct(astronaut, model=model, resolution=512)
    mesh = item.data
    at = positions(mesh)
    low, high = at.min(axis=0), at.max(axis=0)
    assert np.allclose((low + high) / 2, 0.0, atol=0.02)
    assert (high - low > 0.1).all() and (high - low < 0.45).all()
    assert 0.9 * 512**2 > len(mesh.vertices) > 0.3 * 512**2
    assert not mesh.validate()
    normals = np.empty((len(mesh.polygons), 3), np.float32)
    mesh.polygons.foreach_get("normal", normals.ravel())
    assert (normals[:, 1] < 0).mean() > 0.99

    # The nose is the nearest part of the face, eyes above and lips below it.
    uvs = uv_of_vertices(mesh)
    nose = nearest_to(uvs, (0.51, 0.47))
    for uv in ((0.30, 0.55), (0.70, 0.55), (0.5, 0.20)):
        assert at[nose, 1] < at[nearest_to(uvs, uv), 1] - 0.01
    # Brown hair above, the dark suit below: upright; skin in the middle.
    seen = colours(mesh)[:, :3]
    assert seen[at[:, 2] < low[2] + 0.02].mean() < 0.35
    skin = seen[np.hypot(at[:, 0], at[:, 2]) < 0.03]
    assert skin[:, 0].mean() > 0.6 and skin[:, 0].mean() > skin[:, 2].mean() + 0.1


def uv_of_vertices(mesh: bpy.types.Mesh) -> np.ndarray:
    corners = np.empty((len(mesh.loops), 2), np.float32)
    mesh.uv_layers["UVMap"].uv.foreach_get("vector", corners.ravel())
    verts = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", verts)
    uvs = np.empty((len(mesh.vertices), 2), np.float32)
    uvs[verts] = corners
    return uvs


def nearest_to(uvs: np.ndarray, uv: tuple[float, float]) -> int:
    return int(((uvs - uv) ** 2).sum(axis=1).argmin())


def test_colours_uvs_and_material_show_the_photo(astronaut):
    mesh = reconstruct(astronaut).data
    attributes = mesh.color_attributes
    assert attributes.active_color.name == "Color"
    assert attributes.render_color_index == attributes.find("Color")
    assert mesh.attributes["depth"].domain == 'POINT'
    textures = [
        node for node in mesh.materials[0].node_tree.nodes if node.type == 'TEX_IMAGE'
    ]
    image = textures[0].image
    assert textures[0].outputs["Color"].is_linked and image.packed_file is not None
    width, height = image.size
    pixels = np.array(image.pixels).reshape(height, width, 4)
    uvs = uv_of_vertices(mesh)
    texels = pixels[
        np.clip((uvs[:, 1] * height).astype(int), 0, height - 1),
        np.clip((uvs[:, 0] * width).astype(int), 0, width - 1),
    ]
    assert np.abs(texels[:, :3] - colours(mesh)[:, :3]).mean() < 0.03
    assert all(polygon.use_smooth for polygon in mesh.polygons[:50])


def test_object_says_what_it_was_made_from(astronaut):
    item = reconstruct(astronaut, strength=0.5)
    assert item["face_depth_photo"] == astronaut.name
    assert item["face_depth_model"] == "facemesh"
    assert item["face_depth_resolution"] == 128 and item["face_depth_strength"] == 0.5
    assert len(item["face_depth_digest"]) == 64


def test_resolution_and_strength_change_without_inference(astronaut):
    item = reconstruct(astronaut)
    worker.close()
    key = next(reversed(_kept_results()))
    assert bpy.ops.face_depth.reconstruct(
        result_key=key, resolution=64, strength=2.0
    ) == {'FINISHED'}
    again = bpy.context.object
    assert worker.client().pid is None
    assert len(again.data.vertices) == pytest.approx(len(item.data.vertices) / 4, rel=0.1)
    ratio = np.ptp(positions(again.data)[:, 1]) / np.ptp(positions(item.data)[:, 1])
    assert ratio == pytest.approx(2.0, rel=0.05)


def _kept_results():
    from face_depth_addon.blender import reconstruct as module

    return module._results


@pytest.mark.parametrize("kind", ["file", "packed", "generated", "float", "empty", "plane"])
def test_any_image_of_the_file_will_do(astronaut, kind):
    from PIL import Image

    by_path = positions(reconstruct(astronaut).data)
    if kind in {"file", "packed", "empty", "plane"}:
        image = bpy.data.images.load(str(astronaut))
        if kind == "packed":
            image.pack()
            image.filepath = "//gone.png"
    else:
        image = bpy.data.images.new("painted", 512, 512, float_buffer=kind == "float")
        rgb = np.asarray(Image.open(astronaut), np.float32)[::-1] / 255.0
        if kind == "float":
            rgb = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        pixels = np.ones((512, 512, 4), np.float32)
        pixels[..., :3] = rgb
        image.pixels.foreach_set(pixels.ravel())
    settings = bpy.context.scene.face_depth
    settings.image = image
    if kind == "empty":
        holder = bpy.data.objects.new("empty", None)
        holder.empty_display_type, holder.data = 'IMAGE', image
        make_active(holder)
        settings.source = 'OBJECT'
    elif kind == "plane":
        bpy.ops.mesh.primitive_plane_add()
        material = bpy.data.materials.new("plane")
        if material.node_tree is None:
            material.use_nodes = True
        material.node_tree.nodes.new('ShaderNodeTexImage').image = image
        bpy.context.object.data.materials.append(material)
        settings.source = 'OBJECT'
    assert bpy.ops.face_depth.reconstruct(model="facemesh", resolution=128) == {'FINISHED'}
    at = positions(bpy.context.object.data)
    if kind == "float":
        # Rounded to eight bits again after the transfer curve: all but the same picture.
        assert abs(len(at) - len(by_path)) < 0.02 * len(by_path)
    else:
        assert np.array_equal(at, by_path)


def make_active(item: bpy.types.Object) -> None:
    bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    item.select_set(True)


def test_sideways_photo_by_exif_stands_upright(astronaut, tmp_path):
    from PIL import Image

    turned = Image.open(astronaut).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    straight = positions(reconstruct(astronaut).data)
    by_exif = positions(reconstruct(tmp_path / "turned.jpg").data)
    assert np.ptp(by_exif, axis=0) == pytest.approx(np.ptp(straight, axis=0), rel=0.05)


def test_dropped_photo_reconstructs(astronaut):
    assert bpy.ops.face_depth.reconstruct(
        'INVOKE_DEFAULT', directory=str(astronaut.parent), files=[{"name": astronaut.name}],
        model="facemesh", resolution=64,
    ) == {'FINISHED'}
    assert bpy.context.object["face_depth_photo"] == astronaut.name


def test_whole_image_needs_no_face(tmp_path):
    from PIL import Image

    y, x = np.mgrid[:200, :300]
    Image.fromarray((np.hypot(x - 150, y - 100) % 256).astype(np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(RuntimeError, match="No face was found in x.png"):
        reconstruct(tmp_path / "x.png")
    item = reconstruct(tmp_path / "x.png", model="face-dpt", whole_image=True)
    at = positions(item.data)
    assert np.ptp(at[:, 0]) / np.ptp(at[:, 2]) == pytest.approx(1.5, rel=0.05)
    assert np.ptp(at[:, 0]) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("label, meshes", [("Finding the face", 0), ("Building the mesh", 1)])
def test_cancelled_reconstruction_leaves_nothing(astronaut, label, meshes):
    before = counts()
    steps = reconstruct_steps(
        bpy.context, worker.client(), photo_source.from_file(str(astronaut)),
        Settings(model="facemesh", layout=Layout(resolution=1024)),
    )
    for progress in steps:
        if progress.label == label and len(bpy.data.meshes) == before["meshes"] + meshes:
            steps.close()
            break
    else:
        pytest.fail("it was not caught in the act")
    assert counts() == before


def test_linked_collection_gets_out_of_the_way(astronaut, tmp_path):
    """New objects cannot go into a library's collection: they go to the scene's own."""
    bpy.data.collections.new("shelf").use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = ["shelf"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    bpy.context.view_layer.active_layer_collection = (
        bpy.context.view_layer.layer_collection.children["shelf"]
    )
    item = reconstruct(astronaut)
    assert item.users_collection[0] == bpy.context.scene.collection


def test_without_torch_the_fast_source_steps_in(astronaut, monkeypatch):
    """Only where asked: the command line would rather be told."""
    from face_depth_addon.inference.client import Job

    real = Job.poll

    def poll(self, timeout=0.0):
        if self._request.model != "facemesh":
            raise TorchError("The Python that runs the depth model has no torch.")
        return real(self, timeout)

    monkeypatch.setattr(Job, "poll", poll)
    source = photo_source.from_file(str(astronaut))
    with pytest.raises(TorchError):
        finish(reconstruct_steps(bpy.context, worker.client(), source, Settings(), 0.1))
    settings = Settings(fall_back=True, layout=Layout(resolution=64))
    outcome = finish(reconstruct_steps(bpy.context, worker.client(), source, settings, 0.1))
    assert outcome.object["face_depth_model"] == "facemesh"
    assert outcome.note.startswith("The Fast source was used. The Python")


def test_second_face_gives_another_mesh(astronaut, tmp_path):
    from PIL import Image

    one = Image.open(astronaut).convert("RGB")
    pair = Image.new("RGB", (820, 512))
    pair.paste(one.crop((40, 0, 400, 512)), (0, 0))
    pair.paste(one.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((400, 400)), (420, 112))
    pair.save(tmp_path / "pair.png")
    first = reconstruct(tmp_path / "pair.png", face=0)
    second = reconstruct(tmp_path / "pair.png", face=1)
    assert first["face_depth_crop"][0] < 410 < second["face_depth_crop"][0]
    with pytest.raises(RuntimeError, match="Face 2 was asked for, but only 2 faces were found"):
        reconstruct(tmp_path / "pair.png", face=2)


def test_show_depth_follows_the_mesh_and_survives_saving(astronaut, tmp_path):
    reconstruct(astronaut)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    item = bpy.context.object
    assert bpy.ops.face_depth.show_depth() == {'FINISHED'}
    image = bpy.data.images[f"{item.name} depth"]
    assert image.is_float and image.colorspace_settings.name in {"Non-Color", "Raw"}
    pixels = np.array(image.pixels).reshape(*image.size, 4)
    grey, known = pixels[..., 0], pixels[..., 3] > 0.5
    assert known.mean() > 0.3 and grey[known].min() < 0.01 and grey[known].max() > 0.99
    size = image.size[0]
    # Rows run bottom-up: the nose at the middle is white, the suit below is dark.
    nose = grey[int(0.47 * size), int(0.51 * size)]
    assert nose > 0.9 and grey[: size // 10][known[: size // 10]].mean() < 0.5
    bpy.ops.object.mode_set(mode='EDIT')
    bpy.ops.mesh.select_all(action='SELECT')
    bpy.ops.transform.resize(value=(1.0, 0.0, 1.0))
    assert bpy.ops.face_depth.show_depth() == {'FINISHED'}
    assert image["face_depth_near_m"] - image["face_depth_far_m"] < 1e-4
    inner = known[size // 3: size // 2, size // 3: size // 2]
    assert inner.mean() > 0.97


def test_smooth_and_cleanup_work_on_the_edited_head(astronaut):
    item = reconstruct(astronaut)
    before = positions(item.data)
    bpy.ops.object.mode_set(mode='EDIT')
    bpy.ops.mesh.select_all(action='SELECT')
    assert bpy.ops.face_depth.smooth(method='LAPLACIAN', iterations=3) == {'FINISHED'}
    assert bpy.ops.face_depth.cleanup() == {'FINISHED'}
    bpy.ops.object.mode_set(mode='OBJECT')
    assert not np.array_equal(positions(item.data)[:100], before[:100])
    assert item.data.color_attributes.active_color.name == "Color"
    assert item.data.materials[0] is not None


def test_registering_again_is_clean(addon):
    addon.unregister()
    assert not hasattr(bpy.types.Scene, "face_depth")
    addon.register()
    assert bpy.context.scene.face_depth.resolution == 512


def test_provenance_is_plain_data(astronaut):
    item = reconstruct(astronaut)
    kept = {
        key: value.to_list() if hasattr(value, "to_list") else value
        for key, value in item.items() if key.startswith("face_depth_")
    }
    assert json.loads(json.dumps(kept)) == kept
