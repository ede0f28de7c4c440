# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a person becomes a mesh."""

import cv2
import numpy as np
import pytest
from made_faces import made_face

from face_depth_addon.core.face.face_points import CHIN, JAW, LEFT_EYE, OUTLINE, RIGHT_EYE
from face_depth_addon.core.face.regions import region_mask


def pieces(mask: np.ndarray) -> int:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] - 1


def pixel(mask: np.ndarray, x: float, y: float) -> bool:
    """The mask at a place in sides of the crop."""
    return bool(mask[int(y * len(mask)), int(x * len(mask))])


def test_face_is_within_the_outline_and_head_above_the_jaw():
    face = made_face()
    head = region_mask(face.subject, face.landmarks, "HEAD")
    only = region_mask(face.subject, face.landmarks, "FACE")
    bust = region_mask(face.subject, face.landmarks, "BUST")
    assert np.array_equal(bust, face.subject)
    assert (only <= head).all() and (head <= bust).all() and only.sum() < head.sum() < bust.sum()
    for x, y, in_face, in_head in (
        (0.5, 0.45, True, True), (0.5, 0.2, True, True), (0.5, 0.1, False, True),
        (0.23, 0.42, False, True), (0.5, 0.7, True, True), (0.5, 0.8, False, False),
        (0.3, 0.95, False, False),
    ):
        assert (pixel(only, x, y), pixel(head, x, y)) == (in_face, in_head), (x, y)
        assert pixel(bust, x, y)


@pytest.mark.parametrize("region", ["FACE", "HEAD"])
def test_parts_are_of_one_piece(region):
    face = made_face()
    subject = face.subject.copy()
    # Specks of matte beside the ear and over the hair, and one within the outline's corner.
    subject[10:14, 100:104] = subject[50:53, 120:124] = True
    subject[20:40, 60:63] = False
    subject[40:43, 44:84] = False
    assert pieces(region_mask(subject, face.landmarks, "BUST")) > 1
    part = region_mask(subject, face.landmarks, region)
    assert pieces(part) == 1 and part.sum() > 0.5 * region_mask(
        face.subject, face.landmarks, region
    ).sum()


def test_raised_shoulders_and_neck_are_no_part_of_the_head():
    face = made_face()
    rows, columns = (np.indices(face.subject.shape) + 0.5) / face.size
    shoulders = (np.abs(columns - 0.5) > 0.28) & (rows > 0.4)
    neck = (np.abs(columns - 0.5) < 0.3) & (rows > 0.5)
    head = region_mask(face.subject | shoulders | neck, face.landmarks, "HEAD")
    lobes = face.landmarks[[JAW[0], JAW[-1]], 1].mean()
    chin = face.landmarks[CHIN, 1]
    assert not head[int((chin + 0.05) * face.size):].any()
    beside = np.abs(columns - 0.5) > 0.3
    assert not (head & beside & (rows > lobes)).any()


def test_a_turned_nose_belongs_to_face_and_head_though_it_lies_beside_the_outline():
    face = made_face()
    landmarks = face.landmarks.copy()
    # As on a head turned to the picture's left: the outline's far side and the jaw's shift right.
    far = np.array(OUTLINE)[landmarks[list(OUTLINE), 0] < 0.5]
    landmarks[far, 0] = 0.42
    landmarks[[4, 5, 195], 0] = 0.3
    landmarks[[4, 5, 195], 1] = 0.6
    for region in ("FACE", "HEAD"):
        assert pixel(region_mask(face.subject, landmarks, region), 0.31, 0.6)


def test_without_a_face_the_subject_stays_whole():
    face = made_face()
    for region in ("FACE", "HEAD", "BUST"):
        assert np.array_equal(region_mask(face.subject, None, region), face.subject)
    assert {*RIGHT_EYE, *LEFT_EYE}.isdisjoint(OUTLINE)
