# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of depth as pure functions of arrays.

Row 0 is the top. "Nearness" grows towards the camera, "distance" is that from the camera's plane.
A place a function is not told to look at may be NaN.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter

from face_depth_addon.core.crop import Crop
from face_depth_addon.core.sampling import cut

NORMAL_LIMITS = (11.25, 22.5, 30.0)
BOUNDARY_THRESHOLDS = tuple(step / 100 for step in range(1, 9))

_SMOOTHING = 2.0
_CORE = 8
# What the blur and the erosion reach beyond a mask, and a pixel more.
_REACH = max(round(4 * _SMOOTHING), _CORE) + 1

_CANONICAL_SIZE = 64
_CANONICAL_MARGIN = 1.05
_CANONICAL_WIDTH = 2.0 * float(np.tan(np.radians(10.0 / 2)))
_OVERSAMPLING = 4
_WHOLE = 0.99


def affine_fit(prediction: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Return the scale and shift that take a prediction nearest to the truth by least squares.

    As in Marigold's ``src/util/alignment.py`` (Ke et al., CVPR 2024).

    Parameters
    ----------
    prediction, truth : ndarray, (n,) float
        In any units.

    Returns
    -------
    tuple of float
        ``scale * prediction + shift`` is in the truth's unit. A constant prediction gets scale 0.
    """
    prediction, truth = np.asarray(prediction, float), np.asarray(truth, float)
    centred = prediction - prediction.mean()
    spread = float(centred @ centred)
    flat = spread <= 1e-12 * len(prediction) * max(1.0, float(np.abs(prediction).max())) ** 2
    scale = 0.0 if flat else float(centred @ (truth - truth.mean())) / spread
    return scale, float(truth.mean() - scale * prediction.mean())


def mean_absolute_error(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean of \\|prediction - truth\\| of two (n,) arrays, in their unit."""
    return float(np.abs(prediction - truth).mean())


def root_mean_square_error(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return the root of the mean squared difference of two (n,) arrays, in their unit."""
    return float(np.sqrt(np.square(prediction - truth).mean()))


def relative_error(prediction: np.ndarray, distance: np.ndarray) -> float:
    """Return AbsRel: the mean of \\|prediction - distance\\| / distance, of (n,) distances.

    As in Eigen, Puhrsch and Fergus (NIPS 2014).
    """
    return float((np.abs(prediction - distance) / distance).mean())


def share_within(prediction: np.ndarray, distance: np.ndarray, factor: float = 1.25) -> float:
    """Return delta1: the share, 0 to 1, of (n,) distances right to less than a factor.

    As in Eigen, Puhrsch and Fergus (NIPS 2014).
    """
    ratio = np.maximum(prediction / distance, distance / np.maximum(prediction, 1e-9))
    return float((ratio < factor).mean())


def mask_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection of two (H, W) bool masks over their union; 1 if both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


# Normals at the picture's size


def normal_errors(
    prediction: np.ndarray, predicted: np.ndarray, truth: np.ndarray, face: np.ndarray, pitch: float
) -> np.ndarray:
    """Return the angles between the normals of two surfaces seen in weak perspective.

    Both are blurred by a Gaussian of 2 pixels first, and the outermost 8 pixels of the mask, where
    the blur takes in what is outside, do not count.

    Parameters
    ----------
    prediction, truth : ndarray, (H, W) float
        Nearness in mm.
    predicted, face : ndarray, (H, W) bool
        Where they are known; the former lies within the latter.
    pitch : float
        Size of a pixel at the face, in mm.

    Returns
    -------
    ndarray, (n,) float64
        Degrees; empty if nothing is left of the mask.
    """
    window = _window(face, _REACH)
    core = binary_erosion(predicted[window], iterations=_CORE)
    a = _normals(truth[window], face[window], pitch)
    b = _normals(prediction[window], predicted[window], pitch)
    return _angles(a, b)[core]


def _window(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Slices of the mask's box with a margin, as far as the picture has it."""
    lines = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return tuple(slice(max(0, at[0] - margin), at[-1] + 1 + margin) for at in lines)


def _normals(nearness: np.ndarray, known: np.ndarray, pitch: float) -> np.ndarray:
    nearness = np.asarray(nearness, float)
    filled = np.where(known, nearness, np.median(nearness[known]))
    down, right = np.gradient(gaussian_filter(filled, _SMOOTHING), pitch)
    return _normalised(np.stack([-right, -down, np.ones_like(right)], axis=-1))


def _normalised(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=-1), -1.0, 1.0)))


# UnSup3D's protocol


@dataclass(frozen=True)
class CanonicalPair:
    """Two depth maps as UnSup3D's camera sees them.

    Attributes
    ----------
    prediction, truth : ndarray, (64, 64) float64
        Distance in units of the mean distance; 1 where nothing is known.
    mask : ndarray, (64, 64) bool
        Where both are known, and their eight neighbours.
    """

    prediction: np.ndarray
    truth: np.ndarray
    mask: np.ndarray


