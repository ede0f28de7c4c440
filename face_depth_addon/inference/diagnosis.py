# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker's Python has and lacks, in words that say how to mend it."""

import importlib.metadata
import importlib.util
import os
import platform
import sys

from ..core.errors import ModelError, TorchError
from .cards import Card, read_cards
from .findings import Finding
from .registry import find_model

_NEEDED = {"transformers_model": ("torch", "transformers"), "onnx_model": ("onnxruntime",)}
_OPTIONAL = {
    "diffusers": "Marigold needs it: install diffusers there",
    "onnxruntime": "ONNX models need it: install onnxruntime there",
    "huggingface_hub": "Downloads of models need it: install transformers there",
}
_GIGABYTE = 1e9
_LITTLE_MEMORY = 2.0


def look(models: str) -> list[Finding]:
    """What this Python has for Face Depth.

    Parameters
    ----------
    models : str
        The user's own folder of models, or empty.
    """
    found = [Finding("ok", f"Python {platform.python_version()}: {sys.executable}")]
    found += [Finding("ok", f"{name} {_version(name)}") for name in (
        "numpy", "opencv-python", "pillow"
    )]
    found.append(_torch())
    found += [
        _model(card) for card in read_cards().values() if card.comes_along and card.source
    ]
    found += [
        Finding("ok", f"{name} {_version(name)}") if _has(name)
        else Finding("optional", f"No {name}", cure)
        for name, cure in _OPTIONAL.items()
    ]
    found.append(_memory())
    if models:
        found.append(
            Finding("ok", f"Folder of models: {models}") if os.path.isdir(models) else
            Finding("missing", f"There is no folder of models at {models}",
                    "Choose another in the preferences")
        )
    return found


def _torch() -> Finding:
    from .torch_setup import choose_device, import_torch

    try:
        import_torch()
    except TorchError as error:
        needed = any(
            "torch" in _NEEDED.get(card.source, ()) for card in read_cards().values()
            if card.comes_along
        )
        return Finding.of_error(error, "missing" if needed else "optional")
    import torch

    device = choose_device("auto")
    return Finding("ok", f"PyTorch {torch.__version__}, which computes on the {device}")


def _model(card: Card) -> Finding:
    lacking = [name for name in _NEEDED[card.source] if not _has(name)]
    if lacking:
        return Finding(
            "missing", f"{card.title} cannot run without {' and '.join(lacking)}",
            "Install that, or name an interpreter that has it in the preferences; Fast needs "
            "nothing",
        )
    try:
        find_model(card.name)
    except ModelError as error:
        return Finding.of_error(error)
    return Finding("ok", f"{card.title} is complete")


def _memory() -> Finding:
    from .torch_setup import available_bytes

    free = available_bytes() / _GIGABYTE
    if free < _LITTLE_MEMORY:
        return Finding(
            "missing", f"{free:.1f} GB of memory are free", "Close other programs before you start"
        )
    return Finding("ok", f"{free:.1f} GB of memory are free")


def _has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _version(name: str) -> str:
    """A package's version; Debian's packages of Blender tell none of some."""
    for package in (name, f"{name}-headless"):
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "(of the system)"
