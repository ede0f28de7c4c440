# SPDX-License-Identifier: GPL-3.0-or-later
"""What training minimises, and what it watches.

Depths are in sides of the crop, so a slope is a pure number: depth per width.
"""

from dataclasses import dataclass

import torch

# Strides of the slopes that are compared, in pixels.
_STRIDES = (1, 2, 4, 8, 16)
_EPSILON = 1e-6


@dataclass(frozen=True)
class Weights:
    """How much each part counts.

    Attributes
    ----------
    depth : float
        Absolute error after the best shift: the relief itself.
    slope : float
        Difference of slopes at five scales: the features, and edges where they are.
    normal : float
        Length between unit normals, near the angle in radians.
    subject : float
        Cross entropy of the mask.
    error : float
        Likelihood of the expected error; it does not move the depth.
    code : float
        Divergence of a latent code from the normal distribution.
    """

    depth: float = 20.0
    slope: float = 0.5
    normal: float = 0.5
    subject: float = 0.2
    error: float = 0.02
    code: float = 1e-3


def losses(output, truth: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The parts of the loss, unweighted.

    Parameters
    ----------
    output : FaceDepthOutput
    truth : dict of Tensor
        A batch of `examples.Examples`.

    Returns
    -------
    dict of Tensor, ()
        By the names of `Weights`.
    """
    depth, weight = output.predicted_depth.float(), truth["weight"]
    error = shifted(depth, truth["depth"], weight)
    parts = {
        "depth": _mean(error.abs(), weight),
        "slope": _slope_error(error, weight),
        "normal": _mean(*_normal_distance(depth, truth["depth"], weight)),
        "subject": _subject_error(output.subject.float(), truth),
        "error": _surprise(output.log_error.float(), error.detach().abs(), weight),
    }
    if output.latent is not None:
        mean, log_variance = (values.float() for values in output.latent)
        parts["code"] = 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance).mean()
    return parts


def total(parts: dict[str, torch.Tensor], weights: Weights) -> torch.Tensor:
    """The weighted sum."""
    return sum(getattr(weights, name) * part for name, part in parts.items())


def shifted(depth: torch.Tensor, true: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Depth less truth less the mean of that over the face: (B, s, s).

    The mean takes part in the gradient. With a shift that does not, the offset, which changes
    nothing, drifts without bound, because the rest of the person pulls at it.
    """
    difference = depth - true
    face = (weight == 1.0).float()
    shift = (difference * face).flatten(1).sum(dim=1) / (face.flatten(1).sum(dim=1) + _EPSILON)
    return difference - shift[:, None, None]


def normal_angles(
    depth: torch.Tensor, true: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Angles in degrees between normals, and which of them are known: (B, s - 2, s - 2)."""
    distance, known = _normal_distance(depth, true, weight)
    return torch.rad2deg(2.0 * torch.asin((distance / 2.0).clamp(max=1.0))), known


def _slope_error(error: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    size, parts = error.shape[-1], []
    for stride in _STRIDES:
        for axis in (1, 2):
            ahead, behind = (
                (values.narrow(axis, stride, size - stride), values.narrow(axis, 0, size - stride))
                for values in (error, weight)
            )
            both = torch.minimum(*behind)
            parts.append(_mean((ahead[0] - ahead[1]).abs() * (size / stride), both))
    return torch.stack(parts).mean()


def _normal_distance(
    depth: torch.Tensor, true: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Length between unit normals, and the least weight they were made from."""
    gap = ((_normals(depth) - _normals(true)) ** 2).sum(dim=1)
    least = -torch.nn.functional.max_pool2d(-weight[:, None], 3, stride=1)[:, 0]
    return (gap + _EPSILON).sqrt(), least


def _normals(depth: torch.Tensor) -> torch.Tensor:
    """Unit normals by central differences: (B, s, s) to (B, 3, s - 2, s - 2)."""
    half = depth.shape[-1] / 2.0
    across = (depth[:, 1:-1, 2:] - depth[:, 1:-1, :-2]) * half
    down = (depth[:, 2:, 1:-1] - depth[:, :-2, 1:-1]) * half
    normals = torch.stack([-across, -down, torch.ones_like(across)], dim=1)
    return torch.nn.functional.normalize(normals, dim=1)


def _subject_error(logits: torch.Tensor, truth: dict[str, torch.Tensor]) -> torch.Tensor:
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, truth["subject"], reduction="none"
    )
    return _mean(entropy, truth["inside"])


def _surprise(log_error: torch.Tensor, error: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Negative log likelihood of errors under a Laplace distribution of that spread."""
    log_error = log_error.clamp(-8.0, 1.0)
    return _mean(error * torch.exp(-log_error) + log_error, weight)


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted mean of each picture, then of all pictures."""
    sums = (values * weight).flatten(1).sum(dim=1)
    return (sums / (weight.flatten(1).sum(dim=1) + _EPSILON)).mean()
