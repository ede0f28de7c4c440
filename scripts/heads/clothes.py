# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes of a portrait: what covers neck, shoulders and chest.

A garment is cut out of a finer copy of the base mesh's tights, once for each cut, in the neutral
shape; on a person it takes that person's shape, is smoothed, pushed out of the skin and creased.
Collars, lapels, hoods and scarves are swept along the edge of the neck's opening.

"Rest" positions are those of the neutral mesh in the head's frame.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from .base_mesh import BaseMesh
from .shapes import Label, Material, Surface
from .subdivision import Subdivision

KINDS = (
    "t-shirt", "v-neck", "tank", "shirt", "open shirt", "jumper", "turtleneck", "suit", "blazer",
    "hoodie", "scarf",
)  # fmt: skip
PATTERNS = ("plain", "stripes", "plaid", "print", "melange")

# Shares of the kinds for women and men; children and the old differ a little (see ``_shares``).
_FEMALE = (0.17, 0.12, 0.12, 0.08, 0.09, 0.13, 0.06, 0.02, 0.08, 0.07, 0.06)
_MALE = (0.22, 0.05, 0.03, 0.13, 0.10, 0.13, 0.03, 0.13, 0.05, 0.09, 0.04)
_PATTERN_SHARES = {
    "t-shirt": (0.50, 0.14, 0.0, 0.18, 0.18),
    "v-neck": (0.66, 0.12, 0.0, 0.0, 0.22),
    "tank": (0.75, 0.15, 0.0, 0.0, 0.10),
    "shirt": (0.52, 0.18, 0.30, 0.0, 0.0),
    "open shirt": (0.50, 0.14, 0.36, 0.0, 0.0),
    "jumper": (0.55, 0.17, 0.0, 0.04, 0.24),
    "hoodie": (0.56, 0.0, 0.0, 0.14, 0.30),
}
# Linear RGB of common fabrics.
_COLOURS = (
    (0.012, 0.012, 0.014), (0.03, 0.03, 0.035), (0.10, 0.10, 0.11), (0.30, 0.30, 0.31),
    (0.74, 0.74, 0.72), (0.80, 0.78, 0.74), (0.014, 0.022, 0.06), (0.03, 0.07, 0.18),
    (0.22, 0.36, 0.56), (0.05, 0.09, 0.16), (0.32, 0.02, 0.025), (0.12, 0.012, 0.02),
    (0.03, 0.10, 0.045), (0.09, 0.10, 0.05), (0.46, 0.36, 0.24), (0.18, 0.10, 0.055),
    (0.62, 0.42, 0.05), (0.62, 0.36, 0.36), (0.30, 0.24, 0.42), (0.03, 0.22, 0.22),
    (0.55, 0.18, 0.06), (0.48, 0.58, 0.62),
)  # fmt: skip
_SUITS = (
    (0.010, 0.010, 0.012), (0.03, 0.03, 0.034), (0.012, 0.018, 0.045), (0.075, 0.075, 0.08),
    (0.03, 0.045, 0.085), (0.11, 0.075, 0.045), (0.24, 0.22, 0.19),
)  # fmt: skip
_SHIRTS = ((0.80, 0.80, 0.79), (0.80, 0.80, 0.79), (0.46, 0.58, 0.74), (0.68, 0.62, 0.60))

_NECK = np.array([0.0, 100.0, -120.0])  # where openings are measured from, at rest
_LOOP = 144  # points along an opening's edge
_LOW, _WIDE = -430.0, 340.0  # how far garments go at rest: below the eyes, to the sides
_U_SPAN, _V_TOP, _V_SPAN = 720.0, -60.0, 480.0  # the rest millimetres a fabric's picture covers


@dataclass(frozen=True)
class ClothesParams:
    """What someone wears.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    opening
        How wide and deep the neck's opening is, 0 to 1.
    pattern
        One of ``PATTERNS``.
    colour, accent, under
        Linear RGB of the fabric, of its pattern (or tie, or scarf), and of what is worn below it.
    tie
        Whether a tie goes with a suit.
    folds
        Depth of the creases in millimetres.
    looseness
        Distance from the skin in millimetres.
    """

    kind: str
    opening: float
    pattern: str
    colour: tuple[float, float, float]
    accent: tuple[float, float, float]
    under: tuple[float, float, float]
    tie: bool
    folds: float
    looseness: float
    seed: int


def draw(rng: np.random.Generator, sex: float, age: float) -> ClothesParams:
    """Return random clothes.

    Parameters
    ----------
    sex
        0 female to 1 male.
    age
        Years.
    """
    kind = str(rng.choice(KINDS, p=_shares(sex, age)))
    shares = _PATTERN_SHARES.get(kind, (0.8, 0.0, 0.0, 0.0, 0.2))
    pattern = str(rng.choice(PATTERNS, p=shares))
    palette = _SUITS if kind in ("suit", "blazer") else _COLOURS
    colour, accent, under = (
        _vary(rng, choices[int(rng.integers(len(choices)))])
        for choices in (palette, _COLOURS, _SHIRTS if kind == "suit" else _COLOURS)
    )
    loose = {"jumper": 4.0, "hoodie": 6.0, "scarf": 5.0, "suit": 3.0, "blazer": 3.0}
    return ClothesParams(
        kind,
        round(float(rng.random()), 4),
        pattern,
        colour,
        accent,
        under,
        bool(rng.random() < 0.65),
        round(float(rng.uniform(1.5, 5.0)), 4),
        round(loose.get(kind, 1.5) + float(rng.uniform(0.0, 2.5)), 4),
        int(rng.integers(2**31)),
    )


def _shares(sex: float, age: float) -> np.ndarray:
    shares = (1 - sex) * np.array(_FEMALE) + sex * np.array(_MALE)
    if age < 16:
        for kind, factor in (("suit", 0.1), ("blazer", 0.2), ("hoodie", 1.8), ("t-shirt", 1.8)):
            shares[KINDS.index(kind)] *= factor
    elif age > 60:
        for kind, factor in (("hoodie", 0.3), ("tank", 0.3), ("jumper", 1.8), ("shirt", 1.5)):
            shares[KINDS.index(kind)] *= factor
    return shares / shares.sum()


def _vary(
    rng: np.random.Generator, colour: tuple[float, float, float]
) -> tuple[float, float, float]:
    factors = np.exp(rng.normal(0, 0.12, 3) * 0.6 + rng.normal(0, 0.18))
    red, green, blue = np.clip(np.array(colour) * factors, 0.006, 0.82)
    return round(float(red), 4), round(float(green), 4), round(float(blue), 4)


