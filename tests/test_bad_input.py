# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad photos, images and models give one sentence, and leave the scene and the disk alone."""

import json
import os
import struct
import tempfile
from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image
from test_photo import BAD_FILES, png_header, saved

from face_depth_addon.blender import worker

FAST = {"model": "facemesh", "resolution": 64}
# Of the folder that a worker keeps while it runs.
SCRATCH = "face-depth-"


@pytest.fixture(scope="module", autouse=True)
def temporary_folder(tmp_path_factory):
    """A folder of temporary files that this worker and this Blender have for themselves."""
    folder = tmp_path_factory.mktemp("temporary")
    worker.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, str(folder))
        yield folder
        worker.close()
        assert not list(folder.glob(f"{SCRATCH}*"))


@pytest.fixture
def refused(empty_scene, temporary_folder, tmp_path):
    """Run the operator, which must say one sentence and change nothing; the sentence."""

    def run(**properties) -> str:
        folders = (tmp_path, temporary_folder, Path(bpy.app.tempdir))
        scene, files = data_blocks(), [listing(folder) for folder in folders]
        with pytest.raises(RuntimeError) as caught:
            bpy.ops.face_depth.reconstruct(**{**FAST, **properties})
        assert data_blocks() == scene
        assert [listing(folder) for folder in folders] == files
        said = str(caught.value)
        assert said.startswith("Error: ") and said.endswith(".\n") and said.count("\n") == 1
        assert "Traceback" not in said and "unexpectedly" not in said
        return said.removeprefix("Error: ").strip()

    return run


def data_blocks() -> dict[str, list[str]]:
    """Names of everything in the file, and what is selected and active."""
    found = {
        collection.identifier: [block.name for block in getattr(bpy.data, collection.identifier)]
        for collection in bpy.data.bl_rna.properties if collection.type == 'COLLECTION'
    }
    found["selected"] = [item.name for item in bpy.context.selected_objects]
    found["active"] = [getattr(bpy.context.object, "name", "")]
    return found


