# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.html``: all photos of a batch with thumbnails, sortable, from a disk without a server.

Rows lie in scripts of a few hundred each, as a page from a disk may load scripts and no data.
"""

import itertools
import json
import os
from pathlib import Path
from urllib.parse import quote

from .manifest import plain
from .outputs import MANIFEST, PAGE, PAGE_ROWS, OutputFolder, write_whole
from .state import FAILED, LINKED, MADE, PENDING, WAITING, Entry, State

_BLOCK = 500
_TEMPLATE = Path(__file__).resolve().parent / "page.html"


def write_page(out: OutputFolder, state: State) -> None:
    """Write the summary page and its rows.

    Raises
    ------
    FullDiskError, OSError
    """
    folder = out.path / PAGE_ROWS
    folder.mkdir(exist_ok=True)
    entries = state.entries()
    blocks = 0
    while block := list(itertools.islice(entries, _BLOCK)):
        rows = ",\n".join(_script_text(_row(entry, out)) for entry in block)
        write_whole(folder / f"rows-{blocks:04}.js", f"add([\n{rows}\n]);\n".encode())
        blocks += 1
    for number in itertools.count(blocks):
        old = folder / f"rows-{number:04}.js"
        if not old.exists():
            break
        old.unlink()
    page = _TEMPLATE.read_text(encoding="utf-8").replace("BLOCKS", str(blocks))
    page = page.replace("MANIFEST", MANIFEST)
    write_whole(out.path / PAGE, page.encode())


def _row(entry: Entry, out: OutputFolder) -> list:
    """Name, state, seconds, time of day, thumbnail, outputs, a line of text."""
    made = entry.state in MADE
    details = entry.details
    text = plain(entry.reason)
    if made:
        text = f"{details['vertices']:,} vertices, {details['model']}"
        if entry.state == LINKED:
            text += f", the same as {plain(details['linked_to'])}"
        if details.get("note"):
            text += f". {plain(details['note'])}"
    return [
        plain(entry.place if made else entry.path),
        PENDING if entry.state == WAITING else entry.state,
        round(entry.seconds, 2), round(entry.finished or 0),
        out.thumbnail(entry.key) if made else "",
        [_link(name) for name in details["outputs"]] if made else [],
        text if made or entry.state == FAILED else "",
    ]


def _link(name: str) -> str:
    return quote(os.fsencode(name))


def _script_text(row: list) -> str:
    # No script may end within a text.
    return json.dumps(row, separators=(",", ":")).replace("</", "<\\/")
