# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth networks of transformers, and our own, which are saved like those."""

import gc
import logging
from pathlib import Path

import numpy as np

from ...core.depth.predicted import Kind, Prediction
from ...core.errors import ModelError
from ..cards import Card
from ..running import Running
from ..torch_setup import Placement, import_torch, not_loaded
from .folder import ModelFolder, check_folder

log = logging.getLogger(__name__)


def check(place: Path, card: Card) -> ModelFolder:
    """Look at the model's folder; see `depth_sources`."""
    return check_folder(place, card)


def load(checked: ModelFolder, running: Running) -> "DepthNetwork":
    """Load the model; see `depth_sources`."""
    # Importing makes many objects and little garbage: looking for it takes a fifth of the time.
    gc.disable()
    try:
        import_torch()
        return DepthNetwork(checked, running)
    finally:
        gc.enable()


class DepthNetwork:
    """A loaded network; a `DepthSource` of the pipeline.

    Parameters
    ----------
    folder : ModelFolder
    running : Running

    Raises
    ------
    DeviceError, ModelError
    """

    def __init__(self, folder: ModelFolder, running: Running):
        import torch

        self._folder = folder
        self._placement = Placement(self.name, folder.parameters, running)
        self._model = _load(folder, self._placement.dtype).to(self.device)
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(folder.mean).view(shape) * 255.0
        self._std = torch.tensor(folder.std).view(shape) * 255.0

    @property
    def name(self) -> str:
        return self._folder.card.title

    @property
    def device(self) -> str:
        return self._placement.device

    @property
    def input_size(self) -> int:
        return self._folder.input_size

    @property
    def margin(self) -> float:
        return self._folder.margin

    @property
    def rise(self) -> float:
        return self._folder.rise

    @property
    def kind(self) -> Kind:
        return self._folder.kind

    def predict(self, rgb: np.ndarray) -> Prediction:
        """Depth, and the subject if the folder says so, of one square crop.

        Parameters
        ----------
        rgb : ndarray, (s, s, 3) uint8
            ``s`` is `input_size`.

        Returns
        -------
        Prediction

        Raises
        ------
        DeviceError
            Out of memory.
        ModelError
            The network gives no finite depth.
        """
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float()[None]
        pixels = (pixels - self._mean) / self._std
        if self._folder.average_flipped:
            pixels = torch.cat([pixels, pixels.flip(-1)])
        output = self._placement.run(self._model, lambda: self._run(pixels))
        depth = _average(_depth_of(output))
        logits = output.get("subject") if self._folder.subject else None
        subject = None if logits is None else _average(logits.float().sigmoid())
        log_error = output.get("log_error")
        uncertainty = None if log_error is None else _average(log_error.float().exp())
        if not all(np.isfinite(found).all() for found in (depth, subject) if found is not None):
            raise ModelError(f"The depth model {self.name} gave no usable depth.")
        return Prediction(depth, subject, uncertainty, note=self._placement.note)

    def _run(self, pixels):
        import torch

        with torch.inference_mode():
            return self._model(pixels.to(self.device, self._model.dtype))


def _depth_of(output):
    """The depth of a network's output, (B, h, w), in the unit of its kind."""
    import torch

    depth = output.predicted_depth.float()
    angle = output.get("field_of_view")
    if angle is None:
        return depth
    # Depth Pro gives 1 / distance for a picture as wide as its focal length.
    width = 2.0 * torch.tan(torch.deg2rad(angle.float()) / 2.0)
    return 1.0 / (depth * width.view(-1, 1, 1)).clamp(1e-4, 1e4)


def _average(views) -> np.ndarray:
    """(1, h, w), or (2, h, w) of which the second saw the crop mirrored, to (h, w)."""
    views = views.cpu()
    return ((views[0] + views[1].flip(-1)) / 2 if len(views) == 2 else views[0]).numpy()


def _load(folder: ModelFolder, dtype):
    """The network in evaluation mode, all its weights from the file."""
    try:
        model, report = _model_class(folder).from_pretrained(
            folder.path, local_files_only=True, use_safetensors=True, trust_remote_code=False,
            output_loading_info=True,
        )
    except ImportError as error:
        # Transformers says only here that it wants a newer PyTorch.
        raise not_loaded(error) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        log.exception("loading %s", folder.path)
        raise ModelError(
            f"The depth model {folder.name} is of a kind that cannot be used here: its "
            "config.json and weights must be those of a transformers depth estimation model."
        ) from error
    if report["missing_keys"] or report.get("mismatched_keys"):
        raise ModelError(
            f"The weights of the depth model {folder.name} do not fit its config.json."
        )
    return model.to(dtype).eval()


def _model_class(folder: ModelFolder) -> type:
    """The class that ``config.json`` names: finding it out through `AutoModel` takes longer."""
    import transformers

    name = folder.architecture
    if name.endswith("ForDepthEstimation") and hasattr(transformers, name):
        return getattr(transformers, name)
    from ..networks import NETWORKS

    return NETWORKS.get(name, transformers.AutoModelForDepthEstimation)
