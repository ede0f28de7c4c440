# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how exactly depth of unknown scale and shift is placed in space.

    python scripts/evaluate_placing.py --data SCANS

Most depth models say depth or disparity up to an affine change. Here the truth itself is so
changed, at random, and goes through the product as a model's word would; prints, as Markdown,
how far the result is from the truth. SCANS is a folder as ``evaluate.py`` takes it.
"""

from __future__ import annotations  # see _environment.py

import argparse
import sys
from pathlib import Path

import _environment


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--count", type=int, metavar="N", help="of the photos, spread evenly")
    parser.add_argument("--changes", type=int, default=3, metavar="N", help="for each photo")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    _environment.ensure(dataset=True)
    sys.path.insert(0, str(_environment.ROOT))
    from evaluation.placing_study import placing
    from evaluation.truth import list_cases, spread
    from heads.manifest import FolderError

    from face_depth_addon.core.errors import FaceDepthError

    try:
        cases = spread(list_cases(options.data), options.count)
        print(placing(cases, options.changes, options.seed))
    except (FaceDepthError, FolderError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
