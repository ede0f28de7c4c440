# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads through the worker, from a server on this machine that answers as the Hub does."""

import hashlib
import importlib.util
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hub_server import HubServer, Repository, running_hub
from tiny_models import tiny_dpt

from face_depth_addon.inference import places
from face_depth_addon.inference.cards import Card, read_cards

ROOT = Path(__file__).resolve().parent.parent
COPY = "face_depth_copy"
WEIGHTS = "model.safetensors"
FILES = ["config.json", "preprocessor_config.json", WEIGHTS]
# The names of the models that the copy knows, one for each kind of trouble.
NAMES = (
    "whole", "branch", "breaking", "killed", "cancelled", "corrupt", "gated", "pickles", "odd",
    "linkless", "moved", "missing",
)


@dataclass(frozen=True)
class Copy:
    """A copy of the add-on that knows the server's models, imported beside the real one."""

    hub: HubServer
    cache: Path
    files: dict[str, bytes]
    client: ModuleType
    request: ModuleType
    errors: ModuleType
    cards: dict[str, Card]

    def offer(self, name: str, **trouble) -> Repository:
        """Put a model on the server."""
        self.hub.repositories[f"owner/{name}"] = made = Repository(dict(self.files), **trouble)
        return made

    def online(self) -> object:
        return self.client.WorkerClient(online=True)

    def submit(self, client, name: str):
        return client.submit(self.request.DownloadRequest(name))

    def place(self, name: str) -> Path | None:
        return places.find_place(self.cards[name])

    def state(self, name: str) -> str:
        return places.state(self.cards[name])


def card(**content) -> dict:
    return {
        "number": 900, "title": "Tiny", "good_at": "Tests", "source": "transformers_model",
        "faces_only": False, "licence": "MIT", "commercial": True, "megabytes": 1,
        "speed": "quick", "home": "https://example.org/tiny", **content,
    }


