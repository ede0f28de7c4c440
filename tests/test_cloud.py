# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds in Blender: made of meshes and depth, cleaned, meshed, written and read."""

from math import radians
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from made_faces import add_face, made_face, positions
from mathutils import Matrix
from mathutils.bvhtree import BVHTree

from face_depth_addon.blender.cloud import cloud_edit
from face_depth_addon.blender.cloud.cloud_file import export_cloud
from face_depth_addon.blender.cloud.cloud_mesh import cloud_to_mesh
from face_depth_addon.blender.cloud.cloud_object import NORMAL, add_cloud, is_cloud, read_points
from face_depth_addon.blender.shaping.shape_nodes import get_input, set_input
from face_depth_addon.core.cloud.neighbours import spacing
from face_depth_addon.core.cloud.ply import decode_ply, encode_ply
from face_depth_addon.core.cloud.pointcloud import PointCloud, voxel_downsample
from face_depth_addon.core.cloud.poisson import has_open3d
from face_depth_addon.core.cloud.surface import face_size, surface_through
from face_depth_addon.core.errors import PointCloudError
from face_depth_addon.core.relief.building import Layout, meshed_part
from face_depth_addon.core.relief.shaping import Shape

# A settings' float has 24 bits, which this needs none of.
SIZE = 1 / 256
METHODS = ["LOCAL", pytest.param("POISSON", marks=pytest.mark.skipif(
    not has_open3d(), reason="Open3D is not installed"
))]


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def ball(count: int = 12000, radius: float = 0.05) -> PointCloud:
    """Points evenly spread over a sphere, coloured by where they lie, with outward normals."""
    at = np.arange(count) + 0.5
    z, turn = 1.0 - 2.0 * at / count, np.pi * (1.0 + 5.0**0.5) * at
    across = np.sqrt(1.0 - z * z)
    outwards = np.stack([across * np.cos(turn), across * np.sin(turn), z], 1)
    colours = np.full((count, 4), 255, np.uint8)
    colours[:, :3] = np.rint(127.0 + 120.0 * outwards)
    return PointCloud((radius * outwards).astype("f4"), colours, outwards.astype("f4"))


def front_half(cloud: PointCloud) -> PointCloud:
    return cloud.keep(cloud.positions[:, 1] < 0.0)


def with_noise(cloud: PointCloud, deviation: float) -> PointCloud:
    way = np.random.default_rng(0).normal(0.0, deviation, (len(cloud.positions), 1))
    return PointCloud((cloud.positions + way * cloud.normals).astype("f4"), *_rest(cloud))


def with_strays(cloud: PointCloud, count: int) -> PointCloud:
    """A ball of 5 cm with points that float 8 to 30 mm above it at its end."""
    way = np.random.default_rng(1).uniform(0.008, 0.03, (count, 1))
    around = cloud.keep(np.linspace(0, len(cloud.positions) - 1, count).astype(int))
    return PointCloud(*(
        np.concatenate([old, new]) for old, new in zip(
            (cloud.positions, *_rest(cloud)),
            ((around.positions + way * around.normals).astype("f4"), *_rest(around)), strict=True,
        )
    ))


def _rest(cloud: PointCloud) -> tuple[np.ndarray, np.ndarray]:
    return cloud.colours, cloud.normals


def add(cloud: PointCloud, **settings) -> bpy.types.Object:
    return add_cloud(bpy.context, "Cloud", cloud, **settings)


