# SPDX-License-Identifier: GPL-3.0-or-later
"""People on the ICT-FaceKit head, with the neck and shoulders of the MPFB base mesh."""

import contextlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from .base_mesh import BaseMesh
from .correspondence import Correspondence, compute
from .ict_model import IctModel
from .landmarks68 import LANDMARKS68
from .shapes import Label, Material, Surface

MODES = 100
_LIMIT = 2.2  # standard deviations of a mode
_SIDES = ("Left", "Right")
_BROWS = slice(17, 27)  # of the landmarks; the brows' hair is placed on the base mesh
# Distance from the middle over which one side's shape passes into the other's, millimetres.
_SIDE_BLEND = 30.0

_EYES = (("l", "M_ScleraLeft"), ("r", "M_ScleraRight"))
# Landmarks of the lids' middles, and how far those of a shut eye are apart, millimetres.
_LIDS = (("Right", (37, 38), (41, 40)), ("Left", (43, 44), (47, 46)))
_CLOSED_GAP = 1.1
_SHUT_TIGHT = 1.06
# Heights above the eyes beyond which lids at rest are brought nearer, and how far a full blink and
# a full squint move them, millimetres.
_HIGH_LID, _LOW_LID = 3.4, -4.9
_BLINK_DROP, _SQUINT_RISE = 8.5, 2.0

_PLAIN = Material()
_TEETH = Material(colour=(0.80, 0.73, 0.60), roughness=0.25, specular=0.5)
_GUMS = Material(colour=(0.55, 0.16, 0.14), roughness=0.35)
_LINING = Material(colour=(0.30, 0.07, 0.06), roughness=0.45)


@dataclass(frozen=True)
class IctParams:
    """A person on the ICT-FaceKit head.

    Attributes
    ----------
    identity
        Weights of the 100 modes in standard deviations.
    asymmetry
        Standard deviation of the difference between both sides' weights.
    seed
        Of that difference.
    """

    identity: tuple[float, ...]
    asymmetry: float
    seed: int


@dataclass(frozen=True)
class IctHead:
    """A head in its own frame.

    Attributes
    ----------
    skin
        Head, neck and shoulders, the eye sockets included; UVs in the MakeHuman layout.
    mouth
        Teeth, gums with tongue, and the lining of the mouth.
    eyes
        Centre (3,) and radius of the left and the right eyeball, millimetres; the model's own are
        no rounder than that and do not turn with the gaze.
    base
        float32 (19158, 3): the base mesh in this shape.
    landmarks
        float32 (68, 3), in the order of iBUG.
    neutral_skin, neutral_base
        Vertices of ``skin`` and ``base`` without expression.
    """

    skin: Surface
    mouth: tuple[Surface, ...]
    eyes: tuple[tuple[np.ndarray, float], ...]
    base: np.ndarray
    landmarks: np.ndarray
    neutral_skin: np.ndarray
    neutral_base: np.ndarray


def draw(rng: np.random.Generator) -> IctParams:
    """Return the shape of a random person."""
    strength = float(rng.uniform(0.6, 1.1))
    weights = np.clip(rng.normal(0.0, 1.0, MODES) * strength, -_LIMIT, _LIMIT)
    return IctParams(
        tuple(round(float(weight), 4) for weight in weights),
        round(float(rng.uniform(0.05, 0.25)), 4),
        int(rng.integers(2**31)),
    )


