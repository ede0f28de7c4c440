# SPDX-License-Identifier: GPL-3.0-or-later
"""From samples to what a network reads and is to answer: crops, jittered and made worse."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from face_depth_addon.core.crop import Crop
from face_depth_addon.core.sampling import cut, inside_photo

from .photo_noise import spoil
from .remaking import relit, turned
from .samples import Sample, face_crop, read_sample

# What the rest of the person counts beside the face.
_REST_WEIGHT = 0.3


@dataclass(frozen=True)
class View:
    """How crops are cut, and how much that varies in training.

    Attributes
    ----------
    size : int
        Side of the crop in the network's pixels.
    margin, rise : float
        As in `Face.crop`.
    jitter : float
        Standard deviations of the crop's variation, relative to the landmarks' own
        uncertainty: 0 for none.
    """

    size: int
    margin: float
    rise: float
    jitter: float = 0.0

    def crop(self, record: dict, rng: np.random.Generator) -> Crop:
        """The crop of a sample, varied if the view says so."""
        crop = face_crop(record, self.margin, self.rise)
        if not self.jitter:
            return crop
        grow, right, down, turn = self.jitter * np.clip(rng.normal(size=4), -2.5, 2.5)
        return replace(
            crop, side=crop.side * float(np.exp(0.05 * grow)),
            x=crop.x + 0.018 * crop.side * right, y=crop.y + 0.018 * crop.side * down,
            roll=crop.roll + np.radians(2.5) * turn,
        )  # fmt: skip


def example(sample: Sample, crop: Crop, size: int) -> dict[str, np.ndarray]:
    """Cut a sample.

    Parameters
    ----------
    sample : Sample
    crop : Crop
        In the sample's picture.
    size : int

    Returns
    -------
    dict of ndarray
        ``rgb`` (s, s, 3) uint8; ``depth`` (s, s) float32 in sides of the crop, nearer is larger,
        0 at the face's middle and where unknown; ``weight`` (s, s) float32, how much the depth
        counts: 1 in the face, less on the rest of the person, 0 where unknown; ``subject``
        (s, s) float32, and ``inside`` (s, s) float32, 1 where the picture reaches;
        ``mm`` () float32, millimetres at the face in a side of the crop.
    """
    relief, seen, pitch = _calm(sample, crop)
    known = cut(seen.astype(np.float32), crop, size, cv2.BORDER_CONSTANT)
    depth = cut(np.where(seen, relief, 0.0).astype(np.float32), crop, size, cv2.BORDER_CONSTANT)
    whole = known > 0.99
    face = cut(sample.face.astype(np.float32), crop, size, cv2.BORDER_CONSTANT) > 0.5
    return {
        "rgb": cut(sample.rgb, crop, size),
        "depth": np.where(whole, depth / np.float32(crop.side), np.float32(0)),
        "weight": np.where(face, 1.0, _REST_WEIGHT).astype(np.float32) * whole,
        "subject": cut(sample.subject, crop, size, cv2.BORDER_CONSTANT),
        "inside": inside_photo(crop, sample.rgb.shape, size).astype(np.float32),
        "mm": np.float32(pitch * crop.side),
    }


def _calm(sample: Sample, crop: Crop) -> tuple[np.ndarray, np.ndarray, float]:
    """Relief, where it is known, and mm in a pixel; single hairs outside the face smoothed away."""
    relief, pitch = sample.relief(crop.x, crop.y)
    seen = np.isfinite(relief)
    filled = np.where(seen, relief, relief[seen].min())
    smooth_seen = cv2.medianBlur(seen.astype(np.uint8), 5) > 0
    relief = np.where(sample.face, filled, cv2.medianBlur(filled, 5))
    return relief, np.where(sample.face, seen, smooth_seen), pitch


def flipped(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The mirrored example."""
    return {
        name: np.ascontiguousarray(array[:, ::-1]) if array.ndim > 1 else array
        for name, array in values.items()
    }


def _mirrored(values: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    return flipped(values)


def _spoiled(values: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {**values, "rgb": spoil(values["rgb"], rng)}


# What an example goes through in training: how often, and what.
CHANGES = {
    "mirrored": (0.5, _mirrored), "turned": (0.7, turned), "relit": (0.3, relit),
    "spoiled": (1.0, _spoiled),
}  # fmt: skip


class Examples(Dataset):
    """Examples of data sets, the same for the same epoch and index.

    Parameters
    ----------
    samples : sequence of tuple
        Data sets' folders, each with one of its records.
    view : View
    seed : int
    changes : collection of str
        Which of `CHANGES` they go through.
    """

    def __init__(
        self, samples: Sequence[tuple[Path, dict]], view: View, seed: int = 0,
        changes: Collection[str] = tuple(CHANGES),
    ):  # fmt: skip
        self._samples, self._view = samples, view
        self._seed, self._changes = seed, changes

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, torch.Tensor]:
        """Epoch and index to tensors; ``rgb`` becomes (3, s, s)."""
        epoch, index = key
        rng = np.random.default_rng((self._seed, epoch, index))
        folder, record = self._samples[index]
        crop = self._view.crop(record, rng)
        values = example(read_sample(folder, record), crop, self._view.size)
        for name, (chance, change) in CHANGES.items():
            if name in self._changes and rng.random() < chance:
                values = change(values, rng)
        values["rgb"] = np.ascontiguousarray(values["rgb"].transpose(2, 0, 1))
        return {name: torch.from_numpy(np.asarray(array)) for name, array in values.items()}


class Shuffled(Sampler):
    """Batches of (epoch, index), in an order that depends on the seed alone.

    Parameters
    ----------
    count : int
        Samples in the data set.
    batch : int
        Of all processes together.
    steps : range
        Which steps to give batches for.
    seed : int
    part, parts : int
        Which share of each batch is this process's, and among how many.
    """

    def __init__(
        self, count: int, batch: int, steps: range, seed: int, part: int = 0, parts: int = 1
    ):
        self._count, self._batch, self._steps, self._seed = count, batch, steps, seed
        self._part, self._parts = part, parts

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in self._steps:
            positions = range(step * self._batch, (step + 1) * self._batch)
            yield [self._at(position) for position in positions[self._part :: self._parts]]

    def _at(self, position: int) -> tuple[int, int]:
        epoch, place = divmod(position, self._count)
        if getattr(self, "_epoch", None) != epoch:
            self._epoch = epoch
            self._order = np.random.default_rng((self._seed, epoch)).permutation(self._count)
        return epoch, int(self._order[place])
