# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of every photo of an output folder: a SQLite file that the driver alone writes."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .inputs import Item

PENDING, WAITING, DONE, LINKED, FAILED = "pending", "waiting", "done", "linked", "failed"
#: States of photos whose outputs are there.
MADE = (DONE, LINKED)
_COMMIT_SECONDS = 1.0

# Paths are bytes, as not every name of a file is text.
_TABLE = """
CREATE TABLE IF NOT EXISTS photos (
    id INTEGER PRIMARY KEY, path BLOB NOT NULL, nth INTEGER NOT NULL,
    place BLOB NOT NULL, folded BLOB NOT NULL UNIQUE,
    signature TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '',
    key TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'pending',
    reason TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0,
    finished REAL, details TEXT NOT NULL DEFAULT '{}', run INTEGER NOT NULL,
    UNIQUE (path, nth)
);
CREATE INDEX IF NOT EXISTS by_key ON photos (key);
CREATE INDEX IF NOT EXISTS by_state ON photos (state);
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, begun REAL NOT NULL);
"""
_FIELDS = (
    "id, path, place, signature, digest, key, state, reason, seconds, finished, details"
)


@dataclass(frozen=True)
class Entry:
    """A photo's row.

    Attributes
    ----------
    id : int
    path : str
    place : str
        Its outputs' path in the output folder, without a suffix, with slashes.
    signature : str
        By which a file is known to be the same without reading it.
    digest : str
        SHA-256 of the photo.
    key : str
        Of the photo and what is wanted of it; equal keys have equal outputs.
    state : str
    reason : str
        Why it failed, a sentence.
    seconds : float
    finished : float or None
        Seconds since 1970.
    details : dict
        What a report says of it.
    """

    id: int
    path: str
    place: str
    signature: str
    digest: str
    key: str
    state: str
    reason: str
    seconds: float
    finished: float | None
    details: dict


class State:
    """The rows of an output folder.

    Parameters
    ----------
    path : Path
        Made where it is missing.
    """

    def __init__(self, path: Path):
        self._rows = sqlite3.connect(path, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute("PRAGMA synchronous = NORMAL")
        self._rows.executescript(_TABLE)
        self._rows.execute("INSERT INTO runs (begun) VALUES (?)", (time.time(),))
        (self._run,) = self._rows.execute("SELECT max(id) FROM runs").fetchone()
        # Whoever waited for another photo waits no more.
        self._rows.execute("UPDATE photos SET state = ? WHERE state = ?", (PENDING, WAITING))
        self._rows.execute("BEGIN")
        self._committed = time.monotonic()

    def enter(self, item: Item, places: Iterator[str]) -> Entry:
        """The row of a photo, a new one where there is none.

        A photo that is listed twice has two rows.

        Parameters
        ----------
        item : Item
        places : iterator of str
            Where its outputs may go, the best first; for a new row.
        """
        path = os.fsencode(item.path)
        found = self._rows.execute(
            f"SELECT {_FIELDS} FROM photos WHERE path = ? AND run < ? ORDER BY nth LIMIT 1",
            (path, self._run),
        ).fetchone()
        if found:
            self._rows.execute("UPDATE photos SET run = ? WHERE id = ?", (self._run, found[0]))
            return _entry(found)
        (nth,) = self._rows.execute(
            "SELECT count(*) FROM photos WHERE path = ?", (path,)
        ).fetchone()
        for place in places:
            # Letter case counts on some disks only.
            made = self._rows.execute(
                "INSERT OR IGNORE INTO photos (path, nth, place, folded, run) "
                "VALUES (?, ?, ?, ?, ?)",
                (path, nth, os.fsencode(place), os.fsencode(place.casefold()), self._run),
            )
            if made.rowcount:
                return self.get(made.lastrowid)
        raise AssertionError("there is always another place")

    def get(self, number: int) -> Entry:
        """A row by its id."""
        return _entry(self._rows.execute(
            f"SELECT {_FIELDS} FROM photos WHERE id = ?", (number,)
        ).fetchone())

    def change(self, number: int, **values: object) -> None:
        """Set fields of a row."""
        names = ", ".join(f"{name} = ?" for name in values)
        self._rows.execute(
            f"UPDATE photos SET {names} WHERE id = ?", (*map(_stored, values.values()), number)
        )

    def made_with(self, key: str, other_than: int) -> Iterator[Entry]:
        """Rows with that key whose outputs have been made."""
        yield from map(_entry, self._rows.execute(
            f"SELECT {_FIELDS} FROM photos WHERE key = ? AND state IN (?, ?) AND id != ? LIMIT 8",
            (key, *MADE, other_than),
        ).fetchall())

    def first_waiting(self, key: str) -> Entry | None:
        """The next row that waits for another photo with that key."""
        found = self._rows.execute(
            f"SELECT {_FIELDS} FROM photos WHERE key = ? AND state = ? ORDER BY id LIMIT 1",
            (key, WAITING),
        ).fetchone()
        return _entry(found) if found else None

    def entries(self) -> Iterator[Entry]:
        """All rows in the order in which they came."""
        yield from map(_entry, self._rows.execute(f"SELECT {_FIELDS} FROM photos ORDER BY id"))

    def failures(self) -> Iterator[Entry]:
        """The failures among the photos that were listed since this was opened."""
        yield from map(_entry, self._rows.execute(
            f"SELECT {_FIELDS} FROM photos WHERE state = ? AND run = ? ORDER BY id",
            (FAILED, self._run),
        ))

    def commit(self, at_once: bool = True) -> None:
        """Let what was changed outlive this process; without ``at_once`` now and then."""
        if at_once or time.monotonic() - self._committed > _COMMIT_SECONDS:
            self._end()
            self._rows.execute("BEGIN")
            self._committed = time.monotonic()

    def close(self) -> None:
        """Commit and close."""
        try:
            self._end()
        finally:
            self._rows.close()

    def _end(self) -> None:
        # A full disk may have ended it.
        if self._rows.in_transaction:
            self._rows.execute("COMMIT")


def _entry(row: tuple) -> Entry:
    number, path, place, *most, details = row
    return Entry(number, os.fsdecode(path), os.fsdecode(place), *most, json.loads(details))


def _stored(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict) else value
