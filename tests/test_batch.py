# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of photos as a user runs them: real Ray, real Blender, real kills."""

import collections
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from viewer_browser import Browser, find_browser

pytest.importorskip("ray")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
psutil = pytest.importorskip("psutil")

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, str(ROOT / "scripts" / "batch.py")]
FAST = ("--model", "facemesh", "--resolution", "64")
NON_UTF8 = sys.platform == "linux"
posix = pytest.mark.skipif(os.name == "nt", reason="there are no such signals on Windows")


def start(*arguments: object, before: tuple[str, ...] = ()) -> subprocess.Popen:
    words = [os.fspath(word) if isinstance(word, Path) else str(word) for word in arguments]
    return subprocess.Popen(
        [*before, *COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors="surrogateescape",
    )


def end(process: subprocess.Popen, code: int = 0) -> str:
    """Standard error of a batch, which must end with that exit code."""
    said, error = process.communicate(timeout=300)
    assert process.returncode == code, error
    assert said == "" and "Traceback" not in error
    return error


def run(*arguments: object, code: int = 0) -> str:
    return end(start(*arguments), code)


def manifest(out: Path) -> dict[str, dict]:
    """Rows by the photos' names; no photo has two."""
    rows = parquet.read_table(out / "manifest.parquet").to_pylist()
    named = {Path(row["path"]).name: row for row in rows}
    assert len(named) == len(rows)
    return named


def files(out: Path) -> list[Path]:
    """All files but what a batch keeps for itself."""
    return [path for path in out.rglob("*") if path.is_file() and ".batch" not in path.parts]


def stamps(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in files(out) if path.suffix == ".glb"}


def assert_all_done_once(out: Path, count: int) -> None:
    """Each photo has one row, one whole mesh and one record, and nothing else lies there."""
    rows = manifest(out)
    assert [row["state"] for row in rows.values()] == ["done"] * count
    meshes = sorted(out.glob("*.glb"))
    assert sorted(row["output"] for row in rows.values()) == [mesh.name for mesh in meshes]
    for mesh in meshes:
        data = mesh.read_bytes()
        assert data[:4] == b"glTF" and int.from_bytes(data[8:12], "little") == len(data)
        assert json.loads(mesh.with_suffix(".json").read_text())["ok"]
    kinds = collections.Counter(path.suffix for path in files(out))
    assert kinds == {
        ".glb": count, ".json": count, ".webp": count, ".parquet": 1, ".html": 1,
        ".js": -(-count // 500),
    }
    assert not (out / ".batch" / "work").exists()


def ray_children(process: subprocess.Popen) -> list["psutil.Process"]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def processes_with(process: subprocess.Popen, word: str) -> list["psutil.Process"]:
    found = []
    for child in ray_children(process):
        try:
            if word in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def wait_for(condition: Callable[[], object], process: subprocess.Popen) -> object:
    """What the condition returns as soon as it is true, while a batch runs."""
    for _ in range(6000):
        if value := condition():
            return value
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    raise AssertionError("it never came")


@pytest.fixture(scope="module")
def photos(tmp_path_factory, astronaut) -> Callable[[int], Path]:
    """Folders of so many photos, each another."""
    portrait = Image.open(astronaut).resize((256, 256))

    def make(count: int) -> Path:
        folder = tmp_path_factory.mktemp("photos")
        for number in range(count):
            portrait.rotate(number / 2 - 4).save(folder / f"p{number:02}.jpg")
        return folder

    return make


# --- One batch, looked at from all sides -----------------------------------------------------


@pytest.fixture(scope="module")
def batch(tmp_path_factory, photos) -> tuple[Path, Path, str]:
    """Input, output and what was said of a batch with a bit of everything."""
    folder, out = photos(3), tmp_path_factory.mktemp("out") / "new" / "meshes"
    (folder / "more").mkdir()
    shutil.copy(folder / "p00.jpg", folder / "more" / "same.jpg")
    Image.open(folder / "p01.jpg").rotate(9).save(folder / "p01.png")
    (folder / "broken.jpg").write_text("no photo")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "notes.txt").write_text("not for it")
    (folder / "index.png").write_bytes((folder / "p01.png").read_bytes() + b"another digest")
    if NON_UTF8:
        shutil.copy(folder / "p02.jpg", os.fsencode(folder) + b"/\xff<b>.jpg")
    said = run(folder, "--out", out, *FAST, "--workers", 1, "--also", "landmarks",
               "--depth", "exr", code=1)
    return folder, out, said


def test_every_photo_has_its_files_and_a_row(batch):
    folder, out, said = batch
    rows = manifest(out)
    states = {name: row["state"] for name, row in rows.items()}
    odd = {"\\xff<b>.jpg": "linked"} if NON_UTF8 else {}
    assert states == odd | {
        "p00.jpg": "done", "p01.jpg": "done", "p02.jpg": "done", "p01.png": "done",
        "same.jpg": "linked", "broken.jpg": "failed", "gone.jpg": "failed", "index.png": "done",
    }
    assert rows["p01.jpg"]["output"] == "p01.glb" and rows["p01.png"]["output"] == "p01-2.glb"
    # The summary page has that name already.
    assert rows["index.png"]["output"] == "index-2.glb"
    row = rows["p00.jpg"]
    record = json.loads((out / "p00.json").read_text())
    assert record["outputs"] == ["p00.glb", "p00.depth.exr", "p00.landmarks.json"]
    assert all((out / name).is_file() for name in record["outputs"])
    assert row["digest"] == record["digest"] and row["model"] == "facemesh"
    assert row["vertices"] == record["vertices"] > 500 and row["faces"] == 1
    left, top, right, bottom = row["face_box"]
    assert 60 < left < right < 160 and 0 < top < bottom < 120
    assert dict(row["timings"])["total"] > 0 and row["seconds"] > 0
    assert dict(row["versions"]).keys() >= {"face_depth", "blender", "numpy"}
    assert json.loads(row["settings"])["resolution"] == 64
    assert "notes.txt" not in rows


def test_failures_are_told_with_their_sentences(batch):
    folder, out, said = batch
    rows = manifest(out)
    assert "broken.jpg" in rows["broken.jpg"]["reason"] and "gone.jpg does not exist." in said
    assert rows["broken.jpg"]["reason"] in said and "2 failed" in said
    assert rows["broken.jpg"]["output"] is None and not list(out.glob("broken*"))


def test_duplicates_share_their_files(batch):
    folder, out, _ = batch
    row = manifest(out)["same.jpg"]
    assert (row["output"], row["linked_to"]) == ("more/same.glb", "p00")
    assert (out / "more" / "same.glb").samefile(out / "p00.glb")
    assert (out / "more" / "same.depth.exr").samefile(out / "p00.depth.exr")


def test_meshes_are_those_of_single_photos(batch, tmp_path):
    folder, out, _ = batch
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "reconstruct.py", folder / "p02.jpg", *FAST,
         "-o", tmp_path / "one.glb", "--depth-output", tmp_path / "one.exr"],
        check=True, capture_output=True,
    )
    assert (tmp_path / "one.glb").read_bytes() == (out / "p02.glb").read_bytes()
    assert (tmp_path / "one.exr").read_bytes() == (out / "p02.depth.exr").read_bytes()


