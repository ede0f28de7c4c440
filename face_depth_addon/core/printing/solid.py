# SPDX-License-Identifier: GPL-3.0-or-later
"""From a relief to a closed body that can be printed. Needs numpy only.

Bodies are built between heights over one upright grid, so that no surface can cross another.
Lengths are millimetres; x runs to the right, y away from the viewer, z up.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import MeshError
from ..polygons.meshfilter import area_vectors
from .bust import Shell, hollow, rounded_back
from .frontview import Source, each_layer, evenness, fitted, look, main_part
from .heightfield import Raster, relax
from .medal import bas_relief, enclosing_circle
from .sheets import Region, flat_triangles, rim, triangulate, walls

PrintKind = Literal["RELIEF", "BUST", "SOLID"]
PlateForm = Literal["RECTANGLE", "ROUND"]

# Of the area that is seen from the front, at least so much of a relief faces the viewer.
_FACING, _LEAST_SEEN = 0.5, 0.2
_ASLANT = 1.5
_NAMES = {
    "size": "size", "base": "base thickness", "relief": "relief", "wall": "wall thickness",
    "hole": "hole", "spacing": "detail",
}


@dataclass(frozen=True)
class PrintSettings:
    """What is to be printed; lengths in millimetres.

    Attributes
    ----------
    kind : str
        ``RELIEF`` is a plate, ``BUST`` a hollow body that stands, ``SOLID`` a body with a flat
        back.
    size : float
        Height of the whole.
    base : float
        Thickness of the plate, of the bust's floor, or of a solid at its farthest point.
    plate : str
        ``RECTANGLE`` or ``ROUND``.
    border : float
        Free width around the relief.
    relief : float
        Height of the relief above the plate.
    wall : float
        Least thickness of the bust.
    hole : float
        Diameter of the hole in the bust's floor; less if there is no room.
    spacing : float
        Distance between the points of the surface.
    """

    kind: PrintKind = "RELIEF"
    size: float = 100.0
    base: float = 3.0
    plate: PlateForm = "RECTANGLE"
    border: float = 5.0
    relief: float = 5.0
    wall: float = 2.0
    hole: float = 15.0
    spacing: float = 0.25


@dataclass(frozen=True)
class Body:
    """A closed body of triangles, wound anticlockwise as seen from outside.

    It stands on z = 0, its middle at x = y = 0.

    Attributes
    ----------
    positions : ndarray, (n, 3) float64
    triangles : ndarray, (m, 3) intp
    colours : ndarray, (n, k) float64
    rounded : ndarray, (m,) bool
        Triangles of curved surfaces; the others are of planes and walls.
    """

    positions: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray
    rounded: np.ndarray


@dataclass(frozen=True)
class Hints:
    """What a printer asks of a body.

    Attributes
    ----------
    size : ndarray, (3,) float64
        Width, depth and height in mm.
    volume : float
        In cubic centimetres.
    standing, lying : float
        Share of the surface that hangs over by more than 45 degrees, as the body stands and when
        it lies on its back. What rests on the printer's bed does not count.
    """

    size: np.ndarray
    volume: float
    standing: float
    lying: float


def make_body(source: Source, settings: PrintSettings) -> Body:
    """A closed body from a relief.

    Holes in the mesh are filled, its outline is evened out, and only its biggest part is taken.

    Parameters
    ----------
    source : Source
        Of a mesh that has a back too, plates and solids take the front only.
    settings : PrintSettings

    Raises
    ------
    MeshError
        The lengths do not fit one another, or the mesh is no relief.
    """
    _check(settings)
    two_sided = _is_two_sided(source)
    source = main_part(source)
    if settings.kind == "RELIEF":
        return _plate(source, settings)
    if settings.kind == "SOLID":
        return _flat_backed(source, settings)
    return _bust(source, settings, two_sided)


def measure(body: Body) -> Hints:
    """Size, volume and overhang of a body.

    Parameters
    ----------
    body : Body
    """
    areas = area_vectors(body.positions.T, body.triangles.T)
    volume = (body.positions[body.triangles[:, 0]].T * areas).sum() / 3.0
    standing, lying = (
        _overhang(body, areas, np.array(down)) for down in ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
    )
    return Hints(np.ptp(body.positions, axis=0), float(volume) / 1000.0, standing, lying)


def _overhang(body: Body, areas: np.ndarray, down: np.ndarray) -> float:
    depth = body.positions @ down
    on_bed = (depth[body.triangles] > depth.max() - 1e-6 * np.ptp(depth)).all(axis=1)
    size = np.sqrt((areas**2).sum(axis=0))
    hanging = (down @ areas > np.sqrt(0.5) * size) & ~on_bed
    return float(size[hanging].sum() / size.sum())


def _check(settings: PrintSettings) -> None:
    for name, words in _NAMES.items():
        value = getattr(settings, name)
        if not (np.isfinite(value) and value > 0.0):
            raise MeshError(f"The {words} must be more than 0 mm, not {value:g} mm.")
    size, half = settings.size, settings.size / 2.0
    if settings.kind == "RELIEF" and not 0.0 <= settings.border < half:
        raise MeshError(
            f"A border of {settings.border:g} mm leaves no room for a relief on a plate of "
            f"{size:g} mm: choose less than {half:g} mm."
        )
    if settings.kind == "BUST" and settings.wall >= half:
        raise MeshError(
            f"Walls of {settings.wall:g} mm leave nothing hollow in a bust of {size:g} mm: "
            f"choose less than {half:g} mm."
        )
    if settings.spacing > size / 20.0:
        raise MeshError(
            f"A detail of {settings.spacing:g} mm is too coarse for a print of {size:g} mm: "
            f"choose {size / 20.0:g} mm or less."
        )


def _is_two_sided(source: Source) -> bool:
    """Whether the mesh has a back of its own.

    Raises
    ------
    MeshError
        It is no relief that faces the viewer, and no closed body either.
    """
    areas = area_vectors(source.positions.T, source.triangles.T)
    seen = np.abs(areas[1]).sum()
    if not seen > _LEAST_SEEN * np.sqrt((areas**2).sum(axis=0)).sum():
        raise MeshError("The mesh is no relief: turn it so that it faces -Y in its own space.")
    facing = -areas[1].sum() / seen
    if facing < -_FACING:
        raise MeshError(
            "The mesh faces away: turn it so that it faces -Y in its own space, or flip its faces."
        )
    return facing < _FACING


def _plate(source: Source, settings: PrintSettings) -> Body:
    """The relief and its border on a plate."""
    cells = round(settings.size / settings.spacing)
    spacing = settings.size / cells
    across = cells
    room = settings.size - 2.0 * settings.border
    low, high = source.positions.min(axis=0), source.positions.max(axis=0)
    if settings.plate == "ROUND":
        # A line of the grid runs through the middle, so that the plate's top lies on the outline.
        cells = across = cells + cells % 2 + 2
        middle, radius = enclosing_circle(source.positions[:, ::2])
        scale = room / (2.0 * radius)
    else:
        middle, scale = (low + high)[::2] / 2.0, room / (high - low)[2]
        across = round((scale * (high - low)[0] + 2.0 * settings.border) / spacing)
    raster = Raster(-across * spacing / 2, -cells * spacing / 2, spacing, (cells + 1, across + 1))
    positions = scale * (source.positions - (middle[0], 0.0, middle[1]))
    seen = look(replace(source, positions=positions), raster, settings.size, standing=False)
    height = settings.relief * bas_relief(-seen.front, seen.level, spacing)
    colours = np.where(seen.level[..., None] > 0.0, seen.colours, 1.0)

    radii = np.hypot(raster.x, raster.z[:, None])
    is_round = settings.plate == "ROUND"
    region = triangulate(settings.size / 2 - radii if is_round else np.ones_like(radii), height)
    front = _lifted(region, raster, -height)
    if is_round:
        edge = front[region.on_outline]
        stretch = settings.size / 2 / np.hypot(edge[:, 0], edge[:, 2])
        front[region.on_outline] = edge * np.column_stack([stretch, np.ones(len(edge)), stretch])
    return _closed_flat(region, front, settings.base, colours, raster)


def _flat_backed(source: Source, settings: PrintSettings) -> Body:
    """The relief, straight walls, and a flat back."""
    seen = fitted(source, settings.size, settings.spacing, standing=False)
    region = triangulate(seen.level, seen.front)
    front = _lifted(region, seen.raster, seen.front)
    back = front[:, 1].max() + settings.base
    return _closed_flat(region, front, back, seen.colours, seen.raster)


def _bust(source: Source, settings: PrintSettings, two_sided: bool) -> Body:
    """The relief with a back, hollow, on a flat floor with a hole in it."""
    seen = fitted(source, settings.size, settings.spacing, standing=True)
    # Along y; a wall aslant is thinner.
    least = _ASLANT * settings.wall
    if two_sided:
        turned = replace(source, positions=source.positions * (1.0, -1.0, 1.0))
        behind = fitted(turned, settings.size, settings.spacing, standing=True)
        back = np.maximum(-behind.front, seen.front + least)
        back_colours = behind.colours
    else:
        spacing = seen.raster.spacing
        sigma = evenness(settings.size, spacing)
        back = rounded_back(seen.front, seen.level, spacing, sigma, least)
        back_colours = each_layer(lambda layer: relax(layer, seen.level <= 0.0), seen.colours)
    shell = Shell(seen.raster, seen.level, seen.front, back, seen.colours, back_colours)
    return _placed(*hollow(shell, settings.wall, settings.base, settings.hole))


def _lifted(region: Region, raster: Raster, heights: np.ndarray) -> np.ndarray:
    """Vertices of a region at given heights: (n, 3)."""
    x, z = (region.lift(np.broadcast_to(places, raster.shape))
            for places in (raster.x, raster.z[:, None]))
    return np.column_stack([x, region.lift(heights), z])


def _closed_flat(
    region: Region, front: np.ndarray, back: float, colours: np.ndarray, raster: Raster
) -> Body:
    """A body from its front straight back to a plane."""
    count = len(front)
    flat, middles = flat_triangles(region, count)
    behind = front * (1.0, 0.0, 1.0) + (0.0, back, 0.0)
    row, column = middles.T.astype(int)
    within = np.column_stack([raster.x[column], np.full(len(row), back), raster.z[row]])
    edges = rim(region.triangles)
    sides = walls(edges, edges + count)
    triangles = np.concatenate([region.triangles, flat[:, ::-1] + count, sides])
    painted = region.lift(colours)
    return _placed(
        np.concatenate([front, behind, within]), triangles,
        np.concatenate([painted, painted, colours[row, column]]),
        np.arange(len(triangles)) < len(region.triangles),
    )


def _placed(
    positions: np.ndarray, triangles: np.ndarray, colours: np.ndarray, rounded: np.ndarray
) -> Body:
    """A body of the vertices that are used, on the ground in the middle."""
    used, triangles = np.unique(triangles, return_inverse=True)
    positions = positions[used]
    low, high = positions.min(axis=0), positions.max(axis=0)
    ground = np.append((low + high)[:2] / 2.0, low[2])
    return Body(positions - ground, triangles.reshape(-1, 3), colours[used], rounded)
