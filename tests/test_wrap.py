# SPDX-License-Identifier: GPL-3.0-or-later
"""The template wrapped onto photos of heads whose every vertex is known."""

from dataclasses import replace

import numpy as np
import pytest
from template_photo import sitter

from face_depth_addon.core.errors import MeshError
from face_depth_addon.core.head.bake import bake_texture, head_colours, tile_size
from face_depth_addon.core.head.template import (
    OUTER_END,
    PARTS,
    SKIN_END,
    load_template,
    normals_of,
)
from face_depth_addon.core.head.wrap import fit_template
from face_depth_addon.core.polygons.mesh_graph import MeshGraph
from face_depth_addon.core.polygons.raster import rasterise
from face_depth_addon.core.relief.shaping import Shape, Viewpoint, displace

YAWS = {1: 0.0, 2: 40.0}


@pytest.fixture(scope="module")
def fitted():
    """Sitters and what was fitted to them, frontal and turned."""
    return {yaw: (found := sitter(seed, yaw), fit_template(found.reconstruction))
            for seed, yaw in YAWS.items()}


def millimetres(vectors: np.ndarray) -> np.ndarray:
    return 1000.0 * np.linalg.norm(vectors, axis=1)


@pytest.mark.parametrize("yaw", YAWS.values())
def test_wrapped_head_lies_on_what_the_photo_shows(fitted, yaw):
    person, head = fitted[yaw]
    normals = normals_of(person.vertices, head.template.triangles)
    gaps = head.positions - person.vertices
    off = 1000.0 * np.abs((gaps * normals).sum(axis=1))[person.seen]
    assert person.seen.sum() > 2000
    assert off.mean() < 0.15 and np.percentile(off, 95) < 0.4
    # Not only on the surface, but each vertex where it belongs.
    assert millimetres(gaps)[person.seen].mean() < 0.8


@pytest.mark.parametrize("yaw", YAWS.values())
def test_landmarks_are_where_they_belong(fitted, yaw):
    person, head = fitted[yaw]
    gaps = millimetres(head.landmarks - person.vertices[head.template.landmarks])
    assert gaps[person.seen[head.template.landmarks]].mean() < 0.8
    assert gaps.mean() < 1.2


def test_hidden_side_follows_the_one_that_is_seen(fitted):
    person, head = fitted[40.0]
    hidden = person.seen[head.template.mirror] & ~person.seen
    assert hidden.sum() > 800
    assert millimetres(head.positions - person.vertices)[hidden].mean() < 1.2
    assert head.visibility[hidden].mean() < 0.3 and head.visibility[person.seen].mean() > 0.85


@pytest.mark.parametrize("yaw", YAWS.values())
def test_no_face_is_folded_and_nothing_is_torn(fitted, yaw):
    person, head = fitted[yaw]
    triangles = head.template.triangles

    def crosses(positions):
        first, second, third = (positions[triangles[:, corner]] for corner in range(3))
        return np.cross(second - first, third - first)

    before, after = crosses(head.template.vertices @ person.turn.T), crosses(head.positions)
    before /= np.linalg.norm(before, axis=1, keepdims=True)
    after /= np.linalg.norm(after, axis=1, keepdims=True)
    turned = (before * after).sum(axis=1) < 0.0
    open_air = (head.template.openness[triangles] > 0.6).all(axis=1)
    assert turned[open_air].sum() == 0
    # Where lids and lips roll in, the person's own are turned further than the template's.
    assert turned[(triangles < OUTER_END).all(axis=1)].sum() < 15
    lengths = [
        np.linalg.norm(np.diff(positions[head.template.edges], axis=1)[:, 0], axis=1)
        for positions in (head.template.vertices, head.positions)
    ]
    assert np.percentile(lengths[1] / lengths[0], 99.5) < 2.0


