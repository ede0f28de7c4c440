# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up of the environment: what it chooses, what it calls stale and what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import _environment  # noqa: E402
import test as test_script  # noqa: E402


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A folder that looks like a finished environment with Blender 4.5 and the tests."""
    python = _environment.venv_python(tmp_path)
    python.parent.mkdir()
    python.touch()
    parts = _environment.wanted_parts("4.5", tests=True)
    _environment.write_state(tmp_path, "4.5", parts, installing=False)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-k", "ops"], (None, ["-k", "ops"])),
        (["--blender", "4.2", "-k", "ops"], ("4.2", ["-k", "ops"])),
        (["tests/a.py", "--blender=5.0.1", "-x"], ("5.0", ["tests/a.py", "-x"])),
    ],
)
def test_blender_option_is_taken_and_the_rest_goes_to_pytest(arguments, expected):
    assert test_script.split_arguments(arguments) == expected


@pytest.mark.parametrize("arguments", [["--blender", "3.6"], ["--blender"], ["--blender=4"]])
def test_unknown_blender_version_lists_the_known_ones(arguments):
    with pytest.raises(ValueError, match=r"4\.2, 4\.5, 5\.0"):
        test_script.split_arguments(arguments)


def test_first_python_that_can_make_environments_is_chosen():
    probes = [(["python3.13"], False, True), (["bare"], True, False), (["good"], True, True)]
    assert _environment.choose_interpreter(probes) == ["good"]


@pytest.mark.parametrize(
    ("probes", "advice"),
    [
        ([(["python3.13"], False, True)], "blender -b --python scripts/reconstruct.py -- PHOTO"),
        ([(["python3.11"], True, False)], "sudo apt install python3.11-venv"),
    ],
)
def test_without_a_fitting_python_the_message_says_what_to_get(probes, advice):
    with pytest.raises(_environment.SetupError, match=advice):
        _environment.choose_interpreter(probes)


def test_finished_environment_serves_with_and_without_the_tests(finished):
    assert _environment.is_current(finished, "4.5", tests=True)
    assert _environment.is_current(finished, "4.5", tests=False)


def test_changed_lock_makes_only_its_own_part_stale(finished, tmp_path_factory, monkeypatch):
    locks = tmp_path_factory.mktemp("locks")
    for lock in _environment.LOCKS.glob("*.txt"):
        (locks / lock.name).write_bytes(lock.read_bytes())
    (locks / "tests.txt").write_text("pytest==1.0\n")
    monkeypatch.setattr(_environment, "LOCKS", locks)
    assert _environment.stale_parts(finished, "4.5", tests=True) == ["tests.txt"]
    assert not _environment.is_current(finished, "4.5", tests=True)
    assert _environment.is_current(finished, "4.5", tests=False)


def test_interrupted_environment_is_broken(finished):
    parts = _environment.read_state(finished)["parts"]
    _environment.write_state(finished, "4.5", parts, installing=True)
    assert _environment.is_broken(finished)
    assert not _environment.is_current(finished, "4.5", tests=False)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_damaged_state_file_makes_the_environment_broken(finished, text):
    for file in finished.glob("*.json"):
        file.write_text(text)
    assert _environment.is_broken(finished)


def test_environment_whose_python_has_gone_is_broken(finished):
    _environment.venv_python(finished).unlink()
    assert _environment.is_broken(finished)


def test_each_blender_version_has_its_own_folder():
    folders = [_environment.candidate_folders(version) for version in _environment.BLENDERS]
    assert len({folder for pair in folders for folder in pair}) == 2 * len(folders)
    assert _environment.candidate_folders("4.5")[0] == ROOT / ".venv"
    assert _environment.candidate_folders("4.2")[0] == ROOT / ".venv-4.2"


def test_only_linux_without_a_graphics_card_gets_the_cpu_build():
    for arguments in _environment.torch_attempts("Linux", cuda=False):
        assert arguments[-1].endswith("+cpu")
    for system, cuda in [("Linux", True), ("Windows", False), ("Darwin", False)]:
        assert _environment.torch_attempts(system, cuda) == [[f"torch=={_environment.TORCH}"]]


@pytest.mark.parametrize(
    ("system", "machine", "supported"),
    [
        ("Linux", "x86_64", True),
        ("Windows", "AMD64", True),
        ("Darwin", "arm64", True),
        ("Darwin", "x86_64", False),
        ("Linux", "aarch64", False),
    ],
)
def test_machines_without_builds_are_named(system, machine, supported):
    reason = _environment.unsupported_machine(system, machine)
    assert reason is None if supported else machine in reason or "arm64" in reason


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("Temporary failure in name resolution\nfrom versions: none", "connect this computer"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one this project was locked to"),
        ("ERROR: No matching distribution found for bpy==4.5.15", "no build of that package"),
        ("libXi.so.6: cannot open shared object file: No such file", "sudo apt install.* libxi6"),
        ("Segmentation fault", "run the same command again"),
    ],
)
def test_failures_end_with_a_sentence_that_says_what_to_do(output, advice):
    message = _environment.explain(output, Path("setup.log"))
    assert output.splitlines()[-1] in message
    assert re.search(advice, message)
    assert "setup.log" in message


def test_pip_lines_are_told_with_their_size():
    line = "  Downloading https://host/ab/bpy-4.5.15-cp39-cp39-win_amd64.whl (358.6 MB)"
    assert _environment.plain_words(line) == "Downloading bpy (358 MB)."
    assert (
        _environment.plain_words("Installing collected packages: a, b") == "Unpacking 2 packages."
    )
    assert _environment.plain_words("  Downloading tqdm-4.70.1-py3-none-any.whl (78 kB)") is None


def test_second_set_up_waits_until_the_first_has_ended(tmp_path):
    lock = tmp_path / "lock"
    attempt = (
        "import sys, _environment;"
        "sys.exit(0 if _environment.try_lock(open(sys.argv[1], 'a+b')) else 7)"
    )
    command = [sys.executable, "-c", attempt, str(lock)]
    folder = ROOT / "scripts"
    with _environment._exclusive(lock):
        assert subprocess.run(command, cwd=folder).returncode == 7
    assert subprocess.run(command, cwd=folder).returncode == 0


def test_locks_pin_every_package_with_hashes_and_name_no_address():
    for lock in _environment.LOCKS.glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        for requirement in text.replace("\\\n", "").splitlines()[1:]:
            assert "==" in requirement.split(";")[0]
            assert "--hash=sha256:" in requirement
