# SPDX-License-Identifier: GPL-3.0-or-later
"""From an imported depth map to a `Reconstruction`, as the networks give one."""

from dataclasses import replace

import cv2
import numpy as np

from ..crop import Crop
from ..errors import DepthMapError
from ..filters import extend, fill_outside
from ..interpolation import sample
from ..masks import big_pieces
from ..pictures import origin_of, with_depth
from ..reconstruction import Reconstruction
from ..sampling import cut
from .banding import remove_banding
from .depth_file import DepthMap
from .frame import Frame
from .meaning import Meaning
from .placing import place_values
from .reading import fit_to_photo

# More levels than this leave no terraces that could be seen.
_BANDED_LEVELS = 1024
# Width of the rim where a map mixes the subject with what is behind it, and how far inside it may
# still fall off, in sides of the crop; steeper than this it falls off.
_RIM, _FALL, _STEEPEST = 0.01, 0.04, np.radians(75.0)
# Parts that this leaves smaller than that share of the biggest are dropped.
_LEAST_PART = 0.02


def reconstruct_map(depth_map: DepthMap, frame: Frame, meaning: Meaning) -> Reconstruction:
    """The subject of a picture with the depth of a map.

    Parameters
    ----------
    depth_map : DepthMap
        Of the whole picture.
    frame : Frame
    meaning : Meaning

    Raises
    ------
    DepthMapError
        The map shows another picture than the frame's, is flat, or holds nothing at the subject.
    """
    if meaning.smooth_bands and _few_levels(depth_map):
        depth_map = remove_banding(depth_map)
    blank = frame.blank
    depth_map = fit_to_photo(depth_map, blank.info["width"], blank.info["height"])
    depth_map = replace(depth_map, values=_cut_known(depth_map.values, blank.crop, blank.size))
    subject = blank.subject & np.isfinite(depth_map.values)
    if not subject.any():
        raise DepthMapError(
            f'"{depth_map.name}" knows nothing where the photo shows the subject; choose another '
            "depth map."
        )
    placed = place_values(depth_map, frame, meaning, subject)
    subject = subject & np.isfinite(placed.depth)
    if not subject.any():
        raise DepthMapError(
            f'"{depth_map.name}" has no value above 0 where the photo shows the subject, so it '
            "holds no distances there; give a relief."
        )
    depth = _to_the_border(placed.depth, subject, blank.crop.side / blank.size)
    matte = np.where(subject, blank.matte, np.minimum(blank.matte, 127)).astype(np.uint8)
    return replace(
        blank, depth=depth, subject=subject, matte=matte, origin=origin_of(depth, subject),
        metres_per_pixel=placed.metres_per_pixel, detail=None,
        landmarks=_raised(blank.landmarks, depth),
        pictures=with_depth(blank.pictures, depth, matte, subject),
        info=blank.info | {"model": depth_map.name, "focal_35mm": placed.focal_35mm},
    )


def _to_the_border(depth: np.ndarray, subject: np.ndarray, per_pixel: float) -> np.ndarray:
    """Depth continued beyond what is sure of it: (S, S) float32, finite everywhere."""
    sure = _off_background(subject, depth, per_pixel)
    whole = extend(depth, sure)
    if np.array_equal(sure, subject):
        return whole
    # Where what was continued from two sides meets, there would be a step.
    return np.where(sure, whole, cv2.GaussianBlur(whole, (0, 0), _RIM * len(sure)))


def _off_background(
    subject: np.ndarray, depth: np.ndarray, per_pixel: float
) -> np.ndarray:
    """The subject without its rim on a background, where a map falls off to what is behind."""
    size = len(subject)
    width = max(1, round(_RIM * size))
    # What is thinner than the rim is no background: two outlines differ by a pixel there.
    behind = np.isfinite(depth) & ~subject
    behind = cv2.morphologyEx(behind.astype(np.uint8), cv2.MORPH_OPEN, _disc(width))
    if not behind.any():
        return subject
    down, across = np.gradient(depth / np.float32(per_pixel))
    steep = (np.hypot(down, across) > np.tan(_STEEPEST)).astype(np.uint8)
    falling = cv2.dilate(steep, _disc(1)) & cv2.dilate(behind, _disc(round(_FALL * size)))
    sure = subject & (cv2.dilate(behind, _disc(width)) == 0) & (falling == 0)
    # What lies beyond the fall is no part of the subject either.
    return big_pieces(sure, _LEAST_PART) if sure.any() else subject


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _raised(landmarks: np.ndarray | None, depth: np.ndarray) -> np.ndarray | None:
    """Landmarks moved as a whole onto a depth, which may be counted from elsewhere."""
    if landmarks is None:
        return None
    found = sample(depth, landmarks[:, :2] * len(depth))
    return landmarks + np.float32([0.0, 0.0, np.median(found - landmarks[:, 2])])


def _few_levels(depth_map: DepthMap) -> bool:
    values = depth_map.values[np.isfinite(depth_map.values)]
    return depth_map.step > 0.0 and np.ptp(values) < _BANDED_LEVELS * depth_map.step


def _cut_known(values: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """The crop of a map, NaN where it is unknown or outside."""
    known = np.isfinite(values)
    weight = cut(known.astype(np.float32), crop, size, cv2.BORDER_CONSTANT)
    filled = cut(values if known.all() else fill_outside(values, known), crop, size)
    return np.where(weight >= 0.5, filled, np.float32(np.nan))
