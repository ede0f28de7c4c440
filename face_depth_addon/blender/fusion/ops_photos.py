# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of photos that become one head: add, remove, clear."""

import os

import bpy
from bpy.props import BoolProperty, CollectionProperty, StringProperty

from ...core.errors import PhotoError
from ...core.fusion.limits import VIDEO_SUFFIXES
from .. import photo_source
from ..polls import refuse
from . import photo_list


class FACEDEPTH_OT_add_photos(bpy.types.Operator):
    """Add photos or videos of one person to the list"""

    bl_idname = "face_depth.add_photos"
    bl_label = "Add Photos"
    bl_options = {'REGISTER', 'UNDO'}

    directory: StringProperty(subtype='DIR_PATH', options={'HIDDEN', 'SKIP_SAVE'})
    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={'HIDDEN', 'SKIP_SAVE'}
    )
    image: StringProperty(
        name="Image", description="Name of an image in this file",
        options={'HIDDEN', 'SKIP_SAVE'},
    )
    filter_image: BoolProperty(default=True, options={'HIDDEN', 'SKIP_SAVE'})
    filter_movie: BoolProperty(default=True, options={'HIDDEN', 'SKIP_SAVE'})
    filter_folder: BoolProperty(default=True, options={'HIDDEN', 'SKIP_SAVE'})

    def invoke(self, context, event):
        if self.image or self.files:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def execute(self, context):
        fusion = context.scene.face_depth.fusion
        before = len(fusion.photos)
        paths = [os.path.join(self.directory, entry.name) for entry in self.files if entry.name]
        wanted = [(photo_list.add_file, path) for path in paths]
        if self.image:
            wanted.append((_add_image, self.image))
        refused = []
        for add, what in wanted:
            try:
                add(fusion, what)
            except PhotoError as error:
                refused.append(str(error))
        # That the list is full need not be said for each photo.
        refused = list(dict.fromkeys(refused))
        count = len(fusion.photos)
        if count == before:
            self.report({'ERROR'}, " ".join(refused) or "No photo was chosen.")
            return {'CANCELLED'}
        if refused:
            self.report({'WARNING'}, " ".join(refused))
        else:
            self.report({'INFO'}, (
                f"{count} in the list: Fuse Photos in the Face Depth tab makes one head of them"
                if count > 1 else "1 in the list: add more photos of the same person"
            ))
        return {'FINISHED'}


def _add_image(fusion: photo_list.FACEDEPTH_PG_fusion, name: str) -> None:
    image = bpy.data.images.get(name)
    if image is None:
        raise PhotoError(f"There is no image called {name}.")
    photo_list.add_image(fusion, image)


class _ListOperator:
    bl_options = {'REGISTER', 'UNDO'}

    @classmethod
    def poll(cls, context):
        if not context.scene.face_depth.fusion.photos:
            return refuse(cls, "There are no photos in the list")
        return True


class FACEDEPTH_OT_remove_photo(_ListOperator, bpy.types.Operator):
    """Take the active photo from the list"""

    bl_idname = "face_depth.remove_photo"
    bl_label = "Remove Photo"

    def execute(self, context):
        fusion = context.scene.face_depth.fusion
        fusion.photos.remove(min(fusion.active, len(fusion.photos) - 1))
        fusion.active = max(0, min(fusion.active, len(fusion.photos) - 1))
        return {'FINISHED'}


class FACEDEPTH_OT_clear_photos(_ListOperator, bpy.types.Operator):
    """Take all photos from the list"""

    bl_idname = "face_depth.clear_photos"
    bl_label = "Clear Photos"

    def execute(self, context):
        photo_list.clear(context.scene.face_depth.fusion)
        return {'FINISHED'}


class FACEDEPTH_FH_photos(bpy.types.FileHandler):
    """Photos and videos dropped into the 3D viewport, to be fused."""

    bl_idname = "FACEDEPTH_FH_photos"
    bl_label = "Face Depth, Several Photos"
    bl_import_operator = FACEDEPTH_OT_add_photos.bl_idname
    bl_file_extensions = ";".join((*photo_source.EXTENSIONS, *VIDEO_SUFFIXES))

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == 'VIEW_3D'


CLASSES = (
    FACEDEPTH_OT_add_photos, FACEDEPTH_OT_remove_photo, FACEDEPTH_OT_clear_photos,
    FACEDEPTH_FH_photos,
)
