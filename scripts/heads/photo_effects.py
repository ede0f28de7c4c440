# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera does to a picture, from linear light to a JPEG file, without moving anything.

Every blur's kernel has its centre of mass in the middle, and colour fringes leave green in place,
so that the depth image still fits.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .colours import LUMA, encode_srgb

_LUMA = LUMA.astype(np.float32)
_SEPIA = np.array([1.08, 0.97, 0.78], np.float32)


@dataclass(frozen=True)
class EffectParams:
    """A camera's faults and a photographer's taste.

    Attributes
    ----------
    warmth, tint
        White balance errors: stops of red over blue, and of green over both.
    exposure
        Stops.
    contrast, saturation
        Factors about middle grey and about grey; 1 changes nothing.
    curve
        From a plain sRGB picture, 0, to film's shoulder and toe, 1.
    vignette
        Share of light lost in the corners.
    defocus
        Radius of the blur, pixels of a picture of 256.
    shake, shake_angle, shake_bend
        Length of the camera's path in pixels of a picture of 256, its direction in degrees, and
        its bend in degrees.
    shot_noise, read_noise
        Deviation of the noise at white that grows with the root of light, and of that in the dark.
    chroma_noise
        Share of the noise that differs between the channels.
    fringe
        By how much red is larger and blue smaller than green, as a share.
    reduction
        The picture is kept at 1 / reduction of its resolution.
    sharpening
        Strength of the unsharp mask.
    toning
        "colour", "grey" or "sepia".
    jpeg_quality, first_jpeg_quality
        Of the file, and of an earlier compression; 0 for none.
    """

    warmth: float
    tint: float
    exposure: float
    contrast: float
    saturation: float
    curve: float
    vignette: float
    defocus: float
    shake: float
    shake_angle: float
    shake_bend: float
    shot_noise: float
    read_noise: float
    chroma_noise: float
    fringe: float
    reduction: float
    sharpening: float
    toning: str
    jpeg_quality: int
    first_jpeg_quality: int
    seed: int


def draw(rng: np.random.Generator) -> EffectParams:
    """Draw a camera's effects: most photos are decent, a few are bad in one respect or two."""

    def rare(chance: float, low: float, high: float) -> float:
        """Return 0, or with a chance a number between two others; always two draws."""
        happens, value = rng.random() < chance, float(rng.uniform(low, high))
        return round(value, 4) if happens else 0.0

    def normal(mean: float, deviation: float, low: float, high: float) -> float:
        return round(float(np.clip(rng.normal(mean, deviation), low, high)), 4)

    # From a camera in daylight to a telephone at night.
    noise = 0.003 * 10 ** (1.15 * rng.beta(1.4, 3.0))
    toning = str(rng.choice(["colour", "grey", "sepia"], p=[0.925, 0.06, 0.015]))
    return EffectParams(
        warmth=normal(0.0, 0.14, -0.5, 0.5),
        tint=normal(0.0, 0.05, -0.15, 0.15),
        exposure=normal(0.0, 0.12, -0.4, 0.4),
        contrast=normal(1.02, 0.1, 0.75, 1.35),
        saturation=normal(1.0, 0.14, 0.5, 1.4),
        curve=round(float(rng.random()), 4),
        vignette=rare(0.4, 0.05, 0.45),
        defocus=rare(0.14, 0.4, 1.4),
        shake=rare(0.09, 1.5, 6.0),
        shake_angle=round(float(rng.uniform(0.0, 180.0)), 4),
        shake_bend=round(float(rng.uniform(-90.0, 90.0)), 4),
        shot_noise=round(float(noise), 5),
        read_noise=round(float(noise * rng.uniform(0.05, 0.25)), 5),
        chroma_noise=round(float(rng.uniform(0.2, 0.9)), 4),
        fringe=rare(0.3, 0.0002, 0.0016),
        reduction=rare(0.16, 1.2, 3.2) or 1.0,
        sharpening=rare(0.5, 0.15, 1.1),
        toning=toning,
        jpeg_quality=int(35 + 61 * rng.beta(3.0, 1.3)),
        first_jpeg_quality=int(rare(0.15, 40, 90)),
        seed=int(rng.integers(2**31)),
    )


def plain(seed: int) -> EffectParams:
    """Return the effects of a faultless camera."""
    return EffectParams(
        warmth=0.0,
        tint=0.0,
        exposure=0.0,
        contrast=1.0,
        saturation=1.0,
        curve=0.0,
        vignette=0.0,
        defocus=0.0,
        shake=0.0,
        shake_angle=0.0,
        shake_bend=0.0,
        shot_noise=0.0,
        read_noise=0.0,
        chroma_noise=0.0,
        fringe=0.0,
        reduction=1.0,
        sharpening=0.0,
        toning="colour",
        jpeg_quality=95,
        first_jpeg_quality=0,
        seed=seed,
    )


def apply(params: EffectParams, image: np.ndarray) -> np.ndarray:
    """Return what the camera makes of a scene.

    Parameters
    ----------
    image
        float32 (H, W, 3), linear RGB; 1 is white.

    Returns
    -------
    uint8 (H, W, 3), sRGB.
    """
    picture = _lens(params, np.asarray(image, np.float32))
    picture = _sensor(params, picture)
    picture = _develop(params, picture)
    picture = _resample(params, picture)
    return np.clip(picture * 255.0 + 0.5, 0, 255).astype(np.uint8)


def encode(image: np.ndarray, quality: int) -> bytes:
    """Return a picture, uint8 sRGB (H, W, 3), as a JPEG file; the same bytes every time."""
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), options)
    return data.tobytes()


