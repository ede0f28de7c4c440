# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture of a completed head: the photo where it shows the head, mirrored elsewhere."""

import cv2
import numpy as np

from ..detail.fine_relief import crop_photo
from ..filters import fill_outside
from ..reconstruction import Reconstruction
from .completion import CompletedHead

_LEAST_WIDTH, _MOST_WIDTH = 512, 4096


def encoded_texture(head: CompletedHead, reconstruction: Reconstruction) -> bytes:
    """The texture of a head, as fine as the photo within reason, as a JPEG.

    Parameters
    ----------
    head : CompletedHead
    reconstruction : Reconstruction
        That of the relief.

    Raises
    ------
    MeshError
        The photo is missing.
    """
    photo = crop_photo(reconstruction)
    pixel = reconstruction.crop.side * reconstruction.metres_per_pixel / len(photo)
    spacing = head.chart.step * head.chart.size
    width = int(np.clip(head.chart.shape[1] * spacing / pixel, _LEAST_WIDTH, _MOST_WIDTH))
    texture = cv2.cvtColor(head_texture(head, photo, width), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", texture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def head_texture(head: CompletedHead, photo: np.ndarray, width: int) -> np.ndarray:
    """Draw the photo on the chart of a head, and its mirror image where the photo hides it.

    Parameters
    ----------
    head : CompletedHead
        Its colours are the photo's red, green and blue.
    photo : ndarray, (P, P, 3) uint8
        The crop that the relief's UVs lie in.
    width : int

    Returns
    -------
    ndarray, (height, width, 3) uint8
        As `CompletedHead.uvs` want it; even colour goes on where nothing is known.
    """
    maps = head.maps
    rows, columns = head.chart.shape
    size = (width, max(1, round(width * rows / columns)))

    def at_size(layer: np.ndarray) -> np.ndarray:
        return cv2.resize(layer.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)

    u, v = (at_size(fill_outside(layer, maps.own)) for layer in np.moveaxis(maps.places, -1, 0))
    side = photo.shape[0]
    shown = cv2.remap(
        photo, u * side - 0.5, (1.0 - v) * side - 0.5, cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    seen = at_size(maps.seen)[..., None]
    blended = seen * shown + (1.0 - seen) * (shown[:, ::-1] + at_size(maps.shift[..., :3]))
    known = at_size(maps.own | maps.own[:, ::-1]) > 0.5
    filled = [fill_outside(layer, known) for layer in np.moveaxis(blended, -1, 0)]
    return np.clip(np.dstack(filled) + 0.5, 0, 255).astype(np.uint8)
