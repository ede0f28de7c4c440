# SPDX-License-Identifier: GPL-3.0-or-later
"""Several photos become one head: poses, surface, colours, and photos that do not belong."""

from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree
from template_views import SIZE, Person, person, rotation_of, turned

from face_depth_addon.core.errors import Cancelled, FusionError
from face_depth_addon.core.fusion.alignment import align_surfaces, rough_fits
from face_depth_addon.core.fusion.fuse import FuseOptions, fuse
from face_depth_addon.core.fusion.fused import FusedHead
from face_depth_addon.core.fusion.limits import MOST_PHOTOS
from face_depth_addon.core.fusion.view import View
from face_depth_addon.core.head.template import FRONT_END, load_template
from face_depth_addon.core.head.wrap_model import similarity
from face_depth_addon.core.pictures import jpeg
from face_depth_addon.core.reconstruction import Reconstruction

YAWS = (-35, -15, 0, 20, 40)
PITCHES = (0, 3, 0, 3, 0)
OPTIONS = FuseOptions(resolution=160, texture_size=512)
# For what is decided before photos are merged.
QUICK = FuseOptions(resolution=64, texture_size=256, last_step="ICP")


def quiet(_label: str, _fraction: float) -> None:
    """Take no notice of progress."""


@pytest.fixture(scope="module")
def anna() -> Person:
    return person(3)


@pytest.fixture(scope="module")
def boris() -> Person:
    return person(4)


@pytest.fixture(scope="module")
def photos(anna) -> list[Reconstruction]:
    """Five photos whose depth is tilted and scaled, each in another way."""
    rng = np.random.default_rng(1)
    return [
        turned(anna, yaw, pitch, rng.uniform(-0.1, 0.1), rng.uniform(0.93, 1.07))
        for yaw, pitch in zip(YAWS, PITCHES)
    ]


@pytest.fixture(scope="module")
def heads(photos) -> dict[str, FusedHead]:
    """The head after each step."""
    return {
        step: fuse(photos, replace(OPTIONS, last_step=step), quiet)
        for step in ("LANDMARKS", "ICP", "REFINED")
    }


def pose_error(head: FusedHead) -> float:
    """Mean angle between true and found turns from photo to photo, in degrees."""
    axes = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    angles = []
    for one, other in combinations(head.cameras, 2):
        first, second = (
            rotation_of(YAWS[camera.photo], PITCHES[camera.photo]) for camera in (one, other)
        )
        true = axes.T @ first @ second.T @ axes
        found = one.rotation.T @ other.rotation
        angles.append(np.degrees(np.linalg.norm(cv2.Rodrigues(true.T @ found)[0])))
    return float(np.mean(angles))


def dense(head: FusedHead) -> np.ndarray:
    """Points all over a head's faces."""
    corners = np.where(head.faces[:, 3:] < 0, head.faces[:, [0, 1, 2, 2]], head.faces)
    share = np.linspace(0.0, 1.0, 4)
    upper, lower = (
        head.positions[corners[:, pair]] for pair in ([0, 1], [3, 2])
    )
    lines = [(1.0 - t) * upper + t * lower for t in share]
    return np.concatenate([
        (1.0 - s) * line[:, 0] + s * line[:, 1] for line in lines for s in share
    ])


def face_error(positions: np.ndarray, marks: np.ndarray, who: Person) -> float:
    """Mean distance of the true face from a surface's points, in mm, after a similarity."""
    template = load_template()
    rotation, scale, shift = similarity(
        marks.astype(float), template.at_mediapipe(who.vertices), np.ones(len(marks))
    )
    tree_points = scale * positions @ rotation.T + shift
    # No photo looks into nostrils and behind lips.
    true = who.vertices[:FRONT_END][template.openness[:FRONT_END] > 0.95]
    for _ in range(20):
        apart, at = cKDTree(tree_points).query(true)
        near = apart < np.quantile(apart, 0.9)
        turn, grow, move = similarity(tree_points[at[near]], true[near], np.ones(near.sum()))
        tree_points = grow * tree_points @ turn.T + move
    return 1000.0 * float(cKDTree(tree_points).query(true)[0].mean())


def test_poses_come_out_although_every_depth_is_wrong(heads):
    assert pose_error(heads["REFINED"]) < 0.3
    assert pose_error(heads["REFINED"]) < pose_error(heads["LANDMARKS"])
    assert pose_error(heads["REFINED"]) < pose_error(heads["ICP"])


