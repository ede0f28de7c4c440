# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps as files: .npy, .exr and .png in and out, TIFF and JPEG in."""

import io
import math
import os
import struct
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from ..errors import DepthMapError, OutputError
from ..files import write_whole
from ..photo import (
    DECODE_ERRORS,
    DEEP_GREY_MODES,
    EXR_MAGIC,
    MAX_ASPECT,
    MAX_FILE_BYTES,
    MAX_PIXELS,
    MAX_PIXELS_FLOAT,
    MIN_SIDE,
    quoted,
)
from .exr import ExrOffError, cv2, decode_channel, depth_channels, encode_exr, parse_exr

_FAR, _NEAR, _SCALE = "depth_far_px", "depth_near_px", "metres_per_pixel"
_EXR_UNIT, _EXR_SCALE = "depthUnit", "metresPerPixel"
_PHOTO_PIXELS = "photo pixels, nearer is larger"
_NPY_MAGIC = b"\x93NUMPY"
_PICTURES = ("PNG", "TIFF", "JPEG")
_NPY_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0,
}
# Renderers write 1e10 where a ray met nothing.
_NOTHING = 1e9
# JPEG and colour management let the channels of a grey picture differ a little.
_GREY_SPREAD, _GREY_SHARE = 0.03, 0.001

# Values, step, whether they are photo pixels, metres per pixel: as in `DepthMap`.
_Read = tuple[np.ndarray, float, bool, float | None]


@dataclass(frozen=True, eq=False)
class DepthMap:
    """A depth map as a file holds it; what its values mean is mostly for the user to say.

    Attributes
    ----------
    values : ndarray, (H, W) float32
        The file's own numbers, row 0 is the top; NaN where depth is unknown.
    step : float
        The smallest difference that the file tells apart, 0 where it holds floats.
    in_pixels : bool
        The file says itself that the values are photo pixels and nearer is larger.
    name : str
        File name, for messages.
    metres_per_pixel : float or None
        Scale of the photo at the subject, where the file says it.
    """

    values: np.ndarray
    step: float
    in_pixels: bool
    name: str
    metres_per_pixel: float | None = None


def write_depth(path: Path, depth: np.ndarray, metres_per_pixel: float | None = None) -> None:
    """Write a depth map; the file appears whole or not at all.

    ``.npy`` and ``.exr`` hold the float32 values, NaN outside the subject. ``.png`` holds
    16 bits: 0 outside the subject, 1 the farthest and 65535 the nearest value, which its
    text entries ``depth_far_px`` and ``depth_near_px`` give. ``.png`` and ``.exr`` note the
    scale.

    Parameters
    ----------
    path : Path
    depth : ndarray, (H, W) float32
        Photo pixels, nearer is larger, NaN outside the subject.
    metres_per_pixel : float or None
        Scale of the photo at the subject.

    Raises
    ------
    OutputError
        Unknown suffix, nothing is known of the depth, or the file cannot be written.
    """
    encoders = {".npy": _npy, ".exr": _exr, ".png": _png}
    encode = encoders.get(path.suffix.lower())
    if encode is None:
        raise OutputError(f"{path.name} is no depth map: its name must end in .npy, .exr or .png.")
    if not np.isfinite(depth).any():
        raise OutputError(f"{path.name} would hold no depth: nothing of the subject is left.")
    write_whole(path, encode(depth, metres_per_pixel))


def _npy(depth: np.ndarray, _metres_per_pixel: float | None) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, depth.astype(np.float32))
    return buffer.getvalue()


def _exr(depth: np.ndarray, metres_per_pixel: float | None) -> bytes:
    scale = {} if metres_per_pixel is None else {_EXR_SCALE: repr(float(metres_per_pixel))}
    return encode_exr(depth, {_EXR_UNIT: _PHOTO_PIXELS} | scale)


def _png(depth: np.ndarray, metres_per_pixel: float | None) -> bytes:
    known = np.isfinite(depth)
    far, near = float(depth[known].min()), float(depth[known].max())
    levels = np.where(known, np.round(1.0 + (depth - far) / _png_step(far, near)), 0.0)
    text = PngInfo()
    text.add_text(_FAR, repr(far))
    text.add_text(_NEAR, repr(near))
    if metres_per_pixel is not None:
        text.add_text(_SCALE, repr(float(metres_per_pixel)))
    buffer = io.BytesIO()
    Image.fromarray(levels.astype(np.uint16)).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def _png_step(far: float, near: float) -> float:
    """Depth between two levels of our 16-bit PNG."""
    return max(near - far, 1e-6) / 65534.0


