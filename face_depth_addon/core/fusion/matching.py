# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds places that two photos show both, by optical flow over the known surface."""

import cv2
import numpy as np

from ..face.face_points import CHIN, LEFT_EYE, RIGHT_EYE
from ..interpolation import sample
from .alignment import Matches
from .view import SIZE, Surface

# Pixels: spacing of the matches, width of the neighbourhoods that are made equally bright, of those
# that are compared, and the longest way that is believed.
_STEP, _LEVEL, _PATCH, _LONGEST = 4, 4.0, 3.0, 22.0
# Metres by which a surface may lie behind what the other photo has there.
_BEHIND = 0.02
# Likeness from which on a place counts as found again, and contrast below which there is nothing.
_ALIKE, _CONTRAST = 0.55, 0.02
# Weight of hair and hats, whose depth is a guess, and how far beside the face they begin, in
# distances between the eyes.
_HAIR, _BESIDE = 0.15, 0.3
# Weights of what moves with an expression.
_LIPS, _LIDS, _JAW = 0.25, 0.5, 0.5
_MOUTH = (0, 17, 61, 291, 37, 267, 84, 314)


def match(first: int, second: int, surfaces: list[Surface]) -> Matches:
    """Match two photos.

    The second photo is drawn over the first one's surface as the first camera would see it; what
    differs in place between the two pictures is then small, and dense inverse search (Kroeger et
    al. 2016) finds it.
    """
    here, there = surfaces[first], surfaces[second]
    pixels = there.pixels(here.points.reshape(-1, 3)).reshape(SIZE, SIZE, 2).astype(np.float32)
    drawn = _drawn(there.view.grey, pixels)
    both = here.trust * _drawn(there.trust, pixels)
    gap = _drawn(there.nearness.astype(np.float32), pixels) - there.depth_of(here.points)
    both = both * (np.abs(gap) < _BEHIND)
    own, other = _levelled(here.view.grey), _levelled(drawn)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    flow = search.calc(_bytes(own), _bytes(other), None)
    grid = np.indices((SIZE, SIZE), np.float32)[::-1].transpose(1, 2, 0)
    found = cv2.remap(other, grid + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    met = cv2.remap(both, grid + flow, None, cv2.INTER_LINEAR)
    alike, contrast = _likeness(own, found), _contrast(here.view.grey)
    comparable = np.minimum(both, met) * (contrast > _CONTRAST)
    short = np.linalg.norm(flow, axis=2) < _LONGEST
    sure = comparable * short * np.clip((alike - _ALIKE) / (1.0 - _ALIKE), 0.0, 1.0)
    total = max(float(comparable.sum()), 1e-6)
    likeness = float((comparable * alike).sum() / total)
    shared = float((comparable * short * (alike > _ALIKE)).sum() / total)
    rows, columns = np.mgrid[_STEP // 2 : SIZE : _STEP, _STEP // 2 : SIZE : _STEP].reshape(2, -1)
    weight = sure[rows, columns] * _steadiness(here)[rows, columns]
    kept = weight > 0.02
    rows, columns = rows[kept], columns[kept]
    start = np.column_stack([columns, rows]) + 0.5
    landed = sample(pixels, start + flow[rows, columns])
    return Matches(
        first, second, start, landed.astype(float), weight[kept].astype(float), likeness, shared,
        total,
    )


def _drawn(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """An image (SIZE, SIZE) looked up at continuous pixels (SIZE, SIZE, 2)."""
    return cv2.remap(image, pixels - np.float32(0.5), None, cv2.INTER_LINEAR)


def _levelled(grey: np.ndarray) -> np.ndarray:
    """A picture without its shading: every neighbourhood has mean 0 and spread 1."""
    mean = cv2.GaussianBlur(grey, (0, 0), _LEVEL)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(grey**2, (0, 0), _LEVEL) - mean**2, 0.0))
    return (grey - mean) / (spread + np.float32(0.01))


def _bytes(levelled: np.ndarray) -> np.ndarray:
    return np.clip(128.0 + 45.0 * levelled, 0.0, 255.0).astype(np.uint8)


def _likeness(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Normalised cross-correlation of neighbourhoods."""
    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (0, 0), _PATCH)

    one, two = mean(own), mean(other)
    product = mean(own * other) - one * two
    spread = (mean(own**2) - one**2) * (mean(other**2) - two**2)
    return product / np.sqrt(np.maximum(spread, 1e-4))


def _contrast(grey: np.ndarray) -> np.ndarray:
    mean = cv2.GaussianBlur(grey, (0, 0), _PATCH)
    return np.sqrt(np.maximum(cv2.GaussianBlur(grey**2, (0, 0), _PATCH) - mean**2, 0.0))


def _steadiness(surface: Surface) -> np.ndarray:
    """(SIZE, SIZE) less where an expression moves the face."""
    marks = surface.view.found.landmarks[:, :2].astype(np.float64) * SIZE
    eyes = np.linalg.norm(marks[list(LEFT_EYE)].mean(axis=0) - marks[list(RIGHT_EYE)].mean(axis=0))
    steady = np.ones((SIZE, SIZE), np.float32)
    mouth = marks[list(_MOUTH)].mean(axis=0)
    below = (np.indices((SIZE, SIZE))[0] + 0.5 - mouth[1]) / max(marks[CHIN, 1] - mouth[1], 1.0)
    steady *= 1.0 - (1.0 - _JAW) * np.clip(below + 0.5, 0.0, 1.0)
    for points, radius, least in (
        (marks[list(_MOUTH)], 0.25, _LIPS), (marks[list(LEFT_EYE)], 0.08, _LIDS),
        (marks[list(RIGHT_EYE)], 0.08, _LIDS),
    ):
        spot = np.zeros((SIZE, SIZE), np.uint8)
        hull = cv2.convexHull(np.round(points).astype(np.int32))
        cv2.fillConvexPoly(spot, hull, 1)
        apart = cv2.distanceTransform(1 - spot, cv2.DIST_L2, 5)
        steady *= least + (1.0 - least) * np.clip(apart / (radius * eyes + 1.0), 0.0, 1.0)
    face = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(marks).astype(np.int32)), 1)
    beside = cv2.distanceTransform(1 - face, cv2.DIST_L2, 5) / (_BESIDE * eyes + 1.0)
    steady *= _HAIR + (1.0 - _HAIR) * np.clip(1.0 - beside, 0.0, 1.0)
    return steady.astype(np.float32)
