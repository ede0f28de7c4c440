# SPDX-License-Identifier: GPL-3.0-or-later
"""3D Print: closed bodies of known volume, walls as thick as asked, and files that slicers read."""

import xml.etree.ElementTree as ET
import zipfile

import bpy
import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from face_depth_addon.core.polygons.meshfilter import area_vectors, self_intersections
from face_depth_addon.core.polygons.topology import Topology, connected_components, non_manifold
from face_depth_addon.core.printing.sheets import rim
from face_depth_addon.core.printing.solid import Body, measure

RADIUS, RISE = 0.05, 0.03
RINGS, SECTORS = 24, 96
KINDS = {
    "plate": {"kind": 'RELIEF'}, "disc": {"kind": 'RELIEF', "plate": 'ROUND'},
    "bust": {"kind": 'BUST'}, "solid": {"kind": 'SOLID'},
}
CORE = "{http://schemas.microsoft.com/3dmanufacturing/core/2015/02}"
MATERIALS = "{http://schemas.microsoft.com/3dmanufacturing/material/2015/02}"


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def make_object(positions, faces, name="Relief") -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.asarray(positions).tolist(), [], [tuple(map(int, face)) for face in faces])
    item = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(item)
    activate(item)
    return item


def activate(item) -> None:
    bpy.ops.object.select_all(action='DESELECT')
    bpy.context.view_layer.objects.active = item
    item.select_set(True)


def dome_arrays(rise: float) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Vertices and faces of a spherical cap that bulges towards -y."""
    curve = (RADIUS**2 + rise**2) / (2.0 * rise)
    radius = RADIUS * np.arange(1, RINGS + 1).repeat(SECTORS) / RINGS
    angle = 2.0 * np.pi * np.tile(np.arange(SECTORS), RINGS) / SECTORS
    x, z = radius * np.cos(angle), radius * np.sin(angle)
    y = np.sqrt(curve**2 - RADIUS**2) - np.sqrt(curve**2 - radius**2)
    positions = np.concatenate([[(0.0, -rise, 0.0)], np.column_stack([x, y, z])])
    ring = 1 + np.arange(RINGS * SECTORS).reshape(RINGS, SECTORS)
    following = np.roll(ring, -1, axis=1)
    faces = [(0, one, other) for one, other in zip(ring[0], following[0], strict=True)]
    quads = (ring[:-1], ring[1:], following[1:], following[:-1])
    faces += [tuple(quad) for quad in np.stack([corner.ravel() for corner in quads], axis=1)]
    return positions, faces


def make_dome(rise=RISE) -> bpy.types.Object:
    """The cap as an object, coloured from left to right."""
    positions, faces = dome_arrays(rise)
    item = make_object(positions, faces)
    colours = np.ones((len(positions), 4), np.float32)
    colours[:, 0] = (positions[:, 0] + RADIUS) / (2.0 * RADIUS)
    layer = item.data.color_attributes.new("Color", 'BYTE_COLOR', 'POINT')
    layer.data.foreach_set("color_srgb", colours.ravel())
    return item


def make_print(**properties) -> bpy.types.Object:
    properties = {"size_mm": 80.0, "detail_mm": 1.0, **properties}
    assert bpy.ops.face_depth.make_print(**properties) == {'FINISHED'}
    return bpy.context.object


def arrays(item) -> tuple[np.ndarray, np.ndarray]:
    """Positions in mm, along the object's own axes but from the ground up, and triangles."""
    mesh = item.data
    positions = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", positions.ravel())
    mesh.calc_loop_triangles()
    triangles = np.empty((len(mesh.loop_triangles), 3), np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles.ravel())
    positions = positions.astype(float) * 1000.0
    assert positions.min(axis=0) == pytest.approx(-positions.max(axis=0), abs=1e-3)
    return positions - (0.0, 0.0, positions[:, 2].min()), triangles.astype(np.intp)


