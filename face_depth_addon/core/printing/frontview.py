# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as it is seen from the front, without its flaws: outline, heights and colours.

Needs numpy only. Lengths are millimetres; x runs to the right, y away from the viewer, z up.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import MeshError
from ..masks import big_pieces
from .heightfield import (
    Raster,
    blur,
    ease,
    fit_planes,
    largest_around,
    rasterise,
    relax,
    without_gaps,
    without_holes,
)
from .sheets import triangulate

_MOST_POINTS = 4_000_000
_FEWEST_POINTS = 200
# Of the height: how far the outline is evened out, and the least in cells.
_EVEN, _EVEN_CELLS = 0.008, 2.0
# Of the height of what stands: cut off below, and looked at for the width of its foot.
_CUT, _FOOT = 0.01, 0.08
# Of the height: half the width of cuts that are closed.
_GAP = 0.012
_LOOK = 128
# Of the weight around a point, how much must be known for its slope to go on.
_TRUSTED = 0.1


@dataclass(frozen=True)
class Source:
    """The mesh to print, in any unit, facing -y.

    Attributes
    ----------
    positions : ndarray, (n, 3) float64
    triangles : ndarray, (m, 3) intp
    colours : ndarray, (n, k) float64
        sRGB from 0 to 1, or with k = 0 none.
    """

    positions: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray


@dataclass(frozen=True)
class View:
    """A mesh from the front.

    Attributes
    ----------
    raster : Raster
    level : ndarray, (rows, columns) float64
        0 along a smooth outline of one part without holes, up to 0.5 inside.
    front : ndarray, (rows, columns) float64
        y; it goes on beyond the outline.
    colours : ndarray, (rows, columns, k) float64
        They go on too.
    """

    raster: Raster
    level: np.ndarray
    front: np.ndarray
    colours: np.ndarray


def main_part(source: Source) -> Source:
    """The biggest part of a mesh and what lies before, behind and within it.

    Cuts as narrow as those that take rubber sheets out of a relief part nothing.
    """
    low, high = source.positions[:, ::2].min(axis=0), source.positions[:, ::2].max(axis=0)
    spacing = (high - low).max() / _LOOK
    across, up = ((high - low) / spacing).astype(int) + 2
    raster = Raster(*(low - spacing / 2.0), spacing, (up, across))
    covered = rasterise(source.positions, source.triangles, source.colours, raster).covered
    part = np.argwhere(big_pieces(without_gaps(covered, _gap(_LOOK))))
    if not len(part):
        return source
    first, last = (low + spacing * (edge[::-1] + shift)
                   for edge, shift in ((part.min(axis=0), -1.5), (part.max(axis=0), 0.5)))
    places = source.positions[:, ::2]
    inside = ((places >= first) & (places <= last)).all(axis=1)
    used, triangles = np.unique(
        source.triangles[inside[source.triangles].all(axis=1)], return_inverse=True
    )
    return Source(source.positions[used], triangles.reshape(-1, 3), source.colours[used])


def fitted(source: Source, size: float, spacing: float, standing: bool) -> View:
    """The mesh at the size asked for; what stands is cut flat below."""
    low, high = source.positions.min(axis=0), source.positions.max(axis=0)
    scale = size / (high - low)[2]
    width = scale * (high - low)[0]
    margin = int(3.0 * evenness(size, spacing)) + 3
    across = int(width / spacing) + 2 * margin + 2
    if standing:
        bottom, up = _CUT * size, int((1.0 - _CUT) * size / spacing) + margin + 2
    else:
        bottom, up = -margin * spacing, int(size / spacing) + 2 * margin + 2
    raster = Raster(-width / 2.0 - margin * spacing, bottom, spacing, (up, across))
    positions = scale * (source.positions - ((low + high)[0] / 2.0, 0.0, low[2]))
    seen = look(replace(source, positions=positions), raster, size, standing)
    rows = triangulate(seen.level, seen.front).lift(np.indices(raster.shape)[0].astype(float))
    factor = size / (np.ptp(rows) * spacing)
    raster = Raster(raster.left * factor, bottom * factor, spacing * factor, raster.shape)
    return replace(seen, raster=raster, front=seen.front * factor)


def look(source: Source, raster: Raster, size: float, standing: bool) -> View:
    """Outline, heights and colours of a mesh that is scaled and placed, without its flaws.

    Raises
    ------
    MeshError
    """
    points = raster.shape[0] * raster.shape[1]
    if points > _MOST_POINTS:
        raise MeshError(
            f"The print would have {points / 1e6:.0f} million points: choose a coarser detail "
            f"than {raster.spacing:.2g} mm, or a smaller size."
        )
    heights = rasterise(source.positions, source.triangles, source.colours, raster)
    part = big_pieces(without_gaps(heights.covered, _gap(size / raster.spacing)))
    if part.sum() < _FEWEST_POINTS:
        raise MeshError("The mesh is too small or too thin to be printed.")
    sigma = evenness(size, raster.spacing)
    level = _outline(part, sigma, standing)
    # What lies on the very border of a relief is its least reliable part.
    known = part & ~largest_around(~heights.covered, 1)
    front = _continued(np.where(known, heights.front, 0.0), known, level, sigma)
    colours = each_layer(lambda layer: relax(layer, known), heights.colours)
    return View(raster, level, front, colours)


def _continued(
    heights: np.ndarray, known: np.ndarray, level: np.ndarray, sigma: float
) -> np.ndarray:
    """Heights that go on beyond what is known, even along the outline and smooth over holes."""
    planes, share = fit_planes(heights, known, sigma)
    near = share > _TRUSTED
    heights = relax(np.where(known, heights, planes), known | near)
    even = np.where(near, planes, blur(heights, sigma))
    return even + ease(level) * (heights - even)


def _gap(cells: float) -> int:
    return max(1, round(_GAP * cells))


def evenness(size: float, spacing: float) -> float:
    """How far the outline is evened out, in cells."""
    return max(_EVEN * size / spacing, _EVEN_CELLS)


def each_layer(change: Callable[[np.ndarray], np.ndarray], layers: np.ndarray) -> np.ndarray:
    """A function of maps, for each of (rows, columns, k)."""
    changed = [change(layer) for layer in np.moveaxis(layers, -1, 0)]
    return np.stack(changed, axis=-1) if changed else layers


def _outline(part: np.ndarray, sigma: float, standing: bool) -> np.ndarray:
    """A level that is 0 along a smooth outline of one part without holes, up to 0.5 inside."""
    solid = without_holes(part)
    if standing:
        solid = _with_foot(solid)
    level = blur(solid.astype(float), sigma) - 0.5
    clean = without_holes(big_pieces(level > 0.0))
    return np.where(clean, np.maximum(level, 1e-6), np.minimum(level, -1e-6))


def _with_foot(solid: np.ndarray) -> np.ndarray:
    """A mask that goes straight down to the ground from as wide as it is a little above."""
    height = np.flatnonzero(solid.any(axis=1)).max() + 1
    columns = np.flatnonzero(solid[: max(int(_FOOT * height), 1)].any(axis=0))
    foot = slice(columns[0], columns[-1] + 1)
    standing = solid.copy()
    above = np.logical_or.accumulate(solid[:, foot], axis=0)
    standing[:, foot] |= ~above & solid[:, foot].any(axis=0)
    return standing
