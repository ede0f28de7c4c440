# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos that become one head: what a scene keeps of them."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core.errors import PhotoError
from ...core.fusion.limits import (
    LEAST_RESOLUTION,
    MOST_PHOTOS,
    MOST_RESOLUTION,
    USUAL_RESOLUTION,
    VIDEO_SUFFIXES,
)
from .. import photo_source

if TYPE_CHECKING:
    from ...core.fusion.fused import FusedHead, PhotoReport

STATES = (
    ('WAITING', "Waiting", "It has not been fused yet", 'TIME', 0),
    ('USED', "Used", "The head is made of it", 'CHECKMARK', 1),
    ('LEFT_OUT', "Left Out", "The head is made without it", 'REMOVE', 2),
    ('FAILED', "Failed", "It could not be read", 'ERROR', 3),
)
RESOLUTION = dict(
    name="Resolution", description="Vertices from the top of the head to the neck",
    default=USUAL_RESOLUTION, min=LEAST_RESOLUTION, max=MOST_RESOLUTION,
)
TEXTURE_SIZE = dict(
    name="Texture", description="Width of the texture, in pixels", default='2048', items=(
        ('1024', "1024", "For a small picture, or to try"),
        ('2048', "2048", "As fine as most photos"),
        ('4096', "4096", "For faces that fill large photos"),
    ),
)
PUPILS = dict(
    name="Pupils (mm)", description="Millimetres between the pupils; 63 is usual for adults",
    default=63.0, min=1.0, soft_min=50.0, soft_max=75.0, max=1e4, precision=1, step=10,
)
POINT_CLOUDS = dict(
    name="Point Clouds", default=False,
    description="Keep all photos' surfaces as hidden point clouds: placed by landmarks alone, and "
    "as they are fused",
)
KEEP_ALL = dict(
    name="Use All Photos", default=False,
    description="Use photos that seem to show somebody else, too",
)
ARRANGE = dict(
    name="Arrange", description="Where the meshes of single photos go", items=(
        ('ROW', "Row", "Side by side, from the 3D cursor to the right"),
        ('COLLECTIONS', "Collections", "Each into a collection of its own, at the 3D cursor"),
    ),
)


class FACEDEPTH_PG_photo(bpy.types.PropertyGroup):
    """A photo or video, and what became of it when it was fused."""

    filepath: StringProperty(name="File", description="Of the photo or video", subtype='FILE_PATH')
    image: PointerProperty(
        type=bpy.types.Image, name="Image", description="Of this file, in place of one on disk",
    )
    state: EnumProperty(name="State", description="What became of it", items=STATES)
    remark: StringProperty(
        name="Remark", description="Why it was left out, or what there is to know of it",
    )
    placed: BoolProperty(name="Placed", description="Whether its pose is known")
    pose: FloatVectorProperty(
        name="Pose", description="Yaw to the picture's right, pitch upwards and roll clockwise, "
        "in degrees",
    )
    residual_mm: FloatProperty(
        name="Residual", default=-1.0,
        description="How far its surface is from the others', in mm; -1 if that is not known",
    )


class FACEDEPTH_PG_fusion(bpy.types.PropertyGroup):
    """The photos of one head, and how they are fused."""

    photos: CollectionProperty(type=FACEDEPTH_PG_photo)
    active: IntProperty(name="Active Photo", description="Which of the list is shown below")
    residuals_mm: FloatVectorProperty(
        name="Residuals", description="How far the surfaces were apart in mm: placed by landmarks, "
        "by ICP, and refined",
    )
    resolution: IntProperty(**RESOLUTION)
    texture_size: EnumProperty(**TEXTURE_SIZE)
    pupils: FloatProperty(**PUPILS)
    keep_all: BoolProperty(**KEEP_ALL)
    point_clouds: BoolProperty(**POINT_CLOUDS)
    arrange: EnumProperty(**ARRANGE)


class Given(NamedTuple):
    """A photo that was given to a job."""

    key: str
    name: str


def add_file(fusion: FACEDEPTH_PG_fusion, path: str) -> None:
    """Add a file to a list.

    Raises
    ------
    PhotoError
        It is there already, there is no such file, or the list is full.
    """
    path = os.path.abspath(bpy.path.abspath(path))
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1].lower()
    if not os.path.isfile(path):
        raise PhotoError(f"There is no file {path}.")
    if suffix not in {*photo_source.EXTENSIONS, *VIDEO_SUFFIXES, *bpy.path.extensions_image}:
        raise PhotoError(f"{name} is neither a photo nor a video.")
    _add(fusion, name, _file_key(path)).filepath = path


