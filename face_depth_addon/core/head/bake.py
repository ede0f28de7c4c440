# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo as colours and textures of a wrapped head. Needs numpy only.

What the photo does not show takes the colours of the head's other side, shifted so that they meet
those of its own without a seam, and where that is hidden too, a smooth continuation over the mesh.
"""

from dataclasses import dataclass

import numpy as np

from ..interpolation import sample
from ..polygons.mesh_graph import MeshGraph
from ..polygons.raster import rasterise
from .template import MATERIALS, PARTS, SKIN_END
from .wrap import FittedHead

# Visibility from which on a vertex's colour is known, and from which on it may colour the scalp,
# far from the outline's mixed colours; and between which the photo fades in.
_KNOWN, _CLEAR, _FADE = 0.5, 0.9, (0.3, 0.8)
_WHITE_OF_THE_EYE = (225.0, 218.0, 212.0)
_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class HeadColours:
    """Colours of a fitted head's vertices, sRGB from 0 to 255.

    Attributes
    ----------
    own, mirrored : ndarray, (n,) float32
        How far the photo shows a vertex, and the one on the other side, without ragged borders.
    offset : ndarray, (n, 3) float32
        What the head's own side has more than the other.
    rest : ndarray, (n, 3) float32
        What stands where neither is shown.
    vertices : ndarray, (n, 3) float32
        All of this put together.
    """

    own: np.ndarray
    mirrored: np.ndarray
    offset: np.ndarray
    rest: np.ndarray
    vertices: np.ndarray


def head_colours(head: FittedHead, photo: np.ndarray) -> HeadColours:
    """Colour the vertices of a fitted head.

    Parameters
    ----------
    head : FittedHead
    photo : ndarray, (P, P, 3) uint8
        The crop, at any size.
    """
    template = head.template
    seen = sample(photo, head.in_crop * len(photo))
    other = seen[template.mirror]
    offset, rest = np.zeros_like(seen), np.zeros_like(seen)
    own = np.zeros(len(seen), np.float32)
    bodies = [np.arange(*part) for part in ((0, SKIN_END), PARTS["Left Eye"], PARTS["Right Eye"])]
    graphs = [_graph(head, body) for body in bodies]
    for body, graph in zip(bodies, graphs):
        own[body] = _calmed(graph, head.visibility[body])
    # Teeth, which the template lacks, are seen in place of the mouth's lining, and what the lips
    # hide of it may as well have their colour.
    own[slice(*PARTS["Mouth"])] = 1.0
    mirrored = own[template.mirror]
    shown, shown_there = own > _KNOWN, mirrored > _KNOWN
    for body, graph in zip(bodies, graphs):
        both = (shown & shown_there)[body]
        if both.any():
            offset[body] = graph.fill((seen - other)[body], both)
    known = shown | shown_there
    rest[:] = np.where(shown[:, None], seen, other + offset)
    # A scalp has the colour of what is seen of it, not that of the ears and neck beside it.
    scalp = np.flatnonzero(template.may_have_hair)
    clear = np.maximum(own, mirrored)[scalp] > _CLEAR
    if clear.any():
        rest[scalp] = _graph(head, scalp).fill(rest[scalp], clear)
        known = known | template.may_have_hair
    for body, graph in zip(bodies, graphs):
        filled = known[body].any()
        rest[body] = graph.fill(rest[body], known[body]) if filled else _WHITE_OF_THE_EYE
    colours = _blend(own, mirrored, seen, other + offset, rest)
    return HeadColours(own, mirrored, offset, rest, colours)


def bake_texture(
    head: FittedHead, colours: HeadColours, photo: np.ndarray, material: int, size: int
) -> np.ndarray:
    """Texture of one of the template's materials.

    Parameters
    ----------
    head : FittedHead
    colours : HeadColours
        Those of this head and this photo.
    photo : ndarray, (P, P, 3) uint8
    material : int
        Index into `template.MATERIALS`.
    size : int
        Width and height.

    Returns
    -------
    ndarray, (size, size, 3) uint8
        sRGB, row 0 at the top; what no face covers continues what is beside it.
    """
    template = head.template
    chosen = template.triangle_materials == material
    triangles = template.triangles[chosen]
    places = (template.triangle_uvs[chosen] - (material, 0.0)) * (size, -size) + (0.0, size)
    cover = rasterise(places, (size, size))
    texture = np.zeros((size * size, 3), np.float32)
    per_vertex = (
        colours.own, colours.mirrored, colours.offset, colours.rest, head.in_crop,
        head.in_crop[template.mirror],
    )
    for start in range(0, len(cover.pixels), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        corners, weights = triangles[cover.triangles[part]], cover.weights[part]
        own, mirrored, offset, rest, place, place_there = (
            np.einsum("pk,pk...->p...", weights, values[corners]) for values in per_vertex
        )
        seen, other = (sample(photo, at * len(photo)) for at in (place, place_there))
        texture[cover.pixels[part]] = _blend(own, mirrored, seen, other + offset, rest)
    covered = np.zeros(size * size, np.float32)
    covered[cover.pixels] = 1.0
    filled = _continued(texture.reshape(size, size, 3), covered.reshape(size, size, 1))
    return np.rint(np.clip(filled, 0.0, 255.0)).astype(np.uint8)


def tile_size(material: int, size: int) -> int:
    """Side of a material's texture where the face's is ``size``."""
    return max(16, {"Face": size, "Head": size // 2}.get(MATERIALS[material], size // 8))


def _graph(head: FittedHead, vertices: np.ndarray) -> MeshGraph:
    """The graph of some vertices (k,), in rising order."""
    number = np.full(len(head.positions), -1)
    number[vertices] = np.arange(len(vertices))
    edges = number[head.template.edges]
    return MeshGraph.of(edges[(edges >= 0).all(axis=1)], head.positions[vertices])


def _calmed(graph: MeshGraph, visibility: np.ndarray) -> np.ndarray:
    """Visibility that fades towards what is hidden, over some edges."""
    calm = visibility[:, None].astype(np.float64)
    for _ in range(3):
        calm = np.minimum(calm, graph.mean(calm))
    return calm[:, 0]


def _blend(
    own: np.ndarray, mirrored: np.ndarray, seen: np.ndarray, other: np.ndarray, rest: np.ndarray
) -> np.ndarray:
    """Colours (n, 3): the photo's, else the other side's, else the rest."""
    own, mirrored = (_ramp(values)[:, None] for values in (own, mirrored))
    behind = rest + mirrored * (other - rest)
    return np.clip(behind + own * (seen - behind), 0.0, 255.0).astype(np.float32)


def _ramp(values: np.ndarray) -> np.ndarray:
    share = np.clip((values - _FADE[0]) / (_FADE[1] - _FADE[0]), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _continued(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """An image (s, s, c) with what is unknown filled from coarser versions of itself."""
    size = len(image)
    if size < 2 or known.all():
        return image
    even = size - size % 2
    blocks = (even // 2, 2, even // 2, 2)
    weight = known[:even, :even].reshape(*blocks, 1).sum(axis=(1, 3))
    total = (image * known)[:even, :even].reshape(*blocks, -1).sum(axis=(1, 3))
    coarse = _continued(total / np.maximum(weight, 1.0), np.minimum(weight, 1.0))
    fine = coarse.repeat(2, axis=0).repeat(2, axis=1)
    fine = np.pad(fine, ((0, size - even), (0, size - even), (0, 0)), mode="edge")
    return np.where(known > 0.0, image, fine)
