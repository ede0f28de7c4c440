# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine relief: from a normal map, from the photo's shading, and into a normal map.

Arrays have row 0 at the top; depth is nearer larger, in any unit, and `pixel_size` is the
width of a pixel in that unit. A displacement is added to the depth, scaled as one likes.
"""

from typing import Literal

import cv2
import numpy as np

from .face_points import CHIN, FOREHEAD, OUTLINE

GreenAxis = Literal["OPENGL", "DIRECTX"]

# Landmarks round each part of the face that is darker or lighter than skin by its colour.
_FEATURES = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    (130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25),
    (359, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
    (98, 240, 75, 79, 239, 238, 20, 60, 99, 97),
    (327, 460, 305, 309, 459, 458, 250, 290, 328, 326),
)
# In face lengths, forehead to chin.
_GROWTH, _SOFTNESS, _INSET = 0.01, 0.012, 0.04

_STEEPEST = 5.0
_FINEST_PX, _FINEST_MM, _COARSEST_MM = 1.0, 0.3, 5.0
_NEAR_MM = 2.0
# From this value of the mask on, a pixel of the photo counts in full.
_TRUSTED = 0.25
# Contrast of log luminance above which a spot is a matter of colour, not of shape.
_SKIN_CONTRAST = 0.15
_DARKEST = 0.01
_LIGHT_ROUNDS = 5
_DAMPING = 0.1


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
    return depth + _integrate(x, y, weight)


def _integrate(x: np.ndarray, y: np.ndarray, weight: float) -> np.ndarray:
    """The map u of zero mean that minimises |grad u - (x, y)|^2 + weight u^2."""
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
    image : ndarray, (H, W, 3) uint8 or uint16
        Red, green, blue.

    Returns
    -------
    ndarray, (H, W, 3) float32
        In [-1, 1]; not made unit length.
    """
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
        asked = _between(slope.astype(np.float32), axis) - np.diff(depth, axis=axis)
        # A lasting tilt of the normals is no detail; it would pile up at the border.
        excess.append(counts * (asked - _local_mean(asked, counts, wavelength / 2.0)))
    return _integrate(*excess, (2.0 * np.pi / wavelength) ** 2)


def shading_detail(
    rgb: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    pixel_size: float,
    millimetre: float,
    cap: float = 0.7,
) -> np.ndarray:
    """Wrinkles and folds that the photo's fine shading suggests, as a displacement.

    The light is estimated from the photo and the depth: one distant light and ambient
    light on skin of one colour, fitted robustly. Contrasts of log luminance between 0.3 and
    5 mm, stronger than noise and weaker than a change of colour, then ask for the smallest
    change of slope that explains them (shape from shading, linear in the slope: Pentland:
    Linear Shape from Shading, IJCV 1990).

    This is a guess: a stain of the skin's contrast becomes relief too.

    Parameters
    ----------
    rgb : ndarray, (S, S, 3) uint8
        sRGB.
    depth : ndarray, (S, S) float32
    mask : ndarray, (S, S) float32
        0 to 1: where, and how much of, the detail is wanted. See `feature_mask`.
    pixel_size : float
        Width of a pixel in the depth's unit.
    millimetre : float
        A millimetre in the depth's unit.
    cap : float
        Height in millimetres, above 0, that no detail reaches, up or down.

    Returns
    -------
    ndarray, (S, S) float32
        In the depth's unit.
    """
    pixels_per_mm = millimetre / pixel_size
    trust = np.minimum(mask.astype(np.float32) / _TRUSTED, 1.0)
    if not trust.any():
        return trust
    luminance = _luminance(rgb)
    coarse = cv2.GaussianBlur(depth, (0, 0), _COARSEST_MM * pixels_per_mm)
    slope_y, slope_x = np.gradient(coarse / np.float32(pixel_size))
    shade, response_x, response_y = _shading(luminance, slope_x, slope_y, trust)
    unexplained = np.log((luminance + _DARKEST) / (shade + _DARKEST))
    contrast = _skin_contrast(unexplained, trust, pixels_per_mm)
    change = contrast / (response_x**2 + response_y**2 + _DAMPING) * np.float32(pixel_size)
    wanted_x = _between(change * response_x, 1)
    wanted_y = _between(change * response_y, 0)
    raised = _integrate(wanted_x, wanted_y, 1.0 / (_COARSEST_MM * pixels_per_mm) ** 2)
    return mask * _softly_capped(raised, trust, cap * millimetre, pixels_per_mm)


