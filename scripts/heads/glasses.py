# SPDX-License-Identifier: GPL-3.0-or-later
"""Glasses: fitted to a face's brows, lashes, cheeks, nose and ears.

The front is a sheet bent around the face; each lens's outline lies on it.  Sizes are those of an
adult whose eyes are 62 mm apart, and scale with that distance.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .base_mesh import BaseMesh
from .colours import Colour
from .maths import normalised
from .meshes import lattice
from .shapes import Label, Material, Surface

SHAPES = ("rectangular", "square", "round", "oval", "aviator", "cat-eye", "panto")
RIMS = ("full", "half", "none")

_USUAL_EYES = 62.0  # millimetres between the eyes that the sizes below belong to
_MIRRORED = 0.06  # share of its surroundings that a tinted lens mirrors
_OUTLINE = 56  # points around a lens
# Width and height of a lens in millimetres, and the power of its superellipse.
_BOXES = {
    "rectangular": (52.0, 31.0, 4.5),
    "square": (51.0, 40.0, 3.4),
    "round": (46.0, 44.0, 2.0),
    "oval": (50.0, 34.0, 2.2),
    "aviator": (55.0, 46.0, 2.4),
    "cat-eye": (52.0, 38.0, 2.7),
    "panto": (48.0, 42.0, 2.4),
}
_PLASTICS = (
    (0.008, 0.008, 0.009), (0.008, 0.008, 0.009), (0.06, 0.03, 0.014), (0.02, 0.025, 0.06),
    (0.16, 0.015, 0.02), (0.25, 0.24, 0.23), (0.03, 0.03, 0.032), (0.18, 0.09, 0.04),
)  # fmt: skip
_METALS = ((0.62, 0.62, 0.63), (0.75, 0.58, 0.28), (0.10, 0.10, 0.11), (0.70, 0.48, 0.40))
_TINTS = ((0.02, 0.02, 0.022), (0.045, 0.028, 0.014), (0.016, 0.03, 0.02), (0.02, 0.025, 0.045))
_SLANT = np.tan(np.radians(8.0))  # the lenses' lower edges lean towards the cheeks


@dataclass(frozen=True)
class GlassesParams:
    """A pair of glasses.

    Attributes
    ----------
    shape
        One of ``SHAPES``.
    rim
        One of ``RIMS``.
    metal
        Metal with nose pads, or plastic.
    colour
        Linear RGB of the frame.
    thickness
        Of the rim as seen from the front, in millimetres.
    size
        Factor of the lenses' usual size.
    lens
        "clear", "tinted" or "dark".
    tint
        Linear RGB of a lens that is not clear.
    opacity
        Of the lenses.
    drop
        How far the glasses have slipped down the nose, in millimetres.
    """

    shape: str
    rim: str
    metal: bool
    colour: Colour
    thickness: float
    size: float
    lens: str
    tint: Colour
    opacity: float
    drop: float


def draw(rng: np.random.Generator, sex: float, age: float) -> GlassesParams | None:
    """Return random glasses, or None for the most: fewer for children, more for the old.

    Parameters
    ----------
    sex
        0 female to 1 male.
    age
        Years.
    """
    worn = rng.random() < float(np.interp(age, [5, 16, 30, 50, 70], [0.10, 0.18, 0.20, 0.26, 0.36]))
    kind = rng.random()
    lens = "dark" if kind < 0.20 else "tinted" if kind < 0.25 else "clear"
    feminine = 1 - sex
    shares = np.array([0.28, 0.17, 0.12, 0.12, 0.10, 0.02 + 0.16 * feminine, 0.12])
    if lens != "clear":
        shares = shares * np.array([0.6, 1.2, 0.8, 0.4, 3.0, 1.4, 1.0])
    shape = str(rng.choice(SHAPES, p=shares / shares.sum()))
    metal = bool(rng.random() < (0.85 if shape == "aviator" else 0.45))
    rim = str(rng.choice(RIMS, p=[0.72, 0.16, 0.12] if metal and lens == "clear" else [1, 0, 0]))
    palette = _METALS if metal else _PLASTICS
    colour = palette[int(rng.integers(len(palette)))]
    thick, size, opacity, drop = rng.random(4)
    large = 0.05 if lens == "dark" else 0.0
    tint = _TINTS[int(rng.integers(len(_TINTS)))]
    if lens == "tinted":
        red, green, blue = rng.uniform(0.05, 0.6, 3)
        tint = (round(float(red), 4), round(float(green), 4), round(float(blue), 4))
    spans = {"clear": (0.05, 0.10), "tinted": (0.25, 0.45), "dark": (0.82, 0.96)}
    low, high = spans[lens]
    glasses = GlassesParams(
        shape,
        rim,
        metal,
        colour,
        round(float(0.9 + 0.7 * thick if metal else 2.2 + 3.2 * thick**1.5), 4),
        round(float(0.92 + 0.16 * size + large), 4),
        lens,
        tint,
        round(float(low + (high - low) * opacity), 4),
        round(float(5 * drop**3), 4),
    )
    return glasses if worn else None


class _Landmarks:
    """What glasses rest on, as vertices of the base mesh."""

    def __init__(self, base_mesh: BaseMesh) -> None:
        groups = base_mesh.group_vertices
        self.eyes = base_mesh.eyes
        rest = base_mesh.neutral
        skin = np.unique(base_mesh.mesh.faces[base_mesh.skin_faces])
        x, y, z = np.moveaxis(rest[skin], 1, 0)
        front = (y < 12) & (np.abs(x) < 78) & (z > -55) & (z < 45)
        names = [f"helper-{side}-eyelashes-{i}" for side in "lr" for i in (1, 2)]
        self.front = np.concatenate([skin[front], *(groups(name) for name in names)])
        self.nose = skin[(np.abs(x) < 16) & (z > -32) & (z < 16) & (y < 0)]
        ear = (z > -50) & (z < 12) & (y > 30) & (y < 105) & (np.abs(x) > 76)
        beside = (z > -12) & (z < 34) & (y > -10) & (y < 105) & (np.abs(x) > 45)
        self.ears = [skin[ear & (x * side > 0)] for side in (1, -1)]
        self.temples = [skin[beside & ~ear & (x * side > 0)] for side in (1, -1)]


@lru_cache(maxsize=2)
def _landmarks(base_mesh: BaseMesh) -> _Landmarks:
    return _Landmarks(base_mesh)


@dataclass(frozen=True)
class _Front:
    """Where the lenses are.

    Attributes
    ----------
    outline
        (_OUTLINE, 2): x and z of the left lens, from its outer end over the top.
    depth
        y of the sheet at x = z = 0.
    scale
        The person's size, 1 for the usual.
    """

    outline: np.ndarray
    depth: float
    scale: float

    def sheet(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return y on the sheet that the lenses lie on."""
        return self.depth + _bend(x, z, self.scale)


