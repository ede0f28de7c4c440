# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads fused of several photos, and meshes of single ones, compared with the true head.

A mesh is laid on the true head by landmarks and then by ICP on the face, its size included. What
counts is how far the head's points lie from it, in millimetres: of the face, and of all that photos
show of the head above its neck.
"""

import pickle
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from face_depth_addon.core.errors import FusionError, MeshError
from face_depth_addon.core.fusion.fuse import FuseOptions, fuse
from face_depth_addon.core.fusion.fused import FusedHead
from face_depth_addon.core.reconstruction import Reconstruction
from face_depth_addon.core.relief.building import Layout, build_surface
from face_depth_addon.core.relief.shaping import Shape, photo_viewpoint

from . import predictors
from .mesh_study import completed_head, landmarks_on
from .surface_distance import MeshSurface, distances, from_pairs, lay_on
from .true_head import SPACING, HeadCase, TrueHead
from .truth import FACEMESH68, INNER, Truth

#: Yaws of the photos by their number; the later ones are for heads that lack the first.
PLANS: dict[int, tuple[tuple[int, ...], ...]] = {
    2: ((0, 30), (0, 20)),
    3: ((-40, 0, 40),),
    5: ((-60, -30, 0, 30, 60), (-40, -20, 0, 20, 40)),
    9: (tuple(range(-80, 81, 20)),),
    19: (tuple(range(-90, 91, 10)),),
}
STEPS = {"LANDMARKS": "landmarks alone", "ICP": "ICP", "REFINED": "refined"}
REFINED = "REFINED"
_SINGLE, _COMPLETED = "best single photo", "best single photo, completed"
_LAYOUT = Layout(resolution=256)
_PROJECTIONS = ("RELIEF", "PERSPECTIVE")
_TEXTURE = 256  # nothing is measured of it
# Millimetres behind the eyes where the vertical axis is about which directions are told apart.
_AXIS = 70.0
#: By degrees from the face's direction about that axis; the last is the head's top.
REGIONS = ("front, to 30", "30 to 60", "60 to 90", "90 to 120", "behind 120", "top")
_SECTOR, _TOP = 30.0, 50.0
_TO_PICTURE = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Figures:
    """Distances of a head from a mesh, in mm: means and medians over the points.

    Attributes
    ----------
    regions : tuple of float
        Means by `REGIONS`; NaN where the head has no points.
    """

    face: float
    face_median: float
    head: float
    head_median: float
    regions: tuple[float, ...]


@dataclass(frozen=True)
class Fusion:
    """What came of one fusion.

    Attributes
    ----------
    figures : Figures
    rotation : float
        Mean error of the rotations between two photos' cameras, degrees.
    left_out : int
        Photos with a face that were not used.
    seconds : float
        Without the photos' own depth, and with a small texture.
    """

    figures: Figures
    rotation: float
    left_out: int
    seconds: float


class Reconstructions:
    """What the product makes of single photos; each is made once.

    Parameters
    ----------
    model : str
        As for `predictors.choose`.
    cache : Path or None
        A folder of our own that keeps them for later runs.
    """

    def __init__(self, model: str, cache: Path | None) -> None:
        (self._predictor,) = predictors.choose([model], [], None)
        self._prefix, self._cache = Path(model).name, cache
        self._kept: dict[str, Reconstruction | None] = {}

    def of(self, truth: Truth) -> Reconstruction | None:
        """The face that is nearest to the true one, or None if none is found there."""
        digest = truth.photo.digest
        if digest not in self._kept:
            self._kept[digest] = self._stored(truth)
        return self._kept[digest]

    def forget(self) -> None:
        """Free the memory."""
        self._kept.clear()

    def _stored(self, truth: Truth) -> Reconstruction | None:
        if self._cache is None:
            return self._predictor.reconstruct(truth)
        path = self._cache / f"{self._prefix}-{truth.photo.digest}.pickle"
        if path.is_file():
            return pickle.loads(path.read_bytes())
        found = self._predictor.reconstruct(truth)
        self._cache.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(found))
        return found


class Study:
    """All that is measured of some heads.

    Parameters
    ----------
    counts : iterable of int
        Numbers of photos; those of `PLANS`.
    """

    def __init__(self, counts: Iterable[int]) -> None:
        self._counts = tuple(counts)
        self._singles: dict[tuple[int, str], list[Figures]] = {}
        self._fused: dict[tuple[int, str], list[Fusion]] = {}
        self._failed: dict[int, int] = {}
        self._faceless: dict[int, list[int]] = {}

    def add(self, case: HeadCase, reconstructions: Reconstructions) -> None:
        """Measure a head; where its photos cannot be fused, nothing of it counts.

        Raises
        ------
        FolderError, FaceDepthError
        """
        head = case.read()
        found = {yaw: reconstructions.of(view.truth) for yaw, view in head.views.items()}
        singles: dict[int, dict[str, list[Figures]]] = {}
        for count in self._counts:
            plan = plan_of(count, head.views)
            if plan is None:
                continue
            yaws = [yaw for yaw in plan if found[yaw] is not None]
            try:
                fusions = {
                    step: _fused(head, yaws, [found[yaw] for yaw in yaws], step) for step in STEPS
                }
            except FusionError as error:
                print(f"{head.name}, {count} photos: {error}", file=sys.stderr)
                self._failed[count] = self._failed.get(count, 0) + 1
                continue
            self._faceless.setdefault(count, []).append(len(plan) - len(yaws))
            for yaw in yaws:
                if yaw not in singles:
                    singles[yaw] = _of_single(head, found[yaw])
            told = f"{head.name}, {count} photos"
            for kind in (_SINGLE, _COMPLETED):
                if each := [figures for yaw in yaws for figures in singles[yaw][kind]]:
                    self._singles.setdefault((count, kind), []).append(_best(each))
                    _tell(f"{told}, {kind}", _best(each))
            for step, fusion in fusions.items():
                self._fused.setdefault((count, step), []).append(fusion)
                _tell(f"{told}, {STEPS[step]}, poses {fusion.rotation:.2f}°", fusion.figures)

    def errors(self) -> str:
        """Distances by the number of photos and the step."""
        rows = [
            "| photos | mesh | heads | face, mean | median | head, mean | median |",
            "|---:|---|---:|---:|---:|---:|---:|",
        ]
        for count in self._counts:
            for title, figures in self._rows(count):
                values = [
                    np.mean([getattr(each, name) for each in figures])
                    for name in ("face", "face_median", "head", "head_median")
                ]
                told = " | ".join(f"{value:.2f} mm" for value in values)
                rows.append(f"| {count} | {title} | {len(figures)} | {told} |")
        return "\n".join(rows)

    def gains(self) -> str:
        """By how much the refined head is better than the single photos, and the poses."""
        rows = [
            "| photos | face better by | head better by | than completed: face | head | "
            "poses by landmarks | by ICP | refined | without a face | left out | failed | "
            "seconds |",
            "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for count in self._counts:
            means = {
                title: [np.mean([getattr(each, name) for each in figures])
                        for name in ("face", "head")]
                for title, figures in self._rows(count)
            }
            refined = self._fused.get((count, REFINED))
            if not refined:
                continue
            gains = [
                f"{100.0 * (1.0 - own / other):.0f} %"
                for kind in (_SINGLE, _COMPLETED) if kind in means
                for own, other in zip(means[STEPS[REFINED]], means[kind])
            ]
            poses = [
                f"{np.mean([each.rotation for each in self._fused[count, step]]):.2f}°"
                for step in STEPS
            ]
            rest = [
                str(sum(self._faceless[count])), str(sum(each.left_out for each in refined)),
                str(self._failed.get(count, 0)),
                f"{np.mean([each.seconds for each in refined]):.1f}",
            ]
            rows.append(f"| {count} | {' | '.join(gains + poses + rest)} |")
        return "\n".join(rows)

    def regions(self) -> str:
        """Mean distances by the direction in which points lie, seen from the head's middle."""
        rows = [
            f"| photos | mesh | {' | '.join(REGIONS)} |", "|---:|---|" + "---:|" * len(REGIONS),
        ]
        for count in self._counts:
            for title, figures in self._rows(count):
                table = np.array([each.regions for each in figures])
                values = [
                    f"{np.nanmean(column):.1f} mm" if np.isfinite(column).any() else ""
                    for column in table.T
                ]
                rows.append(f"| {count} | {title} | {' | '.join(values)} |")
        return "\n".join(rows)

    def _rows(self, count: int) -> list[tuple[str, list[Figures]]]:
        rows = [
            (kind, self._singles[count, kind])
            for kind in (_SINGLE, _COMPLETED) if (count, kind) in self._singles
        ]
        return rows + [
            (title, [each.figures for each in self._fused[count, step]])
            for step, title in STEPS.items() if (count, step) in self._fused
        ]


