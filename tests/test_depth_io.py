# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth into Blender and out again, by known surfaces: imports, painting, exports."""

import json
from pathlib import Path

import bpy
import cv2
import numpy as np
import pytest
from PIL import Image

from face_depth_addon.blender.attributes import has_stored
from face_depth_addon.blender.depth import ops_depth_export, ops_depth_import, ops_depth_paint
from face_depth_addon.blender.depth.depth_paint import apply_painting, begin_painting
from face_depth_addon.blender.material import photo_material
from face_depth_addon.blender.mesh import fill_mesh
from face_depth_addon.blender.shaping.shape import applied, give_shape, layout_of, write_layers
from face_depth_addon.blender.stored import keep, stored
from face_depth_addon.core.camera import assumed_camera, from_camera_plane
from face_depth_addon.core.crop import Crop, transform_points
from face_depth_addon.core.pictures import origin_of, photo_pictures, with_depth
from face_depth_addon.core.reconstruction import Reconstruction
from face_depth_addon.core.relief.building import Layout, build_surface
from face_depth_addon.core.relief.shaping import Shape, depth_span, photo_viewpoint
from face_depth_addon.core.sampling import cut

WIDTH, HEIGHT = 200, 150
WHOLE_MPP = 0.25 / WIDTH
CLASSES = (*ops_depth_import.CLASSES, *ops_depth_paint.CLASSES, *ops_depth_export.CLASSES)
OPERATORS = bpy.ops.face_depth
TURNED, COARSE, PLAIN = Crop(118.0, 66.0, 96.0, 0.3), Layout(resolution=48), Shape()


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def surface(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A head of sorts, 0 to 1, over places from -1 to 1: a dome with a nose, left of the middle."""
    dome = 0.9 - 0.45 * (x**2 + y**2)
    return dome + 0.1 * np.exp(-((x + 0.2) ** 2 + (y - 0.1) ** 2) / 0.03)


def whole_map(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The surface over a picture, NaN outside an ellipse."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    x, y = 2 * x - 1, 2 * y - 1
    return np.where(x**2 + y**2 < 0.95, surface(x, y), np.nan).astype(np.float32)


def head(crop: Crop = TURNED, size: int = 96, landmarks: bool = True) -> Reconstruction:
    """A reconstruction in a turned crop beside the photo's middle."""
    centres = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(centres, centres)
    depth = (0.4 * crop.side * surface(x, y)).astype(np.float32)
    subject = x**2 + y**2 < 0.8
    matte = subject.astype(np.uint8) * 255
    photo = np.random.default_rng(1).integers(0, 256, (HEIGHT // 5, WIDTH // 5, 3), np.uint8)
    photo = cv2.resize(photo, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    points = np.random.default_rng(2).uniform(-0.55, 0.55, (468, 2))
    points = np.column_stack([(points + 1) / 2, 0.4 * crop.side * surface(*points.T)])
    info = {
        "photo": "head.png", "digest": "0", "model": "made", "width": WIDTH, "height": HEIGHT,
        "focal_35mm": None,
    }
    pictures = with_depth(photo_pictures(photo, crop, size), depth, matte, subject)
    return Reconstruction(
        depth=depth, subject=subject, matte=matte, rgb=cut(photo, crop, size), crop=crop,
        metres_per_pixel=0.002, origin=origin_of(depth, subject), pictures=pictures,
        landmarks=points.astype(np.float32) if landmarks else None, info=info,
    )


def make_mesh(
    made: Reconstruction, layout: Layout = COARSE, shape: Shape = PLAIN
) -> bpy.types.Object:
    """The active object: a mesh as Reconstruct makes it."""
    mesh = bpy.data.meshes.new("head")
    built = build_surface(made, layout, shape)
    for _ in fill_mesh(mesh, built):
        continue
    write_layers(mesh, built.layers)
    keep(mesh, "head", made)
    give_shape(mesh, layout, shape, photo_viewpoint(made), depth_span(made))
    mesh.materials.append(photo_material("head", mesh.face_depth.photo_image))
    item = bpy.data.objects.new("head", mesh)
    bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    return item


def values_of(mesh: bpy.types.Mesh, name: str, field: str, width: int) -> np.ndarray:
    values = np.empty((len(mesh.vertices), width), np.float32)
    mesh.attributes[name].data.foreach_get(field, values.ravel())
    return values


def positions(mesh: bpy.types.Mesh) -> np.ndarray:
    return values_of(mesh, "position", "vector", 3)


def plane(mesh: bpy.types.Mesh) -> np.ndarray:
    return values_of(mesh, "plane", "vector", 2)


def move_to(mesh: bpy.types.Mesh, places: np.ndarray) -> None:
    mesh.attributes["position"].data.foreach_set("vector", places.astype(np.float32).ravel())
    mesh.update()


def counts() -> dict[str, int]:
    """How many data-blocks of each kind there are."""
    return {
        name: len(getattr(bpy.data, name))
        for name in ("meshes", "objects", "materials", "images", "collections", "scenes")
    }


def write(path: Path, values: np.ndarray) -> Path:
    """A depth map as another program writes it: PNG or TIFF of whole numbers, or .npy."""
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path)
    return path


def imported(path: Path, **properties) -> bpy.types.Object:
    properties = {"resolution": 64, "find_face": False, **properties}
    assert OPERATORS.import_depth(filepath=str(path), **properties) == {'FINISHED'}
    return bpy.context.object


def inner(mesh: bpy.types.Mesh, share: float = 0.85) -> np.ndarray:
    """Vertices off the border, where a picture's edge is not known to the pixel."""
    at = plane(mesh)
    middle = (at.max(axis=0) + at.min(axis=0)) / 2
    return (((at - middle) / (np.ptp(at, axis=0) / 2)) ** 2).sum(axis=1) < share**2


# --- Import ----------------------------------------------------------------------------------


def assert_is_surface(
    mesh: bpy.types.Mesh, relief: float, width: float, tolerance: float
) -> None:
    """The mesh is the surface over a picture ``width`` wide, ``relief`` high, all in metres."""
    at = positions(mesh)[inner(mesh)]
    x, y = at[:, 0] / (width / 2), -at[:, 2] / (width / 2 * HEIGHT / WIDTH)
    true = relief * surface(x, y) / np.ptp(surface_range())
    error = -at[:, 1] - true
    assert np.abs(error - error.mean()).max() < tolerance


def surface_range() -> np.ndarray:
    known = whole_map()
    return known[np.isfinite(known)]


RELIEF = 0.08
SHARES = (whole_map() - surface_range().min()) / np.ptp(surface_range())
# The camera that a lens of 50 mm means for a picture 25 cm wide, and distances around it.
DISTANCE = assumed_camera(WIDTH, HEIGHT, 50.0, WHOLE_MPP).focal_px * WHOLE_MPP
AWAY = DISTANCE + RELIEF * (0.5 - SHARES)
LENS = {"lens": 'FOCAL', "focal_length": 50.0, "width": 0.25}
BY_RELIEF = {"relief": RELIEF, **LENS}


def levels(values: np.ndarray, top: int, kind: type) -> np.ndarray:
    """Shares as whole numbers from 1, with the picture's unknown corners at the lower end."""
    return np.nan_to_num(np.rint(1 + values * (top - 1)), nan=1).astype(kind)


def disparity_shares(sign: float) -> np.ndarray:
    values = sign / AWAY
    low, high = np.nanmin(values), np.nanmax(values)
    return (values - low) / (high - low)


WAYS = {
    "relative-depth-white": (".npy", 7.0 * SHARES - 3.0, {"kind": 'depth', **BY_RELIEF}, 1e-4),
    "relative-depth-black": (
        ".npy", 4.0 - SHARES, {"kind": 'depth', "near": 'black', **BY_RELIEF}, 1e-4
    ),
    "relative-disparity-white": (".npy", 30.0 / AWAY + 5.0, BY_RELIEF, 1e-4),
    "relative-disparity-black": (".npy", 9.0 - 3.0 / AWAY, {"near": 'black', **BY_RELIEF}, 1e-4),
    "png-16-depth": (
        ".png", levels(SHARES, 65535, np.uint16), {"kind": 'depth', **BY_RELIEF}, 1e-4
    ),
    "png-8-depth": (".png", levels(SHARES, 255, np.uint8), {"kind": 'depth', **BY_RELIEF}, 3e-4),
    "tiff-16-disparity": (
        ".tif", levels(disparity_shares(1.0), 65535, np.uint16), BY_RELIEF, 2e-4
    ),
    "png-8-disparity-black": (
        ".png", levels(disparity_shares(-1.0), 255, np.uint8), {"near": 'black', **BY_RELIEF}, 4e-4
    ),
    "metres": (".npy", AWAY, {"unit": 'METRES', "kind": 'depth', "near": 'black', **LENS}, 1e-4),
    "metres-heights": (
        ".npy", RELIEF * SHARES, {"unit": 'METRES', "kind": 'depth', **LENS}, 1e-4
    ),
    "metres-disparity": (".npy", 1.0 / AWAY, {"unit": 'METRES', **LENS}, 1e-4),
    "millimetres-in-png": (
        ".png", np.nan_to_num(np.rint(1e3 * AWAY)).astype(np.uint16),
        {"unit": 'MILLIMETRES', "kind": 'depth', "near": 'black', **LENS}, 8e-4,
    ),
    "photo-pixels": (
        ".npy", RELIEF * SHARES / WHOLE_MPP, {"unit": 'PIXELS', "width": 0.25}, 1e-4
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_known_surface_is_imported_true_whatever_its_values_mean(tmp_path, way):
    suffix, values, settings, tolerance = WAYS[way]
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    item = imported(write(tmp_path / f"map{suffix}", values), **settings)
    assert_is_surface(item.data, RELIEF, 0.25, tolerance)
    assert has_stored(item.data) and not item.data.validate()
    # Known only within the ellipse, where the file can say so.
    if suffix == ".npy":
        assert len(item.data.polygons) == pytest.approx(np.pi / 4 * 63 * 47, rel=0.05)


def test_distances_and_the_lens_give_the_size_and_the_camera_its_place(tmp_path):
    path = write(tmp_path / "map.npy", (2.0 * AWAY).astype(np.float32))
    settings = {"unit": 'METRES', "kind": 'depth', "near": 'black'}
    item = imported(path, lens='FOCAL', focal_length=50.0, **settings)
    assert_is_surface(item.data, 2 * RELIEF, 0.5, 1e-3)
    assert item.data.face_depth.distance == pytest.approx(2 * DISTANCE, rel=0.01)
    # So do they with the size the lens.
    by_width = imported(path, width=0.5, **settings)
    assert by_width.data.face_depth.distance == pytest.approx(2 * DISTANCE, rel=0.01)
    # Blender's own camera, 50 mm on a sensor 36 mm wide, stands for an unknown one.
    unknown = imported(path, **settings)
    field = imported(path, lens='FIELD', field_of_view=2 * np.arctan(18 / 50), **settings)
    assert np.ptp(positions(field.data), axis=0) == pytest.approx(
        np.ptp(positions(unknown.data), axis=0), rel=0.05
    )


def test_sliders_and_layouts_work_on_an_imported_mesh(tmp_path):
    from face_depth_addon.blender.shaping.relayout import relayout

    item = imported(write(tmp_path / "map.npy", whole_map()), kind='depth', **BY_RELIEF)
    mesh = item.data
    before = positions(mesh)
    mesh.face_depth.strength = 2.0
    assert np.allclose(positions(mesh)[:, 1], 2.0 * before[:, 1], atol=1e-6)
    mesh.face_depth.strength, mesh.face_depth.projection = 1.0, 'PERSPECTIVE'
    mesh.face_depth.smoothing = 0.5
    mesh.face_depth.projection, mesh.face_depth.smoothing = 'RELIEF', 0.0
    assert np.abs(positions(mesh) - before).max() < 1e-6
    relayout(mesh, Layout(resolution=32))
    assert_is_surface(mesh, RELIEF, 0.25, 2e-4)
    assert item["face_depth_photo"] == "map.npy" and mesh.materials[0] is not None


@pytest.mark.parametrize("suffix", [".png", ".exr", ".npy"])
def test_what_a_mesh_exports_comes_back_as_the_same_mesh(tmp_path, suffix):
    exact = imported(
        write(tmp_path / "map.npy", whole_map()), kind='depth', relief=RELIEF, width=0.4
    )
    path = tmp_path / f"depth{suffix}"
    assert OPERATORS.export_depth(filepath=str(path)) == {'FINISHED'}
    # .png and .exr say themselves what they hold.
    settings = {"unit": 'PIXELS', "width": 0.4} if suffix == ".npy" else {}
    again = imported(path, photo='NONE', **settings)
    assert np.abs(positions(again.data) - positions(exact.data)).max() < 1e-5


@pytest.mark.parametrize("suffix", [".png", ".exr", ".npy"])
def test_an_exported_map_fits_the_photo_of_a_face_beside_its_middle(tmp_path, suffix):
    item = make_mesh(head())
    path = tmp_path / f"depth{suffix}"
    assert OPERATORS.export_depth(filepath=str(path)) == {'FINISHED'}
    again = imported(path, photo='SELECTED', unit='PIXELS', resolution=48)
    assert again.data != item.data
    assert_is_head(again.data, 0.01)
    assert stored(again.data).landmarks == pytest.approx(stored(item.data).landmarks, abs=0.1)


def assert_is_head(mesh: bpy.types.Mesh, tolerance: float, share: float = 0.85) -> None:
    """The mesh is the surface in the turned crop, to a share of its relief."""
    made = head()
    true = 0.4 * made.crop.side * surface(*(2 * pixels_of(mesh).T / made.size - 1))
    error = -positions(mesh)[:, 1] / made.metres_per_pixel - true
    error = error[inner(mesh, share)]
    relief = np.ptp(true)
    assert np.abs(error - error.mean()).max() < tolerance * relief
    assert np.abs(error.mean() + made.origin[2]) < tolerance * relief


@pytest.mark.parametrize("kind", ["depth", "disparity"])
@pytest.mark.parametrize("near", ["white", "black"])
def test_a_relative_map_of_a_face_takes_its_scale_from_the_landmarks(tmp_path, kind, near):
    made = head()
    make_mesh(made)
    camera = assumed_camera(WIDTH, HEIGHT, None, made.metres_per_pixel)
    nearness = photo_nearness(made, camera)
    values = nearness if kind == "depth" else 1.0 / (camera.focal_px + 10.0 - nearness)
    values = (3.0 if near == "white" else -3.0) * values
    path = write(tmp_path / "map.npy", values.astype(np.float32))
    again = imported(path, photo='SELECTED', kind=kind, near=near, resolution=48)
    assert_is_head(again.data, 0.01)
    before = counts()
    with pytest.raises(RuntimeError, match=f"choose near {near}"):
        imported(path, photo='SELECTED', kind=kind, near={"white": "black", "black": "white"}[near])
    assert counts() == before


def test_the_rim_of_a_map_with_a_background_stays_with_the_subject(tmp_path):
    made = head()
    make_mesh(made)
    camera = assumed_camera(WIDTH, HEIGHT, None, made.metres_per_pixel)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    inside = np.hypot(x - made.crop.x, y - made.crop.y) < made.crop.side / 2 * 0.8**0.5
    values = np.where(inside, photo_nearness(made, camera), -400.0)
    # As soft as maps of networks are.
    values = cv2.GaussianBlur(values, (0, 0), 1.0)
    path = write(tmp_path / "map.npy", values.astype(np.float32))
    again = imported(path, photo='SELECTED', kind='depth', resolution=48)
    assert_is_head(again.data, 0.06, share=2.0)


def photo_nearness(made: Reconstruction, camera) -> np.ndarray:
    """The surface at each photo pixel, from the camera's plane, by its formula."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    places = transform_points(made.crop.from_photo(1), np.column_stack([x.ravel(), y.ravel()]))
    values = 0.4 * made.crop.side * surface(*(2 * places.T - 1)).reshape(HEIGHT, WIDTH)
    return from_camera_plane(values, made.crop, camera)


def test_a_photo_with_a_face_cuts_the_person_out(astronaut, tmp_path):
    assert OPERATORS.reconstruct(
        filepath=str(astronaut), model="facemesh", resolution=96
    ) == {'FINISHED'}
    true = bpy.context.object
    OPERATORS.export_depth(filepath=str(tmp_path / "depth.npy"))
    known = np.load(tmp_path / "depth.npy")
    shades = np.where(np.isfinite(known), known, np.nanmin(known))
    shades = (shades - shades.min()) / np.ptp(shades)
    path = write(tmp_path / "map.png", (255 - np.rint(255 * shades)).astype(np.uint8))
    image = bpy.data.images.load(str(astronaut))
    item = imported(
        path, photo='IMAGE', image=image.name, kind='depth', near='black', find_face=True,
        resolution=96,
    )
    assert len(item.data.vertices) == pytest.approx(len(true.data.vertices), rel=0.03)
    found, wanted = stored(item.data), stored(true.data)
    assert found.crop == wanted.crop
    # The astronaut's head touches the crop's edges, where the map has its own.
    inside = (found.subject & wanted.subject)[5:-5, 5:-5]
    error = 1000.0 * wanted.metres_per_pixel * (
        found.depth - found.origin[2] - wanted.depth + wanted.origin[2]
    )[5:-5, 5:-5][inside]
    # The surface is smoother than the landmarks, to whose spread it is scaled.
    assert np.abs(error).mean() < 1.0 and np.abs(error).max() < 8.0


def test_a_photo_without_a_face_is_taken_whole(tmp_path):
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0] = 200
    Image.fromarray(pixels).save(tmp_path / "red.png")
    image = bpy.data.images.load(str(tmp_path / "red.png"))
    item = imported(
        write(tmp_path / "map.npy", whole_map()), photo='IMAGE', image=image.name,
        find_face=True, kind='depth', **BY_RELIEF,
    )
    assert_is_surface(item.data, RELIEF, 0.25, 2e-4)
    tint = values_of(item.data, "Color", "color_srgb", 4)
    assert np.abs(tint[:, :3] - (200 / 255, 0, 0)).max() < 0.02
    assert item["face_depth_photo"] == "red.png"


SQUARE = np.tile(np.linspace(0, 1, 90, dtype=np.float32), (90, 1))
BROKEN = {
    "empty": (b"", {}, "is empty"),
    "damaged": (b"\x93NUMPY\x01\x00", {}, "damaged"),
    "no-map": (b"hello " * 20, {}, "no depth map that can be read"),
    "colours": (np.zeros((40, 40, 3)), {}, "one value for each row and column"),
    "unknown": (np.full((40, 40), np.nan), {}, "holds no depth at any pixel"),
    "constant": (np.ones((40, 40)), {}, "the same everywhere"),
    "constant-on-a-face": (
        np.ones((HEIGHT, WIDTH)), {"photo": 'SELECTED'}, "the same all over the face"
    ),
    "another-shape": (SQUARE, {"photo": 'SELECTED'}, "another shape"),
    "beside-the-subject": (
        np.where(np.arange(WIDTH) < 40, whole_map(), np.nan), {"photo": 'SELECTED'},
        "knows nothing where the photo shows the subject",
    ),
    "another-face": (
        np.random.default_rng(0).normal(size=(HEIGHT, WIDTH)), {"photo": 'SELECTED'},
        "does not fit the face",
    ),
    "no-distances": (
        -np.ones((40, 40)), {"unit": 'METRES', "near": 'black', "kind": 'depth'},
        "no value above 0",
    ),
    "no-distances-at-the-subject": (
        np.where(np.hypot(np.arange(WIDTH) - 118, np.arange(HEIGHT)[:, None] - 66) < 47, 0.0, 1.0),
        {"photo": 'SELECTED', "unit": 'METRES', "near": 'black', "kind": 'depth'},
        "no value above 0 where the photo shows the subject",
    ),
    "no-image": (SQUARE, {"photo": 'IMAGE', "image": "gone"}, "no image called gone"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_other_maps_are_refused_in_a_sentence_and_change_nothing(tmp_path, case):
    data, settings, reason = BROKEN[case]
    path = tmp_path / "map.npy"
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        np.save(path, data)
    make_mesh(head())
    before = counts()
    with pytest.raises(RuntimeError, match=reason) as caught:
        imported(path, **settings)
    assert str(caught.value).strip().endswith(".")
    assert counts() == before and bpy.context.object.name == "head"


def test_a_missing_file_and_edit_mode_are_refused(tmp_path):
    with pytest.raises(RuntimeError, match="not there"):
        imported(tmp_path / "gone.png")
    make_mesh(head())
    bpy.ops.object.mode_set(mode='EDIT')
    assert not OPERATORS.import_depth.poll() and not OPERATORS.apply_depth.poll()
    bpy.ops.object.mode_set(mode='OBJECT')


# --- Painting --------------------------------------------------------------------------------


def paint(image: bpy.types.Image, places: np.ndarray, value: float) -> None:
    """Give pixels, (H, W) bool with the upper row first, a shade."""
    width, height = image.size
    pixels = np.empty((height, width, image.channels), np.float32)
    image.pixels.foreach_get(pixels.ravel())
    pixels[::-1][places, :3] = value
    image.pixels.foreach_set(pixels.ravel())
    image.update()


def disc(size: int, x: float, y: float, radius: float) -> np.ndarray:
    """A disc in a picture, in shares of its side."""
    centres = (np.arange(size) + 0.5) / size
    return np.hypot(centres - x, centres[:, None] - y) < radius


def pixels_of(mesh: bpy.types.Mesh) -> np.ndarray:
    """The stored image's pixels that vertices lie at, (n, 2) as column and row."""
    made = stored(mesh)
    side = made.crop.side * made.metres_per_pixel
    return (plane(mesh) * (1, -1) / side + made.origin[:2]) * made.size


@pytest.mark.parametrize("layout", [COARSE, Layout("ADAPTIVE", budget=1500)])
@pytest.mark.parametrize("shape", [
    PLAIN, Shape('PERSPECTIVE', strength=1.5, tilt=(5.0, 0.0)), Shape(smoothing=0.4, gamma=1.3),
])
def test_painted_depth_displaces_as_if_the_mesh_were_made_of_it(layout, shape):
    item = make_mesh(head(size=160), layout, shape)
    mesh = item.data
    before = positions(mesh)
    assert OPERATORS.edit_depth() == {'FINISHED'}
    assert OPERATORS.apply_depth() == {'FINISHED'}
    assert np.array_equal(positions(mesh), before)

    OPERATORS.edit_depth()
    painted = disc(160, 0.62, 0.35, 0.12)
    paint(mesh.face_depth.depth_image, painted, 0.3)
    assert OPERATORS.apply_depth() == {'FINISHED'}
    after = positions(mesh)
    column, row = np.clip(pixels_of(mesh).astype(int), 0, 159).T
    near = cv2.dilate(painted.astype(np.uint8), np.ones((5, 5)))[row, column] > 0
    moved = (after != before).any(axis=1)
    deep = cv2.erode(painted.astype(np.uint8), np.ones((5, 5)))[row, column] > 0
    assert moved[deep].all() and deep.sum() > 20
    if shape.smoothing == 0.0:
        assert not moved[~near].any()
    far, nearest = mesh.face_depth.span
    depth = values_of(mesh, "depth", "value", 1)[:, 0]
    assert np.allclose(depth[deep], far + 0.3 * (nearest - far), atol=1e-5)
    rebuilt = build_surface(stored(mesh), layout_of(mesh), *applied(mesh))
    inside = np.hypot(column - 80, row - 80) < 66
    if layout.topology == "GRID":
        span = depth_span(stored(mesh))
        assert span == pytest.approx(mesh.face_depth.span, abs=1e-6)
        assert np.abs(after - rebuilt.positions)[inside].max() < 1e-5
    # Applied once is applied: the image is packed, and nothing moves again.
    assert not mesh.face_depth.depth_image.is_dirty
    assert apply_painting(mesh).moved == 0
    assert np.array_equal(positions(mesh), after)


def test_strokes_without_paint_depth_count_too_and_edits_and_keys_stay():
    item = make_mesh(head())
    mesh = item.data
    before = positions(mesh)
    edit = np.zeros_like(before)
    edit[before[:, 2] > 0.02] = (0.001, -0.01, 0.002)
    item.shape_key_add(name="Basis")
    key = item.shape_key_add(name="Smile")
    for block, offset in ((mesh.shape_keys.key_blocks[0], 0.0), (key, 0.03)):
        block.data.foreach_set("co", (before + edit + (offset, 0, 0)).astype(np.float32).ravel())
    move_to(mesh, before + edit)
    painted = disc(96, 0.5, 0.4, 0.15)
    paint(mesh.face_depth.depth_image, painted, 0.9)
    done = apply_painting(mesh)
    assert done.moved > 50 and not done.rebuilt
    change = positions(mesh) - before - edit
    assert np.abs(change[:, [0, 2]]).max() < 1e-6 and np.abs(change[:, 1]).max() > 0.003
    smile = np.empty_like(before)
    key.data.foreach_get("co", smile.ravel())
    assert np.allclose(smile - positions(mesh), (0.03, 0, 0), atol=1e-6)


def test_vertices_from_elsewhere_stay_where_nothing_was_painted():
    mesh = make_mesh(head()).data
    # A back of the head, say, whose depth is none of the picture's.
    depth = values_of(mesh, "depth", "value", 1)[:, 0]
    chosen = plane(mesh)[:, 0] > 0.03
    depth[chosen] = -0.2
    mesh.attributes["depth"].data.foreach_set("value", depth)
    before = positions(mesh)
    begin_painting(mesh, "depth")
    paint(mesh.face_depth.depth_image, disc(96, 0.35, 0.5, 0.1), 0.2)
    assert apply_painting(mesh).moved > 20
    assert np.array_equal(positions(mesh)[chosen], before[chosen])


def test_painting_survives_saving_and_packing_in_between(tmp_path):
    name = make_mesh(head()).name
    before = positions(bpy.data.objects[name].data)
    OPERATORS.edit_depth()
    image = bpy.data.objects[name].data.face_depth.depth_image
    paint(image, disc(96, 0.5, 0.5, 0.15), 0.1)
    image.pack()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "painted.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "painted.blend"))
    bpy.context.view_layer.objects.active = bpy.data.objects[name]
    assert OPERATORS.apply_depth() == {'FINISHED'}
    mesh = bpy.data.objects[name].data
    assert np.abs(positions(mesh) - before).max() > 0.02
    assert not [image.name for image in bpy.data.images if "before" in image.name]


def test_a_copy_of_the_object_is_painted_alone():
    item = make_mesh(head())
    copy = item.copy()
    copy.data = item.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    bpy.context.view_layer.objects.active = copy
    OPERATORS.edit_depth()
    paint(copy.data.face_depth.depth_image, disc(96, 0.5, 0.5, 0.15), 0.1)
    before = positions(item.data)
    OPERATORS.apply_depth()
    assert np.abs(positions(copy.data) - before).max() > 0.02
    assert apply_painting(item.data).moved == 0
    assert np.abs(stored(item.data).depth - head().depth).max() < 1e-3


def test_a_painted_matte_gives_other_faces_and_sculpting_stays():
    mesh = make_mesh(head()).data
    sculpted = positions(mesh)
    sculpted[:, 0] += 0.01
    move_to(mesh, sculpted)
    count = len(mesh.vertices)
    assert OPERATORS.edit_depth(image='matte') == {'FINISHED'}
    hole = disc(96, 0.6, 0.5, 0.1)
    paint(mesh.face_depth.matte_image, hole, 0.0)
    assert OPERATORS.apply_depth() == {'FINISHED'}
    assert len(mesh.vertices) < count - 30 and not mesh.validate()
    made = stored(mesh)
    assert not made.subject[hole].any()
    column, row = pixels_of(mesh).astype(int).T
    inner_hole = cv2.erode(hole.astype(np.uint8), np.ones((5, 5))) > 0
    assert not inner_hole[row, column].any()
    assert np.allclose(positions(mesh)[:, 0] - plane(mesh)[:, 0], 0.01, atol=1e-3)
    paint(mesh.face_depth.matte_image, np.ones((96, 96), bool), 0.0)
    count = len(mesh.vertices)
    with pytest.raises(RuntimeError, match="black everywhere"):
        OPERATORS.apply_depth()
    assert len(mesh.vertices) == count


def test_images_that_cannot_be_applied_are_named():
    mesh = make_mesh(head()).data
    before = positions(mesh)
    OPERATORS.edit_depth()
    image = mesh.face_depth.depth_image
    paint(image, disc(96, 0.5, 0.5, 0.1), float("nan"))
    with pytest.raises(RuntimeError, match="no numbers"):
        OPERATORS.apply_depth()
    paint(image, disc(96, 0.5, 0.5, 0.1), 0.5)
    image.scale(48, 48)
    with pytest.raises(RuntimeError, match="scaled to 48 pixels: scale it back to 96"):
        OPERATORS.apply_depth()
    image.scale(48, 40)
    with pytest.raises(RuntimeError, match="not square"):
        OPERATORS.apply_depth()
    assert np.array_equal(positions(mesh), before)
    bpy.ops.mesh.primitive_plane_add()
    for operator in (OPERATORS.edit_depth, OPERATORS.apply_depth, OPERATORS.export_depth):
        assert not operator.poll()


# --- Export ----------------------------------------------------------------------------------


def test_exported_depth_is_the_photos_pixel_by_pixel_with_what_was_painted(tmp_path):
    made = head()
    mesh = make_mesh(made).data
    paint(mesh.face_depth.depth_image, disc(96, 0.5, 0.5, 0.1), 0.0)
    assert OPERATORS.export_depth(filepath=str(tmp_path / "depth.npy")) == {'FINISHED'}
    found = np.load(tmp_path / "depth.npy")
    assert found.shape == (HEIGHT, WIDTH)
    camera = assumed_camera(WIDTH, HEIGHT, None, made.metres_per_pixel)
    true = photo_nearness(made, camera)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    off = np.hypot(x - made.crop.x, y - made.crop.y) / (made.crop.side / 2)
    assert np.isfinite(found[off < 0.85]).all() and np.isnan(found[off > 0.95]).all()
    ring = (off > 0.3) & (off < 0.8)
    assert np.abs(found - true)[ring].max() < 0.2
    assert (true - found)[off < 0.1].min() > 5.0


def test_exports_are_refused_in_a_sentence_and_leave_nothing(tmp_path):
    make_mesh(head(landmarks=False))
    for path, reason in (
        (tmp_path / "depth.jpg", "must end in"), (tmp_path / "gone" / "depth.exr", "cannot be"),
    ):
        with pytest.raises(RuntimeError, match=reason):
            OPERATORS.export_depth(filepath=str(path))
    with pytest.raises(RuntimeError, match="cannot be written"):
        OPERATORS.export_maps(directory=str(tmp_path / "gone"))
    with pytest.raises(RuntimeError, match="nothing to write"):
        OPERATORS.export_maps(directory=str(tmp_path), normal_map=False, texture=False)
    assert not list(tmp_path.iterdir())


def test_maps_lie_on_the_uv_map_and_landmarks_on_the_mesh(tmp_path):
    made = head()
    item = make_mesh(made, shape=Shape('PERSPECTIVE'))
    mesh = item.data
    assert OPERATORS.export_maps(directory=str(tmp_path)) == {'FINISHED'}
    assert {path.name for path in tmp_path.iterdir()} == {
        "head_normal.png", "head_texture.jpg", "head_landmarks.json"
    }
    normals = np.asarray(Image.open(tmp_path / "head_normal.png")) / 127.5 - 1.0
    down, across = np.gradient(made.depth)
    true = np.dstack([-across, down, np.ones_like(down)])
    true /= np.linalg.norm(true, axis=2, keepdims=True)
    kept = cv2.erode(made.subject.astype(np.uint8), np.ones((3, 3))) > 0
    assert np.abs(normals - true)[kept].max() < 0.01
    assert np.allclose(normals[~made.subject], (0, 0, 1), atol=0.01)
    assert (tmp_path / "head_texture.jpg").read_bytes() == made.pictures.photo

    document = json.loads((tmp_path / "head_landmarks.json").read_text())
    places = transform_points(made.crop.to_photo(1), made.landmarks[:, :2])
    assert np.allclose(np.array(document["landmarks"])[:, :2], places, atol=1e-3)
    vertices, found = document["mesh"]["vertices"], np.array(document["mesh"]["positions"])
    assert np.allclose(found, positions(mesh)[vertices], atol=1e-6)
    side = made.crop.side * made.metres_per_pixel
    at = (made.landmarks[:, :2] - made.origin[:2]) * (side, -side)
    assert np.abs(plane(mesh)[vertices] - at).max() < 0.75 * side / 48


def test_exports_do_not_overwrite_unasked_and_painted_textures_count(tmp_path):
    mesh = make_mesh(head(landmarks=False)).data
    assert OPERATORS.export_maps(directory=str(tmp_path), normal_map=False) == {'FINISHED'}
    assert [path.name for path in tmp_path.iterdir()] == ["head_texture.jpg"]
    with pytest.raises(RuntimeError, match="head_texture.jpg is there already"):
        OPERATORS.export_maps(directory=str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["head_texture.jpg"]
    image = mesh.face_depth.photo_image
    paint(image, np.ones(tuple(image.size), bool), 0.5)
    assert OPERATORS.export_maps(
        directory=str(tmp_path), overwrite=True, texture_format='.png'
    ) == {'FINISHED'}
    with Image.open(tmp_path / "head_texture.png") as picture:
        assert (np.asarray(picture) == 128).all() and picture.size == tuple(image.size)
    OPERATORS.export_maps(directory=str(tmp_path), overwrite=True, normal_map=False)
    with Image.open(tmp_path / "head_texture.jpg") as picture:
        assert np.abs(np.asarray(picture).astype(int) - 128).max() < 3
