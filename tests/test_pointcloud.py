# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds against the formulas worked out the slow way, and PLY files of other programs."""

import struct
import sys

import numpy as np
import pytest

from face_depth_addon.core.cloud.neighbours import neighbourhoods, spacing
from face_depth_addon.core.cloud.ply import decode_ply, encode_ply
from face_depth_addon.core.cloud.pointcloud import (
    PointCloud,
    estimate_normals,
    radius_outliers,
    statistical_outliers,
    voxel_downsample,
)
from face_depth_addon.core.cloud.smoothing import smooth
from face_depth_addon.core.errors import FaceDepthError, PointCloudError


def blob(count: int, seed: int = 0) -> PointCloud:
    """A scattered cloud, some of its points many times in the same place."""
    rng = np.random.default_rng(seed)
    positions = rng.normal(0.0, 0.05, (count, 3)).astype(np.float32)
    positions[20:40] = positions[0]
    positions[40:60] = positions[60:80]
    normals = rng.normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colours = rng.integers(0, 256, (count, 4), dtype=np.uint8)
    return PointCloud(positions, colours, normals.astype(np.float32))


def all_distances(positions: np.ndarray) -> np.ndarray:
    positions = positions.astype(np.float64)
    return np.linalg.norm(positions[:, None] - positions, axis=2)


def sphere(count: int, radius: float = 0.1) -> np.ndarray:
    """Directions evenly spread over a sphere, times its radius."""
    at = np.arange(count) + 0.5
    z, turn = 1.0 - 2.0 * at / count, np.pi * (1.0 + 5.0**0.5) * at
    across = np.sqrt(1.0 - z * z)
    return (radius * np.stack([across * np.cos(turn), across * np.sin(turn), z], 1)).astype("f4")


def test_each_voxel_has_one_point_with_the_mean_of_its_points():
    cloud, size = blob(800), 0.03
    low = cloud.positions.astype(float).min(axis=0) - size / 2
    voxels: dict[tuple, list[int]] = {}
    for index, position in enumerate(cloud.positions.astype(float)):
        voxels.setdefault(tuple(np.floor((position - low) / size)), []).append(index)
    thin = voxel_downsample(cloud, size)
    assert 50 < len(voxels) == len(thin.positions) < 600
    for members, position, colour, normal in zip(
        (voxels[cell] for cell in sorted(voxels)),
        thin.positions, thin.colours, thin.normals, strict=True,
    ):
        assert np.allclose(position, cloud.positions[members].mean(axis=0), atol=1e-7)
        assert np.abs(colour - cloud.colours[members].mean(axis=0)).max() <= 0.5
        mean = cloud.normals[members].mean(axis=0)
        assert np.allclose(normal, mean / np.linalg.norm(mean), atol=1e-5)


def test_voxels_far_smaller_or_larger_than_the_cloud():
    cloud = blob(300)
    distinct = len(np.unique(cloud.positions, axis=0))
    assert len(voxel_downsample(cloud, 1e-30).positions) == distinct
    assert len(voxel_downsample(cloud, 1e30).positions) == 1
    bare = voxel_downsample(PointCloud(cloud.positions, cloud.colours), 0.05)
    assert bare.normals is None


@pytest.mark.parametrize("neighbours, ratio", [(20, 2.0), (6, 1.0), (10, 0.3), (1000, 1.5)])
def test_statistical_outliers_are_those_of_the_formula(neighbours, ratio):
    positions = blob(400).positions
    nearest = np.sort(all_distances(positions), axis=1)[:, :neighbours]
    mean = nearest.mean(axis=1)
    usual = mean.sum() / len(mean)
    squares = sum((value - usual) ** 2 for value in mean if value > 0)
    limit = usual + ratio * np.sqrt(squares / (len(mean) - 1))
    expected = (mean >= limit) | (mean == 0)
    assert 5 < expected.sum() < 300
    np.testing.assert_array_equal(statistical_outliers(positions, neighbours, ratio), expected)