def test_back_of_the_head_is_there_and_the_skin_is_open_at_the_neck_alone(fitted):
    person, head = fitted[0.0]
    back = head.positions[:SKIN_END, 1].max() - person.vertices[:SKIN_END, 1].max()
    assert abs(back) < 0.015
    faces = head.template.faces
    skin = faces[(faces < SKIN_END).all(axis=1)]
    sides = np.sort(np.stack([skin, np.roll(skin, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, count = np.unique(sides, axis=0, return_counts=True)
    border = np.unique(edges[count == 1])
    assert count.max() == 2 and len(border) == 54
    assert head.template.vertices[border, 2].max() < -0.14


def test_wrapped_head_follows_the_shape_of_the_mesh(fitted):
    """On a relief that was put in perspective it lies in perspective, too."""
    person, relief = fitted[0.0]
    shape, viewpoint = Shape("PERSPECTIVE"), Viewpoint(0.6, 0.1, (0.02, -0.03), (0.0, 0.0))
    head = fit_template(person.reconstruction, shape, viewpoint)
    at = displace(
        person.vertices[:, [0, 2]].astype(np.float32), -person.vertices[:, 1].astype(np.float32),
        (-1.0, 1.0), shape, viewpoint,
    )
    normals = normals_of(at, head.template.triangles)
    off = 1000.0 * np.abs(((head.positions - at) * normals).sum(axis=1))[person.seen]
    assert off.mean() < 0.3
    assert np.abs(head.in_crop - relief.in_crop)[person.seen].mean() < 0.005


@pytest.mark.parametrize("yaw", YAWS.values())
def test_texture_has_the_photo_where_it_shows_the_head(fitted, yaw):
    person, head = fitted[yaw]
    photo = person.reconstruction.rgb
    colours = head_colours(head, photo)
    off = np.abs(colours.vertices - person.colours).mean(axis=1)
    assert off[person.seen].mean() < 2.0
    size = tile_size(0, 512)
    texture = bake_texture(head, colours, photo, 0, size)
    assert texture.shape == (512, 512, 3)
    corners = head.template.landmarks[[36, 39, 42, 45]]
    for vertex in corners[head.visibility[corners] > 0.8]:
        face, corner = np.argwhere(head.template.faces == vertex)[0]
        u, v = head.template.uvs[head.template.face_uvs[face, corner]]
        texel = texture[int((1.0 - v) * size), int(u * size)].astype(float)
        assert np.abs(texel - person.colours[vertex]).max() < 25.0
    assert (head.visibility[corners] > 0.8).sum() >= 2


def test_hidden_skin_takes_the_colours_of_the_other_side(fitted):
    person, head = fitted[40.0]
    colours = head_colours(head, person.reconstruction.rgb)
    hidden = person.seen[head.template.mirror] & (head.visibility < 0.1)
    assert hidden.sum() > 500
    assert np.abs(colours.vertices - person.colours)[hidden].mean() < 3.0
    # No background has got onto the head, which is nowhere so dark.
    assert colours.vertices[: PARTS["Head"][1]].max(axis=1).min() > 60.0


def test_mesh_without_a_face_is_refused():
    without = replace(sitter(1, 0.0).reconstruction, landmarks=None)
    with pytest.raises(MeshError, match="with a face chosen"):
        fit_template(without)


def test_template_is_symmetric_and_its_modes_are_small():
    template = load_template()
    assert (template.mirror[template.mirror] == np.arange(len(template.vertices))).all()
    gap = template.vertices[template.mirror] * (-1.0, 1.0, 1.0) - template.vertices
    assert millimetres(gap).max() < 0.1
    assert 2.0 < 1000.0 * np.abs(template.identity).max() < 30.0
    spots = template.at_mediapipe(template.vertices)
    nose, chin, right, left = spots[[1, 152, 33, 263]]
    assert nose[1] < spots[:, 1].min() + 0.004 and chin[2] < spots[:, 2].min() + 0.004
    assert right[0] < -0.03 and left[0] > 0.03
    # MediaPipe's corner of the eye and iBUG's are the same place.
    assert millimetres((right - template.vertices[template.landmarks[36]])[None])[0] < 6.0


def test_nearest_triangle_covers_a_pixel():
    square = np.array([[[0, 0], [8, 0], [8, 8]], [[0, 0], [8, 8], [0, 8]]], float)
    small = np.array([[[2, 2], [6, 2], [2, 6]]], float)
    nearness = np.array([[0.0] * 3, [0.0] * 3, [1.0] * 3])
    cover = rasterise(np.concatenate([square, small]), (8, 8), nearness)
    picture = np.full(64, -1)
    picture[cover.pixels] = cover.triangles
    picture = picture.reshape(8, 8)
    assert (picture >= 0).all() and (picture == 2).sum() == 10
    assert picture[0, 7] == 0 and picture[7, 0] == 1 and picture[2, 2] == 2
    at = np.einsum("pk,pkc->pc", cover.weights, np.concatenate([square, small])[cover.triangles])
    assert np.allclose(at, np.column_stack([cover.pixels % 8, cover.pixels // 8]) + 0.5, atol=1e-5)
    assert len(rasterise(square + 100.0, (8, 8)).pixels) == 0


def test_fill_is_a_straight_ramp_between_two_ends():
    count = 30
    positions = np.column_stack([np.arange(count), np.zeros(count), np.zeros(count)]).astype(float)
    edges = np.column_stack([np.arange(count - 1), np.arange(1, count)])
    graph = MeshGraph.of(edges, positions)
    values = np.zeros((count, 1))
    values[-1] = 29.0
    known = np.zeros(count, bool)
    known[[0, -1]] = True
    assert np.allclose(graph.fill(values, known)[:, 0], np.arange(count), atol=0.05)