def test_page_shows_sorts_and_filters_all_photos(batch):
    if find_browser() is None:
        pytest.skip("there is no Chromium here")
    folder, out, _ = batch
    count = len(manifest(out))
    cards = "document.querySelectorAll('article').length"
    with Browser("--allow-file-access-from-files") as tab:
        tab.open((out / "index.html").as_uri())
        tab.wait_for(f"{cards} === {count}")
        loaded = "[...document.images].filter(i => i.complete && i.naturalWidth === 480).length"
        tab.js("[...document.images].forEach(image => image.loading = 'eager')")
        tab.wait_for(f"{loaded} === {count - 2}")
        tab.js("document.getElementById('sort').value = 'state'; choose()")
        first = tab.js("document.querySelector('article').innerText")
        assert "failed" in first and "broken.jpg" in first
        tab.js("document.getElementById('sort').value = 'slowest'; choose()")
        slowest = max(manifest(out).values(), key=lambda row: row["seconds"])
        name = slowest["output"].removesuffix(".glb")
        assert name in tab.js("document.querySelector('article').innerText")
        tab.js("document.getElementById('show').value = 'linked'; choose()")
        assert tab.js(cards) == (2 if NON_UTF8 else 1)
        links = tab.js("[...document.querySelectorAll('article a')].map(a => a.href)")
        assert (out / "more" / "same.glb").as_uri() in links
        assert tab.js("document.querySelectorAll('article b b').length") == 0
        assert not tab.complaints
        assert all(address.startswith("file:") for address in tab.requests)