def feature_mask(landmarks_px: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The skin of a face: not its brows, eyes, lips and nostrils, nor what lies around it.

    Parameters
    ----------
    landmarks_px : ndarray, (468, 2) or (468, 3)
        MediaPipe's landmarks in continuous pixels of the mask.
    shape : tuple of int
        (height, width) of the mask.

    Returns
    -------
    ndarray, (height, width) float32
        0 to 1, with soft edges.
    """
    points = landmarks_px[:, :2]
    length = float(np.linalg.norm(points[FOREHEAD] - points[CHIN]))
    softness = _SOFTNESS * length
    skin = cv2.GaussianBlur(
        _grown(_hull(points[list(OUTLINE)], shape), -_INSET * length), (0, 0), softness
    )
    features = np.zeros(shape, np.uint8)
    for part in _FEATURES:
        features |= _hull(points[list(part)], shape)
    growth = _GROWTH * length + 2.0 * softness
    kept = skin * (1.0 - cv2.GaussianBlur(_grown(features, growth), (0, 0), softness))
    return np.clip(kept, 0.0, 1.0)


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
    ndarray, (S, S, 3) uint8
        Red right, green up (OpenGL), blue out of the surface.
    """
    normal, tangent = _frame(coarse, scale)
    wanted, _ = _frame(fine, scale)
    axes = (tangent, np.cross(normal, tangent), normal)
    local = np.stack([(wanted * axis).sum(axis=-1) for axis in axes], axis=-1)
    return np.clip(np.round(127.5 * (local + 1.0)), 0, 255).astype(np.uint8)


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


def _between(values: np.ndarray, axis: int) -> np.ndarray:
    """Means of neighbours along an axis."""
    first, second = _pairs(values, axis)
    return (first + second) / 2


def _local_mean(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean of what has weight."""
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    return cv2.GaussianBlur(values * weight, (0, 0), sigma) / np.maximum(total, 1e-4)


def _feather(inside: np.ndarray, width: float) -> np.ndarray:
    """1 well inside, falling to 0 at the border within ``width`` pixels."""
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    return np.clip(distance / max(width, 1.0), 0.0, 1.0)


def _luminance(rgb: np.ndarray) -> np.ndarray:
    """Linear luminance, 0 to 1, of sRGB bytes."""
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)[rgb] @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def _skin_contrast(logarithm: np.ndarray, trust: np.ndarray, pixels_per_mm: float) -> np.ndarray:
    """Band-pass of log luminance, quiet where it is too strong to be the skin's relief."""
    finest = max(_FINEST_PX, _FINEST_MM * pixels_per_mm)
    fine = _local_mean(logarithm, trust, finest)
    band = trust * (fine - _local_mean(logarithm, trust, _COARSEST_MM * pixels_per_mm))
    strength = _local_mean(band**2, trust, _NEAR_MM * pixels_per_mm)
    return band / (1.0 + (strength / _SKIN_CONTRAST**2) ** 2)


def _shading(
    luminance: np.ndarray, slope_x: np.ndarray, slope_y: np.ndarray, trust: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luminance of a lit surface, and how its logarithm grows with the slopes right and down."""
    squared = 1.0 + slope_x**2 + slope_y**2
    steepness = np.sqrt(squared)
    normals = np.stack([-slope_x, -slope_y, np.ones_like(slope_x)], axis=-1) / steepness[..., None]
    skin = trust > 0.5 * trust.max()
    light, ambient = _fit_light(normals[skin], luminance[skin])
    direct = normals @ light
    shade = np.maximum(direct + ambient, 0.25 * luminance[skin].mean())
    response_x = (-light[0] / steepness - direct * slope_x / squared) / shade
    response_y = (-light[1] / steepness - direct * slope_y / squared) / shade
    return shade, response_x, response_y


def _fit_light(normals: np.ndarray, luminance: np.ndarray) -> tuple[np.ndarray, float]:
    """Light vector (3,) and ambient light, by least squares that forgive outliers."""
    design = np.column_stack([normals, np.ones(len(normals))])
    weight = np.ones(len(normals))
    for _ in range(_LIGHT_ROUNDS):
        weighted = design * weight[:, None]
        fitted, *_ = np.linalg.lstsq(weighted.T @ design, weighted.T @ luminance, rcond=None)
        residual = luminance - design @ fitted
        spread = 1.5 * np.median(np.abs(residual)) + 1e-6
        weight = 1.0 / (1.0 + (residual / spread) ** 2)
    return fitted[:3].astype(np.float32), float(fitted[3])


def _softly_capped(
    height: np.ndarray, trust: np.ndarray, cap: float, pixels_per_mm: float
) -> np.ndarray:
    """Heights below a cap: high places are scaled down as a whole, so that none is cut flat."""
    typical = _local_mean(height**2, trust, _NEAR_MM * pixels_per_mm)
    height = height / np.sqrt(1.0 + typical / (cap / 2.0) ** 2)
    return height / np.sqrt(1.0 + (height / cap) ** 2)


def _hull(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The filled convex hull of (n, 2) points: (H, W) uint8."""
    filled = np.zeros(shape, np.uint8)
    corners = cv2.convexHull(np.round(points - 0.5).astype(np.int32))
    cv2.fillConvexPoly(filled, corners, 1)
    return filled


def _grown(inside: np.ndarray, width: float) -> np.ndarray:
    """A mask grown (or shrunk) by so many pixels: (H, W) float32, 0 or 1."""
    area = (1 - inside) if width > 0 else inside
    near = cv2.distanceTransform(area, cv2.DIST_L2, 5) <= abs(width)
    return (near if width > 0 else ~near).astype(np.float32)
