# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line's ``--fuse``: all photos become one head."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...core.cloud.ply import encode_ply
from ...core.errors import FaceDepthError
from ...core.files import write_whole
from ...core.fusion.limits import (
    LEAST_RESOLUTION,
    MOST_PHOTOS,
    MOST_RESOLUTION,
    VIDEO_SUFFIXES,
)
from ...core.printing.solid import PrintSettings
from .. import photo_source
from ..fusion.fuse import FuseSettings, fuse_steps
from ..fusion.fused_object import points_of
from ..repair.mesh_cleanup import cleanup_mesh
from ..repair.mesh_smooth import smooth_mesh
from ..repair.remesh import quad_remesh
from .means import Means
from .targets import Target, flag
from .telling import Row, say, shown, summary
from .writing import quiet_blender, write_outputs

if TYPE_CHECKING:
    from ...core.fusion.fused import FusedHead

# Options of photos that become a mesh each.
_OF_ONE_PHOTO = (
    "depth_output", "normal_map", "texture", "landmarks", "face", "depth_input", "depth_near",
    "depth_kind", "depth_unit", "depth_relief", "part", "cut", "projection", "distance",
    "strength", "detail", "complete", "watertight", "format",
)
_CLOUDS = {"point_cloud": "after", "point_cloud_before": "before"}


def check_fusion(options: argparse.Namespace, defaults: argparse.ArgumentParser) -> None:
    """Refuse options that do not go with ``--fuse``.

    Parameters
    ----------
    options : argparse.Namespace
    defaults : argparse.ArgumentParser
        Which has read them.

    Raises
    ------
    FaceDepthError
    """
    count = len(options.photos)
    if count < 2 and not any(_is_video(photo) for photo in options.photos):
        raise FaceDepthError("--fuse needs two photos or more, or a video.")
    if count > MOST_PHOTOS:
        raise FaceDepthError(f"--fuse takes {MOST_PHOTOS} photos at most, and these are {count}.")
    for name in _OF_ONE_PHOTO:
        if getattr(options, name) != defaults.get_default(name):
            raise FaceDepthError(
                f"{flag(name)} is for photos that become a mesh each: leave it out with --fuse."
            )
    if options.topology not in ("grid", "quads"):
        raise FaceDepthError("A fused head is made of a grid or of quads: choose that --topology.")
    if not LEAST_RESOLUTION <= options.resolution <= MOST_RESOLUTION:
        raise FaceDepthError(
            f"The --resolution of a fused head is from {LEAST_RESOLUTION} to {MOST_RESOLUTION}, "
            f"not {options.resolution}."
        )


def fuse_target(means: Means, target: Target, options: argparse.Namespace) -> Row:
    """Make one head of all photos in the empty file that is open and write its outputs."""
    sources = [photo_source.from_file(photo) for photo in options.photos]
    names = Path(options.photos[0]).name
    if len(sources) > 1:
        names = f"{len(sources)} photos"
    row = Row(names)
    settings = FuseSettings(
        model=options.model, running=means.running, models=means.models, fit=means.fit,
        resolution=options.resolution,
        pupils=options.pupils, keep_all=options.keep_all,
    )
    try:
        outcome = shown(names, fuse_steps(bpy.context, means.client, sources, settings, wait=0.1))
        head, item = outcome.head, outcome.object
        for report in head.photos:
            if report.told:
                say(report.told)
        say(f"{_told(head)}: {summary(outcome.info)}")
        for note in outcome.info["notes"]:
            say(note)
        with quiet_blender():
            _edit(item, options, row)
            _write(item, head, target.files, options)
    except FaceDepthError as error:
        row.error = str(error)
        say(row.error)
        return row
    row.ok = True
    row.details |= {
        **outcome.info, **_details(head),
        "vertices": len(item.data.vertices), "polygons": len(item.data.polygons),
        "outputs": [str(path) for path in target.paths()],
        "blender": bpy.app.version_string,
    }
    return row


def fusion_report(rows: list[Row]) -> dict:
    """The report on photos that became one head."""
    (row,) = rows
    return {"photos": [], **row.details, "ok": row.ok, "error": row.error or None}


def _is_video(photo: str) -> bool:
    return Path(photo).suffix.lower() in VIDEO_SUFFIXES


def _told(head: "FusedHead") -> str:
    used, count = sum(report.used for report in head.photos), len(head.photos)
    told = f"{used} photos" if used == count else f"{used} of {count} photos"
    return f"{told}, which agree to {head.residuals['refined']:.1f} mm"


def _edit(item: bpy.types.Object, options: argparse.Namespace, row: Row) -> None:
    """Do to the mesh what the options say.

    Raises
    ------
    FaceDepthError
    """
    if options.cleanup:
        # A whole head is steep everywhere but in front.
        row.details["cleanup"] = cleanup_mesh(item.data, cut_stretched=False).sentence()
    if options.smooth:
        smooth_mesh(item.data, iterations=options.smooth)
    if options.topology == "quads":
        quad_remesh(bpy.context, item, options.budget)


def _write(
    item: bpy.types.Object, head: "FusedHead", files: dict[str, Path],
    options: argparse.Namespace,
) -> None:
    for name, kind in _CLOUDS.items():
        if name in files:
            # Where the head is: in an empty file nobody has moved the 3D cursor.
            write_whole(files[name], encode_ply(points_of(getattr(head, kind))))
    others = {name: path for name, path in files.items() if name not in _CLOUDS}
    settings = PrintSettings(options.print_kind.upper(), options.print_height)
    write_outputs(item, item, others, settings)


def _details(head: "FusedHead") -> dict:
    """Photos, residuals and cameras for the report."""
    photos = []
    for report in head.photos:
        said = asdict(report)
        photos.append({
            "photo": said.pop("photo"), "ok": said.pop("used"), "error": said.pop("reason") or None,
            **said,
        })
    return {
        "photos": photos, "residuals_mm": head.residuals,
        "cameras": [
            {
                "photo": head.photos[camera.photo].photo, "focal_px": camera.focal_px,
                "width": camera.width, "height": camera.height,
                "place_m": camera.place.tolist(), "rotation": camera.rotation.tolist(),
            }
            for camera in head.cameras
        ],
    }
