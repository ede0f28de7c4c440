# SPDX-License-Identifier: GPL-3.0-or-later
"""New objects find a place in the scene, wherever the one they come from lies."""

import bpy
import pytest
from made_faces import add_face, made_face

from face_depth_addon.core.relief.building import Layout


@pytest.fixture
def linked_face(empty_scene, tmp_path):
    """A face in a collection of another file, active."""
    item = add_face(made_face(), Layout(resolution=48))
    library = bpy.data.collections.new("Library")
    bpy.context.scene.collection.children.link(library)
    bpy.context.scene.collection.objects.unlink(item)
    library.objects.link(item)
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.collections = ["Library"]
    bpy.context.scene.collection.children.link(bpy.data.collections["Library"])
    linked = bpy.data.collections["Library"].objects[0]
    bpy.context.view_layer.objects.active = linked
    return linked


@pytest.mark.parametrize("operator", ["make_print", "make_cloud"])
def test_what_is_made_of_a_linked_object_goes_to_the_scene(linked_face, operator):
    assert getattr(bpy.ops.face_depth, operator)() == {'FINISHED'}
    (made,) = bpy.context.scene.collection.objects
    assert made.is_editable and bpy.context.view_layer.objects.active == made


def test_active_collection_takes_what_it_can(empty_scene):
    own = bpy.data.collections.new("Own")
    bpy.context.scene.collection.children.link(own)
    item = add_face(made_face(), Layout(resolution=32))
    bpy.context.scene.collection.objects.unlink(item)
    own.objects.link(item)
    bpy.context.view_layer.objects.active = item
    bpy.ops.face_depth.make_print()
    assert {each.name for each in own.objects} == {"Face", "Face Print"}
