# SPDX-License-Identifier: GPL-3.0-or-later
"""Normal maps of depth, as PNG."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import OutputError
from ..files import write_whole
from ..interpolation import enlarge
from ..reconstruction import Reconstruction


def relief_normals(reconstruction: Reconstruction) -> np.ndarray:
    """Normals of a reconstruction's relief with its detail, in the frame of its texture.

    Parameters
    ----------
    reconstruction : Reconstruction

    Returns
    -------
    ndarray, (S, S, 3) uint8
        RGB as of `normal_map`; of the detail's size, where there is any.
    """
    depth, subject = reconstruction.depth, reconstruction.subject
    detail = reconstruction.detail
    if detail is not None:
        rows, columns = (
            np.arange(count) * len(depth) // count for count in detail.shape
        )
        depth, subject = enlarge(depth, detail.shape) + detail, subject[rows][:, columns]
    return normal_map(depth, subject, reconstruction.crop.side / len(depth))


def normal_map(depth: np.ndarray, mask: np.ndarray, per_pixel: float) -> np.ndarray:
    """Normals of a depth map in OpenGL's convention, which Blender shares.

    Red is the normal's part to the picture's right, green upwards and blue towards the viewer,
    each from -1 at 0 to 1 at 255. Slopes are central differences inside the mask and one-sided
    at its border, so that nothing outside leaks in.

    Parameters
    ----------
    depth : ndarray, (H, W) float32
        Nearer is larger, row 0 is the top; finite in the mask.
    mask : ndarray, (H, W) bool
    per_pixel : float
        Width of a pixel in the unit of ``depth``.

    Returns
    -------
    ndarray, (H, W, 3) uint8
        RGB; flat, (128, 128, 255), outside the mask.
    """
    normals = np.empty((*depth.shape, 3), np.float32)
    normals[..., 0] = -_slope(depth, mask)
    # Rows run down, green points up.
    normals[..., 1] = _slope(depth.T, mask.T).T
    normals[..., 2] = per_pixel
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return (normals * 127.5 + 128.0).astype(np.uint8)


def _slope(depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Difference per pixel along rows, the mean of the sides that are in the mask; 0 outside."""
    both = mask[:, 1:] & mask[:, :-1]
    steps = np.where(both, np.diff(depth, axis=1), 0.0)
    total, count = np.zeros(depth.shape, np.float32), np.zeros(depth.shape, np.uint8)
    for side in (slice(None, -1), slice(1, None)):
        total[:, side] += steps
        count[:, side] += both
    return total / np.maximum(count, 1)


def write_normal_map(path: Path, normals: np.ndarray) -> None:
    """Write a normal map as PNG; the file appears whole or not at all.

    Parameters
    ----------
    path : Path
    normals : ndarray, (H, W, 3) uint8
        As `normal_map` gives it.

    Raises
    ------
    OutputError
        Another suffix than ``.png``, or the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise OutputError(f"{path.name} is no normal map: its name must end in .png.")
    buffer = io.BytesIO()
    Image.fromarray(normals).save(buffer, "PNG")
    write_whole(path, buffer.getvalue())
