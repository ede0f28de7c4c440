# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell how far a long run is: one line that is kept up to date, or lines now and then in a log."""

import sys
import time
from types import TracebackType

_SECONDS_BETWEEN_LINES = 10
_BAR = 24


class Progress:
    """Count images, on standard error.

    Parameters
    ----------
    total
        How many images there will be.
    done
        How many of them there are already.
    cores
        How many cores share the work.
    """

    def __init__(self, total: int, done: int, cores: int) -> None:
        self._total = total
        self._before = done
        self._done = done
        self._cores = cores
        self._on_terminal = sys.stderr.isatty()
        self._started = self._told = time.monotonic()
        self._ended: float | None = None

    def __enter__(self) -> "Progress":
        if self._on_terminal:
            self._tell()
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = time.monotonic()
        if self._on_terminal:
            print(file=sys.stderr)

    def advance(self) -> None:
        """Count one more."""
        self._done += 1
        now = time.monotonic()
        if self._on_terminal or now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            self._tell()

    def summary(self) -> str:
        """Return what this run has done."""
        return (
            f"{self._done - self._before} images in {_clock(self._elapsed())}: "
            f"{self._rate():.1f} images a minute, {self._rate() / self._cores:.1f} per core."
        )

    def _elapsed(self) -> float:
        return (self._ended or time.monotonic()) - self._started

    def _rate(self) -> float:
        return 60.0 * (self._done - self._before) / max(self._elapsed(), 1e-3)

    def _tell(self) -> None:
        text = f"{self._done} of {self._total} images"
        rate = self._rate()
        if rate:
            left = _clock(60.0 * (self._total - self._done) / rate)
            text += f", {rate:.1f} a minute, {rate / self._cores:.1f} per core, {left} left"
        if self._on_terminal:
            filled = "#" * (_BAR * self._done // self._total)
            print(f"\r[{filled:-<{_BAR}}] {text}\x1b[K", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    """Return a duration as "1:02:03" or "2:03"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
