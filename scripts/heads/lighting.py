# SPDX-License-Identifier: GPL-3.0-or-later
"""Light on a head: what kinds there are, drawn at random, and the lamps that make them.

Irradiance is relative: 1 lets a white matt surface facing the light show the linear value 1, so
light skin (albedo 0.45) comes out well exposed.  An environment of radiance 1 all round does the
same.  Angles are degrees in the head's frame: azimuth 0 before the face, 90 at the person's left;
elevation 90 overhead.
"""

from dataclasses import dataclass

import numpy as np

from . import maths
from .colours import LUMA

ENVIRONMENT_SHAPE = (64, 128)
# How often each kind is drawn.
KINDS = {
    "window": 0.17,
    "studio": 0.13,
    "overcast": 0.14,
    "sun": 0.13,
    "ceiling": 0.12,
    "lamp": 0.06,
    "side": 0.08,
    "top": 0.03,
    "under": 0.01,
    "coloured": 0.05,
    "backlight": 0.05,
    "flash": 0.03,
}
OUTDOORS = ("overcast", "sun")
DARK = ("lamp", "coloured", "flash")

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class LightParams:
    """The light of one photo.

    Attributes
    ----------
    kind
        A key of ``KINDS``.
    azimuth, elevation
        Where the main light is, degrees.
    size, distance
        Its width and its distance from the head, millimetres.
    kelvin, fill_kelvin
        Colour temperatures of the main light and of what fills the shadows.
    fill
        Irradiance of the fill light where the main light gives 1.
    second_azimuth, second_elevation, second
        A second lamp (fill, rim or coloured) and its irradiance, 0 for none.
    hue, second_hue
        Hues of coloured light, 0 to 1; used by the kind "coloured".
    sun_angle
        Angular diameter of the sun, degrees: thin cloud softens it.
    exposure
        Offset from automatic exposure in stops.
    seed
        For what is in the environment.
    """

    kind: str
    azimuth: float
    elevation: float
    size: float
    distance: float
    kelvin: float
    fill_kelvin: float
    fill: float
    second_azimuth: float
    second_elevation: float
    second: float
    hue: float
    second_hue: float
    sun_angle: float
    exposure: float
    seed: int


@dataclass(frozen=True)
class AreaLight:
    """A rectangular lamp: millimetres in the head's frame, colour of luminance 1.

    Attributes
    ----------
    irradiance
        At the target, on a surface facing the lamp.
    """

    position: Vector
    target: Vector
    size: tuple[float, float]
    colour: Vector
    irradiance: float

    def watts(self, scale: float) -> float:
        """Return the power of a Blender area light for it, at ``scale`` units a millimetre.

        A square lamp's irradiance on its axis falls short of a point's; the factor is that of a
        disc of the same area.
        """
        distance = np.linalg.norm(np.subtract(self.position, self.target))
        area = self.size[0] * self.size[1]
        return float(np.pi * (np.pi * distance**2 + area) * scale**2 * self.irradiance)


@dataclass(frozen=True)
class SunLight:
    """A lamp infinitely far away; ``direction`` is the unit vector towards it, ``angle`` degrees.

    A Blender sun of strength ``pi * irradiance`` gives that irradiance.
    """

    direction: Vector
    angle: float
    colour: Vector
    irradiance: float


