# SPDX-License-Identifier: GPL-3.0-or-later
"""Hollow bodies between two maps of heights over one grid. Needs numpy only.

Lengths are millimetres; row 0 is the floor.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import MeshError
from .heightfield import BLUR_REACH, Raster, blur, largest_around, part_at, relax
from .sheets import Region, rim, triangulate, walls

# Level at the outline's own width, see `frontview`: cells from the outline for each unit.
_CELLS_PER_LEVEL = np.sqrt(2.0 * np.pi)
_NEAR, _FAR = 0.3, 0.45
# Of the body's height: how far its back bulges at most.
_DEEPEST = 0.3
# And: how far around a point its widest place is looked for. Of the outline, how much counts.
_AROUND, _FARTHEST = 0.12, 0.95
# The cavity ends where it is narrower than this, in mm; so wide is the smallest hole.
_NARROW, _LEAST_HOLE = 1.0, 2.0
_STEPS_AT_ONCE = 8


@dataclass(frozen=True)
class Shell:
    """The outside of a body that stands on row 0.

    Attributes
    ----------
    raster : Raster
    level : ndarray, (rows, columns) float64
        Above zero inside the body's outline.
    front, back : ndarray, (rows, columns) float64
        y of its surfaces; walls lead from the one to the other along the outline.
    front_colours, back_colours : ndarray, (rows, columns, k) float64
    """

    raster: Raster
    level: np.ndarray
    front: np.ndarray
    back: np.ndarray
    front_colours: np.ndarray
    back_colours: np.ndarray


def rounded_back(
    front: np.ndarray, level: np.ndarray, spacing: float, sigma: float, least: float
) -> np.ndarray:
    """The back of a head of which the front is known.

    From the outline, walls lead back to where the head is widest, which is taken from the
    farthest points of the outline nearby. Behind that it bulges like the square root of a
    solution of Poisson's equation: that is a half sphere behind a disc, and half an ellipsoid
    behind an ellipse.

    Parameters
    ----------
    front : ndarray, (rows, columns) float64
    level : ndarray, (rows, columns) float64
        A mask less 0.5, blurred.
    spacing : float
    sigma : float
        Of that blur, in cells.
    least : float
        How far the back lies behind the front at least.

    Returns
    -------
    ndarray, (rows, columns) float64
        Next to the outline, where the walls end.
    """
    inside = level > 0.0
    height = np.flatnonzero(inside.any(axis=1)).max()
    squared = relax(np.zeros_like(front), ~inside, 4.0 * spacing**2)
    # By the grid's points alone the outline would be a staircase.
    distance = np.maximum(level, 1e-6) * _CELLS_PER_LEVEL * sigma * spacing
    ring = (level > _NEAR) & (level < _FAR)
    if ring.any():
        rise = relax(squared / distance, ring)
        squared = np.where(level > _NEAR, squared, np.maximum(rise, 0.0) * distance)
    deepest = _DEEPEST * spacing * height
    bulge = deepest * np.tanh(np.sqrt(np.maximum(squared, 0.0)) / deepest)
    back = _widest(front, inside, height) + np.where(inside, bulge, 0.0)
    # Where the front lies farther back, the back gives way around it, not at that point alone.
    reach = int(_AROUND * height)
    short = np.maximum(front + least - back, 0.0)
    given = largest_around(np.where(largest_around(inside, 1), short, 0.0), reach)
    return back + blur(given, reach / BLUR_REACH)


def _widest(front: np.ndarray, inside: np.ndarray, height: float) -> np.ndarray:
    """A smooth surface through the farthest points of the outline, but no single ones."""
    rim = largest_around(inside, 1) & ~inside
    limit = np.quantile(front[rim], _FARTHEST)
    reach = int(_AROUND * height)
    farthest = largest_around(np.where(rim, np.minimum(front, limit), -np.inf), reach)
    return blur(relax(np.where(rim, farthest, 0.0), rim), reach)


def hollow(
    shell: Shell, wall: float, base: float, hole: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A shell of a thickness with a flat floor and a round hole through it.

    The inside is what a ball of that radius reaches without touching the outside.

    Parameters
    ----------
    shell : Shell
    wall, base, hole : float
        Least thickness of the walls and of the floor, greatest diameter of the hole.

    Returns
    -------
    positions : ndarray, (n, 3) float64
    triangles : ndarray, (m, 3) intp
    colours : ndarray, (n, k) float64
    rounded : ndarray, (m,) bool
        False for the floor's underside.

    Raises
    ------
    MeshError
        There is no room inside.
    """
    region = triangulate(shell.level, shell.front)
    count = len(region.first)
    behind = np.arange(count, 2 * count)
    outside = _Sheets(region, region.lift(shell.front), region.lift(shell.back), behind)
    cavity = _cavity(shell, wall, base, hole)
    on_floor = np.zeros(count, bool)
    on_floor[region.lowest_row()] = True
    edges = rim(region.triangles)
    edges = edges[~on_floor[edges].all(axis=1)]
    parts = [
        *outside.triangles, walls(edges, behind[edges]),
        *(sheet[:, ::-1] + 2 * count for sheet in cavity.triangles),
        _floor(outside, cavity, 2 * count),
    ]
    triangles = np.concatenate(parts)
    positions = np.concatenate([sheets.positions(shell.raster) for sheets in (outside, cavity)])
    plain = np.ones((len(positions) - 2 * count, shell.front_colours.shape[2]))
    colours = [region.lift(shell.front_colours), region.lift(shell.back_colours), plain]
    flat = np.arange(len(triangles)) >= len(triangles) - len(parts[-1])
    return positions, triangles, np.concatenate(colours), ~flat


