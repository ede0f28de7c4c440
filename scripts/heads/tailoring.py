# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting garments for any person out of a finer copy of the base mesh's tights.

A garment is cut once, in the neutral shape, and stored as weights of the tights' vertices; on a
person the tights take that person's shape, are smoothed and pushed out of the skin.

"Rest" positions are those of the neutral mesh in the head's frame.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from .base_mesh import BaseMesh
from .fabrics import rest_uv
from .maths import normalised, oval
from .meshes import quad_area_vectors, quad_edges, quad_normals, triangulate
from .subdivision import Subdivision

NECK = np.array([0.0, 100.0, -120.0])  # where openings are measured from, at rest
LOOP = 144  # points along an opening's edge
BAND = (0.0, 5.0, 12.0, 18.0)  # millimetres outside an opening's edge
_LOW, _WIDE = -430.0, 340.0  # how far garments go at rest: below the eyes, to the sides


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
    height, upwards = _height_above(flat, surface, normals)
    wanted = np.broadcast_to(clearance, points.shape[:-1]).ravel()
    push = np.clip(wanted - height, 0, 40)
    return (flat + push[:, None] * upwards).reshape(points.shape).astype(np.float32)


def _height_above(
    points: np.ndarray, surface: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the heights (N,) of points above the surface's nearest ones, and their normals."""
    _, nearest = cKDTree(surface, balanced_tree=False).query(points)
    upwards = normals[nearest]
    return np.einsum("ij,ij->i", points - surface[nearest], upwards), upwards


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
    """Return the line around the neck where a field is 0, (LOOP, V), from the back by the left.

    Its points are evenly spaced at rest.
    """
    edges = np.unique(np.sort(quad_edges(faces), axis=1), axis=0)
    edges = edges[(field[edges[:, 0]] > 0) != (field[edges[:, 1]] > 0)]
    points = _crossings(edges, field)
    where = points @ rest
    angle = np.arctan2(where[:, 0], where[:, 1] - NECK[1]) % (2 * np.pi)
    order = np.argsort(angle)
    order = np.append(order, order[0])
    length = np.linalg.norm(np.diff(where[order], axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(length)])
    # Start exactly at the back, so that the two sides mirror each other.
    shift = along[-1] * 0.5 - np.interp(np.pi, np.append(angle[order[:-1]], 2 * np.pi), along)
    wanted = (np.arange(LOOP) / LOOP * along[-1] - shift) % along[-1]
    right = np.clip(np.searchsorted(along, wanted, side="right"), 1, len(along) - 1)
    share = (wanted - along[right - 1]) / np.maximum(length[right - 1], 1e-6)
    rows = np.repeat(np.arange(LOOP), 2)
    columns = np.stack([order[right - 1], order[right]], 1).ravel()
    weights = np.stack([1 - share, share], 1).ravel()
    mix = sparse.csr_matrix((weights, (rows, columns)), shape=(LOOP, len(where)))
    return (mix @ points).astype(np.float32).tocsr()


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
        neutral = base_mesh.neutral
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
        radius = np.linalg.norm(self.rest - NECK, axis=1)
        self.near_neck = np.flatnonzero(radius < 190)
        self._close = np.clip((130 - radius) / 40, 0, 1).astype(np.float32)
        self._joints = [base_mesh.group_vertices(f"joint-{n}") for n in ("spine-1", "neck", "head")]

    def _neighbours(self) -> sparse.csr_matrix:
        edges = quad_edges(self.faces)
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
        normals = quad_normals(corners)
        height = np.einsum("ij,ij->i", vertices - corners.mean(1), normals)
        # The tights stand off the neck of some people, where collars have to be close.
        push = looseness * (1 - 0.6 * self._close) + 2.5 - height
        push = np.clip(push, -18 * self._close, 25)
        for _ in range(3):
            push = np.where(push > 0, np.maximum(push, self._average @ push), push)
        push = self.smooth(push, 2)
        return vertices + self.normals(vertices) * push[:, None]

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Return the unit normals, float32 (V, 3), of vertices (V, 3), weighted by area."""
        across = quad_area_vectors(vertices[self.faces])
        total = np.zeros_like(vertices)
        for axis in range(3):
            weights = np.repeat(across[:, axis], 4)
            total[:, axis] = np.bincount(self.faces.ravel(), weights, len(vertices))
        return normalised(total).astype(np.float32)

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
        triangles = triangulate(self.faces)
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
        away = rest - NECK
        angle = np.arctan2(away[:, 0], -away[:, 1])
        field = oval(self.front, self.side, self.back, angle) - np.linalg.norm(away, axis=1)
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
        The opening's edge and lines further and further outside of it, each (LOOP, V).
    """

    matrix: sparse.csr_matrix
    faces: np.ndarray
    uv: np.ndarray
    edges: tuple[sparse.csr_matrix, ...]


@lru_cache(maxsize=128)
def pattern_of(shell: Shell, opening: Opening) -> Pattern:
    """Return the garment with a given opening, cut once."""
    field = opening.field(shell.rest)
    keep = np.maximum(field, opening.armhole(shell.rest)) if opening.arms else field
    part = cut(shell.faces, keep)
    loops = tuple(_level_loop(shell.faces, shell.rest, field + away) for away in BAND)
    uv = rest_uv((part.matrix @ shell.rest)[np.maximum(part.faces, 0)])
    return Pattern(part.matrix, part.faces, uv, loops)


@dataclass(frozen=True)
class Worn:
    """A shell on a person.

    Attributes
    ----------
    vertices, normals
        float32 (V, 3).
    up
        Unit vector along the neck, (3,).
    """

    shell: Shell
    vertices: np.ndarray
    normals: np.ndarray
    up: np.ndarray

    def lifted(self, height: np.ndarray | float) -> "Worn":
        """Return it moved outwards by heights (V,) in millimetres."""
        vertices = self.vertices + self.normals * np.reshape(height, (-1, 1))
        return Worn(self.shell, vertices, self.shell.normals(vertices), self.up)

    def clear(self, points: np.ndarray, clearance: np.ndarray | float) -> np.ndarray:
        """Return points pushed out of the garment near the neck."""
        near = self.shell.near_neck
        return keep_outside(points, self.vertices[near], self.normals[near], clearance)

    def sunk(self, points: np.ndarray, depth: float) -> np.ndarray:
        """Return points (N, 3) moved into the garment below them, by 10 mm at most."""
        near = self.shell.near_neck
        height, upwards = _height_above(points, self.vertices[near], self.normals[near])
        return points - np.clip(height + depth, 0, 10)[:, None] * upwards

    def loop(self, rows: sparse.csr_matrix) -> "Loop":
        """Return an edge, given as weights of the shell's vertices, (LOOP, V), on the person."""
        points = rows @ self.vertices
        outwards = points - points.mean(0)
        outwards -= np.outer(outwards @ self.up, self.up)
        return Loop(points, rows @ self.normals, normalised(outwards), self.up)


@dataclass(frozen=True)
class Loop:
    """The edge of an opening: points and directions, (LOOP, 3) each, and the neck's direction."""

    points: np.ndarray
    normals: np.ndarray
    outwards: np.ndarray
    up: np.ndarray

    def from_front(self) -> np.ndarray:
        """Return how far along the edge each point is from the front, in millimetres, (LOOP,)."""
        steps = np.linalg.norm(np.roll(self.points, -1, 0) - self.points, axis=1)
        along = np.concatenate([[0], np.cumsum(steps)[:-1]])
        return np.abs(along - along[LOOP // 2])

    def sweep(self, out: np.ndarray, up: np.ndarray) -> np.ndarray:
        """Return rows of points, (R, LOOP, 3), moved by (R, LOOP) or (R, 1) millimetres."""
        return (
            self.points
            + np.broadcast_to(out, (len(out), LOOP))[..., None] * self.outwards
            + np.broadcast_to(up, (len(up), LOOP))[..., None] * self.up
        )


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


@lru_cache(maxsize=64)
def front_rows(shell: Shell, x: bytes, z: bytes) -> sparse.csr_matrix:
    """Return ``shell.front_rows`` of the bytes of float64 positions, found once."""
    return shell.front_rows(np.frombuffer(x), np.frombuffer(z))
