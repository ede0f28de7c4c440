# SPDX-License-Identifier: GPL-3.0-or-later
"""The face's own size. Needs numpy only."""

import numpy as np

from ..reconstruction import Reconstruction
from .face_points import LEFT_EYE, RIGHT_EYE

_MM_PER_M = 1000.0


def measured_mm(reconstruction: Reconstruction) -> float:
    """The length by which people know a reconstruction's size, in millimetres.

    It lies between the pupils, in space, or without a face along the photo's longest side.

    Parameters
    ----------
    reconstruction : Reconstruction
    """
    info, landmarks = reconstruction.info, reconstruction.landmarks
    pixels = float(max(info["width"], info["height"]))
    if landmarks is not None:
        sides = (reconstruction.crop.side, reconstruction.crop.side, 1.0)
        right, left = (
            landmarks[list(eye)].mean(axis=0) * sides for eye in (RIGHT_EYE, LEFT_EYE)
        )
        pixels = float(np.linalg.norm(left - right))
    return pixels * reconstruction.metres_per_pixel * _MM_PER_M
