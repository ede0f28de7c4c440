# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow of a batch: what is new goes to the workers, what is done is put in its place."""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from face_depth_addon.core.errors import FaceDepthError

from .actor import Answer, Task
from .choices import Choices, Chosen, file_digest, file_names
from .crew import Crew, Death
from .errors import BatchError
from .inputs import Item
from .outputs import OutputFolder, full_disk, full_disk_reason
from .progress import Progress
from .state import DONE, FAILED, LINKED, MADE, PENDING, WAITING, Entry, State

_MOST_TRIES = 3
_WAIT_SECONDS = 0.5
_LEAST_FREE_BYTES = 1_000_000
# Errors of the machine rather than of a photo, if nothing but them is seen.
_OF_MACHINE = ("DeviceError", "ModelError", "TorchError", "WorkerError")
_MOST_OF_MACHINE = 10


@dataclass
class Flight:
    """A photo on its way.

    Attributes
    ----------
    entry : Entry
    chosen : Chosen
    signature, digest, key : str
        As they will be in the row.
    tries : int
        How many workers have died over it.
    sent : int
        How often it was given to a worker.
    """

    entry: Entry
    chosen: Chosen
    signature: str
    digest: str
    key: str
    tries: int = 0
    sent: int = 0


@dataclass
class Counts:
    """Photos of this run by what became of them."""

    done: int = 0
    linked: int = 0
    unchanged: int = 0
    failed: int = 0


