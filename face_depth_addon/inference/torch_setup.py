# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries for the sources that need them, PyTorch above all: imported, on the right device."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from ..core.errors import DeviceError, ModelError, TorchError
from .running import Running

# Beside the weights: activations, and a second copy while they are read.
_MEMORY_FACTOR, _MEMORY_BASE = 1.25, 300e6

_Result = TypeVar("_Result")


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
        raise not_loaded(error) from error
    disable_progress_bar()


def not_loaded(error: Exception) -> TorchError:
    """The sentence about a PyTorch that cannot be used."""
    return TorchError(
        f"PyTorch could not be loaded ({_reason(error)}): choose another interpreter in the "
        "preferences (--python on the command line), or use the Fast source."
    )


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def import_library(name: str) -> None:
    """Import a library that only some models need.

    Raises
    ------
    ModelError
        It is missing or cannot be loaded.
    """
    if importlib.util.find_spec(name) is None:
        raise ModelError(
            f"The Python that runs the depth model has no {name}: install it there, or choose "
            "another model."
        )
    try:
        importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"The library {name} could not be loaded ({_reason(error)}): install it again where "
            "the depth model runs, or choose another model."
        ) from error


class Placement:
    """Where a network runs, and that it goes on where there is room.

    Parameters
    ----------
    name : str
        What the user calls the model.
    parameters : int
    running : Running

    Attributes
    ----------
    device : str
    dtype : torch.dtype
    note : str
        What the user should know of it, or empty.

    Raises
    ------
    DeviceError
        The wanted device is not available.
    ModelError
        There is no room for the network.
    """

    def __init__(self, name: str, parameters: int, running: Running):
        self._name = name
        wanted = choose_device(running.device)
        dtype = choose_dtype(running, wanted)
        self.device = device_with_room(parameters, dtype, wanted, name)
        self.dtype = choose_dtype(running, self.device)
        self.note = no_room(name, wanted) if self.device != wanted else ""

    def run(self, network, compute: Callable[[], _Result]) -> _Result:
        """Compute with a network, on the processor if its device has too little memory.

        Parameters
        ----------
        network : torch.nn.Module or diffusers.DiffusionPipeline
            What ``compute`` uses, on `device`.
        compute : callable

        Raises
        ------
        DeviceError
            The processor has too little memory as well.
        """
        import torch

        try:
            return compute()
        except torch.OutOfMemoryError as error:
            if self.device == "cpu":
                raise DeviceError(
                    f"There is too little memory for {self._name}: close other programs, or "
                    "choose a smaller model."
                ) from error
        self.note = no_room(self._name, self.device)
        self.device, self.dtype = "cpu", torch.float32
        network.to("cpu", torch.float32)
        return compute()


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


def choose_dtype(running: Running, device: str):
    """The type of number that a network computes with, a ``torch.dtype``."""
    import torch

    if running.precision != "auto":
        return getattr(torch, running.precision)
    # Half precision is slower than single on a CPU.
    return torch.float32 if device == "cpu" else torch.float16


def device_with_room(parameters: int, dtype, device: str, name: str) -> str:
    """The device for a network: the wanted one, or the processor if only that has room.

    Parameters
    ----------
    parameters : int
    dtype : torch.dtype
    device : str
    name : str
        What the user calls the model.

    Raises
    ------
    ModelError
        Neither has.
    """
    import torch

    needed = parameters * dtype.itemsize * _MEMORY_FACTOR + _MEMORY_BASE
    if device == "cuda" and needed < torch.cuda.mem_get_info()[0]:
        return device
    there = available_bytes()
    if needed > there:
        raise ModelError(
            f"{name} needs about {needed / 1e9:.1f} GB of memory, and {there / 1e9:.1f} GB are "
            "free: close other programs, or choose a smaller model."
        )
    return "cpu" if device == "cuda" else device


def no_room(name: str, device: str) -> str:
    """What the user is told where the processor has to take over."""
    return f"The device {device} has too little memory for {name}: the processor was used."


def available_bytes() -> int:
    """Memory that a program could still get."""
    if sys.platform == "linux":
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    if sys.platform == "win32":
        return _free_on_windows()
    # What is free on macOS says little, as it fills memory with files.
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _free_on_windows() -> int:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong), ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in (
                "total", "free", "total_page", "free_page", "total_virtual", "free_virtual",
                "extended",
            )),
        ]  # fmt: skip

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status.free
