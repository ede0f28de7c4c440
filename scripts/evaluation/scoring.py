# SPDX-License-Identifier: GPL-3.0-or-later
"""All measures of one prediction, and what they are called."""

from dataclasses import dataclass

import numpy as np

from . import metrics
from .truth import Truth

LEAST_COVER = 0.5


@dataclass(frozen=True)
class Metric:
    """A column of the tables."""

    key: str
    title: str
    decimals: int = 2


MAIN = (
    Metric("mae", "MAE, mm"),
    Metric("rmse", "RMSE, mm"),
    Metric("mae_shift", "MAE, shift alone"),
    Metric("rmse_shift", "RMSE, shift alone"),
    Metric("normal_mean", "normals, degrees", 1),
    Metric("side", "SIDE x100", 3),
    Metric("mad", "MAD, degrees", 1),
    Metric("mask_iou", "mask IoU", 3),
)
FURTHER = (
    Metric("normal_median", "normals, median", 1),
    Metric("normal_11", "below 11.25", 3),
    Metric("normal_22", "below 22.5", 3),
    Metric("normal_30", "below 30", 3),
    Metric("abs_rel", "AbsRel", 4),
    Metric("delta1", "delta1", 3),
    Metric("boundary_f1", "edges F1", 3),
    Metric("subject_mae", "subject MAE"),
    Metric("subject_rmse", "subject RMSE"),
    Metric("subject_mae_shift", "MAE, shift alone"),
    Metric("subject_rmse_shift", "RMSE, shift alone"),
    Metric("scale", "fitted scale"),
    Metric("cover", "cover", 3),
)


def score(depth: np.ndarray, truth: Truth, own_mask: bool) -> dict[str, float] | None:
    """Return all measures of a prediction.

    Parameters
    ----------
    depth : ndarray, (H, W) float
        Nearness in pixels of the photo, from any zero; NaN where there is none.
    truth : Truth
    own_mask : bool
        Whether the prediction found the subject itself, so that its mask can be judged.

    Returns
    -------
    dict or None
        By `Metric.key`; None if depth is given for less than half of the face.
    """
    face, distance = truth.face, truth.distance
    known = np.isfinite(depth)
    seen = face & known
    cover = np.count_nonzero(seen) / np.count_nonzero(face)
    if cover < LEAST_COVER:
        return None
    middle = float(np.median(distance[face]))
    pitch = middle / truth.focal_px
    depth = np.where(known, depth, np.nan).astype(float)
    scale, shift = metrics.affine_fit(depth[seen], -distance[seen])
    fitted = scale * depth + shift
    moved = depth * pitch
    moved -= np.median((moved + distance)[seen])
    subject = truth.subject & known
    angles = metrics.normal_errors(fitted, seen, -distance, face, pitch)
    pair = metrics.canonical_pair(depth, seen, truth.relief, face)
    return {
        **_errors("", fitted, moved, distance, seen),
        **_errors("subject_", fitted, moved, distance, subject),
        "abs_rel": metrics.relative_error(-fitted[seen], distance[seen]),
        "delta1": metrics.share_within(-fitted[seen], distance[seen]),
        "side": metrics.scale_invariant_error(pair),
        "mad": metrics.mean_angle_deviation(pair),
        **_normals(angles),
        "boundary_f1": metrics.boundary_f1(-fitted, distance, subject),
        "mask_iou": (
            metrics.mask_iou(known & truth.surroundings, truth.subject)
            if own_mask else float("nan")
        ),
        "scale": scale / pitch,
        "cover": cover,
    }  # fmt: skip


def fitted_nearness(depth: np.ndarray, truth: Truth) -> np.ndarray:
    """Return a prediction after scale and shift on the face: (H, W) float64, minus mm."""
    seen = truth.face & np.isfinite(depth)
    scale, shift = metrics.affine_fit(depth[seen], -truth.distance[seen])
    return scale * depth.astype(float) + shift


def _errors(
    prefix: str, fitted: np.ndarray, moved: np.ndarray, distance: np.ndarray, mask: np.ndarray
) -> dict[str, float]:
    nearness = -distance[mask].astype(float)
    return {
        f"{prefix}{name}{ending}": measure(values[mask], nearness)
        for ending, values in (("", fitted), ("_shift", moved))
        for name, measure in (
            ("mae", metrics.mean_absolute_error), ("rmse", metrics.root_mean_square_error),
        )
    }  # fmt: skip


def _normals(angles: np.ndarray) -> dict[str, float]:
    keys = ("normal_11", "normal_22", "normal_30")
    if not len(angles):
        return dict.fromkeys(("normal_mean", "normal_median", *keys), float("nan"))
    shares = (float((angles < limit).mean()) for limit in metrics.NORMAL_LIMITS)
    return {
        "normal_mean": float(angles.mean()), "normal_median": float(np.median(angles)),
        **dict(zip(keys, shares, strict=True)),
    }  # fmt: skip
