# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh object as a file: .blend, .glb, .obj, .ply or .stl."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import addon_utils
import bpy

from ...core.errors import OutputError
from .textures import jpeg_of

_MM_PER_M = 1000.0


def write_object(item: bpy.types.Object, path: Path) -> None:
    """Write a mesh object; the file appears whole or not at all.

    ``.blend`` holds the whole current file. ``.obj`` comes with an ``.mtl`` and the photo as
    a ``.jpg`` beside it. ``.stl`` is in millimetres, as slicers expect, the others in metres.

    Parameters
    ----------
    item : bpy.types.Object
        Becomes the only selected object.
    path : Path

    Raises
    ------
    OutputError
        Unknown suffix, or the file cannot be written.
    """
    write_objects([item], path)


def write_objects(items: Sequence[bpy.types.Object], path: Path) -> None:
    """Write several objects, the first of which is a mesh with a photo, as `write_object` does.

    Raises
    ------
    OutputError
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise OutputError(
            f"{path.name} is no mesh file: its name must end in {', '.join(WRITERS)}."
        )
    for other in bpy.context.view_layer.objects:
        other.select_set(other in items)
    write_folder_whole(path, lambda folder: write(items[0], folder / path.name))


def files_of(path: Path) -> list[Path]:
    """All files that `write_object` makes for a path."""
    if path.suffix.lower() == ".obj":
        return [path, path.with_suffix(".mtl"), _picture_of(path)]
    return [path]


def write_folder_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write(folder)`` make files in a folder of its own, then move them beside ``path``.

    Raises
    ------
    OutputError
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=".face-depth-", dir=path.parent))
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}).") from error
    try:
        write(folder)
        if not (folder / path.name).is_file():
            raise OutputError(f"{path} could not be written.")
        for file in sorted(folder.iterdir(), key=lambda file: file.name == path.name):
            os.replace(file, path.parent / file.name)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}).") from error
    except RuntimeError as error:
        # Blender's operators report a full disk and the like this way.
        lines = [line for line in str(error).strip().splitlines() if line[:9] != "Location:"]
        reason = lines[-1].removeprefix("Error: ")
        raise OutputError(f"{path} cannot be written ({reason}).") from error
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        # Ctrl-C in the middle of it must not leave half of the folder.
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_blend(item: bpy.types.Object, path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=True)


def _write_glb(item: bpy.types.Object, path: Path) -> None:
    if addon_utils.enable("io_scene_gltf2") is None:
        raise OutputError("This Blender has no glTF exporter: choose another format.")
    # The exporter stumbles over names that are not UTF-8.
    plain = path.with_name("mesh.glb")
    bpy.ops.export_scene.gltf(filepath=str(plain), export_format='GLB', use_selection=True)
    plain.rename(path)


def _write_obj(item: bpy.types.Object, path: Path) -> None:
    images = list(dict.fromkeys(
        node.image for slot in item.material_slots if slot.material and slot.material.use_nodes
        for node in slot.material.node_tree.nodes if node.type == 'TEX_IMAGE' and node.image
    ))
    places = [image.filepath for image in images]
    try:
        for number, image in enumerate(images, 1):
            picture = _picture_of(path, number)
            picture.write_bytes(jpeg_of(image))
            image.filepath = str(picture)
        bpy.ops.wm.obj_export(
            filepath=str(path), export_selected_objects=True, export_colors=True,
            path_mode='STRIP',
        )
    finally:
        for image, place in zip(images, places, strict=True):
            image.filepath = place


def _picture_of(path: Path, number: int = 1) -> Path:
    return path.with_name(f"{path.stem}_photo{number if number > 1 else ''}.jpg")


def _write_ply(item: bpy.types.Object, path: Path) -> None:
    bpy.ops.wm.ply_export(
        filepath=str(path), export_selected_objects=True, export_colors='SRGB',
        export_normals=True,
    )


def _write_stl(item: bpy.types.Object, path: Path) -> None:
    bpy.ops.wm.stl_export(
        filepath=str(path), export_selected_objects=True, global_scale=_MM_PER_M
    )


WRITERS = {
    ".blend": _write_blend, ".glb": _write_glb, ".obj": _write_obj, ".ply": _write_ply,
    ".stl": _write_stl,
}