def read_depth(path: str | Path) -> DepthMap:
    """Read a depth map from a file, whose kind is told by its content and not by its suffix.

    Unknown are pixels that are not a number or infinite, that are less than half opaque, that
    a renderer marked as empty (1e9 and more), and level 0 of the PNG that `write_depth` makes.

    Parameters
    ----------
    path
        PNG, TIFF or JPEG picture of 8 or 16 bits, grey or with equal colour channels; TIFF of
        floats; OpenEXR with a channel Z, V, Y or R, also in a layer; .npy of numbers with
        shape (H, W), (1, H, W) or (H, W, 1).

    Raises
    ------
    DepthMapError
        The file is missing, unreadable, damaged, coloured, of another kind, too large or too
        small, or all of it is unknown.
    """
    path = Path(path)
    # Bytes of a file name that are no text would end in messages that must be.
    name = os.fsencode(path.name).decode(errors="replace")
    shown = quoted(name)
    data = _read_file(path, shown)
    if data.startswith(_NPY_MAGIC):
        values, step, in_pixels, scale = _read_npy(data, shown)
    elif data.startswith(EXR_MAGIC):
        values, step, in_pixels, scale = _read_exr(data, shown)
    else:
        values, step, in_pixels, scale = _read_picture(data, shown)
    if not np.isfinite(values).any():
        raise DepthMapError(f"{shown} holds no depth at any pixel; choose another depth map.")
    return DepthMap(values, step, in_pixels, name, scale)


