# SPDX-License-Identifier: GPL-3.0-or-later
"""What a depth model's folder says of itself, checked before torch is imported.

A folder is in transformers' own format: ``config.json``, ``model.safetensors`` and
``preprocessor_config.json``. A further ``face_depth.json`` says how the crop is cut,
that the output is depth in sides of the crop, and whether there is a subject mask; without
it the output is taken as disparity up to an affine change.
"""

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ModelError

FACEMESH = "facemesh"
BUNDLED = "face-dpt"
MODELS = Path(__file__).resolve().parent.parent / "models"

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_WEIGHTS = "model.safetensors"
_PATCH = 14
# These cannot read any other size than their own, whatever the preprocessor says.
_FIXED_SIZE = ("face_depth_vae",)
_SIZES = (16, 2048)


@dataclass(frozen=True)
class ModelFolder:
    """A checked folder.

    Attributes
    ----------
    path : Path
    name : str
    architecture : str
        The class, of transformers or of `networks`, that ``config.json`` names; empty if it
        names none.
    input_size : int
        Side of the square that the network reads, in pixels.
    mean, std : tuple of float
        Of the RGB values in [0, 1].
    absolute : bool
        Depth in sides of the crop, not disparity up to an affine change.
    margin, rise : float
        How the crop lies around the face; see `Face.crop`.
    average_flipped : bool
        Average with what the network says of the mirrored crop.
    subject : bool
        The network also gives the subject's mask, which is to be used.
    changed : tuple of int
        When config and weights were written: a model that is replaced is loaded anew.
    """

    path: Path
    name: str
    architecture: str
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    absolute: bool
    margin: float
    rise: float
    average_flipped: bool
    subject: bool
    changed: tuple[int, ...]


def bundled_title(name: str) -> str | None:
    """What people read for a model of the add-on; None if it does not come with it."""
    folder = MODELS / name
    if not (folder / "config.json").is_file():
        return None
    try:
        return str(_read_json(folder, "face_depth.json")["title"])
    except (ModelError, KeyError):
        # Choosing it tells what is wrong; the others must stay within reach.
        return name


def find_model(name: str) -> ModelFolder:
    """Check a bundled model or a folder.

    Parameters
    ----------
    name : str
        A bundled model's name or a folder's path.

    Returns
    -------
    ModelFolder

    Raises
    ------
    ModelError
        Missing, incomplete, damaged, or weights that are a pickle.
    """
    if not name:
        raise ModelError("No folder of a depth model is chosen.")
    bundled = MODELS / name
    is_name = Path(name).name == name and (bundled / "config.json").is_file()
    path = bundled if is_name else Path(os.path.abspath(os.path.expanduser(name)))
    if path.is_file() and path.suffix in _PICKLES:
        raise ModelError(_pickle_sentence(path))
    if not path.is_dir():
        raise ModelError(f"There is no depth model called or stored at {name}.")
    config = _read_json(path, "config.json")
    _check_weights(path)
    processor = _read_json(path, "preprocessor_config.json")
    ours = _read_json(path, "face_depth.json") if (path / "face_depth.json").is_file() else {}
    try:
        return ModelFolder(
            path=path, name=path.name,
            architecture=str((config.get("architectures") or [""])[0]),
            input_size=_input_size(processor, config),
            mean=_triple(processor.get("image_mean", (0.485, 0.456, 0.406)), 0.0),
            std=_triple(processor.get("image_std", (0.229, 0.224, 0.225)), 1e-3),
            absolute=ours.get("output") == "depth_in_crop_sides",
            margin=_bounded(ours.get("crop_margin", 1.7), 0.5, 10.0),
            rise=_bounded(ours.get("crop_rise", 0.05), -1.0, 1.0),
            average_flipped=bool(ours.get("average_flipped", False)),
            subject=bool(ours.get("subject", False)),
            changed=tuple(
                (path / name).stat().st_mtime_ns for name in ("config.json", _WEIGHTS)
            ),
        )
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ModelError(
            f"The settings of the depth model {path.name} make no sense ({error})."
        ) from error


def _triple(values, low: float) -> tuple[float, ...]:
    first, second, third = (_bounded(value, low, 10.0) for value in values)
    return first, second, third


def _bounded(value, low: float, high: float) -> float:
    number = float(value)
    if not low <= number <= high:
        raise ValueError(f"{number:g} is not from {low:g} to {high:g}")
    return number


def _input_size(processor: dict, config: dict) -> int:
    if config.get("model_type") in _FIXED_SIZE:
        return int(_bounded(config["image_size"], *_SIZES))
    size = processor.get("size", 384)
    side = int(_bounded(size if isinstance(size, int) else size["height"], *_SIZES))
    multiple = int(processor.get("ensure_multiple_of", config.get("patch_size", _PATCH)))
    return int(_bounded(round(side / multiple) * multiple, *_SIZES))


def _read_json(folder: Path, name: str) -> dict:
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"The depth model folder {folder.name} has no {name}; "
            "it must be in the format of transformers."
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The file {name} of the depth model {folder.name} cannot be read; "
            "copy the model again."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"The file {name} of the depth model {folder.name} is damaged.")
    return content


def _check_weights(folder: Path) -> None:
    """Weights must be one whole safetensors file: its header states its own length."""
    weights = folder / _WEIGHTS
    if not weights.is_file():
        pickles = sorted(file for file in folder.iterdir() if file.suffix in _PICKLES)
        if pickles:
            raise ModelError(_pickle_sentence(pickles[0]))
        raise ModelError(f"The depth model folder {folder.name} has no {_WEIGHTS}.")
    damaged = ModelError(
        f"The weights of the depth model {folder.name} are damaged or incomplete; "
        "copy the model again."
    )
    try:
        with weights.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > weights.stat().st_size:
                raise damaged
            header = json.loads(file.read(length))
        end = max(
            entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"
        )
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged from error
    if 8 + length + end != weights.stat().st_size:
        raise damaged


def _pickle_sentence(path: Path) -> str:
    return (
        f"{path.name} is a pickle, which can run any program when it is opened: "
        "convert the weights to safetensors first."
    )
