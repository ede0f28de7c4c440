# SPDX-License-Identifier: GPL-3.0-or-later
"""Each step of the clean-up on the relief of a real face, damaged in known ways."""

import bpy  # isort: skip  (only then is there a bmesh outside Blender)
import bmesh
import numpy as np
import pytest
from mathutils import Vector

from face_depth_addon.blender.mesh_edit import read_state
from face_depth_addon.blender.repair import ops_cleanup
from face_depth_addon.blender.repair.mesh_cleanup import cleanup_mesh
from face_depth_addon.blender.shaping.shape import applied, shaped
from face_depth_addon.blender.stored import stored
from face_depth_addon.core.polygons.holes import find_holes
from face_depth_addon.core.polygons.meshfilter import self_intersections, stretched_faces
from face_depth_addon.core.polygons.topology import flipped_faces, non_manifold

MODES = ('OBJECT', 'EDIT')
# Middles of the cheek and of the forehead: x, z in metres.
CHEEK, FOREHEAD = (0.032, -0.035), (-0.01, 0.05)


@pytest.fixture(scope="module")
def face_file(addon, astronaut, tmp_path_factory):
    """A .blend with the relief of a face."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.face_depth.reconstruct(
        filepath=str(astronaut), model="facemesh", resolution=96, region='FACE'
    )
    path = tmp_path_factory.mktemp("face") / "face.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def face(face_file) -> bpy.types.Object:
    """The relief, active and without a selection."""
    bpy.ops.wm.open_mainfile(filepath=str(face_file))
    item = next(item for item in bpy.data.objects if item.type == 'MESH')
    bpy.context.view_layer.objects.active = item
    return item


def run(name: str, mode: str = 'OBJECT', **settings) -> None:
    bpy.ops.object.mode_set(mode=mode)
    try:
        assert getattr(bpy.ops.face_depth, name)(**settings) == {'FINISHED'}
    finally:
        bpy.ops.object.mode_set(mode='OBJECT')


def values(mesh, name, width=1) -> np.ndarray:
    """(n, width) of an attribute."""
    field = "color_srgb" if name == "Color" else "vector" if width > 1 else "value"
    data = mesh.attributes[name].data
    found = np.empty(len(data) * width, np.float32)
    data.foreach_get(field, found)
    return found.reshape(-1, width)


def positions(mesh) -> np.ndarray:
    return values(mesh, "position", 3)


def corner_uvs(mesh) -> tuple[np.ndarray, np.ndarray]:
    """UVs of the corners, and what they are by where the corners' vertices lie."""
    result = stored(mesh)
    side = result.crop.side * result.metres_per_pixel
    plane = values(mesh, "plane", 2)[values(mesh, ".corner_vert")[:, 0].astype(int)]
    x, y, _ = result.origin
    return values(mesh, "UVMap", 2), plane / side + [x, 1.0 - y]


def select(mesh, chosen) -> None:
    bpy.ops.object.mode_set(mode='EDIT')
    bpy.ops.mesh.select_mode(type='VERT')
    bpy.ops.mesh.select_all(action='DESELECT')
    edited = bmesh.from_edit_mesh(mesh)
    for vert in edited.verts:
        vert.select = bool(chosen[vert.index])
    edited.select_flush(True)
    bmesh.update_edit_mesh(mesh)
    bpy.ops.object.mode_set(mode='OBJECT')


def punch(mesh, place, radius) -> None:
    """Delete the faces around a place in the picture's plane."""
    edited = bmesh.new()
    edited.from_mesh(mesh)
    middle = Vector((place[0], 0.0, place[1]))
    doomed = [
        face for face in edited.faces
        if ((face.calc_center_median() - middle) * Vector((1, 0, 1))).length < radius
    ]
    bmesh.ops.delete(edited, geom=doomed, context='FACES')
    edited.to_mesh(mesh)
    edited.free()


def nearest(mesh, place) -> int:
    return int(np.linalg.norm(positions(mesh)[:, [0, 2]] - place, axis=1).argmin())


