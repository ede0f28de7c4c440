# SPDX-License-Identifier: GPL-3.0-or-later
"""How a depth model is to run. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Running:
    """Where and how exactly a depth model runs.

    Attributes
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    precision : str
        ``auto``, ``float32``, ``float16`` or ``bfloat16``. Half precision saves memory, and time
        on graphics cards; ``auto`` takes it there.
    steps : int
        Of a diffusion model; 0 for as many as its card says.
    ensemble : int
        How many runs of a diffusion model are averaged; from 3 on it also tells the uncertainty.
    seed : int
        Of a diffusion model's noise.
    """

    device: str = "auto"
    precision: str = "auto"
    steps: int = 0
    ensemble: int = 1
    seed: int = 0
