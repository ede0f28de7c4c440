# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own networks in the product, with the files that training writes and tiny random weights."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from training.recipes import RECIPES
from transformers import (
    AutoModelForDepthEstimation,
    DepthAnythingConfig,
    Dinov2Config,
    PreTrainedModel,
)

from face_depth_addon.core.errors import ModelError
from face_depth_addon.core.reconstruction import Reconstruction
from face_depth_addon.inference.cards import read_cards
from face_depth_addon.inference.client import WorkerClient
from face_depth_addon.inference.depth_sources.transformers_model import DepthNetwork
from face_depth_addon.inference.networks import (
    AttentionUnet,
    AttentionUnetConfig,
    DepthVae,
    DepthVaeConfig,
    FaceDepthAnything,
)
from face_depth_addon.inference.registry import find_model
from face_depth_addon.inference.request import Request
from face_depth_addon.inference.running import Running

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "model.safetensors"


def tiny_transformer() -> FaceDepthAnything:
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=56,
        patch_size=14, out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    model = FaceDepthAnything(DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=16,
        neck_hidden_sizes=[8] * 4, fusion_hidden_size=8, head_hidden_size=4,
    ))
    model.start_head()
    # A new head's small weights would give differences below half precision.
    for layer in (*model.neck.modules(), model.head.conv1, model.head.conv2):
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    return model


def tiny_vae() -> DepthVae:
    return DepthVae(DepthVaeConfig(widths=(4,) * 4, latent=6))


TINY = {
    "dpt": tiny_transformer,
    "attention-unet": lambda: AttentionUnet(AttentionUnetConfig(widths=(4, 8, 8))),
    "vae": tiny_vae,
}


def write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content))


def exported(model: PreTrainedModel, kind: str, folder: Path, **card) -> Path:
    """Write a model's folder in half precision, with the settings of that kind's recipe."""
    model.half().save_pretrained(folder)
    model.float()
    recipe = RECIPES[kind]
    write_json(folder / "preprocessor_config.json", recipe.preprocessor(recipe.size))
    write_json(folder / "face_depth.json", {**recipe.card(), **card})
    return folder


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> dict[str, tuple[PreTrainedModel, Path]]:
    """A random network of each kind, and the folder that holds it."""
    made = {}
    for kind, make in TINY.items():
        torch.manual_seed(5)
        model = make()
        # Batch normalisation has seen something, as after training.
        with torch.no_grad():
            model.train()(pixel_values=torch.randn(2, 3, RECIPES[kind].size, RECIPES[kind].size))
        folder = exported(model.eval(), kind, tmp_path_factory.mktemp("models") / kind)
        made[kind] = model, folder
    return made


@pytest.fixture(scope="module")
def client():
    made = WorkerClient()
    yield made
    made.close()


def reconstruct(client: WorkerClient, photo: Path, folder: Path) -> Reconstruction:
    job = client.submit(Request({"path": str(photo)}, str(folder), "cpu"))
    while not job.poll(1.0):
        pass
    return job.result


@pytest.mark.parametrize("kind", TINY)
def test_folder_from_training_gives_a_surface(client, networks, astronaut, kind):
    result = reconstruct(client, astronaut, networks[kind][1])
    assert np.isfinite(result.depth).all() and np.isfinite(result.origin).all()
    assert np.ptp(result.depth[result.subject]) > 0.0
    centre = result.crop.from_photo(result.size) @ (225, 127, 1)
    assert result.subject[int(centre[1]), int(centre[0])]