# Meshes


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return unit normals, float32 (V, 3), of vertices (V, 3) and quads (F, 4)."""
    corners = vertices[faces]
    across = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    total = np.zeros_like(vertices)
    for axis in range(3):
        weights = np.repeat(across[:, axis], 4)
        total[:, axis] = np.bincount(faces.ravel(), weights, len(vertices))
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)).astype(
        np.float32
    )


def lattice(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Return the quads, int32 (F, 4), of a grid of points numbered row by row.

    Rows go up and columns to the right as seen from outside; ``closed`` joins the last column to
    the first.
    """
    row, column = np.mgrid[: rows - 1, : columns if closed else columns - 1]
    start, after = row * columns, (column + 1) % columns
    quads = (start + column, start + after, start + columns + after, start + columns + column)
    return np.stack(quads, axis=-1).reshape(-1, 4).astype(np.int32)


def lattice_uv(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Return texture coordinates, float32 (F, 4, 2), of ``lattice``: u along a row, v up."""
    spans = columns if closed else columns - 1
    row, column = np.mgrid[: rows - 1, :spans]
    corners = [(column + i, row + j) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
    uv = np.stack([np.stack([u / spans, v / (rows - 1)], axis=-1) for u, v in corners], axis=2)
    return uv.reshape(-1, 4, 2).astype(np.float32)


def keep_outside(
    points: np.ndarray,
    surface: np.ndarray,
    normals: np.ndarray,
    clearance: np.ndarray | float,
) -> np.ndarray:
    """Return points (..., 3) pushed out to a clearance in millimetres above a sampled surface.

    ``surface`` and ``normals`` are (V, 3); points far from the surface stay where they are.
    """
    flat = points.reshape(-1, 3)
    _, nearest = cKDTree(surface, balanced_tree=False).query(flat)
    height = np.einsum("ij,ij->i", flat - surface[nearest], normals[nearest])
    wanted = np.broadcast_to(clearance, points.shape[:-1]).ravel()
    push = np.clip(wanted - height, 0, 40)
    return (flat + push[:, None] * normals[nearest]).reshape(points.shape).astype(np.float32)


def waves(
    rng: np.random.Generator, positions: np.ndarray, size: float, count: int = 6
) -> np.ndarray:
    """Return smooth noise, roughly -1 to 1, float32 (N,), at positions (N, 3).

    ``size`` is the typical wavelength in millimetres.
    """
    directions = rng.normal(size=(3, count))
    directions *= rng.uniform(0.6, 1.6, count) / np.linalg.norm(directions, axis=0)
    phase = positions @ (directions * (2 * np.pi / size)) + rng.uniform(0, 2 * np.pi, count)
    return (np.sin(phase).sum(1) / np.sqrt(count)).astype(np.float32)


@dataclass(frozen=True)
class Cut:
    """Part of a mesh, as weights of that mesh's vertices.

    Attributes
    ----------
    matrix
        (M, V): the part's vertices.
    faces
        int32 (F, 4); a triangle ends in -1.
    """

    matrix: sparse.csr_matrix
    faces: np.ndarray


def cut(faces: np.ndarray, field: np.ndarray) -> Cut:
    """Return what lies where a field (V,) is at most 0, cut straight through the quads."""
    away = field > 0
    outside = away[faces]
    whole = faces[~outside.any(1)]
    mixed = faces[outside.any(1) & ~outside.all(1)]
    triangles = np.concatenate([mixed[:, [0, 1, 2]], mixed[:, [0, 2, 3]]])
    inside = ~away[triangles]
    count = inside.sum(1)
    pieces = [whole, np.pad(triangles[count == 3], ((0, 0), (0, 1)), constant_values=-1)]
    pairs: list[np.ndarray] = []
    start = len(field)
    for kept in (1, 2):
        chosen = triangles[count == kept]
        odd = inside[count == kept] if kept == 1 else ~inside[count == kept]
        first = odd.argmax(1)
        a, b, c = (chosen[np.arange(len(chosen)), (first + step) % 3] for step in range(3))
        ab, ac = start + np.arange(len(a)), start + len(a) + np.arange(len(a))
        pairs += [np.stack([a, b], 1), np.stack([a, c], 1)]
        start += 2 * len(a)
        none = np.full(len(a), -1)
        corners = (a, ab, ac, none) if kept == 1 else (b, c, ac, ab)
        pieces.append(np.stack(corners, 1))
    edges = np.concatenate(pairs)
    matrix = sparse.vstack([sparse.identity(len(field), format="csr"), _crossings(edges, field)])
    return _compact(matrix.tocsr(), np.concatenate(pieces))


def _crossings(edges: np.ndarray, field: np.ndarray) -> sparse.csr_matrix:
    """Return the weights of the points where a field is 0 on edges (E, 2)."""
    first, second = field[edges[:, 0]], field[edges[:, 1]]
    share = first / np.where(first == second, 1, first - second)
    rows = np.repeat(np.arange(len(edges)), 2)
    weights = np.stack([1 - share, share], 1).ravel()
    return sparse.csr_matrix((weights, (rows, edges.ravel())), shape=(len(edges), len(field)))


def _compact(matrix: sparse.csr_matrix, faces: np.ndarray) -> Cut:
    used = np.unique(faces[faces >= 0])
    number = np.full(matrix.shape[0] + 1, -1)
    number[used] = np.arange(len(used))
    return Cut(matrix[used].astype(np.float32), number[faces].astype(np.int32))


def _level_loop(faces: np.ndarray, rest: np.ndarray, field: np.ndarray) -> sparse.csr_matrix:
    """Return the line around the neck where a field is 0, (_LOOP, V), from the back by the left.

    Its points are evenly spaced at rest.
    """
    edges = np.concatenate([faces[:, [i, (i + 1) % 4]] for i in range(4)])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    edges = edges[(field[edges[:, 0]] > 0) != (field[edges[:, 1]] > 0)]
    points = _crossings(edges, field)
    where = points @ rest
    angle = np.arctan2(where[:, 0], where[:, 1] - _NECK[1]) % (2 * np.pi)
    order = np.argsort(angle)
    order = np.append(order, order[0])
    length = np.linalg.norm(np.diff(where[order], axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(length)])
    # Start exactly at the back, so that the two sides mirror each other.
    shift = along[-1] * 0.5 - np.interp(np.pi, np.append(angle[order[:-1]], 2 * np.pi), along)
    wanted = (np.arange(_LOOP) / _LOOP * along[-1] - shift) % along[-1]
    right = np.clip(np.searchsorted(along, wanted, side="right"), 1, len(along) - 1)
    share = (wanted - along[right - 1]) / np.maximum(length[right - 1], 1e-6)
    rows = np.repeat(np.arange(_LOOP), 2)
    columns = np.stack([order[right - 1], order[right]], 1).ravel()
    weights = np.stack([1 - share, share], 1).ravel()
    mix = sparse.csr_matrix((weights, (rows, columns)), shape=(_LOOP, len(where)))
    return (mix @ points).astype(np.float32).tocsr()


# The shell


class Shell:
    """The fine tights that garments are cut from.

    Attributes
    ----------
    faces
        int32 (F, 4), quads.
    rest
        float32 (V, 3): the neutral shape.
    near_neck
        Indices of the vertices that collars may touch.
    """

    def __init__(self, base_mesh: BaseMesh) -> None:
        mesh = base_mesh.mesh
        eyes = [mesh.vertices[base_mesh.group_vertices(f"helper-{s}-eye")].mean(0) for s in "lr"]
        neutral = mesh.vertices - (eyes[0] + eyes[1]) / 2
        tights = mesh.faces[mesh.groups == "helper-tights"]
        middle = neutral[tights].mean(1)
        tights = tights[(middle[:, 2] > _LOW) & (np.abs(middle[:, 0]) < _WIDE)]
        flat = np.zeros((*tights.shape, 2), np.float32)
        first = Subdivision(tights, flat, len(neutral))
        second = Subdivision(first.faces, first.uv, first.matrix.shape[0])
        fine = _compact((second.matrix @ first.matrix).tocsr(), second.faces)
        self.matrix, self.faces = fine.matrix, fine.faces
        self.rest = (self.matrix @ neutral).astype(np.float32)
        self._average = self._neighbours()
        self._skin = self._skin_below(mesh.faces[base_mesh.skin_faces], neutral)
        radius = np.linalg.norm(self.rest - _NECK, axis=1)
        self.near_neck = np.flatnonzero(radius < 190)
        self._close = np.clip((130 - radius) / 40, 0, 1).astype(np.float32)
        self._joints = [base_mesh.group_vertices(f"joint-{n}") for n in ("spine-1", "neck", "head")]

    def _neighbours(self) -> sparse.csr_matrix:
        edges = np.concatenate([self.faces[:, [i, (i + 1) % 4]] for i in range(4)])
        count = len(self.rest)
        ones = np.ones(len(edges), np.float32)
        matrix = sparse.csr_matrix((ones, (edges[:, 0], edges[:, 1])), shape=(count, count))
        matrix = matrix + matrix.T
        return (sparse.diags(1 / np.asarray(matrix.sum(1)).ravel()) @ matrix).astype(np.float32)

    def _skin_below(self, faces: np.ndarray, neutral: np.ndarray) -> np.ndarray:
        middle = neutral[faces].mean(1)
        body = faces[middle[:, 2] < -90]
        _, nearest = cKDTree(neutral[body].mean(1)).query(self.rest)
        return body[nearest]

    def fit(self, base: np.ndarray, looseness: float, smoothing: int) -> np.ndarray:
        """Return the vertices, float32 (V, 3), around a person, at least ``looseness`` mm away."""
        vertices = (self.matrix @ base).astype(np.float32)
        for _ in range(smoothing):
            vertices = self._average @ vertices
        corners = base[self._skin]
        normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        height = np.einsum("ij,ij->i", vertices - corners.mean(1), normals)
        # The tights stand off the neck of some people, where collars have to be close.
        push = looseness * (1 - 0.6 * self._close) + 2.5 - height
        push = np.clip(push, -18 * self._close, 25)
        for _ in range(3):
            push = np.where(push > 0, np.maximum(push, self._average @ push), push)
        push = self.smooth(push, 2)
        return vertices + self.normals(vertices) * push[:, None]

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Return unit normals, float32 (V, 3)."""
        return vertex_normals(vertices, self.faces)

    def smooth(self, values: np.ndarray, steps: int) -> np.ndarray:
        """Return values (V,) or (V, K) averaged with their neighbours' several times."""
        for _ in range(steps):
            values = self._average @ values
        return values

    def up(self, base: np.ndarray) -> np.ndarray:
        """Return the unit vector along the neck, away from the body."""
        spine, neck, head = (base[joint].mean(0) for joint in self._joints)
        body, throat = neck - spine, head - neck
        up = body / np.linalg.norm(body) + throat / np.linalg.norm(throat)
        return up / np.linalg.norm(up)

    def front_rows(self, x: np.ndarray, z: np.ndarray) -> sparse.csr_matrix:
        """Return the weights, (N, V), of the foremost points at rest positions x and z, (N,)."""
        triangles = np.concatenate([self.faces[:, [0, 1, 2]], self.faces[:, [0, 2, 3]]])
        a, b, c = np.moveaxis(self.rest[triangles][..., [0, 2]].astype(float), 1, 0)
        facing = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
        ahead = (facing > 1e-6) & (self.rest[triangles].mean(1)[:, 1] < 110)
        triangles, a, b, c, facing = (k[ahead] for k in (triangles, a, b, c, facing))
        rows = []
        for point in np.stack([x, z], -1):
            weights = [
                (q[:, 0] - p[:, 0]) * (point[1] - p[:, 1])
                - (q[:, 1] - p[:, 1]) * (point[0] - p[:, 0])
                for p, q in ((b, c), (c, a), (a, b))
            ]
            share = np.stack(weights, -1) / facing[:, None]
            best = int(share.min(1).argmax())
            weight = np.clip(share[best], 0, None)
            rows.append((triangles[best], weight / weight.sum()))
        columns = np.concatenate([row[0] for row in rows])
        weights = np.concatenate([row[1] for row in rows]).astype(np.float32)
        index = np.repeat(np.arange(len(rows)), 3)
        return sparse.csr_matrix((weights, (index, columns)), shape=(len(rows), len(self.rest)))


@lru_cache(maxsize=2)
def shell_of(base_mesh: BaseMesh) -> Shell:
    """Return the shell of a base mesh, made once."""
    return Shell(base_mesh)


# Cuts


@dataclass(frozen=True)
class Opening:
    """The neck's opening of a garment, at rest.

    Attributes
    ----------
    front, side, back
        Distances of its edge from the middle of the neck, in millimetres.
    apex
        Height of the lowest point of a V; 0 for none.
    flare
        Half the width of the V per millimetre of height.
    arms
        How far from the middle the armholes begin; 0 for sleeves.
    """

    front: float
    side: float
    back: float
    apex: float = 0.0
    flare: float = 0.0
    arms: float = 0.0

    def field(self, rest: np.ndarray) -> np.ndarray:
        """Return the distance into the opening, (V,), of rest positions (V, 3)."""
        away = rest - _NECK
        angle = np.arctan2(away[:, 0], -away[:, 1])
        middle = (self.front + self.back) / 2
        radius = (
            (middle + self.side) / 2
            + (self.front - self.back) / 2 * np.cos(angle)
            + (middle - self.side) / 2 * np.cos(2 * angle)
        )
        field = radius - np.linalg.norm(away, axis=1)
        if self.apex:
            slope = np.hypot(1, self.flare)
            wedge = ((rest[:, 2] - self.apex) * self.flare - np.abs(rest[:, 0])) / slope
            field = np.where(rest[:, 1] < 95, np.maximum(field, wedge), field)
        return field

    def armhole(self, rest: np.ndarray) -> np.ndarray:
        """Return the distance beyond the armholes, (V,), of rest positions (V, 3)."""
        below = np.clip(-170 - rest[:, 2], 0, None)
        return np.abs(rest[:, 0]) - (self.arms - 0.25 * below + 0.0028 * below**2)


@dataclass(frozen=True)
class Pattern:
    """A garment cut from a shell.

    Attributes
    ----------
    matrix, faces, uv
        Vertices as weights of the shell's, int32 (F, 4), float32 (F, 4, 2).
    edges
        The opening's edge and lines further and further outside of it, each (_LOOP, V).
    """

    matrix: sparse.csr_matrix
    faces: np.ndarray
    uv: np.ndarray
    edges: tuple[sparse.csr_matrix, ...]


_BAND = (0.0, 5.0, 12.0, 18.0)  # millimetres outside an opening's edge


@lru_cache(maxsize=128)
def pattern_of(shell: Shell, opening: Opening) -> Pattern:
    """Return the garment with a given opening, cut once."""
    field = opening.field(shell.rest)
    keep = np.maximum(field, opening.armhole(shell.rest)) if opening.arms else field
    part = cut(shell.faces, keep)
    loops = tuple(_level_loop(shell.faces, shell.rest, field + away) for away in _BAND)
    uv = rest_uv((part.matrix @ shell.rest)[np.maximum(part.faces, 0)])
    return Pattern(part.matrix, part.faces, uv, loops)


def rest_uv(rest: np.ndarray) -> np.ndarray:
    """Return texture coordinates, float32 (F, 4, 2), of faces' corners at rest, (F, 4, 3)."""
    sleeve = np.abs(rest[..., 0]).mean(1, keepdims=True) > 165
    ridge = 120 - 0.12 * np.abs(rest[..., 0])
    height = rest[..., 2] - 0.7 * np.abs(np.clip(rest[..., 1], 20, 220) - ridge) + 50
    # Along an arm that hangs down to the side, the weave goes with the arm.
    along = np.abs(rest[..., 0]) * 0.66 - rest[..., 2] * 0.75
    across = (np.abs(rest[..., 0]) * 0.75 + rest[..., 2] * 0.66) * np.sign(rest[..., 0])
    u = np.where(sleeve, across + np.sign(rest[..., 0]) * 180, rest[..., 0])
    v = np.where(sleeve, 60 - along, height)
    coordinates = np.stack([u / _U_SPAN + 0.5, (v - _V_TOP) / _V_SPAN + 1], axis=-1)
    return np.clip(coordinates, 0, 1).astype(np.float32)


# Garments


@dataclass(frozen=True)
class _Worn:
    """A shell on a person."""

    shell: Shell
    vertices: np.ndarray
    normals: np.ndarray
    up: np.ndarray

    def lifted(self, height: np.ndarray | float) -> "_Worn":
        """Return it moved outwards by heights (V,) in millimetres."""
        vertices = self.vertices + self.normals * np.reshape(height, (-1, 1))
        return _Worn(self.shell, vertices, self.shell.normals(vertices), self.up)

    def clear(self, points: np.ndarray, clearance: np.ndarray | float) -> np.ndarray:
        """Return points pushed out of the garment near the neck."""
        near = self.shell.near_neck
        return keep_outside(points, self.vertices[near], self.normals[near], clearance)

    def sunk(self, points: np.ndarray, depth: float) -> np.ndarray:
        """Return points (N, 3) moved into the garment below them, by 10 mm at most."""
        near = self.shell.near_neck
        _, nearest = cKDTree(self.vertices[near], balanced_tree=False).query(points)
        normals = self.normals[near][nearest]
        height = np.einsum("ij,ij->i", points - self.vertices[near][nearest], normals)
        return points - np.clip(height + depth, 0, 10)[:, None] * normals

    def loop(self, rows: sparse.csr_matrix) -> "_Loop":
        points = rows @ self.vertices
        outwards = points - points.mean(0)
        outwards -= np.outer(outwards @ self.up, self.up)
        outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-6)
        return _Loop(points, rows @ self.normals, outwards, self.up)