def _bend(x: np.ndarray, z: np.ndarray, scale: float) -> np.ndarray:
    return x**2 / (900.0 * scale) - _SLANT * z


def _outline(params: GlassesParams, scale: float) -> np.ndarray:
    wide, tall, power = _BOXES[params.shape]
    angle = np.arange(_OUTLINE) / _OUTLINE * 2 * np.pi
    cos, sin = np.cos(angle), np.sin(angle)
    x = np.sign(cos) * np.abs(cos) ** (2 / power)
    z = np.sign(sin) * np.abs(sin) ** (2 / power)
    if params.shape == "cat-eye":
        lift = np.clip(x, 0, 1) ** 2
        z = z + 0.32 * lift * np.clip(z + 0.4, 0, 1.4)
        x = x + 0.10 * lift * np.clip(z, 0, 1)
    elif params.shape in ("aviator", "panto", "square"):
        droop = {"aviator": 0.16, "panto": 0.10, "square": 0.05}[params.shape]
        x = x * (1 + droop * np.where(x > 0, z, z * 1.6))
        z = np.where(z > 0, z * (1 - 0.1 * droop), z * (1 + droop * 0.4 * x))
    size = params.size * scale
    bridge = (19.0 if params.shape in ("round", "panto") else 17.0) * scale
    centre = (bridge + wide * size) / 2
    return np.stack([centre + x * wide / 2 * size, z * tall / 2 * size - 2.0 * scale], -1)


