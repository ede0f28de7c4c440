# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies as Markdown and as JSON."""

import json
import math

from .groups import LEAST_COUNT, SKIN_TONE
from .scoring import FURTHER, MAIN, Metric
from .study import Group, Outcome, Study, worst_group


def main_table(study: Study) -> str:
    """Return the table of the main measures: a row for each predictor, with its found share."""
    return _measures(study, MAIN)


def markdown(studies: list[Study], notes: list[str]) -> str:
    """Return the whole report; the pictures it shows lie beside it."""
    parts = ["# Evaluation", *notes]
    for study in studies:
        parts += _section(study)
    return "\n\n".join(parts) + "\n"


def as_json(studies: list[Study], notes: list[str]) -> str:
    """Return everything that was measured: means, groups, and each photo's values."""
    content = {"notes": notes, "data": [_as_dict(study) for study in studies]}
    return json.dumps(_without_nan(content), indent=1, allow_nan=False) + "\n"


def plot_name(study: Study, kind: str) -> str:
    """Return a plot's file name; the kind is bars, groups or histogram."""
    return f"{study.title}-{kind}.png"


def sheet_name(study: Study, outcome: Outcome) -> str:
    """Return the file name of a model's sheet."""
    return f"{study.title}-sheet-{study.outcomes.index(outcome) + 1}.png"


def _section(study: Study) -> list[str]:
    names = study.names
    parts = [
        f"## {study.title}",
        f"{len(names)} of {len(study.cases)} photos count: those in which every row found the "
        "face. All rows are means over these; errors are in the face, after scale and shift, "
        "unless said.",
        main_table(study),
    ]
    if not names:
        return parts
    parts += [
        _measures(study, FURTHER),
        f"![Bars]({plot_name(study, 'bars')})",
        f"![Histogram]({plot_name(study, 'histogram')})",
        *_fairness(study),
    ]
    breakdowns = study.breakdowns()
    if breakdowns:
        parts += [
            f"![Groups]({plot_name(study, 'groups')})",
            f"MAE in mm by group; those below {LEAST_COUNT} photos, in brackets, are not judged.",
        ]
    parts += [_groups(study, kind, groups) for kind, groups in breakdowns.items()]
    parts += [
        f"![Best, middle and worst photos of {outcome.predictor.title}]"
        f"({sheet_name(study, outcome)})"
        for outcome in study.outcomes if not outcome.predictor.is_baseline
    ]  # fmt: skip
    return parts


def _measures(study: Study, metrics: tuple[Metric, ...]) -> str:
    header = ["", "found", *(metric.title for metric in metrics)]
    rows = []
    for outcome in study.outcomes:
        means = outcome.means(study.names)
        values = [_number(means[metric.key], metric.decimals) for metric in metrics]
        rows.append([outcome.predictor.title, f"{outcome.found:.1%}", *values])
    return _table(header, rows)


def _fairness(study: Study) -> list[str]:
    groups = study.breakdown(SKIN_TONE)
    if not any(group.is_judged for group in groups):
        return []
    lines = []
    for outcome in study.outcomes:
        worst, ratio = worst_group(outcome, groups, study.names)
        lines.append(
            f"- {outcome.predictor.title}: {ratio:.2f} of the mean MAE in the worst group, "
            f"{worst.name} (n = {len(worst.names)})"
        )
    return ["Fairness by skin tone:\n\n" + "\n".join(lines)]


def _groups(study: Study, kind: str, groups: list[Group]) -> str:
    header = [kind, "n", *(outcome.predictor.title for outcome in study.outcomes)]
    rows = []
    for group in groups:
        means = [outcome.means(group.names)["mae"] for outcome in study.outcomes]
        row = [group.name, str(len(group.names)), *(_number(value, 2) for value in means)]
        rows.append(row if group.is_judged else [f"({cell})" for cell in row])
    return _table(header, rows)


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _number(value: float, decimals: int) -> str:
    return "" if math.isnan(value) else f"{value:.{decimals}f}"


def _as_dict(study: Study) -> dict:
    names = study.names
    return {
        "title": study.title,
        "folder": study.folder,
        "photos": len(study.cases),
        "counted": names,
        "predictors": [_outcome(study, outcome, names) for outcome in study.outcomes],
        "groups": {case.name: case.groups for case in study.cases},
    }


def _outcome(study: Study, outcome: Outcome, names: list[str]) -> dict:
    by_group = {
        kind: {
            group.name: {"n": len(group.names), **outcome.means(group.names)} for group in groups
        }
        for kind, groups in study.breakdowns().items()
    }
    worst = {}
    for kind, groups in study.breakdowns().items():
        if any(group.is_judged for group in groups):
            group, ratio = worst_group(outcome, groups, names)
            worst[kind] = {"group": group.name, "over_mean": ratio}
    return {
        "name": outcome.predictor.name,
        "title": outcome.predictor.title,
        "baseline": outcome.predictor.is_baseline,
        "found": outcome.found,
        "means": outcome.means(names),
        "by_group": by_group,
        "worst_group": worst,
        "by_photo": outcome.scores,
    }


def _without_nan(value):
    """The same with None for NaN, which JSON has not."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
