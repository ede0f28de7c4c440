# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that appear whole or not at all. Needs the standard library only."""

import os
from pathlib import Path

from .errors import OutputError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name and then rename it.

    Raises
    ------
    OutputError
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}).") from error
    finally:
        temporary.unlink(missing_ok=True)
