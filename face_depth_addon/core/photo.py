# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos from files, bytes and pixel buffers, as upright 8-bit sRGB arrays.

Whatever the source, a :class:`Photo` has row 0 at the top, its EXIF rotation applied and its
colours in sRGB. Every reason not to use a source is a :class:`~.errors.PhotoError`.
"""

import hashlib
import io
import math
import numbers
import os
import re
import stat
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin, UnidentifiedImageError

from .errors import PhotoError

MAX_PIXELS = 120_000_000
# Decoders that hold several full-size buffers get less, so that 1 GB of memory is enough.
MAX_PIXELS_BUFFERED = 40_000_000
MAX_PIXELS_FLOAT = 24_000_000
MIN_SIDE = 32
MAX_ASPECT = 20
MAX_FILE_BYTES = 512 * 1024 * 1024

_PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF")
_BUFFERED_FORMATS = ("WEBP", "AVIF")
EXR_MAGIC = b"\x76\x2f\x31\x01"
_HDR_MAGICS = (b"#?RADIANCE", b"#?RGBE")

DEEP_GREY_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_GREY_MODES = ("1", "L", "LA", *DEEP_GREY_MODES)
_STRIP_PIXELS = 2_000_000

# What Pillow's plugins raise on damaged files, as its sources and a fuzz of them show.
DECODE_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
)

_FOREIGN_MAGICS = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP document"),
    (b"BLENDER", "a Blender file"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"\x00\x00\x01\xba", "a video"),
    (b"FLV\x01", "a video"),
    (b"FUJIFILMCCD-RAW", "a camera raw file"),
    (b"IIRO", "a camera raw file"),
    (b"IIRS", "a camera raw file"),
    (b"IIU\x00", "a camera raw file"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"heif", b"mif1", b"msf1"}


@dataclass(frozen=True, eq=False)
class Photo:
    """One upright photo.

    Attributes
    ----------
    rgb
        (H, W, 3) uint8, sRGB-encoded, row 0 is the top.
    alpha
        (H, W) uint8, straight coverage; None when every pixel is opaque.
    focal_35mm
        Focal length in millimetres for a 36 x 24 mm frame (EXIF), or None when unknown.
    name
        File name, or the name the source gave.
    digest
        SHA-256 in hexadecimal: of the file's bytes, or of the pixels where there is no file.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    focal_35mm: float | None
    name: str
    digest: str


def _known_formats() -> list[str]:
    """The formats of ours that this Pillow reads: AVIF came with 11.3."""
    Image.init()
    return [name for name in _PILLOW_FORMATS if name in Image.OPEN]


def load_photo(path: str | Path) -> Photo:
    """Read a photo from a file, whose kind is told by its content and not by its suffix.

    Parameters
    ----------
    path
        JPEG, PNG, WebP, TIFF, BMP, GIF, PNM, AVIF, OpenEXR or Radiance HDR file.

    Raises
    ------
    PhotoError
        The file is missing, unreadable, not a photo, damaged, too large or too small.
    """
    path = Path(path)
    # Bytes of a file name that are no text would end in data that must be.
    name = os.fsencode(path.name).decode(errors="replace")
    return decode_photo(_read_file(path), name)


def decode_photo(data: bytes, name: str) -> Photo:
    """Decode the bytes of a photo file.

    Parameters
    ----------
    data
        Content of a file of any kind that `load_photo` reads.
    name
        File name, for messages and `Photo.name`.

    Raises
    ------
    PhotoError
        The bytes are not a photo, or it is damaged, too large or too small.
    """
    shown = quoted(name)
    _check_file_size(len(data), shown)
    if kind := _foreign_kind(data):
        raise _foreign(shown, kind)
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(EXR_MAGIC):
        rgb, alpha = _decode_float(data, shown, _exr_size)
        focal_35mm = None
    elif data.startswith(_HDR_MAGICS):
        rgb, alpha = _decode_float(data, shown, _hdr_size)
        focal_35mm = None
    else:
        stream = io.BytesIO(data)
        del data  # So that closing the stream frees it: uncompressed files are large.
        rgb, alpha, focal_35mm = _decode_with_pillow(stream, shown)
    return Photo(rgb, _alpha_if_used(alpha), focal_35mm, name, digest)


