# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the values of an imported depth map lie in space."""

from dataclasses import dataclass

import numpy as np

from ..camera import Camera, assumed_camera
from ..crop import Crop, transform_points
from ..errors import DepthMapError
from ..face.face_points import LEFT_EYE, RIGHT_EYE
from ..reconstruction import Reconstruction
from .depth_file import DepthMap
from .fitting import Fit, Marks, fit_to_marks
from .frame import Frame
from .meaning import Meaning
from .reading import interpret

# Relief of a map that says nothing of it, in longest sides of the picture.
_ASSUMED_RELIEF = 0.4
# The usual field of view, taken for distances without any.
_USUAL_FOCAL_35MM = 50.0
_METRES = {"METRES": 1.0, "MILLIMETRES": 0.001}
# A map of the same face agrees better with its landmarks than this, as a correlation.
_LEAST_AGREEMENT = 0.3


@dataclass(frozen=True)
class Placed:
    """Values in space.

    Attributes
    ----------
    depth : ndarray, (S, S) float32
        Photo pixels along the crop's middle, nearer is larger, NaN where unknown.
    metres_per_pixel : float
        Scale of the photo at the subject.
    focal_35mm : float or None
        Focal length in millimetres for a picture of 36 x 24 mm, where it is known.
    """

    depth: np.ndarray
    metres_per_pixel: float
    focal_35mm: float | None


def place_values(
    depth_map: DepthMap, frame: Frame, meaning: Meaning, subject: np.ndarray
) -> Placed:
    """Give the values of a depth map a size and a distance.

    Parameters
    ----------
    depth_map : DepthMap
        Cut to the frame's crop, (S, S).
    frame : Frame
    meaning : Meaning
    subject : ndarray, (S, S) bool
        Where the map is known and the photo shows the subject; somewhere true.

    Raises
    ------
    DepthMapError
        The map is flat, holds no distances though they were asked for, or is of another face.
    """
    return _Placing(depth_map, frame, meaning, subject).run()


