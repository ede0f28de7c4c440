# SPDX-License-Identifier: GPL-3.0-or-later
"""The geometry-nodes modifier does to a mesh exactly what its sliders do."""

from math import radians

import bpy
import numpy as np
import pytest
from made_faces import add_face, attribute, made_face, positions

from face_depth_addon.blender.shaping.shape import applied, shaped
from face_depth_addon.blender.shaping.shape_nodes import set_input, shape_modifier
from face_depth_addon.core.relief.building import Layout
from face_depth_addon.core.relief.shaping import Shape

CASES = {
    "plain": {},
    "strength": {"strength": 1.7},
    "clips": {"near": 0.8, "far": 0.2},
    "crossed clips": {"near": 0.3, "far": 0.6},
    "gamma": {"gamma": 1.6},
    "tilt": {"tilt_x": radians(9.0), "tilt_y": radians(-6.0)},
    "weak perspective": {"projection": 'WEAK_PERSPECTIVE', "strength": 1.2},
    "perspective": {"projection": 'PERSPECTIVE', "distance": 0.45},
    "fine smoothing": {"smoothing": 0.35},
    "broad smoothing": {"smoothing": 0.8},
    "feather": {"feather": 0.015},
    "detail": {"detail": 2.5},
    "no detail": {"detail": 0.0},
    "all": {
        "projection": 'PERSPECTIVE', "strength": 1.4, "near": 0.95, "far": 0.1, "gamma": 0.8,
        "tilt_x": radians(-5.0), "tilt_y": radians(3.0), "smoothing": 0.6, "feather": 0.02,
        "detail": 1.5, "distance": 0.6,
    },
}


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def face_item() -> bpy.types.Object:
    return add_face(made_face(detail=True), Layout(resolution=32))


def move_sliders(mesh: bpy.types.Mesh, values: dict) -> None:
    for name, value in values.items():
        setattr(mesh.face_depth, name, value)


def evaluated(item: bpy.types.Object) -> np.ndarray:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return positions(item.evaluated_get(depsgraph).data)


@pytest.mark.parametrize("case", CASES)
def test_modifier_gives_what_the_sliders_gave(case):
    item = face_item()
    plain = positions(item.data)
    move_sliders(item.data, CASES[case])
    expected = positions(item.data)
    assert bpy.ops.face_depth.add_shape_modifier() == {'FINISHED'}
    np.testing.assert_allclose(positions(item.data), plain, atol=1e-6)
    assert applied(item.data)[0] == Shape()
    np.testing.assert_allclose(evaluated(item), expected, atol=1e-6)


def test_inputs_are_live_and_edits_stay():
    item = face_item()
    bpy.ops.face_depth.add_shape_modifier()
    edit = np.zeros((len(item.data.vertices), 3), np.float32)
    edit[100:200] = (0.01, -0.02, 0.03)
    item.data.attributes["position"].data.foreach_set(
        "vector", (positions(item.data) + edit).ravel()
    )
    for name, value in (("Strength", 1.5), ("Feather", 0.02), ("Smoothing", 0.7), ("Detail", 0.5)):
        set_input(shape_modifier(item), name, value)
    item.update_tag()
    shape = Shape(strength=1.5, feather=0.02, smoothing=0.7, detail=0.5)
    expected = shaped(item.data, shape, applied(item.data)[1]) + edit
    np.testing.assert_allclose(evaluated(item), expected, atol=1e-6)


def test_max_angle_cuts_what_is_steep():
    item = add_face(made_face(waves=110.0), Layout(resolution=32))
    bpy.ops.face_depth.add_shape_modifier()
    set_input(shape_modifier(item), "Max Angle", radians(40.0))
    item.update_tag()
    cut = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    normals = np.empty((len(cut.polygons), 3), np.float32)
    cut.polygons.foreach_get("normal", normals.ravel())
    assert 0 < len(cut.polygons) < len(item.data.polygons)
    assert np.degrees(np.arccos(np.abs(normals[:, 1]).min())) < 40.5


def test_modifier_follows_size_and_relayout_and_takes_the_sliders_place():
    item = face_item()
    mesh = item.data
    twin = bpy.data.objects.new("Twin", mesh)
    bpy.context.collection.objects.link(twin)
    move_sliders(mesh, CASES["all"])
    bpy.ops.face_depth.add_shape_modifier()
    before = evaluated(item)
    np.testing.assert_allclose(evaluated(twin), before, atol=1e-7)
    with pytest.raises(RuntimeError, match="The modifier Face Depth shapes this mesh"):
        bpy.ops.face_depth.reset_shape()
    mesh.face_depth.size_mm *= 1.5
    np.testing.assert_allclose(evaluated(item), 1.5 * before, atol=2e-6)
    bpy.ops.face_depth.relayout(topology='ADAPTIVE', budget=1500)
    bpy.ops.face_depth.relayout(topology='GRID')
    np.testing.assert_allclose(evaluated(item), 1.5 * before, atol=5e-5)
    assert attribute(mesh, "depth_smoothed", 2).any() and attribute(mesh, "border_distance").any()


def test_modifier_works_in_a_file_without_the_sliders(tmp_path):
    item = face_item()
    move_sliders(item.data, CASES["all"])
    expected = positions(item.data)
    bpy.ops.face_depth.add_shape_modifier()
    path = str(tmp_path / "face.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    kept = bpy.types.Mesh.face_depth
    del bpy.types.Mesh.face_depth
    try:
        bpy.ops.wm.open_mainfile(filepath=path)
        item = bpy.data.objects["Face"]
        np.testing.assert_allclose(evaluated(item), expected, atol=1e-6)
    finally:
        bpy.types.Mesh.face_depth = kept
