# SPDX-License-Identifier: GPL-3.0-or-later
"""The evaluation: its measures against values worked out by hand, and the command as a whole."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("scipy")

import evaluate  # noqa: E402
from evaluation import groups, metrics, predictors, report, study, truth  # noqa: E402
from evaluation.scoring import score  # noqa: E402
from heads.ict_model import IctModel  # noqa: E402

from face_depth_addon.core.crop import Crop  # noqa: E402
from face_depth_addon.core.face.face_points import OUTLINE  # noqa: E402
from face_depth_addon.core.face.landmarks import Face  # noqa: E402
from face_depth_addon.core.photo import Photo, load_photo  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SIZE = 128
FOCAL, DISTANCE = 900.0, 600.0
STRETCH = 1.25
RADII = np.array([70.0, 90.0, 110.0])  # mm, in Blender's axes


def disc(radius: float = 45.0) -> np.ndarray:
    row, column = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    return row**2 + column**2 < radius**2


def dome() -> np.ndarray:
    """Nearness of a smooth hill that is not symmetric, in pixels; NaN outside the disc."""
    row, column = np.indices((SIZE, SIZE)) / SIZE
    hill = 40.0 * np.sin(2.5 * row + 0.3) * np.sin(2.1 * column + 0.7) + 5.0 * column
    return np.where(disc(), hill, np.nan)


def make_truth(relief: np.ndarray, face: np.ndarray) -> truth.Truth:
    """A truth whose weak-perspective depth is ``relief``, in pixels."""
    distance = DISTANCE - (relief - np.median(relief[face])) * DISTANCE / FOCAL
    height, width = face.shape
    return truth.Truth(
        name="made",
        photo=Photo(np.zeros((*face.shape, 3), np.uint8), None, None, "made", "0"),
        distance=distance.astype(np.float32),
        face=face,
        subject=face,
        crop=Crop(width / 2, height / 2, float(width)),
        focal_px=FOCAL,
        principal_px=(width / 2, height / 2),
        landmarks=np.arange(68),
        landmark_points=np.zeros((68, 3)),
        exact_landmarks=True,
    )


# Measures


def test_tilted_plane_has_the_tilt_as_normal_error():
    pitch, face = 0.7, disc()
    column = np.indices(face.shape)[1] * pitch
    tilted = np.tan(np.radians(10.0)) * column
    angles = metrics.normal_errors(tilted, face, np.zeros(face.shape), face, pitch)
    assert len(angles) > 1000
    # Along the diagonals of the outline a trace of the blur's outside is left.
    assert np.median(np.abs(angles - 10.0)) < 0.01 and np.abs(angles - 10.0).max() < 1.0


def test_wrong_scale_is_forgiven_by_the_fit_alone():
    relief, face = dome(), disc()
    true = make_truth(relief, face)
    right = score(relief, true, True)
    stretched = score(STRETCH * relief + 7.0, true, True)
    for measures in (right, stretched):
        assert measures["mae"] < 1e-3 and measures["rmse"] < 1e-3
        assert measures["normal_mean"] < 0.01 and measures["boundary_f1"] != 0
        assert measures["delta1"] == measures["cover"] == measures["mask_iou"] == 1.0
    assert right["mae_shift"] < 1e-3 and right["side"] < 1e-3 and right["mad"] < 0.01
    away = (STRETCH - 1.0) * (relief - np.median(relief[face]))[face] * DISTANCE / FOCAL
    assert stretched["mae_shift"] == pytest.approx(np.abs(away).mean(), rel=1e-3)
    assert stretched["rmse_shift"] == pytest.approx(np.sqrt((away**2).mean()), rel=1e-3)
    assert stretched["scale"] == pytest.approx(1 / STRETCH, rel=1e-3)
    assert stretched["side"] > 0.05 and stretched["mad"] > 1.0


def test_distances_are_judged_by_their_ratio():
    distance = np.array([100.0, 200.0, 400.0, 1000.0])
    found = np.array([110.0, 150.0, 500.0, 1000.0])
    assert metrics.relative_error(found, distance) == pytest.approx((0.1 + 0.25 + 0.25) / 4)
    # 200 / 150 is too much; 500 / 400 is exactly the limit, which does not count.
    assert metrics.share_within(found, distance) == 0.5


def test_side_of_known_logarithms_and_mad_of_a_known_tilt():
    size = 64
    mask = np.zeros((size, size), bool)
    mask[8:-8, 8:-8] = True
    ones = np.ones((size, size))
    wave = np.where(np.arange(size) % 2, 0.01, -0.01) * ones
    pair = metrics.CanonicalPair(3.0 * np.exp(wave), ones, mask)
    assert metrics.scale_invariant_error(pair) == pytest.approx(1.0)
    # The plane z = 1 - x tan 12: a ray (s, t, 1) meets it at 1 / (1 + s tan 12).
    ray = (np.arange(size) + 0.5 - size / 2) * 2 * np.tan(np.radians(5)) / size
    plane = ones / (1 + ray * np.tan(np.radians(12.0)))
    tilted = metrics.CanonicalPair(plane, ones, mask)
    assert metrics.mean_angle_deviation(tilted) == pytest.approx(12.0, abs=1e-6)


def test_canonical_camera_keeps_the_proportion_of_relief_to_width():
    face = np.zeros((200, 240), bool)
    face[40:160, 60:160] = True  # the box's side is 120 pixels, and 126 with its margin
    relief = np.where(np.arange(240) < 110, 0.0, 12.6) * np.ones((200, 1))
    pair = metrics.canonical_pair(np.zeros(face.shape), face, relief, face)
    seen = pair.truth[pair.mask]
    assert np.ptp(seen) == pytest.approx(0.1 * 2 * np.tan(np.radians(5)), rel=1e-4)
    assert seen.mean() == pytest.approx(1.0)
    assert (pair.prediction == 1.0).all()
    # 100 of 126 pixels in width, 120 in height, each eroded by one of 64.
    assert np.ptp(np.nonzero(pair.mask), axis=1) + 1 == pytest.approx([58, 48], abs=2)


def test_boundaries_agree_where_they_are_as_strong_and_turned_the_same_way():
    def step(ratio: float, at: int = 20) -> np.ndarray:
        return np.where(np.arange(40) < at, 500.0, 500.0 * ratio) * np.ones((30, 1))

    everywhere = np.ones((30, 40), bool)
    true = step(1.055)
    assert metrics.boundary_f1(true, true, everywhere) == 1.0
    # Both are edges at 0.01, 0.02 and 0.03, the true one alone at 0.04 and 0.05.
    assert metrics.boundary_f1(step(1.035), true, everywhere) == pytest.approx(0.06 / 0.15)
    assert metrics.boundary_f1(step(1 / 1.055), true, everywhere) == 0.0
    assert metrics.boundary_f1(step(1.055, 22), true, everywhere) == 0.0
    assert np.isnan(metrics.boundary_f1(step(1.0), step(1.0), everywhere))
    assert np.isnan(metrics.boundary_f1(step(1.5), true, np.arange(40) < 20 & everywhere))


def test_iou_of_two_bars():
    one, other = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    one[:, :6], other[:, 3:] = True, True
    assert metrics.mask_iou(one, other) == pytest.approx(0.3)


def test_depth_that_leaves_out_half_of_the_face_counts_as_not_found():
    relief, face = dome(), disc()
    half = np.where(np.arange(SIZE) < SIZE // 2 - 2, relief, np.nan)
    assert score(half, make_truth(relief, face), True) is None
    most = np.where(np.arange(SIZE) < SIZE // 2 + 20, relief, np.nan)
    measures = score(most, make_truth(relief, face), True)
    assert measures["mae"] < 1e-3 and 0.5 < measures["cover"] < 1.0
    assert measures["mask_iou"] == pytest.approx(measures["cover"])


# Baselines


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sources whose mean head is an ellipsoid, in ICT-FaceKit's file format."""
    rows, columns = 72, 144
    polar = np.linspace(0, np.pi, rows)[:, None]
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    unit = np.stack(np.broadcast_arrays(
        np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)
    ), axis=-1).reshape(-1, 3)  # fmt: skip
    x, y, z = (unit * RADII).T
    row, column = np.mgrid[: rows - 1, :columns]
    start, after = row * columns, (column + 1) % columns
    quads = (start + columns + column, start + columns + after, start + after, start + column)
    faces = np.stack(quads, axis=-1).reshape(-1, 4).astype(np.int32)
    folder = tmp_path_factory.mktemp("sources")
    (folder / "ict_facekit").mkdir()
    np.savez(
        folder / predictors.ICT_FILE,
        neutral=np.stack([x, z, -y], axis=-1).astype(np.float32) / 10,
        identity=np.zeros((1, len(x), 3), np.float16), faces=faces,
        expression=np.zeros((1, len(x), 3), np.float16), expression_names=np.array(["none"]),
        landmarks68=np.linspace(1000, 9000, 68).astype(np.int32),
        face_material=np.zeros(len(faces), np.int8), material_names=np.array(["M_Face"]),
    )  # fmt: skip
    return folder


