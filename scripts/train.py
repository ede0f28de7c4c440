# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a face depth network on a data set of scripts/dataset.py.

    python scripts/train.py --arch dpt --data DIR --out DIR --steps 9000

Sets itself up on a fresh machine.  A run that was stopped goes on when the same command is given
again.  DIR/model is at any time a model that the add-on takes, made of averaged weights;
DIR/curves.png, steps.csv and checks.csv tell how it goes, DIR/looks shows photos reconstructed.
With --processes several of them share each step, started by `accelerate launch`.
"""

from __future__ import annotations  # see _environment.py

import argparse
import os
import subprocess
import sys
from pathlib import Path

import _environment

ARCHITECTURES = ("dpt", "attention-unet", "vae")
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
# Of every so many samples one is kept for the checks.
_KEPT = 50


def main(arguments: list[str] | None = None) -> int:
    """Train and return the exit code."""
    options = _parser().parse_args(arguments)
    _environment.ensure(dataset=True)
    sys.path.insert(0, str(_environment.ROOT))
    if options.processes > 1 and "LOCAL_RANK" not in os.environ:
        return _launch(options.processes, sys.argv[1:] if arguments is None else arguments)
    from heads.manifest import FolderError
    from training.recipes import StartError
    from training.trainer import ResumeError

    try:
        train(options)
    except (FolderError, StartError, ResumeError) as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped; run the same command again to go on.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _launch(processes: int, arguments: list[str]) -> int:
    """Run this script in several processes on this machine; returns their exit code."""
    # What accelerate calls "multi_gpu" is its way to start processes, also where there is none.
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu",
        "--num_processes", str(processes), "--num_machines", "1", "--mixed_precision", "no",
        "--dynamo_backend", "no", __file__, *arguments,
    ]  # fmt: skip
    return subprocess.run(command, check=False).returncode


def train(options: argparse.Namespace) -> None:
    """Train until all steps are done."""
    import cv2
    import torch
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from heads.manifest import read_records
    from training import checks, journal, looks
    from training.examples import CHANGES, Examples, View
    from training.losses import Weights
    from training.recipes import RECIPES
    from training.trainer import Settings, Trainer

    # The examples are made in processes of their own; more threads would only be in the way.
    cv2.setNumThreads(0)
    torch.manual_seed(options.seed)
    accelerator = Accelerator(
        mixed_precision=options.precision or _best_precision(), cpu=options.cpu,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    recipe = RECIPES[options.arch]
    size = options.size or recipe.size
    weights = Weights(**dict(options.weight))
    without = tuple(sorted(set(options.without)))
    settings = Settings(
        options.arch, size, options.batch, options.seed, options.frozen, without, weights
    )
    kept, learnt = _divide(
        [(folder, record) for folder in options.data for record in read_records(folder)]
    )
    view = View(size, recipe.margin, recipe.rise, jitter=1.0)
    examples = Examples(learnt, view, options.seed, CHANGES.keys() - without)
    unseen = Examples(kept, View(size, recipe.margin, recipe.rise), changes=())
    trainer = Trainer(
        recipe.network(options.start, size), recipe, settings, options.out, options.steps,
        accelerator,
    )

    if accelerator.is_main_process:
        count = accelerator.num_processes
        print(
            f"{len(learnt)} samples to learn from, {len(kept)} to check with, in {count} "
            f"process{'es' if count > 1 else ''} on {accelerator.device.type}, step {trainer.step} "
            "done",
            flush=True,
        )

    def save() -> None:
        trainer.save()
        journal.draw_curves(options.out)

    def check() -> None:
        figures = checks.check(trainer, unseen, options.workers)
        journal.append(options.out / journal.CHECKS, {"step": trainer.step, **figures})
        named = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
        print(f"check at step {trainer.step}: {named}", flush=True)
        trainer.export(options.out / "model")
        if options.look:
            sheet = options.out / "looks" / f"{trainer.step:06d}.png"
            print(looks.look(options.out / "model", options.look, sheet), end="", flush=True)
        save()

    try:
        trainer.run(
            examples, {options.save_every: save, _epoch(options, len(learnt)): check},
            options.workers, min(options.stop_after or options.steps, options.steps),
        )
    except KeyboardInterrupt:
        if accelerator.is_main_process:
            save()
        raise
    finally:
        accelerator.end_training()


def _divide(samples: list[tuple[Path, dict]]) -> tuple[list, list]:
    """Samples kept for the checks, and those to learn from: never the same person in both."""
    kept, learnt = [], []
    for folder, record in samples:
        (learnt if record["identity"] % _KEPT else kept).append((folder, record))
    return kept, learnt


def _epoch(options: argparse.Namespace, samples: int) -> int:
    """After how many steps to check: when each sample was seen, unless told otherwise."""
    return options.check_every or max(1, samples // options.batch)


def _best_precision() -> str:
    """Half precision where the processor has instructions for it."""
    import torch

    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "no"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--arch", choices=ARCHITECTURES, required=True)
    add("--data", type=Path, action="append", required=True, metavar="DIR",
        help="a data set of scripts/dataset.py; may be repeated")
    add("--out", type=Path, required=True, metavar="DIR")
    add("--steps", type=_positive, required=True, metavar="N",
        help="steps in all, those done included; a run can be given more until it has done 7/10")
    add("--stop-after", type=_positive, metavar="N", help="end this run when so many are done")
    add("--start", default="", metavar="DIR",
        help="a DINOv2 encoder or a model of ours to begin from (default for dpt: "
        "facebook/dinov2-small from the Hub; for the others random weights)")
    add("--batch", type=_positive, default=16, metavar="N", help="samples in a step (default: 16)")
    add("--size", type=_positive, metavar="PIXELS",
        help="side of the crop (default: 224, 192 and 128 by architecture)")
    add("--frozen", type=int, default=0, choices=range(13), metavar="0...12",
        help="blocks of the encoder that do not learn (default: 0)")
    add("--weight", type=_weight, action="append", default=[], metavar="NAME=X",
        help="weight of a part of the loss: depth, slope, normal, subject, error, code")
    add("--without", choices=("mirrored", "turned", "relit", "spoiled"), action="append",
        default=[], help="what examples are not to go through; may be repeated")
    add("--seed", type=int, default=0)
    add("--look", type=Path, action="append", default=[], metavar="PHOTO",
        help="photo to reconstruct at every check; may be repeated")
    add("--check-every", type=_positive, metavar="N",
        help="steps between checks (default: an epoch)")
    add("--save-every", type=_positive, default=200, metavar="N",
        help="steps between checkpoints (default: 200)")
    add("--workers", type=int, default=1, metavar="K",
        help="processes that prepare examples (default: 1)")
    add("--processes", type=_positive, default=1, metavar="K",
        help="processes that train together, one for each graphics card (default: 1)")
    add("--cpu", action="store_true", help="do without a graphics card that is there")
    add("--precision", choices=("no", "bf16", "fp16"),
        help="of the network's arithmetic (default: bf16 where the processor is made for it)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _weight(text: str) -> tuple[str, float]:
    from dataclasses import fields

    from training.losses import Weights

    name, _, value = text.partition("=")
    names = [field.name for field in fields(Weights)]
    if name not in names:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(names)}")
    return name, float(value)


if __name__ == "__main__":
    sys.exit(main())