def test_refinement_brings_the_surfaces_together(heads):
    residuals = heads["REFINED"].residuals
    assert residuals["refined"] < 0.5 * residuals["icp"] < 0.5 * residuals["landmarks"]


def test_fused_face_is_truer_than_any_photo(heads, photos, anna):
    fused = face_error(dense(heads["REFINED"]), heads["REFINED"].landmarks, anna)
    assert fused < 0.8
    assert fused < face_error(dense(heads["ICP"]), heads["ICP"].landmarks, anna)
    for photo in photos:
        assert fused < 0.65 * single_error(photo, anna)


def single_error(photo: Reconstruction, who: Person) -> float:
    """The same of one photo's surface."""
    rows, columns = np.nonzero(photo.subject)
    per_pixel = photo.metres_per_pixel
    plane = (np.column_stack([columns, rows]) + 0.5 - SIZE / 2) * (per_pixel, -per_pixel)
    points = np.column_stack([plane[:, 0], -photo.depth[rows, columns] * per_pixel, plane[:, 1]])
    marks = photo.landmarks.astype(float)
    flat = (marks[:, :2] - 0.5) * (SIZE * per_pixel, -SIZE * per_pixel)
    marks = np.column_stack([flat[:, 0], -marks[:, 2] * per_pixel, flat[:, 1]])
    return face_error(points, marks, who)


def test_head_is_closed_but_for_the_neck(heads):
    head = heads["REFINED"]
    corners = np.where(head.faces[:, 3:] < 0, head.faces[:, [0, 1, 2, 0]], head.faces)
    ends = np.stack([corners, np.roll(corners, -1, axis=1)], axis=-1).reshape(-1, 2)
    ends = ends[ends[:, 0] != ends[:, 1]]
    keys, counts = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
    assert counts.max() == 2
    border = keys[counts == 1]
    assert (np.bincount(border.ravel())[np.unique(border)] == 2).all()
    # All of it lies at the neck, below the chin's level in front and lower than the ears behind.
    assert head.positions[np.unique(border), 2].max() < head.landmarks[0, 2]
    assert (np.unique(head.faces[head.faces >= 0]) == np.arange(len(head.positions))).all()


def test_faces_look_outwards_and_the_face_to_the_front(heads):
    head = heads["REFINED"]
    first, second, third = (head.positions[head.faces[:, corner]] for corner in range(3))
    normals, middles = np.cross(second - first, third - first), (first + second + third) / 3.0
    outwards = (normals * (middles - head.positions.mean(axis=0))).sum(axis=1) > 0.0
    assert outwards.mean() > 0.97
    nose, eyes = head.landmarks[1], head.landmarks[[33, 263]]
    assert nose[1] < eyes[:, 1].min()
    assert eyes[1, 0] > 0.02 and eyes[0, 0] < -0.02
    assert abs(eyes[0, 2] - eyes[1, 2]) < 0.004


def test_cameras_see_the_head_as_their_photos_do(heads, photos):
    head = heads["REFINED"]
    for camera in head.cameras:
        shown = (head.landmarks - camera.place) @ camera.rotation
        pixels = shown[:, :2] / -shown[:, 2:] * (1.0, -1.0) * camera.focal_px
        pixels += (camera.width / 2, camera.height / 2)
        wanted = photos[camera.photo].landmarks[:, :2] * SIZE
        assert np.median(np.linalg.norm(pixels - wanted, axis=1)) < 3.5


def test_poses_are_reported_as_they_were(heads):
    for report, yaw, pitch in zip(heads["REFINED"].photos, YAWS, PITCHES):
        assert report.pose[0] == pytest.approx(yaw, abs=2.0)
        assert report.pose[1] - heads["REFINED"].photos[2].pose[1] == pytest.approx(pitch, abs=1.0)


def test_what_no_photo_shows_is_marked_so(heads):
    head = heads["REFINED"]
    back = head.positions[:, 1] > np.quantile(head.positions[:, 1], 0.9)
    front = head.positions[:, 1] < np.quantile(head.positions[:, 1], 0.1)
    assert head.seen[back].max() < 0.05
    assert head.seen[front].mean() > 0.9
    assert head.views[front].mean() > 2.0


def test_point_cloud_is_better_aligned_after_than_before(heads):
    head = heads["REFINED"]

    def apart(cloud) -> float:
        one, other = (cloud.positions[cloud.photo == photo] for photo in (1, 3))
        return float(np.median(cKDTree(other).query(one)[0]))

    assert apart(head.after) < apart(head.before)
    assert len(head.after.positions) == len(head.after.colours) == len(head.after.normals)