def volume(positions, triangles) -> float:
    areas = area_vectors(positions.T, triangles.T)
    return float((positions[triangles[:, 0]].T * areas).sum() / 3.0)


def topology_of(positions, triangles) -> Topology:
    ends = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, corner_edges = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True)
    return Topology(
        len(positions), edges, triangles.ravel(), corner_edges.ravel(),
        np.arange(0, triangles.size, 3),
    )


def assert_printable(positions, triangles) -> None:
    """Closed, a manifold, of one piece, its outside out, and nowhere through itself."""
    topology = topology_of(positions, triangles)
    assert (topology.edge_face_counts == 2).all()
    assert not non_manifold(topology)[1].any()
    ends = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1).reshape(-1, 2)
    assert len(np.unique(ends, axis=0)) == len(ends)
    parts = connected_components(topology.edges, len(positions))
    assert (parts == 0).all()
    assert volume(positions, triangles) > 0.0
    areas = np.sqrt((area_vectors(positions.T, triangles.T) ** 2).sum(axis=0))
    assert areas.min() > 0.0
    assert len(self_intersections(positions, topology)) == 0


def state(item) -> tuple:
    mesh = item.data
    positions = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", positions)
    return (
        positions.tobytes(), len(mesh.polygons), sorted(mesh.attributes.keys()),
        tuple(map(tuple, item.matrix_world)), len(item.modifiers), tuple(item.keys()),
    )


def counts() -> dict[str, int]:
    return {name: len(getattr(bpy.data, name)) for name in ("meshes", "objects", "materials")}


@pytest.mark.parametrize("properties", KINDS.values(), ids=KINDS)
def test_prints_are_sound_and_as_large_as_asked(properties):
    dome = make_dome()
    before = state(dome)
    item = make_print(size_mm=73.0, **properties)
    assert state(dome) == before and item is not dome
    assert not item.data.validate()
    positions, triangles = arrays(item)
    assert_printable(positions, triangles)
    size = np.ptp(positions, axis=0)
    assert size[2] == pytest.approx(73.0, abs=1e-3)
    assert size[0] == pytest.approx(73.0, rel=0.03)
    assert np.allclose(item["face_depth_size_mm"], size, atol=2e-3)
    assert item["face_depth_volume_cm3"] == pytest.approx(volume(positions, triangles) / 1e3, 1e-4)
    # It stands beside its source, on the same ground.
    corners = [np.array(other.matrix_world @ Vector(corner)) for other in (dome, item)
               for corner in other.bound_box]
    assert min(corner[0] for corner in corners[8:]) > max(corner[0] for corner in corners[:8])
    assert min(corner[2] for corner in corners) == pytest.approx(-RADIUS, abs=1e-5)


def test_solid_of_a_dome_has_its_volume_and_its_colours():
    make_dome()
    item = make_print(kind='SOLID', size_mm=100.0, base_mm=4.0, detail_mm=0.5)
    positions, triangles = arrays(item)
    radius, rise = 50.0, 30.0
    cap = np.pi * rise * (3.0 * radius**2 + rise**2) / 6.0
    expected = cap + np.pi * radius**2 * 4.0
    assert volume(positions, triangles) == pytest.approx(expected, rel=0.015)
    assert np.ptp(positions[:, 1]) == pytest.approx(rise + 4.0, abs=0.4)
    red = np.empty((len(positions), 4), np.float32)
    item.data.color_attributes["Color"].data.foreach_get("color_srgb", red.ravel())
    assert np.abs(red[:, 0] - (positions[:, 0] + 50.0) / 100.0).mean() < 0.01