@cache
def ict_names(unit: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of ICT-FaceKit's expressions a facial unit such as "mouthSmileLeft" is.

    A unit with no side that the model has by halves is both halves; one that it lacks is none.
    """
    if unit in names:
        return (unit,)
    for side in _SIDES:
        if unit.endswith(side) and f"{unit.removesuffix(side)}_{side[0]}" in names:
            return (f"{unit.removesuffix(side)}_{side[0]}",)
    return tuple(f"{unit}_{side[0]}" for side in _SIDES if f"{unit}_{side[0]}" in names)


class IctBuilder:
    """Builds people on the ICT-FaceKit head.

    Parameters
    ----------
    base_mesh
        The MPFB base mesh.
    path
        ``ict_facekit.npz``.
    cache
        A folder to keep the correspondence of both meshes in; None to compute it each time.

    Raises
    ------
    heads.sources.SourceError
        When the model cannot be read.
    """

    def __init__(self, base_mesh: BaseMesh, path: Path, cache: Path | None = None) -> None:
        self.base_mesh = base_mesh
        self.model = IctModel(path)
        self._cache = cache

    @cached_property
    def correspondence(self) -> Correspondence:
        """How the base mesh lies on the head."""
        kept = None if self._cache is None else Path(self._cache) / "ict_correspondence.npz"
        found = None if kept is None else Correspondence.load(kept)
        if found is None:
            neutral = self.model.neutral
            found = compute(self.base_mesh, self.model, neutral - self._origin(neutral))
            if kept is not None:
                with contextlib.suppress(OSError):  # it costs seconds only to do without
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    found.save(kept)
        return found

    def build(self, params: IctParams, units: dict[str, float]) -> IctHead:
        """Return a person's head with facial units (name -> weight) applied.

        Units bear ARKit's names, such as "jawOpen" and "mouthSmileLeft"; what the model lacks, the
        tongue's, is passed over.
        """
        neutral = self._neutral(params)
        head = neutral + self._expression(self._closing(units, neutral))
        base, neutral_base = self._base(head, neutral), self._base(neutral, neutral)
        landmarks = head[self.model.landmarks68]
        landmarks[_BROWS] = base[LANDMARKS68[_BROWS]]
        return IctHead(
            skin=self._skin.surface(np.concatenate([head, base])),
            mouth=tuple(part.surface(head) for part in self._mouth),
            eyes=tuple(_sphere(neutral[sclera]) for _, sclera, _ in self._eyes),
            base=base,
            landmarks=landmarks,
            neutral_skin=np.concatenate([neutral, neutral_base])[self._skin.vertices],
            neutral_base=neutral_base,
        )

    def _neutral(self, params: IctParams) -> np.ndarray:
        vertices = self.model.shape(np.array(params.identity), {})
        rng = np.random.default_rng(params.seed)
        slant = self.model.shape(rng.normal(0.0, params.asymmetry, MODES), {}) - self.model.neutral
        vertices += self._leftness[:, None] * slant
        return self._rested(vertices - self._origin(vertices))

    @cached_property
    def _leftness(self) -> np.ndarray:
        """From -0.5 on the right side to 0.5 on the left, float32 (V,)."""
        return (0.5 * np.tanh(self.model.neutral[:, 0] / _SIDE_BLEND)).astype(np.float32)

    def _rested(self, vertices: np.ndarray) -> np.ndarray:
        """The vertices with lids that stand far off the iris, so that it stares, brought nearer."""
        units = {}
        for side, upper, lower in _LIDS:
            high, low = (
                float(vertices[self.model.landmarks68[list(lid)], 2].mean())
                for lid in (upper, lower)
            )
            units[f"eyeBlink{side}"] = max(high - _HIGH_LID, 0.0) / _BLINK_DROP
            units[f"eyeSquint{side}"] = min(max(_LOW_LID - low, 0.0) / _SQUINT_RISE, 0.6)
        return vertices + self._expression(units)

    def _closing(self, units: dict[str, float], neutral: np.ndarray) -> dict[str, float]:
        """The units with a blink that closes this person's eyes, wide or narrow."""
        closing = dict(units)
        for side, (wide, usual) in self._openings(neutral).items():
            unit = f"eyeBlink{side}"
            reach = (wide - _CLOSED_GAP) / (usual - _CLOSED_GAP)
            closing[unit] = units.get(unit, 0.0) * reach * _SHUT_TIGHT
        return closing

    def _openings(self, vertices: np.ndarray) -> dict[str, tuple[float, float]]:
        """Of each side: how far the lids are apart, and how far they are in the mean face."""
        openings = {}
        for side, upper, lower in _LIDS:
            lids = self.model.landmarks68[[upper, lower]]
            openings[side] = _gap(vertices, lids), _gap(self.model.neutral, lids)
        return openings

    def _expression(self, units: dict[str, float]) -> np.ndarray:
        weights = {}
        for unit, weight in units.items():
            for name in ict_names(unit, self.model.expression_names):
                weights[name] = weights.get(name, 0.0) + weight
        return self.model.shape(np.zeros(0), weights) - self.model.neutral

    def _origin(self, vertices: np.ndarray) -> np.ndarray:
        left, right = (_sphere(vertices[sclera])[0] for _, sclera, _ in self._eyes)
        return ((left + right) / 2).astype(np.float32)

    @cached_property
    def _eyes(self) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]:
        """Of each eye: vertices of the base mesh, of the model's sclera, of the base's eyeball."""
        eyes = []
        for side, material in _EYES:
            helper = self.base_mesh.group_vertices(f"helper-{side}-eye")
            joint = self.base_mesh.group_vertices(f"joint-{side}-eye")
            faces = self.model.faces[self.model.material_faces(material)]
            eyes.append((np.r_[helper, joint], np.unique(faces[faces >= 0]), helper))
        return tuple(eyes)

    def _base(self, head: np.ndarray, neutral: np.ndarray) -> np.ndarray:
        base = self.correspondence.base(head)
        for moved, sclera, helper in self._eyes:
            centre, radius = _sphere(neutral[sclera])
            rest = self.correspondence.neutral
            rest_centre, rest_radius = _sphere(rest[helper])
            base[moved] = (rest[moved] - rest_centre) * (radius / rest_radius) + centre
        return base

    @cached_property
    def _skin(self) -> "_Part":
        found = self.correspondence
        return _Part("skin", Label.SKIN, _PLAIN, found.skin_faces, found.skin_uv)

    @cached_property
    def _mouth(self) -> tuple["_Part", ...]:
        gums, teeth = (
            self.model.faces[self.model.material_faces(name)]
            for name in ("M_GumsTongue", "M_Teeth")
        )
        return (
            _Part("lining", Label.MOUTH, _LINING, self.correspondence.mouth_faces),
            _Part("gums", Label.MOUTH, _GUMS, gums),
            _Part("teeth", Label.MOUTH, _TEETH, teeth),
        )


class _Part:
    """Some faces of a larger array of vertices, to be made a surface of its own."""

    def __init__(
        self,
        name: str,
        label: Label,
        material: Material,
        faces: np.ndarray,
        uv: np.ndarray | None = None,
    ) -> None:
        self.name, self.label, self.material, self.uv = name, label, material, uv
        self.vertices = np.unique(faces[faces >= 0])
        numbers = np.searchsorted(self.vertices, faces)
        self.faces = np.where(faces < 0, -1, numbers).astype(np.int32)

    def surface(self, vertices: np.ndarray) -> Surface:
        return Surface(
            self.name, self.label, vertices[self.vertices], self.faces, self.material, self.uv
        )


def _gap(vertices: np.ndarray, lids: np.ndarray) -> float:
    """Height of an eye's opening; ``lids`` are vertices of the upper and the lower lid, (2, N)."""
    upper, lower = vertices[lids]
    return float(np.linalg.norm(upper - lower, axis=1).mean())


def _sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of the sphere that fits points (N, 3) best."""
    points = points.astype(float)
    system = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    return centre, float(np.sqrt(solution[3] + centre @ centre))