def posed_ellipsoid(model: IctModel) -> truth.Truth:
    """What a camera sees of the ellipsoid, turned and 1.1 times as large, by solving for rays."""
    a, b = np.radians([25.0, -15.0])
    facing = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    yaw = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    pitch = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    rotation, middle, scale = facing @ pitch @ yaw, np.array([12.0, -9.0, DISTANCE]), 1.1
    row, column = np.indices((SIZE, SIZE)) + 0.5
    focal = 250.0
    rays = np.stack([(column - SIZE / 2) / focal, (row - SIZE / 2) / focal, np.ones_like(row)], -1)
    direction = rays @ rotation / scale / RADII
    origin = -middle @ rotation / scale / RADII
    quadratic = (direction**2).sum(-1)
    half = direction @ origin
    under = half**2 - quadratic * (origin @ origin - 1.0)
    distance = np.where(under > 0, (-half - np.sqrt(np.maximum(under, 0))) / quadratic, np.nan)
    face = disc(22.0)
    points = model.neutral[model.landmarks68] * scale @ rotation.T + middle
    return truth.Truth(
        "ellipsoid", Photo(np.zeros((SIZE, SIZE, 3), np.uint8), None, None, "", "0"),
        distance.astype(np.float32), face, face, Crop(64.0, 64.0, 128.0), focal,
        (SIZE / 2, SIZE / 2), np.arange(68), points, True,
    )  # fmt: skip