def _read_file(path: Path, shown: str) -> bytes:
    try:
        if not path.is_file():
            raise DepthMapError(f"{shown} is not there or is no file; choose a depth map.")
        size = path.stat().st_size
        if size == 0:
            raise DepthMapError(f"{shown} is empty; choose another depth map.")
        if size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1024**2
            raise DepthMapError(f"{shown} is larger than {limit} MB; scale it down first.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise DepthMapError(f"{shown} cannot be opened; check its permissions.") from error


def _check_size(width: int, height: int, channels: int, shown: str) -> None:
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
        raise DepthMapError(
            f"{shown} is {width} x {height} pixels; a depth map needs at least {MIN_SIDE} on each "
            f"side and one side at most {MAX_ASPECT} times the other."
        )
    limit = MAX_PIXELS if channels == 1 else MAX_PIXELS_FLOAT
    if width * height > limit:
        raise _too_many_pixels(shown, limit)


def _too_many_pixels(shown: str, limit: int) -> DepthMapError:
    millions = limit // 1_000_000
    return DepthMapError(f"{shown} has more than {millions} million pixels; scale it down first.")


def _damaged(shown: str) -> DepthMapError:
    return DepthMapError(f"{shown} is damaged or cut short; save the depth map again.")


def _floats(values: np.ndarray) -> np.ndarray:
    """A float32 copy, NaN where nothing is known."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = values.astype(np.float32)
        values[~(np.abs(values) < _NOTHING)] = np.nan
    return values


def _read_npy(data: bytes, shown: str) -> _Read:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        shape, by_columns, dtype = _NPY_HEADERS[version](stream)
    except (*DECODE_ERRORS, tokenize.TokenError) as error:
        raise _damaged(shown) from error
    if dtype.kind not in "fiu":
        raise DepthMapError(f"{shown} holds no plain numbers; save the depth map as float32.")
    sides = [length for length in shape if length != 1]
    if len(sides) != 2:
        raise DepthMapError(
            f"{shown} has the shape {shape}; a depth map is one value for each row and column."
        )
    height, width = sides
    _check_size(width, height, 1, shown)
    if len(data) < stream.tell() + width * height * dtype.itemsize:
        raise _damaged(shown)
    numbers = np.frombuffer(data, dtype, width * height, stream.tell())
    values = _floats(numbers.reshape(height, width, order="F" if by_columns else "C"))
    return np.ascontiguousarray(values), 0.0 if dtype.kind == "f" else 1.0, False, None


def _read_picture(data: bytes, shown: str) -> _Read:
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata and of sizes that are bounded here anyway.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_PICTURES) as image:
                _check_size(*image.size, len(image.getbands()), shown)
                bits = _bits(image, data)
                if bits == 32 and image.mode == "I":
                    raise DepthMapError(
                        f"{shown} holds whole numbers of 32 bits; save depth as 16 bits or floats."
                    )
                deep = bits == 16
                image.load()
                pixels = _pixels(image, deep, data)
                text = getattr(image, "text", {})
                ends, scale = _far_and_near(text), _scale(text.get(_SCALE))
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(shown, MAX_PIXELS) from error
    except UnidentifiedImageError as error:
        raise DepthMapError(
            f"{shown} is no depth map that can be read; save it as PNG, TIFF, EXR or .npy."
        ) from error
    except (*DECODE_ERRORS, cv2.error) as error:
        raise _damaged(shown) from error

    if ends is not None and deep and pixels.ndim == 2:
        step = _png_step(*ends)
        values = (ends[0] + (pixels - 1.0) * step).astype(np.float32)
        values[pixels == 0] = np.nan
        return values, step, True, scale
    levels, opaque = _grey(pixels, shown) if pixels.ndim == 3 else (pixels, None)
    values = _floats(levels)
    if opaque is not None:
        values[~opaque] = np.nan
    if levels.dtype.kind == "f":
        return values, 0.0, False, None
    # 8 bits that were saved as 16: v * 257 takes 255 to 65535.
    return values, 257.0 if deep and not (levels % 257).any() else 1.0, False, None


def _bits(image: Image.Image, data: bytes) -> int:
    """Bits of a sample in the file; Pillow itself brings 16-bit colours to 8."""
    if image.format == "PNG":
        return data[24]
    if image.format == "TIFF":
        return image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))[0]
    return 8


def _pixels(image: Image.Image, deep: bool, data: bytes) -> np.ndarray:
    """(H, W) or whole numbers (H, W, 3 or 4); ValueError if OpenCV cannot read what Pillow can."""
    if image.mode in DEEP_GREY_MODES:
        return np.asarray(image)
    if deep:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.ndim != 3 or pixels.shape[2] < 3:
            raise ValueError("no colours")
        return pixels
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image if image.mode == "L" else image.convert("RGB"))


def _far_and_near(text: dict[str, str]) -> tuple[float, float] | None:
    """The ends of the range that `write_depth` notes in a PNG; ValueError if they are wrong."""
    if _FAR not in text or _NEAR not in text:
        return None
    far, near = float(text[_FAR]), float(text[_NEAR])
    if not -math.inf < far <= near < math.inf:
        raise ValueError("no range")
    return far, near


def _scale(text: str | bytes | None) -> float | None:
    """The scale that `write_depth` notes; ValueError if it is wrong."""
    scale = None if text is None else float(text)
    if scale is not None and not 0.0 < scale < math.inf:
        raise ValueError("no scale")
    return scale


def _grey(pixels: np.ndarray, shown: str) -> tuple[np.ndarray, np.ndarray | None]:
    """One of the equal channels of (H, W, 3 or 4), and where the picture is opaque."""
    full = np.iinfo(pixels.dtype).max
    opaque = pixels[..., 3] > full // 2 if pixels.shape[2] == 4 else None
    colour = pixels[..., :3]
    spread = colour.max(axis=2) - colour.min(axis=2)
    _refuse_colours(spread if opaque is None else spread[opaque], full, shown)
    return colour[..., 1], opaque


def _refuse_colours(spread: np.ndarray, full: float, shown: str) -> None:
    """Refuse a picture by the distances between each pixel's colour channels."""
    if np.count_nonzero(spread > _GREY_SPREAD * full) > _GREY_SHARE * spread.size:
        raise DepthMapError(
            f"{shown} is coloured, and colours cannot be turned back into depth; save the depth "
            "map in grey, without a colour map."
        )


def _read_exr(data: bytes, shown: str) -> _Read:
    try:
        exr = parse_exr(data)
    except (ValueError, LookupError, ArithmeticError, struct.error) as error:
        raise _damaged(shown) from error
    if exr is None:
        raise DepthMapError(
            f"{shown} is a deep, multi-part, mip-mapped or DWA-compressed EXR; save a plain one "
            "with ZIP compression."
        )
    names = depth_channels(list(exr.channels))
    if not names:
        raise DepthMapError(f"{shown} has no channel Z, V, Y or R; save depth as one of them.")
    _check_size(exr.width, exr.height, len(names), shown)
    try:
        planes = [decode_channel(data, exr, name) for name in names]
        scale = _scale(exr.attributes.get(_EXR_SCALE.encode()))
    except ValueError as error:
        raise _damaged(shown) from error
    except ExrOffError as error:
        raise DepthMapError(
            f"{shown} needs OpenEXR, which is off in this process; save the depth map as PNG."
        ) from error
    alpha = planes.pop() if names[-1].endswith("A") else None
    values = _floats(planes[0])
    if alpha is not None:
        values[~(alpha > 0.5)] = np.nan
    known = np.isfinite(values)
    if len(planes) > 1 and known.any():
        spread = np.ptp([plane[known] for plane in planes], axis=0)
        _refuse_colours(spread, np.ptp(values[known]), shown)
    in_pixels = exr.attributes.get(_EXR_UNIT.encode()) == _PHOTO_PIXELS.encode()
    return values, 0.0, in_pixels, scale if in_pixels else None
