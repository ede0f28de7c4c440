# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: many samples at a glance."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from .manifest import FolderError, read_records
from .shapes import Label

LAYERS = ("colour", "depth", "normals", "labels")
PALETTE = {
    Label.BACKGROUND: (20, 20, 24),
    Label.SKIN: (224, 172, 138),
    Label.HAIR: (120, 72, 36),
    Label.CLOTHES: (70, 110, 180),
    Label.GLASSES: (240, 220, 60),
    Label.EYE: (245, 245, 245),
    Label.MOUTH: (200, 50, 70),
    Label.HAT: (60, 160, 90),
    Label.HAND: (170, 90, 190),
}
_TILE, _LAYER_TILE = 256, 128
_NEAR, _FAR = 245.0, 50.0
_NUMBER_COLOUR = (255, 255, 255)


def write(folder: Path, count: int, columns: int, out: Path | None = None) -> tuple[Path, Path]:
    """Write two sheets of ``count`` random samples, always the same ones of the same data set.

    Parameters
    ----------
    folder
        The data set.
    count
        How many samples, at most.
    columns
        Samples in a row of the first sheet; the second, with four images a sample, has half.
    out
        The first sheet's path; None for ``sheet.png`` in the folder.  The second's has "_layers"
        added to the name.

    Returns
    -------
    tuple of Path
        The sheet of colours, and that of colours, depth (near is light), normals and labels.

    Raises
    ------
    FolderError
        If the folder is not a data set or has no samples.
    """
    folder = Path(folder)
    records = read_records(folder)
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(records))[:count])
    records = [records[place] for place in chosen]
    first = out or folder / "sheet.png"
    second = first.with_name(f"{first.stem}_layers.png")
    colours = [[_tile(folder, record, "colour", _TILE)] for record in records]
    layers = [[_tile(folder, record, name, _LAYER_TILE) for name in LAYERS] for record in records]
    numbers = [record["index"] for record in records]
    _save(_montage(colours, numbers, columns), first)
    _save(_montage(layers, numbers, max(1, columns // 2)), second)
    return first, second


def _save(image: Image.Image, path: Path) -> None:
    try:
        image.save(path)
    except ValueError as error:
        raise FolderError(f"{path} is no picture's name; let it end in .png.") from error
    except OSError as error:
        raise FolderError(f"{path} cannot be written: {error.strerror or error}.") from error


def _tile(folder: Path, record: dict, layer: str, side: int) -> Image.Image:
    """Return an image of a sample as one can look at it, scaled to a square."""
    path = folder / record["files"][layer]
    with _open(path) as image:
        if layer == "depth":
            shown = Image.fromarray(_shade(np.asarray(image)))
        elif layer == "labels":
            shown = Image.fromarray(_paint(np.asarray(image)))
        else:
            shown = image.convert("RGB")
    exact = layer == "labels"
    return shown.convert("RGB").resize(
        (side, side), Image.Resampling.NEAREST if exact else Image.Resampling.LANCZOS
    )


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
        image.load()
    except (OSError, SyntaxError) as error:  # Pillow's word for a broken PNG
        raise FolderError(
            f"{path} is missing or damaged; run the same `render` command again to mend the data "
            "set."
        ) from error
    return image


def _shade(depth: np.ndarray) -> np.ndarray:
    """Return depth steps (0 for none) as uint8 greys over the subject's own range."""
    known = depth > 0
    if not known.any():
        return np.zeros(depth.shape, np.uint8)
    near, far = np.percentile(depth[known], (1, 99))
    share = np.clip((depth - near) / max(far - near, 1.0), 0, 1)
    return np.where(known, _NEAR + (_FAR - _NEAR) * share, 0).astype(np.uint8)


def _paint(labels: np.ndarray) -> np.ndarray:
    colours = np.zeros((256, 3), np.uint8)
    for label, colour in PALETTE.items():
        colours[label] = colour
    return colours[labels]


def _montage(groups: list[list[Image.Image]], numbers: list[int], columns: int) -> Image.Image:
    """Put groups of tiles in rows of ``columns`` groups, each with its sample's number."""
    side, width = groups[0][0].width, len(groups[0])
    columns = min(columns, len(groups))
    rows = -(-len(groups) // columns)
    sheet = Image.new("RGB", (columns * width * side, rows * side))
    draw = ImageDraw.Draw(sheet)
    for place, (group, number) in enumerate(zip(groups, numbers, strict=True)):
        row, column = divmod(place, columns)
        for step, tile in enumerate(group):
            sheet.paste(tile, ((column * width + step) * side, row * side))
        corner = (column * width * side + 3, row * side + 1)
        draw.text(corner, str(number), _NUMBER_COLOUR, stroke_width=1, stroke_fill=(0, 0, 0))
    return sheet