def photo_from_pixels(pixels: np.ndarray, name: str, linear: bool) -> Photo:
    """Make a photo of float pixels, such as those of an image in Blender.

    Parameters
    ----------
    pixels
        (H, W, C) float32, C = 1 (grey), 3 (RGB) or 4 (RGB and straight alpha), row 0 is the top;
        values outside 0..1 are clipped.
    name
        Name of the image, for messages and `Photo.name`.
    linear
        The colours are scene-linear with Rec. 709 primaries, else already sRGB-encoded.

    Raises
    ------
    PhotoError
        The size or the channels do not suit, or a value is not a number or infinite.
    """
    shown = quoted(name)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise PhotoError(f"{shown} is not a grey, RGB or RGBA picture; convert it to RGB.")
    _check_size(pixels.shape[1], pixels.shape[0], shown, MAX_PIXELS)
    alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
    rgb, alpha = _to_8_bit(pixels[..., :3], alpha, linear, shown)
    alpha = _alpha_if_used(alpha)
    digest = hashlib.sha256(repr(rgb.shape).encode())
    digest.update(rgb)
    if alpha is not None:
        digest.update(alpha)
    return Photo(rgb, alpha, None, name, digest.hexdigest())


def _read_file(path: Path) -> bytes:
    shown = quoted(path.name or str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError(f"{shown} is a folder; choose a photo in it.")
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError(f"{shown} is a device or a pipe; choose a photo file.")
        _check_file_size(status.st_size, shown)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoError(f"{shown} was not found; choose a photo that exists.") from error
    except PermissionError as error:
        raise PhotoError(f"{shown} may not be read; check its permissions.") from error
    except (OSError, ValueError) as error:
        raise PhotoError(f"{shown} cannot be opened; check its path and its disk.") from error


def quoted(name: str) -> str:
    """The name as messages show it: on one line, printable and not endless."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return f'"{printable if len(printable) <= 100 else printable[:99] + "…"}"'


def _check_file_size(size: int, shown: str) -> None:
    if size == 0:
        raise PhotoError(f"{shown} is empty; choose another file.")
    if size > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 1024**2
        raise PhotoError(f"{shown} is larger than {limit} MB; save a smaller copy as JPEG.")


def _check_size(width: int, height: int, shown: str, max_pixels: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"{shown} is {width} x {height} pixels; a photo needs at least {MIN_SIDE} on each side."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoError(
            f"{shown} is {width} x {height} pixels, too narrow for a face; choose another photo."
        )
    if width * height > max_pixels:
        raise _too_many_pixels(shown, max_pixels)


def _too_many_pixels(shown: str, max_pixels: int) -> PhotoError:
    limit = max_pixels // 1_000_000
    return PhotoError(f"{shown} has more than {limit} million pixels; scale it down first.")


def _undecodable(shown: str) -> PhotoError:
    return PhotoError(
        f"{shown} is damaged, cut short or of an unknown kind; save it again as JPEG or PNG."
    )


def _foreign(shown: str, kind: str) -> PhotoError:
    return PhotoError(
        f"{shown} is {kind}, which cannot be read; convert it to JPEG or choose another file."
    )


def _alpha_if_used(alpha: np.ndarray | None) -> np.ndarray | None:
    return None if alpha is None or alpha.min() == 255 else alpha


def _foreign_kind(data: bytes) -> str | None:
    """What the bytes are, in words, when they plainly are no photo that can be read."""
    for magic, kind in _FOREIGN_MAGICS:
        if data.startswith(magic):
            return kind
    if data[4:8] == b"ftyp":
        return _iso_media_kind(data)
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "a video"
    if data[8:10] == b"CR" and data[:2] == b"II":
        return "a camera raw file"
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<") and b"<svg" in text:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return None


def _iso_media_kind(data: bytes) -> str | None:
    box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    brands = {box[start : start + 4] for start in range(0, len(box), 4)}
    if brands & _AVIF_BRANDS:
        return None
    if brands & _HEIF_BRANDS:
        return "a HEIC picture"
    return "a camera raw file" if b"crx " in brands else "a video"


def _decode_with_pillow(
    stream: io.BytesIO, shown: str
) -> tuple[np.ndarray, np.ndarray | None, float | None]:
    """Upright RGB, alpha and focal length; closes the stream as soon as all of it is read."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata and of sizes that are bounded here anyway.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=_known_formats()) as image:
                buffered = image.format in _BUFFERED_FORMATS
                limit = MAX_PIXELS_BUFFERED if buffered else MAX_PIXELS
                _check_size(*image.size, shown, limit)
                _refuse_raw_preview(image, shown)
                image.load()
                orientation, focal_35mm = _read_exif(image)
                stream.close()
                rgb, alpha = _upright_pixels(image, orientation, shown)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(shown, MAX_PIXELS) from error
    except UnidentifiedImageError as error:
        raise PhotoError(
            f"{shown} is not a picture of a kind that can be read; save it as JPEG or PNG."
        ) from error
    except DECODE_ERRORS as error:
        raise _undecodable(shown) from error
    return rgb, alpha, focal_35mm


def _refuse_raw_preview(image: Image.Image, shown: str) -> None:
    """Refuse camera raw files, which are TIFF files whose first page is a thumbnail."""
    tags = getattr(image, "tag_v2", {})
    dng_version, subfile_type = 50706, 254
    if dng_version in tags or tags.get(subfile_type, 0) & 1:
        raise _foreign(shown, "a camera raw file")


def _read_exif(image: Image.Image) -> tuple[int, float | None]:
    """EXIF orientation (1..8) and 35 mm focal length; damaged metadata counts as absent."""
    orientation, focal = 1, None
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        focal = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.FocalLengthIn35mmFilm)
        focal = float(focal) if isinstance(focal, numbers.Real) else None
    except DECODE_ERRORS:
        focal = None
    if orientation not in range(1, 9):
        orientation = 1
    known = focal is not None and math.isfinite(focal) and focal > 0
    return int(orientation), focal if known else None


