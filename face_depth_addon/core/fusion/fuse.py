# SPDX-License-Identifier: GPL-3.0-or-later
"""From the reconstructions of several photos to one head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import cv2
import numpy as np

from ..errors import FusionError
from ..pictures import jpeg
from ..reconstruction import Reconstruction
from .alignment import (
    align_matches,
    align_surfaces,
    choose_reference,
    overlapping,
    rough_fits,
    surface_residual,
)
from .atlas import head_texture
from .fused import FusedHead, PhotoCamera, PhotoCloud, PhotoReport
from .head_mesh import head_mesh
from .limits import MOST_PHOTOS, USUAL_RESOLUTION
from .matching import match
from .merging import MergedHead, merge, upright
from .selection import BLURRED, agreement, repeated, sharpness, stranger
from .view import Fit, Surface, View, camera_place

# How often photos are compared in detail: the more seldom the more there are.
_MATCHINGS, _FEW, _OF_MANY = 4, 9, 2
# Spacing of a point cloud's pixels, and least trust.
_CLOUD_STEP, _CLOUD_TRUST = 2, 0.1

Step = Literal["LANDMARKS", "ICP", "REFINED"]


@dataclass(frozen=True)
class FuseOptions:
    """How photos are fused.

    Attributes
    ----------
    resolution : int
        Vertices from the crown to the neck, 64 to 1024.
    texture_size : int
        Width of the texture, in pixels.
    keep_all : bool
        Use photos that seem to show somebody else, too.
    last_step : str
        After which step the photos are merged, for comparisons: their poses are those of the
        ``LANDMARKS``, of ``ICP`` or, with cameras and depths, ``REFINED``.
    """

    resolution: int = USUAL_RESOLUTION
    texture_size: int = 2048
    keep_all: bool = False
    last_step: Step = "REFINED"


def fuse(
    reconstructions: Sequence[Reconstruction], options: FuseOptions,
    report: Callable[[str, float], None],
) -> FusedHead:
    """Fuse photos of one head.

    Parameters
    ----------
    reconstructions : sequence of Reconstruction
        With faces; at most ``MOST_PHOTOS``.
    options : FuseOptions
    report : callable
        Told what is being done and how far it is, 0 to 1; may raise `Cancelled`.

    Returns
    -------
    FusedHead
        One of its reports for each reconstruction.

    Raises
    ------
    FusionError
        Fewer than two photos show the same head.
    """
    job = _Job(reconstructions, options, report)
    job.select()
    job.align()
    return job.finish()


class _Job:
    """One fusion, from its photos to its head."""

    def __init__(
        self, reconstructions: Sequence[Reconstruction], options: FuseOptions,
        report: Callable[[str, float], None],
    ):
        self.found, self.options, self._report = reconstructions, options, report
        self.reasons: dict[int, str] = {}
        self.notes: dict[int, str] = {}
        self.scores: dict[int, float] = {}
        self.timings: dict[str, float] = {}
        self.residuals: dict[str, float] = {}
        self._now, self._since, self._farthest = "", perf_counter(), 0.0

    def select(self) -> None:
        """Leave out what cannot be used at all or shows what another photo shows."""
        self._stage("select", "Comparing the photos", 0.0)
        if len(self.found) > MOST_PHOTOS:
            raise FusionError(
                f"{len(self.found)} photos are too many to fuse: choose the best {MOST_PHOTOS}."
            )
        self.used = [
            index for index, found in enumerate(self.found) if found.landmarks is not None
        ]
        for index in set(range(len(self.found))) - set(self.used):
            self.reasons[index] = "It was reconstructed without looking for a face."
        views = {index: View.of(self.found[index]) for index in self.used}
        repeats = repeated(list(views.values()))
        for place, (earlier, is_mirrored) in repeats.items():
            what = "mirror image of" if is_mirrored else "same picture as"
            name = self.found[self.used[earlier]].info["photo"]
            self.reasons[self.used[place]] = f"It is the {what} {name}."
        self.used = [index for place, index in enumerate(self.used) if place not in repeats]
        self.views = {index: views[index] for index in self.used}
        self.sharpness = dict(zip(self.used, sharpness(list(self.views.values())))) \
            if self.used else {}
        self._check_enough()

    def align(self) -> None:
        """Find the photos' poses; strangers are left out on the way."""
        while True:
            self._stage("landmarks", "Placing the photos by their landmarks", 0.05)
            views = self._views()
            reference = choose_reference(views)
            rough = rough_fits(views, reference)
            self._stage("icp", "Aligning the surfaces", 0.1)
            fits = align_surfaces(views, rough, reference)
            self._stage("matching", "Comparing the photos in detail", 0.3)
            surfaces = _surfaces(views, fits)
            matches = self._matched(surfaces, 0.3)
            worst = self._stranger(matches)
            if worst is None:
                break
            self._leave_out(worst)
        self.reference = reference
        self.residuals["landmarks"] = _millimetres(_surfaces(views, rough))
        self.residuals["icp"] = _millimetres(surfaces)
        self.rough = rough
        if self.options.last_step == "LANDMARKS":
            fits = rough
        elif self.options.last_step == "REFINED":
            rounds = _MATCHINGS if len(views) <= _FEW else _OF_MANY
            for number in range(rounds):
                done = 0.3 + 0.3 * number / rounds
                if number:
                    matches = self._matched(_surfaces(views, fits), done)
                self._stage("refine", "Correcting poses and depths", done + 0.2 / rounds)
                fits = align_matches(views, fits, reference, matches)
        surfaces = _surfaces(views, fits)
        self.residuals["refined"] = _millimetres(surfaces)
        self.each = 1000.0 * surface_residual(surfaces)[1]
        self.fits, self.landmarks = upright(views, fits)

    def finish(self) -> FusedHead:
        """Merge what was placed."""
        views = self._views()
        self._stage("merge", "Merging the surfaces", 0.65)
        worth = [min(self.sharpness[index] / BLURRED, 1.0) ** 2 for index in self.used]
        head = merge(
            views, self.fits, self.reference, self.landmarks, self.options.resolution, worth
        )
        mesh = head_mesh(head)
        self._stage("texture", "Blending the colours", 0.8)
        surfaces = _surfaces(views, self.fits)
        texture = head_texture(head, surfaces, self.options.texture_size)
        self._stage("cloud", "Collecting the points", 0.95)
        colours = _vertex_colours(head, texture)
        weight = np.stack([layer.weight for layer in head.layers])
        row, column = mesh.cells.T
        shown = np.minimum(weight / 0.1, 1.0).sum(axis=0)
        before = _surfaces(views, upright(views, self.rough)[0])
        self._stage("", "Sending the result", 1.0)
        return FusedHead(
            positions=mesh.positions, faces=mesh.faces, uvs=mesh.uvs,
            colours=colours[row, column], seen=head.seen[row, column].astype(np.float32),
            views=shown[row, column].astype(np.float32), texture=jpeg(texture),
            landmarks=self.landmarks.astype(np.float32), photos=self._reports(),
            cameras=tuple(
                _camera(index, view, fit) for index, view, fit in zip(self.used, views, self.fits)
            ),
            before=self._cloud(before), after=self._cloud(surfaces), residuals=self.residuals,
            info={
                "timings": self.timings, "photos": len(self.used),
                "reference": self.found[self.used[self.reference]].info["photo"],
            },
        )

    def _views(self) -> list[View]:
        return [self.views[index] for index in self.used]

    def _stage(self, stage: str, label: str, fraction: float) -> None:
        """End the stage before and begin another."""
        now = perf_counter()
        if self._now:
            self.timings[self._now] = self.timings.get(self._now, 0.0) + now - self._since
        self._since, self._now = now, stage
        self._tell(label, fraction)

    def _tell(self, label: str, fraction: float) -> None:
        """Report progress, which stands still while photos are placed anew."""
        self._farthest = max(self._farthest, fraction)
        self._report(label, self._farthest)

    def _matched(self, surfaces: list[Surface], fraction: float) -> list:
        """Matches both ways of all photos that overlap."""
        self._stage("matching", "Comparing the photos in detail", fraction)
        pairs = overlapping(surfaces)
        found = []
        for number, (first, second) in enumerate(pairs):
            self._tell("Comparing the photos in detail", fraction + 0.04 * number / len(pairs))
            found += [match(first, second, surfaces), match(second, first, surfaces)]
        return found

    def _stranger(self, matches: list) -> int | None:
        """The photo that agrees worst with the others, if it is too bad."""
        scores = agreement(matches, range(len(self.used)))
        self.scores |= {self.used[place]: score for place, score in scores.items()}
        return None if self.options.keep_all else stranger(scores)

    def _leave_out(self, worst: int) -> None:
        names = [self.found[index].info["photo"] for index in self.used]
        if len(names) == 2:
            raise FusionError(
                f"The faces in {names[0]} and {names[1]} do not match: they are two people's, or "
                "their lighting and expressions differ too much."
            )
        self.reasons[self.used[worst]] = (
            "Its face does not match the others': it is somebody else's, or its lighting and "
            "expression differ too much."
        )
        del self.used[worst]

    def _check_enough(self) -> None:
        if len(self.used) >= 2:
            return
        told = " ".join(
            f"{self.found[index].info['photo']}: {reason}"
            for index, reason in sorted(self.reasons.items())
        )
        raise FusionError(
            f"At least two photos of one head are needed, and {len(self.used)} could be used. "
            f"{told}".rstrip()
        )

    def _reports(self) -> tuple[PhotoReport, ...]:
        reports = []
        for index, found in enumerate(self.found):
            name, digest = found.info["photo"], found.info["digest"]
            if index not in self.used:
                reports.append(PhotoReport(
                    name, False, self.reasons[index], digest=digest,
                    likeness=self.scores.get(index),
                ))
                continue
            place = self.used.index(index)
            sharp = float(self.sharpness[index])
            note = "It is blurred, and counts less than the others." if sharp < BLURRED else ""
            reports.append(PhotoReport(
                name, True, note=note, digest=digest, pose=_pose(self.fits[place], found),
                sharpness=sharp, likeness=self.scores[index],
                residual_mm=float(self.each[place]),
            ))
        return tuple(reports)

    def _cloud(self, surfaces: list[Surface]) -> PhotoCloud:
        parts = []
        for index, surface in zip(self.used, surfaces):
            step = slice(_CLOUD_STEP // 2, None, _CLOUD_STEP)
            shown = (surface.trust > _CLOUD_TRUST)[step, step]
            rgb = cv2.resize(
                surface.view.found.rgb, surface.trust.shape, interpolation=cv2.INTER_AREA
            )
            parts.append((
                surface.points[step, step][shown].astype(np.float32),
                surface.normals[step, step][shown].astype(np.float32), rgb[step, step][shown],
                np.full(int(shown.sum()), index, np.int32),
            ))
        return PhotoCloud(*(np.concatenate(values) for values in zip(*parts)))


def _surfaces(views: list[View], fits: list[Fit]) -> list[Surface]:
    return [Surface.of(view, fit) for view, fit in zip(views, fits)]


def _millimetres(surfaces: list[Surface]) -> float:
    return round(1000.0 * surface_residual(surfaces)[0], 3)


def _vertex_colours(head: MergedHead, texture: np.ndarray) -> np.ndarray:
    """The texture at the chart's rays, (H, W, 3) uint8."""
    return cv2.resize(texture, head.chart.shape[::-1], interpolation=cv2.INTER_AREA)


def _pose(fit: Fit, found: Reconstruction) -> tuple[float, float, float]:
    """Yaw, pitch and roll of the head as the photo has it, in degrees."""
    head = _upright_photo(found.crop.roll).T @ fit.rotation.T
    forward, across = head @ (0.0, -1.0, 0.0), head @ (1.0, 0.0, 0.0)
    yaw = np.degrees(np.arctan2(forward[0], -forward[1]))
    pitch = np.degrees(np.arcsin(np.clip(forward[2], -1.0, 1.0)))
    roll = np.degrees(np.arctan2(-across[2], across[0]))
    return round(float(yaw), 1), round(float(pitch), 1), round(float(roll), 1)


def _upright_photo(roll: float) -> np.ndarray:
    """(3, 3) axes of the whole photo in the frame of its crop, in columns."""
    return cv2.Rodrigues(np.array([0.0, -roll, 0.0]))[0]


def _camera(index: int, view: View, fit: Fit) -> PhotoCamera:
    found = view.found
    # A camera looks along its own -z, with y up.
    axes = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    distance = view.viewpoint.distance * np.exp(-fit.closeness)
    return PhotoCamera(
        index, fit.rotation @ _upright_photo(found.crop.roll) @ axes,
        fit.place(camera_place(view, fit)), float(distance / found.metres_per_pixel),
        found.info["width"], found.info["height"], found.pictures.backdrop,
    )