def test_mean_head_at_a_known_pose_is_itself(sources):
    model = IctModel(sources / predictors.ICT_FILE)
    true = posed_ellipsoid(model)
    measures = score(predictors.MeanHeadBaseline(model).predict(true), true, False)
    assert measures["mae_shift"] < 0.05 and measures["rmse_shift"] < 0.1
    assert measures["normal_mean"] < 0.5 and measures["scale"] == pytest.approx(1.0, abs=0.005)
    assert np.isnan(measures["mask_iou"])


def test_mean_head_finds_a_scan_from_inexact_landmarks(sources):
    model = IctModel(sources / predictors.ICT_FILE)
    true = posed_ellipsoid(model)
    front = np.flatnonzero(true.landmark_points[:, 2] < DISTANCE - 40)
    noise = np.random.default_rng(0).normal(0, 12.0, (len(front), 3))
    noise[:3, 2] += 60.0  # those were laid on what hides them
    few = {"landmarks": front, "landmark_points": true.landmark_points[front] + noise}
    head = predictors.MeanHeadBaseline(model)
    trusted, refined = (
        score(head.predict(replace(true, exact_landmarks=exact, **few)), true, False)
        for exact in (True, False)
    )
    assert trusted["mae_shift"] > 1.0 and refined["mae_shift"] < 0.3