def listing(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of change of everything in a folder but the running worker's own."""
    return {
        path: (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")
        if not path.relative_to(folder).parts[0].startswith(SCRATCH)
    }


# --- Photos ----------------------------------------------------------------------------------


def without_face() -> bytes:
    y, x = np.mgrid[:240, :320]
    return saved(Image.fromarray((np.hypot(x - 160, y - 120) % 256).astype(np.uint8)), "PNG")


PHOTOS = {
    **BAD_FILES,
    "one-pixel": (saved(Image.new("RGB", (1, 1)), "PNG"), "is 1 x 1 pixels"),
    "one-line": (saved(Image.new("L", (60_000, 1)), "PNG"), "is 60000 x 1 pixels"),
    "a-wall": (png_header(2**31 - 1, 2**31 - 1), "120 million"),
    "no-face": (without_face(), "No face was found"),
    "blend": (b"BLENDER-v405" + bytes(500), "a Blender file"),
    "zip": (b"PK\x03\x04" + bytes(500), "a ZIP archive"),
}


@pytest.mark.parametrize("kind", PHOTOS)
def test_bad_photo_is_one_sentence(refused, tmp_path, kind):
    data, expected = PHOTOS[kind]
    photo = tmp_path / f"{kind}.jpg"
    photo.write_bytes(data)
    said = refused(filepath=str(photo))
    assert photo.name in said and expected in said


@pytest.mark.parametrize("kind", ["text", "cut-jpeg", "heic", "exr-nan", "pillow-bomb", "no-face"])
def test_bad_packed_photo_is_one_sentence(refused, kind):
    data, expected = PHOTOS[kind]
    image = bpy.data.images.new("From Mars", 1, 1)
    image.pack(data=data, data_len=len(data))
    image.source = 'FILE'
    said = refused(image="From Mars")
    assert "From Mars" in said and expected in said


def test_transparent_face_is_one_sentence(refused, astronaut, tmp_path):
    cut_out = Image.open(astronaut).convert("RGBA")
    alpha = Image.new("L", cut_out.size, 255)
    alpha.paste(0, (150, 20, 300, 230))
    cut_out.putalpha(alpha)
    cut_out.save(tmp_path / "ghost.png")
    said = refused(filepath=str(tmp_path / "ghost.png"))
    assert said == "The face in ghost.png is transparent."


PATHS = {
    "missing": ("gone.jpg", '"gone.jpg" was not found'),
    "folder": ("album", '"album" is a folder'),
    "below a file": ("note.txt/face.jpg", '"face.jpg"'),
    "endless name": ("long" * 100 + ".jpg", "longlong"),
    "two lines": ("two\nlines.jpg", '"two?lines.jpg" was not found'),
    "not text": (os.fsdecode(b"caf\xe9.jpg"), '" was not found'),
    "too large a file": ("huge.tif", '"huge.tif" is larger than 512 MB'),
}


@pytest.mark.parametrize("kind", PATHS)
def test_bad_path_is_one_sentence(refused, tmp_path, kind):
    name, expected = PATHS[kind]
    (tmp_path / "album").mkdir()
    (tmp_path / "note.txt").write_text("note")
    with open(tmp_path / "huge.tif", "wb") as file:
        file.truncate(513 * 1024**2)  # sparse: takes no space
    assert expected in refused(filepath=str(tmp_path / name))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such devices here")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_device_is_one_sentence(refused, device):
    assert "is a device or a pipe" in refused(filepath=device)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file"
)
def test_unreadable_photo_is_one_sentence(refused, astronaut, tmp_path):
    photo = tmp_path / "private.png"
    photo.write_bytes(astronaut.read_bytes())
    photo.chmod(0)
    assert '"private.png" may not be read' in refused(filepath=str(photo))


def test_zero_byte_in_a_path_is_refused(empty_scene):
    before = data_blocks()
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        bpy.ops.face_depth.reconstruct(filepath="nul\0face.jpg", **FAST)
    assert data_blocks() == before


# --- Images of the .blend --------------------------------------------------------------------


def lost_file(tmp_path: Path) -> bpy.types.Image:
    path = tmp_path / "lost.png"
    path.write_bytes(saved(Image.new("RGB", (64, 64)), "PNG"))
    image = bpy.data.images.load(str(path))
    path.unlink()
    return image


def file_that_is_a_folder(tmp_path: Path) -> bpy.types.Image:
    image = lost_file(tmp_path)
    (tmp_path / "lost.png").mkdir()
    return image


def with_source(kind: str):
    def make(tmp_path: Path) -> bpy.types.Image:
        image = lost_file(tmp_path)
        image.source = kind
        return image

    return make


def not_a_number(tmp_path: Path) -> bpy.types.Image:
    image = bpy.data.images.new("lost", 64, 64, float_buffer=True)
    image.pixels[0] = float("nan")
    return image


def render_result(tmp_path: Path) -> bpy.types.Image:
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.render.engine, scene.cycles.samples = 'CYCLES', 1
    scene.render.resolution_x = scene.render.resolution_y = 64
    bpy.ops.render.render()
    return bpy.data.images["Render Result"]


IMAGES = {
    "missing file": (lost_file, "The file of the image lost.png is missing"),
    "folder": (file_that_is_a_folder, '"lost.png" is a folder'),
    "no path": (lambda tmp_path: with_path(""), "The file of the image lost"),
    "movie": (with_source('MOVIE'), "The image lost.png has no pixels"),
    "sequence": (with_source('SEQUENCE'), "The image lost.png has no pixels"),
    "tiles": (with_source('TILED'), "The image lost.png has no pixels"),
    "render": (render_result, "The image Render Result has no pixels that can be read: save it"),
    "one pixel": (lambda tmp_path: bpy.data.images.new("lost", 1, 1), "is 1 x 1 pixels"),
    "a strip": (lambda tmp_path: bpy.data.images.new("lost", 2000, 40), "too narrow"),
    "plain black": (lambda tmp_path: bpy.data.images.new("lost", 64, 64), "No face was found"),
    "not a number": (not_a_number, '"lost" has pixels that are infinite or not a number'),
}


def with_path(path: str) -> bpy.types.Image:
    image = bpy.data.images.new("lost", 8, 8)
    image.source, image.filepath = 'FILE', path
    return image


@pytest.mark.parametrize("kind", IMAGES)
def test_bad_image_of_the_blend_is_one_sentence(refused, tmp_path, kind):
    make, expected = IMAGES[kind]
    image = make(tmp_path)
    assert expected in refused(image=image.name)


def test_no_image_is_one_sentence(refused):
    assert refused() == "No photo is chosen: open one in the Face Depth panel."
    assert refused(image="Nobody") == "There is no image called Nobody."
    for source in ('OBJECT', 'EDITOR'):
        bpy.context.scene.face_depth.source = source
        assert refused() == "No photo is chosen: open one in the Face Depth panel."


def test_face_that_is_not_there_is_one_sentence(refused, astronaut):
    said = refused(filepath=str(astronaut), face=7)
    assert said.startswith("Face 7 was asked for, but only 1 face was found in astronaut.png")
    assert "The Fast source knows faces only" in refused(
        filepath=str(astronaut), whole_image=True
    )


# --- Models ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory) -> Path:
    """A depth network with random weights, small enough to be made here."""
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    torch.manual_seed(3)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=56,
        patch_size=14, out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=16,
        neck_hidden_sizes=[8] * 4, fusion_hidden_size=8, head_hidden_size=4,
    ))
    with torch.no_grad():
        for values in model.parameters():
            if values.ndim > 1:
                values.normal_(0.0, 0.15)
        model.head.conv3.bias.fill_(5.0)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", {"size": {"height": 112, "width": 112}})
    return folder


