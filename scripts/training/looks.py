# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network in training makes of fixed photos: depth and mesh as pictures."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

_RECONSTRUCT = Path(__file__).resolve().parent.parent / "reconstruct.py"
_PICTURE = 512


def look(model: Path, photos: Sequence[Path], target: Path) -> str:
    """Reconstruct photos with the product itself and put its pictures on one sheet.

    Parameters
    ----------
    model : Path
        A model's folder.
    photos : sequence of Path
    target : Path
        PNG: a row for each photo, with its depth and its mesh from the front and at 45 degrees.

    Returns
    -------
    str
        What could not be reconstructed and why; empty if all could.
    """
    with tempfile.TemporaryDirectory() as scratch:
        rows, said = [], []
        for photo in photos:
            depth, preview = Path(scratch, "depth.npy"), Path(scratch, "preview.png")
            run = subprocess.run(
                [sys.executable, str(_RECONSTRUCT), str(photo), "--model", str(model),
                 "--depth-output", str(depth), "--preview", str(preview)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if run.returncode:
                said.append(run.stderr.strip())
                continue
            rows.append(np.hstack([_grey(np.load(depth)), _square(_read(preview))]))
    if rows:
        width = max(row.shape[1] for row in rows)
        rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(cv2.imencode(".png", np.vstack(rows))[1].tobytes())
    return "\n".join(said)


def _grey(depth: np.ndarray) -> np.ndarray:
    """The subject's part of a depth map as a grey picture, nearer is lighter."""
    rows, columns = np.nonzero(np.isfinite(depth))
    depth = depth[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    low, high = np.nanpercentile(depth, (5, 99.5))
    grey = np.clip((depth - low) / max(high - low, 1e-6), 0.0, 1.0) * 225 + 30
    return _square(cv2.merge([np.nan_to_num(grey).astype(np.uint8)] * 3))


def _square(picture: np.ndarray) -> np.ndarray:
    """The picture at a height that all have."""
    width = round(picture.shape[1] * _PICTURE / picture.shape[0])
    return cv2.resize(picture, (width, _PICTURE), interpolation=cv2.INTER_AREA)


def _read(path: Path) -> np.ndarray:
    return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