def test_the_deviation_is_that_of_a_sample():
    line = np.zeros((5, 3), np.float32)
    line[:, 0] = [0.0, 1.0, 2.0, 3.0, 9.0]
    # One of five differs: it lies 4 / sqrt(5) = 1.79 sample deviations above the mean.
    assert not statistical_outliers(line, 2, 1.81).any()
    np.testing.assert_array_equal(statistical_outliers(line, 2, 1.77), [False] * 4 + [True])


@pytest.mark.parametrize("radius, least", [(0.02, 1), (0.03, 5), (0.06, 30)])
def test_radius_outliers_have_too_few_points_around_them(radius, least):
    positions = blob(400).positions
    others = (all_distances(positions) < radius).sum(axis=1) - 1
    expected = others < least
    assert 5 < expected.sum() < 395
    np.testing.assert_array_equal(radius_outliers(positions, radius, least), expected)


def test_a_point_at_the_radius_itself_is_not_within_it():
    line = np.zeros((5, 3), np.float32)
    line[:, 0] = [0.0, 0.25, 0.5, 0.75, 1.0]
    assert radius_outliers(line, 0.25, 1).all()
    np.testing.assert_array_equal(radius_outliers(line, 0.26, 2), [True, False, False, False, True])


def test_flying_points_off_a_surface_are_found_and_taken_out():
    points = sphere(4000)
    flying = np.random.default_rng(3).uniform(0.13, 0.2, (50, 1)) / 0.1 * points[::80]
    cloud = PointCloud(
        np.concatenate([points, flying.astype(np.float32)]), np.full((4050, 4), 255, np.uint8)
    )
    strays = np.arange(4050) >= 4000
    for outliers in (
        statistical_outliers(cloud.positions, 20, 2.0), radius_outliers(cloud.positions, 0.01, 3)
    ):
        np.testing.assert_array_equal(outliers, strays)
    left = cloud.keep(~strays)
    assert len(left.positions) == len(left.colours) == 4000
    assert np.linalg.norm(left.positions, axis=1).max() < 0.11


def test_the_nearest_points_to_other_places():
    points, places = blob(300).positions, blob(40, 1).positions
    apart = np.linalg.norm(places[:, None].astype(float) - points.astype(float), axis=2)
    ((rows, indices, squares),) = neighbourhoods(points, 5, places)
    np.testing.assert_allclose(squares, np.sort(apart, axis=1)[rows, :5] ** 2, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(apart, indices, 1) ** 2, squares, atol=1e-8)


def test_spacing_is_that_of_most_points():
    grid = np.stack(np.meshgrid(*[np.arange(60)] * 2, [0]), -1).reshape(-1, 3) * 0.002
    stray = np.random.default_rng(0).uniform(0.2, 0.9, (300, 3))
    assert spacing(np.concatenate([grid, stray]).astype("f4")) == pytest.approx(0.002, rel=1e-3)
    assert spacing(np.zeros((40, 3), "f4")) == 0.0 and spacing(np.zeros((1, 3), "f4")) == 0.0


@pytest.mark.parametrize("has_normals", [True, False])
def test_smoothing_leaves_what_is_smooth_where_it_is(has_normals):
    """A ball as small as the tip of a nose keeps its radius to 0.05 mm, a lone point its place."""
    points = np.append(sphere(4000, 0.02), [[0.5, 0.5, 0.5]], axis=0).astype("f4")
    normals = np.append(sphere(4000, 1.0), [[0.0, 0.0, 1.0]], axis=0).astype("f4")
    cloud = PointCloud(points, np.full((4001, 4), 9, np.uint8), normals if has_normals else None)
    smoothed = smooth(cloud, 0.003)
    np.testing.assert_allclose(smoothed.positions[-1], points[-1], atol=1e-6)
    away = np.linalg.norm(smoothed.positions[:-1], axis=1) - 0.02
    assert abs(away.mean()) < 3e-5 and np.abs(away).max() < 5e-5
    assert (smoothed.normals is not None) == has_normals
    np.testing.assert_array_equal(smoothed.colours, cloud.colours)


