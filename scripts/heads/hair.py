# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's hair, brows, lashes and beard: what is drawn, and what is built of it."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from .base_mesh import BaseMesh, Fitted
from .colours import Colour
from .maths import smoothstep
from .shapes import Label, Material, Strands, Surface
from .strands import (
    MASK_SIZE,
    Beard,
    Cut,
    PosedHead,
    beard_density,
    beard_hair,
    brow_density,
    brow_hair,
    head_of,
    lash_hair,
    scalp_density,
    scalp_hair,
    scalp_shell,
)

_TEXTURE_SIZE = 512

# Linear RGB; how often among light and among dark skins.
_COLOURS = {
    "black": ((0.011, 0.009, 0.008), 0.12, 0.76),
    "dark brown": ((0.030, 0.019, 0.013), 0.24, 0.20),
    "brown": ((0.070, 0.042, 0.025), 0.22, 0.04),
    "light brown": ((0.140, 0.090, 0.052), 0.14, 0.0),
    "dark blond": ((0.240, 0.165, 0.090), 0.12, 0.0),
    "blond": ((0.420, 0.310, 0.170), 0.08, 0.0),
    "auburn": ((0.095, 0.033, 0.016), 0.04, 0.0),
    "red": ((0.220, 0.072, 0.024), 0.04, 0.0),
}
_DYES = {
    "platinum": (0.62, 0.54, 0.40),
    "pink": (0.50, 0.10, 0.22),
    "blue": (0.03, 0.08, 0.28),
    "green": (0.04, 0.18, 0.10),
    "violet": (0.16, 0.04, 0.24),
    "cherry": (0.20, 0.012, 0.03),
}
_GREY = (0.44, 0.43, 0.41)

# Hair meshes of MakeHuman: how often for women and for men.
_MESHES = {
    "bob01": (0.025, 0.0),
    "bob02": (0.04, 0.0),
    "braid01": (0.12, 0.0),
    "long01": (0.09, 0.02),
    "ponytail01": (0.16, 0.05),
    "short01": (0.06, 0.26),
    "short02": (0.04, 0.28),
    "short03": (0.04, 0.03),
    "short04": (0.02, 0.26),
}

# How far their hairlines lie behind the ordinary one, as ``Cut.recession``.
_MESH_RECESSION = {"short04": 0.35, "ponytail01": 0.25}

# Grown hair: the cut; how often for women and for men, with light and with dark skin.
_CUTS = {
    "buzz": (Cut(5, 2.5, lift=0.75, volume=4, clump=0, radius=0.2, hairs=24),
             (0.06, 0.12), (0.18, 0.30)),
    "crop": (Cut(24, 6, "forward", lift=0.6, volume=12, clump=0.5, mess=0.3),
             (0.12, 0.06), (0.22, 0.10)),
    "parted": (Cut(70, 14, "part", lift=0.6, volume=22, shell=0.4, parting=25),
               (0.22, 0.06), (0.18, 0.05)),
    "back": (Cut(80, 16, "back", lift=0.6, volume=18, shell=0.4),
             (0.16, 0.12), (0.12, 0.04)),
    "spiky": (Cut(26, 8, lift=0.88, volume=24, clump=0.8, mess=0.3),
              (0.08, 0.0), (0.12, 0.02)),
    "long": (Cut(230, 210, "part", lift=0.4, volume=20, mess=0.12, shell=0.4, hairs=17),
             (0.45, 0.30), (0.05, 0.03)),
    "fringe": (Cut(190, 170, "part", lift=0.4, volume=18, mess=0.12, shell=0.4, hairs=17,
                   fringe=75), (0.25, 0.10), (0.01, 0.0)),
    "natural": (Cut(34, 16, lift=0.6, volume=15, clump=0.5, mess=0.35, shell=0.25),
                (0.16, 0.04), (0.12, 0.04)),
    "curly": (Cut(50, 24, lift=0.75, volume=26, curl=3, mess=0.6, clump=0.6, shell=0.5,
                  hairs=16, radius=0.26),
              (0.17, 0.25), (0.05, 0.2)),
    "afro": (Cut(55, 45, lift=0.95, volume=42, curl=3.5, mess=0.6, clump=0.5, shell=0.7,
                 hairs=16, radius=0.28),
             (0.03, 0.35), (0.01, 0.25)),
}  # fmt: skip
_SHAVEN = Cut(0.8, 0.8, lift=0.8, volume=0.8, clump=0, radius=0.14, hairs=25)
_RING = Cut(9, 7, lift=0.5, volume=4, hairs=24, recession=0.9)

