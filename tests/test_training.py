# SPDX-License-Identifier: GPL-3.0-or-later
"""Training as a user runs it: stopped, gone on with, in several processes, and its result used."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from heads import manifest
from training import losses
from training.examples import CHANGES, Examples, View, example, flipped
from training.remaking import lit_from, rotation, seen_from
from training.samples import face_crop, read_sample
from transformers import Dinov2Config, Dinov2Model

from face_depth_addon.core.pipeline import Options, Pipeline, photo_depth
from face_depth_addon.inference.cards import MODELS
from face_depth_addon.inference.depth_sources.transformers_model import DepthNetwork
from face_depth_addon.inference.registry import find_model
from face_depth_addon.inference.running import Running

TRAIN = Path(__file__).resolve().parent.parent / "scripts" / "train.py"
SIZE, FOCAL, DISTANCE, RADIUS = 96, 300.0, 600.0, 75.0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set of balls with 68 landmarks, in the format of docs/dataset.md."""
    folder = tmp_path_factory.mktemp("data")
    with manifest.Folder(folder, {"format": manifest.FORMAT}) as writer:
        for index in range(8):
            writer.write(index, *_ball(index))
        writer.write_manifest()
    return folder


def _ball(index: int) -> tuple[dict[str, bytes], dict]:
    """Files and record of a ball before a camera, its front half lit and called a face."""
    rng = np.random.default_rng(index)
    middle = SIZE / 2 + rng.uniform(-4, 4, 2)
    rays = (np.indices((SIZE, SIZE))[::-1] + 0.5 - middle[:, None, None]) * DISTANCE / FOCAL
    height = RADIUS**2 - (rays**2).sum(axis=0)
    ball = height > 0
    near, step = DISTANCE - RADIUS, 0.01
    distance = DISTANCE - np.sqrt(np.maximum(height, 0))
    steps = np.where(ball, (distance - near) / step + 1, 0).round().astype(np.uint16)
    face = ball & (height > 0.3 * RADIUS**2)
    grey = np.where(ball, 255 * np.sqrt(np.maximum(height, 0)) / RADIUS, 40).astype(np.uint8)
    masks = cv2.merge([np.zeros_like(grey), np.uint8(255) * face, np.uint8(255) * ball])
    pictures = {
        "colour.jpg": cv2.merge([grey] * 3), "depth.png": steps, "face_depth.png": steps,
        "masks.png": masks,
    }
    files = {
        name: cv2.imencode(Path(name).suffix, picture)[1].tobytes()
        for name, picture in pictures.items()
    }
    record = {
        "index": index, "identity": index, "depth": {"near_mm": near, "step_mm": step},
        "intrinsics": {"focal_px": FOCAL, "principal_px": [SIZE / 2, SIZE / 2]},
        "landmarks": {"pixels": (_points() * RADIUS * FOCAL / DISTANCE + middle).tolist()},
    }
    return files, record


