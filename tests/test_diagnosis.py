# SPDX-License-Identifier: GPL-3.0-or-later
"""Self-check, report and log file: what is wrong, how to mend it, and nobody's name."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest
from tiny_models import tiny_dpt

from face_depth_addon.blender.diagnosis import notebook, ops_diagnosis
from face_depth_addon.blender.diagnosis.report import anonymous, report_text
from face_depth_addon.blender.preferences import WorkerSettings
from face_depth_addon.core.errors import ModelError
from face_depth_addon.inference.client import WorkerClient
from face_depth_addon.inference.findings import Finding
from face_depth_addon.inference.request import CheckRequest, Request

ROOT = Path(__file__).resolve().parent.parent


def result(client: WorkerClient, request):
    job = client.submit(request)
    while not job.poll(1.0):
        pass
    return job.result


@pytest.fixture
def client():
    made = WorkerClient()
    yield made
    made.close()


def texts(findings: list[Finding], state: str) -> list[str]:
    return [finding.text for finding in findings if finding.state == state]


def test_check_of_a_whole_environment_misses_nothing(empty_scene):
    assert bpy.ops.face_depth.self_check() == {'FINISHED'}
    found = ops_diagnosis._last
    assert not texts(found, "missing")
    said = texts(found, "ok")
    for start in ("Blender ", "Python 3.", "numpy ", "PyTorch ", "Face DPT is complete"):
        assert any(text.startswith(start) for text in said), start
    assert all(not text.endswith(".") for text in said)


def test_check_names_what_an_interpreter_lacks(empty_scene, tmp_path, monkeypatch):
    """One without PyTorch, and one that is no Python at all."""
    without = tmp_path / "without.py"
    without.write_text(
        "import runpy, sys\n"
        "sys.modules['torch'] = None\n"
        "find = __import__('importlib.util').util.find_spec\n"
        "def hidden(name, *rest):\n"
        "    return None if name.partition('.')[0] == 'torch' else find(name, *rest)\n"
        "__import__('importlib.util').util.find_spec = hidden\n"
        "sys.argv = sys.argv[1:]\n"
        "sys.path.insert(0, '')\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{without}" "$@"\n')
    python.chmod(0o755)
    client = WorkerClient(str(python))
    try:
        found = result(client, CheckRequest(str(tmp_path / "nowhere")))
    finally:
        client.close()
    lacking = [finding for finding in found if finding.state == "missing"]
    assert {finding.text for finding in lacking} >= {
        "Face DPT cannot run without torch", f"There is no folder of models at {tmp_path}/nowhere",
    }
    assert all(finding.cure and not finding.cure.endswith(".") for finding in lacking)

    monkeypatch.setenv("FACE_DEPTH_PYTHON", str(tmp_path / "no-python"))
    assert bpy.ops.face_depth.self_check() == {'FINISHED'}
    (missing,) = [each for each in ops_diagnosis._last if each.state == "missing"]
    assert "no-python cannot be started" in missing.text
    assert missing.cure.startswith("Set another one in the preferences")


def test_report_has_what_helps_and_nobodys_name(empty_scene, tmp_path, monkeypatch):
    home = tmp_path / "home" / "anna"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("LOGNAME", "anna")
    logging.getLogger("face_depth_addon.somewhere").warning("no luck with %s", home / "me.jpg")
    settings = WorkerSettings(python=str(home / "venv" / "python"), models="/data/anna/models")
    text = report_text([Finding("missing", "No PyTorch", "Install it")], settings)
    assert "anna" not in text
    assert "~/venv/python" in text and "/data/USER/models" in text
    assert f"Blender {bpy.app.version_string}" in text
    assert "MISSING: No PyTorch. Install it." in text
    assert "no luck with ~/me.jpg" in text
    assert anonymous("Susanna") == "Susanna"


def test_copy_report_fills_the_clipboard(empty_scene):
    assert bpy.ops.face_depth.copy_report() == {'FINISHED'}


def test_log_file_has_what_goes_wrong_here_and_in_the_worker(
    empty_scene, astronaut, tmp_path, client
):
    path = tmp_path / "face-depth.log"
    assert not notebook.follow(str(path))
    try:
        logging.getLogger("face_depth_addon.somewhere").warning("here")
        folder = tiny_dpt(tmp_path / "odd")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(
            {**config, "model_type": "nonsense", "architectures": ["Nonsense"]}
        ))
        with pytest.raises(ModelError):
            result(client, Request({"path": str(astronaut)}, str(folder), "cpu"))
    finally:
        notebook.close_file()
    text = path.read_text(encoding="utf-8")
    assert "Blender face_depth_addon.somewhere: here" in text
    assert " worker " in text and "Traceback" in text and "nonsense" in text
    logging.getLogger("face_depth_addon.somewhere").warning("later")
    assert "later" not in path.read_text(encoding="utf-8")
    assert notebook.LOG_VARIABLE not in os.environ


def test_log_file_that_cannot_be_written_is_a_sentence(empty_scene, tmp_path):
    said = notebook.follow(str(tmp_path))
    assert said.startswith(f"The log file {tmp_path} cannot be written (") and said.endswith(".")


def test_command_line_tells_the_same_and_by_its_exit_code(tmp_path):
    def check(*options: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, ROOT / "scripts" / "reconstruct.py", "--self-check", *options],
            capture_output=True, text=True, timeout=120,
        )

    whole = check()
    assert whole.returncode == 0 and "ok: Face DPT is complete." in whole.stdout
    lacking = check("--models", str(tmp_path / "nowhere"))
    assert lacking.returncode == 1
    (line,) = [line for line in lacking.stdout.splitlines() if line.startswith("MISSING: ")]
    assert line == (
        f"MISSING: There is no folder of models at {tmp_path}/nowhere. Choose another in the "
        "preferences."
    )