@dataclass(frozen=True)
class Rig:
    """The lamps of a scene.

    Attributes
    ----------
    environment
        float32 (64, 128, 3), linear RGB radiance, equirectangular as Cycles maps it without any
        rotation: row 0 at the zenith, the centre of the image towards +x (the person's left), a
        quarter to its right -y (before the face), a quarter to its left +y (behind the head).
    """

    areas: tuple[AreaLight, ...]
    suns: tuple[SunLight, ...]
    environment: np.ndarray


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Return the unit vector, float64 (3,), towards an azimuth and an elevation in degrees."""
    return maths.direction(*np.radians([azimuth, elevation]))


def luminance(colour: np.ndarray) -> np.ndarray:
    """Return the luminance of linear sRGB colours (..., 3)."""
    return np.asarray(colour) @ LUMA


def blackbody(kelvin: float, white: float = 5600.0) -> np.ndarray:
    """Return the linear RGB colour of luminance 1 of a lamp, seen by a camera set to ``white``.

    Wien's law at the peaks of the three channels; good to a few per cent from 2000 to 12000 K.
    """
    wavelengths = np.array([600e-9, 545e-9, 460e-9])
    colour = np.exp(0.014388 / wavelengths * (1.0 / white - 1.0 / kelvin))
    return colour / luminance(colour)


def hue_colour(hue: float) -> np.ndarray:
    """Return a strong linear RGB colour of a hue (0 to 1), not quite saturated."""
    wheel = np.abs((hue * 6.0 + np.array([0.0, 4.0, 2.0])) % 6.0 - 3.0) - 1.0
    return 0.12 + 0.88 * np.clip(wheel, 0.0, 1.0)


# The share of a light's colour that a camera's automatic white balance takes away.
_BALANCED = 0.7

# By kind: bounds of azimuth (both signs are drawn but for "flash"), elevation, size and distance
# of the main light, its kelvin, the fill, and the fill's kelvin.
_BOUNDS = {
    "window": (
        (15, 105), (0, 35), (700, 1800), (900, 2600),
        (5000, 7500), (0.08, 0.5), (3500, 6000),
    ),
    "studio": (
        (15, 60), (15, 45), (400, 1300), (1000, 2200),
        (5200, 6000), (0.05, 0.35), (5200, 6000),
    ),
    "overcast": (
        (0, 180), (45, 85), (3000, 5000), (4000, 6000),
        (6000, 8000), (0.7, 1.6), (6000, 8500),
    ),
    "sun": (
        (0, 150), (12, 70), (0, 0), (9000, 9000),
        (4300, 5700), (0.12, 0.7), (6500, 10000),
    ),
    "ceiling": (
        (0, 180), (55, 85), (300, 1200), (900, 2000),
        (2800, 5500), (0.2, 0.8), (2900, 5200),
    ),
    "lamp": (
        (10, 110), (-20, 40), (80, 350), (500, 1600),
        (2100, 3000), (0.02, 0.15), (2400, 4500),
    ),
    "side": (
        (70, 110), (-5, 40), (60, 900), (700, 2500),
        (3000, 6500), (0.01, 0.12), (3500, 7000),
    ),
    "top": (
        (0, 60), (60, 88), (100, 800), (800, 1800),
        (3200, 6000), (0.04, 0.25), (3500, 6500),
    ),
    "under": (
        (0, 60), (-70, -35), (80, 500), (500, 1200),
        (2600, 6500), (0.05, 0.25), (3200, 6500),
    ),
    "coloured": (
        (20, 100), (-15, 45), (150, 900), (700, 2000),
        (3000, 6500), (0.03, 0.25), (3000, 8000),
    ),
    "backlight": (
        (125, 175), (5, 50), (200, 1500), (1200, 3000),
        (3500, 6500), (0.15, 0.5), (4500, 8000),
    ),
    "flash": (
        (-8, 8), (-4, 12), (25, 90), (500, 1500),
        (5200, 6200), (0.02, 0.2), (2600, 4500),
    ),
}  # fmt: skip


def draw(rng: np.random.Generator) -> LightParams:
    """Draw the light of a photo."""
    kind = str(rng.choice(list(KINDS), p=np.array(list(KINDS.values()))))
    bounds = _BOUNDS[kind]
    azimuth, elevation, size, distance, kelvin, fill, fill_kelvin = (
        float(low + (high - low) * u) for (low, high), u in zip(bounds, rng.random(7), strict=True)
    )
    side = 1.0 if kind == "flash" or rng.random() < 0.5 else -1.0
    second_azimuth = float(rng.uniform(20, 170))
    second_elevation = float(rng.uniform(-10, 50))
    strength = float(rng.uniform(0.1, 1.2))
    # A second lamp stands mostly on the other side.
    second_azimuth *= -side if rng.random() < 0.8 else side
    has_second = rng.random() < {"studio": 0.85, "coloured": 0.9, "ceiling": 0.7}.get(kind, 0.15)
    hue, apart = rng.random(2)
    exposure = float(np.clip(rng.normal(-0.1, 0.38) - 0.25 * (kind in DARK), -1.6, 0.8))
    return LightParams(
        kind=kind,
        azimuth=round(side * azimuth, 4),
        elevation=round(elevation, 4),
        size=round(size, 4),
        distance=round(distance, 4),
        kelvin=round(kelvin, 4),
        fill_kelvin=round(fill_kelvin, 4),
        fill=round(fill, 4),
        second_azimuth=round(second_azimuth, 4),
        second_elevation=round(second_elevation, 4),
        second=round(strength, 4) if has_second else 0.0,
        hue=round(float(hue), 4),
        second_hue=round(float((hue + 0.25 + 0.5 * apart) % 1.0), 4),
        sun_angle=round(float(0.55 * 10 ** rng.uniform(0.0, 1.2)), 4),
        exposure=round(exposure, 4),
        seed=int(rng.integers(2**31)),
    )


def white(params: LightParams) -> float:
    """Return the colour temperature a camera's automatic white balance takes for white."""
    seen = 1.0 / params.kelvin + params.fill / params.fill_kelvin
    seen = (1.0 + params.fill) / seen
    return 5600.0 ** (1.0 - _BALANCED) * seen**_BALANCED


