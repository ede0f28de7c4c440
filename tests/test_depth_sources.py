# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of depth model, with few random weights, in the formats that they are published in."""

import ast
import importlib.util
import inspect
import json
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_models import (
    tiny_depth_anything,
    tiny_depth_pro,
    tiny_dpt,
    tiny_dpt_beit,
    tiny_dpt_dinov2,
    tiny_dpt_hybrid,
    tiny_dpt_swinv2,
    tiny_glpn,
    tiny_marigold,
    tiny_onnx,
    tiny_zoedepth,
    write_json,
)

from face_depth_addon.core.errors import DeviceError, ModelError
from face_depth_addon.inference.cards import read_cards
from face_depth_addon.inference.client import WorkerClient
from face_depth_addon.inference.depth_sources import marigold
from face_depth_addon.inference.registry import find_model, load_model
from face_depth_addon.inference.request import Request
from face_depth_addon.inference.running import Running
from face_depth_addon.inference.torch_setup import Placement

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "model.safetensors"
UNET = "unet/diffusion_pytorch_model.safetensors"

# How the folder is made, the library's processor, and what it should be taken for.
ARCHITECTURES = {
    "dpt": (tiny_dpt, "DPTImageProcessorPil", 64, "disparity"),
    "dpt-hybrid": (tiny_dpt_hybrid, "DPTImageProcessorPil", 64, "disparity"),
    "dpt-swinv2": (tiny_dpt_swinv2, "DPTImageProcessorPil", 64, "disparity"),
    "dpt-beit": (tiny_dpt_beit, "DPTImageProcessorPil", 64, "disparity"),
    "dpt-dinov2": (tiny_dpt_dinov2, "DPTImageProcessorPil", 70, "metres"),
    "depth-anything": (tiny_depth_anything, "DPTImageProcessorPil", 70, "disparity"),
    "depth-anything-metric": (
        lambda folder: tiny_depth_anything(folder, metric=True), "DPTImageProcessorPil", 70,
        "metres",
    ),
    "zoedepth": (tiny_zoedepth, "ZoeDepthImageProcessorPil", 64, "metres"),
    "glpn": (tiny_glpn, "GLPNImageProcessorPil", 480, "metres"),
    "depth-pro": (tiny_depth_pro, "", 128, "metres"),
}
CPU = Running("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """A folder of each architecture of transformers."""
    root = tmp_path_factory.mktemp("architectures")
    return {name: make(root / name) for name, (make, *_) in ARCHITECTURES.items()}


@pytest.fixture(scope="module")
def depth_pipeline(tmp_path_factory) -> Path:
    return tiny_marigold(tmp_path_factory.mktemp("diffusers") / "depth")


@pytest.fixture(scope="module")
def normals_pipeline(tmp_path_factory) -> Path:
    return tiny_marigold(tmp_path_factory.mktemp("diffusers") / "normals", normals=True)


@pytest.fixture(scope="module")
def client():
    made = WorkerClient()
    yield made
    made.close()


def loaded(place: Path, running: Running = CPU):
    return load_model(find_model(str(place)), running)


def picture(side: int) -> np.ndarray:
    """A square picture with forms in it, another in each channel."""
    rows, columns = np.mgrid[:side, :side] / side
    waves = (np.sin(9 * rows + 4 * columns), np.cos(7 * columns), np.sin(20 * rows * columns))
    return np.rint(np.dstack(waves) * 100.0 + 128.0).astype(np.uint8)


def reworded(folder: Path, name: str, **changes) -> Path:
    write_json(folder / name, {**json.loads((folder / name).read_text()), **changes})
    return folder


def copied(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "tiny")


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


# Networks of transformers


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architecture_is_known_by_its_own_files(folders, name):
    _, _, size, kind = ARCHITECTURES[name]
    source = loaded(folders[name])
    assert (source.input_size, source.kind) == (size, kind)
    assert (source.margin, source.rise, source.device) == (1.7, 0.05, "cpu")


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "depth-pro"])
def test_prediction_is_that_of_the_librarys_own_processor_and_model(folders, name):
    folder = folders[name]
    source = loaded(folder)
    rgb = picture(source.input_size)
    processor = getattr(transformers, ARCHITECTURES[name][1]).from_pretrained(folder)
    # ZoeDepth's adds a rim, which its other half cuts off again.
    rim = {"do_pad": False} if name == "zoedepth" else {}
    pixels = processor(Image.fromarray(rgb), return_tensors="pt", **rim).pixel_values
    assert pixels.shape[-2:] == rgb.shape[:2]
    model = transformers.AutoModelForDepthEstimation.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model(pixel_values=pixels).predicted_depth[0].numpy()
    found = source.predict(rgb)
    assert np.ptp(expected) > 0.05
    np.testing.assert_allclose(found.depth, expected, rtol=1e-4, atol=1e-4 * expected.max())
    assert found.depth.dtype == np.float32
    assert found.subject is None and found.uncertainty is None and found.normals is None


def test_metres_of_depth_pro_are_those_of_its_own_last_step(folders):
    """It is taken from the library's file, whose class cannot be imported without torchvision."""
    name = "transformers.models.depth_pro.image_processing_depth_pro"
    tree = ast.parse(Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8"))
    (last_step,) = (
        node for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "post_process_depth_estimation"
    )
    last_step.returns = None
    for argument in last_step.args.args:
        argument.annotation = None
    scope = {
        "torch": torch, "pil_torch_interpolation_mapping": {2: SimpleNamespace(value="bilinear")},
    }
    exec(compile(ast.Module([last_step], []), name, "exec"), scope)

    source = loaded(folders["depth-pro"])
    rgb = picture(source.input_size)
    model = transformers.DepthProForDepthEstimation.from_pretrained(folders["depth-pro"]).eval()
    pixels = torch.tensor(rgb.transpose(2, 0, 1)[None] / 127.5 - 1.0, dtype=torch.float32)
    with torch.no_grad():
        output = model(pixel_values=pixels)
    shape = tuple(output.predicted_depth.shape[-2:])
    (expected,) = scope["post_process_depth_estimation"](
        SimpleNamespace(resample=2), output, [shape]
    )
    metres = expected["predicted_depth"].numpy()
    assert expected["focal_length"] > 0.0 and 0.2 < np.mean(metres < 100.0) < 1.0
    np.testing.assert_allclose(
        1.0 / source.predict(rgb).depth, 1.0 / metres, atol=1e-4 / metres.min()
    )


@pytest.mark.parametrize(("name", "changes", "side"), [
    ("dpt", {"size": 100}, 96),
    ("dpt", {"size": {"height": 48, "width": 80}}, 48),
    ("dpt-beit", {"size": {"height": 100, "width": 100}}, 96),
    ("depth-anything", {"size": {"height": 100, "width": 100}}, 98),
    ("depth-anything", {"size": 75}, 70),
    ("dpt-dinov2", {"size": {"height": 100, "width": 100}}, 98),
    ("glpn", {"size_divisor": 64}, 512),
])
def test_sizes_that_do_not_fit_the_patches_are_made_to(folders, tmp_path, name, changes, side):
    folder = reworded(copied(folders[name], tmp_path), "preprocessor_config.json", **changes)
    source = loaded(folder)
    assert source.input_size == side
    assert np.isfinite(source.predict(picture(side)).depth).all()


@pytest.mark.parametrize("size", [0, 100000, "large", {"shortest_edge": 64}, [64, 64]])
def test_sizes_without_sense_are_one_sentence(folders, tmp_path, size):
    folder = reworded(copied(folders["dpt"], tmp_path), "preprocessor_config.json", size=size)
    with pytest.raises(ModelError, match=r"^The settings of the depth model tiny make no sense"):
        find_model(str(folder))


def test_text_model_is_one_sentence(tmp_path):
    folder = tmp_path / "words"
    transformers.BertModel(transformers.BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=8,
    )).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"^The depth model folder words has no preprocessor_"):
        find_model(str(folder))
    write_json(folder / "preprocessor_config.json", {"size": 64})
    with pytest.raises(ModelError, match=r"^The depth model words is of a kind that cannot be"):
        loaded(folder)


