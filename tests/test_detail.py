# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine relief from normals and from shading, on surfaces whose shape is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import face_depth_addon
from face_depth_addon.core.crop import Crop, transform_points
from face_depth_addon.core.detail.fine_relief import (
    NormalMap,
    baked_detail,
    depth_at,
    normal_relief,
    shading_relief,
)
from face_depth_addon.core.detail.normals import (
    bake_normals,
    decode_normals,
    normal_detail,
    screened_poisson,
)
from face_depth_addon.core.detail.shading import feature_mask, shading_detail
from face_depth_addon.core.errors import DepthMapError, MeshError
from face_depth_addon.core.reconstruction import Pictures, Reconstruction

SIZE = 201
PIXEL = 0.5  # millimetres
FACE = np.pad(np.ones((SIZE - 50, SIZE - 50), np.float32), 25)


@pytest.fixture(scope="module")
def across_down() -> tuple[np.ndarray, np.ndarray]:
    """Millimetres to the right and down from the middle."""
    ticks = (np.arange(SIZE) - SIZE // 2) * PIXEL
    return np.meshgrid(ticks, ticks)


@pytest.fixture(scope="module")
def dome(across_down) -> np.ndarray:
    x, y = across_down
    return (-(x**2 + 0.6 * y**2) / 150.0).astype(np.float32)


@pytest.fixture(scope="module")
def ripples(across_down) -> np.ndarray:
    """Folds of 0.1 mm, 5 mm apart, aslant."""
    x, y = across_down
    return (0.1 * np.sin(2 * np.pi * (0.8 * x + 0.6 * y) / 5.0)).astype(np.float32)


def normals_of(depth: np.ndarray) -> np.ndarray:
    """Unit normals: x right, y up, z to the viewer."""
    down, right = np.gradient(depth / PIXEL)
    normals = np.stack([-right, down, np.ones_like(right)], axis=-1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def lit(depth: np.ndarray, light: tuple[float, float, float], colour=0.5) -> np.ndarray:
    """A matt surface under a distant lamp and some ambient light: (S, S, 3) uint8 sRGB."""
    direct = np.maximum(normals_of(depth) @ (np.array(light) / np.linalg.norm(light)), 0.0)
    linear = colour * (0.2 + 0.8 * direct)
    code = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.repeat(np.round(255 * code).astype(np.uint8)[..., None], 3, axis=-1)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


def inner(values: np.ndarray, margin: int = 35) -> np.ndarray:
    return values[margin:-margin, margin:-margin]


def normal_error(depth: np.ndarray, true: np.ndarray) -> float:
    """Mean angle of the normals, in degrees."""
    cosine = (normals_of(depth) * normals_of(true)).sum(axis=-1)
    return float(np.degrees(np.arccos(np.clip(inner(cosine), -1.0, 1.0))).mean())


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (9, 8), (7, 12)])
def test_screened_poisson_gives_the_least_squares_surface(shape):
    rng = np.random.default_rng(1)
    depth = rng.normal(size=shape).astype(np.float32)
    x = rng.normal(size=(shape[0], shape[1] - 1)).astype(np.float32)
    y = rng.normal(size=(shape[0] - 1, shape[1])).astype(np.float32)
    count, weight = depth.size, 0.3
    basis = np.eye(count).reshape(count, *shape)
    equations = np.concatenate([
        np.diff(basis, axis=2).reshape(count, -1),
        np.diff(basis, axis=1).reshape(count, -1),
        np.sqrt(weight) * basis.reshape(count, -1),
    ], axis=1).T
    right = np.concatenate([x.ravel(), y.ravel(), np.sqrt(weight) * depth.ravel()])
    expected = np.linalg.lstsq(equations, right, rcond=None)[0].reshape(shape)
    np.testing.assert_allclose(screened_poisson(depth, x, y, weight), expected, atol=2e-6)


@pytest.mark.parametrize("size", [256, 257])
def test_slopes_alone_bring_a_known_surface_back(size):
    x, y = np.meshgrid(*[np.linspace(-1.0, 1.0, size)] * 2)
    true = (80.0 * np.exp(-3.0 * x**2 - 2.0 * y**2) + 9.0 * np.sin(20.0 * x * y)).astype(np.float32)
    flat = np.full_like(true, true.mean())
    found = screened_poisson(flat, np.diff(true, axis=1), np.diff(true, axis=0), 0.0)
    np.testing.assert_allclose(found, true, atol=2e-4)
    kept = screened_poisson(true, np.diff(true, axis=1), np.diff(true, axis=0), 0.01)
    np.testing.assert_allclose(kept, true, atol=1e-5)