_FULL = ("moustache", "goatee", "jaw", "sideburns")
_BEARDS = {
    "stubble": (Beard(_FULL, 1.8, 0.7, radius=0.13), 0.30),
    "moustache": (Beard(("moustache",), 7.0, hairs=90), 0.12),
    "goatee": (Beard(("moustache", "goatee"), 7.0, hairs=75), 0.15),
    "short": (Beard(_FULL, 8.0, hairs=60), 0.28),
    "long": (Beard(_FULL, 34.0, curl=1.2), 0.09),
    "sideburns": (Beard(("sideburns",), 6.0), 0.06),
}

_BROWS = {
    False: ("001", "004", "005", "006", "007", "008", "010", "011"),
    True: ("001", "002", "003", "004", "005", "008", "009", "012"),
}


@dataclass(frozen=True)
class HairParams:
    """A person's hair.

    Attributes
    ----------
    seed
        Of the noise inside ``build``.
    style
        "bald", "shaven", "ring" (bare on the top), a grown cut such as "buzz" or "afro", or a hair
        mesh such as "bob02".
    colour, brow_colour
        Linear RGB of the hair, and of brows and lashes, before they greyed; the first may be dyed.
    grey
        0 to 1: how many hairs are grey.
    length, volume
        Factors on what the cut has.
    curl
        Millimetres added to the radius of its curls.
    density
        Factor on the number of hairs.
    parting
        x of the parting in millimetres.
    recession, baldness
        0 to 1: how far the hairline has moved back; how much of the top is bare.
    beard
        "none", "stubble", "moustache", "goatee", "short", "long" or "sideburns".
    beard_length, beard_density
        Factors on what the beard has.
    brow
        "grown", or the number of a brow mesh such as "003".
    brow_thickness
        1 is an ordinary man's; of grown brows only.
    lashes
        "grown", or the number of a lash mesh such as "02".
    """

    seed: int
    style: str
    colour: Colour
    brow_colour: Colour
    grey: float
    length: float
    volume: float
    curl: float
    density: float
    parting: float
    recession: float
    baldness: float
    beard: str
    beard_length: float
    beard_density: float
    brow: str
    brow_thickness: float
    lashes: str


def _pick(weights: dict[str, float], chance: float) -> str:
    """Return the name at ``chance`` (0 to 1) of the summed weights."""
    sums = np.cumsum(list(weights.values()))
    return list(weights)[int(np.searchsorted(sums / sums[-1], chance, side="right"))]


def _draw_style(u: np.ndarray, male: bool, age: float, dark: float, sources: bool) -> str:
    bare = 0.035 if not male else 0.06 if age < 25 else 0.10 + 0.16 * min((age - 25) / 40, 1)
    if age >= 16 and u[0] < bare:
        ring = 0.35 if male and age > 38 else 0.0
        return _pick({"bald": 0.4, "shaven": 0.6 - ring / 2, "ring": ring}, u[1])
    if sources and u[2] < (0.36 if male else 0.62):
        return _pick({name: share[male] for name, share in _MESHES.items()}, u[3])
    shares = {}
    for name, (_, *by_sex) in _CUTS.items():
        light, deep = by_sex[male]
        shares[name] = light * (1 - dark) + deep * dark
    return _pick(shares, u[3])


def _draw_colour(u: np.ndarray, age: float, dark: float) -> tuple[Colour, float]:
    """Return the colour of hair that has not greyed, and how much has."""
    shares = {name: light * (1 - dark) + deep * dark for name, (_, light, deep) in _COLOURS.items()}
    grey = float(np.clip((age - 40) / 40 + 0.6 * (u[1] - 0.6), 0, 1))
    grey = grey if u[2] < 0.75 else 0.0  # the others dye theirs
    brightness = 0.75 + 0.6 * u[3]
    colour = _COLOURS[_pick(shares, u[0])][0]
    return tuple(round(float(channel * brightness), 4) for channel in colour), grey


