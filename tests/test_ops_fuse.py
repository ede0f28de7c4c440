# SPDX-License-Identifier: GPL-3.0-or-later
"""Several photos: their list, the operator that fuses them, and what it says."""

from time import monotonic, sleep
from types import SimpleNamespace

import bpy
import pytest
from mathutils import Vector
from PIL import Image
from test_bad_input import data_blocks
from turned_photos import turned_photo

from face_depth_addon.blender import running, worker
from face_depth_addon.blender.fusion.ops_fuse import FACEDEPTH_OT_fuse_photos
from face_depth_addon.blender.fusion.thumbnails import icon_of
from face_depth_addon.blender.ops_each import FACEDEPTH_OT_reconstruct_each
from face_depth_addon.core.fusion.limits import MOST_PHOTOS

pytestmark = pytest.mark.usefixtures("empty_scene")

FAST = {"model": "facemesh", "resolution": 64, "texture_size": '1024'}
TIMER = SimpleNamespace(type='TIMER', value='NOTHING')
MOVE = SimpleNamespace(type='MOUSEMOVE', value='NOTHING')
ESC = SimpleNamespace(type='ESC', value='PRESS')


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """One head from three sides, as files."""
    folder = tmp_path_factory.mktemp("views")
    paths = [folder / f"{name}.png" for name in ("right", "ahead", "left")]
    for path, yaw in zip(paths, (-25.0, 0.0, 25.0)):
        Image.fromarray(turned_photo(yaw)).save(path)
    return paths


def photos():
    return bpy.context.scene.face_depth.fusion.photos


def add(*paths, **properties) -> set[str]:
    files = [{"name": str(path)} for path in paths]
    return bpy.ops.face_depth.add_photos(files=files, **properties)


def listed() -> list[tuple]:
    return [
        (photo.name, photo.filepath, photo.image, photo.state, photo.remark) for photo in photos()
    ]


def refused(operator, *paths, **properties) -> str:
    """Run an operator, which must say one sentence and change nothing; the sentence."""
    scene, before = data_blocks(), listed()
    with pytest.raises(RuntimeError) as caught:
        operator(*paths, **properties)
    assert data_blocks() == scene and listed() == before
    said = str(caught.value)
    assert said.startswith("Error: ") and said.endswith(".\n") and said.count("\n") == 1
    assert "Traceback" not in said and "unexpectedly" not in said
    return said.removeprefix("Error: ").strip()


# --- The list --------------------------------------------------------------------------------


def test_list_takes_each_photo_once(views, tmp_path, capfd):
    assert bpy.ops.face_depth.add_photos(
        directory=str(views[0].parent), files=[{"name": path.name} for path in views[:2]]
    ) == {'FINISHED'}
    assert "2 in the list: Fuse Photos" in capfd.readouterr().out
    link = tmp_path / "again.png"
    link.symlink_to(views[0])
    assert add(views[2], views[0], link) == {'FINISHED'}
    assert [photo.name for photo in photos()] == ["right.png", "ahead.png", "left.png"]
    assert {photo.state for photo in photos()} == {'WAITING'}
    said = capfd.readouterr().out
    assert "right.png is in the list already. again.png is in the list already." in said
    image = bpy.data.images.load(str(views[1]))
    sentence = refused(bpy.ops.face_depth.add_photos, image=image.name)
    assert sentence == "ahead.png is in the list already."


def test_list_takes_images_of_the_file():
    bpy.data.images.new("painted", 64, 64)
    assert bpy.ops.face_depth.add_photos('INVOKE_DEFAULT', image="painted") == {'FINISHED'}
    assert photos()[0].image == bpy.data.images["painted"] and photos()[0].name == "painted"
    assert refused(bpy.ops.face_depth.add_photos, image="other") == (
        "There is no image called other."
    )
    bpy.data.images.remove(bpy.data.images["painted"])
    assert icon_of(photos()[0]) == 0
    assert refused(bpy.ops.face_depth.fuse_photos, **FAST) == (
        "The image painted is not in this file any more: remove it from the list."
    )


