# SPDX-License-Identifier: GPL-3.0-or-later
"""Try depth models with their real weights on one photo, and compare with what is known of them.

    python scripts/verify_models.py [NAME ...] [--models DIR] [--download]

Without names, all models that are on this machine; with ``--download`` those named are fetched
first. The photo is scikit-image's astronaut (NASA, public domain). Prints, as Markdown, for each
model: whether its weights are of the checksum that its card states, the time, the agreement with
the face's landmarks, and the fingerprint of its depth: the face's relief on a grid of 8 x 8
cells in tenths of its spread. ``expected_depths.json`` has the fingerprints known so far, by
`--record` those of this run; they count as the same within a tenth.
"""

from __future__ import annotations  # see _environment.py

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

import _environment

KNOWN = Path(__file__).resolve().parent / "expected_depths.json"
CELLS = 8


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of cards; see --list-models")
    parser.add_argument("--models", default="", metavar="DIR", help="your own folder of models")
    parser.add_argument("--download", action="store_true", help="fetch what is missing")
    parser.add_argument("--record", action="store_true", help="keep what is not known yet")
    options = parser.parse_args()
    _environment.ensure(tests=True)
    sys.path.insert(0, str(_environment.ROOT))
    import skimage.data
    from PIL import Image

    from face_depth_addon.core.errors import FaceDepthError
    from face_depth_addon.inference.cards import read_cards
    from face_depth_addon.inference.client import WorkerClient
    from face_depth_addon.inference.places import find_place

    cards = read_cards()
    unknown = [name for name in options.names if name not in cards]
    if unknown:
        print(f"There is no card called {unknown[0]}.", file=sys.stderr)
        return 2
    chosen = [cards[name] for name in options.names] or [
        card for card in cards.values() if find_place(card, options.models)
    ]
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    client, worst = WorkerClient(), 0
    print("| model | weights | seconds | agreement | depth | fingerprint |")
    print("|---|---|---:|---:|---|---|")
    try:
        with tempfile.TemporaryDirectory() as folder:
            photo = Path(folder, "astronaut.png")
            Image.fromarray(skimage.data.astronaut()).save(photo)
            for card in chosen:
                try:
                    if options.download and not find_place(card, options.models):
                        _fetch(card)
                    row, same = _try(client, card, photo, options.models, known)
                except FaceDepthError as error:
                    row, same = f"{error} | | | | ", False
                print(f"| {card.name} | {row} |", flush=True)
                worst |= not same
    finally:
        client.close()
    if options.record:
        KNOWN.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return worst


def _fetch(card) -> None:
    from face_depth_addon.inference.client import WorkerClient
    from face_depth_addon.inference.request import DownloadRequest

    client = WorkerClient(online=True)
    try:
        _result(client, DownloadRequest(card.name))
    finally:
        client.close()


def _try(client, card, photo: Path, models: str, known: dict) -> tuple[str, bool]:
    """A row of the table, and whether all is as it is known to be."""
    from face_depth_addon.inference.request import Request

    weights = _weights(card, models)
    begun = time.perf_counter()
    result = _result(client, Request({"path": str(photo)}, card.name, models=models))
    seconds = time.perf_counter() - begun
    found = _fingerprint(result)
    told = " ".join(map(str, found))
    if card.name not in known:
        known[card.name], verdict = told, "not known yet"
    else:
        expected = map(int, known[card.name].split())
        same = all(abs(a - b) <= 1 for a, b in zip(expected, found, strict=True))
        verdict = "as expected" if same else "differs"
    agreement = result.info.get("depth", {}).get("agreement", "")
    same = verdict != "differs" and "wrong" not in weights
    return f"{weights} | {seconds:.1f} | {agreement} | {verdict} | `{told}`", same


def _result(client, request):
    job = client.submit(request)
    while not job.poll(1.0):
        pass
    return job.result


def _weights(card, models: str) -> str:
    """Whether a single file is of the checksum that its card states."""
    from face_depth_addon.inference.places import find_place

    if not card.sha256:
        return "no checksum on the card"
    with open(find_place(card, models), "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "checksum right" if digest == card.sha256 else "checksum wrong"


def _fingerprint(result) -> list[int]:
    """Tenths of the spread in the face's 8 x 8 cells, row by row from the top."""
    import cv2
    import numpy as np

    from face_depth_addon.core.face.regions import region_mask

    face = region_mask(result.subject, result.landmarks, "FACE") & result.subject
    relief = (result.depth - np.median(result.depth[face])) / result.depth[face].std()
    rows, columns = (np.flatnonzero(face.any(axis=axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    inside = face[window].astype(np.float32)
    size = (CELLS, CELLS)
    share = cv2.resize(inside, size, interpolation=cv2.INTER_AREA)
    means = cv2.resize(relief[window].astype(np.float32) * inside, size,
                       interpolation=cv2.INTER_AREA)
    cells = np.where(share > 0.25, means / np.maximum(share, 0.25), 0.0)
    return [round(10.0 * float(value)) for value in cells.ravel()]


if __name__ == "__main__":
    sys.exit(main())
