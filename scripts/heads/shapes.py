# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene is made of: surfaces and strands with a material and a label.

The head's frame, used by everything here: millimetres; x to the person's left, y to the back, z
up; the origin midway between the centres of the eyeballs.  A face at rest looks along -y.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Label(IntEnum):
    """What a pixel shows; the values of the label image."""

    BACKGROUND = 0
    SKIN = 1
    HAIR = 2
    CLOTHES = 3
    GLASSES = 4
    EYE = 5
    MOUTH = 6
    HAT = 7
    HAND = 8


@dataclass(frozen=True)
class Material:
    """How a surface looks: the inputs of a principled shader.

    Attributes
    ----------
    colour
        Linear RGB, 0 to 1; multiplied with ``image`` where there is one.
    image
        uint8 sRGB, (H, W, 3) or (H, W, 4), row 0 at the top (v = 1); None for a plain colour.  A
        fourth channel is the opacity.
    bump, bump_scale
        Height of a fine noise in millimetres, and the size of its grains in millimetres.
    mottle
        How far the noise also darkens and lightens the colour, 0 to 1.
    subsurface
        How far red light travels under the surface, millimetres.
    pane
        Whether it is a pane of glass: ``colour`` tints what is behind, and ``opacity`` is the share
        of the surroundings that it mirrors.
    relief
        uint8 (H, W): heights on the same UVs as ``image``, of ``relief_height`` mm at 255.
    """

    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    image: np.ndarray | None = None
    roughness: float = 0.6
    specular: float = 0.5
    metallic: float = 0.0
    transmission: float = 0.0
    sheen: float = 0.0
    coat: float = 0.0
    opacity: float = 1.0
    bump: float = 0.0
    bump_scale: float = 1.0
    mottle: float = 0.0
    subsurface: float = 0.0
    pane: bool = False
    relief: np.ndarray | None = None
    relief_height: float = 0.0


@dataclass(frozen=True)
class Surface:
    """A mesh.

    Attributes
    ----------
    vertices
        float32 (V, 3) in the head's frame.
    faces
        int32 (F, 4), counter-clockwise seen from outside; a triangle ends in -1.
    uv
        float32 (F, 4, 2) or None; v points up.
    thin
        Whether the depth image "behind" looks through it: hair before the face, glasses.
    """

    name: str
    label: Label
    vertices: np.ndarray
    faces: np.ndarray
    material: Material
    uv: np.ndarray | None = None
    smooth: bool = True
    thin: bool = False


@dataclass(frozen=True)
class Strands:
    """Hairs of one point count, as curves.

    Attributes
    ----------
    points
        float32 (N, P, 3) from root to tip, in the head's frame.
    radius
        Radii at the root and at the tip in millimetres.
    thin
        As for a surface.
    """

    name: str
    points: np.ndarray
    radius: tuple[float, float]
    material: Material
    label: Label = Label.HAIR
    thin: bool = True
