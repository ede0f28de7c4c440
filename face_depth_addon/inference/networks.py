# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that we train, in the manner of transformers: saved and loaded like its own.

All read (B, 3, s, s) RGB crops, normalised as ``preprocessor_config.json`` says, and give a
`FaceDepthOutput`. Imports torch at once, so import this module late.
"""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation
from transformers.configuration_utils import PretrainedConfig
from transformers.modeling_utils import PreTrainedModel
from transformers.models.depth_anything.modeling_depth_anything import (
    DepthAnythingDepthEstimationHead,
)
from transformers.utils import ModelOutput

# Where training starts: a relief's usual height above the free offset.
_FIRST_DEPTH = 0.5
_FIRST_LOG_VARIANCE = -6.0


@dataclass
class FaceDepthOutput(ModelOutput):
    """What a network says of each pixel.

    Attributes
    ----------
    predicted_depth : Tensor, (B, s, s)
        Weak-perspective depth in sides of the crop, nearer is larger, free offset.
    subject : Tensor, (B, s, s)
        Logit of how much of the pixel the person covers.
    log_error : Tensor, (B, s, s)
        Natural logarithm of the absolute depth error to be expected, in sides of the crop.
    latent : tuple of Tensor or None
        Mean and logarithm of the variance of the latent code, each (B, n).
    """

    predicted_depth: torch.Tensor | None = None
    subject: torch.Tensor | None = None
    log_error: torch.Tensor | None = None
    latent: tuple[torch.Tensor, torch.Tensor] | None = None


def _output(maps: torch.Tensor, latent=None) -> FaceDepthOutput:
    """Name the three channels of (B, 3, s, s)."""
    return FaceDepthOutput(*maps.unbind(1), latent=latent)


class _Head(DepthAnythingDepthEstimationHead):
    """The depth head with two more channels beside the depth."""

    def __init__(self, config: DepthAnythingConfig):
        super().__init__(config)
        self.extra = nn.Conv2d(config.head_hidden_size, 2, kernel_size=1)

    def forward(self, hidden_states, patch_height, patch_width):
        size = (patch_height * self.patch_size, patch_width * self.patch_size)
        features = self.conv1(hidden_states[self.head_in_index])
        # Bfloat16 has steps of half a millimetre here, so training's autocast ends before.
        with torch.autocast(features.device.type, enabled=False):
            features = nn.functional.interpolate(
                features.to(self.conv2.weight.dtype), size, mode="bilinear", align_corners=True
            )
            features = self.activation1(self.conv2(features))
            # Without the ReLU at the end, below which nothing is learnt: depth is above zero.
            return torch.cat([self.conv3(features), self.extra(features)], dim=1)


class FaceDepthAnything(DepthAnythingForDepthEstimation):
    """Depth Anything's dense prediction transformer, with a subject mask and an error map.

    Without its two further channels the file is an ordinary ``depth_anything`` model, which
    plain transformers load as well.
    """

    def __init__(self, config: DepthAnythingConfig):
        super().__init__(config)
        self.head = _Head(config)
        self.post_init()

    def start_head(self) -> None:
        """Make a new head begin with a flat relief well above zero."""
        nn.init.constant_(self.head.conv3.bias, _FIRST_DEPTH)

    def forward(self, pixel_values: torch.Tensor, **kwargs) -> FaceDepthOutput:
        features = self.backbone.forward_with_filtered_kwargs(pixel_values).feature_maps
        rows, columns = (side // self.config.patch_size for side in pixel_values.shape[2:])
        return _output(self.head(self.neck(features, rows, columns), rows, columns))


class AttentionUnetConfig(PretrainedConfig):
    """Widths of an `AttentionUnet`, from the finest level to the coarsest."""

    model_type = "face_depth_attention_unet"

    def __init__(self, widths: tuple[int, ...] = (24, 48, 96, 192, 352), **kwargs):
        self.widths = list(widths)
        super().__init__(**kwargs)


class _Block(nn.Sequential):
    """Two 3 x 3 convolutions."""

    def __init__(self, inputs: int, outputs: int):
        layers = []
        for width in (inputs, outputs):
            layers += [
                nn.Conv2d(width, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
            ]  # fmt: skip
        super().__init__(*layers)


class _Gate(nn.Module):
    """Attention gate: how much of a skip connection passes, judged from the coarser level."""

    def __init__(self, width: int):
        super().__init__()
        self.skip = nn.Conv2d(width, width // 2, 1)
        self.coarse = nn.Conv2d(width, width // 2, 1)
        self.weight = nn.Conv2d(width // 2, 1, 1)

    def forward(self, skip: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
        both = torch.relu(self.skip(skip) + self.coarse(coarse))
        return skip * torch.sigmoid(self.weight(both))


class _Rise(nn.Module):
    """One step up of the decoder: enlarge, gate the skip connection, join."""

    def __init__(self, coarse: int, width: int):
        super().__init__()
        self.narrow = nn.Conv2d(coarse, width, 3, padding=1)
        self.gate = _Gate(width)
        self.join = _Block(2 * width, width)

    def forward(self, values: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        values = self.narrow(_enlarge(values, skip.shape[2:]))
        return self.join(torch.cat([self.gate(skip, values), values], dim=1))


class AttentionUnet(PreTrainedModel):
    """Attention U-Net (Oktay et al. 2018) as a depth regressor."""

    config_class = AttentionUnetConfig
    main_input_name = "pixel_values"

    def __init__(self, config: AttentionUnetConfig):
        super().__init__(config)
        widths = config.widths
        inputs = [3, *widths[:-1]]
        self.down = nn.ModuleList(map(_Block, inputs, widths))
        self.up = nn.ModuleList(map(_Rise, widths[:0:-1], widths[-2::-1]))
        self.maps = nn.Conv2d(widths[0], 3, 1)
        self.post_init()

    def forward(self, pixel_values: torch.Tensor, **kwargs) -> FaceDepthOutput:
        levels, values = [], pixel_values
        for block in self.down:
            if levels:
                values = nn.functional.max_pool2d(values, 2)
            values = block(values)
            levels.append(values)
        for rise, skip in zip(self.up, levels[-2::-1], strict=True):
            values = rise(values, skip)
        return _output(_precisely(self.maps, values))


class DepthVaeConfig(PretrainedConfig):
    """Widths of a `DepthVae`, one for each halving, and the length of its latent code."""

    model_type = "face_depth_vae"

    def __init__(
        self, widths: tuple[int, ...] = (32, 64, 128, 192, 256), latent: int = 192,
        image_size: int = 128, **kwargs,
    ):  # fmt: skip
        self.widths, self.latent, self.image_size = list(widths), latent, image_size
        super().__init__(**kwargs)


class DepthVae(PreTrainedModel):
    """A variational autoencoder (Kingma and Welling 2014) from a photo to depth.

    The encoder gives a distribution of codes; the decoder makes depth from a code drawn from
    it in training, from its mean otherwise.
    """

    config_class = DepthVaeConfig
    main_input_name = "pixel_values"

    def __init__(self, config: DepthVaeConfig):
        super().__init__(config)
        widths, self._coarse = config.widths, config.image_size >> len(config.widths)
        steps = []
        for inputs, outputs in zip([3, *widths[:-1]], widths, strict=True):
            steps += [_convolution(inputs, outputs, stride=2), _convolution(outputs, outputs)]
        self.encoder = nn.Sequential(*steps)
        cells = widths[-1] * self._coarse**2
        self.code = nn.Linear(cells, 2 * config.latent)
        self.spread = nn.Linear(config.latent, cells)
        steps = []
        for inputs, outputs in zip(widths[::-1], [*widths[-2::-1], widths[0]], strict=True):
            steps += [
                nn.Upsample(scale_factor=2, mode="bilinear"), _convolution(inputs, outputs),
                _convolution(outputs, outputs),
            ]  # fmt: skip
        self.decoder = nn.Sequential(*steps)
        self.maps = nn.Conv2d(widths[0], 3, 3, padding=1)
        self.post_init()

    def start_code(self) -> None:
        """Make new codes begin all but certain: of unit noise a decoder takes no heed."""
        spread = slice(self.config.latent, None)
        nn.init.zeros_(self.code.weight[spread])
        nn.init.constant_(self.code.bias[spread], _FIRST_LOG_VARIANCE)

    def forward(self, pixel_values: torch.Tensor, **kwargs) -> FaceDepthOutput:
        mean, log_variance = self.code(self.encoder(pixel_values).flatten(1)).chunk(2, dim=1)
        code = mean
        if self.training:
            code = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        cells = self.spread(code).unflatten(1, (-1, self._coarse, self._coarse))
        return _output(_precisely(self.maps, self.decoder(cells)), latent=(mean, log_variance))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1, inplace=True),
    )  # fmt: skip


def _precisely(layer: nn.Conv2d, values: torch.Tensor) -> torch.Tensor:
    """A layer in its weights' own precision, whatever autocast says."""
    with torch.autocast(values.device.type, enabled=False):
        return layer(values.to(layer.weight.dtype))


def _enlarge(values: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return nn.functional.interpolate(values, size, mode="bilinear", align_corners=False)


#: By the name that ``config.json`` has under ``architectures``.
NETWORKS = {network.__name__: network for network in (FaceDepthAnything, AttentionUnet, DepthVae)}
