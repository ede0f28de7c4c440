# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen behind a person: drawn scenes and crops of free photographs, mostly out of focus.

Scenes are painted in 8-bit sRGB with a "glow" beside it for what outshines white, then brought to
the brightness that goes with the light.  The photographs come with scikit-image: those its
documentation gives as CC0 or public domain and that show nobody.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from . import lighting
from .colours import decode_srgb
from .lighting import LightParams

PHOTOS = (
    "brick.png", "grass.png", "gravel.png",
    "coffee.png", "rocket.jpg", "chelsea.png", "hubble_deep_field.jpg", "clock_motion.png",
)  # fmt: skip
_SURFACES = 3  # the first ones are surfaces, fit for outdoors

_INDOORS = {
    "room": 0.36, "shelves": 0.12, "plain": 0.16, "studio": 0.08, "photo": 0.09,
    "pattern": 0.07, "clutter": 0.12,
}  # fmt: skip
_STUDIO = {"studio": 0.62, "plain": 0.23, "room": 0.09, "pattern": 0.06}
_OUTDOORS = {"nature": 0.3, "foliage": 0.25, "street": 0.29, "photo": 0.08, "plain": 0.08}
_DARK = {
    "night": 0.36,
    "stage": 0.14,
    "room": 0.28,
    "plain": 0.08,
    "shelves": 0.07,
    "clutter": 0.07,
}
# Mean linear brightness by kind of light, low and high.
_LEVELS = {
    "window": (0.08, 0.5), "studio": (0.02, 0.95), "overcast": (0.18, 0.65), "sun": (0.15, 0.6),
    "ceiling": (0.1, 0.5), "lamp": (0.01, 0.1), "side": (0.01, 0.2), "top": (0.02, 0.25),
    "under": (0.01, 0.12), "coloured": (0.01, 0.12), "backlight": (0.35, 1.1),
    "flash": (0.01, 0.15),
}  # fmt: skip
_CAST_SHARE = 0.7
_COARSE = ("clutter", "nature", "street", "stage", "foliage")


@dataclass(frozen=True)
class BackdropParams:
    """What is behind a person.

    Attributes
    ----------
    kind
        A scene's name.
    blur
        Radius of its circles of confusion as a share of the picture's side.
    level
        Mean linear brightness.
    people
        How many passers-by are in it.
    photo
        File name of a photograph; used by the kind "photo".
    """

    kind: str
    blur: float
    level: float
    people: int
    photo: str
    seed: int


def draw(rng: np.random.Generator, light: LightParams) -> BackdropParams:
    """Draw a backdrop that goes with a light."""
    kinds = _INDOORS
    if light.kind in lighting.OUTDOORS or (light.kind == "backlight" and light.second == 0.0):
        kinds = _OUTDOORS
    elif light.kind in lighting.DARK:
        kinds = _DARK
    elif light.kind == "studio":
        kinds = _STUDIO
    kind = str(rng.choice(list(kinds), p=np.array(list(kinds.values()))))
    low, high = np.log(_LEVELS[light.kind])
    outdoors = kinds is _OUTDOORS
    photo = PHOTOS[int(rng.integers(_SURFACES if outdoors else len(PHOTOS)))]
    sharp, depth = rng.random() < 0.14, rng.beta(1.6, 2.2)
    crowd, count = rng.random() < 0.1, int(rng.integers(1, 4))
    return BackdropParams(
        kind=kind,
        blur=0.0 if sharp else round(float(0.004 + 0.05 * depth), 4),
        level=round(float(np.exp(rng.uniform(low, high))), 4),
        people=count if crowd and kind in ("room", "street", "nature", "night") else 0,
        photo=photo,
        seed=int(rng.integers(2**31)),
    )


def build(params: BackdropParams, size: int, light: LightParams) -> np.ndarray:
    """Return a backdrop, float32 (size, size, 3), linear RGB; lamps may pass 1.

    Raises
    ------
    FileNotFoundError
        If it is a photograph and scikit-image is not installed.
    """
    rng = np.random.default_rng(params.seed)
    scene = _Scene(rng, size)
    if params.kind == "photo":
        _photo(scene, params.photo)
    else:
        _SCENES[params.kind](scene)
    for _ in range(params.people):
        _person(scene)
    image = _LINEAR[scene.image] * (1.0 + scene.glow)[..., None]
    # What is painted coarsely is never sharp.
    blur = max(params.blur, 0.02 if params.people or params.kind in _COARSE else 0.0)
    image = defocus(image, blur * size)
    if params.kind == "plain" or params.kind == "studio":
        image *= 1.0 + 0.01 * rng.standard_normal((size, size, 1), np.float32)
    image *= _cast(light, size)
    gain = params.level / max(float(image.mean()), 1e-4)
    # A dark scene is not lifted into noise, nor a bright one beyond white as a whole.
    gain = min(gain, 3.0, 1.1 / max(float(np.percentile(image[::4, ::4], 90)), 1e-4))
    return np.minimum(image * np.float32(gain), 4.0).astype(np.float32)


