# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing and Clean Up Relief on real meshes, in Object Mode and in Edit Mode."""

import bpy
import numpy as np
import pytest

from face_depth_addon.blender.repair.mesh_cleanup import cleanup_mesh
from face_depth_addon.blender.repair.mesh_smooth import smooth_mesh

METHODS = ("BILATERAL", "HC", "TAUBIN", "LAPLACIAN")
SIDE = 24
SPACING = 0.01
MIDDLE = 12 * SIDE + 12
OFF = dict.fromkeys(
    ("cut_stretched", "remove_spikes", "drop_islands", "fill_holes", "merge_doubles"), False
)


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def grid_depth() -> np.ndarray:
    """(side, side) metres: a shallow bowl."""
    row, column = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    return 0.0005 * (row**2 + column**2) * SPACING / 0.01


def noisy_depth() -> np.ndarray:
    return grid_depth() + np.random.default_rng(0).normal(0.0, 0.1 * SPACING, (SIDE, SIDE))


def make_relief(depth: np.ndarray, skip: tuple[tuple[int, int], ...] = ()) -> bpy.types.Object:
    """The active object: a relief with colours, UVs, depth, a vertex group and two materials."""
    row, column = np.indices(depth.shape)
    vertex = row * SIDE + column
    positions = np.stack([column * SPACING, depth, row * SPACING], axis=-1).reshape(-1, 3)
    quads = [vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1]]
    keep = np.ones((SIDE - 1, SIDE - 1), dtype=bool)
    for cell in skip:
        keep[cell] = False
    faces = np.stack(quads, axis=-1)[keep]

    mesh = bpy.data.meshes.new("Relief")
    mesh.from_pydata(positions.tolist(), [], faces.tolist())
    mesh.shade_smooth()
    uvs = positions[faces.ravel()][:, [0, 2]] / (SPACING * SIDE)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uvs.astype(np.float32).ravel())
    mesh.color_attributes.new("Mask", 'FLOAT_COLOR', 'POINT')
    colours = mesh.color_attributes.new("Color", 'BYTE_COLOR', 'POINT')
    tint = np.ones((SIDE * SIDE, 4), dtype=np.float32)
    tint[:, 0] = vertex.ravel() / (SIDE * SIDE)
    colours.data.foreach_set("color_srgb", tint.ravel())
    mesh.attributes.active_color_name = mesh.attributes.default_color_name = "Color"
    stored = mesh.attributes.new("depth", 'FLOAT', 'POINT')
    stored.data.foreach_set("value", vertex.ravel().astype(np.float32))
    for name in ("Skin", "Hair"):
        mesh.materials.append(bpy.data.materials.new(name))
    mesh.polygons.foreach_set("material_index", np.ones(len(faces), dtype=np.int32))
    mesh["photo"] = "portrait.png"
    select(mesh, [])

    relief = bpy.data.objects.new("Relief", mesh)
    bpy.context.collection.objects.link(relief)
    relief.vertex_groups.new(name="All").add(range(SIDE * SIDE), 0.5, 'REPLACE')
    bpy.ops.object.select_all(action='DESELECT')
    bpy.context.view_layer.objects.active = relief
    relief.select_set(True)
    return relief


def coordinates(data) -> np.ndarray:
    """(V, 3) of the vertices of a mesh, or of the points of a shape key."""
    points = data.vertices if isinstance(data, bpy.types.Mesh) else data.data
    values = np.empty(3 * len(points), dtype=np.float32)
    points.foreach_get("co", values)
    return values.reshape(-1, 3)


def original_vertices(mesh) -> np.ndarray:
    """(V,) the index that each vertex had at first; the depth attribute holds it."""
    values = np.empty(len(mesh.vertices), dtype=np.float32)
    mesh.attributes["depth"].data.foreach_get("value", values)
    return np.rint(values).astype(int)


def select(mesh, chosen) -> None:
    """Select these vertices, and the edges and faces within them."""
    flags = np.zeros(len(mesh.vertices), dtype=bool)
    flags[chosen] = True
    for name, domain, values in (
        (".select_vert", 'POINT', flags),
        (".select_edge", 'EDGE', [flags[list(edge.vertices)].all() for edge in mesh.edges]),
        (".select_poly", 'FACE', [flags[list(face.vertices)].all() for face in mesh.polygons]),
    ):
        # Made anew: after from_pydata, bpy 5.0 has edge flags of a wrong type and crashes on them.
        if name in mesh.attributes:
            mesh.attributes.remove(mesh.attributes[name])
        layer = mesh.attributes.new(name, 'BOOLEAN', domain)
        layer.data.foreach_set("value", np.array(values, dtype=bool))


