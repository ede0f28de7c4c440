# SPDX-License-Identifier: GPL-3.0-or-later
"""The template head laid onto what a photo shows. Needs numpy only.

First its pose, identity and expression are fitted (`wrap_model`), then its skin is drawn to the
surface (`wrap_surface`).
"""

from dataclasses import dataclass

import numpy as np

from ..errors import MeshError
from ..reconstruction import Reconstruction
from ..relief.shaping import Shape, Viewpoint, photo_viewpoint
from .template import SKIN_END, Template, load_template, normals_of
from .wrap_model import HeadModel, fit_model
from .wrap_surface import BEHIND, FACING, depth_behind_itself, follow_surface
from .wrap_target import Target, landmark_points

# Of the template, that a face may be.
_SMALLEST, _LARGEST = 0.3, 3.0
# Metres from the surface up to which a vertex is what the photo shows there, and behind the lids up
# to which an eyeball is; cosine to the line of sight from which on a vertex is shown wholly.
_SHOWN, _EYE_BEHIND, _WHOLLY = 0.004, 0.0015, 0.5


@dataclass(frozen=True, eq=False)
class FittedHead:
    """The template with a person's shape.

    Attributes
    ----------
    template : Template
        Faces, UVs and landmarks; they are the same for every photo.
    positions : ndarray, (n, 3) float32
        In the frame of the mesh, metres.
    visibility : ndarray, (n,) float32
        1 where the photo shows the vertex, 0 where its place is a guess.
    in_crop : ndarray, (n, 2) float32
        Where the photo shows it, or would: crop's sides, (0, 0) at the upper left.
    model : HeadModel
        Pose and shape before the surface was followed.
    """

    template: Template
    positions: np.ndarray
    visibility: np.ndarray
    in_crop: np.ndarray
    model: HeadModel

    @property
    def landmarks(self) -> np.ndarray:
        """(68, 3) float32: the landmarks in iBUG's order."""
        return self.positions[self.template.landmarks]


def fit_template(
    reconstruction: Reconstruction, shape: Shape | None = None,
    viewpoint: Viewpoint | None = None,
) -> FittedHead:
    """Lay the template head onto a reconstruction.

    Parameters
    ----------
    reconstruction : Reconstruction
        With landmarks.
    shape : Shape or None
        That of the mesh to follow, which smoothing, feather and detail leave as it is; None for a
        relief that is true to the photo. The head comes out truest in perspective.
    viewpoint : Viewpoint or None
        None for where the photo says that the camera stood.

    Returns
    -------
    FittedHead
        Eyes, neck and back of the head included, whatever the photo shows.

    Raises
    ------
    MeshError
        The reconstruction has no face.
    """
    if reconstruction.landmarks is None:
        raise MeshError(
            "The head can only be wrapped onto a face, and this mesh was made without one: "
            "reconstruct the photo with a face chosen."
        )
    template = load_template()
    viewpoint = viewpoint or photo_viewpoint(reconstruction)
    target = Target.of(reconstruction, shape or Shape(), viewpoint)
    landmarks = landmark_points(reconstruction, target)
    model = fit_model(template, target, landmarks)
    if not _SMALLEST < model.scale < _LARGEST:
        raise MeshError(
            "The landmarks of this mesh do not form a face that a head could be wrapped onto: "
            "reconstruct the photo with another face chosen."
        )
    positions = follow_surface(template, model, target, landmarks)
    return FittedHead(
        template, positions.astype(np.float32),
        _visibility(template, target, positions).astype(np.float32),
        target.in_crop(positions).astype(np.float32), model,
    )


def _visibility(template: Template, target: Target, positions: np.ndarray) -> np.ndarray:
    """How far the photo shows each vertex, 0 to 1: (n,)."""
    normals = normals_of(positions, template.triangles)
    points, _, valid = target.at(target.in_crop(positions))
    sight = target.sight(positions)
    facing = (normals * sight).sum(axis=1)
    apart = np.linalg.norm(points - positions, axis=1)
    behind = np.where(np.arange(len(positions)) < SKIN_END, BEHIND, _EYE_BEHIND)
    shown = valid & (depth_behind_itself(target, positions, template.triangles) < behind)
    near = 1.0 / (1.0 + (apart / _SHOWN) ** 4)
    return shown * near * np.clip((facing - FACING) / (_WHOLLY - FACING), 0.0, 1.0)