class Driver:
    """Takes photos one after the other and keeps the books; the only one who writes in the folder.

    Parameters
    ----------
    choices : Choices
    out : OutputFolder
    state : State
    crew : Crew
    progress : Progress

    Attributes
    ----------
    counts : Counts
    """

    def __init__(
        self, choices: Choices, out: OutputFolder, state: State, crew: Crew, progress: Progress
    ):
        self._choices, self._out, self._state = choices, out, state
        self._crew, self._progress = crew, progress
        self._flights: dict[int, Flight] = {}
        self._keys: set[str] = set()
        self._of_machine = 0
        self.counts = Counts()

    def run(self, items: Iterator[Item], now_and_then: Callable[[], None]) -> None:
        """Take all photos.

        Parameters
        ----------
        items : iterator of Item
        now_and_then : callable
            Called several times a second.

        Raises
        ------
        BatchError
            It cannot go on.
        """
        listed = True
        while listed or self._flights:
            while listed and self._crew.wants():
                item = next(items, None)
                listed = item is not None
                if listed:
                    self._take(item)
                self._progress.tick()
                self._state.commit(at_once=False)
            for task, answer in self._crew.finished(_WAIT_SECONDS):
                self._settle(task, answer)
            self._progress.tick()
            self._state.commit(at_once=False)
            now_and_then()

    # A photo comes

    def _take(self, item: Item) -> None:
        entry = self._state.enter(item, self._out.places(item.inside, item.path))
        if self._choices.common.retry and entry.state != FAILED:
            self._count_unchanged()
            return
        if item.problem:
            self._fail(entry, item.problem)
            return
        try:
            chosen = self._choices.read(item.cells)
        except FaceDepthError as error:
            self._fail(entry, f"Its options cannot be used: {error}")
            return
        try:
            signature, digest = self._identify(entry)
        except OSError as error:
            self._fail(entry, _unreadable(entry.path, error))
            return
        key = f"{digest}:{chosen.digest}"
        flight = Flight(entry, chosen, signature, digest, key)
        if entry.key == key and self._is_settled(entry):
            self._state.change(entry.id, signature=signature)
            return
        self._begin(flight)

    def _identify(self, entry: Entry) -> tuple[str, str]:
        """By what the file is known to be the same, and its digest, read only where it changed."""
        found = os.stat(entry.path)
        if not os.path.isfile(entry.path):
            raise IsADirectoryError(errno.EISDIR, "it is no file")
        signature = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
        if entry.digest and entry.signature == signature:
            return signature, entry.digest
        return signature, file_digest(entry.path)

    def _is_settled(self, entry: Entry) -> bool:
        """Whether an earlier run has done, or tried, just this."""
        if entry.state in MADE and self._out.whole(entry.details):
            self._count_unchanged()
            return True
        if entry.state == FAILED and not self._choices.common.retry:
            self.counts.failed += 1
            self._progress.add(failed=True)
            return True
        return False

    def _begin(self, flight: Flight) -> None:
        """Take over what is there, link what is the same, or let it be worked on."""
        entry = flight.entry
        record = self._out.record(entry.place)
        if record and record["key"] == flight.key and self._out.whole(record):
            # A driver that was killed had no time to note it.
            self._note(flight, LINKED if "linked_to" in record else DONE, record)
            self._count_unchanged()
        elif flight.key in self._keys:
            self._note(flight, WAITING, {})
        elif not self._link(flight):
            self._keys.add(flight.key)
            self._note(flight, PENDING, {})
            self._flights[entry.id] = flight
            self._send(flight)

    def _send(self, flight: Flight) -> None:
        name = flight.entry.place.rpartition("/")[2]
        # One for each try, as what a dead worker leaves may still be written to.
        folder = self._out.work / f"{flight.entry.id}-{flight.sent}"
        flight.sent += 1
        self._crew.take(Task(
            flight.entry.id, flight.entry.path, flight.chosen.options, str(folder),
            file_names(name, flight.chosen.options), "thumbnail.webp",
        ))

    def _link(self, flight: Flight) -> bool:
        """Give it the outputs of an equal photo, where there are any."""
        for twin in self._state.made_with(flight.key, flight.entry.id):
            record = self._out.record(twin.place)
            if not record or record["key"] != flight.key or not self._out.whole(record):
                continue
            try:
                details = self._out.link(
                    flight.entry.place, record,
                    record | self._own(flight) | {"linked_to": twin.place, "seconds": 0.0},
                )
            except OSError as error:
                self._fail(flight.entry, self._unwritten(error), flight)
                return True
            self._note(flight, LINKED, details)
            self.counts.linked += 1
            self._progress.add()
            return True
        return False

    # A photo is finished

    def _settle(self, task: Task, answer: Answer | Death) -> None:
        flight = self._flights[task.number]
        if isinstance(answer, Death) or answer.kind == "WorkerError":
            flight.tries += answer.blamed if isinstance(answer, Death) else 1
            if flight.tries < _MOST_TRIES:
                shutil.rmtree(task.folder, ignore_errors=True)
                self._send(flight)
                return
            if isinstance(answer, Death):
                answer = Answer(
                    f"{Path(task.photo).name} stopped its worker {_MOST_TRIES} times, perhaps for "
                    "lack of memory: make it smaller, or use fewer --workers.", "WorkerError",
                )
        del self._flights[task.number]
        self._keys.discard(flight.key)
        folder = Path(task.folder)
        if answer.error:
            self._look_at(answer)
            self._fail(flight.entry, answer.error, flight)
        else:
            self._keep(flight, task, answer)
        shutil.rmtree(folder, ignore_errors=True)
        self._wake(flight)

    def _look_at(self, answer: Answer) -> None:
        """End the batch where an error is not the photo's.

        Raises
        ------
        BatchError
        """
        reason = full_disk_reason(answer.error) if answer.kind == "OutputError" else ""
        free = shutil.disk_usage(self._out.path).free
        if reason or (answer.kind == "OutputError" and free < _LEAST_FREE_BYTES):
            raise full_disk(self._out.path, reason or os.strerror(errno.ENOSPC))
        self._of_machine += answer.kind in _OF_MACHINE
        if self._of_machine >= _MOST_OF_MACHINE and not self.counts.done:
            raise BatchError(f"Stopped, as no photo could be done: {answer.error}")

    def _keep(self, flight: Flight, task: Task, answer: Answer) -> None:
        entry = flight.entry
        if answer.details["digest"] != flight.digest:
            self._fail(entry, f"{entry.path} was changed while it was read: run again.", flight)
            return
        try:
            self._out.keep_thumbnail(Path(task.folder) / task.thumbnail, flight.key)
            details = self._out.commit(
                entry.place, Path(task.folder), answer.names,
                answer.details | self._own(flight) | {
                    "ok": True, "error": None, "settings": flight.chosen.settings,
                },
            )
        except OSError as error:
            self._fail(entry, self._unwritten(error), flight)
            return
        self._note(flight, DONE, details)
        self.counts.done += 1
        self._progress.add(computed=True)

    def _wake(self, ended: Flight) -> None:
        """Let those go on that have waited for an equal photo."""
        key = ended.key
        while key not in self._keys and (entry := self._state.first_waiting(key)):
            self._begin(Flight(entry, ended.chosen, entry.signature, ended.digest, key))

    # The books

    def _own(self, flight: Flight) -> dict:
        entry = flight.entry
        return {
            "photo": entry.path, "place": entry.place, "key": flight.key,
            "version": flight.chosen.settings["version"],
        }

    def _note(self, flight: Flight, state: str, details: dict) -> None:
        self._state.change(
            flight.entry.id, state=state, signature=flight.signature, digest=flight.digest,
            key=flight.key, reason="", details=details, seconds=details.get("seconds", 0.0),
            finished=time.time() if state in MADE else None,
        )

    def _fail(self, entry: Entry, reason: str, flight: Flight | None = None) -> None:
        self._state.change(
            entry.id, state=FAILED, reason=reason, details={}, seconds=0.0,
            finished=time.time(), signature=flight.signature if flight else "",
            digest=flight.digest if flight else "", key=flight.key if flight else "",
        )
        self.counts.failed += 1
        self._progress.add(computed=flight is not None, failed=True)

    def _count_unchanged(self) -> None:
        self.counts.unchanged += 1
        self._progress.add()

    def _unwritten(self, error: OSError) -> str:
        return f"Its files could not be written ({error.strerror or error})."


def _unreadable(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist."
    return f"{path} cannot be read ({error.strerror or error})."
