# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``batch.py``: from its arguments to its exit code."""

import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout

from face_depth_addon.inference.registry import is_landmarks

from .choices import ROOT, Choices
from .crew import Crew, remove_leftovers
from .driver import Driver
from .errors import BatchError, UsageError
from .inputs import Item, items
from .manifest import plain, write_manifest
from .outputs import MANIFEST, PAGE, OutputFolder, full_disk
from .page import write_page
from .progress import Progress, clock, say
from .state import State

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
_SECONDS_BETWEEN_SUMMARIES = 300.0
_MOST_FAILURES_TOLD = 20


def run_batch(arguments: list[str]) -> int:
    """Run a batch.

    Parameters
    ----------
    arguments : list of str
        Without the program's name.

    Returns
    -------
    int
        Exit code.
    """
    try:
        # What ends jobs on clusters is taken as Ctrl+C is.
        signal.signal(signal.SIGTERM, _interrupt)
        choices = Choices(arguments)
        # Before anything is made, so that a wrong name leaves no folder behind.
        total = sum(1 for _ in _listed(choices))
        if not total:
            raise UsageError(f"There are no photos in {', '.join(choices.common.photos)}.")
        with closing(OutputFolder(choices.common.out)) as out:
            return _run(choices, out, total)
    except SystemExit as stop:
        return int(stop.code or 0)
    except UsageError as error:
        say(str(error))
        return EXIT_USAGE
    except BatchError as error:
        say(str(error))
        return EXIT_FAILED
    except OSError as error:
        say(f"{choices.common.out} cannot be written to ({error.strerror or error}).")
        return EXIT_FAILED
    except KeyboardInterrupt:
        say("Interrupted.")
        return EXIT_INTERRUPTED


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _listed(choices: Choices) -> Iterator[Item]:
    return items(choices.common.photos, choices.common.out, choices.column)


def _run(choices: Choices, out: OutputFolder, total: int) -> int:
    progress = Progress(total)
    with _books(out) as state:
        try:
            with _ray_quiet(), _books_explained(out), _crew(choices, out) as crew:
                driver = Driver(choices, out, state, crew, progress)
                driver.run(_listed(choices), _now_and_then(out, state))
        except KeyboardInterrupt:
            progress.close()
            _summarise(out, state)
            say(f"Interrupted; the same command continues. {_where(out)}")
            return EXIT_INTERRUPTED
        except BatchError:
            progress.close()
            _summarise(out, state)
            raise
        progress.close()
        _summarise(out, state)
        counts = driver.counts
        rate = 60 * progress.computed / max(progress.seconds, 1e-3)
        pace = f" ({rate:.0f} a minute)" if progress.computed else ""
        say(
            f"{total} photos: {counts.done} done, {counts.linked} linked, {counts.unchanged} "
            f"unchanged, {counts.failed} failed, in {clock(progress.seconds)}{pace}. {_where(out)}"
        )
        if not counts.failed:
            return 0
        _tell_failures(state, counts.failed)
        return EXIT_FAILED


@contextmanager
def _books(out: OutputFolder) -> Iterator[State]:
    with _books_explained(out):
        state = State(out.hidden / "state.sqlite")
        try:
            yield state
        finally:
            state.close()


@contextmanager
def _books_explained(out: OutputFolder) -> Iterator[None]:
    """Turn what SQLite says into sentences.

    Raises
    ------
    BatchError
    """
    try:
        yield
    except sqlite3.Error as error:
        # The lower byte is the kind of error.
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
            raise full_disk(out.path, str(error)) from error
        raise BatchError(
            f"What was noted in {out.hidden} is damaged ({error}): delete that folder and run the "
            "same command again, which takes over all photos that are done."
        ) from error


def _crew(choices: Choices, out: OutputFolder) -> Crew:
    common = choices.common
    note = out.hidden / "ray"
    # Ray's last processes may still write there for a minute after a kill: then the next time.
    left = [
        folder for folder in (note.read_text(encoding="utf-8") if note.exists() else "").split("\n")
        if folder and not remove_leftovers(folder)
    ]
    graphics = common.device != "cpu" and not is_landmarks(common.model)
    paths = [str(ROOT / "scripts"), str(ROOT)]
    return Crew(
        common.ray, common.workers, common.threads, graphics, paths,
        lambda folder: note.write_text("\n".join([*left, folder]), encoding="utf-8"),
    )


@contextmanager
def _ray_quiet() -> Iterator[None]:
    """Keep Ray's words on workers that died off standard output: they are made anew."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield


def _now_and_then(out: OutputFolder, state: State) -> Callable[[], None]:
    last = time.monotonic()

    def summarise() -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_SUMMARIES:
            _summarise(out, state)
            last = time.monotonic()

    return summarise


def _summarise(out: OutputFolder, state: State) -> None:
    state.commit()
    try:
        write_manifest(out.path, state)
        write_page(out, state)
    except (BatchError, OSError) as error:
        reason = str(error) if isinstance(error, BatchError) else error.strerror
        say(f"{MANIFEST} and {PAGE} are not up to date: {reason}")


def _tell_failures(state: State, count: int) -> None:
    for entry in itertools.islice(state.failures(), _MOST_FAILURES_TOLD):
        name = entry.path.rpartition(os.sep)[2]
        told = entry.reason if name in entry.reason else f"{entry.path}: {entry.reason}"
        say(plain(told))
    if count > _MOST_FAILURES_TOLD:
        say(f"{count - _MOST_FAILURES_TOLD} more failures stand in {MANIFEST} and {PAGE}.")
    say("--retry tries them again.")


def _where(out: OutputFolder) -> str:
    return f"See {out.path / PAGE} and {out.path / MANIFEST}."
