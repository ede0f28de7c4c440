# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's models: listed, downloaded, the user's own, compared, and refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
import torch
from hub_server import Repository, running_hub
from PIL import Image
from test_command import COMMAND, only_sentence, rows, run
from tiny_models import tiny_depth_anything, tiny_dpt, tiny_onnx

from face_depth_addon.blender.command import EXIT_FAILED, EXIT_USAGE
from face_depth_addon.inference.cards import read_cards

ROOT = Path(__file__).resolve().parent.parent
HUB = read_cards()["dpt-swinv2-tiny-256"]
FILES = ("config.json", "preprocessor_config.json", "model.safetensors")


@pytest.fixture(autouse=True)
def nothing_downloaded(tmp_path, monkeypatch):
    """An empty cache of the Hub."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub on this machine that offers the model, with few weights."""
    torch.manual_seed(3)
    model = tiny_dpt(tmp_path / "offered")
    files = {name: (model / name).read_bytes() for name in FILES}
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        server.repositories[HUB.repository] = Repository(files, commit=HUB.revision)
        yield server


# --- List ------------------------------------------------------------------------------------


def listed(*arguments: object) -> dict[str, str]:
    """The lines of ``--list-models`` by the models' names, without the heading."""
    done = subprocess.run(
        [*COMMAND, "--list-models", *map(str, arguments)], capture_output=True, text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    heading, *lines = done.stdout.splitlines()
    assert heading.split()[:3] == ["name", "title", "here"]
    return {line.split()[0]: line for line in lines}


def test_list_tells_of_every_model(tmp_path):
    tiny_dpt(tmp_path / "own" / "dpt-large")
    lines = listed("--models", tmp_path / "own")
    assert list(lines) == list(read_cards())
    for name, card in read_cards().items():
        assert card.title in lines[name] and card.good_at in lines[name]
        here = card.comes_along or name == "dpt-large"
        assert ("  yes  " in lines[name]) == here
        assert ("not for commercial use" in lines[name]) == (not card.commercial)
    assert "1.9 GB" in lines["depth-pro"] and "minutes without" in lines["depth-pro"]


def test_help_names_what_comes_along_and_how_to_see_the_rest():
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=120)
    text = " ".join(done.stdout.split())
    assert "--list-models" in text and "face-dpt (default): the best shape" in text
    for card in read_cards().values():
        assert (f"{card.name}:" in text or f"{card.name} (default):" in text) == card.comes_along


# --- Download --------------------------------------------------------------------------------


def test_downloaded_model_makes_a_mesh(hub, astronaut, tmp_path):
    said = run(
        astronaut, "--model", HUB.name, "--resolution", 64, "-o", tmp_path / "no.ply",
        code=EXIT_FAILED,
    )
    assert f"by --download {HUB.name}" in only_sentence(said) and not hub.asked
    said = run("--download", HUB.name)
    first, licence, last = said.splitlines()
    assert first.startswith(f"{HUB.title}: 164 MB from huggingface.co/{HUB.repository} into ")
    assert licence == "Licence: MIT" and last.startswith(f"{HUB.title} is on this machine now: ")
    asked = len(hub.asked)
    assert "is on this machine already" in run("--download", HUB.name)
    assert "  yes  " in listed()[HUB.name]
    run(astronaut, "--model", HUB.name, "--resolution", 64, "-o", tmp_path / "yes.ply")
    assert len(hub.asked) == asked and (tmp_path / "yes.ply").is_file()


def test_download_failure_is_one_sentence(hub):
    hub.repositories[HUB.repository].status = 404
    said = run("--download", HUB.name, code=EXIT_FAILED).splitlines()
    assert len(said) == 3 and "is not offered" in said[-1]


@pytest.mark.parametrize(("name", "said"), [
    ("face-dpt", "Face DPT comes with Face Depth."),
    ("nothing", "There is no model called nothing to download"),
])
def test_download_of_what_cannot_be_had(name, said):
    assert said in only_sentence(run("--download", name, code=EXIT_FAILED))


