# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for slicers, in millimetres: 3MF and binary STL. Needs numpy and the standard library."""

import io
import zipfile
from xml.sax.saxutils import escape

import numpy as np

_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_MATERIALS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
_START = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = (
    f'{_START}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" '
    'ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
_RELATIONS = (
    f'{_START}<Relationships xmlns="{_PACKAGE}/relationships">'
    '<Relationship Target="/3D/3dmodel.model" Id="rel0" '
    'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)
_COLOUR_GROUP, _OBJECT = 1, 2
_STL_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")])


def threemf_bytes(
    positions: np.ndarray, triangles: np.ndarray, colours: np.ndarray | None, title: str
) -> bytes:
    """A mesh as a 3MF file, by the core specification and, for colours, the materials extension.

    Parameters
    ----------
    positions : ndarray, (n, 3) float
        Millimetres. The specification wants them above zero.
    triangles : ndarray, (m, 3) int
        Of a closed mesh, anticlockwise as seen from outside.
    colours : ndarray, (n, 3) uint8, or None
        sRGB of the vertices.
    title : str

    References
    ----------
    3MF Consortium: 3D Manufacturing Format, Core Specification 1.3; Materials and Properties
    Extension 1.2.
    """
    model = _model(positions, triangles, colours, title)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in (
            ("[Content_Types].xml", _TYPES), ("_rels/.rels", _RELATIONS),
            ("3D/3dmodel.model", model),
        ):
            # Dated like this, equal meshes give equal files.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, text)
    return stream.getvalue()


def _model(
    positions: np.ndarray, triangles: np.ndarray, colours: np.ndarray | None, title: str
) -> str:
    corner = '<triangle v1="%d" v2="%d" v3="%d"'
    group = properties = extension = ""
    if colours is None:
        rows, end = triangles, "/>\n"
    else:
        kinds, kind = np.unique(colours, axis=0, return_inverse=True)
        rows = np.column_stack([triangles, kind.ravel()[triangles]])
        end = f' pid="{_COLOUR_GROUP}" p1="%d" p2="%d" p3="%d"/>\n'
        lines = _lines('<m:color color="#%02X%02X%02X"/>\n', kinds)
        group = f'<m:colorgroup id="{_COLOUR_GROUP}">\n{lines}</m:colorgroup>\n'
        properties = f' pid="{_COLOUR_GROUP}" pindex="0"'
        extension = f' xmlns:m="{_MATERIALS}"'
    vertices = _lines('<vertex x="%.7g" y="%.7g" z="%.7g"/>\n', positions)
    return (
        f'{_START}<model unit="millimeter" xml:lang="en-US" xmlns="{_CORE}"{extension}>\n'
        f'<metadata name="Title">{_text(title)}</metadata>\n'
        f'<resources>\n{group}<object id="{_OBJECT}" type="model"{properties}>\n<mesh>\n'
        f"<vertices>\n{vertices}</vertices>\n"
        f"<triangles>\n{_lines(corner + end, rows)}</triangles>\n"
        f"</mesh>\n</object>\n</resources>\n"
        f'<build>\n<item objectid="{_OBJECT}"/>\n</build>\n</model>\n'
    )


def _lines(pattern: str, rows: np.ndarray) -> str:
    return "".join(map(pattern.__mod__, map(tuple, rows.tolist())))


def _text(title: str) -> str:
    """What XML can hold of a name."""
    whole = title.encode(errors="replace").decode()
    return escape("".join(letter for letter in whole if letter.isprintable()))


def stl_bytes(positions: np.ndarray, triangles: np.ndarray) -> bytes:
    """A mesh as a binary STL file.

    Parameters
    ----------
    positions : ndarray, (n, 3) float
        Millimetres.
    triangles : ndarray, (m, 3) int
    """
    records = np.zeros(len(triangles), _STL_RECORD)
    corners = positions[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.sqrt((normals**2).sum(axis=1, keepdims=True))
    records["normal"] = normals / np.where(length > 0.0, length, 1.0)
    records["corners"] = corners
    # Slicers take a file that begins with "solid" for text.
    header = b"Face Depth, binary STL in millimetres".ljust(80)
    return header + np.uint32(len(records)).astype("<u4").tobytes() + records.tobytes()