def canonical_pair(
    prediction: np.ndarray, predicted: np.ndarray, truth: np.ndarray, face: np.ndarray
) -> CanonicalPair:
    """Put relief into the canonical camera of UnSup3D (Wu, Rupprecht and Vedaldi, CVPR 2020).

    The square box around the face, 1.05 times as large, becomes 64 pixels, each the mean of what it
    covers. The camera's field of view is 10 degrees, so that at the mean distance 1 the square is
    2 tan 5 degrees wide, and relief is in proportion.

    Parameters
    ----------
    prediction, truth : ndarray, (H, W) float
        Nearness in pixels, from any zero.
    predicted, face : ndarray, (H, W) bool
        Where they are known; the former lies within the latter.
    """
    crop = _square_box(face)
    (a, a_known), (b, b_known) = (
        _shrink(np.asarray(nearness, np.float32), known, crop)
        for nearness, known in ((prediction, predicted), (truth, face))
    )
    both = a_known & b_known
    mask = binary_erosion(both, np.ones((3, 3)))

    def distance(nearness: np.ndarray) -> np.ndarray:
        middle = nearness[mask].mean() if mask.any() else 0.0
        away = 1.0 - (nearness - middle) / crop.side * _CANONICAL_WIDTH
        return np.where(both, away, 1.0)

    return CanonicalPair(distance(a), distance(b), mask)


def _square_box(mask: np.ndarray) -> Crop:
    box = _window(mask, 0)
    y, x = ((lines.start + lines.stop) / 2 for lines in box)
    side = max(lines.stop - lines.start for lines in box)
    return Crop(float(x), float(y), float(side) * _CANONICAL_MARGIN)


def _shrink(values: np.ndarray, known: np.ndarray, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
    """The known values' means over the canonical pixels, and which of these are wholly known."""
    total, weight = (
        cv2.resize(
            cut(image, crop, _CANONICAL_SIZE * _OVERSAMPLING, cv2.BORDER_CONSTANT),
            (_CANONICAL_SIZE, _CANONICAL_SIZE), interpolation=cv2.INTER_AREA,
        ).astype(float)
        for image in (np.where(known, values, np.float32(0)), known.astype(np.float32))
    )  # fmt: skip
    return total / np.maximum(weight, 1e-6), weight > _WHOLE


def scale_invariant_error(pair: CanonicalPair) -> float:
    """Return SIDE x 100: the standard deviation of the logarithms' difference, times 100.

    As in UnSup3D's ``utils.py`` and ``model.py``, after Eigen et al. NaN if nothing is known.
    """
    if not pair.mask.any():
        return float("nan")
    difference = np.log(pair.prediction[pair.mask]) - np.log(pair.truth[pair.mask])
    return 100.0 * float(difference.std())


def mean_angle_deviation(pair: CanonicalPair) -> float:
    """Return MAD: the mean angle between the normals, in degrees.

    The normals are those of the unprojected points' central differences, as in UnSup3D's
    ``renderer/renderer.py``. NaN if nothing is known.
    """
    if not pair.mask.any():
        return float("nan")
    angles = _angles(_unprojected_normals(pair.prediction), _unprojected_normals(pair.truth))
    return float(angles[pair.mask].mean())


def _unprojected_normals(distance: np.ndarray) -> np.ndarray:
    """Normals of (s, s) distances in the canonical camera; those at the border are not used."""
    size = len(distance)
    at = (np.arange(size) + 0.5 - size / 2) * _CANONICAL_WIDTH / size
    points = np.stack(np.broadcast_arrays(at, at[:, None], 1.0), axis=-1) * distance[..., None]
    right = np.roll(points, -1, axis=1) - np.roll(points, 1, axis=1)
    down = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    return _normalised(np.cross(right, down))


# Boundaries


def boundary_f1(prediction: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return how well depth edges agree, as in MoGe's ``moge/test/metrics.py`` at radius 1.

    At a threshold t there is an edge from a pixel to one of its four neighbours if that is more
    than 1 + t times as far. The F1 scores at t = 0.01, 0.02 ... 0.08 are averaged with weight t;
    MoGe's own thresholds are made for scenes. One at which neither side has an edge is left out.

    Parameters
    ----------
    prediction, truth : ndarray, (H, W) float
        Distances in the same unit.
    mask : ndarray, (H, W) bool
        Where both are known.

    Returns
    -------
    float
        0 to 1; NaN if neither has an edge at any threshold.
    """
    a, b = (_steps(distance, mask) for distance in (prediction, truth))
    total = weights = 0.0
    for threshold in BOUNDARY_THRESHOLDS:
        least = np.log1p(threshold)
        in_a, in_b = np.abs(a) > least, np.abs(b) > least
        edges = np.count_nonzero(in_a) + np.count_nonzero(in_b)
        if edges:
            shared = np.count_nonzero(in_a & in_b & (np.sign(a) == np.sign(b)))
            total += threshold * 2.0 * shared / edges
            weights += threshold
    return total / weights if weights else float("nan")


def _steps(distance: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Logarithms of the ratios of distances of neighbours that both lie in the mask, (n,)."""
    logarithm = np.log(np.where(mask, np.maximum(distance, 1e-6), 1.0))
    across = np.diff(logarithm, axis=1)[mask[:, 1:] & mask[:, :-1]]
    down = np.diff(logarithm, axis=0)[mask[1:] & mask[:-1]]
    return np.concatenate([across, down])
