# SPDX-License-Identifier: GPL-3.0-or-later
"""What training reports: a line a step on the screen and in a table, and curves."""

import csv
import time
from collections import deque
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

STEPS, CHECKS = "steps.csv", "checks.csv"
_RECENT = 50


class Journal:
    """The lines of a run.

    Parameters
    ----------
    out : Path
    steps : int
        How many there are to be in all.
    step : int
        How many are done.
    """

    def __init__(self, out: Path, steps: int, step: int):
        self._out, self._steps = out, steps
        out.mkdir(parents=True, exist_ok=True)
        for name in (STEPS, CHECKS):
            _trim(out / name, step)
        self._times: deque[float] = deque(maxlen=_RECENT)

    def write(
        self, step: int, epoch: float, parts: dict[str, float], rate: float, batch: int,
        began: float,
    ) -> None:  # fmt: skip
        """Write one step's line; ``began`` is when it began, by `time.perf_counter`."""
        self._times.append(began)
        now = time.perf_counter()
        speed = (now - self._times[0]) / len(self._times)
        append(self._out / STEPS, {"step": step, "epoch": epoch, "rate": rate, **parts})
        named = "  ".join(f"{name} {value:.4f}" for name, value in parts.items())
        left = speed * (self._steps - step)
        print(
            f"step {step}/{self._steps}  epoch {epoch:.2f}  {named}  rate {rate:.1e}  "
            f"{batch / speed:.1f} images/s  {clock(left)} left",
            flush=True,
        )


def append(path: Path, row: dict[str, float]) -> None:
    """Add a row to a table whose first line names the columns."""
    is_new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


def _trim(path: Path, step: int) -> None:
    """Take the rows after a step away: those a stopped run did and this one does again."""
    rows = [row for row in read(path) if row["step"] <= step]
    path.unlink(missing_ok=True)
    for row in rows:
        append(path, row)


def read(path: Path) -> list[dict[str, float]]:
    """The rows of a table; none if there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)
        ]


def draw_curves(out: Path) -> None:
    """Draw the tables of a run as ``curves.png``."""
    steps, checks = read(out / STEPS), read(out / CHECKS)
    panels = [(name, steps) for name in list(steps[0])[2:]] if steps else []
    panels += [(name, checks) for name in list(checks[0])[1:]] if checks else []
    columns = 4
    rows = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(3.6 * columns, 2.4 * rows), squeeze=False, layout="constrained"
    )
    for axis, (name, table) in zip(axes.flat, panels, strict=False):
        x, y = ([row[key] for row in table] for key in ("step", name))
        axis.plot(x, y, lw=0.5 if table is steps else 1.2, marker=None if table is steps else ".")
        if table is steps and len(y) > _RECENT:
            smooth = np.convolve(y, np.ones(_RECENT) / _RECENT, mode="valid")
            axis.plot(x[_RECENT - 1 :], smooth, lw=1.4)
            axis.set_ylim(*np.percentile(y, (0.5, 98)))
        axis.set_title(name if table is steps else f"check: {name}", fontsize=9)
        axis.tick_params(labelsize=7)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    figure.savefig(out / "curves.png", dpi=90)
    pyplot.close(figure)


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