@pytest.fixture
def model(tiny_model, tmp_path) -> Path:
    """A copy of the tiny model to damage."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for file in tiny_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def changed_json(name: str, **changes):
    def damage(folder: Path) -> None:
        content = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
        write_json(folder / name, {**content, **changes})

    return damage


def replaced(name: str, data: bytes | None):
    """Damage that gives a file other content, or takes it away."""

    def damage(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        if data is not None:
            (folder / name).write_bytes(data)

    return damage


def emptied(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def changed_weights(change):
    """Damage that passes each tensor's name and value through a function."""

    def damage(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors = dict(change(name, value) for name, value in tensors.items())
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    return damage


def other_architecture(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"layer.weight": torch.ones(4, 4)}, folder / "model.safetensors")


def only_pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def text_model(folder: Path) -> None:
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8,
    )).save_pretrained(folder)


def own_code(folder: Path) -> None:
    """A model that brings its own program, which must not be run."""
    changed_json(
        "config.json", model_type="evil", architectures=["Evil"],
        auto_map={"AutoConfig": "evil.Evil", "AutoModelForDepthEstimation": "evil.Evil"},
    )(folder)
    (folder / "evil.py").write_text("open('was run', 'w').close()")


SETTINGS = "The settings of the depth model tiny make no sense"
FIT = "The weights of the depth model tiny do not fit its config.json."
DAMAGED = "The weights of the depth model tiny are damaged or incomplete; copy the model again."
USELESS = "The depth model tiny is of a kind that cannot be used here"
PROCESSOR, OURS = "preprocessor_config.json", "face_depth.json"

MODELS = {
    "empty folder": (emptied, "The depth model folder tiny has no config.json"),
    "no config": (replaced("config.json", None), "has no config.json"),
    "config is text": (replaced("config.json", b"hello"), "config.json of the depth model tiny"),
    "config is a list": (replaced("config.json", b"[1, 2]"), "config.json of the depth model tiny"),
    "config is no text": (replaced("config.json", b"\xff\xfe\x00"), "config.json of the depth"),
    "config of nothing": (replaced("config.json", b"{}"), USELESS),
    "unknown kind": (
        changed_json("config.json", model_type="oracle", architectures=["Oracle"]), USELESS,
    ),
    "other kind": (
        changed_json("config.json", architectures=["ZoeDepthForDepthEstimation"]), FIT,
    ),
    "kind of nothing": (changed_json("config.json", architectures=5), SETTINGS),
    "own code": (own_code, USELESS),
    "a text model": (text_model, USELESS),
    "no weights": (replaced("model.safetensors", None), "tiny has no model.safetensors."),
    "empty weights": (replaced("model.safetensors", b""), DAMAGED),
    "weights are text": (replaced("model.safetensors", b"weights" * 100), DAMAGED),
    "header too long": (replaced("model.safetensors", struct.pack("<Q", 2**60)), DAMAGED),
    "header no JSON": (replaced("model.safetensors", struct.pack("<Q", 4) + b"oops"), DAMAGED),
    "cut weights": (cut_weights, DAMAGED),
    "other architecture": (other_architecture, FIT),
    "other shapes": (changed_json("config.json", head_hidden_size=6), USELESS),
    "weights not numbers": (
        changed_weights(lambda name, value: (name, value * float("nan"))),
        "The depth model tiny gave no usable depth.",
    ),
    "only a pickle": (only_pickled, "pytorch_model.bin is a pickle, which can run any program"),
    "no preprocessor": (replaced(PROCESSOR, None), "tiny has no preprocessor_config.json"),
    "size zero": (changed_json(PROCESSOR, size={"height": 0, "width": 0}), SETTINGS),
    "size huge": (changed_json(PROCESSOR, size={"height": 10**6, "width": 10**6}), SETTINGS),
    "size in words": (changed_json(PROCESSOR, size="large"), SETTINGS),
    "size without height": (changed_json(PROCESSOR, size={"edge": 5}), SETTINGS),
    "size not finite": (changed_json(PROCESSOR, size={"height": float("inf")}), SETTINGS),
    "multiple of nothing": (changed_json(PROCESSOR, ensure_multiple_of=0), SETTINGS),
    "two means": (changed_json(PROCESSOR, image_mean=[0.5, 0.5]), SETTINGS),
    "no spread": (changed_json(PROCESSOR, image_std=[0, 0, 0]), SETTINGS),
    "margin in words": (changed_json(OURS, crop_margin="wide"), SETTINGS),
    "margin negative": (changed_json(OURS, crop_margin=-2), SETTINGS),
    "rise not a number": (changed_json(OURS, crop_rise=float("nan")), SETTINGS),
    "our settings a list": (replaced(OURS, b"[]"), "face_depth.json of the depth model tiny"),
}


