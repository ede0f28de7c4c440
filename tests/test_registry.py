# SPDX-License-Identifier: GPL-3.0-or-later
"""The cards of the models, and how a model is added: one file and one card."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from face_depth_addon.core.errors import ModelError
from face_depth_addon.inference.cards import SPEEDS, read_cards
from face_depth_addon.inference.registry import find_model

ROOT = Path(__file__).resolve().parent.parent
CARDS = read_cards()

SOURCE = '''
"""Planes: the depth model that the test adds."""

from dataclasses import dataclass

import numpy as np

from ...core.depth.predicted import Prediction


@dataclass(frozen=True)
class Plane:
    card: object
    slope: float
    parameters: int = 1


def check(place, card):
    return Plane(card, float((place / "slope.txt").read_text()))


def load(checked, running):
    return Loaded(checked)


class Loaded:
    margin, rise, input_size, kind, device = 1.7, 0.05, 32, "crop_sides", "cpu"

    def __init__(self, plane):
        self.name, self._slope = plane.card.title, plane.slope

    def predict(self, rgb):
        across = np.linspace(0.0, self._slope, 32, dtype=np.float32)
        return Prediction(np.tile(across, (32, 1)))
'''
CARD = {
    "number": 9999, "title": "Planes", "good_at": "Tables and walls", "source": "planes",
    "faces_only": False, "licence": "MIT", "commercial": True, "megabytes": 1, "speed": "quickest",
}


@pytest.mark.parametrize("name", CARDS)
def test_card_says_what_people_need(name):
    card = CARDS[name]
    assert card.title and 5 < len(card.good_at) < 75 and not card.good_at.endswith(".")
    assert card.speed in SPEEDS and card.licence and card.megabytes > 0
    if card.source:
        module = importlib.import_module(f"face_depth_addon.inference.depth_sources.{card.source}")
        assert callable(module.check) and callable(module.load)
    if not card.comes_along:
        assert card.home.startswith("https://")
        assert card.url or any(".safetensors" in each or ".onnx" in each for each in card.files)
        assert not any(each.endswith((".bin", ".pt", ".pth", ".ckpt")) for each in card.files)


def test_cards_keep_their_numbers_apart():
    """They stand in saved files, beside those of a folder (2) and a file (5) of one's own."""
    numbers = [card.number for card in CARDS.values()] + [2, 5]
    assert len(set(numbers)) == len(numbers)
    assert [CARDS[name].number for name in (
        "face-dpt", "facemesh", "face-attention-unet", "face-vae"
    )] == [0, 1, 3, 4]


def test_licences_that_forbid_business_are_marked():
    for card in CARDS.values():
        forbidding = any(word in card.licence for word in ("NC", "research", "not stated"))
        assert card.commercial != forbidding, card.name


def test_adding_a_model_is_one_file_and_one_card(tmp_path, astronaut):
    package = tmp_path / "face_depth_addon"
    shutil.copytree(
        ROOT / "face_depth_addon", package, ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "inference" / "depth_sources" / "planes.py").write_text(SOURCE)
    (package / "cards" / "planes.json").write_text(json.dumps(CARD))
    (package / "models" / "planes").mkdir()
    (package / "models" / "planes" / "slope.txt").write_text("0.25")
    code = (
        "import bpy, json, face_depth_addon\n"
        "import numpy as np\n"
        "from face_depth_addon.inference.client import WorkerClient\n"
        "from face_depth_addon.inference.request import Request\n"
        "face_depth_addon.register()\n"
        "item = bpy.context.scene.face_depth.bl_rna.properties['model'].enum_items['planes']\n"
        "told = [item.name, item.description]\n"
        "face_depth_addon.unregister()\n"
        "client = WorkerClient()\n"
        f"job = client.submit(Request({{'path': {str(astronaut)!r}}}, 'planes'))\n"
        "while not job.poll(1.0):\n"
        "    pass\n"
        "client.close()\n"
        "found = job.result\n"
        "middle = len(found.depth) // 2\n"
        "row = np.flatnonzero(found.subject[middle])\n"
        "rise = np.diff(found.depth[middle, row[[20, -20]]])[0] / (row[-20] - row[20])\n"
        "slope = float(rise) * len(found.depth) / found.crop.side\n"
        "print(json.dumps([told, slope, found.info['model']]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told, slope, model = json.loads(
        next(line for line in done.stdout.splitlines() if line.startswith("[["))
    )
    assert told[0] == "Planes" and told[1].startswith("Tables and walls") and model == "planes"
    assert slope == pytest.approx(0.25, rel=0.1)


@pytest.mark.parametrize("name", ["dpt-large", "marigold-depth", "david-base"])
def test_missing_model_is_a_sentence_that_says_how_to_get_it(name, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelError) as caught:
        find_model(name)
    said = str(caught.value)
    card = CARDS[name]
    assert said.startswith(f"{card.title} is not on this machine") and said.endswith(".")
    assert f"--download {name}" in said and card.home in said


def test_folder_of_models_is_looked_into(monkeypatch, tmp_path):
    from tiny_models import tiny_dpt

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    tiny_dpt(tmp_path / "models" / "dpt-large")
    found = find_model("dpt-large", str(tmp_path / "models"))
    assert found.card == CARDS["dpt-large"] and found.kind == "disparity"
    assert np.isclose(found.input_size, 64)


def test_documentation_lists_every_card():
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for card in CARDS.values():
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{card.name}` |"))
        assert all(told in row for told in (card.title, card.licence, card.size_text, card.speed))
        assert ("**nc**" in row) != card.commercial


def test_models_that_come_along_still_see_the_same():
    """By the command with which people try the others' real weights."""
    names = [card.name for card in CARDS.values() if card.comes_along]
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "verify_models.py", *names],
        capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("| as expected |") == len(names)
