# SPDX-License-Identifier: GPL-3.0-or-later
"""Import Depth Map: depth from other programs as a mesh."""

from math import radians
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ...core.errors import FaceDepthError, PhotoError
from .. import photo_source, worker
from ..ops_reconstruct import chosen_image
from ..polls import refuse
from ..preferences import worker_settings
from ..properties import PROJECTION, REGION, RESOLUTION, STRENGTH
from ..viewports import frame_selected, show_texture
from .ops_depth import has_depth

if TYPE_CHECKING:
    from ...core.depth.meaning import Meaning

_MM_PER_M = 1000.0


class FACEDEPTH_OT_import_depth(bpy.types.Operator):
    """Make a mesh of a depth map from another program"""

    bl_idname = "face_depth.import_depth"
    bl_label = "Import Depth Map"
    bl_options = {'REGISTER', 'UNDO'}

    filepath: StringProperty(subtype='FILE_PATH', options={'SKIP_SAVE'})
    filter_glob: StringProperty(
        default="*.png;*.tif;*.tiff;*.jpg;*.jpeg;*.exr;*.npy", options={'HIDDEN'}
    )
    photo: EnumProperty(
        name="Photo", description="What the depth map is a map of", default='NONE', items=(
            ('NONE', "None", "The mesh is grey"),
            ('IMAGE', "Image", "An image of this file"),
            (
                'SELECTED', "Selected",
                "The photo of the selected mesh, image empty or plane with an image",
            ),
        ),
    )
    image: StringProperty(name="Image", description="The photo, as an image of this file")
    find_face: BoolProperty(
        name="Find the Face", default=True,
        description="Cut out the person, and scale depth without a unit by the face's landmarks",
    )
    near: EnumProperty(
        name="Near Is", description="What the shades say", items=(
            ('white', "White", "Larger values are nearer"),
            ('black', "Black", "Smaller values are nearer, as distances are"),
        ),
    )
    kind: EnumProperty(
        name="Values", description="What the values are proportional to", items=(
            (
                'disparity', "Disparity",
                "To 1 / distance, as from MiDaS, DPT, Depth Anything or a pair of photos",
            ),
            ('depth', "Depth", "To the distance or the height, as from renderers and by hand"),
        ),
    )
    unit: EnumProperty(
        name="Unit", description="Of the values; what a file of Face Depth says counts more",
        items=(
            ('RELATIVE', "None", "Values tell order and proportion only"),
            ('METRES', "Metres", "As from renderers"),
            ('MILLIMETRES', "Millimetres", "As from depth cameras"),
            ('PIXELS', "Photo Pixels", "As in .npy files of Face Depth, where near is white"),
        ),
    )
    relief: FloatProperty(
        name="Relief", default=0.0, min=0.0, soft_max=1.0, precision=3, unit='LENGTH',
        description="From the nearest to the farthest point, for values without a unit; 0 goes by "
        "the face or, without one, by the picture's width",
    )
    width: FloatProperty(
        name="Picture Width", default=0.0, min=0.0, soft_max=5.0, precision=3, unit='LENGTH',
        description="How much of the world the picture shows from left to right at the subject; "
        "0 goes by the file, the face, or distances and lens",
    )
    lens: EnumProperty(
        name="Lens", description="How wide the photo's camera saw", items=(
            ('PHOTO', "Automatic", "As the photo says, or else the camera stood 80 cm away"),
            ('FOCAL', "Focal Length", "For a picture of 36 x 24 mm"),
            ('FIELD', "Field of View", "Along the picture's longest side"),
        ),
    )
    focal_length: FloatProperty(
        name="Focal Length", default=50.0, min=1.0, soft_max=200.0, unit='CAMERA',
        description="For a picture of 36 x 24 mm",
    )
    field_of_view: FloatProperty(
        name="Field of View", default=radians(40.0), min=radians(1.0), max=radians(170.0),
        subtype='ANGLE', description="Along the picture's longest side",
    )
    smooth_bands: BoolProperty(
        name="Smooth Bands", default=True,
        description="Even out the terraces of a map of 8 bits, within half a level",
    )
    resolution: IntProperty(**RESOLUTION)
    region: EnumProperty(**REGION)
    projection: EnumProperty(**PROJECTION)
    strength: FloatProperty(**STRENGTH)

    @classmethod
    def poll(cls, context):
        if context.mode != 'OBJECT':
            return refuse(cls, "Switch to Object Mode first")
        return True

    def invoke(self, context, event):
        if not self.properties.is_property_set("photo"):
            self._adopt_photo(context)
        context.window_manager.fileselect_add(self)
        return {'RUNNING_MODAL'}

    def execute(self, context):
        from ...core.relief.building import Layout
        from ...core.relief.shaping import Shape
        from .depth_io import FaceFinder, ImportSettings, import_depth

        layout = Layout(resolution=self.resolution, region=self.region)
        settings = ImportSettings(self._meaning(), layout, Shape(self.projection, self.strength))
        preferences = worker_settings(context)
        try:
            faces = None
            if self.find_face:
                faces = FaceFinder(worker.client(preferences.python, preferences.idle_seconds))
            item = import_depth(
                context, Path(bpy.path.abspath(self.filepath)), settings, self._picture(context),
                faces,
            )
        except FaceDepthError as error:
            self.report({'ERROR'}, str(error))
            return {'CANCELLED'}
        show_texture(context)
        frame_selected(context)
        far, near = item.data.face_depth.span
        self.report({'INFO'}, (
            f"{len(item.data.vertices):,} vertices, {_MM_PER_M * (near - far):.0f} mm from the "
            "nearest to the farthest point"
        ))
        return {'FINISHED'}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(self, "photo")
        if self.photo == 'IMAGE':
            column.prop_search(self, "image", bpy.data, "images")
        if self.photo != 'NONE':
            column.prop(self, "find_face")
        column = layout.column()
        column.row().prop(self, "near", expand=True)
        column.prop(self, "unit")
        if self.unit != 'PIXELS':
            column.prop(self, "kind")
        if self.unit == 'RELATIVE':
            column.prop(self, "relief")
        column.prop(self, "width")
        column.prop(self, "lens")
        if self.lens == 'FOCAL':
            column.prop(self, "focal_length")
        elif self.lens == 'FIELD':
            column.prop(self, "field_of_view")
        column.prop(self, "smooth_bands")
        column = layout.column()
        for name in ("resolution", "region", "projection", "strength"):
            column.prop(self, name)

    def _adopt_photo(self, context) -> None:
        """Take the photo that is at hand."""
        item = context.object
        if has_depth(item) or photo_source.image_of_object(item) is not None:
            self.photo = 'SELECTED'
        elif (image := chosen_image(context)) is not None:
            self.photo, self.image = 'IMAGE', image.name

    def _meaning(self) -> "Meaning":
        from ...core.depth.meaning import Meaning

        return Meaning(
            self.near, self.kind, self.unit, self.relief or None, self.width or None,
            self.focal_length if self.lens == 'FOCAL' else None,
            self.field_of_view if self.lens == 'FIELD' else None, self.smooth_bands,
        )

    def _picture(self, context) -> photo_source.PhotoSource | bpy.types.Mesh | None:
        """The photo's source, or the mesh that was made from it."""
        if self.photo == 'NONE':
            return None
        item = context.object
        if self.photo == 'SELECTED' and has_depth(item):
            return item.data
        if self.photo == 'SELECTED':
            image = photo_source.image_of_object(item)
            missing = "Nothing with a photo is selected: select it, or choose no photo."
        else:
            image = bpy.data.images.get(self.image)
            missing = f"There is no image called {self.image}: choose another, or no photo."
        if image is None:
            raise PhotoError(missing)
        return photo_source.from_image(image)


CLASSES = (FACEDEPTH_OT_import_depth,)