def assert_same(found: PointCloud, expected: PointCloud) -> None:
    for name in ("positions", "colours", "normals"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def select(mesh: bpy.types.Mesh, chosen: np.ndarray) -> None:
    layer = mesh.attributes.get(".select_vert") or mesh.attributes.new(
        ".select_vert", 'BOOLEAN', 'POINT'
    )
    layer.data.foreach_set("value", chosen)


def shown(item: bpy.types.Object) -> SimpleNamespace:
    """What the modifier makes of a cloud: radii and colours of its points."""
    seen = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    # Evaluated objects give their mesh alone; an instance of it has the points.
    points = next(
        instance.object.data for instance in bpy.context.evaluated_depsgraph_get().object_instances
        if instance.object.original == item and instance.object.type == 'POINTCLOUD'
    )
    radii = np.empty(len(points.points), np.float32)
    points.attributes["radius"].data.foreach_get("value", radii)
    colours = np.empty((len(points.points), 4), np.float32)
    points.attributes["Color"].data.foreach_get("color_srgb", colours.ravel())
    assert not len(seen.data.vertices)
    return SimpleNamespace(
        radii=radii, colours=np.rint(255 * colours).astype(np.uint8), materials=points.materials[:]
    )


def distances(surface, points: np.ndarray) -> np.ndarray:
    """From each point to the faces of a `CloudSurface` or a mesh, in metres."""
    if isinstance(surface, bpy.types.Mesh):
        corners = [list(face.vertices) for face in surface.polygons]
        tree = BVHTree.FromPolygons(positions(surface).tolist(), corners)
    else:
        tree = BVHTree.FromPolygons(surface.positions.tolist(), surface.faces.tolist())
    return np.array([tree.find_nearest(point)[3] for point in points.tolist()])


def edge_uses(faces: np.ndarray) -> np.ndarray:
    """How many edges have 0, 1, 2 ... faces."""
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    return np.bincount(np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)[1])


# Made of meshes and depth


def test_points_of_the_mesh_are_its_vertices_as_they_are_seen():
    item = add_face(made_face(), Layout(resolution=64))
    item.location, item.rotation_euler.z = (1.0, 2.0, 3.0), 0.4
    bpy.context.view_layer.update()
    bend = item.modifiers.new("Bend", 'SIMPLE_DEFORM')
    bend.deform_method, bend.angle = 'TAPER', 0.4
    seen = read_points(item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)
    assert np.abs(seen.positions - positions(item.data)).max() > 1e-3

    assert bpy.ops.face_depth.make_cloud() == {'FINISHED'}
    made = bpy.context.object
    assert made != item and is_cloud(made.data) and made.name == "Face points"
    assert made.matrix_world == item.matrix_world
    assert item.hide_get() and item.hide_render
    assert_same(read_points(made.data), seen)
    colours = np.empty(4 * len(item.data.vertices), np.float32)
    item.data.attributes["Color"].data.foreach_get("color_srgb", colours)
    np.testing.assert_array_equal(
        read_points(made.data).colours, np.rint(255 * colours.reshape(-1, 4))
    )
    assert made.data.attributes.active_color_name == made.data.attributes.default_color_name


def test_a_cloud_is_shown_as_points_in_its_colours_and_the_radius_is_a_slider():
    cloud = ball(500)
    item = add(cloud, radius=0.002)
    points = shown(item)
    np.testing.assert_allclose(points.radii, 0.002)
    np.testing.assert_array_equal(points.colours, cloud.colours)
    assert [material.name for material in points.materials] == ["Face Depth Points"]
    (modifier,) = item.modifiers
    set_input(modifier, "Point Radius", 0.003)
    item.update_tag()
    np.testing.assert_allclose(shown(item).radii, 0.003)
    # The group and the material are one for all clouds.
    other = add(cloud)
    assert other.modifiers[0].node_group == modifier.node_group
    assert other.data.materials[0] == item.data.materials[0]
    assert 0.5 < get_input(other.modifiers[0], "Point Radius") / spacing(cloud.positions) < 1.0


