# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks as JSON."""

import json

import numpy as np

from .crop import Crop
from .landmarks import INTER_PUPIL_MM, Face

_AXES = {
    "x": "to the right from the photo's left edge",
    "y": "down from the photo's top edge",
    "z": "towards the camera, nearer is larger; only differences count",
    "pixels": "the centre of the upper left pixel is at (0.5, 0.5)",
}
_POSE = (
    "yaw: positive towards the picture's right; pitch: positive upwards; "
    "roll: positive clockwise as seen"
)


def landmarks_json(face: Face, crop: Crop, photo_name: str, size: tuple[int, int]) -> str:
    """The landmarks of a face as a JSON document that says itself what its numbers mean.

    Parameters
    ----------
    face : Face
    crop : Crop
        The square that was reconstructed.
    photo_name : str
    size : tuple of int
        The photo's (width, height).

    Returns
    -------
    str
        ``landmarks`` has 468 rows [x, y, z].
    """
    yaw, pitch, roll = face.pose
    document = {
        "photo": {"name": photo_name, "width": size[0], "height": size[1]},
        "units": "pixels of the photo",
        "axes": _AXES,
        "order": "MediaPipe FaceMesh, points 0 to 467; right and left are the person's own",
        "metres_per_pixel": float(f"{face.metres_per_pixel:.6g}"),
        "scale": f"{INTER_PUPIL_MM:g} mm between the pupils",
        "pose_degrees": {
            "yaw": round(yaw, 2), "pitch": round(pitch, 2), "roll": round(roll, 2), "signs": _POSE,
        },
        "presence": round(face.presence, 4),
        "crop": {
            "x": round(crop.x, 3), "y": round(crop.y, 3), "side": round(crop.side, 3),
            "roll_degrees": round(float(np.degrees(crop.roll)), 3),
        },
        "landmarks": np.round(face.landmarks, 3).tolist(),
    }
    return json.dumps(document, indent=1, allow_nan=False)
