# SPDX-License-Identifier: GPL-3.0-or-later
"""Marigold: diffusion pipelines of diffusers that give depth, or normals.

Normals have no depth of their own: the folds that they show are laid on the depth of another
model, the card's ``base``.
"""

import importlib.util
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.depth.predicted import DepthSource, Kind, Prediction
from ...core.errors import ModelError
from ..cards import BUNDLED, Card
from ..running import Running
from ..torch_setup import Placement, import_library, import_torch
from ..weights import changed, count_parameters, find_weights
from . import Checked
from .settings import SIZES, bounded, crop_of, no_sense, read_settings

log = logging.getLogger(__name__)

_INDEX = "model_index.json"
_PIPELINES = {"MarigoldDepthPipeline": False, "MarigoldNormalsPipeline": True}
_LIBRARIES = ("diffusers", "transformers")
# The parts that have weights, and the files with those, in half and in single precision.
_PARTS = {
    "unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model",
}
_HALF = "fp16"
_WORDS = ("vocab.json", "tokenizer.json")
_USUAL_SIDE, _USUAL_STEPS = 768, 10
# What the autoencoder divides the sides of its picture by.
_MULTIPLE = 8
# Of two runs the median is the lower one, and its distance from them says nothing.
_ENOUGH_TO_TELL = 3


@dataclass(frozen=True)
class MarigoldFolder:
    """A checked pipeline.

    Attributes
    ----------
    card : Card
    path : Path
    pipeline : str
        The class of diffusers that ``model_index.json`` names.
    base : Checked or None
        The model that the depth comes from; None if the pipeline gives depth itself.
    variant : str
        ``fp16`` if there are weights in half precision, else empty.
    kind : Kind
        What the numbers of the pipeline's own depth mean.
    input_size : int
        Side of the square that the pipeline reads, in pixels.
    steps : int
        Of the diffusion, if the user asks for no other number.
    margin, rise : float
        How the crop lies around the face; see `Face.crop`.
    parameters : int
        How many numbers the weights are.
    changed : tuple of int
        When ``model_index.json`` and weights were written.
    """

    card: Card
    path: Path
    pipeline: str
    base: Checked | None
    variant: str
    kind: Kind
    input_size: int
    steps: int
    margin: float
    rise: float
    parameters: int
    changed: tuple[int, ...]


def check(place: Path, card: Card) -> MarigoldFolder:
    """Look at the pipeline's folder; see `depth_sources`."""
    model = place.name
    try:
        index = read_settings(place / _INDEX, model)
    except FileNotFoundError:
        raise ModelError(
            f"The depth model folder {model} has no {_INDEX}; it must be a pipeline of diffusers."
        ) from None
    pipeline = str(index.get("_class_name"))
    if pipeline not in _PIPELINES:
        raise ModelError(
            f"The depth model {model} is a pipeline of another kind ({pipeline}): "
            f"only {' and '.join(_PIPELINES)} can be used."
        )
    _refuse_foreign_parts(index, model)
    weights = [_find_part(place, part, model) for part in _PARTS]
    # Without them diffusers makes a tokenizer up.
    if not any((place / "tokenizer" / name).is_file() for name in _WORDS):
        raise ModelError(f"The depth model folder {model}/tokenizer has no {_WORDS[0]}.")
    parameters = sum(
        count_parameters(file, f"{model}/{part}") for part, file in zip(_PARTS, weights)
    )
    try:
        side = bounded(index.get("default_processing_resolution") or _USUAL_SIDE, *SIZES)
        steps = bounded(
            card.settings.get("steps") or index.get("default_denoising_steps") or _USUAL_STEPS,
            1, 1000,
        )
        margin, rise = crop_of(card.settings)
    except (TypeError, ValueError) as error:
        raise no_sense(model, error) from error
    return MarigoldFolder(
        card=card, path=place, pipeline=pipeline,
        base=_find_base(card) if _PIPELINES[pipeline] else None,
        variant=_HALF if any(f".{_HALF}." in file.name for file in weights) else "",
        kind="disparity" if index.get("prediction_type") == "disparity" else "depth",
        input_size=round(side / _MULTIPLE) * _MULTIPLE, steps=int(steps), margin=margin, rise=rise,
        parameters=parameters, changed=changed(place / _INDEX, *weights),
    )


def load(checked: MarigoldFolder, running: Running) -> "Marigold | MarigoldNormals":
    """Load the pipeline; see `depth_sources`."""
    from ..registry import load_model

    import_torch()
    import_library("diffusers")
    if checked.base is None:
        return Marigold(checked, running)
    return MarigoldNormals(checked, running, load_model(checked.base, running))