def draw(
    rng: np.random.Generator, sex: float, age: float, skin_tone: float, sources: bool
) -> HairParams:
    """Draw the hair of a person.

    Parameters
    ----------
    sex
        0 for a woman to 1 for a man.
    age
        Years.
    skin_tone
        0 light to 1 dark.
    sources
        Whether MakeHuman's meshes are at hand; without them all hair is grown.
    """
    u = rng.random(32)
    male = bool(sex > 0.5)
    dark = float(smoothstep(np.float64(skin_tone), 0.25, 0.75))
    natural, grey = _draw_colour(u[4:8], age, dark)
    style = _draw_style(u[0:4], male, age, dark, sources)
    ageing = float(np.clip((age - 22) / 45, 0, 1)) if male else 0.0
    recession = ageing * u[9] + 0.12 * u[10]
    baldness = 0.45 + 0.4 * u[11] if style == "ring" else 0.0
    beard = "none"
    if male and age >= 18 and u[12] < 0.46:
        beard = _pick({name: share for name, (_, share) in _BEARDS.items()}, u[13])
    colour = natural
    if u[8] < 0.07 and 14 < age < 55 and beard == "none":
        colour, grey = _DYES[_pick(dict.fromkeys(_DYES, 1.0), u[27])], 0.0
    brow = "grown"
    if sources and u[14] < 0.5:
        brow = _BROWS[male][int(u[15] * len(_BROWS[male]))]
    lashes = "grown"
    if sources:
        lashes = "01" if male else f"{1 + int(u[16] * 4):02d}"
    thickness = (0.75 if male else 0.4) + 0.4 * u[17]
    return HairParams(
        seed=int(u[18] * 2**31),
        style=style,
        colour=colour,
        brow_colour=natural,
        grey=round(grey, 4),
        length=round(0.7 + 0.6 * u[19], 4),
        volume=round(0.75 + 0.5 * u[20], 4),
        curl=round(max(0.0, 3.0 * u[21] - 2.0) + dark * 0.8 * u[22], 4),
        density=round(0.8 + 0.35 * u[23], 4),
        parting=round((20 + 15 * u[24]) * (-1 if u[25] < 0.5 else 1), 4),
        recession=round(min(recession, 0.8), 4),
        baldness=round(baldness, 4),
        beard=beard,
        beard_length=round(0.6 + 0.8 * u[26], 4),
        beard_density=round(0.6 + 0.4 * u[27], 4),
        brow=brow,
        brow_thickness=round(thickness, 4),
        lashes=lashes,
    )


def _cut(params: HairParams) -> Cut | None:
    """Return the cut of grown hair; None for bare heads and meshes."""
    if params.style == "shaven":
        return replace(_SHAVEN, recession=params.recession)
    if params.style == "ring":
        return replace(_RING, top=_RING.top * params.length, baldness=params.baldness)
    if params.style not in _CUTS:
        return None
    cut = _CUTS[params.style][0]
    # A mild wave would look like noise on hair of a few millimetres.
    curl = cut.curl + (params.curl if cut.top > 20 else 0.0)
    return replace(
        cut,
        top=cut.top * params.length,
        sides=cut.sides * params.length,
        volume=cut.volume * params.volume,
        hairs=cut.hairs * params.density,
        curl=curl,
        parting=params.parting,
        recession=params.recession,
    )


def _beard(params: HairParams) -> Beard | None:
    if params.beard == "none":
        return None
    beard = _BEARDS[params.beard][0]
    return replace(
        beard,
        length=beard.length * params.beard_length,
        density=beard.density * params.beard_density,
        curl=beard.curl + 0.4 * params.curl if beard.length > 5 else 0.0,
    )


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    return tuple(float(a * (1 - share) + b * share) for a, b in zip(first, second, strict=True))


