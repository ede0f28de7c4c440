# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose, identity and expression of the template that come nearest to a surface. Needs numpy only.

A Gauss-Newton fit of a linear head model to landmarks and to the surface, point to plane, with
Gaussian priors (as Blanz and Vetter 2003; the data terms are those of non-rigid ICP).
"""

from dataclasses import dataclass

import numpy as np

from .template import OUTER_END, Template, normals_of
from .wrap_target import Target

_ROUNDS = 12
# Vertices of the skin that are compared with the surface.
_SAMPLES = 3000
# Metres: how far landmarks are apart from where they should be, beside and along the line of
# sight, and how exact the surface is.
_BESIDE, _ALONG, _SURFACE = 0.0025, 0.012, 0.0015
# What so many neighbours err in common: landmarks and samples count as this many independent ones.
_LANDMARKS, _POINTS = 150, 300
# Standard deviations of expressions, whose weights run from 0 to 1.
_EXPRESSION = 0.5
# Metres beyond which the surface is taken for something else, at first and in the end, and the
# least cosines between its normal, the head's and the line of sight.
_FAR, _NEAR, _AGREEING, _FACING = 0.03, 0.01, 0.6, 0.25
_RESTING = ("eyeLook",)


@dataclass(frozen=True, eq=False)
class HeadModel:
    """A posed head.

    Attributes
    ----------
    rotation : ndarray, (3, 3) float64
        Turns the template's axes into the frame's.
    scale : float
    translation : ndarray, (3,) float64
    identity : ndarray, (k,) float64
        Standard deviations.
    expression : ndarray, (e,) float64
        0 to 1.
    """

    rotation: np.ndarray
    scale: float
    translation: np.ndarray
    identity: np.ndarray
    expression: np.ndarray

    def place(self, head: np.ndarray) -> np.ndarray:
        """Points (n, 3) of the template's frame in the frame."""
        return self.scale * (head @ self.rotation.T) + self.translation

    def shape(self, template: Template) -> np.ndarray:
        """The template's vertices with identity and expression, (n, 3) float64, unposed."""
        moved = np.tensordot(self.identity, template.identity, 1)
        moved += np.tensordot(self.expression, template.expression, 1)
        return template.vertices + moved.T

    def reflect(self, vectors: np.ndarray) -> np.ndarray:
        """Displacements (n, 3) of the frame as they are on the head's other side."""
        axis = self.rotation[:, 0]
        return vectors - 2.0 * (vectors @ axis)[:, None] * axis


def similarity(source: np.ndarray, goal: np.ndarray, weights: np.ndarray) -> tuple:
    """Rotation, scale and translation that take points (n, 3) nearest to others (Umeyama 1991)."""
    share = (weights / weights.sum())[:, None]
    source_middle, middle = (share * source).sum(axis=0), (share * goal).sum(axis=0)
    source, goal = source - source_middle, goal - middle
    left, stretch, right = np.linalg.svd((share * goal).T @ source)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * sign) @ right
    scale = float((stretch * sign).sum() / (share * source**2).sum())
    return rotation, scale, middle - scale * rotation @ source_middle


def fit_model(template: Template, target: Target, landmarks: np.ndarray) -> HeadModel:
    """Fit the head model.

    Parameters
    ----------
    template : Template
    target : Target
    landmarks : ndarray, (468, 3)
        In the target's frame; their places in the picture are trusted more than their depth.

    Returns
    -------
    HeadModel
    """
    spread = np.maximum(template.mediapipe_scatter, _BESIDE).astype(np.float64)
    start = similarity(template.at_mediapipe(template.vertices), landmarks, spread**-2)
    model = HeadModel(
        *start, np.zeros(len(template.identity)), np.zeros(len(template.expression))
    )
    sampled = _sampled(template)
    for turn in range(_ROUNDS):
        far = _FAR * (_NEAR / _FAR) ** (turn / (_ROUNDS - 1))
        model = _improve(model, sampled, target, landmarks, spread, far)
    return model


@dataclass(frozen=True, eq=False)
class _Sampled:
    """The template at the landmarks, and at some vertices after them."""

    template: Template
    vertices: np.ndarray
    rest: np.ndarray
    modes: np.ndarray
    prior: np.ndarray


