# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the README's rendered pictures, of scikit-image's astronaut (NASA, public domain).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import _environment

IMAGES = _environment.ROOT / "docs" / "images"
HEIGHT = 460


def reconstruct(photo: Path, folder: Path, model: str) -> tuple[Path, Path]:
    """Preview and depth map of a photo by one model."""
    preview, depth = folder / f"{model}.png", folder / f"{model}-depth.png"
    subprocess.run(
        [sys.executable, str(_environment.ROOT / "scripts" / "reconstruct.py"), str(photo),
         "--model", model, "--preview", str(preview), "--depth-output", str(depth)],
        check=True,
    )
    return preview, depth


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    _environment.ensure(tests=True)
    import numpy as np
    import skimage.data
    from PIL import Image

    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = folder / "astronaut.png"
        Image.fromarray(skimage.data.astronaut()).save(photo)
        for model in ("face-dpt", "facemesh"):
            preview, depth = reconstruct(photo, folder, model)
            views = Image.open(preview).convert("RGB")
            half = views.width // 2
            grey = np.asarray(Image.open(depth)).astype(float)
            grey = Image.fromarray((grey / grey.max() * 255).astype(np.uint8)).convert("RGB")
            parts = [Image.open(photo).crop((60, 0, 400, 340)), grey.crop((60, 0, 400, 340))]
            parts += [
                views.crop((x, y, x + half, y + half)) for y in (0, half) for x in (0, half)
            ]
            sheet = Image.new("RGB", (3 * HEIGHT, 2 * HEIGHT))
            for index, part in zip((0, 3, 1, 2, 4, 5), parts):
                place = (index % 3 * HEIGHT, index // 3 * HEIGHT)
                sheet.paste(part.resize((HEIGHT, HEIGHT)), place)
            sheet.save(IMAGES / f"astronaut-{model}.jpg", quality=88)
    return 0


if __name__ == "__main__":
    sys.exit(main())
