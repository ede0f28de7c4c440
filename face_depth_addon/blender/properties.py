# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a scene keeps for the panel."""

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .fusion.photo_list import FACEDEPTH_PG_fusion
from .models.choice import FILE_PATH, FOLDER_PATH, ModelChoice
from .models.toggles import FACEDEPTH_PG_compare

SOURCE_ITEMS = (
    ('IMAGE', "Image", "An image of this file, or one opened from disk"),
    ('OBJECT', "Selected", "The image empty, or the plane with an image, that is selected"),
    ('EDITOR', "Editor", "The image that is open in an Image Editor"),
)
PROJECTIONS = (
    ('RELIEF', "Relief", "Straight towards the viewer, as in a medal"),
    (
        'WEAK_PERSPECTIVE', "Weak Perspective",
        "Along the camera's axis: a face beside the photo's middle is turned as it was",
    ),
    (
        'PERSPECTIVE', "Perspective",
        "Along the camera's rays: the true shape, if the distance is right",
    ),
)
REGIONS = (
    ('FACE', "Face", "What lies within the face's outline"),
    ('HEAD', "Head", "The head with hair down to the ear lobes, without the neck"),
    ('BUST', "Head and Shoulders", "All of the person that the photo shows"),
)
PROJECTION = dict(
    name="Projection", description="How depth becomes the surface; it can be changed afterwards",
    items=PROJECTIONS,
)
REGION = dict(
    name="Part", description="How much of the person becomes a mesh", items=REGIONS, default='BUST',
)
RESOLUTION = dict(
    name="Resolution", description="Vertices along the longest side of the mesh",
    default=512, min=16, max=2048, soft_min=64,
)
STRENGTH = dict(
    name="Strength", description="Factor on the relief; 1 is true to the photo",
    default=1.0, min=0.0, soft_max=2.0, max=10.0,
)


class FACEDEPTH_PG_settings(ModelChoice, bpy.types.PropertyGroup):
    """What the next reconstruction starts from."""

    source: EnumProperty(
        name="Photo From", description="Where the photo is taken from", items=SOURCE_ITEMS,
    )
    image: PointerProperty(
        type=bpy.types.Image, name="Photo", description="The photo to reconstruct",
    )
    # Operators take paths as plain text: those that begin with // make Blender warn there.
    model_folder: StringProperty(**FOLDER_PATH, subtype='DIR_PATH')
    model_file: StringProperty(**FILE_PATH, subtype='FILE_PATH')
    whole_image: BoolProperty(
        name="Use the Whole Image", description="Do not look for a face: any object will do",
    )
    face: IntProperty(
        name="Face", description="Which face of a group: 0 is the largest", min=0,
    )
    resolution: IntProperty(**RESOLUTION)
    region: EnumProperty(**REGION)
    projection: EnumProperty(**PROJECTION)
    strength: FloatProperty(**STRENGTH)
    fusion: PointerProperty(type=FACEDEPTH_PG_fusion)
    compare: PointerProperty(type=FACEDEPTH_PG_compare)


CLASSES = (FACEDEPTH_PG_settings,)
