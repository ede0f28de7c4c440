# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenEXR files: any channel read by OpenCV, which knows few names alone; one channel written."""

import math
import os
import struct
import zlib
from dataclasses import dataclass

import numpy as np

# OpenCV may read this as early as its import, and never again.
os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")
import cv2

# Lines in one chunk, by OpenEXR's number of the compression: none, RLE, ZIPS, ZIP, PIZ, ...
_EXR_LINES = (1, 1, 1, 16, 32, 16, 32, 32)
# This compression, which loses detail, treats channels by their names.
_EXR_DWA = (8, 9)
_EXR_TILED, _EXR_DEEP_OR_PARTS = 0x02, 0x18
_EXR_LEVELS = 0x0F
_EXR_PLAIN, _EXR_ZIP = 0, 3
_EXR_FLOAT = 2
_MAGIC = b"\x76\x2f\x31\x01"


class ExrOffError(Exception):
    """OpenCV was imported in this process before OpenEXR was switched on."""


@dataclass(frozen=True)
class Exr:
    """What must be known of an OpenEXR file: its channels in order, and where things lie.

    ``channels`` has the 16 bytes after each name, ``attributes`` all that the header says, as
    bytes, ``listed`` is the place of the channels' list in the file, ``end`` that of the table of
    ``chunks`` offsets behind the header.
    """

    width: int
    height: int
    channels: dict[str, bytes]
    attributes: dict[bytes, bytes]
    listed: slice
    end: int
    chunks: int


def parse_exr(data: bytes) -> Exr | None:
    """Parse a header.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    Exr or None
        None for a file that is not one picture or cannot be taken apart.

    Raises
    ------
    ValueError, LookupError, ArithmeticError, struct.error
        The file is damaged.
    """
    places, position = {}, 8
    while data[position] != 0:
        name_end = data.index(b"\0", position)
        type_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", data, type_end + 1)
        places[data[position:name_end]] = slice(type_end + 5, type_end + 5 + size)
        position = type_end + 5 + size
    flags, compression = data[5], data[places[b"compression"].start]
    if flags & _EXR_DEEP_OR_PARTS or compression in _EXR_DWA:
        return None
    left, top, right, bottom = struct.unpack("<4i", data[places[b"dataWindow"]])
    if left > right or top > bottom:
        raise ValueError("empty dataWindow")
    width, height = right - left + 1, bottom - top + 1
    chunks = math.ceil(height / _EXR_LINES[compression])
    if flags & _EXR_TILED:
        across, down, mode = struct.unpack("<2IB", data[places[b"tiles"]])
        if mode & _EXR_LEVELS:
            return None
        chunks = math.ceil(width / across) * math.ceil(height / down)
    channels, rest = {}, data[places[b"channels"]]
    while rest[0] != 0:
        name, _, rest = rest.partition(b"\0")
        channels[name.decode("latin-1")], rest = rest[:16], rest[16:]
    attributes = {name: data[place] for name, place in places.items()}
    return Exr(width, height, channels, attributes, places[b"channels"], position + 1, chunks)


def depth_channels(names: list[str]) -> list[str]:
    """The channel that holds depth, the others of its grey, and last its alpha, if any."""
    for wanted, others in (("Z", ""), ("V", "A"), ("Y", "A"), ("R", "GBA")):
        for name in names:
            layer = name[:-1]
            # X, Y, Z are a vector and U, V a place in a texture.
            vector = layer + "X" in names or layer + "U" in names
            if name.rpartition(".")[2] == wanted and not vector:
                return [name, *(layer + other for other in others if layer + other in names)]
    return []


def decode_channel(data: bytes, exr: Exr, name: str) -> np.ndarray:
    """One channel, (H, W) float32.

    Raises
    ------
    ValueError
        The file is damaged.
    ExrOffError
    """
    file = np.frombuffer(_as_luminance(data, exr, name), np.uint8)
    try:
        plane = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "OPENCV_IO_ENABLE_OPENEXR" in str(error):
            raise ExrOffError from error
        raise ValueError("undecodable") from error
    if plane is None or plane.shape != (exr.height, exr.width):
        raise ValueError("undecodable")
    return plane


def _as_luminance(data: bytes, exr: Exr, chosen: str) -> bytes:
    """The file with the chosen channel called Y, the only one that OpenCV reads alone.

    Pixels lie in the order of the channels' names, so that order stays.
    """
    names = list(exr.channels)
    middle = names.index(chosen)
    names = [f"C{index:05}" for index in range(middle)] + ["Y"] + [
        f"Z{index:05}" for index in range(middle + 1, len(names))
    ]
    listed = b"".join(
        name.encode() + b"\0" + kind
        for name, kind in zip(names, exr.channels.values(), strict=True)
    )
    listed += b"\0"
    start, stop = exr.listed.start, exr.listed.stop
    offsets = np.frombuffer(data, "<i8", exr.chunks, exr.end) + (len(listed) - (stop - start))
    return b"".join([
        data[: start - 4], struct.pack("<I", len(listed)), listed, data[stop : exr.end],
        offsets.tobytes(), data[exr.end + 8 * exr.chunks :],
    ])


def encode_exr(
    values: np.ndarray, notes: dict[str, str] | None = None, compressed: bool = True
) -> bytes:
    """An OpenEXR file of one float32 channel, Y.

    Written here, since OpenCV does so only where OpenEXR was switched on before its first use,
    and notes nothing in the header.

    Parameters
    ----------
    values : ndarray, (H, W) float32
    notes : dict, optional
        Attributes of the header, by names of up to 31 letters.
    compressed : bool
        By ZIP, which takes several times as long.
    """
    height, width = values.shape
    compression = _EXR_ZIP if compressed else _EXR_PLAIN
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = [
        ("channels", "chlist", b"Y\0" + struct.pack("<4i", _EXR_FLOAT, 0, 1, 1) + b"\0"),
        ("compression", "compression", bytes([compression])),
        ("dataWindow", "box2i", window), ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"), ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        ("screenWindowCenter", "v2f", bytes(8)),
        ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
        *((name, "string", value.encode()) for name, value in (notes or {}).items()),
    ]
    header = _MAGIC + struct.pack("<I", 2) + b"".join(
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(value)) + value
        for name, kind, value in attributes
    ) + b"\0"
    lines = _EXR_LINES[compression]
    rows = np.ascontiguousarray(values, "<f4")
    chunks = []
    for first in range(0, height, lines):
        data = rows[first : first + lines].tobytes()
        data = min(_zipped(data), data, key=len) if compressed else data
        chunks.append(struct.pack("<iI", first, len(data)) + data)
    start = len(header) + 8 * len(chunks)
    offsets = start + np.cumsum([0, *map(len, chunks[:-1])])
    return b"".join([header, offsets.astype("<i8").tobytes(), *chunks])


def _zipped(data: bytes) -> bytes:
    """OpenEXR's ZIP: even bytes before odd ones, as differences, deflated."""
    plain = np.frombuffer(data, np.uint8)
    halves = np.concatenate([plain[::2], plain[1::2]])
    steps = halves.copy()
    # Differences of bytes wrap around on purpose.
    steps[1:] = halves[1:] - halves[:-1] + np.uint8(128)
    return zlib.compress(steps.tobytes(), 4)
