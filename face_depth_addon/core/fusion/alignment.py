# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of several photos: by landmarks, by their surfaces, and by what they show of the skin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import FusionError
from ..head.wrap_model import similarity, turn
from ..interpolation import sample
from .normal_equations import NormalEquations
from .view import (
    BENDS,
    SIZE,
    Fit,
    Surface,
    View,
    camera_place,
    derivatives,
    points_of,
    term_degrees,
)

# Least cosine between the lines of sight of two photos that are compared, and with how many others.
_OVERLAP, _NEIGHBOURS = np.cos(np.radians(62.0)), 5
_PROCRUSTES, _ICP = 12, 10
# Points of each photo in ICP, share of the pairs that counts, metres beyond which none does at
# first and in the end, and the least cosine between the normals.
_POINTS, _KEEP, _FAR, _NEAR, _AGREEING = 800, 0.8, 0.03, 0.008, 0.7
# How much each landmark, in metres, still counts beside the surfaces' distance.
_MARK = 0.008
# Standard deviations: of a place beside and along the line of sight in metres, of the logarithms of
# scale, of a camera's distance from what most photos have and of theirs, of the depth's gain, and
# of its bends by degree in metres.
_BESIDE, _ALONG = 0.0008, 0.006
_SCALE, _OWN, _COMMON, _EXIF, _GAIN = 0.1, 0.07, 0.35, 0.05, 0.1
_BENDS = np.array([0.006, 0.006, 0.003])
# The same of their means over the photos, as a share: together they would shear the head unseen.
_COMMON_SHARE = 0.25
_BUNDLE = 8
# Standard deviations beyond which a match loses its weight, at first and in the end.
_LOOSE, _ROBUST = 12.0, 2.5


@dataclass(frozen=True, eq=False)
class Matches:
    """Places of two photos that show the same of the head.

    Attributes
    ----------
    first, second : int
        The photos.
    here, there : ndarray, (n, 2) float64
        Continuous pixels of ``SIZE``.
    weight : ndarray, (n,) float64
    likeness : float
        How well the photos agree where they show the same, 0 to 1.
    shared : float
        Share of what could be compared that was found again.
    compared : float
        How much could be compared, in pixels.
    """

    first: int
    second: int
    here: np.ndarray
    there: np.ndarray
    weight: np.ndarray
    likeness: float
    shared: float
    compared: float


def rough_fits(views: Sequence[View], reference: int) -> list[Fit]:
    """Lay the landmarks of all photos on one another (Umeyama 1991, generalised Procrustes).

    Parameters
    ----------
    views : sequence of View
    reference : int
        The photo in whose frame the head is.
    """
    still = Fit(np.eye(3), 1.0, np.zeros(3))
    marks = [points_of(view, still, *view.landmarks)[0] for view in views]
    trust = np.stack([view.landmark_trust for view in views])
    mean, own = marks[reference], trust[reference]
    fits = [still] * len(views)
    for _ in range(_PROCRUSTES):
        fits = [
            Fit(*similarity(mark, mean, np.minimum(own, weight)))
            for mark, weight in zip(marks, trust)
        ]
        anchor = fits[reference]
        back = anchor.rotation.T
        fits = [
            fit.then(back, 1.0 / anchor.scale, -back @ anchor.translation / anchor.scale)
            for fit in fits
        ]
        placed = np.stack([fit.place(mark) for fit, mark in zip(fits, marks)])
        total = trust.sum(axis=0)
        mean = np.einsum("vl,vlc->lc", trust / total, placed)
        own = np.minimum(total, 1.0)
    mean_scale = float(np.exp(np.mean([np.log(fit.scale) for fit in fits])))
    return [fit.then(np.eye(3), 1.0 / mean_scale, np.zeros(3)) for fit in fits]


def mean_landmarks(views: Sequence[View], fits: Sequence[Fit]) -> np.ndarray:
    """Where the photos' landmarks lie in the head's frame, (468, 3), each as it is seen best."""
    placed = np.stack([
        fit.place(points_of(view, fit, *view.landmarks)[0]) for view, fit in zip(views, fits)
    ])
    trust = np.stack([view.landmark_trust for view in views]) ** 2
    return np.einsum("vl,vlc->lc", trust / trust.sum(axis=0), placed)


def choose_reference(views: Sequence[View]) -> int:
    """The photo that looks most straight at the camera, and shows the face largest."""
    def merit(view: View) -> float:
        face = view.found.info["face"]
        turned = np.hypot(face["pose"][0], 0.7 * face["pose"][1])
        return 0.02 * turned - 0.1 * np.log(face["inter_pupil_px"])

    return int(np.argmin([merit(view) for view in views]))


