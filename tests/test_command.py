# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as a user runs it: files that can be read back, exit codes, sentences."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import bpy
import cv2
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, str(ROOT / "scripts" / "reconstruct.py")]
FAST = ("--model", "facemesh", "--resolution", "96")
# In the astronaut's picture, x and y: tip of the nose, and the cheeks beside the ears.
NOSE, CHEEKS = (225, 127), ((182, 125), (268, 125))
NON_UTF8 = sys.platform == "linux"


def run(*arguments: object, code: int = 0) -> str:
    """Standard error of the finished command, which must end with that exit code."""
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run(
            [*COMMAND, *map(os.fspath, map(_plain, arguments))], capture_output=True, text=True,
            errors="surrogateescape", timeout=300,
            env={**os.environ, "TMPDIR": temporary, "TEMP": temporary, "TMP": temporary},
        )
        assert not os.listdir(temporary)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def _plain(argument: object) -> str | Path:
    return argument if isinstance(argument, Path) else str(argument)


def only_sentence(text: str) -> str:
    """The text, which must be one line that is a sentence."""
    assert text.count("\n") == 1 and text.endswith(".\n")
    return text.strip()


def rows(report: Path) -> list[dict]:
    return json.loads(report.read_text(encoding="utf-8"))["photos"]


# --- Mesh files ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory, astronaut):
    """Folder and report row of a run that wrote a mesh with that suffix, each made once."""
    done = {}
    extra = {".blend": ".npy", ".glb": ".exr", ".obj": ".png"}

    def make(suffix: str) -> tuple[Path, dict]:
        if suffix not in done:
            folder = tmp_path_factory.mktemp(suffix[1:])
            outputs = ["-o", folder / f"head{suffix}", "--report", folder / "report.json"]
            if suffix in extra:
                outputs += ["--depth-output", folder / f"depth{extra[suffix]}"]
            said = run(astronaut, *FAST, *outputs)
            assert said.count("\n") == 1 and said.startswith("astronaut.png: ")
            (row,) = rows(folder / "report.json")
            wanted = {folder / "report.json", *map(Path, row["outputs"])}
            assert set(folder.iterdir()) == wanted
            done[suffix] = folder, row
        return done[suffix]

    return make


