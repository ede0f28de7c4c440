# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair grown strand by strand on the base mesh: scalp hair, beards, brows and lashes.

Where hair grows is written down once on an average adult, in two charts: azimuthal equidistant
maps of the head seen from inside, one centred on the crown, one on the face.  Roots are barycentric
on the base mesh's faces, so they follow any shape.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from .base_mesh import BaseMesh
from .maths import normalised, smoothstep
from .meshes import area_vectors

MASK_SIZE = 512  # pixels of the scalp mask

_AVERAGE_ADULT = {
    f"macrodetails/{ancestry}-{sex}-young": 1 / 6
    for ancestry in ("african", "asian", "caucasian")
    for sex in ("female", "male")
} | {
    f"macrodetails/universal-{sex}-young-averagemuscle-averageweight": 1 / 2
    for sex in ("female", "male")
}


def _rasterise(corners: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill triangles (T, 3, 2), in pixels, in order: the last one drawn at a pixel stays.

    Returns
    -------
    index
        int32 (size, size): the triangle at each pixel's centre, -1 for none.
    weights
        float32 (size, size, 3): barycentric.
    """
    index = np.full((size, size), -1, np.int32)
    weights = np.zeros((size, size, 3), np.float32)
    low = np.clip(np.floor(corners.min(axis=1)).astype(int), 0, size - 1)
    high = np.clip(np.ceil(corners.max(axis=1)).astype(int), 0, size - 1)
    for number, (a, b, c) in enumerate(corners):
        (left, top), (right, bottom) = low[number], high[number]
        x = np.arange(left, right + 1)[None, :] + 0.5
        y = np.arange(top, bottom + 1)[:, None] + 0.5
        double_area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if abs(double_area) < 1e-12:
            continue
        v = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / double_area
        w = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / double_area
        u = 1 - v - w
        inside = (u >= -1e-6) & (v >= -1e-6) & (w >= -1e-6)
        box = np.s_[top : bottom + 1, left : right + 1]
        index[box][inside] = number
        weights[box][inside] = np.stack([u, v, w], -1)[inside]
    return index, weights


@dataclass(frozen=True)
class _Projection:
    """An azimuthal equidistant map: degrees from ``axis`` seen from ``centre``."""

    centre: tuple[float, float, float]
    axis: tuple[float, float, float]
    up: tuple[float, float, float]
    reach: float
    size: int

    def degrees(self, points: np.ndarray) -> np.ndarray:
        """Return map coordinates (..., 2) in degrees: to the person's left, and up."""
        axis = normalised(np.array(self.axis, np.float32))
        up = np.array(self.up, np.float32)
        up = normalised(up - axis * (up @ axis))
        ray = normalised(points - np.array(self.centre, np.float32))
        x, y, cosine = ray[..., 0], ray @ up, ray @ axis
        sine = np.maximum(np.hypot(x, y), 1e-9)
        angle = np.degrees(np.arctan2(sine, cosine)) / sine
        return np.stack([x * angle, y * angle], -1).astype(np.float32)

    def pixels(self, degrees: np.ndarray) -> np.ndarray:
        """Return pixel coordinates (..., 2), where 0.5 is the centre of the first pixel."""
        scale = self.size / (2 * self.reach)
        x = self.size / 2 + degrees[..., 0] * scale
        y = self.size / 2 - degrees[..., 1] * scale
        return np.stack([x, y], -1).astype(np.float32)

    def sample(self, image: np.ndarray, degrees: np.ndarray) -> np.ndarray:
        """Return the map's ``image`` (size, size, C), bilinear, at coordinates (N, 2)."""
        columns = 256
        rows = -(-len(degrees) // columns)
        places = np.zeros((rows * columns, 2), np.float32)
        places[: len(degrees)] = self.pixels(degrees) - 0.5
        places = places.reshape(rows, columns, 2)
        found = cv2.remap(image, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return found.reshape((rows * columns,) + image.shape[2:])[: len(degrees)]


CROWN = _Projection((0, 80, 30), (0, 0.45, 0.9), (0, -1, 0), 150, 256)
FACE = _Projection((0, 75, -50), (0, -1, 0), (0, 0, 1), 110, 256)

# The hairline: (azimuth from the front, distance from the crown), degrees of the map CROWN.
_HAIRLINE = np.array(
    [(0, 90), (12, 91), (24, 91), (35, 88), (46, 91), (57, 98), (66, 107), (74, 117), (80, 125),
     (84, 127), (87, 120), (92, 107), (100, 103), (112, 106), (121, 113), (128, 121), (136, 125),
     (150, 124), (165, 122), (180, 121)], np.float32,
)  # fmt: skip

# Where hair grows on the face: half polygons, degrees of the map FACE.
_REGIONS = {
    "moustache": [(0, 1.5), (6, 2), (10, 0), (15, -6), (17, -10.5), (14.5, -11), (11, -7.5),
                  (5, -4.2), (0, -4.2)],
    "goatee": [(0, -18.5), (9, -18), (13.5, -13), (14.2, -9), (18, -9), (18.5, -19), (14, -29),
               (8, -36), (0, -38)],
    "sideburns": [(60, 52), (71, 52), (71, 34), (74, 16), (63, 12), (60, 30)],
    "jaw": [(62, 26), (57, 12), (45, 0), (30, -5), (20, -9), (14, -9), (13.5, -13), (9, -18),
            (0, -18.5), (0, -45), (20, -43), (40, -37), (58, -25), (70, -10), (74, 6), (74, 26)],
    "brows": [(5, 30.8), (5.5, 33.2), (14, 34.9), (23, 35.7), (31, 34.0), (34, 32.2), (23, 33.9),
              (13, 32.5)],
}  # fmt: skip


def _signed_distances(polygon: list[tuple[float, float]]) -> np.ndarray:
    """Return distances to a polygon mirrored at x = 0, in degrees, positive inside."""
    half = FACE.pixels(np.array(polygon, np.float32))
    mirrored = half * (-1, 1) + (FACE.size, 0)
    scale = 4  # finer than the map, so that thin regions keep their shape
    filled = np.zeros((FACE.size * scale,) * 2, np.uint8)
    for side in (half, mirrored):
        cv2.fillPoly(filled, [np.round(side * scale).astype(np.int32)], 1)
    inside = cv2.distanceTransform(filled, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - filled, cv2.DIST_L2, 5)
    size = (FACE.size, FACE.size)
    distance = cv2.resize(inside - outside, size, interpolation=cv2.INTER_AREA)
    return distance * np.float32(2 * FACE.reach / (FACE.size * scale))


class Sites:
    """Places on the average adult's head, and where they lie in hair's regions.

    Attributes
    ----------
    points
        float32 (N, 3): their positions there.
    inside_hairline
        float32 (N,): degrees from the hairline, positive where hair grows.
    regions
        For each name of a region of the face, (N,): degrees from its outline, positive inside.
    """

    def __init__(self, points: np.ndarray, distances: dict[str, np.ndarray]) -> None:
        self.points = points.astype(np.float32)
        self.crown = CROWN.degrees(points)
        self.azimuth = np.degrees(np.arctan2(np.abs(self.crown[:, 0]), self.crown[:, 1]))
        hairline = np.interp(self.azimuth, *_HAIRLINE.T)
        self.inside_hairline = (hairline - np.linalg.norm(self.crown, axis=1)).astype(np.float32)
        face = FACE.degrees(points)
        self.face = face
        self.regions = {name: FACE.sample(image, face) for name, image in distances.items()}

    def noise(self, rng: np.random.Generator, wavelength: float) -> np.ndarray:
        """Return a smooth random field of about unit amplitude, (N,)."""
        waves = normalised(rng.normal(size=(4, 3))) * (2 * np.pi / wavelength)
        phases = rng.uniform(0, 2 * np.pi, 4)
        values = np.sin(self.points @ waves.T.astype(np.float32) + phases.astype(np.float32))
        return values.sum(axis=1) / 2


class Pool(Sites):
    """Candidate roots: sites that are barycentric on some of the head's triangles.

    Attributes
    ----------
    corners, weights
        int32 and float32 (N, 3): vertices of the base mesh and their weights.
    area
        Square millimetres for each site.
    on_skull
        bool (N,): false on the ears.
    """

    def __init__(self, head: "Head", wanted: np.ndarray, count: int) -> None:
        rng = np.random.default_rng(1)
        triangles = head.triangles[wanted]
        corners = head.average[triangles]
        areas = np.linalg.norm(area_vectors(corners), axis=1) / 2
        chosen = rng.choice(len(areas), count, p=areas / areas.sum())
        first, second = np.sqrt(rng.random(count)), rng.random(count)
        weights = np.stack([1 - first, first * (1 - second), first * second], -1)
        self.corners, self.weights = triangles[chosen], weights.astype(np.float32)
        self.area = float(areas.sum()) / count
        super().__init__(
            np.einsum("nk,nkc->nc", self.weights, head.average[self.corners]), head.distances
        )
        ray = self.points - np.array(CROWN.centre, np.float32)
        skull = CROWN.sample(head.average_surface[0], self.crown) - CROWN.centre
        self.on_skull = np.linalg.norm(ray, axis=1) < np.linalg.norm(skull, axis=1) + 3

    def choose(self, density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the indices of sites taken at random, ``density`` of them a mm2, (N,)."""
        return np.flatnonzero(rng.random(len(density)) < density * self.area)


class Head:
    """What growing hair needs and no person changes; make it once (``head_of``)."""

    def __init__(self, base_mesh: BaseMesh) -> None:
        uv, faces = base_mesh.mesh.uv, base_mesh.mesh.faces
        self._lash_vertices = [base_mesh.group_vertices(name) for name in _LASH_HELPERS]
        self.average = base_mesh.centred(base_mesh.shape(_AVERAGE_ADULT))
        # The head is an island of its own in the layout of the skin.
        island = (uv[..., 0].min(axis=1) > 0.62) & (uv[..., 1].min(axis=1) > 0.13)
        island &= (uv[..., 1].max(axis=1) < 0.87) & (base_mesh.mesh.groups == "body")
        island &= self.average[faces].mean(axis=1)[:, 2] > -200
        faces, uv = faces[island], uv[island]
        self.triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
        self.uv = np.concatenate([uv[:, [0, 1, 2]], uv[:, [0, 2, 3]]])
        self.distances = {name: _signed_distances(half) for name, half in _REGIONS.items()}
        used, local = np.unique(self.triangles, return_inverse=True)
        self._used, self._local = used, local.reshape(self.triangles.shape)
        rows, count = self._local.T.ravel(), len(self.triangles)
        columns = np.tile(np.arange(count), 3)
        self._gather = csr_matrix(
            (np.ones(len(rows), np.float32), (rows, columns)), (len(used), count)
        )

    @cached_property
    def _crown_map(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (P, 3) and weights (P, 3) of each pixel of the map CROWN."""
        corners = self.average[self.triangles]
        places = CROWN.degrees(corners)
        distance = np.linalg.norm(corners - np.array(CROWN.centre), axis=-1).mean(axis=1)
        order = np.argsort(-distance)  # the skull is drawn over the ear that covers it
        order = order[np.ptp(places, axis=1).max(axis=1)[order] < 90]
        index, weights = _rasterise(CROWN.pixels(places[order]), CROWN.size)
        nearest = _nearest(index >= 0)
        index, weights = index[nearest], weights[nearest]
        return self.triangles[order][index.ravel()], weights.reshape(-1, 3)

    @cached_property
    def lash_chains(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Vertices at the lashes' roots and at their tips, outwards, for each of the lids."""
        skin = cKDTree(self.average[self._used])
        chains = []
        for vertices in self._lash_vertices:
            points = self.average[vertices]
            order = np.argsort(np.abs(points[:, 0]))
            distance = skin.query(points)[0]
            near = distance < np.quantile(distance, 0.35)
            far = distance > np.quantile(distance, 0.65)
            chains.append((vertices[order[near[order]]], vertices[order[far[order]]]))
        return chains

    def surface(self, values: np.ndarray) -> np.ndarray:
        """Return vertex values (19158, 3) as an image of the map CROWN."""
        vertices, weights = self._crown_map
        return np.einsum("pk,pkc->pc", weights, values[vertices]).reshape(CROWN.size, CROWN.size, 3)

    def normals(self, base: np.ndarray) -> np.ndarray:
        """Return the vertices' normals, float32 (19158, 3); zero off the head's skin."""
        normals = np.zeros_like(base)
        normals[self._used] = normalised(self._gather @ area_vectors(base[self.triangles]))
        return normals

    @cached_property
    def _triangle_sites(self) -> Sites:
        return Sites(self.average[self.triangles].mean(axis=1), self.distances)

    @cached_property
    def scalp_pool(self) -> Pool:
        """The candidate roots of the scalp."""
        return Pool(self, self._triangle_sites.inside_hairline > -20, 40_000)

    @cached_property
    def beard_pool(self) -> Pool:
        """The candidate roots of beards."""
        grown = [self._triangle_sites.regions[name] for name in ("moustache", "goatee", "jaw")]
        sideburns = self._triangle_sites.regions["sideburns"]
        return Pool(self, np.max([*grown, sideburns], axis=0) > -8, 25_000)

    @cached_property
    def brow_pool(self) -> Pool:
        """The candidate roots of the brows."""
        return Pool(self, self._triangle_sites.regions["brows"] > -4, 6_000)

    @cached_property
    def average_surface(self) -> tuple[np.ndarray, np.ndarray]:
        """The average adult's positions and normals, images of the map CROWN."""
        return self.surface(self.average), self.surface(self.normals(self.average))

    @cached_property
    def texels(self) -> tuple[np.ndarray, Sites]:
        """Which pixels of the scalp mask show the head, bool (512, 512), and their sites."""
        corners = np.stack([self.uv[..., 0], 1 - self.uv[..., 1]], -1) * MASK_SIZE
        index, weights = _rasterise(corners, MASK_SIZE)
        covered = cv2.dilate((index >= 0).astype(np.uint8), np.ones((7, 7))) > 0
        nearest = tuple(axis[covered] for axis in _nearest(index >= 0))
        index, weights = index[nearest], weights[nearest]
        points = np.einsum("pk,pkc->pc", weights, self.average[self.triangles[index]])
        return covered, Sites(points, self.distances)

    @cached_property
    def shell_sites(self) -> Sites:
        """Every fourth pixel of the map CROWN, row by row."""
        return Sites(self.average_surface[0][::4, ::4].reshape(-1, 3), self.distances)


class PosedHead:
    """A person's head: what growing hair needs of it.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    """

    def __init__(self, head: Head, base: np.ndarray) -> None:
        self.head, self.base = head, base

    @cached_property
    def normals(self) -> np.ndarray:
        """The base mesh's normals on the head, float32 (19158, 3)."""
        return self.head.normals(self.base)

    @cached_property
    def skull(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions and normals as images of the map CROWN."""
        return self.head.surface(self.base), self.head.surface(self.normals)

    def place(self, pool: Pool, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and normals (N, 3) of chosen roots."""
        corners, weights = pool.corners[chosen], pool.weights[chosen]
        roots = np.einsum("nk,nkc->nc", weights, self.base[corners])
        return roots, normalised(np.einsum("nk,nkc->nc", weights, self.normals[corners]))


def _nearest(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the nearest known pixel of each pixel."""
    rows, columns = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return rows, columns


@lru_cache(maxsize=2)
def head_of(base_mesh: BaseMesh) -> Head:
    """Return the base mesh's ``Head``, made at the first call (about a second)."""
    return Head(base_mesh)


@dataclass(frozen=True)
class Cut:
    """How the hair of the scalp is cut and combed.

    Attributes
    ----------
    top, sides
        Length in millimetres on the top and just above the hairline.
    comb
        "whorl" (as it grows, away from the crown), "forward", "back" or "part".
    lift
        Sine of the angle at which hair leaves the skin.
    volume
        Thickness of the layer of hair on the top in millimetres.
    mess, clump
        0 to 1: how far the directions wander, how much hairs run together in tufts.
    curl
        Radius of the curls in millimetres.
    parting
        x of the parting in millimetres.
    recession
        0 to 1: how far the hairline has moved back, most at the temples.
    baldness
        0 to 1: how much of the top is bare.
    hairs
        How many grow on a square centimetre.
    radius
        Of a hair at its root, in millimetres.
    fringe
        Length of hair combed onto the forehead in millimetres; 0 for none.
    shell
        Height of an opaque layer below the hairs, as a part of ``volume``; 0 for none.
    """

    top: float
    sides: float
    comb: str = "whorl"
    lift: float = 0.5
    volume: float = 6.0
    mess: float = 0.15
    clump: float = 0.3
    curl: float = 0.0
    parting: float = 0.0
    recession: float = 0.0
    baldness: float = 0.0
    hairs: float = 20.0
    radius: float = 0.22
    fringe: float = 0.0
    shell: float = 0.0


def scalp_density(sites: Sites, cut: Cut, seed: int) -> np.ndarray:
    """Return how densely the scalp is grown at some sites, (N,), 0 to 1."""
    rng = np.random.default_rng([seed, 0])
    inside = sites.inside_hairline + 1.2 * sites.noise(rng, 30) + 0.8 * sites.noise(rng, 9)
    temple = np.exp(-(((sites.azimuth - 38) / 17) ** 2))
    front = 1 - smoothstep(sites.azimuth, 20, 50)
    inside = inside - cut.recession * (34 * temple + 14 * front)
    density = smoothstep(inside, -1.5, 5.0)
    if cut.baldness > 0:
        limit = 105 - 75 * cut.baldness + 3 * sites.noise(rng, 40)
        density = density * (1 - smoothstep(sites.points[:, 2] - limit, -10, 10))
    return density


_FALL = 15.0  # z on the average head below which long hair hangs, millimetres


def _height_on_head(points: np.ndarray) -> np.ndarray:
    """Return 0 at the ears' height and below to 1 on the top of the average head."""
    return smoothstep(points[..., 2] + 0.12 * points[..., 1], 12, 75)


def _lengths(sites: Sites, cut: Cut) -> np.ndarray:
    """Return the hairs' lengths before any is varied, (N,)."""
    length = cut.sides + (cut.top - cut.sides) * _height_on_head(sites.points)
    at_edge = smoothstep(sites.inside_hairline, 0, 9)
    tapered = (sites.azimuth > 55) & (cut.sides < 60)
    length = np.where(tapered, length * (0.35 + 0.65 * at_edge), length)
    return np.where(_in_fringe(sites, cut), cut.fringe, length)


def _in_fringe(sites: Sites, cut: Cut) -> np.ndarray:
    if cut.fringe <= 0:
        return np.zeros(len(sites.points), bool)
    return (sites.azimuth < 50) & (sites.inside_hairline < 32)


def _layer(sites: Sites, cut: Cut) -> np.ndarray:
    """Return how thick the layer of hair lies on the skin, millimetres, (N,)."""
    volume = cut.volume * (0.3 + 0.7 * _height_on_head(sites.points))
    if cut.sides > 60:  # what falls over the ears clears them
        volume = np.maximum(volume, 15.0)
    volume = np.minimum(volume, _lengths(sites, cut))
    return np.maximum(volume, 0.3)


def _comb(points: np.ndarray, cut: Cut) -> np.ndarray:
    """Return the direction hair is combed in at points (N, 3) of the average head."""
    away = points - np.array((6, 118, 108), np.float32)
    if cut.comb == "whorl":
        return normalised(away)
    above = smoothstep(points[:, 2:], 40, 80)
    if cut.comb == "forward":
        top, side = np.array((0.0, -1, 0)), np.array((0.0, -0.6, -0.8))
    elif cut.comb == "back":
        top, side = np.array((0.0, 1, 0)), np.array((0.0, 0.8, -0.5))
    else:
        across = np.tanh((points[:, :1] - cut.parting) / 4)
        top = np.concatenate([across, np.full_like(across, 0.45), -np.abs(across) * 0.2], 1)
        side = np.array((0.0, 0.3, -1))
    return normalised(top * above + side * (1 - above)).astype(np.float32)


def _tangent(vectors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return vectors turned into the surface, at unit length."""
    return normalised(vectors - normals * np.sum(vectors * normals, -1, keepdims=True))


def _clumped(
    points: np.ndarray, roots: np.ndarray, clump: float, spacing: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the hairs' tips towards those of chosen neighbours; one in ``spacing`` leads."""
    if clump <= 0 or len(points) < 2 * spacing:
        return points
    leaders = rng.choice(len(points), len(points) // spacing, replace=False)
    nearest = leaders[cKDTree(roots[leaders]).query(roots)[1]]
    t = np.linspace(0, 1, points.shape[1], dtype=np.float32)[None, :, None] ** 1.3
    strength = clump * rng.uniform(0.6, 1.0, (len(points), 1, 1)).astype(np.float32)
    return points + (points[nearest] - points) * (t * strength)


def _curled(points: np.ndarray, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Wind the hairs around their own course."""
    count, steps = points.shape[:2]
    if radius <= 0:
        return points
    t = np.linspace(0, 1, steps, dtype=np.float32)
    axis = normalised(points[:, -1] - points[:, 0] + 1e-6)
    first = normalised(np.cross(axis, rng.normal(size=(count, 3)).astype(np.float32)))
    second = np.cross(axis, first)
    turn = t * rng.uniform(4, 9, (count, 1)) + rng.uniform(0, 6.3, (count, 1))
    turn = turn.astype(np.float32)
    size = radius * rng.uniform(0.5, 1.3, (count, 1)) * np.minimum(1, 3 * t)
    size = size.astype(np.float32)[..., None]
    wave = first[:, None] * np.cos(turn)[..., None] + second[:, None] * np.sin(turn)[..., None]
    return points + size * wave


def scalp_hair(posed: PosedHead, cut: Cut, seed: int) -> np.ndarray:
    """Grow the hair of the scalp.

    Each hair follows a course over the skin, combed, at a height that grows from the root to the
    layer's thickness: it neither enters the head nor stands off it.

    Returns
    -------
    points
        float32 (N, P, 3), root to tip, millimetres.
    """
    head = posed.head
    pool, rng = head.scalp_pool, np.random.default_rng([seed, 1])
    steps = 10 if cut.sides > 60 else 9 if cut.curl > 0 else 6 if cut.top > 25 else 5
    density = scalp_density(pool, cut, seed) * pool.on_skull
    roots = pool.choose(density * (cut.hairs / 100), rng)
    count = len(roots)
    length = _lengths(pool, cut)[roots] * rng.uniform(0.75, 1.1, count)
    length = length.astype(np.float32)
    volume = _layer(pool, cut)[roots] * rng.uniform(max(0.25, cut.shell), 1.1, count)
    volume = volume.astype(np.float32)
    stride = (length * np.float32(np.sqrt(1 - cut.lift**2) / (steps - 1)))[:, None]
    wander = (cut.mess * rng.normal(size=(count, 3))).astype(np.float32)
    onto_forehead = _in_fringe(pool, cut)[roots]
    wander[onto_forehead] += (0, -6, -2)
    wander[onto_forehead, 0] += 0.1 * pool.points[roots[onto_forehead], 0]
    average_surface, average_normals = head.average_surface
    surface, normals = posed.skull
    place, where = pool.points[roots], pool.crown[roots]
    courses = [posed.place(pool, roots)[0]]
    fallen = np.zeros((count, 1), np.float32)
    for step in range(1, steps):
        # Long hair hangs straight down from where the head no longer carries it.
        carried = place[:, 2:] > _FALL if cut.sides > 60 else np.ones((count, 1), bool)
        fallen += np.where(carried, 0, stride)
        direction = _comb(place, cut) + wander
        direction = _tangent(direction, CROWN.sample(average_normals, where))
        place = place + np.where(carried, stride, 0) * direction
        where = CROWN.degrees(place)
        place = CROWN.sample(average_surface, where)
        grown = length * np.float32(step / (steps - 1) * cut.lift)
        height = (volume * (1 - np.exp(-grown / volume)))[:, None]
        upwards = normalised(CROWN.sample(normals, where))
        point = CROWN.sample(surface, where) + upwards * height
        courses.append(point - fallen * np.array((0, 0, 1), np.float32))
    points = np.stack(courses, axis=1).astype(np.float32)
    points = _clumped(points, pool.points[roots], cut.clump, 14, rng)
    return _curled(points, cut.curl, rng)


def scalp_shell(posed: PosedHead, cut: Cut, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the opaque layer below thick hair: vertices (V, 3) and faces (F, 4), or None."""
    if cut.shell <= 0:
        return None
    sites = posed.head.shell_sites
    density = scalp_density(sites, cut, seed)
    layer, length = _layer(sites, cut), _lengths(sites, cut)
    thickness = cut.shell * layer * (1 - np.exp(-length * cut.lift / layer))
    height = np.where(density > 0.02, thickness * smoothstep(density, 0.3, 1.0), 0) - 1.5
    surface, normals = (image[::4, ::4].reshape(-1, 3) for image in posed.skull)
    normals = normalised(normals)
    side = CROWN.size // 4
    number = np.arange(side * side, dtype=np.int32).reshape(side, side)
    quads = np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], -1)
    quads = quads.reshape(-1, 4)
    quads = quads[(density[quads] > 0.02).any(axis=1)]
    used, faces = np.unique(quads, return_inverse=True)
    vertices = surface[used] + normals[used] * height[used, None]
    return vertices.astype(np.float32), faces.reshape(-1, 4).astype(np.int32)


@dataclass(frozen=True)
class Beard:
    """Hair of the face.

    Attributes
    ----------
    regions
        Names of what is grown: "moustache", "goatee", "jaw", "sideburns".
    length
        Millimetres; hair of the cheeks is shorter, that of the chin longer.
    density
        0 to 1.
    mess, curl, hairs, radius
        As of ``Cut``.
    """

    regions: tuple[str, ...]
    length: float
    density: float = 1.0
    mess: float = 0.25
    curl: float = 0.0
    hairs: float = 50.0
    radius: float = 0.18


def beard_density(sites: Sites, beard: Beard, seed: int) -> np.ndarray:
    """Return how densely the beard is grown at some sites, (N,), 0 to 1."""
    rng = np.random.default_rng([seed, 2])
    ragged = 0.5 * sites.noise(rng, 12)
    patchy = 0.85 + 0.25 * sites.noise(rng, 25)
    density = np.zeros(len(sites.points))
    for name in beard.regions:
        soft = 1.6 if name == "moustache" else 3.5
        grown = smoothstep(sites.regions[name] + ragged, -0.4, soft)
        density = np.maximum(density, grown)
    return density * np.clip(patchy, 0.3, 1) * beard.density


def _grow(
    roots: np.ndarray,
    normals: np.ndarray,
    direction: np.ndarray,
    length: np.ndarray,
    lift: float,
    droop: float,
    steps: int,
) -> np.ndarray:
    """Grow hairs freely: away from the skin, then along it, bent down by ``droop``."""
    along = _tangent(direction, normals)
    t = np.linspace(0, 1, steps, dtype=np.float32)[None, :, None]
    size = length[:, None, None].astype(np.float32)
    outwards = normals[:, None] * (lift * (t - 0.35 * t * t))
    forwards = along[:, None] * (t * np.sqrt(1 - lift**2))
    down = np.array((0, 0, -droop), np.float32) * t * t
    return (roots[:, None] + size * (outwards + forwards + down)).astype(np.float32)


def beard_hair(posed: PosedHead, beard: Beard, seed: int) -> np.ndarray:
    """Grow the beard; the result is as of ``scalp_hair``."""
    pool, rng = posed.head.beard_pool, np.random.default_rng([seed, 3])
    chosen = pool.choose(beard_density(pool, beard, seed) * (beard.hairs / 100), rng)
    points, face = pool.points[chosen], pool.face[chosen]
    roots, normals = posed.place(pool, chosen)
    direction = np.tile(np.array((0.0, -0.25, -1.0)), (len(chosen), 1))
    on_lip = pool.regions["moustache"][chosen] > -0.5
    direction[on_lip, 0] = np.tanh(points[on_lip, 0] / 6) * 1.1
    direction = direction + beard.mess * rng.normal(size=direction.shape)
    chin = smoothstep(-face[:, 1], 10, 28) * (1 - smoothstep(np.abs(face[:, 0]), 12, 45))
    length = beard.length * (0.65 + 0.35 * chin + 0.6 * chin * (beard.length > 15))
    length = np.where(on_lip, np.minimum(length, 9), length) * rng.uniform(0.6, 1.1, len(chosen))
    edge = np.max([pool.regions[name][chosen] for name in beard.regions], axis=0)
    length = length * (0.45 + 0.55 * smoothstep(edge, 0, 5))
    steps = 7 if beard.curl > 0 else 4
    hairs = _grow(roots, normals, direction.astype(np.float32), length, 0.55, 0.25, steps)
    return _curled(_clumped(hairs, points, 0.35, 12, rng), beard.curl, rng)


def brow_density(sites: Sites, thickness: float) -> np.ndarray:
    """Return how densely the brows are grown at some sites, (N,), 0 to 1."""
    margin = 1.0 * (1 - thickness)
    return smoothstep(sites.regions["brows"] - margin, -0.7, 0.9)


def brow_hair(posed: PosedHead, thickness: float, seed: int) -> np.ndarray:
    """Grow both brows; ``thickness`` 1 is an ordinary man's."""
    pool, rng = posed.head.brow_pool, np.random.default_rng([seed, 4])
    chosen = pool.choose(brow_density(pool, thickness) * 1.3, rng)
    roots, normals = posed.place(pool, chosen)
    x = pool.face[chosen][:, 0]
    outer = smoothstep(np.abs(x), 6, 18)
    direction = np.stack([np.sign(x) * (0.15 + outer), 0.6 * outer, 0.9 - 1.05 * outer], -1)
    direction = direction + 0.15 * rng.normal(size=direction.shape)
    length = rng.uniform(3.5, 6.5, len(chosen))
    return _grow(roots, normals, direction.astype(np.float32), length, 0.3, 0.1, 4)


_LASH_HELPERS = ("helper-l-eyelashes-1", "helper-l-eyelashes-2",
                 "helper-r-eyelashes-1", "helper-r-eyelashes-2")  # fmt: skip


def lash_hair(posed: PosedHead, seed: int) -> np.ndarray:
    """Grow lashes along the base mesh's helpers; the result is as of ``scalp_hair``."""
    rng = np.random.default_rng([seed, 5])
    lashes = []
    for roots, tips in posed.head.lash_chains:
        along = np.sort(rng.random(55))
        root, tip = (_along_chain(posed.base[chain], along) for chain in (roots, tips))
        t = np.linspace(0, 1, 4, dtype=np.float32)[None, :, None]
        size = rng.uniform(0.5, 1.0, (len(along), 1, 1)).astype(np.float32)
        lashes.append(root[:, None] + (tip - root)[:, None] * t * size)
    return np.concatenate(lashes).astype(np.float32)


def _along_chain(points: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return places on a polyline (K, 3) at ``along`` (N,), 0 to 1."""
    at = along * (len(points) - 1)
    index = np.minimum(at.astype(int), len(points) - 2)
    part = (at - index).astype(np.float32)[:, None]
    return points[index] * (1 - part) + points[index + 1] * part
