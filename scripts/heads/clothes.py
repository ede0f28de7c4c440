# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes of a portrait: what covers neck, shoulders and chest.

A garment's body is cut by ``tailoring`` and creased; collars, lapels, hoods and scarves are swept
along the edge of the neck's opening.

"Rest" positions are those of the neutral mesh in the head's frame.
"""

from dataclasses import dataclass

import numpy as np

from .base_mesh import BaseMesh
from .colours import Colour, encode_image, mixed, varied
from .fabrics import PATTERNS, cloth_material, plain_material, wrap_material
from .maths import normalised, waves
from .meshes import grid_surface, lattice
from .shapes import Label, Material, Surface
from .tailoring import BAND, LOOP, NECK, Loop, Opening, Worn, front_rows, pattern_of, shell_of

KINDS = (
    "t-shirt", "v-neck", "tank", "shirt", "open shirt", "jumper", "turtleneck", "suit", "blazer",
    "hoodie", "scarf",
)  # fmt: skip

# Shares of the kinds for women and men; children and the old differ a little (see ``_shares``).
_FEMALE = (0.17, 0.12, 0.12, 0.08, 0.09, 0.13, 0.06, 0.02, 0.08, 0.07, 0.06)
_MALE = (0.22, 0.05, 0.03, 0.13, 0.10, 0.13, 0.03, 0.13, 0.05, 0.09, 0.04)
_WEAVES = {
    "jumper": "knit", "scarf": "knit", "turtleneck": "knit", "hoodie": "fleece",
    "suit": "wool", "blazer": "wool",
}  # fmt: skip
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
    colour: Colour
    accent: Colour
    under: Colour
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
        varied(rng, choices[int(rng.integers(len(choices)))], 0.072)
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


def build(params: ClothesParams, base: np.ndarray, base_mesh: BaseMesh) -> list[Surface]:
    """Return the clothes' surfaces, labelled ``Label.CLOTHES``.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    """
    shell = shell_of(base_mesh)
    fit = shell.fit(base, params.looseness, 6 if params.kind in ("suit", "blazer") else 3)
    worn = Worn(shell, fit, shell.normals(fit), shell.up(base))
    rng = np.random.default_rng(params.seed)
    return _MAKERS[params.kind](params, worn, rng)


def _fabric(params: ClothesParams, rng: np.random.Generator) -> Material:
    weave = _WEAVES.get(params.kind, "cloth")
    return cloth_material(weave, params.pattern, params.colour, params.accent, rng)


def _average(params: ClothesParams) -> Colour:
    """Return the colour that a garment's collar goes with its pattern in."""
    share = 0.3 if params.pattern == "plaid" else 0.12 if params.pattern == "stripes" else 0.0
    pairs = zip(params.colour, params.accent, strict=True)
    red, green, blue = ((1 - share) * colour + share * accent for colour, accent in pairs)
    return red, green, blue


def _creased(worn: Worn, params: ClothesParams, rng: np.random.Generator, share: float) -> Worn:
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
    fade = np.clip((np.linalg.norm(rest - NECK, axis=1) - 82) / 60, 0.06, 1)
    height = ((ridges + 0.4 * small) * where + soft * 0.5) * fade
    return worn.lifted(worn.shell.smooth(height * params.folds * share, 1))


def _body(worn: Worn, opening: Opening, material: Material, name: str = "clothes") -> Surface:
    cloth = pattern_of(worn.shell, opening)
    vertices = (cloth.matrix @ worn.vertices).astype(np.float32)
    return Surface(name, Label.CLOTHES, vertices, cloth.faces, material, cloth.uv)


def _sheet(name: str, points: np.ndarray, material: Material, closed: bool = True) -> Surface:
    return grid_surface(name, Label.CLOTHES, points, material, closed)


def _rim(worn: Worn, opening: Opening, material: Material, width: float, height: float) -> Surface:
    """Return a band on the edge of an opening, rolled over to the inside."""
    cloth = pattern_of(worn.shell, opening)
    loops = [worn.loop(rows) for rows in cloth.edges]
    edge, inner = loops[0], loops[1]
    towards = normalised(edge.points - inner.points)
    share = width / BAND[-1]
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
    return _sheet("clothes_rim", np.stack(rows[::-1]), material)


