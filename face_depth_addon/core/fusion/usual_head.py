# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head is like where no photo shows it: the template, fitted to one photo, on the chart."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..filters import fill_outside
from ..head.chart import HeadChart, rasterise
from ..head.mirror_blend import blur
from ..head.template import OUTER_END, load_template
from ..head.wrap_model import fit_model, similarity
from ..head.wrap_target import Target, landmark_points
from ..relief.shaping import Shape
from .layers import unwrapped, wrapped
from .view import Fit, View

# Where a neck becomes shoulders: elevation from which down, metres over which, and slope at which
# it spreads, and sizes in front of the middle up to which it is a neck.
_NAPE, _SPREAD, _LEAN, _BEHIND_CHIN = np.radians(-14.0), 0.006, 0.5, 0.35
# Metres over which its end is made even.
_EVEN = 0.014


@dataclass(frozen=True, eq=False)
class UsualHead:
    """The template on the chart.

    Attributes
    ----------
    radius : ndarray, (H, W) float32
    scalp : ndarray, (H, W) bool
        What hair may cover.
    """

    radius: np.ndarray
    scalp: np.ndarray


def usual_head(chart: HeadChart, view: View, fit: Fit, landmarks: np.ndarray) -> UsualHead:
    """Lay the template onto one photo.

    Parameters
    ----------
    chart : HeadChart
    view, fit
        The photo.
    landmarks : ndarray, (468, 3)
        Of the fused head, on which the template comes to lie.
    """
    template = load_template()
    distance = view.viewpoint.distance * np.exp(-fit.closeness)
    target = Target.of(
        view.found, Shape("PERSPECTIVE"), replace(view.viewpoint, distance=float(distance))
    )
    model = fit_model(template, target, landmark_points(view.found, target))
    head = model.place(model.shape(template))
    positions, marks = head[:OUTER_END], template.at_mediapipe(head)
    rotation, scale, shift = similarity(marks, landmarks, template.mediapipe_scatter**-2.0)
    positions = scale * positions @ rotation.T + shift
    faces = template.triangles[(template.triangles < OUTER_END).all(axis=1)]
    values = np.column_stack([chart.radii(positions), template.may_have_hair[:OUTER_END]])
    drawn = _drawn_round(chart, positions, faces, values)
    known = np.isfinite(drawn[..., 0])
    radius, scalp = (filled_round(layer, known) for layer in np.moveaxis(drawn, -1, 0))
    # Holes are the chart's or the template's ears'; it ends where nothing of it follows.
    reaches = np.logical_or.accumulate(known[::-1], axis=0)[::-1]
    return UsualHead(_with_long_neck(chart, radius, reaches), scalp > 0.5)


def _drawn_round(
    chart: HeadChart, positions: np.ndarray, faces: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Vertex values on the chart, those of faces across its seam too: (H, W, K)."""
    rank = np.zeros(len(faces), int)
    drawn, _ = rasterise(chart, positions, faces, rank, values)
    behind = replace(chart, axes=chart.axes * [[-1.0], [-1.0], [1.0]])
    turned, _ = rasterise(behind, positions, faces, rank, values)
    half = chart.shape[1] // 2
    # An odd number of columns: half a turn ends between two of them.
    turned = (np.roll(turned, -half, axis=1) + np.roll(turned, -half - 1, axis=1)) / 2.0
    columns = np.arange(chart.shape[1])
    back = np.minimum(columns, columns[::-1]) < half // 4
    return np.where(back[:, None], turned, drawn)


def _with_long_neck(chart: HeadChart, radius: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Radii (H, W) of a head whose neck goes straight on where it ends or becomes shoulders."""
    points = chart.points(radius)
    across, forward, up = np.moveaxis((points - chart.origin) @ chart.axes.T, -1, 0)
    out = np.hypot(across, forward)
    rows = max(2, round(_SPREAD / chart.spacing))
    spreads = np.zeros(out.shape, bool)
    spreads[:-rows] = out[rows:] - out[:-rows] > _LEAN * np.maximum(up[:-rows] - up[rows:], 0.0)
    # A chin stands out as well.
    spreads &= (chart.elevations < _NAPE)[:, None] & (forward < _BEHIND_CHIN * chart.size)
    neck = np.logical_and.accumulate(known & ~spreads, axis=0)
    width = int(4.0 * _EVEN / chart.spacing) + 1
    lengths = wrapped(neck.sum(axis=0, dtype=np.float32)[None], width)
    lengths = blur(cv2.erode(lengths, np.ones((1, width // 2), np.uint8)), width / 8.0)
    last = np.maximum(lengths[0, width:-width].astype(int) - 1, 0)
    neck = np.arange(len(neck))[:, None] <= last
    ends = out[last, np.arange(len(last))][None]
    ends = unwrapped(blur(wrapped(ends, width), _EVEN / chart.spacing), width)
    # A ray's distance from the axis is in proportion to its radius.
    longer = np.where(neck, radius, ends * radius / np.maximum(out, 1e-9)).astype(np.float32)
    even = unwrapped(blur(wrapped(longer, width), _EVEN / chart.spacing / 2.0), width)
    down = (np.arange(len(neck))[:, None] - last) * chart.spacing / _EVEN
    return longer + np.clip(down + 1.0, 0.0, 1.0).astype(np.float32) * (even - longer)


def filled_round(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A map filled where it is not known, as it goes round the head."""
    width = values.shape[1] // 4
    values = wrapped(np.where(known, values, 0.0).astype(np.float32), width)
    return unwrapped(fill_outside(values, wrapped(known, width)), width)
