# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a video: sharp ones, from many sides, named after their time."""

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from turned_photos import turned_photo

from face_depth_addon.core.errors import Cancelled, PhotoError
from face_depth_addon.core.fusion.video import Candidate, choose_frames, spread
from face_depth_addon.core.pipeline import Pipeline
from face_depth_addon.inference.cards import MODELS

RATE = 10.0
YAWS = (-36.0, -24.0, -12.0, 0.0, 12.0, 24.0, 36.0)


@pytest.fixture(scope="module")
def find_faces():
    return Pipeline(MODELS).find_faces


def write_video(path: Path, frames: list[np.ndarray]) -> Path:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), RATE, (width, height))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no MP4 files")
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), 4.0)


@pytest.fixture(scope="module")
def turning(tmp_path_factory) -> Path:
    """A head that turns, three frames to a side, of which the middle one is sharp."""
    frames = []
    for yaw in YAWS:
        picture = turned_photo(yaw)
        frames += [blurred(picture), picture, blurred(picture)]
    return write_video(tmp_path_factory.mktemp("vidéo") / "turning höfe.mp4", frames)


def test_sharpest_frame_of_each_side_is_chosen(turning, find_faces):
    fractions = []
    chosen = choose_frames(turning, find_faces, report=lambda _, done: fractions.append(done))
    seconds = [float(photo.name.removesuffix(" s").rpartition(" ")[2]) for photo in chosen]
    assert all(photo.name.startswith("turning höfe.mp4 at ") for photo in chosen)
    assert [round(RATE * second) % 3 for second in seconds] == [1] * len(chosen)
    assert seconds == sorted(seconds) and fractions == sorted(fractions)
    assert len({photo.digest for photo in chosen}) == len(chosen)
    yaws = [find_faces(photo)[0].pose[0] for photo in chosen]
    assert len(chosen) >= 5 and min(yaws) < -20 and max(yaws) > 20
    assert (np.diff(sorted(yaws)) > 6.0).all()


def test_fewer_frames_are_those_farthest_apart(turning, find_faces):
    yaws = [
        find_faces(photo)[0].pose[0] for photo in choose_frames(turning, find_faces, count=3)
    ]
    assert len(yaws) == 3
    assert min(yaws) < -20 and max(yaws) > 20 and min(map(abs, yaws)) < 8


def test_heads_that_nod_count_as_turned_too():
    frames = [Candidate(i, i / 10, 2.0 * (i % 2), 10.0 * i, 100.0 + i % 3) for i in range(5)]
    assert {each.index for each in spread(frames, 16)} == {0, 1, 2, 3, 4}
    # A frame that is only a blur is worth nothing, wherever the head looks.
    frames.append(Candidate(5, 0.5, 80.0, 0.0, 1.0))
    assert 5 not in {each.index for each in spread(frames, 16)}


def test_turned_phone_gives_upright_frames(turning, find_faces, tmp_path):
    """Phones write frames as the sensor lies, with a matrix that says how to turn them."""
    frames = [np.rot90(turned_photo(yaw)[:, 40:320]) for yaw in YAWS for _ in range(2)]
    lying = write_video(tmp_path / "lying.mp4", frames)
    data = bytearray(lying.read_bytes())
    # The matrix of the track's header: from the identity to a quarter turn clockwise.
    at = data.index(b"tkhd") + 4 + 40
    one, zero = (1 << 16).to_bytes(4, "big"), bytes(4)
    assert data[at : at + 4] == one
    width = (frames[0].shape[0] << 16).to_bytes(4, "big")
    end = (1 << 30).to_bytes(4, "big")
    data[at : at + 36] = b"".join([
        zero, one, zero, (-(1 << 16)).to_bytes(4, "big", signed=True), zero, zero, width, zero, end
    ])
    lying.write_bytes(data)
    photo = choose_frames(lying, find_faces)[0]
    assert photo.rgb.shape == (360, 280, 3)
    assert abs(find_faces(photo)[0].pose[2]) < 10


def test_cancelling_stops_it(turning, find_faces):
    def report(label: str, fraction: float) -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        choose_frames(turning, find_faces, report=report)


def test_video_that_cannot_be_used_is_one_sentence(tmp_path, find_faces):
    (tmp_path / "letter.mp4").write_text("Dear all, " * 500)
    (tmp_path / "empty.mov").write_bytes(b"")
    write_video(tmp_path / "wall.mp4", [np.full((240, 320, 3), 90, np.uint8)] * 5)
    write_video(tmp_path / "still.mp4", [turned_photo(0.0)] * 5)
    for name, words in (
        ("letter.mp4", "is no video that can be read"), ("empty.mov", "is no video"),
        ("none.mp4", "was not found"), ("wall.mp4", "No face was found"),
        ("still.mp4", "from one side only"),
    ):
        with pytest.raises(PhotoError, match=words) as caught:
            choose_frames(tmp_path / name, find_faces)
        assert f'"{name}"' in str(caught.value) and str(caught.value).endswith(".")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_name_that_is_not_text_is_read_or_refused_in_a_sentence(turning, find_faces, tmp_path):
    odd = tmp_path / os.fsdecode(b"Zo\xeb.mp4")
    odd.write_bytes(turning.read_bytes())
    with pytest.raises(PhotoError, match="cannot be opened; give it a plain name"):
        choose_frames(odd, find_faces)