def assert_surface(mesh) -> None:
    """Manifold, of one winding, without crossings, whole as data and facing -Y."""
    assert not mesh.validate()
    state = read_state(mesh)
    assert not any(found.any() for found in non_manifold(state.topology))
    assert not flipped_faces(state.topology).any()
    assert len(self_intersections(state.positions, state.topology)) == 0


def assert_follows_sliders(mesh, tolerance=2e-6) -> None:
    """All vertices lie where their stored depth says, whatever the sliders say."""
    settings = mesh.face_depth
    for name, value in (
        ("strength", 2.0), ("gamma", 1.3), ("projection", 'PERSPECTIVE'), ("strength", 0.0),
        ("projection", 'RELIEF'), ("gamma", 1.0), ("strength", 1.0),
    ):
        setattr(settings, name, value)
        np.testing.assert_allclose(positions(mesh), shaped(mesh, *applied(mesh)), atol=tolerance)
        if settings.strength == 0.0 and settings.projection == 'RELIEF':
            assert np.abs(positions(mesh)[:, 1]).max() < tolerance


@pytest.mark.parametrize("mode", MODES)
def test_no_face_is_steeper_than_the_angle_after_the_cut(face, mode):
    mesh = face.data
    before = {tuple(place) for place in positions(mesh).tolist()}
    angle = np.radians(55.0)
    run("cut_stretched", mode, max_angle=angle)
    state = read_state(mesh)
    assert 0.5 < len(state.positions) / len(before) < 0.97
    assert not stretched_faces(state.positions, state.topology, angle).any()
    assert {tuple(place) for place in positions(mesh).tolist()} < before
    found, expected = corner_uvs(mesh)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert_follows_sliders(mesh)


@pytest.mark.parametrize("fill", ["AUTO", "GRID", "FAN", "SURFACE"])
@pytest.mark.parametrize("mode", MODES)
def test_holes_are_filled_with_the_face_that_was_there(face, mode, fill):
    mesh = face.data
    whole, colours = positions(mesh), values(mesh, "Color", 4)
    size = len(whole)
    for place, radius in ((CHEEK, 0.011), (FOREHEAD, 0.003)):
        punch(mesh, place, radius)
    kept = len(mesh.vertices)
    assert kept < size - 20
    run("fill_holes", mode, fill=fill)
    state = read_state(mesh)
    assert find_holes(state.positions, state.topology, 200) == []
    assert_surface(mesh)
    np.testing.assert_allclose(
        np.linalg.norm(positions(mesh)[:, np.newaxis, :3:2] - whole[:, ::2], axis=2).min(axis=1)[
            :kept
        ], 0.0, atol=1e-7,
    )
    new = np.arange(kept, len(mesh.vertices))
    assert len(new) == 2 if fill == "FAN" else 0.9 < len(new) / (size - kept) < 1.5
    # The nearest vertices of the face that was whole, up to 1.5 mm beside.
    twins = np.linalg.norm(
        positions(mesh)[new][:, np.newaxis, ::2] - whole[:, ::2], axis=2
    ).argmin(axis=1)
    off = np.abs(positions(mesh)[new, 1] - whole[twins, 1])
    # The hub of a fan lies in the plane of its border, whatever bulged there.
    assert np.median(off) < (0.001 if fill == "FAN" else 0.0007) and off.max() < 0.002
    assert np.abs(values(mesh, "Color", 4)[new] - colours[twins]).mean() < 0.1
    found, expected = corner_uvs(mesh)
    np.testing.assert_allclose(found, expected, atol=0.004)
    assert len({face.material_index for face in mesh.polygons}) == 1
    assert_follows_sliders(mesh)


@pytest.mark.parametrize("projection", ['WEAK_PERSPECTIVE', 'PERSPECTIVE'])
def test_fillings_have_the_depth_of_the_shape_that_the_mesh_has(face, projection):
    mesh = face.data
    punch(mesh, CHEEK, 0.011)
    mesh.face_depth.projection, mesh.face_depth.strength = projection, 1.5
    run("fill_holes")
    np.testing.assert_allclose(positions(mesh), shaped(mesh, *applied(mesh)), atol=1e-4)
    assert_follows_sliders(mesh, 1e-4)