def test_smoothing_evens_out_a_noisy_sheet():
    """Less noise the wider the Gaussian is; a wide wave keeps its height."""
    across = np.stack(np.meshgrid(*[np.linspace(-0.05, 0.05, 101)] * 2), -1).reshape(-1, 2)
    wave = 0.005 * np.cos(across[:, 0] * np.pi / 0.05)
    noise = np.random.default_rng(0).normal(0.0, 0.0004, len(across))
    sheet = np.column_stack([across, wave + noise]).astype("f4")
    cloud = PointCloud(sheet, np.zeros((len(sheet), 4), np.uint8))
    inside = (np.abs(across) < 0.04).all(axis=1)
    left = []
    for width in (0.001, 0.002, 0.004):
        found = smooth(cloud, width).positions
        left.append((found[:, 2] - 0.005 * np.cos(found[:, 0] * np.pi / 0.05))[inside].std())
    assert left[0] > left[1] > left[2] and left[1] < 0.4 * 0.0004 and left[2] < 0.25 * 0.0004


def test_normals_of_a_sphere_face_the_camera():
    points = sphere(5000) + np.float32([0.3, -0.2, 2.0])
    outwards = (sphere(5000) / 0.1).astype(np.float64)
    normals = estimate_normals(points, 12, (0.0, -3.0, 0.0))
    assert normals.dtype == np.float32
    sign = np.where(outwards[:, 1] <= 0.0, 1.0, -1.0)[:, None]
    sure = np.abs(outwards[:, 1]) > 0.05
    angle = np.arccos(np.clip((normals * outwards * sign).sum(axis=1), -1.0, 1.0))
    assert np.degrees(angle[sure]).max() < 2.0
    # With a direction for each point, all of them can point outwards.
    normals = estimate_normals(points, 12, outwards)
    assert np.degrees(np.arccos((normals * outwards).sum(axis=1).clip(-1, 1))).max() < 2.0


def test_normals_without_a_plane_are_the_direction_to_the_camera():
    along = np.outer(np.arange(40), [0.001, 0.0005, -0.002])
    for positions in (along, np.full((40, 3), 0.3), along[:2]):
        normals = estimate_normals(positions.astype(np.float32), 8, (0.0, -2.0, 0.0))
        np.testing.assert_array_equal(normals, np.tile(np.float32([0, -1, 0]), (len(normals), 1)))


def test_the_search_survives_equal_points_few_points_and_none():
    same = np.full((5000, 3), 0.25, np.float32)
    assert statistical_outliers(same, 20, 2.0).all()
    assert not radius_outliers(same, 0.01, 20).any()
    two = same[:2] + np.float32([[0], [1]])
    np.testing.assert_array_equal(statistical_outliers(two[[0, 0, 1]], 20, 2.0), [False] * 3)
    assert radius_outliers(two, 10.0, 2).all()
    none = PointCloud(np.zeros((0, 3), np.float32), np.zeros((0, 4), np.uint8))
    assert len(statistical_outliers(none.positions, 5, 1.0)) == 0
    assert len(radius_outliers(none.positions, 5.0, 1)) == 0
    assert estimate_normals(none.positions, 5, (0, -1, 0)).shape == (0, 3)
    assert voxel_downsample(none, 0.1).positions.shape == (0, 3)
    for bad in (np.nan, np.inf, 1e30):
        with pytest.raises(PointCloudError, match="no finite place"):
            statistical_outliers(np.where(np.eye(50, 3) > 0, bad, same[:50]), 5, 1.0)