def test_extension_obeys_who_keeps_blender_offline(hub, tmp_path):
    """As an extension it is called otherwise, and Blender's switch counts for it."""
    folder = tmp_path / "extensions" / "user_default"
    folder.mkdir(parents=True)
    (folder / "face_depth").symlink_to(ROOT / "face_depth_addon")
    code = (
        "import bpy, os, sys\n"
        "from bl_ext.user_default.face_depth.blender.command import run_command\n"
        "bpy.context.preferences.system.use_online_access = sys.argv[1] == 'on'\n"
        f"done = run_command(['--download', {HUB.name!r}])\n"
        "sys.stderr.flush()\n"
        "os._exit(done)\n"
    )

    def download(switch: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", code, switch], cwd=tmp_path, capture_output=True, text=True,
            timeout=120, env={**os.environ, "BLENDER_USER_EXTENSIONS": str(folder.parent)},
        )

    refused = download("off")
    assert refused.returncode == EXIT_FAILED and not hub.asked
    assert refused.stderr.strip().endswith(
        "allow Online Access in its preferences, under System, first."
    )
    assert download("on").returncode == 0 and hub.asked


# --- The user's own --------------------------------------------------------------------------


def test_own_folder_holds_models_by_name(astronaut, tmp_path):
    torch.manual_seed(3)
    tiny_depth_anything(tmp_path / "own" / "depth-anything-v2-metric", metric=True)
    for name, further in (("own", ()), ("fitted", ("--fit",))):
        said = run(
            astronaut, "--model", "depth-anything-v2-metric", "--models", tmp_path / "own",
            "--resolution", 64, "--depth-output", tmp_path / f"{name}.npy", *further,
            "--precision", "bfloat16", "--report", tmp_path / "report.json",
        )
        (row,) = rows(tmp_path / "report.json")
        assert row["model"] == "depth-anything-v2-metric" and row["depth"]["kind"] == "metres"
        # What the model cannot do is said below the mesh's line, and is in the report.
        assert said.splitlines()[1:] == row["notes"]
    own, fitted = (np.ptp(_known(tmp_path / f"{name}.npy")) for name in ("own", "fitted"))
    assert abs(own / fitted - 1.0) > 0.05


def _known(path: Path) -> np.ndarray:
    values = np.load(path)
    return values[np.isfinite(values)]


def test_onnx_file(astronaut, tmp_path):
    pytest.importorskip("onnxruntime")
    model = tiny_onnx(tmp_path / "mine.onnx")
    run(
        astronaut, "--model", model, "--resolution", 64, "-o", tmp_path / "x.ply",
        "--report", tmp_path / "report.json",
    )
    (row,) = rows(tmp_path / "report.json")
    assert row["model"] == str(model) and "onnxruntime" in row["versions"]
    assert "torch" not in row["versions"]


# --- Compare ---------------------------------------------------------------------------------