def test_only_holes_within_the_selection_are_filled_and_become_selected(face):
    mesh = face.data
    punch(mesh, CHEEK, 0.004)
    punch(mesh, FOREHEAD, 0.004)
    select(mesh, positions(mesh)[:, 0] > 0.015)
    count = len(mesh.vertices)
    run("fill_holes", 'EDIT')
    new = positions(mesh)[count:]
    assert len(new) and (new[:, 0] > 0.015).all()
    state = read_state(mesh)
    assert len(find_holes(state.positions, state.topology, 100)) == 1
    assert all(mesh.vertices[index].select for index in range(count, len(mesh.vertices)))


@pytest.mark.parametrize("mode", MODES)
def test_a_spike_of_the_depth_goes_for_good_and_one_of_the_sculptor_alone(face, mode):
    mesh = face.data
    stored_spike, sculpted = nearest(mesh, CHEEK), nearest(mesh, FOREHEAD)
    depth = values(mesh, "depth")
    before = positions(mesh), depth.copy(), values(mesh, "Color", 4)
    depth[stored_spike] += 0.01
    mesh.attributes["depth"].data.foreach_set("value", depth.ravel())
    spiky = before[0].copy()
    spiky[[stored_spike, sculpted], 1] -= 0.01
    mesh.attributes["position"].data.foreach_set("vector", spiky.ravel())
    run("remove_spikes", mode)
    moved = (positions(mesh) != spiky).any(axis=1)
    assert set(np.flatnonzero(moved)) == {stored_spike, sculpted}
    np.testing.assert_allclose(positions(mesh)[:, 1], before[0][:, 1], atol=5e-4)
    np.testing.assert_allclose(values(mesh, "depth"), before[1], atol=5e-4)
    np.testing.assert_array_equal(values(mesh, "Color", 4), before[2])
    mesh.face_depth.strength = 0.0
    assert np.abs(positions(mesh)[:, 1]).max() < 5e-4


@pytest.mark.parametrize("delete", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_fins_doubled_faces_bow_ties_and_loose_parts_are_set_right(face, mode, delete):
    mesh = face.data
    edited = bmesh.new()
    edited.from_mesh(mesh)
    edited.faces.ensure_lookup_table()
    faces = [
        min(edited.faces, key=lambda face: (face.calc_center_median() - Vector(at)).length)
        for at in ((0.0, -0.06, -0.02), (0.03, -0.05, -0.02), (-0.03, -0.05, -0.02))
    ]
    fin, twin, tie = faces
    a, b = fin.edges[0].verts
    tip = edited.verts.new((a.co + b.co) / 2 + Vector((0, -0.004, 0)), a)
    for verts, like in (((a, b, tip), fin), (twin.verts[:3], twin)):
        new = edited.faces.new(verts, like)
        for corner, other in zip(new.loops, list(like.loops)[:3], strict=True):
            corner.copy_from(other)
    corner = tie.verts[0]
    beyond = [face for face in corner.link_faces if not set(face.edges) & set(tie.edges)]
    lone = edited.verts.new((0.0, -0.2, 0.0))
    edited.edges.new((lone, edited.verts.new((0.0, -0.2, 0.01))))
    edited.verts.new((0.0, -0.2, 0.02))
    bmesh.ops.delete(edited, geom=[tie, *beyond], context='FACES')
    edited.to_mesh(mesh)
    edited.free()
    faces, size = len(mesh.polygons), len(mesh.vertices)
    run("fix_non_manifold", mode, delete=delete)
    assert not mesh.validate()
    assert not any(found.any() for found in non_manifold(read_state(mesh).topology))
    # A triangle stands on an edge, another lies on half of a quad; a vertex holds two fans.
    fins = -1 if delete else 2 + 3
    assert len(mesh.polygons) == (faces - 2 if delete else faces)
    assert len(mesh.vertices) == size - 3 + fins + 1
    found, expected = corner_uvs(mesh)
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert_follows_sliders(mesh, 0.006)
    run("fix_non_manifold", mode, delete=delete)
    assert len(mesh.vertices) == size - 3 + fins + 1


@pytest.mark.parametrize("mode", MODES)
def test_flipped_faces_are_selected_or_turned_and_a_relief_faces_the_viewer(face, mode):
    mesh = face.data
    whole = np.arange(len(mesh.polygons))
    chosen = np.flatnonzero(np.random.default_rng(1).random(len(whole)) < 0.2)
    for wrong in (chosen, whole):
        edited = bmesh.new()
        edited.from_mesh(mesh)
        edited.faces.ensure_lookup_table()
        bmesh.ops.reverse_faces(edited, faces=[edited.faces[index] for index in wrong])
        edited.to_mesh(mesh)
        edited.free()
        run("turn_flipped", mode, select=True)
        np.testing.assert_array_equal([face.index for face in mesh.polygons if face.select], wrong)
        bpy.ops.object.mode_set(mode='EDIT')
        bpy.ops.mesh.select_all(action='DESELECT')
        run("turn_flipped", mode)
        assert_surface(mesh)
        assert np.mean([face.normal.y < 0.0 for face in mesh.polygons]) > 0.99
    found, expected = corner_uvs(mesh)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_solid_inside_out_is_turned(face):
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=3, location=(3.0, 0.0, 0.0))
    sphere = bpy.context.object.data
    sphere.flip_normals()
    select(sphere, np.zeros(len(sphere.vertices)))
    run("turn_flipped")
    assert all(face.normal.dot(face.center) > 0.0 for face in sphere.polygons)


