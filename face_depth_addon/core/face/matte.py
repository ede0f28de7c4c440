# SPDX-License-Identifier: GPL-3.0-or-later
"""The person in the crop: selfie segmentation and a depth network's mask, on the photo's edges."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..crop import Crop
from ..filters import guided_upsample
from ..sampling import cut
from .detection import read_tflite
from .landmarks import Face, outline_mask

_SIZE = 256
_WIDER = 1.5
# Above one half, so that neither one of three views nor a network alone can carry a pixel.
_LEVEL = 0.6
# How much a depth network's mask counts beside the selfie matte, 0 to 1.
_NETWORK_SHARE = 0.5


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
        return read_tflite(self._path)

    def matte(self, photo: np.ndarray, crop: Crop, face: Face, size: int) -> np.ndarray:
        """Opacity of the person to whom the face belongs.

        Parameters
        ----------
        photo : ndarray, (H, W, 3) uint8
        crop : Crop
        face : Face
        size : int
            Width and height of the result.

        Returns
        -------
        ndarray, (size, size) float32
            0 background, 1 person; edges follow the photo.
        """
        rgb = cut(photo, crop, _SIZE)
        # Only a wider view tells the person from people behind; the mirrored one steadies.
        wider = self._forward(cut(photo, replace(crop, side=crop.side * _WIDER), _SIZE))
        first = round(_SIZE * (1 - 1 / _WIDER) / 2)
        wider = cv2.resize(wider[first:_SIZE - first, first:_SIZE - first], (_SIZE, _SIZE))
        coarse = (self._forward(rgb) + self._forward(rgb[:, ::-1])[:, ::-1] + wider) / 3.0
        coarse = coarse * _looks_like_subject(rgb, coarse, outline_mask(face, crop, _SIZE))
        return _on_edges(coarse, cut(photo, crop, size))

    def _forward(self, rgb: np.ndarray) -> np.ndarray:
        values = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / 255.0
        self._net.setInput(values)
        return self._net.forward()[0, 0].copy()


def _looks_like_subject(rgb: np.ndarray, matte: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """Where the colours near the matte's border are the subject's: (s, s) float32, 0 or 1.

    GrabCut on a band around the border; it takes away what the network fills in between
    jaw and shoulder, and adds nothing.
    """
    person = ((matte > _LEVEL) | hull).astype(np.uint8)
    if person.all():
        return np.ones(matte.shape, np.float32)
    sure = cv2.erode(person, _ellipse(25)) | cv2.erode(hull.astype(np.uint8), _ellipse(25))
    labels = np.where(person > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[sure > 0] = cv2.GC_FGD
    labels[cv2.dilate(person, _ellipse(13)) == 0] = cv2.GC_BGD
    # Its colour models start from a random clustering.
    cv2.setRNGSeed(0)
    cv2.grabCut(
        rgb, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK
    )
    alike = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    # Dark hair before a dark wall is not alike, but the network knows hair.
    rows = np.flatnonzero(hull.any(axis=1))
    brow = rows[0] + (rows[-1] - rows[0]) // 4
    hair = cv2.dilate(hull.astype(np.uint8), _ellipse(25)) == 0
    hair[brow:] = False
    return (alike | hair).astype(np.float32)


def blend(matte: np.ndarray, person: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Weighted mean of the selfie matte and a depth network's mask.

    Parameters
    ----------
    matte : ndarray, (S, S) float32
        In [0, 1].
    person : ndarray, (s, s) float32
        Probability that the pixel is the person's.
    rgb : ndarray, (S, S, 3) uint8
        The crop, on whose edges the network's mask is brought.

    Returns
    -------
    ndarray, (S, S) float32
        In [0, 1].
    """
    return (1.0 - _NETWORK_SHARE) * matte + _NETWORK_SHARE * _on_edges(person, rgb)


def _on_edges(coarse: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """A soft mask at the size of ``rgb``, its edges on the photo's."""
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    return np.clip(guided_upsample(coarse, guide, 6, 1e-3), 0.0, 1.0)


def _ellipse(width: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))


def subject_mask(
    matte: np.ndarray, hull: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """The one connected region of the person that holds the face.

    Parameters
    ----------
    matte : ndarray, (S, S) float32
    hull : ndarray, (S, S) bool
        The face's hull, whose middle always belongs to the subject.
    inside : ndarray, (S, S) bool
        Where the crop lies inside the photo.

    Returns
    -------
    ndarray, (S, S) bool
    """
    size = matte.shape[0]
    core = cv2.erode(hull.astype(np.uint8), _ellipse(size // 10 | 1)) > 0
    person = (cv2.GaussianBlur(matte, (0, 0), size / 120) > _LEVEL) | core
    # Opening drops strands and specks thinner than its ellipse; the face stays whole.
    person = cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_OPEN, _ellipse(size // 28 | 1))
    person &= inside.astype(np.uint8)
    person |= (core & inside).astype(np.uint8)
    _, labels = cv2.connectedComponents(person, connectivity=4)
    counts = np.bincount(labels[hull & inside], minlength=labels.max() + 1)
    counts[0] = 0
    return _without_holes(labels == counts.argmax())


def _without_holes(mask: np.ndarray) -> np.ndarray:
    """Fill regions of background that do not touch the picture's edge."""
    _, labels = cv2.connectedComponents((~np.pad(mask, 1)).astype(np.uint8), connectivity=8)
    return (labels != labels[0, 0])[1:-1, 1:-1]
