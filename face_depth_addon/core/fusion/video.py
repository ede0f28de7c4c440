# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses frames of a video that show a head sharply from many sides."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..crop import Crop
from ..errors import PhotoError
from ..face.landmarks import Face
from ..photo import Photo, photo_from_pixels, quoted
from ..sampling import cut

MOST_FRAMES = 16

_CANDIDATES = 90
# Where the file does not say how many frames it has.
_USUAL_STEP = 10
_LONGEST_SECONDS = 300.0
# Longest side of a frame in which the face is looked for, in pixels.
_LOOKED_AT = 640
_FACE_MARGIN, _FACE_SIZE = 1.1, 192
# Degrees between the heads of two chosen frames, at least.
_APART = 8.0
# Of the sharpest frame's sharpness: what is below is a blur.
_SHARP = 0.25


@dataclass(frozen=True)
class Candidate:
    """A frame that may be chosen.

    Attributes
    ----------
    index : int
        Of the frame in the video.
    seconds : float
        Since its beginning.
    yaw, pitch : float
        Of the head, degrees, as of `Face.pose`.
    sharpness : float
        Of the face, more is sharper.
    """

    index: int
    seconds: float
    yaw: float
    pitch: float
    sharpness: float


def choose_frames(
    path: str | Path, find_faces: Callable[[Photo], list[Face]], count: int = MOST_FRAMES,
    report: Callable[[str, float], None] = lambda label, fraction: None,
) -> list[Photo]:
    """The sharpest frames of a head from as many sides as a video shows.

    Parameters
    ----------
    path : str or Path
    find_faces : callable
        Gives the faces of a photo, the largest first.
    count : int
        How many frames at most.
    report : callable
        ``report(label, fraction)``, which may raise `Cancelled`.

    Returns
    -------
    list of Photo
        In the video's order, upright, each named after the video and its time.

    Raises
    ------
    PhotoError
        The file is missing or no video, shows no face, or shows it from one side only.
    """
    path = Path(path)
    name = os.fsencode(path.name).decode(errors="replace")
    shown, label = quoted(name), f"Looking through {name}"
    frames, step = _length(path, shown)
    candidates = []
    for number, (index, seconds, rgb) in enumerate(_frames(path, shown, step)):
        if number == 2 * _CANDIDATES:
            break
        report(label, 0.9 * min(index / frames, 1.0) if frames else 0.5)
        candidate = _judged(rgb, index, seconds, find_faces)
        if candidate is not None:
            candidates.append(candidate)
    if not candidates:
        raise PhotoError(f"No face was found in {shown}: choose a video that shows one.")
    chosen = {candidate.index for candidate in spread(candidates, count)}
    if len(chosen) < min(count, 2):
        raise PhotoError(
            f"{shown} shows the head sharply from one side only: choose a video in which it turns."
        )
    report(label, 0.9)
    return [
        photo_from_pixels(rgb / np.float32(255.0), f"{name} at {seconds:.2f} s", linear=False)
        for _, seconds, rgb in _frames(path, shown, 1, chosen)
    ]


def spread(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """The sharpest candidates whose heads are turned differently.

    Parameters
    ----------
    candidates : sequence of Candidate
        One or more.
    count : int
        How many at most; of more those that lie farthest apart.
    """
    enough = _SHARP * max(candidate.sharpness for candidate in candidates)
    different: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: -each.sharpness):
        if candidate.sharpness >= enough and _gap(candidate, different) >= _APART:
            different.append(candidate)
    # From the front on, each as far from those before as there is any.
    ahead = min(different, key=lambda each: np.hypot(each.yaw, each.pitch))
    chosen = [ahead]
    while len(chosen) < min(count, len(different)):
        chosen.append(max(different, key=lambda each: _gap(each, chosen)))
    return chosen


def _gap(candidate: Candidate, others: Sequence[Candidate]) -> float:
    """Degrees to the nearest of the others."""
    return min(
        (np.hypot(candidate.yaw - each.yaw, candidate.pitch - each.pitch) for each in others),
        default=np.inf,
    )


def _length(path: Path, shown: str) -> tuple[int, int]:
    """How many frames there are, 0 if unknown, and in which steps to look at them.

    Raises
    ------
    PhotoError
    """
    if not path.is_file():
        raise PhotoError(f"{shown} was not found; choose a video that exists.")
    video = _opened(path, shown)
    frames, rate = (
        video.get(quantity) for quantity in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS)
    )
    video.release()
    if not 0 < frames < 2**31:
        return 0, _USUAL_STEP
    if rate > 0 and frames / rate > _LONGEST_SECONDS:
        raise PhotoError(
            f"{shown} is longer than {_LONGEST_SECONDS / 60:.0f} minutes; cut out the part in "
            "which the head turns."
        )
    return int(frames), max(1, round(frames / _CANDIDATES))


def _opened(path: Path, shown: str) -> cv2.VideoCapture:
    try:
        # OpenCV crashes on names that are no text.
        name = str(path).encode().decode()
    except UnicodeEncodeError as error:
        raise PhotoError(f"{shown} cannot be opened; give it a plain name.") from error
    video = cv2.VideoCapture(name)
    if not video.isOpened():
        raise PhotoError(
            f"{shown} is no video that can be read; save it as an MP4 file, or choose another."
        )
    # Not every build of OpenCV does so unasked.
    video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return video


def _frames(
    path: Path, shown: str, step: int, wanted: set[int] | None = None
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Index, seconds and (H, W, 3) uint8 sRGB of each ``step``th frame, or of those ``wanted``.

    Frames are passed over one by one, since what seeking finds is not always what was asked for.
    """
    video = _opened(path, shown)
    try:
        index = 0
        while (wanted is None or index <= max(wanted)) and video.grab():
            if index % step == 0 and (wanted is None or index in wanted):
                seconds = video.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
                read, bgr = video.retrieve()
                if read and bgr is not None:
                    yield index, seconds, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            index += 1
    finally:
        video.release()


def _judged(
    rgb: np.ndarray, index: int, seconds: float, find_faces: Callable[[Photo], list[Face]]
) -> Candidate | None:
    """What a frame is worth; None without a face."""
    scale = min(_LOOKED_AT / max(rgb.shape[:2]), 1.0)
    small = rgb if scale == 1.0 else cv2.resize(
        rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    faces = find_faces(Photo(small, None, None, "", ""))
    if not faces:
        return None
    yaw, pitch, _ = faces[0].pose
    around = faces[0].crop(_FACE_MARGIN, 0.0)
    crop = Crop(around.x / scale, around.y / scale, around.side / scale, around.roll)
    grey = cv2.cvtColor(cut(rgb, crop, _FACE_SIZE), cv2.COLOR_RGB2GRAY)
    return Candidate(index, seconds, yaw, pitch, float(cv2.Laplacian(grey, cv2.CV_32F).var()))
