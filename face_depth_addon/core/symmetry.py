# SPDX-License-Identifier: GPL-3.0-or-later
"""The plane of left-right symmetry of a face, and the side of a turned head that it completes.

The completed surface is made on a chart of the head, not on the relief: rays leave an axis in
the plane of symmetry, as a sphere's above and spread towards a cylinder's below, and each ray
has one radius. In that chart the mirror image is the array flipped left to right, relief and
mirror image meet cell by cell, what is seen from in front of an ear and from behind it lies
side by side, and no blend of radii can fold the surface. Deliberately pure: numpy and cv2.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .errors import MeshError
from .filters import fill_outside
from .grid import _corners, _tidy, _used_vertices, round_border
from .interpolation import sample

LANDMARK_COUNT = 468
# MediaPipe numbers the landmarks of the middle and of the person's right side first, mixed,
# and then those of the left side in the order of their partners.
MIDLINE = (
    0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 94, 151, 152, 164, 168,
    175, 195, 197, 199, 200,
)
RIGHT = np.setdiff1d(np.arange(248), MIDLINE)
LEFT = np.arange(248, LANDMARK_COUNT)
#: (468,) the landmark on the other side; itself in the middle.
PARTNER = np.arange(LANDMARK_COUNT)
PARTNER[RIGHT], PARTNER[LEFT] = LEFT, RIGHT

# What stands for the face's upright: their middles are a head's "size" apart, about 12 cm.
_BROW, _CHIN = (9, 151), (199, 200)

# Degrees from the line of sight: a surface up to the first is seen well and from the second on
# badly; beyond the third it is a sheet that bridges an edge. Beyond the last angle from its ray
# a surface is an overhang.
_SURE, _STEEP, _SHEET, _OVERHANG = 55.0, 80.0, 82.0, 86.0
# Metres beside a border or a sheet that do not count, and the most rings of vertices in them.
_MARGIN, _MAX_ROUNDS = 0.003, 24
_TRUSTED = 0.1

# Metres between a landmark and its partner's mirror image at which a pair begins to lose weight,
# and at which the middle landmarks are too far from the plane for it to be true.
_FIT, _ASTRAY = 0.004, 0.008
_ICP_SPACING, _ICP_ROUNDS = 0.002, 15
# Share of the points that count, least cosine between the normals of two that match, and the
# fewest matches.
_ICP_KEEP, _ICP_FACING, _ICP_LEAST = 0.8, 0.7, 200
# What the landmarks count against the surface, each measured by its own scatter.
_LANDMARKS = 0.3
_TURNED_TOO_FAR = (
    "Too little of the face is seen on both sides of the nose to mirror it: "
    "use a photo in which the face is turned more towards the camera."
)

# The chart, in sizes and radians. Its origin lies so far behind the face; columns and rows are
# even at the radius; rows go from the top to the slanted cone and so far below it.
_DEPTH, _RADIUS, _MAX_ANGLE = 0.76, 0.8, 2.9
_TOP, _SLANT, _BOTTOM = np.radians(78.0), np.radians(-45.0), 1.15
# How the rays' feet and slopes go on below the cone, see `_Chart._place`.
_FALL, _TURN = 0.71, 2.22
# A body begins below the neck, and below the nape beside a width that narrows downwards.
_NECK, _NAPE, _WIDEST, _NARROWING = -0.85, -0.3, 0.8, 0.5
_LARGEST_FACE = 0.7

# Metres: widths of the seam, of the differences in place and in colour that are carried over it,
# and of the notches that are closed.
_SEAM, _CARRY, _CARRY_COLOUR, _NOTCH = 0.003, 0.005, 0.02, 0.012


@dataclass(frozen=True)
class MirrorPlane:
    """The points ``x`` with ``normal @ x == offset``.

    Attributes
    ----------
    normal : ndarray, (3,) float64
        Unit vector towards the person's left, which is the picture's right.
    offset : float
        In metres.
    """

    normal: np.ndarray
    offset: float

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance of (..., 3) points, in metres."""
        return points @ self.normal - self.offset

    def reflect(self, points: np.ndarray) -> np.ndarray:
        """Mirror image of (..., 3) points."""
        return points - 2.0 * self.distance(points)[..., None] * self.normal

    def project(self, points: np.ndarray) -> np.ndarray:
        """The points of the plane next to (..., 3) points."""
        return points - self.distance(points)[..., None] * self.normal