@pytest.mark.parametrize("green", ["OPENGL", "DIRECTX"])
def test_normals_bring_back_what_the_depth_lacks(dome, ripples, green):
    true = dome + ripples
    encoded = np.round(127.5 * (normals_of(true) + 1.0)).astype(np.uint8)
    if green == "DIRECTX":
        encoded[..., 1] = 255 - encoded[..., 1]
    everywhere = np.ones(dome.shape, bool)
    found = normal_detail(dome, decode_normals(encoded), everywhere, PIXEL, 40.0, green)
    assert rms(inner(found - ripples)) < 0.15 * rms(ripples)
    wrong = "OPENGL" if green == "DIRECTX" else "DIRECTX"
    other = normal_detail(dome, decode_normals(encoded), everywhere, PIXEL, 40.0, wrong)
    assert rms(inner(other - ripples)) > 0.5 * rms(ripples)
    # In another unit the displacement is the same height.
    metres = normal_detail(
        dome * 1e-3, decode_normals(encoded), everywhere, PIXEL * 1e-3, 40.0, green
    )
    np.testing.assert_allclose(metres * 1e3, found, atol=1e-4)


def test_long_waves_are_the_depths_own_and_nothing_rings_at_the_subjects_border(
    across_down, dome, ripples
):
    x, y = across_down
    subject = np.hypot(x, y) < 35.0
    # The normals are those of a flatter head, turned by 17 degrees.
    normals = normals_of(0.7 * dome + ripples) + [0.3, 0.0, 0.0]
    normals[~subject] = np.random.default_rng(3).normal(size=((~subject).sum(), 3))
    hole = np.hypot(x - 15.0, y) < 3.0
    normals[hole] = -1.0  # black in the map
    found = normal_detail(dome, normals.astype(np.float32), subject, PIXEL, 30.0)
    assert np.abs(found[hole]).max() < 1.6 * ripples.max()
    well_inside = (np.hypot(x, y) < 28.0) & (np.hypot(x - 15.0, y) > 6.0)
    assert rms((found - ripples)[well_inside]) < 0.35 * rms(ripples)
    rim = np.abs(np.hypot(x, y) - 35.0) < 5.0
    assert np.abs(found[rim]).max() < 1.6 * ripples.max()
    assert np.abs(found[np.hypot(x, y) > 45.0]).max() < 0.1 * ripples.max()


@pytest.mark.parametrize("light", [(-0.8, 0.3, 0.7), (0.0, 0.9, 0.6), (0.5, -0.5, 0.9)])
def test_shading_shows_folds_wherever_the_light_comes_from(dome, ripples, light):
    true = dome + ripples
    found = shading_detail(lit(true, light), dome, FACE, PIXEL, 1.0)
    assert np.corrcoef(inner(found).ravel(), inner(ripples).ravel())[0, 1] > 0.75
    assert 0.2 * rms(ripples) < rms(inner(found)) < 1.2 * rms(ripples)
    assert normal_error(dome + found, true) < 0.8 * normal_error(dome, true)
    smooth = shading_detail(lit(dome, light), dome, FACE, PIXEL, 1.0)
    assert rms(inner(smooth)) < 0.05 * rms(ripples)


def test_shading_detail_scales_with_the_unit_and_the_mask(dome, ripples):
    photo = lit(dome + ripples, (-0.8, 0.3, 0.7))
    found = shading_detail(photo, dome, FACE, PIXEL, 1.0)
    metres = shading_detail(photo, dome * 1e-3, FACE, PIXEL * 1e-3, 1e-3)
    np.testing.assert_allclose(metres * 1e3, found, atol=1e-4)
    np.testing.assert_allclose(
        shading_detail(photo, dome, 0.5 * FACE, PIXEL, 1.0), 0.5 * found, atol=1e-6
    )
    assert not shading_detail(photo, dome, 0.0 * FACE, PIXEL, 1.0).any()


