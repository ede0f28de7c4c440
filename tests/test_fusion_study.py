# SPDX-License-Identifier: GPL-3.0-or-later
"""The evaluation of fused heads: its geometry on an ellipsoid, whose surface is known."""

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("scipy")

import evaluate_fusion  # noqa: E402
from evaluation import fusion_study, fusion_troubles  # noqa: E402
from evaluation.surface_distance import (  # noqa: E402
    MeshSurface,
    Placing,
    distances,
    lay_on,
    nearest_in_triangles,
)
from evaluation.true_head import TrueHead, View, _scanned, head_frame, thinned  # noqa: E402
from evaluation.truth import FACEMESH68, INNER, Truth  # noqa: E402
from heads import camera  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402

from face_depth_addon.core.crop import Crop  # noqa: E402
from face_depth_addon.core.photo import Photo  # noqa: E402

SIZE = 160
RADII = np.array([75.0, 95.0, 60.0])
MIDDLE = np.array([0.0, 60.0, 0.0])
YAWS = (-40, -20, 0, 20, 40)
# Where the 51 inner landmarks lie, by their direction from the ellipsoid's middle.
AROUND = np.radians(np.linspace(-35.0, 35.0, 51))
UPWARDS = np.radians(25.0 * np.sin(np.linspace(0.0, 20.0, 51)))


def on_ellipsoid(turn: np.ndarray, height: np.ndarray) -> np.ndarray:
    unit = np.stack([
        np.sin(turn) * np.cos(height), -np.cos(turn) * np.cos(height), np.sin(height)
    ], axis=-1)  # fmt: skip
    return unit * RADII + MIDDLE


LANDMARKS = on_ellipsoid(AROUND, UPWARDS)


def off_ellipsoid(points: np.ndarray) -> np.ndarray:
    """How far points are from the ellipsoid, to the first order."""
    local = (points - MIDDLE) / RADII
    steepness = np.linalg.norm(local / RADII, axis=1)
    return np.abs((local**2).sum(axis=1) - 1.0) / (2.0 * steepness)


def photo_of(yaw: float) -> tuple[Truth, camera.Camera]:
    """What the camera of the 19-view protocol sees of the ellipsoid."""
    seen = camera.place(camera.fixed_view(yaw), SIZE)
    row, column = np.indices((SIZE, SIZE)) + 0.5
    rays = np.stack([
        (column - seen.principal[0]) / seen.focal, (row - seen.principal[1]) / seen.focal,
        np.ones_like(row),
    ], axis=-1)  # fmt: skip
    start = (seen.position - MIDDLE) / RADII
    along = rays @ seen.rotation / RADII
    a, b, c = (along**2).sum(axis=-1), along @ start, start @ start - 1.0
    root = b**2 - a * c
    with np.errstate(invalid="ignore"):
        distance = np.where(root > 0.0, (-b - np.sqrt(root)) / a, np.nan).astype(np.float32)
    there = (rays * distance[..., None] - seen.translation) @ seen.rotation
    face = np.isfinite(distance) & (there[..., 1] < MIDDLE[1] - 30.0)
    return Truth(
        name=f"made_y{yaw:+}", photo=Photo(np.zeros((SIZE, SIZE, 3), np.uint8), None, None, "", ""),
        distance=distance, face=face, subject=np.isfinite(distance),
        crop=Crop(SIZE / 2, SIZE / 2, float(SIZE)), focal_px=seen.focal,
        principal_px=seen.principal, landmarks=np.arange(INNER, 68),
        landmark_points=LANDMARKS @ seen.rotation.T + seen.translation, exact_landmarks=True,
    ), seen


@pytest.fixture(scope="module")
def head() -> TrueHead:
    views = {}
    for yaw in YAWS:
        truth, seen = photo_of(yaw)
        views[yaw] = View(truth, truth.subject, truth.face, seen.rotation.T, seen.position)
    return TrueHead("made", "made", views, np.arange(INNER, 68), LANDMARKS)


