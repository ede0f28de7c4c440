# SPDX-License-Identifier: GPL-3.0-or-later
"""Which networks can be trained, how each begins, and with which settings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import DepthAnythingConfig, Dinov2Config, Dinov2Model, PreTrainedModel

from face_depth_addon.inference.networks import (
    AttentionUnet,
    AttentionUnetConfig,
    DepthVae,
    DepthVaeConfig,
    FaceDepthAnything,
)

from .losses import Weights

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STAGES = ("stage3", "stage6", "stage9", "stage12")
_ENCODER = "facebook/dinov2-small"


class StartError(Exception):
    """Training cannot begin with what was given; the message says why."""


@dataclass(frozen=True)
class Recipe:
    """How an architecture is trained.

    Attributes
    ----------
    title : str
        What people read in the panel.
    build : callable
        ``build(start, size)`` gives the network; start is a folder, a name on the Hub, or empty.
    size : int
        Side of the crop in pixels, unless told otherwise.
    multiple : int
        What the side of the crop must be a multiple of.
    rate : float
        Learning rate of what begins at random.
    encoder_rate : float
        Learning rate of a pretrained encoder.
    weights : Weights
    margin, rise : float
        How the crop lies around the face.
    """

    title: str
    build: Callable[[str, int], PreTrainedModel]
    size: int
    multiple: int
    rate: float
    encoder_rate: float = 0.0
    weights: Weights = Weights()
    margin: float = 1.8
    rise: float = 0.06

    def network(self, start: str, size: int) -> PreTrainedModel:
        """The network to begin with.

        Raises
        ------
        StartError
            The start cannot be read, or the size does not fit the network.
        """
        if size % self.multiple:
            raise StartError(
                f"A side of {size} pixels does not fit this network: give --size a multiple of "
                f"{self.multiple}."
            )
        return self.build(start, size)

    def preprocessor(self, size: int) -> dict:
        """What ``preprocessor_config.json`` says of the network's input."""
        return {
            "image_processor_type": "DPTImageProcessor", "do_resize": True,
            "size": {"height": size, "width": size}, "keep_aspect_ratio": False,
            "ensure_multiple_of": self.multiple, "resample": 3,
            "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
            "image_mean": list(_MEAN), "image_std": list(_STD), "do_pad": False,
        }  # fmt: skip

    def card(self) -> dict:
        """What ``face_depth.json`` says of the network."""
        return {
            "title": self.title, "output": "depth_in_crop_sides", "crop_margin": self.margin,
            "crop_rise": self.rise, "average_flipped": True, "subject": True,
        }  # fmt: skip


def dense_transformer(start: str, size: int) -> PreTrainedModel:
    """DINOv2 under Depth Anything's head, from an encoder or from a depth model.

    Raises
    ------
    StartError
    """
    start = start or _ENCODER
    try:
        if (Path(start) / "face_depth.json").is_file():
            return FaceDepthAnything.from_pretrained(
                start, local_files_only=True, dtype=torch.float32
            )
        encoder = Dinov2Model.from_pretrained(start, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise StartError(
            f"{start} is neither a DINOv2 encoder nor a face depth model that can be read: name "
            f"the folder of one with --start ({_ENCODER} is downloaded when online)."
        ) from error
    backbone = Dinov2Config(
        **{**encoder.config.to_diff_dict(), "out_features": list(_STAGES), "out_indices": None,
           "apply_layernorm": True, "reshape_hidden_states": False}
    )  # fmt: skip
    width = encoder.config.hidden_size
    model = FaceDepthAnything(DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=width, patch_size=backbone.patch_size,
        neck_hidden_sizes=[width // 8, width // 4, width // 2, width], fusion_hidden_size=64,
        head_hidden_size=32,
    ))  # fmt: skip
    model.start_head()
    model.backbone.load_state_dict(encoder.state_dict(), strict=False)
    return model


def attention_unet(start: str, size: int) -> PreTrainedModel:
    """An Attention U-Net with random weights, or one of ours.

    Raises
    ------
    StartError
    """
    return _ours(AttentionUnet, start) if start else AttentionUnet(AttentionUnetConfig())


def depth_vae(start: str, size: int) -> PreTrainedModel:
    """A variational autoencoder with random weights, or one of ours.

    Raises
    ------
    StartError
    """
    if start:
        return _ours(DepthVae, start)
    model = DepthVae(DepthVaeConfig(image_size=size))
    model.start_code()
    return model


def _ours(network: type[PreTrainedModel], start: str) -> PreTrainedModel:
    try:
        return network.from_pretrained(start, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise StartError(f"{start} is no {network.__name__} that can be read.") from error


RECIPES = {
    "dpt": Recipe("Face DPT", dense_transformer, 224, 14, 5e-4, 5e-5),
    "attention-unet": Recipe("Attention U-Net", attention_unet, 192, 16, 1e-3),
    "vae": Recipe("VAE", depth_vae, 128, 32, 1e-3),
}


def parameter_groups(model: PreTrainedModel, recipe: Recipe, frozen: int) -> list[dict]:
    """Parameters by learning rate and decay, the encoder's first blocks left as they are.

    Parameters
    ----------
    model : PreTrainedModel
    recipe : Recipe
    frozen : int
        How many of the encoder's blocks do not learn; the patch embedding goes with them.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in _learning(model, frozen):
        rate = recipe.encoder_rate if name.startswith("backbone.") else recipe.rate
        decay = 0.05 if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay, "peak": rate}
        for (rate, decay), parameters in groups.items()
    ]


def _learning(model: PreTrainedModel, frozen: int) -> Iterator[tuple[str, nn.Parameter]]:
    still = tuple(f"backbone.encoder.layer.{index}." for index in range(frozen))
    still += ("backbone.embeddings.mask_token",) + (("backbone.embeddings.",) if frozen else ())
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(still))
        if parameter.requires_grad:
            yield name, parameter