def test_what_the_mask_leaves_out_neither_rises_nor_casts_relief_around_it(
    across_down, dome, ripples
):
    x, y = across_down
    brow = (np.abs(x) < 15.0) & (np.abs(y + 10.0) < 4.0)
    mask = np.where(brow, 0.0, 1.0).astype(np.float32)
    photo = lit(dome + ripples, (-0.8, 0.3, 0.7))
    painted = photo.copy()
    painted[brow] = 12
    found = shading_detail(painted, dome, mask, PIXEL, 1.0)
    assert not found[brow].any()
    np.testing.assert_array_equal(found, shading_detail(photo, dome, mask, PIXEL, 1.0))


def test_dark_spots_and_hair_rise_less_than_folds(across_down, dome, ripples):
    x, y = across_down
    light = (-0.8, 0.3, 0.7)
    folds = shading_detail(lit(dome + ripples, light), dome, FACE, PIXEL, 1.0)
    mole = 1.0 - 0.85 * np.exp(-(np.hypot(x - 10.0, y) / 2.0) ** 4)
    spot = shading_detail(lit(dome, light, 0.5 * mole), dome, FACE, PIXEL, 1.0)
    assert np.abs(spot).max() < np.abs(inner(folds)).max()
    strands = 0.25 * (1.0 + 0.9 * np.sign(np.sin(2 * np.pi * x / 3.0)))
    hair = shading_detail(lit(dome, light, strands), dome, FACE, PIXEL, 1.0)
    assert rms(inner(hair)) < 0.5 * rms(inner(folds))


def test_the_cap_holds_without_flats(across_down, dome, ripples):
    photo = lit(dome + ripples, (-0.8, 0.3, 0.7))
    free = inner(shading_detail(photo, dome, FACE, PIXEL, 1.0, 100.0))
    cap = 0.2 * np.abs(free).max()
    capped = inner(shading_detail(photo, dome, FACE, PIXEL, 1.0, cap))
    assert np.abs(capped).max() < cap
    # The folds keep their form: a clipped wave would have the form of a square.
    assert np.corrcoef(free.ravel(), capped.ravel())[0, 1] > 0.97
    level = np.abs(capped) / np.abs(capped).max()
    assert (level > 0.9).mean() < 0.4
    lone = 0.3 * np.exp(-(across_down[0] ** 2 + across_down[1] ** 2) / 0.8)
    photo = lit(dome + lone, (-0.8, 0.3, 0.7))
    free = np.abs(shading_detail(photo, dome, FACE, PIXEL, 1.0, 100.0)).max()
    assert np.abs(shading_detail(photo, dome, FACE, PIXEL, 1.0, 0.1 * free)).max() < 0.1 * free


def test_feature_mask_keeps_skin_and_leaves_the_rest_out(astronaut):
    from face_depth_addon.core.photo import load_photo
    from face_depth_addon.core.pipeline import Pipeline

    models = Path(face_depth_addon.__file__).parent / "models"
    face, _ = Pipeline(models).choose_face(load_photo(astronaut), 0)
    mask = feature_mask(face.landmarks, (512, 512))
    assert mask.dtype == np.float32 and mask.min() >= 0.0 and mask.max() <= 1.0
    skin = {"cheeks": [(198, 118), (255, 122)], "chin": [(222, 166)], "nose": [(223, 112)]}
    for name, places in skin.items():
        for column, row in places:
            assert mask[row, column] > 0.95, name
    out = {
        "pupils": [(203, 101), (247, 104)], "brows": [(199, 90), (248, 93)],
        "lips": [(223, 142), (223, 152), (203, 140), (244, 141)],
        "nostrils": [(216, 131), (231, 131)],
        "around": [(170, 80), (225, 60), (215, 182), (180, 128), (290, 150)],
    }
    for name, places in out.items():
        for column, row in places:
            assert mask[row, column] < 0.05, name
    assert np.abs(np.diff(mask, axis=0)).max() < 0.35
    # It goes with the landmarks, at any size.
    larger = feature_mask(face.landmarks * 2.0, (1024, 1024))
    assert np.abs(cv2.resize(larger, (512, 512), interpolation=cv2.INTER_AREA) - mask).mean() < 0.01


