# SPDX-License-Identifier: GPL-3.0-or-later
"""Several models on one photo: meshes side by side, each over its depth map and a label."""

from time import monotonic, sleep
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Vector
from test_bad_input import data_blocks

from face_depth_addon.blender import running
from face_depth_addon.blender.models.ops_compare import FACEDEPTH_OT_compare_models
from face_depth_addon.blender.models.presence import forget
from face_depth_addon.inference.cards import read_cards

pytestmark = pytest.mark.usefixtures("empty_scene")

SMALL = {"resolution": 96}
TIMER = SimpleNamespace(type='TIMER', value='NOTHING')
ESC = SimpleNamespace(type='ESC', value='PRESS')
MISSING = read_cards()["depth-pro"]


@pytest.fixture(autouse=True)
def nothing_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    forget()
    yield
    forget()


def compare(photo, *models, **properties) -> list[bpy.types.Object]:
    """The objects that a comparison makes."""
    properties = {**SMALL, **properties}
    assert bpy.ops.face_depth.compare_models(
        filepath=str(photo), models=",".join(models), **properties
    ) == {'FINISHED'}
    (collection,) = bpy.context.scene.collection.children
    return list(collection.objects)


def refused(**properties) -> str:
    """Compare, which must say one sentence and change nothing; the sentence."""
    before = data_blocks()
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.face_depth.compare_models(**properties)
    assert data_blocks() == before
    said = str(caught.value).strip()
    assert "\n" not in said and "Traceback" not in said
    return said.removeprefix("Error: ")


def box(item: bpy.types.Object) -> np.ndarray:
    """Least and greatest x, y, z in the world: (2, 3)."""
    corners = np.array([item.matrix_world @ Vector(corner) for corner in item.bound_box])
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def test_meshes_stand_side_by_side_over_their_depth_maps(astronaut, capfd):
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    items = compare(astronaut, "facemesh", "face-vae", MISSING.name)
    said = capfd.readouterr().out
    assert "Warning: 2 of 3 models compared. Depth Pro is not on this machine" in said
    bpy.context.view_layer.update()
    (holder,) = (item for item in items if item.type == 'EMPTY')
    assert all(item.parent == holder for item in items if item != holder)
    assert tuple(holder.location) == (1.0, 2.0, 3.0)
    assert bpy.context.scene.collection.children[0].name == "Compare astronaut"
    assert not bpy.context.scene.collection.objects and bpy.context.object == holder
    assert len(bpy.context.selected_objects) == len(items)

    texts = [item for item in items if item.type == 'FONT']
    titles = [text.data.body.partition("\n")[0] for text in texts]
    assert titles == ["Fast", "VAE", "Depth Pro"]
    told = [text.data.body.partition("\n")[2] for text in texts]
    assert "relief" in told[0] and " s" in told[0]
    assert "agreement 0." in told[1] and told[1].endswith(" mm")
    assert "is not on this machine" in told[2]

    ends = []
    for title, text in zip(titles[:2], texts):
        mesh = bpy.data.objects[f"astronaut {title}"]
        shown = bpy.data.objects[f"{title} depth"]
        mesh_box, map_box, text_box = box(mesh), box(shown), box(text)
        # Upright, above one another, around one middle.
        assert np.ptp(mesh_box[:, 2]) > 0.15 and mesh_box[0, 2] == pytest.approx(3.0, abs=1e-5)
        assert map_box[1, 2] < mesh_box[0, 2] and text_box[1, 2] < map_box[0, 2]
        middles = [each[:, 0].mean() for each in (mesh_box, map_box, text_box)]
        assert np.ptp(middles) < 0.02 and np.ptp(map_box[:, 1]) < 1e-5
        assert (shown.matrix_world.to_quaternion() @ shown.data.polygons[0].normal).y < -0.99
        ends.append((
            min(each[0, 0] for each in (mesh_box, map_box, text_box)),
            max(each[1, 0] for each in (mesh_box, map_box, text_box)),
        ))
        assert mesh["face_depth_model"] in ("facemesh", "face-vae")
    ends.append(tuple(box(texts[2])[:, 0]))
    assert ends[0][1] < ends[1][0] and ends[1][1] < ends[2][0]