@pytest.mark.parametrize("plate", ["RECTANGLE", "ROUND"])
def test_plate_carries_the_relief_within_its_border(plate):
    make_dome()
    item = make_print(kind='RELIEF', plate=plate, base_mm=2.5, relief_mm=6.0, border_mm=8.0)
    positions, triangles = arrays(item)
    # The plate's back is the farthest; all heights are measured from there.
    height = positions[:, 1].max() - positions[:, 1]
    assert height.max() == pytest.approx(8.5, abs=1e-3)
    radius = np.hypot(positions[:, 0], positions[:, 2] - 40.0)
    front = height > 1e-3
    assert height[front & (radius > 33.0)] == pytest.approx(2.5, abs=1e-3)
    assert (height[front & (radius < 28.0)] > 3.0).all()
    assert radius[height > 8.0].max() < 16.0
    area = np.pi * 40.0**2 if plate == "ROUND" else 80.0**2
    plain = area * 2.5
    assert plain + 0.3 * np.pi * 32.0**2 * 6.0 < volume(positions, triangles)
    assert volume(positions, triangles) < plain + 0.8 * np.pi * 32.0**2 * 6.0
    assert item["face_depth_overhang"] == 0.0
    assert item["face_depth_thinnest_mm"] == pytest.approx(2.5, abs=0.05)


def test_plate_compresses_steep_slopes_and_keeps_fine_ones():
    """A wart on a face stays as high, against the nose, as it would not by mere scaling."""
    heights = []
    for wart in (0.0, 0.0006):
        item = make_dome()
        places = np.empty((len(item.data.vertices), 3), np.float32)
        item.data.vertices.foreach_get("co", places.ravel())
        places[:, 1] -= wart * np.exp(-((places[:, 0] - 0.012) ** 2 + places[:, 2] ** 2) / 9e-6)
        item.data.vertices.foreach_set("co", places.ravel())
        positions, _ = arrays(make_print(relief_mm=3.0, border_mm=0.0, detail_mm=0.5))
        near = np.hypot(positions[:, 0] - 9.6, positions[:, 2] - 40.0) < 3.0
        heights.append(-positions[near & (positions[:, 1] < 0.0), 1])
    rise = (heights[1] - heights[0]).max()
    by_scaling = 0.6 / 30.0 * 3.0
    assert rise > 1.1 * by_scaling


def test_bust_is_hollow_with_walls_and_a_hole_in_its_floor():
    make_dome(rise=0.045)
    wall, base, hole = 3.0, 4.0, 12.0
    item = make_print(kind='BUST', wall_mm=wall, base_mm=base, hole_mm=hole, detail_mm=0.8)
    positions, triangles = arrays(item)
    tree = BVHTree.FromPolygons(positions.tolist(), triangles.tolist(), all_triangles=True)
    low, high = positions.min(axis=0), positions.max(axis=0)

    def first_hit(origin, direction):
        place, normal, _, _ = tree.ray_cast(Vector(origin), Vector(direction))
        return place, normal

    thicknesses = []
    for x in np.linspace(low[0] + 2.0, high[0] - 2.0, 25):
        for z in np.linspace(base + 2.0, high[2] - 2.0, 25):
            for side in (-1.0, 1.0):
                place, normal = first_hit((x, 200.0 * side, z), (0.0, -side, 0.0))
                if place is not None:
                    _, _, _, through = tree.ray_cast(place - 1e-3 * normal, -normal)
                    thicknesses.append(through + 1e-3)
    assert len(thicknesses) > 600 and min(thicknesses) >= wall
    # Most of it is wall, and not much thicker than asked.
    assert np.median(thicknesses) < wall + 2.0
    assert item["face_depth_thinnest_mm"] >= wall

    # The hole is a way in: a sphere's Euler characteristic, and the first thing above is the top.
    topology = topology_of(positions, triangles)
    assert len(positions) - len(topology.edges) + len(triangles) == 2
    sides = rim(triangles[(np.abs(positions[triangles, 2]) < 1e-3).all(axis=1)])
    loop = connected_components(sides, len(positions))[sides[:, 0]]
    rings = [positions[sides[loop == label, 0]] for label in np.unique(loop)]
    assert len(rings) == 2
    ring = min(rings, key=lambda places: np.ptp(places[:, 0]))
    assert np.ptp(ring, axis=0)[:2] == pytest.approx((hole, hole), abs=0.8)
    middle = (ring.min(axis=0) + ring.max(axis=0)) / 2.0
    assert np.hypot(*(ring - middle).T[:2]) == pytest.approx(hole / 2.0, abs=0.4)
    place, _ = first_hit((middle[0], middle[1], -10.0), (0.0, 0.0, 1.0))
    assert place[2] > 0.5 * high[2]
    # Beside the hole, the floor is as thick as asked.
    for angle in np.linspace(0.0, 2.0 * np.pi, 12):
        x, y = middle[:2] + (hole / 2.0 + 1.5) * np.array([np.cos(angle), np.sin(angle)])
        place, _ = first_hit((x, y, 0.5), (0.0, 0.0, 1.0))
        assert base <= place[2] + 1e-3


