# SPDX-License-Identifier: GPL-3.0-or-later
"""What a folder in the format of transformers says of itself, checked before torch is imported.

A folder is in transformers' own format: ``config.json``, ``model.safetensors`` and
``preprocessor_config.json``. A further ``face_depth.json`` says how the crop is cut,
what the output means (``depth_in_crop_sides``, ``disparity``, ``depth`` or ``metres``), and
whether there is a subject mask; without it the output is what that kind of model usually gives.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from ...core.depth.predicted import Kind
from ...core.errors import ModelError
from ..cards import Card
from ..weights import changed, count_parameters, find_weights
from .settings import OUTPUTS, SIZES, bounded, crop_of, no_sense, read_settings, triple

_WEIGHTS = "model.safetensors"
_PATCH = 14
# These cannot read any other size than their own, whatever the preprocessor says.
_FIXED_SIZE = ("face_depth_vae",)
# The side of a crop for models whose preprocessor takes pictures of any size.
_ANY_SIZE = 480
_METRIC = ("zoedepth", "glpn", "depth_pro")


@dataclass(frozen=True)
class ModelFolder:
    """A checked folder.

    Attributes
    ----------
    card : Card
    path : Path
    name : str
    architecture : str
        The class, of transformers or of `networks`, that ``config.json`` names; empty if it
        names none.
    input_size : int
        Side of the square that the network reads, in pixels.
    mean, std : tuple of float
        Of the RGB values in [0, 1].
        A number that is given for the RGB values in [0, 255] is brought to that scale.
    kind : Kind
        What the numbers of its depth mean.
    margin, rise : float
        How the crop lies around the face; see `Face.crop`.
    average_flipped : bool
        Average with what the network says of the mirrored crop.
    subject : bool
        The network also gives the subject's mask, which is to be used.
    parameters : int
        How many numbers the weights are.
    changed : tuple of int
        When config and weights were written.
    """

    card: Card
    path: Path
    name: str
    architecture: str
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kind: Kind
    margin: float
    rise: float
    average_flipped: bool
    subject: bool
    parameters: int
    changed: tuple[int, ...]


def check_folder(path: Path, card: Card) -> ModelFolder:
    """Look at a folder in the format of transformers.

    Raises
    ------
    ModelError
        Incomplete, damaged, or weights that are a pickle.
    """
    config = _read_json(path, "config.json")
    weights = find_weights(path, _WEIGHTS, path.name)
    parameters = count_parameters(weights, path.name)
    processor = _read_json(path, "preprocessor_config.json")
    ours = _read_json(path, "face_depth.json") if (path / "face_depth.json").is_file() else {}
    ours = {**card.settings, **ours}
    try:
        mean, std = _normalisation(processor)
        margin, rise = crop_of(ours)
        return ModelFolder(
            card=card, path=path, name=path.name,
            architecture=str((config.get("architectures") or [""])[0]),
            input_size=_input_size(processor, config), mean=mean, std=std,
            kind=OUTPUTS[ours["output"]] if "output" in ours else _usual_kind(config),
            margin=margin, rise=rise,
            average_flipped=bool(ours.get("average_flipped", False)),
            subject=bool(ours.get("subject", False)),
            parameters=parameters, changed=changed(path / "config.json", weights),
        )
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise no_sense(path.name, error) from error


def _usual_kind(config: dict) -> Kind:
    """What a model of transformers gives, by its configuration."""
    model = config.get("model_type")
    backbone = config.get("backbone_config") or {}
    metric = (
        model in _METRIC or config.get("depth_estimation_type") == "metric"
        # Intel's own give disparity, those on DINOv2 were trained on metres.
        or model == "dpt" and backbone.get("model_type") == "dinov2"
    )
    return "metres" if metric else "disparity"


def _normalisation(processor: dict) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of RGB values in [0, 1]."""
    if not processor.get("do_normalize", "image_mean" in processor or "size" in processor):
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    whole = 1.0 if processor.get("do_rescale", True) else 1.0 / 255.0
    mean = processor.get("image_mean", (0.485, 0.456, 0.406))
    std = processor.get("image_std", (0.229, 0.224, 0.225))
    return (
        triple([whole * value for value in mean], 0.0),
        triple([whole * value for value in std], 1e-3),
    )


def _input_size(processor: dict, config: dict) -> int:
    if config.get("model_type") in _FIXED_SIZE:
        return int(bounded(config["image_size"], *SIZES))
    size = processor.get("size", _ANY_SIZE if "size_divisor" in processor else 384)
    side = int(bounded(size if isinstance(size, int) else size["height"], *SIZES))
    # Older files leave out what newer ones set to nothing.
    multiples = (processor.get(name) for name in ("ensure_multiple_of", "size_divisor"))
    multiple = math.lcm(*(int(each) for each in multiples if each is not None))
    if multiple == 1:
        backbone = config.get("backbone_config") or {}
        multiple = int(_single(backbone.get("patch_size", config.get("patch_size", _PATCH))))
    return int(bounded(round(side / multiple) * multiple, *SIZES))


def _single(value):
    """A length of a square, which some configurations give twice, or once for each level."""
    return value[0] if isinstance(value, list) else value


def _read_json(folder: Path, name: str) -> dict:
    try:
        return read_settings(folder / name, folder.name)
    except FileNotFoundError:
        raise ModelError(
            f"The depth model folder {folder.name} has no {name}; "
            "it must be in the format of transformers."
        ) from None
