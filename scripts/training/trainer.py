# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: one step after the other, stopped and gone on with at will."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from . import losses
from .examples import Examples, Shuffled
from .journal import Journal
from .recipes import Recipe, parameter_groups

_WARM_UP, _DECAY_FROM = 100, 0.7
_AVERAGE = 0.998
_STATE = "state.pt"


class ResumeError(Exception):
    """What lies in the output folder does not go with the settings; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """What must stay the same from a run to the next that goes on with it.

    Attributes
    ----------
    architecture : str
        A name of `recipes.RECIPES`.
    size : int
        Side of the crop in pixels.
    batch : int
        Samples in a step, of all processes together.
    seed : int
    frozen : int
        The encoder's blocks that do not learn.
    without : tuple of str
        Which of `examples.CHANGES` the examples do not go through.
    weights : Weights
    """

    architecture: str
    size: int
    batch: int
    seed: int
    frozen: int
    without: tuple[str, ...]
    weights: losses.Weights


class Trainer:
    """One network in training.

    Parameters
    ----------
    model : PreTrainedModel
    recipe : Recipe
    settings : Settings
    out : Path
        Folder for the state, the journal and the model.
    steps : int
        How many there are to be in all; the learning rate falls over the last of them.
    accelerator : Accelerator

    Attributes
    ----------
    step : int
        How many steps are done.
    """

    def __init__(
        self, model: PreTrainedModel, recipe: Recipe, settings: Settings, out: Path, steps: int,
        accelerator: Accelerator,
    ):  # fmt: skip
        self._recipe, self._settings, self._out = recipe, settings, out
        self.steps, self.accelerator = steps, accelerator
        self.step = 0
        groups = parameter_groups(model, recipe, settings.frozen)
        self._optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
        model.to(accelerator.device, memory_format=torch.channels_last)
        if accelerator.device.type == "cpu" and hasattr(model, "backbone"):
            # Without a graphics card the fused attention is the slower one, above all backwards.
            model.backbone.set_attn_implementation("eager")
        self._average = {name: value.clone() for name, value in model.state_dict().items()}
        self._plain = model
        self._resume()
        self._model = accelerator.prepare_model(model)
        shape = (1, 3, 1, 1)
        processor = recipe.preprocessor(settings.size)
        self._mean, self._std = (
            torch.tensor(processor[name], device=accelerator.device).view(shape) * 255.0
            for name in ("image_mean", "image_std")
        )

    def run(
        self, examples: Examples, every: dict[int, Callable[[], None]], workers: int, until: int
    ) -> None:
        """Train until so many steps are done.

        Parameters
        ----------
        examples : Examples
        every : dict of callable
            What to do each time so many steps are done; called in the first process alone.
        workers : int
            Processes that prepare the examples.
        until : int
            The last step of this run.
        """
        accelerator, settings = self.accelerator, self._settings
        batches = Shuffled(
            len(examples), settings.batch, range(self.step, until), settings.seed,
            accelerator.process_index, accelerator.num_processes,
        )
        loader = DataLoader(
            examples, batch_sampler=batches, num_workers=workers,
            prefetch_factor=4 if workers else None,
        )
        journal = None
        if accelerator.is_main_process:
            journal = Journal(self._out, self.steps, self.step)
        for batch in loader:
            began = time.perf_counter()
            parts = self._learn(batch)
            if journal:
                journal.write(
                    self.step, self.step * settings.batch / len(examples), parts,
                    self._optimizer.param_groups[-1]["lr"], settings.batch, began,
                )
            for interval, action in every.items():
                if self.step % interval == 0 or self.step == until:
                    if accelerator.is_main_process:
                        action()
                    accelerator.wait_for_everyone()

    def _learn(self, batch: dict[str, torch.Tensor]) -> dict[str, float]:
        """One step; returns the parts of the loss."""
        self._set_rate()
        batch = {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}
        self._model.train()
        with self.accelerator.autocast():
            output = self._model(pixel_values=self.normalise(batch["rgb"]))
        parts = losses.losses(output, batch)
        loss = losses.total(parts, self._settings.weights)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self._plain.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.step += 1
        self._follow()
        values = {"loss": loss, **parts}
        return {name: float(value.detach()) for name, value in values.items()}

    def normalise(self, rgb: torch.Tensor) -> torch.Tensor:
        """(B, 3, s, s) uint8 to what the network reads."""
        pixels = (rgb.to(self.accelerator.device).float() - self._mean) / self._std
        return pixels.contiguous(memory_format=torch.channels_last)

    def averaged(self) -> PreTrainedModel:
        """The network with the average of its recent weights, in evaluation mode."""
        model = type(self._plain)(self._plain.config).to(self.accelerator.device)
        model.load_state_dict(self._average)
        return model.to(memory_format=torch.channels_last).eval()

    def save(self) -> None:
        """Write the state, so that a later run goes on from here."""
        self._out.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step, "settings": asdict(self._settings),
            "model": self._plain.state_dict(), "average": self._average,
            "optimizer": self._optimizer.state_dict(), "random": torch.get_rng_state(),
        }
        draft = self._out / f".{_STATE}"
        torch.save(state, draft)
        os.replace(draft, self._out / _STATE)

    def export(self, folder: Path) -> None:
        """Write the averaged network as a folder that the add-on takes as its model."""
        self.averaged().half().save_pretrained(folder)
        for name, content in (
            ("preprocessor_config.json", self._recipe.preprocessor(self._settings.size)),
            ("face_depth.json", self._recipe.card()),
        ):
            (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def _set_rate(self) -> None:
        """Rise, hold, and fall in a line: a run can be given more steps while it holds."""
        decay_from = _DECAY_FROM * self.steps
        share = min(
            (self.step + 1) / min(_WARM_UP, self.steps),
            (self.steps - self.step) / (self.steps - decay_from), 1.0,
        )  # fmt: skip
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * share

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights, faster at the beginning."""
        keep = min(_AVERAGE, (1 + self.step) / (10 + self.step))
        for name, value in self._plain.state_dict().items():
            if value.is_floating_point():
                self._average[name].lerp_(value, 1.0 - keep)
            else:
                self._average[name].copy_(value)

    def _resume(self) -> None:
        path = self._out / _STATE
        with suppress(FileNotFoundError):
            state = torch.load(path, map_location=self.accelerator.device, weights_only=True)
            self._check(state["settings"])
            self.step = state["step"]
            self._plain.load_state_dict(state["model"])
            self._average = state["average"]
            self._optimizer.load_state_dict(state["optimizer"])
            torch.set_rng_state(state["random"].cpu())

    def _check(self, there: dict) -> None:
        for name, value in asdict(self._settings).items():
            if there.get(name) != value:
                raise ResumeError(
                    f"{self._out} was trained with {name} {there.get(name)}, not {value}: use "
                    "that again, or name another folder with --out."
                )
