# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says is so: its code runs, its links lead somewhere, its options exist."""

import argparse
import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSES.md")),
    *DOCS.glob("*.md"), *(ROOT / "face_depth_addon" / "models").glob("*/README.md"),
])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*[a-z])")
_SCRIPTS = "|".join(path.stem for path in (ROOT / "scripts").glob("*.py"))
SCRIPT = re.compile(rf"(?<![\w/])(?:scripts/)?({_SCRIPTS})\.py")
# A file or folder of ours, without placeholders; the package's are named without it.
PLACE = re.compile(
    r"(?:blender|core|inference|scripts|tests|docs|cards|face_depth_addon)/[a-z_0-9/.]*"
)
# Each block at its own line, so that a failure names the line of the page.
RUNNER = """
import ast, sys
names = {"__name__": "__main__"}
for line, code in ast.literal_eval(sys.argv[2]):
    exec(compile("\\n" * line + code, sys.argv[1], "exec"), names)
print("all blocks have run", flush=True)
"""
# Of Blender, and of other programs that the pages show.
FOREIGN = {
    "background", "command", "enable", "offline-mode", "python", "python-exit-code", "python-expr",
    "head", "address", "line-length", "select", "ignore", "rm", "network", "no-install-recommends",
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks_of(page: Path, language: str) -> list[tuple[int, str]]:
    """The fenced blocks of a language: the lines before the code, and the code."""
    text = text_of(page)
    return [
        (text.count("\n", 0, found.start(2)), found[2])
        for found in FENCE.finditer(text) if found[1] == language
    ]


def test_python_api_runs_as_it_is_written(astronaut, tmp_path):
    from PIL import Image
    from turned_photos import turned_photo

    Image.open(astronaut).save(tmp_path / "photo.jpg", quality=95)
    for name, yaw in (("left", -25.0), ("front", 0.0), ("right", 25.0)):
        Image.fromarray(turned_photo(yaw)).save(tmp_path / f"{name}.jpg", quality=95)
    page = DOCS / "api.md"
    blocks = blocks_of(page, "python")
    assert len(blocks) > 10
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, page, repr(blocks)], cwd=tmp_path, capture_output=True,
        text=True, timeout=300, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "all blocks have run" in done.stdout, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_somewhere(page):
    links = LINK.findall(FENCE.sub("", text_of(page)))
    for target, anchor in links:
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), f"{name_of(page)} points at {target}"
        assert place.is_relative_to(ROOT), f"{name_of(page)} points out of the repository"
        if anchor:
            assert anchor in anchors(place), f"{name_of(page)} points at {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as repositories' hosts make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings
    }


@cache
def options_of(script: str) -> frozenset[str]:
    """The long options that a script's own source names; some scripts do not list any."""
    tree = ast.parse(text_of(ROOT / "scripts" / f"{script}.py"))
    own = {
        node.value[2:] for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and OPTION.fullmatch(str(node.value))
    }
    if script in ("reconstruct", "batch"):
        own |= command_line()
    if script == "batch":
        from batching.choices import reader

        own |= long_options(reader())
    return frozenset(own | {"help"})


@cache
def command_line() -> frozenset[str]:
    """The long options of the command line, by its own parser."""
    from face_depth_addon.blender.command.arguments import parser

    return long_options(parser())


def long_options(parser: argparse.ArgumentParser) -> frozenset[str]:
    return frozenset(
        word.removeprefix("--") for action in parser._actions for word in action.option_strings
    )


def commands_of(page: Path) -> list[str]:
    """What a page shows as code: lines of blocks, continued ones as one, and spans."""
    text = text_of(page)
    shown = [
        line for found in FENCE.finditer(text) if found[1] != "python"
        for line in found[2].replace("\\\n", " ").splitlines()
    ]
    return shown + re.findall(r"`([^`]+)`", FENCE.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_that_are_named_exist(page):
    shown = commands_of(page)
    scripts = {name for line in shown for name in SCRIPT.findall(line)}
    of_page = FOREIGN | command_line()
    for name in scripts:
        if name != "test":
            of_page |= options_of(name)
    for line in shown:
        before, *rest = SCRIPT.split(line)
        for option in OPTION.findall(before):
            known = of_page | {"blender"}
            assert option in known, f"{name_of(page)} names --{option}"
        for name, words in zip(rest[::2], rest[1::2]):
            for option in OPTION.findall(words):
                assert option in options_of(name), f"{name_of(page)} names --{option} of {name}.py"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page):
    for word in " ".join(commands_of(page)).split():
        if PLACE.fullmatch(word):
            there = [(folder / word).exists() for folder in (ROOT, ROOT / "face_depth_addon")]
            assert any(there), f"{name_of(page)} names {word}"


def sentences() -> str:
    """All strings of the package and of the scripts, the parts of each in one piece."""
    text = ""
    for folder in ("face_depth_addon", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(text_of(path))):
                if isinstance(node, ast.JoinedStr):
                    text += "".join(
                        part.value if isinstance(part, ast.Constant) else "\0"
                        for part in node.values
                    ) + "\n"
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    text += f"{node.value}\n"
    return text


def test_quoted_sentences_are_those_of_the_code():
    quotes = re.findall(r"^> (.+)$", text_of(DOCS / "troubleshooting.md"), re.MULTILINE)
    assert len(quotes) > 30
    said = sentences()
    for quote in quotes:
        for part in quote.split("…"):
            if len(part.strip(" .:(),;")) > 3:
                assert part.strip() in said, f"nothing says: {part.strip()}"


def test_container_has_the_libraries_that_blender_wants():
    import _environment

    page = text_of(DOCS / "headless.md")
    for package in _environment.DEBIAN_PACKAGES.values():
        assert re.search(rf"(?<![\w-]){re.escape(package)}(?![\w-])", page), package


def test_site_builds_without_warnings_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("mkdocs")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "docs.py"), "--output", str(tmp_path)],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(list(DOCS.glob("*.md")))
    for page in pages:
        loaded = re.findall(
            r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"((?:https?:)?//[^\"]+)", text_of(page)
        )
        assert not loaded, f"{page.name} loads {loaded[0]}"