def test_back_of_a_bust_is_round():
    """Behind a flat disc, half a sphere comes out, flattened where it is deep."""
    from face_depth_addon.core.printing.bust import rounded_back
    from face_depth_addon.core.printing.heightfield import blur

    row, column = np.indices((140, 140)) - 69.5
    level = blur((np.hypot(row, column) < 50.0).astype(float), 3.0) - 0.5
    back = rounded_back(np.zeros_like(level), level, 0.5, 3.0, 0.1)
    radius = 0.5 * np.hypot(row, column)
    deepest = 0.3 * 0.5 * 119.0
    sphere = deepest * np.tanh(np.sqrt(np.maximum(25.0**2 - radius**2, 0.0)) / deepest)
    assert np.abs(back - 0.1 - sphere)[radius < 24.0].max() < 1.0
    assert back[radius < 25.5].min() == pytest.approx(0.1)


def test_holes_and_cuts_are_filled_and_islands_left_out():
    positions, faces = dome_arrays(RISE)
    middles = np.array([positions[list(face)].mean(axis=0) for face in faces])
    hole = np.hypot(middles[:, 0] - 0.02, middles[:, 2] - 0.01) < 0.012
    # A ring is cut right through, as wide as cuts that take rubber sheets out.
    middle = RADIUS * 15.5 / RINGS
    cut = np.abs(np.hypot(middles[:, 0], middles[:, 2]) - middle) < 0.3 * RADIUS / RINGS
    assert 20 < hole.sum() < 300 and cut.sum() == SECTORS
    kept = [face for face, gone in zip(faces, hole | cut, strict=True) if not gone]
    islands = [np.array([(0.0, y, z), (0.01, y, z), (0.01, y, z + 0.01), (0.0, y, z + 0.01)])
               for y, z in ((0.3, 0.15), (-0.3, -0.1))]
    kept += [tuple(len(positions) + 4 * number + np.arange(4)) for number in range(2)]
    make_object(np.concatenate([positions, *islands]), kept)
    properties = {"kind": 'SOLID', "size_mm": 100.0, "base_mm": 4.0, "detail_mm": 0.5}
    points, triangles = arrays(make_print(**properties))
    assert_printable(points, triangles)
    make_dome()
    whole, _ = arrays(make_print(**properties))
    cap = np.pi * 30.0 * (3.0 * 50.0**2 + 30.0**2) / 6.0
    expected = cap + np.pi * 50.0**2 * 4.0
    assert volume(points, triangles) == pytest.approx(expected, rel=0.02)
    # The islands have no say in how fine the surface is.
    assert len(points) == pytest.approx(len(whole), rel=0.05)