def test_comparison_writes_file_picture_and_report(astronaut, tmp_path):
    said = run(
        astronaut, "--compare", "facemesh", "face-vae", "--resolution", 96,
        "-o", tmp_path / "compared.blend", "--preview", tmp_path / "compared.png",
        "--report", tmp_path / "report.json",
    )
    first, second = said.splitlines()
    assert first.startswith("Fast: ") and second.startswith("VAE: ") and "agreement 0." in second
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["ok"] and report["photo"] == str(astronaut) and report["error"] is None
    fast, vae = report["models"]
    assert (fast["model"], fast["title"], fast["ok"]) == ("facemesh", "Fast", True)
    assert vae["timings"]["depth"] > 0.0 and vae["relief_mm"] > 50.0
    assert set(report["outputs"]) == {
        str(tmp_path / "compared.blend"), str(tmp_path / "compared.png")
    }

    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "compared.blend"))
    kinds = sorted(item.type for item in bpy.data.objects)
    assert kinds == ['EMPTY', 'FONT', 'FONT', 'MESH', 'MESH', 'MESH', 'MESH']
    assert len(bpy.data.scenes) == 1

    picture = np.asarray(Image.open(tmp_path / "compared.png").convert("RGB")).astype(int)
    height, width = picture.shape[:2]
    assert width == 640 and 900 < height < 1200
    # In each half: clay above, skin in the middle, a black and white map below it.
    for left in (0, width // 2):
        part = picture[:, left: left + width // 2]
        warm = (part[..., 0] - part[..., 2] > 40).mean(axis=1)
        grey = (np.ptp(part, axis=2) < 12).mean(axis=1)
        rows_of_skin = np.flatnonzero(warm > 0.05)
        assert rows_of_skin[0] > 0.25 * height and rows_of_skin[-1] < 0.75 * height
        assert (grey[: height // 4] > 0.9).all()
        black = (part.max(axis=2) < 15).mean(axis=1)
        assert (black[int(0.75 * height): int(0.85 * height)] > 0.1).all()


def test_model_that_fails_is_told_and_the_others_are_written(astronaut, tmp_path):
    said = run(
        astronaut, "--compare", "depth-pro", "facemesh", "--resolution", 64,
        "-o", tmp_path / "compared.glb", "--report", tmp_path / "report.json", code=EXIT_FAILED,
    )
    assert said.splitlines()[0].startswith("Depth Pro: Depth Pro is not on this machine")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert not report["ok"] and [model["ok"] for model in report["models"]] == [False, True]
    assert "is not on this machine" in report["models"][0]["error"]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "compared.glb"))
    meshes = {item.name for item in bpy.data.objects if item.type == 'MESH'}
    assert {"astronaut Fast", "Fast depth", "Fast label", "Depth Pro label"} <= meshes


USAGE = {
    "no photo": (["--compare", "facemesh", "face-vae", "-o", "c.blend"],
                 "Give the photo before --compare"),
    "two photos": (["a.png", "b.png", "--compare", "facemesh", "-o", "c.blend"],
                   "--compare takes one photo."),
    "one model twice": (["a.png", "-o", "c.blend", "--compare", "facemesh", "facemesh"],
                        "--compare was given a model twice."),
    "with --fuse": (["a.png", "--fuse", "-o", "c.blend", "--compare", "facemesh"],
                    "--fuse does not go with --compare"),
    "with --model": (["a.png", "--model", "face-vae", "-o", "c.glb", "--compare", "facemesh"],
                     "--model does not go with --compare"),
    "a depth map": (["a.png", "--depth-output", "d.npy", "--compare", "facemesh"],
                    "--depth-output does not go with --compare"),
    "a template": (["a.png", "-o", "c.glb", "--topology", "template", "--compare", "facemesh"],
                   "Models are compared as --topology grid or adaptive."),
    "a mesh file": (["a.png", "-o", "c.obj", "--compare", "facemesh"],
                    "--compare writes .blend or .glb, not c.obj."),
    "nothing to write": (["a.png", "--compare", "facemesh"], "There is nothing to write"),
}


@pytest.mark.parametrize("case", USAGE)
def test_options_that_do_not_go_together(case, capfd):
    from face_depth_addon.blender.command import run_command

    arguments, expected = USAGE[case]
    assert run_command(arguments) == EXIT_USAGE
    assert expected in only_sentence(capfd.readouterr().err)


@pytest.mark.parametrize("arguments", [
    ("--precision", "float8"), ("--steps", "-1"), ("--ensemble", "0"), ("--seed", "many"),
])
def test_numbers_that_make_no_sense(arguments, capfd):
    from face_depth_addon.blender.command import run_command

    assert run_command(["a.png", "-o", "x.ply", *arguments]) == EXIT_USAGE
    said = capfd.readouterr().err
    assert arguments[0] in said and "Traceback" not in said


def test_photo_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "notes.png").write_text("Dear all")
    said = run(
        tmp_path / "notes.png", "--compare", "facemesh", "-o", tmp_path / "c.blend",
        code=EXIT_FAILED,
    )
    assert "notes.png" in only_sentence(said) and not (tmp_path / "c.blend").exists()