@pytest.mark.parametrize("kind", TINY)
def test_prediction_is_the_networks_own_of_both_views(networks, kind):
    """Also after half precision on disk, and at the size that the network was trained at."""
    model, folder = networks[kind]
    loaded = DepthNetwork(find_model(str(folder)), Running("cpu"))
    assert loaded.input_size == RECIPES[kind].size
    assert (loaded.margin, loaded.rise) == (RECIPES[kind].margin, RECIPES[kind].rise)
    assert loaded.kind == "crop_sides"
    rgb = np.random.default_rng(2).integers(0, 256, (loaded.input_size,) * 2 + (3,), np.uint8)
    found = loaded.predict(rgb)

    processor = RECIPES[kind].preprocessor(loaded.input_size)
    pixels = (rgb / 255.0 - processor["image_mean"]) / processor["image_std"]
    pixels = torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32)
    with torch.no_grad():
        straight, mirrored = model(pixel_values=pixels), model(pixel_values=pixels.flip(3))
    depth = (straight.predicted_depth + mirrored.predicted_depth.flip(2))[0].numpy() / 2
    logits = straight.subject, mirrored.subject.flip(2)
    subject = sum(torch.sigmoid(values)[0].numpy() for values in logits) / 2
    for seen, expected in ((found.depth, depth), (found.subject, subject)):
        assert seen.dtype == np.float32 and np.ptp(expected) > 0.0
        assert np.abs(seen - expected).max() < 0.05 * np.ptp(expected)


def test_plain_transformers_load_the_transformer_with_the_same_depth(networks):
    _, folder = networks["dpt"]
    plain = AutoModelForDepthEstimation.from_pretrained(folder).float().eval()
    ours = FaceDepthAnything.from_pretrained(folder).float().eval()
    assert type(plain).__name__ == "DepthAnythingForDepthEstimation"
    pixels = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        depth = plain(pixel_values=pixels).predicted_depth
        assert depth.max() > depth.min()
        # Theirs ends with a ReLU; trained depth lies well above it.
        assert torch.equal(depth, ours(pixel_values=pixels).predicted_depth.relu())


