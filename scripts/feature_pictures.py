# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the pictures of docs/mesh.md, of scikit-image's astronaut (NASA, public domain).

usage: python scripts/feature_pictures.py [--photo PHOTO --out DIR] [NAME ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from math import radians
from pathlib import Path

import _environment

IMAGES = _environment.ROOT / "docs" / "images"
SIDE = 360
THREE_QUARTERS = radians(45.0)


@dataclass(frozen=True)
class Studio:
    """What each sheet is made with: the photo, and the folder for parts."""

    photo: Path
    folder: Path

    def face(self, layout=None, shape=None):
        """A mesh object of the photo in a fresh file."""
        import bpy

        from face_depth_addon.blender import photo_source
        from face_depth_addon.blender.progress import finish
        from face_depth_addon.blender.reconstruct import Settings, reconstruct_steps
        from face_depth_addon.core.relief.building import Layout
        from face_depth_addon.core.relief.shaping import Shape
        from face_depth_addon.inference.client import WorkerClient

        bpy.ops.wm.read_factory_settings(use_empty=True)
        client = WorkerClient("")
        try:
            settings = Settings(layout=layout or Layout(), shape=shape or Shape())
            source = photo_source.from_file(str(self.photo))
            return finish(reconstruct_steps(bpy.context, client, source, settings, 0.1)).object
        finally:
            client.close()

    def views(self, *looks, columns=None):
        """A picture of looks (object, turn, clay) in rows."""
        from PIL import Image

        from face_depth_addon.blender.output.preview import View, render_views

        path = self.folder / "views.png"
        render_views([View(*look) for look in looks], columns or len(looks), path, SIDE)
        return Image.open(path).convert("RGB")


def copy_of(item):
    """An object with a mesh of its own, in the same place."""
    import bpy

    copy = item.copy()
    copy.data = item.data.copy()
    bpy.context.collection.objects.link(copy)
    return copy


def wires(item, thickness=0.0004):
    """A copy of an object that shows the edges of its faces on clay."""
    import bpy

    copy = copy_of(item)
    copy.data.materials.clear()
    for name, value in (("Clay", 0.6), ("Wire", 0.02)):
        material = bpy.data.materials.new(name)
        material.diffuse_color = (value, value, value, 1.0)
        material.use_nodes = True
        node = next(node for node in material.node_tree.nodes if node.type == 'BSDF_PRINCIPLED')
        node.inputs["Base Color"].default_value = (value, value, value, 1.0)
        node.inputs["Roughness"].default_value = 0.9
        copy.data.materials.append(material)
    copy.data.polygons.foreach_set("material_index", [0] * len(copy.data.polygons))
    modifier = copy.modifiers.new("Wires", 'WIREFRAME')
    modifier.use_replace, modifier.material_offset = False, 1
    modifier.thickness, modifier.use_even_offset = thickness, False
    return copy


def projections(studio):
    """Relief, weak perspective, perspective: each from the side."""
    items = []
    face = studio.face()
    for projection in ("RELIEF", "WEAK_PERSPECTIVE", "PERSPECTIVE"):
        face.data.face_depth.projection = projection
        items.append(copy_of(face))
    return studio.views(*[(item, radians(60.0), True) for item in items])


def shape(studio):
    """Strength, gamma, clip, tilt, smoothing: what one object's sliders do."""
    face = studio.face()
    looks = []
    for values in (
        {}, {"strength": 0.4}, {"gamma": 2.0}, {"far": 0.4}, {"tilt_y": radians(20.0)},
        {"smoothing": 1.0}, {"feather": 0.01},
    ):
        for name, value in values.items():
            setattr(face.data.face_depth, name, value)
        looks.append((copy_of(face), THREE_QUARTERS, True))
        for name in values:
            face.data.face_depth.property_unset(name)
    return studio.views(*looks, columns=4)


def parts(studio):
    """Face, head, bust, and the bust cut where it is steep."""
    from face_depth_addon.blender.shaping.relayout import relayout
    from face_depth_addon.core.relief.building import Layout

    face = studio.face()
    looks = []
    for layout in (Layout(region="FACE"), Layout(region="HEAD"), Layout(region="BUST"),
                   Layout(region="BUST", max_angle=radians(75.0))):
        relayout(face.data, layout)
        looks.append((copy_of(face), THREE_QUARTERS, False))
    return studio.views(*looks)


def topology(studio):
    """Grid, adaptive, quads, decimated, template."""
    import bpy

    from face_depth_addon.blender.head.wrap import wrap_template
    from face_depth_addon.blender.repair.remesh import decimate, quad_remesh
    from face_depth_addon.blender.shaping.relayout import relayout
    from face_depth_addon.core.relief.building import Layout

    face = studio.face(Layout(resolution=128))
    adaptive, quads, fewer = (copy_of(face) for _ in range(3))
    relayout(adaptive.data, Layout(topology="ADAPTIVE", budget=6000))
    quad_remesh(bpy.context, quads, 5000)
    decimate(bpy.context, fewer, 5000)
    template = wrap_template(bpy.context, face, hide_original=False)
    items = (face, adaptive, quads, fewer, template)
    return studio.views(*[(wires(item), radians(25.0), False) for item in items])


def detail(studio):
    """None, and what the shading suggests."""
    from face_depth_addon.blender.detail.fine_relief import DetailSettings, add_detail
    from face_depth_addon.core.relief.building import Layout

    face = studio.face(Layout(resolution=1024, region="FACE"))
    plain = copy_of(face)
    add_detail(face.data, DetailSettings(size=1024, strength=2.0))
    return studio.views((face, 0.0, False), (plain, 0.0, True), (face, 0.0, True))


def smoothing(studio):
    """A noisy mesh, smoothed three ways."""
    import numpy as np

    from face_depth_addon.blender.repair.mesh_smooth import smooth_mesh

    face = studio.face()
    count = len(face.data.vertices)
    places = np.empty(3 * count, np.float32)
    face.data.vertices.foreach_get("co", places)
    places = places.reshape(-1, 3)
    places[:, 1] += np.random.default_rng(0).normal(0.0, 0.0004, count).astype(np.float32)
    face.data.vertices.foreach_set("co", places.ravel())
    face.data.update()
    items = [face]
    for method in ("LAPLACIAN", "TAUBIN", "BILATERAL"):
        item = copy_of(face)
        smooth_mesh(item.data, method=method, iterations=20)
        items.append(item)
    return studio.views(*[(item, THREE_QUARTERS, True) for item in items])


def completion(studio):
    """The relief, completed by its mirror image, and the wrapped head, from the hidden side."""
    import bpy

    from face_depth_addon.blender.head.completion import complete_object
    from face_depth_addon.blender.head.wrap import wrap_template

    face = studio.face()
    completed = complete_object(bpy.context, face, hide_original=False)
    wrapped = wrap_template(bpy.context, face, hide_original=False)
    return studio.views(
        *[(item, turn, False) for turn in (radians(70.0), radians(-70.0))
          for item in (face, completed, wrapped)], columns=3,
    )


def template(studio):
    """The wrapped head from all sides, with its textures and as clay."""
    import bpy

    from face_depth_addon.blender.head.wrap import wrap_template

    wrapped = wrap_template(bpy.context, studio.face())
    turns = [radians(turn) for turn in (0.0, 45.0, 90.0, 180.0)]
    return studio.views(*[(wrapped, turn, clay) for clay in (False, True) for turn in turns],
                        columns=4)


def prints(studio):
    """Relief plate, hollow bust, solid."""
    from face_depth_addon.blender.output.printing import make_print
    from face_depth_addon.core.printing.solid import PrintSettings

    face = studio.face()
    items = [make_print(face, PrintSettings(kind)).object for kind in ("RELIEF", "BUST", "SOLID")]
    return studio.views(*[(item, THREE_QUARTERS, True) for item in items])


def cloud(studio):
    """The photo's points, thinned, and a surface through them."""
    import bpy

    from face_depth_addon.blender.cloud.cloud_edit import thin
    from face_depth_addon.blender.cloud.cloud_mesh import cloud_to_mesh
    from face_depth_addon.blender.cloud.cloud_object import add_cloud, cloud_of

    face = studio.face()
    dense = add_cloud(bpy.context, "Cloud", cloud_of(bpy.context, face, "DEPTH"))
    coarse = add_cloud(bpy.context, "Thinned", cloud_of(bpy.context, face, "DEPTH"))
    thin(coarse.data, 0.004)
    for modifier in coarse.modifiers:
        coarse.modifiers.remove(modifier)
    coarse = add_cloud(bpy.context, "Thin", cloud_of(bpy.context, coarse))
    surface, _ = cloud_to_mesh(bpy.context, dense)
    return studio.views(*[(item, THREE_QUARTERS, False) for item in (dense, coarse, surface)])


def repair(studio):
    """A face with holes and spikes, and after Clean Up."""
    import bmesh
    import numpy as np

    from face_depth_addon.blender.repair.mesh_cleanup import cleanup_mesh
    from face_depth_addon.core.relief.building import Layout

    face = studio.face(Layout(resolution=256, region="FACE"))
    random = np.random.default_rng(1)
    edited = bmesh.new()
    edited.from_mesh(face.data)
    edited.verts.ensure_lookup_table()
    for vertex in random.choice(len(edited.verts), 60, replace=False):
        edited.verts[vertex].co.y -= random.uniform(0.004, 0.012)
    middles = [edited.verts[vertex].co.copy() for vertex in random.choice(len(edited.verts), 14)]
    gone = [vertex for vertex in edited.verts
            if any((vertex.co - middle).length < 0.004 for middle in middles)]
    bmesh.ops.delete(edited, geom=gone, context='VERTS')
    edited.to_mesh(face.data)
    edited.free()
    mended = copy_of(face)
    cleanup_mesh(mended.data, max_hole_sides=120)
    return studio.views(*[(item, radians(25.0), clay) for clay in (False, True)
                          for item in (face, mended)])


def depth(studio):
    """The stored depth, its mesh, and the same with a brush's stroke on the depth."""
    import numpy as np
    from PIL import Image

    from face_depth_addon.blender.depth.depth_paint import apply_painting, begin_painting

    face = studio.face()
    painted = copy_of(face)
    image = begin_painting(painted.data, "depth")
    pixels = np.empty(4 * image.size[0] * image.size[1], np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(*image.size, 4)
    before = pixels[::-1, :, :3].copy()
    row, column = np.indices(image.size) / image.size[0]
    # A horn on the forehead: Blender counts rows from below.
    pixels[..., :3] += 0.25 * np.exp(-(np.hypot(row - 0.68, column - 0.5) / 0.02) ** 2)[..., None]
    image.pixels.foreach_set(pixels.ravel())
    apply_painting(painted.data)
    maps = [
        Image.fromarray((255 * values.clip(0, 1)).astype(np.uint8)).resize((SIDE, SIDE))
        for values in (before, pixels[::-1, :, :3])
    ]
    views = studio.views((face, THREE_QUARTERS, True), (painted, THREE_QUARTERS, True))
    sheet = Image.new("RGB", (4 * SIDE, SIDE))
    for index, picture in enumerate((
        maps[0], views.crop((0, 0, SIDE, SIDE)), maps[1], views.crop((SIDE, 0, 2 * SIDE, SIDE)),
    )):
        sheet.paste(picture, (index * SIDE, 0))
    return sheet


def page(studio):
    """The web page in a browser: with the photo, as clay, and as grey depth."""
    import numpy as np
    from PIL import Image
    from viewer_browser import Browser

    from face_depth_addon.blender.output.page import write_html

    path = studio.folder / "page.html"
    write_html(studio.face(), path)
    shots = []
    with Browser() as browser:
        browser.resize(560, 520)
        for view, turn in (("photo", 30), ("clay", 30), ("depth", 0)):
            browser.open(f"{path.as_uri()}#view={view}&turn={turn}")
            browser.wait_for("!!document.documentElement.dataset.drawn")
            shots.append(browser.picture())
    return Image.fromarray(np.concatenate(shots, axis=1))


SHEETS = {
    name: value for name, value in dict(globals()).items()
    if callable(value) and getattr(value, "__module__", "") == __name__
    and name not in {"Studio", "copy_of", "wires"}
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SHEETS))
    parser.add_argument("--photo", type=Path, help="another photo")
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="DIR")
    options = parser.parse_args()
    unknown = set(options.names) - set(SHEETS)
    if unknown:
        parser.error(f"no picture {', '.join(sorted(unknown))}: choose of {', '.join(SHEETS)}")
    _environment.ensure(tests=True)
    sys.path[:0] = [str(_environment.ROOT), str(_environment.ROOT / "tests")]
    import bpy
    import skimage.data
    from PIL import Image

    import face_depth_addon

    bpy.ops.wm.read_factory_settings(use_empty=True)
    face_depth_addon.register()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        photo = options.photo or Path(name) / "astronaut.png"
        if not options.photo:
            Image.fromarray(skimage.data.astronaut()).save(photo)
        for sheet in options.names or SHEETS:
            SHEETS[sheet](Studio(photo, Path(name))).save(
                options.out / f"mesh-{sheet}.jpg", quality=88
            )
    face_depth_addon.unregister()
    return 0


if __name__ == "__main__":
    sys.exit(main())
