# SPDX-License-Identifier: GPL-3.0-or-later
"""What depth models say of a crop, and how that becomes depth of the photo."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from ..camera import Camera
from ..crop import Crop, transform_points
from ..face.face_points import LEFT_EYE, RIGHT_EYE
from ..face.landmarks import Face
from .fitting import Marks, fit_to_marks

#: ``crop_sides``: in sides of the crop, nearer is larger. ``disparity``: linear in 1 / distance,
#: nearer is larger. ``depth``: linear in distance, nearer is smaller. ``metres``: distance.
Kind = Literal["crop_sides", "disparity", "depth", "metres"]

# Relief of relative depth that nothing tells the size of, in sides of the crop.
_ASSUMED_RELIEF = 0.4
# A model that sees a face agrees better with its landmarks than this, as a correlation.
_LEAST_AGREEMENT = 0.3
# Factors on the relief between which a metric model's own size is worth no word.
_LIKELY_RELIEF = 0.7, 1.4


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a depth model says of a square crop.

    Attributes
    ----------
    depth : ndarray, (h, w) float32
        Of the source's `Kind`.
    subject : ndarray, (h, w) float32, or None
        Probability that the pixel is the person's, in [0, 1]; None if the model has no mask.
    uncertainty : ndarray, (h, w) float32, or None
        Error to be expected of the depth, in its unit; None if the model does not tell.
    normals : ndarray, (m, m, 3) float32, or None
        x right, y up, z towards the viewer, of any length and in a size of their own; None if
        the model gives none.
    note : str
        What the user should know of how it came about, or empty.
    """

    depth: np.ndarray
    subject: np.ndarray | None = None
    uncertainty: np.ndarray | None = None
    normals: np.ndarray | None = None
    note: str = ""


class DepthSource(Protocol):
    """A depth model that is loaded, whatever it was made with.

    Attributes
    ----------
    name : str
        For people.
    input_size : int
        Side of the square crop that it reads, in pixels.
    margin, rise : float
        Side of the crop over the landmarks' box, and its rise in sides.
    kind : Kind
        What the numbers of its depth mean.
    device : str
        Where it runs, as PyTorch names it.
    """

    name: str
    input_size: int
    margin: float
    rise: float
    kind: Kind
    device: str

    def predict(self, rgb: np.ndarray) -> Prediction:
        """Look at a crop: (s, s, 3) uint8."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A prediction in the photo's terms.

    Attributes
    ----------
    depth : ndarray, (h, w) float32
        Photo pixels along the crop's middle, nearer is larger.
    metres_per_pixel : float or None
        Scale of the photo at the subject, where the model tells it and no face does.
    told : dict
        For the report: ``kind``, and with a face ``agreement`` (the correlation with its
        landmarks) and ``relief`` (the model's own relief over the landmarks', for the kinds
        that have one).
    note : str
        What the user should know, or empty.
    """

    depth: np.ndarray
    metres_per_pixel: float | None
    told: dict
    note: str


def place_prediction(
    source: DepthSource, seen: Prediction, trust: np.ndarray, crop: Crop, face: Face | None,
    camera: Camera, fit: bool = False,
) -> Placed:
    """Give a model's depth of a crop the size and the unit of the photo.

    Relative depth takes scale and shift from the face's landmarks, so that a face is as deep as
    it is wide, or without a face a relief of 0.4 sides. Depth in metres is used as it is, by
    the size of the face; ``fit`` treats it like relative depth.

    Parameters
    ----------
    source : DepthSource
    seen : Prediction
        What the source said.
    trust : ndarray, (h, w) float32
        How much of each pixel is the subject's, 0 to 1; somewhere above 0.5.
    crop : Crop
    face : Face or None
    camera : Camera
        Of the photo.
    fit : bool
    """
    placed = _place(source, seen.depth, trust, crop, face, camera, fit)
    if seen.uncertainty is None:
        return placed
    # The placed depth is a scaled copy of what was said, to first order.
    inside = trust > 0.5
    spread = float(seen.depth[inside].std())
    factor = float(placed.depth[inside].std()) / spread if spread > 0.0 else 0.0
    scale = placed.metres_per_pixel or (face.metres_per_pixel if face else 0.0)
    error = 1000.0 * scale * factor * float(seen.uncertainty[inside].mean())
    return replace(placed, told={**placed.told, "uncertainty_mm": round(error, 2)})


def _place(
    source: DepthSource, depth: np.ndarray, trust: np.ndarray, crop: Crop, face: Face | None,
    camera: Camera, fit: bool,
) -> Placed:
    if source.kind == "crop_sides":
        told = {"kind": source.kind}
        if face is not None:
            marks = _marks(face, crop, camera, len(depth))
            fitted = fit_to_marks(depth, trust > 0.5, "depth", marks)
            if fitted.counted:
                told["agreement"] = round(fitted.agreement, 3)
        return Placed(depth * np.float32(crop.side), None, told, "")
    if face is None:
        return _place_object(source, depth, trust, crop, camera)
    nearness = -depth if source.kind in ("depth", "metres") else depth
    marks = _marks(face, crop, camera, len(depth))
    inside = trust > 0.5
    kind = "disparity" if source.kind == "disparity" else "depth"
    fitted = fit_to_marks(nearness, inside, kind, marks)
    if not fitted.counted:
        return _place_object(source, depth, trust, crop, camera)
    told = {"kind": source.kind, "agreement": round(fitted.agreement, 3)}
    note = _disagreement(source, fitted.agreement)
    if source.kind == "metres":
        own = nearness / np.float32(face.metres_per_pixel)
        relief = float(own[inside].std() / max(fitted.depth[inside].std(), np.float32(1e-6)))
        told["relief"] = round(relief, 3)
        if not fit:
            if not note and not _LIKELY_RELIEF[0] < relief < _LIKELY_RELIEF[1]:
                note = (
                    f"{source.name} makes the face {relief:.1f} times as deep as its landmarks "
                    "do: Fit to Face (--fit) corrects that."
                )
            return Placed(own, None, told, note)
    return Placed(fitted.depth, None, told, note)


def _place_object(
    source: DepthSource, depth: np.ndarray, trust: np.ndarray, crop: Crop, camera: Camera
) -> Placed:
    told = {"kind": source.kind}
    if source.kind == "metres":
        away = np.maximum(depth, np.float32(1e-3))
        scale = float(np.median(away[trust > 0.5])) / camera.focal_px
        return Placed(-away / np.float32(scale), scale, told, "")
    nearness = -depth if source.kind == "depth" else depth
    low, high = np.percentile(nearness[trust > 0.5], (2, 98))
    share = (nearness - low) / max(high - low, 1e-6)
    return Placed(
        (share * np.float32(_ASSUMED_RELIEF * crop.side)).astype(np.float32), None, told, ""
    )


def _marks(face: Face, crop: Crop, camera: Camera, size: int) -> Marks:
    """A face's landmarks over a map of ``size`` pixels that shows the crop."""
    depth = face.landmarks[:, 2]
    return Marks(
        points=transform_points(crop.from_photo(size), face.landmarks[:, :2]), depth=depth,
        eyes=float(depth[list(RIGHT_EYE + LEFT_EYE)].mean()), distance=camera.focal_px,
    )


def _disagreement(source: DepthSource, agreement: float) -> str:
    if agreement >= _LEAST_AGREEMENT:
        return ""
    what = "sees this face inside out" if agreement < -_LEAST_AGREEMENT else (
        "does not see the shape of this face"
    )
    return (
        f"{source.name} {what} (it agrees with the landmarks by {agreement:.2f}; 1 is best): "
        "choose another model."
    )
