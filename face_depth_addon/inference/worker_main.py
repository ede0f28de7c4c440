# SPDX-License-Identifier: GPL-3.0-or-later
"""Start of the worker process: ``python worker_main.py``, run by path.

Runs under any Python, Blender's own or the user's, so the package is loaded from its
folder whatever that folder is called.
"""

import importlib.util
import os
import sys
from pathlib import Path

_PACKAGE = "face_depth_addon"


def _load_package() -> None:
    folder = Path(__file__).resolve().parent.parent
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules[_PACKAGE] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    # Python puts this script's folder first, where nothing is meant to be imported from.
    del sys.path[0]
    inherited = list(filter(None, os.environ.get("FACE_DEPTH_PATH", "").split(os.pathsep)))
    # In Blender's order: an extension's wheels go before packages of the system.
    sys.path[:] = [*inherited, *(path for path in sys.path if path not in inherited)]
    _load_package()
    try:
        worker = importlib.import_module(f"{_PACKAGE}.inference.worker")
    except ModuleNotFoundError as error:
        sys.exit(f"missing module: {error.name}")
    except ImportError as error:
        sys.exit(f"broken module: {' '.join(str(error).split())}")
    worker.main()
