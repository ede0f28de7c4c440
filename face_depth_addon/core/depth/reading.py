# SPDX-License-Identifier: GPL-3.0-or-later
"""From the numbers of an imported depth map to nearness that displaces a photo's mesh."""

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np

from ..errors import DepthMapError
from ..filters import fill_outside
from ..interpolation import enlarge
from .depth_file import DepthMap

_ASPECT_TOLERANCE = 0.01


def interpret(
    depth_map: DepthMap,
    near: Literal["white", "black"] = "white",
    kind: Literal["disparity", "depth"] = "disparity",
    relief: float | None = None,
    distance: float | None = None,
    unit: float = 1.0,
    subject: np.ndarray | None = None,
) -> np.ndarray:
    """Turn the values of a depth map into nearness in a length of the user's choice.

    A map whose file says that it is in photo pixels (`DepthMap.in_pixels`) is nearness
    already and comes back as it is.

    *Relative* maps, which most networks and all painters make, tell order and proportion but
    no size: ``relief`` has to give the range. With v their value and d = (v - low) /
    (high - low) over the subject, or 1 - d where near is black:

    - *depth* is linear in distance: nearness = relief * d.
    - *disparity* is linear in 1 / distance. MiDaS, DPT and Depth Anything V2 are trained with
      a loss that forgives scale and shift of the disparity (Ranftl et al. 2020), so their
      output is disparity up to an affine change, and distance Z = 1 / (A + B d). No map can
      tell A and B; the two ends do: d = 1 at Z = distance, d = 0 at Z = distance + relief give
      A = 1 / (distance + relief) and B = 1 / distance - A. Nearness = distance + relief - Z.

    Both run from 0 at the far end to ``relief`` at the near end. Taking disparity for depth
    would draw the middle of the range away from the camera: for a head of 0.2 m at 0.7 m by
    12 mm.

    *Measured* maps, ``relief=None``, hold lengths (or, as disparity, 1 / length), and nearness
    is minus the distance: -v * unit, or -unit / v. Values of 0 and below are then unknown, as
    depth cameras mark them. A measured *depth* with near white is nearness: v * unit.

    Parameters
    ----------
    depth_map : DepthMap
    near : str
        ``white``: larger values are nearer; ``black``: smaller ones.
    kind : str
        ``disparity`` or ``depth``.
    relief : float or None
        Distance between the subject's nearest and farthest point, in the unit of the result
        (photo pixels or metres); None for measured maps.
    distance : float or None
        From the camera to the subject's nearest point, in the same unit; relative disparity
        needs it.
    unit : float
        Length of the map's unit in the unit of the result, for measured maps: of one in
        millimetres, 0.001 gives metres and 0.001 / metres_per_pixel photo pixels.
    subject : ndarray, (H, W) bool, or None
        The pixels over which a relative map has its range, values beyond it are held; None
        for all that are known.

    Returns
    -------
    ndarray, (H, W) float32
        Nearer is larger, NaN where unknown.

    Raises
    ------
    DepthMapError
        The map is flat or unknown in the subject, a length is missing or not above 0, or
        measured disparity is said to have near black.

    References
    ----------
    Ranftl, Lasinger, Hafner, Schindler, Koltun: Towards Robust Monocular Depth Estimation.
    IEEE TPAMI 2020.
    """
    if depth_map.in_pixels:
        return depth_map.values
    if relief is None:
        return _measured(depth_map, near, kind, unit)
    share = _share_of_range(depth_map, subject)
    if near == "black":
        share = 1.0 - share
    _require_length(relief, "relief", depth_map)
    if kind == "depth":
        return np.float32(relief) * share
    _require_length(distance, "distance between camera and nearest point", depth_map)
    # In double precision: the ends meet their distances exactly.
    at_far, at_near = 1.0 / (distance + relief), 1.0 / distance
    away = 1.0 / (at_far + (at_near - at_far) * share.astype(float))
    return (distance + relief - away).astype(np.float32)


def _measured(depth_map: DepthMap, near: str, kind: str, unit: float) -> np.ndarray:
    """Nearness of values that are lengths, or 1 / lengths."""
    values = depth_map.values
    _require_length(unit, "unit of the values", depth_map)
    if kind == "depth" and near == "white":
        return values * np.float32(unit)
    if near == "black" and kind == "disparity":
        raise DepthMapError(
            f'"{depth_map.name}" cannot be measured disparity with near black: disparity grows '
            "towards the camera; choose near white, depth, or a relief."
        )
    values = np.where(values > 0.0, values, np.float32(np.nan))
    if np.isnan(values).all():
        raise DepthMapError(
            f'"{depth_map.name}" has no value above 0, so it holds no distances; give a relief.'
        )
    away = values if kind == "depth" else 1.0 / values
    return -away * np.float32(unit)


def _share_of_range(depth_map: DepthMap, subject: np.ndarray | None) -> np.ndarray:
    """Values from 0 at the subject's smallest to 1 at its largest, held there beyond."""
    known = np.isfinite(depth_map.values)
    counted = depth_map.values[known if subject is None else known & subject]
    low, high = (counted.min(), counted.max()) if counted.size else (0.0, 0.0)
    if not low < high:
        raise DepthMapError(
            f'"{depth_map.name}" is the same everywhere or unknown in the subject; choose a depth '
            "map with relief."
        )
    return np.clip((depth_map.values - low) / (high - low), 0.0, 1.0)


def _require_length(value: float | None, what: str, depth_map: DepthMap) -> None:
    if value is None or not 0.0 < value < np.inf:
        raise DepthMapError(f'"{depth_map.name}" needs a {what} above 0; give one.')


def fit_to_photo(depth_map: DepthMap, width: int, height: int) -> DepthMap:
    """Bring a depth map to the size of the photo it was made from.

    Reduced by area, enlarged by cubic B-splines, which leave no facets. Values in photo pixels
    (`DepthMap.in_pixels`) grow with the picture; what is unknown keeps its outline.

    Parameters
    ----------
    depth_map : DepthMap
    width, height : int
        The photo's.

    Raises
    ------
    DepthMapError
        The aspect ratios differ by more than 1 %: the map shows another part.
    """
    values, step = depth_map.values, depth_map.step
    rows, columns = values.shape
    if abs(columns * height / (rows * width) - 1.0) > _ASPECT_TOLERANCE:
        raise DepthMapError(
            f'"{depth_map.name}" is {columns} x {rows} pixels and the photo {width} x {height}, '
            "another shape; choose a depth map of the whole photo."
        )
    if (columns, rows) == (width, height):
        return depth_map
    weight = np.isfinite(values).astype(np.float32)
    if not weight.all():
        values = fill_outside(values, weight > 0.0)
    if width < columns:
        values = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)
        weight = cv2.resize(weight, (width, height), interpolation=cv2.INTER_AREA)
    else:
        values = enlarge(values, (height, width))
        weight = cv2.resize(weight, (width, height), interpolation=cv2.INTER_LINEAR)
    if depth_map.in_pixels:
        values, step = values * np.float32(width / columns), step * width / columns
    scale = depth_map.metres_per_pixel
    return replace(
        depth_map, values=np.where(weight < 0.5, np.float32(np.nan), values), step=step,
        metres_per_pixel=scale and scale * columns / width,
    )
