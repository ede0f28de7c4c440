# SPDX-License-Identifier: GPL-3.0-or-later
"""All predictors on the photos of a folder, and what comes of it in groups."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from .groups import BREAKDOWNS, LEAST_COUNT, in_order
from .predictors import Predictor
from .scoring import FURTHER, MAIN, score
from .truth import Case

_KEYS = tuple(metric.key for metric in MAIN + FURTHER)

Scores = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What a predictor reached.

    Attributes
    ----------
    predictor : Predictor
    scores : dict
        By the photo's name: its measures, None where the face was not found.
    """

    predictor: Predictor
    scores: dict[str, Scores | None]

    @property
    def found(self) -> float:
        """Share of the photos in which the face was found."""
        return float(np.mean([scores is not None for scores in self.scores.values()]))

    def means(self, names: Iterable[str]) -> Scores:
        """Each measure's mean over some photos; NaN where none has it."""
        rows = [self.scores[name] for name in names]
        return {key: _mean([row[key] for row in rows]) for key in _KEYS}


@dataclass(frozen=True)
class Group:
    """Photos of one kind.

    Attributes
    ----------
    name : str
    names : list of str
        Of its photos.
    """

    name: str
    names: list[str]

    @property
    def is_judged(self) -> bool:
        """Whether it is large enough to say something."""
        return len(self.names) >= LEAST_COUNT


@dataclass(frozen=True)
class Study:
    """The predictors on one folder.

    Attributes
    ----------
    title : str
        Unique among those of a report, and fit for a file's name.
    folder : str
    cases : list of Case
    outcomes : list of Outcome
    """

    title: str
    folder: str
    cases: list[Case]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The photos that count: those in which every predictor found the face."""
        return [
            case.name for case in self.cases
            if all(outcome.scores[case.name] is not None for outcome in self.outcomes)
        ]  # fmt: skip

    def breakdown(self, kind: str) -> list[Group]:
        """The photos that count by a key of `BREAKDOWNS`; none where the folder tells nothing."""
        counted = set(self.names)
        members: dict[str, list[str]] = {}
        for case in self.cases:
            if case.name in counted and kind in case.groups:
                members.setdefault(case.groups[kind], []).append(case.name)
        return [Group(name, members[name]) for name in in_order(kind, set(members))]

    def breakdowns(self) -> dict[str, list[Group]]:
        """Those that tell groups apart."""
        found = {kind: self.breakdown(kind) for kind in BREAKDOWNS}
        return {kind: groups for kind, groups in found.items() if len(groups) > 1}


def run(study: Study, predictor: Predictor) -> None:
    """Let a predictor see all photos of a study, and say how far it is in one line."""
    print(f"{study.title}, {predictor.title}: ", end="", flush=True)
    begun = time.perf_counter()
    scores = {case.name: _judge(case, predictor) for case in study.cases}
    outcome = Outcome(predictor, scores)
    study.outcomes.append(outcome)
    found = sum(value is not None for value in scores.values())
    print(f"{found} of {len(scores)} found, {time.perf_counter() - begun:.0f} s", flush=True)


def _judge(case: Case, predictor: Predictor) -> Scores | None:
    truth = case.read()
    depth = predictor.predict(truth)
    return None if depth is None else score(depth, truth, predictor.own_mask)


def worst_group(outcome: Outcome, groups: list[Group], names: list[str]) -> tuple[Group, float]:
    """Return the judged group with the greatest MAE, and that over the mean of all photos.

    Parameters
    ----------
    outcome : Outcome
    groups : list of Group
        At least one of them is large enough.
    names : list of str
        All photos that count.
    """
    overall = outcome.means(names)["mae"]
    ratios = [
        (group, outcome.means(group.names)["mae"] / overall) for group in groups if group.is_judged
    ]
    return max(ratios, key=lambda pair: pair[1])


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
