# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrap Head, Quad Remesh and Decimate as a click runs them, in real Blender."""

import bpy
import numpy as np
import pytest
from made_faces import add_face, attribute, made_face, positions
from PIL import Image
from template_photo import sitter

from face_depth_addon.blender.head.wrap import LANDMARKS, PHOTO_UV
from face_depth_addon.blender.output.export import write_object
from face_depth_addon.core.head.template import PARTS, load_template
from face_depth_addon.core.relief.building import Layout
from face_depth_addon.core.relief.shaping import Shape


@pytest.fixture(autouse=True)
def scene(empty_scene):
    """An empty scene with the add-on registered."""


def add_sitter(seed: int = 1, shape: Shape | None = None) -> bpy.types.Object:
    return add_face(sitter(seed, 0.0).reconstruction, Layout(resolution=96), shape)


def corner_vertices(mesh) -> np.ndarray:
    values = np.empty(len(mesh.loops), np.int32)
    mesh.attributes[".corner_vert"].data.foreach_get("value", values)
    return values


def uvs(mesh, name: str = "UVMap") -> np.ndarray:
    values = np.empty((len(mesh.loops), 2), np.float32)
    mesh.attributes[name].data.foreach_get("vector", values.ravel())
    return values


def colours(mesh) -> np.ndarray:
    """(n, 3) from 0 to 1."""
    values = np.empty((len(mesh.vertices), 4), np.float32)
    mesh.attributes["Color"].data.foreach_get("color_srgb", values.ravel())
    return values[:, :3]


def blocks() -> dict[str, int]:
    kinds = ("meshes", "objects", "materials", "images")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


# Wrap Head


def test_watertight_head_is_the_template_and_a_cap():
    add_sitter()
    bpy.ops.face_depth.wrap_template(
        texture_size='1024', close=True, expression_keys=True, hide_original=False
    )
    mesh = bpy.context.active_object.data
    template = load_template()
    count = len(template.faces[template.corners])
    assert (corner_vertices(mesh)[:count] == template.faces[template.corners]).all()
    corners = corner_vertices(mesh)
    starts = np.array([polygon.loop_start for polygon in mesh.polygons])
    after = np.arange(len(corners)) + 1
    after[np.append(starts[1:], len(corners)) - 1] = starts
    # Each edge is passed once in each direction: closed, and no face turned over.
    forth = corners * len(mesh.vertices) + corners[after]
    back = corners[after] * len(mesh.vertices) + corners
    assert len(set(forth)) == len(forth) and set(forth) == set(back)
    hub = len(template.vertices)
    assert len(mesh.vertices) > hub
    assert np.ptp(colours(mesh)[:hub], axis=0).max() > 0.3 and (colours(mesh)[hub:] > 0.0).all()
    assert mesh.color_attributes.active_color.name == "Color"
    assert list(mesh[LANDMARKS]) == template.landmarks.tolist()


def test_wrapped_heads_of_two_photos_differ_in_their_shape_alone():
    made = []
    for seed, shape in ((1, Shape()), (2, Shape("PERSPECTIVE"))):
        item = add_sitter(seed, shape)
        item.location = (0.5, 0.0, 0.25 * seed)
        bpy.context.view_layer.update()
        done = bpy.ops.face_depth.wrap_template(texture_size='1024', expression_keys=seed == 1)
        assert done == {'FINISHED'}
        head = bpy.context.active_object
        assert head != item and head.matrix_world == item.matrix_world
        assert item.hide_get() and head.select_get()
        made.append(head)
    first, second = (head.data for head in made)
    template = load_template()
    assert not first.validate() and len(first.vertices) == len(template.vertices)
    assert (corner_vertices(first) == corner_vertices(second)).all()
    assert (corner_vertices(first) == template.faces[template.corners]).all()
    assert (uvs(first) == uvs(second)).all()
    assert list(first[LANDMARKS]) == list(second[LANDMARKS]) == template.landmarks.tolist()
    assert np.linalg.norm(positions(first) - positions(second), axis=1).mean() > 0.002
    person = sitter(1, 0.0)
    gap = np.linalg.norm(positions(first) - person.vertices, axis=1)[person.seen]
    assert gap.mean() < 0.0015
    keys = first.shape_keys.key_blocks
    assert keys[0].name == "Basis" and len(keys) == 56 and "mouthSmile_L" in keys
    opened = np.empty(3 * len(first.vertices), np.float32)
    keys["jawOpen"].data.foreach_get("co", opened)
    moved = opened.reshape(-1, 3) - positions(first)
    chin, nose = (first[LANDMARKS][number] for number in (8, 30))
    assert moved[chin, 2] < -0.015 and np.abs(moved[nose]).max() < 0.001
    assert second.shape_keys is None
    # It lies on the mesh as its sliders shape it.
    nose = positions(second)[second[LANDMARKS][30]]
    assert np.linalg.norm(positions(item.data) - nose, axis=1).min() < 0.004


