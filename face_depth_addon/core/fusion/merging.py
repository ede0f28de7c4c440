# SPDX-License-Identifier: GPL-3.0-or-later
"""One surface of all photos, with what none of them shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..head.chart import HeadChart
from ..head.mirror_blend import blend_with_mirror, blur, carry
from ..head.symmetry import mirror_plane
from ..head.visibility import smoothstep
from .alignment import mean_landmarks
from .layers import Layer, combine, layer_of, single_photo, unwrapped, wrapped
from .usual_head import UsualHead, filled_round, usual_head
from .view import Fit, Surface, View

# Weight from which on a ray is known, and metres over which the template gives way to photos.
_KNOWN, _SEAM, _CARRY = 0.15, 0.014, 0.014
# Metres: how far a neck may differ from the template's, and over which it comes to be as that.
_NECK, _FADE = 0.006, 0.04
# Where the neck ends: at this height in sizes, and so many metres below the chin at least.
_COLLAR, _BELOW_CHIN = -0.72, 0.02
_CHIN = 152
# Metres up to which a gap is bridged.
_GAP = 0.012
# Elevation from which on rows count as near the crown, and the order of the fastest fading there.
_CROWN, _ORDER = np.radians(58.0), 6


@dataclass(frozen=True, eq=False)
class MergedHead:
    """The fused surface on its chart.

    Attributes
    ----------
    chart : HeadChart
    radius : ndarray, (H, W) float32
        Metres, everywhere.
    there : ndarray, (H, W) bool
        Where the head is; it ends at the neck.
    layers : list of Layer
        One for each photo.
    single : ndarray, (V, H, W) float32
        As of `layers.single_photo`.
    seen : ndarray, (H, W) float32
        How far photos show the ray, 0 to 1.
    scalp : ndarray, (H, W) bool
        What hair may cover.
    landmarks : ndarray, (468, 3) float64
    cut : float
        Height over the chart's origin at which the neck ends, level all round, in metres.
    """

    chart: HeadChart
    radius: np.ndarray
    there: np.ndarray
    layers: list[Layer]
    single: np.ndarray
    seen: np.ndarray
    scalp: np.ndarray
    landmarks: np.ndarray
    cut: float


def upright(views: list[View], fits: list[Fit]) -> tuple[list[Fit], np.ndarray]:
    """Turn the head's frame so that the face looks to -Y and stands upright.

    Returns
    -------
    fits : list of Fit
    landmarks : ndarray, (468, 3) float64
        The origin lies in the middle of the head.
    """
    landmarks = mean_landmarks(views, fits)
    chart = HeadChart.of_head(mirror_plane(landmarks), landmarks, 0.002)
    left, forward, up = chart.axes
    rotation = np.stack([left, -forward, up])
    shift = -rotation @ chart.origin
    return [fit.then(rotation, 1.0, shift) for fit in fits], landmarks @ rotation.T + shift


def merge(
    views: list[View], fits: list[Fit], reference: int, landmarks: np.ndarray, rows: int,
    worth: Sequence[float],
) -> MergedHead:
    """Merge the photos' surfaces.

    Parameters
    ----------
    views, fits : list
        Upright, see `upright`.
    reference : int
        The photo whose eyes and mouth are preferred, and onto which the template is laid.
    landmarks : ndarray, (468, 3)
    rows : int
        Of the chart.
    worth : sequence of float
        Factor on each photo's weight.
    """
    chart = HeadChart.all_round(mirror_plane(landmarks), landmarks, rows)
    usual = usual_head(chart, views[reference], fits[reference], landmarks)
    surfaces = [Surface.of(view, fit) for view, fit in zip(views, fits)]
    layers = [
        layer_of(chart, surface, usual.radius, factor) for surface, factor in zip(surfaces, worth)
    ]
    weights = np.stack([layer.weight for layer in layers])
    single = single_photo(chart, landmarks, weights, reference)
    fused, total = _patched(
        chart, combine(layers, single, chart.spacing), weights.sum(axis=0)
    )
    radius, seen = _completed(chart, fused, total, usual)
    radius = _calm_crown(chart, radius)
    cut = _neck_end(chart, landmarks[_CHIN])
    there = np.logical_and.accumulate(chart.heights(chart.points(radius)) > cut, axis=0)
    return MergedHead(
        chart, radius, there, layers, single, seen, usual.scalp, landmarks, cut
    )


def _patched(
    chart: HeadChart, fused: np.ndarray, total: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bridge narrow gaps between what photos show: nostrils, corners of the mouth."""
    width = 2 * int(_GAP / chart.spacing / 2.0) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    known = wrapped((total > 0.0).astype(np.uint8), width)
    closed = cv2.morphologyEx(known, cv2.MORPH_CLOSE, disc)[:, width:-width] > 0
    gap = closed & (total <= 0.0)
    bridged = np.where(gap, filled_round(fused, total > 0.0), fused)
    return bridged, np.where(gap, _KNOWN, total)


