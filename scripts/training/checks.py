# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a network is on samples it does not learn from, told in millimetres."""

import torch
from torch.utils.data import DataLoader

from .examples import Examples
from .losses import normal_angles, shifted
from .trainer import Trainer

_BATCH = 16


@torch.inference_mode()
def check(trainer: Trainer, examples: Examples, workers: int) -> dict[str, float]:
    """Measure the averaged network.

    Parameters
    ----------
    trainer : Trainer
    examples : Examples
        Neither jittered nor spoiled.
    workers : int

    Returns
    -------
    dict of float
        Over the face: ``mae`` and ``mae_affine``, the mean absolute depth error in mm after the
        best shift and after the best scale and shift; ``normal``, mean angle in degrees between
        normals at the network's resolution. ``iou`` of the subject. ``error_ratio``, the expected
        error over the true one; ``error_order``, the correlation of both within a face.
    """
    model = trainer.averaged()
    keys = [(0, index) for index in range(len(examples))]
    batches = [keys[at : at + _BATCH] for at in range(0, len(keys), _BATCH)]
    rows = []
    for batch in DataLoader(examples, batch_sampler=batches, num_workers=workers):
        batch = {name: tensor.to(trainer.accelerator.device) for name, tensor in batch.items()}
        with trainer.accelerator.autocast():
            output = model(pixel_values=trainer.normalise(batch["rgb"]))
        rows.append(_measure(output, batch))
    return {name: float(torch.cat([row[name] for row in rows]).mean()) for name in rows[0]}


def _measure(output, truth: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The figures of each picture of a batch: (B,)."""
    depth, true, mm = output.predicted_depth.float(), truth["depth"], truth["mm"]
    face = (truth["weight"] == 1.0).float()
    error = shifted(depth, true, truth["weight"]).abs()
    fitted = _fit(depth, true, face)
    angles, known = normal_angles(depth, true, face)
    expected = output.log_error.float().exp()
    subject, there = output.subject > 0, truth["subject"] > 0.5
    inside = truth["inside"] > 0
    return {
        "mae": _mean(error, face) * mm,
        "mae_affine": _mean((fitted - true).abs(), face) * mm,
        "normal": _mean(angles, known),
        "iou": _mean(subject & there, inside) / _mean(subject | there, inside),
        "error_ratio": _mean(expected, face) / _mean(error, face),
        "error_order": _correlation(expected.log(), (error + 1e-4).log(), face),
    }


def _fit(depth: torch.Tensor, true: torch.Tensor, face: torch.Tensor) -> torch.Tensor:
    """Depth after the least-squares scale and shift on the face."""
    middle, level = (_mean(values, face)[:, None, None] for values in (depth, true))
    centred = depth - middle
    scale = _mean(centred * (true - level), face) / _mean(centred**2, face)
    return centred * scale[:, None, None] + level


def _correlation(first: torch.Tensor, second: torch.Tensor, face: torch.Tensor) -> torch.Tensor:
    first, second = (
        values - _mean(values, face)[:, None, None] for values in (first, second)
    )
    spread = (_mean(first**2, face) * _mean(second**2, face)).sqrt()
    return _mean(first * second, face) / spread.clamp(min=1e-12)


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    sums = (values * weight).flatten(1).sum(dim=1)
    return sums / weight.flatten(1).sum(dim=1).clamp(min=1e-6)
