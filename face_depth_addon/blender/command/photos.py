# SPDX-License-Identifier: GPL-3.0-or-later
"""One photo on the command line: its options checked, its mesh made, its outputs written."""

import argparse
from collections.abc import Iterator

import bpy

from ...core.depth.meaning import Meaning
from ...core.errors import FaceDepthError
from ...core.printing.solid import PrintSettings
from .. import photo_source
from ..depth.depth_io import FaceFinder, ImportSettings, import_steps
from ..detail.fine_relief import DetailSettings, add_detail
from ..head.completion import complete_object
from ..head.wrap import wrap_template
from ..progress import Progress
from ..reconstruct import Outcome, Settings, reconstruct_steps
from ..repair.mesh_cleanup import cleanup_mesh
from ..repair.mesh_smooth import smooth_mesh
from ..repair.remesh import quad_remesh
from .means import Means, constant, layout_of, shape_of
from .targets import Target, flag
from .writing import quiet_blender, write_outputs


def check_together(options: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Raises
    ------
    FaceDepthError
    """
    if not options.photos and not options.depth_input:
        raise FaceDepthError("Give a photo, or a depth map by --depth-input.")
    if len(options.photos) > 1 and options.depth_input:
        raise FaceDepthError("A depth map belongs to one photo: give --depth-input one at a time.")
    if options.topology == "template":
        if options.complete:
            raise FaceDepthError("The template is a whole head: leave --complete out.")
        if options.detail or options.cleanup or options.smooth:
            raise FaceDepthError(
                "The template follows the stored depth: leave --detail, --cleanup and --smooth out."
            )
    if options.distance and options.projection == "relief":
        raise FaceDepthError("--distance counts in perspective: give --projection too.")
    if options.part != "bust" and options.face is None:
        raise FaceDepthError("--part needs a face: leave it out, or --face none.")
    if options.topology == "template" or options.complete:
        for name in ("normal_map", "texture", "landmarks"):
            if getattr(options, name):
                raise FaceDepthError(
                    f"{flag(name)} belongs to the relief: write it without --complete and "
                    "--topology template."
                )
    if options.point_cloud_before:
        raise FaceDepthError("--point-cloud-before shows how photos were placed: give --fuse too.")
    if options.keep_all:
        raise FaceDepthError("--keep-all is for photos that become one head: give --fuse too.")
    if options.watertight and options.topology != "template":
        raise FaceDepthError("--watertight is for --topology template; --print closes any mesh.")


def open_empty_file() -> None:
    """Begin a photo: leave nothing of the one before."""
    with quiet_blender():
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def photo_steps(
    means: Means, target: Target, options: argparse.Namespace
) -> Iterator[Progress]:
    """Make the mesh of one photo, or of a depth map, in the empty file that is open.

    Yields
    ------
    Progress

    Returns
    -------
    Outcome

    Raises
    ------
    FaceDepthError
    """
    layout, shape = layout_of(options), shape_of(options)
    photo = photo_source.from_file(target.photo) if target.photo else None
    if options.depth_input:
        relief = options.depth_relief
        meaning = Meaning(
            options.depth_near, options.depth_kind, constant(options.depth_unit),
            relief and relief / 1000.0,
        )
        faces = FaceFinder(means.client, options.face) if options.face is not None else None
        settings = ImportSettings(meaning, layout, shape)
        return import_steps(bpy.context, options.depth_input, settings, photo, faces, wait=0.1)
    depth_file = target.files.get("depth_output")
    settings = Settings(
        model=options.model, running=means.running, models=means.models, fit=means.fit,
        face=options.face, layout=layout, shape=shape,
        depth_output=str(depth_file.resolve()) if depth_file else None,
    )
    return reconstruct_steps(bpy.context, means.client, photo, settings, wait=0.1)


def write_photo(outcome: Outcome, target: Target, options: argparse.Namespace) -> dict:
    """Do to the mesh what the options say and write its outputs.

    Returns
    -------
    dict
        What a report says of the photo.

    Raises
    ------
    FaceDepthError
    """
    files = dict(target.files)
    if not options.depth_input:
        files.pop("depth_output", None)
    settings = PrintSettings(options.print_kind.upper(), options.print_height)
    details = dict(outcome.info)
    with quiet_blender():
        edited = _edit(outcome.object, options, details)
        write_outputs(outcome.object, edited, files, settings)
    return details | {
        "vertices": len(edited.data.vertices), "polygons": len(edited.data.polygons),
        "outputs": [str(path) for path in target.paths()],
        "blender": bpy.app.version_string,
    }


def _edit(
    made: bpy.types.Object, options: argparse.Namespace, details: dict
) -> bpy.types.Object:
    """Do to the mesh what the options say; returns the object that is wanted in the end.

    Raises
    ------
    FaceDepthError
    """
    mesh = made.data
    if options.pupils:
        if not mesh.face_depth.has_face:
            raise FaceDepthError("--pupils needs a face, and none was looked for or found.")
        mesh.face_depth.size_mm = options.pupils
    if options.distance:
        mesh.face_depth.distance = options.distance
    if options.detail:
        add_detail(mesh, DetailSettings(strength=options.detail))
    if options.cleanup:
        details["cleanup"] = cleanup_mesh(mesh).sentence()
    if options.smooth:
        smooth_mesh(mesh, iterations=options.smooth)
    if options.topology == "template":
        return wrap_template(bpy.context, made, close=options.watertight)
    item = complete_object(bpy.context, made) if options.complete else made
    if options.topology == "quads":
        quad_remesh(bpy.context, item, options.budget)
    return item