def test_list_refuses_what_is_no_photo(tmp_path):
    (tmp_path / "notes.txt").write_text("Dear all")
    (tmp_path / "clip.MP4").write_bytes(b"")
    assert refused(add, tmp_path / "notes.txt") == "notes.txt is neither a photo nor a video."
    assert refused(add, tmp_path / "gone.png") == f"There is no file {tmp_path / 'gone.png'}."
    assert refused(add) == "No photo was chosen."
    assert add(tmp_path / "clip.MP4") == {'FINISHED'}


def test_list_is_full_at_the_most_that_can_be_fused(views, tmp_path, capfd):
    paths = [tmp_path / f"{number}.png" for number in range(MOST_PHOTOS + 2)]
    for path in paths:
        path.write_bytes(views[0].read_bytes())
    assert add(*paths) == {'FINISHED'}
    assert len(photos()) == MOST_PHOTOS == 24
    said = "The list is full: one head is made of 24 photos at most."
    assert capfd.readouterr().out == f"Warning: {said}\n" and refused(add, paths[-1]) == said


def test_photos_leave_the_list_again(views):
    assert not bpy.ops.face_depth.remove_photo.poll()
    assert not bpy.ops.face_depth.clear_photos.poll()
    add(*views)
    fusion = bpy.context.scene.face_depth.fusion
    assert fusion.active == 2
    fusion.active = 1
    assert bpy.ops.face_depth.remove_photo() == {'FINISHED'}
    assert [photo.name for photo in photos()] == ["right.png", "left.png"] and fusion.active == 1
    assert bpy.ops.face_depth.remove_photo() == {'FINISHED'}
    assert [photo.name for photo in photos()] == ["right.png"] and fusion.active == 0
    add(views[1])
    assert bpy.ops.face_depth.clear_photos() == {'FINISHED'}
    assert not photos()


def test_dropped_photos_go_to_the_list(views):
    handler = bpy.types.FACEDEPTH_FH_photos
    assert {".jpg", ".png", ".mp4"} <= set(handler.bl_file_extensions.split(";"))
    assert handler.bl_import_operator == "face_depth.add_photos"
    assert add(*views[:2], directory="") == {'FINISHED'}
    before = listed()
    assert bpy.ops.face_depth.add_photos(
        'INVOKE_DEFAULT', directory=str(views[2].parent), files=[{"name": views[2].name}]
    ) == {'FINISHED'}
    assert listed()[:2] == before and len(photos()) == 3


def test_several_photos_that_are_dropped_become_a_mesh_each(views, capfd):
    assert bpy.ops.face_depth.reconstruct(
        directory=str(views[0].parent), files=[{"name": path.name} for path in views],
        model="facemesh", resolution=64,
    ) == {'FINISHED'}
    made = [bpy.data.objects[path.stem] for path in views]
    assert {len(item.data.vertices) < 64**2 for item in made} == {True}
    assert list(bpy.context.selected_objects) and set(bpy.context.selected_objects) == set(made)
    ends = [
        (min(x for x, *_ in corners), max(x for x, *_ in corners))
        for corners in ([item.matrix_world @ Vector(c) for c in item.bound_box] for item in made)
    ]
    assert all(left[1] < right[0] for left, right in zip(ends, ends[1:]))
    assert f"{len(views)} of {len(views)} photos reconstructed" in capfd.readouterr().out


def test_each_photo_of_the_list_in_a_collection_and_one_that_fails(views, tmp_path, capfd):
    odd = tmp_path / "odd.png"
    odd.write_bytes(b"no picture")
    add(views[0], odd, directory="")
    assert bpy.ops.face_depth.reconstruct_each(
        model="facemesh", resolution=64, arrange='COLLECTIONS'
    ) == {'FINISHED'}
    item = bpy.data.objects[views[0].stem]
    assert [each.name for each in item.users_collection] == [views[0].stem]
    assert [photo.state for photo in photos()] == ['WAITING', 'FAILED']
    assert "odd.png" in photos()[1].remark
    assert "1 of 2 photos reconstructed, 1 failed" in capfd.readouterr().out