def test_ellipsoid_is_right_about_an_ellipsoid_and_the_card_about_a_card():
    face = disc()
    row, column = np.indices(face.shape) - (SIZE - 1) / 2
    radius = 89 / 1.6  # the disc's box is 89 pixels from the first to the last centre
    hill = radius * np.sqrt(1 - (row**2 + column**2) / radius**2, where=face, out=0.0 * row)
    round_face, flat_face = make_truth(hill, face), make_truth(0.0 * hill, face)
    for baseline, match, other in (
        (predictors.Ellipsoid(), round_face, flat_face), (predictors.Card(), flat_face, round_face)
    ):  # fmt: skip
        assert score(baseline.predict(match), match, False)["mae_shift"] < 0.01
        assert score(baseline.predict(other), other, False)["mae_shift"] > 3.0


def test_face_on_the_true_one_is_taken_and_none_beside_it():
    def face_at(x: float) -> Face:
        landmarks = np.random.default_rng(0).normal(0, 5.0, (468, 3)) + (x, 64.0, 0.0)
        return Face(landmarks, 1.0, np.zeros(4))

    assert predictors.nearest_face([face_at(300), face_at(70), face_at(40)], disc()) == 1
    assert predictors.nearest_face([face_at(300)], disc()) is None
    assert predictors.nearest_face([], disc()) is None


# Groups


def test_groups_of_a_rendered_sample_and_of_a_scan():
    record = {
        "camera": {"yaw": -31.0}, "light": {"kind": "sun"}, "skin": {"tone": [62, 10, 20]},
        "hair": {"style": "ponytail01", "beard": "none"}, "glasses": None,
        "person": {"kind": "ict", "sex": 0.2, "age": 30.0},
    }  # fmt: skip
    # The typology angle is atan(12 / 20) = 31 degrees.
    assert groups.of_record(record) == {
        "yaw": "30 to 50", "light": "sun", "skin tone": "intermediate", "hair": "tied",
        "glasses": "none", "beard": "none", "age": "30 to 45", "sex": "female", "base head": "ict",
    }  # fmt: skip
    assert groups.of_scan("head_b_soft_y-60") == {"yaw": "over 50", "light": "soft"}
    assert groups.of_scan("astronaut") == {}


def made_study(scores: dict[str, dict[str, float | None]], tones: dict[str, str]) -> study.Study:
    """A study in which only the MAE was measured."""
    cases = [SimpleNamespace(name=name, groups={"skin tone": tone}) for name, tone in tones.items()]
    keys = score(dome(), make_truth(dome(), disc()), True).keys()
    outcomes = []
    for title, maes in scores.items():
        predictor = SimpleNamespace(name=title, title=title, is_baseline=False)
        rows = {
            name: None if mae is None else {**dict.fromkeys(keys, float("nan")), "mae": mae}
            for name, mae in maes.items()
        }
        outcomes.append(study.Outcome(predictor, rows))
    return study.Study("made", "made", cases, outcomes)


def test_all_rows_are_means_over_the_same_photos():
    tones = dict.fromkeys("abc", "tan")
    done = made_study(
        {"one": {"a": 1.0, "b": 2.0, "c": 9.0}, "two": {"a": 3.0, "b": 5.0, "c": None}}, tones
    )
    assert done.names == ["a", "b"]
    table = report.main_table(done)
    assert "| one | 100.0% | 1.50 |" in table and "| two | 66.7% | 4.00 |" in table


def test_fairness_names_the_worst_group_among_those_large_enough():
    tones = {f"{tone}{i}": tone for tone, n in (("light", 10), ("dark", 8), ("tan", 7))
             for i in range(n)}  # fmt: skip
    maes = {name: {"light": 1.0, "dark": 2.0, "tan": 9.0}[tone] for name, tone in tones.items()}
    done = made_study({"model": maes}, tones)
    text = report.markdown([done], [])
    mean = (10 * 1.0 + 8 * 2.0 + 7 * 9.0) / 25
    assert f"- model: {2.0 / mean:.2f} of the mean MAE in the worst group, dark (n = 8)" in text
    assert "| dark | 8 | 2.00 |" in text and "| (tan) | (7) | (9.00) |" in text
    assert text.index("| dark |") < text.index("| (tan) |") < text.index("| light |")