def rig(
    params: LightParams, camera: Vector = (0.0, -1000.0, 0.0), subject: Vector = (0.0, -70.0, -30.0)
) -> Rig:
    """Return the lamps of a light.

    Parameters
    ----------
    camera
        Where the camera is, millimetres in the head's frame: a flash sits beside it.
    subject
        What the lamps point at: the middle of the face.
    """
    main = blackbody(params.kelvin, white(params))
    second = blackbody(0.5 * (params.kelvin + params.fill_kelvin), white(params))
    if params.kind == "coloured":
        main, second = (_mild(hue_colour(hue)) for hue in (params.hue, params.second_hue))
    areas, suns = [], []
    if params.kind == "sun":
        suns.append(
            SunLight(
                _vector(direction(params.azimuth, params.elevation)),
                params.sun_angle,
                _vector(main),
                1.0,
            )
        )
    elif params.kind == "flash":
        areas.append(_flash(params, camera, subject, main))
    else:
        areas.append(
            _area(
                subject, params.azimuth, params.elevation, params.distance, params.size, main, 1.0
            )
        )
    if params.second > 0.0:
        areas.append(
            _area(
                subject,
                params.second_azimuth,
                params.second_elevation,
                max(0.8 * params.distance, 700.0) if params.kind != "sun" else 2000.0,
                max(0.6 * params.size, 120.0),
                second,
                params.second,
            )
        )
    return Rig(tuple(areas), tuple(suns), environment(params))


def _vector(values: np.ndarray) -> Vector:
    return tuple(round(float(value), 5) for value in values)


def _mild(colour: np.ndarray) -> np.ndarray:
    """Return a colour of luminance 1, less if that would burn out its strongest channel."""
    return colour / max(float(luminance(colour)), 0.35 * float(colour.max()))


def _area(
    subject: Vector,
    azimuth: float,
    elevation: float,
    distance: float,
    size: float,
    colour: np.ndarray,
    irradiance: float,
) -> AreaLight:
    position = np.array(subject) + distance * direction(azimuth, elevation)
    return AreaLight(
        _vector(position), subject, (size, 0.8 * size), _vector(colour), float(irradiance)
    )


def _flash(params: LightParams, camera: Vector, subject: Vector, colour: np.ndarray) -> AreaLight:
    """Return a small lamp a hand's breadth above the camera, a little to a side."""
    offset = np.array([8.0 * params.azimuth, 0.0, 40.0 + 6.0 * abs(params.elevation)])
    return AreaLight(
        _vector(np.array(camera) + offset),
        subject,
        (params.size, 0.8 * params.size),
        _vector(colour),
        1.0,
    )