def mean_colour(params: HairParams) -> Colour:
    """Return the hair's colour as a whole, linear RGB: what ``scalp_mask`` is to be filled with."""
    # A few grey hairs are hardly seen among the others.
    return _mixed(params.colour, _GREY, params.grey**2)


def _hairs(
    name: str, points: np.ndarray, radius: float, colour: Colour, grey: float
) -> list[Strands]:
    """Share hairs out among a few shades."""
    rng = np.random.default_rng(len(points))
    dark = tuple(0.6 * channel for channel in colour)
    light = tuple(min(1.4 * channel, 0.85) for channel in colour)
    shades = [(colour, 0.45), (dark, 0.3), (light, 0.25)]
    shares = [share * (1 - grey) for _, share in shades] + [grey]
    colours = [_mixed(shade, _GREY, 0.4 * grey) for shade, _ in shades]
    colours.append(_mixed(colour, _GREY, 0.4 + 0.6 * grey))
    of_hair = rng.choice(len(shares), len(points), p=np.array(shares) / sum(shares))
    return [
        Strands(
            f"{name}-{number}",
            points[of_hair == number],
            (radius, 0.5 * radius),
            Material(colour=shade, roughness=0.4, specular=0.4),
        )
        for number, shade in enumerate(colours)
        if (of_hair == number).any()
    ]


@lru_cache(maxsize=64)
def _fitted(path: Path) -> Fitted:
    return Fitted(path)


