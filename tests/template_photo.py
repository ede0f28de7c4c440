# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up photos of heads whose every vertex is known: the template seen by a far camera."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from face_depth_addon.core.crop import Crop
from face_depth_addon.core.head.template import FRONT_END, load_template, normals_of
from face_depth_addon.core.polygons.raster import rasterise
from face_depth_addon.core.reconstruction import Pictures, Reconstruction

SIZE, SIDE = 288, 0.36
# Of the made-up photo, which the crop fills.
PIXELS = 600
METRES = SIDE / PIXELS


@dataclass(frozen=True, eq=False)
class Sitter:
    """A head and its photo.

    Attributes
    ----------
    vertices : ndarray, (n, 3) float64
        Where the template's vertices are in the frame of a relief.
    colours : ndarray, (n, 3) float64
        sRGB from 0 to 255, the same on both sides.
    seen : ndarray, (n,) bool
        What the photo shows, well inside its outline.
    turn : ndarray, (3, 3)
        From the head's axes to the picture's.
    """

    reconstruction: Reconstruction
    vertices: np.ndarray
    colours: np.ndarray
    seen: np.ndarray
    turn: np.ndarray


@cache
def sitter(seed: int, yaw: float) -> Sitter:
    """A head with a shape, an expression and a swollen cheek of its own, turned by degrees."""
    template, rng = load_template(), np.random.default_rng(seed)
    identity = np.clip(rng.normal(0.0, 0.9, len(template.identity)), -2.0, 2.0)
    expression = np.zeros(len(template.expression))
    for name, weight in (("mouthSmile_L", 0.4), ("mouthSmile_R", 0.3), ("browInnerUp_L", 0.4)):
        expression[template.expression_names.index(name)] = weight
    head = template.vertices + np.tensordot(identity, template.identity, 1).T
    head = head + np.tensordot(expression, template.expression, 1).T
    # What no mode of the template can say.
    cheek = np.linalg.norm(head - head[template.landmarks[31]] + (0.03, 0.0, 0.005), axis=1)
    head += 0.004 * np.exp(-((cheek / 0.015) ** 2))[:, None] * normals_of(head, template.triangles)
    angle = np.radians(yaw)
    turn = np.array([
        [np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]
    ])
    vertices = 1.03 * head @ turn.T + (0.004, -0.05, 0.01)
    colours = _complexion(template.vertices)
    plane = vertices[:, [0, 2]] * (1.0, -1.0) / SIDE + 0.5
    triangles = template.triangles
    cover = rasterise(plane[triangles] * SIZE, (SIZE, SIZE), -vertices[triangles][..., 1])
    nearness = _painted(cover, -vertices[:, 1:2], triangles)[..., 0]
    subject = np.isfinite(nearness)
    rgb = np.where(subject[..., None], _painted(cover, colours, triangles), 40.0)
    depth = np.where(subject, nearness, np.nanmin(nearness) - 0.05) / METRES
    landmarks = template.at_mediapipe(vertices)
    noise = rng.normal(0.0, 0.0005, landmarks.shape)
    places = (landmarks + noise)[:, [0, 2]] * (1.0, -1.0) / SIDE + 0.5
    # As the network's, their depth has a zero of its own.
    relief = -landmarks[:, 1] / METRES + rng.normal(0.0, 3.0, len(landmarks)) + 70.0
    matte = 255 * subject.astype(np.uint8)
    reconstruction = Reconstruction(
        depth=depth.astype(np.float32), subject=subject, matte=matte,
        rgb=np.rint(rgb).astype(np.uint8), crop=Crop(PIXELS / 2, PIXELS / 2, PIXELS),
        metres_per_pixel=METRES, origin=np.array([0.5, 0.5, 0.0]),
        pictures=_pictures(depth, subject, rgb),
        landmarks=np.column_stack([places, relief]).astype(np.float32),
        info={
            "photo": f"sitter {seed}.png", "digest": str(seed), "model": "made", "width": PIXELS,
            "height": PIXELS, "focal_35mm": None,
        },
    )
    inner = cv2.erode(subject.astype(np.uint8), np.ones((5, 5)))
    return Sitter(reconstruction, vertices, colours, _seen(vertices, plane, depth, inner), turn)


def _complexion(head: np.ndarray) -> np.ndarray:
    """Skin that darkens downwards, red lips and dark eyes, on both sides alike."""
    across, up = np.abs(head[:, 0]), head[:, 2]
    colours = np.array([205.0, 165.0, 140.0]) + 400.0 * up[:, None] * (1.0, 0.7, 0.5)
    colours += 300.0 * across[:, None] * (0.3, -0.5, 0.2)
    eye = np.exp(-(((across - 0.031) / 0.012) ** 2 + (up / 0.007) ** 2))[:, None]
    return np.clip(colours - 110.0 * eye, 0.0, 255.0)


def _painted(cover, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    picture = np.full((SIZE * SIZE, values.shape[1]), np.nan)
    corners = values[triangles[cover.triangles]]
    picture[cover.pixels] = np.einsum("pk,pkc->pc", cover.weights, corners)
    return picture.reshape(SIZE, SIZE, -1)


def _seen(vertices, plane, depth, inner) -> np.ndarray:
    template = load_template()
    column, row = np.clip(plane * SIZE, 0, SIZE - 1).astype(int).T
    behind = depth[row, column] * METRES + vertices[:, 1]
    facing = -normals_of(vertices, template.triangles)[:, 1]
    front = np.arange(len(vertices)) < FRONT_END
    open_air = template.openness > 0.6
    return front & open_air & (behind < 0.003) & (facing > 0.5) & (inner[row, column] > 0)


def _pictures(depth: np.ndarray, subject: np.ndarray, rgb: np.ndarray) -> Pictures:
    far, near = depth[subject].min(), depth[subject].max()
    shares = ((depth - far) / (near - far)).astype(np.float32)
    photo = cv2.imencode(".png", np.rint(rgb[..., ::-1]).astype(np.uint8))[1].tobytes()
    return Pictures(
        photo=photo, backdrop=photo, depth=cv2.imencode(".exr", shares)[1].tobytes(),
        matte=cv2.imencode(".png", 255 * subject.astype(np.uint8))[1].tobytes(),
    )
