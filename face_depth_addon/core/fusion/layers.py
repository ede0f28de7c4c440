# SPDX-License-Identifier: GPL-3.0-or-later
"""What each photo knows of each ray of the head's chart."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..face.face_points import LEFT_EYE, RIGHT_EYE
from ..head.chart import HeadChart, rasterise
from ..head.mirror_blend import blur
from ..head.visibility import cosines, face_normals, smoothstep
from .view import SIZE, Surface

# Trust below which a pixel does not count, and least cosine between a face and its ray.
_LEAST, _OUTWARDS = 0.03, 0.1
# Metres: over which a photo's weight rises from its border, and the width of its blur.
_RISE, _SOFT = 0.012, 0.004
# Below the face may be a collar: metres from a usual head beyond which, from this height down in
# sizes, nothing counts. Towards the crown every photo looks along the surface: degrees.
_COLLAR, _BELOW = 0.012, -0.2
_CROWN = (60.0, 78.0)
# Radii, in distances between the eyes, of what one photo alone must show.
_EYE, _MOUTH = 0.42, 0.9
# Weight from which on that photo alone counts.
_RULES = 0.6
_LIPS = (0, 17, 61, 291)


@dataclass(frozen=True, eq=False)
class Layer:
    """One photo's share in the chart.

    Attributes
    ----------
    radius : ndarray, (H, W) float32
        Metres; 0 where the photo shows nothing.
    weight : ndarray, (H, W) float32
        How well it shows the ray, smooth; 0 where it does not.
    """

    radius: np.ndarray
    weight: np.ndarray


def layer_of(
    chart: HeadChart, surface: Surface, usual: np.ndarray, worth: float = 1.0
) -> Layer:
    """Draw a photo's surface on the chart.

    Parameters
    ----------
    chart : HeadChart
    surface : Surface
    usual : ndarray, (H, W) float32
        Radii of a usual head.
    worth : float
        Factor on the weight.
    """
    corner = np.arange(SIZE * SIZE, dtype=np.int32).reshape(SIZE, SIZE)
    quads = np.stack(
        [corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:], corner[:-1, :-1]], axis=-1
    ).reshape(-1, 4)
    trust = surface.trust.ravel()
    trusted = trust > _LEAST
    quads = quads[trusted[quads].all(axis=1)]
    positions = surface.points.reshape(-1, 3)
    outwards = cosines(face_normals(positions, quads), chart.directions(positions[quads].mean(1)))
    quads = quads[outwards > _OUTWARDS]
    values = np.column_stack([chart.radii(positions), trust])
    drawn, _ = rasterise(chart, positions, quads, np.zeros(len(quads), int), values)
    known = np.isfinite(drawn[..., 0])
    radius, trust = np.moveaxis(np.where(known[..., None], drawn, 0.0), -1, 0)
    height = (chart.points(usual) - chart.origin) @ chart.axes[2] / chart.size
    astray = smoothstep(np.abs(radius - usual) / _COLLAR - 1.0) * (height < _BELOW)
    low, high = np.radians(_CROWN)
    trust = trust * (1.0 - astray) * np.clip(
        (high - chart.elevations) / (high - low), 0.0, 1.0
    )[:, None]
    inside = (trust > _LEAST).astype(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    rim = cv2.distanceTransform(wrapped(inside, 1), cv2.DIST_L2, 5)[:, 1:-1] * chart.spacing
    soft = _blurred(trust * inside, _SOFT / chart.spacing) * np.clip(rim / _RISE, 0.0, 1.0)
    # A photo that was taken from nearer shows more.
    pixel = surface.view.side * surface.fit.scale / surface.view.found.size
    weight = np.where(inside > 0, worth * soft * np.minimum(0.001 / pixel, 2.0), 0.0)
    return Layer(radius.astype(np.float32), weight.astype(np.float32))


def combine(layers: list[Layer], single: np.ndarray, spacing: float) -> np.ndarray:
    """One radius for each ray, (H, W) float32; 0 where no photo shows it.

    Broad form is every photo's, each the less the farther it is from the others. Fine form is that
    of the photo that shows it best, since no two have it in quite the same place; eyes and mouth,
    which expressions move, are wholly one photo's.

    Parameters
    ----------
    layers : list of Layer
    single : ndarray, (V, H, W) float32
        See `single_photo`.
    spacing : float
        Metres from cell to cell.
    """
    radius = np.stack([layer.radius for layer in layers])
    weight = np.stack([layer.weight for layer in layers])
    total = np.maximum(weight.sum(axis=0), 1e-9)
    mean = (weight * radius).sum(axis=0) / total
    steady = weight
    for limit in (0.02, 0.01, 0.006, 0.004):
        apart = (radius - mean) / limit
        agreeing = weight / (1.0 + apart**2) ** 2
        steady = np.stack([
            np.where(own > 0.0, _masked_blur(part / np.maximum(own, 1e-9), own > 0.0,
                                             _SOFT / spacing) * own, 0.0)
            for part, own in zip(agreeing, weight)
        ])
        mean = (steady * radius).sum(axis=0) / np.maximum(steady.sum(axis=0), 1e-9)
    broad = np.stack([
        _masked_blur(layer.radius, layer.weight > 0.0, _SOFT / spacing) for layer in layers
    ])
    sharp = steady**4 * single
    steady = steady * single + 1e-6 * steady
    base = (steady * broad).sum(axis=0) / np.maximum(steady.sum(axis=0), 1e-12)
    fine = (sharp * (radius - broad)).sum(axis=0) / np.maximum(sharp.sum(axis=0), 1e-24)
    return (base + fine).astype(np.float32)


def single_photo(
    chart: HeadChart, landmarks: np.ndarray, weights: np.ndarray, favour: int
) -> np.ndarray:
    """Factors on the photos' weights that leave each eye and the mouth to one photo.

    Parameters
    ----------
    chart : HeadChart
    landmarks : ndarray, (468, 3)
    weights : ndarray, (V, H, W)
    favour : int
        The photo that is taken unless another shows the place much better.

    Returns
    -------
    ndarray, (V, H, W) float32
    """
    factors = np.ones_like(weights)
    rows, columns = np.indices(chart.shape)
    eyes = [landmarks[list(eye)].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)]
    apart = np.linalg.norm(eyes[0] - eyes[1]) / chart.spacing
    mouth = landmarks[list(_LIPS)].mean(axis=0)
    for middle, reach in ((eyes[0], _EYE), (eyes[1], _EYE), (mouth, _MOUTH)):
        (column, row), = chart.pixels(middle[None])
        if not np.isfinite(row):
            continue
        away = np.hypot(rows - row, columns - column) / (reach * apart)
        spot = smoothstep((1.0 - away) / 0.6).astype(np.float32)
        merit = (weights * spot).sum(axis=(1, 2))
        merit[favour] *= 1.3
        chosen = int(np.argmax(merit))
        ruled = spot * smoothstep(weights[chosen] / _RULES)
        factors *= np.where(np.arange(len(weights)) == chosen, 0.0, 1.0)[:, None, None] * -ruled + 1
    return factors


def unwrapped(values: np.ndarray, width: int) -> np.ndarray:
    """The inverse of `wrapped`: both copies of what lies beside the seam pass into one another."""
    inner = values[:, width:-width].copy()
    shape = (1, width) + (1,) * (values.ndim - 2)
    share = (0.5 * (1.0 - np.arange(width) / width)).reshape(shape).astype(np.float32)
    inner[:, :width] += share * (values[:, -width:] - inner[:, :width])
    inner[:, -width:] += share[:, ::-1] * (values[:, :width] - inner[:, -width:])
    return inner


def wrapped(values: np.ndarray, width: int) -> np.ndarray:
    """A map with so many columns more on both sides, as it goes round the head."""
    return np.pad(
        values, ((0, 0), (width, width)) + ((0, 0),) * (values.ndim - 2), mode="wrap"
    )


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    width = int(4.0 * sigma) + 1
    return blur(wrapped(values, width), sigma)[:, width:-width]


def _masked_blur(values: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    mask = known.astype(np.float32)
    return _blurred(values * mask, sigma) / np.maximum(_blurred(mask, sigma), 1e-6)