@lru_cache(maxsize=64)
def _grey_texture(path: Path, mean: float) -> np.ndarray:
    """Return a texture's brightness about ``mean`` (linear) with its opacity, uint8 (H, W, 4)."""
    with Image.open(path) as image:
        image = image.convert("RGBA")
    image = image.resize((_TEXTURE_SIZE, _TEXTURE_SIZE), Image.Resampling.BOX)
    pixels = np.asarray(image, np.float32) / 255
    brightness = (pixels[..., :3] ** 2.2).mean(axis=-1)
    opaque = pixels[..., 3] > 0.5 * pixels[..., 3].max()
    # The added grey is for the textures of lashes, which are black.
    brightness = (brightness / max(float(brightness[opaque].mean()), 1e-4) + 1e-3) ** 0.7
    encoded = np.clip(mean * brightness / brightness[opaque].mean(), 0, 1) ** (1 / 2.2)
    return np.round(np.dstack([encoded] * 3 + [pixels[..., 3]]) * 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _streaks(mean: float) -> np.ndarray:
    """Return streaks along v for a mesh that came without a texture, uint8 (H, W, 3)."""
    rng = np.random.default_rng(7)
    size = _TEXTURE_SIZE
    fine = rng.normal(size=(size // 64, size))
    broad = np.repeat(rng.normal(size=(size // 128, size // 4)), 4, axis=1)
    rows = np.linspace(0, 1, size)
    value = sum(
        np.stack([np.interp(rows, np.linspace(0, 1, len(part)), column) for column in part.T], 1)
        for part in (0.22 * fine, 0.12 * broad)
    )
    encoded = np.clip(mean * np.exp(value), 0, 1) ** (1 / 2.2)
    return np.round(np.dstack([encoded] * 3) * 255).astype(np.uint8)


_MEAN = 0.6  # linear brightness of recoloured textures


def _card(path: Path, name: str, base: np.ndarray, colour: Colour) -> Surface:
    """Fit a mesh of MakeHuman and colour it."""
    fitted = _fitted(path / f"{path.name}.mhclo")
    textures = sorted(path.glob("*.png"))
    image = _grey_texture(textures[0], _MEAN) if textures else _streaks(_MEAN)
    tint = tuple(min(channel / _MEAN, 1.0) for channel in colour)
    return Surface(
        name,
        Label.HAIR,
        fitted.fit(base),
        fitted.mesh.faces,
        Material(colour=tint, image=image, roughness=0.5, specular=0.35),
        uv=fitted.mesh.uv,
        thin=True,
    )


def _scalp(params: HairParams, posed: PosedHead) -> list[Surface | Strands]:
    cut = _cut(params)
    if cut is None:
        return []
    points = scalp_hair(posed, cut, params.seed)
    found = _hairs("hair", points, cut.radius, params.colour, params.grey)
    shell = scalp_shell(posed, cut, params.seed)
    if shell is not None:
        colour = tuple(0.5 * channel for channel in mean_colour(params))
        material = Material(colour=colour, roughness=0.8, specular=0.2, bump=1.5, bump_scale=2.5)
        found.append(Surface("hair-shell", Label.HAIR, *shell, material))
    return found


def _brows(params: HairParams, posed: PosedHead, makehuman: Path | None) -> list[Surface | Strands]:
    grey = 0.5 * params.grey
    if params.brow == "grown" or makehuman is None:
        points = brow_hair(posed, params.brow_thickness, params.seed)
        return _hairs("brows", points, 0.16, params.brow_colour, grey)
    name = f"eyebrow{params.brow}"
    colour = _mixed(tuple(0.7 * channel for channel in params.brow_colour), _GREY, grey)
    return [_card(makehuman / "eyebrows" / name, "brows", posed.base, colour)]


def _lashes(
    params: HairParams, posed: PosedHead, makehuman: Path | None
) -> list[Surface | Strands]:
    colour = tuple(0.35 * channel for channel in params.brow_colour)
    if params.lashes == "grown" or makehuman is None:
        points = lash_hair(posed, params.seed)
        return [Strands("lashes", points, (0.09, 0.03), Material(colour=colour, roughness=0.5))]
    path = makehuman / "eyelashes" / f"eyelashes{params.lashes}"
    return [_card(path, "lashes", posed.base, colour)]


def build(
    params: HairParams, base: np.ndarray, base_mesh: BaseMesh, makehuman: Path | None
) -> list[Surface | Strands]:
    """Make hair, beard, brows and lashes.

    Parameters
    ----------
    base
        float32 (19158, 3): the person's base mesh in the head's frame.
    makehuman
        The folder with ``hair``, ``eyebrows`` and ``eyelashes``; None if it is not there, for
        parameters drawn without it.
    """
    posed = PosedHead(head_of(base_mesh), base)
    found = _scalp(params, posed)
    if params.style in _MESHES:
        if makehuman is None:
            raise ValueError(
                f"The hair {params.style} is a MakeHuman mesh: give the folder of sources, or "
                "draw hair without them."
            )
        found.append(_card(makehuman / "hair" / params.style, "hair", base, mean_colour(params)))
    beard = _beard(params)
    if beard is not None:
        points = beard_hair(posed, beard, params.seed)
        found += _hairs("beard", points, beard.radius, params.colour, min(1.0, 1.2 * params.grey))
    found += _brows(params, posed, makehuman)
    return found + _lashes(params, posed, makehuman)


# How strongly hair shades the skin below it.
_SHADE = {"shaven": 0.35, "buzz": 0.75, "ring": 0.6}
_BEARD_SHADE = {"stubble": 0.45, "sideburns": 0.6}


def scalp_mask(params: HairParams, base_mesh: BaseMesh) -> np.ndarray:
    """Return how far to blend the skin's texture towards ``mean_colour``.

    Returns
    -------
    mask
        float32 (512, 512), 0 to 1, in the UV layout of MakeHuman's skins, row 0 at v = 1.
    """
    covered, sites = head_of(base_mesh).texels
    shade = np.zeros(len(sites.points))
    cut = _cut(params)
    if params.style in _MESHES:
        cut = Cut(10, 10, recession=_MESH_RECESSION.get(params.style, 0.15))
    if cut is not None:
        density = scalp_density(sites, cut, params.seed)
        shade = _SHADE.get(params.style, 0.85) * density
    beard = _beard(params)
    if beard is not None:
        grown = beard_density(sites, beard, params.seed)
        shade = np.maximum(shade, _BEARD_SHADE.get(params.beard, 0.65) * grown)
    if params.brow == "grown":
        brows = brow_density(sites, params.brow_thickness)
        shade = np.maximum(shade, 0.4 * brows)
    mask = np.zeros((MASK_SIZE, MASK_SIZE), np.float32)
    mask[covered] = shade
    return mask
