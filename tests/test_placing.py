# SPDX-License-Identifier: GPL-3.0-or-later
"""What depth models say, in any unit, becomes the depth of the photo: on heads of known depth."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from template_photo import METRES, PIXELS, sitter

from face_depth_addon.core.camera import Camera, assumed_camera
from face_depth_addon.core.depth.predicted import Prediction, place_prediction
from face_depth_addon.core.face.landmarks import INTER_PUPIL_MM, Face
from face_depth_addon.core.face.regions import region_mask

HEADS = [(1, 0.0), (2, 25.0), (3, -25.0), (4, 0.0), (5, 40.0)]


@dataclass
class Source:
    """A model as far as the placing asks for it."""

    kind: str
    name: str = "Some Model"


class Head:
    """A head of known depth with its face, and the camera that the product assumes."""

    def __init__(self, seed: int, yaw: float):
        made = sitter(seed, yaw).reconstruction
        self.crop, self.subject, self.depth = made.crop, made.subject, made.depth
        self.trust = made.subject.astype(np.float32)
        self.inner = region_mask(made.subject, made.landmarks, "FACE") & made.subject
        points = made.landmarks * (PIXELS, PIXELS, 1.0)
        self.face = Face(points.astype(float), 1.0, np.zeros(4))
        self.camera = assumed_camera(PIXELS, PIXELS, None, self.face.metres_per_pixel)

    @property
    def away(self) -> np.ndarray:
        """Distance from the camera in photo pixels."""
        return self.camera.focal_px - (self.depth - np.median(self.depth[self.inner]))

    def place(self, values: np.ndarray, kind: str, face: bool = True, **options):
        return place_prediction(
            Source(kind), Prediction(values.astype(np.float32), **options.pop("said", {})),
            self.trust, self.crop, self.face if face else None, self.camera, **options,
        )

    def error(self, depth: np.ndarray) -> float:
        """Mean in millimetres over the face, wherever the zero lies."""
        off = (depth - self.depth)[self.inner]
        return float(1000.0 * METRES * np.abs(off - np.median(off)).mean())


@pytest.mark.parametrize("kind", ["disparity", "depth"])
@pytest.mark.parametrize(("seed", "yaw"), HEADS)
def test_affine_changes_are_found_by_the_landmarks(seed, yaw, kind):
    head, rng = Head(seed, yaw), np.random.default_rng(seed)
    values = 1.0 / head.away if kind == "disparity" else head.away
    placed = []
    for _ in range(3):
        spread = np.exp(rng.normal(0.0, 2.0))
        scaled = spread * (values - values[head.inner].mean()) / values[head.inner].std()
        placed.append(head.place(scaled + 10.0 * spread * rng.normal(), kind))
    for found in placed:
        assert head.error(found.depth) < 1.0
        assert found.told["agreement"] > 0.9 and not found.note
        # The change itself leaves no trace.
        assert np.abs(found.depth - placed[0].depth)[head.inner].max() * METRES < 5e-5


def test_landmarks_in_wrong_places_do_not_count():
    head = Head(1, 0.0)
    marks = head.face.landmarks.copy()
    strays = np.random.default_rng(3).choice(468, 60, replace=False)
    marks[strays, 2] -= 150.0
    head.face = replace(head.face, landmarks=marks)
    assert head.error(head.place(1.0 / head.away, "disparity").depth) < 1.5


def test_noise_does_not_flatten_the_face():
    """Least squares would, by as much as the model's depth disagrees with the landmarks."""
    head = Head(4, 0.0)
    noise = np.random.default_rng(1).normal(0.0, 0.6, head.depth.shape)
    values = head.depth + noise * head.depth[head.inner].std()
    found = head.place(-values, "depth").depth
    line = np.polyfit(head.depth[head.inner], found[head.inner], 1)
    assert line[0] == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(("flaw", "told"), [
    (lambda head: -1.0 / head.away, "sees this face inside out"),
    (lambda head: np.random.default_rng(0).random(head.depth.shape), "does not see the shape"),
    (lambda head: np.ones_like(head.depth), "does not see the shape"),
])
def test_model_that_does_not_see_the_face_is_told_of(flaw, told):
    head = Head(1, 0.0)
    placed = head.place(flaw(head), "disparity")
    assert placed.note.startswith("Some Model " + told) and placed.note.endswith(".")
    assert np.isfinite(placed.depth).all()


def test_metres_are_used_as_they_are_unless_they_are_to_fit():
    head = Head(2, 0.0)
    metres = head.face.metres_per_pixel * head.away
    whole = head.place(metres, "metres")
    off = (whole.depth - head.depth)[head.inner]
    assert np.ptp(off) * METRES < 1e-4 and not whole.note
    assert whole.told["relief"] == pytest.approx(1.0, abs=0.15)

    flat = head.place(1.0 + 0.4 * (metres - 1.0), "metres")
    assert np.ptp(flat.depth[head.inner]) == pytest.approx(0.4 * np.ptp(whole.depth[head.inner]))
    assert "0.4 times as deep" in flat.note and "--fit" in flat.note
    fitted = head.place(1.0 + 0.4 * (metres - 1.0), "metres", fit=True)
    assert head.error(fitted.depth) < 1.0 and not fitted.note


def test_metres_of_an_object_give_its_size():
    head = Head(1, 0.0)
    distances = 2.5 + METRES * (np.median(head.depth[head.inner]) - head.depth)
    placed = head.place(distances, "metres", face=False)
    middle = np.median(distances[head.subject])
    assert placed.metres_per_pixel == pytest.approx(middle / head.camera.focal_px, rel=1e-3)
    relief = placed.metres_per_pixel * np.ptp(placed.depth[head.subject])
    assert relief == pytest.approx(np.ptp(distances[head.subject]), rel=1e-3)


@pytest.mark.parametrize("kind", ["disparity", "depth"])
def test_relative_depth_of_an_object_gets_a_plausible_relief_the_right_way_round(kind):
    head = Head(1, 0.0)
    values = 1.0 / head.away if kind == "disparity" else head.away
    placed = head.place(7.0 * values - 3.0, kind, face=False)
    low, high = np.percentile(placed.depth[head.subject], (2, 98))
    assert high - low == pytest.approx(0.4 * head.crop.side, rel=0.02)
    assert np.corrcoef(placed.depth[head.inner], head.depth[head.inner])[0, 1] > 0.95


def test_uncertainty_is_told_in_millimetres():
    head = Head(1, 0.0)
    sides = head.depth / head.crop.side
    error = np.full(sides.shape, 0.01, np.float32)
    told = head.place(sides, "crop_sides", said={"uncertainty": error}).told
    scale = INTER_PUPIL_MM / head.face.inter_pupil
    assert told["uncertainty_mm"] == pytest.approx(0.01 * head.crop.side * scale, rel=0.01)
    # The same model, had its depth another unit.
    relative = head.place(
        -5.0 * sides, "depth", said={"uncertainty": np.full(sides.shape, 0.05, np.float32)}
    ).told
    assert relative["uncertainty_mm"] == pytest.approx(told["uncertainty_mm"], rel=0.2)


def test_camera_of_the_photo_counts_in_perspective():
    """True disparity, seen from as near as it was, comes back better than from afar."""
    head = Head(4, 0.0)
    near = Camera(0.35 / METRES, PIXELS / 2, PIXELS / 2)
    values = 1.0 / (near.focal_px - head.depth + np.median(head.depth[head.inner]))
    guessed = head.error(head.place(values, "disparity").depth)
    head.camera = near
    assert head.error(head.place(values, "disparity").depth) < min(1.0, guessed)