@pytest.mark.parametrize("call", [
    lambda cloud: voxel_downsample(cloud, 0.0),
    lambda cloud: statistical_outliers(cloud.positions, 0, 1.0),
    lambda cloud: statistical_outliers(cloud.positions, 5, 0.0),
    lambda cloud: radius_outliers(cloud.positions, -1.0, 5),
    lambda cloud: radius_outliers(cloud.positions, 1.0, 0),
    lambda cloud: estimate_normals(cloud.positions, 0, (0, -1, 0)),
    lambda cloud: smooth(cloud, 0.0),
])
def test_settings_must_be_positive(call):
    with pytest.raises(ValueError, match="must be positive"):
        call(blob(100))


def test_results_do_not_depend_on_how_the_search_is_cut_up(monkeypatch):
    positions = blob(3000, 5).positions
    whole = statistical_outliers(positions, 9, 1.0), estimate_normals(positions, 9, (0, -1, 0))
    monkeypatch.setattr("face_depth_addon.core.cloud.neighbours._CHUNK", 1000)
    np.testing.assert_array_equal(statistical_outliers(positions, 9, 1.0), whole[0])
    np.testing.assert_array_equal(estimate_normals(positions, 9, (0, -1, 0)), whole[1])


def test_without_opencv_thinning_and_files_work_and_the_rest_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    cloud = blob(100)
    assert len(voxel_downsample(decode_ply(encode_ply(cloud)), 0.05).positions) < 100
    with pytest.raises(PointCloudError, match="install the package opencv-python"):
        statistical_outliers(cloud.positions, 5, 1.0)


def test_ply_bytes_are_as_the_header_says():
    cloud = blob(100)
    header, _, body = encode_ply(cloud).partition(b"end_header\n")
    assert header.decode().split("\n")[:2] == ["ply", "format binary_little_endian 1.0"]
    lines = [line.split() for line in header.decode().splitlines()]
    assert [words[1:] for words in lines if words[0] == "element"] == [["vertex", "100"]]
    assert [" ".join(words[1:]) for words in lines if words[0] == "property"] == [
        "float x", "float y", "float z", "float nx", "float ny", "float nz",
        "uchar red", "uchar green", "uchar blue", "uchar alpha",
    ]
    assert len(body) == 100 * 28
    for row, *expected in zip(
        struct.iter_unpack("<6f4B", body), cloud.positions, cloud.normals, cloud.colours,
        strict=True,
    ):
        assert row == tuple(np.concatenate([part.astype(float) for part in expected]))


@pytest.mark.parametrize("has_normals", [True, False])
def test_ply_keeps_a_cloud_bit_by_bit(has_normals):
    cloud = blob(500)
    cloud = cloud if has_normals else PointCloud(cloud.positions, cloud.colours)
    back = decode_ply(encode_ply(cloud))
    for name in ("positions", "colours", "normals"):
        np.testing.assert_array_equal(getattr(back, name), getattr(cloud, name))
    assert back.positions.dtype == np.float32 and back.colours.dtype == np.uint8


XYZ, NORMAL, RGB = ["x", "y", "z"], ["nx", "ny", "nz"], ["red", "green", "blue"]
# Per program: comments, properties of a vertex, and the other elements before and after them.
PROGRAMS = {
    "Open3D": (
        ["comment Created by Open3D"],
        [("double", XYZ + NORMAL), ("uchar", RGB)],
        [], [("face", [("uchar", ["n"]), ("uint", ["a", "b", "c"])],
              ["list uchar uint vertex_indices"])],
    ),
    "Open3D tensors": (
        ["comment Created by Open3D"], [("float", XYZ + NORMAL + RGB)], [], [],
    ),
    "MeshLab": (
        ["comment VCGLIB generated", "comment TextureFile \u00c5.png"],
        [("double", XYZ + NORMAL), ("int", ["flags"]), ("uchar", [*RGB, "alpha"]),
         ("double", ["quality"])],
        [("camera", [("float", ["view_px", "view_py", "view_pz"])],
          ["float view_px", "float view_py", "float view_pz"])],
        [("face", [("uchar", ["n"]), ("int", ["a", "b", "c"])],
          ["list uchar int vertex_indices"])],
    ),
    "CloudCompare": (
        ["comment Created by CloudCompare v2.13.1", "obj_info Generated by CloudCompare!"],
        [("float", XYZ), ("uchar", RGB), ("float", NORMAL + ["scalar_C2C_distances"])],
        [], [],
    ),
    "Blender": (
        ["comment Created in Blender version 4.5.15"],
        [("float", XYZ + NORMAL), ("uchar", [*RGB, "alpha"]), ("float", ["s", "t"])],
        [], [("edge", [("int", ["vertex1", "vertex2"])], ["int vertex1", "int vertex2"])],
    ),
}
CODES = {"float": "f", "double": "d", "int": "i", "uint": "I", "uchar": "B"}


