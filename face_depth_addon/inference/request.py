# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker can be asked for, and what its answers are. Needs numpy only."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..core.crop import Crop
from ..core.fusion.fused import FusedHead
from ..core.reconstruction import Pictures, Reconstruction
from .findings import Finding
from .fused_message import unpack_head


@dataclass(frozen=True)
class Request:
    """A job of one photo.

    Attributes
    ----------
    photo : dict
        ``{"path": str}``, or ``{"name": str}`` with ``data`` in ``arrays`` (an encoded
        image file), or ``{"name": str, "linear": bool}`` with ``pixels`` in ``arrays``.
    model : str
        A card's name, or the path of a folder or an ONNX file.
    device : str
    running : dict
        Further fields of `running.Running`.
    models : str
        The user's own folder of models, or empty.
    options : dict
        Fields of `core.pipeline.Options`.
    depth_output : str or None
        File for the depth in the photo's frame.
    arrays : dict of ndarray
    """

    #: What comes after the worker's part.
    next_label: ClassVar[str] = "Building the mesh"
    photo: dict
    model: str
    device: str = "auto"
    running: dict = field(default_factory=dict)
    models: str = ""
    options: dict = field(default_factory=dict)
    depth_output: str | None = None
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def message(self) -> tuple[dict, dict[str, np.ndarray]]:
        """What the worker is told, but for the job's number."""
        return {
            "type": "job", "photo": self.photo, "model": self.model, "device": self.device,
            "running": self.running, "models": self.models, "options": self.options,
            "depth_output": self.depth_output,
        }, self.arrays

    def result(self, header: dict, arrays: dict[str, np.ndarray]) -> Reconstruction:
        """What the worker's answer says."""
        return Reconstruction(
            depth=arrays["depth"], subject=arrays["subject"], matte=arrays["matte"],
            rgb=arrays["rgb"], crop=Crop(*header["crop"]),
            metres_per_pixel=header["metres_per_pixel"], origin=arrays["origin"],
            pictures=Pictures(**{
                name.removeprefix("pictures."): data.tobytes()
                for name, data in arrays.items() if name.startswith("pictures.")
            }),
            landmarks=arrays.get("landmarks"), info=header["info"],
        )


@dataclass(frozen=True)
class FuseRequest:
    """A job of several photos of one head.

    Attributes
    ----------
    photos : tuple of (dict, dict of ndarray)
        The ``photo`` and the ``arrays`` of a `Request` each. Of a path to a video, the worker
        takes frames.
    model, device, running, models
        As those of a `Request`.
    options : dict
        Fields of `core.pipeline.Options`, for each photo.
    fusion : dict
        Fields of `core.fusion.fuse.FuseOptions`.
    """

    next_label: ClassVar[str] = "Building the mesh"
    photos: tuple[tuple[dict, dict[str, np.ndarray]], ...]
    model: str
    device: str = "auto"
    running: dict = field(default_factory=dict)
    models: str = ""
    options: dict = field(default_factory=dict)
    fusion: dict = field(default_factory=dict)

    def message(self) -> tuple[dict, dict[str, np.ndarray]]:
        """What the worker is told, but for the job's number."""
        return {
            "type": "fuse", "photos": [photo for photo, _ in self.photos], "model": self.model,
            "device": self.device, "running": self.running, "models": self.models,
            "options": self.options, "fusion": self.fusion,
        }, {
            f"{number}.{name}": array
            for number, (_, arrays) in enumerate(self.photos) for name, array in arrays.items()
        }

    def result(self, header: dict, arrays: dict[str, np.ndarray]) -> FusedHead:
        """What the worker's answer says."""
        return unpack_head(header, arrays)


@dataclass(frozen=True)
class Downloaded:
    """A model that has been downloaded.

    Attributes
    ----------
    path : Path
        The folder or file, as `places.find_place` gives it.
    bytes : int
        Of all its files.
    """

    path: Path
    bytes: int


@dataclass(frozen=True)
class DownloadRequest:
    """A job of fetching a model; only a worker that was started for that does it.

    Attributes
    ----------
    card : str
        A card's name.
    """

    next_label: ClassVar[str] = "Downloaded"
    card: str

    def message(self) -> tuple[dict, dict[str, np.ndarray]]:
        """What the worker is told, but for the job's number."""
        return {"type": "download", "card": self.card}, {}

    def result(self, header: dict, arrays: dict[str, np.ndarray]) -> Downloaded:
        """What the worker's answer says."""
        return Downloaded(Path(header["path"]), header["bytes"])


@dataclass(frozen=True)
class CheckRequest:
    """A job of looking at what the worker's Python has.

    Attributes
    ----------
    models : str
        The user's own folder of models, or empty.
    """

    next_label: ClassVar[str] = "Checked"
    models: str = ""

    def message(self) -> tuple[dict, dict[str, np.ndarray]]:
        """What the worker is told, but for the job's number."""
        return {"type": "check", "models": self.models}, {}

    def result(self, header: dict, arrays: dict[str, np.ndarray]) -> list[Finding]:
        """What the worker's answer says."""
        return [Finding(**found) for found in header["findings"]]


AnyRequest = Request | FuseRequest | DownloadRequest | CheckRequest