def test_half_written_weights_are_one_sentence(folders, tmp_path):
    folder = copied(folders["zoedepth"], tmp_path)
    truncated(folder / WEIGHTS)
    expected = r"^The weights of the depth model tiny are damaged or incomplete; copy the model"
    with pytest.raises(ModelError, match=expected):
        find_model(str(folder))


def test_model_that_is_larger_than_the_memory_is_not_loaded(folders, tmp_path):
    """A file that announces a million times a million numbers, and takes no room itself."""
    folder = copied(folders["dpt"], tmp_path)
    length = 4 * 10**12
    header = json.dumps({
        "huge": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, length]},
    }).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header)
    try:
        os.truncate(folder / WEIGHTS, 8 + len(header) + length)
    except OSError:
        pytest.skip("files cannot be that large here")
    expected = r"^tiny needs about 5000\.3 GB of memory, and [\d.]+ GB are free: close other"
    with pytest.raises(ModelError, match=expected):
        loaded(folder)


# Pipelines of diffusers


def pipeline_of(folder: Path):
    import diffusers

    made = diffusers.DiffusionPipeline.from_pretrained(folder)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.mark.parametrize("ensemble", [1, 3])
def test_depth_of_marigold_is_the_librarys_own(depth_pipeline, ensemble):
    source = loaded(depth_pipeline, Running("cpu", ensemble=ensemble, seed=4))
    assert (source.input_size, source.kind) == (64, "depth")
    assert (source.margin, source.rise, source.device) == (1.7, 0.05, "cpu")
    rgb = picture(64)
    found = source.predict(rgb)
    told = ensemble >= 3
    expected = pipeline_of(depth_pipeline)(
        # In this layout even the rounding is the same: it decides how runs that have nothing in
        # common, as random ones do, are aligned.
        torch.tensor(rgb.transpose(2, 0, 1)), ensemble_size=ensemble, output_uncertainty=told,
        processing_resolution=0, generator=torch.Generator().manual_seed(4),
    )
    assert np.ptp(expected.prediction) > 0.1
    np.testing.assert_allclose(found.depth, expected.prediction[0, ..., 0], atol=1e-4)
    assert found.depth.dtype == np.float32 and found.normals is None and found.note == ""
    assert (found.uncertainty is not None) == told
    if told:
        np.testing.assert_allclose(found.uncertainty, expected.uncertainty[0, ..., 0], atol=1e-4)
        assert found.uncertainty.min() >= 0.0 and found.uncertainty.mean() > 0.0