def foreign(cloud: PointCloud, program: str, encoding: str, end: bytes = b"\n") -> bytes:
    """A PLY file as another program lays it out, written value by value."""
    comments, fields, before, after = PROGRAMS[program]
    order = ">" if encoding == "binary_big_endian" else "<"

    def rows(fields, values) -> bytes:
        kinds = [kind for kind, names in fields for _ in names]
        if encoding == "ascii":
            return b"".join(
                " ".join(f"{v:.9g}" if k in ("float", "double") else str(int(v))
                         for k, v in zip(kinds, row, strict=True)).encode() + end
                for row in values
            )
        layout = order + "".join(CODES[kind] for kind in kinds)
        return b"".join(
            struct.pack(layout, *(v if k in ("float", "double") else int(v)
                                  for k, v in zip(kinds, row, strict=True)))
            for row in values
        )

    count = len(cloud.positions)
    known = dict(zip(XYZ + NORMAL, [*cloud.positions.T, *cloud.normals.T], strict=True))
    for name, channel in zip([*RGB, "alpha"], cloud.colours.T, strict=True):
        known[name] = channel / 255.0 if program == "Open3D tensors" else channel
    values = np.column_stack([
        known.get(name, np.full(count, 7.0)).astype(float) for _, names in fields for name in names
    ]).tolist()
    header = ["ply", f"format {encoding} 1.0", *comments]
    for name, _, lines in before:
        header += [f"element {name} 2", *(f"property {line}" for line in lines)]
    header.append(f"element vertex {count}")
    header += [f"property {kind} {name}" for kind, names in fields for name in names]
    for name, _, lines in after:
        header += [f"element {name} 2", *(f"property {line}" for line in lines)]
    body = [rows(other, [range(3)] * 2) for _, other, _ in before]
    body.append(rows(fields, values))
    body += [rows(other, [range(3, 3 + sum(len(names) for _, names in other))] * 2)
             for _, other, _ in after]
    return "\n".join([*header, "end_header\n"]).encode().replace(b"\n", end) + b"".join(body)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("encoding, end", [
    ("ascii", b"\n"), ("ascii", b"\r\n"), ("binary_little_endian", b"\n"),
    ("binary_big_endian", b"\n"),
])
def test_reads_what_other_programs_write(program, encoding, end):
    cloud = blob(120)
    cloud.colours[:, 3] = 255 if "alpha" not in str(PROGRAMS[program]) else cloud.colours[:, 3]
    read = decode_ply(foreign(cloud, program, encoding, end))
    np.testing.assert_array_equal(read.positions, cloud.positions)
    np.testing.assert_array_equal(read.colours, cloud.colours)
    np.testing.assert_array_equal(read.normals, cloud.normals)


