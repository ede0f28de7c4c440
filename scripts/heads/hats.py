# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worn on the head: hats and caps, headbands, hoods and headscarves.

Hats follow the skull, which is measured along rays from the middle of the head; the ears are left
out by carrying the skull's shape on beneath them.  Hoods and headscarves are sheets between an
edge around the face and a ring around the neck.
"""

import dataclasses
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from .base_mesh import BaseMesh
from .clothes import ClothesParams
from .colours import Colour, varied
from .fabrics import plain_material, wrap_material
from .maths import direction, normalised, oval, waves
from .meshes import grid_surface, triangulate
from .shapes import Label, Material, Surface
from .tailoring import Drape

KINDS = ("beanie", "cap", "fedora", "bucket", "sun hat", "hood", "headscarf", "headband", "helmet")

_FEMALE = (0.20, 0.11, 0.08, 0.07, 0.10, 0.12, 0.20, 0.10, 0.02)
_MALE = (0.24, 0.32, 0.10, 0.07, 0.02, 0.16, 0.0, 0.03, 0.06)
_COLOURS = (
    (0.014, 0.014, 0.016), (0.06, 0.06, 0.065), (0.30, 0.30, 0.31), (0.70, 0.68, 0.64),
    (0.015, 0.022, 0.06), (0.03, 0.08, 0.20), (0.32, 0.02, 0.025), (0.13, 0.014, 0.02),
    (0.03, 0.10, 0.045), (0.42, 0.32, 0.20), (0.16, 0.09, 0.05), (0.60, 0.36, 0.04),
    (0.55, 0.30, 0.32), (0.03, 0.22, 0.22),
)  # fmt: skip
_FELTS = ((0.012, 0.012, 0.013), (0.10, 0.10, 0.105), (0.08, 0.045, 0.025), (0.26, 0.19, 0.12))
_STRAWS = ((0.62, 0.46, 0.24), (0.70, 0.60, 0.42), (0.38, 0.24, 0.11), (0.74, 0.71, 0.64))

_AROUND = 72  # rays around the head; the first looks to the front, then to the left
_ELEVATIONS = np.radians(np.arange(-60.0, 90.1, 5.0))
_CHIN = 4  # the row of rays, from below, that passes the ears' lobes
_MIDDLE = np.array([0.0, 75.0, 35.0])  # of the head, at rest
_COWL = 144  # points around a hood's opening


@dataclass(frozen=True)
class HatParams:
    """What is worn on the head.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    colour, accent
        Linear RGB of the fabric and of its band or pattern.
    height
        How far up the forehead it begins, 0 to 1.
    size
        Length of a brim or of a beanie's slack top, width of a hood, 0 to 1.
    tilt
        To the person's left, in degrees.
    turned
        Whether a cap's peak is at the back.
    patterned
        Whether a headscarf is plaid.
    """

    kind: str
    colour: Colour
    accent: Colour
    height: float
    size: float
    tilt: float
    turned: bool
    patterned: bool
    seed: int


def draw(rng: np.random.Generator, sex: float, age: float) -> HatParams | None:
    """Return something random to wear on the head, or None for nine people in ten.

    Parameters
    ----------
    sex
        0 female to 1 male.
    age
        Years.
    """
    worn = rng.random() < 0.10
    shares = (1 - sex) * np.array(_FEMALE) + sex * np.array(_MALE)
    if age > 60:
        shares[[KINDS.index("hood"), KINDS.index("headband")]] *= 0.3
    kind = str(rng.choice(KINDS, p=shares / shares.sum()))
    palette = {"fedora": _FELTS, "sun hat": _STRAWS}.get(kind, _COLOURS)
    colour, accent = (
        varied(rng, choices[int(rng.integers(len(choices)))], 0.08)
        for choices in (palette, _COLOURS)
    )
    height, size = (round(float(value), 4) for value in rng.random(2))
    hat = HatParams(
        kind,
        colour,
        accent,
        height,
        size,
        round(float(np.clip(rng.normal(0, 2.0), -5, 5)), 4),
        bool(rng.random() < 0.12),
        bool(rng.random() < 0.3),
        int(rng.integers(2**31)),
    )
    return hat if worn else None


def covers_hair(params: HatParams | None) -> str:
    """Return what of the hair a hat hides: "none", "top" or "all"."""
    if params is None or params.kind == "headband":
        return "none"
    return "all" if params.kind in ("hood", "headscarf") else "top"


def match(hat: HatParams | None, clothes: ClothesParams) -> tuple[HatParams | None, ClothesParams]:
    """Return a hat and clothes that go together.

    A hood is part of a jumper of its colour; below a headscarf there is no collar to come through.
    """
    if hat is None or hat.kind not in ("hood", "headscarf"):
        return hat, clothes
    if hat.kind == "hood":
        hat = dataclasses.replace(hat, colour=clothes.colour)
    if hat.kind == "hood" or clothes.kind not in ("t-shirt", "v-neck", "jumper"):
        clothes = dataclasses.replace(clothes, kind="jumper")
    # What hangs over the clothes needs them flat.
    flat = {"folds": min(clothes.folds, 1.5), "looseness": min(clothes.looseness, 3.0)}
    return hat, dataclasses.replace(clothes, **flat)


# The head measured


class _Rays:
    """Rays from the middle of the neutral head to the skin, as weights of the skin's vertices."""

    def __init__(self, base_mesh: BaseMesh) -> None:
        mesh = base_mesh.mesh
        rest = base_mesh.neutral
        quads = mesh.faces[base_mesh.skin_faces]
        quads = quads[rest[quads].mean(1)[:, 2] > -320]
        self._triangles = triangulate(quads)
        self._corners = rest[self._triangles].astype(float)
        self._count = len(rest)
        azimuth = np.arange(_AROUND) / _AROUND * 2 * np.pi
        directions = direction(azimuth[None], _ELEVATIONS[:, None])
        self.matrix = self._cast(directions.reshape(-1, 3))
        hits = self.matrix @ rest
        self.middle = self._middle_weights()
        x, y, z = np.moveaxis(hits.reshape(len(_ELEVATIONS), _AROUND, 3), 2, 0)
        self._ears = (np.abs(x) > 40) & (y > 22) & (y < 118) & (z < 16) & (z > -75)
        self._carry = self._filling()
        self.edge = self._face_edge(rest, mesh.faces[base_mesh.skin_faces])

    def _cast(self, directions: np.ndarray) -> sparse.csr_matrix:
        """Return the outermost hits, (N, V), of rays with unit directions (N, 3)."""
        towards = normalised(self._corners.mean(1) - _MIDDLE)
        _, near = cKDTree(towards).query(directions, k=48)
        a, b, c = (self._corners[near, corner] - _MIDDLE for corner in range(3))
        # Barycentric coordinates of where each ray meets each triangle's plane.
        d = directions[:, None]
        weights = np.stack(
            [np.einsum("...i,...i", d, np.cross(p, q)) for p, q in ((b, c), (c, a), (a, b))], -1
        )
        total = weights.sum(-1, keepdims=True)
        weights = weights / np.where(np.abs(total) < 1e-9, 1e-9, total)
        where = np.einsum("nkc,nkcx->nkx", weights, np.stack([a, b, c], 2))
        distance = np.einsum("nkx,nx->nk", where, directions)
        inside = (weights.min(-1) > -1e-4) & (distance > 0)
        best = np.where(inside, distance, -1).argmax(1)
        rows = np.arange(len(directions))
        columns = self._triangles[near[rows, best]]
        values = weights[rows, best].astype(np.float32)
        index = np.repeat(rows, 3)
        shape = (len(directions), self._count)
        return sparse.csr_matrix((values.ravel(), (index, columns.ravel())), shape=shape)

    def _middle_weights(self) -> sparse.csr_matrix:
        level = int(np.argmin(np.abs(_ELEVATIONS - np.radians(5))))
        quarter = level * _AROUND + np.arange(4) * _AROUND // 4
        mean = sparse.csr_matrix(np.array([[0.25, 0.25, 0.25, 0.25]], np.float32))
        return mean @ self.matrix[quarter]

    def _filling(self) -> np.ndarray:
        """Return the matrix that carries radii on smoothly beneath the ears."""
        rows, columns = self._ears.shape
        number = np.arange(rows * columns).reshape(rows, columns)
        hidden = number[self._ears]
        steps = np.zeros((rows * columns, rows * columns), np.float32)
        for row, column in zip(*np.nonzero(self._ears), strict=True):
            # Mostly from above: below the ears lies the narrower neck.
            for other, weight in (
                (number[min(row + 1, rows - 1), column], 0.5),
                (number[row - 1, column], 0.1),
                (number[row, column - 1], 0.2),
                (number[row, (column + 1) % columns], 0.2),
            ):
                steps[number[row, column], other] += weight
        inner = np.eye(len(hidden)) - steps[np.ix_(hidden, hidden)]
        known = np.setdiff1d(number.ravel(), hidden)
        carry = np.zeros((len(hidden), rows * columns), np.float32)
        carry[:, known] = np.linalg.solve(inner, steps[np.ix_(hidden, known)])
        return carry

    def _face_edge(self, rest: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Return the vertices along a headscarf's edge, (_COWL,), from the top by the left."""
        keys = np.array(
            [[0, -20, 58], [36, -8, 52], [55, 14, 30], [62, 26, 0], [60, 34, -35], [52, 36, -72],
             [32, 18, -104], [0, 6, -116]]
        )  # fmt: skip
        half = np.concatenate([keys, keys[-2:0:-1] * [-1, 1, 1]])
        angle = np.arange(len(half)) / len(half)
        wanted = np.arange(_COWL) / _COWL
        curve = np.stack([np.interp(wanted, angle, k, period=1) for k in half.T], 1)
        skin = np.unique(faces)
        _, nearest = cKDTree(rest[skin]).query(curve, k=6)
        return skin[nearest]

    def measure(self, base: np.ndarray) -> "_Head":
        """Return the head of a person's base mesh, (19158, 3)."""
        points = (self.matrix @ base).reshape(len(_ELEVATIONS), _AROUND, 3)
        middle = (self.middle @ base)[0]
        away = points - middle
        radius = np.linalg.norm(away, axis=-1)
        direction = away / radius[..., None]
        # Further down the rays meet the shoulders.
        for row in range(_CHIN - 1, -1, -1):
            radius[row] = np.minimum(radius[row], radius[row + 1] * 1.1)
        skull = radius.copy()
        skull[self._ears] = self._carry @ radius.ravel()
        edge = base[self.edge].mean(1)
        return _Head(middle, direction, skull, radius, edge)


@dataclass(frozen=True)
class _Head:
    """A person's head along the rays.

    Attributes
    ----------
    middle
        Where the rays start.
    direction
        (rows of ``_ELEVATIONS``, _AROUND, 3).
    skull, hull
        Radii without and with the ears, (rows, _AROUND).
    edge
        The line around the face, (_COWL, 3).
    """

    middle: np.ndarray
    direction: np.ndarray
    skull: np.ndarray
    hull: np.ndarray
    edge: np.ndarray

    @property
    def top(self) -> float:
        """The height of the crown."""
        return float(self.middle[2] + (self.skull * self.direction[..., 2])[_CHIN:].max())

    def level(self, heights: np.ndarray) -> np.ndarray:
        """Return the fractional row at which each ray's column reaches a height, (_AROUND,)."""
        z = self.middle[2] + self.skull * self.direction[..., 2]
        rows = np.arange(_CHIN, len(_ELEVATIONS))
        return np.array(
            [np.interp(heights[i], np.maximum.accumulate(z[_CHIN:, i]), rows)
             for i in range(_AROUND)]
        )  # fmt: skip

    def at(self, rows: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Return points, (R, _AROUND, 3), on fractional rows (R, _AROUND), moved outwards."""
        rows = np.clip(rows, 0, len(_ELEVATIONS) - 1)
        low = np.minimum(rows.astype(int), len(_ELEVATIONS) - 2)
        share = (rows - low)[..., None]
        column = np.arange(_AROUND)
        points = self.direction * self.skull[..., None]
        where = points[low, column] * (1 - share) + points[low + 1, column] * share
        length = np.linalg.norm(where, axis=-1, keepdims=True)
        return self.middle + where * (1 + np.asarray(offset)[..., None] / length)


@lru_cache(maxsize=2)
def _rays(base_mesh: BaseMesh) -> _Rays:
    return _Rays(base_mesh)


# Hats


def build(params: HatParams | None, base: np.ndarray, base_mesh: BaseMesh) -> list[Surface]:
    """Return the surfaces of what is worn on the head, labelled ``Label.HAT``; none for None.

    A brim, named "hat_brim", is thin: the depth behind looks through it.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    """
    if params is None:
        return []
    head = _rays(base_mesh).measure(base)
    rng = np.random.default_rng(params.seed)
    if params.kind in ("hood", "headscarf"):
        return _cowl(params, head, base, base_mesh, rng)
    if params.kind == "headband":
        return _headband(params, head)
    if params.kind == "helmet":
        return _helmet(params, head)
    maker = {"beanie": _beanie, "cap": _cap}.get(params.kind, _brimmed)
    return maker(params, head, rng)


def _azimuth() -> np.ndarray:
    return np.arange(_AROUND) / _AROUND * 2 * np.pi


def _rim_heights(
    params: HatParams, head: _Head, front: float, side: float, back: float
) -> np.ndarray:
    """Return heights of a rim, (_AROUND,), for heights at rest, on this head and tilted."""
    scale = head.skull.mean() / 105.0
    azimuth = _azimuth()
    heights = oval(front, side, back, azimuth)
    return heights * scale - np.tan(np.radians(params.tilt)) * 75 * np.sin(azimuth)


def _sheet(
    name: str, points: np.ndarray, material: Material, closed: bool = True, thin: bool = False
) -> Surface:
    return grid_surface(name, Label.HAT, points, material, closed, thin)


def _beanie(params: HatParams, head: _Head, rng: np.random.Generator) -> list[Surface]:
    front = 40 + 22 * params.height
    rim = head.level(_rim_heights(params, head, front, 16, -16 + 10 * params.height))
    top = float(len(_ELEVATIONS) - 1)
    steps = np.concatenate([np.zeros(4), np.linspace(0, 1, 30) ** 0.9])[:, None]
    rows = rim + steps * (top - rim)
    cuff = 0.36 + 0.1 * params.height
    fold = np.clip((cuff - steps) / 0.05, 0, 1)
    offset = 4.0 + 4.5 * fold
    slack = np.clip((steps - cuff) / (1 - cuff), 0, 1)
    offset = offset + (5 + 15 * params.size**2) * slack
    offset[:4, 0] = (-2.0, 1.0, 4.0, 7.0)
    points = head.at(rows, np.broadcast_to(offset, rows.shape))
    points[4:] += _wrinkles(rng, points[4:], 0.5 + 3.5 * slack[4:] * params.size)
    points += (slack**2)[..., None] * params.size * np.array([0.0, 16.0, 0.0])
    knit = plain_material(params.colour, "rib")
    return [_sheet("hat", points, knit)]


def _wrinkles(rng: np.random.Generator, points: np.ndarray, amount: np.ndarray) -> np.ndarray:
    noise = waves(rng, points.reshape(-1, 3), 55).reshape(points.shape[:2])
    away = normalised(points - points.mean((0, 1)))
    return away * (np.abs(noise) * amount)[..., None]


def _cap(params: HatParams, head: _Head, rng: np.random.Generator) -> list[Surface]:
    turned = np.pi if params.turned else 0.0
    front, back = 46 + 16 * params.height, 6 + 10 * params.height
    heights = _rim_heights(params, head, front, 26, back)
    rim = head.level(heights)
    top = float(len(_ELEVATIONS) - 1)
    steps = np.concatenate([np.zeros(3), np.linspace(0, 1, 24)])[:, None]
    rows = rim + steps * (top - rim)
    peak = 0.5 + 0.5 * np.cos(_azimuth() - turned)
    offset = 5.0 + (3 + 9 * peak) * np.sin(np.pi * np.clip(steps * 0.85 + 0.05, 0, 1)) + 5 * steps
    offset[:3] = np.array([-2.0, 1.5, 4.5])[:, None]
    # Six panels: the seams lie a little deeper.
    seam = np.abs(np.sin(3 * (_azimuth() - turned)))
    offset = offset - 0.8 * np.exp(-((seam / 0.12) ** 2)) * np.clip(steps * 4, 0, 1)
    points = head.at(rows, offset)
    cloth = plain_material(params.colour, "cloth")
    brim_colour = params.accent if rng.random() < 0.25 else params.colour
    brim = _peak(params, points[3], turned)
    return [
        _sheet("hat", points, cloth),
        _sheet("hat_brim", brim, plain_material(brim_colour, "cloth"), closed=False, thin=True),
    ]


def _peak(params: HatParams, ring: np.ndarray, turned: float) -> np.ndarray:
    """Return a cap's peak as rows from its lower side by its edge to its upper side."""
    angle = np.radians(np.linspace(-66, 66, 41))
    where = ((angle + turned) / (2 * np.pi) * _AROUND) % _AROUND
    closed = np.concatenate([ring, ring[:1]])
    inner = np.stack([np.interp(where, np.arange(_AROUND + 1), k) for k in closed.T], 1)
    away = -1.0 if turned == 0 else 1.0
    share = np.cos(angle * 90 / 66) ** 0.6
    reach = (58 + 20 * params.size) * share
    out = np.linspace(0, 1, 9)[:, None]
    bow = 0.0030 + 0.0028 * params.height
    points = inner[None] + np.zeros((9, 1, 1))
    points[..., 1] += away * reach * out
    points[..., 2] -= out * (0.16 * reach + bow * inner[:, 0] ** 2) + 1.0
    points[..., 0] *= 1 - 0.10 * out
    points[0, :, 1] -= away * 4
    return _two_sided(points, 1.3)


def _two_sided(points: np.ndarray, half: float) -> np.ndarray:
    """Return rows (R, C, 3) as twice as many: a lower side outwards and an upper side back."""
    upper, lower = points.copy(), points.copy()
    upper[..., 2] += half
    lower[..., 2] -= half
    return np.concatenate([lower, upper[::-1]])


def _dome(ring: np.ndarray, height: float, power: float, rows: int) -> np.ndarray:
    """Return a crown over a rim (_AROUND, 3): rows up to its top, a superellipse in profile."""
    angle = np.linspace(0, np.pi / 2, rows)[:, None]
    inwards = np.cos(angle) ** (2 / power)
    up = np.sin(angle) ** (2 / power)
    centre = ring.mean(0)
    points = centre + (ring - centre) * inwards[..., None]
    low = ring[:, 2] * inwards + centre[2] * (1 - inwards)
    points[..., 2] = low + up * height
    return points


def _brimmed(params: HatParams, head: _Head, rng: np.random.Generator) -> list[Surface]:
    bucket, sun = params.kind == "bucket", params.kind == "sun hat"
    heights = _rim_heights(params, head, 54 + 12 * params.height, 34, 16 + 10 * params.height)
    ring = head.at(head.level(heights)[None], np.full((1, _AROUND), 6.0))[0]
    top = head.top
    rise = top - ring[:, 2].mean() + {"bucket": 12, "sun hat": 14}.get(params.kind, 26)
    crown = _dome(ring, rise, 3.4 if bucket else 3.8, 24)
    if params.kind == "fedora":
        crown = _pinched(crown, ring, rise)
    inside = np.stack([ring - (ring - ring.mean(0)) * 0.06, ring])
    crown = np.concatenate([inside, crown])
    weave = "cloth" if bucket else "wool"
    material = plain_material(params.colour, weave)
    if sun:
        material = dataclasses.replace(material, bump=0.7, bump_scale=2.2, mottle=0.25)
    reach = {"bucket": 34, "sun hat": 66}.get(params.kind, 46) + 24 * params.size
    drop = {"bucket": 0.55, "sun hat": 0.22}.get(params.kind, 0.04)
    brim = _brim(ring, reach, drop, params, rng)
    parts = [
        _sheet("hat", crown, material),
        _sheet("hat_brim", brim, material, thin=True),
    ]
    if not bucket:
        parts.append(_band(params, crown[2:], rise))
    return parts


def _pinched(crown: np.ndarray, ring: np.ndarray, rise: float) -> np.ndarray:
    """Return a felt hat's crown: creased along its top and pinched at the front."""
    away = crown - ring.mean(0)
    high = np.clip((away[..., 2] / rise - 0.55) / 0.45, 0, 1) ** 2
    span = np.ptp(ring[:, 0]) / 2
    dent = np.exp(-((away[..., 0] / (0.32 * span)) ** 2))
    result = crown.copy()
    result[..., 2] -= 17 * high * dent
    front = np.clip(-away[..., 1] / span, 0, 1)
    squeeze = np.exp(-(((np.abs(away[..., 0]) - 0.55 * span) / (0.3 * span)) ** 2))
    result[..., 0] *= 1 - 0.22 * high * front * squeeze
    return result


def _brim(
    ring: np.ndarray, reach: float, drop: float, params: HatParams, rng: np.random.Generator
) -> np.ndarray:
    """Return a brim all around as rows from its lower side by its edge to its upper side."""
    away = ring - ring.mean(0)
    away[:, 2] = 0
    away = normalised(away)
    out = np.linspace(-0.04, 1, 11)[:, None]
    azimuth = _azimuth()
    lift = {"fedora": 0.22, "sun hat": 0.10}.get(params.kind, 0.0)
    sway = waves(rng, ring, 240, 3) * (0.10 if params.kind == "sun hat" else 0.04)
    slope = -drop + lift * (np.sin(azimuth) ** 2 - 0.35) + sway
    points = ring + (out * reach)[..., None] * away * np.sqrt(1 - min(drop, 0.9) ** 2 * 0.5)
    points[..., 2] += np.clip(out, 0, 1) ** 1.3 * reach * slope
    return _two_sided(points, 1.1)


def _band(params: HatParams, crown: np.ndarray, rise: float) -> Surface:
    middle = crown[0].mean(0)
    width = 9 + 12 * params.height
    outwards = crown[0] - middle
    outwards[:, 2] = 0
    outwards = normalised(outwards)
    rows = []
    for up, out in ((0.5, -0.5), (0.6, 1.0), (0.5, 1.2), (1.0, 1.0), (1.02, -0.8)):
        height = np.clip(up * width, 1, rise * 0.6)
        z = crown[..., 2] - crown[0, :, 2]
        where = [np.interp(height, z[:, i], np.arange(len(crown))) for i in range(_AROUND)]
        low = np.array(where).astype(int)
        share = (np.array(where) - low)[:, None]
        column = np.arange(_AROUND)
        rows.append(
            crown[low, column] * (1 - share) + crown[low + 1, column] * share + out * outwards
        )
    rows[0][:, 2] = crown[0, :, 2]
    rows[1][:, 2] = crown[0, :, 2] + 1.0
    return _sheet("hat_band", np.stack(rows), Material(params.accent, roughness=0.45, sheen=0.2))


def _headband(params: HatParams, head: _Head) -> list[Surface]:
    low = _rim_heights(params, head, 46 + 14 * params.height, 22, -22)
    width = 24 + 34 * params.size
    rows = [head.level(low + up * width) for up in (0.03, 0, 0.02, 0.2, 0.5, 0.8, 0.98, 1.0, 0.97)]
    offset = np.array([-2.0, 1.5, 3.4, 4.6, 5.2, 4.6, 3.4, 1.5, -2.0])[:, None]
    points = head.at(np.stack(rows), np.broadcast_to(offset, (9, _AROUND)))
    return [_sheet("hat_headband", points, plain_material(params.colour, "rib"))]


def _helmet(params: HatParams, head: _Head) -> list[Surface]:
    heights = _rim_heights(params, head, 52 + 12 * params.height, 34, 14)
    ring = head.at(head.level(heights)[None], np.full((1, _AROUND), 17.0))[0]
    top = head.top
    rise = top - ring[:, 2].mean() + 24
    crown = _dome(ring, rise, 2.5, 22)
    ridge = np.exp(-(((crown[..., 0]) / 11) ** 2)) * np.clip(
        (crown[..., 2] - ring[:, 2]) / rise, 0, 1
    )
    crown[..., 2] += 5 * ridge
    inside = [ring - (ring - ring.mean(0)) * share for share in (0.16, 0.02)]
    inside[0][:, 2] += 10
    shell = np.concatenate([np.stack(inside), crown])
    gloss = Material(params.colour, roughness=0.22, specular=0.6, coat=0.5)
    parts = [_sheet("hat", shell, gloss)]
    around = np.clip(np.cos(_azimuth()), 0, 1) ** 1.5
    away = normalised(ring - ring.mean(0))
    reach = (4 + 34 * params.size * around)[:, None]
    rows = [ring + out * reach * away - np.array([0.0, 0.0, 1.0]) * (out * reach * 0.25 + low)
            for out, low in ((-0.1, 2.0), (0.5, 2.2), (0.95, 2.0), (1.0, 0.8), (0.95, -0.5),
                             (0.5, -1.0), (0.0, -2.0))]  # fmt: skip
    return parts + [_sheet("hat_brim", np.stack(rows), gloss, thin=True)]


# Hoods and headscarves


def _cowl(
    params: HatParams,
    head: _Head,
    base: np.ndarray,
    base_mesh: BaseMesh,
    rng: np.random.Generator,
) -> list[Surface]:
    hood = params.kind == "hood"
    edge = _smooth_ring(head.edge, 4)
    centre = edge.mean(0)
    away = edge - centre
    away[:, 1] = 0
    away = normalised(away)
    if hood:
        width = 12 + 16 * params.size
        below = np.clip(-away[:, 2], 0, 1)
        edge = edge + away * (width * (1 - 0.3 * below))[:, None]
        edge[:, 1] += -6 - 12 * params.height + 26 * below**2
        edge[:, 2] -= 26 * below**3
    else:
        edge = edge + away * (3.0 + 3.0 * np.clip(-away[:, 2], 0, 1))[:, None]
        edge[:, 2] += (4 - 10 * params.height) * np.clip(away[:, 2], 0, 1)
    offset = 12.0 + 12 * params.size if hood else 6.0 + 4 * params.size
    drape = Drape(base, base_mesh, 12.0)
    rings = _rings(params, drape, rng)
    points = _wrap(head, edge, rings[0], offset, 0.0 if hood else 8 + 14 * params.size, 44)
    points = _fixed_smooth(points, 2)
    points[1:-1] += _folds(rng, points[1:-1], head, hood)
    points[20:-1] = drape.clear(points[20:-1], 4.0)
    points = np.concatenate([_hem(points, away), points[1:], rings[1:]])
    material = (
        plain_material(params.colour, "fleece")
        if hood
        else wrap_material(
            params.colour, params.accent, "plaid" if params.patterned else "plain", rng
        )
    )
    # From the face backwards, with the columns against the clock: seen from outside, upside down.
    return [_sheet("hat_" + params.kind, points, material)]


def _smooth_ring(ring: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        ring = 0.5 * ring + 0.25 * (np.roll(ring, 1, 0) + np.roll(ring, -1, 0))
    return ring


def _hem(points: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return the rolled edge around the face, rows from its inside to its outside."""
    edge = points[0]
    back = normalised(points[1] - edge)
    return np.stack(
        [
            edge + back * 16 - away * 3.5,
            edge + back * 4 - away * 3.0,
            edge - back * 1.0 - away * 1.5,
            edge - back * 1.5 + away * 1.0,
            edge + back * 1.5 + away * 2.2,
        ]
    )


def _rings(params: HatParams, drape: Drape, rng: np.random.Generator) -> np.ndarray:
    """Return the rows that lie on the shoulders, (R, _COWL, 3); the last is below the clothes."""
    long = 6 if params.kind == "hood" else 6 * round(6 + 8 * params.size)
    shares = (0.0, 1.0, 1.02) if params.kind == "hood" else (0.0, 0.25, 0.5, 0.75, 1.0, 1.02)
    rings = drape.rings(tuple(round(long * share) for share in shares))
    angle = np.arange(_COWL) / _COWL * 2 * np.pi
    if params.kind == "headscarf":
        growing = np.linspace(0, 1, len(rings))[:, None]
        rings[..., 2] += 2.5 * growing * (1 + np.sin(angle * 9 + rng.uniform(0, 6)))
    rings[-1, :, 2] -= 14
    return rings


def _wrap(
    head: _Head, edge: np.ndarray, ring: np.ndarray, offset: float, slack: float, rows: int
) -> np.ndarray:
    """Return a sheet from an edge around the face to a ring around the neck, (rows, _COWL, 3).

    It runs around the head: its rows follow directions from the middle of the head by a waypoint,
    the back of the crown above and the ears at the sides.
    """
    first, last = edge - head.middle, ring - head.middle
    start, end = normalised(first), normalised(last)
    angle = np.arange(_COWL) / _COWL * 2 * np.pi
    top = np.clip(np.cos(angle), 0, 1)[:, None] ** 0.8
    side = np.abs(np.sin(angle))[:, None]
    bottom = np.clip(-np.cos(angle), 0, 1)[:, None]
    across = np.stack([np.sign(np.sin(angle)), 0.62 + 0 * angle, -0.25 + 0 * angle], 1)
    way = top * np.array([0.0, 0.66, 0.75]) + side * across + bottom * (start + end)
    way = normalised(way)
    half = np.linspace(0, 1, rows // 2, endpoint=False)
    directions = np.concatenate(
        [_slerp(start, way, half), _slerp(way, end, np.linspace(0, 1, rows - rows // 2))]
    )
    hull = gaussian_filter(head.hull, (1.6, 1.6), mode=("nearest", "wrap"))
    hull = np.maximum(hull, head.hull)
    hull = gaussian_filter(hull, (0.8, 0.8), mode=("nearest", "wrap"))
    smooth, raw = _sample(head.direction, (hull, head.hull), directions)
    radius = smooth + offset
    t = np.linspace(0, 1, rows)[:, None]
    radius += (np.linalg.norm(first, axis=1) - radius[0]) * (1 - t) ** 5
    radius += (np.linalg.norm(last, axis=1) - radius[-1]) * t**2.5
    # A headscarf hangs loosely below the ears and the chin.
    radius += (slack * (1 - top[:, 0])) * np.clip(4 * t * (1 - t), 0, 1) * np.clip(2 * t, 0, 1)
    at_head = directions[1:, :, 2] > -0.6
    radius[1:] = np.where(at_head, np.maximum(radius[1:], raw[1:] + 3.0), radius[1:])
    return head.middle + directions * radius[..., None]


def _slerp(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    angle = np.arccos(np.clip((first * second).sum(1), -1, 1))[:, None]
    sine = np.maximum(np.sin(angle), 1e-4)
    share = share[:, None, None]
    return (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / sine


def _sample(
    known: np.ndarray, tables: tuple[np.ndarray, np.ndarray], directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return radii along directions (..., 3) from those along known ones, (R, C, 3).

    The tables are (R, C); the first is averaged, the second's largest neighbour is taken.
    """
    tree = cKDTree(known.reshape(-1, 3), balanced_tree=False)
    distance, nearest = tree.query(directions.reshape(-1, 3), k=4)
    weight = 1 / (distance**2 + 1e-5)
    mean = (tables[0].ravel()[nearest] * weight).sum(1) / weight.sum(1)
    shape = directions.shape[:-1]
    return mean.reshape(shape), tables[1].ravel()[nearest].max(1).reshape(shape)


def _fixed_smooth(points: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        mean = (np.roll(points, 1, 1) + np.roll(points, -1, 1)) / 4
        mean[1:-1] += (points[:-2] + points[2:]) / 4
        points = np.concatenate([points[:1], (points + mean)[1:-1] / 2, points[-1:]])
    return points


def _folds(rng: np.random.Generator, points: np.ndarray, head: _Head, hood: bool) -> np.ndarray:
    away = normalised(points - head.middle)
    rows, columns = points.shape[:2]
    v = np.linspace(0, 1, rows)[:, None]
    u = np.arange(columns) / columns * 2 * np.pi
    total = np.zeros((rows, columns))
    for order in (3, 5, 7, 11):
        phase, slant = rng.uniform(0, 2 * np.pi), rng.normal(0, 4)
        wave = np.sin(order * u + slant * v + phase + 0.7 * np.sin(u + phase))
        total += (1 - np.abs(wave)) ** 2 * 3.2 / np.sqrt(order)
    strength = (1.5 if hood else 1.0) * np.clip(v * 2.5, 0, 1) * (0.35 + 1.3 * v)
    return away * (total * strength)[..., None]