@pytest.mark.parametrize("mode", MODES)
def test_faces_that_cross_are_selected(face, mode):
    mesh = face.data
    assert len(self_intersections(positions(mesh), read_state(mesh).topology)) == 0
    edited = bmesh.new()
    edited.from_mesh(mesh)
    count = len(edited.faces)
    tip = positions(mesh)[nearest(mesh, CHEEK)]
    corners = [tip + np.array(at) for at in (
        (0.0005, -0.01, -0.002), (0.0005, -0.01, 0.002), (0.0005, 0.01, 0.0),
    )]
    edited.faces.new([edited.verts.new(corner) for corner in corners])
    edited.to_mesh(mesh)
    edited.free()
    run("select_crossing", mode)
    chosen = [face.index for face in mesh.polygons if face.select]
    assert count in chosen and 2 <= len(chosen) < 12
    crossed = [np.array(mesh.polygons[index].center) for index in chosen if index != count]
    assert (np.abs(np.array(crossed) - tip)[:, [0, 2]] < 0.005).all()


def test_merged_vertices_keep_what_hangs_on_them(face):
    mesh = face.data
    size = len(mesh.vertices)
    edited = bmesh.new()
    edited.from_mesh(mesh)
    bmesh.ops.split_edges(edited, edges=list(edited.edges)[::3])
    edited.to_mesh(mesh)
    edited.free()
    assert len(mesh.vertices) > size
    run("merge_doubles")
    assert len(mesh.vertices) == size
    found, expected = corner_uvs(mesh)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert_surface(mesh)
    assert_follows_sliders(mesh)


def volume(mesh) -> float:
    """Between the relief and the plane of its origin."""
    state = read_state(mesh)
    total = 0.0
    for _, rings in state.topology.faces_by_size:
        x, y, z = state.positions[rings].astype(float).transpose(2, 0, 1)
        area = 0.5 * (x * np.roll(z, -1, axis=0) - np.roll(x, -1, axis=0) * z).sum(axis=0)
        total -= float((area * y.mean(axis=0)).sum())
    return total


def test_smoothing_keeps_the_faces_volume_colours_and_uvs(face):
    mesh = face.data
    before, full = positions(mesh), volume(mesh)
    uvs, colours = values(mesh, "UVMap", 2), values(mesh, "Color", 4)
    lost = {}
    for method in ("TAUBIN", "HC", "BILATERAL", "LAPLACIAN"):
        mesh.attributes["position"].data.foreach_set("vector", before.ravel())
        run("smooth", method=method, iterations=20, strength=1.0, keep_features=False,
            keep_border=False)
        lost[method] = abs(volume(mesh) / full - 1.0)
        assert (positions(mesh) != before).any(axis=1).mean() > 0.9
        np.testing.assert_array_equal(values(mesh, "UVMap", 2), uvs)
        np.testing.assert_array_equal(values(mesh, "Color", 4), colours)
    assert max(lost[method] for method in ("TAUBIN", "HC", "BILATERAL")) < 0.001, lost
    assert lost["LAPLACIAN"] > 0.005