def defocus(image: np.ndarray, radius: float) -> np.ndarray:
    """Return a float32 image (H, W, 3) seen through discs of a radius in pixels."""
    if radius < 0.4:
        return image
    height, width = image.shape[:2]
    factor = max(int(radius // 4), 1)
    small = image
    if factor > 1:
        shape = (-(-width // factor), -(-height // factor))
        small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
    reach = radius / factor
    half = int(np.ceil(reach))
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    disc = np.clip(reach + 0.5 - np.hypot(x, y), 0.0, 1.0).astype(np.float32)
    small = cv2.filter2D(small, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    if factor > 1:
        small = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.maximum(small, 0.0)


def _cast(light: LightParams, size: int) -> np.ndarray:
    """Return the colour cast of the light on its surroundings, (1, size or 1, 3)."""
    if light.kind == "coloured":
        left, right = (0.15 + lighting.hue_colour(hue) for hue in (light.hue, light.second_hue))
        across = np.linspace(0.0, 1.0, size, dtype=np.float32)[:, None]
        return ((1.0 - across) * left + across * right).astype(np.float32)[None]
    colour = lighting.blackbody(light.fill_kelvin, lighting.white(light))
    return (colour**_CAST_SHARE).astype(np.float32)[None, None]


_LINEAR = decode_srgb(np.arange(256) / 255.0).astype(np.float32)


class _Scene:
    """A picture being painted: coordinates run from 0 to 1, rightwards and down."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self.size = size
        self.image = np.zeros((size, size, 3), np.uint8)
        self.glow = np.zeros((size, size), np.float32)

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        return np.round(np.asarray(points) * self.size * 16.0).astype(np.int32)

    def polygon(self, points: np.ndarray, colour: np.ndarray) -> None:
        cv2.fillPoly(
            self.image, [self._pixels(points)], _tuple(colour), lineType=cv2.LINE_AA, shift=4
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: np.ndarray) -> None:
        self.polygon([[left, top], [right, top], [right, bottom], [left, bottom]], colour)

    def disc(self, x: float, y: float, radius: float, colour: np.ndarray) -> None:
        centre = tuple(int(v) for v in self._pixels([x, y]))
        reach = max(int(radius * self.size * 16), 1)
        cv2.circle(self.image, centre, reach, _tuple(colour), -1, cv2.LINE_AA, 4)

    def ellipse(self, x: float, y: float, width: float, height: float, colour: np.ndarray) -> None:
        centre = tuple(int(v) for v in self._pixels([x, y]))
        axes = tuple(int(v) for v in self._pixels([width, height]))
        cv2.ellipse(self.image, centre, axes, 0, 0, 360, _tuple(colour), -1, cv2.LINE_AA, shift=4)

    def line(self, points: np.ndarray, width: float, colour: np.ndarray) -> None:
        thickness = max(round(width * self.size), 1)
        cv2.polylines(
            self.image, [self._pixels(points)], False, _tuple(colour), thickness, cv2.LINE_AA, 4
        )

    def gradient(
        self, top: np.ndarray, bottom: np.ndarray, low: float = 0.0, high: float = 1.0
    ) -> None:
        """Fill the rows from ``low`` to ``high`` with a gradient."""
        first, last = int(low * self.size), int(np.ceil(high * self.size))
        share = np.linspace(0.0, 1.0, max(last - first, 1))[:, None, None]
        colours = (1 - share) * np.asarray(top) + share * np.asarray(bottom)
        self.image[first:last] = np.clip(colours, 0, 255)

    def shine(self, left: float, top: float, right: float, bottom: float, strength: float) -> None:
        """Let a box outshine white."""
        left, top, right, bottom = np.clip(np.array([left, top, right, bottom]), 0, 1) * self.size
        self.glow[int(top) : int(bottom), int(left) : int(right)] += strength

    def noise(self, octaves: int, first: int = 3, stretch: float = 1.0) -> np.ndarray:
        """Return fractal noise of deviation about 1, (size, size)."""
        # Half the resolution will do: the finest octaves are soft.
        side = self.size // 2
        total = np.zeros((side, side), np.float32)
        for octave in range(octaves):
            cells = first * 2**octave
            grid = self.rng.standard_normal((cells + 1, max(int(cells * stretch), 1) + 1))
            layer = cv2.resize(grid.astype(np.float32), (side, side), None, 0, 0, cv2.INTER_CUBIC)
            total += layer * 0.6**octave
        return cv2.resize(total, (self.size, self.size))

    def texture(
        self, amount: float, octaves: int = 5, first: int = 3, stretch: float = 1.0
    ) -> None:
        """Vary the brightness of all that is there by noise."""
        factor = np.clip(1.0 + amount * self.noise(octaves, first, stretch), 0.2, 2.5)
        self.image = np.clip(self.image * factor[..., None], 0, 255).astype(np.uint8)


def _tuple(colour: np.ndarray) -> tuple[float, float, float]:
    return tuple(float(np.clip(value, 0, 255)) for value in colour)


def _colour(rng: np.random.Generator, saturation: float, low: float, high: float) -> np.ndarray:
    """Return an sRGB colour of any hue, its strongest channel between two values."""
    hue, value = rng.random(), rng.uniform(low, high)
    wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return value * (1 - saturation * rng.random() * (1 - wheel))


def _wall(rng: np.random.Generator) -> np.ndarray:
    """Return the colour of a wall: mostly pale and warm."""
    if rng.random() < 0.7:
        return np.array([1.0, 0.97, 0.91]) ** rng.uniform(0, 2) * rng.uniform(150, 235)
    return _colour(rng, 0.5, 70, 210)


def _wood(rng: np.random.Generator) -> np.ndarray:
    return np.array([150, 105, 65]) * rng.uniform(0.35, 1.5)


def _plain(scene: _Scene) -> None:
    rng = scene.rng
    colour = _wall(rng)
    shade = rng.uniform(0.6, 1.0)
    scene.gradient(colour, colour * shade)
    if rng.random() < 0.5:
        scene.image = np.ascontiguousarray(np.rot90(scene.image, int(rng.integers(4))))
    scene.texture(rng.uniform(0.005, 0.06), 6, int(rng.integers(2, 12)))


def _studio(scene: _Scene) -> None:
    """Paint a paper roll or mottled canvas with a spot of light on it."""
    rng, size = scene.rng, scene.size
    grey = np.full(3, rng.uniform(20, 250))
    colour = grey if rng.random() < 0.6 else _colour(rng, 0.7, 40, 220)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    spot = np.exp(
        -((x - rng.uniform(0.2, 0.8)) ** 2 + (y - rng.uniform(0.1, 0.8)) ** 2)
        / rng.uniform(0.05, 0.8)
    )
    edge = rng.uniform(0.25, 1.0)
    shade = edge + (1.0 - edge) * spot
    if rng.random() < 0.35:
        shade *= 1.0 + rng.uniform(0.02, 0.09) * scene.noise(5, 2)
    scene.image[:] = np.clip(shade[..., None] * colour, 0, 255)


def _window(scene: _Scene, left: float, top: float, width: float, height: float) -> None:
    rng = scene.rng
    frame = rng.uniform(0.6, 1.0) * np.array([235, 232, 225])
    scene.box(left - 0.02, top - 0.02, left + width + 0.02, top + height + 0.02, frame)
    sky = np.array([225, 235, 245]) * rng.uniform(0.8, 1.0)
    scene.box(left, top, left + width, top + height, sky)
    if rng.random() < 0.6:
        green = np.array([110, 135, 90]) * rng.uniform(0.6, 1.3)
        for _ in range(12):
            x = left + width * rng.uniform(0.1, 0.9)
            scene.disc(
                x, top + height * rng.uniform(0.75, 0.95), 0.04, green * rng.uniform(0.7, 1.2)
            )
    bars = int(rng.integers(0, 3))
    for bar in range(1, bars + 1):
        x = left + width * bar / (bars + 1)
        scene.box(x - 0.006, top, x + 0.006, top + height, frame)
    scene.box(left, top + 0.45 * height, left + width, top + 0.45 * height + 0.012, frame)
    scene.shine(left, top, left + width, top + height, rng.uniform(0.3, 3.0))
    if rng.random() < 0.5:
        _curtain(scene, left - 0.12, top - 0.06, 0.16, height + 0.4)
        _curtain(scene, left + width - 0.04, top - 0.06, 0.16, height + 0.4)


def _curtain(scene: _Scene, left: float, top: float, width: float, height: float) -> None:
    rng = scene.rng
    colour, folds = _wall(rng), int(rng.integers(4, 9))
    for fold in range(folds):
        x, step = left + width * fold / folds, width / folds
        scene.box(x, top, x + step, top + height, colour * rng.uniform(0.65, 1.05))
    scene.shine(left, top, left + width, top + height, -0.2)


def _picture(scene: _Scene) -> None:
    rng = scene.rng
    x, y, width, height = (
        rng.uniform(-0.1, 0.85),
        rng.uniform(0.0, 0.45),
        *rng.uniform(0.08, 0.3, 2),
    )
    scene.box(x + 0.01, y + 0.012, x + width + 0.012, y + height + 0.016, _wall(rng) * 0.55)
    scene.box(x, y, x + width, y + height, _wood(rng) if rng.random() < 0.5 else [25, 25, 25])
    margin = rng.uniform(0.006, 0.02)
    inner = (x + margin, y + margin, x + width - margin, y + height - margin)
    scene.box(*inner, _colour(rng, 0.4, 120, 240))
    for _ in range(6):
        u, v = rng.uniform(inner[0], inner[2]), rng.uniform(inner[1], inner[3])
        reach = min(u - inner[0], inner[2] - u, v - inner[1], inner[3] - v)
        scene.disc(u, v, max(reach, 0.004), _colour(rng, 0.9, 40, 230))


def _books(scene: _Scene, left: float, top: float, width: float, height: float) -> None:
    """Paint a shelf of books, things and gaps."""
    rng = scene.rng
    wood = _wood(rng) if rng.random() < 0.7 else _wall(rng)
    scene.box(left, top, left + width, top + height, wood * 0.45)
    rows = max(int(height / rng.uniform(0.14, 0.24)), 1)
    for row in range(rows):
        floor = top + height * (row + 1) / rows
        x = left + 0.01
        while x < left + width - 0.02:
            thick = rng.uniform(0.01, 0.035)
            tall = height / rows * rng.uniform(0.5, 0.88)
            if rng.random() < 0.82:
                scene.box(x, floor - tall, x + thick * 0.94, floor, _colour(rng, 0.65, 40, 210))
            x += thick
        scene.box(left, floor - 0.012, left + width, floor + 0.008, wood)
    for side in (left, left + width):
        scene.box(side - 0.01, top, side + 0.01, top + height, wood)


def _shelves(scene: _Scene) -> None:
    colour = _wall(scene.rng)
    scene.gradient(colour, colour * 0.85)
    _books(scene, scene.rng.uniform(-0.4, 0.2), -0.1, scene.rng.uniform(0.7, 1.6), 1.2)


def _lamp(scene: _Scene, x: float, y: float) -> None:
    rng = scene.rng
    width, height = rng.uniform(0.05, 0.12), rng.uniform(0.07, 0.14)
    scene.box(x - 0.006, y + height, x + 0.006, 1.0, [60, 55, 50])
    shade = [
        [x - 0.6 * width, y], [x + 0.6 * width, y], [x + width, y + height], [x - width, y + height]
    ]  # fmt: skip
    scene.polygon(shade, [255, 226, 178])
    scene.shine(x - 0.8 * width, y, x + 0.8 * width, y + height, rng.uniform(1.0, 5.0))


def _plant(scene: _Scene, x: float, y: float) -> None:
    rng = scene.rng
    for _ in range(26):
        turn, length = rng.uniform(-2.7, -0.4), rng.uniform(0.08, 0.26)
        tip = [x + length * np.cos(turn), y + length * np.sin(turn)]
        middle = [(x + tip[0]) / 2 + rng.normal(0, 0.01), (y + tip[1]) / 2]
        green = np.array([70, 110, 55]) * rng.uniform(0.4, 1.4)
        scene.line([[x, y], middle, tip], rng.uniform(0.008, 0.025), green)
    pot = np.array([165, 110, 85]) * rng.uniform(0.5, 1.3)
    scene.polygon([[x - 0.06, y], [x + 0.06, y], [x + 0.045, y + 0.2], [x - 0.045, y + 0.2]], pot)


def _door(scene: _Scene) -> None:
    rng = scene.rng
    left, width = rng.uniform(0.0, 0.75), rng.uniform(0.22, 0.34)
    colour = _wood(rng) if rng.random() < 0.5 else _wall(rng)
    scene.box(left - 0.02, 0.05, left + width + 0.02, 1.0, colour * 1.15)
    scene.box(left, 0.07, left + width, 1.0, colour)
    for top in (0.13, 0.55):
        box = (left + 0.04, top, left + width - 0.04, top + 0.34)
        scene.box(*box, colour * 0.85)
    scene.disc(left + 0.9 * width, 0.56, 0.012, [190, 180, 150])


def _sofa(scene: _Scene) -> None:
    rng = scene.rng
    colour, left, width = _colour(rng, 0.7, 50, 200), rng.uniform(-0.3, 0.5), rng.uniform(0.5, 0.9)
    top = rng.uniform(0.62, 0.8)
    scene.box(left, top, left + width, 1.0, colour)
    for share in (1 / 3, 2 / 3):
        x = left + width * share
        scene.line([[x, top], [x, 1.0]], 0.006, colour * 0.6)
    for _ in range(int(rng.integers(0, 4))):
        x = left + width * rng.uniform(0.1, 0.8)
        scene.box(x, top + 0.05, x + 0.12, top + 0.18, _colour(rng, 0.8, 80, 230))


def _room(scene: _Scene) -> None:
    rng = scene.rng
    wall, corner = _wall(rng), rng.uniform(-0.4, 1.4)
    scene.gradient(wall, wall * rng.uniform(0.7, 0.95))
    slant, dim = rng.uniform(-0.06, 0.06), rng.uniform(0.6, 0.9)
    if 0 < corner < 1:
        scene.polygon([[corner, 0], [1.1, 0], [1.1, 1.0], [corner + slant, 1.0]], wall * dim)
    if rng.random() < 0.35:
        rise = rng.uniform(0.02, 0.16)
        ceiling = [[0, 0], [1, 0], [1, rise * rng.uniform(0, 2)], [corner, rise], [0, rise * 1.8]]
        scene.polygon(ceiling, np.minimum(wall * 1.12, 245))
    if rng.random() < 0.4:
        floor = rng.uniform(0.82, 0.97)
        scene.box(0, floor, 1, 1, _wood(rng))
        scene.box(0, floor - 0.025, 1, floor, np.minimum(wall * 1.1, 240))
    scene.texture(0.03, 4)
    if rng.random() < 0.25:
        _door(scene)
    for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.5 else 0):
        _window(scene, rng.uniform(-0.1, 0.8), rng.uniform(0, 0.25), *rng.uniform(0.18, 0.45, 2))
    for _ in range(int(rng.integers(0, 4))):
        _picture(scene)
    if rng.random() < 0.3:
        _books(scene, rng.choice([-0.1, 0.7]), rng.uniform(0, 0.4), rng.uniform(0.25, 0.5), 1.0)
    if rng.random() < 0.3:
        _sofa(scene)
    if rng.random() < 0.3:
        _plant(scene, rng.choice([0.08, 0.92]) + rng.normal(0, 0.05), rng.uniform(0.7, 0.95))
    if rng.random() < 0.3:
        _lamp(scene, rng.choice([0.12, 0.88]) + rng.normal(0, 0.07), rng.uniform(0.3, 0.6))


def _sky(scene: _Scene, horizon: float) -> None:
    rng = scene.rng
    if rng.random() < 0.55:
        top, low = np.array([75, 130, 205]) * rng.uniform(0.8, 1.2), np.array([195, 215, 235])
    elif rng.random() < 0.75:
        top, low = np.array([200, 206, 214]) * rng.uniform(0.75, 1.1), np.array([228, 230, 232])
    else:
        top, low = np.array([105, 120, 170]), np.array([250, 190, 130])
    scene.gradient(top, low, 0.0, max(horizon, 0.02))
    clouds = np.clip(scene.noise(5, 2, 0.6) - rng.uniform(0.2, 1.5), 0, 1)[..., None] * 0.7
    scene.image = (scene.image + clouds * (240 - scene.image.astype(np.float32))).astype(np.uint8)


def _leaves(
    scene: _Scene, count: int, centre: np.ndarray, spread: np.ndarray, reach: float
) -> None:
    """Scatter leaves, dark ones first, some with the sky's light in them."""
    rng = scene.rng
    hue = np.array([82, 100, 58]) * rng.uniform(0.7, 1.3, 3) ** 0.5
    positions = centre + spread * rng.uniform(-1, 1, (count, 2))
    order = np.sort(rng.random(count))
    radii = reach * rng.uniform(0.4, 1.2, count)
    for (x, y), light, radius in zip(positions, order, radii, strict=True):
        scene.ellipse(x, y, radius, radius * 0.7, hue * (0.3 + 1.0 * light * light))


def _trees(scene: _Scene, horizon: float) -> None:
    rng = scene.rng
    for _ in range(int(rng.integers(1, 8))):
        x, tall = rng.uniform(-0.1, 1.1), rng.uniform(0.12, 0.6)
        wide = tall * rng.uniform(0.25, 0.5)
        bark = np.array([85, 68, 52]) * rng.uniform(0.5, 1.2)
        scene.box(x - 0.05 * tall, horizon - 0.6 * tall, x + 0.05 * tall, horizon + 0.03, bark)
        count = int(40 + 160 * tall)
        centre = np.array([x, horizon - 0.75 * tall])
        turn, far = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count))
        green = np.array([76, 92, 54]) * rng.uniform(0.7, 1.3, 3) ** 0.5
        for angle, share, light in zip(turn, far, rng.random(count), strict=True):
            u = centre[0] + wide * share * np.cos(angle)
            v = centre[1] + 0.42 * tall * share * np.sin(angle)
            shade = 0.35 + 0.6 * light - 0.45 * share * np.sin(angle)
            scene.disc(u, v, 0.13 * wide + 0.006, green * shade)


def _nature(scene: _Scene) -> None:
    rng = scene.rng
    horizon = rng.uniform(0.3, 0.85)
    _sky(scene, horizon)
    steps = np.linspace(0, 1, 24)
    for layer in range(int(rng.integers(0, 4))):
        height = rng.uniform(0.02, 0.16) / (1 + layer)
        profile = cv2.GaussianBlur(rng.random((1, 24)), (0, 0), 2.2)[0]
        ridge = horizon - height * (profile - profile.min()) / (np.ptp(profile) + 1e-6)
        haze = np.array([140, 160, 180]) * (0.75 - 0.15 * layer) + np.array([0, 12, -25]) * layer
        scene.polygon([*zip(steps, ridge, strict=True), (1, 1), (0, 1)], haze)
    grounds = np.array(
        [[98, 110, 62], [150, 140, 90], [205, 190, 150], [95, 120, 135], [120, 118, 112]]
    )
    ground = grounds[rng.integers(len(grounds))] * rng.uniform(0.7, 1.2)
    scene.gradient(ground * 1.15, ground * 0.75, horizon, 1.0)
    below = slice(int(horizon * scene.size), None)
    grain = 1.0 + 0.14 * scene.noise(6, 6, 0.5)[below, :, None]
    scene.image[below] = np.clip(scene.image[below] * grain, 0, 255)
    if rng.random() < 0.8:
        _trees(scene, horizon)


def _foliage(scene: _Scene) -> None:
    rng = scene.rng
    green = np.array([58, 78, 38]) * rng.uniform(0.5, 1.3)
    scene.gradient(green * 1.3, green * 0.7)
    scene.texture(0.35, 5)
    _leaves(scene, 420, np.array([0.5, 0.5]), np.array([0.55, 0.55]), rng.uniform(0.012, 0.035))
    if rng.random() < 0.3:
        petals = _colour(rng, 0.9, 150, 250)
        for x, y in rng.random((int(rng.integers(5, 40)), 2)):
            scene.disc(x, y, rng.uniform(0.006, 0.02), petals * rng.uniform(0.8, 1.1))
    # The sky shines through between the leaves.
    for x, y in rng.random((int(rng.integers(0, 90)), 2)) * [1.0, rng.uniform(0.3, 0.9)]:
        radius = rng.uniform(0.003, 0.011)
        scene.disc(x, y, radius, [235, 240, 235])
        scene.shine(x - radius, y - radius, x + radius, y + radius, rng.uniform(1, 6))


def _house(scene: _Scene, left: float, width: float, top: float, bottom: float) -> None:
    rng = scene.rng
    walls = np.array(
        [[190, 180, 165], [160, 90, 70], [120, 122, 128], [205, 190, 150], [90, 85, 82]]
    )
    wall = walls[rng.integers(len(walls))] * rng.uniform(0.6, 1.15)
    scene.box(left, top, left + width, bottom, wall)
    across = max(int(width / rng.uniform(0.05, 0.1)), 1)
    down = max(int((bottom - top) / rng.uniform(0.07, 0.13)), 1)
    glass = np.array([70, 82, 95]) * rng.uniform(0.5, 1.9)
    lit = rng.random((down, across)) < 0.08
    for row in range(down):
        for column in range(across):
            x = left + width * (column + 0.22) / across
            y = top + (bottom - top) * (row + 0.2) / down
            pane = [250, 225, 170] if lit[row, column] else glass * rng.uniform(0.75, 1.25)
            scene.box(x, y, x + 0.56 * width / across, y + 0.58 * (bottom - top) / down, pane)
    if rng.random() < 0.5:
        sign = _colour(rng, 0.9, 80, 230)
        scene.box(left, bottom - 0.13, left + width, bottom - 0.09, sign)


def _street(scene: _Scene) -> None:
    rng = scene.rng
    ground = rng.uniform(0.7, 0.92)
    _sky(scene, ground)
    grey = np.full(3, rng.uniform(80, 150))
    x = -0.1
    while x < 1.0:
        width = rng.uniform(0.15, 0.5)
        if rng.random() < 0.88:
            _house(scene, x, width, rng.uniform(-0.3, 0.5), ground)
        x += width
    scene.gradient(grey * 1.1, grey * 0.8, ground, 1.0)
    if rng.random() < 0.5:
        _trees(scene, ground)
    for _ in range(int(rng.integers(0, 3))):
        car, left = _colour(rng, 0.8, 30, 220), rng.uniform(-0.1, 0.9)
        width, height = rng.uniform(0.2, 0.35), rng.uniform(0.06, 0.1)
        scene.box(left, ground - 0.4 * height, left + width, ground + 0.5 * height, car)
        low, high = ground - 0.4 * height, ground - height
        shares = ((0.15, low), (0.28, high), (0.7, high), (0.85, low))
        roof = [[left + share * width, y] for share, y in shares]
        scene.polygon(roof, [50, 58, 66])
        for share in (0.2, 0.8):
            scene.disc(left + share * width, ground + 0.5 * height, 0.35 * height, [25, 25, 25])


def _night(scene: _Scene) -> None:
    rng = scene.rng
    dark = _colour(rng, 0.7, 10, 42)
    scene.gradient(dark * rng.uniform(0.4, 1.4), dark)
    for _ in range(int(rng.integers(0, 6))):
        left, top = rng.uniform(-0.2, 1.0), rng.uniform(0.1, 0.7)
        scene.box(left, top, left + rng.uniform(0.1, 0.4), 1.0, dark * rng.uniform(0.3, 2.2))
    lamps = np.array(
        [[255, 190, 110], [255, 235, 200], [255, 90, 60], [120, 190, 255], [120, 255, 160]]
    )
    for x, y in rng.random((int(rng.integers(8, 60)), 2)):
        colour = lamps[rng.choice(5, p=[0.42, 0.26, 0.14, 0.12, 0.06])]
        radius = rng.uniform(0.003, 0.009)
        scene.disc(x, 0.1 + 0.8 * y, radius, colour)
        box = (x - radius, 0.1 + 0.8 * y - radius, x + radius, 0.1 + 0.8 * y + radius)
        scene.shine(*box, 10 ** rng.uniform(0.3, 1.5))


def _stage(scene: _Scene) -> None:
    rng = scene.rng
    scene.gradient(_colour(rng, 0.8, 5, 40), _colour(rng, 0.8, 5, 30))
    beams = np.zeros((scene.size, scene.size, 3), np.float32)
    for _ in range(int(rng.integers(2, 7))):
        layer = _Scene(rng, scene.size)
        x, lean = rng.random(), rng.normal(0, 0.5)
        wide = rng.uniform(0.05, 0.25)
        points = [[x, -0.05], [x + lean + wide, 1.1], [x + lean - wide, 1.1]]
        layer.polygon(points, _colour(rng, 0.9, 60, 180))
        beams += layer.image
    beams = cv2.blur(beams, (scene.size // 24, scene.size // 24))
    fade = np.linspace(1.0, 0.25, scene.size, dtype=np.float32)[:, None, None]
    scene.image = np.clip(scene.image + beams * fade, 0, 255).astype(np.uint8)


def _pattern(scene: _Scene) -> None:
    """Paint wallpaper, tiles, boards or bricks."""
    rng = scene.rng
    first = _wall(rng)
    second = first * rng.uniform(0.55, 0.9) if rng.random() < 0.6 else _colour(rng, 0.8, 60, 230)
    scene.gradient(first, first * 0.9)
    step, kind = rng.uniform(0.05, 0.16), int(rng.integers(4))
    for row, y in enumerate(np.arange(0, 1.1, step)):
        if kind == 0:
            scene.box(y, 0, y + 0.5 * step, 1, second)
        elif kind == 1:
            scene.line([[0, y], [1, y]], 0.006, second)
        for x in np.arange(-step, 1.1, step):
            u = x + 0.5 * step * (row % 2)
            if kind == 1:
                scene.line([[u, y], [u, y + step]], 0.006, second)
            elif kind == 2:
                scene.disc(u, y, 0.25 * step, second)
            elif kind == 3:
                shade = first * rng.uniform(0.8, 1.1)
                scene.box(u, y, u + 0.95 * step, y + 0.93 * step, shade)
    scene.texture(0.05, 6)


def _clutter(scene: _Scene) -> None:
    rng = scene.rng
    scene.gradient(_wall(rng), _wall(rng))
    for _ in range(int(rng.integers(25, 110))):
        x, y, width, height = *rng.uniform(-0.1, 1.05, 2), *rng.uniform(0.02, 0.22, 2)
        colour, kind = _colour(rng, 0.8, 25, 240), rng.integers(4)
        if kind == 0:
            scene.ellipse(x, y, width, height, colour)
        elif kind == 1:
            turn = rng.normal(0, 0.3)
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width, height] / 2
            spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            scene.polygon(corners @ spin + [x, y], colour)
        elif kind == 2:
            ends = np.array([[x, y], [x + rng.normal(0, 0.3), y + rng.normal(0, 0.3)]])
            scene.line(ends, rng.uniform(0.004, 0.02), colour)
        else:
            scene.box(x, y, x + width, y + height, colour)
    scene.texture(0.12, 5)


def _person(scene: _Scene) -> None:
    """Paint a passer-by: a head and shoulders, as a blurred shape."""
    rng = scene.rng
    x, tall = rng.choice([0.12, 0.88]) + rng.normal(0, 0.08), rng.uniform(0.05, 0.1)
    y = rng.uniform(0.45, 0.75)
    skin = np.array([205, 155, 125]) * rng.uniform(0.35, 1.1)
    hair = np.array([60, 45, 35]) * rng.uniform(0.4, 2.2)
    shirt = _colour(rng, 0.8, 30, 220)
    scene.ellipse(x, y + 3.4 * tall, 1.5 * tall, 2.3 * tall, shirt)
    scene.ellipse(x, y + 0.15 * tall, 0.78 * tall, tall, hair)
    scene.box(x - 0.25 * tall, y + 0.6 * tall, x + 0.25 * tall, y + 1.4 * tall, skin * 0.8)
    scene.ellipse(x, y + 0.3 * tall, 0.62 * tall, 0.8 * tall, skin)


@lru_cache(maxsize=len(PHOTOS))
def _photograph(name: str) -> np.ndarray:
    """Return a photograph that comes with scikit-image, uint8 sRGB (H, W, 3)."""
    package = importlib.util.find_spec("skimage")
    if package is None:
        raise FileNotFoundError(
            "Backdrops use photographs of the Python package scikit-image; install it with "
            "`pip install scikit-image`."
        )
    path = Path(package.origin).parent / "data" / name
    data = np.fromfile(path, np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def _photo(scene: _Scene, name: str) -> None:
    rng, photo = scene.rng, _photograph(name)
    height, width = photo.shape[:2]
    side = int(min(height, width) * rng.uniform(0.6, 1.0))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    crop = photo[top : top + side, left : left + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    crop = cv2.resize(
        np.ascontiguousarray(crop), (scene.size, scene.size), None, 0, 0, cv2.INTER_AREA
    )
    tint = 1.0 - 0.25 * rng.random(3)
    scene.image = (crop * tint).astype(np.uint8)


_SCENES: dict[str, Callable[[_Scene], None]] = {
    "plain": _plain,
    "studio": _studio,
    "room": _room,
    "shelves": _shelves,
    "nature": _nature,
    "foliage": _foliage,
    "street": _street,
    "night": _night,
    "stage": _stage,
    "pattern": _pattern,
    "clutter": _clutter,
}
