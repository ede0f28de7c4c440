# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports point inward only, and registering stays light."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "face_depth_addon"

# What each ring may import: its own packages, and rings farther in.
ALLOWED = {
    "core": {"numpy", "cv2", "PIL", "open3d"},
    "inference": {
        "numpy", "cv2", "torch", "transformers", "diffusers", "onnxruntime", "huggingface_hub",
        "certifi",
    },
    "blender": {"numpy", "bpy", "bmesh", "mathutils", "addon_utils", "bl_operators", "_cycles"},
}
INWARD = {
    "core": {"core"}, "inference": {"core", "inference"},
    "blender": {"core", "inference", "blender"},
}
HEAVY = ("torch", "transformers", "cv2", "PIL", "scipy")


def imported(path: Path) -> set[tuple[str, bool]]:
    """(top name, is it a ring of ours) of each import in a file, wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name.partition(".")[0], False) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module.partition(".")[0], False))
        elif isinstance(node, ast.ImportFrom):
            folders = path.relative_to(PACKAGE).parent.parts
            parts = folders[: len(folders) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {((*parts, *name.split("."))[0], True) for name in names}
    return found


@pytest.mark.parametrize("ring", ALLOWED)
def test_imports_point_inward_only(ring):
    files = sorted((PACKAGE / ring).rglob("*.py"))
    assert len(files) > 3
    for file in files:
        for name, ours in imported(file):
            if ours:
                assert name in INWARD[ring], f"{file.name} of {ring} imports the ring {name}"
            elif name not in sys.stdlib_module_names:
                assert name in ALLOWED[ring], f"{file.name} of {ring} imports {name}"


def test_registering_imports_nothing_heavy():
    code = (
        "import bpy, sys, face_depth_addon\n"
        "before = set(sys.modules)\n"
        "face_depth_addon.register()\n"
        "added = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "face_depth_addon.unregister()\n"
        f"print(sorted(added & set({HEAVY})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stderr


def test_registering_does_without_what_blender_starts_without():
    """Importing numpy alone takes longer than all of the extension may."""
    code = (
        "import bpy, os, sys, face_depth_addon\n"
        "sys.modules.update(dict.fromkeys(('numpy', 'logging', 'subprocess')))\n"
        "face_depth_addon.register()\n"
        "print('light', flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip().endswith("light"), done.stderr


def test_blender_ring_works_without_opencv_and_pillow():
    """Blender's own Python has neither; all of the ring but the worker's side must load."""
    code = (
        "import sys\n"
        "sys.modules['cv2'] = sys.modules['PIL'] = None\n"
        "import bpy, importlib, pathlib, face_depth_addon\n"
        "for file in pathlib.Path('face_depth_addon/blender').rglob('*.py'):\n"
        "    importlib.import_module('.'.join(file.with_suffix('').parts))\n"
        "from face_depth_addon.inference import client\n"
        "from face_depth_addon.core.relief import grid\n"
        "print('loaded')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip().endswith("loaded"), done.stderr


WITHOUT_OPENCV = """
import sys
sys.modules['cv2'] = sys.modules['PIL'] = None
import bpy, face_depth_addon, os, pickle
face_depth_addon.register()
bpy.ops.wm.read_factory_settings(use_empty=True)
from face_depth_addon.blender.progress import finish
from face_depth_addon.blender.reconstruct import Settings, build_steps
from face_depth_addon.core.relief.building import Layout
result = pickle.load(open(sys.argv[1], 'rb'))
for region in ('FACE', 'HEAD', 'BUST'):
    settings = Settings(layout=Layout(resolution=64, region=region))
    item = finish(build_steps(bpy.context, result, settings, 0.1))
    item.data.face_depth.projection = 'PERSPECTIVE'
    item.data.face_depth.strength = 0.5
    assert len(item.data.vertices) > 500
bpy.context.view_layer.objects.active = item
bpy.ops.face_depth.smooth()
bpy.ops.face_depth.cleanup()
count = len(item.data.vertices)
for name in ('relayout', 'add_detail', 'complete_head'):
    try:
        getattr(bpy.ops.face_depth, name)()
        print('no word of', name)
    except RuntimeError as error:
        assert 'This tool needs OpenCV and Pillow, which this Blender lacks' in str(error), error
assert len(item.data.vertices) == count
print('made', flush=True)
os._exit(0)
"""


def test_mesh_and_its_sliders_need_neither_opencv_nor_pillow(tmp_path):
    """Where a tool does, it says so and leaves the mesh alone."""
    from made_faces import made_face

    (tmp_path / "face.pickle").write_bytes(pickle.dumps(made_face()))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPENCV, str(tmp_path / "face.pickle")], cwd=ROOT,
        capture_output=True, text=True, timeout=120,
    )
    assert done.stdout.strip().endswith("made") and "no word" not in done.stdout, done.stderr


def test_package_stays_quiet_and_specific():
    """No print, and one broad except only: the worker's boundary."""
    broad = []
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                pytest.fail(f"print in {file.name}:{node.lineno}")
            if isinstance(node, ast.ExceptHandler):
                caught = getattr(node.type, "id", None)
                if node.type is None or caught in {"Exception", "BaseException"}:
                    broad.append(file.name)
    assert broad == ["worker.py"]