# --- Bad input -------------------------------------------------------------------------------


def test_nothing_to_fuse(views, tmp_path):
    fuse_photos = bpy.ops.face_depth.fuse_photos
    assert refused(fuse_photos, **FAST).startswith("No photos are chosen: add two or more")
    add(views[0])
    assert "but one photo was given" in refused(fuse_photos, **FAST)


@pytest.mark.parametrize("name, reason", [
    ("gone.png", '"gone.png" was not found'), ("notes.txt", '"notes.txt"'),
])
def test_one_usable_photo_is_not_enough(views, tmp_path, name, reason):
    (tmp_path / "notes.txt").write_text("Dear all")
    files = [{"name": str(views[0])}, {"name": str(tmp_path / name)}]
    said = refused(bpy.ops.face_depth.fuse_photos, files=files, **FAST)
    assert "only one can be used" in said and reason in said


def test_model_that_is_missing(views, tmp_path):
    add(*views)
    said = refused(
        bpy.ops.face_depth.fuse_photos, model='FOLDER', model_folder=str(tmp_path / "none")
    )
    assert "none" in said


# --- One head --------------------------------------------------------------------------------


def test_photos_of_the_list_become_one_head(views, tmp_path, capfd):
    (tmp_path / "notes.png").write_text("Dear all")
    add(*views, tmp_path / "notes.png")
    capfd.readouterr()
    assert bpy.ops.face_depth.fuse_photos(**FAST) == {'FINISHED'}
    said = capfd.readouterr().out
    assert "Warning: 3 photos fused, 1 left out: " in said and "notes.png" in said
    assert [photo.state for photo in photos()] == ['USED', 'USED', 'USED', 'FAILED']
    assert "notes.png" in photos()[3].remark and not photos()[3].placed
    right, ahead, left = (photo.pose[0] for photo in photos()[:3])
    assert right + 10.0 < ahead < left - 10.0
    assert all(0.0 <= photo.residual_mm < 10.0 for photo in photos()[:3])
    residuals = bpy.context.scene.face_depth.fusion.residuals_mm
    assert all(0.0 < residual < 10.0 for residual in residuals)
    item = bpy.context.object
    assert item.type == 'MESH' and item.select_get() and len(item.data.polygons) > 1000

    # The list stays in the .blend, and what is given by name leaves it alone.
    path = str(tmp_path / "head.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    before = listed()
    assert [state for _, _, _, state, _ in before] == ['USED', 'USED', 'USED', 'FAILED']
    assert bpy.ops.face_depth.fuse_photos(
        directory=str(views[0].parent), files=[{"name": path.name} for path in views[:2]],
        point_clouds=True, **FAST,
    ) == {'FINISHED'}
    assert "2 photos fused" in capfd.readouterr().out
    assert listed() == before
    head = bpy.context.object
    assert head.type == 'MESH' and len(head.data.polygons) and not head.hide_get()
    clouds = [each for each in bpy.data.objects if each.name.startswith(f"{head.name} points")]
    assert len(clouds) == 2 and all(each.hide_get() for each in clouds)
    assert all(len(each.data.attributes["position"].data) > 1000 for each in clouds)


# --- In a window -----------------------------------------------------------------------------


@pytest.fixture
def in_window(views, monkeypatch):
    """Start the operator with the panel's photos as a click does; the running operator."""
    def invoked(self, context):
        self.adopt_panel(context)
        return self.run_modal(context)

    # Without a window, Blender invokes nothing.
    monkeypatch.setattr(FACEDEPTH_OT_fuse_photos, "execute", invoked)
    settings = bpy.context.scene.face_depth
    settings.model = "facemesh"
    settings.fusion.resolution, settings.fusion.texture_size = 64, '1024'
    add(*views)

    def start():
        assert bpy.ops.face_depth.fuse_photos() == {'RUNNING_MODAL'}
        return running._running[0]

    yield start
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert not running._running


def tick(operator, until=lambda operator: False) -> set[str]:
    """Send the timer's events until the operator ends or something is so."""
    deadline = monotonic() + 120.0
    while monotonic() < deadline:
        if until(operator):
            return {'PASS_THROUGH'}
        answer = operator.modal(bpy.context, TIMER)
        if answer != {'PASS_THROUGH'}:
            return answer
        sleep(0.01)
    pytest.fail("it does not end")


def test_window_and_list_stay_usable_until_the_head_is_there(in_window):
    # It would have the photos' depth from another test.
    worker.close()
    operator = in_window()
    assert operator.modal(bpy.context, MOVE) == {'PASS_THROUGH'}
    for name in ("fuse_photos", "reconstruct"):
        with pytest.raises(RuntimeError, match="A fusion is running: press Esc to cancel it"):
            getattr(bpy.ops.face_depth, name)()
    bpy.context.scene.face_depth.fusion.active = 0
    bpy.ops.face_depth.remove_photo()
    bpy.data.images.new("late", 64, 64)
    bpy.ops.face_depth.add_photos(image="late")
    labels = []
    assert tick(operator, lambda each: labels.append(each.progress.label)) == {'FINISHED'}
    assert {"Photo 1 of 3", "Photo 3 of 3"} <= {label.partition(":")[0] for label in labels}
    assert bpy.context.object["face_depth_resolution"] == 64
    assert [(photo.name, photo.state) for photo in photos()] == [
        ("ahead.png", 'USED'), ("left.png", 'USED'), ("late", 'WAITING')
    ]
    assert bpy.ops.face_depth.fuse_photos.poll()


@pytest.mark.parametrize("way", ["esc", "button", "file"])
def test_cancelled_fusion_leaves_nothing(in_window, way):
    operator = in_window()
    scene, before = data_blocks(), listed()
    tick(operator, lambda each: each.progress.fraction > 0.5)
    if way == "esc":
        assert operator.modal(bpy.context, ESC) == {'CANCELLED'}
    elif way == "button":
        assert bpy.ops.face_depth.cancel() == {'FINISHED'}
        assert operator.modal(bpy.context, TIMER) == {'CANCELLED'}
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
    assert not running._running and not bpy.ops.face_depth.cancel.poll()
    if way != "file":
        assert data_blocks() == scene and listed() == before
        assert bpy.ops.face_depth.fuse_photos.poll()


def test_failed_fusion_leaves_nothing(in_window, tmp_path):
    bpy.ops.face_depth.clear_photos()
    Image.new("RGB", (300, 300), (90, 90, 90)).save(tmp_path / "wall.png")
    add(tmp_path / "wall.png")
    operator = in_window()
    scene, before = data_blocks(), listed()
    assert tick(operator) == {'CANCELLED'}
    assert data_blocks() == scene and listed() == before
    assert not running._running and bpy.ops.face_depth.fuse_photos.poll()


def test_registering_again_is_clean(addon, views):
    add(views[0])
    icon_of(photos()[0])
    addon.unregister()
    assert not hasattr(bpy.types, "FACEDEPTH_PT_fusion")
    addon.register()
    assert bpy.types.FACEDEPTH_PT_fusion.bl_parent_id == "FACEDEPTH_PT_main"
    assert [photo.name for photo in photos()] == ["right.png"]


def test_esc_keeps_the_meshes_of_photos_that_are_done(in_window, monkeypatch):
    def invoked(self, context):
        self.adopt_panel(context)
        return self.run_modal(context)

    monkeypatch.setattr(FACEDEPTH_OT_reconstruct_each, "execute", invoked)
    bpy.context.scene.face_depth.resolution = 64
    assert bpy.ops.face_depth.reconstruct_each() == {'RUNNING_MODAL'}
    operator = running._running[0]
    tick(operator, lambda each: each.progress.label.startswith("2 of 3"))
    assert operator.modal(bpy.context, ESC) == {'RUNNING_MODAL'}
    assert tick(operator) == {'FINISHED'}
    assert [item.name for item in bpy.data.objects] == [photos()[0].name.removesuffix(".png")]
    assert not running._running