def test_a_darker_photo_leaves_no_edge(anna, photos, heads):
    dark = turned(anna, YAWS[3], PITCHES[3], light=0.6)
    lit = texture_of(heads["REFINED"])
    mixed = texture_of(fuse([*photos[:3], dark, photos[4]], OPTIONS, quiet))
    ratio = (cv2.blur(mixed, (25, 25)) + 1.0) / (cv2.blur(lit, (25, 25)) + 1.0)
    face = np.s_[60:200, 170:340]
    assert ratio[face].std() < 0.06


def texture_of(head: FusedHead) -> np.ndarray:
    data = np.frombuffer(head.texture, np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.float32)


def test_somebody_else_is_left_out(photos, boris):
    head = fuse([*photos[1:4], turned(boris, 10, name="boris.png")], QUICK, quiet)
    assert [report.used for report in head.photos] == [True, True, True, False]
    assert "does not match the others'" in head.photos[3].reason
    assert {camera.photo for camera in head.cameras} == {0, 1, 2}


def test_somebody_else_is_used_if_asked_for(photos, boris):
    options = replace(QUICK, keep_all=True)
    head = fuse([*photos[1:4], turned(boris, 10)], options, quiet)
    assert all(report.used for report in head.photos)


def test_two_people_are_no_head(photos, boris):
    with pytest.raises(FusionError, match="boris.png do not match"):
        fuse([photos[2], turned(boris, 10, name="boris.png")], QUICK, quiet)


def test_the_same_picture_counts_once(photos):
    copy = replace(photos[1], info={**photos[1].info, "digest": "other", "photo": "copy.png"})
    head = fuse([*photos[:3], copy], QUICK, quiet)
    assert [report.used for report in head.photos] == [True, True, True, False]
    assert head.photos[3].reason == "It is the same picture as yaw-15.png."


def test_a_mirror_image_counts_once(photos):
    front = photos[2]
    flipped = replace(
        front, rgb=np.ascontiguousarray(front.rgb[:, ::-1]),
        depth=np.ascontiguousarray(front.depth[:, ::-1]), subject=front.subject[:, ::-1],
        info={**front.info, "digest": "flipped", "photo": "flipped.png"},
    )
    head = fuse([*photos[:3], flipped], QUICK, quiet)
    assert head.photos[3].reason == "It is the mirror image of yaw+0.png."


def test_a_blurred_photo_does_no_harm(photos, heads, anna):
    blurred = cv2.GaussianBlur(photos[3].rgb, (0, 0), 4.0)
    soft = replace(
        photos[3], rgb=blurred, pictures=replace(photos[3].pictures, photo=jpeg(blurred))
    )
    head = fuse([*photos[:3], soft, photos[4]], OPTIONS, quiet)
    assert head.photos[3].sharpness < 0.5
    assert "blurred" in head.photos[3].note + head.photos[3].reason
    clean = face_error(dense(heads["REFINED"]), heads["REFINED"].landmarks, anna)
    assert face_error(dense(head), head.landmarks, anna) < clean + 0.2


def test_one_photo_is_not_enough(photos):
    with pytest.raises(FusionError, match="At least two photos of one head are needed"):
        fuse(photos[:1], QUICK, quiet)


def test_too_many_photos_are_refused(photos):
    with pytest.raises(FusionError, match=f"choose the best {MOST_PHOTOS}"):
        fuse([photos[0]] * (MOST_PHOTOS + 1), QUICK, quiet)


def test_it_can_be_cancelled(photos):
    def stop(_label: str, fraction: float) -> None:
        if fraction > 0.5:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        fuse(photos[:2], QUICK, stop)


def test_progress_never_goes_back(photos):
    told = []
    fuse(photos[1:3], QUICK, lambda label, fraction: told.append((label, fraction)))
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert all(label for label, _ in told)


def test_a_photo_whose_place_has_run_off_is_a_sentence():
    """As with depth of a model that does not see the face."""
    views = [View.of(turned(person(1), yaw)) for yaw in (0.0, 25.0)]
    first, second = rough_fits(views, 0)
    lost = replace(second, translation=np.full(3, np.nan))
    with pytest.raises(FusionError, match="choose another model or other photos"):
        align_surfaces(views, [first, lost], 0)
