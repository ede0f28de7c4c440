# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the pictures of docs/fusion.md, of a rendered person seen from five sides.

usage: python scripts/fusion_pictures.py PHOTO [PHOTO ...] [--out DIR]

The photos of the docs are those of a person of `dataset.py render --protocol views19`.
"""

from __future__ import annotations  # see _environment.py

import argparse
import sys
import tempfile
from math import radians
from pathlib import Path

import _environment

IMAGES = _environment.ROOT / "docs" / "images"
SIDE = 300
TURNS = (0.0, 45.0, -45.0, 90.0, 180.0)


def fused(photos: list[str]):
    """The outcome of fusing photos in a fresh file."""
    import bpy

    from face_depth_addon.blender import photo_source
    from face_depth_addon.blender.fusion.fuse import FuseSettings, fuse_steps
    from face_depth_addon.blender.progress import finish
    from face_depth_addon.inference.client import WorkerClient

    bpy.ops.wm.read_factory_settings(use_empty=True)
    client = WorkerClient("")
    try:
        sources = [photo_source.from_file(photo) for photo in photos]
        return finish(fuse_steps(bpy.context, client, sources, FuseSettings(), 0.1))
    finally:
        client.close()


def head_sheet(photos: list[str], item):
    """The photos, and below them the head from all sides, textured and as clay."""
    from PIL import Image

    from face_depth_addon.blender.output.preview import View, render_views

    looks = [View(item, radians(turn), clay) for clay in (False, True) for turn in TURNS]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "views.png"
        render_views(looks, len(TURNS), path, SIDE)
        views = Image.open(path).convert("RGB")
    sheet = Image.new("RGB", (views.width, views.height + SIDE), (136, 136, 136))
    left = (views.width - SIDE * len(photos)) // 2
    for number, photo in enumerate(photos):
        picture = Image.open(photo).convert("RGB").resize((SIDE, SIDE))
        sheet.paste(picture, (left + number * SIDE, 0))
    sheet.paste(views, (0, SIDE))
    return sheet


def cloud_sheet(head):
    """The photos' points, a colour for each, seen from above: by landmarks alone, and aligned."""
    import numpy as np
    from PIL import Image

    palette = np.array([
        (228, 26, 28), (55, 126, 184), (77, 175, 74), (255, 127, 0), (152, 78, 163),
    ])
    height = int(1.4 * SIDE)
    sheet = Image.new("RGB", (4 * SIDE, height), (30, 30, 30))
    for number, cloud in enumerate((head.before, head.after)):
        picture = np.full((height, 2 * SIDE, 3), 30, np.uint8)
        # A slice at the height of the nose.
        near = np.abs(cloud.positions[:, 2] - head.landmarks[4, 2]) < 0.004
        place = cloud.positions[near][:, :2] * (2 * SIDE / 0.24) + (SIDE, SIDE * 1.1)
        column, row = np.clip(place.astype(int), 0, (2 * SIDE - 2, height - 2)).T
        for down in (0, 1):
            for across in (0, 1):
                picture[row + down, column + across] = palette[cloud.photo[near] % len(palette)]
        sheet.paste(Image.fromarray(picture), (2 * SIDE * number, 0))
    return sheet


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO")
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="DIR")
    options = parser.parse_args()
    _environment.ensure()
    sys.path.insert(0, str(_environment.ROOT))
    outcome = fused(options.photos)
    options.out.mkdir(parents=True, exist_ok=True)
    sheets = {
        "fusion-head": head_sheet(options.photos, outcome.object),
        "fusion-cloud": cloud_sheet(outcome.head),
    }
    for name, sheet in sheets.items():
        path = options.out / f"{name}.jpg"
        sheet.save(path, quality=88)
        print(path)
    return 0


if __name__ == "__main__":
    _environment.end(main())
