# SPDX-License-Identifier: GPL-3.0-or-later
"""A depth network, of transformers or our own, as a depth source of the pipeline."""

import importlib.util
import logging

import numpy as np

from ..core.errors import DeviceError, ModelError, TorchError
from ..core.pipeline import Prediction
from .model_folder import ModelFolder

log = logging.getLogger(__name__)


def import_torch() -> None:
    """Import torch and transformers, the slow part of a cold start.

    Raises
    ------
    TorchError
        One of them is missing or cannot be loaded.
    """
    for name in ("torch", "transformers"):
        if importlib.util.find_spec(name) is None:
            raise TorchError(
                f"The Python that runs the depth model has no {name}: choose another interpreter "
                "in the preferences (--python on the command line), or use the Fast source."
            )
    try:
        import torch  # noqa: F401
        from transformers.utils.logging import disable_progress_bar
    except (ImportError, OSError) as error:
        raise _not_loaded(error) from error
    disable_progress_bar()


def _not_loaded(error: Exception) -> TorchError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0].rstrip(".") if lines else type(error).__name__
    return TorchError(
        f"PyTorch could not be loaded ({reason}): choose another interpreter in the "
        "preferences (--python on the command line), or use the Fast source."
    )


def choose_device(wanted: str) -> str:
    """``auto``, ``cpu``, ``cuda`` or ``mps`` to a device that is there.

    Raises
    ------
    DeviceError
        The wanted device is not available.
    """
    import torch

    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(name for name, there in present.items() if there)
    if not present.get(wanted, False):
        usable = ", ".join(name for name, there in present.items() if there)
        raise DeviceError(
            f"The device {wanted} is not available to PyTorch here; available: {usable}."
        )
    return wanted


class DepthNetwork:
    """A loaded network; a `DepthSource` of the pipeline.

    Parameters
    ----------
    folder : ModelFolder
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    DeviceError, ModelError
    """

    def __init__(self, folder: ModelFolder, device: str = "auto"):
        import torch

        self._folder = folder
        self.device = choose_device(device)
        # Half precision is slower than single on a CPU.
        dtype = torch.float16 if self.device == "cuda" else torch.float32
        self._model = _load(folder, dtype).to(self.device)
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(folder.mean).view(shape) * 255.0
        self._std = torch.tensor(folder.std).view(shape) * 255.0

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
    def absolute(self) -> bool:
        return self._folder.absolute

    def predict(self, rgb: np.ndarray) -> Prediction:
        """Depth, and the subject if the folder says so, of one square crop.

        Parameters
        ----------
        rgb : ndarray, (s, s, 3) uint8
            ``s`` is `input_size`.

        Returns
        -------
        Prediction
            In sides of the crop if `absolute`.

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
        try:
            with torch.inference_mode():
                output = self._model(pixels.to(self.device, self._model.dtype))
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"The device {self.device} has too little memory for this model: "
                "choose the cpu device."
            ) from error
        logits = output.get("subject") if self._folder.subject else None
        depth = _average(output.predicted_depth.float())
        subject = None if logits is None else _average(logits.float().sigmoid())
        if not all(np.isfinite(found).all() for found in (depth, subject) if found is not None):
            raise ModelError(f"The depth model {self._folder.name} gave no usable depth.")
        return Prediction(depth, subject)


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
        raise _not_loaded(error) from error
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
    from .networks import NETWORKS

    return NETWORKS.get(name, transformers.AutoModelForDepthEstimation)
