# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how good the depth of models is, beside baselines, on photos whose depth is known.

    python scripts/evaluate.py --model face-dpt --data DIR --out OUT --sources SOURCES
    python scripts/evaluate.py --model face-dpt --model MY_MODEL --data SET --data SCANS --out OUT

Sets itself up on a fresh machine.  Writes tables (evaluation.md), every value (evaluation.json),
plots, and sheets of the best, middle and worst photos.  docs/evaluation.md says what is measured.
"""

from __future__ import annotations  # see _environment.py

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import _environment

if TYPE_CHECKING:
    from evaluation.study import Study

BASELINES = ("facemesh", "mean-head", "ellipsoid", "card")
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    _environment.ensure(dataset=True)
    if str(_environment.ROOT) not in sys.path:
        sys.path.insert(0, str(_environment.ROOT))
    return run(options)


def run(options: argparse.Namespace) -> int:
    """Do what was asked in an environment that has all packages; return the exit code."""
    from heads.manifest import FolderError
    from heads.sources import SourceError

    from face_depth_addon.core.errors import FaceDepthError

    try:
        evaluate(options)
    except (FaceDepthError, FolderError, SourceError) as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped before the report was written.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def evaluate(options: argparse.Namespace) -> None:
    """Evaluate, print the main tables and write the report."""
    from evaluation import predictors, report, study, truth
    from heads.manifest import explained

    studies = []
    for folder in options.data:
        cases = truth.spread(truth.list_cases(folder), options.count)
        title = _title(folder, {done.title for done in studies})
        studies.append(study.Study(title, str(folder), cases))
    chosen = predictors.choose(options.model, options.baselines, options.sources)
    with explained(options.out):
        options.out.mkdir(parents=True, exist_ok=True)
    for done in studies:
        for predictor in chosen:
            study.run(done, predictor)
    notes = []
    if "mean-head" in options.baselines and options.sources is None:
        notes.append("The mean head at the true pose is left out: it needs --sources.")
    for done in studies:
        print(f"\n{done.title}: {len(done.names)} of {len(done.cases)} photos count\n")
        print(report.main_table(done))
    print("\n".join(["", *notes]))
    with explained(options.out):
        write(studies, notes, options.out)
    print(options.out / "evaluation.md")


def write(studies: list[Study], notes: list[str], out: Path) -> None:
    """Write the report, its pictures and all values into a folder."""
    from evaluation import plots, report, sheet

    for done in studies:
        if not done.names:
            continue
        plots.bars(done, out / report.plot_name(done, "bars"))
        plots.histogram(done, out / report.plot_name(done, "histogram"))
        if done.breakdowns():
            plots.groups(done, out / report.plot_name(done, "groups"))
        for outcome in done.outcomes:
            if not outcome.predictor.is_baseline:
                sheet.write(done, outcome, out / report.sheet_name(done, outcome))
    (out / "evaluation.json").write_text(report.as_json(studies, notes), encoding="utf-8")
    (out / "evaluation.md").write_text(report.markdown(studies, notes), encoding="utf-8")


def _title(folder: Path, taken: set[str]) -> str:
    """The folder's name, with a number if another has the same."""
    name = folder.resolve().name
    names = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        prog="evaluate.py", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--model", action="append", required=True, metavar="NAME|DIR",
        help="a bundled model, facemesh for the Fast source, or the folder of a depth model; "
        "may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--data", type=Path, action="append", required=True, metavar="DIR",
        help="a data set of dataset.py, or a folder of scans; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--sources", type=Path, metavar="DIR",
        help="folder that holds ict_facekit, which the mean head at the true pose is made from",
    )  # fmt: skip
    parser.add_argument(
        "--baselines", type=_baselines, default=list(BASELINES), metavar="NAMES",
        help=f"all (default), none, or some of {', '.join(BASELINES)}, with commas",
    )  # fmt: skip
    parser.add_argument(
        "--count", type=_count, metavar="N",
        help="take N photos of each folder, at equal distances in it (default: all)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    return parser


def _baselines(text: str) -> list[str]:
    if text in ("all", "none"):
        return list(BASELINES) if text == "all" else []
    names = text.split(",")
    for name in names:
        if name not in BASELINES:
            raise argparse.ArgumentTypeError(
                f"{name!r} is none of {', '.join(BASELINES)}, all and none"
            )
    return names


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