def _fit(params: GlassesParams, base: np.ndarray, marks: _Landmarks) -> _Front:
    left, right = (base[eye] for eye in marks.eyes)
    scale = float(np.clip((left.mean(0) - right.mean(0))[0] / _USUAL_EYES, 0.75, 1.2))
    outline = _outline(params, scale)
    outline[:, 1] -= params.drop
    centre, half = outline.mean(0), np.ptp(outline, axis=0) / 2 + params.thickness + 1.0
    front = base[marks.front]
    offset = (np.stack([np.abs(front[:, 0]), front[:, 2]], 1) - centre) / half
    behind = front[(offset**4).sum(1) < 1]
    room = behind[:, 1] - _bend(behind[:, 0], behind[:, 2], scale)
    cornea = min(left[:, 1].min(), right[:, 1].min()) - 8.0 * scale
    return _Front(outline, float(min(room.min() - 2.2, cornea)), scale)


def build(params: GlassesParams | None, base: np.ndarray, base_mesh: BaseMesh) -> list[Surface]:
    """Return "glasses_frame" and "glasses_lens", or "glasses_lens_dark" where it hides the eyes.

    All are thin and labelled ``Label.GLASSES``; the list is empty for None.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    """
    if params is None:
        return []
    marks = _landmarks(base_mesh)
    front = _fit(params, base, marks)
    pieces = [_bridge(params, front, base[marks.nose])]
    for number, side in enumerate((1.0, -1.0)):
        if params.rim != "none":
            pieces.append(_mirrored(_rim(params, front), side))
        ear, temple = base[marks.ears[number]], base[marks.temples[number]]
        pieces.append(_temple(params, front, ear, temple, side))
        if params.metal:
            pieces.append(_mirrored(_pad(front, base[marks.nose], side), side))
    lenses = [_mirrored(_lens(front), side) for side in (1.0, -1.0)]
    dark = params.lens == "dark"
    return [
        _surface("glasses_frame", pieces, _frame_material(params)),
        _surface("glasses_lens_dark" if dark else "glasses_lens", lenses, _lens_material(params)),
    ]


_Piece = tuple[np.ndarray, np.ndarray]


def _surface(name: str, pieces: list[_Piece], material: Material) -> Surface:
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in pieces])
    faces = [piece[1] + start for piece, start in zip(pieces, starts, strict=False)]
    vertices = np.concatenate([piece[0] for piece in pieces]).astype(np.float32)
    faces = np.concatenate(faces).astype(np.int32)
    return Surface(name, Label.GLASSES, vertices, faces, material, thin=True)


def _mirrored(piece: _Piece, side: float) -> _Piece:
    vertices, faces = piece
    if side > 0:
        return piece
    return vertices * np.array([-1.0, 1.0, 1.0]), faces[:, ::-1]


def _frame_material(params: GlassesParams) -> Material:
    if params.metal:
        # Brushed: on a polished wire a lamp is a string of white dots.
        return Material(params.colour, roughness=0.45, metallic=1.0)
    return Material(params.colour, roughness=0.3, specular=0.5)


def _lens_material(params: GlassesParams) -> Material:
    if params.lens == "clear":
        return Material((0.96, 0.97, 0.97), opacity=params.opacity, pane=True)
    if params.lens == "tinted":
        tint = tuple(1 - params.opacity * (1 - channel) for channel in params.tint)
        return Material(tint, opacity=_MIRRORED, pane=True)
    return Material(params.tint, roughness=0.05, specular=0.7, opacity=params.opacity)


def _bar(path: np.ndarray, across: np.ndarray, up: np.ndarray, closed: bool = False) -> _Piece:
    """Return a bar with rounded edges along a path (N, 3).

    ``across`` and ``up`` (N, 3) are half its section; the path, ``across`` and ``up`` make a
    right-handed system.
    """
    angle = np.arange(8) / 8 * 2 * np.pi + np.pi / 8
    corners = np.stack([np.cos(angle), np.sin(angle)], 1) * 1.06
    rings = path[:, None] + corners[:, :1] * across[:, None] + corners[:, 1:] * up[:, None]
    faces = lattice(len(path) + int(closed), 8, True) % (len(path) * 8)
    if not closed:
        caps = []
        for start, turn in ((0, 1), ((len(path) - 1) * 8, -1)):
            ring = start + np.arange(8)[::turn]
            caps += [ring[[0, 1, 2, 3]], ring[[0, 3, 4, 7]], ring[[4, 5, 6, 7]]]
        faces = np.concatenate([faces, caps])
    return rings.reshape(-1, 3), faces


