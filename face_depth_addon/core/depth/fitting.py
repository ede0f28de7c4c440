# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth that is known up to a scale and a shift, fitted to a face's landmarks."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..interpolation import sample

Affine = Literal["disparity", "depth"]

_ROUNDS = 6
# Along the outline a landmark may lie beside the face, in sides of the map.
_RIM = 0.025
# In medians: landmarks off the line by more are beside the place that they mean.
_STRAY = 5.0
# Inverse distances in those of the eyes: nothing is behind the camera, or so far off that it is
# no part of a person.
_INVERSE = 0.5, 10.0


@dataclass(frozen=True, eq=False)
class Marks:
    """A face's landmarks over a map.

    Attributes
    ----------
    points : ndarray, (n, 2) float
        Continuous pixels of the map.
    depth : ndarray, (n,) float
        Photo pixels, nearer is larger.
    eyes : float
        Depth of the eyes.
    distance : float
        From the camera to the eyes, in photo pixels.
    """

    points: np.ndarray
    depth: np.ndarray
    eyes: float
    distance: float


@dataclass(frozen=True, eq=False)
class Fit:
    """A map in photo pixels.

    Attributes
    ----------
    depth : ndarray, (H, W) float32
        Nearer is larger, NaN where unknown.
    agreement : float
        Correlation of the map with the landmarks' depth, -1 to 1; 0 if the map is flat.
    counted : int
        How many landmarks the map knows, 0 for fewer than three.
    """

    depth: np.ndarray
    agreement: float
    counted: int


def fit_to_marks(values: np.ndarray, inside: np.ndarray, kind: Affine, marks: Marks) -> Fit:
    """Scale and shift a map so that a face has its landmarks' relief.

    Disparity is so changed that 1 / distance fits: with v its value, distance = 1 / (A + B v),
    and A and B follow from the landmarks and the camera's distance. The scale is the ratio of
    the spreads (reduced major axis), not least squares, which would flatten the face by as much
    as the landmarks disagree with it. Landmarks that stray do not count.

    Parameters
    ----------
    values : ndarray, (H, W) float32
        Nearer is larger, NaN where unknown.
    inside : ndarray, (H, W) bool
        Where the face's values are; all are changed alike.
    kind : {"disparity", "depth"}
        Linear in 1 / distance, or in distance.
    marks : Marks

    Returns
    -------
    Fit
        All NaN if the map knows fewer than three landmarks.
    """
    rim = 2 * round(_RIM * len(values)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim))
    sure = cv2.erode(inside.astype(np.uint8), disc, borderValue=0) > 0
    at = sample(np.where(sure, values, np.float32(np.nan)), marks.points)
    known = np.isfinite(at)
    if known.sum() < 3:
        return Fit(np.full(values.shape, np.nan, np.float32), 0.0, 0)
    target = marks.depth - marks.eyes
    if kind == "disparity":
        target = marks.distance / (marks.distance - target)
    scale, shift = _line(at[known], target[known])
    for _ in range(_ROUNDS):
        off = np.abs(scale * at + shift - target)
        kept = known & (off <= max(_STRAY * np.median(off[known]), 1e-12))
        scale, shift = _line(at[kept], target[kept])
    depth = _relief(scale * values + shift, kind, marks) + np.float32(marks.eyes)
    agreement = 0.0
    if np.ptp(at[known]) > 0.0:
        agreement = float(np.corrcoef(at[known], marks.depth[known])[0, 1])
    return Fit(depth.astype(np.float32), agreement, int(known.sum()))


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and shift that give ``x`` the middle and the spread of ``y``."""
    spread = x.std()
    scale = y.std() / spread if spread > 0.0 else 0.0
    return float(scale), float(y.mean() - scale * x.mean())


def _relief(fitted: np.ndarray, kind: Affine, marks: Marks) -> np.ndarray:
    """Depth from the eyes on, in photo pixels, of what `_line` has scaled."""
    if kind == "depth":
        return fitted
    return marks.distance * (1.0 - 1.0 / np.clip(fitted, *_INVERSE))
