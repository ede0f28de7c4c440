# SPDX-License-Identifier: GPL-3.0-or-later
"""What is evaluated: models, run as the product runs them, and baselines that know the truth."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from heads.ict_model import IctModel
from scipy.ndimage import distance_transform_edt

from face_depth_addon.core.camera import Camera
from face_depth_addon.core.errors import NoFaceError
from face_depth_addon.core.face.landmarks import Face
from face_depth_addon.core.photo import Photo
from face_depth_addon.core.pipeline import Clock, DepthSource, Options, Pipeline, photo_depth
from face_depth_addon.core.reconstruction import Reconstruction
from face_depth_addon.inference.cards import FACEMESH, MODELS
from face_depth_addon.inference.depth_sources import Checked
from face_depth_addon.inference.registry import find_model, load_model
from face_depth_addon.inference.running import Running

from .mean_head import MeanHead
from .truth import Truth

ICT_FILE = Path("ict_facekit") / "ict_facekit.npz"

_TITLES = {
    FACEMESH: "FaceMesh surface (Fast)",
    "mean-head": "mean head at the true pose",
    "ellipsoid": "ellipsoid",
    "card": "flat card",
}
_RESOLUTION = 512


class Predictor(Protocol):
    """Something that gives depth for a photo.

    Attributes
    ----------
    name, title : str
        As on the command line, and in the tables.
    is_baseline : bool
    own_mask : bool
        Whether it finds the subject itself; the others are told.
    """

    name: str
    title: str
    is_baseline: bool
    own_mask: bool

    def predict(self, truth: Truth) -> np.ndarray | None:
        """Nearness in photo pixels, (H, W) float32 with NaN outside the subject; None: no face."""


class FacePipeline(Pipeline):
    """The product's pipeline, which looks for the faces of a photo once for all models."""

    def __init__(self) -> None:
        super().__init__(MODELS)
        self._found: dict[str, list[Face]] = {}

    def find_faces(self, photo: Photo) -> list[Face]:
        """All faces with their landmarks, the largest first."""
        if photo.digest not in self._found:
            self._found[photo.digest] = super().find_faces(photo)
        return self._found[photo.digest]


@dataclass
class Model:
    """A depth model in the product's pipeline, or its landmarks alone.

    Parameters
    ----------
    name : str
    pipeline : FacePipeline
    checked : Checked or None
        None for the landmarks.
    is_baseline : bool
    """

    name: str
    pipeline: FacePipeline
    checked: Checked | None
    is_baseline: bool = False
    own_mask: bool = True

    @property
    def title(self) -> str:
        return _TITLES.get(self.name, self.name)

    @cached_property
    def _network(self) -> DepthSource | None:
        if self.checked is None:
            return None
        return load_model(self.checked, Running())

    def predict(self, truth: Truth) -> np.ndarray | None:
        """Depth of the face that is nearest to the true one, or None if none is on it."""
        found = self.reconstruct(truth)
        return found and photo_depth(found, Camera(truth.focal_px, *truth.principal_px))

    def reconstruct(self, truth: Truth) -> Reconstruction | None:
        """The face that is nearest to the true one, or None if none is on it."""
        index = nearest_face(self.pipeline.find_faces(truth.photo), truth.face)
        if index is None:
            return None
        options = Options(face=index, resolution=_RESOLUTION)
        clock = Clock(lambda label, fraction: None)
        try:
            return self.pipeline.run(truth.photo, lambda: self._network, options, clock)
        except NoFaceError:
            return None


@dataclass
class Card:
    """A flat card in the true subject's outline."""

    name: str = "card"
    title: str = _TITLES["card"]
    is_baseline: bool = True
    own_mask: bool = False

    def predict(self, truth: Truth) -> np.ndarray:
        """The same depth everywhere."""
        return _masked(np.zeros(truth.face.shape), truth)


@dataclass
class Ellipsoid:
    """Half an ellipsoid over the true face, as deep as it is wide to one side."""

    name: str = "ellipsoid"
    title: str = _TITLES["ellipsoid"]
    is_baseline: bool = True
    own_mask: bool = False

    def predict(self, truth: Truth) -> np.ndarray:
        """Its radii are 1/1.6 of the face's box, its middle is the mask's."""
        places = np.array(np.nonzero(truth.face))[::-1]
        radii = np.ptp(places, axis=1) / 1.6
        grid = np.indices(truth.face.shape)[::-1]
        offsets = (grid - places.mean(axis=1)[:, None, None]) / radii[:, None, None]
        inner = np.clip(1.0 - np.square(offsets).sum(axis=0), 0.0, None)
        return _masked(radii[0] * np.sqrt(inner), truth)


class MeanHeadBaseline:
    """ICT-FaceKit's mean head at the true pose and size.

    Parameters
    ----------
    model : IctModel
    """

    name = "mean-head"
    title = _TITLES["mean-head"]
    is_baseline = True
    own_mask = False

    def __init__(self, model: IctModel) -> None:
        self._head = MeanHead(model)

    def predict(self, truth: Truth) -> np.ndarray | None:
        """Its relief; beside the head the nearest pixel's."""
        distance = self._head.distance(truth)
        if distance is None or not np.isfinite(distance).any():
            return None
        _, nearest = distance_transform_edt(np.isnan(distance), return_indices=True)
        middle = float(np.median(truth.distance[truth.face]))
        return _masked((middle - distance[tuple(nearest)]) * truth.focal_px / middle, truth)


def choose(models: list[str], baselines: list[str], sources: Path | None) -> list[Predictor]:
    """Return what is to be evaluated: the models in their order, then the baselines.

    Parameters
    ----------
    models : list of str
        Names of bundled models, or folders.
    baselines : list of str
        Of facemesh, mean-head, ellipsoid and card; the mean head is left out without sources.
    sources : Path or None
        Holds ``ict_facekit/ict_facekit.npz``.

    Raises
    ------
    ModelError, SourceError
    """
    pipeline = FacePipeline()
    chosen: list[Predictor] = [
        Model(name, pipeline, None if name == FACEMESH else find_model(name))
        for name in dict.fromkeys(models)
    ]
    if FACEMESH in baselines and FACEMESH not in models:
        chosen.append(Model(FACEMESH, pipeline, None, is_baseline=True))
    if "mean-head" in baselines and sources is not None:
        chosen.append(MeanHeadBaseline(IctModel(sources / ICT_FILE)))
    chosen += [kind() for kind in (Ellipsoid, Card) if kind.name in baselines]
    return chosen


def nearest_face(faces: list[Face], true_face: np.ndarray) -> int | None:
    """Return which face lies on the true one.

    Parameters
    ----------
    faces : list of Face
    true_face : ndarray, (H, W) bool

    Returns
    -------
    int or None
        The index of the one whose middle is nearest, if that is in the true face's box.
    """
    if not faces:
        return None
    rows, columns = np.nonzero(true_face)
    places = np.column_stack([columns, rows]) + 0.5
    middles = np.array([face.landmarks[:, :2].mean(axis=0) for face in faces])
    index = int(np.linalg.norm(middles - places.mean(axis=0), axis=1).argmin())
    low, high = places.min(axis=0), places.max(axis=0)
    return index if ((middles[index] >= low) & (middles[index] <= high)).all() else None


def _masked(depth: np.ndarray, truth: Truth) -> np.ndarray:
    return np.where(truth.subject, depth, np.nan).astype(np.float32)
