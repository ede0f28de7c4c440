# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits the plane of symmetry to a face's surface: trimmed ICP of it and its mirror image."""

import numpy as np

from ..errors import MeshError
from ..interpolation import sample
from .chart import HeadChart, rasterise
from .symmetry import MIDLINE, PARTNER, MirrorPlane, pair_weights
from .visibility import STEEP, SURE, TRUSTED, lowest, nearest, ramp, vertex_normals

# Metres at which the middle landmarks are too far from the plane for it to be true.
_ASTRAY = 0.008
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
    chart = HeadChart.of_head(plane, landmarks, _ICP_SPACING)
    values = np.column_stack([positions, vertex_normals(positions, faces), trust])
    seen, _ = rasterise(chart, positions, faces, lowest(trust, faces) > TRUSTED, values)
    seen[..., 6] *= ramp(chart.facing(viewpoint), SURE, STEEP)
    points = seen[chart.face_rows, chart.face_columns].reshape(-1, values.shape[1])
    points = points[points[:, 6] > TRUSTED]
    given = trust[nearest(positions, landmarks)]
    for _ in range(_ICP_ROUNDS):
        ours, theirs = _matches(plane, chart, seen, points)
        if len(ours) < _ICP_LEAST:
            raise MeshError(_TURNED_TOO_FAR)
        weights = pair_weights(plane, landmarks, given)
        plane = _plane_step(plane, chart.origin, (landmarks, weights), (ours, theirs))
    middle = list(MIDLINE)
    apart = np.average(np.abs(plane.distance(landmarks[middle])), weights=given[middle] + 1e-6)
    if apart > _ASTRAY:
        raise MeshError(_TURNED_TOO_FAR)
    return plane


def _matches(
    plane: MirrorPlane, chart: "HeadChart", seen: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points and what their mirror images meet; position, normal and trust: (m, 7) both."""
    pixels = chart.pixels(plane.reflect(points[:, :3]))
    inside = np.isfinite(pixels[:, 0])
    points, met = points[inside], sample(seen, pixels[inside] + 0.5)
    met[:, 3:6] /= np.linalg.norm(met[:, 3:6], axis=1, keepdims=True)
    upright = MirrorPlane(plane.normal, 0.0)
    alike = (upright.reflect(points[:, 3:6]) * met[:, 3:6]).sum(axis=1) > _ICP_FACING
    sure = alike & (met[:, 6] > TRUSTED)
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
