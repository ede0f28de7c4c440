# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth models of the published kinds with few random weights, saved as those are.

The files beside the weights say what the published ones say, but for the sizes.
"""

import json
from pathlib import Path

import torch
from transformers import (
    BeitConfig,
    BitConfig,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    GLPNConfig,
    GLPNForDepthEstimation,
    PreTrainedModel,
    Swinv2Config,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
)

HALVES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
_STAGES = ["stage1", "stage2", "stage3", "stage4"]
_NECK = {"neck_hidden_sizes": [8] * 4, "fusion_hidden_size": 8}
_WORDS = {
    "<|startoftext|>": 0, "<|endoftext|>": 1, "a": 2, "a</w>": 3, "b": 4, "b</w>": 5, "ab</w>": 6,
    "!": 7,
}
# Of a transformer.
_SMALL = {
    "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32,
}


def tiny_dpt(folder: Path) -> Path:
    """As DPT Large, whose old preprocessor gives its size as a number: 64 pixels."""
    model = DPTForDepthEstimation(DPTConfig(
        **_SMALL, image_size=64, patch_size=16, backbone_out_indices=[0, 1, 2, 3], **_NECK
    ))
    return _save(_spread(model), folder, {
        "feature_extractor_type": "DPTFeatureExtractor", "size": 64, "do_resize": True,
        "keep_aspect_ratio": False, "ensure_multiple_of": 1, "resample": 2, "do_normalize": True,
        **HALVES,
    })


def tiny_dpt_hybrid(folder: Path) -> Path:
    """As DPT Hybrid: a ResNet below the transformer."""
    backbone = BitConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32], depths=[1, 1, 1], num_groups=4,
        layer_type="bottleneck", global_padding="same", embedding_dynamic_padding=True,
        out_features=["stage1", "stage2", "stage3"],
    )
    model = DPTForDepthEstimation(DPTConfig(
        **_SMALL, is_hybrid=True, backbone_config=backbone, image_size=64, patch_size=16,
        backbone_featmap_shape=[1, 32, 4, 4], backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 16, 8, 8], fusion_hidden_size=8,
    ))
    return _save(_spread(model), folder, _dpt_processor(64))


def tiny_dpt_swinv2(folder: Path) -> Path:
    """As MiDaS 3.1 on Swin v2, which reads one size only: 64 pixels."""
    backbone = Swinv2Config(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 2],
        window_size=2, out_features=_STAGES, reshape_hidden_states=True,
    )
    model = DPTForDepthEstimation(DPTConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 16, 32, 64], fusion_hidden_size=8,
        reassemble_factors=[1, 1, 1, 1],
    ))
    return _save(_spread(model), folder, _dpt_processor(64, resample=3, do_pad=False))


def tiny_dpt_beit(folder: Path) -> Path:
    """As MiDaS 3.1 on BEiT, which takes multiples of 32 pixels: 64."""
    model = DPTForDepthEstimation(DPTConfig(
        backbone_config=_beit(reshape_hidden_states=False), hidden_size=16, **_NECK
    ))
    return _save(_spread(model), folder, _dpt_processor(64, ensure_multiple_of=32))


def tiny_dpt_dinov2(folder: Path) -> Path:
    """As DPT on DINOv2: metres, and a normalisation of values up to 255; 70 pixels."""
    model = DPTForDepthEstimation(DPTConfig(
        backbone_config=_dinov2(reshape_hidden_states=False), hidden_size=16, **_NECK
    ))
    return _save(_spread(model), folder, {
        "image_processor_type": "DPTImageProcessor", "do_resize": False, "do_rescale": False,
        "do_normalize": True, "image_mean": [123.675, 116.28, 103.53],
        "image_std": [58.395, 57.12, 57.375], "do_pad": True, "size_divisor": 14,
        "size": {"height": 70, "width": 70}, "keep_aspect_ratio": False, "ensure_multiple_of": 1,
        "resample": 2, "rescale_factor": 1 / 255,
    })


def tiny_depth_anything(folder: Path, metric: bool = False) -> Path:
    """As Depth Anything, of disparity or of metres; 70 pixels."""
    metres = {"depth_estimation_type": "metric", "max_depth": 20} if metric else {}
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig(
        backbone_config=_dinov2(reshape_hidden_states=False), patch_size=14,
        reassemble_hidden_size=16, head_hidden_size=4, **_NECK, **metres,
    ))
    return _save(_spread(model), folder, {
        "image_processor_type": "DPTImageProcessor", "do_resize": True, "do_rescale": True,
        "do_normalize": True, "size": {"height": 70, "width": 70}, "keep_aspect_ratio": True,
        "ensure_multiple_of": 14, "resample": 3, "do_pad": False, "size_divisor": None,
        "rescale_factor": 1 / 255, **IMAGENET,
    })


def tiny_zoedepth(folder: Path) -> Path:
    """As ZoeDepth: metres, from a size that is wider than high; 64 pixels."""
    model = ZoeDepthForDepthEstimation(ZoeDepthConfig(
        backbone_config=_beit(reshape_hidden_states=False), **_NECK, bottleneck_features=8,
        num_relative_features=4, num_attractors=[4, 2, 2, 1], bin_embedding_dim=8,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0}],
    ))
    return _save(_spread(model), folder, {
        "image_processor_type": "ZoeDepthImageProcessor", "do_resize": True, "do_rescale": True,
        "do_normalize": True, "do_pad": True, "size": {"height": 64, "width": 96},
        "keep_aspect_ratio": True, "ensure_multiple_of": 32, "resample": 2,
        "rescale_factor": 1 / 255, **HALVES,
    })


def tiny_depth_pro(folder: Path) -> Path:
    """As Depth Pro, with the part that tells the field of view; 128 pixels."""
    encoder = _dinov2(image_size=32, patch_size=16)
    encoder = {key: getattr(encoder, key) for key in (
        "model_type", *_SMALL, "image_size", "patch_size", "mlp_ratio",
    ) if key != "intermediate_size"}
    model = DepthProForDepthEstimation(DepthProConfig(
        patch_size=32, fusion_hidden_size=8, intermediate_hook_ids=[3, 1],
        intermediate_feature_dims=[8, 8], scaled_images_feature_dims=[16, 16, 8],
        merge_padding_value=1, use_fov_model=True, image_model_config=dict(encoder),
        patch_model_config=dict(encoder), fov_model_config=dict(encoder),
    ))
    _spread(model)
    angle = model.fov_model.head.layers[-1]
    torch.nn.init.constant_(angle.bias, 40.0)
    return _save(model, folder, {
        "image_processor_type": "DepthProImageProcessor", "do_resize": True, "do_rescale": True,
        "do_normalize": True, "size": {"height": 128, "width": 128}, "resample": 2,
        "antialias": False, "rescale_factor": 1 / 255, **HALVES,
    })


def tiny_glpn(folder: Path) -> Path:
    """As GLPN: metres, any multiple of 32 pixels, no normalisation."""
    model = GLPNForDepthEstimation(GLPNConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2],
        mlp_ratios=[2, 2, 2, 2], decoder_hidden_size=8,
    ))
    return _save(_spread(model), folder, {
        "feature_extractor_type": "GLPNFeatureExtractor", "do_resize": True, "do_rescale": True,
        "size_divisor": 32, "resample": 2,
    })


def tiny_marigold(
    folder: Path, normals: bool = False, lcm: bool = False, half: bool = False,
    resolution: int | None = 64,
) -> Path:
    """As Marigold: a pipeline of diffusers, of depth or of normals.

    Parameters
    ----------
    folder : Path
    normals : bool
        Rather than depth.
    lcm : bool
        The kind that needs one step only, rather than four.
    half : bool
        Save the weights as the variant ``fp16``.
    resolution : int or None
        What ``model_index.json`` says of the picture's side; None for nothing.
    """
    import diffusers

    torch.manual_seed(3)
    unet = diffusers.UNet2DConditionModel(
        sample_size=8, in_channels=8, out_channels=4, layers_per_block=1,
        block_out_channels=(8, 16), norm_num_groups=4, attention_head_dim=4,
        cross_attention_dim=16, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8,) * 4, norm_num_groups=4, latent_channels=4, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=64,
    )
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=8, bos_token_id=0, eos_token_id=1,
    ))
    kind = diffusers.LCMScheduler if lcm else diffusers.DDIMScheduler
    scheduler = kind(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
        set_alpha_to_one=False, prediction_type="v_prediction", timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
    pipeline = getattr(diffusers, f"Marigold{'Normals' if normals else 'Depth'}Pipeline")(
        unet=unet, vae=vae, scheduler=scheduler, text_encoder=text, tokenizer=_tokenizer(),
        prediction_type="normals" if normals else "depth",
        default_denoising_steps=1 if lcm else 4, default_processing_resolution=resolution,
    )
    if half:
        pipeline.to(torch.float16).save_pretrained(folder, variant="fp16")
    else:
        pipeline.save_pretrained(folder)
    # The published ones are older than this file.
    (folder / "tokenizer" / "tokenizer.json").unlink()
    write_json(folder / "tokenizer" / "vocab.json", _WORDS)
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\na b</w>\n")
    return folder


def tiny_onnx(
    path: Path, size: int | None = 32, half: bool = False, weights=(0.5, 0.3, 0.2),
    bias: float = 0.0, squeeze: bool = True, maps: int = 1,
) -> Path:
    """An ONNX graph whose depth is a weighted sum of the three channels.

    Parameters
    ----------
    path : Path
    size : int or None
        Side of its picture; None for any.
    half : bool
        It takes and gives half precision.
    weights : sequence of float
        One for each channel; another number than three makes another input.
    bias : float
    squeeze : bool
        Give (1, h, w) rather than (1, 1, h, w).
    maps : int
        More than one is no depth, and not squeezed.
    """
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    dtype = np.float16 if half else np.float32
    kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
    kernel = np.tile(np.array(weights, dtype).reshape(1, -1, 1, 1), (maps, 1, 1, 1))
    squeeze = squeeze and maps == 1
    nodes = [helper.make_node("Conv", ["pixel_values", "kernel", "bias"], ["sum"])]
    constants = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.full(maps, bias, dtype), "bias"),
    ]
    sides = [size or "height", size or "width"]
    if squeeze:
        constants.append(numpy_helper.from_array(np.array([1]), "channel"))
        nodes.append(helper.make_node("Squeeze", ["sum", "channel"], ["predicted_depth"]))
    else:
        nodes.append(helper.make_node("Identity", ["sum"], ["predicted_depth"]))
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info("pixel_values", kind, [1, len(weights), *sides])],
        [helper.make_tensor_value_info(
            "predicted_depth", kind, [1, *sides] if squeeze else [1, maps, *sides]
        )],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def write_json(path: Path, content: dict) -> None:
    """Write a file of settings."""
    path.write_text(json.dumps(content), encoding="utf-8")


def _dpt_processor(size: int, **further) -> dict:
    return {
        "image_processor_type": "DPTImageProcessor", "do_resize": True, "do_rescale": True,
        "do_normalize": True, "size": {"height": size, "width": size}, "keep_aspect_ratio": False,
        "ensure_multiple_of": 1, "resample": 2, "rescale_factor": 1 / 255, **HALVES, **further,
    }


def _beit(**further) -> BeitConfig:
    return BeitConfig(
        **_SMALL, image_size=64, patch_size=16, use_relative_position_bias=True,
        out_features=_STAGES, **further,
    )


def _dinov2(**changes) -> Dinov2Config:
    small = {key: value for key, value in _SMALL.items() if key != "intermediate_size"}
    return Dinov2Config(**{
        **small, "mlp_ratio": 2, "image_size": 70, "patch_size": 14, "out_features": _STAGES,
        **changes,
    })


def _spread(model: PreTrainedModel) -> PreTrainedModel:
    """Weights whose depth depends on the picture.

    Of the usual small random ones little would be left after so many layers.
    """
    torch.manual_seed(5)
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            torch.nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                # The last layers end with a ReLU, below which all would be nought.
                torch.nn.init.constant_(module.bias, 1.0 if "head" in name else 0.1)
    return model


def _save(model: PreTrainedModel, folder: Path, processor: dict) -> Path:
    """Save a network and its preprocessor's settings."""
    model.eval().save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", processor)
    return folder


def _tokenizer() -> CLIPTokenizer:
    """A tokenizer that knows the empty text."""
    return CLIPTokenizer(vocab=_WORDS, merges=[("a", "b</w>")], model_max_length=8)
