# SPDX-License-Identifier: GPL-3.0-or-later
"""People on the MPFB base mesh: age, sex, ancestry and the shapes of the features."""

import itertools
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .base_mesh import BaseMesh
from .subdivision import Subdivision

ANCESTRIES = ("african", "asian", "caucasian")
_AGES = {"child": 10.0, "young": 25.0, "old": 85.0}
# How far a feature's shape may go (standard deviation, limit); what makes a skull an egg, or an eye
# bulge, goes less far than the rest.
_SPREAD = {
    "nose": (0.25, 0.55),
    "mouth": (0.22, 0.55),
    "cheek": (0.30, 0.8),
    "chin": (0.30, 0.75),
    "eyebrows": (0.30, 0.7),
    "eyes": (0.22, 0.55),
    "forehead": (0.22, 0.5),
    "head": (0.14, 0.28),
    "ears": (0.30, 0.7),
    "neck": (0.20, 0.4),
    "asym": (0.0, 0.0),
}
# Moves of a whole feature, or what only a comic would have.
_LEFT_OUT = ("trans", "pointed", "triangle", "angle-in", "scale-depth-in", "eye-scale", "shape-sq")
_ENDINGS = (
    ("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward"),
    ("concave", "convex"), ("compress", "uncompress"),
)  # fmt: skip
_SINGLE_HEADS = ("diamond", "oval", "rectangular", "round", "square", "triangular")
_ASYMMETRY = {"eye": 0.06, "mouth": 0.12, "nose": 0.15}
_ASYMMETRY_ELSEWHERE = 0.22
_BUST_DEPTH = 420.0  # of skin kept below the eyes, in millimetres


@dataclass(frozen=True)
class MpfbParams:
    """A person on the base mesh.

    Attributes
    ----------
    sex
        0 female to 1 male.
    age
        Years, 6 to 85.
    ancestry
        Weights of ``ANCESTRIES``; they add up to 1.
    weight
        Body weight, -1 thin to 1 heavy.
    features
        Target name -> weight.
    """

    sex: float
    age: float
    ancestry: tuple[float, float, float]
    weight: float
    features: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Bust:
    """Head, neck and shoulders of a person on the base mesh, in the head's frame.

    Attributes
    ----------
    base
        float32 (19158, 3), expression included, neck straight.
    neutral
        The same without expression.
    """

    base: np.ndarray
    neutral: np.ndarray


def feature_pairs(base_mesh: BaseMesh) -> tuple[tuple[str, str, str], ...]:
    """Return the opposed targets of the head: (folder, negative, positive), left ones only."""
    names = set(base_mesh.target_names)
    pairs = []
    for name in sorted(names):
        folder, _, stem = name.rpartition("/")
        if folder not in _SPREAD or stem.startswith("r-") or any(x in stem for x in _LEFT_OUT):
            continue
        for negative, positive in _ENDINGS:
            other = f"{folder}/{stem.removesuffix(negative)}{positive}"
            if stem.endswith(f"-{negative}") and other in names:
                pairs.append((folder, name, other))
    return tuple(pairs)


def draw(
    rng: np.random.Generator,
    base_mesh: BaseMesh,
    sex: float,
    age: float,
    ancestry: tuple[float, float, float],
) -> MpfbParams:
    """Return the shape of a random person of the given sex, age in years and ancestry."""
    features: dict[str, float] = {}
    for folder, negative, positive in feature_pairs(base_mesh):
        spread, limit = _SPREAD[folder]
        value = float(np.clip(rng.normal(0, spread), -limit, limit))
        if folder == "asym":
            continue
        slant = float(rng.normal(0, 0.06))
        for side in _sides(negative):
            amount = value + (slant if side == "r-" else -slant if side == "l-" else 0.0)
            name = negative if amount < 0 else positive
            features[_on_side(name, side)] = round(abs(amount), 4)
    mould = _SINGLE_HEADS[int(rng.integers(len(_SINGLE_HEADS)))]
    features[f"head/head-{mould}"] = round(float(rng.uniform(0, 0.3)), 4)
    for name in _asymmetries(base_mesh):
        spread = _ASYMMETRY.get(name.split("-")[1], _ASYMMETRY_ELSEWHERE)
        value = float(rng.normal(0, spread)) * (rng.random() < 0.5)
        if value > 0.02:
            features[name] = round(min(value, 2.5 * spread), 4)
    weight = float(np.clip(rng.normal(0, 0.45), -1, 1))
    return MpfbParams(round(sex, 4), round(age, 4), ancestry, round(weight, 4), features)


def _sides(name: str) -> tuple[str, ...]:
    return ("l-", "r-") if name.rpartition("/")[2].startswith("l-") else ("",)


def _on_side(name: str, side: str) -> str:
    folder, _, stem = name.rpartition("/")
    return f"{folder}/{side}{stem.removeprefix('l-')}" if side else name


def _asymmetries(base_mesh: BaseMesh) -> tuple[str, ...]:
    parts = ("brown", "cheek", "ear", "eye", "jaw", "mouth", "nose", "temple")
    found = (name for name in base_mesh.target_names if name.startswith("asym/asym-"))
    return tuple(name for name in found if name.split("-")[1] in parts)


def macro_targets(params: MpfbParams) -> dict[str, float]:
    """Return the targets, and their weights, of a person's age, sex, ancestry and weight."""
    sexes = {"female": 1 - params.sex, "male": params.sex}
    ages = _age_weights(params.age)
    heavy = abs(params.weight)
    builds = {"averageweight": 1 - heavy}
    builds["maxweight" if params.weight > 0 else "minweight"] = heavy
    targets = {}
    for (sex, sex_share), (age, age_share) in itertools.product(sexes.items(), ages.items()):
        for ancestry, share in zip(ANCESTRIES, params.ancestry, strict=True):
            targets[f"macrodetails/{ancestry}-{sex}-{age}"] = sex_share * age_share * share
        for build, share in builds.items():
            name = f"macrodetails/universal-{sex}-{age}-averagemuscle-{build}"
            targets[name] = sex_share * age_share * share
    return {name: weight for name, weight in targets.items() if weight > 1e-4}


def _age_weights(age: float) -> dict[str, float]:
    names, years = list(_AGES), list(_AGES.values())
    position = float(np.interp(age, years, range(len(years))))
    low = min(int(position), len(names) - 2)
    return {names[low]: 1 - (position - low), names[low + 1]: position - low}


class MpfbBuilder:
    """Builds people on the base mesh."""

    def __init__(self, base_mesh: BaseMesh) -> None:
        self.base_mesh = base_mesh
        mesh = base_mesh.mesh
        eye_height = mesh.vertices[base_mesh.eyes[0]].mean(0)[2]
        faces = mesh.faces[base_mesh.skin_faces]
        kept = mesh.vertices[faces[:, 0], 2] > eye_height - _BUST_DEPTH
        self._skin = base_mesh.skin_faces[kept]

    @cached_property
    def skin(self) -> Subdivision:
        """The skin of head, neck and shoulders, subdivided once."""
        mesh = self.base_mesh.mesh
        return Subdivision(mesh.faces[self._skin], mesh.uv[self._skin], len(mesh.vertices))

    def build(self, params: MpfbParams, units: dict[str, float]) -> Bust:
        """Return a person's bust with facial units (unit name -> weight) applied."""
        shape = self.base_mesh.shape({**macro_targets(params), **params.features})
        shape = self.base_mesh.centred(shape)
        base = shape.copy()
        for unit, weight in units.items():
            target = self.base_mesh.target(f"faceunits/{unit}")
            base[target.indices] += np.float32(weight) * target.offsets
        return Bust(base, shape)