def _on_sheet(front: _Front, flat: np.ndarray) -> np.ndarray:
    return np.stack([flat[:, 0], front.sheet(flat[:, 0], flat[:, 1]), flat[:, 1]], 1)


def _rim(params: GlassesParams, front: _Front) -> _Piece:
    path = _on_sheet(front, front.outline)
    tangent = normalised(np.roll(path, -1, 0) - np.roll(path, 1, 0))
    ahead = np.array([0.0, -1.0, 0.0])
    outwards = normalised(np.cross(ahead, tangent))
    outwards *= np.sign(((path - path.mean(0)) * outwards).sum())
    thickness = np.full(len(path), params.thickness / 2)
    if params.metal:
        deep = 0.9
    else:
        deep = 1.7
        brow = np.clip((path[:, 2] - path[:, 2].mean()) / 14, 0, 1)
        thickness = thickness * (0.85 + 0.35 * brow)
    if params.rim == "half":
        lower = (path[:, 2] - path[:, 2].mean()) / np.ptp(path[:, 2]) < -0.08
        thickness = np.where(lower, 0.25, thickness)
        deep = np.where(lower, 0.3, deep)[:, None]
    path = path + outwards * thickness[:, None]
    # Seen from the front the outline runs against the clock: tangent x outwards looks away.
    return _bar(path, outwards * thickness[:, None], -ahead * deep * np.ones((len(path), 1)), True)


def _lens(front: _Front) -> _Piece:
    rings = np.linspace(0.0, 1.0, 6)[:, None, None]
    centre = front.outline.mean(0)
    flat = centre + rings * (front.outline - centre)
    # A lens bulges: it is cut from a sphere of about 9 cm.
    bulge = (1 - rings[..., 0] ** 2) * np.ptp(front.outline[:, 0]) ** 2 / (8 * 110)
    points = _on_sheet(front, flat.reshape(-1, 2))
    points[:, 1] -= np.broadcast_to(bulge, flat.shape[:2]).ravel() - 0.4
    return points, lattice(len(rings), _OUTLINE, True)[:, ::-1]


def _ridge(nose: np.ndarray, height: float) -> float:
    """Return y of the nose's ridge at a height."""
    near = np.exp(-(((nose[:, 2] - height) / 3.0) ** 2) - (nose[:, 0] / 3.0) ** 2)
    return float((near * nose[:, 1]).sum() / max(near.sum(), 1e-9))


def _bridge(params: GlassesParams, front: _Front, nose: np.ndarray) -> _Piece:
    inner = front.outline[:, 0].min()
    low, high = front.outline[:, 1].min(), front.outline[:, 1].max()
    height = low + (high - low) * (0.74 if params.shape == "aviator" else 0.66)
    inside = front.outline[:, 0] < front.outline[:, 0].mean()
    edge = front.outline[inside]
    start = float(edge[np.abs(edge[:, 1] - height).argmin(), 0])
    half = params.thickness / 2
    start = max(start, inner) - (half if params.rim != "none" else -1.0)
    share = np.linspace(-1, 1, 13)
    arch = 1 - share**2
    z = height + arch * 2.6 * front.scale
    x = share * start
    flat = front.sheet(np.full(13, start), z)
    deep = 0.9 if params.metal else 1.7
    clear = min(_ridge(nose, h) for h in (height, height + 2.6 * front.scale)) - deep - 0.8
    middle = min(front.sheet(np.zeros(1), np.array([height]))[0] - 1.2, clear)
    y = flat + (middle - front.sheet(np.array([start]), np.array([height]))[0]) * arch
    path = np.stack([x, y, z], 1)
    up = np.array([0.0, 0.0, 1.0]) * np.full((13, 1), max(half * 1.1, 0.9))
    back = np.array([0.0, 1.0, 0.0]) * np.full((13, 1), deep)
    return _bar(path, back, up)