def _points() -> np.ndarray:
    """68 points on the unit disc with a jaw, eyes and a nose where people have them."""
    points = np.zeros((68, 2))
    angles = np.linspace(np.pi, 0, 17)
    points[:17] = 0.8 * np.column_stack([np.cos(angles), np.sin(angles)])
    points[36:42], points[42:48] = (-0.35, -0.2), (0.35, -0.2)
    points[36, 0], points[39, 0], points[42, 0], points[45, 0] = -0.5, -0.2, 0.2, 0.5
    points[27] = (0, -0.2)
    return points


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A tiny DINOv2 with random weights."""
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    Dinov2Model(Dinov2Config(
        hidden_size=24, num_hidden_layers=12, num_attention_heads=2, image_size=56,
    )).save_pretrained(folder)  # fmt: skip
    return folder


def train(data, out, *words):
    """Run the script; returns the finished process."""
    return subprocess.run(
        [sys.executable, str(TRAIN), "--data", str(data), "--out", str(out),
         "--batch", "2", "--cpu", "--precision", "no", "--workers", "0", *map(str, words)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def _samples(data):
    return [(data, record) for record in manifest.read_records(data)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def weights(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "state.pt", weights_only=True)["average"]


def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(data, encoder, tmp_path):
    words = ("--arch", "dpt", "--start", encoder, "--size", 56, "--steps", 6)
    whole = train(data, tmp_path / "whole", *words)
    assert whole.returncode == 0, whole.stderr
    halves = [
        train(data, tmp_path / "halves", *words, "--save-every", 3, *more)
        for more in (("--stop-after", 3), ())
    ]
    assert [run.returncode for run in halves] == [0, 0], halves[0].stderr + halves[1].stderr
    assert "step 3/6" in halves[0].stdout and "step 4/6" not in halves[0].stdout
    assert "step 4/6" in halves[1].stdout and "step 3/6" not in halves[1].stdout
    once, twice = weights(tmp_path / "whole"), weights(tmp_path / "halves")
    assert all(torch.equal(once[name], twice[name]) for name in once)
    assert rows(tmp_path / "whole" / "steps.csv") == rows(tmp_path / "halves" / "steps.csv")
    assert (tmp_path / "halves" / "curves.png").stat().st_size > 1000


def test_two_processes_learn_what_one_learns(data, encoder, tmp_path):
    words = ("--arch", "dpt", "--start", encoder, "--size", 56, "--steps", 3)
    for processes in (1, 2):
        run = train(data, tmp_path / str(processes), *words, "--processes", processes)
        assert run.returncode == 0, run.stderr
        assert run.stdout.count("step 3/3") == 1
        assert f"in {processes} process" in run.stdout
    one, two = weights(tmp_path / "1"), weights(tmp_path / "2")
    # The loss does not see the depth's offset, so what moves that is rounding alone.
    for name in one.keys() - {"head.conv3.bias"}:
        assert torch.allclose(one[name], two[name], atol=1e-4), name


@pytest.mark.parametrize("architecture, size", [("attention-unet", 64), ("vae", 128)])
def test_the_result_is_a_model_that_the_product_takes(
    data, astronaut, tmp_path, architecture, size
):
    run = train(data, tmp_path, "--arch", architecture, "--size", size, "--steps", 2)
    assert run.returncode == 0, run.stderr
    assert "mae" in run.stdout and len(rows(tmp_path / "checks.csv")) == 1
    folder = find_model(str(tmp_path / "model"))
    assert folder.kind == "crop_sides" and folder.subject and folder.input_size == size
    from face_depth_addon.core.photo import load_photo
    from face_depth_addon.core.pipeline import Clock

    network = DepthNetwork(folder, Running("cpu"))
    result = Pipeline(MODELS).run(
        load_photo(astronaut), lambda: network, Options(), Clock(lambda *_: None)
    )
    assert np.isfinite(photo_depth(result)).sum() > 1000


def test_training_learns(data, tmp_path):
    run = train(
        data, tmp_path, "--arch", "attention-unet", "--size", 64, "--steps", 60, "--check-every", 5
    )
    assert run.returncode == 0, run.stderr
    errors = [float(row["mae"]) for row in rows(tmp_path / "checks.csv")]
    assert errors[-1] < 0.75 * errors[0]


@pytest.mark.parametrize("words, sentence", [
    (("--arch", "dpt", "--start", "nowhere"), "neither a DINOv2 encoder nor"),
    (("--arch", "dpt", "--size", "100", "--start", "ENCODER"), "multiple of 14"),
    (("--arch", "vae", "--size", "100"), "multiple of 32"),
])  # fmt: skip
def test_settings_that_cannot_be_get_a_sentence(data, encoder, tmp_path, words, sentence):
    words = [str(encoder) if word == "ENCODER" else word for word in words]
    run = train(data, tmp_path / "out", *words, "--steps", 1)
    assert run.returncode == 1 and sentence in run.stderr and "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_examples_go_through_what_is_asked_for(data):
    samples, view = _samples(data), View(64, 1.8, 0.06)
    plain = Examples(samples, view, changes=())
    for name in CHANGES:
        changed = Examples(samples, view, changes=(name,))
        assert any(
            not torch.equal(plain[key]["rgb"], changed[key]["rgb"])
            for key in ((epoch, 0) for epoch in range(12))
        ), name
    assert torch.equal(plain[(0, 0)]["rgb"], plain[(1, 0)]["rgb"])


def test_several_data_sets_are_learnt_from(data, tmp_path):
    words = ("--arch", "attention-unet", "--steps", 1, "--size", 64, "--data", str(data))
    run = train(data, tmp_path, *words)
    assert run.returncode == 0, run.stderr
    count = sum(bool(record["identity"]) for record in manifest.read_records(data))
    assert f"{2 * count} samples to learn from, 2 to check with" in run.stdout


def test_other_settings_are_not_mixed_into_a_run(data, tmp_path):
    words = ("--arch", "attention-unet", "--steps", 1)
    assert train(data, tmp_path, *words, "--size", 64).returncode == 0
    before = (tmp_path / "state.pt").read_bytes()
    run = train(data, tmp_path, *words, "--size", 32)
    assert run.returncode == 1 and "trained with size 64, not 32" in run.stderr
    assert (tmp_path / "state.pt").read_bytes() == before


def test_examples_are_the_truth_in_sides_of_the_crop(data):
    record = manifest.read_records(data)[0]
    sample, crop = read_sample(data, record), face_crop(record, 1.8, 0.06)
    values = example(sample, crop, 128)
    face = values["weight"] == 1.0
    rows, columns = np.nonzero(face)
    to_photo = crop.to_photo(128)
    rays, middle = (
        np.column_stack([(points @ to_photo[:, :2].T + to_photo[:, 2] - SIZE / 2) / FOCAL,
                         np.ones(len(points))])
        for points in (np.column_stack([columns, rows]) + 0.5, np.array([[64.0, 64.0]]))
    )  # fmt: skip
    ball = np.array(record["landmarks"]["pixels"])[27] + (0, 0.2 * RADIUS * FOCAL / DISTANCE)
    off = (rays[:, :2] - (ball - SIZE / 2) / FOCAL) * DISTANCE
    distance = DISTANCE - np.sqrt(RADIUS**2 - (off**2).sum(axis=1))
    along = (distance[:, None] * rays) @ middle[0] / np.linalg.norm(middle)
    expected = -along / float(values["mm"])
    found = values["depth"][face]
    assert np.ptp(found - expected) < 0.01 * np.ptp(expected) + 0.002


def test_mirrored_examples_match_their_photo(data):
    record = manifest.read_records(data)[1]
    values = example(read_sample(data, record), face_crop(record, 1.8, 0.06), 64)
    mirrored = flipped(values)
    assert np.array_equal(mirrored["rgb"][:, ::-1], values["rgb"])
    assert np.array_equal(mirrored["depth"][:, ::-1], values["depth"])


def test_turned_examples_are_their_surface_seen_from_elsewhere(hill):
    matrix = rotation(np.radians(10.0), np.radians(-8.0))
    there = seen_from(hill, matrix)
    size = hill["depth"].shape[0]
    rows, columns = (part[::7] for part in np.nonzero(hill["weight"] > 0))
    x, y = (columns + 0.5) / size - 0.5, (rows + 0.5) / size - 0.5
    placed = np.column_stack([x, y, hill["depth"][rows, columns] + 0.2]) @ matrix.T
    column, row = ((placed[:, :2] + 0.5) * size - 0.5).T
    inside = (np.abs(placed[:, :2]) < 0.45).all(axis=1)
    at = row.round().astype(int)[inside], column.round().astype(int)[inside]
    away = there["depth"][at] - placed[inside, 2]
    seen = there["weight"][at] > 0
    assert seen.mean() > 0.95
    assert np.ptp(away[seen]) < 0.15 * np.ptp(placed[:, 2])
    assert np.median(np.abs(away[seen] - np.median(away[seen]))) < 0.01 * np.ptp(placed[:, 2])
    colours = there["rgb"][at][seen].astype(int) - hill["rgb"][rows, columns][inside][seen]
    assert np.median(np.abs(colours)) <= 3


def test_an_example_turned_by_nothing_stays(hill):
    there = seen_from(hill, np.eye(3))
    assert np.abs(there["depth"] - hill["depth"]).max() < 1e-5
    assert np.array_equal(there["rgb"], hill["rgb"])
    assert np.array_equal(there["weight"], hill["weight"])


@pytest.mark.parametrize("towards, axis", [((-1.0, 0.0), 1), ((0.0, -1.0), 0)])
def test_a_lamp_lights_the_side_that_faces_it_and_not_the_wall(hill, towards, axis):
    there = lit_from(hill, towards, 0.8, np.ones(3))
    gain = there["rgb"][..., 2].astype(float) / hill["rgb"][..., 2]
    halves = np.array_split(np.where(hill["weight"] > 0, gain, np.nan), 2, axis=axis)
    towards_lamp, away = (np.nanmean(half) for half in halves)
    assert towards_lamp > away + 0.1
    assert (gain[:8] == 1.0).all() and np.array_equal(there["depth"], hill["depth"])


@pytest.fixture(scope="module")
def hill():
    """An example of a round hill whose colours say where they are."""
    size = 96
    ticks = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(ticks, ticks)
    inside = x**2 + y**2 < 0.35**2
    rgb = np.stack([255 * (x + 0.5), 255 * (y + 0.5), 0 * x + 120], axis=-1)
    depth = 0.3 * np.exp(-(x**2 + y**2) / 0.04)
    return {
        "rgb": rgb.astype(np.uint8), "depth": np.where(inside, depth, 0).astype(np.float32),
        "weight": inside.astype(np.float32), "subject": inside.astype(np.float32),
        "inside": np.ones((size, size), np.float32), "mm": np.float32(200.0),
    }  # fmt: skip


def test_the_offset_costs_nothing_and_is_not_pulled(data):
    values = Examples(_samples(data), View(64, 1.8, 0.06), changes=())[(0, 0)]
    truth = {name: tensor[None] for name, tensor in values.items()}
    offset = torch.tensor(3.0, requires_grad=True)
    from face_depth_addon.inference.networks import FaceDepthOutput

    output = FaceDepthOutput(
        truth["depth"] * 1.1 + offset, truth["subject"] * 4 - 2, truth["depth"] * 0 - 3
    )
    parts = losses.losses(output, truth)
    losses.total(parts, losses.Weights()).backward()
    assert abs(float(offset.grad)) < 1e-4
    exact = losses.losses(FaceDepthOutput(truth["depth"] + 3.0, *output.to_tuple()[1:]), truth)
    assert float(exact["depth"]) < 1e-5 < float(parts["depth"])


def test_samples_say_what_is_damaged(data, tmp_path):
    record = json.loads(json.dumps(manifest.read_records(data)[0]))
    record["files"]["depth"] = "samples/nothing.png"
    with pytest.raises(manifest.FolderError, match=r"nothing\.png cannot be read"):
        read_sample(data, record)