# --- Again ----------------------------------------------------------------------------------


def test_again_does_what_is_new_and_nothing_else(tmp_path, photos):
    folder, out = photos(3), tmp_path / "out"
    (folder / "broken.jpg").write_text("no photo")
    options = (folder, "--out", out, *FAST, "--workers", 1)
    run(*options, code=1)
    before = stamps(out)
    said = run(*options, code=1)
    assert "3 unchanged, 1 failed" in said and "broken.jpg" in said
    assert stamps(out) == before

    # Failures alone: what is new has to wait.
    shutil.copy(folder / "p00.jpg", folder / "broken.jpg")
    Image.open(folder / "p00.jpg").rotate(7).save(folder / "new.jpg")
    assert "0 done, 1 linked, 4 unchanged, 0 failed" in run(*options, "--retry")
    assert manifest(out)["new.jpg"]["state"] == "pending"

    # Newer but the same, another, and lost.
    os.utime(folder / "p00.jpg")
    Image.open(folder / "p01.jpg").rotate(5).save(folder / "p01.jpg")
    (out / "p02.glb").unlink()
    assert "3 done, 0 linked, 2 unchanged, 0 failed" in run(*options)
    after = stamps(out)
    assert after[out / "p00.glb"] == before[out / "p00.glb"]
    assert after[out / "p01.glb"] != before[out / "p01.glb"] and (out / "p02.glb").exists()

    # What is done is known without the batch's own notes.
    shutil.rmtree(out / ".batch")
    assert "5 unchanged, 0 failed" in run(*options)
    assert stamps(out) == after
    assert manifest(out)["broken.jpg"]["linked_to"] == "p00"


# --- Lists ----------------------------------------------------------------------------------

LIST = [
    ("photo", "resolution", "part", "cleanup", "format"),
    ("p00.jpg", "", "", "", ""),
    ("p00.jpg", "32", "face", "yes", "ply"),
    ("p01.jpg", "9999", "", "", ""),
    ("p01.jpg", "", "nose", "", ""),
    ("", "64", "", "", ""),
    ("away.jpg", "", "", "", ""),
]


def test_lists_give_photos_their_own_options(tmp_path, photos):
    folder, out = photos(2), tmp_path / "out"
    with open(folder / "list.csv", "w", newline="") as file:
        csv.writer(file).writerows([*LIST, ("p01.jpg", *[""] * 9)])
    said = run(folder / "list.csv", "--out", out, *FAST, "--workers", 1, code=1)
    rows = parquet.read_table(out / "manifest.parquet").to_pylist()
    assert [row["state"] for row in rows] == ["done", "done", *["failed"] * 5]
    whole, face = rows[:2]
    assert (whole["output"], face["output"]) == ("p00.glb", "p00-2.ply")
    assert face["vertices"] < whole["vertices"] / 3
    reasons = [row["reason"] for row in rows[2:]]
    assert "resolution" in reasons[0] and "must be a number from 16 to 2048" in reasons[0]
    assert "part" in reasons[1] and "nose" in reasons[1]
    assert "names no photo" in reasons[2] and "away.jpg does not exist" in reasons[3]
    assert "has 10 cells for 5 columns" in reasons[4]
    assert all(reason in said and reason.endswith(".") for reason in reasons)

    # The same as Parquet is nothing new.
    columns = [[cell or None for cell in column[1:]] for column in zip(*LIST)]
    columns[1] = [cell and float(cell) for cell in columns[1]]
    parquet.write_table(pyarrow.table(dict(zip(LIST[0], columns))), folder / "list.parquet")
    said = run(folder / "list.parquet", "--out", out, *FAST, "--workers", 1, code=1)
    assert "0 done, 0 linked, 2 unchanged, 4 failed" in said
    assert all(reason in said for reason in (reasons[0], reasons[1], reasons[3]))


