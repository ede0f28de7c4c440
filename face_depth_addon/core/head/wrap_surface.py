# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a fitted head to the surface that a photo shows. Needs numpy only.

By a displacement that is as smooth as a thin plate's, in rounds of falling stiffness, to the planes
that touch the surface (as Amberg, Romdhani and Vetter 2007, who have affine maps instead of a
plate). What the photo does not show moves as the other side does, or as what is around it.
"""

from dataclasses import dataclass

import numpy as np

from ..polygons.mesh_graph import MeshGraph, solve
from ..polygons.raster import rasterise
from .template import OUTER_END, PARTS, SKIN_END, Template, normals_of
from .wrap_model import HeadModel
from .wrap_target import Target

# In each round: stiffness, weight of a landmark, and metres beyond which the surface is taken for
# something else. A vertex's distance from the surface weighs 1, a shift along it ``_SLIDE``.
_ROUNDS = (
    (30.0, 3.0, 0.012), (10.0, 1.0, 0.012), (3.0, 0.4, 0.010), (1.0, 0.15, 0.008),
    (0.7, 0.08, 0.006),
)
_SLIDE, _STEPS = 0.02, 80
# What the photo does not show: weights of moving as the other side does, of moving as what is
# around it, and of not moving; and how much stiffer it is.
_MIRRORED, _TAUT, _RESTING, _STIFF = 0.02, 0.05, 2e-5, 30.0
#: Least cosine between a vertex's normal and the line of sight, and that to the surface's normal.
FACING, _AGREEING = 0.15, 0.5
# Openness below which a vertex follows nothing, and above which it follows wholly.
_HOLLOW, _OPEN = 0.3, 0.6
# What is no front of a face may have hair on it, which may stand off so many times further.
_HAIR = 3.0
# Pixels a side in which the head's own parts hide one another.
_SIGHT_SIZE = 384
#: Metres that they must be apart for it.
BEHIND = 0.006
# Vertices of the lips' inner edges, in the 68 landmarks, and metres between them from which on, and
# up to which, the mouth opens; metres behind the surface within which its lining then lies.
_INNER_LIPS, _AJAR, _POCKET = (62, 66), (0.003, 0.006), 0.01
# Cosine of the angle beyond which a triangle is folded, how often the surface around those is
# stiffened, and how much.
_FOLDED, _UNFOLDING, _STIFFER = 0.2, 2, 15.0


def follow_surface(
    template: Template, model: HeadModel, target: Target, landmarks: np.ndarray
) -> np.ndarray:
    """Draw a fitted head to the surface and, beside the line of sight, to the landmarks.

    Parameters
    ----------
    template : Template
    model : HeadModel
    target : Target
    landmarks : ndarray, (468, 3)
        In the target's frame.

    Returns
    -------
    ndarray, (n, 3) float64
        Where the template's vertices come to lie.
    """
    start = model.place(model.shape(template))
    skin = start[:SKIN_END]
    edges = template.edges[template.edges[:, 1] < SKIN_END]
    graph = MeshGraph.of(edges, skin)
    triangles = template.triangles[(template.triangles < SKIN_END).all(axis=1)]
    moved = np.zeros_like(skin)
    for stiff, pull, far in _ROUNDS:
        pulls = _pulls(template, target, landmarks, skin + moved, triangles, pull, far)
        stiffness = 1.0 + _STIFF * (1.0 - np.minimum(graph.mean(pulls.trust), 1.0)) ** 2
        moved = _settle(graph, stiff * stiffness, model, template, pulls, skin, moved)
    for _ in range(_UNFOLDING):
        loose = _folded(skin, skin + moved, triangles)
        if not loose.any():
            break
        for _ in range(3):
            loose = np.maximum(loose, graph.mean(loose))
        stiffness = stiffness * (1.0 + _STIFFER * loose)
        moved = _settle(graph, stiff * stiffness, model, template, pulls, skin, moved)
    positions = start.copy()
    positions[:SKIN_END] += moved
    for side in ("Left", "Right"):
        # An eyeball goes along with its socket's rim.
        first, last = PARTS[f"{side} Eye Socket"]
        in_socket = (edges[:, 1] >= first) & (edges[:, 1] < last)
        rim = np.unique(edges[in_socket & (edges[:, 0] < OUTER_END), 0])
        positions[slice(*PARTS[f"{side} Eye"])] += moved[rim].mean(axis=0)
    _fill_mouth(template, target, positions)
    return positions


def _fill_mouth(template: Template, target: Target, positions: np.ndarray) -> None:
    """Draw the lining of an open mouth up behind the teeth, which the template lacks, in place.

    Along the lines of sight, so that each part of it goes on showing the same of the photo.
    """
    upper, lower = positions[template.landmarks[list(_INNER_LIPS)]]
    low, high = _AJAR
    share = np.clip((np.linalg.norm(upper - lower) - low) / (high - low), 0.0, 1.0)
    lining = slice(*PARTS["Mouth"])
    sight = target.sight(positions[lining])
    surface, _, _ = target.at(target.in_crop(positions[lining]))
    depth = ((surface - positions[lining]) * sight).sum(axis=1, keepdims=True)
    drawn = _POCKET * (1.0 - np.exp(-depth / _POCKET))
    positions[lining] += share * np.maximum(depth - drawn, 0.0) * (depth > 0.0) * sight


@dataclass(frozen=True, eq=False)
class _Pulls:
    """Where vertices of the skin, and landmarks, are drawn.

    Attributes
    ----------
    goals, normals : ndarray, (m, 3)
        On the surface.
    trust : ndarray, (m, 1)
        0 for what is drawn nowhere.
    landmarks, sight : ndarray, (468, 3)
        Where landmarks belong, and the directions along which they may slide.
    pull : ndarray, (468, 1)
    """

    goals: np.ndarray
    normals: np.ndarray
    trust: np.ndarray
    landmarks: np.ndarray
    sight: np.ndarray
    pull: np.ndarray


def _pulls(
    template: Template, target: Target, landmarks: np.ndarray, skin: np.ndarray,
    triangles: np.ndarray, pull: float, far: float,
) -> _Pulls:
    normals = normals_of(skin, triangles)
    goals, across, valid = target.at(target.in_crop(skin))
    sight = target.sight(skin)
    facing = (normals * sight).sum(axis=1)
    valid &= ((normals * across).sum(axis=1) > _AGREEING) & (facing > FACING)
    valid[OUTER_END:] = False
    valid &= depth_behind_itself(target, skin, triangles) < BEHIND
    misses = ((goals - skin) * across).sum(axis=1)
    reach = np.where(template.may_have_hair[:SKIN_END], _HAIR * far, far)
    open_air = np.clip((template.openness[:SKIN_END] - _HOLLOW) / (_OPEN - _HOLLOW), 0.0, 1.0)
    # In a depth map the underside of a nose is a ramp, which no head need follow.
    steady = np.minimum(facing, (across * sight).sum(axis=1))
    trust = valid * open_air * np.clip(steady / 0.5, 0.0, 1.0) / (1.0 + (misses / reach) ** 2) ** 2
    spots, spot_normals = template.at_mediapipe(skin), template.at_mediapipe(normals)
    spot_sight = target.sight(spots)
    seen = np.clip((spot_normals * spot_sight).sum(axis=1) * 3.0, 0.0, 1.0)
    settled = np.minimum(0.002 / template.mediapipe_scatter, 1.0) ** 2
    return _Pulls(
        goals, across, trust[:, None], landmarks, spot_sight, pull * (seen * settled)[:, None]
    )


def _settle(
    graph: MeshGraph, stiffness: np.ndarray, model: HeadModel, template: Template, pulls: _Pulls,
    skin: np.ndarray, moved: np.ndarray,
) -> np.ndarray:
    """The displacement (m, 3) of the skin that best follows the pulls, from the one before."""
    corners, weights = template.mediapipe, template.mediapipe_weights
    flat = corners.ravel()
    partner = template.mirror[:SKIN_END]
    mirrored = (_MIRRORED * pulls.trust[partner] * (1.0 - np.minimum(pulls.trust, 1.0)))
    anchor = mirrored + _RESTING
    guess = mirrored / anchor * model.reflect(moved[partner])

    def drawn(shift: np.ndarray) -> np.ndarray:
        """The data's gradient of what displacement the vertices are short of."""
        along = (shift * pulls.normals).sum(axis=1, keepdims=True) * pulls.normals
        return pulls.trust * (along + _SLIDE * (shift - along))

    def led(shift: np.ndarray) -> np.ndarray:
        """The same of the landmarks' displacement, handed to the vertices around them."""
        beside = shift - (shift * pulls.sight).sum(axis=1, keepdims=True) * pulls.sight
        handed = (weights[..., None] * (pulls.pull * beside)[:, None]).reshape(-1, 3)
        return np.column_stack([
            np.bincount(flat, column, len(skin)) for column in handed.T
        ])

    def at_landmarks(values: np.ndarray) -> np.ndarray:
        return np.einsum("lk,lkc->lc", weights, values[corners])

    def apply(shift: np.ndarray) -> np.ndarray:
        return (
            graph.strain(shift, stiffness, _TAUT) + anchor * shift + drawn(shift)
            + led(at_landmarks(shift))
        )

    right = drawn(pulls.goals - skin) + led(pulls.landmarks - at_landmarks(skin)) + anchor * guess
    diagonal = graph.strain_diagonal(stiffness, _TAUT) + pulls.trust / 3.0 + anchor
    diagonal[:, 0] += np.bincount(
        flat, (weights**2 * pulls.pull).ravel(), len(skin)
    )
    return moved + solve(apply, right - apply(moved), diagonal, _STEPS)


def _folded(before: np.ndarray, after: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """1 for the vertices of triangles that are turned too far, 0 for others: (m, 1)."""
    normals = []
    for positions in (before, after):
        first, second, third = (positions[triangles[:, corner]] for corner in range(3))
        normal = np.cross(second - first, third - first)
        normals.append(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15))
    folded = np.zeros((len(before), 1))
    folded[triangles[(normals[0] * normals[1]).sum(axis=1) < _FOLDED]] = 1.0
    return folded


def depth_behind_itself(target: Target, positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """How far behind what the head itself has in front of them vertices lie, in metres: (n,)."""
    nearness = (positions * (0.0, -1.0, 0.0)).sum(axis=1)
    pixels = target.in_crop(positions) * _SIGHT_SIZE
    cover = rasterise(pixels[triangles], (_SIGHT_SIZE, _SIGHT_SIZE), nearness[triangles])
    front = np.full(_SIGHT_SIZE**2, -np.inf)
    front[cover.pixels] = np.einsum("pk,pk->p", cover.weights, nearness[triangles[cover.triangles]])
    column, row = np.clip(pixels.astype(int), 0, _SIGHT_SIZE - 1).T
    return front[row * _SIGHT_SIZE + column] - nearness