# The command


@pytest.fixture(scope="module")
def fast_depth(astronaut: Path) -> tuple[Face, np.ndarray]:
    """The astronaut's face, and the Fast source's depth of her in pixels of the photo."""
    pipeline = predictors.FacePipeline()
    face = pipeline.find_faces(load_photo(astronaut))[0]
    true = SimpleNamespace(
        photo=load_photo(astronaut), face=hull(face), focal_px=900.0, principal_px=(256.0, 256.0)
    )
    return face, predictors.Model("facemesh", pipeline, None).predict(true)


def hull(face: Face) -> np.ndarray:
    mask = np.zeros((512, 512), np.uint8)
    outline = np.round(face.landmarks[list(OUTLINE), :2]).astype(np.int32)
    return cv2.fillConvexPoly(mask, outline, 1).astype(bool)


@pytest.fixture(scope="module")
def scans(fast_depth, astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans: the astronaut with 1.25 times the Fast source's relief, and one without a face."""
    face, nearness = fast_depth
    folder = tmp_path_factory.mktemp("data") / "scans"
    folder.mkdir()
    mask = hull(face) & np.isfinite(nearness)
    distance = DISTANCE - STRETCH * (nearness - np.median(nearness[mask])) * DISTANCE / FOCAL
    found = np.vstack([face.landmarks * (1, 1, -1), np.zeros((10, 3))]).astype(np.float32)
    arrays = {"depth": distance, "focal_px": FOCAL, "face": mask, "facemesh": found}
    wall = np.full((512, 512, 3), 120, np.uint8)
    for name, picture in (("made_side_y+00", cv2.imread(str(astronaut))), ("made_top_y-60", wall)):
        cv2.imwrite(str(folder / f"{name}.png"), picture)
        np.savez(folder / f"{name}.npz", **arrays)
    np.savez(folder / "other.npz", nothing=np.zeros(3))
    return folder


def ask(*arguments: object) -> int:
    """Run the command in this process."""
    return evaluate.run(evaluate.parser().parse_args(list(map(str, arguments))))


def test_command_writes_tables_values_plots_and_a_sheet(scans, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "evaluate.py"), "--model", "face-dpt",
         "--data", str(scans), "--out", str(tmp_path / "out")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "scans, face-dpt: 1 of 2 found" in done.stdout
    assert "1 of 2 photos count" in done.stdout
    assert "The mean head at the true pose is left out: it needs --sources." in done.stdout
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"evaluation.md", "evaluation.json", "scans-bars.png", "scans-histogram.png",
                     "scans-sheet-1.png"}  # fmt: skip
    text = (tmp_path / "out" / "evaluation.md").read_text(encoding="utf-8")
    assert all(f"]({name})" in text for name in files if name.endswith(".png"))
    data = json.loads((tmp_path / "out" / "evaluation.json").read_text())["data"][0]
    assert data["counted"] == ["made_side_y+00"]
    rows = {row["name"]: row for row in data["predictors"]}
    assert list(rows) == ["face-dpt", "facemesh", "ellipsoid", "card"]
    fast, network, card = (rows[name]["means"] for name in ("facemesh", "face-dpt", "card"))
    assert fast["mae"] < 0.01 and fast["scale"] == pytest.approx(STRETCH, abs=0.001)
    assert fast["mae_shift"] > 1.0 and fast["mask_iou"] > 0.99
    assert 0.3 < network["mae"] < 0.6 * card["mae"]
    assert card["mask_iou"] is None and rows["card"]["found"] == 1.0
    assert rows["facemesh"]["found"] == 0.5
    assert rows["facemesh"]["by_photo"]["made_top_y-60"] is None


