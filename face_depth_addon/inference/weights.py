# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights on disk: whole, and in a format that cannot run programs. Standard library only."""

import json
import struct
from pathlib import Path

from ..core.errors import ModelError

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def refuse_pickle(path: Path) -> None:
    """Raise a `ModelError` for a file that can run programs when it is opened."""
    if path.suffix in PICKLES:
        raise ModelError(
            f"{path.name} is a pickle, which can run any program when it is opened: "
            "convert the weights to safetensors first."
        )


def find_weights(folder: Path, name: str, model: str) -> Path:
    """The safetensors file of that name in a folder.

    Parameters
    ----------
    folder : Path
    name : str
    model : str
        What the user calls the model.

    Raises
    ------
    ModelError
        It is missing; pickles in its place have a sentence of their own.
    """
    weights = folder / name
    if weights.is_file():
        return weights
    if folder.is_dir():
        for pickle in sorted(file for file in folder.iterdir() if file.suffix in PICKLES):
            refuse_pickle(pickle)
    raise ModelError(f"The depth model folder {model} has no {name}.")


def count_parameters(weights: Path, model: str) -> int:
    """How many numbers a safetensors file holds; its header states its own length.

    Parameters
    ----------
    weights : Path
    model : str
        What the user calls the model.

    Raises
    ------
    ModelError
        The file is damaged, or its end is missing.
    """
    damaged = ModelError(
        f"The weights of the depth model {model} are damaged or incomplete; "
        "copy the model again."
    )
    try:
        size = weights.stat().st_size
        with weights.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > size:
                raise damaged
            header = json.loads(file.read(length))
        tensors = [entry for key, entry in header.items() if key != "__metadata__"]
        end = max(entry["data_offsets"][1] for entry in tensors)
        count = sum(_product(entry["shape"]) for entry in tensors)
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged from error
    if 8 + length + end != size:
        raise damaged
    return count


def changed(*files: Path) -> tuple[int, ...]:
    """When files were written: a model that is replaced is loaded anew."""
    return tuple(file.stat().st_mtime_ns for file in files)


def _product(shape: list[int]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total
