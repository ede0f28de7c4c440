# SPDX-License-Identifier: GPL-3.0-or-later
"""What the test of real windows rests on, as far as it needs no other system."""

import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from windows.desktop import Box, Word, find  # noqa: E402
from windows.installing import write_version  # noqa: E402
from windows.rooms import Room, recipes  # noqa: E402

MANIFEST = 'schema_version = "1.0.0"\nid = "face_depth"\nversion = "0.1.0"\n'


def words(*lines: str) -> list[Word]:
    """Lines of text as they are read from a screen, twenty pixels a line and ten a letter."""
    found = []
    for row, line in enumerate(lines):
        left = 0
        for text in line.split():
            box = Box(left, 20 * row, 10 * len(text), 12)
            found.append(Word(text, box, (1, 1, row)))
            left += box.width + 10
    return found


@pytest.mark.parametrize(
    ("label", "places"),
    [
        ("Reconstruct Face", [(85, 26)]),
        ("Clean Up", [(140, 46), (45, 66)]),
        ("Strength", [(45, 6)]),
        ("Reset Shape", []),
    ],
)
def test_labels_are_found_as_a_reader_would(label, places):
    # Tesseract has taken an l for a capital i, and has seen an icon as letters.
    screen = words(
        "Strength 1.00", "# Reconstruct Face", "Smooth and CIean Up", "Clean Up"
    )
    found = [box.centre for box in find(screen, label)]
    assert len(found) == len(places)
    assert all(abs(a - c) <= 20 and b == d for (a, b), (c, d) in zip(found, places))


def test_another_version_changes_the_manifest_alone(tmp_path):
    source, target = tmp_path / "a.zip", tmp_path / "b.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("blender_manifest.toml", MANIFEST)
        archive.writestr("data/model.bin", b'version = "0.1.0"')
    write_version(source, target, "99.0.0")
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["blender_manifest.toml", "data/model.bin"]
        assert archive.read("data/model.bin") == b'version = "0.1.0"'
        manifest = archive.read("blender_manifest.toml").decode()
    assert manifest == MANIFEST.replace("0.1.0", "99.0.0")


def test_rooms_take_their_pins_from_the_lock_and_are_offline(tmp_path):
    lock = (ROOT / "scripts" / "requirements" / "packages.txt").read_text(encoding="utf-8")
    made = recipes(lock)
    assert set(made) == {"4.3", "5.2"}
    for recipe in made.values():
        assert all(requirement in lock and "==" in requirement for requirement in recipe.pip)
        command = Room(recipe, tmp_path).command(["blender"])
        assert command[:2] == ["unshare", "--net"] and command[-1] == "blender"
        assert str(tmp_path / recipe.suite) in command