@pytest.mark.parametrize("kind", MODELS)
def test_bad_model_is_one_sentence(refused, astronaut, model, kind, monkeypatch, tmp_path):
    damage, expected = MODELS[kind]
    damage(model)
    monkeypatch.chdir(tmp_path)
    said = refused(filepath=str(astronaut), model='FOLDER', model_folder=str(model))
    assert expected in said


@pytest.mark.parametrize(("name", "expected"), [
    ("gone", "There is no depth model called or stored at"),
    ("note.txt", "There is no depth model called or stored at"),
    ("~nobody-here/model", "There is no depth model called or stored at"),
    ("weights.pth", "weights.pth is a pickle, which can run any program"),
    ("", "No folder of a depth model is chosen."),
])
def test_bad_model_path_is_one_sentence(refused, astronaut, tmp_path, name, expected):
    (tmp_path / "note.txt").write_text("note")
    (tmp_path / "weights.pth").write_bytes(b"\x80\x02")
    folder = name if name[:1] in ("", "~") else str(tmp_path / name)
    assert expected in refused(filepath=str(astronaut), model='FOLDER', model_folder=folder)


def reconstruct(photo: Path, model: str, **properties) -> np.ndarray:
    """Vertices of the mesh that a model folder makes."""
    assert bpy.ops.face_depth.reconstruct(
        filepath=str(photo), model='FOLDER', model_folder=model, resolution=64, **properties
    ) == {'FINISHED'}
    mesh = bpy.context.object.data
    at = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.attributes["position"].data.foreach_get("vector", at.ravel())
    assert np.isfinite(at).all()
    return at


def test_disparity_counts_up_to_scale_and_shift(empty_scene, astronaut, model):
    """The control: the folder that the others damage works, whatever its units.

    The warm worker must notice that the weights were replaced.
    """
    once = reconstruct(astronaut, str(model))
    whole = reconstruct(astronaut, str(model), whole_image=True)

    def other_units(name, value):
        if not name.startswith("head.conv3."):
            return name, value
        return name, value * 40.0 + (7.0 if name.endswith("bias") else 0.0)

    changed_weights(other_units)(model)
    again = reconstruct(astronaut, str(model))
    assert np.ptp(once[:, 1]) > 0.005 and not np.array_equal(again, once)
    assert np.abs(again - once).max() < 1e-4
    assert np.abs(reconstruct(astronaut, str(model), whole_image=True) - whole).max() < 1e-4


def test_depth_in_sides_of_the_crop_counts_as_it_is(empty_scene, astronaut, model):
    changed_json(OURS, output="depth_in_crop_sides")(model)
    once = reconstruct(astronaut, str(model))
    changed_weights(
        lambda name, value: (name, value * (2.0 if name.startswith("head.conv3.") else 1.0))
    )(model)
    twice = reconstruct(astronaut, str(model))
    assert np.ptp(twice[:, 1]) == pytest.approx(2.0 * np.ptp(once[:, 1]), rel=0.02)


def test_model_folder_may_be_relative_to_the_blend(empty_scene, astronaut, model, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    reconstruct(astronaut, f"//{model.name}")
    assert Path(bpy.context.object["face_depth_model"]).name == model.name


def test_after_all_this_a_good_photo_still_works(empty_scene, astronaut):
    assert bpy.ops.face_depth.reconstruct(filepath=str(astronaut), **FAST) == {'FINISHED'}
    assert len(bpy.context.object.data.vertices) > 1000