def test_what_is_seen_is_printed():
    """Scale, even a mirroring one, and modifiers count; the source keeps them."""
    dome = make_dome()
    dome.scale = (-1.0, 1.0, 2.0)
    modifier = dome.modifiers.new("Stretch", 'SIMPLE_DEFORM')
    modifier.deform_method, modifier.deform_axis, modifier.factor = 'STRETCH', 'X', 0.0
    bpy.context.view_layer.update()
    item = make_print(kind='SOLID')
    positions, triangles = arrays(item)
    assert_printable(positions, triangles)
    size = np.ptp(positions, axis=0)
    assert size[2] / size[0] == pytest.approx(2.0, rel=0.03)
    # Mirrored, the left is red.
    red = np.empty((len(positions), 4), np.float32)
    item.data.color_attributes["Color"].data.foreach_get("color_srgb", red.ravel())
    left, right = (red[side * positions[:, 0] > 10.0, 0].mean() for side in (-1.0, 1.0))
    assert left > 0.6 and right < 0.4
    assert len(dome.modifiers) == 1 and tuple(dome.scale) == (-1.0, 1.0, 2.0)


def test_closed_mesh_keeps_its_own_back():
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32, radius=0.05)
    bpy.context.object.scale = (1.0, 1.4, 1.0)
    bpy.context.view_layer.update()
    item = make_print(kind='BUST', wall_mm=2.0)
    positions, triangles = arrays(item)
    assert_printable(positions, triangles)
    assert np.ptp(positions[:, 1]) == pytest.approx(1.4 * 80.0, rel=0.04)


@pytest.mark.parametrize(("properties", "reason"), [
    ({"size_mm": 0.0}, "size must be more than 0 mm"),
    ({"kind": 'BUST', "wall_mm": 0.0}, "wall thickness must be more"),
    ({"kind": 'BUST', "wall_mm": 40.0}, "choose less than 40 mm"),
    ({"kind": 'BUST', "wall_mm": 35.0}, "choose thinner walls or a larger size"),
    ({"kind": 'RELIEF', "border_mm": 40.0}, "no room for a relief"),
    ({"kind": 'SOLID', "base_mm": 0.0}, "base thickness must be more"),
    ({"detail_mm": 20.0}, "choose 4 mm or less"),
    ({"size_mm": 5000.0}, "coarser detail"),
])
def test_impossible_lengths_are_refused(properties, reason):
    make_dome()
    before = counts()
    with pytest.raises(RuntimeError, match=reason):
        make_print(**properties)
    assert counts() == before


@pytest.mark.parametrize(("turn", "reason"), [
    ((np.pi / 2.0, 0.0, 0.0), "is no relief"), ((0.0, 0.0, np.pi), "faces away"),
])
def test_meshes_that_do_not_face_the_viewer_are_refused(turn, reason):
    dome = make_dome(rise=0.002)
    dome.rotation_euler = turn
    bpy.ops.object.transform_apply(rotation=True)
    with pytest.raises(RuntimeError, match=reason):
        make_print()


def test_edit_mode_and_empty_meshes_are_refused():
    make_object([(0, 0, 0), (1, 0, 0)], [])
    with pytest.raises(RuntimeError, match="has no faces"):
        make_print()
    make_dome()
    bpy.ops.object.mode_set(mode='EDIT')
    with pytest.raises(RuntimeError, match="Object Mode"):
        make_print()
    bpy.ops.object.mode_set(mode='OBJECT')


def test_overhang_and_volume_of_a_known_body():
    """A cup whose four sides lean out by 60 degrees from upright, on its small end."""
    small, height = 10.0, 4.0
    large = small + 2.0 * height * np.tan(np.radians(60.0))
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2.0
    positions = np.concatenate([
        np.column_stack([corners * side, np.full(4, z)])
        for side, z in ((small, 0.0), (large, height))
    ])
    sides = [(i, (i + 1) % 4, 4 + (i + 1) % 4, 4 + i) for i in range(4)]
    quads = np.array([(3, 2, 1, 0), (4, 5, 6, 7), *sides])
    triangles = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
    hints = measure(Body(positions, triangles, np.empty((8, 0)), np.ones(12, bool)))
    leaning = 4.0 * (small + large) / 2.0 * height / np.cos(np.radians(60.0))
    whole = small**2 + large**2 + leaning
    assert hints.standing == pytest.approx(leaning / whole)
    # On its back one side rests on nothing but an edge; it is upright by 30 degrees only.
    assert hints.lying == 0.0
    frustum = height / 3.0 * (small**2 + large**2 + small * large)
    assert hints.volume == pytest.approx(frustum / 1000.0)
    assert tuple(hints.size) == pytest.approx((large, large, height))