@dataclass(frozen=True)
class _Sheets:
    """Two surfaces over a region.

    Attributes
    ----------
    region : Region
    front, back : ndarray, (n,) float64
        y of the region's vertices.
    behind : ndarray, (n,) intp
        The vertex behind each one in front: itself where the surfaces meet, else n and more.
    """

    region: Region
    front: np.ndarray
    back: np.ndarray
    behind: np.ndarray

    def positions(self, raster: Raster) -> np.ndarray:
        """(2 n, 3): the vertices in front, then those behind."""
        x, z = (self.region.lift(np.broadcast_to(places, raster.shape))
                for places in (raster.x, raster.z[:, None]))
        return np.concatenate([np.column_stack([x, y, z]) for y in (self.front, self.back)])

    @property
    def triangles(self) -> tuple[np.ndarray, np.ndarray]:
        """In front, facing -y, and behind, facing y."""
        return self.region.triangles, self.behind[self.region.triangles[:, ::-1]]


def _cavity(shell: Shell, wall: float, base: float, hole: float) -> _Sheets:
    """The inside: what the walls leave, and below it the hole."""
    spacing = shell.raster.spacing
    # Heights between the grid's points are known to a cell's diagonal.
    reach = wall + np.sqrt(2.0) * spacing
    middle = (shell.front + shell.back) / 2.0
    front, back = (
        np.where(shell.level > 0.0, heights, middle) for heights in (shell.front, shell.back)
    )
    front, back = _swollen(front, reach, spacing), -_swollen(-back, reach, spacing)
    level = back - front - _NARROW
    first = int(np.ceil(base / spacing - 1e-6))
    if not level[first + 1 :].max(initial=-1.0) > 0.0:
        raise MeshError(
            f"Walls of {wall:g} mm leave nothing hollow: choose thinner walls or a larger size."
        )
    foot = slice(0, first + 2)
    column, y, radius = _place_for_hole(
        front[foot].max(axis=0), back[foot].min(axis=0), shell.raster.x
    )
    radius = min(hole / 2.0, radius - spacing)
    if radius < max(_LEAST_HOLE / 2.0, 2.0 * spacing):
        raise MeshError(
            "There is no room for a hole in the floor: choose thinner walls or a larger size."
        )
    level[: first + 1] = -1.0
    level[~part_at(level > 0.0, first + 1, column)] = -1.0
    offset = shell.raster.x - shell.raster.x[column]
    level[: first + 1] = radius - np.abs(offset)
    half = np.sqrt(np.maximum(radius**2 - offset**2, 0.0))
    front[: first + 1], back[: first + 1] = y - half, y + half

    region = triangulate(level, front)
    # The sheets meet at the outline, at the height of the point of the grid that is inside.
    inner = np.where(level.ravel()[region.first] > 0.0, region.first, region.second)
    front, back = (
        np.where(region.on_outline, ((front + back) / 2.0).ravel()[inner],
                 heights.ravel()[region.first])
        for heights in (front, back)
    )
    count = len(front)
    return _Sheets(region, front, back, np.arange(count) + np.where(region.on_outline, 0, count))


