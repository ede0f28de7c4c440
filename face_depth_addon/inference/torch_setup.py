# SPDX-License-Identifier: GPL-3.0-or-later
"""PyTorch for the sources that need it: found, imported, on the right device."""

import importlib.util
import os
import sys

from ..core.errors import DeviceError, ModelError, TorchError
from .running import Running

# Beside the weights: activations, and a second copy while they are read.
_MEMORY_FACTOR, _MEMORY_BASE = 1.25, 300e6


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