def test_seed_decides_what_marigold_sees(depth_pipeline):
    rgb = picture(64)
    source = loaded(depth_pipeline, Running("cpu", seed=1))
    first, again = source.predict(rgb).depth, source.predict(rgb).depth
    other = loaded(depth_pipeline, Running("cpu", seed=2)).predict(rgb).depth
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.02


def test_steps_are_the_users_or_the_cards_or_the_pipelines(depth_pipeline, tmp_path):
    rgb = picture(64)
    whole = pipeline_of(depth_pipeline)
    expected = {
        steps: whole(
            Image.fromarray(rgb), num_inference_steps=steps,
            generator=torch.Generator().manual_seed(0),
        ).prediction[0, ..., 0]
        for steps in (1, 2, 4)
    }
    assert np.abs(expected[1] - expected[2]).max() > 0.02
    card = replace(find_model(str(depth_pipeline)).card, settings={"steps": 2})
    told = marigold.check(depth_pipeline, card)
    for checked, running, steps in (
        (find_model(str(depth_pipeline)), CPU, 4), (told, CPU, 2),
        (told, Running("cpu", steps=1), 1),
    ):
        found = load_model(checked, running).predict(rgb).depth
        np.testing.assert_allclose(found, expected[steps], atol=1e-4)


def test_pipeline_of_one_step_and_half_precision(tmp_path):
    folder = tiny_marigold(tmp_path / "tiny", lcm=True, half=True)
    checked = find_model(str(folder))
    assert (checked.variant, checked.steps) == ("fp16", 1)
    found = load_model(checked, CPU).predict(picture(64)).depth
    # On a processor, half precision is slower, so that only the weights are rounded.
    whole = tiny_marigold(tmp_path / "whole", lcm=True)
    expected = loaded(whole).predict(picture(64)).depth
    assert np.ptp(expected) > 0.05 and np.abs(found - expected).max() < 0.02
    # Other programs may have fetched some of the parts in single precision.
    for name in ("config.json", WEIGHTS):
        shutil.copy(whole / "text_encoder" / name, folder / "text_encoder" / name)
    (folder / "text_encoder" / "model.fp16.safetensors").unlink()
    mixed = loaded(folder).predict(picture(64)).depth
    assert np.abs(mixed - found).max() < 0.02


