# SPDX-License-Identifier: GPL-3.0-or-later
"""How exactly the product places depth whose scale and shift are lost.

A source that knows the truth stands in for a network: what it says is the true depth in the
crop, after an affine change drawn at random. All that is wrong in the end is the product's.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from face_depth_addon.core.camera import Camera, from_camera_plane
from face_depth_addon.core.crop import Crop
from face_depth_addon.core.depth.predicted import Kind, Prediction
from face_depth_addon.core.face.landmarks import Face
from face_depth_addon.core.pipeline import Clock, Options, photo_depth
from face_depth_addon.core.sampling import cut

from .predictors import FacePipeline, nearest_face
from .scoring import score
from .truth import Case, Truth

_RESOLUTION = 512
#: What is said, as a kind of depth and what people call it.
WAYS = {
    "true relief": "crop_sides", "depth, any scale and shift": "depth",
    "disparity, any scale and shift": "disparity",
}


@dataclass
class TrueSource:
    """The true depth of one face's crop, changed.

    Parameters
    ----------
    truth : Truth
    face : Face
    kind : Kind
    change : tuple of float
        Scale, as a power of e, and shift, in scales.
    """

    truth: Truth
    face: Face
    kind: Kind
    change: tuple[float, float]
    name: str = "the truth"
    input_size: int = 512
    margin: float = 1.7
    rise: float = 0.05
    device: str = "cpu"

    def predict(self, rgb: np.ndarray) -> Prediction:
        """The same whatever it looks at."""
        crop = self.face.crop(self.margin, self.rise)
        nearness, subject = _seen_in(self.truth, crop, len(rgb))
        if self.kind == "crop_sides":
            return Prediction((nearness / crop.side).astype(np.float32), subject)
        away = self.truth.focal_px - nearness
        values = 1.0 / away if self.kind == "disparity" else away
        values = (values - values.mean()) / values.std()
        power, shift = self.change
        return Prediction((np.exp(power) * (values + shift)).astype(np.float32), subject)


def _seen_in(truth: Truth, crop: Crop, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Nearness in photo pixels along the crop's middle, and each pixel's share of the subject."""
    camera = Camera(truth.focal_px, *truth.principal_px)
    level = np.zeros(truth.face.shape, np.float32)
    offset = from_camera_plane(level, crop, camera)
    factor = from_camera_plane(level + 1.0, crop, camera) - offset
    inside = np.isfinite(truth.distance)
    relief = np.where(inside, (truth.relief - offset) / factor, 0.0)
    share = cut(inside.astype(np.float32), crop, size)
    nearness = cut(relief.astype(np.float32), crop, size) / np.maximum(share, 0.5)
    return np.where(share > 0.5, nearness, nearness[share > 0.5].min()).astype(float), share


def placing(cases: Iterable[Case], changes: int, seed: int) -> str:
    """A table of the errors, in mm on the face, wherever the zero lies."""
    pipeline, rng = FacePipeline(), np.random.default_rng(seed)
    errors: dict[str, list[list[float]]] = {}
    for case in cases:
        truth = case.read()
        faces = pipeline.find_faces(truth.photo)
        index = nearest_face(faces, truth.face)
        if index is None:
            print(f"{case.name}: no face found", file=sys.stderr)
            continue
        draws = np.column_stack([rng.normal(0.0, 2.0, changes), rng.normal(0.0, 10.0, changes)])
        for title, kind in WAYS.items():
            found = []
            for change in draws if kind != "crop_sides" else draws[:1]:
                source = TrueSource(truth, faces[index], kind, tuple(change))
                found.append(_error(pipeline, truth, source, index))
            errors.setdefault(title, []).append(found)
            print(f"{case.name}, {title}: {np.mean(found):.2f} mm", file=sys.stderr)
    rows = [
        "| what the model says | photos | mean | median | worst | under 1 mm |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for title, photos in errors.items():
        of_photos = np.array([np.mean(found) for found in photos])
        rows.append(
            f"| {title} | {len(photos)} | {of_photos.mean():.2f} mm | "
            f"{np.median(of_photos):.2f} mm | {np.concatenate(photos).max():.2f} mm | "
            f"{(of_photos < 1.0).sum()} |"
        )
    return "\n".join(rows)


def _error(pipeline: FacePipeline, truth: Truth, source: TrueSource, index: int) -> float:
    options = Options(face=index, resolution=_RESOLUTION)
    clock = Clock(lambda label, fraction: None)
    found = pipeline.run(truth.photo, lambda: source, options, clock)
    depth = photo_depth(found, Camera(truth.focal_px, *truth.principal_px))
    scored = score(depth, truth, own_mask=False)
    return float("nan") if scored is None else scored["mae_shift"]
