# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of several photos in the real worker with the real models: what becomes of each photo."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from turned_photos import turned_photo

from face_depth_addon.core.errors import Cancelled, DeviceError, FusionError, ModelError
from face_depth_addon.core.fusion.fused import FusedHead
from face_depth_addon.inference.cards import BUNDLED, FACEMESH
from face_depth_addon.inference.client import WorkerClient
from face_depth_addon.inference.request import FuseRequest, Request

YAWS = (-25.0, 0.0, 25.0)
SMALL = {"resolution": 64, "texture_size": 256}
QUICK = {**SMALL, "last_step": "LANDMARKS"}


@pytest.fixture(scope="module")
def client():
    made = WorkerClient()
    yield made
    made.close()


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Path]:
    """One head from three sides."""
    folder = tmp_path_factory.mktemp("views")
    paths = [folder / f"view{yaw:+.0f}.png" for yaw in YAWS]
    for path, yaw in zip(paths, YAWS):
        Image.fromarray(turned_photo(yaw)).save(path)
    return paths


def request(photos, **changes) -> FuseRequest:
    sources = tuple(
        photo if isinstance(photo, tuple) else ({"path": str(photo)}, {}) for photo in photos
    )
    return FuseRequest(**{"photos": sources, "model": FACEMESH, "fusion": QUICK, **changes})


def run(client, photos, **changes) -> tuple[FusedHead, list[tuple[str, float]]]:
    """The head of a job that was waited for, and all that was said on the way."""
    job = client.submit(request(photos, **changes))
    said = []
    while not job.poll(0.05):
        if (job.label, job.fraction) not in said:
            said.append((job.label, job.fraction))
    return job.result, [*said, (job.label, job.fraction)]


def test_photos_become_one_head_with_a_camera_each(client, photos):
    head, said = run(client, photos, model=BUNDLED, fusion=SMALL)
    assert [report.photo for report in head.photos] == [photo.name for photo in photos]
    assert all(report.used and len(report.digest) == 64 for report in head.photos)
    assert sorted(camera.photo for camera in head.cameras) == [0, 1, 2]
    assert all((camera.width, camera.height) == (360, 360) for camera in head.cameras)
    assert np.isfinite(head.positions).all() and len(head.faces) > 1000
    assert 0.12 < np.ptp(head.positions[:, 2]) < 0.5
    assert set(np.unique(head.after.photo)) == {0, 1, 2}
    assert head.info["model"] == BUNDLED and head.info["device"] in {"cpu", "cuda", "mps"}
    assert head.info["timings"]["inference"] > 0.0
    fractions = [fraction for _, fraction in said]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert {"Photo 1 of 3", "Photo 3 of 3"} <= {label.partition(":")[0] for label, _ in said}


def test_one_photo_more_does_not_infer_all_again(client, photos):
    run(client, photos[:2], model=BUNDLED)
    _, said = run(client, [photos[1], photos[2], photos[0]], model=BUNDLED)
    depth = {label for label, _ in said if label.endswith("Estimating depth")}
    assert depth <= {"Photo 2 of 3: Estimating depth"}


def test_photos_that_cannot_be_used_are_left_out_with_a_reason(client, photos, tmp_path):
    letter, wall = tmp_path / "letter.jpg", tmp_path / "wall.png"
    letter.write_text("Dear all")
    Image.fromarray(np.full((200, 300, 3), 90, np.uint8)).save(wall)
    twin = tmp_path / "copy.png"
    twin.write_bytes(photos[0].read_bytes())
    pixels = np.asarray(Image.open(photos[2]), np.float32) / 255.0
    painted = ({"name": "painted", "linear": False}, {"pixels": pixels})
    data = np.frombuffer(photos[1].read_bytes(), np.uint8)
    packed = ({"name": "packed"}, {"data": data})
    head, _ = run(client, [letter, photos[0], wall, packed, tmp_path / "none.png", twin, painted])
    names = ["letter.jpg", photos[0].name, "wall.png", "packed", "none.png", "copy.png", "painted"]
    assert [report.photo for report in head.photos] == names
    used = [number for number, report in enumerate(head.photos) if report.used]
    assert used == [1, 3, 6] == sorted(camera.photo for camera in head.cameras)
    assert set(np.unique(head.before.photo)) == set(np.unique(head.after.photo)) == set(used)
    reasons = [head.photos[number].reason for number in (0, 2, 4, 5)]
    for reason, words in zip(reasons, (
        '"letter.jpg" is not a picture', "No face that can be used was found in wall.png.",
        '"none.png" was not found', f"same picture as {photos[0].name}.",
    )):
        assert words in reason and reason.endswith(".")
    assert all(not head.photos[number].reason for number in used)


def test_video_is_replaced_by_its_frames(client, photos, tmp_path):
    video = tmp_path / "turning.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (360, 360))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no MP4 files")
    for yaw in (-30.0, -10.0, 10.0, 30.0):
        writer.write(cv2.cvtColor(turned_photo(yaw), cv2.COLOR_RGB2BGR))
    writer.release()
    head, said = run(client, [video, photos[1]])
    *frames, last = head.photos
    assert 2 <= len(frames) <= 4 and last.photo == photos[1].name
    assert all(report.photo.startswith("turning.mp4 at ") for report in frames)
    assert sum(report.used for report in head.photos) >= 3
    fractions = [fraction for _, fraction in said]
    assert fractions == sorted(fractions)


def test_too_few_photos_say_why(client, photos, tmp_path):
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear all")
    with pytest.raises(FusionError, match='of 2 photos only one can be used.*"letter.jpg" is not'):
        run(client, [photos[0], letter])
    with pytest.raises(FusionError, match="two photos or more, but one photo was given"):
        run(client, photos[:1])
    with pytest.raises(FusionError, match="24 photos at most, and these are 25"):
        run(client, photos[:1] * 25)
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    with pytest.raises(FusionError, match="is no video that can be read"):
        run(client, [empty])


def test_what_no_photo_can_help_ends_the_job(client, photos, tmp_path):
    with pytest.raises(ModelError, match="no depth model"):
        run(client, photos, model=str(tmp_path / "nothing"))
    with pytest.raises(DeviceError, match="The device nonsense is not available"):
        run(client, photos, model=BUNDLED, device="nonsense")


def test_cancelled_fusion_leaves_the_worker_ready(client, photos):
    run(client, photos[:2])
    pid = client.pid
    job = client.submit(request(photos, options={"resolution": 500}))
    job.cancel()
    with pytest.raises(Cancelled):
        while not job.poll(1.0):
            pass
    again = client.submit(Request({"path": str(photos[0])}, FACEMESH))
    while not again.poll(1.0):
        pass
    assert again.result.subject.any() and client.pid == pid


def test_steps_that_are_closed_leave_the_scene_and_the_worker_alone(client, photos, empty_scene):
    import bpy

    from face_depth_addon.blender.fusion.fuse import FuseSettings, fuse_steps
    from face_depth_addon.blender.photo_source import from_file

    sources = [from_file(str(photo)) for photo in photos]
    steps = fuse_steps(bpy.context, client, sources, FuseSettings(model=FACEMESH), wait=0.1)
    assert next(steps).fraction < 0.5
    pid = client.pid
    steps.close()
    assert not bpy.data.objects and not bpy.data.meshes and not bpy.data.images
    again = client.submit(Request({"path": str(photos[0])}, FACEMESH))
    while not again.poll(1.0):
        pass
    assert client.pid == pid
