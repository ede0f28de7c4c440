# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's --fuse: one head of all photos, with every kind of file, and refusals."""

import json
from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image
from test_command import only_sentence, positions, read_back, run
from turned_photos import turned_photo

from face_depth_addon.blender.command import EXIT_USAGE, run_command
from face_depth_addon.core.cloud.ply import decode_ply

SMALL = ("--fuse", "--model", "facemesh", "--resolution", "96")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Path]:
    """One head from three sides, and a picture of nobody."""
    folder = tmp_path_factory.mktemp("views")
    paths = [folder / f"view{yaw:+d}.png" for yaw in (-25, 0, 25)]
    for path, yaw in zip(paths, (-25.0, 0.0, 25.0)):
        Image.fromarray(turned_photo(yaw)).save(path)
    paths.append(folder / "wall.png")
    Image.fromarray(np.full((200, 300, 3), 90, np.uint8)).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def made(photos, tmp_path_factory) -> tuple[Path, str]:
    """The folder of one run that wrote every kind of file, and what it said."""
    folder = tmp_path_factory.mktemp("fused")
    said = run(
        *photos, *SMALL, "--pupils", 126, "-o", folder / "head.blend",
        "--point-cloud", folder / "after.ply", "--point-cloud-before", folder / "before.ply",
        "--preview", folder / "look.png", "--html", folder / "page.html",
        "--print", folder / "solid.3mf", "--print-kind", "solid",
        "--report", folder / "report.json",
    )
    return folder, said


def test_photos_become_one_head(made):
    folder, said = made
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    left_out, last = said.splitlines()[0], said.splitlines()[-1]
    assert left_out == "No face that can be used was found in wall.png."
    assert last.startswith("3 of 4 photos, which agree to ") and "vertices in" in last
    assert report["ok"] and report["error"] is None
    assert [photo["ok"] for photo in report["photos"]] == [True, True, True, False]
    assert report["photos"][3]["photo"] == "wall.png" and report["photos"][3]["error"]
    assert report["photos"][0]["pose"][0] < report["photos"][2]["pose"][0]
    assert set(report["residuals_mm"]) == {"landmarks", "icp", "refined"}
    assert [camera["photo"] for camera in report["cameras"]] == [
        photo["photo"] for photo in report["photos"][:3]
    ]
    assert report["timings"]["total"] > 0 and report["model"] == "facemesh"
    assert set(map(Path, report["outputs"])) == set(folder.iterdir()) - {folder / "report.json"}


def test_file_holds_the_head_and_a_camera_for_each_photo(made):
    item = read_back(made[0] / "head.blend")
    report = json.loads((made[0] / "report.json").read_text(encoding="utf-8"))
    assert len(item.data.vertices) == report["vertices"]
    assert sorted(each.name for each in bpy.data.objects if each.type == 'CAMERA') == [
        "view+0", "view+25", "view-25"
    ]
    # Twice as large as usual, by the pupils.
    assert 0.3 < np.ptp(positions(item)[:, 2]) < 0.9


def test_points_lie_on_the_head_in_metres(made):
    heads = positions(read_back(made[0] / "head.blend"))
    for name in ("before.ply", "after.ply"):
        cloud = decode_ply((made[0] / name).read_bytes())
        assert len(cloud.positions) > 500 and cloud.normals is not None
        middle = np.median(cloud.positions, axis=0)
        assert (middle > heads.min(axis=0) - 0.05).all()
        assert (middle < heads.max(axis=0) + 0.05).all()


def test_preview_page_and_print_are_there(made):
    folder = made[0]
    assert Image.open(folder / "look.png").size == (800, 800)
    assert (folder / "page.html").stat().st_size > 200_000
    assert (folder / "solid.3mf").stat().st_size > 10_000


def test_too_few_photos_are_one_line_that_says_why(photos, tmp_path):
    report = tmp_path / "report.json"
    said = run(
        photos[0], photos[3], *SMALL, "-o", tmp_path / "x.ply", "--report", report, code=1
    )
    assert said.count("\n") == 1 and "only one can be used. No face" in said
    written = json.loads(report.read_text(encoding="utf-8"))
    assert not written["ok"] and written["error"] == said.strip() and written["photos"] == []
    assert list(tmp_path.iterdir()) == [report]


USAGE = {
    "one photo": (["a.png", "-o", "h.ply"], "--fuse needs two photos or more, or a video."),
    "no photo": (["-o", "h.ply"], "--fuse needs two photos or more, or a video."),
    "too many": ([*(f"{i}.png" for i in range(25)), "-o", "h.ply"],
                 "--fuse takes 24 photos at most, and these are 25."),
    "a depth map": (["a.png", "b.png", "--depth-output", "d.npy"],
                    "--depth-output is for photos that become a mesh each"),
    "a relief's projection": (["a.png", "b.png", "-o", "h.ply", "--projection", "perspective"],
                              "--projection is for photos that become a mesh each"),
    "no face": (["a.png", "b.png", "-o", "h.ply", "--face", "none"],
                "--face is for photos that become a mesh each"),
    "completion": (["a.png", "b.png", "-o", "h.ply", "--complete"],
                   "--complete is for photos that become a mesh each"),
    "template": (["a.png", "b.png", "-o", "h.ply", "--topology", "template"],
                 "A fused head is made of a grid or of quads"),
    "too fine": (["a.png", "b.png", "-o", "h.ply", "--resolution", "2000"],
                 "from 64 to 1024, not 2000"),
    "over a photo": (["a.png", "b.png", "--preview", "b.png"], "b.png is one of the files"),
    "into a folder": (["a.png", "b.png", "-o", "."], ". is not a mesh file"),
    "nothing to write": (["a.png", "b.png"], "There is nothing to write"),
}


@pytest.mark.parametrize("case", USAGE)
def test_options_that_do_not_go_together_are_told_before_any_work(
    case, capfd, monkeypatch, tmp_path
):
    arguments, words = USAGE[case]
    monkeypatch.chdir(tmp_path)
    assert run_command([*arguments, "--fuse"]) == EXIT_USAGE
    assert words in only_sentence(capfd.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_points_before_need_a_fusion(capfd):
    assert run_command(["a.png", "--point-cloud-before", "x.ply"]) == EXIT_USAGE
    assert "give --fuse too" in only_sentence(capfd.readouterr().err)