def read_3mf(path) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray | None]:
    """Positions, triangles, colours and the corners' colours, by way of the package's parts."""
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        types = ET.fromstring(package.read("[Content_Types].xml"))
        kinds = {entry.get("Extension"): entry.get("ContentType") for entry in types}
        relations = ET.fromstring(package.read("_rels/.rels"))
        (target,) = [
            entry.get("Target") for entry in relations
            if entry.get("Type") == "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
        ]
        assert target == "/3D/3dmodel.model"
        model = ET.fromstring(package.read(target[1:]))
    assert kinds["model"] == "application/vnd.ms-package.3dmanufacturing-3dmodel+xml"
    assert kinds["rels"] == "application/vnd.openxmlformats-package.relationships+xml"
    assert model.tag == f"{CORE}model" and model.get("unit") == "millimeter"
    (item,) = model.findall(f"{CORE}build/{CORE}item")
    (thing,) = model.findall(f"{CORE}resources/{CORE}object")
    assert item.get("objectid") == thing.get("id")
    mesh = thing.find(f"{CORE}mesh")
    positions = np.array([
        [float(vertex.get(axis)) for axis in "xyz"] for vertex in mesh.find(f"{CORE}vertices")
    ])
    rows = list(mesh.find(f"{CORE}triangles"))
    triangles = np.array([[int(row.get(f"v{i}")) for i in (1, 2, 3)] for row in rows])
    group = model.find(f"{CORE}resources/{MATERIALS}colorgroup")
    if group is None:
        return positions, triangles, [], None
    assert {row.get("pid") for row in rows} == {group.get("id")} != {thing.get("id")}
    places = np.array([[int(row.get(f"p{i}")) for i in (1, 2, 3)] for row in rows])
    return positions, triangles, [entry.get("color") for entry in group], places


def read_stl(path) -> tuple[np.ndarray, np.ndarray]:
    data = path.read_bytes()
    assert not data.startswith(b"solid")
    count = int(np.frombuffer(data, "<u4", 1, 80)[0])
    assert len(data) == 84 + 50 * count
    records = np.frombuffer(data[84:], np.uint8).reshape(count, 50)
    values = np.ascontiguousarray(records[:, :48]).view("<f4").reshape(count, 4, 3)
    normals = np.cross(values[:, 2] - values[:, 1], values[:, 3] - values[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    assert np.allclose(values[:, 0], normals, atol=0.05)
    places, triangles = np.unique(values[:, 1:].reshape(-1, 3), axis=0, return_inverse=True)
    return places.astype(float), triangles.reshape(-1, 3)


@pytest.mark.parametrize("kind", ["RELIEF", "BUST"])
def test_files_hold_the_whole_body_in_millimetres(tmp_path, kind):
    make_dome()
    item = make_print(kind=kind, detail_mm=2.0)
    item.name = "<Müller> & Co"
    true_volume = volume(*arrays(item))
    sizes = item["face_depth_size_mm"][:]
    files = {}
    for suffix in (".3mf", ".stl"):
        path = tmp_path / f"head{suffix}"
        assert bpy.ops.face_depth.export_print(filepath=str(path)) == {'FINISHED'}
        files[suffix] = path
    positions, triangles, colours, places = read_3mf(files[".3mf"])
    assert_printable(positions, triangles)
    for points, corners in ((positions, triangles), read_stl(files[".stl"])):
        assert volume(points, corners) == pytest.approx(true_volume, rel=1e-4)
        assert points.min(axis=0) == pytest.approx(0.0, abs=1e-4)
        # A plate lies on its back, its face up; a bust stands.
        width, depth, height = sizes
        lies = (width, height, depth) if kind == 'RELIEF' else (width, depth, height)
        assert points.max(axis=0) == pytest.approx(lies, abs=0.01)
    values = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in colours])
    assert places.max() < len(values)
    seen = values[places].reshape(-1, 3)
    assert np.ptp(seen[:, 0]) > 150 and (seen[:, 1:] == 255).all()
    if kind == 'RELIEF':
        # The relief is the upper side, and turned neither left nor over.
        top = positions[triangles][..., 2].min(axis=1) > 4.0
        x = positions[triangles[top]].mean(axis=1)[:, 0]
        assert np.corrcoef(x, values[places[top]].mean(axis=1)[:, 0])[0, 1] > 0.99
    assert sorted(tmp_path.iterdir()) == sorted(files.values())