def mesh(stretch: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ellipsoid, stretched, in metres and in the product's frame; with MediaPipe's landmarks.
    """
    turn, height = np.radians(np.meshgrid(np.arange(-180, 181, 2), np.arange(-88, 89, 2)))
    points = on_ellipsoid(turn, height).reshape(-1, 3)
    number = np.arange(turn.size).reshape(turn.shape)
    quads = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], -1)
    quads = quads.reshape(-1, 4)
    # Some quads come as two triangles.
    cut = quads[::3]
    faces = np.concatenate([
        np.delete(quads, np.s_[::3], axis=0), np.column_stack([cut[:, :3], np.full(len(cut), -1)]),
        np.column_stack([cut[:, [0, 2, 3]], np.full(len(cut), -1)]),
    ])
    landmarks = np.zeros((468, 3))
    landmarks[FACEMESH68] = LANDMARKS
    away = Rotation.from_euler("xyz", [10, -20, 30], degrees=True).as_matrix()
    place = [0.9 * (each * stretch) @ away.T / 1000.0 + 0.05 for each in (points, landmarks)]
    return place[0], faces, place[1]


# Distances


def test_nearest_points_of_triangles_lie_inside_on_an_edge_or_in_a_corner():
    corners = np.tile([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 3.0, 0.0]], (4, 1, 1))
    points = np.array([[1.0, 1.0, 5.0], [2.0, -2.0, 1.0], [-1.0, -2.0, 0.0], [4.0, 3.0, 0.0]])
    found = nearest_in_triangles(points, corners)
    assert found == pytest.approx(np.array(
        [[1.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [2.56, 1.08, 0.0]]
    ))
    # It makes no difference which way the triangles are wound.
    assert nearest_in_triangles(points, corners[:, ::-1]) == pytest.approx(found)


def test_distance_to_a_coarse_mesh_is_that_to_its_faces_and_not_to_its_corners():
    plane = np.array([[0.0, 0.0, 0.0], [60.0, 0.0, 0.0], [60.0, 40.0, 0.0], [0.0, 40.0, 0.0]])
    surface = MeshSurface(plane, np.array([[0, 1, 2, 3]]), 2.0)
    rng = np.random.default_rng(1)
    points = rng.uniform((0, 0, -9), (60, 40, 9), (500, 3))
    unmoved = Placing(np.eye(3), 1.0, np.zeros(3))
    assert distances(points, surface, unmoved) == pytest.approx(np.abs(points[:, 2]))
    # In the points' own unit, however large the mesh is.
    doubled = MeshSurface(2.0 * plane, np.array([[0, 1, 2, 3]]), 2.0)
    twice = Placing(np.eye(3), 2.0, np.zeros(3))
    assert distances(points, doubled, twice) == pytest.approx(np.abs(points[:, 2]))


def test_points_are_laid_on_a_surface_though_some_do_not_belong_to_it(head):
    positions, faces, _ = mesh(np.ones(3))
    surface = MeshSurface(1000.0 * positions, faces, 1.5)
    points = head.points.copy()
    points[::10] += (0.0, -25.0, 0.0)
    rough = Rotation.from_euler("xyz", [16, -16, 33], degrees=True).as_matrix()
    placing = lay_on(points, surface, Placing(rough, 0.97, np.array([42.0, 58.0, 57.0])))
    assert placing.scale == pytest.approx(0.9, abs=0.004)
    good = np.arange(len(points)) % 10 != 0
    assert np.mean(distances(points, surface, placing)[good]) < 0.25


# The true head


def test_all_views_together_are_the_head_without_what_is_seen_aslant(head):
    assert off_ellipsoid(head.points).max() < 0.2
    assert head.points[:, 1].max() < MIDDLE[1] + 75.0  # of 95: the back is not seen
    assert head.points[:, 0].min() < -65.0 and head.points[:, 0].max() > 65.0
    assert 0.2 < head.face.mean() < 0.9
    assert (head.points[head.face, 1] < MIDDLE[1] - 29.0).all()


def test_one_point_stays_in_each_cube_and_it_is_the_best_seen():
    rng = np.random.default_rng(2)
    points, ranks = rng.uniform(-20, 20, (4000, 3)), rng.random(4000)
    kept = thinned(points, ranks, 5.0)
    cubes = np.floor(points / 5.0).astype(int)
    assert len(np.unique(cubes[kept], axis=0)) == len(kept) == 512
    for index in kept[:20]:
        assert ranks[(cubes == cubes[index]).all(axis=1)].max() == ranks[index]


def test_scans_are_chained_to_the_front_whose_landmarks_give_the_frame():
    truths = {}
    turns = {}
    for yaw in YAWS:
        truth, seen = photo_of(yaw)
        # The landmarks of scans are a network's.
        noise = np.random.default_rng(yaw + 90).normal(0.0, 1.0, LANDMARKS.shape)
        truths[yaw] = replace(truth, landmark_points=truth.landmark_points + noise)
        turns[yaw] = seen.rotation.T
    made = _scanned("made", "made", truths)
    for yaw in YAWS:
        found = [made.views[each].rotation for each in (0, yaw)]
        assert fusion_study.rotation_error(found, [turns[0], turns[yaw]]) < 0.6
    inner = np.linalg.norm(made.points - made.points.mean(axis=0), axis=1)
    assert len(made.points) > 5000 and inner.max() < 140.0


def test_frame_of_a_head_comes_from_the_corners_of_eyes_and_mouth():
    own = {36: (-45, -7, -3), 39: (-17, -13, -3), 42: (17, -13, -3), 45: (45, -7, -3),
           48: (-25, -19, -67), 54: (25, -19, -67)}
    turn = Rotation.from_euler("xyz", [100, 20, -30], degrees=True).as_matrix()
    there = np.array([3.0, -20.0, 900.0])
    points = np.array(list(own.values()), float) @ turn.T + there
    axes, origin = head_frame(np.array(list(own)), points)
    assert np.degrees(np.arccos((np.trace(axes.T @ turn) - 1) / 2)) < 0.5
    assert origin == pytest.approx(there, abs=0.5)
    with pytest.raises(Exception, match="corners of eyes and mouth"):
        head_frame(np.array(list(own))[1:], points[1:])


# Measures


def test_the_right_shape_has_no_error_at_any_size_and_in_any_pose(head):
    right = fusion_study.measure(head, *mesh(np.ones(3)))
    assert right.face < 0.15 and right.head < 0.15
    deep = fusion_study.measure(head, *mesh(np.array([1.0, 1.3, 1.0])))
    assert deep.face > 0.4 and deep.head > 1.5
    # Laid on the face, what it has wrong shows more and more to the back.
    front, *_, back, behind, _ = deep.regions
    assert back > front and np.isnan(behind)


def test_regions_go_from_the_front_to_the_back_with_the_top_apart():
    points = np.array([
        [0, -50, 0], [60, 0, -40], [-80, 50, 0], [80, 75, 20], [50, 170, 0], [5, 90, 120]
    ], float)  # fmt: skip
    assert fusion_study.regions_of(points).tolist() == [0, 1, 2, 3, 4, 5]


def test_pose_error_is_the_mean_angle_of_all_pairs_in_whatever_frame():
    true = [Rotation.from_euler("z", yaw, degrees=True).as_matrix() for yaw in (0, 30, 60)]
    frame = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()
    assert fusion_study.rotation_error([frame @ each for each in true], true) < 1e-4
    wrong = [frame @ each for each in true]
    # The camera looks 6 degrees past where it should: two of three pairs are wrong by that.
    wrong[1] = wrong[1] @ Rotation.from_euler("y", 6.0, degrees=True).as_matrix()
    assert fusion_study.rotation_error(wrong, true) == pytest.approx(4.0)


def test_camera_of_a_cut_out_photo_is_taken_to_look_at_its_middle():
    truth, seen = photo_of(80)
    view = View(truth, truth.subject, truth.face, seen.rotation.T, seen.position)
    middle = np.array([(SIZE / 2 - seen.principal[0]) / seen.focal, 0.0, 1.0])
    sight = seen.rotation.T @ middle / np.linalg.norm(middle)
    assert view.aimed_rotation[:, 2] == pytest.approx(sight)
    assert abs(middle[0]) > 0.02
    assert np.linalg.det(view.aimed_rotation) == pytest.approx(1.0)


def test_photos_are_chosen_by_what_yaws_there_are():
    everywhere = range(-90, 91, 10)
    assert [len(fusion_study.plan_of(count, everywhere)) for count in fusion_study.PLANS] == [
        *fusion_study.PLANS
    ]
    assert fusion_study.plan_of(5, YAWS) == YAWS
    assert fusion_study.plan_of(2, YAWS) == (0, 20)
    assert fusion_study.plan_of(9, YAWS) is None


# Troubles


def test_bad_photos_are_made_as_told():
    truth, _ = photo_of(20)
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    cv2.rectangle(picture, (20, 20), (70, 130), (100, 120, 90), -1)
    truth = replace(truth, photo=replace(truth.photo, rgb=picture, focal_35mm=85.0))
    mirrored = fusion_troubles._changed(truth, lambda each: each[:, ::-1])
    assert np.abs(mirrored.photo.rgb[:, ::-1].astype(int) - picture).mean() < 2.0
    assert (mirrored.face == truth.face[:, ::-1]).all() and mirrored.photo.focal_35mm == 85.0
    smaller = fusion_troubles._smaller(truth)
    assert smaller.photo.rgb.shape[:2] == smaller.face.shape == (144, 144)
    brighter = fusion_troubles._brighter(truth)
    assert brighter.photo.rgb[75, 45] == pytest.approx(np.array([100, 120, 90]) * 1.37, abs=4)
    steps = [np.abs(np.diff(each.photo.rgb[75, :, 0].astype(int))).max()
             for each in (truth, fusion_troubles._blurred(truth))]
    assert steps[1] < 0.5 * steps[0]
    assert len({each.photo.digest for each in (truth, mirrored, smaller, brighter)}) == 4


def test_command_refuses_numbers_of_photos_that_have_no_plan(monkeypatch, capsys):
    assert evaluate_fusion.parser().parse_args(["--data", "x", "--counts", "3,5"]).counts == (3, 5)
    monkeypatch.setattr(sys, "argv", ["evaluate_fusion.py", "--data", "x", "--counts", "4"])
    with pytest.raises(SystemExit):
        evaluate_fusion.main()
    assert "'4' is not made of 2, 3, 5, 9, 19" in capsys.readouterr().err
    assert set(evaluate_fusion.COUNTS) == set(fusion_study.PLANS)
