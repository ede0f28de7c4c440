# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's further outputs and tools, each file read back."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from test_command import FAST, NOSE, rows, run

from face_depth_addon.core.cloud.ply import decode_ply
from face_depth_addon.core.head.template import SKIN_END


@pytest.fixture(scope="module")
def outputs(astronaut, tmp_path_factory):
    """Every kind of file from one run, by name."""
    folder = tmp_path_factory.mktemp("outputs")
    files = {
        "normal_map": "normals.png", "texture": "texture.jpg", "landmarks": "points.json",
        "point_cloud": "cloud.ply", "print": "plate.stl", "html": "page.html",
    }
    flags = [(f"--{name.replace('_', '-')}", folder / file) for name, file in files.items()]
    run(astronaut, *FAST, "--print-height", 60, "--pupils", 126, "-o", folder / "head.ply",
        *(word for pair in flags for word in pair))
    return {name: folder / file for name, file in files.items()} | {"output": folder / "head.ply"}


def test_normal_map_and_texture_cover_the_same_crop(outputs, astronaut):
    normals, texture = (
        np.asarray(Image.open(outputs[name]).convert("RGB")) for name in ("normal_map", "texture")
    )
    assert normals.shape[0] == normals.shape[1] and texture.shape[0] == texture.shape[1]
    middle = normals.shape[0] // 2
    # Blue is what looks at the viewer; OpenGL's convention has it near white there.
    assert normals[middle, middle, 2] > 180
    assert np.ptp(texture) > 150


def test_landmarks_lie_on_the_photo_and_on_the_mesh(outputs):
    said = json.loads(outputs["landmarks"].read_text())
    nose, right_eye, left_eye = (np.array(said["landmarks"])[number] for number in (4, 33, 263))
    assert np.hypot(*(nose[:2] - NOSE)) < 12 and nose[2] > right_eye[2]
    nose, right_eye, left_eye = (
        np.array(said["mesh"]["positions"])[number] for number in (4, 33, 263)
    )
    # The outer corners of the eyes, twice as far apart as usual.
    assert 0.15 < np.linalg.norm(left_eye - right_eye) < 0.25
    assert nose[1] < right_eye[1] - 0.01 and right_eye[0] < nose[0] < left_eye[0]
    mesh = decode_ply(outputs["output"].read_bytes()).positions
    assert np.ptp(mesh, axis=0).max() > 0.4


def test_pupils_give_the_size(outputs):
    cloud = decode_ply(outputs["point_cloud"].read_bytes())
    # Twice the usual 63 mm: the head with its shoulders is over 30 cm wide.
    assert np.ptp(cloud.positions[:, 0]) > 0.3
    assert cloud.normals is not None and len(cloud.positions) > 50_000


def test_print_is_as_high_as_asked(outputs):
    data = np.frombuffer(outputs["print"].read_bytes()[84:], np.dtype([
        ("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2"),
    ]))
    size = np.sort(np.ptp(data["corners"].reshape(-1, 3), axis=0))
    assert size[-1] == pytest.approx(60.0, abs=0.5)


def test_depth_map_in_place_of_a_model(astronaut, tmp_path):
    first, second = tmp_path / "depth.npy", tmp_path / "again.npy"
    run(astronaut, *FAST, "--depth-output", first)
    run(astronaut, "--depth-input", first, "--depth-kind", "depth", "--depth-unit", "pixels",
        "--resolution", 96, "--depth-output", second, "-o", tmp_path / "head.ply")
    before, after = np.load(first), np.load(second)
    both = np.isfinite(before) & np.isfinite(after)
    assert both.sum() > 0.8 * np.isfinite(before).sum()
    assert np.abs((before - after)[both]).mean() < 0.02 * np.ptp(before[both])


def test_depth_map_alone_is_a_relief(tmp_path):
    row, column = np.indices((200, 300), np.float32)
    dome = np.hypot(row / 100 - 1, column / 150 - 1)
    cv2.imwrite(str(tmp_path / "dome.png"), (65535 * np.clip(1 - dome, 0, 1)).astype(np.uint16))
    run("--depth-input", tmp_path / "dome.png", "--depth-relief", 100, "--face", "none",
        "--resolution", 64, "-o", tmp_path / "dome.ply", "--report", tmp_path / "r.json")
    (row,) = rows(tmp_path / "r.json")
    assert row["ok"] and row["vertices"] > 2000
    mesh = decode_ply((tmp_path / "dome.ply").read_bytes())
    assert min(np.ptp(mesh.positions, axis=0)) == pytest.approx(0.1, rel=0.05)


def test_template_and_quads_are_meshes_of_their_own(astronaut, tmp_path):
    report = tmp_path / "r.json"
    run(astronaut, *FAST, "--topology", "template", "-o", tmp_path / "head.ply", "--report", report)
    assert rows(report)[0]["vertices"] > SKIN_END
    run(astronaut, *FAST, "--topology", "quads", "--budget", 1500, "--part", "face",
        "-o", tmp_path / "quads.ply", "--report", report)
    assert 750 < rows(report)[0]["polygons"] < 3000


def test_pupils_without_a_face_are_refused(astronaut, tmp_path):
    np.save(tmp_path / "flat.npy", np.indices((60, 80), np.float32)[0])
    said = run("--depth-input", tmp_path / "flat.npy", "--face", "none", "--pupils", 60,
               "-o", tmp_path / "x.ply", code=1)
    assert "--pupils needs a face" in said and not (tmp_path / "x.ply").exists()