def test_depth_maps_are_unlit_and_near_is_white(astronaut, tmp_path):
    compare(astronaut, "face-vae")
    path = str(tmp_path / "compared.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    nodes = bpy.data.objects["VAE depth"].data.materials[0].node_tree.nodes
    assert {node.type for node in nodes} == {'TEX_IMAGE', 'EMISSION', 'OUTPUT_MATERIAL'}
    image = next(node.image for node in nodes if node.type == 'TEX_IMAGE')
    width, height = image.size
    grey = np.array(image.pixels).reshape(height, width, 4)[..., 0]
    # Blender's rows go up: the face is in the middle, a corner is background, the chest is low.
    nose, chest = grey[height // 2, width // 2], grey[height // 20, width // 2]
    assert nose > 0.85 and 0.0 < chest < nose - 0.2 and grey[-1, 0] == 0.0
    assert grey.max() == 1.0


def test_meshes_can_be_worked_on_like_any_other(astronaut):
    compare(astronaut, "facemesh")
    item = bpy.data.objects["astronaut Fast"]
    bpy.context.view_layer.objects.active = item
    item.data.face_depth.strength = 0.5
    assert bpy.ops.face_depth.smooth() == {'FINISHED'}


def test_no_model_that_can_be_used(astronaut):
    said = refused(filepath=str(astronaut), models="depth-pro, zoedepth-nyu,nonsense", **SMALL)
    assert "Depth Pro is not on this machine" in said and "ZoeDepth is not" in said
    assert "There is no depth model called or stored at nonsense" in said


def test_photo_that_cannot_be_used_is_told_once(tmp_path):
    (tmp_path / "notes.png").write_text("Dear all")
    said = refused(filepath=str(tmp_path / "notes.png"), models="facemesh,face-vae", **SMALL)
    assert said.count("notes.png") == 1 and said.endswith(".")
    assert refused(models="facemesh").startswith("No photo is chosen")


def test_button_is_grey_without_a_tick(astronaut):
    toggles = bpy.context.scene.face_depth.compare
    for card in read_cards().values():
        setattr(toggles, f"use_{card.name.replace('-', '_')}", card is MISSING)
    assert not bpy.ops.face_depth.compare_models.poll()
    assert "Tick the models to compare first" in refused()
    toggles.use_facemesh = True
    assert bpy.ops.face_depth.compare_models.poll()
    assert bpy.ops.face_depth.compare_models(filepath=str(astronaut), **SMALL) == {'FINISHED'}
    assert [text.body.split("\n")[0] for text in bpy.data.curves] == ["Fast"]


@pytest.mark.parametrize("fraction", [0.0, 0.45, 0.96])
def test_cancelled_comparison_leaves_nothing(astronaut, monkeypatch, fraction):
    # Without a window, Blender invokes nothing.
    monkeypatch.setattr(
        FACEDEPTH_OT_compare_models, "execute", lambda self, context: self.run_modal(context)
    )
    before = data_blocks()
    assert bpy.ops.face_depth.compare_models(
        filepath=str(astronaut), models="facemesh,face-vae", resolution=256
    ) == {'RUNNING_MODAL'}
    operator = running._running[0]
    deadline = monotonic() + 60.0
    while operator.progress.fraction < fraction:
        assert operator.modal(bpy.context, TIMER) == {'PASS_THROUGH'} and monotonic() < deadline
        sleep(0.002)
    if fraction > 0.9:
        assert bpy.data.collections and bpy.data.meshes
    assert operator.modal(bpy.context, ESC) == {'CANCELLED'}
    assert data_blocks() == before and not running._running
