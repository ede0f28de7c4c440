# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth networks in an ONNX file, run by onnxruntime; PyTorch has no part in it.

Settings of such a model are the card's, or those in a file of JSON beside it that is called like
it: ``input_size``, ``channels`` (``rgb`` or ``bgr``), ``mean`` and ``std`` of the values in [0, 1],
``output`` (``disparity``, ``depth``, ``metres`` or ``depth_in_crop_sides``), ``crop_margin``,
``crop_rise``, ``average_flipped`` and ``subject``.

Depth is the first output. Further ones are taken by their names: ``subject``, if the settings say
so, is the logit of how much of a pixel the person covers, and ``log_error`` the natural logarithm
of the error to be expected.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.depth.predicted import Kind, Prediction
from ...core.errors import DeviceError, ModelError
from ..cards import Card
from ..running import Running
from ..torch_setup import import_library
from ..weights import changed
from .settings import OUTPUTS, SIZES, bounded, crop_of, no_sense, read_settings, triple

log = logging.getLogger(__name__)

# What a place gives that has no such file, or only says where it is.
_NOT_WEIGHTS = (b"<", b"version https://git-lfs")
_PROVIDERS = {
    "cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_CHANNELS = {"rgb": (0, 1, 2), "bgr": (2, 1, 0)}
# Of most networks that read a picture of any size.
_USUAL_SIDE = 518
_IN_FOLDER = "model.onnx"
_SUBJECT, _ERROR = "subject", "log_error"


@dataclass(frozen=True)
class OnnxFile:
    """A checked file.

    Attributes
    ----------
    card : Card
    path : Path
    input_size : int
        Side of the square for a network that reads any, in pixels.
    channels : tuple of int
        Which of red, green and blue comes first, second and third.
    mean, std : tuple of float
        Of values in [0, 1], in the order of red, green and blue.
    kind : Kind
        What the numbers of its depth mean.
    margin, rise : float
        How the crop lies around the face; see `Face.crop`.
    average_flipped : bool
        Average with what the network says of the mirrored crop.
    subject : bool
        The network also gives the subject's mask, which is to be used.
    parameters : int
        How many numbers the weights are, if they are of single precision.
    changed : tuple of int
        When the file and its settings were written.
    """

    card: Card
    path: Path
    input_size: int
    channels: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    kind: Kind
    margin: float
    rise: float
    average_flipped: bool
    subject: bool
    parameters: int
    changed: tuple[int, ...]


def check(place: Path, card: Card) -> OnnxFile:
    """Look at the file, or at that in a folder; see `depth_sources`."""
    model = place.name
    if place.is_dir():
        place = place / _IN_FOLDER
    if place.suffix != ".onnx" or not place.is_file():
        raise ModelError(f"The depth model {model} is no ONNX file, which ends in .onnx.")
    size = place.stat().st_size
    with place.open("rb") as file:
        start = file.read(64).lstrip()
    if not start or start.startswith(_NOT_WEIGHTS):
        raise ModelError(f"The file of the depth model {model} is damaged: copy the model again.")
    beside = place.with_suffix(".json")
    settings = {**card.settings, **(read_settings(beside, model) if beside.is_file() else {})}
    try:
        margin, rise = crop_of(settings)
        return OnnxFile(
            card=card, path=place,
            input_size=int(bounded(settings.get("input_size", _USUAL_SIDE), *SIZES)),
            channels=_CHANNELS[settings.get("channels", "rgb")],
            mean=triple(settings.get("mean", (0.485, 0.456, 0.406)), 0.0),
            std=triple(settings.get("std", (0.229, 0.224, 0.225)), 1e-3),
            kind=OUTPUTS[settings.get("output", "disparity")], margin=margin, rise=rise,
            average_flipped=bool(settings.get("average_flipped", False)),
            subject=bool(settings.get("subject", False)),
            parameters=size // 4,
            changed=changed(place, *([beside] if beside.is_file() else [])),
        )
    except (TypeError, ValueError, LookupError) as error:
        raise no_sense(model, error) from error


def load(checked: OnnxFile, running: Running) -> "OnnxNetwork":
    """Load the network; see `depth_sources`."""
    import_library("onnxruntime")
    return OnnxNetwork(checked, running)


class OnnxNetwork:
    """A loaded network; a `DepthSource`.

    Parameters
    ----------
    file : OnnxFile
    running : Running

    Raises
    ------
    DeviceError, ModelError
    """

    def __init__(self, file: OnnxFile, running: Running):
        self.name, self.kind = file.card.title, file.kind
        self.margin, self.rise = file.margin, file.rise
        self._channels = list(file.channels)
        self._average_flipped = file.average_flipped
        wanted = _choose_device(running.device)
        self._session = _open(file.path, wanted)
        # Where the libraries of a device are missing, onnxruntime goes on without it.
        used = _PROVIDERS[wanted] in self._session.get_providers()
        self.device = wanted if used else "cpu"
        self._note = "" if used else (
            f"The onnxruntime here could not use the device {wanted}: the processor was used."
        )
        self._input = self._session.get_inputs()[0]
        first, *others = (output.name for output in self._session.get_outputs())
        further = {_SUBJECT, _ERROR} if file.subject else {_ERROR}
        self._outputs = [first, *(name for name in others if name in further)]
        self.input_size = _side(self._session, file)
        # Both in the network's order of channels, and of values up to 255.
        shape = (1, 1, 3)
        self._mean = np.float32(file.mean)[self._channels].reshape(shape) * np.float32(255.0)
        self._std = np.float32(file.std)[self._channels].reshape(shape) * np.float32(255.0)

    def predict(self, rgb: np.ndarray) -> Prediction:
        """Depth, and the subject if the settings say so, of one square crop.

        Parameters
        ----------
        rgb : ndarray, (s, s, 3) uint8
            ``s`` is `input_size`.

        Raises
        ------
        ModelError
            The network cannot be run, or gives no finite depth.
        """
        maps = self._run(rgb)
        if self._average_flipped:
            mirrored = self._run(rgb[:, ::-1])
            maps = {name: (found + mirrored[name][:, ::-1]) / 2 for name, found in maps.items()}
        if not all(np.isfinite(found).all() for found in maps.values()):
            raise ModelError(f"The depth model {self.name} gave no usable depth.")
        depth = maps[self._outputs[0]]
        return Prediction(depth, maps.get(_SUBJECT), maps.get(_ERROR), note=self._note)

    def _run(self, rgb: np.ndarray) -> dict[str, np.ndarray]:
        """Maps by the names of their outputs, (s, s) float32; logits and logarithms undone."""
        pixels = (rgb[..., self._channels].astype(np.float32) - self._mean) / self._std
        pixels = pixels.transpose(2, 0, 1)[None].astype(_TYPES[self._input.type])
        try:
            found = self._session.run(
                self._outputs, {self._input.name: np.ascontiguousarray(pixels)}
            )
        except _errors() as error:
            log.exception("running %s", self.name)
            raise ModelError(
                f"The depth model {self.name} could not be run on the device {self.device}: "
                "choose another device or another model."
            ) from error
        maps = {}
        for name, values in zip(self._outputs, found, strict=True):
            maps[name] = np.squeeze(values).astype(np.float32)
            if maps[name].ndim != 2:
                raise ModelError(
                    f"The depth model {self.name} gives no map of depth, but an array of the "
                    f"shape {' x '.join(map(str, values.shape))}."
                )
        if _SUBJECT in maps:
            maps[_SUBJECT] = 0.5 + 0.5 * np.tanh(maps[_SUBJECT] / 2)
        if _ERROR in maps:
            maps[_ERROR] = np.exp(maps[_ERROR])
        return maps


def _choose_device(wanted: str) -> str:
    import onnxruntime

    providers = onnxruntime.get_available_providers()
    present = [name for name, provider in _PROVIDERS.items() if provider in providers]
    if wanted == "auto":
        return "cuda" if "cuda" in present else "cpu"
    if wanted not in present:
        raise DeviceError(
            f"The device {wanted} is not available to onnxruntime here; available: "
            f"{', '.join(present)}."
        )
    return wanted


def _open(path: Path, device: str):
    """The file's network, on a device as far as that can run it."""
    import onnxruntime

    providers = [_PROVIDERS[device]] if device == "cpu" else [_PROVIDERS[device], _PROVIDERS["cpu"]]
    try:
        return onnxruntime.InferenceSession(str(path), providers=providers)
    except _errors() as error:
        log.exception("loading %s", path)
        raise ModelError(
            f"The file of the depth model {path.name} is damaged or needs a newer onnxruntime: "
            "copy the model again, or install that where it runs."
        ) from error


def _errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises, of which the common ancestor is `Exception` itself."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(
        kind for kind in vars(state).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    )


def _side(session, file: OnnxFile) -> int:
    """Side of the square that the network reads."""
    first, *others = session.get_inputs()
    shape = list(first.shape)
    # A size that is free has a name, or none.
    free = [not isinstance(length, int) for length in shape]
    if (
        others or first.type not in _TYPES or len(shape) != 4
        or not (free[0] or shape[0] == 1) or not (free[1] or shape[1] == 3)
        or shape[2] != shape[3] and not (free[2] or free[3])
    ):
        raise ModelError(
            f"The depth model {file.path.name} does not read a square picture of three channels: "
            "it needs one input of the shape 1 x 3 x height x width."
        )
    return next((side for side in shape[2:] if isinstance(side, int)), file.input_size)