class Marigold:
    """A loaded pipeline that gives depth; a `DepthSource`.

    Parameters
    ----------
    folder : MarigoldFolder
    running : Running

    Raises
    ------
    DeviceError, ModelError
    """

    def __init__(self, folder: MarigoldFolder, running: Running):
        if running.ensemble > 1 and importlib.util.find_spec("scipy") is None:
            raise ModelError(
                "The Python that runs the depth model has no scipy, which it takes to average "
                "several runs: install it there, or let the model run once."
            )
        self._diffusion = _Diffusion(folder, running)
        self._tells = running.ensemble >= _ENOUGH_TO_TELL
        self.name, self.input_size = folder.card.title, folder.input_size
        self.kind, self.margin, self.rise = folder.kind, folder.margin, folder.rise

    @property
    def device(self) -> str:
        return self._diffusion.device

    def predict(self, rgb: np.ndarray) -> Prediction:
        """Depth of one square crop, and with three runs or more its uncertainty.

        Parameters
        ----------
        rgb : ndarray, (s, s, 3) uint8
            ``s`` is `input_size`.

        Raises
        ------
        DeviceError
            Out of memory.
        ModelError
            The pipeline gives no finite depth.
        """
        depth, uncertainty = self._diffusion.run(rgb, self._tells)
        return Prediction(
            depth[..., 0], uncertainty=None if uncertainty is None else uncertainty[..., 0],
            note=self._diffusion.note,
        )


class MarigoldNormals:
    """A loaded pipeline that gives normals, and the model with the depth; a `DepthSource`.

    Parameters
    ----------
    folder : MarigoldFolder
    running : Running
    base : DepthSource

    Raises
    ------
    DeviceError, ModelError
    """

    def __init__(self, folder: MarigoldFolder, running: Running, base: DepthSource):
        self._base = base
        self._diffusion = _Diffusion(folder, running)
        self.name, self.input_size = folder.card.title, folder.input_size
        self.kind, self.margin, self.rise = base.kind, base.margin, base.rise

    @property
    def device(self) -> str:
        return self._diffusion.device

    def predict(self, rgb: np.ndarray) -> Prediction:
        """What the other model says of one square crop, and normals.

        Parameters
        ----------
        rgb : ndarray, (s, s, 3) uint8
            ``s`` is `input_size`, which is also the side of the normals; the depth has the other
            model's.

        Raises
        ------
        DeviceError
            Out of memory.
        ModelError
            One of them gives nothing finite.
        """
        import cv2

        side = self._base.input_size
        seen = self._base.predict(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA))
        # The library's axes are ours: right, up, towards the viewer.
        normals, _ = self._diffusion.run(rgb, tells=False)
        notes = filter(None, dict.fromkeys((seen.note, self._diffusion.note)))
        return Prediction(seen.depth, seen.subject, seen.uncertainty, normals, " ".join(notes))


class _Diffusion:
    """A pipeline of diffusers on its device."""

    def __init__(self, folder: MarigoldFolder, running: Running):
        self._name = folder.card.title
        self._steps = running.steps or folder.steps
        self._ensemble, self._seed = running.ensemble, running.seed
        self._placement = Placement(self._name, folder.parameters, running)
        self._pipeline = _load(folder, self._placement.dtype).to(self.device)

    @property
    def device(self) -> str:
        return self._placement.device

    @property
    def note(self) -> str:
        return self._placement.note

    def run(self, rgb: np.ndarray, tells: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Prediction and, if ``tells``, uncertainty of a crop: (s, s, channels) float32 each."""
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))
        seen = self._placement.run(self._pipeline, lambda: self._pipeline(
            pixels, num_inference_steps=self._steps, ensemble_size=self._ensemble,
            # In the size of the crop, there and back.
            processing_resolution=0, match_input_resolution=False,
            # The noise of a graphics card would be another one.
            generator=torch.Generator("cpu").manual_seed(self._seed), output_uncertainty=tells,
        ))
        if not np.isfinite(seen.prediction).all():
            raise ModelError(f"The depth model {self._name} gave no usable depth.")
        return seen.prediction[0], None if seen.uncertainty is None else seen.uncertainty[0]


def _find_base(card: Card) -> Checked:
    from ..registry import find_model

    return find_model(card.settings.get("base", BUNDLED))


def _refuse_foreign_parts(index: dict, model: str) -> None:
    """A pipeline may name any library, which would then be imported."""
    for part, named in index.items():
        if isinstance(named, list) and named[:1] and named[0] not in (*_LIBRARIES, None):
            raise ModelError(
                f"The part {part} of the depth model {model} is a program of its own "
                f"({named[0]}), which is not run."
            )


def _find_part(place: Path, part: str, model: str) -> Path:
    """The weights of a part, rather in half precision: they are the same, and read sooner."""
    half = place / part / f"{_PARTS[part]}.{_HALF}.safetensors"
    if half.is_file():
        return half
    return find_weights(place / part, f"{_PARTS[part]}.safetensors", f"{model}/{part}")


def _load(folder: MarigoldFolder, dtype):
    """The pipeline, all its weights from the files."""
    import diffusers

    diffusers.utils.logging.disable_progress_bar()
    try:
        pipeline = getattr(diffusers, folder.pipeline).from_pretrained(
            folder.path, variant=folder.variant or None, dtype=dtype, use_safetensors=True,
            local_files_only=True,
        )
    except (
        ImportError, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError
    ) as error:
        log.exception("loading %s", folder.path)
        raise ModelError(
            f"The depth model {folder.path.name} cannot be loaded: copy the model again, or "
            "install a newer diffusers where it runs."
        ) from error
    # Weights that are missing would be random.
    wanted = sum(
        tensor.numel() for part in _PARTS for tensor in getattr(pipeline, part).parameters()
    )
    if wanted > folder.parameters:
        raise ModelError(
            f"The weights of the depth model {folder.path.name} do not fit its config.json files."
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