def overlapping(surfaces: Sequence[Surface]) -> list[tuple[int, int]]:
    """Pairs of photos that show much in common: each photo with those nearest to it."""
    middle = np.mean([surface.fit.place(np.zeros(3)) for surface in surfaces], axis=0)
    sights = np.stack([surface.sight(middle) for surface in surfaces])
    alike = sights @ sights.T
    np.fill_diagonal(alike, -1.0)
    pairs = set()
    for first, row in enumerate(alike):
        nearest = np.argsort(-row)[: min(_NEIGHBOURS, len(row) - 1)]
        # However far away, each photo needs one other.
        chosen = [other for other in nearest if row[other] > _OVERLAP] or nearest[:1]
        pairs |= {(min(first, int(other)), max(first, int(other))) for other in chosen}
    return sorted(pairs)


def align_surfaces(
    views: Sequence[View], fits: Sequence[Fit], reference: int
) -> list[Fit]:
    """Trimmed ICP, point to plane, of all photos at once; the landmarks hold what can slide.

    Points are matched along the other photo's lines of sight.

    Raises
    ------
    FusionError
        A photo's place has run off.
    """
    fits = list(fits)
    for number in range(_ICP):
        _require_places(fits)
        far = _FAR * (_NEAR / _FAR) ** (number / (_ICP - 1))
        surfaces = [Surface.of(view, fit) for view, fit in zip(views, fits)]
        system = NormalEquations(len(views), 7)
        for first, second in overlapping(surfaces):
            for here, there in ((first, second), (second, first)):
                _add_surface(system, surfaces, here, there, far)
        mean = mean_landmarks(views, fits)
        for index, (view, fit) in enumerate(zip(views, fits)):
            marks, motions = derivatives(view, fit, *view.landmarks)
            weight = view.landmark_trust / _MARK**2
            system.add_one(index, motions[..., :7], marks - mean, weight)
        system.fix_mean(3, np.mean([np.log(fit.scale) for fit in fits]))
        system.hold(reference)
        steps = system.solve()
        fits = [_moved(fit, step) for fit, step in zip(fits, steps)]
    return fits


def _require_places(fits: Sequence[Fit]) -> None:
    if not all(np.isfinite(fit.place(np.zeros(3))).all() for fit in fits):
        raise FusionError(
            "The photos cannot be laid on one another, as their depth says too little of the face: "
            "choose another model or other photos."
        )


def surface_residual(surfaces: Sequence[Surface]) -> tuple[float, np.ndarray]:
    """Root mean square distance between overlapping surfaces, of all and of each, in metres."""
    squares, counts = np.zeros(len(surfaces)), np.zeros(len(surfaces))
    for first, second in overlapping(surfaces):
        for here, there in ((first, second), (second, first)):
            _, misses, _, weight, _ = _surface_pairs(surfaces[here], surfaces[there], _FAR)
            squares[here] += (weight * misses**2).sum()
            counts[here] += weight.sum()
    total = np.sqrt(squares.sum() / max(counts.sum(), 1e-9))
    return float(total), np.sqrt(squares / np.maximum(counts, 1e-9))


def _surface_pairs(here: Surface, there: Surface, far: float) -> tuple:
    """Pixels (m,) of one photo, misses (m,) along the other's normals (m, 3), weights, pixels."""
    rows, columns = _sampled(here.trust)
    points, normals = here.points[rows, columns], here.normals[rows, columns]
    pixels = there.pixels(points)
    met = sample(there.points.astype(np.float32), pixels)
    across = sample(there.normals.astype(np.float32), pixels)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    inside = ((pixels > 1.0) & (pixels < SIZE - 1.0)).all(axis=1)
    trust = sample(there.trust, pixels) * here.trust[rows, columns] * inside
    misses = ((points - met) * across).sum(axis=1)
    trust = trust * ((normals * across).sum(axis=1) > _AGREEING) * (np.abs(misses) < far)
    known = trust > 0.05
    if known.any():
        limit = np.quantile(np.abs(misses[known]), _KEEP)
        known &= np.abs(misses) <= limit
    at = rows[known] * SIZE + columns[known]
    return at, misses[known], across[known], trust[known], pixels[known]


