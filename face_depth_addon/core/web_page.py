# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as one web page that needs no network: three.js is packed into it."""

import base64
import hashlib
import html
import json
import re
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

import numpy as np

from .errors import MeshError, OutputError
from .files import write_whole

_VIEWER = Path(__file__).resolve().parent.parent / "data" / "viewer"
_THREE = ("three.core.js", "three.module.js", "OrbitControls.js")
_STATEMENT = re.compile(
    r"^(import|export)\s*\{([^}]*)\}(?:\s*from\s*'([^']*)')?;", re.MULTILINE
)
_LEVELS = 65535
SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class PageMesh:
    """A triangle mesh in Blender's axes: +Z up, facing -Y, in metres.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
    faces : ndarray, (t, 3) int
        Triangles of vertices and, from n on, of copies; anticlockwise as seen from outside.
    sides : ndarray, (t, 3) bool
        Which sides, from each corner to the next, are edges of the mesh; the others are
        diagonals of its polygons.
    copies : ndarray, (m,) int
        Vertices that have another place in the texture, too: their normals stay one.
    uvs : ndarray, (n + m, 2) float32, or None
        Place in the texture, (0, 0) at its lower left, of vertices and copies.
    colours : ndarray, (n, 3) uint8, or None
        sRGB, for where there is no texture.
    """

    positions: np.ndarray
    faces: np.ndarray
    sides: np.ndarray
    copies: np.ndarray
    uvs: np.ndarray | None = None
    colours: np.ndarray | None = None


@dataclass(frozen=True)
class Corners:
    """The corners of a mesh's polygons.

    Attributes
    ----------
    vertices : ndarray, (c,) int
    starts : ndarray, (f,) int
        First corner of each polygon.
    triangles : ndarray, (t, 3) int
        Corners of the triangles that the polygons are cut into.
    uvs : ndarray, (c, 2) float32, or None
    normals : ndarray, (c, 3) float32, or None
        Those that the mesh is shaded with; None where it is smooth all over.
    """

    vertices: np.ndarray
    starts: np.ndarray
    triangles: np.ndarray
    uvs: np.ndarray | None = None
    normals: np.ndarray | None = None


def page_mesh(
    positions: np.ndarray, corners: Corners, colours: np.ndarray | None = None
) -> PageMesh:
    """The mesh with one vertex for all corners that look the same there.

    Parameters
    ----------
    positions : ndarray, (v, 3) float32
        Those in no polygon are left out.
    corners : Corners
    colours : ndarray, (v, 3) uint8, or None

    Raises
    ------
    MeshError
        The mesh has no faces.
    """
    if not len(corners.triangles):
        raise MeshError("The mesh has no faces, so a web page cannot show it.")
    first, points = _distinct(_shaded_keys(corners))
    vertices = corners.vertices[first]
    place, uvs, copies = points, None, np.empty(0, np.int64)
    if corners.uvs is not None:
        levels = _steps(corners.uvs)[0]
        first, place = _distinct((points << 32) | (levels[:, 0] << 16) | levels[:, 1])
        # In the order of the keys, a vertex comes right before its copies.
        owners = points[first]
        copied = np.diff(owners, prepend=-1) == 0
        index = np.where(copied, len(vertices) + np.cumsum(copied) - 1, owners)
        uvs = np.empty((len(first), 2), np.float32)
        uvs[index], place, copies = corners.uvs[first], index[place], owners[copied]
    following = np.arange(1, len(corners.vertices) + 1)
    following[np.append(corners.starts[1:], len(following)) - 1] = corners.starts
    triangles = corners.triangles
    sides = following[triangles] == np.roll(triangles, -1, axis=1)
    return PageMesh(
        positions[vertices], place[triangles], sides, copies, uvs,
        None if colours is None else colours[vertices],
    )


def _shaded_keys(corners: Corners) -> np.ndarray:
    """A number for each corner, the same for those of a vertex that are shaded as one."""
    keys = corners.vertices.astype(np.int64) << 24
    if corners.normals is not None:
        steps = np.rint(127.0 * corners.normals).astype(np.int64) + 128
        keys |= (steps[:, 0] << 16) | (steps[:, 1] << 8) | steps[:, 2]
    return keys


def _distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of sorted distinct keys, where each is first, and the place of all keys among them."""
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    return first, place


def write_page(path: Path, mesh: PageMesh, title: str, texture: bytes = b"") -> None:
    """Write a web page in which a mesh can be turned; it appears whole or not at all.

    The page shows the mesh with its photo, as clay, as points and as grey depth, in any browser
    with WebGL 2, opened from disk or served. Its own security policy forbids it the network.

    Parameters
    ----------
    path : Path
    mesh : PageMesh
    title : str
        Plain text.
    texture : bytes
        A JPEG or PNG file that the mesh's ``uvs`` refer to; empty for none.

    Raises
    ------
    OutputError
        The suffix is neither ``.html`` nor ``.htm``, or the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path.name} is not a web page: its name must end in .html.")
    # A file's name as title may hold bytes that are no text.
    write_whole(path, build_page(mesh, title, texture).encode(errors="replace"))


