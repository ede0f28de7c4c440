# SPDX-License-Identifier: GPL-3.0-or-later
"""``manifest.parquet``: a row for each photo, for programs."""

import datetime
import itertools
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from .choices import version
from .outputs import MANIFEST, explained
from .state import LINKED, MADE, PENDING, WAITING, Entry, State

_TEXTS = pa.map_(pa.string(), pa.string())
SCHEMA = pa.schema([
    ("path", pa.string()), ("output", pa.string()), ("state", pa.string()),
    ("reason", pa.string()), ("linked_to", pa.string()), ("digest", pa.string()),
    ("settings", pa.string()), ("finished", pa.timestamp("ms", "UTC")), ("seconds", pa.float64()),
    ("timings", pa.map_(pa.string(), pa.float64())),
    ("faces", pa.int32()), ("face_box", pa.list_(pa.float64())),
    ("vertices", pa.int64()), ("polygons", pa.int64()),
    ("model", pa.string()), ("device", pa.string()), ("versions", _TEXTS), ("note", pa.string()),
])
_BLOCK = 5000


def write_manifest(folder: Path, state: State) -> None:
    """Write the manifest of an output folder under another name and rename it.

    Raises
    ------
    FullDiskError, OSError
    """
    draft = folder / f".{MANIFEST}.part"
    entries = state.entries()
    try:
        with explained(folder):
            with pa.parquet.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
                while block := list(itertools.islice(entries, _BLOCK)):
                    rows = list(map(_row, block))
                    writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
            os.replace(draft, folder / MANIFEST)
    finally:
        draft.unlink(missing_ok=True)


def plain(text: str) -> str:
    """A name of a file as text, whatever its bytes are."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _row(entry: Entry) -> dict:
    made = entry.state in MADE
    details = entry.details if made else {}
    finished = None
    if entry.finished is not None:
        finished = datetime.datetime.fromtimestamp(entry.finished, datetime.UTC)
    return {
        "path": plain(entry.path),
        "output": plain(details["outputs"][0]) if made else None,
        # Who waits for another photo is not done.
        "state": PENDING if entry.state == WAITING else entry.state,
        "reason": plain(entry.reason) or None,
        "linked_to": plain(details["linked_to"]) if entry.state == LINKED else None,
        "digest": entry.digest or None,
        "settings": json.dumps(details["settings"]) if made else None,
        "finished": finished, "seconds": entry.seconds,
        "timings": list(details.get("timings", {}).items()),
        "faces": details.get("faces"), "face_box": details.get("face", {}).get("box"),
        "vertices": details.get("vertices"), "polygons": details.get("polygons"),
        "model": details.get("model"), "device": details.get("device"),
        "versions": [
            ("face_depth", details.get("version", version())),
            ("blender", details["blender"]), *details["versions"].items(),
        ] if made else [],
        "note": details.get("note") or None,
    }