def at_landmarks(mesh, indices) -> list[int]:
    result = stored(mesh)
    side = result.crop.side * result.metres_per_pixel
    x, y, _ = ((result.landmarks - result.origin) * side).T
    return [nearest(mesh, (x[index], -y[index])) for index in indices]


@pytest.mark.parametrize("method", ["LAPLACIAN", "TAUBIN", "HC", "BILATERAL"])
def test_landmarks_stay_with_keep_features(face, method):
    mesh = face.data
    noise = np.random.default_rng(2).normal(0.0, 4e-4, len(mesh.vertices))
    noisy = positions(mesh)
    noisy[:, 1] += noise
    # Corners and lids of the eyes, corners of the mouth, and lips.
    eyes_and_mouth = at_landmarks(
        mesh, (33, 133, 159, 145, 263, 362, 386, 374, 61, 291, 0, 17, 13, 14)
    )
    drift = {}
    for keep in (False, True):
        mesh.attributes["position"].data.foreach_set("vector", noisy.ravel())
        run("smooth", method=method, iterations=20, strength=1.0, keep_features=keep)
        moved = np.linalg.norm(positions(mesh) - noisy, axis=1)
        drift[keep] = moved[eyes_and_mouth].max()
        assert np.median(moved) > 1e-4
    # In metres; what is left is beside the features, where the mesh's vertices are 2 mm apart.
    assert drift[True] < 2e-4 and drift[True] < 0.06 * drift[False]


@pytest.mark.parametrize("mode", MODES)
def test_a_ruined_face_is_cleaned_up_and_goes_on_following_the_sliders(face, mode):
    mesh = face.data
    whole = positions(mesh)
    for place, radius in ((CHEEK, 0.008), (FOREHEAD, 0.005), ((-0.03, -0.03), 0.002)):
        punch(mesh, place, radius)
    depth, at = values(mesh, "depth"), positions(mesh)
    spikes = np.random.default_rng(4).choice(len(at), 12, replace=False)
    depth[spikes, 0] += 0.008
    # All left of a line lies behind: a sheet of rubber between.
    depth[at[:, 0] < -0.045, 0] -= 0.05
    mesh.attributes["depth"].data.foreach_set("value", depth.ravel())
    at[:, 1] = -depth[:, 0]
    mesh.attributes["position"].data.foreach_set("vector", at.ravel())
    angle = np.radians(80.0)
    run("cleanup", mode, max_angle=angle, max_hole_sides=200, min_island=0.2)
    state = read_state(mesh)
    assert not stretched_faces(state.positions, state.topology, angle).any()
    assert find_holes(state.positions, state.topology, 200, angle) == []
    assert state.positions[:, 0].min() > -0.047
    assert_follows_sliders(mesh)
    twins = np.linalg.norm(positions(mesh)[:, np.newaxis, ::2] - whole[:, ::2], axis=2)
    off = np.abs(positions(mesh)[:, 1] - whole[twins.argmin(axis=1), 1])
    assert np.percentile(off, 99) < 0.001
    assert cleanup_mesh(mesh, max_angle=angle, max_hole_sides=200).sentence() == (
        "Nothing to clean up"
    )


def test_every_step_says_when_there_is_nothing_left_to_do_and_why_it_cannot_run(face, capfd):
    operators = [
        (getattr(bpy.ops.face_depth, cls.bl_idname.partition(".")[2]), cls.nothing)
        for cls in ops_cleanup.CLASSES
    ]
    for operator, nothing in operators:
        assert operator() == {'FINISHED'}
        capfd.readouterr()
        size = len(face.data.vertices)
        assert operator() == {'FINISHED'}
        assert f"Info: {nothing}\n" in capfd.readouterr().out
        assert len(face.data.vertices) == size
    bpy.ops.object.mode_set(mode='SCULPT')
    for operator, _ in operators:
        with pytest.raises(RuntimeError, match="Switch to Object Mode or Edit Mode first"):
            operator()
