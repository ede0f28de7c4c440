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


@dataclass(frozen=True)
class PageMesh:
    """A triangle mesh in Blender's axes: +Z up, facing -Y, in metres.

    Attributes
    ----------
    positions : ndarray, (n, 3) float32
    faces : ndarray, (t, 3) int
        Triangles, wound anticlockwise as seen from outside.
    uvs : ndarray, (n, 2) float32
        Place in the texture, (0, 0) at its lower left.
    colours : ndarray, (n, 4) uint8
        sRGB with alpha, which is not used.
    depth : ndarray, (n,) float32
        Metres, nearer is larger.
    """

    positions: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray
    colours: np.ndarray
    depth: np.ndarray


def write_page(path: Path, mesh: PageMesh, texture_jpeg: bytes, title: str) -> None:
    """Write a web page in which a mesh can be turned; it appears whole or not at all.

    The page shows the mesh with its photo, as clay, as points and as grey depth, in any browser
    with WebGL 2, opened from disk or served. Its own security policy forbids it the network.

    Parameters
    ----------
    path : Path
    mesh : PageMesh
    texture_jpeg : bytes
        The photo that ``uvs`` refer to, as JPEG.
    title : str
        Plain text.

    Raises
    ------
    MeshError
        The mesh has no faces.
    OutputError
        The suffix is neither ``.html`` nor ``.htm``, or the file cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{path.name} is no web page: its name must end in .html.")
    # A file's name as title may hold bytes that are no text.
    write_whole(path, build_page(mesh, texture_jpeg, title).encode(errors="replace"))


def build_page(mesh: PageMesh, texture_jpeg: bytes, title: str) -> str:
    """The page that `write_page` writes.

    Raises
    ------
    MeshError
        The mesh has no faces.
    """
    if not len(mesh.faces):
        raise MeshError("The mesh has no faces, so a web page cannot show it.")
    viewer, style = _read("viewer.js"), _read("viewer.css")
    three, packed_three = _three()
    layout, arrays = _pack(mesh)
    return Template(_read("template.html")).substitute(
        title=html.escape(title),
        facts=_facts(mesh),
        depth_range=f"{1000.0 * np.ptp(mesh.depth):.0f} mm",
        policy=_policy((viewer, three), style),
        three_licence=_read("three/LICENSE").strip(),
        style=style,
        viewer=viewer,
        three=packed_three,
        layout=html.escape(json.dumps(layout)),
        mesh=_base64(zlib.compress(arrays)),
        texture=_base64(texture_jpeg),
    )


def _read(name: str) -> str:
    return (_VIEWER / name).read_text(encoding="utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _facts(mesh: PageMesh) -> str:
    width, depth, height = 100.0 * np.ptp(mesh.positions, axis=0)
    cross = "\N{MULTIPLICATION SIGN}"
    size = f"{width:.1f} {cross} {height:.1f} {cross} {depth:.1f} cm"
    return f"{size}, {len(mesh.positions):,} vertices"


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
        whole, low, step = _steps(values)
        add(name, whole, 2, low=low, step=step)
    add("nearness", _steps(mesh.depth[:, None])[0], 2, low=[0.0], step=[1.0 / _LEVELS])
    add("colours", mesh.colours[:, :3], 1)
    add("faces", mesh.faces, 4)
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