def test_baked_normals_relight_the_coarse_relief_as_the_fine_one(across_down):
    x, y = across_down
    # With slopes that are known without differences, to the right and up the picture.
    coarse, right, up = -(x**2 + 0.6 * y**2) / 100.0, -x / 50.0, 1.2 * y / 100.0
    phase = 2 * np.pi * (0.8 * x + 0.6 * y) / 12.0
    fine = coarse + 0.6 * np.sin(phase)
    swing = 0.6 * np.cos(phase) * 2 * np.pi / 12.0
    fine_right, fine_up = right + 0.8 * swing, up - 0.6 * swing

    def unit(*parts):
        vectors = np.stack(np.broadcast_arrays(*parts), axis=-1)
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

    baked = bake_normals(fine.astype(np.float32), coarse.astype(np.float32), 1.0 / PIXEL)
    assert baked.shape == (SIZE, SIZE, 3) and baked.dtype == np.uint16
    local = decode_normals(baked)
    normal, tangent = unit(-right, -up, 1.0), unit(1.0, 0.0, right)
    bitangent = np.cross(normal, tangent)
    relit = local[..., :1] * tangent + local[..., 1:2] * bitangent + local[..., 2:] * normal
    for light in ([0.5, 0.4, 0.77], [-0.7, 0.1, 0.7], [0.0, -0.8, 0.6]):
        difference = relit @ light - unit(-fine_right, -fine_up, 1.0) @ light
        assert np.abs(inner(difference, 2)).max() < 0.025
        assert rms(inner(difference, 2)) < 0.008
        assert rms((normal - unit(-fine_right, -fine_up, 1.0)) @ light) > 0.04


def test_a_bump_on_a_slope_bakes_green_up_and_nothing_bakes_flat(across_down, dome):
    x, y = across_down
    bump = np.exp(-(x**2 + y**2) / 20.0).astype(np.float32)
    baked = decode_normals(bake_normals(dome + bump, dome, 1.0 / PIXEL))
    middle = SIZE // 2
    assert baked[middle - 6, middle, 1] > 0.18 and baked[middle + 6, middle, 1] < -0.18
    assert baked[middle, middle + 6, 0] > 0.18 and baked[middle, middle - 6, 0] < -0.18
    flat = decode_normals(bake_normals(dome, dome, 1.0 / PIXEL)).reshape(-1, 3)
    assert np.abs(flat - [0.0, 0.0, 1.0]).max() < 1e-4


def test_float_normals_are_read_signed_or_not(dome):
    normals = normals_of(dome).astype(np.float32)
    np.testing.assert_array_equal(decode_normals(normals), normals)
    np.testing.assert_allclose(decode_normals((normals + 1.0) / 2.0), normals, atol=1e-6)


# A reconstruction of a face 20 cm wide, turned in a photo of another shape.
CROP = Crop(260.0, 300.0, 400.0, 0.4)
PHOTO_WIDTH, PHOTO_HEIGHT, MPP = 500, 620, 0.0005


