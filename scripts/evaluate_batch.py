# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure batches: what a second worker brings, what kills cost, what long batches hold.

    python scripts/evaluate_batch.py [--data SET] [--speed N] [--kills N] [--memory N]

Makes photos by augmenting scikit-image's portraits and, of --data, the heads that
``dataset.py render`` has made, and prints as Markdown: photos per minute of two workers and of one,
each on a core of its own, in one run (one, two, one again); what became of a batch whose workers
are killed at random moments; memory of the driver and its workers over many photos. 0 leaves a
part out. Linux only, as memory is read from /proc.
"""

from __future__ import annotations  # see _environment.py

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _environment

FAST = ("--model", "facemesh", "--resolution", "256")
_MARKS = (0.02, 0.1, 0.25, 0.5, 0.75, 1.0)


def main() -> int:
    options = parser().parse_args()
    _environment.ensure(tests=True, dataset=True, batch=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        photos = Photos(options.data, options.seed)
        if options.speed:
            print(f"{speed(photos, options.speed, options.model, work)}\n", flush=True)
        if options.kills:
            print(f"{kills(photos, options.kills, options.seed, work)}\n", flush=True)
        if options.memory:
            print(memory(photos, options.memory, work), flush=True)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="a data set of rendered heads")
    add("--speed", type=int, default=100, metavar="N", help="photos of each speed (default: 100)")
    add("--model", default="face-dpt", metavar="NAME", help="whose speed (default: face-dpt)")
    add("--kills", type=int, default=10, metavar="N", help="kills of workers (default: 10)")
    add("--memory", type=int, default=2000, metavar="N", help="photos in a row (default: 2000)")
    add("--seed", type=int, default=1, metavar="N")
    return parser


class Photos:
    """Makes photos, each another.

    Parameters
    ----------
    data : Path or None
        Folder of a data set, whose colour pictures are taken too.
    seed : int
    """

    def __init__(self, data: Path | None, seed: int):
        import skimage.data
        from PIL import Image

        self._chance = random.Random(seed)
        self._originals = [Image.fromarray(skimage.data.astronaut()).crop((60, 0, 380, 320))]
        for path in sorted((data / "samples").glob("*_colour.*")) if data else ():
            self._originals.append(Image.open(path).convert("RGB"))

    def make(self, folder: Path, count: int) -> Path:
        """Write so many photos of 512 pixels a side."""
        from PIL import Image, ImageEnhance

        folder.mkdir()
        for number in range(count):
            photo = self._originals[number % len(self._originals)].resize((512, 512))
            if self._chance.random() < 0.5:
                photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            photo = photo.rotate(self._chance.uniform(-10, 10), Image.Resampling.BILINEAR)
            for kind in (ImageEnhance.Brightness, ImageEnhance.Color, ImageEnhance.Contrast):
                photo = kind(photo).enhance(self._chance.uniform(0.8, 1.2))
            photo.save(folder / f"{number:05}.jpg", quality=self._chance.randint(80, 95))
        return folder


def speed(photos: Photos, count: int, model: str, work: Path) -> str:
    """A table of photos per minute of one and of two workers.

    One worker is measured before and after two, so that a machine that gets slower or quicker
    meanwhile favours neither.
    """
    halves = [photos.make(work / name, count // 2 + 4) for name in ("before", "after")]
    both = photos.make(work / "both", count + 8)
    rates = []
    for folder, workers in ((halves[0], 1), (both, 2), (halves[1], 1)):
        out = work / f"{folder.name}-out"
        _end(_start(folder, out, "--model", model, "--workers", workers))
        rates.append(_per_minute(out, 4 * workers))
    one = 2.0 / (1.0 / rates[0] + 1.0 / rates[2])
    return "\n".join((
        f"Photos per minute with {model}, warm, {count} photos each, a core for each worker:", "",
        "| one worker, before | two | one, after | two against one |", "|---:|---:|---:|---:|",
        f"| {rates[0]:.1f} | {rates[1]:.1f} | {rates[2]:.1f} | {rates[1] / one:.2f} x |",
    ))


def kills(photos: Photos, count: int, seed: int, work: Path) -> str:
    """What became of a batch whose workers were killed so many times."""
    chance = random.Random(seed)
    total = 12 * count
    folder, out = photos.make(work / "killed", total), work / "killed-out"
    process = _start(folder, out, *FAST, "--workers", 2)
    killed = {"ray::Reconstructor": 0, "worker_main.py": 0}
    while sum(killed.values()) < count and process.poll() is None:
        time.sleep(chance.uniform(0.5, 4.0))
        kind = chance.choice(list(killed))
        victims = _descendants(process.pid, kind)
        if victims and _kill(chance.choice(victims)):
            killed[kind] += 1
    _end(process)
    rows = _rows(out)
    done = [row for row in rows if row["state"] == "done"]
    # A face that is turned too far is not found, whoever looks.
    faceless = [row for row in rows if (row["reason"] or "").startswith("No face was found")]
    whole = sum(_is_whole(path) for path in out.glob("*.glb"))
    left = [path for path in out.rglob(".*") if path.name != ".batch"]
    return "\n".join((
        f"A batch of {total} photos with two workers, killed at random moments:", "",
        "| actors killed | depth workers killed | done, once each | no face in it | lost | "
        "whole meshes | left over |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        f"| {killed['ray::Reconstructor']} | {killed['worker_main.py']} | "
        f"{len({row['path'] for row in done})} | {len(faceless)} | "
        f"{total - len(done) - len(faceless)} | {whole} | "
        f"{len(left) + (out / '.batch' / 'work').exists()} |",
    ))


def memory(photos: Photos, count: int, work: Path) -> str:
    """A table of resident megabytes while so many photos are done."""
    folder, out = photos.make(work / "many", count), work / "many-out"
    process = _start(folder, out, *FAST, "--workers", 2)
    seen = []
    while process.poll() is None:
        seen.append((time.time(), _megabytes([process.pid]), *(
            _megabytes(_descendants(process.pid, kind))
            for kind in ("ray::Reconstructor", "worker_main.py", "/ray/", "ray::")
        )))
        time.sleep(1.0)
    _end(process)
    finished = sorted(row["finished"].timestamp() for row in _rows(out))
    lines = [
        f"Resident memory in MB over {count} photos with two workers:", "",
        "| photos done | driver | both actors | both depth workers | Ray |",
        "|---:|---:|---:|---:|---:|",
    ]
    for mark in _MARKS:
        number = max(1, round(mark * count))
        at = finished[number - 1]
        # The end comes after the last photo.
        _, driver, actors, workers, ray, named = min(seen, key=lambda row: abs(row[0] - at))
        lines.append(
            f"| {number} | {driver:.0f} | {actors:.0f} | {workers:.0f} | "
            f"{ray + named - actors:.0f} |"
        )
    return "\n".join(lines)


def _start(folder: Path, out: Path, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([
        sys.executable, str(_environment.ROOT / "scripts" / "batch.py"), str(folder), "--out",
        str(out), *map(str, arguments),
    ], stderr=subprocess.PIPE, text=True)


def _end(process: subprocess.Popen) -> None:
    error = process.communicate()[1]
    if process.returncode not in (0, 1):
        sys.exit(f"The batch ended with {process.returncode}:\n{error}")


def _rows(out: Path) -> list[dict]:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(out / "manifest.parquet").to_pylist()


def _per_minute(out: Path, warming: int) -> float:
    """The rate after the first few photos, which wait for the model."""
    finished = sorted(row["finished"].timestamp() for row in _rows(out) if row["state"] == "done")
    if len(finished) < warming + 2:
        sys.exit(f"Only {len(finished)} photos were done: give --speed more.")
    return 60.0 * (len(finished) - warming) / (finished[-1] - finished[warming - 1])


def _is_whole(path: Path) -> bool:
    data = path.read_bytes()
    return data[:4] == b"glTF" and int.from_bytes(data[8:12], "little") == len(data)


def _descendants(parent: int, word: str) -> list[int]:
    """Processes below one, whose command has that word."""
    import psutil

    found = []
    for child in psutil.Process(parent).children(recursive=True):
        try:
            if word in " ".join(child.cmdline()):
                found.append(child.pid)
        except psutil.Error:
            continue
    return found


def _kill(number: int) -> bool:
    try:
        os.kill(number, 9)
    except ProcessLookupError:
        return False
    return True


def _megabytes(numbers: list[int]) -> float:
    """Resident memory of processes together."""
    import psutil

    total = 0
    for number in numbers:
        try:
            total += psutil.Process(number).memory_info().rss
        except psutil.Error:
            continue
    return total / 1e6


if __name__ == "__main__":
    sys.exit(main())
