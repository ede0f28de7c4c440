# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo to a `Reconstruction`: face, crop, depth, matte, edges."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from .camera import Camera, assumed_camera, from_camera_plane
from .crop import Crop, transform_points
from .depth.predicted import DepthSource, Placed, Prediction, place_prediction
from .detail.normals import normal_detail
from .errors import FaceDepthError, ModelError, NoFaceError
from .face.detection import FaceDetector
from .face.facemesh import facemesh_depth
from .face.landmarks import Face, LandmarkNet, outline_mask
from .face.matte import MatteNet, blend, subject_mask
from .filters import extend, guided_upsample
from .photo import Photo
from .pictures import origin_of, photo_pictures, with_depth, working_size
from .reconstruction import Reconstruction
from .sampling import cut, inside_photo, paste

_CROP_MARGIN, _CROP_RISE = 1.7, 0.05
_WHOLE_IMAGE_METRES = 0.25
# Forms wider than this come from the depth and not from a network's normals, in sides of the crop.
_FROM_NORMALS = 0.1


@dataclass(frozen=True)
class Options:
    """What to reconstruct.

    Attributes
    ----------
    face : int or None
        Which face, 0 the largest; None for the whole image.
    resolution : int
        Vertices along the longest side that the mesh will have.
    fit : bool
        Scale depth in metres to the face's landmarks too.
    """

    face: int | None = 0
    resolution: int = 512
    fit: bool = False


@dataclass
class Clock:
    """Wall time per stage, in seconds, and progress reports on the way.

    ``report(label, fraction)`` may raise `Cancelled`.
    """

    report: Callable[[str, float], None]
    timings: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _since: float = 0.0

    def enter(self, stage: str, label: str, fraction: float) -> None:
        """End the stage before and begin ``stage``."""
        self.finish()
        self._stage, self._since = stage, time.perf_counter()
        self.report(label, fraction)

    def finish(self) -> None:
        """End the current stage."""
        if self._stage:
            spent = time.perf_counter() - self._since
            self.timings[self._stage] = self.timings.get(self._stage, 0.0) + spent
        self._stage = ""


