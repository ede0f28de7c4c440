# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn thousands of face photos into meshes, on all cores of a machine or on a Ray cluster.

    python scripts/batch.py INPUT --out DIR [--workers N | --ray ADDRESS]

INPUT is a folder, a quoted pattern, or a CSV or Parquet list.  The same command again continues
what was stopped.  ``--help`` lists the options; those of ``reconstruct.py`` serve here too.
"""

from __future__ import annotations  # see _environment.py

import sys

import _environment


def main() -> int:
    _environment.ensure(batch=True)
    sys.path.insert(0, str(_environment.ROOT))
    from batching.command import run_batch

    return run_batch(sys.argv[1:])


if __name__ == "__main__":
    _environment.end(main())