def relief_and_ripples(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A dome, and folds of 0.5 mm every 8 mm, in photo pixels, at places in [0, 1]."""
    x, y = np.meshgrid(*[(np.arange(size) + 0.5) / size - 0.5] * 2)
    dome = -400.0 * (x**2 + 0.7 * y**2)
    return dome.astype(np.float32), np.sin(2 * np.pi * (20 * x + 15 * y)).astype(np.float32)


@pytest.fixture(scope="module")
def reconstruction() -> Reconstruction:
    dome, folds = relief_and_ripples(256)
    photo = lit_photo(*relief_and_ripples(512))
    matte = np.zeros((256, 256), np.uint8)
    matte[20:-20, 20:-20] = 255
    pictures = Pictures(cv2.imencode(".png", photo)[1].tobytes(), b"", b"", b"")
    return Reconstruction(
        dome, matte >= 128, matte, np.zeros((256, 256, 3), np.uint8), CROP, MPP,
        np.array([0.5, 0.5, -50.0]), pictures,
        info={"width": PHOTO_WIDTH, "height": PHOTO_HEIGHT},
    )


def crop_normals(depth: np.ndarray) -> np.ndarray:
    """Unit normals of a depth map of the crop: x right, y up, z to the viewer."""
    down, right = np.gradient(depth / (CROP.side / len(depth)))
    normals = np.stack([-right, down, np.ones_like(right)], axis=-1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def lit_photo(dome: np.ndarray, folds: np.ndarray) -> np.ndarray:
    direct = np.maximum(crop_normals(dome + 0.2 * folds) @ [-0.6, 0.3, 0.74], 0.0)
    linear = 0.5 * (0.2 + 0.8 * direct)
    code = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.repeat(np.round(255 * code).astype(np.uint8)[..., None], 3, axis=-1)


def likeness(found: np.ndarray, margin: int = 60) -> tuple[float, float]:
    """Correlation of detail with the true folds, and its strength relative to theirs."""
    _, folds = relief_and_ripples(len(found))
    found, folds = inner(found, margin), inner(folds, margin)
    return float(np.corrcoef(found.ravel(), folds.ravel())[0, 1]), rms(found) / rms(folds)


def test_shading_of_the_stored_photo_raises_its_folds(reconstruction):
    found = shading_relief(reconstruction, 512)
    like, strength = likeness(found)
    assert found.shape == (512, 512) and like > 0.8
    # In photo pixels: the folds in the photo are a fifth of a pixel high.
    assert 0.05 < strength < 0.25
    assert not found[:30].any()
    capped = shading_relief(reconstruction, 512, cap=0.00002)
    assert np.abs(capped).max() * MPP <= 0.00002
    gone = Reconstruction(**{
        **vars(reconstruction), "pictures": Pictures(b"", b"", b"", b""),
    })
    with pytest.raises(MeshError, match="photo of this mesh is gone"):
        shading_relief(gone, 512)


def test_normal_map_of_the_texture_or_of_the_whole_photo_gives_the_same_relief(reconstruction):
    dome, folds = relief_and_ripples(512)
    normals = crop_normals(dome + folds).astype(np.float32)
    by_crop = normal_relief(reconstruction, 512, NormalMap("n", normals, "CROP"))
    like, strength = likeness(by_crop)
    assert like > 0.98 and strength == pytest.approx(1.0, abs=0.15)

    # The same normals as a camera sees them, at half the photo's size, green down.
    rows, columns = np.mgrid[: PHOTO_HEIGHT // 2, : PHOTO_WIDTH // 2] + 0.5
    places = np.column_stack([columns.ravel(), rows.ravel()]) * 2.0
    in_crop = transform_points(CROP.from_photo(512), places).astype(np.float32) - 0.5
    shape = rows.shape
    x, y, z = np.moveaxis(cv2.remap(
        normals, in_crop[:, 0].reshape(shape), in_crop[:, 1].reshape(shape), cv2.INTER_LINEAR
    ), -1, 0)
    down, turn = -y, CROP.roll
    seen = np.stack([
        np.cos(turn) * x - np.sin(turn) * down, np.sin(turn) * x + np.cos(turn) * down, z
    ], axis=-1)
    by_photo = normal_relief(reconstruction, 512, NormalMap("n", seen, "PHOTO", "DIRECTX"))
    # At half the size some of the slopes are lost, but not in their direction.
    assert np.corrcoef(inner(by_photo, 60).ravel(), inner(by_crop, 60).ravel())[0, 1] > 0.99
    assert likeness(by_photo)[1] == pytest.approx(strength, rel=0.1)


def test_what_is_no_normal_map_of_this_face_is_refused(reconstruction):
    normals = crop_normals(relief_and_ripples(512)[0]).astype(np.float32)
    with pytest.raises(DepthMapError, match='"n" is 512 x 512 pixels and the photo 500 x 620'):
        normal_relief(reconstruction, 512, NormalMap("n", normals, "PHOTO"))
    with pytest.raises(DepthMapError, match="texture square"):
        normal_relief(reconstruction, 512, NormalMap("n", normals[:300], "CROP"))
    portrait = decode_normals(np.full((512, 512, 3), (200, 150, 120), np.uint8))
    with pytest.raises(DepthMapError, match="does not look like a normal map"):
        normal_relief(reconstruction, 512, NormalMap("portrait.jpg", portrait, "CROP"))


def test_baked_detail_holds_the_slopes_of_the_detail(reconstruction):
    _, folds = relief_and_ripples(512)
    detailed = Reconstruction(**{**vars(reconstruction), "detail": 0.3 * folds})
    assert depth_at(detailed, 512).shape == (512, 512)
    png = cv2.imdecode(np.frombuffer(baked_detail(detailed, 2.0), np.uint8), cv2.IMREAD_UNCHANGED)
    assert png.dtype == np.uint16
    local = inner(decode_normals(png[..., ::-1]), 200)
    # About the middle of the dome, which is level, slopes are those of the folds.
    down, right = np.gradient(0.6 * folds / (CROP.side / 512))
    np.testing.assert_allclose(-local[..., 0] / local[..., 2], inner(right, 200), atol=0.03)
    np.testing.assert_allclose(local[..., 1] / local[..., 2], inner(down, 200), atol=0.03)
