# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine relief: from a normal map, and into a normal map.

Arrays have row 0 at the top; depth is nearer larger, in any unit, and `pixel_size` is the
width of a pixel in that unit. A displacement is added to the depth, scaled as one likes.
"""

from typing import Literal

import cv2
import numpy as np

GreenAxis = Literal["OPENGL", "DIRECTX"]

_STEEPEST = 5.0


def screened_poisson(
    depth: np.ndarray, gradient_x: np.ndarray, gradient_y: np.ndarray, weight: float
) -> np.ndarray:
    """The surface that has given slopes, as far as it stays near a given depth.

    Minimises |grad z' - p|^2 + weight |z' - z|^2 with free borders, exactly, in the basis
    of cosines (Bhat, Curless, Cohen, Zitnick: Fourier Analysis of the 2D Screened Poisson
    Equation for Gradient Domain Problems, ECCV 2008).

    Parameters
    ----------
    depth : ndarray, (H, W) float32
        z.
    gradient_x : ndarray, (H, W - 1) float32
        Rise of p from each pixel to the one on its right, in the depth's unit.
    gradient_y : ndarray, (H - 1, W) float32
        Rise of p from each pixel to the one below it.
    weight : float
        Waves longer than 2 pi / sqrt(weight) pixels come from the depth, shorter ones from
        the slopes. With 0 the depth gives the mean only.

    Returns
    -------
    ndarray, (H, W) float32
        z'.
    """
    x = gradient_x - np.diff(depth, axis=1)
    y = gradient_y - np.diff(depth, axis=0)
    return depth + integrate(x, y, weight)


def integrate(x: np.ndarray, y: np.ndarray, weight: float) -> np.ndarray:
    """The map u of zero mean that minimises |grad u - (x, y)|^2 + weight u^2.

    Parameters
    ----------
    x : ndarray, (H, W - 1) float32
        Rise asked for from each pixel to the one on its right.
    y : ndarray, (H - 1, W) float32
        Rise asked for from each pixel to the one below it.
    weight : float
        As in `screened_poisson`.

    Returns
    -------
    ndarray, (H, W) float32
    """
    divergence = np.zeros((x.shape[0], y.shape[1]), np.float32)
    divergence[:, :-1] += x
    divergence[:, 1:] -= x
    divergence[:-1] += y
    divergence[1:] -= y
    height, width = divergence.shape
    # cv2 transforms even sizes only; an odd side is mirrored, and so is then the answer.
    odd_rows, odd_columns = height % 2, width % 2
    mirrored = np.pad(
        divergence, ((0, height * odd_rows), (0, width * odd_columns)), mode="symmetric"
    )
    down, across = (2.0 - 2.0 * np.cos(np.pi * np.arange(n) / n) for n in mirrored.shape)
    stiffness = (down[:, None] + across + weight).astype(np.float32)
    stiffness[0, 0] = np.inf
    return cv2.idct(cv2.dct(-mirrored) / stiffness)[:height, :width]


def decode_normals(image: np.ndarray) -> np.ndarray:
    """A normal map's vectors.

    Parameters
    ----------
    image : ndarray, (H, W, 3) uint8, uint16, or float32 from 0 to 1
        Red, green, blue. Floats of which some are negative are vectors already.

    Returns
    -------
    ndarray, (H, W, 3) float32
        In [-1, 1]; not made unit length.
    """
    if image.dtype.kind == "f":
        vectors = image if image.min() < -0.01 else 2.0 * image - 1.0
        return vectors.astype(np.float32)
    return image.astype(np.float32) * np.float32(2.0 / np.iinfo(image.dtype).max) - 1.0


def normal_detail(
    depth: np.ndarray,
    normals: np.ndarray,
    subject: np.ndarray,
    pixel_size: float,
    wavelength: float,
    green: GreenAxis = "OPENGL",
) -> np.ndarray:
    """What a normal map shows and the depth does not, as a displacement.

    Parameters
    ----------
    depth : ndarray, (S, S) float32
    normals : ndarray, (S, S, 3) float32
        Of the surface in the crop's frame, of any length: x right, z to the viewer.
    subject : ndarray, (S, S) bool
        Where the normals count.
    pixel_size : float
        Width of a pixel in the depth's unit.
    wavelength : float
        In pixels: longer waves come from the depth, shorter ones from the normals.
    green : {"OPENGL", "DIRECTX"}
        Whether y points up or down the picture.

    Returns
    -------
    ndarray, (S, S) float32
        In the depth's unit; runs out smoothly beyond the subject.
    """
    x, y, z = np.moveaxis(normals, -1, 0)
    # Empty pixels and normals that turn from the viewer say nothing of a height.
    known = subject & (z * _STEEPEST > np.hypot(x, y))
    away = np.where(known, z, 1.0)
    down = y if green == "OPENGL" else -y
    slope_x = np.where(known, -x / away, 0.0) * pixel_size
    slope_y = np.where(known, down / away, 0.0) * pixel_size
    trust = _feather(known, wavelength / 8.0)
    excess = []
    for axis, slope in ((1, slope_x), (0, slope_y)):
        counts = np.minimum(*_pairs(trust, axis))
        asked = between(slope.astype(np.float32), axis) - np.diff(depth, axis=axis)
        # A lasting tilt of the normals is no detail; it would pile up at the border.
        excess.append(counts * (asked - local_mean(asked, counts, wavelength / 2.0)))
    return integrate(*excess, (2.0 * np.pi / wavelength) ** 2)


def bake_normals(fine: np.ndarray, coarse: np.ndarray, scale: float) -> np.ndarray:
    """A normal map that makes a coarse relief look like a fine one.

    The tangent space is the one Blender and most engines use (MikkTSpace) on a relief
    whose UVs are the crop's own, u to the right and v up.

    Parameters
    ----------
    fine, coarse : ndarray, (S, S) float32
        Depths of the same unit.
    scale : float
        Strength of the relief over the width of a pixel in the depths' unit.

    Returns
    -------
    ndarray, (S, S, 3) uint16
        Red right, green up (OpenGL), blue out of the surface; in 8 bits wrinkles would band.
    """
    normal, tangent = _frame(coarse, scale)
    wanted, _ = _frame(fine, scale)
    axes = (tangent, np.cross(normal, tangent), normal)
    local = np.stack([(wanted * axis).sum(axis=-1) for axis in axes], axis=-1)
    return np.clip(np.round(32767.5 * (local + 1.0)), 0, 65535).astype(np.uint16)


def _frame(depth: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals and unit tangents along u, (S, S, 3): x right, y up, z to the viewer."""
    down, right = np.gradient(depth.astype(np.float32) * np.float32(scale))
    one, nought = np.ones_like(right), np.zeros_like(right)
    normal = np.stack([-right, down, one], axis=-1)
    tangent = np.stack([one, nought, right], axis=-1)
    return tuple(
        vectors / np.linalg.norm(vectors, axis=-1, keepdims=True) for vectors in (normal, tangent)
    )


def _pairs(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel but the last along an axis, and the one after it."""
    ahead = np.swapaxes(values, 0, axis)
    return np.swapaxes(ahead[:-1], 0, axis), np.swapaxes(ahead[1:], 0, axis)


def between(values: np.ndarray, axis: int) -> np.ndarray:
    """Means of neighbours along an axis of (H, W) values, one fewer along it."""
    first, second = _pairs(values, axis)
    return (first + second) / 2


def local_mean(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean, (H, W), of (H, W) values as far as they have weight."""
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    return cv2.GaussianBlur(values * weight, (0, 0), sigma) / np.maximum(total, 1e-4)


def _feather(inside: np.ndarray, width: float) -> np.ndarray:
    """1 well inside, falling to 0 at the border within ``width`` pixels."""
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    return np.clip(distance / max(width, 1.0), 0.0, 1.0)


