# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart of a head, on which its left and its right side are each other's mirror image.

Rays leave an axis in the plane of symmetry, as a sphere's above and spread towards a cylinder's
below, and each ray has one radius. In that chart the mirror image is the array flipped left to
right, relief and mirror image meet cell by cell, what is seen from in front of an ear and from
behind it lies side by side, and no blend of radii can fold the surface. Needs numpy only.
"""

from dataclasses import dataclass, replace

import numpy as np

from .symmetry import MirrorPlane

# What stands for the face's upright: their middles are a head's "size" apart, about 12 cm.
_BROW, _CHIN = (9, 151), (199, 200)

# The chart, in sizes and radians. Its origin lies so far behind the face; columns and rows are
# even at the radius; rows go from the top to the slanted cone and so far below it.
_DEPTH, _RADIUS, _MAX_ANGLE = 0.76, 0.8, 2.9
_TOP, _SLANT, _BOTTOM = np.radians(78.0), np.radians(-45.0), 1.15
# How the rays' feet and slopes go on below the cone, see `HeadChart._place`.
_FALL, _TURN = 0.71, 2.22
# A body begins below the neck, and below the nape beside a width that narrows downwards.
_NECK, _NAPE, _WIDEST, _NARROWING = -0.85, -0.3, 0.8, 0.5
_LARGEST_FACE = 0.7


@dataclass(frozen=True)
class HeadChart:
    """Rays of a head, in rows from the crown down and columns about its axis.

    Down to 45 degrees below the horizon the rays leave ``origin``. Further down they leave
    points of the axis below it and turn back towards the horizon, so that they meet both the
    underside of the chin and the neck at fair angles.

    Attributes
    ----------
    origin : (3,) array
        In the middle of the skull, at the height of the ears.
    axes : (3, 3) array
        Unit rows: towards the person's left, forward, up.
    size : float
        From the brow to the chin, in metres.
    step : float
        Between rows, in sizes.
    shape : tuple of int
        Rows and columns; the middle column lies in the plane of symmetry.
    top : float
        Elevation of the first row, in radians.
    """

    origin: np.ndarray
    axes: np.ndarray
    size: float
    step: float
    shape: tuple[int, int]
    top: float = _TOP

    @classmethod
    def of_head(cls, plane: MirrorPlane, landmarks: np.ndarray, spacing: float) -> "HeadChart":
        """Chart about a plane of symmetry, its cells about ``spacing`` metres wide."""
        brow, chin = (plane.project(landmarks[list(at)].mean(axis=0)) for at in (_BROW, _CHIN))
        size = float(np.linalg.norm(brow - chin))
        up = (brow - chin) / size
        forward = np.cross(plane.normal, up)
        step = spacing / size
        rows = int((_RADIUS * (_TOP - _SLANT) + _BOTTOM) / step)
        columns = 2 * int(_MAX_ANGLE * _RADIUS / step) + 1
        origin = (brow + chin) / 2.0 - _DEPTH * size * forward
        return cls(origin, np.stack([plane.normal, forward, up]), size, step, (rows, columns))

    @classmethod
    def all_round(cls, plane: MirrorPlane, landmarks: np.ndarray, rows: int) -> "HeadChart":
        """Chart of so many rows that goes all round and up to the crown.

        The last column lies beside the first, at the back of the head, and the first row is a
        small ring about the crown.
        """
        half = cls.of_head(plane, landmarks, 0.001)
        step = (_RADIUS * (np.pi / 2.0 - _SLANT) + _BOTTOM) / rows
        columns = 2 * round(np.pi * _RADIUS / step) + 1
        step = 2.0 * np.pi * _RADIUS / columns
        top = np.pi / 2.0 - 0.5 * step / _RADIUS
        return replace(half, step=step, shape=(rows, columns), top=top)

    @property
    def spacing(self) -> float:
        """Metres from cell to cell."""
        return self.step * self.size

    @property
    def elevations(self) -> np.ndarray:
        """(H,) elevation of the rows in radians, that of the cone below it."""
        return np.maximum(self.top - np.arange(self.shape[0]) * self.step / _RADIUS, _SLANT)

    @property
    def face_rows(self) -> slice:
        """Rows from the chin to the forehead."""
        first, last = ((self.top - at) * _RADIUS / self.step for at in (0.75, -0.75))
        return slice(int(first), int(last))

    @property
    def face_columns(self) -> slice:
        """Columns from cheek to cheek."""
        half, reach = self.shape[1] // 2, int(1.4 * _RADIUS / self.step)
        return slice(half - reach, half + reach + 1)

    def _place(self, points: np.ndarray) -> tuple[np.ndarray, ...]:
        """Angle, distance from the axis, height, and way below the slanted cone, in sizes.

        Below the cone a ray at the place ``t`` leaves the axis at ``-fall t^2`` and drops by
        ``1 + 2 t / radius - turn t^2`` for each step outwards; the way there solves that for t.
        """
        across, forward, up = self.axes @ ((points - self.origin) / self.size).T
        out = np.hypot(across, forward)
        under = np.maximum(-up - out, 0.0)
        linear = 2.0 / _RADIUS * out
        root = linear**2 + 4.0 * (_FALL - _TURN * out) * under
        below = 2.0 * under / np.maximum(linear + np.sqrt(np.maximum(root, 0.0)), 1e-9)
        aside = np.hypot(across, np.minimum(forward, 0.0))
        shoulder = (up < _NAPE) & (aside > _WIDEST - _NARROWING * (_NAPE - up))
        body = shoulder | (up < _NECK) | (root < 0.0)
        return np.arctan2(across, forward), out, up, np.where(body, np.nan, below)

    def radii(self, points: np.ndarray) -> np.ndarray:
        """(n,) distances of (n, 3) points along their rays, in metres."""
        _, out, up, below = self._place(points)
        return self.size * np.hypot(out, up + _FALL * below**2)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) column and row of (n, 3) points; NaN where the chart does not reach."""
        angle, out, up, below = self._place(points)
        elevation = np.maximum(np.arctan2(up, out), _SLANT)
        column = angle * _RADIUS / self.step + self.shape[1] // 2
        row = ((self.top - elevation) * _RADIUS + below) / self.step
        inside = (row >= 0) & (row <= self.shape[0] - 1)
        inside &= (column >= 0) & (column <= self.shape[1] - 1)
        return np.where(inside[:, None], np.column_stack([column, row]), np.nan)

    def uvs(self, pixels: np.ndarray) -> np.ndarray:
        """(n, 2) float32 UV coordinates of (n, 2) columns and rows, (0, 0) at the lower left."""
        rows, columns = self.shape
        shares = (pixels + 0.5) / (columns, rows)
        return np.column_stack([shares[:, 0], 1.0 - shares[:, 1]]).astype(np.float32)

    def heights(self, points: np.ndarray) -> np.ndarray:
        """(...) metres by which (..., 3) points lie above the origin, along the axis."""
        return (points - self.origin) @ self.axes[2]

    def above_nape(self, points: np.ndarray) -> np.ndarray:
        """(n,) whether (n, 3) points lie as high as the head, without its neck."""
        return self.heights(points) > _NAPE * self.size

    def directions(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) unit directions of the rays through (n, 3) points; NaN outside the chart."""
        below = self._place(points)[-1]
        along = points - self.origin + _FALL * self.size * below[:, None] ** 2 * self.axes[2]
        return along / np.linalg.norm(along, axis=1, keepdims=True)

    def points(self, radii: np.ndarray) -> np.ndarray:
        """(H, W, 3) points at (H, W) radii."""
        feet, directions = self._rays()
        return self.origin + (self.size * feet + radii[..., None] * directions) @ self.axes

    def facing(self, viewpoint: np.ndarray | None) -> np.ndarray:
        """(H, W) cosines between the rays and the way to the camera."""
        towards = np.array([0.0, -1.0, 0.0]) if viewpoint is None else viewpoint - self.origin
        return self._rays()[1] @ self.axes @ (towards / np.linalg.norm(towards))

    def _rays(self) -> tuple[np.ndarray, np.ndarray]:
        """Feet (H, 1, 3) and unit directions (H, W, 3) of the rays, in sizes and in the axes."""
        rows, columns = (np.arange(count) * self.step for count in self.shape)
        below = np.maximum(rows - (self.top - _SLANT) * _RADIUS, 0.0)
        drop = 1.0 + 2.0 / _RADIUS * below - _TURN * below**2
        elevation = np.where(below > 0.0, -np.arctan(drop), self.top - rows / _RADIUS)[:, None]
        angle = (columns - columns[self.shape[1] // 2]) / _RADIUS
        feet = -_FALL * below[:, None, None] ** 2 * np.array([0.0, 0.0, 1.0])
        level, rise = np.cos(elevation), np.sin(elevation) + 0.0 * angle
        return feet, np.dstack([level * np.sin(angle), level * np.cos(angle), rise])


def rasterise(
    chart: HeadChart, positions: np.ndarray, faces: np.ndarray, rank: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw vertex values on a chart.

    Where several faces lie, that of the highest rank counts, and then the outermost.

    Parameters
    ----------
    chart : HeadChart
    positions : (V, 3) array
    faces : (F, 3) or (F, 4) int array
    rank : (F,) array
    values : (V, K) array

    Returns
    -------
    image : (H, W, K) float32
        The values, NaN where no face lies.
    drawn : (H, W) int
        Rank of the face, -1 where none lies.
    """
    pixels = chart.pixels(positions)
    triangles = faces[:, :3]
    if faces.shape[1] == 4:
        triangles = np.concatenate([triangles, faces[:, [0, 2, 3]]])
        rank = np.concatenate([rank, rank])
    corners = pixels[triangles]
    low, high = np.ceil(corners.min(axis=1)), np.floor(corners.max(axis=1))
    span = high - low + 1.0
    # What is larger than any sheet lies across the back of the head.
    fits = (span > 0.0).all(axis=1) & (span <= _LARGEST_FACE / chart.step).all(axis=1)
    radii = chart.radii(positions)[triangles].mean(axis=1)
    order = np.lexsort([radii, rank])
    order = order[fits[order]]
    corners, low, span = corners[order], low[order].astype(int), span[order].astype(int)

    count = span.prod(axis=1)
    member = np.repeat(np.arange(len(order)), count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(place, span[member, 0])
    column, row = column + low[member, 0], row + low[member, 1]
    shares = _barycentric(corners[member], np.column_stack([column, row]))
    inside = (shares >= -1e-9).all(axis=1)
    shares, vertices = shares[inside], triangles[order][member[inside]]
    image = np.full((*chart.shape, values.shape[1]), np.nan, np.float32)
    # Of several values for a cell numpy keeps the last one.
    image[row[inside], column[inside]] = np.einsum("nc,nck->nk", shares, values[vertices])
    drawn = np.full(chart.shape, -1)
    drawn[row[inside], column[inside]] = rank[order][member[inside]]
    return image, drawn


def _barycentric(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 3) shares of the corners of (n, 3, 2) triangles at (n, 2) points; NaN if flat."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = points - corners[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    area = np.where(area == 0.0, np.nan, area)
    second = (p[:, 0] * b[:, 1] - p[:, 1] * b[:, 0]) / area
    third = (a[:, 0] * p[:, 1] - a[:, 1] * p[:, 0]) / area
    return np.column_stack([1.0 - second - third, second, third])