def import_copy(package: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        COPY, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    sys.modules[COPY] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("downloads")
    torch.manual_seed(3)
    model = tiny_dpt(folder / "tiny")
    files = {name: (model / name).read_bytes() for name in FILES}
    package = folder / "face_depth_addon"
    ignored = shutil.ignore_patterns("models", "__pycache__")
    shutil.copytree(ROOT / "face_depth_addon", package, ignore=ignored)
    (package / "models").symlink_to(ROOT / "face_depth_addon" / "models")
    patch = pytest.MonkeyPatch()
    with running_hub() as hub, patch.context():
        for name in NAMES:
            (package / "cards" / f"{name}.json").write_text(json.dumps(card(
                title=f"Tiny {name.title()}", repository=f"owner/{name}", files=FILES,
                revision={"whole": 40 * "a", "branch": "refs/pr/5"}.get(name, "main"),
            )))
        for name, checksum in (("single", hashlib.sha256(files[WEIGHTS]).hexdigest()),
                               ("unlike", 64 * "0")):
            (package / "cards" / f"{name}.json").write_text(json.dumps(card(
                title=name.title(), url=f"{hub.store}/plain/{name}/net.onnx", sha256=checksum,
                source="onnx_model", settings={"file": f"{name}.onnx"},
            )))
        for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN"):
            patch.delenv(variable, raising=False)
        patch.setenv("HF_HOME", str(folder / "huggingface"))
        patch.setenv("HF_ENDPOINT", hub.endpoint)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        import_copy(package)
        modules = {
            name: importlib.import_module(f"{COPY}.{path}") for name, path in (
                ("client", "inference.client"), ("request", "inference.request"),
                ("errors", "core.errors"), ("cards", "inference.cards"),
            )
        }
        known = modules.pop("cards").read_cards()
        yield Copy(hub, folder / "huggingface" / "hub", files, cards=known, **modules)
    for name in [name for name in sys.modules if name.partition(".")[0] == COPY]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def online(copy):
    made = copy.online()
    yield made
    made.close()


@pytest.fixture(scope="module")
def offline(copy):
    made = copy.client.WorkerClient()
    yield made
    made.close()


def finish(job):
    while not job.poll(1.0):
        pass
    return job.result


def reconstruct(copy: Copy, client, photo: Path, model: str):
    return finish(client.submit(copy.request.Request({"path": str(photo)}, model, "cpu")))


def sentence(copy: Copy, action: Callable[[], object]) -> str:
    """What the user is told; one sentence without a traceback."""
    with pytest.raises(copy.errors.FaceDepthError) as raised:
        action()
    said = str(raised.value)
    assert said.endswith(".") and "\n" not in said and "Traceback" not in said
    assert type(raised.value).__name__ in {"DownloadError", "ModelError", "WorkerError"}
    assert "unexpectedly" not in said
    return said


def wait_for_bytes(job, folder: Path, count: int) -> Path:
    """The partial file in a folder, once it holds that many bytes."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        assert not job.poll(0.05)
        for file in folder.glob("*.incomplete"):
            if file.stat().st_size == count:
                return file
    raise AssertionError("the bytes never came")


def test_downloaded_model_reconstructs_without_the_network(copy, online, offline, astronaut):
    copy.offer("whole")
    job = copy.submit(online, "whole")
    labels = []
    while not job.poll(0.05):
        labels.append(job.label)
    labels.append(job.label)
    assert job.result.path == copy.place("whole") and copy.state("whole") == "present"
    assert job.result.bytes == sum(map(len, copy.files.values()))
    assert labels[-1] == "Downloaded" and job.fraction == 1.0
    for name, content in copy.files.items():
        assert (job.result.path / name).read_bytes() == content
    # The weights came last, when all else was there.
    assert [asked.range for asked in copy.hub.bodies("owner/whole")] == [""]

    asked = len(copy.hub.asked)
    result = reconstruct(copy, offline, astronaut, "whole")
    assert np.isfinite(result.depth).all() and np.ptp(result.depth[result.subject]) > 0.0
    assert len(copy.hub.asked) == asked


def test_nothing_is_fetched_again(copy, online):
    copy.offer("whole")
    first = finish(copy.submit(online, "whole"))
    asked = len(copy.hub.bodies("owner/whole"))
    assert finish(copy.submit(online, "whole")) == first
    assert len(copy.hub.bodies("owner/whole")) == asked


def test_revision_by_name_is_found_again(copy, online):
    copy.offer("branch", commit=40 * "b", revisions=("main", "refs/pr/5"))
    assert finish(copy.submit(online, "branch")).path.name == 40 * "b"
    assert copy.place("branch").name == 40 * "b"


def test_broken_connection_goes_on_by_itself(copy, online):
    copy.offer("breaking", break_after=[20_000, 7_000])
    found = finish(copy.submit(online, "breaking"))
    assert (found.path / WEIGHTS).read_bytes() == copy.files[WEIGHTS]
    ranges = [asked.range for asked in copy.hub.bodies("owner/breaking")]
    assert ranges == ["", "bytes=20000-", "bytes=27000-"]


def test_killed_download_goes_on_where_it_stopped(copy, offline, astronaut):
    repository = copy.offer("killed", hold_after=30_000)
    client = copy.online()
    job = copy.submit(client, "killed")
    blobs = copy.cache / "models--owner--killed" / "blobs"
    partial = wait_for_bytes(job, blobs, 30_000)
    client.close()
    assert partial.stat().st_size == 30_000
    assert copy.state("killed") == "partial" and copy.place("killed") is None
    assert sentence(copy, lambda: reconstruct(copy, offline, astronaut, "killed")) == (
        "The download of Tiny Killed is not finished: start it again in the Face Depth panel, or "
        "by --download killed, it goes on where it stopped."
    )

    repository.released.set()
    found = finish(copy.submit(client, "killed"))
    client.close()
    assert (found.path / WEIGHTS).read_bytes() == copy.files[WEIGHTS]
    assert copy.state("killed") == "present"
    assert [asked.range for asked in copy.hub.bodies("owner/killed")] == ["", "bytes=30000-"]


def test_cancelled_download_keeps_what_it_has(copy, online):
    repository = copy.offer("cancelled", hold_after=30_000)
    job = copy.submit(online, "cancelled")
    wait_for_bytes(job, copy.cache / "models--owner--cancelled" / "blobs", 30_000)
    worker = online.pid
    job.cancel()
    # The worker hears of it before more bytes come.
    time.sleep(0.5)
    repository.hold_after = 0
    repository.released.set()
    with pytest.raises(copy.errors.Cancelled):
        finish(job)
    assert copy.state("cancelled") == "partial"
    finish(copy.submit(online, "cancelled"))
    assert online.pid == worker and copy.state("cancelled") == "present"
    # Only the rest was asked for, if anything was left.
    ranges = [asked.range for asked in copy.hub.bodies("owner/cancelled")]
    assert ranges[0] == "" and all(ranges[1:])


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
def test_wrong_checksum_is_said_and_nothing_of_it_kept(copy, online, name):
    repository = copy.offer("corrupt", corrupt={name})
    assert sentence(copy, lambda: finish(copy.submit(online, "corrupt"))) == (
        f"{name} of Tiny Corrupt did not arrive as its checksum says, and was deleted: start the "
        "download again."
    )
    assert copy.state("corrupt") != "present"
    repository.corrupt.clear()
    found = finish(copy.submit(online, "corrupt"))
    assert (found.path / name).read_bytes() == copy.files[name]
    shutil.rmtree(copy.cache / "models--owner--corrupt")


def test_file_that_rotted_in_the_cache_is_replaced(copy, online):
    copy.offer("corrupt")
    path = finish(copy.submit(online, "corrupt")).path / WEIGHTS
    blob = path.resolve()
    blob.write_bytes(bytes(len(copy.files[WEIGHTS])))
    assert "checksum" in sentence(copy, lambda: finish(copy.submit(online, "corrupt")))
    # Its link leads nowhere now.
    assert path.is_symlink() and not path.exists() and copy.state("corrupt") == "partial"
    finish(copy.submit(online, "corrupt"))
    assert path.read_bytes() == copy.files[WEIGHTS]
    shutil.rmtree(copy.cache / "models--owner--corrupt")


def test_gated_model_needs_a_token_which_only_the_hub_gets(copy, online, monkeypatch):
    copy.offer("gated", gated=True)
    assert sentence(copy, lambda: finish(copy.submit(online, "gated"))) == (
        "127.0.0.1 does not give Tiny Gated to everybody: accept its terms at "
        "https://example.org/tiny, log in with hf auth login, and start the download again."
    )
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    client = copy.online()
    finish(copy.submit(client, "gated"))
    client.close()
    assert copy.state("gated") == "present"
    body, = copy.hub.bodies("owner/gated")
    assert body.token == ""
    assert any(asked.token == "Bearer hf_secret" for asked in copy.hub.asked)


def test_pickles_are_refused_before_anything_is_fetched(copy, online):
    repository = copy.offer("pickles")
    repository.files["pytorch_model.bin"] = repository.files.pop(WEIGHTS)
    assert sentence(copy, lambda: finish(copy.submit(online, "pickles"))) == (
        "Tiny Pickles offers no safetensors at the Hub, only pickles, which are refused."
    )
    assert not copy.hub.bodies("owner/pickles") and copy.state("pickles") == "missing"


@pytest.mark.parametrize(("trouble", "said"), [
    ({"status": 404}, "is not offered at 127.0.0.1 any more: see https://example.org/tiny."),
    ({"status": 401, "error_code": "RepoNotFound"}, "is not offered at 127.0.0.1 any more"),
    ({"revisions": ("other",)}, "is not offered at 127.0.0.1 any more"),
    ({"status": 403}, "does not give Tiny Odd to everybody"),
    ({"status": 429}, "127.0.0.1 has been asked too often: wait a few minutes"),
    ({"status": 503}, "127.0.0.1 has a fault of its own at the moment (503)"),
    ({"portal": True}, "a log-in page of this network may lie between"),
    ({"sizes": {WEIGHTS: 10**15}}, "needs 1000000.0 GB more on the disk of"),
    ({"break_after": [0] * 4}, "The connection to 127.0.0.1 broke off: start the download again"),
])
def test_trouble_is_one_sentence(copy, online, trouble, said):
    copy.offer("odd", **trouble)
    assert said in sentence(copy, lambda: finish(copy.submit(online, "odd")))
    assert copy.state("odd") != "present"
    shutil.rmtree(copy.cache / "models--owner--odd", ignore_errors=True)


def test_file_that_is_gone_from_the_hub_is_named(copy, online):
    repository = copy.offer("odd")
    del repository.files["preprocessor_config.json"]
    assert sentence(copy, lambda: finish(copy.submit(online, "odd"))) == (
        "Tiny Odd has no preprocessor_config.json at the Hub any more."
    )


def test_no_connection_is_one_sentence(copy, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    client = copy.online()
    assert sentence(copy, lambda: finish(copy.submit(client, "odd"))) == (
        "127.0.0.1 cannot be reached: check the connection to the internet, then start the "
        "download again, it goes on where it stopped."
    )
    client.close()


def test_cache_that_cannot_be_written_is_named(copy, monkeypatch, tmp_path):
    copy.offer("odd")
    monkeypatch.setenv("HF_HUB_CACHE", str(write(tmp_path / "file") / "hub"))
    client = copy.online()
    said = sentence(copy, lambda: finish(copy.submit(client, "odd")))
    client.close()
    assert said.startswith(str(tmp_path / "file")) and "cannot be written" in said


def test_missing_model_is_not_fetched_by_reconstructing(copy, offline, astronaut):
    copy.offer("missing")
    asked = len(copy.hub.asked)
    assert sentence(copy, lambda: reconstruct(copy, offline, astronaut, "missing")) == (
        "Tiny Missing is not on this machine: download it in the Face Depth panel, or by "
        "--download missing, or put it as missing into your folder of models "
        "(https://example.org/tiny)."
    )
    assert len(copy.hub.asked) == asked and copy.state("missing") == "missing"


def test_each_worker_keeps_to_its_own(copy, online, offline, astronaut):
    """Photos never come into a process that may reach the network."""
    copy.offer("missing")
    asked = len(copy.hub.asked)
    assert "no access to the network" in sentence(
        copy, lambda: finish(copy.submit(offline, "missing"))
    )
    assert "takes no photos" in sentence(
        copy, lambda: reconstruct(copy, online, astronaut, "face-dpt")
    )
    assert len(copy.hub.asked) == asked


def test_models_that_need_no_download_say_so(copy, online):
    assert sentence(copy, lambda: finish(copy.submit(online, "face-dpt"))) == (
        "Face DPT comes with Face Depth: there is nothing to download."
    )
    assert "no depth model called nonsense" in sentence(
        copy, lambda: finish(copy.submit(online, "nonsense"))
    )


def test_weights_lie_on_the_disk_once_where_links_are_not_allowed(copy, monkeypatch):
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    copy.offer("linkless")
    client = copy.online()
    path = finish(copy.submit(client, "linkless")).path
    client.close()
    assert not (path / WEIGHTS).is_symlink() and copy.state("linkless") == "present"
    folder = copy.cache / "models--owner--linkless"
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert held < 1.5 * len(copy.files[WEIGHTS])


def test_older_state_of_a_branch_stays_in_use_until_the_new_one_is_whole(copy, online):
    copy.offer("moved", commit=40 * "1")
    finish(copy.submit(online, "moved"))
    newer = copy.offer("moved", commit=40 * "2", break_after=[0] * 4)
    newer.files[WEIGHTS] += bytes(8)
    assert "broke off" in sentence(copy, lambda: finish(copy.submit(online, "moved")))
    assert copy.place("moved").name == 40 * "1"
    assert finish(copy.submit(online, "moved")).path.name == 40 * "2"


@pytest.mark.parametrize(("trouble", "ranges"), [
    ({"break_after": [9_000]}, ["bytes=0-0", "", "bytes=9000-"]),
    # The first answer is to the question for its size.
    ({"break_after": [10, 9_000], "ranges": False}, ["bytes=0-0", "", "bytes=9000-"]),
])
def test_single_file_goes_on_where_it_stopped(copy, online, trouble, ranges):
    content = copy.files[WEIGHTS]
    copy.hub.repositories["plain/single"] = Repository({"net.onnx": content}, **trouble)
    before = len(copy.hub.bodies("plain/single"))
    found = finish(copy.submit(online, "single"))
    assert found.path == copy.place("single") == copy.cache.parent / "face_depth" / "single.onnx"
    assert found.path.read_bytes() == content and found.bytes == len(content)
    assert [asked.range for asked in copy.hub.bodies("plain/single")[before:]] == ranges
    found.path.unlink()


def test_single_file_with_another_checksum_is_not_kept(copy, online):
    copy.hub.repositories["plain/unlike"] = Repository({"net.onnx": copy.files[WEIGHTS]})
    assert "did not arrive as its checksum says" in sentence(
        copy, lambda: finish(copy.submit(online, "unlike"))
    )
    assert copy.state("unlike") == "missing"
    copy.hub.repositories["plain/unlike"].status = 404
    assert "is not offered at localhost any more" in sentence(
        copy, lambda: finish(copy.submit(online, "unlike"))
    )


# --- Where weights lie -----------------------------------------------------------------------


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize(("variables", "expected"), [
    ({"HF_HUB_CACHE": "{}/a", "HF_HOME": "{}/b"}, "a"),
    ({"HUGGINGFACE_HUB_CACHE": "{}/a", "HF_HOME": "{}/b"}, "a"),
    ({"HF_HOME": "{}/b", "XDG_CACHE_HOME": "{}/c"}, "b/hub"),
    ({"HF_HOME": "~/b"}, "b/hub"),
    ({"BASE": "{}/d", "HF_HOME": "$BASE/b"}, "d/b/hub"),
    ({"XDG_CACHE_HOME": "{}/c"}, "c/huggingface/hub"),
    ({}, ".cache/huggingface/hub"),
])
def test_cache_is_where_the_hubs_own_library_has_it(monkeypatch, tmp_path, variables, expected):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert places.hub_cache() == tmp_path / expected


@pytest.fixture
def empty_cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_half_a_download_does_not_count_as_present(empty_cache):
    dpt = read_cards()["dpt-large"]
    assert places.state(dpt) == "missing"
    folder = empty_cache / "models--Intel--dpt-large"
    partial = write(folder / "blobs" / f"{64 * '0'}.incomplete")
    assert places.state(dpt) == "partial"
    snapshot = folder / "snapshots" / dpt.revision
    write(snapshot / "config.json")
    write(snapshot / "preprocessor_config.json")
    assert (places.state(dpt), places.find_place(dpt)) == ("partial", None)
    blob = partial.rename(folder / "blobs" / (64 * "0"))
    (snapshot / WEIGHTS).symlink_to(blob)
    assert (places.state(dpt), places.find_place(dpt)) == ("present", snapshot)
    blob.unlink()
    assert (places.state(dpt), places.find_place(dpt)) == ("partial", None)


def test_patterns_and_single_precision_count(empty_cache):
    marigold = read_cards()["marigold-depth"]
    snapshot = empty_cache / "models--prs-eth--marigold-depth-v1-1/snapshots" / marigold.revision
    for name in marigold.files:
        if "*" not in name:
            write(snapshot / name.replace(".fp16.", "."))
    assert places.state(marigold) == "partial"
    write(snapshot / "scheduler" / "scheduler_config.json")
    write(snapshot / "tokenizer" / "vocab.json")
    assert places.find_place(marigold) == snapshot


@pytest.mark.parametrize("name", [
    "dpt-large", "Intel--dpt-large", "Intel/dpt-large",
])
def test_folder_of_models_goes_before_the_cache(empty_cache, tmp_path, name):
    dpt = read_cards()["dpt-large"]
    own = tmp_path / "models"
    for file in FILES:
        write(empty_cache / "models--Intel--dpt-large/snapshots" / dpt.revision / file)
    assert places.find_place(dpt, str(own)).parent.name == "snapshots"
    write(own / name / WEIGHTS)
    assert places.find_place(dpt, str(own)) == own / name
    assert places.state(dpt, str(own)) == "present"


@pytest.mark.parametrize(("model", "path", "found"), [
    ("midas-small", "model-small.onnx", True),
    ("midas-small", "midas-small/model-small.onnx", True),
    ("depth-anything-v2-small-onnx", "depth-anything-v2-small-onnx/model.onnx", True),
    ("depth-anything-v2-small-onnx", "depth-anything-v2-small/onnx/model.onnx", True),
    # Of which model is that?
    ("depth-anything-v2-small-onnx", "onnx/model.onnx", False),
    ("depth-anything-v2-small-onnx", "model.onnx", False),
])
def test_single_files_in_a_folder_of_models(empty_cache, tmp_path, model, path, found):
    write(tmp_path / "models" / path)
    place = places.find_place(read_cards()[model], str(tmp_path / "models"))
    assert place == (tmp_path / "models" / path if found else None)


def test_cards_say_what_to_download():
    for made in read_cards().values():
        if made.repository:
            assert any(name.endswith((".safetensors", ".onnx")) for name in made.files)
        if made.url:
            assert made.url.startswith("https://") and made.settings["file"].endswith(".onnx")
        if not made.comes_along:
            assert made.home.startswith("https://")
