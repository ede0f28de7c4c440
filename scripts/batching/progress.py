# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a batch is: a bar on a terminal, a line now and then elsewhere. On standard error."""

import sys
import time
from collections import deque

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 30.0
# The rate is that of the last so many photos.
_RECENT = 200


class Progress:
    """Tells of photos that are finished.

    Parameters
    ----------
    total : int
        How many will be.
    """

    def __init__(self, total: int):
        self._total = total
        self._finished = self._computed = self._failed = 0
        self._begun = self._told = time.monotonic()
        self._recent: deque[float] = deque([self._begun], maxlen=_RECENT)
        live = sys.stderr.isatty()
        self._bar = tqdm(
            total=total, bar_format="{percentage:3.0f}%|{bar}| {desc}", mininterval=0.2,
        ) if live else None

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun

    @property
    def computed(self) -> int:
        """How many photos were worked on."""
        return self._computed

    def add(self, computed: bool = False, failed: bool = False) -> None:
        """Count a photo."""
        self._finished += 1
        self._failed += failed
        if computed:
            self._computed += 1
            self._recent.append(time.monotonic())
        if self._bar is not None:
            self._bar.set_description_str(self._text(), refresh=False)
            self._bar.update()

    def tick(self) -> None:
        """Tell how far it is, if that is due."""
        if self._bar is not None:
            self._bar.set_description_str(self._text(), refresh=False)
            self._bar.refresh()
        elif time.monotonic() - self._told > _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            say(f"{self._text()}.")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.leave = False
            self._bar.close()

    def _text(self) -> str:
        words = [f"{self._finished} of {self._total} photos"]
        span = time.monotonic() - self._recent[0]
        if self._computed and span > 0:
            rate = min(self._computed, len(self._recent)) / span
            words.append(f"{60 * rate:.0f} a minute")
            left = max(self._total - self._finished, 0)
            words.append(f"{clock(left / rate)} left")
        words.append(f"{self._failed} failed")
        return ", ".join(words)


def say(text: str) -> None:
    """Write a line to standard error, above the bar if there is one."""
    tqdm.write(text, file=sys.stderr)
    sys.stderr.flush()


def clock(seconds: float) -> str:
    """A time as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