def disc(radius: float) -> np.ndarray:
    """Return the kernel of a lens out of focus by a radius in pixels, float32, sum 1."""
    half = int(np.ceil(radius + 0.5))
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return (kernel / kernel.sum()).astype(np.float32)


def path(length: float, angle: float, bend: float) -> np.ndarray:
    """Return the kernel of a shaken camera: an arc whose centre of mass is the kernel's middle.

    Parameters
    ----------
    length
        Pixels.
    angle, bend
        Direction in the middle, and how far it turns over the length, degrees.
    """
    count = max(int(8 * length), 16)
    heading = np.radians(angle + bend * (np.arange(count) / (count - 1) - 0.5))
    points = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), axis=0) * length / count
    points -= points.mean(0)
    half = int(np.ceil(np.abs(points).max())) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    corner = np.floor(points).astype(int)
    share = points - corner
    for right in (0, 1):
        for down in (0, 1):
            weight = (share[:, 0] if right else 1 - share[:, 0]) * (
                share[:, 1] if down else 1 - share[:, 1]
            )
            where = (corner[:, 1] + down + half, corner[:, 0] + right + half)
            np.add.at(kernel, where, weight)
    return (kernel / kernel.sum()).astype(np.float32)


def _lens(params: EffectParams, image: np.ndarray) -> np.ndarray:
    """Blur, fringe and darken the corners of a linear picture."""
    height, width = image.shape[:2]
    grain = max(height, width) / 256.0
    if params.defocus:
        image = _filter(image, disc(params.defocus * grain))
    if params.shake:
        image = _filter(image, path(params.shake * grain, params.shake_angle, params.shake_bend))
    if params.fringe:
        channels = list(cv2.split(image))
        for channel, share in ((0, params.fringe), (2, -params.fringe)):
            channels[channel] = _enlarge(channels[channel], 1.0 + share)
        image = cv2.merge(channels)
    if params.vignette:
        y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
        x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
        loss = params.vignette * ((y[:, None] ** 2 + x**2) / 2) ** 1.5
        image = image * (1.0 - loss)[..., None]
    return image


def _filter(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    # OpenCV correlates; a convolution would turn the kernel, whose middle stays where it is.
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)


def _enlarge(channel: np.ndarray, factor: float) -> np.ndarray:
    """Scale a channel about the picture's centre."""
    height, width = channel.shape
    middle = (np.array([width, height]) - 1) / 2
    matrix = np.column_stack([np.eye(2) * factor, middle * (1 - factor)])
    flags = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    return cv2.warpAffine(channel, matrix, (width, height), **flags)


def _sensor(params: EffectParams, image: np.ndarray) -> np.ndarray:
    """Expose, add noise and balance the colours."""
    image = np.maximum(image, 0.0) * np.float32(2.0**params.exposure)
    if params.shot_noise or params.read_noise:
        rng = np.random.default_rng(params.seed)
        deviation = np.sqrt(params.shot_noise**2 * image + params.read_noise**2)
        common = rng.standard_normal((*image.shape[:2], 1), np.float32)
        own = rng.standard_normal(image.shape, np.float32)
        chroma = params.chroma_noise
        image = image + deviation * (np.sqrt(1.0 - chroma**2) * common + chroma * own)
    stops = np.array([params.warmth / 2, params.tint, -params.warmth / 2])
    gains = 2.0**stops
    return image * (gains / (gains @ _LUMA)).astype(np.float32)


def _develop(params: EffectParams, image: np.ndarray) -> np.ndarray:
    """Return the linear picture as sRGB, 0 to 1, with a tone curve and colours to taste."""
    image = np.maximum(image, 0.0)
    plain_curve = np.minimum(image, 1.0)
    # A shoulder that reaches white at four times white, and keeps middle grey.
    film = image * (1.0 + image / 16.0) / (1.0 + 0.78 * image) * 1.12
    picture = plain_curve + np.float32(params.curve) * (np.minimum(film, 1.0) - plain_curve)
    picture = encode_srgb(picture)
    if params.contrast != 1.0:
        picture = _bend(picture, params.contrast)
    grey = (picture @ _LUMA)[..., None]
    if params.toning == "sepia":
        return np.clip(grey * _SEPIA, 0.0, 1.0)
    if params.toning == "grey":
        return np.repeat(np.clip(grey, 0.0, 1.0), 3, axis=2)
    return np.clip(grey + np.float32(params.saturation) * (picture - grey), 0.0, 1.0)


def _bend(picture: np.ndarray, contrast: float) -> np.ndarray:
    """Return sRGB values on an S-curve, or a flat one, that keeps black, white and the middle."""
    wave = np.sin(np.float32(2 * np.pi) * picture) * np.float32(1 / (2 * np.pi))
    return picture - np.float32(contrast - 1.0) * wave


def _resample(params: EffectParams, picture: np.ndarray) -> np.ndarray:
    """Lose resolution, sharpen, and compress a first time."""
    height, width = picture.shape[:2]
    if params.reduction > 1.0:
        small = (max(round(width / params.reduction), 8), max(round(height / params.reduction), 8))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    if params.sharpening:
        soft = cv2.GaussianBlur(picture, (0, 0), max(height, width) / 256.0)
        picture = picture + np.float32(params.sharpening) * (picture - soft)
    if params.first_jpeg_quality:
        eight_bit = np.clip(picture * 255.0 + 0.5, 0, 255).astype(np.uint8)
        data = np.frombuffer(encode(eight_bit, params.first_jpeg_quality), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255.0
    return picture