def test_points_without_colours_are_white_and_places_without_a_point_are_left_out():
    data = (
        b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        b"property float z\nend_header\n1 2 3\nnan nan nan\n1e300 5 -6\n"
    )
    read = decode_ply(data)
    np.testing.assert_array_equal(read.positions, [[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(read.colours, [[255] * 4])
    assert read.normals is None


def damaged(old: bytes, new: bytes, encoding: str = "ascii") -> bytes:
    data = foreign(blob(120), "CloudCompare", encoding)
    assert old in data
    return data.replace(old, new, 1)


FIRST = b"end_header\n"


@pytest.mark.parametrize("data, message", [
    (b"", "no PLY file"),
    (b"solid STL", "no PLY file"),
    (b"ply\nformat ascii 1.0\nelement vertex 5\n", "header has no end"),
    (damaged(b"format ascii 1.0\n", b""), "names no format"),
    (damaged(b"format ascii", b"format binary_middle_endian"), "binary_middle_endian 1.0"),
    (damaged(b"element vertex 120", b"element vertex -4"), "element vertex -4"),
    (damaged(b"property uchar red", b"property colour red"), "property colour red"),
    (damaged(b"element vertex", b"element tetra"), "holds no points"),
    (damaged(b"element vertex 120", b"element vertex 0"), "holds no points"),
    (damaged(b"property float z", b"property float height"), "no x, y and z"),
    (damaged(b"property float z", b"property list uchar float z"), "has lists"),
    (damaged(b"vertex 120", b"vertex 121"), "should hold 121 points but has 120"),
    (damaged(b"vertex 120", b"vertex 999999999999"), "should hold 999999999999 points"),
    (damaged(FIRST, FIRST + b"word "), "words, or lines of unlike length"),
    (damaged(FIRST, FIRST + b"1 2 3\n"), "words, or lines of unlike length"),
    (damaged(b"property float nx\n", b""), "not as its header says"),
    (damaged(b"property uchar red", b"property float red"), "colours"),
    (damaged(b"property uchar red", b"property int red"), "8-bit colours"),
    (damaged(FIRST, FIRST + b"0 0 0 256 0 0 0 0 0 0\n"), "8-bit colours"),
    (damaged(FIRST, FIRST, "binary_little_endian")[:-1], "should hold 120 points but has 119"),
    (damaged(b"vertex 120", b"vertex 999999999999", "binary_little_endian"), "but has 120"),
])
def test_damaged_files_are_named_as_such(data, message):
    with pytest.raises(PointCloudError, match=message) as caught:
        decode_ply(data)
    assert isinstance(caught.value, FaceDepthError)
    assert str(caught.value).endswith(".")


def test_a_file_cut_off_anywhere_raises_nothing_else():
    for encoding in ("ascii", "binary_little_endian"):
        data = foreign(blob(80), "MeshLab", encoding)
        # The faces at the end take fewer than the last 100 bytes, and are not missed.
        for length in range(0, len(data) - 100, 37):
            with pytest.raises(PointCloudError):
                decode_ply(data[:length])


def test_blender_reads_our_files_and_we_read_blenders(empty_scene, tmp_path):
    import bpy

    cloud, path = blob(120), tmp_path / "cloud.ply"
    path.write_bytes(encode_ply(cloud))
    bpy.ops.wm.ply_import(filepath=str(path), forward_axis="Y", up_axis="Z")
    mesh = bpy.context.object.data
    found = np.empty(3 * 120, np.float32)
    mesh.vertices.foreach_get("co", found)
    np.testing.assert_array_equal(found.reshape(-1, 3), cloud.positions)
    colours = np.empty(4 * 120, np.float32)
    mesh.attributes.active_color.data.foreach_get("color_srgb", colours)
    assert np.abs(colours.reshape(-1, 4) * 255.0 - cloud.colours).max() < 0.6

    for ascii_format in (True, False):
        bpy.ops.wm.ply_export(
            filepath=str(path), ascii_format=ascii_format, export_colors="SRGB",
            forward_axis="Y", up_axis="Z",
        )
        read = decode_ply(path.read_bytes())
        assert np.abs(read.positions - cloud.positions).max() < 1e-6
        assert np.abs(read.colours.astype(int) - cloud.colours).max() <= 1