class Pipeline:
    """The detection models, loaded when first needed.

    Parameters
    ----------
    models : Path
        The package's ``models`` folder.
    """

    def __init__(self, models: Path):
        self._detector = FaceDetector(models / "mtcnn")
        self._landmarks = LandmarkNet(models / "mediapipe" / "face_landmark.tflite")
        self._matte = MatteNet(models / "mediapipe" / "selfie_segmentation.tflite")

    def find_faces(self, photo: Photo) -> list[Face]:
        """All faces with their landmarks, the largest first."""
        found = (
            self._landmarks.locate(photo.rgb, detection)
            for detection in self._detector.detect(photo.rgb)
        )
        return [face for face in found if face is not None]

    def choose_face(self, photo: Photo, index: int) -> tuple[Face, int]:
        """The face of that index, and how many there are.

        Raises
        ------
        NoFaceError
        """
        faces = self.find_faces(photo)
        if not faces:
            raise NoFaceError(
                f"No face was found in {photo.name}: choose a photo that shows one more clearly, "
                "or use the whole image (--face none)."
            )
        if not 0 <= index < len(faces):
            counted = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
            raise NoFaceError(
                f"Face {index} was asked for, but only {counted} found in {photo.name} "
                "(the largest is 0)."
            )
        return faces[index], len(faces)

    def run(
        self, photo: Photo, source: Callable[[], DepthSource | None], options: Options, clock: Clock
    ) -> Reconstruction:
        """Reconstruct one subject.

        Parameters
        ----------
        photo : Photo
        source : callable
            Gives the network when it is needed; None means landmarks alone.
        options : Options
        clock : Clock

        Returns
        -------
        Reconstruction

        Raises
        ------
        NoFaceError
            No face, or not the one asked for.
        ModelError
            No network for a whole image.
        FaceDepthError
            What the source raises.
        """
        face, faces = None, 0
        if options.face is not None:
            clock.enter("face", "Finding the face", 0.15)
            face, faces = self.choose_face(photo, options.face)
        clock.enter("model", "Loading the model", 0.25)
        network = source()
        if network is None and face is None:
            raise ModelError(
                "The Fast source knows faces only: choose another model for the whole image."
            )
        crop = self._crop(photo, face, network)
        size = working_size(crop, options.resolution)
        rgb = cut(photo.rgb, crop, size)
        seen = None
        if network is not None:
            clock.enter("depth", "Estimating depth", 0.4)
            seen = network.predict(cut(photo.rgb, crop, network.input_size))
        clock.enter("matte", "Separating the background", 0.6)
        matte, subject = self._separate(photo, crop, face, rgb, seen.subject if seen else None)
        clock.enter("depth", "Shaping the surface", 0.75)
        if network is None:
            depth, placed = facemesh_depth(face, crop, size), None
        else:
            depth, placed = _network_depth(
                network, seen, photo, crop, face, rgb, subject, options.fit
            )
        clock.enter("texture", "Preparing the colours", 0.85)
        pictures = with_depth(photo_pictures(photo.rgb, crop, size), depth, matte, subject)
        clock.finish()
        return Reconstruction(
            depth=depth, subject=subject, matte=matte, rgb=rgb, crop=crop,
            metres_per_pixel=placed and placed.metres_per_pixel or _scale(photo, face),
            origin=origin_of(depth, subject),
            pictures=pictures,
            landmarks=_landmarks_in(crop, face) if face else None,
            info=_describe(photo, face, faces, clock.timings) | _told(seen, placed),
        )

    def _crop(self, photo: Photo, face: Face | None, network: DepthSource | None) -> Crop:
        if face is None:
            height, width = photo.rgb.shape[:2]
            return Crop(width / 2, height / 2, float(max(height, width)))
        if network is None:
            return face.crop(_CROP_MARGIN, _CROP_RISE)
        return face.crop(network.margin, network.rise)

    def _separate(
        self, photo: Photo, crop: Crop, face: Face | None, rgb: np.ndarray,
        person: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The subject in the crop ``rgb``, soft (S, S) uint8 and hard (S, S) bool.

        ``person`` is the network's mask.
        """
        size = rgb.shape[0]
        inside = inside_photo(crop, photo.rgb.shape, size)
        if photo.alpha is not None:
            inside &= cut(photo.alpha, crop, size, cv2.BORDER_CONSTANT) >= 128
        if face is None:
            if not inside.any():
                raise FaceDepthError(f"{photo.name} is transparent everywhere.")
            return inside.astype(np.uint8) * 255, inside
        hull = outline_mask(face, crop, size)
        if not (hull & inside).any():
            raise NoFaceError(f"The face in {photo.name} is transparent.")
        matte = self._matte.matte(photo.rgb, crop, face, size)
        if person is not None:
            matte = blend(matte, person, rgb)
        return np.rint(255.0 * matte * inside).astype(np.uint8), subject_mask(matte, hull, inside)


def _network_depth(
    network: DepthSource, seen: Prediction, photo: Photo, crop: Crop, face: Face | None,
    rgb: np.ndarray, subject: np.ndarray, fit: bool,
) -> tuple[np.ndarray, Placed]:
    """The network's depth at the size of ``rgb``, in photo pixels, edges on the photo's."""
    shape = seen.depth.shape[::-1]
    trust = cv2.resize(subject.astype(np.float32), shape, interpolation=cv2.INTER_AREA)
    height, width = photo.rgb.shape[:2]
    camera = assumed_camera(width, height, photo.focal_35mm, _scale(photo, face))
    placed = place_prediction(network, seen, trust, crop, face, camera, fit)
    # The network's outermost pixels already fall towards the background.
    sure = trust > 0.95
    coarse = extend(placed.depth, sure if sure.any() else trust > 0.5)
    if face is not None:
        coarse = _calm_around_face(coarse, face, crop)
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    depth = guided_upsample(coarse, guide, 2, 6e-2)
    if seen.normals is None:
        return depth, placed
    size = len(rgb)
    normals = cv2.resize(seen.normals, (size, size))
    pixel = crop.side / size
    return depth + normal_detail(depth, normals, subject, pixel, _FROM_NORMALS * size), placed


def _scale(photo: Photo, face: Face | None) -> float:
    """Metres per photo pixel at the subject."""
    return face.metres_per_pixel if face else _WHOLE_IMAGE_METRES / max(photo.rgb.shape[:2])


def _calm_around_face(depth: np.ndarray, face: Face, crop: Crop) -> np.ndarray:
    """Blur (s, s) depth outside the face, where hair and cloth make the network waver."""
    size = depth.shape[0]
    hull = outline_mask(face, crop, size).astype(np.float32)
    width = size // 20 | 1
    hull = cv2.dilate(hull, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    inside = cv2.GaussianBlur(hull, (0, 0), size / 45)
    return inside * depth + (1.0 - inside) * cv2.GaussianBlur(depth, (0, 0), size / 90)


def _landmarks_in(crop: Crop, face: Face) -> np.ndarray:
    """A face's landmarks with x, y in sides of the crop: (468, 3) float32."""
    places = transform_points(crop.from_photo(1), face.landmarks[:, :2])
    return np.column_stack([places, face.landmarks[:, 2]]).astype(np.float32)


def _describe(photo: Photo, face: Face | None, faces: int, timings: dict) -> dict:
    height, width = photo.rgb.shape[:2]
    info = {
        "photo": photo.name, "digest": photo.digest, "width": width, "height": height,
        "focal_35mm": photo.focal_35mm, "faces": faces, "timings": timings,
    }
    if face is not None:
        info["face"] = {
            "box": [round(float(value), 1) for value in face.box],
            "presence": round(face.presence, 4),
            "pose": [round(angle, 1) for angle in face.pose],
            "inter_pupil_px": round(face.inter_pupil, 2),
        }
    return info


def _told(seen: Prediction | None, placed: Placed | None) -> dict:
    """What a report says of a network's depth."""
    if placed is None:
        return {"notes": []}
    return {"depth": placed.told, "notes": list(filter(None, (seen.note, placed.note)))}


def photo_depth(reconstruction: Reconstruction, camera: Camera | None = None) -> np.ndarray:
    """Depth in the photo's frame, from the camera's plane.

    Parameters
    ----------
    reconstruction : Reconstruction
    camera : Camera or None
        None for what the photo's EXIF says or usual distances suggest.

    Returns
    -------
    ndarray, (height, width) float32
        Photo pixels, nearer is larger, NaN outside the subject.
    """
    info = reconstruction.info
    camera = camera or assumed_camera(
        info["width"], info["height"], info["focal_35mm"], reconstruction.metres_per_pixel
    )
    values = np.where(reconstruction.subject, reconstruction.depth, np.nan)
    pasted = paste(values, reconstruction.crop, (info["height"], info["width"]))
    return from_camera_plane(pasted, reconstruction.crop, camera)
