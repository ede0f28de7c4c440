# SPDX-License-Identifier: GPL-3.0-or-later
"""A small picture of a reconstruction: the photo, its depth and its surface side by side."""

import cv2
import numpy as np

from face_depth_addon.core.reconstruction import Reconstruction

SIDE = 160
_QUALITY = 80
_LIGHT = np.array([-0.4, -0.5, 0.77], np.float32)
_GROUND = 0.93


def thumbnail(result: Reconstruction) -> bytes:
    """A WebP file of three squares, `SIDE` pixels each."""
    size = (SIDE, SIDE)
    photo = cv2.resize(result.rgb, size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(result.subject.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    far, near = np.percentile(result.depth[result.subject], (1, 99))
    depth = cv2.resize(result.depth, size, interpolation=cv2.INTER_AREA)
    grey = np.clip((depth - far) / max(near - far, 1e-6), 0.0, 1.0)
    # Depth is in photo pixels, of which so many lie on one of the thumbnail's.
    slope_y, slope_x = np.gradient(depth / (result.crop.side / SIDE))
    light = _LIGHT[2] - slope_x * _LIGHT[0] - slope_y * _LIGHT[1]
    shade = 0.15 + 0.85 * np.clip(light / np.sqrt(1.0 + slope_x**2 + slope_y**2), 0.0, 1.0)
    panels = [
        np.repeat((panel * share + _GROUND * (1.0 - share))[..., None], 3, 2) * 255.0
        for panel in (grey, shade)
    ]
    picture = np.hstack([photo[..., ::-1], *panels]).round().astype(np.uint8)
    _, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    return data.tobytes()
