# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how true heads fused of several photos are, beside meshes of single photos.

    python scripts/evaluate_fusion.py --data SET [--heads N] [--counts 2,3,5,9,19]
    python scripts/evaluate_fusion.py --data SET --troubles
    python scripts/evaluate_fusion.py --data SET --growth

Prints, as Markdown: the distance of the true head from the best single photo's mesh and from the
head fused by landmarks alone, after ICP and refined; with --troubles what a wrong, double,
mirrored, blurred or overexposed photo does; with --growth time and memory. SET is a data set of
``dataset.py render --protocol views19``, or a folder of scans as ``evaluate.py`` takes it, with
photos named NAME_y+40.png and so on.
"""

from __future__ import annotations  # see _environment.py

import argparse
import sys
from pathlib import Path

import _environment

COUNTS = (2, 3, 5, 9, 19)


def main() -> int:
    options = parser().parse_args()
    _environment.ensure(dataset=True)
    sys.path.insert(0, str(_environment.ROOT))
    from heads.manifest import FolderError

    from face_depth_addon.core.errors import FaceDepthError

    try:
        evaluate(options)
    except (FaceDepthError, FolderError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def evaluate(options: argparse.Namespace) -> None:
    """Measure what was asked for and print its tables."""
    from evaluation import fusion_growth, fusion_study, fusion_troubles, true_head

    cases = true_head.list_heads(options.data)[: options.heads]
    if options.growth:
        print(fusion_growth.growth(cases[0], options.model, options.counts))
        return
    reconstructions = fusion_study.Reconstructions(options.model, options.cache)
    if options.troubles:
        print(fusion_troubles.troubles(cases, reconstructions))
        return
    study = fusion_study.Study(options.counts)
    for case in cases:
        study.add(case, reconstructions)
        reconstructions.forget()
    for table in (study.errors, study.gains, study.regions):
        print(f"{table()}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", default="face-dpt", metavar="NAME|DIR")
    parser.add_argument("--heads", type=_heads, metavar="N", help="only the first N heads")
    parser.add_argument(
        "--counts", type=_counts, default=COUNTS, metavar="NUMBERS",
        help="numbers of photos, some of 2,3,5,9,19 (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, metavar="DIR",
        help="folder of our own that keeps the photos' depth for later runs",
    )  # fmt: skip
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--troubles", action="store_true", help="what bad photos do instead")
    mode.add_argument("--growth", action="store_true", help="time and memory instead")
    return parser


def _heads(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    known = {str(count): count for count in COUNTS}
    if not known.keys() >= set(text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is not made of {', '.join(known)}")
    return tuple(known[number] for number in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
