# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps in and out, normal maps and landmarks, on made-up data with known answers."""

import io
import json
import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from face_depth_addon.core.crop import Crop, transform_points
from face_depth_addon.core.depth.banding import remove_banding
from face_depth_addon.core.depth.depth_file import DepthMap, read_depth, write_depth
from face_depth_addon.core.depth.exr import encode_exr, parse_exr
from face_depth_addon.core.depth.normal_map import normal_map, relief_normals, write_normal_map
from face_depth_addon.core.depth.reading import fit_to_photo, interpret
from face_depth_addon.core.errors import DepthMapError, OutputError
from face_depth_addon.core.face.landmark_file import landmarks_json
from face_depth_addon.core.face.landmarks import Face
from face_depth_addon.core.reconstruction import Pictures, Reconstruction

WIDTH, HEIGHT = 60, 45
NAME = "tiefe_ö_深度"


def head(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Float depth of a dome, -31 to 57.5, NaN in the corners."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    squared = (2 * x - 1) ** 2 + (2 * y - 1) ** 2
    return np.where(squared < 1.5, 57.5 - 59.0 * squared, np.nan).astype(np.float32)


def levels(top: int) -> np.ndarray:
    """Whole numbers from 0 to ``top`` in no order that a wrong stride would keep."""
    steps = np.linspace(0, top, WIDTH * HEIGHT).round().astype(np.uint16)
    return np.random.default_rng(0).permutation(steps).reshape(HEIGHT, WIDTH)


def pillow(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def opencv(pixels: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def exr(channels: dict[str, np.ndarray], flags: int = 0, compression: int = 0) -> bytes:
    """An uncompressed scan-line OpenEXR file of float32 or float16 channels."""
    names = sorted(channels)
    height, width = channels[names[0]].shape
    kinds = {name: 1 if channels[name].dtype == np.float16 else 2 for name in names}
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<4i", kinds[name], 0, 1, 1) for name in names
    )
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = [
        ("channels", "chlist", listed + b"\0"),
        ("compression", "compression", bytes([compression])),
        ("dataWindow", "box2i", box), ("displayWindow", "box2i", box),
        ("lineOrder", "lineOrder", b"\0"), ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", bytes(8)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    ]
    header = b"\x76\x2f\x31\x01" + bytes([2, flags, 0, 0]) + b"".join(
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in attributes
    ) + b"\0"
    rows = [b"".join(channels[name][row].tobytes() for name in names) for row in range(height)]
    start = len(header) + 8 * height
    offsets = [start + row * (8 + len(rows[0])) for row in range(height)]
    lines = [struct.pack("<2i", row, len(data)) + data for row, data in enumerate(rows)]
    return header + struct.pack(f"<{height}q", *offsets) + b"".join(lines)


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">2I5B", width, height, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(
        ">2I", zlib.crc32(chunk), 9
    ) + b"IDAT" + bytes(13)


def relative(values: np.ndarray, step: float = 0.0) -> DepthMap:
    return DepthMap(values.astype(np.float32), step, False, "map")


def assert_one_sentence(error: Exception, name: str) -> None:
    message = str(error)
    assert name in message
    assert message.isprintable() and len(message) < 250
    assert message.endswith(".") and ". " not in message


# --- Files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [None, 0.00043210987])
@pytest.mark.parametrize("suffix", [".npy", ".exr", ".png"])
def test_what_is_written_comes_back(tmp_path, suffix, scale):
    path = tmp_path / (NAME + suffix)
    depth = head()
    write_depth(path, depth, scale)
    back = read_depth(path)
    assert back.values.dtype == np.float32 and back.name == path.name
    assert np.array_equal(np.isnan(back.values), np.isnan(depth))
    error = np.nanmax(np.abs(back.values - depth))
    if suffix == ".png":
        assert back.step == pytest.approx(np.ptp(depth[np.isfinite(depth)]) / 65534, rel=1e-6)
        assert error <= 0.501 * back.step + np.spacing(np.float32(60))
    else:
        assert error == 0.0 and back.step == 0.0
    # .npy has no place for words.
    assert back.in_pixels == (suffix != ".npy")
    assert back.metres_per_pixel == (None if suffix == ".npy" else scale)
    assert np.array_equal(interpret(back, kind="depth"), back.values, equal_nan=True)
    if scale and back.in_pixels:
        doubled = fit_to_photo(back, 2 * WIDTH, 2 * HEIGHT)
        assert doubled.metres_per_pixel == pytest.approx(scale / 2)


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (33, 32), (50, 47)])
@pytest.mark.parametrize("compressed", [True, False])
def test_our_openexr_files_are_those_of_the_standard(size, compressed):
    # Noise does not shrink, and the flat part does: both ways of a ZIP file's blocks.
    values = head(*size)
    values[: size[1] // 2] = np.random.default_rng(0).normal(size=(size[1] // 2, size[0]))
    data = encode_exr(values, {"note": "ö"}, compressed)
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(found, values, equal_nan=True)
    assert parse_exr(data).attributes[b"note"].decode() == "ö"


def test_depth_that_is_known_nowhere_is_not_written(tmp_path):
    with pytest.raises(OutputError, match="no depth") as caught:
        write_depth(tmp_path / "depth.png", np.full((40, 40), np.nan))
    assert_one_sentence(caught.value, "depth.png")
    assert not list(tmp_path.iterdir())


def test_a_note_of_ours_that_makes_no_sense_is_a_damaged_file(tmp_path):
    path = tmp_path / NAME
    for scale in ("-1.0", "nan", "wide"):
        path.write_bytes(encode_exr(head(), {"metresPerPixel": scale}))
        with pytest.raises(DepthMapError, match="damaged") as caught:
            read_depth(path)
        assert_one_sentence(caught.value, NAME)


EIGHT, SIXTEEN = levels(255).astype(np.uint8), levels(65535)
CUT_OUT = np.where(levels(1) > 0, 255, 0).astype(np.uint8)
FLOATS = np.where(CUT_OUT > 0, levels(900) / np.float32(7) - 50, np.nan).astype(np.float32)
HOLED = np.where(CUT_OUT > 0, EIGHT, np.nan)
HALF = np.where(CUT_OUT > 0, levels(900) / 8, np.inf).astype(np.float16)
KNOWN_HALF = np.where(CUT_OUT > 0, HALF, np.nan)
OTHER = levels(700).astype(np.float32)
ONES = np.ones_like(OTHER)

READ = {
    "png8": (pillow(EIGHT, "PNG"), EIGHT, 1.0),
    "png16": (pillow(SIXTEEN, "PNG"), SIXTEEN, 1.0),
    "png8-as-16": (pillow(EIGHT * np.uint16(257), "PNG"), EIGHT * 257.0, 257.0),
    "png8-rgb": (pillow(np.dstack([EIGHT] * 3), "PNG"), EIGHT, 1.0),
    "png8-rgba": (pillow(np.dstack([EIGHT] * 3 + [CUT_OUT]), "PNG"), HOLED, 1.0),
    "png8-grey-alpha": (pillow(np.dstack([EIGHT, CUT_OUT]), "PNG"), HOLED, 1.0),
    "png16-rgb": (opencv(np.dstack([SIXTEEN] * 3), ".png"), SIXTEEN, 1.0),
    "png16-rgba": (
        opencv(np.dstack([levels(60000)] * 3 + [CUT_OUT * np.uint16(257)]), ".png"),
        np.where(CUT_OUT > 0, levels(60000), np.nan), 1.0,
    ),
    "tiff8": (pillow(EIGHT, "TIFF"), EIGHT, 1.0),
    "tiff16": (pillow(SIXTEEN, "TIFF"), SIXTEEN, 1.0),
    "tiff16-rgb": (opencv(np.dstack([SIXTEEN] * 3), ".tiff"), SIXTEEN, 1.0),
    "tiff-float": (pillow(FLOATS, "TIFF"), FLOATS, 0.0),
    "npy-float64": (npy(FLOATS.astype(float)), FLOATS, 0.0),
    "npy-batch": (npy(FLOATS[None]), FLOATS, 0.0),
    "npy-channel-by-columns": (npy(np.asfortranarray(FLOATS[..., None])), FLOATS, 0.0),
    "npy-half": (npy(HALF), KNOWN_HALF, 0.0),
    "npy-16-bit": (npy(SIXTEEN), SIXTEEN, 1.0),
    "exr-Y": (exr({"Y": FLOATS}), FLOATS, 0.0),
    "exr-Z": (exr({"Z": FLOATS}), FLOATS, 0.0),
    "exr-half-V": (exr({"V": HALF}), KNOWN_HALF, 0.0),
    "exr-R": (exr({"R": FLOATS}), FLOATS, 0.0),
    "exr-grey-rgb": (exr({name: FLOATS for name in "RGB"}), FLOATS, 0.0),
    "exr-alpha": (exr({"Y": EIGHT.astype(np.float32), "A": CUT_OUT / np.float32(255)}), HOLED, 0.0),
    "exr-beside-a-picture": (
        exr({"A": ONES, "B": OTHER, "G": OTHER / 2, "R": OTHER * 3, "Z": FLOATS}), FLOATS, 0.0,
    ),
    "exr-of-blender": (
        exr({
            "Lens.Combined.R": OTHER, "Lens.Combined.G": ONES, "Lens.Combined.B": OTHER * 2,
            "Lens.Depth.Z": np.where(CUT_OUT > 0, FLOATS, np.float32(1e10)),
            **{f"A.Normal.{name}": OTHER for name in "XYZ"}, "A.UV.U": OTHER, "A.UV.V": OTHER,
        }),
        FLOATS, 0.0,
    ),
}


@pytest.mark.parametrize("case", READ)
def test_depth_maps_of_other_programs_are_read_exactly(tmp_path, case):
    data, values, step = READ[case]
    (tmp_path / NAME).write_bytes(data)
    found = read_depth(tmp_path / NAME)
    assert found.values.dtype == np.float32 and found.step == step and not found.in_pixels
    assert np.array_equal(found.values, np.float32(values), equal_nan=True)


def test_jpeg_keeps_its_levels_to_what_jpeg_keeps(tmp_path):
    smooth = np.tile(np.linspace(10, 240, WIDTH).round().astype(np.uint8), (HEIGHT, 1))
    (tmp_path / NAME).write_bytes(pillow(np.dstack([smooth] * 3), "JPEG", quality=95))
    found = read_depth(tmp_path / NAME)
    assert found.step == 1.0 and np.abs(found.values - smooth).max() <= 2.0


COLOURED = cv2.applyColorMap(EIGHT, cv2.COLORMAP_VIRIDIS)
PNG, EXR, NPY = pillow(EIGHT, "PNG"), exr({"Z": FLOATS}), npy(FLOATS)
REFUSED = {
    "coloured-png": (opencv(COLOURED, ".png"), "coloured"),
    "coloured-jpeg": (opencv(COLOURED, ".jpg"), "coloured"),
    "coloured-16": (opencv(COLOURED * np.uint16(257), ".png"), "coloured"),
    "coloured-exr": (exr({"R": OTHER, "G": OTHER, "B": OTHER[::-1].copy()}), "coloured"),
    "empty": (b"", "empty"),
    "text": (b"no picture at all" * 9, "no depth map"),
    "other-picture": (pillow(EIGHT, "GIF"), "no depth map"),
    "cut-png": (PNG[: len(PNG) // 2], "damaged"),
    "cut-jpeg": (pillow(EIGHT, "JPEG")[:-400], "damaged"),
    "cut-tiff": (pillow(EIGHT, "TIFF")[:900], "damaged"),
    "cut-16-bit-colours": (opencv(np.dstack([SIXTEEN] * 3), ".png")[:5000], "damaged"),
    "cut-exr": (EXR[:-50], "damaged"),
    "cut-exr-header": (EXR[:100], "damaged"),
    "cut-npy": (NPY[:-1], "damaged"),
    "cut-npy-header": (NPY[:40], "damaged"),
    "broken-npy-header": (NPY.replace(b"'fortran", b"hfortran"), "damaged"),
    "broken-png": (PNG[:60] + bytes(40) + PNG[100:], "damaged"),
    "npy-of-objects": (npy(np.full((40, 40), None)), "no plain numbers"),
    "npy-of-truths": (npy(CUT_OUT > 0), "no plain numbers"),
    "npy-of-colours": (npy(np.dstack([FLOATS] * 3)), "(45, 60, 3)"),
    "npy-list": (npy(np.arange(9.0)), "(9,)"),
    "npy-huge": (NPY.replace(b"(45, 60), }      ", b"(99999, 99999), }"), "120 million"),
    "png-huge": (png_header(60_000, 60_000), "120 million"),
    "exr-huge": (EXR.replace(struct.pack("<2i", 59, 44), struct.pack("<2i", 99998, 99998)),
                 "120 million"),
    "tiff32": (pillow(SIXTEEN.astype(np.int32), "TIFF"), "32 bits"),
    "small": (npy(FLOATS[:31]), "60 x 31"),
    "narrow": (npy(np.zeros((32, 641))), "641 x 32"),
    "exr-of-normals": (exr({name: OTHER for name in "XYZ"}), "no channel Z, V, Y or R"),
    "exr-parts": (exr({"Z": FLOATS}, flags=0x10), "multi-part"),
    "exr-dwa": (exr({"Z": FLOATS}, compression=8), "DWA"),
    "unknown": (npy(np.full((40, 40), np.nan)), "no depth at any pixel"),
    "transparent": (
        pillow(np.dstack([EIGHT] * 3 + [EIGHT * 0]), "PNG"), "no depth at any pixel"
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_files_are_refused_in_one_sentence(tmp_path, case):
    data, reason = REFUSED[case]
    path = tmp_path / NAME
    path.write_bytes(data)
    with pytest.raises(DepthMapError) as caught:
        read_depth(path)
    assert_one_sentence(caught.value, NAME)
    assert reason in str(caught.value)


def test_a_missing_file_a_folder_and_a_huge_file_are_refused(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with open(tmp_path / "huge.npy", "wb") as file:
        file.truncate(512 * 1024**2 + 1)
    for name, reason in (("gone.png", "not there"), ("folder.png", "no file"), ("huge.npy", "512")):
        with pytest.raises(DepthMapError, match=reason) as caught:
            read_depth(tmp_path / name)
        assert_one_sentence(caught.value, name)


# --- Meaning ---------------------------------------------------------------------------------


def distances() -> np.ndarray:
    """Distances from 0.7 to 0.9 m, both ends met."""
    return 0.7 + 0.2 * levels(1000) / 1000.0


@pytest.mark.parametrize("near", ["white", "black"])
def test_affine_disparity_gives_true_distances_between_its_ends(near):
    true = distances()
    sign = {"white": 1.0, "black": -1.0}[near]
    found = interpret(relative(sign * (40.0 / true + 13.0)), near, "disparity", 0.2, 0.7)
    assert found.dtype == np.float32
    assert np.abs(found - (0.9 - true)).max() < 1e-5


@pytest.mark.parametrize("near", ["white", "black"])
def test_relative_depth_is_linear_in_distance(near):
    true = distances()
    sign = {"white": -1.0, "black": 1.0}[near]
    found = interpret(relative(sign * 300.0 * true + 5.0), near, "depth", 120.0)
    assert np.abs(found - (0.9 - true) / 0.2 * 120.0).max() < 1e-3


def test_relief_is_the_subjects_and_the_rest_is_held_at_its_ends():
    values = levels(1000).astype(float)
    subject = (values > 300) & (values < 800)
    unknown = (values == 500) | (values == 999)
    values[unknown] = np.nan
    found = interpret(relative(values), "white", "depth", 0.2, subject=subject)
    assert np.array_equal(np.isnan(found), unknown)
    assert (found[subject & ~unknown].min(), found[subject & ~unknown].max()) == (
        0.0, np.float32(0.2)
    )
    known = ~subject & ~unknown
    assert set(found[known]) == {0.0, np.float32(0.2)}
    assert found[levels(1000) == 550][0] == pytest.approx(0.2 * (550 - 301) / (799 - 301))


def test_measured_maps_need_no_relief():
    true = distances()
    millimetres = np.where(CUT_OUT > 0, true * 1000.0, 0.0)
    for values, kind, unit in (
        (millimetres, "depth", 0.001),
        (np.where(CUT_OUT > 0, 1.0 / true, 0.0), "disparity", 1.0),
    ):
        near = "black" if kind == "depth" else "white"
        found = interpret(relative(values), near, kind, unit=unit)
        assert np.array_equal(np.isnan(found), CUT_OUT == 0)
        assert np.nanmax(np.abs(found + true)) < 1e-6
    found = interpret(relative(-true), "white", "depth", unit=1000.0)
    assert np.abs(found + 1000.0 * true).max() < 1e-3


@pytest.mark.parametrize(
    ("settings", "values", "reason"),
    [
        ({"relief": 0.2}, distances(), "distance between camera"),
        ({"relief": 0.2, "distance": -1.0}, distances(), "distance between camera"),
        ({"relief": 0.0, "kind": "depth"}, distances(), "relief"),
        ({"relief": 0.2, "kind": "depth"}, np.ones((40, 40)), "same everywhere"),
        (
            {"relief": 0.2, "kind": "depth", "subject": np.zeros((HEIGHT, WIDTH), bool)},
            distances(), "unknown in the subject",
        ),
        ({"near": "black"}, distances(), "near white"),
        ({"near": "black", "kind": "depth"}, -distances(), "no value above 0"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, values, reason):
    with pytest.raises(DepthMapError, match=reason) as caught:
        interpret(relative(values), **settings)
    assert_one_sentence(caught.value, "map")


@pytest.mark.parametrize("size", [(40, 30), (90, 68), (240, 180)])
def test_map_of_another_size_keeps_place_shape_and_outline(size):
    # Far from 0, so that anything made up outside the outline would show inside.
    large, true = head(120, 90) + 500.0, head(*size) + 500.0
    fitted = fit_to_photo(relative(large), *size)
    assert fitted.values.shape == size[::-1]
    differing = np.isnan(fitted.values) != np.isnan(true)
    assert differing.sum() < 4 * sum(size) / 10
    known = np.isfinite(true)
    inside = cv2.erode(np.pad(known.astype(np.uint8), 1), np.ones((9, 9)))[1:-1, 1:-1] > 0
    # The slope is up to 59 * 4 over the shorter side: a third of a pixel off would show.
    assert np.abs(fitted.values - true)[inside].max() < 59.0 * 4 / size[1] / 3
    assert np.nanmax(np.abs(fitted.values - true)) < 59.0 * 4 / size[1] * 2


def test_fitting_to_the_same_size_changes_nothing_and_photo_pixels_grow_with_the_photo():
    depth_map = DepthMap(head(), 0.5, True, "map")
    assert fit_to_photo(depth_map, WIDTH, HEIGHT) is depth_map
    doubled = fit_to_photo(depth_map, 2 * WIDTH, 2 * HEIGHT)
    assert doubled.step == 1.0
    assert np.nanmax(doubled.values) == pytest.approx(2 * np.nanmax(head()), rel=0.01)


def test_map_of_another_shape_is_refused():
    fit_to_photo(relative(head(200, 100)), 401, 200)
    with pytest.raises(DepthMapError, match="200 x 100 pixels and the photo 206 x 100") as caught:
        fit_to_photo(relative(head(200, 100)), 206, 100)
    assert_one_sentence(caught.value, "map")


# --- Banding ---------------------------------------------------------------------------------


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


def smoothed(true: np.ndarray, step: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The rounded map, and what becomes of it; no value moves by more than half a level."""
    rounded = (np.round(true / step) * step).astype(np.float32)
    result = remove_banding(relative(rounded, step))
    assert result.step == 0.0
    assert np.nanmax(np.abs(result.values - rounded)) <= 0.5 * step * (1 + 1e-5)
    return rounded, result.values


@pytest.mark.parametrize("step", [1.0, 257.0])
def test_a_rounded_ramp_becomes_a_ramp_again(step):
    x, y = np.meshgrid(np.arange(200.0), np.arange(150.0))
    true = (0.037 * x + 0.021 * y + 12.3) * step
    rounded, result = smoothed(true, step)
    assert rms(result - true) < 0.2 * rms(rounded - true)
    slopes = np.diff(result[5:-5, 5:-5], axis=1) / step
    assert np.abs(slopes - 0.037).max() < 0.03


def test_a_rounded_dome_is_smooth_again_up_to_its_edge_and_its_unknown_border():
    x, y = np.meshgrid(np.arange(160.0), np.arange(160.0))
    dome = 60.0 - ((x - 70) ** 2 + (y - 80) ** 2) / 150.0
    inside = np.hypot(x - 80, y - 80) < 75
    true = np.where(x > 110, dome - 40.0, dome)
    rounded, result = smoothed(np.where(inside, true, np.nan))
    assert np.array_equal(np.isnan(result), ~inside)
    assert rms((result - true)[inside]) < 0.3 * rms((rounded - true)[inside])
    # The step of 40 levels neither moves nor rings.
    edge = inside & (np.abs(x - 110.5) < 3)
    assert rms((result - true)[edge]) < 0.4 * rms((rounded - true)[edge])
    bend = np.abs(np.diff(result, 2, axis=1))[:, :105]
    assert np.nanmax(bend) < 0.1


def test_an_edge_between_flat_parts_does_not_spread_and_float_maps_stay():
    flat = np.where(np.arange(90) < 41, 20.0, 90.0) + np.zeros((64, 1))
    assert np.abs(smoothed(flat)[1] - flat).max() < 0.1
    floats = relative(head())
    assert remove_banding(floats) is floats


# --- Normals and landmarks -------------------------------------------------------------------


def test_normals_of_a_sphere_point_where_they_should():
    size, radius, per_pixel = 200, 0.09, 0.001
    x, up = np.meshgrid(*[(np.arange(size) + 0.5 - size / 2) * per_pixel] * 2)
    up = -up
    mask = np.hypot(x, up) < 0.8 * radius
    depth = np.sqrt(np.maximum(radius**2 - x**2 - up**2, 0.0)).astype(np.float32)
    # What lies outside must not leak in.
    depth[~mask] = np.nan
    colours = normal_map(depth, mask, per_pixel)
    assert colours.dtype == np.uint8 and colours.shape == (size, size, 3)
    assert (colours[~mask] == (128, 128, 255)).all()
    true = np.dstack([x, up, depth])[mask] / radius
    decoded = colours[mask] / 127.5 - 1.0
    border = ~(cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) > 0)[mask]
    assert np.abs(decoded - true)[~border].max() < 0.01
    assert np.abs(decoded - true)[border].max() < 0.03
    right, top = colours[100, 160], colours[40, 100]
    assert right[0] > 200 and abs(int(right[1]) - 128) < 3
    assert top[1] > 200 and abs(int(top[0]) - 128) < 3


def test_a_flat_depth_has_flat_normals_and_the_scale_counts():
    tilted = np.tile(np.arange(40.0, dtype=np.float32), (40, 1))
    everywhere = np.ones((40, 40), bool)
    assert (normal_map(0 * tilted, everywhere, 0.5) == (128, 128, 255)).all()
    # 45 degrees: nearer to the right, so it faces left.
    assert (normal_map(tilted, everywhere, 1.0) == (37, 128, 218)).all()
    assert (normal_map(3.0 * tilted, everywhere, 3.0) == (37, 128, 218)).all()


def test_normal_map_is_written_whole_or_not_at_all(tmp_path):
    colours = np.random.default_rng(2).integers(0, 256, (40, 50, 3), np.uint8)
    write_normal_map(tmp_path / f"{NAME}.png", colours)
    with Image.open(tmp_path / f"{NAME}.png") as image:
        assert image.mode == "RGB" and np.array_equal(np.asarray(image), colours)
    for path in (tmp_path / "normals.exr", tmp_path / "gone" / "normals.png"):
        with pytest.raises(OutputError) as caught:
            write_normal_map(path, colours)
        assert_one_sentence(caught.value, path.name)
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.png"]


def faced(landmarks: np.ndarray | None, crop: Crop) -> Reconstruction:
    """A reconstruction of 640 x 480 pixels with landmarks in the crop."""
    flat = np.zeros((64, 64), np.float32)
    return Reconstruction(
        depth=flat, subject=flat == 0, matte=flat.astype(np.uint8), rgb=np.zeros((64, 64, 3)),
        crop=crop, metres_per_pixel=0.00043210987, origin=np.array([0.5, 0.5, 0.0]),
        pictures=Pictures(b"", b"", b"", b""), landmarks=landmarks,
        info={"photo": NAME, "width": 640, "height": 480},
    )


def test_landmarks_say_themselves_what_they_mean():
    points = np.random.default_rng(3).uniform((100, 200, -40), (300, 420, 60), (468, 3))
    crop = Crop(200.0, 310.0, 380.0, 0.1)
    places = transform_points(crop.from_photo(1), points[:, :2])
    made = faced(np.column_stack([places, points[:, 2]]).astype(np.float32), crop)
    document = json.loads(landmarks_json(made))
    assert np.allclose(document["landmarks"], points, atol=2e-3)
    assert document["photo"] == {"name": NAME, "width": 640, "height": 480}
    assert document["crop"] == {"x": 200.0, "y": 310.0, "side": 380.0, "roll_degrees": 5.73}
    assert document["units"] == "pixels of the photo"
    assert "right" in document["axes"]["x"] and "down" in document["axes"]["y"]
    assert "nearer is larger" in document["axes"]["z"]
    assert document["metres_per_pixel"] == 0.00043211 and "mesh" not in document
    face = Face(points, 0.98, np.array([90.0, 190.0, 310.0, 430.0]))
    pose = [document["pose_degrees"][name] for name in ("yaw", "pitch", "roll")]
    assert pose == pytest.approx(face.pose, abs=0.01)
    vertices = np.arange(468)[::-1]
    on_mesh = json.loads(landmarks_json(made, vertices, points / 1000.0))["mesh"]
    assert on_mesh["vertices"] == vertices.tolist() and "z up" in on_mesh["axes"]
    assert np.allclose(on_mesh["positions"], points / 1000.0, atol=1e-6)


def test_a_reconstruction_without_a_face_has_no_landmarks_to_write():
    with pytest.raises(OutputError, match="no landmarks") as caught:
        landmarks_json(faced(None, Crop(200.0, 310.0, 380.0)))
    assert_one_sentence(caught.value, "landmarks")


def test_normals_of_a_relief_count_its_detail():
    ramp = np.tile(np.arange(64, dtype=np.float32), (64, 1))
    made = replace(faced(None, Crop(32.0, 32.0, 64.0)), depth=ramp)
    inner = (slice(4, -4), slice(4, -4))
    assert (relief_normals(made)[inner] == (37, 128, 218)).all()
    # At twice the size a pixel is half as wide; the detail takes the ramp away again.
    detail = -(np.tile(np.arange(128, dtype=np.float32), (128, 1)) - 0.5) / 2.0
    flat = relief_normals(replace(made, detail=detail))
    assert flat.shape == (128, 128, 3)
    assert (np.abs(flat[8:-8, 8:-8].astype(int) - (128, 128, 255)) <= 1).all()
