# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in steps, each of which says how far it is."""

from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple


class Progress(NamedTuple):
    """What is being done, for people, and how far it is, 0 to 1."""

    label: str
    fraction: float


def finish(steps: Iterator[Progress]):
    """Run a generator of steps to its end; its return value."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def part_of(
    steps: Generator[Progress, None, object], prefix: str, begin: float, length: float,
    enough: Sequence[object] = (),
) -> Iterator[Progress]:
    """The progress of a part as that of the whole job; returns what the part does.

    Parameters
    ----------
    steps : generator of Progress
        Closed in any case.
    prefix : str
        Goes before what is being done.
    begin, length : float
        Where the part begins and how much of the whole it is, 0 to 1.
    enough : sequence
        As soon as it is not empty, the part is ended, and None returned.
    """
    try:
        while not enough:
            try:
                progress = next(steps)
            except StopIteration as stop:
                return stop.value
            yield Progress(f"{prefix}{progress.label}", begin + length * progress.fraction)
        return None
    finally:
        steps.close()