def plan_of(count: int, yaws: Iterable[int]) -> tuple[int, ...] | None:
    """Return the yaws of so many photos among those that there are; None if there are too few."""
    there = set(yaws)
    return next((plan for plan in PLANS[count] if there.issuperset(plan)), None)


def measure(
    head: TrueHead, positions: np.ndarray, faces: np.ndarray, landmarks: np.ndarray
) -> Figures:
    """Compare a mesh with a head.

    Parameters
    ----------
    head : TrueHead
    positions : ndarray, (n, 3)
        Metres.
    faces : ndarray, (f, 4) int
        A triangle ends in -1.
    landmarks : ndarray, (468, 3)
        MediaPipe's, in the mesh's frame.
    """
    surface = MeshSurface(1000.0 * positions.astype(float), faces, SPACING)
    inner = head.landmarks >= INNER
    marks = 1000.0 * landmarks[FACEMESH68[head.landmarks[inner] - INNER]].astype(float)
    start = from_pairs(head.landmark_points[inner], marks)
    placing = lay_on(head.points[head.face], surface, start)
    away = distances(head.points, surface, placing)
    region = regions_of(head.points)
    means = tuple(
        float(away[region == number].mean()) if (region == number).any() else float("nan")
        for number in range(len(REGIONS))
    )
    face = away[head.face]
    return Figures(
        float(face.mean()), float(np.median(face)), float(away.mean()), float(np.median(away)),
        means,
    )


