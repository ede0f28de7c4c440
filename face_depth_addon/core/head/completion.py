# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a relief of a turned head the side that the photo hides."""

from dataclasses import dataclass

import numpy as np

from ..relief.grid import quad_corners, round_border, tidy_cells, used_vertices
from .chart import HeadChart, rasterise
from .mirror_blend import blend_with_mirror, own_weight, whole
from .plane_fit import refine_plane
from .symmetry import MirrorPlane, mirror_plane
from .visibility import (
    TRUSTED,
    cosines,
    edge_length,
    face_edges,
    face_normals,
    facing_camera,
    lowest,
    nearest,
    vertex_trust,
)

# Degrees from the line of sight beyond which a surface is a sheet that bridges an edge, and from
# its ray beyond which it is an overhang.
_SHEET, _OVERHANG = 82.0, 86.0


@dataclass(frozen=True)
class HeadMaps:
    """What a head's chart has in each cell, for its texture.

    Attributes
    ----------
    places : (H, W, 2) float32 array
        UV coordinates that the relief has there; NaN where it is not.
    own : (H, W) bool array
        Where the relief counts.
    seen : (H, W) float32 array
        Its share, 0 to 1; the rest is the mirror image's.
    shift : (H, W, C) float32 array
        What the mirror image's colours are changed by, in bytes.
    """

    places: np.ndarray
    own: np.ndarray
    seen: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True)
class CompletedHead:
    """A quad mesh of what is seen of a head and of its mirror image.

    Attributes
    ----------
    positions : (n, 3) float32 array
        In the frame of the relief, metres.
    faces : (q, 4) int32 array
        Wound anticlockwise as seen from outside.
    colours : (n, C) uint8 array
    uvs : (n, 2) float32 array
        Place on the chart, which is the texture's: (0, 0) at its lower left.
    seen : (n,) float32 array
        Share of the photo's own surface, 0 to 1; the rest is the mirror image's.
    plane : MirrorPlane
    chart : HeadChart
        Says of any point about the head where in the texture it lies.
    maps : HeadMaps
    """

    positions: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    uvs: np.ndarray
    seen: np.ndarray
    plane: MirrorPlane
    chart: HeadChart
    maps: HeadMaps


def complete_head(
    positions: np.ndarray,
    faces: np.ndarray,
    colours: np.ndarray,
    uvs: np.ndarray,
    landmarks: np.ndarray,
    viewpoint: np.ndarray | None = None,
) -> CompletedHead:
    """Give a relief of a turned head the side that the photo hides, as its mirror image.

    What is trusted stays. Elsewhere the mirror image comes in, moved along the rays of the
    head's chart by its smoothed difference from the relief where both are known, which goes on
    evenly from there: the seam has no step, and the far side keeps its shape. Colours likewise.
    Sheets give way to a smooth fill. The mesh is as dense as the relief and ends a little below
    the chin, since a body does not share the head's plane of symmetry.

    Parameters
    ----------
    positions : (V, 3) float array
        In metres, in Blender's axes.
    faces : (F, 3) or (F, 4) int array
        Wound anticlockwise as seen by the camera.
    colours : (V, C) uint8 array
    uvs : (V, 2) float array
        Place in the photo's crop.
    landmarks : (468, 3) float array
        On the relief.
    viewpoint : (3,) float array, optional
        Where the camera stands; None for a camera far away at -Y.

    Returns
    -------
    CompletedHead

    Raises
    ------
    MeshError
        Too little of the face is seen on both sides.
    """
    trust = vertex_trust(positions, faces, viewpoint)
    plane = mirror_plane(landmarks, trust[nearest(positions, landmarks)])
    plane = refine_plane(plane, positions, faces, trust, landmarks, viewpoint)
    spacing = edge_length(positions, face_edges(faces, len(positions))[0])
    chart = HeadChart.of_head(plane, landmarks, spacing)

    faces, rank = _ranked(chart, positions, faces, trust, viewpoint)
    values = np.column_stack([chart.radii(positions), colours, trust, uvs])
    layers, drawn = rasterise(chart, positions, faces, rank, values)
    weight = own_weight(layers[..., -3], drawn, chart.facing(viewpoint), spacing)
    seen, blended, carried = blend_with_mirror(layers[..., :-3], weight, spacing)
    maps = HeadMaps(layers[..., -2:], weight > 0.0, seen, carried[..., 1:])
    known = whole((drawn >= 0) | (drawn >= 0)[:, ::-1], spacing)
    return _quads(chart, plane, known, blended, maps)


def _ranked(
    chart: HeadChart, positions: np.ndarray, faces: np.ndarray, trust: np.ndarray,
    viewpoint: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Faces of the head, and which count: 0 sheets and overhangs, 1 what is fair, 2 trusted."""
    normals, middles = face_normals(positions, faces), positions[faces].mean(axis=1)
    facing = facing_camera(normals, middles, viewpoint)
    outwards = cosines(normals, chart.directions(middles))
    fair = (facing > np.cos(np.radians(_SHEET))) & (outwards > np.cos(np.radians(_OVERHANG)))
    rank = np.where(fair, 1 + (lowest(trust, faces) > TRUSTED), 0)
    # Down there nothing of a head shows its inside to the rays, but shoulders and collars do.
    head = (outwards > 0.0) | (chart.above_nape(middles))
    return faces[head], rank[head]


def _quads(
    chart: HeadChart, plane: MirrorPlane, known: np.ndarray, blended: np.ndarray, maps: HeadMaps
) -> CompletedHead:
    """Mesh of the chart's cells whose four corners are known."""
    cells = tidy_cells(known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:])
    used = used_vertices(cells)
    number = np.cumsum(used.ravel(), dtype=np.int32).reshape(used.shape) - 1
    positions = chart.points(blended[..., 0])[used]
    colours = np.clip(blended[..., 1:][used] + 0.5, 0, 255).astype(np.uint8)
    uvs = chart.uvs(np.argwhere(used)[:, ::-1])
    faces = quad_corners(number, cells).reshape(-1, 4)
    edges, counts = face_edges(faces, len(positions))
    round_border(positions, edges[counts == 1])
    return CompletedHead(
        positions.astype(np.float32), faces, colours, uvs, maps.seen[used], plane, chart, maps
    )
