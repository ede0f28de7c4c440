# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks without OpenCV do as OpenCV does."""

import cv2
import numpy as np
import pytest

from face_depth_addon.core.masks import big_pieces, grown, hull_mask, label_pieces, opened


def blobs(seed: int, shape=(90, 140)) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 1.0 + seed) > 0.0


@pytest.mark.parametrize("seed", range(4))
def test_pieces_are_opencvs(seed):
    mask = blobs(seed)
    flat = mask.astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    mine = label_pieces(mask)
    assert mine.max() == count - 1 and (mine > 0).tolist() == mask.tolist()
    assert len(np.unique(np.column_stack([mine[mask], labels[mask]]), axis=0)) == count - 1
    sizes = stats[1:, cv2.CC_STAT_AREA]
    assert big_pieces(mask).sum() == sizes.max()
    assert big_pieces(mask, 0.1).sum() == sizes[sizes >= 0.1 * sizes.max()].sum()


def test_nothing_and_everything_have_no_pieces_and_one():
    assert label_pieces(np.zeros((5, 7), bool)).max() == 0
    assert not big_pieces(np.zeros((5, 7), bool)).any()
    assert (label_pieces(np.ones((5, 7), bool)) == 1).all()


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_growing_and_opening_are_by_a_disc(radius):
    mask = blobs(2)
    steps = np.arange(-radius, radius + 1)
    disc = (steps[:, None] ** 2 + steps**2 <= radius**2).astype(np.uint8)
    flat = mask.astype(np.uint8)
    np.testing.assert_array_equal(grown(mask, radius), cv2.dilate(flat, disc) > 0)
    np.testing.assert_array_equal(
        opened(mask, radius), cv2.morphologyEx(flat, cv2.MORPH_OPEN, disc) > 0
    )


@pytest.mark.parametrize("seed", range(3))
def test_hull_holds_what_lies_on_the_inner_side_of_all_its_edges(seed):
    points = np.random.default_rng(seed).uniform((5, 5), (95, 65), (60, 2))
    mask = hull_mask(points, (70, 100))
    hull = cv2.convexHull(points.astype(np.float32))
    rows, columns = np.indices(mask.shape) + 0.5
    inside = [
        cv2.pointPolygonTest(hull, (float(x), float(y)), False) >= 0
        for x, y in zip(columns.ravel(), rows.ravel(), strict=True)
    ]
    assert (mask.ravel() != inside).sum() <= 2
    assert mask.sum() > 1000
