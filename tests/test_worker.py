# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process with the real bundled models, and what happens when it goes."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from face_depth_addon.core.errors import (
    Cancelled,
    DeviceError,
    ModelError,
    NoFaceError,
    TorchError,
    WorkerError,
)
from face_depth_addon.inference.cards import BUNDLED, FACEMESH
from face_depth_addon.inference.client import WorkerClient
from face_depth_addon.inference.request import Request


@pytest.fixture(scope="module")
def client():
    made = WorkerClient()
    yield made
    made.close()


def run(client, photo, **changes):
    """Result of one job on a path or a request's photo, waited for."""
    source = photo if isinstance(photo, dict) else {"path": str(photo)}
    job = client.submit(Request(**{"photo": source, "model": FACEMESH, **changes}))
    while not job.poll(1.0):
        pass
    return job.result


def process_ended(pid: int) -> bool:
    """Wait up to ten seconds for a process that is not our child to go."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_bundled_model_sees_a_face(client, astronaut):
    result = run(client, astronaut, model=BUNDLED)
    assert result.info["device"] in {"cpu", "cuda", "mps"}
    assert np.isfinite(result.depth).all()
    size = result.size
    to_crop = result.crop.from_photo(size)

    def depth_at(x, y):
        u, v = to_crop[:, :2] @ (x, y) + to_crop[:, 2]
        return result.depth[int(v), int(u)]

    # In the picture: tip of the nose, eyes, cheeks by the ears, hair at the side.
    nose, eyes = depth_at(225, 127), (depth_at(204, 102) + depth_at(246, 104)) / 2
    side = (depth_at(182, 125) + depth_at(268, 125)) / 2
    assert nose > eyes + 4 and eyes > side + 4
    # A head is about as deep as it is wide: true relief without a slider.
    face = result.depth[result.subject]
    assert 0.4 < (np.percentile(face, 99) - np.percentile(face, 1)) / 120 < 2.0
    assert 0.2 < result.crop.side * result.metres_per_pixel < 0.4


def test_worker_stays_warm_and_reports_real_stages(client, astronaut):
    run(client, astronaut, model=BUNDLED)
    pid = client.pid
    job = client.submit(Request({"path": str(astronaut)}, BUNDLED))
    seen = []
    while not job.poll(0.2):
        if (job.label, job.fraction) not in seen:
            seen.append((job.label, job.fraction))
    assert client.pid == pid
    assert len(seen) >= 4
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)


def test_same_answer_for_path_file_bytes_and_pixels(client, astronaut):
    from PIL import Image

    by_path = run(client, astronaut)
    data = np.frombuffer(astronaut.read_bytes(), np.uint8)
    by_bytes = run(client, {"name": "packed"}, arrays={"data": data})
    pixels = np.asarray(Image.open(astronaut), np.float32) / 255.0
    by_pixels = run(
        client, {"name": "painted", "linear": False}, arrays={"pixels": pixels}
    )
    assert np.array_equal(by_path.depth, by_bytes.depth)
    assert np.array_equal(by_path.depth, by_pixels.depth)


def test_killed_worker_is_one_sentence_and_the_next_job_works(client, astronaut):
    run(client, astronaut)
    job = client.submit(Request({"path": str(astronaut)}, BUNDLED))
    while job.fraction < 0.1:
        job.poll(0.01)
    os.kill(client.pid, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    with pytest.raises(WorkerError, match=r"^The worker process stopped unexpectedly .*\.$"):
        while not job.poll(1.0):
            pass
    assert run(client, astronaut).subject.any()


def test_cancelled_job_stops_and_leaves_the_worker_ready(client, astronaut):
    run(client, astronaut, model=BUNDLED)
    pid = client.pid
    job = client.submit(Request({"path": str(astronaut)}, BUNDLED))
    job.cancel()
    with pytest.raises(Cancelled):
        while not job.poll(1.0):
            pass
    assert run(client, astronaut).info["model"] == FACEMESH
    assert client.pid == pid


def test_two_jobs_of_one_worker_each_get_their_own_answer(client, astronaut):
    first = client.submit(Request({"path": str(astronaut)}, FACEMESH))
    second = client.submit(
        Request({"path": str(astronaut)}, FACEMESH, options={"resolution": 1500})
    )
    while not second.poll(1.0):
        pass
    assert first.poll(1.0)
    assert first.result.size < second.result.size == 1500


def test_idle_worker_ends_and_comes_back(astronaut):
    client = WorkerClient(idle_seconds=0.5)
    run(client, astronaut)
    pid = client.pid
    for _ in range(100):
        if client.pid is None:
            break
        time.sleep(0.1)
    assert client.pid is None
    assert run(client, astronaut).subject.any() and client.pid != pid
    client.close()


def test_worker_goes_when_its_parent_is_killed(astronaut, tmp_path):
    """Also in the middle of a job: what reads standard input sees its end."""
    code = (
        "import sys, time\n"
        "from face_depth_addon.inference.client import WorkerClient\n"
        "from face_depth_addon.inference.request import Request\n"
        "client = WorkerClient()\n"
        f"job = client.submit(Request({{'path': {str(astronaut)!r}}}, {BUNDLED!r}))\n"
        "while job.fraction < 0.1: job.poll(0.01)\n"
        "print(client.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
        cwd=os.path.dirname(os.path.dirname(__file__)),
        env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path))},
    )
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert process_ended(pid)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """An interpreter with what the Fast source needs, but neither torch nor transformers."""
    import venv

    import cv2
    import numpy
    import PIL

    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scripts = "Scripts" if os.name == "nt" else "bin"
    site = next(folder.rglob("site-packages"))
    for package in (cv2, numpy, PIL):
        source = os.path.dirname(package.__file__)
        os.symlink(source, site / os.path.basename(source))
        libraries = os.path.join(os.path.dirname(source), os.path.basename(source) + ".libs")
        for extra in (libraries, libraries.replace("cv2", "opencv_python"),
                      libraries.replace("PIL", "pillow")):
            if os.path.isdir(extra) and not (site / os.path.basename(extra)).exists():
                os.symlink(extra, site / os.path.basename(extra))
    return folder / scripts / ("python.exe" if os.name == "nt" else "python")


def test_missing_torch_is_one_sentence_and_fast_works_there(bare_python, astronaut):
    client = WorkerClient(str(bare_python))
    with pytest.raises(TorchError, match="has no torch: choose another interpreter"):
        run(client, astronaut, model=BUNDLED)
    result = run(client, astronaut)
    assert result.subject.any() and "torch" not in result.info["versions"]
    client.close()


def test_broken_torch_is_one_sentence(bare_python, astronaut, tmp_path, monkeypatch):
    """As on Windows, where a DLL of torch may fail to start inside a process."""
    for name, text in (
        ("torch", "raise OSError('[WinError 1114] A DLL initialization routine failed')"),
        ("transformers", ""),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    client = WorkerClient(str(bare_python))
    with pytest.raises(TorchError, match=r"PyTorch could not be loaded .*WinError 1114.*\.$"):
        run(client, astronaut, model=BUNDLED)
    assert run(client, astronaut).subject.any()
    client.close()


@pytest.mark.parametrize("interpreter, words", [
    ("/nowhere/python", "cannot be started"),
    (os.__file__, "cannot be started"),
])
def test_bad_interpreter_is_one_sentence(interpreter, words, astronaut):
    with pytest.raises(WorkerError, match=words):
        run(WorkerClient(interpreter), astronaut)


def test_interpreter_without_packages_is_told_which(tmp_path, astronaut):
    import venv

    venv.create(tmp_path / "empty", with_pip=False, symlinks=os.name != "nt")
    scripts = "Scripts" if os.name == "nt" else "bin"
    client = WorkerClient(str(tmp_path / "empty" / scripts / "python"))
    with pytest.raises(WorkerError, match="lacks the package numpy: install it there"):
        run(client, astronaut)


def test_errors_keep_their_kind(client, astronaut, tmp_path):
    with pytest.raises(ModelError, match="no depth model"):
        run(client, astronaut, model=str(tmp_path / "nothing"))
    with pytest.raises(NoFaceError, match="only 1 face was found"):
        run(client, astronaut, options={"face": 5})
    with pytest.raises(ModelError, match="knows faces only"):
        run(client, astronaut, options={"face": None})
    with pytest.raises(DeviceError, match="The device nonsense is not available"):
        run(client, astronaut, model=BUNDLED, device="nonsense")
