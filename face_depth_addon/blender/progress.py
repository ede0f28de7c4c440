# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in steps, each of which says how far it is."""

from collections.abc import Iterator
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