def read_back(path: Path) -> bpy.types.Object:
    """The only mesh object of a file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    name = str(path)
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=name)
    elif path.suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=name)
    else:
        getattr(bpy.ops.wm, f"{path.suffix[1:]}_import")(filepath=name)
    bpy.context.view_layer.update()
    (item,) = (item for item in bpy.data.objects if item.type == 'MESH')
    return item


def positions(item: bpy.types.Object) -> np.ndarray:
    local = np.empty((len(item.data.vertices), 3), np.float32)
    item.data.vertices.foreach_get("co", local.ravel())
    matrix = np.array(item.matrix_world)
    return local @ matrix[:3, :3].T + matrix[:3, 3]


def vertex_colours(item: bpy.types.Object) -> np.ndarray:
    attribute = item.data.color_attributes.active_color
    values = np.empty((len(item.data.vertices), 4), np.float32)
    attribute.data.foreach_get("color_srgb", values.ravel())
    return values[:, :3] * 255.0


def texture_colours(item: bpy.types.Object) -> np.ndarray:
    mesh = item.data
    nodes = mesh.materials[0].node_tree.nodes
    image = next(node.image for node in nodes if node.type == 'TEX_IMAGE')
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    corners = np.empty((len(mesh.loops), 2), np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", corners.ravel())
    verts = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", verts)
    uvs = np.empty((len(mesh.vertices), 2), np.float32)
    uvs[verts] = corners
    column, row = (np.clip(uvs * (width, height), 0, (width - 1, height - 1))).astype(int).T
    return pixels.reshape(height, width, 4)[row, column, :3] * 255.0


def misfit(at: np.ndarray, colours: np.ndarray, photo: np.ndarray, pixels_per_unit: float) -> float:
    """Least mean colour difference to the photo, over all places where the mesh may lie."""
    some = np.random.default_rng(0).choice(len(at), 1500, replace=False)
    x = at[some, 0] * pixels_per_unit
    y = -at[some, 2] * pixels_per_unit
    soft = cv2.blur(photo, (5, 5)).astype(np.float32)
    differences = []
    for left in range(150, 300, 3):
        for top in range(60, 200, 3):
            column = np.clip(x + left, 0, photo.shape[1] - 1).astype(int)
            row = np.clip(y + top, 0, photo.shape[0] - 1).astype(int)
            differences.append(np.abs(soft[row, column] - colours[some]).mean())
    return min(differences)


@pytest.mark.parametrize("suffix", [".blend", ".glb", ".obj", ".ply"])
def test_mesh_file_shows_the_photo_the_right_way_round(made, astronaut, suffix):
    folder, row = made(suffix)
    item = read_back(folder / f"head{suffix}")
    at = positions(item)
    assert len(at) == row["vertices"]
    assert len(item.data.polygons) == row["polygons"] * (2 if suffix == ".glb" else 1)
    size = np.ptp(at, axis=0)
    assert 0.08 < size[1] < 0.3 and 0.18 < size[0] < 0.4 and 0.2 < size[2] < 0.4
    photo = np.asarray(Image.open(astronaut))
    scale = row["face"]["inter_pupil_px"] / 0.063
    sources = {
        ".blend": (vertex_colours, texture_colours), ".obj": (vertex_colours, texture_colours),
        ".glb": (texture_colours,), ".ply": (vertex_colours,),
    }
    for colours_of in sources[suffix]:
        colours = colours_of(item)
        straight = misfit(at, colours, photo, scale)
        # The head is turned upright by three degrees, so that the fit is not exact.
        assert straight < 20.0
        for turned in ((-1, 1, 1), (1, 1, -1), (-1, 1, -1)):
            assert misfit(at * turned, colours, photo, scale) > 2.5 * straight


@pytest.mark.parametrize("suffix", [".glb", ".ply", ".stl"])
def test_mesh_file_faces_the_viewer(made, suffix):
    """Not inside out, and the middle of the face bulges towards -Y."""
    item = read_back(made(suffix)[0] / f"head{suffix}")
    at = positions(item)
    normals = np.empty((len(item.data.polygons), 3), np.float32)
    item.data.polygons.foreach_get("normal", normals.ravel())
    forward = normals @ np.array(item.matrix_world)[:3, :3].T[:, 1]
    assert (forward < 0).mean() > 0.98
    size = np.ptp(at, axis=0).max()
    middle = np.hypot(at[:, 0], at[:, 2]) < 0.15 * size
    assert at[middle, 1].min() < np.median(at[:, 1]) - 0.05 * size


def test_stl_is_in_millimetres_with_the_same_vertices(made):
    stl, row = made(".stl")
    millimetres = positions(read_back(stl / "head.stl"))
    metres = positions(read_back(made(".ply")[0] / "head.ply"))
    assert len(millimetres) == row["vertices"] == len(metres)
    assert np.ptp(millimetres, axis=0) == pytest.approx(1000.0 * np.ptp(metres, axis=0), rel=1e-4)


# --- Depth maps ------------------------------------------------------------------------------


def test_depth_files_agree_and_have_the_photos_size(made, astronaut):
    depth = np.load(made(".blend")[0] / "depth.npy")
    width, height = Image.open(astronaut).size
    assert depth.dtype == np.float32 and depth.shape == (height, width)
    outside = np.isnan(depth)
    assert 0.2 < outside.mean() < 0.97 and outside[10, 300] and not np.isinf(depth).any()
    for x, y in CHEEKS:
        assert depth[NOSE[1], NOSE[0]] > depth[y, x] + 5.0

    exr = cv2.imread(str(made(".glb")[0] / "depth.exr"), cv2.IMREAD_UNCHANGED)
    assert exr.dtype == np.float32 and np.array_equal(exr, depth, equal_nan=True)

    with Image.open(made(".obj")[0] / "depth.png") as png:
        levels = np.asarray(png)
        far, near = (float(png.text[f"depth_{end}_px"]) for end in ("far", "near"))
    assert levels.dtype in (np.uint16, np.int32) and np.array_equal(levels == 0, outside)
    assert levels.max() == 65535 and levels[~outside].min() == 1
    step = (near - far) / 65534.0
    back = far + (levels[~outside].astype(float) - 1.0) * step
    assert np.abs(back - depth[~outside]).max() <= 0.51 * step


# --- Report, preview, the bundled model ------------------------------------------------------


@pytest.fixture(scope="module")
def bundled(tmp_path_factory, astronaut):
    """Folder and report row of one run with the bundled model and a preview."""
    folder = tmp_path_factory.mktemp("bundled")
    run(
        astronaut, "-o", folder / "head.blend", "--preview", folder / "look.png",
        "--report", folder / "report.json", "--device", "cpu",
    )
    return folder, rows(folder / "report.json")[0]


def test_report_says_what_was_done(bundled, astronaut):
    row = bundled[1]
    assert row["ok"] and row["error"] is None and row["photo"] == str(astronaut)
    assert (row["width"], row["height"], row["faces"]) == (512, 512, 1)
    left, top, right, bottom = row["face"]["box"]
    assert left < NOSE[0] < right and top < NOSE[1] < bottom
    assert row["model"] == "face-dpt" and row["device"] == "cpu"
    assert {"numpy", "cv2", "PIL", "torch", "transformers"} <= set(row["versions"])
    assert row["blender"] == bpy.app.version_string
    assert {"photo", "face", "model", "matte", "depth", "mesh", "total"} <= set(row["timings"])
    assert all(seconds >= 0.0 for seconds in row["timings"].values())
    assert row["timings"]["total"] >= row["timings"]["depth"]
    item = read_back(bundled[0] / "head.blend")
    assert len(item.data.vertices) == row["vertices"] > 0.3 * 512**2
    assert len(item.data.polygons) == row["polygons"]


def test_preview_shows_the_head_from_two_sides_in_colour_and_clay(bundled):
    picture = np.asarray(Image.open(bundled[0] / "look.png").convert("RGB")).astype(int)
    height, width = picture.shape[:2]
    assert min(height, width) >= 512
    upper, lower = picture[: height // 2], picture[height // 2:]
    views = [half[:, side] for half in (upper, lower)
             for side in (slice(None, width // 2), slice(width // 2, None))]
    shapes = [(np.abs(view - picture[2, 2]) > 12).any(axis=2) for view in views]
    assert all(0.2 < shape.mean() < 0.9 for shape in shapes)
    assert (shapes[0] != shapes[1]).mean() > 0.05
    colourful = [np.ptp(view, axis=2)[shape].mean() for view, shape in zip(views, shapes)]
    assert min(colourful[:2]) > 25 and max(colourful[2:]) < 10


def test_whole_image_needs_no_face(tmp_path):
    import skimage.data

    photo = tmp_path / "cat.png"
    Image.fromarray(skimage.data.chelsea()).save(photo)
    out, report = tmp_path / "cat.npy", tmp_path / "cat.json"
    run(photo, "--face", "none", "--resolution", 64, "--depth-output", out, "--report", report)
    (row,) = rows(report)
    assert row["faces"] == 0 and "face" not in row
    depth = np.load(out)
    assert depth.shape == skimage.data.chelsea().shape[:2]
    assert np.isfinite(depth).all() and np.ptp(depth) > 10.0


def test_device_that_is_not_there_is_one_sentence(astronaut, tmp_path):
    import torch

    wanted = "mps" if torch.cuda.is_available() else "cuda"
    said = run(astronaut, "-o", tmp_path / "x.ply", "--device", wanted, code=1)
    assert f"The device {wanted} is not available" in only_sentence(said)
    assert not list(tmp_path.iterdir())


# --- Switches --------------------------------------------------------------------------------


def test_smooth_and_cleanup_change_the_mesh(made, astronaut, tmp_path):
    plain = positions(read_back(made(".ply")[0] / "head.ply"))
    run(astronaut, *FAST, "--smooth", 20, "-o", tmp_path / "smooth.ply")
    smooth = positions(read_back(tmp_path / "smooth.ply"))
    assert len(smooth) == len(plain)
    moved = np.linalg.norm(smooth - plain, axis=1)
    assert (moved > 1e-5).mean() > 0.3 and moved.max() < 0.02

    report = tmp_path / "clean.json"
    run(astronaut, *FAST, "--strength", 4, "--cleanup", "-o", tmp_path / "clean.ply",
        "--report", report)
    (row,) = rows(report)
    cleaned = read_back(tmp_path / "clean.ply")
    assert len(cleaned.data.vertices) == row["vertices"] < len(plain)
    assert row["cleanup"].startswith("Removed ")


# --- Several photos --------------------------------------------------------------------------


def test_failed_photo_does_not_stop_the_others(astronaut, tmp_path):
    """Two share a name, one is no photo and one has a name that is not text."""
    twin = tmp_path / "twin" / astronaut.name
    twin.parent.mkdir()
    shutil.copy(astronaut, twin)
    bad = tmp_path / "letter.jpg"
    bad.write_text("Dear all")
    photos, names = [astronaut, bad, twin], ["astronaut", "astronaut-2"]
    if NON_UTF8:
        odd = tmp_path / os.fsdecode(b"Zo\xeb.png")
        shutil.copy(astronaut, odd)
        photos, names = [*photos, odd], [*names, odd.stem]
    out, report = tmp_path / "out", tmp_path / "report.json"
    said = run(
        *photos, *FAST, "-o", out, "--format", "glb", "--depth-output", out,
        "--report", report, code=1,
    )
    assert '"letter.jpg" is not a picture' in said and said.count("\n") == len(photos)
    assert {path.name for path in out.iterdir()} == {
        f"{name}{suffix}" for name in names for suffix in (".glb", ".npy")
    }
    done = rows(report)
    assert [row["photo"] for row in done] == [str(photo) for photo in photos]
    assert [row["ok"] for row in done] == [photo != bad for photo in photos]
    assert "letter.jpg" in done[1]["error"] and "vertices" not in done[1]
    assert len(positions(read_back(out / "astronaut-2.glb"))) == done[2]["vertices"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process group")
def test_interrupt_ends_at_once_with_whole_files_only(astronaut, tmp_path):
    running = subprocess.Popen(
        [*COMMAND, *[str(astronaut)] * 40, *FAST, "-o", str(tmp_path), "--format", "ply"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )
    finished = [running.stderr.readline() for _ in range(2)]
    os.killpg(running.pid, signal.SIGINT)
    out, said = running.communicate(timeout=60)
    assert running.returncode == 130 and out == ""
    assert all(line.startswith("astronaut.png: ") for line in finished)
    assert said.splitlines()[-1] == "Interrupted." and "Traceback" not in said
    files = list(tmp_path.iterdir())
    assert 1 <= len(files) < 40 and {file.suffix for file in files} == {".ply"}


# --- What cannot be done ---------------------------------------------------------------------


@pytest.mark.parametrize(("face", "expected"), [
    (3, "Face 3 was asked for, but only 1 face was found in astronaut.png"),
    ("none", "The Fast source knows faces only"),
])
def test_face_that_cannot_be_had_is_one_sentence(astronaut, tmp_path, face, expected):
    report = tmp_path / "report.json"
    said = run(astronaut, *FAST, "--face", face, "-o", tmp_path / "x.obj", "--report", report,
               code=1)
    assert expected in only_sentence(said)
    (row,) = rows(report)
    assert not row["ok"] and expected in row["error"]
    assert list(tmp_path.iterdir()) == [report]


@pytest.mark.parametrize("interpreter", ["true", "cat"])
def test_interpreter_that_is_no_python_is_one_sentence(astronaut, tmp_path, interpreter):
    program = shutil.which(interpreter)
    if program is None:
        pytest.skip(f"{interpreter} is not here")
    said = run(astronaut, "-o", tmp_path / "x.obj", "--python", program, code=1)
    assert f"The Python interpreter {program} could not run the worker" in only_sentence(said)


@pytest.mark.parametrize("option", ["-o", "--depth-output"])
def test_output_that_is_a_folder_is_one_sentence(astronaut, tmp_path, option):
    taken = tmp_path / ("x.ply" if option == "-o" else "x.npy")
    taken.mkdir()
    said = run(astronaut, *FAST, option, taken, code=1)
    assert only_sentence(said.splitlines(keepends=True)[-1]).endswith("(Is a directory).")
    assert list(tmp_path.iterdir()) == [taken] and not list(taken.iterdir())


USAGE = {
    "nothing to write": ([], "nothing to write: give -o, --depth-output,"),
    "unknown mesh": (["-o", "head.fbx"], "head.fbx is not a mesh file: its name must end in"),
    "no suffix": (["-o", "head"], "head is not a mesh file"),
    "unknown depth": (["--depth-output", "d.tif"], "d.tif is not a depth map"),
    "unknown picture": (["-o", "h.ply", "--preview", "p.jpg"], "p.jpg is not a picture"),
    "unknown print": (["--print", "p.obj"], "p.obj is not a file for printers"),
    "unknown cloud": (["--point-cloud", "c.xyz"], "c.xyz is not a point cloud"),
    "two photos, one map": (["other.png", "-o", ".", "--depth-input", "d.png"],
                            "A depth map belongs to one photo"),
    "over the map": (["--depth-input", "x.npy", "--depth-output", "x.npy"],
                     "x.npy is one of the files to read"),
    "completed twice": (["-o", "h.ply", "--complete", "--topology", "template"],
                        "leave --complete out"),
    "edits on the template": (["-o", "h.ply", "--cleanup", "--topology", "template"],
                              "leave --detail, --cleanup and --smooth out"),
    "landmarks of a whole head": (["--landmarks", "l.json", "--complete"],
                                  "--landmarks belongs to the relief"),
    "distance in a relief": (["-o", "h.ply", "--distance", "2"], "counts in perspective"),
    "part of no face": (["-o", "h.ply", "--part", "head", "--face", "none"], "needs a face"),
    "open template": (["-o", "h.ply", "--watertight"], "is for --topology template"),
    "unknown report": (["-o", "h.ply", "--report", "r.txt"], "r.txt is not a report"),
    "folder in a file": (["-o", "photo.png/h.ply"], "The folder photo.png cannot be made"),
    "over the photo": (["-o", "h.ply", "--preview", "photo.png"],
                       "photo.png is one of the files to read"),
    "over the photo beside an obj": (["photo_photo.jpg", "-o", ".", "--format", "obj"],
                                     "photo_photo.jpg is one of the files to read"),
    "twice to one file": (["--preview", "x.png", "--depth-output", "./x.png"],
                          "Two outputs would be written to x.png"),
    "several photos, one file": (["other.png", "-o", "h.blend"],
                                 "with several photos, name a folder."),
    "resolution too small": (["-o", "h.ply", "--resolution", "15"], "from 16 to 2048, not 15"),
    "resolution too large": (["-o", "h.ply", "--resolution", "2049"], "from 16 to 2048, not 2049"),
    "resolution in words": (["-o", "h.ply", "--resolution", "fine"], "from 16 to 2048, not fine"),
    "strength not a number": (["-o", "h.ply", "--strength", "nan"], "from 0 to 10, not nan"),
    "negative smoothing": (["-o", "h.ply", "--smooth", "-3"], "from 0 to 200, not -3"),
    "face in words": (["-o", "h.ply", "--face", "left"], "must be none, 0 or more, not left"),
    "unknown device": (["-o", "h.ply", "--device", "npu"], "invalid choice: 'npu'"),
    "unknown option": (["-o", "h.ply", "--colour"], "unrecognized arguments: --colour"),
}


@pytest.mark.parametrize("kind", USAGE)
def test_wrong_arguments_are_told_before_any_work(capfd, monkeypatch, tmp_path, kind):
    """In this process: the arguments are judged before Blender or a worker do anything."""
    from face_depth_addon.blender.command import run_command

    arguments, expected = USAGE[kind]
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"never read")
    assert run_command(["photo.png", *arguments]) == 2
    out, said = capfd.readouterr()
    assert out == "" and expected in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_exit_codes_reach_the_shell_and_stand_in_the_help(astronaut, tmp_path):
    assert "nothing to write" in only_sentence(run(astronaut, code=2))
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == ""
    for code in ("0 every output was written", "1 a photo failed", "2 wrong arguments",
                 "3 the environment", "130 interrupted"):
        assert code in " ".join(done.stdout.split())
