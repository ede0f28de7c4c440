# SPDX-License-Identifier: GPL-3.0-or-later
"""The head that is wrapped onto photos: ICT-FaceKit's, from ``data/template``. Needs numpy only."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

_PATH = Path(__file__).resolve().parent.parent.parent / "data" / "template" / "head.npz"

#: Vertices by part: a name and the first and the last but one. The first five make one skin, open
#: at the neck alone, in ICT-FaceKit's own order; its first two are what a shut mouth leaves to see.
PARTS = {
    "Face": (0, 9409), "Head": (9409, 11248), "Mouth": (11248, 13294),
    "Left Eye Socket": (13294, 13678), "Right Eye Socket": (13678, 14062),
    "Left Eye": (14062, 14832), "Right Eye": (14832, 15602),
}
OUTER_END, SKIN_END = PARTS["Head"][1], PARTS["Right Eye Socket"][1]
#: The vertices between brows and chin, and nowhere near the ears, come first.
FRONT_END = 6706
#: By the faces' material index; UVs of material m lie in the m-th square beside the first.
MATERIALS = ("Face", "Head", "Left Eye", "Right Eye")


@dataclass(frozen=True, eq=False)
class Template:
    """The mean head in metres, in Blender's axes, looking to -Y.

    Attributes
    ----------
    vertices : ndarray, (n, 3) float32
        The origin is midway between the eyes' centres, x points to the person's left.
    openness : ndarray, (n,) float32
        0 deep in a hollow, such as a nostril, 1 where nothing is near.
    faces : ndarray, (f, 4) int32
        Anticlockwise from outside; a triangle ends in -1.
    materials : ndarray, (f,) uint8
        Index into `MATERIALS`.
    uvs : ndarray, (m, 2) float32
    face_uvs : ndarray, (f, 4) int32
        Which of ``uvs`` each corner has.
    mirror : ndarray, (n,) int32
        The vertex on the other side.
    landmarks : ndarray, (68,) int32
        Vertices of the 68 landmarks in iBUG's order.
    mediapipe, mediapipe_weights, mediapipe_scatter : ndarray, (468, 3), (468, 3), (468,)
        MediaPipe's landmarks: vertices of a triangle, barycentric coordinates, and how far they
        wander over the skin between people, in metres.
    identity : ndarray, (k, 3, n) float32
        Displacements by one standard deviation.
    expression : ndarray, (e, 3, n) float32
        Displacements by full expressions.
    expression_names : tuple of str
        As in ARKit, with a side as "_L" or "_R".
    """

    vertices: np.ndarray
    openness: np.ndarray
    faces: np.ndarray
    materials: np.ndarray
    uvs: np.ndarray
    face_uvs: np.ndarray
    mirror: np.ndarray
    landmarks: np.ndarray
    mediapipe: np.ndarray
    mediapipe_weights: np.ndarray
    mediapipe_scatter: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]

    @cached_property
    def corners(self) -> np.ndarray:
        """(f, 4) bool: which corners of ``faces`` there are."""
        return self.faces >= 0

    @cached_property
    def triangles(self) -> np.ndarray:
        """(t, 3) int32: the faces cut along a diagonal, the second halves after all first ones."""
        return _cut(self.faces, self.corners[:, 3])

    @cached_property
    def triangle_uvs(self) -> np.ndarray:
        """(t, 3, 2) float32: UVs of the triangles' corners."""
        return self.uvs[_cut(self.face_uvs, self.corners[:, 3])]

    @cached_property
    def triangle_materials(self) -> np.ndarray:
        """(t,) uint8."""
        return np.concatenate([self.materials, self.materials[self.corners[:, 3]]])

    @cached_property
    def edges(self) -> np.ndarray:
        """(e, 2) int32: each edge once, its lower vertex first."""
        following = np.where(
            self.corners[:, 3:], self.faces[:, [1, 2, 3, 0]], self.faces[:, [1, 2, 0, 3]]
        )
        pairs = np.stack([self.faces, following], axis=-1)[self.corners]
        return np.unique(np.sort(pairs, axis=1), axis=0)

    @cached_property
    def ears(self) -> np.ndarray:
        """(n,) bool."""
        x, y, z = self.vertices.T
        skin = np.arange(len(x)) < OUTER_END
        return skin & (np.abs(x) > 0.062) & (y > 0.05) & (z > -0.065) & (z < 0.02)

    @cached_property
    def may_have_hair(self) -> np.ndarray:
        """(n,) bool: the scalp, and what is beside the face's front."""
        place = np.arange(len(self.vertices))
        above = self.vertices[:, 2] > -0.06
        return (place >= FRONT_END) & (place < OUTER_END) & above & ~self.ears

    def at_mediapipe(self, values: np.ndarray) -> np.ndarray:
        """What is given per vertex, (n, c), at MediaPipe's landmarks, (468, c)."""
        return np.einsum("lk,lkc->lc", self.mediapipe_weights, values[self.mediapipe])


def normals_of(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals of vertices, (n, 3) float32, weighted by area."""
    first, second, third = (positions[triangles[:, corner]] for corner in range(3))
    areas = np.cross(second - first, third - first)
    normals = np.empty((len(positions), 3), np.float32)
    flat = triangles.ravel()
    for axis in range(3):
        normals[:, axis] = np.bincount(flat, np.repeat(areas[:, axis], 3), len(positions))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


@cache
def load_template() -> Template:
    """The template that comes with the extension."""
    with np.load(_PATH) as stored:
        arrays = {name: stored[name] for name in stored.files}
    step = np.float32(arrays.pop("step"))
    names = tuple(str(name) for name in arrays.pop("expression_names"))
    openness = arrays.pop("openness") / np.float32(255.0)
    modes = {kind: arrays.pop(kind) * step for kind in ("identity", "expression")}
    whole = {
        name: values.astype(np.int32)
        for name, values in arrays.items()
        if values.dtype.kind in "iu" and name != "materials"
    }
    return Template(**arrays | whole | modes, openness=openness, expression_names=names)


def _cut(quads: np.ndarray, is_quad: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, :3], quads[is_quad][:, [0, 2, 3]]])
