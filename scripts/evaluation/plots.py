# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies as plots."""

from pathlib import Path

import matplotlib
import numpy as np

from .scoring import MAIN
from .study import Study

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402

_BARS = ("mae", "mae_shift", "normal_mean", "side", "mad")
_MODELS = ("#4477aa", "#228833", "#aa3377", "#66ccee", "#ccbb44", "#004488")
_BASELINES = ("#333333", "#777777", "#aaaaaa", "#cccccc")
_FEW_ALPHA = 0.25
_COLUMNS, _INCHES = 3, (4.8, 3.0)
_DPI = 110


def bars(study: Study, path: Path) -> None:
    """Draw the means of the main measures, a panel for each, a bar for each predictor."""
    metrics = [metric for metric in MAIN if metric.key in _BARS]
    figure, panels = pyplot.subplots(
        1, len(metrics), figsize=(2.8 * len(metrics) + 2, 0.35 * len(study.outcomes) + 1.2),
        sharey=True, layout="constrained",
    )  # fmt: skip
    titles = [outcome.predictor.title for outcome in study.outcomes]
    means = [outcome.means(study.names) for outcome in study.outcomes]
    for axes, metric in zip(panels, metrics, strict=True):
        values = [mean[metric.key] for mean in means]
        drawn = axes.barh(range(len(titles)), values, color=_colours(study))
        axes.bar_label(drawn, fmt=f"%.{metric.decimals}f", padding=2, fontsize=8)
        axes.set_title(metric.title, loc="left", fontsize=10)
        axes.margins(x=0.25)
    panels[0].set_yticks(range(len(titles)), titles, fontsize=8)
    panels[0].invert_yaxis()
    _save(figure, path)


def groups(study: Study, path: Path) -> None:
    """Draw the MAE by group for the models and the first baseline; small groups are pale."""
    found = study.breakdowns()
    colours = _colours(study)
    baselines = [outcome.predictor.is_baseline for outcome in study.outcomes]
    shown = [place for place, is_baseline in enumerate(baselines) if not is_baseline]
    shown += [baselines.index(True)] if any(baselines) else []
    columns = min(_COLUMNS, len(found))
    rows = -(-len(found) // columns)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(_INCHES[0] * columns, _INCHES[1] * rows), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axes in grid.flat[len(found) :]:
        axes.axis("off")
    height = 0.8 / len(shown)
    for axes, (kind, members) in zip(grid.flat, found.items(), strict=False):
        for step, place in enumerate(shown):
            outcome = study.outcomes[place]
            values = [outcome.means(group.names)["mae"] for group in members]
            drawn = axes.barh(
                np.arange(len(members)) + step * height, values, height, align="edge",
                color=colours[place],
            )  # fmt: skip
            for bar, group in zip(drawn, members, strict=True):
                bar.set_alpha(1.0 if group.is_judged else _FEW_ALPHA)
        labels = [f"{group.name} ({len(group.names)})" for group in members]
        axes.set_yticks(np.arange(len(members)) + 0.4, labels, fontsize=7)
        axes.invert_yaxis()
        axes.set_title(f"MAE in mm by {kind}", loc="left", fontsize=10)
    keys = [Patch(color=colours[place], label=study.outcomes[place].predictor.title)
            for place in shown]  # fmt: skip
    figure.legend(handles=keys, loc="outside lower center", ncols=len(shown), fontsize=8)
    _save(figure, path)


def histogram(study: Study, path: Path) -> None:
    """Draw how many photos have which MAE, a line for each predictor."""
    values = [
        [outcome.scores[name]["mae"] for name in study.names] for outcome in study.outcomes
    ]
    edges = np.linspace(0.0, max(map(max, values)) * 1.001 + 1e-6, 41)
    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    for row, colour, outcome in zip(values, _colours(study), study.outcomes, strict=True):
        style = "--" if outcome.predictor.is_baseline else "-"
        counts, _ = np.histogram(row, edges)
        axes.stairs(counts, edges, color=colour, linestyle=style, label=outcome.predictor.title)
    axes.set_title("Photos by their MAE in mm", loc="left", fontsize=10)
    axes.set_xlim(0, edges[-1])
    axes.legend(fontsize=8, frameon=False)
    _save(figure, path)


def _colours(study: Study) -> list[str]:
    counts = {True: 0, False: 0}
    colours = []
    for outcome in study.outcomes:
        kind = outcome.predictor.is_baseline
        palette = _BASELINES if kind else _MODELS
        colours.append(palette[counts[kind] % len(palette)])
        counts[kind] += 1
    return colours


def _save(figure, path: Path) -> None:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7)
    figure.savefig(path, dpi=_DPI)
    pyplot.close(figure)