def test_subject_of_the_network_shapes_the_mask(client, astronaut, tmp_path):
    """A network that sees nobody in the lowest quarter cuts the shoulders off."""
    network = tiny_vae()
    upper = torch.zeros(4, 8, 8)
    upper[:, :6] = 1.0
    with torch.no_grad():
        network.spread.weight.zero_()
        network.spread.bias.copy_(upper.flatten())
        for part in (network.decoder, network.maps):
            for module in part.modules():
                if isinstance(module, torch.nn.Conv2d):
                    torch.nn.init.dirac_(module.weight)
        network.maps.weight[1] *= 40.0
        network.maps.bias.copy_(torch.tensor([0.0, -20.0, 0.0]))
    followed = reconstruct(client, astronaut, exported(network, "vae", tmp_path / "followed"))
    ignored = reconstruct(
        client, astronaut, exported(network, "vae", tmp_path / "ignored", subject=False)
    )
    line = round(0.75 * followed.size)
    below = slice(line + followed.size // 20, None)
    assert ignored.subject[below].mean() > 0.5 and not followed.subject[below].any()
    above = slice(line - followed.size // 20)
    assert (followed.subject[above] != ignored.subject[above]).mean() < 0.05
    assert np.isfinite(followed.depth).all()


def test_code_of_a_new_autoencoder_is_not_lost_in_its_noise():
    """Or the decoder learns the mean head at once, and never anything else."""
    torch.manual_seed(0)
    network = RECIPES["vae"].network("", RECIPES["vae"].size)
    with torch.no_grad():
        mean, log_variance = network(torch.randn(4, 3, 128, 128)).latent
    assert torch.exp(log_variance / 2).mean() < 0.3 * mean.std()


def test_mask_that_is_not_to_be_used_is_not_given(networks, tmp_path):
    folder = exported(networks["dpt"][0], "dpt", tmp_path / "maskless", subject=False)
    rgb = np.zeros((224, 224, 3), np.uint8)
    assert DepthNetwork(find_model(str(folder)), Running("cpu")).predict(rgb).subject is None


@pytest.mark.parametrize(("kind", "lost"), [
    ("dpt", "head.extra.weight"), ("attention-unet", "maps.bias"), ("vae", "code.weight"),
])
def test_incomplete_weights_are_one_sentence(networks, tmp_path, kind, lost):
    folder = shutil.copytree(networks[kind][1], tmp_path / "tiny")
    tensors = load_file(folder / WEIGHTS)
    del tensors[lost]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    expected = r"^The weights of the depth model tiny do not fit its config\.json\.$"
    with pytest.raises(ModelError, match=expected):
        DepthNetwork(find_model(str(folder)), Running("cpu"))


@pytest.mark.parametrize("changes", [{"size": {"height": 192, "width": 192}},
                                     {"ensure_multiple_of": 14}])
def test_vae_reads_its_own_size_whatever_the_preprocessor_says(networks, tmp_path, changes):
    folder = shutil.copytree(networks["vae"][1], tmp_path / "tiny")
    path = folder / "preprocessor_config.json"
    write_json(path, {**json.loads(path.read_text()), **changes})
    loaded = DepthNetwork(find_model(str(folder)), Running("cpu"))
    assert loaded.input_size == 128
    assert loaded.predict(np.zeros((128, 128, 3), np.uint8)).depth.shape == (128, 128)


# --- Choosing a bundled model ----------------------------------------------------------------


def printed(code: str, folder: Path) -> str:
    """The list that a program prints which runs in that folder."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "COLUMNS": "1000"},
    )
    assert done.returncode == 0, done.stderr
    # Blender's own lines come before it or after it, as buffers are emptied.
    return next(line for line in done.stdout.splitlines() if line.startswith("["))


def package_with(models: dict[str, Path], folder: Path) -> Path:
    """A copy of the add-on that brings those models; the folder that it lies in."""
    package = folder / "face_depth_addon"
    weights = str(ROOT / "face_depth_addon" / "models")
    shutil.copytree(
        ROOT / "face_depth_addon", package, ignore=lambda folder, names: [
            name for name in names
            if name == "__pycache__" or os.path.join(folder, name) == weights
        ],
    )
    for name, source in models.items():
        shutil.copytree(source, package / "models" / name)
    return folder


def test_panel_and_help_offer_the_models_that_are_there(networks, tmp_path):
    """A file that was set to one which is not there says so instead of taking another."""
    models = {f"face-{kind}": folder for kind, (_, folder) in networks.items()}
    full = package_with(models, tmp_path / "full")
    blend = str(tmp_path / "set.blend")
    offered = json.loads(printed((
        "import bpy, json, face_depth_addon\n"
        "from face_depth_addon.blender.command.arguments import parser\n"
        "face_depth_addon.register()\n"
        "settings = bpy.context.scene.face_depth\n"
        "items = settings.bl_rna.properties['model'].enum_items\n"
        "settings.model = 'face-vae'\n"
        f"bpy.ops.wm.save_as_mainfile(filepath={blend!r})\n"
        "items = {item.identifier: [item.name, item.description] for item in items}\n"
        "face_depth_addon.unregister()\n"
        "print(json.dumps([items, parser().format_help()]))\n"
    ), full))
    items, text = offered
    titles = {name: title for name, (title, _) in items.items()}
    bundled = {
        "face-dpt": "Face DPT", "face-attention-unet": "Attention U-Net", "face-vae": "VAE",
        "facemesh": "Fast",
    }
    own = {"FOLDER": "Folder", "FILE": "ONNX File"}
    assert bundled.items() | own.items() <= titles.items()
    assert titles == own | {name: card.title for name, card in read_cards().items()}
    # All the others are in a list of their own.
    for name, (_, description) in items.items():
        assert len(description) > 15
        in_help = f"{name}: " in text or f"{name} (default): " in text
        assert in_help == (name in bundled)

    del models["face-vae"]
    names, said = json.loads(printed((
        "import bpy, json, face_depth_addon\n"
        "from face_depth_addon.blender.models.choice import chosen_model\n"
        "from face_depth_addon.core.errors import ModelError\n"
        "face_depth_addon.register()\n"
        f"bpy.ops.wm.open_mainfile(filepath={blend!r})\n"
        "settings = bpy.context.scene.face_depth\n"
        "names = list(settings.bl_rna.properties['model'].enum_items.keys())\n"
        "try:\n"
        "    said = chosen_model(bpy.context)\n"
        "except ModelError as error:\n"
        "    said = str(error)\n"
        "face_depth_addon.unregister()\n"
        "print(json.dumps([names, said]))\n"
    ), package_with(models, tmp_path / "lean")))
    assert names == [name for name in items if name != "face-vae"]
    assert said == (
        "The model that this file was saved with is not installed here: choose another in the "
        "Face Depth panel."
    )