# --- Kills ----------------------------------------------------------------------------------


@posix
def test_killed_workers_cost_no_photo(tmp_path, photos):
    out = tmp_path / "out"
    process = start(photos(10), "--out", out, *FAST, "--workers", 2)
    chance = random.Random(os.urandom(4))
    for word in ("worker_main.py", "ray::Reconstructor"):
        wait_for(lambda: stamps(out), process)
        time.sleep(chance.uniform(0.0, 0.5))
        chance.choice(wait_for(lambda word=word: processes_with(process, word), process)).kill()
    said = end(process)
    assert "10 done" in said and "0 failed" in said
    assert_all_done_once(out, 10)


@posix
def test_photo_that_kills_its_worker_does_not_hold_up_the_rest(tmp_path, photos):
    out = tmp_path / "out"
    process = start(photos(2), "--out", out, *FAST, "--workers", 1)

    def at_first_photo() -> list:
        at_it = list((out / ".batch" / "work").glob("*/1-*"))
        return at_it and processes_with(process, "ray::Reconstructor")

    killed = set()
    while len(killed) < 3:
        for victim in wait_for(at_first_photo, process):
            if victim.pid not in killed:
                victim.kill()
                killed.add(victim.pid)
    said = end(process, 1)
    assert "p00.jpg stopped its worker 3 times" in said
    assert {name: row["state"] for name, row in manifest(out).items()} == {
        "p00.jpg": "failed", "p01.jpg": "done",
    }


@posix
def test_killed_batch_continues_and_none_runs_beside_it(tmp_path, photos):
    folder, out = photos(6), tmp_path / "out"
    options = (folder, "--out", out, *FAST, "--workers", 1)
    process = start(*options)
    wait_for((out / ".batch" / "ray").exists, process)
    said = run(*options, code=2)
    assert said == f"Another batch is writing to {out}: wait for it, or name another folder.\n"
    wait_for(lambda: len(stamps(out)) > 1, process)
    orphans = [
        child for child in ray_children(process) if not child.name().endswith("Agent")
    ]
    process.kill()
    process.wait()
    # Two of Ray's own that do no work stay for another minute.
    _, alive = psutil.wait_procs(orphans, timeout=60)
    assert len(orphans) > 3 and not alive
    before = stamps(out)
    said = run(*options)
    assert f"{6 - len(before)} done, 0 linked, {len(before)} unchanged" in said
    assert before.items() <= stamps(out).items()
    assert_all_done_once(out, 6)


@posix
def test_ctrl_c_leaves_what_continues(tmp_path, photos):
    folder, out = photos(6), tmp_path / "out"
    process = start(folder, "--out", out, *FAST, "--workers", 1)
    wait_for(lambda: stamps(out), process)
    process.send_signal(signal.SIGINT)
    said = end(process, 130)
    assert said.startswith("Interrupted; the same command continues.")
    states = collections.Counter(row["state"] for row in manifest(out).values())
    assert states["done"] == len(stamps(out)) >= 1 and set(states) <= {"done", "pending"}
    assert not (out / ".batch" / "work").exists()


# --- What the disk does ---------------------------------------------------------------------


def own_mounts() -> bool:
    """Whether a disk of any size can be made here, in a name space of its own."""
    if shutil.which("unshare") is None:
        return False
    probe = ("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")
    return subprocess.run(probe, capture_output=True).returncode == 0


