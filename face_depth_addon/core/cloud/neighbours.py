# SPDX-License-Identifier: GPL-3.0-or-later
"""Nearest points, exactly. Needs numpy, and OpenCV when called."""

from collections.abc import Iterator

import numpy as np

from ..errors import PointCloudError

_KDTREE_SINGLE = 4
# Neighbours looked up in one go.
_CHUNK = 1 << 20
_SPACING_SAMPLE = 4096


def neighbourhoods(
    positions: np.ndarray, count: int, places: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """The points nearest to each place, nearest first, in chunks of rows.

    Exact: a single k-d tree, searched to the end.

    Parameters
    ----------
    positions : ndarray, (n, 3) float32
    count : int
        How many points to find; all of them if there are fewer.
    places : ndarray, (m, 3) float32, optional
        By default the points themselves, each of which counts among its own.

    Yields
    ------
    rows : slice
        Of ``places``.
    indices : ndarray, (r, k) int32
    squares : ndarray, (r, k) float32
        Squared distances.

    Raises
    ------
    ValueError
        ``count`` is not positive.
    PointCloudError
        A position is not finite, or OpenCV is missing.
    """
    try:
        import cv2
    except ImportError as error:
        raise PointCloudError(
            "Outliers, normals and surfaces of point clouds need OpenCV, which this Python "
            "lacks: install the package opencv-python for it."
        ) from error

    if count < 1:
        raise ValueError(f"neighbours must be positive, not {count}")
    points = np.ascontiguousarray(positions, dtype=np.float32)
    places = points if places is None else np.ascontiguousarray(places, dtype=np.float32)
    if not len(points) or not len(places):
        return
    # FLANN would answer with indices out of range.
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isfinite(np.sum(np.ptp(points, axis=0) ** 2)):
            raise PointCloudError(
                "Some points lie at no finite place: remove them from the cloud first."
            )
    count = min(count, len(points))
    index = cv2.flann.Index(points, {"algorithm": _KDTREE_SINGLE})
    step = max(1, _CHUNK // count)
    for start in range(0, len(places), step):
        rows = slice(start, start + step)
        yield rows, *index.knnSearch(places[rows], count, params={"checks": -1})


def spacing(positions: np.ndarray) -> float:
    """How far a point usually is from the one next to it: the median, in metres.

    Of some thousand points evenly picked from the cloud; 0 where most coincide or there is
    but one.

    Parameters
    ----------
    positions : ndarray, (n, 3) float32

    Raises
    ------
    PointCloudError
        OpenCV is missing.
    """
    if len(positions) < 2:
        return 0.0
    picked = positions[:: max(1, len(positions) // _SPACING_SAMPLE)]
    squares = [found[:, 1] for _, _, found in neighbourhoods(positions, 2, picked)]
    return float(np.sqrt(np.median(np.concatenate(squares))))