def _top(
    params: ClothesParams,
    worn: Worn,
    rng: np.random.Generator,
    opening: Opening,
    creases: float,
    rim: tuple[float, float],
) -> list[Surface]:
    """Return a garment with a ribbed rim of a width and height, millimetres."""
    worn = _creased(worn, params, rng, creases)
    body = _body(worn, opening, _fabric(params, rng))
    return [body, _rim(worn, opening, plain_material(params.colour, "rib"), *rim)]


def _t_shirt(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 4) / 4
    opening = Opening(84 + 22 * depth, 79 + 12 * depth, 55 + 5 * depth)
    return _top(params, worn, rng, opening, 0.8, (15.0, 1.1))


def _v_neck(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 4) / 4
    opening = Opening(84, 82 + 8 * depth, 57, -226 - 45 * depth, 0.9 - 0.22 * depth)
    return _top(params, worn, rng, opening, 0.8, (14.0, 1.1))


def _tank(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 4) / 4
    opening = Opening(112 + 28 * depth, 98 + 12 * depth, 72 + 20 * depth, arms=136 - 6 * depth)
    return _top(params, worn, rng, opening, 0.4, (7.0, 0.8))


def _jumper(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(82 + 10 * round(params.opening * 2) / 2, 77, 54)
    return _top(params, worn, rng, opening, 1.4, (18.0, 2.2))


def _turtleneck(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(80, 72, 50)
    worn = _creased(worn, params, rng, 1.2)
    body = _body(worn, opening, _fabric(params, rng))
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
    return [body, _sheet("clothes_roll", points, plain_material(params.colour, "rib"))]


def _ring_waves(rng: np.random.Generator, count: int, low: int = 2) -> np.ndarray:
    angle = np.arange(LOOP) / LOOP * 2 * np.pi
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


def _collar(worn: Worn, opening: Opening, shape: _CollarCut, material: Material) -> Surface:
    """Return a collar: a stand around the neck and a fall over it, open at the front."""
    loops = [worn.loop(rows) for rows in pattern_of(worn.shell, opening).edges]
    edge = loops[0]
    down = normalised(loops[3].points - edge.points)
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
    tangent = normalised(np.roll(edge.points, -1, 0) - np.roll(edge.points, 1, 0))
    side = np.sign(np.arange(LOOP) - LOOP // 2)[:, None]
    points = points + (steps * tip * shape.spread)[..., None] * tangent * side
    thick = np.array([2.4, 2.8, 2.8, 2.6, 1.6, -1.0])[:, None] * shape.bulk
    points[4:] = worn.clear(points[4:], thick)
    points[9] = worn.sunk(points[8], 1.0)
    here = np.flatnonzero(distance >= shape.gap)
    order = np.concatenate([here[here > LOOP // 2], here[here <= LOOP // 2]])
    return _sheet("clothes_collar", points[:, order], material, closed=False)


def _shirt(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    worn = _creased(worn, params, rng, 0.7)
    material = _fabric(params, rng)
    plain = plain_material(_average(params), "cloth")
    parts = [_body(worn, _SHIRT, material)]
    parts.append(_collar(worn, _SHIRT, _CollarCut(2, 27, 21, 42, 22, 26), plain))
    return parts + _placket(worn, plain, -186, params)


def _open_shirt(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    depth = round(params.opening * 3) / 3
    apex = -238 - 45 * depth
    opening = Opening(78, 68, 47, apex, 0.6)
    worn = _creased(worn, params, rng, 0.7)
    plain = plain_material(_average(params), "cloth")
    parts = [
        _body(worn, opening, _fabric(params, rng)),
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


def _strip(worn: Worn, x: np.ndarray, z: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Return points, (R, C, 3), above the garment at rest positions x and z, (R, C)."""
    rows = front_rows(worn.shell, x.tobytes(), z.tobytes())
    return (rows @ worn.vertices + (rows @ worn.normals) * height.reshape(-1, 1)).reshape(
        *x.shape, 3
    )


def _placket(worn: Worn, material: Material, top: float, params: ClothesParams) -> list[Surface]:
    """Return the buttoned strip down the front from a rest height, and its buttons."""
    z = np.arange(top, -400, -12.0)
    across = np.array([-15.0, -14.0, 0.0, 14.0, 15.0])
    x, heights = np.meshgrid(across, z)
    height = np.where(np.abs(x) > 14.5, -0.8, 1.3)
    strip = _strip(worn, x, heights, height)
    parts = [_sheet("clothes_placket", strip[::-1], material, closed=False)]
    centres = np.arange(top - 14, -390, -78.0)
    rows = front_rows(worn.shell, np.zeros_like(centres).tobytes(), centres.tobytes())
    normals = rows @ worn.normals
    spots = rows @ worn.vertices + 1.4 * normals
    colour = (0.7, 0.68, 0.64) if params.seed % 3 else (0.05, 0.045, 0.04)
    shiny = Material(colour=colour, roughness=0.3)
    return parts + [_discs("clothes_buttons", spots, normals, 5.2, shiny)]


def _discs(
    name: str, centres: np.ndarray, normals: np.ndarray, radius: float, material: Material
) -> Surface:
    angle = np.arange(12) / 12 * 2 * np.pi
    side = normalised(np.cross(normals, [0.0, 0.0, 1.0]))
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
    params: ClothesParams, worn: Worn, material: Material, rng: np.random.Generator
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


def _lapel(worn: Worn, side: float, material: Material) -> Surface:
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
    return _sheet("clothes_lapel", points[::-1, :: int(side)], material, closed=False)


def _suit(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    white = plain_material(params.under, "cloth")
    parts = [_body(worn, _SHIRT, white, "clothes_shirt")]
    parts.append(_collar(worn, _SHIRT, _CollarCut(2, 31, 23, 46, 20, 28), white))
    parts += _placket(worn, white, -186, params)
    if params.tie:
        parts += _tie(worn, params, rng)
    return parts + _jacket(params, worn, _fabric(params, rng), rng)


def _blazer(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(88 + 20 * round(params.opening * 2) / 2, 80, 55)
    under = plain_material(params.under, "cloth")
    parts = [_body(worn, opening, under, "clothes_under")]
    parts.append(_rim(worn, opening, plain_material(params.under, "rib"), 13.0, 1.0))
    return parts + _jacket(params, worn, _fabric(params, rng), rng)


def _tie(worn: Worn, params: ClothesParams, rng: np.random.Generator) -> list[Surface]:
    z = np.concatenate(
        [np.array([-176, -180, -188, -198, -206, -211.0]), np.arange(-212, -412, -14.0)]
    )
    half = np.concatenate([[11, 15, 16, 13, 10.5, 9], np.linspace(11, 30, len(z) - 6)])
    lift = np.concatenate([[1, 7, 9.5, 9, 7.5, 4], np.full(len(z) - 6, 4.2)])
    across = np.array([-1.04, -1, -0.5, 0, 0.5, 1, 1.04])
    shape = np.array([-2, 0, 0.9, 1.2, 0.9, 0, -2])
    x = half[:, None] * across
    heights = lift[:, None] + np.clip(lift[:, None], 2, 4) * shape
    points = _strip(worn, x, np.repeat(z[:, None], len(across), 1), heights)
    pixels = _tie_picture(params.accent, rng)
    material = Material(image=pixels, roughness=0.35, sheen=0.2, specular=0.5)
    return [_sheet("clothes_tie", points[::-1], material, closed=False)]


def _tie_picture(colour: Colour, rng: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[0:192, 0:32]
    period = rng.integers(14, 36)
    stripes = ((v + u * 1.2) % period) < period * rng.uniform(0.15, 0.5)
    strength = rng.choice([0.0, 0.35, 0.8])
    other = mixed(colour, strength, rng)
    return encode_image(np.where(stripes[..., None], np.array(other), np.array(colour)))


# Hoods and scarves


def _tube(
    edge: Loop,
    centre_out: np.ndarray,
    centre_up: np.ndarray,
    half_out: np.ndarray,
    half_up: np.ndarray,
    lumps: np.ndarray,
) -> np.ndarray:
    """Return a roll around the neck, (R, LOOP, 3), of elliptic sections; lumps (R, LOOP)."""
    angle = np.linspace(0, 2 * np.pi, len(lumps))[:, None]
    size = 1 + lumps
    # From the inside over the top to the outside.
    return edge.sweep(
        centre_out - half_out * size * np.cos(angle), centre_up + half_up * size * np.sin(angle)
    )


def _lumps(rng: np.random.Generator, rows: int, amount: float) -> np.ndarray:
    """Return folds that run along a roll, (R, LOOP), the same at both ends of the section."""
    along = np.arange(LOOP) / LOOP * 2 * np.pi
    around = np.linspace(0, 2 * np.pi, rows)[:, None]
    total = np.zeros((rows, LOOP))
    for order in (2, 3, 4, 5):
        turn = rng.integers(-3, 4)
        phase = rng.uniform(0, 2 * np.pi)
        fold = np.sin(order * around + turn * along + phase + 0.6 * np.sin(along + phase))
        total += (np.abs(fold) * 1.6 - 1) / order * 1.6
    return amount * total


def _hoodie(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    opening = Opening(86, 78, 55, -212, 0.8)
    worn = _creased(worn, params, rng, 1.5)
    material = _fabric(params, rng)
    thick = plain_material(_average(params), "fleece")
    edge = worn.loop(pattern_of(worn.shell, opening).edges[0])
    back = np.clip(edge.from_front() / 230, 0, 1) ** 0.8
    sway = _ring_waves(rng, 3, 1) * 2.2 * np.clip(back * 3, 0.2, 1)
    parts = [_body(worn, opening, material)]
    outer = _tube(edge, 6 + 24 * back + sway, 5 + 6 * back, 9 + 23 * back, 10 + 12 * back + sway,
                  _lumps(rng, 20, 0.15))  # fmt: skip
    inner = _tube(edge, 1 + 9 * back + sway, 10 + 15 * back - sway, 5 + 8 * back, 6 + 9 * back,
                  _lumps(rng, 14, 0.12))  # fmt: skip
    for points in (outer, inner):
        parts.append(_sheet("clothes_hood", points, thick))
    if params.tie:
        parts += _strings(worn, params)
    return parts


def _strings(worn: Worn, params: ClothesParams) -> list[Surface]:
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
        parts.append(_sheet("clothes_string", points[::-1], material, closed=False))
    return parts


def _scarf(params: ClothesParams, worn: Worn, rng: np.random.Generator) -> list[Surface]:
    parts = _jumper(params, worn, rng)
    pattern = "plaid" if params.tie else "plain"
    wool = wrap_material(params.accent, params.under, pattern, rng)
    edge = worn.loop(pattern_of(worn.shell, Opening(92, 86, 62)).edges[0])
    front = 1 - np.clip(edge.from_front() / 230, 0, 1)
    sway = _ring_waves(rng, 3, 1) * 3
    low = _tube(edge, 8 + 7 * front + sway, 12 - 6 * front, 22 + 4 * front, 21 + 3 * sway / 3,
                _lumps(rng, 24, 0.13))  # fmt: skip
    high = _tube(edge, -6 + 9 * front - sway, 37 - 7 * front + sway, 17 + 2 * front, 18 + 0 * sway,
                 _lumps(rng, 20, 0.13))  # fmt: skip
    for points in (low, high):
        parts.append(_sheet("clothes_scarf", points, wool))
    return parts + [_scarf_end(worn, wool, rng)]


def _scarf_end(worn: Worn, material: Material, rng: np.random.Generator) -> Surface:
    side = 1.0 if rng.random() < 0.5 else -1.0
    z = np.linspace(-205, -405, 26)[:, None]
    across = np.linspace(-1, 1, 13)[None]
    half = 34 + 14 * np.clip((-205 - z) / 120, 0, 1)
    x = side * (30 - 0.05 * (z + 205)) + across * half
    folds = 4 * np.sin(across * 7 + rng.uniform(0, 6)) + 2.5 * np.sin(across * 13 + z / 60)
    height = 11 + folds * np.ones_like(z)
    height[:, [0, -1]] = 0
    points = _strip(worn, x, np.repeat(z, 13, 1), height)
    return _sheet("clothes_scarf_end", points[::-1], material, closed=False)


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
