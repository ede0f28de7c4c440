# SPDX-License-Identifier: GPL-3.0-or-later
"""The person in the crop: MediaPipe's selfie segmentation, refined on the photo."""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from .detection import read_model
from .filters import guided_upsample

_SIZE = 256


class MatteNet:
    """Soft person mask.

    Parameters
    ----------
    path : Path
        ``selfie_segmentation.tflite``: reads 256 x 256 RGB in [0, 1].
    """

    def __init__(self, path: Path):
        self._path = path

    @cached_property
    def _net(self):
        return cv2.dnn.readNetFromTFLite(read_model(self._path))

    def matte(self, rgb: np.ndarray) -> np.ndarray:
        """Opacity of the person.

        Parameters
        ----------
        rgb : ndarray, (S, S, 3) uint8

        Returns
        -------
        ndarray, (S, S) float32
            0 background, 1 person; edges follow the photo.
        """
        small = cv2.resize(rgb, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
        self._net.setInput((small.astype(np.float32) / 255.0).transpose(2, 0, 1)[None])
        coarse = self._net.forward()[0, 0]
        guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
        fine = guided_upsample(coarse, guide, 6, 1e-3)
        return np.clip(fine, 0.0, 1.0)


def subject_mask(
    matte: np.ndarray, hull: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """The one connected region of the person that holds the face.

    Parameters
    ----------
    matte : ndarray, (S, S) float32
    hull : ndarray, (S, S) bool
        The face's hull, which always belongs to the subject.
    inside : ndarray, (S, S) bool
        Where the crop lies inside the photo.

    Returns
    -------
    ndarray, (S, S) bool
    """
    size = matte.shape[0]
    # A level over one half, after a blur, keeps the background's colours off the border.
    person = (cv2.GaussianBlur(matte, (0, 0), size / 200) > 0.7) | hull
    width = size // 28 | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    # Opening drops strands and specks thinner than the kernel; the hull stays whole.
    person = cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    person &= inside.astype(np.uint8)
    person |= (hull & inside).astype(np.uint8)
    _, labels = cv2.connectedComponents(person, connectivity=4)
    counts = np.bincount(labels[hull & inside], minlength=labels.max() + 1)
    counts[0] = 0
    return _without_holes(labels == counts.argmax())


def _without_holes(mask: np.ndarray) -> np.ndarray:
    """Fill regions of background that do not touch the picture's edge."""
    _, labels = cv2.connectedComponents((~np.pad(mask, 1)).astype(np.uint8), connectivity=8)
    return (labels != labels[0, 0])[1:-1, 1:-1]