def mirror_plane(landmarks: np.ndarray, weights: np.ndarray | None = None) -> MirrorPlane:
    """Plane of symmetry of 468 landmarks, by iteratively reweighted least squares.

    The plane minimises the squared distances between landmarks and the mirror images of their
    partners, which is an eigenvalue problem. Pairs that miss it by millimetres lose weight (by
    Geman and McClure's function); the first guess is the best of the planes of single pairs.

    Parameters
    ----------
    landmarks : (468, 3) float array
        In metres, in Blender's axes.
    weights : (468,) float array, optional
        How well each landmark is seen, 0 to 1; a pair counts as its worse one.

    Returns
    -------
    MirrorPlane
    """
    partners = landmarks[PARTNER]
    weights = np.ones(LANDMARK_COUNT) if weights is None else weights
    plane = _best_guess(landmarks, weights)
    for _ in range(30):
        plane = _fit_plane(landmarks, partners, _pair_weights(plane, landmarks, weights))
    across = landmarks[LEFT].mean(axis=0) - landmarks[RIGHT].mean(axis=0)
    sign = np.sign(across @ plane.normal)
    return MirrorPlane(sign * plane.normal, float(sign * plane.offset))


def _best_guess(landmarks: np.ndarray, weights: np.ndarray) -> MirrorPlane:
    """The plane that most landmarks fit, of those between two partners or through the middle."""
    across = landmarks[LEFT] - landmarks[RIGHT]
    normals = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    offsets = (normals * (landmarks[LEFT] + landmarks[RIGHT]) / 2.0).sum(axis=1)
    share = weights[list(MIDLINE)] + 1e-6
    middle = np.average(landmarks[list(MIDLINE)], axis=0, weights=share)
    spread = np.sqrt(share)[:, None] * (landmarks[list(MIDLINE)] - middle)
    through = np.linalg.svd(spread)[2][2]
    planes = [MirrorPlane(through, float(through @ middle))]
    planes += [MirrorPlane(*both) for both in zip(normals, offsets, strict=True)]
    votes = np.stack([_pair_weights(plane, landmarks, weights) for plane in planes])
    # Landmarks that lie on the wrong side of an edge may agree among themselves, but not with
    # those of the middle.
    return planes[int(np.argmax(votes.sum(axis=1) * votes[:, list(MIDLINE)].sum(axis=1)))]