def _completed(
    chart: HeadChart, fused: np.ndarray, total: np.ndarray, template: UsualHead
) -> tuple[np.ndarray, np.ndarray]:
    """Radii everywhere, and how far photos show them."""
    width = chart.shape[1] // 4
    fused, total, usual, scalp = (
        wrapped(values, width) for values in (fused, total, template.radius, template.scalp)
    )
    weight = np.where(total > 0.0, np.clip(total / _KNOWN, 1e-6, 1.0), 0.0).astype(np.float32)
    seen, blended, _ = blend_with_mirror(fused[..., None], weight, chart.spacing)
    known = np.maximum(weight, weight[:, ::-1])
    sure = smoothstep(blur(known, _SEAM / chart.spacing) * 2.0 - 1.0) * (known > 0.0)
    difference = np.where(known > 0.0, blended[..., 0] - usual, 0.0)
    away = cv2.distanceTransform((known <= 0.0).astype(np.uint8), cv2.DIST_L2, 5) * chart.spacing
    # Hair is as thick behind as it is at the sides, but a neck does not widen as hair does.
    skin = np.clip(_carried(chart, difference, sure * known * ~scalp), -_NECK, _NECK)
    skin *= np.exp(-away / _FADE)
    hair = _carried(chart, difference, sure * known * scalp)
    share = blur(scalp.astype(np.float32), _SEAM / chart.spacing)
    moved = usual + skin + share * (hair - skin)
    radius = sure * blended[..., 0] + (1.0 - sure) * moved
    shown = unwrapped(seen * smoothstep(weight), width)
    return unwrapped(radius.astype(np.float32), width), shown


def _carried(chart: HeadChart, difference: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A difference continued from where it has weight; 0 if it has none anywhere."""
    if not weight.any():
        return np.zeros_like(difference)
    return carry(difference, weight, _CARRY / chart.spacing)


def _calm_crown(chart: HeadChart, radius: np.ndarray) -> np.ndarray:
    """Take from the rows near the crown what a smooth surface does not have there.

    Its harmonic of order m fades towards the pole as the m-th power of the rows' length.
    """
    harmonics = np.fft.rfft(radius, axis=1)
    order = np.arange(harmonics.shape[1])
    length = np.minimum(np.cos(chart.elevations) / np.cos(_CROWN), 1.0)
    harmonics *= np.maximum(length, 1e-6)[:, None] ** np.minimum(order, _ORDER)
    return np.fft.irfft(harmonics, chart.shape[1], axis=1).astype(np.float32)


def _neck_end(chart: HeadChart, chin: np.ndarray) -> float:
    """The height at which a neck ends, over the chart's origin: as usual, and below the chin."""
    return min(_COLLAR * chart.size, float(chart.axes[2] @ (chin - chart.origin)) - _BELOW_CHIN)
