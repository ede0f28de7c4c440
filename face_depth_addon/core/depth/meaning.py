# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user says of a depth map. Needs the standard library only."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["RELATIVE", "PIXELS", "METRES", "MILLIMETRES"]


@dataclass(frozen=True)
class Meaning:
    """How the values of a depth map become depth; what a file says of itself counts more.

    Attributes
    ----------
    near : str
        ``white``: larger values are nearer; ``black``: smaller ones.
    kind : str
        ``disparity`` or ``depth``; photo pixels are always depth.
    unit : str
        ``RELATIVE`` values tell order and proportion, but no size; the others are lengths, or as
        disparity 1 / length, with ``PIXELS`` those of the photo.
    relief : float or None
        Metres between the nearest and the farthest point of a relative map. None fits it to the
        face's landmarks or, without a face, takes a share of the picture's width.
    width : float or None
        Metres that the picture is wide at the subject. None takes it from the file, from
        distances and the focal length, or from the eyes' distance, whichever is known.
    focal_35mm : float or None
        Focal length in millimetres for a picture of 36 x 24 mm.
    field_of_view : float or None
        The same as the angle, in radians, along the picture's longest side.
    smooth_bands : bool
        Smooth the terraces of a map of few levels.
    """

    near: Literal["white", "black"] = "white"
    kind: Literal["disparity", "depth"] = "disparity"
    unit: Unit = "RELATIVE"
    relief: float | None = None
    width: float | None = None
    focal_35mm: float | None = None
    field_of_view: float | None = None
    smooth_bands: bool = True
