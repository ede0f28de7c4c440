# SPDX-License-Identifier: GPL-3.0-or-later
"""Installable zips: what stops one, what is in one, and that Blender takes it."""

import json
import shutil
import tomllib
import zipfile
from pathlib import Path

import _environment
import build_extension
import numpy as np
import pytest
from extension import BuildError, archive, building, checks, wheels
from extension.staging import OURS, Source, stage
from extension.targets import PLATFORMS, PYTHONS, Target
from extension.wheel import read_wheel

from face_depth_addon.inference.cards import Card
from face_depth_addon.inference.depth_sources import onnx_model, transformers_model
from face_depth_addon.inference.running import Running

LINUX, WINDOWS = Target("linux-x64", "3.11"), Target("windows-x64", "3.11")
NEWER = Target("linux-x64", "3.13")


def made_wheel(
    folder: Path, name: str, files: tuple[str, ...] = (), licence: str = "License: MIT",
    requires: tuple[str, ...] = (), tag: str = "py3-none-any",
) -> Path:
    """A wheel with empty files, by default of one package of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", licence]
    metadata += [f"Requires-Dist: {line}" for line in requires]
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as made:
        for file in files or (f"{name}/__init__.py",):
            made.writestr(file, "")
        made.writestr(f"{info}/METADATA", "\n".join(filter(None, metadata)) + "\n")
        made.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        made.writestr(f"{info}/RECORD", "")
    return path


def check(target: Target, *paths: Path) -> None:
    checks.check_wheels([read_wheel(path) for path in paths], target)


@pytest.fixture
def small(tmp_path) -> Source:
    """An add-on of a few lines, with the real manifest and licences."""
    package = tmp_path / "package"
    (package / "cards").mkdir(parents=True)
    (package / "__init__.py").write_text("def register():\n    pass\n")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "left.pyc").write_bytes(b"over")
    return Source(package, OURS.manifest, OURS.licence, OURS.licences)


# What stops a zip


@pytest.mark.parametrize(("target", "letters", "over"), [
    (WINDOWS, 135, 0), (WINDOWS, 136, 1), (LINUX, 200, 0), (Target("windows-x64", "3.13"), 140, 5),
])
def test_path_that_windows_cannot_hold(tmp_path, target, letters, over):
    """With a user name of 20 letters, 135 are left inside the folder of packages."""
    inner = "long/" + "x" * (letters - 8) + ".py"
    assert len(inner) == letters
    wheel = made_wheel(tmp_path, "long", ("long/__init__.py", inner))
    if not over:
        check(target, wheel)
        return
    expected = rf"^long 1\.0 has a path of {259 + over} letters on Windows .*, {over} more than"
    with pytest.raises(BuildError, match=expected):
        check(target, wheel)


def test_path_of_our_own_that_windows_cannot_hold(tmp_path, small):
    (small.package / ("a" * 150)).mkdir()
    (small.package / ("a" * 150) / "b.py").touch()
    with pytest.raises(BuildError, match=r"^The extension has a path of \d+ letters on Windows"):
        building.build(tmp_path / "out", "slim", None, [], small)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("target", "requires", "refused"), [
    (LINUX, "numpy>=2", "Blender 4.2 has 1.24.3"),
    (LINUX, "NumPy>=1.26", "Blender 4.2 has 1.24.3"),
    (LINUX, "numpy<1.26,>=1.20", "Blender 4.4 has 1.26.4"),
    (NEWER, "numpy<2", "Blender 5.1 has 2.2.0"),
    (NEWER, "numpy>=2", ""),
    (LINUX, "numpy>=1.21.6", ""),
    (LINUX, "numpy", ""),
    (LINUX, "numpy>=2; python_version >= '3.12'", ""),
    (LINUX, "numpy>=2; sys_platform == 'win32'", ""),
    (LINUX, "numpy>=2; extra == 'test'", ""),
])
def test_wheel_that_fights_blenders_numpy(tmp_path, target, requires, refused):
    wheel = made_wheel(tmp_path, "sums", requires=("other>=9", requires))
    if not refused:
        check(target, wheel)
        return
    with pytest.raises(BuildError, match=rf"^sums 1\.0 wants numpy\S+, and {refused}\.$"):
        check(target, wheel)


def test_numpy_itself_is_blenders(tmp_path):
    with pytest.raises(BuildError, match=r"^numpy 1\.0 would take the place of Blender's own"):
        check(LINUX, made_wheel(tmp_path, "numpy"))


@pytest.mark.parametrize(("one", "other", "both"), [
    (("cv2/__init__.py", "cv2/a.so"), ("cv2/__init__.py", "cv2/b.so"), "package cv2"),
    (("cv2/__init__.py",), ("cv2/gapi.py",), "package cv2"),
    (("cv2.py",), ("cv2.py",), "package cv2.py"),
    (("google/a/__init__.py",), ("google/A/__init__.py",), "file google/a/__init__.py"),
    (("b-1.0.data/purelib/cv2/__init__.py",), ("cv2/__init__.py",), "package cv2"),
    (("google/a/__init__.py",), ("google/b/__init__.py",), ""),
    (("a.libs/c.so", "a/__init__.py"), ("b.libs/c.so", "b/__init__.py"), ""),
])
def test_two_wheels_with_one_package(tmp_path, one, other, both):
    pair = made_wheel(tmp_path, "first", one), made_wheel(tmp_path, "second", other)
    if not both:
        check(LINUX, *pair)
        return
    with pytest.raises(BuildError, match=rf"^first 1\.0 and second 1\.0 both bring the {both}\.$"):
        check(LINUX, *pair)


@pytest.mark.parametrize(("licence", "seen"), [
    ("", "names no licence"),
    ("License-Expression: SSPL-1.0", "is under the licence SSPL-1.0, which is not among"),
    ("License-Expression: MIT AND SSPL-1.0", "is under the licence MIT AND SSPL-1.0"),
    ("License: Free for friends", "is under the licence Free for friends"),
    ("Classifier: License :: OSI Approved :: Sleepycat License", "is under the licence Sleepycat"),
    ("License-Expression: MIT OR SSPL-1.0", ""),
    ("License-Expression: MIT AND (SSPL-1.0 OR Apache-2.0 WITH LLVM-exception)", ""),
    ("License: Apache 2.0", ""),
    ("License: My words\nClassifier: License :: OSI Approved :: BSD License", ""),
])
def test_licence_that_is_not_known(tmp_path, licence, seen):
    wheel = made_wheel(tmp_path, "words", licence=licence)
    if not seen:
        check(LINUX, wheel)
        return
    with pytest.raises(BuildError, match=rf"^words 1\.0 {seen}"):
        check(LINUX, wheel)


def test_file_that_is_no_wheel(tmp_path):
    (tmp_path / "a-1.0-py3-none-any.whl").write_text("not found")
    with pytest.raises(BuildError, match=r"^a-1\.0-py3-none-any\.whl is no wheel"):
        check(LINUX, tmp_path / "a-1.0-py3-none-any.whl")


def test_zip_that_differs_when_built_again(tmp_path, small, monkeypatch):
    turns = iter("ab")

    def restless(folder, *rest):
        stage(folder, *rest)
        (folder / "day.txt").write_text(next(turns))

    monkeypatch.setattr(building, "stage", restless)
    with pytest.raises(BuildError, match=r"-slim\.zip was another .* again: day\.txt\.$"):
        building.build(tmp_path / "out", "slim", None, [], small)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_blender_refuses(tmp_path, small):
    bad = tmp_path / "bad.toml"
    bad.write_text(small.manifest.read_text().replace('"Mesh"', '"Meshes"'))
    with pytest.raises(BuildError, match=r"^Blender's extension command failed at build .*Meshes"):
        building.build(
            tmp_path, "slim", None, [], Source(small.package, bad, small.licence, small.licences)
        )


@pytest.mark.parametrize(("arguments", "said"), [
    (["--platform", "macos-x64"], "PyTorch for Macs with Intel processors ends with version 2.2"),
    (["--lite", "--platform", "macos-x64", "--python", "3.13"], "ends with version 4.5"),
    (["--platform", "linux-x64", "amiga"], "There is no zip with packages for amiga"),
])
def test_zip_that_is_not_offered_is_one_sentence(tmp_path, capsys, arguments, said):
    assert build_extension.main([*arguments, "--output", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


# Wheels


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_locks_have_what_each_system_needs(platform, python):
    target = Target(platform, python)
    names = {}
    for edition in ("lite", "full"):
        pins = wheels.read_lock(_environment.LOCKS / f"wheels-{edition}.txt", target)
        assert all(pin.hashes for pin in pins)
        names[edition] = dict(pin.requirement.split("==") for pin in pins)
    for found in names.values():
        assert {"opencv-python", "pillow", "onnxruntime", "huggingface-hub"} <= found.keys()
        assert not found.keys() & {"numpy", "opencv-python-headless", "hf-xet"}
        assert ("colorama" in found) == (platform == "windows-x64")
    assert names["lite"]["onnxruntime"] == ("1.23.2" if platform == "macos-x64" else "1.32.0")
    # Later versions have paths that Windows cannot hold; for Linux it has a lock of its own.
    torch = {"windows-x64": "2.12.1", "linux-x64": None}.get(platform, _environment.TORCH)
    assert names["full"].get("torch") == torch and "torch" not in names["lite"]


def test_wheels_are_the_locked_ones_or_none(tmp_path, monkeypatch):
    monkeypatch.setattr(_environment, "LOCKS", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    there = made_wheel(tmp_path / "kept" / str(LINUX), "sums")
    digest = archive.digest(there)
    lock = tmp_path / "wheels-lite.txt"
    lock.write_text(
        f"sums==1.0 \\\n    --hash=sha256:{digest}\n"
        f"other==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{digest}\n"
    )
    assert wheels.fetch(LINUX, "lite", tmp_path / "kept") == [there]
    with there.open("ab") as file:
        file.write(b"more")
    with pytest.raises(BuildError, match=r"^The wheels of sums==1\.0 for linux-x64-py311 could no"):
        wheels.fetch(LINUX, "lite", tmp_path / "kept")


# What is in a zip


def unpacked(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as opened:
        opened.extractall(folder)
    return folder


def test_slim_zip_holds_the_add_on_and_installs(tmp_path):
    """All of the add-on but for its weights, which would take most of the time here."""
    package = tmp_path / "package"
    shutil.copytree(OURS.package, package, ignore=shutil.ignore_patterns("models"))
    ours = Source(package, OURS.manifest, OURS.licence, OURS.licences)
    path = building.build(tmp_path / "out", "slim", None, [], ours)
    version = tomllib.loads(OURS.manifest.read_text())["version"]
    assert path.name == f"face_depth-{version}-slim.zip"
    (tmp_path / "there").mkdir()
    archive.blender("install-files", "--local-dir", str(tmp_path / "there"), str(path))
    there = tmp_path / "there" / "face_depth"
    expected = {
        file.relative_to(package) for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    found = {file.relative_to(there) for file in there.rglob("*") if file.is_file()}
    extra = {Path("LICENSE"), Path("LICENSES.md"), Path("blender_manifest.toml")}
    assert found == expected | extra


def test_same_files_give_the_same_bytes(tmp_path, small):
    """Whatever their times, rights, and the order in which they were written."""
    digests = []
    for turn, names in enumerate((("a.py", "b.py", "c.py"), ("c.py", "a.py", "b.py"))):
        package = tmp_path / f"package {turn}"
        shutil.copytree(small.package, package)
        for name in names:
            (package / name).write_text(f"# {name}\n")
        (package / "a.py").chmod(0o600 + 0o100 * turn)
        source = Source(package, small.manifest, small.licence, small.licences)
        folder = tmp_path / f"out {turn}"
        digests.append(archive.digest(building.build(folder, "slim", None, [], source)))
    assert digests[0] == digests[1]


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """A folder with a tiny random network of ours, in half precision as the bundled ones are."""
    import torch

    from face_depth_addon.inference.networks import AttentionUnet, AttentionUnetConfig

    folder = tmp_path_factory.mktemp("network") / "face-tiny"
    torch.manual_seed(1)
    model = AttentionUnet(AttentionUnetConfig(widths=(4, 8, 8))).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2.0)
        # New weights are so small that the picture hardly shows.
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    model.half().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "size": {"height": 32, "width": 32}, "ensure_multiple_of": 4, "do_rescale": True,
        "do_normalize": True, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4],
    }))
    (folder / "face_depth.json").write_text(json.dumps({
        "title": "Tiny", "output": "depth_in_crop_sides", "crop_margin": 2.0, "crop_rise": 0.1,
        "average_flipped": True, "subject": True,
    }))
    return folder


def with_network(source: Source, network: Path) -> Source:
    shutil.copytree(network, source.package / "models" / network.name)
    card = {"title": "Tiny", "source": "transformers_model", "number": 90}
    (source.package / "cards" / f"{network.name}.json").write_text(json.dumps(card))
    other = {"title": "Other", "source": "transformers_model", "repository": "some/where"}
    (source.package / "cards" / "other.json").write_text(json.dumps(other))
    return source


def test_lite_zip_says_the_same_without_pytorch(tmp_path, small, network):
    held = [
        made_wheel(tmp_path / "wheels", "sums", tag="cp311-cp311-manylinux_2_28_x86_64"),
        made_wheel(tmp_path / "wheels", "words", licence="License-Expression: Apache-2.0"),
    ]
    source = with_network(small, network)
    path = building.build(tmp_path / "out", "lite", LINUX, held, source)
    assert path.name.endswith("-lite-linux-x64-py311.zip")
    folder = unpacked(path, tmp_path / "there")

    manifest = tomllib.loads((folder / "blender_manifest.toml").read_text())
    assert manifest["platforms"] == ["linux-x64"]
    assert (manifest["blender_version_min"], manifest["blender_version_max"]) == ("4.2.0", "5.1.0")
    assert manifest["wheels"] == [f"./wheels/{wheel.name}" for wheel in held]
    for wheel in held:
        assert (folder / "wheels" / wheel.name).read_bytes() == wheel.read_bytes()
    table = (folder / "LICENSES.md").read_text()
    assert "| sums | 1.0 | MIT |" in table and "| words | 1.0 | Apache-2.0 |" in table

    weights = folder / "models" / network.name
    assert {file.name for file in weights.iterdir()} == {"model.onnx", "model.json"}
    assert json.loads((folder / "cards" / "other.json").read_text())["source"] != "onnx_model"
    # Half precision holds all weights, so they take no more room than they did.
    before = (network / "model.safetensors").stat().st_size
    assert (weights / "model.onnx").stat().st_size < before + 30_000
    content = json.loads((folder / "cards" / f"{network.name}.json").read_text())
    assert content["source"] == "onnx_model"
    ours, theirs = (
        module.load(module.check(place, card(content["title"], source)), Running("cpu"))
        for module, place, source in (
            (onnx_model, weights, "onnx_model"), (transformers_model, network, "transformers_model")
        )
    )
    for name in ("input_size", "margin", "rise", "kind", "name"):
        assert getattr(ours, name) == getattr(theirs, name)
    rgb = np.random.default_rng(4).integers(0, 256, (32, 32, 3), np.uint8)
    found, expected = ours.predict(rgb), theirs.predict(rgb)
    for name in ("depth", "subject", "uncertainty"):
        seen, right = getattr(found, name), getattr(expected, name)
        assert seen.dtype == np.float32 and np.ptp(right) > 1e-3
        np.testing.assert_allclose(seen, right, atol=2e-5)


def card(title: str, source: str) -> Card:
    return Card(
        name="face-tiny", number=90, title=title, good_at="", source=source, faces_only=True,
        licence="MIT", commercial=True, megabytes=1, speed="quick",
    )


# Repositories


def made_zip(folder: Path, small: Source, target: Target | None, version: str = "") -> Path:
    manifest = small.manifest
    if version:
        text = manifest.read_text()
        manifest = folder.parent / f"{version}.toml"
        manifest.write_text(text.replace(f'"{tomllib.loads(text)["version"]}"', f'"{version}"'))
    held = []
    if target is not None:
        python = target.python.replace(".", "")
        tag = f"cp{python}-cp{python}-manylinux_2_28_x86_64"
        held = [made_wheel(folder.parent / "wheels", "sums", tag=tag)]
    source = Source(small.package, manifest, small.licence, small.licences)
    return building.build(folder, "full" if held else "slim", target, held, source)


def test_blender_installs_and_updates_from_a_repository(tmp_path, small):
    repository, local = tmp_path / "repository", tmp_path / "local"
    url = (repository / "index.json").as_uri()

    def installed() -> dict:
        archive.blender("sync", "--local-dir", str(local), "--remote-url", url)
        archive.blender(
            "install", "--local-dir", str(local), "--remote-url", url, "--local-cache", "0",
            "--blender-version", "5.1.0", "--python-version", "3.13.0", "face_depth",
        )  # fmt: skip
        return tomllib.loads((local / "face_depth" / "blender_manifest.toml").read_text())

    zips = [made_zip(tmp_path / "out", small, target) for target in (LINUX, NEWER)]
    building.publish(zips, repository)
    entries = json.loads((repository / "index.json").read_text())["data"]
    assert sorted(entry["python_versions"] for entry in entries) == [["3.11"], ["3.13"]]
    assert {entry["archive_hash"] for entry in entries} == {
        f"sha256:{archive.digest(path)}" for path in zips
    }
    first = installed()
    assert first["wheels"] == ["./wheels/sums-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"]

    building.publish([made_zip(tmp_path / "out", small, NEWER, "9.0.0")], repository)
    assert installed()["version"] == "9.0.0"
    assert sorted(path.name for path in repository.glob("*.zip")) == [
        zips[0].name, "face_depth-9.0.0-full-linux-x64-py313.zip",
    ]


def test_repository_offers_one_edition_only(tmp_path, small):
    repository = tmp_path / "repository"
    zips = [made_zip(tmp_path / "out", small, target) for target in (LINUX, None)]
    with pytest.raises(BuildError, match=r"repository has more than one zip for the same Blender"):
        building.publish(zips, repository)
