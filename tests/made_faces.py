# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up face with known depth, and meshes of it as Face Depth leaves them in a scene."""


import bpy
import cv2
import numpy as np

from face_depth_addon.blender.material import photo_material
from face_depth_addon.blender.mesh import fill_mesh
from face_depth_addon.blender.shaping.shape import give_shape, write_layers
from face_depth_addon.blender.stored import keep
from face_depth_addon.core.crop import Crop
from face_depth_addon.core.face.face_points import LEFT_EYE, OUTLINE, RIGHT_EYE
from face_depth_addon.core.reconstruction import Pictures, Reconstruction
from face_depth_addon.core.relief.building import Layout, build_surface
from face_depth_addon.core.relief.shaping import Shape, depth_span, photo_viewpoint

SIZE, WIDTH, HEIGHT = 128, 480, 320
# Beside the photo's middle and turned, so that no sum comes right by symmetry.
CROP = Crop(300.0, 130.0, 200.0, 0.12)
METRES = 0.0012


def made_face(
    size: int = SIZE, detail: bool = False, face: bool = True, waves: float = 40.0, **info
) -> Reconstruction:
    """A wavy dome in a crop beside the photo's middle, with eyes, outline and shoulders.

    Parameters
    ----------
    size : int
    detail : bool
        Add fine waves as detail.
    face : bool
        Whether there are landmarks.
    waves : float
        Frequency of the waves, in radians per side.
    """
    rows, columns = (np.indices((size, size)) + 0.5) / size
    head = ((columns - 0.5) / 0.3) ** 2 + ((rows - 0.42) / 0.36) ** 2 < 1.0
    shoulders = (rows > 0.8 + 0.9 * (columns - 0.5) ** 2) & (rows < 0.97)
    neck = (np.abs(columns - 0.5) < 0.12) & (rows > 0.6) & (rows < 0.9)
    subject = head | shoulders | neck
    bulge = np.clip(1.0 - ((columns - 0.5) ** 2 + (rows - 0.45) ** 2) / 0.35, 0.0, None)
    depth = (60.0 * bulge + 2.0 * np.sin(waves * columns) * np.cos(0.85 * waves * rows)).astype(
        np.float32
    )
    rgb = np.dstack([255 * columns, 255 * rows, np.full_like(rows, 120)]).astype(np.uint8)
    fine = 0.8 * np.sin(150 * columns + 90 * rows) if detail else None
    return Reconstruction(
        depth=depth, subject=subject, matte=255 * subject.astype(np.uint8), rgb=rgb, crop=CROP,
        metres_per_pixel=METRES, origin=np.array([0.5, 0.5, 30.0]),
        pictures=_pictures(depth, subject, rgb), landmarks=_landmarks() if face else None,
        detail=None if fine is None else fine.astype(np.float32),
        info={
            "photo": "made.png", "digest": "0", "model": "made", "width": WIDTH,
            "height": HEIGHT, "focal_35mm": None, **info,
        },
    )


def _landmarks() -> np.ndarray:
    """An oval outline from forehead over the picture's right to the chin, and two eyes."""
    landmarks = np.full((468, 3), (0.5, 0.45, 40.0), np.float32)
    turn = np.linspace(0.0, 2 * np.pi, len(OUTLINE), endpoint=False)
    landmarks[list(OUTLINE), 0] = 0.5 + 0.2 * np.sin(turn)
    landmarks[list(OUTLINE), 1] = 0.45 - 0.27 * np.cos(turn)
    landmarks[list(RIGHT_EYE), :2] = 0.4, 0.38
    landmarks[list(LEFT_EYE), :2] = 0.6, 0.38
    return landmarks


def _pictures(depth: np.ndarray, subject: np.ndarray, rgb: np.ndarray) -> Pictures:
    far, near = depth[subject].min(), depth[subject].max()
    backdrop = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    backdrop[:, :, 0], backdrop[:, :, 1] = np.indices((HEIGHT, WIDTH)) // 2
    return Pictures(
        photo=_encoded(".jpg", rgb), backdrop=_encoded(".jpg", backdrop),
        depth=_encoded(".exr", (depth - far) / (near - far)),
        matte=_encoded(".png", 255 * subject.astype(np.uint8)),
    )


def _encoded(suffix: str, picture: np.ndarray) -> bytes:
    return cv2.imencode(suffix, picture)[1].tobytes()


def add_face(
    reconstruction: Reconstruction, layout: Layout | None = None, shape: Shape | None = None,
) -> bpy.types.Object:
    """The active object: a reconstruction as a mesh, with all that the mesh keeps of it."""
    layout, shape = layout or Layout(resolution=48), shape or Shape()
    surface = build_surface(reconstruction, layout, shape)
    mesh = bpy.data.meshes.new("Face")
    for _ in fill_mesh(mesh, surface):
        continue
    write_layers(mesh, surface.layers)
    keep(mesh, "Face", reconstruction)
    give_shape(mesh, layout, shape, photo_viewpoint(reconstruction), depth_span(reconstruction))
    if reconstruction.detail is not None:
        mesh.face_depth.detail_image = _float_image(reconstruction.detail)
    mesh.materials.append(photo_material("Face", mesh.face_depth.photo_image))
    item = bpy.data.objects.new("Face", mesh)
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    item.select_set(True)
    return item


def positions(mesh: bpy.types.Mesh) -> np.ndarray:
    """(n, 3) float32 of the mesh itself."""
    return attribute(mesh, "position", 3)


def attribute(mesh: bpy.types.Mesh, name: str, width: int = 1) -> np.ndarray:
    """(n, width) float32 of an attribute of the vertices."""
    values = np.empty((len(mesh.vertices), width), np.float32)
    mesh.attributes[name].data.foreach_get("vector" if width > 1 else "value", values.ravel())
    return values


def _float_image(values: np.ndarray) -> bpy.types.Image:
    """Values, the upper row first, in the red channel of a packed image."""
    image = bpy.data.images.new("detail", *values.shape, float_buffer=True, is_data=True)
    pixels = np.ones((*values.shape, 4), np.float32)
    pixels[..., 0] = values[::-1]
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image