def _add_surface(
    system: NormalEquations, surfaces: Sequence[Surface], here: int, there: int, far: float
) -> None:
    at, misses, across, weight, pixels = _surface_pairs(surfaces[here], surfaces[there], far)
    if not len(at):
        return
    blocks = []
    for surface, places in (
        (surfaces[here], np.column_stack([at % SIZE, at // SIZE]) + 0.5), (surfaces[there], pixels)
    ):
        view = surface.view
        _, motions = derivatives(view, surface.fit, *_at_pixels(view, places))
        blocks.append(np.einsum("nc,ncp->np", across, motions[..., :7]))
    scatter = max(float(np.sqrt(np.average(misses**2, weights=weight))), 1e-4)
    count = 400.0 / max(weight.sum(), 1.0)
    system.add_pair(here, there, blocks[0], -blocks[1], misses, count * weight / scatter**2)


def _sampled(trust: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of some pixels, evenly among the trusted ones."""
    places = np.flatnonzero(trust > 0.05)
    step = max(1, len(places) // _POINTS)
    return np.divmod(places[step // 2 :: step], SIZE)


def _at_pixels(view: View, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places in the picture (n, 2) and depth (n,), in metres, at pixels (n, 2) of SIZE."""
    plane = (pixels / SIZE - view.found.origin[:2]) * (view.side, -view.side)
    return plane, sample(view.depth, pixels).astype(float)


def align_matches(
    views: Sequence[View], fits: Sequence[Fit], reference: int, matches: Sequence[Matches]
) -> list[Fit]:
    """Refine poses, cameras and depths until matched places meet (bundle adjustment).

    Each photo's depth may be off by a factor, a tilt and low-order bends, its camera nearer or
    farther; their priors keep what the matches leave open. A place is known well beside its line
    of sight and badly along it.
    """
    fits = list(fits)
    count = 9 + BENDS
    for number in range(_BUNDLE):
        limit = _LOOSE * (_ROBUST / _LOOSE) ** min(2.0 * number / _BUNDLE, 1.0)
        system = NormalEquations(len(views), count)
        for match in matches:
            if len(match.here):
                _add_match(system, views, fits, match, limit)
        for index, (view, fit) in enumerate(zip(views, fits)):
            exif = bool(view.found.info.get("focal_35mm"))
            own = _EXIF if exif else _OWN
            scale = np.array([_SCALE, own, _GAIN, *_BENDS[term_degrees() - 1]])
            value = np.array([np.log(fit.scale), fit.closeness, fit.gain, *fit.bend])
            system.add_prior(index, [3, *range(7, count)], value, scale**-2)
        unknown = [
            index for index, view in enumerate(views) if not view.found.info.get("focal_35mm")
        ]
        _share_closeness(system, fits, unknown)
        system.fix_mean(3, np.mean([np.log(fit.scale) for fit in fits]))
        system.fix_mean(8, np.mean([fit.gain for fit in fits]), _COMMON_SHARE * _GAIN)
        for term, mean in enumerate(np.mean([fit.bend for fit in fits], axis=0)):
            spread = _COMMON_SHARE * _BENDS[term_degrees()[term] - 1]
            system.fix_mean(9 + term, mean, spread)
        system.hold(reference)
        steps = system.solve()
        fits = [_moved(fit, step) for fit, step in zip(fits, steps)]
    return fits


def _add_match(
    system: NormalEquations, views: Sequence[View], fits: Sequence[Fit], match: Matches,
    limit: float,
) -> None:
    points, motions, covariance = [], [], 0.0
    for index, pixels in ((match.first, match.here), (match.second, match.there)):
        view, fit = views[index], fits[index]
        placed, moved = derivatives(view, fit, *_at_pixels(view, pixels))
        sight = fit.place(camera_place(view, fit)) - placed
        sight /= np.linalg.norm(sight, axis=1, keepdims=True)
        along = (_ALONG**2 - _BESIDE**2) * sight[:, :, None] * sight[:, None, :]
        covariance = covariance + along + _BESIDE**2 * np.eye(3)
        points.append(placed)
        motions.append(moved)
    whiten = np.linalg.cholesky(np.linalg.inv(covariance)).transpose(0, 2, 1)
    misses = np.einsum("nij,nj->ni", whiten, points[0] - points[1])
    here, there = (np.einsum("nij,njp->nip", whiten, moved) for moved in motions)
    weight = match.weight / (1.0 + (misses**2).sum(axis=1) / limit**2) ** 2
    # Neighbouring matches err alike.
    weight = weight * min(1.0, 150.0 / max(weight.sum(), 1e-9))
    parameters = here.shape[-1]
    system.add_pair(
        match.first, match.second, here.reshape(-1, parameters), -there.reshape(-1, parameters),
        misses.ravel(), np.repeat(weight, 3),
    )


def _share_closeness(system: NormalEquations, fits: Sequence[Fit], unknown: list[int]) -> None:
    """Let cameras of unknown distance be about as far away as one another."""
    if not unknown:
        return
    # The common value is integrated out: it takes away from the precision of their mean.
    count, own, common = len(unknown), _OWN**-2, _COMMON**-2
    shared = own**2 / (count * own + common)
    values = np.array([fits[index].closeness for index in unknown])
    for first in unknown:
        for second in unknown:
            system.couple(first, second, 7, -shared)
        system.push(first, 7, shared * values.sum())


def _moved(fit: Fit, step: np.ndarray) -> Fit:
    moved = replace(
        fit, rotation=turn(step[:3]) @ fit.rotation, scale=fit.scale * float(np.exp(step[3])),
        translation=fit.translation + step[4:7],
    )
    if len(step) > 7:
        moved = replace(
            moved, closeness=fit.closeness + float(step[7]), gain=fit.gain + float(step[8]),
            bend=fit.bend + step[9:],
        )
    return moved
