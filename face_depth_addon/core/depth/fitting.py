# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth that is known up to a scale and a shift, fitted to a face's landmarks."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..interpolation import sample

Affine = Literal["disparity", "depth"]

# Fewer landmarks say nothing.
_FEWEST = 12
_ROUNDS = 8
# Along the outline a landmark may lie beside the face, in sides of the map.
_RIM = 0.01
# In medians: landmarks that are off by more lie beside the place that they mean.
_STRAY = 3.5
# Inverse distances in those of the eyes: nothing is behind the camera, or so far off that it is
# no part of a person.
_INVERSE = 0.5, 10.0
# Below this share of the values, differences are those of their last digit.
_FLAT = 1e-7


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
        Correlation of what stands out of the face's plane in the map and in the landmarks that
        count, -1 to 1; 0 if the map is flat.
    counted : int
        How many landmarks the map knows, 0 for too few.
    """

    depth: np.ndarray
    agreement: float
    counted: int


def fit_to_marks(values: np.ndarray, inside: np.ndarray, kind: Affine, marks: Marks) -> Fit:
    """Scale and shift a map so that a face has its landmarks' relief.

    Disparity is so changed that 1 / distance fits: with v its value, distance = 1 / (A + B v),
    and A and B follow from the landmarks and the camera's distance. What counts is how far
    places stand out of the face's own plane, since landmarks misjudge how far a face is turned.
    The scale is the ratio of these heights' spreads (reduced major axis), not least squares,
    which would flatten the face by as much as the landmarks disagree with it. Landmarks that
    stray do not count.

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
        All NaN if the map knows too few landmarks.
    """
    rim = 2 * round(_RIM * len(values)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim))
    sure = cv2.erode(inside.astype(np.uint8), disc, borderValue=0) > 0
    at = sample(np.where(sure, values, np.float32(np.nan)), marks.points).astype(float)
    known = np.isfinite(at)
    if known.sum() < _FEWEST:
        return Fit(np.full(values.shape, np.nan, np.float32), 0.0, 0)
    target = marks.depth - marks.eyes
    if kind == "disparity":
        target = marks.distance / (marks.distance - target)
    plane = np.column_stack([np.ones(len(at)), marks.points])
    kept = known
    for _ in range(_ROUNDS):
        own, wanted = _heights(at, plane, kept), _heights(target, plane, kept)
        spread = own[kept].std()
        scale = wanted[kept].std() / spread if spread > _FLAT * np.abs(at[kept]).max() else 0.0
        off = np.abs(scale * own - wanted)
        kept = known & (off <= _STRAY * np.median(off[known]))
    shift = target[kept].mean() - scale * at[kept].mean()
    depth = _relief(scale * values + shift, kind, marks) + np.float32(marks.eyes)
    agreement = float(np.corrcoef(own[kept], wanted[kept])[0, 1]) if scale > 0.0 else 0.0
    return Fit(depth.astype(np.float32), agreement, int(known.sum()))


def _heights(values: np.ndarray, plane: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """How far (n,) values are above the plane through those that are kept."""
    through, *_ = np.linalg.lstsq(plane[kept], values[kept], rcond=None)
    return values - plane @ through


def _relief(fitted: np.ndarray, kind: Affine, marks: Marks) -> np.ndarray:
    """Depth from the eyes on, in photo pixels, of what `_line` has scaled."""
    if kind == "depth":
        return fitted
    return marks.distance * (1.0 - 1.0 / np.clip(fitted, *_INVERSE))