def _upright_pixels(
    image: Image.Image, orientation: int, shown: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Convert strip by strip, so that no second full-size copy of the picture is made."""
    width, height = image.size
    shape = (width, height) if orientation >= 5 else (height, width)
    rgb = np.empty((*shape, 3), np.uint8)
    has_alpha = image.has_transparency_data and image.mode not in DEEP_GREY_MODES
    alpha = np.empty(shape, np.uint8) if has_alpha else None
    to_rgb = _rgb_converter(image, shown)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = image.crop((0, top, width, bottom))
        if strip.mode == "La":
            strip = strip.convert("LA")
        _as_stored(rgb, orientation)[top:bottom] = to_rgb(strip)
        if alpha is not None:
            strip_alpha = strip.convert("RGBA").getchannel("A")
            _as_stored(alpha, orientation)[top:bottom] = np.asarray(strip_alpha)
    return rgb, alpha


def _as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """View of an upright array in the row and column order of the file (EXIF orientation)."""
    if orientation >= 5:
        upright = upright.swapaxes(0, 1)
    if orientation in (2, 3, 7, 8):
        upright = upright[:, ::-1]
    if orientation in (3, 4, 6, 7):
        upright = upright[::-1]
    return upright


def _rgb_converter(image: Image.Image, shown: str) -> Callable[[Image.Image], np.ndarray]:
    """Function that turns a strip of the image into (h, w, 3) uint8 sRGB."""
    to_grey = _grey_reducer(image, shown) if image.mode in DEEP_GREY_MODES else None
    mode, transform = _icc_transform(image)

    def convert(strip: Image.Image) -> np.ndarray:
        if to_grey is not None:
            strip = Image.fromarray(to_grey(np.asarray(strip)))
        strip = strip.convert(mode)
        return np.asarray(strip if transform is None else ImageCms.applyTransform(strip, transform))

    return convert


def _icc_transform(image: Image.Image) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """Pillow mode to convert to, and the transform from there to sRGB, if one applies."""
    plain = ("RGB", None)
    profile_bytes = image.info.get("icc_profile")
    if not isinstance(profile_bytes, bytes) or not profile_bytes:
        return plain
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
        space = profile.profile.xcolor_space
        if space == "RGB " and image.mode != "CMYK":
            mode = "RGB"
        elif space == "GRAY" and image.mode in _GREY_MODES:
            mode = "L"
        elif space == "CMYK" and image.mode == "CMYK":
            mode = "CMYK"
        else:
            return plain
        return mode, ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (OSError, ImageCms.PyCMSError):
        return plain


def _grey_reducer(image: Image.Image, shown: str) -> Callable[[np.ndarray], np.ndarray]:
    """Function that brings grey values of more than 8 bits to uint8, by their true depth."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]
    signed = tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))[0] == 2
    white_is_zero = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 1) == 0
    if image.mode == "F":
        # Float files do not say their range: 0..1 with highlights, 0..255 or 0..65535.
        peak = image.getextrema()[1]
        full_scale = 1.0 if peak <= 16.0 else 255.0 if peak <= 4095.0 else 65535.0

    def reduce(values: np.ndarray) -> np.ndarray:
        if image.mode == "F":
            _require_finite(values, shown)
            levels = np.clip(values / full_scale, 0.0, 1.0) * 255.0 + 0.5
        elif bits == 32 and not signed:
            levels = values.view(np.uint32) >> 24
        else:
            levels = np.maximum(values, 0) >> (bits - 8 - signed)
        levels = levels.astype(np.uint8)
        return 255 - levels if white_is_zero else levels

    return reduce