def test_points_are_rendered_in_their_colours(tmp_path):
    """From the front all is red, lit as the flat sheet that the normals say, not as balls."""
    across = np.stack(np.meshgrid(*[np.linspace(-1, 1, 40)] * 2), -1).reshape(-1, 2)
    sheet = np.insert(across, 1, 0.0, axis=1).astype("f4")
    red, facing = np.uint8([255, 0, 0, 255]), np.float32([0, -1, 0])
    cloud = PointCloud(sheet, np.tile(red, (1600, 1)), np.tile(facing, (1600, 1)))
    add(cloud, radius=0.04)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type, camera.data.ortho_scale = 'ORTHO', 1.5
    camera.location, camera.rotation_euler.x = (0.0, -5.0, 0.0), radians(90.0)
    lamp = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", 'SUN'))
    lamp.data.energy, lamp.rotation_euler.x = 1.5, radians(90.0)
    for item in (camera, lamp):
        scene.collection.objects.link(item)
    scene.camera, scene.render.engine = camera, 'CYCLES'
    scene.cycles.samples, scene.render.resolution_x, scene.render.resolution_y = 4, 32, 32
    scene.view_settings.view_transform = 'Standard'
    pixels = rendered(scene, tmp_path)[8:-8, 8:-8]
    assert pixels[..., 0].min() > 0.5 and pixels[..., 1:3].max() < 0.3
    assert pixels[..., 0].std() < 0.008