def environment(params: LightParams) -> np.ndarray:
    """Return what surrounds the head, as ``Rig.environment``; its mean radiance is the fill's."""
    rng = np.random.default_rng(params.seed)
    azimuth, elevation = _grid()
    colour = blackbody(params.fill_kelvin, white(params))
    if params.kind in OUTDOORS:
        image = _sky(rng, elevation, azimuth, params) * np.sqrt(colour)
    else:
        image = _room(rng, azimuth, elevation) * colour
    if params.kind == "coloured":
        tint = 0.5 + 0.5 * np.sin(np.radians(azimuth) + rng.uniform(0, 6.28))[..., None]
        hues = _mild(hue_colour(params.hue)), _mild(hue_colour(params.second_hue))
        image = image * (0.5 + 0.5 * (tint * hues[0] + (1 - tint) * hues[1]))
    weight = np.cos(np.radians(elevation))
    mean = float((luminance(image) * weight).sum() / weight.sum())
    return (image * (params.fill / mean)).astype(np.float32)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Return the azimuth and the elevation of each pixel of an environment, degrees."""
    rows, columns = ENVIRONMENT_SHAPE
    elevation = 90.0 - (np.arange(rows) + 0.5) * 180.0 / rows
    # Cycles: u = 1/2 - atan2(y, x) / 2 pi, and our azimuth is atan2(x, -y).
    azimuth = 90.0 - ((np.arange(columns) + 0.5) / columns - 0.5) * 360.0
    azimuth = (azimuth + 180.0) % 360.0 - 180.0
    return np.meshgrid(azimuth, elevation)


def _between(azimuth: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.abs((azimuth - centre + 180.0) % 360.0 - 180.0) < width


def _sky(
    rng: np.random.Generator, elevation: np.ndarray, azimuth: np.ndarray, params: LightParams
) -> np.ndarray:
    """Return sky over ground, with a skyline of trees or houses."""
    blue = params.kind == "sun"
    up = np.clip(elevation / 90.0, 0.0, 1.0)[..., None]
    zenith = np.array([0.45, 0.62, 1.0]) if blue else np.array([1.0, 1.03, 1.08]) * 1.3
    horizon = np.array([1.0, 1.1, 1.2]) if blue else np.array([0.85, 0.87, 0.9])
    image = horizon + (zenith - horizon) * np.sqrt(up)
    grounds = np.array([[0.25, 0.3, 0.14], [0.45, 0.42, 0.38], [0.6, 0.52, 0.4], [0.3, 0.3, 0.31]])
    ground = grounds[rng.integers(len(grounds))] * rng.uniform(0.5, 1.3)
    image = np.where(elevation[..., None] < 0, ground, image)
    skyline = np.zeros_like(azimuth)
    for _ in range(int(rng.integers(0, 8))):
        height = rng.uniform(3, 35)
        skyline = np.maximum(
            skyline, height * _between(azimuth, rng.uniform(-180, 180), rng.uniform(8, 50))
        )
    dark = rng.uniform(0.1, 0.4) * np.array([0.8, 1.0, 0.7])
    hidden = (elevation >= 0) & (elevation < skyline)
    return np.where(hidden[..., None], dark, image)


def _room(rng: np.random.Generator, azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Return walls, a brighter ceiling, a darker floor, and a few windows or lamps."""
    walls = 0.6 + 0.4 * np.cos(np.radians(azimuth - rng.uniform(-180, 180)))
    image = np.where(elevation > 35, rng.uniform(0.8, 2.0), walls)
    image = np.where(elevation < -35, rng.uniform(0.1, 0.6), image)[..., None] * np.ones(3)
    image *= 0.85 + 0.3 * rng.random(3)
    for _ in range(int(rng.integers(0, 4))):
        low = rng.uniform(-15, 10)
        window = _between(azimuth, rng.uniform(-180, 180), rng.uniform(6, 25))
        window &= (elevation > low) & (elevation < low + rng.uniform(15, 45))
        image[window] = rng.uniform(3, 9)
    for _ in range(int(rng.integers(0, 3))):
        lamp = _between(azimuth, rng.uniform(-180, 180), rng.uniform(5, 20))
        lamp &= np.abs(elevation - rng.uniform(45, 75)) < rng.uniform(3, 8)
        image[lamp] = rng.uniform(4, 12)
    return image