def test_full_disk_is_a_sentence_and_loses_nothing(tmp_path, photos):
    if not own_mounts():
        pytest.skip("no small disk can be made here")
    folder, disk = photos(10), tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=1500k none {disk} && trap 'cp -r {disk} {tmp_path}/kept' EXIT; "
        '"$@"; code=$?; cp -r ' f"{disk} {tmp_path}/full; "
        f"mount -o remount,size=100m {disk} && " '"$@" && exit $code'
    )
    process = start(
        folder, "--out", disk, *FAST, "--workers", 1,
        before=("unshare", "-m", "sh", "-c", script, "sh"),
    )
    said = end(process, 1)
    sentence = next(line for line in said.splitlines() if "takes no more files" in line)
    assert sentence.startswith(str(disk)) and "make room" in sentence
    then = stamps(tmp_path / "full")
    assert 1 <= len(then) < 10
    for mesh in then:
        data = mesh.read_bytes()
        assert int.from_bytes(data[8:12], "little") == len(data)
    assert f"{10 - len(then)} done, 0 linked, {len(then)} unchanged, 0 failed" in said
    assert_all_done_once(tmp_path / "kept", 10)


@pytest.fixture
def said_at_once(capfd):
    """Exit code and sentence of a batch that ends before it begins, without another process."""
    from batching.command import run_batch

    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: object) -> tuple[int, str]:
        code = run_batch([str(word) for word in arguments])
        return code, capfd.readouterr().err

    yield call
    signal.signal(signal.SIGTERM, before)


def test_what_cannot_be_is_told_before_anything_is_made(said_at_once, tmp_path, photos):
    folder, out, file = photos(1), tmp_path / "out", tmp_path / "file"
    file.write_text("a file")
    (tmp_path / "empty").mkdir()
    lists = {}
    for name, text in {
        "columns": "photo,nose\n", "untitled": "a,b\n", "none": "", "double": "photo,part,part\n",
        "python": "photo,python\n",
    }.items():
        lists[name] = tmp_path / f"{name}.csv"
        lists[name].write_text(text)
    (tmp_path / "bad.parquet").write_text("no Parquet")
    for arguments, expected in (
        ((), "Give a folder, a pattern or a list"),
        ((folder,), "Give the folder for the meshes by --out."),
        ((tmp_path / "nowhere", "--out", out), "nowhere does not exist"),
        ((tmp_path / "empty", "--out", out), "There are no photos in"),
        ((tmp_path / "*.tga", "--out", out), "There are no photos in"),
        ((folder, "--out", file), "cannot be written to"),
        ((folder, "--out", file / "below"), "cannot be written to"),
        ((folder, "--out", out, "-o", "a.glb"), "--output does not go with a batch"),
        ((folder, "--out", out, "--fuse"), "--fuse does not go with a batch"),
        ((folder, "--out", out, "--model", "unheard-of"), "no depth model called"),
        ((folder, "--out", out, "--distance", "1"), "--distance counts in perspective"),
        ((folder, "--out", out, "--workers", "1", "--ray", "auto"), "--workers or --ray"),
        ((folder, "--out", out, "--workers", "0"), "must be a number from 1"),
        ((lists["columns"], "--out", out), "column nose is no option"),
        ((lists["python"], "--out", out), "column python is no option"),
        ((lists["untitled"], "--out", out), "column a is no option"),
        ((lists["none"], "--out", out), "needs one column called photo"),
        ((lists["double"], "--out", out), "has the column part twice"),
        ((tmp_path / "bad.parquet", "--out", out), "bad.parquet cannot be read"),
    ):
        code, said = said_at_once(*arguments)
        assert code == 2 and expected in said, (arguments, said)
        assert not out.exists()
    code, said = said_at_once(folder, "--out", out, *FAST, "--ray", "127.0.0.1:1")
    assert code == 2 and "No Ray cluster answers at 127.0.0.1:1" in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_unreadable_folder_is_a_failure_of_its_own(tmp_path, photos):
    folder, out = photos(1), tmp_path / "out"
    (folder / "locked").mkdir(mode=0)
    said = run(folder, "--out", out, *FAST, "--workers", 1, code=1)
    assert "locked cannot be read (Permission denied)." in said and "1 done" in said
