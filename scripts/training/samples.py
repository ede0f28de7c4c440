# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of a rendered data set as arrays; what they consist of stands in docs/dataset.md."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from heads.manifest import FolderError

from face_depth_addon.core.crop import Crop
from face_depth_addon.core.face.landmarks import upright_square

# Corners of the eyes among the 68 landmarks, the person's right eye first.
_EYES = ((36, 39), (42, 45))
_BRIDGE, _CHIN = 27, 8
# Where the landmarks network's outline ends above the nose's bridge, over the face's length
# below it; fitted on rendered faces.
_FOREHEAD = 0.45


@dataclass(frozen=True)
class Sample:
    """A rendered photo and what is true of it.

    Attributes
    ----------
    rgb : ndarray, (H, W, 3) uint8
        sRGB, row 0 is the top.
    distance : ndarray, (H, W) float32
        From the camera's plane, in mm; NaN where nothing is seen. In the face it is that of
        the skin, whatever thin thing is in front of it.
    face : ndarray, (H, W) bool
        The face, also behind glasses, brows, beard and fringe.
    subject : ndarray, (H, W) float32
        How much of the pixel the person covers, 0 to 1.
    focal_px : float
    principal : tuple of float
        Where the optical axis meets the picture, in continuous pixels.
    record : dict
        The sample's line in the manifest.
    """

    rgb: np.ndarray
    distance: np.ndarray
    face: np.ndarray
    subject: np.ndarray
    focal_px: float
    principal: tuple[float, float]
    record: dict

    def relief(self, x: float, y: float) -> tuple[np.ndarray, float]:
        """Weak-perspective depth as a camera turned towards a point of the photo sees it.

        A face beside the optical axis looks at us as one on the axis does, though its distances
        from the camera's plane are aslant; what a crop alone can tell is the depth along its
        own middle.

        Parameters
        ----------
        x, y : float
            In continuous pixels.

        Returns
        -------
        tuple
            (H, W) float32 in photo pixels, nearer is larger, 0 at the face's median, NaN where
            nothing is seen; and the millimetres of a pixel at the face.
        """
        axis = np.array([*(np.array([x, y]) - self.principal) / self.focal_px, 1.0])
        axis /= np.linalg.norm(axis)
        rows, columns = np.indices(self.distance.shape, dtype=np.float32) + np.float32(0.5)
        across = (columns - self.principal[0]) * (axis[0] / self.focal_px)
        down = (rows - self.principal[1]) * (axis[1] / self.focal_px)
        along = self.distance * (across + down + axis[2]).astype(np.float32)
        middle = float(np.median(along[self.face]))
        pitch = middle * axis[2] / self.focal_px
        return (middle - along) / np.float32(pitch), float(pitch)


def read_sample(folder: Path, record: dict) -> Sample:
    """Read the pictures of a record.

    Raises
    ------
    FolderError
        A picture is missing or damaged, or shows no face.
    """
    files = record["files"]
    rgb = cv2.cvtColor(_read(folder, files["colour"], cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    masks = _read(folder, files["masks"], cv2.IMREAD_COLOR)
    face = (masks[..., 1] > 127) | (masks[..., 0] > 127)
    steps = np.where(
        face, _read(folder, files["face_depth"], cv2.IMREAD_UNCHANGED),
        _read(folder, files["depth"], cv2.IMREAD_UNCHANGED),
    )  # fmt: skip
    scale = record["depth"]
    distance = scale["near_mm"] + (steps.astype(np.float32) - 1.0) * scale["step_mm"]
    distance[steps == 0] = np.nan
    face &= steps > 0
    if not face.any():
        raise FolderError(f"{folder / files['masks']} shows no face.")
    subject = masks[..., 2].astype(np.float32) / 255.0
    camera = record["intrinsics"]
    return Sample(
        rgb, distance, face, subject, camera["focal_px"], tuple(camera["principal_px"]), record
    )


def face_crop(record: dict, margin: float, rise: float) -> Crop:
    """The crop that `Face.crop` would make of the sample, from its known landmarks.

    Parameters
    ----------
    record : dict
    margin, rise : float
        As in `Face.crop`.

    Returns
    -------
    Crop
        In pixels of the sample's picture.
    """
    points = np.array(record["landmarks"]["pixels"])
    right, left = (points[list(corners)].mean(axis=0) for corners in _EYES)
    across = left - right
    roll = float(np.arctan2(across[1], across[0]))
    forehead = points[_BRIDGE] + _FOREHEAD * (points[_BRIDGE] - points[_CHIN])
    return upright_square(np.vstack([points, forehead]), roll, margin, rise)


def _read(folder: Path, name: str, flags: int) -> np.ndarray:
    path = Path(folder) / name
    try:
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    except (OSError, cv2.error) as error:
        raise FolderError(f"{path} cannot be read: {error}.") from error
    if picture is None:
        raise FolderError(f"{path} is damaged; run the same `render` command again.")
    return picture