def build_page(mesh: PageMesh, title: str, texture: bytes = b"") -> str:
    """The page that `write_page` writes."""
    viewer, style = _read("viewer.js"), _read("viewer.css")
    three, packed_three = _three()
    layout, arrays = _pack(mesh)
    width, depth, height = (f"{1000.0 * size:,.0f}" for size in np.ptp(mesh.positions, axis=0))
    return Template(_read("template.html")).substitute(
        title=html.escape(title),
        width=width, height=height, depth=depth,
        count=f"{len(mesh.positions):,}",
        policy=_policy((viewer, three), style),
        three_licence=_read("three/LICENSE").strip(),
        style=style,
        viewer=viewer,
        three=packed_three,
        layout=html.escape(json.dumps(layout)),
        mesh=_base64(zlib.compress(arrays)),
        texture=_base64(texture),
    )


def _read(name: str) -> str:
    return (_VIEWER / name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _policy(scripts: tuple[str, ...], style: str) -> str:
    """Nothing may be loaded or run but what the page itself holds, known by its hash."""

    def sources(texts: tuple[str, ...]) -> str:
        hashes = (hashlib.sha256(text.encode()).digest() for text in texts)
        return " ".join(f"'sha256-{_base64(digest)}'" for digest in hashes)

    return (
        f"default-src 'none'; script-src {sources(scripts)}; style-src {sources((style,))}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def _three() -> tuple[str, str]:
    """three.js and its controls as one classic script that defines ``THREE``, and packed.

    Modules find each other by address, and a page opened from disk has none for its parts, so
    each becomes a function that takes its imports from ``THREE`` and adds its exports to it.
    """
    parts = (_STATEMENT.sub(_link, _read(f"three/{name}")) for name in _THREE)
    script = "".join(
        ["'use strict';\nconst THREE = {};\n", *(f"(() => {{\n{part}\n}})();\n" for part in parts)]
    )
    return script, _base64(zlib.compress(script.encode(), 9))


def _link(statement: re.Match) -> str:
    kind, names, origin = statement.groups()
    if kind == "import":
        return f"const {{{names}}} = THREE;"
    return "" if origin else f"Object.assign(THREE, {{{names}}});"


def _pack(mesh: PageMesh) -> tuple[list[dict], bytes]:
    """The mesh's arrays in a row, as differences in byte planes, and what they are.

    Floats become 16-bit steps between their least and largest values: 5 micrometres in a head
    of 30 cm. Differences of neighbours in byte planes compress to a third of plain arrays.
    """
    layout, parts = [], []

    def add(name: str, whole: np.ndarray, width: int, **box: list[float]) -> None:
        rows, columns = whole.shape
        layout.append({"name": name, "rows": rows, "columns": columns, "width": width, **box})
        parts.append(_planes(whole, width))

    for name, values in (("positions", mesh.positions), ("uvs", mesh.uvs)):
        if values is not None:
            whole, low, step = _steps(values)
            add(name, whole, 2, low=low, step=step)
    if mesh.colours is not None:
        add("colours", mesh.colours, 1)
    add("faces", mesh.faces, 4)
    add("sides", mesh.sides @ np.array([[1], [2], [4]]), 1)
    add("copies", mesh.copies[:, None], 4)
    return layout, b"".join(parts)


def _steps(values: np.ndarray) -> tuple[np.ndarray, list[float], list[float]]:
    """Each column in whole steps from its least value; that value and the step's size."""
    low, high = (edge(axis=0).astype(float) for edge in (values.min, values.max))
    step = (high - low) / _LEVELS
    whole = np.rint((values - low) / np.where(step > 0.0, step, 1.0)).astype(np.int64)
    return whole, low.tolist(), step.tolist()


def _planes(whole: np.ndarray, width: int) -> bytes:
    """Differences down each column, column by column, the lowest bytes of all first.

    They wrap around at ``width`` bytes; small ones of both signs have zeros in high bytes.
    """
    step = np.diff(whole.astype(np.int64), axis=0, prepend=0).T
    half = 1 << (8 * width - 1)
    step = (step + half) % (2 * half) - half
    folded = np.where(step < 0, -2 * step - 1, 2 * step).astype("<u8")
    planes = folded[..., None].view(np.uint8)[..., :width]
    return planes.transpose(0, 2, 1).tobytes()