def _swollen(heights: np.ndarray, radius: float, spacing: float) -> np.ndarray:
    """Heights raised to what a ball that rolls over them reaches with its centre.

    Large balls roll over what smaller ones have reached: balls add up.
    """
    rounds = int(np.ceil(radius / spacing / _STEPS_AT_ONCE))
    radius = radius / rounds
    reach = int(radius / spacing)
    steps = np.arange(-reach, reach + 1)
    room = radius**2 - spacing**2 * (steps[:, None] ** 2 + steps**2)
    for _ in range(rounds):
        padded = np.pad(heights, reach, mode="edge")
        raised = np.full_like(heights, -np.inf)
        for row, column in np.argwhere(room >= 0.0):
            view = padded[row : row + heights.shape[0], column : column + heights.shape[1]]
            np.maximum(raised, view + np.sqrt(room[row, column]), out=raised)
        heights = raised
    return heights


def _place_for_hole(
    front: np.ndarray, back: np.ndarray, x: np.ndarray
) -> tuple[int, float, float]:
    """Column and y of the middle of the largest circle between two rows, and its radius."""
    middle = (front + back) / 2.0
    is_open = back - front > _NARROW
    rim_y = np.concatenate([np.where(is_open, side, middle) for side in (front, back)])
    gaps = np.hypot(np.tile(x, 2) - x[:, None], rim_y - middle[:, None]).min(axis=1)
    column = int(np.where(is_open, gaps, 0.0).argmax())
    return column, float(middle[column]), float(gaps[column])


def _floor(outside: _Sheets, cavity: _Sheets, count: int) -> np.ndarray:
    """Triangles of the underside, between the outline on row 0 and the hole, facing -z.

    Parameters
    ----------
    outside, cavity : _Sheets
    count : int
        What is added to the cavity's numbers.
    """
    row, ring = outside.region.lowest_row(), cavity.region.lowest_row()
    front, back = row, outside.behind[row]
    near, far = ring + count, cavity.behind[ring] + count
    # The ring's ends lie between columns; its first whole column is the outside's `start`.
    start = int(np.flatnonzero(outside.region.first[row] == cavity.region.first[ring[1]])[0])
    stop = start + len(ring) - 2
    left, middle, right = slice(0, start), slice(start - 1, stop + 1), slice(stop, None)
    strips = [
        _strip(front[left], back[left]), _strip(front[middle], near),
        _strip(far, back[middle]), _strip(front[right], back[right]),
        [(near[0], front[start - 1], back[start - 1])], [(near[-1], back[stop], front[stop])],
    ]
    triangles = np.concatenate(strips)
    proper = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    return triangles[proper]


def _strip(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Triangles between two rows of vertices that run to the right, facing -z with y upward."""
    return np.concatenate([
        np.stack([low[1:], low[:-1], high[:-1]], axis=1),
        np.stack([low[1:], high[:-1], high[1:]], axis=1),
    ])
