# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads of both kinds behind one door: skin, mouth, eyes, landmarks and the base mesh's shape."""

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property

import _environment
import numpy as np

from . import pose
from .base_mesh import BaseMesh, Fitted
from .ict import IctBuilder, IctParams
from .landmarks68 import LANDMARKS68
from .maths import direction
from .mpfb import MpfbBuilder, MpfbParams
from .shapes import Label, Material, Surface
from .sources import Sources

_TEETH = Material(colour=(0.80, 0.73, 0.60), roughness=0.25, specular=0.5)
_TONGUE = Material(colour=(0.55, 0.16, 0.14), roughness=0.35)
_PLAIN = Material()


@dataclass(frozen=True)
class Head:
    """A person's head and shoulders in the head's frame.

    Attributes
    ----------
    skin
        With the UVs of the MakeHuman layout and no look of its own.
    mouth
        Teeth, tongue and what else is inside.
    eyes
        Centre (3,) and radius of the left and the right eyeball, millimetres.
    base
        float32 (19158, 3): the base mesh in this shape.
    landmarks
        float32 (68, 3), in the order of iBUG.
    skin_share, base_share
        How far the vertices of ``skin`` and of ``base`` move with the body.
    """

    skin: Surface
    mouth: tuple[Surface, ...]
    eyes: tuple[tuple[np.ndarray, float], ...]
    base: np.ndarray
    landmarks: np.ndarray
    skin_share: np.ndarray
    base_share: np.ndarray

    def turned(self, neck: tuple[float, float, float]) -> "Head":
        """Return the head turned on its shoulders; it is the shoulders that move."""
        skin = pose.bend_neck(self.skin.vertices, self.skin_share, neck)
        return dataclasses.replace(
            self,
            skin=dataclasses.replace(self.skin, vertices=skin),
            base=pose.bend_neck(self.base, self.base_share, neck),
        )


class PeopleBuilder:
    """Builds heads of both kinds."""

    def __init__(self, base_mesh: BaseMesh, sources: Sources) -> None:
        self.base_mesh = base_mesh
        self.sources = sources

    @cached_property
    def _mpfb(self) -> MpfbBuilder:
        return MpfbBuilder(self.base_mesh)

    @cached_property
    def _ict(self) -> IctBuilder:
        digests = hashlib.sha256(repr(self.sources.digests).encode()).hexdigest()
        cache = _environment.user_cache() / f"sources-{digests[:12]}"
        return IctBuilder(self.base_mesh, self.sources.ict_facekit, cache)

    @cached_property
    def _teeth(self) -> Fitted | None:
        if self.sources.makehuman is None:
            return None
        return Fitted(self.sources.makehuman / "teeth" / "teeth_base" / "teeth_base.mhclo")

    def build(self, shape: MpfbParams | IctParams, units: dict[str, float]) -> Head:
        """Return a head of a shape and an expression (unit name -> weight)."""
        if isinstance(shape, IctParams):
            return self._build_ict(shape, units)
        return self._build_mpfb(shape, units)

    def _build_ict(self, shape: IctParams, units: dict[str, float]) -> Head:
        found = self._ict.build(shape, units)
        return Head(
            found.skin,
            found.mouth,
            found.eyes,
            found.base,
            found.landmarks,
            pose.body_share(found.neutral_skin),
            pose.body_share(found.neutral_base),
        )

    def _build_mpfb(self, shape: MpfbParams, units: dict[str, float]) -> Head:
        bust = self._mpfb.build(shape, units)
        skin = self._mpfb.skin
        share = pose.body_share(bust.neutral)
        surface = Surface("skin", Label.SKIN, skin.apply(bust.base), skin.faces, _PLAIN, skin.uv)
        return Head(
            surface,
            self._mouth(bust.base),
            tuple(self._eyeball(bust.neutral, side) for side in "lr"),
            bust.base,
            surface.vertices[LANDMARKS68],
            skin.apply(share[:, None])[:, 0],
            share,
        )

    def _eyeball(self, base: np.ndarray, side: str) -> tuple[np.ndarray, float]:
        points = base[self.base_mesh.group_vertices(f"helper-{side}-eye")]
        centre = points.mean(0)
        return centre, float(np.linalg.norm(points - centre, axis=1).mean())

    def _mouth(self, base: np.ndarray) -> tuple[Surface, ...]:
        mesh = self.base_mesh.mesh
        tongue = mesh.faces[mesh.groups == "helper-tongue"]
        parts = [Surface("tongue", Label.MOUTH, base, tongue, _TONGUE)]
        if self._teeth is not None:
            fitted = self._teeth
            parts.append(Surface("teeth", Label.MOUTH, fitted.fit(base), fitted.mesh.faces, _TEETH))
        else:
            for group in ("helper-upper-teeth", "helper-lower-teeth"):
                faces = mesh.faces[mesh.groups == group]
                parts.append(Surface(group, Label.MOUTH, base, faces, _TEETH))
        return tuple(parts)


def gaze_vector(gaze: tuple[float, float]) -> np.ndarray:
    """Return the unit vector, (3,), of eyes turned by yaw (to the left) and pitch, degrees."""
    return direction(*np.radians(gaze))
