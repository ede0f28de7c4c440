# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of a fused head. Needs numpy only."""

from dataclasses import replace

import numpy as np

from ..face.face_points import LEFT_EYE, RIGHT_EYE
from .fused import FusedHead, PhotoCloud

_MM_PER_M = 1000.0


def pupils_mm(head: FusedHead) -> float:
    """Distance of the eyes' centres in space, in millimetres."""
    right, left = (
        head.landmarks[list(eye)].mean(axis=0, dtype=np.float64) for eye in (RIGHT_EYE, LEFT_EYE)
    )
    return float(np.linalg.norm(left - right)) * _MM_PER_M


def sized(head: FusedHead, wanted_mm: float) -> FusedHead:
    """A head, with all that lies about it, at the size that a distance of its pupils gives it.

    Parameters
    ----------
    head : FusedHead
    wanted_mm : float
        Distance of the eyes' centres, in millimetres.
    """
    ratio = wanted_mm / pupils_mm(head)

    def scaled(cloud: PhotoCloud) -> PhotoCloud:
        return replace(cloud, positions=cloud.positions * np.float32(ratio))

    return replace(
        head, positions=head.positions * np.float32(ratio),
        landmarks=head.landmarks * np.float32(ratio),
        photos=tuple(
            report if report.residual_mm is None
            else replace(report, residual_mm=ratio * report.residual_mm)
            for report in head.photos
        ),
        cameras=tuple(replace(camera, place=ratio * camera.place) for camera in head.cameras),
        before=scaled(head.before), after=scaled(head.after),
        residuals={step: ratio * length for step, length in head.residuals.items()},
    )