@pytest.mark.parametrize(("resolution", "side"), [(None, 768), (100, 96), (64, 64)])
def test_side_of_marigold_is_a_multiple_of_eight(tmp_path, resolution, side):
    folder = tiny_marigold(tmp_path / "tiny", resolution=resolution)
    assert find_model(str(folder)).input_size == side


def test_normals_of_marigold_lie_on_the_bundled_models_depth(normals_pipeline):
    source = loaded(normals_pipeline)
    base = load_model(find_model("face-dpt"), CPU)
    assert source.input_size == 64 and source.device == "cpu"
    assert (source.margin, source.rise, source.kind) == (base.margin, base.rise, base.kind)
    rgb = picture(64)
    found = source.predict(rgb)
    below = base.predict(cv2.resize(rgb, (base.input_size,) * 2, interpolation=cv2.INTER_AREA))
    assert np.array_equal(found.depth, below.depth)
    assert np.array_equal(found.subject, below.subject)
    expected = pipeline_of(normals_pipeline)(
        Image.fromarray(rgb), generator=torch.Generator().manual_seed(0)
    ).prediction[0]
    np.testing.assert_allclose(found.normals, expected, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found.normals, axis=2), 1.0, atol=1e-4)


def test_base_of_normals_is_the_cards(normals_pipeline):
    card = replace(find_model(str(normals_pipeline)).card, settings={"base": "face-vae"})
    source = load_model(marigold.check(normals_pipeline, card), CPU)
    base = load_model(find_model("face-vae"), CPU)
    assert (source.margin, source.rise, source.kind) == (base.margin, base.rise, base.kind)
    assert source.predict(picture(64)).depth.shape == (base.input_size,) * 2


