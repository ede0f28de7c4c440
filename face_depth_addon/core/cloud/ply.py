# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds as PLY files. Needs numpy only."""

import io
import re
from dataclasses import dataclass, field

import numpy as np

from ..errors import PointCloudError
from .pointcloud import PointCloud

_XYZ = ("x", "y", "z")
_NORMAL = ("nx", "ny", "nz")
_RGB = ("red", "green", "blue")
_BYTE_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}
# Open3D's tensor interface writes colours as fractions.
_COLOUR_SCALES = {"u1": 1.0, "f4": 255.0, "f8": 255.0}


def encode_ply(cloud: PointCloud) -> bytes:
    """A binary little-endian PLY file: x y z, nx ny nz if known, red green blue alpha.

    Coordinates are written as they are, in metres.
    """
    groups = [("float", _XYZ, cloud.positions)]
    if cloud.normals is not None:
        groups.append(("float", _NORMAL, cloud.normals))
    groups.append(("uchar", (*_RGB, "alpha"), cloud.colours))
    properties = [(name, kind) for kind, names, _ in groups for name in names]
    rows = np.empty(len(cloud.positions), [(name, "<" + _TYPES[kind]) for name, kind in properties])
    for _, names, values in groups:
        for name, column in zip(names, values.T, strict=True):
            rows[name] = column
    header = [
        "ply", "format binary_little_endian 1.0", "comment Created by Face Depth",
        f"element vertex {len(rows)}",
        *(f"property {kind} {name}" for name, kind in properties), "end_header\n",
    ]
    return "\n".join(header).encode("ascii") + rows.tobytes()


def decode_ply(data: bytes) -> PointCloud:
    """The points of a PLY file, ascii or binary, as a cloud; all its other data is left out.

    Points whose position is not finite, which depth cameras write where they saw nothing,
    are left out as well.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    PointCloud
        White where the file has no colours, opaque where it has no alpha. Coordinates and
        normals are the file's own, rounded to float32.

    Raises
    ------
    PointCloudError
    """
    encoding, elements, start = _read_header(data)
    at = next((i for i, element in enumerate(elements) if element.name == "vertex"), None)
    if at is None or not elements[at].count:
        raise PointCloudError("The PLY file holds no points.")
    types = dict(elements[at].properties)
    if not types.keys() >= set(_XYZ):
        raise PointCloudError("The PLY file is damaged: its points have no x, y and z.")
    ascii_file = encoding == "ascii"
    if any(element.has_lists for element in elements[at if ascii_file else 0 : at + 1]):
        raise PointCloudError(
            "The PLY file has lists at or before its points, which Face Depth cannot read: "
            "export it again from another program."
        )
    if ascii_file:
        columns = _read_ascii(data[start:], elements[:at], elements[at])
    else:
        columns = _read_binary(data[start:], _BYTE_ORDERS[encoding], elements[:at], elements[at])

    with np.errstate(over="ignore"):
        positions = np.column_stack([columns[name] for name in _XYZ]).astype(np.float32)
    normals = None
    if types.keys() >= set(_NORMAL):
        normals = np.column_stack([columns[name] for name in _NORMAL]).astype(np.float32)
    known = np.isfinite(positions).all(axis=1)
    if not known.any():
        raise PointCloudError("The PLY file holds no points.")
    return PointCloud(positions, _colours(columns, types), normals).keep(known)


def _colours(columns: dict[str, np.ndarray], types: dict[str, str]) -> np.ndarray:
    colours = np.full((len(columns["x"]), 4), 255, np.uint8)
    if not types.keys() >= set(_RGB):
        return colours
    for channel, name in enumerate((*_RGB, "alpha")):
        if name in types:
            values = columns[name] * _COLOUR_SCALES.get(types[name], np.nan)
            if not (values.min() >= 0.0 and values.max() <= 255.0):
                raise PointCloudError(
                    "The colours of the PLY file are neither whole numbers from 0 to 255 (uchar) "
                    "nor fractions from 0 to 1 (float): export it again with 8-bit colours."
                )
            colours[:, channel] = values + 0.5
    return colours


@dataclass(frozen=True)
class _Element:
    """An element of a PLY header; its properties as (name, numpy type, or "list")."""

    name: str
    count: int
    properties: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_lists(self) -> bool:
        return any(kind == "list" for _, kind in self.properties)

    def row(self, order: str) -> np.dtype:
        """Layout in a binary file, its fields named by number: names may occur twice."""
        return np.dtype([(str(i), order + kind) for i, (_, kind) in enumerate(self.properties)])


def _read_header(data: bytes) -> tuple[str, list[_Element], int]:
    """Encoding, elements, and where the data starts."""
    if not re.match(rb"ply\s", data):
        raise PointCloudError("The file is no PLY file.")
    end = re.search(rb"^end_header[ \t]*\r?\n", data, re.MULTILINE)
    if end is None:
        raise PointCloudError("The PLY file is cut off: its header has no end.")
    encoding, elements = None, []
    for line in data[3 : end.start()].splitlines():
        text = line.decode("latin-1")
        match text.split():
            case [] | ["comment" | "obj_info", *_]:
                pass
            case ["format", kind, "1.0"] if kind in _BYTE_ORDERS:
                encoding = kind
            case ["element", name, count] if re.fullmatch("[0-9]{1,15}", count):
                elements.append(_Element(name, int(count)))
            case ["property", "list", _, _, name] if elements:
                elements[-1].properties.append((name, "list"))
            case ["property", kind, name, *_] if elements and kind in _TYPES:
                elements[-1].properties.append((name, _TYPES[kind]))
            case _:
                raise PointCloudError(
                    f'The PLY file is damaged: its header has the line "{text[:80]}".'
                )
    if encoding is None:
        raise PointCloudError("The PLY file is damaged: its header names no format.")
    return encoding, elements, end.end()


def _read_binary(
    body: bytes, order: str, before: list[_Element], points: _Element
) -> dict[str, np.ndarray]:
    skip = sum(element.count * element.row(order).itemsize for element in before)
    row = points.row(order)
    _check_count((len(body) - skip) // row.itemsize, points.count)
    rows = np.frombuffer(body, row, points.count, skip)
    return {name: rows[str(i)] for i, (name, _) in enumerate(points.properties)}


def _read_ascii(
    body: bytes, before: list[_Element], points: _Element
) -> dict[str, np.ndarray]:
    skip = sum(element.count for element in before)
    _check_count(len(body.splitlines()) - skip, points.count)
    try:
        table = np.loadtxt(
            io.BytesIO(body), comments=None, skiprows=skip, max_rows=points.count,
            ndmin=2, encoding="latin-1",
        )
    except ValueError as error:
        raise PointCloudError(
            "The PLY file is damaged: among its points are words, or lines of unlike length."
        ) from error
    _check_count(len(table), points.count)
    if table.shape[1] != len(points.properties):
        raise PointCloudError("The PLY file is damaged: its points are not as its header says.")
    return {name: table[:, i] for i, (name, _) in enumerate(points.properties)}


def _check_count(found: int, promised: int) -> None:
    if found < promised:
        raise PointCloudError(
            f"The PLY file is cut off: it should hold {promised} points but has {max(0, found)}."
        )