def test_uncoloured_and_turned_objects_are_written_as_they_stand(tmp_path):
    bpy.ops.mesh.primitive_cube_add(size=0.02)
    cube = bpy.context.object
    cube.scale, cube.rotation_euler = (1.0, -2.0, 3.0), (0.0, 0.0, np.pi / 2)
    cube.location = (5.0, 5.0, 5.0)
    bpy.context.view_layer.update()
    path = tmp_path / "cube"
    assert bpy.ops.face_depth.export_print(filepath=str(path)) == {'FINISHED'}
    positions, triangles, colours, _ = read_3mf(tmp_path / "cube.3mf")
    assert colours == []
    assert volume(positions, triangles) == pytest.approx(6 * 20.0**3, rel=1e-4)
    assert positions.max(axis=0) == pytest.approx((40.0, 20.0, 60.0), abs=0.01)


def test_open_meshes_and_bad_paths_leave_no_file(tmp_path):
    make_dome()
    with pytest.raises(RuntimeError, match="not closed"):
        bpy.ops.face_depth.export_print(filepath=str(tmp_path / "open.stl"))
    make_print(kind='SOLID', detail_mm=2.0)
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.face_depth.export_print(filepath=str(tmp_path / "missing" / "a.stl"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("properties", KINDS.values(), ids=KINDS)
def test_head_of_a_photo_with_torn_holes_prints(head_arrays, properties):
    positions, faces = head_arrays
    head = make_object(positions, faces)
    item = make_print(detail_mm=0.8, **properties)
    positions, triangles = arrays(item)
    assert_printable(positions, triangles)
    assert np.ptp(positions[:, 2]) == pytest.approx(80.0, abs=1e-3)
    assert item["face_depth_thinnest_mm"] >= 1.9
    assert 0.0 <= item["face_depth_overhang"] < 0.3
    assert item is not head


@pytest.fixture(scope="module")
def head_arrays(addon, astronaut):
    """The HEAD region of a photo's mesh, with holes torn into cheek, hair and mouth."""
    from face_depth_addon.blender.shaping.relayout import relayout
    from face_depth_addon.core.relief.building import Layout

    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert bpy.ops.face_depth.reconstruct(
        filepath=str(astronaut), model="facemesh", resolution=128
    ) == {'FINISHED'}
    mesh = bpy.context.object.data
    relayout(mesh, Layout(region="HEAD", resolution=160))
    positions = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", positions.ravel())
    faces = np.array([tuple(face.vertices) for face in mesh.polygons])
    middle = positions[faces].mean(axis=1)
    torn = np.zeros(len(faces), bool)
    for x, z, radius in ((0.03, -0.02, 0.008), (-0.02, 0.06, 0.015), (0.0, -0.05, 0.005)):
        torn |= np.hypot(middle[:, 0] - x, middle[:, 2] - z) < radius
    assert torn.sum() > 30
    return positions, faces[~torn]