def test_wrapped_head_has_textures_groups_and_the_photo_beside_its_own_uvs():
    add_sitter()
    bpy.ops.face_depth.wrap_template(texture_size='1024')
    head, person = bpy.context.active_object, sitter(1, 0.0)
    mesh = head.data
    assert mesh.uv_layers.active.name == "UVMap" and PHOTO_UV in mesh.uv_layers
    assert mesh.attributes.active_color_name == mesh.attributes.default_color_name == "Color"
    seen = person.seen[corner_vertices(mesh)]
    plane = person.vertices[corner_vertices(mesh)][:, [0, 2]] / 0.36 + 0.5
    assert np.abs(uvs(mesh, PHOTO_UV) - plane)[seen].max() < 0.015
    off = np.abs(255.0 * colours(mesh) - person.colours)[person.seen]
    assert off.mean() < 4.0
    sizes = []
    for material in mesh.materials:
        node = next(node for node in material.node_tree.nodes if node.type == 'TEX_IMAGE')
        assert node.image.packed_file is not None and node.extension == 'REPEAT'
        sizes.append(node.image.size[0])
    assert sizes == [1024, 512, 128, 128]
    for name, (start, stop) in PARTS.items():
        index = head.vertex_groups[name].index
        group = [group.group for group in mesh.vertices[start].groups]
        assert index in group and index in [g.group for g in mesh.vertices[stop - 1].groups]
    visible = head.vertex_groups["Visible"]
    assert visible.weight(int(mesh[LANDMARKS][30])) > 0.9
    back = int(load_template().vertices[: PARTS["Head"][1], 1].argmax())
    assert visible.index not in [group.group for group in mesh.vertices[back].groups]
    # And all of it survives when there are fewer faces.
    assert bpy.ops.face_depth.decimate(budget=8000) == {'FINISHED'}
    assert 0.95 * 8000 <= len(mesh.polygons) <= 8000
    assert any(vertex.groups for vertex in mesh.vertices)
    assert [layer.name for layer in mesh.uv_layers] == ["UVMap", PHOTO_UV]
    tint = 255.0 * colours(mesh)
    nearest = [
        int(np.linalg.norm(person.vertices - place, axis=1).argmin())
        for place in positions(mesh)[::20]
    ]
    near = person.seen[nearest]
    assert near.sum() > 20
    assert np.abs(tint[::20] - person.colours[nearest])[near].mean() < 6.0


def test_mesh_without_a_face_is_refused_and_leaves_nothing():
    add_face(made_face(face=False))
    before = blocks()
    with pytest.raises(RuntimeError, match="with a face chosen"):
        bpy.ops.face_depth.wrap_template()
    assert blocks() == before
    bpy.ops.object.mode_set(mode='EDIT')
    assert not bpy.ops.face_depth.wrap_template.poll()
    assert not bpy.ops.face_depth.decimate.poll()
    bpy.ops.object.mode_set(mode='OBJECT')


# Quad Remesh and Decimate


def photo_colours(mesh) -> np.ndarray:
    """What the made face's photo shows at each vertex, by the place that the mesh keeps of it."""
    plane = attribute(mesh, "plane", 2)
    side = 200.0 * 0.0012
    across, down = (plane * (1.0, -1.0) / side + 0.5).T
    return np.column_stack([across, down, np.full(len(across), 120.0 / 255.0)])


def assert_still_a_relief(item, cell: float) -> None:
    """Colours, UVs, depth and place fit the surface, and the sliders go on working.

    What is interpolated between the old vertices, a cell apart, may be off by half of it.
    """
    mesh = item.data
    assert not mesh.validate()
    assert np.abs(colours(mesh) - photo_colours(mesh)).max() < 0.03
    at = positions(mesh)
    off = np.abs(attribute(mesh, "plane", 2) - at[:, [0, 2]])
    assert off.mean() < 0.05 * cell and off.max() < 0.5 * cell
    off = np.abs(attribute(mesh, "depth") + at[:, 1:2])
    assert off.mean() < 0.05 * cell and np.percentile(off, 99) < 0.5 * cell
    corners = corner_vertices(mesh)
    across = attribute(mesh, "plane", 2)[corners] / (200.0 * 0.0012) + 0.5
    assert np.abs(uvs(mesh) - across).mean() < 0.003
    assert mesh.attributes.active_color_name == "Color"
    assert mesh.materials[0].name == "Face"
    item.data.face_depth.strength = 2.0
    assert np.allclose(
        positions(mesh)[:, 1] - at[:, 1], -attribute(mesh, "depth")[:, 0], atol=1e-5
    )


