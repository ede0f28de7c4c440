# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine relief that a photo's shading suggests, and where on a face to believe it.

Arrays have row 0 at the top; depth is nearer larger, in any unit, and `pixel_size` is the
width of a pixel in that unit. A displacement is added to the depth, scaled as one likes.
"""

import cv2
import numpy as np

from ..face.face_points import CHIN, FOREHEAD, OUTLINE
from .normals import between, integrate, local_mean

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

_FINEST_PX, _FINEST_MM, _COARSEST_MM = 1.0, 0.3, 5.0
_NEAR_MM = 2.0
# From this value of the mask on, a pixel of the photo counts in full.
_TRUSTED = 0.25
# Contrast of log luminance above which a spot is a matter of colour, not of shape.
_SKIN_CONTRAST = 0.15
_DARKEST = 0.01
_LIGHT_ROUNDS = 5
_DAMPING = 0.1



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
    wanted_x = between(change * response_x, 1)
    wanted_y = between(change * response_y, 0)
    raised = integrate(wanted_x, wanted_y, 1.0 / (_COARSEST_MM * pixels_per_mm) ** 2)
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


def _luminance(rgb: np.ndarray) -> np.ndarray:
    """Linear luminance, 0 to 1, of sRGB bytes."""
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)[rgb] @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def _skin_contrast(logarithm: np.ndarray, trust: np.ndarray, pixels_per_mm: float) -> np.ndarray:
    """Band-pass of log luminance, quiet where it is too strong to be the skin's relief."""
    finest = max(_FINEST_PX, _FINEST_MM * pixels_per_mm)
    fine = local_mean(logarithm, trust, finest)
    band = trust * (fine - local_mean(logarithm, trust, _COARSEST_MM * pixels_per_mm))
    strength = local_mean(band**2, trust, _NEAR_MM * pixels_per_mm)
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
    typical = local_mean(height**2, trust, _NEAR_MM * pixels_per_mm)
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