def write_rendered(folder: Path, scans: Path, face: Face) -> None:
    """The first scan as a data set of dataset.py."""
    with np.load(scans / "made_side_y+00.npz") as stored:
        depth, mask = stored["depth"], stored["face"]
    near, step = 400.0, 0.01
    known = np.isfinite(depth)
    steps = np.where(known, np.round((np.nan_to_num(depth) - near) / step) + 1, 0)
    masks = np.stack([mask, mask, known], axis=-1).astype(np.uint8) * 255  # blue first
    pictures = {
        "colour": cv2.imread(str(scans / "made_side_y+00.png")), "masks": masks,
        "depth": steps.astype(np.uint16), "face_depth": steps.astype(np.uint16),
    }  # fmt: skip
    chosen = face.landmarks[[*OUTLINE[9:26], *truth.FACEMESH68], :2]
    record = {
        "index": 0, "files": {name: f"samples/000000_{name}.png" for name in pictures},
        "depth": {"near_mm": near, "step_mm": step},
        "intrinsics": {"focal_px": FOCAL, "principal_px": [256.0, 256.0]},
        "landmarks": {"pixels": chosen.tolist(), "camera_mm": np.eye(3)[[0] * 68].tolist()},
        "camera": {"yaw": 3.0}, "light": {"kind": "sun"}, "skin": {"tone": [62, 10, 20]},
        "hair": {"style": "curly", "beard": "none"}, "glasses": {"shape": "oval"},
        "person": {"kind": "ict", "sex": 0.2, "age": 30.0},
    }  # fmt: skip
    (folder / "samples").mkdir(parents=True)
    (folder / "dataset.json").write_text("{}")
    (folder / "samples" / "000000.json").write_text(json.dumps(record))
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / record["files"][name]), picture)


def test_both_kinds_of_folder_give_the_same_figures_every_time(scans, fast_depth, tmp_path):
    write_rendered(tmp_path / "set", scans, fast_depth[0])
    contents = []
    for out in (tmp_path / "a", tmp_path / "b"):
        assert ask("--model", "facemesh", "--data", scans, "--data", tmp_path / "set",
                   "--baselines", "card,ellipsoid", "--out", out, "--count", 1) == 0  # fmt: skip
        contents.append((out / "evaluation.json").read_bytes())
    assert contents[0] == contents[1]
    scan, rendered = json.loads(contents[0])["data"]
    assert rendered["groups"]["000000"]["glasses"] == "glasses"
    for one, other in zip(scan["predictors"], rendered["predictors"], strict=True):
        for key in ("mae", "mae_shift", "rmse", "normal_mean", "side", "mad"):
            assert one["means"][key] == pytest.approx(other["means"][key], abs=0.02), key


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--data": "nowhere"}, "There is no folder nowhere; name one with --data."),
        ({"--data": "empty"}, "has no photos with true depth"),
        ({"--data": "broken"}, "is damaged"),
        ({"--data": "partial"}, "lacks focal_px"),
        ({"--model": "no-such-model"}, "There is no depth model called or stored at no-such-model"),
        ({"--sources": "empty"}, "The ICT-FaceKit file"),
        ({"--out": "file"}, "cannot be written to"),
    ],
)
def test_bad_input_is_told_in_a_sentence(change, sentence, scans, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "broken", "partial"):
        (tmp_path / name).mkdir()
        if name != "empty":
            (tmp_path / name / "x.png").write_bytes((scans / "made_top_y-60.png").read_bytes())
    (tmp_path / "broken" / "x.npz").write_bytes(b"PK\x03\x04 half")
    np.savez(tmp_path / "partial" / "x.npz", face=np.ones(1), depth=np.ones(1))
    (tmp_path / "file").touch()
    options = {"--model": "facemesh", "--data": scans, "--out": "out", **change}
    assert ask(*(word for pair in options.items() for word in pair)) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_wrong_baseline_and_count_are_refused(scans, capsys):
    for option, value in (("--baselines", "facemesh,cube"), ("--count", "0")):
        with pytest.raises(SystemExit):
            ask("--model", "facemesh", "--data", scans, "--out", "out", option, value)
        assert value.split(",")[-1] in capsys.readouterr().err