def regions_of(points: np.ndarray) -> np.ndarray:
    """Which of `REGIONS` points (n, 3) of the head's frame lie in: (n,) int."""
    across, ahead, up = points[:, 0], _AXIS - points[:, 1], points[:, 2]
    aside = np.degrees(np.abs(np.arctan2(across, ahead)))
    sector = np.minimum(aside // _SECTOR, len(REGIONS) - 2).astype(int)
    high = np.degrees(np.arctan2(up, np.hypot(across, ahead))) > _TOP
    return np.where(high, len(REGIONS) - 1, sector)


def fuse_photos(reconstructions: Sequence[Reconstruction], step: str) -> FusedHead:
    """Fuse up to one of `STEPS`.

    Raises
    ------
    FusionError
    """
    options = FuseOptions(texture_size=_TEXTURE, last_step=step)
    return fuse(reconstructions, options, lambda label, fraction: None)


def rotation_error(rotations: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> float:
    """Return how wrong the rotations between cameras are, on average over all pairs, in degrees.

    Parameters
    ----------
    rotations, true : sequence of ndarray, (3, 3)
        From each camera's axes to those of a frame that is the same for all; the two frames may
        differ.
    """
    return float(np.mean([
        _angle(rotations[one].T @ rotations[other], true[one].T @ true[other])
        for one, other in combinations(range(len(rotations)), 2)
    ]))


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    cosine = (np.trace(one.T @ other) - 1.0) / 2.0
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _fused(
    head: TrueHead, yaws: Sequence[int], found: Sequence[Reconstruction], step: str
) -> Fusion:
    begun = time.perf_counter()
    fused = fuse_photos(found, step)
    seconds = time.perf_counter() - begun
    return Fusion(
        measure(head, fused.positions, fused.faces, fused.landmarks),
        rotation_error(
            [camera.rotation @ _TO_PICTURE for camera in fused.cameras],
            [head.views[yaws[camera.photo]].aimed_rotation for camera in fused.cameras],
        ),
        sum(not photo.used for photo in fused.photos), seconds,
    )


def _of_single(head: TrueHead, found: Reconstruction) -> dict[str, list[Figures]]:
    """A single photo's meshes: in each projection as it is, and completed where that can be."""
    viewpoint = photo_viewpoint(found)
    figures: dict[str, list[Figures]] = {_SINGLE: [], _COMPLETED: []}
    for projection in _PROJECTIONS:
        surface = build_surface(found, _LAYOUT, Shape(projection), viewpoint)
        quads, landmarks = surface.corner_verts.reshape(-1, 4), landmarks_on(found, surface)
        figures[_SINGLE].append(measure(head, surface.positions, quads, landmarks))
        with suppress(MeshError):
            whole = completed_head(found, surface, projection, viewpoint)
            figures[_COMPLETED].append(measure(head, whole.positions, whole.faces, landmarks))
    return figures


def _best(figures: list[Figures]) -> Figures:
    """Of each measure the lowest, whatever photo and projection it is from."""
    return Figures(
        *(min(getattr(each, name) for each in figures)
          for name in ("face", "face_median", "head", "head_median")),
        tuple(np.min([each.regions for each in figures], axis=0)),
    )


def _tell(what: str, figures: Figures) -> None:
    print(f"{what}: face {figures.face:.2f} mm, head {figures.head:.2f} mm", file=sys.stderr)