def _pair_weights(
    plane: MirrorPlane, landmarks: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """(468,) weights of the pairs, less for those that a plane does not fit."""
    residual = np.linalg.norm(landmarks - plane.reflect(landmarks[PARTNER]), axis=1)
    return np.minimum(weights, weights[PARTNER]) / (1.0 + (residual / _FIT) ** 2) ** 2


def _fit_plane(points: np.ndarray, partners: np.ndarray, weight: np.ndarray) -> MirrorPlane:
    """Least squares plane between (n, 3) points and their mirror images."""
    share = weight / weight.sum()
    middle = share @ (points + partners) / 2.0
    moment = (share[:, None] * (points - middle)).T @ (partners - middle)
    _, vectors = np.linalg.eigh(moment + moment.T)
    return MirrorPlane(vectors[:, 0], float(vectors[:, 0] @ middle))


def vertex_trust(
    positions: np.ndarray, faces: np.ndarray, viewpoint: np.ndarray | None = None
) -> np.ndarray:
    """How well a photo shows each vertex of a relief.

    Trust falls with the angle between the surface's normal and the line of sight, from 1 at
    55 degrees to 0 at 80. Where a near part hides a far one, a relief bridges the two by a
    steep sheet: it counts nothing, nor does the border, and trust rises over some millimetres
    beside them.

    Parameters
    ----------
    positions : (V, 3) float array
        In metres, in Blender's axes.
    faces : (F, 3) or (F, 4) int array
        Wound anticlockwise as seen by the camera.
    viewpoint : (3,) float array, optional
        Where the camera stands; None for a camera far away at -Y.

    Returns
    -------
    (V,) float64 array
        0 to 1.
    """
    cosine = _facing_camera(_vertex_normals(positions, faces), positions, viewpoint)
    trust = _ramp(cosine, _SURE, _STEEP)
    edges, counts = _face_edges(faces, len(positions))
    trust[edges[counts == 1]] = 0.0
    rounds = int(np.clip(np.ceil(_MARGIN / _edge_length(positions, edges)), 1, _MAX_ROUNDS))
    for _ in range(rounds):
        lower = trust[edges].min(axis=1)
        for ends in edges.T:
            np.minimum.at(trust, ends, lower)
    degree = np.bincount(edges.ravel(), minlength=len(trust)) + 1.0
    for _ in range(rounds):
        around = sum(
            np.bincount(start, trust[end], len(trust)) for start, end in (edges.T, edges.T[::-1])
        )
        trust = (trust + around) / degree
    return trust


def refine_plane(
    plane: MirrorPlane,
    positions: np.ndarray,
    faces: np.ndarray,
    trust: np.ndarray,
    landmarks: np.ndarray,
    viewpoint: np.ndarray | None = None,
) -> MirrorPlane:
    """Fit a plane of symmetry to the face's surface: trimmed ICP of it and its mirror image.

    Points of the face are mirrored and matched along the rays of the head's chart; the plane
    then takes a Gauss-Newton step towards the smallest distances between the mirrored points
    and the tangent planes they meet, without the worst fifth.

    Parameters
    ----------
    plane : MirrorPlane
        A first guess, from `mirror_plane`.
    positions, faces, trust
        The relief, as of `vertex_trust`.
    landmarks : (468, 3) float array
        They say where in the relief the face is.
    viewpoint : (3,) float array, optional
        As of `vertex_trust`.

    Returns
    -------
    MirrorPlane

    Raises
    ------
    MeshError
        Too little of the face is seen on both sides.
    """
    chart = _Chart.of_head(plane, landmarks, _ICP_SPACING)
    values = np.column_stack([positions, _vertex_normals(positions, faces), trust])
    seen, _ = _rasterise(chart, positions, faces, _worst(trust, faces) > _TRUSTED, values)
    seen[..., 6] *= _ramp(chart.facing(viewpoint), _SURE, _STEEP)
    points = seen[chart.face_rows, chart.face_columns].reshape(-1, values.shape[1])
    points = points[points[:, 6] > _TRUSTED]
    given = trust[_nearest(positions, landmarks)]
    for _ in range(_ICP_ROUNDS):
        ours, theirs = _matches(plane, chart, seen, points)
        if len(ours) < _ICP_LEAST:
            raise MeshError(_TURNED_TOO_FAR)
        weights = _pair_weights(plane, landmarks, given)
        plane = _plane_step(plane, chart.origin, (landmarks, weights), (ours, theirs))
    middle = list(MIDLINE)
    apart = np.average(np.abs(plane.distance(landmarks[middle])), weights=given[middle] + 1e-6)
    if apart > _ASTRAY:
        raise MeshError(_TURNED_TOO_FAR)
    return plane


def _matches(
    plane: MirrorPlane, chart: "_Chart", seen: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points and what their mirror images meet; position, normal and trust: (m, 7) both."""
    pixels = chart.pixels(plane.reflect(points[:, :3]))
    inside = np.isfinite(pixels[:, 0])
    points, met = points[inside], sample(seen, pixels[inside] + 0.5)
    met[:, 3:6] /= np.linalg.norm(met[:, 3:6], axis=1, keepdims=True)
    upright = MirrorPlane(plane.normal, 0.0)
    alike = (upright.reflect(points[:, 3:6]) * met[:, 3:6]).sum(axis=1) > _ICP_FACING
    sure = alike & (met[:, 6] > _TRUSTED)
    return points[sure], met[sure]


def _plane_step(
    plane: MirrorPlane,
    origin: np.ndarray,
    marked: tuple[np.ndarray, np.ndarray],
    matched: tuple[np.ndarray, np.ndarray],
) -> MirrorPlane:
    """One Gauss-Newton step, from landmarks with weights and from `_matches`."""
    anchor = plane.project(origin)
    tilts = np.linalg.svd(plane.normal[None])[2][1:]

    def motions(points: np.ndarray) -> np.ndarray:
        """(n, 3, 3) motion of mirror images, in the last axis for each tilt and the shift."""
        arms = points - anchor
        turns = [
            -2.0 * (np.outer(arms @ tilt, plane.normal) + np.outer(arms @ plane.normal, tilt))
            for tilt in tilts
        ]
        return np.stack([*turns, np.tile(2.0 * plane.normal, (len(points), 1))], axis=-1)

    landmarks, weights = marked
    partners = landmarks[PARTNER]
    landmark_rows = motions(partners).reshape(-1, 3)
    landmark_errors = (plane.reflect(partners) - landmarks).ravel()
    landmark_weights = np.repeat(weights, 3)

    ours, theirs = matched
    rows = np.einsum("ni,nij->nj", theirs[:, 3:6], motions(ours[:, :3]))
    errors = ((plane.reflect(ours[:, :3]) - theirs[:, :3]) * theirs[:, 3:6]).sum(axis=1)
    close = np.abs(errors) <= np.quantile(np.abs(errors), _ICP_KEEP)
    weights = ours[:, 6] * theirs[:, 6] * close

    scatter = np.average(errors**2, weights=weights)
    landmark_scatter = np.average(landmark_errors**2, weights=landmark_weights)
    relative = scatter / max(landmark_scatter, 1e-12) * weights.sum() / landmark_weights.sum()
    root = np.sqrt(np.concatenate([weights, _LANDMARKS * relative * landmark_weights]))
    step, *_ = np.linalg.lstsq(
        root[:, None] * np.concatenate([rows, landmark_rows]),
        -root * np.concatenate([errors, landmark_errors]), rcond=None,
    )
    normal = plane.normal + step[:2] @ tilts
    normal /= np.linalg.norm(normal)
    return MirrorPlane(normal, float(normal @ (anchor + step[2] * plane.normal)))


@dataclass(frozen=True)
class _Chart:
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
    """

    origin: np.ndarray
    axes: np.ndarray
    size: float
    step: float
    shape: tuple[int, int]

    @classmethod
    def of_head(cls, plane: MirrorPlane, landmarks: np.ndarray, spacing: float) -> "_Chart":
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

    @property
    def face_rows(self) -> slice:
        """Rows from the chin to the forehead."""
        first, last = ((_TOP - at) * _RADIUS / self.step for at in (0.75, -0.75))
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
        row = ((_TOP - elevation) * _RADIUS + below) / self.step
        inside = (row >= 0) & (row <= self.shape[0] - 1)
        inside &= (column >= 0) & (column <= self.shape[1] - 1)
        return np.where(inside[:, None], np.column_stack([column, row]), np.nan)

    def heights(self, points: np.ndarray) -> np.ndarray:
        """(n,) heights of (n, 3) points above the origin, in sizes."""
        return (points - self.origin) @ self.axes[2] / self.size

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
        below = np.maximum(rows - (_TOP - _SLANT) * _RADIUS, 0.0)
        drop = 1.0 + 2.0 / _RADIUS * below - _TURN * below**2
        elevation = np.where(below > 0.0, -np.arctan(drop), _TOP - rows / _RADIUS)[:, None]
        angle = (columns - columns[self.shape[1] // 2]) / _RADIUS
        feet = -_FALL * below[:, None, None] ** 2 * np.array([0.0, 0.0, 1.0])
        level, rise = np.cos(elevation), np.sin(elevation) + 0.0 * angle
        return feet, np.dstack([level * np.sin(angle), level * np.cos(angle), rise])


def _worst(values: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) the lowest of each face's vertex values."""
    return values[faces].min(axis=1)


def _rasterise(
    chart: _Chart, positions: np.ndarray, faces: np.ndarray, rank: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw vertex values on a chart.

    Where several faces lie, that of the highest ``rank`` (F,) counts, and then the outermost.

    Returns
    -------
    image : (H, W, K) float32
        The (V, K) values, NaN where no face lies.
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


@dataclass(frozen=True)
class CompletedHead:
    """A quad mesh of what is seen of a head and of its mirror image.

    Attributes
    ----------
    positions : (n, 3) float32 array
        In the frame of the relief, metres.
    faces : (q, 4) int32 array
        Wound anticlockwise as seen from outside.
    colours : (n, C) uint8 array
    uvs : (n, 2) float32 array
        Place in the photo; NaN where more than half is the mirror image's.
    seen : (n,) float32 array
        Share of the photo's own surface, 0 to 1; the rest is the mirror image's.
    plane : MirrorPlane
    """

    positions: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    uvs: np.ndarray
    seen: np.ndarray
    plane: MirrorPlane


def complete_head(
    positions: np.ndarray,
    faces: np.ndarray,
    colours: np.ndarray,
    uvs: np.ndarray,
    landmarks: np.ndarray,
    viewpoint: np.ndarray | None = None,
) -> CompletedHead:
    """Give a relief of a turned head the side that the photo hides, as its mirror image.

    What is trusted stays. Elsewhere the mirror image comes in, moved along the rays of the
    head's chart by its smoothed difference from the relief where both are known, which goes on
    evenly from there: the seam has no step, and the far side keeps its shape. Colours likewise.
    Sheets give way to a smooth fill. The mesh is as dense as the relief and ends a little below
    the chin, since a body does not share the head's plane of symmetry.

    Parameters
    ----------
    positions : (V, 3) float array
        In metres, in Blender's axes.
    faces : (F, 3) or (F, 4) int array
        Wound anticlockwise as seen by the camera.
    colours : (V, C) uint8 array
    uvs : (V, 2) float array
    landmarks : (468, 3) float array
        On the relief.
    viewpoint : (3,) float array, optional
        Where the camera stands; None for a camera far away at -Y.

    Returns
    -------
    CompletedHead

    Raises
    ------
    MeshError
        Too little of the face is seen on both sides.
    """
    trust = vertex_trust(positions, faces, viewpoint)
    plane = mirror_plane(landmarks, trust[_nearest(positions, landmarks)])
    plane = refine_plane(plane, positions, faces, trust, landmarks, viewpoint)
    spacing = _edge_length(positions, _face_edges(faces, len(positions))[0])
    chart = _Chart.of_head(plane, landmarks, spacing)

    faces, rank = _ranked(chart, positions, faces, trust, viewpoint)
    values = np.column_stack([chart.radii(positions), colours, trust, uvs])
    layers, drawn = _rasterise(chart, positions, faces, rank, values)
    weight = _weight(layers[..., -3], drawn, chart.facing(viewpoint), spacing)
    seen, blended = _composite(layers[..., :-3], weight, spacing)
    known = _whole((drawn >= 0) | (drawn >= 0)[:, ::-1], spacing)
    return _quads(chart, plane, known, blended, seen, layers[..., -2:])


def _ranked(
    chart: _Chart, positions: np.ndarray, faces: np.ndarray, trust: np.ndarray,
    viewpoint: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Faces of the head, and which count: 0 sheets and overhangs, 1 what is fair, 2 trusted."""
    normals, middles = _face_normals(positions, faces), positions[faces].mean(axis=1)
    facing = _facing_camera(normals, middles, viewpoint)
    outwards = _cosines(normals, chart.directions(middles))
    fair = (facing > np.cos(np.radians(_SHEET))) & (outwards > np.cos(np.radians(_OVERHANG)))
    rank = np.where(fair, 1 + (_worst(trust, faces) > _TRUSTED), 0)
    # Down there nothing of a head shows its inside to the rays, but shoulders and collars do.
    head = (outwards > 0.0) | (chart.heights(middles) > _NAPE)
    return faces[head], rank[head]


def _weight(
    trust: np.ndarray, drawn: np.ndarray, facing: np.ndarray, spacing: float
) -> np.ndarray:
    """Smooth (H, W) weight of what is seen, from its trust: at least a little where it counts.

    What a relief has where a round head turns away from the camera is background that was
    taken for the head.
    """
    sheet = cv2.distanceTransform((drawn != 0).astype(np.uint8), cv2.DIST_L2, 5) * spacing
    own = (drawn == 2) | ((drawn == 1) & (sheet > _MARGIN))
    rim = cv2.distanceTransform(np.pad(own, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    known = np.where(own, trust, 0.0) * _ramp(facing, _SURE, _STEEP)
    smooth = _blur(known, _SEAM / spacing) * _smoothstep(rim * spacing / (4.0 * _SEAM))
    return np.where(own, np.maximum(smooth, 1e-6), 0.0).astype(np.float32)


def _composite(
    values: np.ndarray, weight: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Blend (H, W, K) maps, radius and colours, with their mirror images.

    Returns
    -------
    seen : (H, W) float32
        Share of the map's own values.
    blended : (H, W, K) float32
        Filled from around where there are none.
    """
    other = weight[:, ::-1]
    seen = _smoothstep(weight / np.maximum(0.8 * other, 1e-9)).astype(np.float32)
    values = np.where(weight[..., None] > 0.0, values, 0.0)
    flipped = values[:, ::-1]
    both, differences = weight * other, np.moveaxis(values - flipped, -1, 0)
    carried = np.dstack([
        _carry(difference, both, (_CARRY if layer == 0 else _CARRY_COLOUR) / spacing)
        for layer, difference in enumerate(differences)
    ])
    share = seen[..., None]
    blended = share * values + (1.0 - share) * (flipped + carried)
    known = (weight > 0.0) | (other > 0.0)
    return seen, np.dstack([fill_outside(layer, known) for layer in np.moveaxis(blended, -1, 0)])


def _carry(difference: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth (H, W) map of a difference, continued away from where ``weight`` is."""
    near = _blur(weight, sigma)
    smooth = _blur(difference * weight, sigma) / np.maximum(near, 1e-6)
    sure = _smoothstep(near / 0.1)
    spread = _blur(fill_outside(smooth.astype(np.float32), sure), sigma)
    return sure * smooth + (1.0 - sure) * spread


def _whole(known: np.ndarray, spacing: float) -> np.ndarray:
    """The largest piece of a (H, W) bool map, without holes, notches and frays."""
    width = 2 * int(_NOTCH / spacing / 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    closed = cv2.morphologyEx(
        np.pad(known, width).astype(np.uint8), cv2.MORPH_CLOSE, disc
    )[width:-width, width:-width]
    even = (_blur(closed, width / 3.0) > 0.5).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(even, None, 4)
    largest = labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])
    around = np.pad(~largest, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(around, None, 4)
    return (labels != labels[0, 0])[1:-1, 1:-1]


def _quads(
    chart: _Chart, plane: MirrorPlane, known: np.ndarray, blended: np.ndarray,
    seen: np.ndarray, uvs: np.ndarray,
) -> CompletedHead:
    """Mesh of the chart's cells whose four corners are known."""
    cells = _tidy(known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:])
    used = _used_vertices(cells)
    number = np.cumsum(used.ravel(), dtype=np.int32).reshape(used.shape) - 1
    positions = chart.points(blended[..., 0])[used]
    colours = np.clip(blended[..., 1:][used] + 0.5, 0, 255).astype(np.uint8)
    uvs = np.where(seen[used][:, None] > 0.5, uvs[used], np.nan)
    faces = _corners(number, cells).reshape(-1, 4)
    edges, counts = _face_edges(faces, len(positions))
    round_border(positions, edges[counts == 1])
    return CompletedHead(
        positions.astype(np.float32), faces, colours, uvs.astype(np.float32), seen[used], plane
    )


def _face_normals(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F, 3) normals of triangles or quads, twice as long as their area."""
    corners = positions[faces]
    return np.cross(corners[:, 2] - corners[:, 0], corners[:, -1] - corners[:, 1])


def _vertex_normals(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, faces weighted by their areas."""
    each = _face_normals(positions, faces)
    total = np.zeros((len(positions), 3))
    for ring in faces.T:
        for axis in range(3):
            total[:, axis] += np.bincount(ring, each[:, axis], len(positions))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def _facing_camera(
    normals: np.ndarray, positions: np.ndarray, viewpoint: np.ndarray | None
) -> np.ndarray:
    """(n,) cosines between normals, of any length, and the way to the camera."""
    if viewpoint is None:
        return _cosines(normals, np.array([[0.0, -1.0, 0.0]]))
    towards = viewpoint - positions
    return _cosines(normals, towards / np.linalg.norm(towards, axis=1, keepdims=True))


def _cosines(normals: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(n,) cosines between (n, 3) normals, of any length, and unit directions."""
    length = np.maximum(np.linalg.norm(normals, axis=1), 1e-30)
    return (normals * directions).sum(axis=1) / length


def _face_edges(faces: np.ndarray, vertex_count: int) -> tuple[np.ndarray, np.ndarray]:
    """(E, 2) vertices of the edges, and of how many faces each is an edge."""
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2).astype(np.int64)
    keys, counts = np.unique(ends.min(axis=1) * vertex_count + ends.max(axis=1), return_counts=True)
    return np.column_stack(np.divmod(keys, vertex_count)), counts


def _edge_length(positions: np.ndarray, edges: np.ndarray) -> float:
    """Median length of edges."""
    return float(np.median(np.linalg.norm(positions[edges[:, 1]] - positions[edges[:, 0]], axis=1)))


def _nearest(points: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """(m,) index of the point next to each of (m, 3) queries."""
    # 4 is the exact tree, which needs no random numbers.
    index = cv2.flann_Index(points.astype(np.float32), {"algorithm": 4, "leaf_max_size": 10})
    found, _ = index.knnSearch(queries.astype(np.float32), 1, params={"checks": -1})
    return found[:, 0]


def _ramp(cosines: np.ndarray, sure: float, steep: float) -> np.ndarray:
    """1 up to an angle of ``sure`` degrees, 0 from ``steep`` on."""
    full, none = np.cos(np.radians([sure, steep]))
    return _smoothstep((cosines - none) / (full - none))


def _smoothstep(values: np.ndarray) -> np.ndarray:
    """From 0 at 0 to 1 at 1, level at both ends."""
    values = np.clip(values, 0.0, 1.0)
    return values * values * (3.0 - 2.0 * values)


def _blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of a (H, W) map, float32; ``sigma`` in cells."""
    return cv2.GaussianBlur(
        values.astype(np.float32), (0, 0), max(sigma, 0.5), borderType=cv2.BORDER_REPLICATE
    )
