# SPDX-License-Identifier: GPL-3.0-or-later
"""From a reconstruction to the mesh that is asked for."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import MeshError
from ..face.regions import Region, region_mask
from ..masks import big_pieces, grown, opened
from ..reconstruction import Reconstruction
from .limits import SHEET_ANGLE
from .shaping import Layers, Shape, Viewpoint, depth_span, displace, photo_viewpoint, soften
from .surface import SurfaceMesh

Topology = Literal["GRID", "ADAPTIVE"]

# Parts that a cut leaves smaller than this, as a share of the biggest, are dropped.
_LEAST_PART = 0.02
# A sheet of rubber is at least so wide, in sides of the crop; what is narrower is a nostril.
_LEAST_CUT = 1 / 250


@dataclass(frozen=True)
class Layout:
    """Which part becomes a mesh, and of which faces.

    Attributes
    ----------
    topology : str
        ``GRID`` is of even squares; ``ADAPTIVE`` is dense at eyes, nose and mouth.
    resolution : int
        Vertices along the longest side of a grid.
    budget : int
        Vertices of an adaptive mesh.
    region : str
        As in `core.face.regions.region_mask`.
    max_angle : float
        Where the relief is steeper than this, in radians to the picture's plane, the mesh is cut
        open; a right angle cuts nothing.
    """

    topology: Topology = "GRID"
    resolution: int = 512
    budget: int = 20000
    region: Region = "BUST"
    max_angle: float = SHEET_ANGLE


def build_surface(
    reconstruction: Reconstruction, layout: Layout, shape: Shape,
    viewpoint: Viewpoint | None = None,
) -> SurfaceMesh:
    """Arrays of the mesh.

    Parameters
    ----------
    reconstruction : Reconstruction
    layout : Layout
    shape : Shape
    viewpoint : Viewpoint or None
        None for where the photo says that the camera stood.

    Raises
    ------
    MeshError
        Nothing is left, or the budget is too small.
    """
    part = replace(reconstruction, subject=meshed_part(reconstruction, layout))
    if layout.topology == "GRID":
        from .grid import build_grid

        surface = build_grid(part, layout.resolution)
    else:
        from .adaptive import build_adaptive

        surface = build_adaptive(part, part.landmarks, layout.budget)
    if shape == Shape() and reconstruction.detail is None:
        return surface
    viewpoint = viewpoint or photo_viewpoint(reconstruction)
    layers = Layers()
    if shape.smoothing > 0.0 or shape.feather > 0.0 or reconstruction.detail is not None:
        from .layers import layers_at

        layers = layers_at(reconstruction, part.subject, surface.plane, shape)
    span = depth_span(reconstruction)
    depth = soften(surface.depth, layers, span, shape)
    return replace(
        surface, layers=layers, positions=displace(surface.plane, depth, span, shape, viewpoint)
    )


def meshed_part(reconstruction: Reconstruction, layout: Layout) -> np.ndarray:
    """The pixels that a layout makes a mesh of: (S, S) bool.

    Raises
    ------
    MeshError
        There are none.
    """
    mask = region_mask(reconstruction.subject, reconstruction.landmarks, layout.region)
    if layout.max_angle < np.pi / 2:
        mask = _without_sheets(reconstruction, mask, layout.max_angle)
    if not mask.any():
        raise MeshError("Nothing of the subject is left: raise the cut's angle.")
    return mask


def _without_sheets(
    reconstruction: Reconstruction, mask: np.ndarray, max_angle: float
) -> np.ndarray:
    """A mask without what is too steep, and without the crumbs that this leaves."""
    size = reconstruction.size
    per_pixel = reconstruction.crop.side / size
    down, across = np.gradient(reconstruction.depth / np.float32(per_pixel))
    steep = np.hypot(down, across) > np.tan(max_angle)
    if not steep.any():
        return mask
    radius = max(1, round(_LEAST_CUT * size / 2))
    return big_pieces(mask & ~grown(opened(steep, radius), radius), _LEAST_PART)