@dataclass(frozen=True)
class _Loop:
    """The edge of an opening: points and directions, (_LOOP, 3) each, and the neck's direction."""

    points: np.ndarray
    normals: np.ndarray
    outwards: np.ndarray
    up: np.ndarray

    def from_front(self) -> np.ndarray:
        """Return how far along the edge each point is from the front, in millimetres, (_LOOP,)."""
        steps = np.linalg.norm(np.roll(self.points, -1, 0) - self.points, axis=1)
        along = np.concatenate([[0], np.cumsum(steps)[:-1]])
        return np.abs(along - along[_LOOP // 2])

    def sweep(self, out: np.ndarray, up: np.ndarray) -> np.ndarray:
        """Return rows of points, (R, _LOOP, 3), moved by (R, _LOOP) or (R, 1) millimetres."""
        return (
            self.points
            + np.broadcast_to(out, (len(out), _LOOP))[..., None] * self.outwards
            + np.broadcast_to(up, (len(up), _LOOP))[..., None] * self.up
        )


def build(params: ClothesParams, base: np.ndarray, base_mesh: BaseMesh) -> list[Surface]:
    """Return the clothes' surfaces, labelled ``Label.CLOTHES``.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    """
    shell = shell_of(base_mesh)
    fit = shell.fit(base, params.looseness, 6 if params.kind in ("suit", "blazer") else 3)
    worn = _Worn(shell, fit, shell.normals(fit), shell.up(base))
    rng = np.random.default_rng(params.seed)
    return _MAKERS[params.kind](params, worn, rng)


class Drape:
    """What hangs over the clothes around the neck: hoods and headscarves end on it.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    height
        Distance from the skin in millimetres.
    """

    def __init__(self, base: np.ndarray, base_mesh: BaseMesh, height: float) -> None:
        self._shell = shell_of(base_mesh)
        self._vertices = self._shell.fit(base, height, 3)

    def rings(self, widths: tuple[int, ...]) -> np.ndarray:
        """Return rings around the neck, float32 (len(widths), 144, 3).

        They start at the back and go by the person's left; the widths are how much wider than the
        neck's base they are, in millimetres.
        """
        rows = [_ring_rows(self._shell, width) @ self._vertices for width in widths]
        return np.stack(rows).astype(np.float32)

    def clear(self, points: np.ndarray, clearance: float) -> np.ndarray:
        """Return points (..., 3) pushed out to a clearance above it, in millimetres."""
        near = self._shell.near_neck
        normals = self._shell.normals(self._vertices)
        return keep_outside(points, self._vertices[near], normals[near], clearance)


@lru_cache(maxsize=64)
def _ring_rows(shell: Shell, width: int) -> sparse.csr_matrix:
    field = Opening(110 + width, 100 + width, 74 + width).field(shell.rest)
    return _level_loop(shell.faces, shell.rest, field)


def _creased(worn: _Worn, params: ClothesParams, rng: np.random.Generator, share: float) -> _Worn:
    rest = worn.shell.rest
    # Creases hang between shoulder and chest: the noise is stretched along that direction.
    side = np.tanh(rest[:, 0] / 40)
    along = np.stack([side * 0.62, np.full_like(side, 0.1), np.full_like(side, 0.78)], -1)
    amount = np.einsum("ij,ij->i", rest, along)
    squeezed = rest - 0.8 * amount[:, None] * along
    warp = waves(rng, rest, 130)[:, None] * np.array([12.0, 8.0, 12.0])
    ridges = np.clip(1 - 1.3 * np.abs(waves(rng, squeezed + warp, 90, 4)), 0, 1) ** 1.5
    small = np.clip(1 - 1.5 * np.abs(waves(rng, squeezed * 2 - warp, 85, 4)), 0, 1) ** 1.5
    where = np.clip(0.55 + 0.6 * waves(rng, rest, 110), 0.05, 1)
    soft = 0.5 + 0.5 * waves(rng, rest, 120)
    fade = np.clip((np.linalg.norm(rest - _NECK, axis=1) - 82) / 60, 0.06, 1)
    height = ((ridges + 0.4 * small) * where + soft * 0.5) * fade
    return worn.lifted(worn.shell.smooth(height * params.folds * share, 1))


def _body(worn: _Worn, opening: Opening, material: Material, name: str = "clothes") -> Surface:
    cloth = pattern_of(worn.shell, opening)
    vertices = (cloth.matrix @ worn.vertices).astype(np.float32)
    return Surface(name, Label.CLOTHES, vertices, cloth.faces, material, cloth.uv)


def _grid(
    name: str, points: np.ndarray, material: Material, closed: bool = True
) -> Surface:
    """Return points (R, C, 3), rows up and columns to the right seen from outside, as a surface."""
    rows, columns = points.shape[:2]
    faces, uv = lattice(rows, columns, closed), lattice_uv(rows, columns, closed)
    vertices = points.reshape(-1, 3).astype(np.float32)
    return Surface(name, Label.CLOTHES, vertices, faces, material, uv)


def _rim(worn: _Worn, opening: Opening, material: Material, width: float, height: float) -> Surface:
    """Return a band on the edge of an opening, rolled over to the inside."""
    cloth = pattern_of(worn.shell, opening)
    loops = [worn.loop(rows) for rows in cloth.edges]
    edge, inner = loops[0], loops[1]
    towards = edge.points - inner.points
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-6)
    share = width / _BAND[-1]
    last = edge.points + (loops[3].points - edge.points) * share
    middle = edge.points + (loops[2].points - edge.points) * share
    rows = [
        last + loops[3].normals * -0.6,
        last + loops[3].normals * height * 0.9,
        middle + loops[2].normals * height * 1.15,
        edge.points + edge.normals * height,
        edge.points + towards * 1.6 + edge.normals * height * 0.3,
        edge.points + towards * 1.2 - edge.normals * 2.0,
        edge.points - edge.normals * 5.0,
    ]
    return _grid("clothes_rim", np.stack(rows[::-1]), material)


def _t_shirt(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 4) / 4
    opening = Opening(84 + 22 * depth, 79 + 12 * depth, 55 + 5 * depth)
    worn = _creased(worn, params, rng, 0.8)
    body = _body(worn, opening, cloth_material(params, rng))
    return [body, _rim(worn, opening, plain_material(params.colour, "rib"), 15.0, 1.1)]


def _v_neck(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 4) / 4
    opening = Opening(84, 82 + 8 * depth, 57, -226 - 45 * depth, 0.9 - 0.22 * depth)
    worn = _creased(worn, params, rng, 0.8)
    body = _body(worn, opening, cloth_material(params, rng))
    return [body, _rim(worn, opening, plain_material(params.colour, "rib"), 14.0, 1.1)]


def _tank(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 4) / 4
    opening = Opening(112 + 28 * depth, 98 + 12 * depth, 72 + 20 * depth, arms=136 - 6 * depth)
    worn = _creased(worn, params, rng, 0.4)
    body = _body(worn, opening, cloth_material(params, rng))
    return [body, _rim(worn, opening, plain_material(params.colour, "rib"), 7.0, 0.8)]


def _jumper(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(82 + 10 * round(params.opening * 2) / 2, 77, 54)
    worn = _creased(worn, params, rng, 1.4)
    body = _body(worn, opening, cloth_material(params, rng))
    return [body, _rim(worn, opening, plain_material(params.colour, "rib"), 18.0, 2.2)]


def _turtleneck(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(80, 72, 50)
    worn = _creased(worn, params, rng, 1.2)
    body = _body(worn, opening, cloth_material(params, rng))
    edge = worn.loop(pattern_of(worn.shell, opening).edges[0])
    tall = 34 + 14 * params.opening
    back = np.clip(edge.from_front() / 240, 0, 1)
    top = tall * (0.8 + 0.35 * back)
    lean = -6.0 - 4.0 * (1 - back)
    wobble = _ring_waves(rng, 3) * 1.5
    out = [0 * top, 1 + lean * 0.5, lean, lean + 2, lean + 5.5, lean * 0.6 + 8, lean * 0.3 + 9.5]
    up = [0 * top - 4, top * 0.4, top * 0.92, top, top * 0.96, top * 0.5, top * 0.05 + 3]
    out += [lean * 0.3 + 6.5, lean * 0.5 + 3]
    up += [top * 0.0, top * 0.3]
    points = edge.sweep(np.stack([row + wobble for row in out]), np.stack(up))
    points[3:8] = worn.clear(points[3:8], 2.0)
    return [body, _grid("clothes_roll", points, plain_material(params.colour, "rib"))]


def _ring_waves(rng: np.random.Generator, count: int, low: int = 2) -> np.ndarray:
    angle = np.arange(_LOOP) / _LOOP * 2 * np.pi
    orders = np.arange(low, low + count)
    phases = rng.uniform(0, 2 * np.pi, count)
    return np.sin(angle[:, None] * orders + phases).sum(1) / np.sqrt(count)


# Shirts


_SHIRT = Opening(76, 66, 46)


@dataclass(frozen=True)
class _CollarCut:
    """The shape of a collar, in millimetres.

    Attributes
    ----------
    gap
        From the opening's lowest point to where the collar begins.
    stand, stand_front
        Height of the stand at the back and where the collar begins.
    fall, point
        Length of the fall, and how much longer its front corners are.
    spread
        How far the corners move sideways.
    """

    gap: float
    stand: float
    stand_front: float
    fall: float
    point: float
    spread: float
    bulk: float = 1.0


def _collar(worn: _Worn, opening: Opening, shape: _CollarCut, material: Material) -> Surface:
    """Return a collar: a stand around the neck and a fall over it, open at the front."""
    loops = [worn.loop(rows) for rows in pattern_of(worn.shell, opening).edges]
    edge = loops[0]
    down = loops[3].points - edge.points
    down /= np.maximum(np.linalg.norm(down, axis=1, keepdims=True), 1e-6)
    distance = edge.from_front()
    start = np.clip((distance - shape.gap) / 70, 0, 1)
    tip = (1 - start) ** 1.6
    stand = shape.stand + (shape.stand_front - shape.stand) * (1 - start)
    lean = -0.12 * stand
    fall = shape.fall + shape.point * tip
    steps = np.array([0, 0, 0, 0, 0.05, 0.3, 0.62, 0.95, 1.0, 1.0])[:, None]
    rise = np.array([-0.12, 0.4, 0.85, 1.0, 1.0, 0.82, 0.55, 0.22, 0.15, 0.1])[:, None]
    out = np.array([-1.0, 0.5, 0.0, 1.0, 4.0, 6.5, 7.5, 8.0, 8.0, 8.0])[:, None]
    points = edge.sweep(out * shape.bulk + lean * np.clip(rise, 0, 1), rise * stand)
    reach = np.clip(fall - 0.45 * stand, 8, None)
    points = points + (steps * reach)[..., None] * down
    tangent = np.roll(edge.points, -1, 0) - np.roll(edge.points, 1, 0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.sign(np.arange(_LOOP) - _LOOP // 2)[:, None]
    points = points + (steps * tip * shape.spread)[..., None] * tangent * side
    thick = np.array([2.4, 2.8, 2.8, 2.6, 1.6, -1.0])[:, None] * shape.bulk
    points[4:] = worn.clear(points[4:], thick)
    points[9] = worn.sunk(points[8], 1.0)
    here = np.flatnonzero(distance >= shape.gap)
    order = np.concatenate([here[here > _LOOP // 2], here[here <= _LOOP // 2]])
    return _grid("clothes_collar", points[:, order], material, closed=False)


def _shirt(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    worn = _creased(worn, params, rng, 0.7)
    material = cloth_material(params, rng)
    plain = plain_material(_average(params), "cloth")
    parts = [_body(worn, _SHIRT, material)]
    parts.append(_collar(worn, _SHIRT, _CollarCut(2, 27, 21, 42, 22, 26), plain))
    return parts + _placket(worn, plain, -186, params)


def _open_shirt(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 3) / 3
    apex = -238 - 45 * depth
    opening = Opening(78, 68, 47, apex, 0.6)
    worn = _creased(worn, params, rng, 0.7)
    plain = plain_material(_average(params), "cloth")
    parts = [
        _body(worn, opening, cloth_material(params, rng)),
        _rim(worn, opening, plain, 16.0, 0.9),
    ]
    collar = _CollarCut(48 + 40 * depth, 27, 12, 40, 26, -10)
    parts.append(_collar(worn, opening, collar, plain))
    if params.tie:
        under = Opening(88, 78, 54)
        below = worn.lifted(-2.0)
        vest = plain_material(params.under, "rib")
        parts += [_body(below, under, vest, "clothes_under"), _rim(below, under, vest, 12.0, 0.8)]
    return parts + _placket(worn, plain, apex, params)


def _strip(worn: _Worn, x: np.ndarray, z: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Return points, (R, C, 3), above the garment at rest positions x and z, (R, C)."""
    rows = _front_rows(worn.shell, x.tobytes(), z.tobytes())
    return (rows @ worn.vertices + (rows @ worn.normals) * height.reshape(-1, 1)).reshape(
        *x.shape, 3
    )


@lru_cache(maxsize=64)
def _front_rows(shell: Shell, x: bytes, z: bytes) -> sparse.csr_matrix:
    return shell.front_rows(np.frombuffer(x), np.frombuffer(z))


def _placket(
    worn: _Worn, material: Material, top: float, params: ClothesParams
) -> list[Surface]:
    """Return the buttoned strip down the front from a rest height, and its buttons."""
    z = np.arange(top, -400, -12.0)
    across = np.array([-15.0, -14.0, 0.0, 14.0, 15.0])
    x, heights = np.meshgrid(across, z)
    height = np.where(np.abs(x) > 14.5, -0.8, 1.3)
    strip = _strip(worn, x, heights, height)
    parts = [_grid("clothes_placket", strip[::-1], material, closed=False)]
    centres = np.arange(top - 14, -390, -78.0)
    rows = _front_rows(worn.shell, np.zeros_like(centres).tobytes(), centres.tobytes())
    normals = rows @ worn.normals
    spots = rows @ worn.vertices + 1.4 * normals
    colour = (0.7, 0.68, 0.64) if params.seed % 3 else (0.05, 0.045, 0.04)
    shiny = Material(colour=colour, roughness=0.3)
    return parts + [_discs("clothes_buttons", spots, normals, 5.2, shiny)]


def _discs(
    name: str, centres: np.ndarray, normals: np.ndarray, radius: float, material: Material
) -> Surface:
    angle = np.arange(12) / 12 * 2 * np.pi
    side = np.cross(normals, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    top = np.cross(side, normals)
    ring = np.cos(angle)[:, None, None] * side - np.sin(angle)[:, None, None] * top
    rows = [centres + ring * radius - normals, centres + ring * radius + normals * 0.9]
    rows += [centres + ring * radius * 0.7 + normals * 1.4, centres + ring * 0.01 + normals]
    points = np.stack(rows).transpose(2, 0, 1, 3)
    faces = np.concatenate([lattice(4, 12, True) + 48 * i for i in range(len(centres))])
    vertices = points.reshape(-1, 3).astype(np.float32)
    return Surface(name, Label.CLOTHES, vertices, faces, material)


# Jackets


_JACKET = Opening(82, 84, 62, -415, 0.275)


def _jacket(
    params: ClothesParams, worn: _Worn, material: Material, rng: np.random.Generator
) -> list[Surface]:
    rest = worn.shell.rest
    on_top = np.clip((rest[:, 2] + 300) / 110, 0, 1)
    pads = 9 * np.exp(-(((np.abs(rest[:, 0]) - 150) / 42) ** 2)) * on_top
    outer = _creased(worn, params, rng, 0.5).lifted(4.5 + pads)
    collar = _CollarCut(220, 24, 2, 44, 8, -4, 1.25)
    parts = [
        _body(outer, _JACKET, material, "clothes_jacket"),
        _rim(outer, _JACKET, material, 10.0, 1.0),
        _collar(outer, _JACKET, collar, material),
    ]
    return parts + [_lapel(outer, side, material) for side in (-1.0, 1.0)]


def _lapel(worn: _Worn, side: float, material: Material) -> Surface:
    down = np.linspace(0, 1, 16)[:, None]
    across = np.array([-0.03, 0.0, 0.12, 0.45, 0.8, 1.0, 1.012])[None]
    inside = np.clip(across, 0, 1)
    bottom = -412.0
    z = bottom + (1 - down) * (-200 - 46 * inside - bottom)
    width = 74 * np.clip((z - bottom) / (-246 - bottom), 0, 1) ** 0.75
    width = np.where(z > -246, 74, width)
    x = side * ((z + 415) * _JACKET.flare + across * width)
    roll = np.array([-1.5, 2.4, 4.6, 4.2, 3.4, 3.0, -0.8])[None]
    height = np.broadcast_to(roll, x.shape) * np.clip(0.35 + 1.2 * (1 - down), 0, 1)
    points = _strip(worn, x, z, height)
    # Columns go to the viewer's right.
    return _grid("clothes_lapel", points[::-1, ::int(side)], material, closed=False)


def _suit(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    white = plain_material(params.under, "cloth")
    parts = [_body(worn, _SHIRT, white, "clothes_shirt")]
    parts.append(_collar(worn, _SHIRT, _CollarCut(2, 31, 23, 46, 20, 28), white))
    parts += _placket(worn, white, -186, params)
    if params.tie:
        parts += _tie(worn, params, rng)
    return parts + _jacket(params, worn, cloth_material(params, rng), rng)


def _blazer(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(88 + 20 * round(params.opening * 2) / 2, 80, 55)
    under = plain_material(params.under, "cloth")
    parts = [_body(worn, opening, under, "clothes_under")]
    parts.append(_rim(worn, opening, plain_material(params.under, "rib"), 13.0, 1.0))
    return parts + _jacket(params, worn, cloth_material(params, rng), rng)


def _tie(worn: _Worn, params: ClothesParams, rng: np.random.Generator) -> list[Surface]:
    z = np.concatenate([np.array([-176, -180, -188, -198, -206, -211.0]),
                        np.arange(-212, -412, -14.0)])
    half = np.concatenate([[11, 15, 16, 13, 10.5, 9], np.linspace(11, 30, len(z) - 6)])
    lift = np.concatenate([[1, 7, 9.5, 9, 7.5, 4], np.full(len(z) - 6, 4.2)])
    across = np.array([-1.04, -1, -0.5, 0, 0.5, 1, 1.04])
    shape = np.array([-2, 0, 0.9, 1.2, 0.9, 0, -2])
    x = half[:, None] * across
    heights = lift[:, None] + np.clip(lift[:, None], 2, 4) * shape
    points = _strip(worn, x, np.repeat(z[:, None], len(across), 1), heights)
    pixels = _tie_picture(params.accent, rng)
    material = Material(image=pixels, roughness=0.35, sheen=0.2, specular=0.5)
    return [_grid("clothes_tie", points[::-1], material, closed=False)]


def _tie_picture(colour: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[0:192, 0:32]
    period = rng.integers(14, 36)
    stripes = ((v + u * 1.2) % period) < period * rng.uniform(0.15, 0.5)
    strength = rng.choice([0.0, 0.35, 0.8])
    other = _mixed(colour, strength, rng)
    return srgb(np.where(stripes[..., None], np.array(other), np.array(colour)))


def _mixed(
    colour: tuple[float, float, float], strength: float, rng: np.random.Generator
) -> np.ndarray:
    return np.clip(np.array(colour) + strength * (rng.random(3) - np.array(colour)), 0, 1)


# Hoods and scarves


def _tube(
    edge: _Loop, centre_out: np.ndarray, centre_up: np.ndarray, half_out: np.ndarray,
    half_up: np.ndarray, lumps: np.ndarray,
) -> np.ndarray:
    """Return a roll around the neck, (R, _LOOP, 3), of elliptic sections; lumps (R, _LOOP)."""
    angle = np.linspace(0, 2 * np.pi, len(lumps))[:, None]
    size = 1 + lumps
    # From the inside over the top to the outside.
    return edge.sweep(
        centre_out - half_out * size * np.cos(angle), centre_up + half_up * size * np.sin(angle)
    )


def _lumps(rng: np.random.Generator, rows: int, amount: float) -> np.ndarray:
    """Return folds that run along a roll, (R, _LOOP), the same at both ends of the section."""
    along = np.arange(_LOOP) / _LOOP * 2 * np.pi
    around = np.linspace(0, 2 * np.pi, rows)[:, None]
    total = np.zeros((rows, _LOOP))
    for order in (2, 3, 4, 5):
        turn = rng.integers(-3, 4)
        phase = rng.uniform(0, 2 * np.pi)
        fold = np.sin(order * around + turn * along + phase + 0.6 * np.sin(along + phase))
        total += (np.abs(fold) * 1.6 - 1) / order * 1.6
    return amount * total


def _hoodie(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(86, 78, 55, -212, 0.8)
    worn = _creased(worn, params, rng, 1.5)
    material = cloth_material(params, rng)
    thick = plain_material(_average(params), "fleece")
    edge = worn.loop(pattern_of(worn.shell, opening).edges[0])
    back = np.clip(edge.from_front() / 230, 0, 1) ** 0.8
    sway = _ring_waves(rng, 3, 1) * 2.2 * np.clip(back * 3, 0.2, 1)
    parts = [_body(worn, opening, material)]
    outer = _tube(edge, 6 + 24 * back + sway, 5 + 6 * back, 9 + 23 * back, 10 + 12 * back + sway,
                  _lumps(rng, 20, 0.15))
    inner = _tube(edge, 1 + 9 * back + sway, 10 + 15 * back - sway, 5 + 8 * back, 6 + 9 * back,
                  _lumps(rng, 14, 0.12))
    for points in (outer, inner):
        parts.append(_grid("clothes_hood", points, thick))
    if params.tie:
        parts += _strings(worn, params)
    return parts


def _strings(worn: _Worn, params: ClothesParams) -> list[Surface]:
    bright = sum(params.colour) < 0.6
    colour = tuple(min(1.0, 0.75 if bright else c * 0.6) for c in params.colour)
    parts = []
    for side, length in ((-1.0, 118.0), (1.0, 104.0)):
        z = np.linspace(-212, -212 - length, 24)[:, None]
        across = np.array([-2.6, -2.0, 0.0, 2.0, 2.6])[None]
        x = side * (22 + 5 * np.sin((z + 212) / 34)) + across
        height = np.broadcast_to(np.array([0.0, 3.0, 4.6, 3.0, 0.0]), x.shape)
        points = _strip(worn, x, np.repeat(z, 5, 1), height)
        material = Material(colour=colour, roughness=0.8)
        parts.append(_grid("clothes_string", points[::-1], material, closed=False))
    return parts


def _scarf(params: ClothesParams, worn: _Worn, rng: np.random.Generator) -> list[Surface]:
    parts = _jumper(params, worn, rng)
    pattern = "plaid" if params.tie else "plain"
    wool = wrap_material(params.accent, params.under, pattern, rng)
    edge = worn.loop(pattern_of(worn.shell, Opening(92, 86, 62)).edges[0])
    front = 1 - np.clip(edge.from_front() / 230, 0, 1)
    sway = _ring_waves(rng, 3, 1) * 3
    low = _tube(edge, 8 + 7 * front + sway, 12 - 6 * front, 22 + 4 * front, 21 + 3 * sway / 3,
                _lumps(rng, 24, 0.13))
    high = _tube(edge, -6 + 9 * front - sway, 37 - 7 * front + sway, 17 + 2 * front, 18 + 0 * sway,
                 _lumps(rng, 20, 0.13))
    for points in (low, high):
        parts.append(_grid("clothes_scarf", points, wool))
    return parts + [_scarf_end(worn, wool, rng)]


def _scarf_end(worn: _Worn, material: Material, rng: np.random.Generator) -> Surface:
    side = 1.0 if rng.random() < 0.5 else -1.0
    z = np.linspace(-205, -405, 26)[:, None]
    across = np.linspace(-1, 1, 13)[None]
    half = 34 + 14 * np.clip((-205 - z) / 120, 0, 1)
    x = side * (30 - 0.05 * (z + 205)) + across * half
    folds = 4 * np.sin(across * 7 + rng.uniform(0, 6)) + 2.5 * np.sin(across * 13 + z / 60)
    height = 11 + folds * np.ones_like(z)
    height[:, [0, -1]] = 0
    points = _strip(worn, x, np.repeat(z, 13, 1), height)
    return _grid("clothes_scarf_end", points[::-1], material, closed=False)


_MAKERS = {
    "t-shirt": _t_shirt,
    "v-neck": _v_neck,
    "tank": _tank,
    "shirt": _shirt,
    "open shirt": _open_shirt,
    "jumper": _jumper,
    "turtleneck": _turtleneck,
    "suit": _suit,
    "blazer": _blazer,
    "hoodie": _hoodie,
    "scarf": _scarf,
}


# Fabrics


def srgb(linear: np.ndarray) -> np.ndarray:
    """Return linear values, 0 to 1, as uint8 sRGB."""
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def _average(params: ClothesParams) -> tuple[float, float, float]:
    """Return the colour that a garment's collar goes with its pattern in."""
    share = 0.3 if params.pattern == "plaid" else 0.12 if params.pattern == "stripes" else 0.0
    pairs = zip(params.colour, params.accent, strict=True)
    red, green, blue = ((1 - share) * colour + share * accent for colour, accent in pairs)
    return red, green, blue


@lru_cache(maxsize=1)
def _ribs() -> np.ndarray:
    u = np.arange(1024)
    rib = np.clip(np.sin(u / 1024 * 2 * np.pi * 128) * 1.4 + 0.5, 0, 1)
    return np.repeat((rib * 255).astype(np.uint8)[None], 4, 0)


def plain_material(colour: tuple[float, float, float], weave: str) -> Material:
    """Return a fabric of one colour; weave is "cloth", "rib", "knit", "wool" or "fleece"."""
    red, green, blue = (float(c) for c in colour)
    colour = (red, green, blue)
    if weave == "rib":
        return Material(colour, roughness=0.85, specular=0.2, sheen=0.15, relief=_ribs(),
                        relief_height=0.7)
    bump, size, sheen = {
        "cloth": (0.12, 1.2, 0.05),
        "knit": (0.7, 2.6, 0.25),
        "wool": (0.35, 1.8, 0.2),
        "fleece": (0.45, 2.2, 0.3),
    }[weave]
    return Material(colour, roughness=0.85, specular=0.2, sheen=sheen, bump=bump, bump_scale=size,
                    mottle=0.06)


def cloth_material(params: ClothesParams, rng: np.random.Generator) -> Material:
    """Return the fabric of a garment with the texture coordinates of ``rest_uv``."""
    weave = {
        "jumper": "knit", "scarf": "knit", "turtleneck": "knit", "hoodie": "fleece",
        "suit": "wool", "blazer": "wool",
    }.get(params.kind, "cloth")  # fmt: skip
    plain = plain_material(params.colour, weave)
    look = dict(roughness=plain.roughness, specular=plain.specular, sheen=plain.sheen,
                bump=plain.bump, bump_scale=plain.bump_scale)
    if params.pattern == "melange":
        return Material(params.colour, mottle=0.35, **look)
    if params.pattern == "plain":
        return plain
    picture = {"stripes": _stripes, "plaid": _plaid, "print": _print}[params.pattern]
    height, width = 320, 480
    y, x = np.mgrid[0:height, 0:width]
    x = (x + 0.5) / width * _U_SPAN - _U_SPAN / 2
    y = (y + 0.5) / height * _V_SPAN
    pixels = picture(x, y, np.array(params.colour), np.array(params.accent), rng)
    return Material(image=srgb(pixels), **look)


def wrap_material(
    colour: tuple[float, float, float],
    accent: tuple[float, float, float],
    pattern: str,
    rng: np.random.Generator,
) -> Material:
    """Return a woollen fabric for the texture coordinates of ``lattice_uv``, plain or plaid."""
    wool = plain_material(colour, "wool")
    if pattern == "plain":
        return wool
    y, x = np.mgrid[0:64, 0:512]
    pixels = _plaid(x * 1.1, y * 2.4, np.array(colour), np.array(accent), rng)
    return Material(image=srgb(pixels), roughness=0.9, specular=0.2, sheen=0.2, bump=wool.bump,
                    bump_scale=wool.bump_scale)


def _stripes(
    x: np.ndarray, y: np.ndarray, colour: np.ndarray, accent: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    period = rng.uniform(9, 46)
    share = rng.uniform(0.15, 0.5)
    upright = rng.random() < 0.3
    along = x if upright else y
    blend = np.clip((np.abs((along / period) % 1 - 0.5) - share / 2) * period / 1.5 + 0.5, 0, 1)
    return colour + (1 - blend[..., None]) * (accent - colour)


def _plaid(
    x: np.ndarray, y: np.ndarray, colour: np.ndarray, accent: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    period = rng.uniform(18, 44)
    shift, share = rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.5)
    third = colour * 0.25 if colour.sum() > 0.5 else colour + 0.4
    pixels = np.broadcast_to(colour, (*x.shape, 3)).copy()
    for along in (x, y):
        phase = (along / period) % 1
        broad, narrow = phase < share, np.abs(phase - share - shift) < 0.05
        pixels += 0.45 * broad[..., None] * (accent - pixels)
        pixels += 0.5 * narrow[..., None] * (third - pixels)
    return pixels


def _print(
    x: np.ndarray, y: np.ndarray, colour: np.ndarray, accent: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a plain fabric with a few bold shapes on the chest."""
    pixels = np.broadcast_to(colour, (*x.shape, 3)).copy()
    for _ in range(int(rng.integers(1, 5))):
        cx, cy = rng.normal(0, 26), 190 + rng.normal(0, 22)
        wide, tall, turn = rng.uniform(16, 60), rng.uniform(8, 40), rng.normal(0, 0.4)
        u = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / wide
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / tall
        power = rng.choice([1.2, 2.0, 8.0])
        ink = _mixed(tuple(accent), rng.choice([0.0, 0.7]), rng)
        radius = np.abs(u) ** power + np.abs(v) ** power
        inside = radius < 1
        if rng.random() < 0.4:
            inside &= radius > 0.6
        pixels[inside] = ink
    return pixels
