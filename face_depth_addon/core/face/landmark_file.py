# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks as JSON."""

import json

import numpy as np

from ..crop import transform_points
from ..errors import OutputError
from ..reconstruction import Reconstruction
from .landmarks import Face

_AXES = {
    "x": "to the right from the photo's left edge",
    "y": "down from the photo's top edge",
    "z": "towards the camera, nearer is larger; only differences count",
    "pixels": "the centre of the upper left pixel is at (0.5, 0.5)",
}
_MESH_AXES = (
    "of the nearest vertices, in metres in the mesh object's own space: x to the picture's right, "
    "y away from the camera, z up"
)
_POSE = (
    "yaw: positive towards the picture's right; pitch: positive upwards; "
    "roll: positive clockwise as seen"
)


def landmarks_json(
    reconstruction: Reconstruction, vertices: np.ndarray | None = None,
    positions: np.ndarray | None = None,
) -> str:
    """The landmarks of a face as a JSON document that says itself what its numbers mean.

    Parameters
    ----------
    reconstruction : Reconstruction
    vertices : ndarray, (468,) int, or None
        The vertices of the mesh that lie nearest.
    positions : ndarray, (468, 3), or None
        Those vertices' places, in metres.

    Returns
    -------
    str
        ``landmarks`` has 468 rows [x, y, z].

    Raises
    ------
    OutputError
        The reconstruction has no face.
    """
    if reconstruction.landmarks is None:
        raise OutputError("There are no landmarks to write, since no face was looked for or found.")
    crop, info = reconstruction.crop, reconstruction.info
    points = np.column_stack([
        transform_points(crop.to_photo(1), reconstruction.landmarks[:, :2]),
        reconstruction.landmarks[:, 2],
    ])
    box = np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])
    yaw, pitch, roll = Face(points, 1.0, box).pose
    document = {
        "photo": {"name": info["photo"], "width": info["width"], "height": info["height"]},
        "units": "pixels of the photo",
        "axes": _AXES,
        "order": "MediaPipe FaceMesh, points 0 to 467; right and left are the person's own",
        "metres_per_pixel": float(f"{reconstruction.metres_per_pixel:.6g}"),
        "pose_degrees": {
            "yaw": round(yaw, 2), "pitch": round(pitch, 2), "roll": round(roll, 2), "signs": _POSE,
        },
        "crop": {
            "x": round(crop.x, 3), "y": round(crop.y, 3), "side": round(crop.side, 3),
            "roll_degrees": round(float(np.degrees(crop.roll)), 3),
        },
        "landmarks": np.round(points, 3).tolist(),
    }
    if vertices is not None:
        document["mesh"] = {
            "axes": _MESH_AXES, "vertices": vertices.tolist(),
            "positions": np.round(positions.astype(float), 6).tolist(),
        }
    return json.dumps(document, indent=1, allow_nan=False)
