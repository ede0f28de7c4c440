# SPDX-License-Identifier: GPL-3.0-or-later
"""Any channel of an OpenEXR file, by OpenCV, which reads few names alone."""

import math
import os
import struct
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


class ExrOffError(Exception):
    """OpenCV was imported in this process before OpenEXR was switched on."""


@dataclass(frozen=True)
class Exr:
    """What must be known of an OpenEXR file: its channels in order, and where things lie.

    ``channels`` has the 16 bytes after each name, ``listed`` is the place of that list in the
    file, ``end`` that of the table of ``chunks`` offsets behind the header.
    """

    width: int
    height: int
    channels: dict[str, bytes]
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
    return Exr(width, height, channels, places[b"channels"], position + 1, chunks)


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
