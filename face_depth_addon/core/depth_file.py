# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps as files: .npy, .exr and 16-bit .png."""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .errors import OutputError
from .files import write_whole


def write_depth(path: Path, depth: np.ndarray) -> None:
    """Write a depth map; the file appears whole or not at all.

    ``.npy`` and ``.exr`` hold the float32 values, NaN outside the subject. ``.png`` holds
    16 bits: 0 outside the subject, 1 the farthest and 65535 the nearest value, which its
    text entries ``depth_far_px`` and ``depth_near_px`` give.

    Parameters
    ----------
    path : Path
    depth : ndarray, (H, W) float32
        Photo pixels, nearer is larger, NaN outside the subject.

    Raises
    ------
    OutputError
        Unknown suffix, or the file cannot be written.
    """
    encoders = {".npy": _npy, ".exr": _exr, ".png": _png}
    encode = encoders.get(path.suffix.lower())
    if encode is None:
        raise OutputError(f"{path.name} is no depth map: its name must end in .npy, .exr or .png.")
    write_whole(path, encode(depth))


def _npy(depth: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, depth.astype(np.float32))
    return buffer.getvalue()


def _exr(depth: np.ndarray) -> bytes:
    _, data = cv2.imencode(".exr", depth.astype(np.float32))
    return data.tobytes()


def _png(depth: np.ndarray) -> bytes:
    known = np.isfinite(depth)
    far, near = float(depth[known].min()), float(depth[known].max())
    scaled = 1.0 + (depth - far) / max(near - far, 1e-6) * 65534.0
    levels = np.where(known, np.round(scaled), 0.0).astype(np.uint16)
    text = PngInfo()
    text.add_text("depth_far_px", repr(far))
    text.add_text("depth_near_px", repr(near))
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()