@pytest.mark.parametrize(("damage", "sentence"), [
    (
        lambda folder: reworded(folder, "model_index.json", _class_name="StableDiffusionPipeline"),
        r"^The depth model tiny is a pipeline of another kind \(StableDiffusionPipeline\): only ",
    ),
    (
        lambda folder: reworded(folder, "model_index.json", _class_name=["evil", "Pipeline"]),
        r"^The depth model tiny is a pipeline of another kind",
    ),
    (
        lambda folder: reworded(folder, "model_index.json", unet=["evil", "Unet"]),
        r"^The part unet of the depth model tiny is a program of its own \(evil\), which is not",
    ),
    (
        lambda folder: (folder / "model_index.json").write_text("{"),
        r"^The file model_index\.json of the depth model tiny cannot be read; copy the model",
    ),
    (
        lambda folder: reworded(folder, "model_index.json", default_processing_resolution="big"),
        r"^The settings of the depth model tiny make no sense",
    ),
    (
        lambda folder: (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin"),
        r"^diffusion_pytorch_model\.bin is a pickle, which can run any program when it is opened",
    ),
    (
        lambda folder: (folder / "vae" / Path(UNET).name).unlink(),
        r"^The depth model folder tiny/vae has no diffusion_pytorch_model\.safetensors\.$",
    ),
    (
        lambda folder: (folder / "tokenizer" / "vocab.json").unlink(),
        r"^The depth model folder tiny/tokenizer has no vocab\.json\.$",
    ),
    (
        lambda folder: truncated(folder / UNET),
        r"^The weights of the depth model tiny/unet are damaged or incomplete; copy the model",
    ),
])
def test_pipeline_that_cannot_be_used_is_one_sentence(depth_pipeline, tmp_path, damage, sentence):
    folder = copied(depth_pipeline, tmp_path)
    damage(folder)
    with pytest.raises(ModelError, match=sentence):
        find_model(str(folder))


def test_pipeline_with_lost_parts_is_one_sentence(depth_pipeline, tmp_path):
    folder = copied(depth_pipeline, tmp_path)
    shutil.rmtree(folder / "scheduler")
    with pytest.raises(ModelError, match=r"^The depth model tiny cannot be loaded: copy the model"):
        loaded(folder)


def test_weights_that_a_pipeline_lacks_are_not_made_up(depth_pipeline, tmp_path):
    folder = copied(depth_pipeline, tmp_path)
    tensors = load_file(folder / UNET)
    del tensors["conv_in.weight"]
    save_file(tensors, folder / UNET, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"^The (weights of the )?depth model tiny "):
        loaded(folder)


@pytest.mark.parametrize(("library", "running"), [
    ("diffusers", CPU), ("scipy", Running("cpu", ensemble=3)),
])
def test_missing_library_is_named(depth_pipeline, monkeypatch, library, running):
    monkeypatch.setitem(sys.modules, library, None)
    expected = rf"^The Python that runs the depth model has no {library}"
    with pytest.raises(ModelError, match=expected):
        loaded(depth_pipeline, running)


# ONNX


def onnx_file(tmp_path: Path, settings: dict | None = None, **graph) -> Path:
    path = tiny_onnx(tmp_path / "tiny.onnx", **graph)
    if settings is not None:
        write_json(tmp_path / "tiny.json", settings)
    return path


@pytest.mark.parametrize(("settings", "order", "mean", "std"), [
    (None, (0, 1, 2), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ({"channels": "bgr", "mean": [0, 0, 0], "std": [1, 1, 1]}, (2, 1, 0), (0,) * 3, (1,) * 3),
    ({"channels": "bgr"}, (2, 1, 0), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ({"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]}, (0, 1, 2), (0.1, 0.2, 0.3),
     (0.5, 0.6, 0.7)),
])
@pytest.mark.parametrize("squeeze", [True, False])
def test_onnx_reads_colours_as_its_settings_say(tmp_path, settings, order, mean, std, squeeze):
    weights = (0.5, 0.3, 0.2)
    source = loaded(onnx_file(tmp_path, settings, weights=weights, squeeze=squeeze))
    rgb = picture(32)
    channels = (rgb / 255.0 - mean) / std
    expected = sum(weight * channels[..., one] for weight, one in zip(weights, order))
    found = source.predict(rgb)
    np.testing.assert_allclose(found.depth, expected, atol=1e-5)
    assert found.depth.dtype == np.float32 and found.subject is None and found.note == ""
    assert (source.kind, source.device) == ("disparity", "cpu")


@pytest.mark.parametrize(("size", "settings", "side"), [
    (32, {"input_size": 64}, 32), (None, {"input_size": 64}, 64), (None, {}, 518),
])
def test_size_of_onnx_is_the_graphs_or_the_settings(tmp_path, size, settings, side):
    source = loaded(onnx_file(tmp_path, settings, size=size))
    assert source.input_size == side
    assert source.predict(picture(side)).depth.shape == (side, side)


def test_onnx_in_half_precision(tmp_path):
    found = loaded(onnx_file(tmp_path, half=True)).predict(picture(32)).depth
    (tmp_path / "whole").mkdir()
    expected = loaded(onnx_file(tmp_path / "whole")).predict(picture(32)).depth
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize(("output", "kind"), [
    ("disparity", "disparity"), ("depth", "depth"), ("metres", "metres"),
    ("depth_in_crop_sides", "crop_sides"),
])
def test_kind_and_crop_of_onnx_are_in_its_settings(tmp_path, output, kind):
    settings = {"output": output, "crop_margin": 2.0, "crop_rise": 0.1}
    source = loaded(onnx_file(tmp_path, settings))
    assert (source.kind, source.margin, source.rise) == (kind, 2.0, 0.1)


def test_known_onnx_file_needs_no_settings_beside_it(tmp_path):
    """But those that there are go before the card's."""
    card = read_cards()["david-base"]
    path = tiny_onnx(tmp_path / card.settings["file"])
    checked = find_model(str(path))
    assert (checked.card.name, checked.kind, checked.channels) == ("david-base", "depth", (2, 1, 0))
    write_json(path.with_suffix(".json"), {"channels": "rgb"})
    again = find_model("david-base", str(tmp_path))
    assert (again.kind, again.channels) == ("depth", (0, 1, 2)) and again != checked


@pytest.mark.parametrize("content", [
    b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 99\n",
    b"<!DOCTYPE html><html><title>Not found</title></html>", b"\n <html>",
])
def test_what_a_download_leaves_in_place_of_an_onnx_file_is_one_sentence(tmp_path, content):
    (tmp_path / "tiny.onnx").write_bytes(content)
    expected = r"^The file of the depth model tiny\.onnx is damaged: copy the model again\.$"
    with pytest.raises(ModelError, match=expected):
        find_model(str(tmp_path / "tiny.onnx"))


def test_damaged_onnx_is_one_sentence(tmp_path):
    path = onnx_file(tmp_path)
    truncated(path)
    expected = r"^The file of the depth model tiny\.onnx is damaged or needs a newer onnxruntime"
    with pytest.raises(ModelError, match=expected):
        loaded(path)


@pytest.mark.parametrize("settings", [
    {"channels": "cmyk"}, {"output": "colour"}, {"mean": [0.5]}, {"std": [0, 0, 0]},
    {"input_size": 4}, {"crop_margin": "wide"},
])
def test_onnx_settings_without_sense_are_one_sentence(tmp_path, settings):
    with pytest.raises(ModelError, match=r"^The settings of the depth model tiny\.onnx make no s"):
        find_model(str(onnx_file(tmp_path, settings)))


def test_onnx_of_another_kind_is_one_sentence(tmp_path):
    path = onnx_file(tmp_path, weights=(0.25,) * 4)
    with pytest.raises(ModelError, match=r"^The depth model tiny\.onnx does not read a square pic"):
        loaded(path)


def test_onnx_that_gives_no_map_is_one_sentence(tmp_path):
    source = loaded(onnx_file(tmp_path, maps=2))
    expected = r"^The depth model tiny\.onnx gives no map of depth, but an array of the shape 1 x 2"
    with pytest.raises(ModelError, match=expected):
        source.predict(picture(32))


def test_onnx_that_gives_no_numbers_is_one_sentence(tmp_path):
    source = loaded(onnx_file(tmp_path, bias=float("nan")))
    with pytest.raises(ModelError, match=r"^The depth model tiny\.onnx gave no usable depth\.$"):
        source.predict(picture(32))


def test_device_that_onnxruntime_lacks_is_named(tmp_path):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    expected = r"^The device cuda is not available to onnxruntime here; available: .*cpu\.$"
    with pytest.raises(DeviceError, match=expected):
        loaded(onnx_file(tmp_path), Running("cuda"))


def test_missing_onnxruntime_is_named(tmp_path, monkeypatch):
    path = onnx_file(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    expected = r"^The Python that runs the depth model has no onnxruntime: install it there, or cho"
    with pytest.raises(ModelError, match=expected):
        loaded(path)


def test_onnx_needs_no_torch(tmp_path):
    code = inspect.cleandoc(f"""
        import sys
        sys.modules["torch"] = sys.modules["transformers"] = None
        import numpy as np
        from face_depth_addon.inference.registry import find_model, load_model
        from face_depth_addon.inference.running import Running
        source = load_model(find_model({str(onnx_file(tmp_path))!r}), Running())
        found = source.predict(np.zeros((32, 32, 3), np.uint8))
        print(found.depth.shape, sys.modules["torch"])
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "(32, 32) None", done.stderr


# In the product


@pytest.mark.parametrize("kind", ["depth-pro", "normals", "onnx"])
def test_photo_becomes_a_surface(client, astronaut, folders, normals_pipeline, tmp_path, kind):
    place = {"depth-pro": folders["depth-pro"], "normals": normals_pipeline}.get(kind)
    place = place or onnx_file(tmp_path, size=None)
    job = client.submit(Request({"path": str(astronaut)}, str(place), "cpu", {"steps": 1}))
    while not job.poll(1.0):
        pass
    result = job.result
    assert np.isfinite(result.depth).all() and np.ptp(result.depth[result.subject]) > 0.0
    centre = result.crop.from_photo(result.size) @ (225, 127, 1)
    assert result.subject[int(centre[1]), int(centre[0])]
    assert result.info["device"] == "cpu"
    library = {"depth-pro": "transformers", "normals": "diffusers", "onnx": "onnxruntime"}[kind]
    assert library in result.info["versions"]
    assert "kind" in result.info["depth"]


def test_processor_takes_over_when_the_graphics_card_has_too_little_memory():
    placement = Placement("Some Model", 10, Running("cpu"))
    # As on a machine with a graphics card, which machines for tests seldom have.
    placement.device, placement.dtype = "cuda", torch.float16
    network, tries = torch.nn.Linear(2, 1).half(), []

    def compute() -> torch.Tensor:
        tries.append(network.weight.dtype)
        if placement.device == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return network(torch.ones(1, 2))

    assert placement.run(network, compute).shape == (1, 1)
    assert tries == [torch.float16, torch.float32] and placement.device == "cpu"
    assert placement.note == (
        "The device cuda has too little memory for Some Model: the processor was used."
    )
    with pytest.raises(DeviceError, match="too little memory for Some Model"):
        placement.run(network, lambda: _out_of_memory())


def _out_of_memory():
    raise torch.OutOfMemoryError("no memory")