def _decode_float(
    data: bytes, shown: str, read_size: Callable[[bytes], tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode linear float pixels (OpenEXR, Radiance HDR) to 8-bit sRGB and straight alpha."""
    try:
        width, height = read_size(data)
    except (ValueError, struct.error) as error:
        raise _undecodable(shown) from error
    _check_size(width, height, shown, MAX_PIXELS_FLOAT)

    # OpenCV reads this once, so it must be set before the first use of cv2 in the process.
    os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "OPENCV_IO_ENABLE_OPENEXR" in str(error):
            raise PhotoError(
                f"{shown} needs OpenEXR, which is off in this process; save the photo as PNG."
            ) from error
        raise _undecodable(shown) from error
    if pixels is None:
        raise _undecodable(shown)
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
    if alpha is not None:
        # OpenEXR colours are multiplied by alpha; where alpha is 0 they stand for light alone.
        covered = alpha[..., np.newaxis] > 1e-6
        with np.errstate(over="ignore"):
            np.divide(pixels[..., :3], alpha[..., np.newaxis], pixels[..., :3], where=covered)
    bgr = pixels[..., :3]
    return _to_8_bit(bgr[..., ::-1], alpha, True, shown)


def _exr_size(data: bytes) -> tuple[int, int]:
    """Width and height of an OpenEXR file, from the dataWindow attribute of its header.

    Raises ValueError or struct.error when the header is damaged.
    """
    position = 8
    while data[position : position + 1] not in (b"", b"\0"):
        name_end = data.index(b"\0", position)
        type_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<i", data, type_end + 1)
        value = type_end + 5
        if data[position:name_end] == b"dataWindow":
            left, top, right, bottom = struct.unpack_from("<4i", data, value)
            if left > right or top > bottom:
                raise ValueError("empty dataWindow")
            return right - left + 1, bottom - top + 1
        if size < 0:
            raise ValueError("negative attribute size")
        position = value + size
    raise ValueError("no dataWindow")


def _hdr_size(data: bytes) -> tuple[int, int]:
    """Width and height of a Radiance HDR file; ValueError when its header lacks them."""
    resolution = re.search(rb"\n-Y (\d{1,9}) \+X (\d{1,9})\n", data[:65536])
    if resolution is None:
        raise ValueError("no resolution line")
    return int(resolution[2]), int(resolution[1])


def _to_8_bit(
    colour: np.ndarray, alpha: np.ndarray | None, linear: bool, shown: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Bring float colour (H, W, 1 or 3) and alpha (H, W) to uint8, strip by strip."""
    height, width = colour.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    alpha_8_bit = None if alpha is None else np.empty((height, width), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        _require_finite(colour[band], shown)
        values = np.clip(colour[band], 0.0, 1.0)
        rgb[band] = (_srgb_from_linear(values) if linear else values) * 255.0 + 0.5
        if alpha is not None:
            _require_finite(alpha[band], shown)
            alpha_8_bit[band] = np.clip(alpha[band], 0.0, 1.0) * 255.0 + 0.5
    return rgb, alpha_8_bit


def _require_finite(values: np.ndarray, shown: str) -> None:
    if not np.isfinite(values).all():
        raise PhotoError(
            f"{shown} has pixels that are infinite or not a number; save it again as PNG."
        )


def _srgb_from_linear(values: np.ndarray) -> np.ndarray:
    """Encode linear values in 0..1 with the sRGB transfer curve (IEC 61966-2-1)."""
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)
