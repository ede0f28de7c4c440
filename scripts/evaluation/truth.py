# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos whose depth is known: rendered data sets, and folders of scans.

A folder of scans has a photo ``NAME.png`` and beside it ``NAME.npz`` with ``depth`` (distance from
the camera's plane in mm, NaN where nothing is), ``focal_px``, ``face`` (bool) and ``facemesh``
(MediaPipe's landmarks: x, y, z in pixels, nearer is smaller).
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from heads.manifest import HEADER, FolderError, read_records
from training.samples import face_crop, read_sample

from face_depth_addon.core.crop import Crop
from face_depth_addon.core.face.landmarks import Face
from face_depth_addon.core.photo import Photo, load_photo
from face_depth_addon.core.sampling import paste

from . import groups

# The head's surroundings: a square smaller than what the product cuts out, which is 1.7.
_MARGIN, _RISE = 1.5, 0.05
_SCAN_KEYS = ("depth", "focal_px", "face", "facemesh")
_FACEMESH_COUNT = 468
INNER = 17  # the first of the 68 landmarks that is not on the jaw's outline

#: For the landmarks from ``INNER`` on, the one of MediaPipe's that lay nearest to it in the median
#: of 111 rendered faces within 25 degrees of yaw.
FACEMESH68 = np.array([
    70, 53, 52, 65, 55, 285, 295, 282, 283, 300,
    6, 197, 195, 4, 240, 97, 2, 326, 460,
    7, 160, 158, 155, 153, 144, 362, 385, 387, 249, 373, 380,
    76, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91,
    62, 81, 13, 311, 292, 402, 14, 178,
])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Truth:
    """A photo and what is true of it.

    Attributes
    ----------
    name : str
        Within its folder.
    photo : Photo
    distance : ndarray, (H, W) float32
        From the camera's plane, in mm; finite on the subject and the face.
    face : ndarray, (H, W) bool
    subject : ndarray, (H, W) bool
        The person, as far as in `crop`; contains the face.
    crop : Crop
        The head's surroundings.
    focal_px : float
    principal_px : tuple of float
        Where the optical axis meets the picture: x, y.
    landmarks : ndarray, (n,) int
        Which of the 68 landmarks of iBUG are known in space.
    landmark_points : ndarray, (n, 3) float64
        Where they are: mm, x right, y down, z away from the camera.
    exact_landmarks : bool
        False where they are a network's, laid on the true surface.
    """

    name: str
    photo: Photo
    distance: np.ndarray
    face: np.ndarray
    subject: np.ndarray
    crop: Crop
    focal_px: float
    principal_px: tuple[float, float]
    landmarks: np.ndarray
    landmark_points: np.ndarray
    exact_landmarks: bool

    @property
    def relief(self) -> np.ndarray:
        """Weak-perspective depth: (H, W) float32, photo pixels, nearer is larger, 0 at the face."""
        middle = np.median(self.distance[self.face])
        return (middle - self.distance) * np.float32(self.focal_px / middle)

    @property
    def surroundings(self) -> np.ndarray:
        """Which pixels lie in `crop`: (H, W) bool."""
        return _covered(self.crop, self.face.shape)


class Case(Protocol):
    """A photo of a folder, not read yet."""

    name: str
    #: By the names of `groups.BREAKDOWNS`.
    groups: dict[str, str]

    def read(self) -> Truth:
        """Read it; raises `FolderError` or `PhotoError`."""


def list_cases(folder: Path) -> list[Case]:
    """Return the photos of a folder of either kind, in order.

    Raises
    ------
    FolderError
        There is no such folder, or it is of neither kind.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FolderError(f"There is no folder {folder}; name one with --data.")
    if (folder / HEADER).is_file():
        return [_Rendered(folder, record) for record in read_records(folder)]
    scans = [_Scan(path) for path in sorted(folder.glob("*.npz")) if _is_scan(path)]
    if not scans:
        raise FolderError(
            f"{folder} has no photos with true depth: it is neither a data set of dataset.py nor "
            "has it a NAME.png with its NAME.npz."
        )
    return scans


def spread(cases: Sequence[Case], count: int | None) -> list[Case]:
    """Return ``count`` cases at equal distances in the list; all of them for None."""
    if count is None or count >= len(cases):
        return list(cases)
    return [cases[index * len(cases) // count] for index in range(count)]


class _Rendered:
    def __init__(self, folder: Path, record: dict) -> None:
        self._folder, self._record = folder, record
        self.name = f"{record['index']:06d}"
        self.groups = groups.of_record(record)

    def read(self) -> Truth:
        record = self._record
        sample = read_sample(self._folder, record)
        crop = face_crop(record, _MARGIN, _RISE)
        covered = (sample.subject > 0.5) & np.isfinite(sample.distance)
        return Truth(
            name=self.name,
            photo=load_photo(self._folder / record["files"]["colour"]),
            distance=sample.distance,
            face=sample.face,
            subject=covered & _covered(crop, sample.face.shape) | sample.face,
            crop=crop,
            focal_px=sample.focal_px,
            principal_px=tuple(record["intrinsics"]["principal_px"]),
            landmarks=np.arange(68),
            landmark_points=np.array(record["landmarks"]["camera_mm"], float),
            exact_landmarks=True,
        )


class _Scan:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.stem
        self.groups = groups.of_scan(path.stem)

    def read(self) -> Truth:
        photo = load_photo(self._path.with_suffix(".png"))
        depth, focal_px, face, facemesh = _read_arrays(self._path)
        if not depth.shape == face.shape == photo.rgb.shape[:2]:
            raise FolderError(
                f"{self._path} and {photo.name} differ in size; make the test data again."
            )
        face = face.astype(bool) & np.isfinite(depth)
        if not face.any():
            raise FolderError(f"{self._path} shows no face.")
        found = facemesh[:_FACEMESH_COUNT] * (1.0, 1.0, -1.0)
        crop = Face(found, 1.0, np.zeros(4)).crop(_MARGIN, _RISE)
        height, width = depth.shape
        principal = (width / 2, height / 2)
        landmarks, points = _lift(found[:, :2], depth, face, float(focal_px), principal)
        return Truth(
            name=self.name,
            photo=photo,
            distance=depth.astype(np.float32),
            face=face,
            subject=np.isfinite(depth) & _covered(crop, depth.shape) | face,
            crop=crop,
            focal_px=float(focal_px),
            principal_px=principal,
            landmarks=landmarks,
            landmark_points=points,
            exact_landmarks=False,
        )


def _is_scan(path: Path) -> bool:
    """Whether a face is marked in it; one that cannot be read is told of when it is."""
    try:
        with np.load(path) as stored:
            return "face" in stored.files
    except (OSError, ValueError, zipfile.BadZipFile):
        return True


def _read_arrays(path: Path) -> list[np.ndarray]:
    try:
        with np.load(path) as stored:
            return [stored[key] for key in _SCAN_KEYS]
    except KeyError as error:
        raise FolderError(f"{path} lacks {error.args[0]}; make the test data again.") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FolderError(f"{path} is damaged ({error}); copy it again.") from error


def _covered(crop: Crop, shape: tuple[int, int]) -> np.ndarray:
    return paste(np.ones((64, 64), np.float32), crop, shape, 0.0) > 0.5


def _lift(
    found: np.ndarray, depth: np.ndarray, face: np.ndarray, focal: float,
    principal: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the inner landmarks that lie on the face, and their places in space."""
    places = found[FACEMESH68]
    column, row = np.clip(places.astype(int), 0, np.array(depth.shape[::-1]) - 1).T
    seen = face[row, column]
    distance = depth[row, column][seen].astype(float)
    points = unproject(places[seen], distance, focal, principal)
    return np.flatnonzero(seen) + INNER, points


def unproject(
    pixels: np.ndarray, distance: np.ndarray, focal: float, principal: tuple[float, float]
) -> np.ndarray:
    """Return the points in space, (n, 3) in mm, that are seen at (n, 2) pixels at (n,) mm."""
    across = (pixels - np.array(principal)) * (distance / focal)[:, None]
    return np.column_stack([across, distance])