def run(operator, mode, **settings) -> None:
    if mode == 'EDIT':
        bpy.ops.object.mode_set(mode='EDIT')
    try:
        assert operator(**settings) == {'FINISHED'}
    finally:
        bpy.ops.object.mode_set(mode='OBJECT')


def clean_up(mode='OBJECT', **settings) -> None:
    """Run Clean Up Relief with only the given steps switched on."""
    run(bpy.ops.face_depth.cleanup, mode, **(OFF | settings))


def assert_intact(relief, origin=None, slack=0.0) -> None:
    """Everything that hangs on the vertices and faces is still there and in its place.

    ``origin`` has the index that each vertex had at first, and ``slack`` is how many cells
    what hangs on them may be off.
    """
    mesh = relief.data
    assert mesh.validate() is False
    assert mesh.attributes.active_color_name == "Color"
    assert mesh.attributes.default_color_name == "Color"
    assert mesh["photo"] == "portrait.png"
    assert [material.name.split(".")[0] for material in mesh.materials] == ["Skin", "Hair"]
    assert {face.material_index for face in mesh.polygons} == {1}
    assert all(face.use_smooth for face in mesh.polygons)
    assert all(vertex.groups[0].weight == 0.5 for vertex in mesh.vertices)
    origin = original_vertices(mesh) if origin is None else origin
    tint = np.empty(4 * len(origin), dtype=np.float32)
    mesh.color_attributes["Color"].data.foreach_get("color_srgb", tint)
    np.testing.assert_allclose(tint[::4], origin / (SIDE * SIDE), atol=1 / 255 + slack / SIDE)
    uvs = np.empty(2 * len(mesh.loops), dtype=np.float32)
    mesh.uv_layers["UVMap"].data.foreach_get("uv", uvs)
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    at = origin[corners]
    expected = np.stack([at % SIDE, at // SIDE], axis=1) / SIDE
    np.testing.assert_allclose(uvs.reshape(-1, 2), expected, atol=1e-5 + slack / SIDE)


def border_of(side: int) -> np.ndarray:
    row, column = np.indices((side, side))
    return ((np.minimum(row, column) == 0) | (np.maximum(row, column) == side - 1)).ravel()


@pytest.mark.parametrize("method", METHODS)
def test_smooth_removes_noise_and_keeps_the_border(method):
    relief = make_relief(noisy_depth())
    before = coordinates(relief.data)
    run(bpy.ops.face_depth.smooth, 'OBJECT', method=method)
    after = coordinates(relief.data)
    border = border_of(SIDE)
    np.testing.assert_array_equal(after[border], before[border])
    row, column = np.indices((SIDE, SIDE))
    inside = ((np.minimum(row, column) > 3) & (np.maximum(row, column) < SIDE - 4)).ravel()
    clean = grid_depth().ravel()[inside]
    noise_before, noise_after = ((item[inside, 1] - clean).std() for item in (before, after))
    assert noise_after < 0.7 * noise_before
    assert_intact(relief)

    run(bpy.ops.face_depth.smooth, 'OBJECT', method=method, keep_border=False)
    assert not np.array_equal(coordinates(relief.data)[border], before[border])


@pytest.mark.parametrize("chosen", [[], list(range(5 * SIDE, 12 * SIDE))])
@pytest.mark.parametrize("method", ["BILATERAL", "LAPLACIAN"])
def test_smooth_in_edit_mode_equals_object_mode(method, chosen):
    results = []
    for mode in ('OBJECT', 'EDIT'):
        relief = make_relief(noisy_depth())
        select(relief.data, chosen)
        run(bpy.ops.face_depth.smooth, mode, method=method)
        results.append(coordinates(relief.data))
        assert_intact(relief)
    np.testing.assert_allclose(results[0], results[1], atol=1e-7)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_smooth_moves_selected_vertices_only_and_no_hidden_ones(mode):
    relief = make_relief(noisy_depth())
    mesh = relief.data
    chosen = np.zeros(SIDE * SIDE, dtype=bool)
    chosen[8 * SIDE : 12 * SIDE] = True
    select(mesh, chosen)
    mesh.vertices[10 * SIDE + 10].hide = True
    if mode == 'EDIT':
        for part in (mesh.edges, mesh.polygons):
            for item in part:
                item.hide = 10 * SIDE + 10 in item.vertices
    before = coordinates(mesh)
    run(bpy.ops.face_depth.smooth, mode)
    moved = (coordinates(mesh) != before).any(axis=1)
    chosen[10 * SIDE + 10] = False
    np.testing.assert_array_equal(moved, chosen & ~border_of(SIDE))


def test_smooth_in_edit_mode_takes_all_objects_and_only_their_selection():
    first, second = make_relief(noisy_depth()), make_relief(noisy_depth())
    first.select_set(True)
    before = coordinates(first.data)
    select(second.data, [MIDDLE])
    run(bpy.ops.face_depth.smooth, 'EDIT')
    np.testing.assert_array_equal(coordinates(first.data), before)
    assert (coordinates(second.data) != before).any(axis=1).sum() == 1
    select(second.data, [])
    run(bpy.ops.face_depth.smooth, 'EDIT')
    assert (coordinates(first.data) != before).any()


@pytest.mark.parametrize("active", [0, 1])
@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_smooth_moves_the_active_shape_key_and_the_keys_relative_to_it(mode, active):
    relief = make_relief(noisy_depth())
    for name in ("Basis", "Smile", "Wide"):
        relief.shape_key_add(name=name, from_mix=False)
    keys = relief.data.shape_keys.key_blocks
    keys["Wide"].relative_key = keys["Smile"]
    for name, shift in (("Smile", 0.02), ("Wide", 0.05)):
        keys[name].data.foreach_set("co", (coordinates(keys[name]) + [shift, 0, 0]).ravel())
    relief.active_shape_key_index = active
    before = {key.name: coordinates(key) for key in keys}
    run(bpy.ops.face_depth.smooth, mode)
    shifts = {key.name: coordinates(key) - before[key.name] for key in keys}
    assert np.abs(shifts["Smile"]).max() > 0.01 * SPACING
    np.testing.assert_allclose(shifts["Wide"], shifts["Smile"], atol=1e-6)
    expected = shifts["Smile"] if active == 0 else np.zeros_like(shifts["Smile"])
    np.testing.assert_allclose(shifts["Basis"], expected, atol=1e-6)
    np.testing.assert_allclose(coordinates(relief.data), coordinates(keys["Basis"]), atol=1e-6)


def test_a_painted_group_scales_the_strength():
    relief = make_relief(noisy_depth())
    before = coordinates(relief.data)
    weights = np.linspace(0.0, 1.0, SIDE).repeat(SIDE)
    for name, values in (("None", np.zeros(SIDE * SIDE)), ("Rising", weights)):
        group = relief.vertex_groups.new(name=name)
        for vertex, weight in enumerate(values.tolist()):
            group.add([vertex], weight, 'REPLACE')
    relief.vertex_groups.new(name="Empty")
    for group in ("None", "Empty"):
        for method in METHODS:
            bpy.ops.face_depth.smooth(method=method, vertex_group=group, keep_border=False)
        bpy.ops.face_depth.smooth_border(vertex_group=group)
    np.testing.assert_array_equal(coordinates(relief.data), before)

    results = []
    for mode in ('OBJECT', 'EDIT'):
        relief.data.vertices.foreach_set("co", before.ravel())
        run(bpy.ops.face_depth.smooth, mode, vertex_group="Rising")
        results.append(coordinates(relief.data))
    np.testing.assert_allclose(results[0], results[1], atol=1e-7)
    moved = np.abs(results[0] - before)[:, 1].reshape(SIDE, SIDE)[:, 1:-1].mean(axis=1)
    assert (results[0][:SIDE] == before[:SIDE]).all()
    assert moved[1:6].mean() < 0.5 * moved[9:14].mean() < 0.5 * moved[17:22].mean() / 0.5
    with pytest.raises(RuntimeError, match="Relief has no vertex group Lost: choose another"):
        bpy.ops.face_depth.smooth(vertex_group="Lost")


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_a_ragged_border_is_smoothed_and_the_inside_stays(mode):
    # Teeth two cells wide.
    relief = make_relief(grid_depth(), tuple((0, col) for col in range(2, 20) if col % 4 < 2))
    mesh, before = relief.data, coordinates(relief.data)
    faces = np.bincount([loop.edge_index for loop in mesh.loops], minlength=len(mesh.edges))
    ends = np.array([edge.vertices[:] for edge in mesh.edges])[faces == 1]

    def length() -> float:
        start, end = coordinates(mesh)[ends].transpose(1, 0, 2)
        return float(np.linalg.norm(end - start, axis=1).sum())

    ragged = length()
    run(bpy.ops.face_depth.smooth_border, mode)
    assert length() < ragged - 8 * SPACING
    moved = (coordinates(mesh) != before).any(axis=1)
    assert set(np.flatnonzero(moved)) <= set(ends.ravel())
    assert_intact(relief)


def test_locked_shape_key_is_not_smoothed():
    relief = make_relief(noisy_depth())
    relief.shape_key_add(name="Basis", from_mix=False).lock_shape = True
    with pytest.raises(RuntimeError, match="Basis is locked: unlock it"):
        bpy.ops.face_depth.smooth()


def with_wall() -> np.ndarray:
    """The bowl with a part that lies ten cells further away: one row of rubber sheet."""
    depth = grid_depth()
    depth[:, 16:] += 10 * SPACING
    return depth


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_cleanup_cuts_the_rubber_sheet_alone(mode):
    relief = make_relief(with_wall())
    clean_up(mode, cut_stretched=True)
    assert len(relief.data.polygons) == (SIDE - 1) ** 2 - (SIDE - 1)
    assert len(relief.data.vertices) == SIDE * SIDE
    assert_intact(relief)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_cleanup_drops_what_the_cut_leaves_behind(mode):
    relief = make_relief(with_wall())
    clean_up(mode, cut_stretched=True, drop_islands=True)
    assert len(relief.data.vertices) == SIDE * SIDE
    clean_up(mode, cut_stretched=True, drop_islands=True, min_island=0.6)
    assert sorted(original_vertices(relief.data) % SIDE)[-1] == 15
    assert len(relief.data.vertices) == 16 * SIDE
    assert_intact(relief)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_cleanup_pulls_spikes_and_deletes_nothing(mode):
    relief = make_relief(grid_depth())
    clean = coordinates(relief.data)
    relief.data.vertices[MIDDLE].co.y -= 8 * SPACING
    clean_up(mode, remove_spikes=True)
    np.testing.assert_allclose(coordinates(relief.data), clean, atol=0.2 * SPACING)
    assert len(relief.data.polygons) == (SIDE - 1) ** 2
    assert_intact(relief)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_cleanup_fills_holes_with_fitting_faces_but_not_the_border(mode):
    skip = ((5, 5), (10, 10), (10, 11), (15, 15), (16, 16))
    relief = make_relief(grid_depth(), skip)
    clean_up(mode, fill_holes=True)
    assert [len(face.vertices) for face in relief.data.polygons] == [4] * (SIDE - 1) ** 2
    assert all(face.normal.y < -0.5 for face in relief.data.polygons)
    assert_intact(relief)

    relief = make_relief(grid_depth(), skip)
    clean_up(mode, fill_holes=True, max_hole_sides=4)
    assert len(relief.data.polygons) == (SIDE - 1) ** 2 - 2


@pytest.mark.parametrize("active", [None, 0, 1])
@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_new_vertices_in_holes_take_on_all_that_hangs_on_those_around(mode, active):
    relief = make_relief(grid_depth(), tuple((row, col) for row in (5, 6, 7) for col in (8, 9)))
    mesh = relief.data
    bpy.ops.object.mode_set(mode='EDIT')
    bpy.ops.mesh.select_all(action='SELECT')
    bpy.ops.mesh.delete_loose()
    bpy.ops.object.mode_set(mode='OBJECT')
    if active is not None:
        relief.shape_key_add(name="Basis", from_mix=False)
        smile = relief.shape_key_add(name="Smile", from_mix=False)
        smile.data.foreach_set("co", (coordinates(smile) + [0.02, 0.0, 0.0]).ravel())
        relief.active_shape_key_index = active
    assert len(mesh.vertices) == SIDE * SIDE - 2
    select(mesh, [])
    clean_up(mode, fill_holes=True)
    assert (len(mesh.vertices), len(mesh.polygons)) == (SIDE * SIDE, (SIDE - 1) ** 2)
    # Seen from the front, the grid is whole again.
    places = coordinates(mesh)[:, [0, 2]] / SPACING
    origin = np.rint(places @ [1, SIDE]).astype(int)
    assert sorted(origin) == list(range(SIDE * SIDE))
    np.testing.assert_allclose(places, np.stack([origin % SIDE, origin // SIDE], 1), atol=0.01)
    np.testing.assert_allclose(coordinates(mesh)[:, 1], grid_depth().ravel()[origin], atol=2e-4)
    np.testing.assert_allclose(original_vertices(mesh), origin, atol=1)
    assert_intact(relief, origin, slack=0.05)
    if active is not None:
        basis, smile = (coordinates(key) for key in mesh.shape_keys.key_blocks)
        np.testing.assert_allclose(coordinates(mesh), basis, atol=1e-6)
        np.testing.assert_allclose(smile - basis, [[0.02, 0, 0]] * SIDE**2, atol=1e-6)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_cleanup_merges_doubles_within_the_distance(mode):
    relief = make_relief(grid_depth())
    bpy.ops.object.mode_set(mode='EDIT')
    bpy.ops.mesh.select_all(action='SELECT')
    bpy.ops.mesh.edge_split()
    bpy.ops.object.mode_set(mode='OBJECT')
    assert len(relief.data.vertices) == 4 * (SIDE - 1) ** 2
    select(relief.data, [])
    clean_up(mode)
    assert len(relief.data.vertices) == 4 * (SIDE - 1) ** 2
    clean_up(mode, merge_doubles=True)
    assert len(relief.data.vertices) == SIDE * SIDE
    assert_intact(relief)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_cleanup_changes_only_what_is_selected(mode):
    relief = make_relief(grid_depth(), ((5, 5), (5, 15)))
    for spike in (15 * SIDE + 5, 15 * SIDE + 15):
        relief.data.vertices[spike].co.y -= 8 * SPACING
    select(relief.data, [index for index in range(SIDE * SIDE) if index % SIDE < 10])
    clean_up(mode, fill_holes=True, remove_spikes=True)
    assert len(relief.data.polygons) == (SIDE - 1) ** 2 - 1
    depths = coordinates(relief.data)[:, 1]
    assert depths[15 * SIDE + 5] == pytest.approx(grid_depth()[15, 5], abs=0.2 * SPACING)
    assert depths[15 * SIDE + 15] == pytest.approx(grid_depth()[15, 15] - 8 * SPACING)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_cleanup_keeps_shape_keys_in_place(mode):
    relief = make_relief(with_wall(), ((5, 5),))
    relief.shape_key_add(name="Basis", from_mix=False)
    smile = relief.shape_key_add(name="Smile", from_mix=False)
    smile.data.foreach_set("co", (coordinates(smile) + [0.02, 0.0, 0.0]).ravel())
    relief.active_shape_key_index = 0
    relief.data.vertices[MIDDLE].co.y -= 8 * SPACING
    relief.data.shape_keys.key_blocks["Basis"].data[MIDDLE].co.y -= 8 * SPACING
    settings = {**dict.fromkeys(OFF, True), "min_island": 0.6}
    clean_up(mode, **settings)
    basis, smile = relief.data.shape_keys.key_blocks
    assert len(relief.data.vertices) == 16 * SIDE
    np.testing.assert_allclose(coordinates(relief.data), coordinates(basis), atol=1e-6)
    shift = coordinates(smile) - coordinates(basis)
    spike = original_vertices(relief.data) == MIDDLE
    np.testing.assert_allclose(shift[~spike], [[0.02, 0, 0]] * (16 * SIDE - 1), atol=1e-6)
    assert_intact(relief)


@pytest.mark.parametrize("mode", ['OBJECT', 'EDIT'])
def test_second_cleanup_finds_nothing(mode):
    depth = with_wall()
    depth[20:, :4] += 12 * SPACING
    relief = make_relief(depth, ((5, 5), (10, 10), (11, 11)))
    run(bpy.ops.face_depth.cleanup, mode, merge_doubles=True)
    size = len(relief.data.vertices), len(relief.data.polygons)
    before = coordinates(relief.data)
    assert size[1] < (SIDE - 1) ** 2
    run(bpy.ops.face_depth.cleanup, mode, merge_doubles=True)
    assert (len(relief.data.vertices), len(relief.data.polygons)) == size
    np.testing.assert_array_equal(coordinates(relief.data), before)


def make_flawed_mesh() -> bpy.types.Mesh:
    """A relief with a rubber sheet, an island behind another, a hole, a spike and a double."""
    depth = with_wall()
    depth[-3:, 10:12] += 12 * SPACING
    mesh = make_relief(depth, ((5, 5),)).data
    mesh.vertices[10 * SIDE + 5].co.y -= 8 * SPACING
    mesh.vertices.add(1)
    mesh.vertices[-1].co = mesh.vertices[MIDDLE].co
    return mesh


def test_cleanup_reports_what_it_did():
    mesh = make_flawed_mesh()
    report = cleanup_mesh(mesh, merge_doubles=True)
    assert report.faces > SIDE - 1
    expected = f"removed {report.faces} faces, 1 island, 1 spike; filled 1 hole"
    assert report.sentence() == f"Merged 1 vertex; {expected}"
    assert cleanup_mesh(mesh, merge_doubles=True).sentence() == "Nothing to clean up"


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ("cut_stretched", "faces"),
        ("remove_spikes", "spikes"),
        ("drop_islands", "islands"),
        ("fill_holes", "holes"),
        ("merge_doubles", "merged"),
    ],
)
def test_each_cleanup_step_can_be_left_out(step, field):
    report = cleanup_mesh(make_flawed_mesh(), **{**dict.fromkeys(OFF, True), step: False})
    assert getattr(report, field) == 0
    assert report.sentence() != "Nothing to clean up"
    assert cleanup_mesh(make_flawed_mesh(), **OFF).sentence() == "Nothing to clean up"


def test_mesh_that_faces_elsewhere_is_not_cut_away():
    relief = make_relief(np.zeros((SIDE, SIDE)))
    relief.data.transform(((1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))
    with pytest.raises(RuntimeError, match="Every face would be cut: turn the mesh"):
        bpy.ops.face_depth.cleanup()
    assert len(relief.data.polygons) == (SIDE - 1) ** 2


@pytest.mark.parametrize("filled", [False, True])
def test_empty_and_loose_meshes_are_left_alone(filled):
    mesh = bpy.data.meshes.new("Points")
    if filled:
        mesh.from_pydata([(0, 0, 0), (1, 0, 0), (2, 0, 5)], [(0, 1)], [])
    assert smooth_mesh(mesh, iterations=2) == 0
    assert cleanup_mesh(mesh, drop_islands=False).sentence() == "Nothing to clean up"


def test_closed_and_open_primitives_get_no_lid_on_their_border():
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object.data
    assert cleanup_mesh(cube, cut_stretched=False).sentence() == "Nothing to clean up"
    bpy.ops.mesh.primitive_plane_add(rotation=(np.pi / 2, 0, 0))
    bpy.ops.object.transform_apply()
    assert cleanup_mesh(bpy.context.object.data).sentence() == "Nothing to clean up"


def test_operators_say_why_they_cannot_run(tmp_path):
    for operator in (bpy.ops.face_depth.smooth, bpy.ops.face_depth.cleanup):
        with pytest.raises(RuntimeError, match="Select a mesh object first"):
            operator()
    make_relief(grid_depth())
    bpy.ops.object.mode_set(mode='SCULPT')
    with pytest.raises(RuntimeError, match="Switch to Object Mode or Edit Mode first"):
        bpy.ops.face_depth.smooth()
    bpy.ops.object.mode_set(mode='OBJECT')

    library = tmp_path / "library.blend"
    bpy.data.libraries.write(str(library), {bpy.data.objects["Relief"]})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (source, target):
        target.objects = source.objects
    bpy.context.collection.objects.link(target.objects[0])
    bpy.context.view_layer.objects.active = target.objects[0]
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.face_depth.cleanup()
