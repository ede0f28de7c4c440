# SPDX-License-Identifier: GPL-3.0-or-later
"""One texture of all photos: equally exposed, without ghosts, and filled where none shows it."""

import cv2
import numpy as np

from ..detail.fine_relief import crop_photo
from ..filters import fill_outside
from ..head.mirror_blend import blend_with_mirror, blur
from ..head.visibility import smoothstep
from ..sampling import resized
from .layers import unwrapped, wrapped
from .merging import MergedHead
from .view import SIZE, Surface

# Metres by which a surface may differ from what the photo has there, and widths: of the
# bands, of photos' borders, of the hairline where it is not seen.
_BEHIND, _BAND, _SEAM, _EDGE = 0.01, 0.012, 0.002, 0.006
# Matte from which on, and up to which, hair lets the background through.
_THIN, _DENSE = 0.75, 0.98
# Weight below which a photo's border may show what is behind the head.
_FAINT = 0.08
# Standard deviation of the logarithm of a photo's exposure.
_EXPOSURE = 0.5
_KNOWN = 0.03
_BYTE = np.float32(1.0 / 255.0)


def head_texture(head: MergedHead, surfaces: list[Surface], width: int) -> np.ndarray:
    """Texture of a merged head.

    Parameters
    ----------
    head : MergedHead
    surfaces : list of Surface
        Of the photos, in the order of ``head.layers``.
    width : int
        In pixels; the height follows from the chart.

    Returns
    -------
    ndarray, (height, width, 3) uint8
        sRGB; laid out as `HeadChart.uvs` want it.
    """
    rows, columns = head.chart.shape
    size = (width, round(width * rows / columns))
    points = head.chart.points(head.radius).astype(np.float32)
    weights = np.stack([_shown(head, index, one) for index, one in enumerate(surfaces)])
    places = [
        surface.places(points.reshape(-1, 3).astype(float)).reshape(rows, columns, 2)
        for surface in surfaces
    ]
    small = np.stack([_looked_up(surface, at) for surface, at in zip(surfaces, places)])
    gains = _exposures(small, weights)
    spacing = head.chart.step * head.chart.size * columns / width
    broad = np.zeros((size[1], size[0], 3), np.float32)
    fine, total, sharp = broad.copy(), broad[..., :1] + 1e-9, broad[..., :1] + 1e-24
    for index, surface in enumerate(surfaces):
        at = np.dstack([_enlarged(layer, size) for layer in np.moveaxis(places[index], -1, 0)])
        weight = np.maximum(_enlarged(weights[index], size), 0.0)[..., None]
        single = np.maximum(_enlarged(head.single[index], size), 0.0)[..., None]
        picture = _photo(surface, spacing)
        shown = cv2.remap(
            picture, (at * len(picture) - 0.5).astype(np.float32), None, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).astype(np.float32) * gains[index]
        low = _masked(shown, weight[..., 0] > 0.0, _BAND / spacing)
        alone = weight * (0.02 + 0.98 * single)
        best = weight**4 * single
        broad += alone * low
        total += alone
        fine += best * (shown - low)
        sharp += best
    mixed = broad / total + fine / sharp
    known = weights.sum(axis=0)
    return _everywhere(head, mixed, known, size)


def _shown(head: MergedHead, index: int, surface: Surface) -> np.ndarray:
    """How well a photo shows the colour of each ray, (H, W) float32."""
    rows, columns = head.chart.shape
    points = head.chart.points(head.radius).reshape(-1, 3)
    pixels = surface.pixels(points).reshape(rows, columns, 2).astype(np.float32) - np.float32(0.5)
    there = cv2.remap(surface.nearness.astype(np.float32), pixels, None, cv2.INTER_LINEAR)
    gap = np.abs(there - surface.depth_of(points).reshape(rows, columns))
    near = 1.0 - smoothstep(gap / _BEHIND - 0.5)
    matte = cv2.resize(
        surface.view.found.matte, (SIZE, SIZE), interpolation=cv2.INTER_AREA
    ).astype(np.float32) * _BYTE
    matte = cv2.erode(matte, np.ones((5, 5), np.uint8))
    dense = cv2.remap(smoothstep((matte - _THIN) / (_DENSE - _THIN)).astype(np.float32), pixels,
                      None, cv2.INTER_LINEAR)
    weight = np.maximum(head.layers[index].weight * near * dense - _FAINT, 0.0)
    return _round_blur(weight, _SEAM / head.chart.spacing) * (weight > 0.0)


def _photo(surface: Surface, spacing: float) -> np.ndarray:
    """The photo's crop, no finer than the texture."""
    picture = crop_photo(surface.view.found)
    pixel = surface.view.side * surface.fit.scale / len(picture)
    wanted = int(len(picture) * min(1.0, 1.5 * pixel / spacing))
    if wanted >= len(picture):
        return picture
    return resized(picture.astype(np.float32), max(wanted, 64)).astype(np.uint8)


