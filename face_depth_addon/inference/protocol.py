# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between Blender and the worker: a line of JSON, then raw arrays."""

import json
from typing import BinaryIO

import numpy as np


def write_message(stream: BinaryIO, header: dict, arrays: dict[str, np.ndarray] | None = None):
    """Write one message.

    Parameters
    ----------
    stream : binary file
    header : dict
        Anything JSON knows.
    arrays : dict of ndarray
        Of any shape and plain dtype.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    layout = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    stream.write(json.dumps({**header, "arrays": layout}).encode() + b"\n")
    for array in arrays.values():
        stream.write(array.data.cast("B") if array.size else b"")
    stream.flush()


def read_message(stream: BinaryIO) -> tuple[dict, dict[str, np.ndarray]] | None:
    """Read one message; None at the stream's end, also in the middle of a message."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    header, arrays = json.loads(line), {}
    for name, dtype, shape in header.pop("arrays"):
        array = np.empty(shape, dtype)
        view = memoryview(array).cast("B") if array.size else b""
        done = 0
        while done < array.nbytes:
            count = stream.readinto(view[done:])
            if not count:
                return None
            done += count
        arrays[name] = array
    return header, arrays
