# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of one head from several sides: scikit-image's astronaut, turned by her own depth."""

from functools import cache

import cv2
import numpy as np
import skimage.data

from face_depth_addon.core.photo import Photo
from face_depth_addon.core.pipeline import Clock, Options, Pipeline
from face_depth_addon.core.polygons.raster import rasterise
from face_depth_addon.core.reconstruction import Reconstruction
from face_depth_addon.inference.cards import MODELS

SIZE = 360
_STEP = 3


@cache
def turned_photo(yaw: float) -> np.ndarray:
    """(360, 360, 3) uint8 of the head turned to the picture's right by degrees, on grey."""
    seen = _seen()
    rows, columns = np.mgrid[0 : seen.size : _STEP, 0 : seen.size : _STEP]
    per_pixel = seen.crop.side / seen.size
    points = np.dstack([
        (columns - seen.size / 2) * per_pixel, (rows - seen.size / 2) * per_pixel,
        seen.depth[rows, columns] - np.median(seen.depth[seen.subject]) + 40.0,
    ]).reshape(-1, 3)
    angle = np.radians(yaw)
    across, near = (
        points[:, [0, 2]] @ np.array([[np.cos(angle), -np.sin(angle)],
                                      [np.sin(angle), np.cos(angle)]])
    ).T
    numbers = np.arange(rows.size).reshape(rows.shape)
    corners = (numbers[:-1, :-1], numbers[1:, :-1], numbers[1:, 1:], numbers[:-1, 1:])
    quads = np.stack(corners, axis=-1).reshape(-1, 4)
    quads = quads[seen.subject[rows, columns].ravel()[quads].all(axis=1)]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    scale = SIZE / seen.crop.side
    places = np.column_stack([across, points[:, 1]]) * scale + SIZE / 2
    cover = rasterise(places[triangles], (SIZE, SIZE), near[triangles])
    picture = np.full((SIZE * SIZE, 3), 120.0)
    colours = seen.rgb[rows, columns].reshape(-1, 3).astype(float)
    picture[cover.pixels] = np.einsum(
        "pk,pkc->pc", cover.weights, colours[triangles[cover.triangles]]
    )
    return cv2.blur(np.rint(picture).astype(np.uint8).reshape(SIZE, SIZE, 3), (2, 2))


@cache
def _seen() -> Reconstruction:
    photo = Photo(skimage.data.astronaut(), None, None, "astronaut.png", "")
    clock = Clock(lambda label, fraction: None)
    return Pipeline(MODELS).run(photo, lambda: None, Options(resolution=512), clock)