def _looked_up(surface: Surface, places: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) float32 at places in the crop."""
    rgb = surface.view.found.rgb
    pixels = (places * len(rgb) - 0.5).astype(np.float32)
    return cv2.remap(rgb, pixels, None, cv2.INTER_LINEAR).astype(np.float32)


def _exposures(colours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Factors (V, 3) that make overlapping photos equally bright, by least squares.

    Of (V, H, W, 3) colours and (V, H, W) weights.
    """
    count = len(colours)
    gains = np.ones((count, 3), np.float32)
    for channel in range(3):
        matrix = np.eye(count) / _EXPOSURE**2
        right = np.zeros(count)
        for first in range(count):
            for second in range(first + 1, count):
                both = np.minimum(weights[first], weights[second])
                if both.sum() < 20.0:
                    continue
                one, two = colours[first, ..., channel], colours[second, ..., channel]
                ratio = np.log(
                    ((both * one).sum() + 1.0) / max((both * two).sum() + 1.0, 1.0)
                )
                trust = 1e4 * both.sum() / both.size
                matrix[[first, second], [first, second]] += trust
                matrix[[first, second], [second, first]] -= trust
                right[first] -= trust * ratio
                right[second] += trust * ratio
        gains[:, channel] = np.exp(np.linalg.solve(matrix, right))
    return gains


def _everywhere(
    head: MergedHead, mixed: np.ndarray, known: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Fill a texture from the head's other side, and then from what is around.

    Of (h, w, 3) colours at that size and how far the (H, W) chart knows them.
    """
    rows, columns = head.chart.shape
    width = columns // 4
    weight = np.where(known > 0.0, np.clip(known / _KNOWN, 1e-6, 1.0), 0.0).astype(np.float32)
    drawn = (mixed.max(axis=2) > 0.0).astype(np.float32)
    share = cv2.resize(drawn, (columns, rows), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(mixed, (columns, rows), interpolation=cv2.INTER_AREA)
    coarse /= np.maximum(share, 1e-3)[..., None]
    # The blend takes a radius first, which colours have not.
    values = wrapped(np.dstack([np.zeros((rows, columns), np.float32), coarse]), width)
    around = wrapped(weight, width)
    seen, blended, carried = blend_with_mirror(values, around, head.chart.spacing)
    blended, sure = blended[..., 1:], np.maximum(around, around[:, ::-1])
    inside = smoothstep(_solid(sure, head.chart.spacing)).astype(np.float32)
    scalp = wrapped(head.scalp, width)
    # A scalp has the colour of what is seen of it, not that of the skin beside it.
    parts = [_filled(blended, inside * (part > 0)) for part in (~scalp, scalp)]
    beside = _round_blur(scalp.astype(np.float32), _EDGE / head.chart.spacing)[..., None]
    rest = unwrapped(parts[0] + beside * (parts[1] - parts[0]), width)
    rest, seen, shift, inside = (
        np.dstack([_enlarged(layer, size) for layer in np.moveaxis(np.atleast_3d(values), -1, 0)])
        for values in (
            rest, unwrapped(seen, width), unwrapped(carried[..., 1:], width),
            unwrapped(inside, width),
        )
    )
    mixed = np.where(drawn[..., None] > 0.0, mixed, rest)
    shown = seen * mixed + (1.0 - seen) * (mixed[:, ::-1] + shift)
    return np.clip(rest + inside * (shown - rest) + 0.5, 0, 255).astype(np.uint8)


def _filled(colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) continued from where they are known."""
    if not known.any():
        return colours
    return np.dstack([fill_outside(layer, known) for layer in np.moveaxis(colours, -1, 0)])


def _solid(weight: np.ndarray, spacing: float) -> np.ndarray:
    """How far inside what is known, 0 to 1 over some millimetres."""
    inside = (weight > 0.0).astype(np.uint8)
    return np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) * spacing / 0.006, 0.0, 1.0)


def _enlarged(layer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map of the chart at the texture's size; it goes round the head."""
    rows, columns = layer.shape
    around = np.pad(layer.astype(np.float32), ((0, 0), (1, 1)), mode="wrap")
    x = ((np.arange(size[0]) + 0.5) * columns / size[0] + 0.5).astype(np.float32)
    y = ((np.arange(size[1]) + 0.5) * rows / size[1] - 0.5).astype(np.float32)
    grid = np.meshgrid(x, y)
    return cv2.remap(around, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _masked(values: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Blur a picture (h, w, 3) where it is known."""
    step = max(1, int(sigma / 3.0))
    size = (values.shape[1] // step, values.shape[0] // step)
    mask = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(values * known[..., None], size, interpolation=cv2.INTER_AREA)
    soft = np.dstack([_round_blur(layer, sigma / step) for layer in np.moveaxis(total, -1, 0)])
    soft /= np.maximum(_round_blur(mask, sigma / step), 1e-6)[..., None]
    return cv2.resize(soft, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _round_blur(values: np.ndarray, sigma: float) -> np.ndarray:
    width = min(int(4.0 * sigma) + 1, values.shape[1])
    return blur(wrapped(values, width), sigma)[:, width:-width]
