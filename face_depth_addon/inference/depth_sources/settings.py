# SPDX-License-Identifier: GPL-3.0-or-later
"""What models say of themselves in files of JSON, read and kept within bounds."""

import json
from pathlib import Path

from ...core.depth.predicted import Kind
from ...core.errors import ModelError

#: What ``output`` may be.
OUTPUTS: dict[str, Kind] = {
    "depth_in_crop_sides": "crop_sides", "disparity": "disparity", "depth": "depth",
    "metres": "metres",
}
#: Sides of pictures that a network may ask for, in pixels.
SIZES = (16, 2048)


def read_settings(path: Path, model: str) -> dict:
    """A file's settings.

    Parameters
    ----------
    path : Path
    model : str
        What the user calls the model.

    Raises
    ------
    FileNotFoundError
    ModelError
        It cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The file {path.name} of the depth model {model} cannot be read; "
            "copy the model again."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"The file {path.name} of the depth model {model} is damaged.")
    return content


def no_sense(model: str, error: Exception) -> ModelError:
    """The sentence about settings that can be read and not be used."""
    return ModelError(f"The settings of the depth model {model} make no sense ({error}).")


def crop_of(settings: dict) -> tuple[float, float]:
    """How the crop lies around the face: margin and rise; see `Face.crop`."""
    return (
        bounded(settings.get("crop_margin", 1.7), 0.5, 10.0),
        bounded(settings.get("crop_rise", 0.05), -1.0, 1.0),
    )


def bounded(value, low: float, high: float) -> float:
    """A number, or a ValueError if it is not within the bounds."""
    number = float(value)
    if not low <= number <= high:
        raise ValueError(f"{number:g} is not from {low:g} to {high:g}")
    return number


def triple(values, low: float) -> tuple[float, float, float]:
    """Numbers for the three channels, each from ``low`` to 10."""
    first, second, third = (bounded(value, low, 10.0) for value in values)
    return first, second, third