def _pad(front: _Front, nose: np.ndarray, side: float) -> _Piece:
    """Return a nose pad (on the left) that touches the flank of the nose."""
    height = -6.0 * front.scale
    flank = nose[(nose[:, 0] * side > 0) & (np.abs(nose[:, 2] - height) < 5)]
    depth = front.depth + 5.5
    gap = np.abs(flank[:, 1] - depth)
    width = float(np.abs(flank[gap.argsort()[:4], 0]).mean()) if len(flank) else 8.0
    angle = np.arange(10) / 10 * 2 * np.pi
    rise = np.linspace(-1, 1, 6)[:, None]
    round_ = np.sqrt(np.clip(1 - rise**2, 0.02, 1))
    x = width + 1.3 + 1.2 * round_ * np.cos(angle)
    y = depth + 2.2 * round_ * np.sin(angle)
    z = height + rise * 5.0 * front.scale + 0 * angle
    return np.stack([x, y, z], -1).reshape(-1, 3), lattice(6, 10, True)


def _temple(
    params: GlassesParams, front: _Front, ear: np.ndarray, temple: np.ndarray, side: float
) -> _Piece:
    """Return the arm from the front's outer end over the ear."""
    outline = front.outline
    low, high = outline[:, 1].min(), outline[:, 1].max()
    height = low + (high - low) * (0.80 if params.shape != "oval" else 0.6)
    outer = outline[outline[:, 0] > outline[:, 0].mean()]
    hinge_x = float(outer[np.abs(outer[:, 1] - height).argmin(), 0]) + params.thickness * 0.6
    top = ear[:, 2].max()
    summit = ear[ear[:, 2] > top - 6, 1].mean()
    hinge_y = float(front.sheet(np.array([hinge_x]), np.array([height]))[0])
    bend = np.array([summit + 1.0, top + 1.5])
    y = np.concatenate([[hinge_y, hinge_y + 1.5], np.linspace(hinge_y + 5, bend[0], 18)])
    z = np.interp(y, [hinge_y + 5, bend[0]], [height, bend[1]])
    beyond = np.linspace(3, 30, 7) * front.scale
    y = np.append(y, bend[0] + beyond * 0.72)
    z = np.append(z, bend[1] - beyond**1.5 * 0.18)
    x = _beside(y, z, temple * np.array([side, 1.0, 1.0]), hinge_x, hinge_y)
    thin = 0.7 if params.metal else np.clip(params.thickness * 0.32, 0.8, 1.5)
    tall = 0.9 if params.metal else np.clip(params.thickness * 0.75, 1.6, 3.8)
    x = x + thin
    x[-7:] -= np.linspace(0.5, 6.0, 7) * front.scale
    # The end piece reaches from the rim to the hinge.
    path = np.stack([x, y, z], 1)
    path = np.concatenate([[[hinge_x - 1.5, hinge_y, height]], path])
    count = len(path)
    sides = np.array([1.0, 0.0, 0.0]) * np.full((count, 1), thin)
    up = np.array([0.0, 0.0, 1.0]) * np.full((count, 1), tall)
    vertices, faces = _bar(path, -sides, up)
    return _mirrored((vertices, faces), side)


def _beside(
    y: np.ndarray, z: np.ndarray, temple: np.ndarray, hinge_x: float, hinge_y: float
) -> np.ndarray:
    """Return x of an arm that keeps outside of the head's side, at y and z (N,)."""
    away = ((y[:, None] - temple[:, 1]) / 11) ** 2 + ((z[:, None] - temple[:, 2]) / 11) ** 2
    skull = np.where(away < 1, temple[:, 0], 0).max(1)
    known = skull > 0
    skull = np.interp(y, y[known], skull[known]) if known.any() else np.full_like(y, hinge_x)
    at_ear = skull[-12:-6].max() + 0.8
    start = hinge_x + 2.0
    end = max(at_ear, start - 4)
    straight = np.interp(y, [hinge_y, hinge_y + 1.5, y[-7]], [hinge_x, start, end])
    return np.maximum(straight, np.where(y > hinge_y + 12, skull + 0.6, 0))
