# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how true the finished mesh is to scans seen from several sides.

    python scripts/evaluate_mesh.py --data SCANS [--model NAME|DIR]

Prints, as Markdown: the mean distance of the visible face from the scan in each projection, the
angle between normals without and with the detail of shading, and how far the completed side of a
turned head lies from the side of the scan that its photo hides, which another photo shows. SCANS is
a folder as ``evaluate.py`` takes it, with photos named NAME_y+40.png and NAME_y-40.png.
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
    parser.add_argument("--model", default="face-dpt", metavar="NAME|DIR")
    options = parser.parse_args()
    _environment.ensure(dataset=True)
    sys.path.insert(0, str(_environment.ROOT))
    from evaluation.mesh_study import completion, detail, photos, projections
    from heads.manifest import FolderError

    from face_depth_addon.core.errors import FaceDepthError

    try:
        found = photos(options.data, options.model)
        for table in (projections, detail, completion):
            print(f"{table(found)}\n", flush=True)
    except (FaceDepthError, FolderError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
