# SPDX-License-Identifier: GPL-3.0-or-later
"""The plane of left-right symmetry of a face's landmarks. Needs numpy only."""

from dataclasses import dataclass

import numpy as np

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

# Metres between a landmark and its partner's mirror image at which a pair begins to lose weight.
_FIT = 0.004


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
        plane = _fit_plane(landmarks, partners, pair_weights(plane, landmarks, weights))
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
    votes = np.stack([pair_weights(plane, landmarks, weights) for plane in planes])
    # Landmarks that lie on the wrong side of an edge may agree among themselves, but not with
    # those of the middle.
    return planes[int(np.argmax(votes.sum(axis=1) * votes[:, list(MIDLINE)].sum(axis=1)))]


def pair_weights(
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