def add_image(fusion: FACEDEPTH_PG_fusion, image: bpy.types.Image) -> None:
    """Add an image of the .blend to a list.

    Raises
    ------
    PhotoError
        It is there already, or the list is full.
    """
    _add(fusion, image.name, _image_key(image)).image = image


def _add(fusion: FACEDEPTH_PG_fusion, name: str, key: str) -> FACEDEPTH_PG_photo:
    if key in {key_of(photo) for photo in fusion.photos}:
        raise PhotoError(f"{name} is in the list already.")
    if len(fusion.photos) >= MOST_PHOTOS:
        raise PhotoError(f"The list is full: one head is made of {MOST_PHOTOS} photos at most.")
    photo = fusion.photos.add()
    photo.name = name
    fusion.active = len(fusion.photos) - 1
    return photo


def key_of(photo: FACEDEPTH_PG_photo) -> str:
    """What tells a photo from all others of its list."""
    if photo.image is not None:
        return _image_key(photo.image)
    return _file_key(photo.filepath) if photo.filepath else f"image {photo.name}"


def _file_key(path: str) -> str:
    return os.path.normcase(os.path.realpath(bpy.path.abspath(path)))


def _image_key(image: bpy.types.Image) -> str:
    if image.source == 'FILE' and not image.is_dirty and image.packed_file is None:
        return _file_key(image.filepath_from_user())
    return f"image {image.name_full}"


def source_of(photo: FACEDEPTH_PG_photo) -> photo_source.PhotoSource:
    """A photo of the list for the worker.

    Raises
    ------
    PhotoError
        It is an image that is not there any more, or has no pixels.
    """
    if photo.image is not None:
        return photo_source.from_image(photo.image)
    if not photo.filepath:
        raise PhotoError(
            f"The image {photo.name} is not in this file any more: remove it from the list."
        )
    return photo_source.from_file(photo.filepath)


def given(
    fusion: FACEDEPTH_PG_fusion,
) -> tuple[list[Given], list[photo_source.PhotoSource]]:
    """The photos of a list for a job, during which the list may be edited.

    Raises
    ------
    PhotoError
        See `source_of`.
    """
    sources = [source_of(photo) for photo in fusion.photos]
    return [Given(key_of(photo), photo.name) for photo in fusion.photos], sources


def clear(fusion: FACEDEPTH_PG_fusion) -> None:
    """Take all photos from a list."""
    fusion.photos.clear()
    fusion.active = 0
    fusion.property_unset("residuals_mm")


def write_outcome(fusion: FACEDEPTH_PG_fusion, given: Sequence[Given], head: "FusedHead") -> None:
    """Say in a list what became of its photos.

    Parameters
    ----------
    fusion : FACEDEPTH_PG_fusion
        May have changed since the photos were given.
    given : sequence of Given
    head : FusedHead
        Made of the photos that were given.
    """
    listed = {key_of(photo): photo for photo in fusion.photos}
    reports = list(head.photos)
    for key, name in given:
        own = [reports.pop(0)]
        while own[0].photo.startswith(frame := f"{name} at ") and reports and (
            reports[0].photo.startswith(frame)
        ):
            own.append(reports.pop(0))
        if key in listed:
            _write(listed[key], own)
    fusion.residuals_mm = [head.residuals[step] for step in ("landmarks", "icp", "refined")]


def write_failures(
    fusion: FACEDEPTH_PG_fusion, given: Sequence[Given], failures: Mapping[int, str]
) -> None:
    """Say in a list of which photos there is no mesh, by their places among those given."""
    listed = {key_of(photo): photo for photo in fusion.photos}
    for place, sentence in failures.items():
        photo = listed.get(given[place].key)
        if photo is not None:
            photo.state, photo.remark = 'FAILED', sentence


def _write(photo: FACEDEPTH_PG_photo, reports: "Sequence[PhotoReport]") -> None:
    """What became of a photo, or of a video's frames."""
    used = [report for report in reports if report.used]
    said = (used or reports)[0]
    if used:
        photo.state = 'USED'
    else:
        photo.state = 'LEFT_OUT' if said.digest else 'FAILED'
    if len(reports) > 1:
        photo.remark = f"{len(used)} of {len(reports)} frames were used."
    else:
        photo.remark = said.reason or said.note
    photo.placed = said.pose is not None and len(reports) == 1
    photo.pose = said.pose or (0.0, 0.0, 0.0)
    photo.residual_mm = -1.0 if said.residual_mm is None else said.residual_mm


CLASSES = (FACEDEPTH_PG_photo, FACEDEPTH_PG_fusion)
