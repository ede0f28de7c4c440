# SPDX-License-Identifier: GPL-3.0-or-later
"""How a data set is spread: skin tones, poses, lenses, expressions, light, people, what they wear.

``QUANTITIES`` says what is counted and where a record of the manifest has it.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from .manifest import explained, read_records

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

_NONE = "none"
_PLOT_COLUMNS, _PLOT_INCHES = 3, (4.8, 3.0)


def skin_angle(tone: Sequence[float]) -> float:
    """Return the individual typology angle, degrees, of a skin of CIELAB ``tone``."""
    lightness, _, yellow = tone
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


@dataclass(frozen=True)
class Quantity:
    """Something that is counted.

    Attributes
    ----------
    path
        Keys of the record, joined by dots.  A list there counts with each of its items.
    edges
        Limits of the intervals of a number; none for a name, which counts as it is.
    names
        Of the intervals; their limits if empty.
    convert
        Makes the number from what the record has.
    """

    name: str
    path: str
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    convert: Callable[[Any], float] = float


QUANTITIES = (
    # The limits are those of Chardon, Cretois and Hourseau, "Skin colour typology and suntanning
    # pathways", International Journal of Cosmetic Science 13 (1991).
    Quantity(
        "skin tone", "skin.tone", (-90, -30, 10, 28, 41, 55, 90),
        ("dark", "brown", "tan", "intermediate", "light", "very light"), skin_angle,
    ),
    Quantity("yaw, degrees", "camera.yaw", (-90, -60, -45, -30, -15, 0, 15, 30, 45, 60, 90)),
    Quantity("pitch, degrees", "camera.pitch", (-90, -30, -20, -10, 0, 10, 20, 30, 90)),
    Quantity("roll, degrees", "camera.roll", (-90, -20, -10, 0, 10, 20, 90)),
    Quantity("focal length, mm", "camera.focal_length", (0, 24, 35, 50, 70, 85, 105, 135, 1000)),
    Quantity("expression", "expression.name"),
    Quantity("light", "light.kind"),
    Quantity("backdrop", "backdrop.kind"),
    Quantity("geometry", "person.kind"),
    Quantity("sex", "person.sex", (0, 0.35, 0.65, 1), ("female", "between", "male")),
    Quantity("age, years", "person.age", (0, 12, 18, 30, 45, 60, 75, 100)),
    Quantity("hair", "hair.style"),
    Quantity("beard", "hair.beard"),
    Quantity("clothes", "clothes.kind"),
    Quantity("glasses", "glasses.shape"),
    Quantity("hat", "hat.kind"),
    Quantity("hands", "hands.place"),
)  # fmt: skip


def write(folder: Path) -> str:
    """Write ``stats.json`` and ``stats.png`` into a data set.

    Returns
    -------
    str
        The same as a Markdown table.

    Raises
    ------
    FolderError
        If the folder is not a data set or has no samples.
    """
    records = read_records(folder)
    counts = {quantity.name: count(quantity, records) for quantity in QUANTITIES}
    counts = {name: found for name, found in counts.items() if set(found) != {_NONE}}
    text = json.dumps({"images": len(records), **counts}, indent=1)
    with explained(folder):
        (Path(folder) / "stats.json").write_text(text + "\n", encoding="utf-8")
        _plot(counts, Path(folder) / "stats.png")
    return _table(counts)


def count(quantity: Quantity, records: list[dict]) -> dict[str, int]:
    """Return how often each value comes: intervals in their order, names by their number."""
    values = [value for record in records for value in _look_up(record, quantity)]
    if not quantity.edges:
        return dict(Counter(values).most_common())
    numbers = [quantity.convert(value) for value in values if value != _NONE]
    numbers = np.clip(numbers, quantity.edges[0], quantity.edges[-1])
    found, _ = np.histogram(numbers, quantity.edges)
    limits = zip(quantity.edges, quantity.edges[1:], strict=False)
    names = quantity.names or [f"{low:g} to {high:g}" for low, high in limits]
    intervals = {name: int(number) for name, number in zip(names, found, strict=True) if number}
    return intervals or {_NONE: len(records)}


def _look_up(record: dict, quantity: Quantity) -> list:
    """Return what a record has of a quantity; "none" where it has nothing."""
    value: Any = record
    for key in quantity.path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return [_NONE]
    is_list = isinstance(value, list) and not quantity.edges
    return (value or [_NONE]) if is_list else [value]


def _table(counts: dict[str, dict[str, int]]) -> str:
    lines = ["| quantity | value | images | share |", "|---|---|---:|---:|"]
    for name, found in counts.items():
        total = sum(found.values())
        for value, number in found.items():
            lines.append(f"| {name} | {value} | {number} | {number / total:.1%} |")
            name = ""
    return "\n".join(lines)


def _plot(counts: dict[str, dict[str, int]], path: Path) -> None:
    rows = -(-len(counts) // _PLOT_COLUMNS)
    width, height = _PLOT_INCHES
    figure, grid = pyplot.subplots(
        rows, _PLOT_COLUMNS, figsize=(width * _PLOT_COLUMNS, height * rows), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axes in grid.flat[len(counts) :]:
        axes.axis("off")
    for axes, (name, found) in zip(grid.flat, counts.items(), strict=False):
        axes.barh(list(map(str, found)), list(found.values()), color="#4477aa")
        axes.invert_yaxis()
        axes.set_title(name, loc="left", fontsize=10)
        axes.tick_params(labelsize=7)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