def test_quads_are_as_many_as_asked_for_and_keep_the_relief():
    item = add_face(made_face(), Layout(resolution=64))
    cell = cell_of(item.data)
    assert bpy.ops.face_depth.quad_remesh(faces=900) == {'FINISHED'}
    mesh = item.data
    assert {len(face.vertices) for face in mesh.polygons} == {4}
    assert abs(len(mesh.polygons) - 900) < 0.2 * 900
    assert_still_a_relief(item, cell)


def test_voxels_need_a_closed_mesh():
    item = add_face(made_face())
    before = positions(item.data)
    with pytest.raises(RuntimeError, match="is not closed"):
        bpy.ops.face_depth.quad_remesh(method='VOXEL')
    assert (positions(item.data) == before).all()
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32)
    ball = bpy.context.active_object
    ball.data.color_attributes.new("Color", 'FLOAT_COLOR', 'POINT')
    tint = np.ones((len(ball.data.vertices), 4), np.float32)
    tint[:, :3] = positions(ball.data) / 2 + 0.5
    ball.data.attributes["Color"].data.foreach_set("color", tint.ravel())
    objects = blocks()
    assert bpy.ops.face_depth.quad_remesh(method='VOXEL', faces=3000) == {'FINISHED'}
    assert blocks() == objects
    assert abs(len(ball.data.polygons) - 3000) < 150
    at = positions(ball.data)
    found = np.empty((len(at), 4), np.float32)
    ball.data.attributes["Color"].data.foreach_get("color", found.ravel())
    assert np.abs(found[:, :3] - (at / 2 + 0.5)).max() < 0.03


@pytest.mark.parametrize(("unit", "budget"), [('TRIANGLES', 2000), ('VERTICES', 800)])
def test_decimating_meets_the_budget_and_keeps_relief_and_border(unit, budget):
    item = add_face(made_face(), Layout(resolution=64))
    mesh = item.data
    rim, cell = positions(mesh)[border_vertices(mesh)], cell_of(mesh)
    assert bpy.ops.face_depth.decimate(unit=unit, budget=budget) == {'FINISHED'}
    count = len(mesh.loops) - 2 * len(mesh.polygons) if unit == 'TRIANGLES' else len(mesh.vertices)
    assert 0.95 * budget <= count <= budget
    kept = positions(mesh)[border_vertices(mesh)]
    gaps = np.linalg.norm(kept[:, None] - rim[None], axis=2).min(axis=1)
    assert gaps.max() < 0.75 * cell
    assert_still_a_relief(item, cell)


def cell_of(mesh) -> float:
    """How far the vertices of a grid are apart in the picture."""
    plane = attribute(mesh, "plane", 2)
    return float(np.median(np.abs(np.diff(plane[:, 0]))))


def border_vertices(mesh) -> np.ndarray:
    edges = np.empty(len(mesh.loops), np.int32)
    mesh.attributes[".corner_edge"].data.foreach_get("value", edges)
    pairs = np.empty((len(mesh.edges), 2), np.int32)
    mesh.edges.foreach_get("vertices", pairs.ravel())
    return np.unique(pairs[np.bincount(edges, minlength=len(pairs)) == 1])


def test_what_cannot_be_remeshed_is_refused():
    item = add_face(made_face())
    count = len(item.data.loops) - 2 * len(item.data.polygons)
    with pytest.raises(RuntimeError, match=f"only {count} triangles"):
        bpy.ops.face_depth.decimate(budget=count)
    item.shape_key_add(name="Basis")
    for operator in (bpy.ops.face_depth.decimate, bpy.ops.face_depth.quad_remesh):
        assert not operator.poll()
    bpy.ops.object.select_all(action='DESELECT')
    empty = bpy.data.objects.new("Empty", bpy.data.meshes.new("Empty"))
    bpy.context.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    with pytest.raises(RuntimeError, match="no faces"):
        bpy.ops.face_depth.quad_remesh()


def test_wrapped_head_as_obj_has_all_its_pictures(tmp_path):
    add_sitter()
    bpy.ops.face_depth.wrap_template(texture_size='1024')
    write_object(bpy.context.active_object, tmp_path / "head.obj")
    maps = [line.split()[1] for line in (tmp_path / "head.mtl").read_text().splitlines()
            if line.startswith("map_Kd")]
    assert len(maps) == len(set(maps)) == 4
    for name in maps:
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "JPEG" and picture.width >= 128