@dataclass(frozen=True)
class _Placing:
    depth_map: DepthMap
    frame: Frame
    meaning: Meaning
    subject: np.ndarray

    def run(self) -> Placed:
        nearness, scale, focal = self._nearness()
        camera = _camera(self.frame.blank, focal, scale)
        return Placed(_along_crop(nearness, self.frame.blank, camera), scale, focal)

    def _nearness(self) -> tuple[np.ndarray, float, float | None]:
        """Photo pixels along the camera's axis, the scale and the focal length."""
        meaning = self.meaning
        if self.depth_map.in_pixels or meaning.unit == "PIXELS":
            nearness = interpret(self.depth_map, meaning.near, "depth")
            return nearness, self._scale(), self._focal()
        if meaning.unit in _METRES:
            return self._measured()
        scale, focal = self._scale(), self._focal()
        camera = _camera(self.frame.blank, focal, scale)
        if meaning.relief is None and self.frame.blank.landmarks is not None:
            return self._fitted(camera), scale, focal
        crop = self.frame.blank.crop
        relief = meaning.relief / scale if meaning.relief else _ASSUMED_RELIEF * crop.side
        nearest = max(camera.focal_px - relief / 2.0, camera.focal_px / 10.0)
        nearness = interpret(
            self.depth_map, meaning.near, meaning.kind, relief, nearest, subject=self.subject
        )
        return nearness, scale, focal

    def _measured(self) -> tuple[np.ndarray, float, float | None]:
        meaning = self.meaning
        unit = _METRES[meaning.unit]
        nearness = interpret(self.depth_map, meaning.near, meaning.kind, unit=unit)
        if meaning.near == "white" and meaning.kind == "depth":
            # Heights over some plane: how far the camera was they do not tell.
            scale = self._scale()
            return nearness / np.float32(scale), scale, self._focal()
        distance = self._distance(nearness)
        asked, exif = self._asked_focal(), self.frame.blank.info["focal_35mm"]
        width = self.frame.blank.info["width"]
        if meaning.width:
            scale = meaning.width / width
        elif asked or self.frame.metres_per_pixel is None:
            scale = distance / self._focal_px(asked or exif or _USUAL_FOCAL_35MM)
        else:
            scale = self.frame.metres_per_pixel
        # The distance and the scale say together how long the lens was.
        focal = distance / scale / self._focal_px(1.0)
        return nearness / np.float32(scale), scale, focal

    def _distance(self, nearness: np.ndarray) -> float:
        """From the camera to the eyes, or to the subject's middle where there are none."""
        landmarks = self.frame.blank.landmarks
        if landmarks is not None:
            at = self._at(nearness, landmarks[list(RIGHT_EYE + LEFT_EYE)])
            if np.isfinite(at).any():
                return -float(np.nanmedian(at))
        known = nearness[self.subject & np.isfinite(nearness)]
        return -float(np.percentile(known, (1, 99)).mean()) if len(known) else 1.0

    def _at(self, values: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Values at landmarks, NaN outside the subject."""
        size = self.frame.blank.size
        columns, rows = np.clip((landmarks[:, :2] * size).astype(int), 0, size - 1).T
        return np.where(self.subject[rows, columns], values[rows, columns], np.nan)

    def _fitted(self, camera: Camera) -> np.ndarray:
        """Nearness of a relative map by the landmarks' own: a scale and a shift."""
        blank, meaning = self.frame.blank, self.meaning
        x, y = transform_points(blank.crop.to_photo(1), blank.landmarks[:, :2]).T
        offset, factor = _slant(blank.crop, camera, x, y)
        true = blank.landmarks[:, 2] * factor + offset
        marks = Marks(
            blank.landmarks[:, :2] * blank.size, true,
            float(true[list(RIGHT_EYE + LEFT_EYE)].mean()), camera.focal_px,
        )
        sign = np.float32(1.0 if meaning.near == "white" else -1.0)
        fit = fit_to_marks(sign * self.depth_map.values, self.subject, meaning.kind, marks)
        self._require_agreement(fit)
        return fit.depth

    def _require_agreement(self, fit: Fit) -> None:
        """Raise where values that should grow with the landmarks' nearness do not."""
        if fit.counted < len(self.frame.blank.landmarks) / 4:
            reason = "leaves out most of the face"
        elif fit.agreement == 0.0:
            reason = "is the same all over the face"
        elif fit.agreement < -_LEAST_AGREEMENT:
            other = "black" if self.meaning.near == "white" else "white"
            raise DepthMapError(
                f'"{self.depth_map.name}" sinks where the face rises; choose near {other}.'
            )
        elif fit.agreement < _LEAST_AGREEMENT:
            reason = "does not fit the face in the photo"
        else:
            return
        raise DepthMapError(
            f'"{self.depth_map.name}" {reason}; choose another depth map, or give a relief.'
        )

    def _scale(self) -> float:
        """Metres per photo pixel where the map holds no distances."""
        blank = self.frame.blank
        if self.meaning.width:
            return self.meaning.width / blank.info["width"]
        return (
            self.frame.metres_per_pixel or self.depth_map.metres_per_pixel
            or blank.metres_per_pixel
        )

    def _focal(self) -> float | None:
        return self._asked_focal() or self.frame.blank.info["focal_35mm"]

    def _asked_focal(self) -> float | None:
        angle = self.meaning.field_of_view
        if not angle:
            return self.meaning.focal_35mm
        info = self.frame.blank.info
        return max(info["width"], info["height"]) / 2 / np.tan(angle / 2) / self._focal_px(1.0)

    def _focal_px(self, focal_35mm: float) -> float:
        return _camera(self.frame.blank, focal_35mm, 1.0).focal_px


def _camera(blank: Reconstruction, focal_35mm: float | None, metres_per_pixel: float) -> Camera:
    width, height = blank.info["width"], blank.info["height"]
    return assumed_camera(width, height, focal_35mm, metres_per_pixel)


def _slant(
    crop: Crop, camera: Camera, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Offset and factor that take depth along the crop's middle to depth along the axis.

    As `camera.from_camera_plane`, at any photo pixels.
    """
    right, down = (crop.x - camera.x) / camera.focal_px, (crop.y - camera.y) / camera.focal_px
    squared = 1.0 + right**2 + down**2
    return ((x - crop.x) * right + (y - crop.y) * down) / squared, 1.0 / np.sqrt(squared)


def _along_crop(nearness: np.ndarray, blank: Reconstruction, camera: Camera) -> np.ndarray:
    """Depth along the camera's axis, in the crop, to depth along the crop's middle."""
    centres = np.arange(blank.size) + 0.5
    columns, rows = np.meshgrid(centres, centres)
    places = np.column_stack([columns.ravel(), rows.ravel()])
    x, y = transform_points(blank.crop.to_photo(blank.size), places).T
    offset, factor = _slant(blank.crop, camera, x, y)
    return ((nearness - offset.reshape(nearness.shape)) / factor).astype(np.float32)