def _sampled(template: Template) -> _Sampled:
    chosen = np.linspace(0, OUTER_END - 1, _SAMPLES).astype(int)
    modes = np.concatenate([template.identity, template.expression])
    weights = template.mediapipe_weights
    at_landmarks = np.einsum("lk,mclk->mcl", weights, modes[:, :, template.mediapipe])
    prior = np.ones(len(modes))
    prior[len(template.identity):] = _EXPRESSION
    for index, name in enumerate(template.expression_names):
        if name.startswith(_RESTING):
            prior[len(template.identity) + index] = 1e-3
    return _Sampled(
        template, chosen,
        np.concatenate([template.at_mediapipe(template.vertices), template.vertices[chosen]]),
        np.concatenate([at_landmarks, modes[:, :, chosen]], axis=2), prior,
    )


def _improve(
    model: HeadModel, sampled: _Sampled, target: Target, landmarks: np.ndarray,
    spread: np.ndarray, far: float,
) -> HeadModel:
    """One step of Gauss and Newton, in the head's own frame."""
    template = sampled.template
    weights = np.concatenate([model.identity, model.expression])
    head = sampled.rest + np.tensordot(weights, sampled.modes, 1).T
    placed = model.place(head)
    normals = normals_of(model.place(model.shape(template)), template.triangles)
    own = template.at_mediapipe(normals), normals[sampled.vertices]
    count = len(landmarks)
    seen = np.clip((own[0] * target.sight(placed[:count])).sum(axis=1) * 3.0 + 0.3, 0.05, 1.0)
    rows, misses, trust = _landmark_rows(
        target.sight(placed[:count]), landmarks - placed[:count], seen / spread**2
    )
    surface = _surface_rows(target, placed[count:], own[1], far)
    at = np.concatenate([np.repeat(np.arange(count), 3), count + np.arange(len(placed) - count)])
    rows, misses, trust = (
        np.concatenate(pair) for pair in zip((rows, misses, trust), surface)
    )
    used = trust > 0.0
    at, rows, misses, trust = at[used], rows[used], misses[used], trust[used]
    # Rows in the head's frame: of a small turn, a shift, a growth, and of each mode.
    inward = rows @ model.rotation
    columns = np.concatenate([
        np.cross(head[at], inward), inward, (head[at] * inward).sum(axis=1, keepdims=True),
        np.einsum("rc,mcr->rm", inward, sampled.modes[:, :, at]),
    ], axis=1)
    precision = np.concatenate([np.full(7, 1e-9), sampled.prior**-2])
    system = (columns * trust[:, None]).T @ columns + np.diag(precision)
    right = columns.T @ (trust * misses / model.scale)
    right[7:] -= precision[7:] * weights
    step = np.linalg.solve(system, right)
    weights = weights + step[7:]
    known = len(model.identity)
    return HeadModel(
        model.rotation @ turn(step[:3]), model.scale * float(np.exp(step[6])),
        model.translation + model.scale * model.rotation @ step[3:6],
        weights[:known], np.clip(weights[known:], 0.0, 1.0),
    )


def _landmark_rows(sight: np.ndarray, gaps: np.ndarray, trust: np.ndarray) -> tuple:
    """Directions (3 l, 3), how far off (3 l,), and weights: two beside the line of sight, one on.
    """
    aside = np.cross(sight, [0.0, 0.0, 1.0])
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    axes = np.stack([aside, np.cross(sight, aside), sight], axis=1)
    misses = np.einsum("lac,lc->la", axes, gaps)
    trust = trust * _LANDMARKS / len(trust)
    along = trust * (_BESIDE / _ALONG) ** 2
    return axes.reshape(-1, 3), misses.ravel(), np.stack([trust, trust, along], axis=1).ravel()


def _surface_rows(target: Target, placed: np.ndarray, normals: np.ndarray, far: float) -> tuple:
    """Normals (p, 3), distances along them (p,), and weights."""
    points, across, valid = target.at(target.in_crop(placed))
    misses = ((points - placed) * across).sum(axis=1)
    valid &= (normals * across).sum(axis=1) > _AGREEING
    valid &= (normals * target.sight(placed)).sum(axis=1) > _FACING
    # Geman and McClure's weights.
    trust = valid / (1.0 + (misses / far) ** 2) ** 2
    return across, misses, trust * _POINTS / max(trust.sum(), 1.0) / _SURFACE**2


def turn(vector: np.ndarray) -> np.ndarray:
    """Rotation matrix of a rotation vector (Rodrigues)."""
    angle = np.linalg.norm(vector)
    x, y, z = vector / max(angle, 1e-12)
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * skew + (1.0 - np.cos(angle)) * (skew @ skew)