def rendered(scene: bpy.types.Scene, folder: Path) -> np.ndarray:
    scene.render.filepath = str(folder / "picture.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    return np.array(image.pixels[:]).reshape(*image.size, 4)


@pytest.mark.parametrize("shape", [
    Shape(), Shape("PERSPECTIVE", strength=1.4, smoothing=0.3, feather=0.01),
])
def test_points_of_the_depth_lie_on_the_mesh_and_are_as_many_as_the_photos_pixels(shape):
    face, layout = made_face(detail=True), Layout(resolution=128, region="HEAD")
    item = add_face(face, layout, shape)
    assert bpy.ops.face_depth.make_cloud(source='DEPTH') == {'FINISHED'}
    cloud = read_points(bpy.context.object.data)
    pixels = meshed_part(face, layout).sum()
    assert abs(len(cloud.positions) - pixels) < 0.02 * pixels

    apart = distances(item.data, cloud.positions[::7])
    # Waves of 7 pixels are a little flatter between the mesh's vertices.
    assert np.median(apart) < 0.00015 and apart.max() < 0.001
    tree = BVHTree.FromPolygons(
        positions(item.data).tolist(), [list(face.vertices) for face in item.data.polygons]
    )
    facing = np.array([tree.find_nearest(point)[1] for point in cloud.positions[::7].tolist()])
    cosine = (facing * cloud.normals[::7]).sum(axis=1)
    assert np.median(cosine) > np.cos(radians(8.0)) and cosine.min() > 0.0
    # The made photo turns from dark to bright to the right in one channel, downwards in another.
    red, green, blue = cloud.colours[:, :3].T
    across = max((red, blue), key=np.ptp)
    assert np.corrcoef(cloud.positions[:, 0], across)[0, 1] > 0.99
    assert np.corrcoef(cloud.positions[:, 2], green)[0, 1] < -0.99


def test_depth_needs_a_mesh_that_keeps_it_and_takes_nothing_that_was_sculpted():
    item = add_face(made_face(), Layout(resolution=32))
    raised = positions(item.data)
    raised[:, 1] -= 0.5
    item.data.attributes["position"].data.foreach_set("vector", raised.ravel())
    bpy.ops.face_depth.make_cloud(source='DEPTH', hide_source=False)
    assert np.ptp(positions(bpy.context.object.data)[:, 1]) < 0.2
    assert positions(bpy.context.object.data)[:, 1].min() > -0.2
    assert not item.hide_get() and not item.hide_render

    bpy.ops.mesh.primitive_cube_add()
    before = len(bpy.data.objects), len(bpy.data.meshes)
    with pytest.raises(RuntimeError, match="reconstruct it with Face Depth"):
        bpy.ops.face_depth.make_cloud(source='DEPTH')
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before
    assert not bpy.context.object.hide_get()
    bpy.ops.face_depth.make_cloud()
    assert len(bpy.context.object.data.vertices) == 8


def test_voxel_size_of_a_new_cloud():
    item = add_face(made_face(), Layout(resolution=64))
    expected = voxel_downsample(read_points(item.data), SIZE)
    bpy.ops.face_depth.make_cloud(voxel_size=SIZE)
    found = read_points(bpy.context.object.data)
    assert_same(found, expected)
    assert 0.5 * SIZE < spacing(found.positions) < 1.5 * SIZE
    assert len(found.positions) < 0.9 * len(item.data.vertices)


@pytest.mark.parametrize("operator", ["make_cloud", "thin_cloud", "cloud_to_mesh", "import_cloud"])
def test_edit_mode_and_wrong_objects_are_refused(operator):
    call = getattr(bpy.ops.face_depth, operator)
    bpy.ops.mesh.primitive_cube_add()
    assert call.poll() == (operator in ("make_cloud", "import_cloud"))
    add(ball(50))
    assert call.poll() == (operator != "make_cloud")
    bpy.ops.object.mode_set(mode='EDIT')
    assert not call.poll()
    bpy.ops.object.mode_set(mode='OBJECT')


# Cleaned


def test_thinning_leaves_one_mean_point_in_each_voxel():
    cloud = ball()
    item = add(cloud)
    before = len(cloud.positions)
    assert bpy.ops.face_depth.thin_cloud(voxel_size=SIZE) == {'FINISHED'}
    found, expected = read_points(item.data), voxel_downsample(cloud, SIZE)
    assert len(expected.positions) < 0.25 * before
    order = [np.lexsort(part.positions.T) for part in (found, expected)]
    assert_same(found.keep(order[0]), expected.keep(order[1]))
    cells = np.floor((found.positions - cloud.positions.min(axis=0)) / SIZE + 0.5)
    assert len(np.unique(cells, axis=0)) == len(cells)


@pytest.mark.parametrize("settings", [
    {}, {"method": 'RADIUS', "radius": 0.003, "least": 4},
    {"method": 'STATISTICAL'}, {"method": 'STATISTICAL', "neighbours": 10, "ratio": 2.0},
])
def test_planted_outliers_are_found_and_the_rest_is_kept(settings):
    item = add(with_strays(with_noise(ball(), 0.0001), 120))
    assert bpy.ops.face_depth.remove_outliers(**settings) == {'FINISHED'}
    away = np.abs(np.linalg.norm(positions(item.data), axis=1) - 0.05)
    assert (away > 0.002).sum() <= 0.03 * 120
    assert (away < 0.002).sum() >= 0.999 * 12000
    assert item.data.attributes.active_color_name == "Color"


def test_only_selected_and_visible_points_are_cleaned():
    mesh = add(with_strays(ball(), 120)).data
    left = positions(mesh)[:, 0] < 0.0
    select(mesh, left)
    hidden = mesh.attributes.new(".hide_vert", 'BOOLEAN', 'POINT')
    flags = np.zeros(len(left), bool)
    flags[12000 + np.flatnonzero(left[12000:])[:5]] = True
    hidden.data.foreach_set("value", flags)
    kept = positions(mesh)[~left]
    bpy.ops.face_depth.remove_outliers()
    after = positions(mesh)
    np.testing.assert_array_equal(after[after[:, 0] >= 0.0], kept)
    away = np.linalg.norm(after, axis=1) > 0.052
    assert 5 <= (away & (after[:, 0] < 0.0)).sum() < 9

    right = positions(mesh)[:, 0] > 0.0
    select(mesh, right)
    before = positions(mesh)
    bpy.ops.face_depth.smooth_cloud(width=0.004)
    np.testing.assert_array_equal(positions(mesh)[~right], before[~right])
    assert not np.array_equal(positions(mesh)[right], before[right])
    count = (~right).sum()
    bpy.ops.face_depth.thin_cloud(voxel_size=0.01)
    np.testing.assert_array_equal(
        positions(mesh)[positions(mesh)[:, 0] <= 0.0], before[~right][:count]
    )
    assert (positions(mesh)[:, 0] > 0.0).sum() < 0.05 * right.sum()


def test_smoothing_takes_noise_and_neither_size_nor_place():
    """The deviation falls to a third, and a ball keeps its radius to 0.01 mm."""
    cloud = with_noise(ball(), 0.0005)
    item = add(cloud)
    assert bpy.ops.face_depth.smooth_cloud(width=0.003) == {'FINISHED'}
    found = read_points(item.data)
    away = np.linalg.norm(found.positions, axis=1) - 0.05
    assert away.std() < 0.34 * 0.0005 and abs(away.mean()) < 1e-5
    np.testing.assert_array_equal(found.colours, cloud.colours)
    along = np.cross(found.positions - cloud.positions, cloud.positions / 0.05)
    assert np.linalg.norm(along, axis=1).max() < 0.0005
    assert (found.normals * ball().normals).sum(axis=1).min() > 0.999


def test_what_hangs_on_the_points_stays_with_them():
    item = add(with_strays(ball(3000), 30), radius=0.001)
    mesh = item.data
    number = mesh.attributes.new("number", 'INT', 'POINT')
    number.data.foreach_set("value", np.arange(3030, dtype=np.int32))
    item.vertex_groups.new(name="All").add(range(3030), 0.5, 'REPLACE')
    before = positions(mesh)
    bpy.ops.face_depth.remove_outliers()
    values = np.empty(len(mesh.vertices), np.int32)
    mesh.attributes["number"].data.foreach_get("value", values)
    np.testing.assert_array_equal(positions(mesh), before[values])
    assert all(vertex.groups[0].weight == 0.5 for vertex in mesh.vertices)
    assert len(shown(item).radii) == len(values) < 3030
    assert NORMAL in mesh.attributes and mesh.materials[0].name == "Face Depth Points"


def test_undo_brings_the_points_back():
    add(with_strays(ball(3000), 30))
    for operator in ("remove_outliers", "thin_cloud", "smooth_cloud"):
        before = read_points(bpy.data.objects["Cloud"].data)
        bpy.ops.ed.undo_push(message="before")
        settings = {"voxel_size": 0.01} if operator == "thin_cloud" else {}
        getattr(bpy.ops.face_depth, operator)(**settings)
        bpy.ops.ed.undo_push(message=operator)
        after = read_points(bpy.data.objects["Cloud"].data)
        assert not np.array_equal(after.positions, before.positions)
        bpy.ops.ed.undo()
        assert_same(read_points(bpy.data.objects["Cloud"].data), before)


def test_clouds_that_would_vanish_or_have_keys_stay_as_they_are():
    item = add(ball(200))
    with pytest.raises(RuntimeError, match="All points would be removed"):
        bpy.ops.face_depth.remove_outliers(method='RADIUS', radius=0.0001, least=5)
    assert len(item.data.vertices) == 200
    item.shape_key_add(name="Basis")
    for operator in (bpy.ops.face_depth.thin_cloud, bpy.ops.face_depth.smooth_cloud):
        with pytest.raises(RuntimeError, match="has shape keys: remove or apply them"):
            operator()
    np.testing.assert_array_equal(positions(item.data), ball(200).positions)


def test_bare_vertices_can_be_cleaned_and_meshed():
    """Without colours and normals, as other programs and people leave them."""
    mesh = bpy.data.meshes.new("Bare")
    mesh.from_pydata(with_strays(ball(), 100).positions.tolist(), [], [])
    item = bpy.data.objects.new("Bare", mesh)
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    bpy.ops.face_depth.remove_outliers()
    assert 12000 <= len(mesh.vertices) <= 12003
    cloud_edit.thin(mesh, 0.001)
    bpy.ops.face_depth.smooth_cloud()
    assert bpy.ops.face_depth.cloud_to_mesh(method='LOCAL', facing='OUTWARDS') == {'FINISHED'}
    made = bpy.context.object.data
    assert np.abs(np.linalg.norm(positions(made), axis=1) - 0.05).max() < 0.001
    assert (np.array([face.normal.dot(face.center) for face in made.polygons]) > 0.0).all()


# Meshed


@pytest.mark.parametrize("method", METHODS)
def test_the_surface_of_half_a_ball_is_true_to_it_and_open_where_it_ends(method):
    """To 0.02 mm by Local, to 0.1 mm by Poisson, of a ball of 5 cm with faces of 2 mm."""
    item = add(front_half(ball()), matrix=Matrix.Translation((0.0, 0.0, 1.0)))
    made, size = cloud_to_mesh(bpy.context, item, 0.002, method)
    assert made.matrix_world == item.matrix_world and size == 0.002
    mesh = made.data
    at = positions(mesh)
    away = np.linalg.norm(at, axis=1) - 0.05
    assert np.abs(away).max() < (2e-5 if method == "LOCAL" else 1e-4)
    # A ring of border, within a face's size of the half's own, and no balloon behind it.
    assert at[:, 1].max() < 0.002 and at[:, 1].min() < -0.0499
    faces = np.array([list(face.vertices) for face in mesh.polygons])
    uses = edge_uses(faces)
    assert len(uses) == 3 and uses[0] == 0
    assert 2 * np.pi * 0.05 / 0.003 < uses[1] < 2 * np.pi * 0.05 / 0.001
    covered = distances(mesh, ball(2000).positions[ball(2000).positions[:, 1] < -0.003])
    assert covered.max() < 0.0005
    assert not mesh.validate()
    assert all(face.normal.dot(face.center) > 0.0 for face in mesh.polygons)
    expected = 127.0 + 120.0 * at / np.linalg.norm(at, axis=1, keepdims=True)
    assert np.abs(read_points(mesh).colours[:, :3] - expected).max() < 8.0
    assert mesh.attributes.active_color_name == "Color"
    assert mesh.materials[0].name == "Face Depth Colours"


def test_a_whole_ball_is_closed_and_small_gaps_are():
    cloud = ball()
    surface = surface_through(cloud, face_size(cloud))
    assert 1.2 < face_size(cloud) / spacing(cloud.positions) < 1.8
    np.testing.assert_array_equal(edge_uses(surface.faces)[:2], 0)
    for gap, closed in ((0.003, True), (0.012, False)):
        apart = np.linalg.norm(cloud.positions - (0.0, -0.05, 0.0), axis=1)
        surface = surface_through(cloud.keep(apart > gap), 0.002)
        assert (edge_uses(surface.faces)[1] == 0) == closed
        assert np.abs(np.linalg.norm(surface.positions, axis=1) - 0.05).max() < 1e-4


def test_noise_is_evened_out_and_stray_parts_are_dropped():
    noisy = with_noise(ball(), 0.0003)
    islet = ball(300, 0.006)
    both = PointCloud(*(
        np.concatenate(parts) for parts in zip(
            (noisy.positions, *_rest(noisy)),
            (islet.positions + np.float32([0.1, 0, 0]), *_rest(islet)), strict=True,
        )
    ))
    surface = surface_through(both, 0.003)
    away = np.linalg.norm(surface.positions, axis=1) - 0.05
    assert np.sqrt((away**2).mean()) < 0.0001 and np.abs(away).max() < 0.0005


def test_a_surface_through_much_noise_is_still_manifold():
    faces = surface_through(with_noise(ball(), 0.0015), 0.002).faces
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, uses = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
    assert uses.max() == 2
    assert np.bincount(edges[uses == 1].ravel()).max() == 2


def test_poisson_without_open3d_says_so_and_local_takes_its_place():
    item = add(front_half(ball(4000)))
    before = len(bpy.data.meshes)
    if not has_open3d():
        with pytest.raises(PointCloudError, match="Open3D cannot be loaded"):
            cloud_to_mesh(bpy.context, item, method="POISSON")
        assert len(bpy.data.meshes) == before
    assert bpy.ops.face_depth.cloud_to_mesh(method='POISSON') == {'FINISHED'}
    assert len(bpy.context.object.data.polygons) > 500
    assert item.hide_get()


@pytest.mark.parametrize("cloud, size, message", [
    (ball(2000), 0.2, "too few for a surface"),
    (ball(20), 0.0, "too few for a surface"),
    (ball(2000), 0.0005, "choose faces of at least half that size"),
    (PointCloud(np.zeros((50, 3), "f4"), np.full((50, 4), 9, "u1"), None), 0.0, "on one another"),
])
def test_clouds_without_a_surface_are_named_as_such(cloud, size, message):
    item = add(cloud)
    count = len(bpy.data.objects)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.face_depth.cloud_to_mesh(method='LOCAL', size=size)
    assert len(bpy.data.objects) == count and not item.hide_get()


# Written and read


def test_a_file_keeps_a_cloud_bit_by_bit(tmp_path):
    path = tmp_path / "Größe.ply"
    cloud = ball(700)
    add(cloud)
    assert bpy.ops.face_depth.export_cloud(filepath=str(path)) == {'FINISHED'}
    assert bpy.ops.face_depth.import_cloud(filepath=str(path)) == {'FINISHED'}
    found = bpy.context.object
    assert found.name == "Größe" and found.data.name != "Cloud"
    assert_same(read_points(found.data), cloud)
    assert len(shown(found).radii) == 700


def test_the_file_says_where_the_points_lie_in_the_world(tmp_path):
    path = tmp_path / "cloud.ply"
    turn = Matrix.Rotation(radians(90.0), 4, 'Z')
    matrix = Matrix.Translation((1.0, 2.0, 3.0)) @ turn @ Matrix.Diagonal((2.0, 1.0, 1.0, 1.0))
    cloud = ball(300)
    add(cloud, matrix=matrix)
    bpy.ops.face_depth.export_cloud(filepath=str(path), scale=1000.0)
    bpy.ops.face_depth.import_cloud(filepath=str(path), scale=0.001)
    found = read_points(bpy.context.object.data)
    x, y, z = cloud.positions.T
    expected = np.stack([1.0 - y, 2.0 + 2.0 * x, 3.0 + z], axis=1)
    np.testing.assert_allclose(found.positions, expected, atol=1e-6)
    # Normals stay square to the stretched ball.
    x, y, z = cloud.normals.T
    normals = np.stack([-y, x / 2.0, z], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    np.testing.assert_allclose(found.normals, normals, atol=1e-5)


def test_a_mesh_can_be_written_as_points_at_once(tmp_path):
    path = tmp_path / "face.ply"
    item = add_face(made_face(), Layout(resolution=64))
    bpy.ops.face_depth.export_cloud(filepath=str(path))
    found = decode_ply(path.read_bytes())
    np.testing.assert_array_equal(found.positions, positions(item.data))
    assert found.normals is not None and np.ptp(found.colours[:, :3], axis=0).max() > 200
    export_cloud(bpy.context, item, path, source="DEPTH")
    assert len(decode_ply(path.read_bytes()).positions) > 2 * len(item.data.vertices)
    assert len(bpy.data.objects) == 1


def test_blender_reads_the_file_and_its_cloud_is_one_of_ours(tmp_path):
    path = tmp_path / "cloud.ply"
    cloud = with_strays(ball(), 100)
    path.write_bytes(encode_ply(cloud))
    bpy.ops.wm.ply_import(filepath=str(path), forward_axis='Y', up_axis='Z')
    mesh = bpy.context.object.data
    assert is_cloud(mesh)
    assert_same(read_points(mesh), cloud)
    bpy.ops.face_depth.remove_outliers()
    assert 12000 <= len(mesh.vertices) <= 12002


def test_files_that_cannot_be_read_or_written_are_named_as_such(tmp_path):
    broken = tmp_path / "broken.ply"
    broken.write_bytes(b"ply\nformat ascii 1.0\n")
    for path, message in ((broken, "cut off"), (tmp_path / "none.ply", "cannot be read")):
        with pytest.raises(RuntimeError, match=message):
            bpy.ops.face_depth.import_cloud(filepath=str(path))
    assert not bpy.data.objects
    add(ball(50))
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.face_depth.export_cloud(filepath=str(tmp_path / "no" / "cloud.ply"))
