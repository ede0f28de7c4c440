# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of ours as an ONNX file, for machines without PyTorch.

Weights that half precision holds exactly, as those of the bundled networks do, are stored in it:
the file then is half as large, and what runs it computes in single precision all the same.
Imports torch at once, so import this module late.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from face_depth_addon.inference.networks import NETWORKS
from face_depth_addon.inference.registry import find_model
from face_depth_addon.inference.torch_setup import import_torch

# Read by onnxruntime since 1.12.
_OPSET = 17
_OUTPUTS = ("predicted_depth", "subject", "log_error")


class _Maps(torch.nn.Module):
    """A network whose maps are named by their order."""

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        output = self.network(pixel_values)
        return tuple(output[name] for name in _OUTPUTS)


def export(source: Path, folder: Path) -> None:
    """Write a network in the format of transformers as ``model.onnx`` and its ``model.json``.

    Parameters
    ----------
    source : Path
        A folder whose ``config.json`` names one of `inference.networks`.
    folder : Path
        Where the two files go.
    """
    # Transformers' own progress bars would go between the lines of the build.
    import_torch()
    checked = find_model(str(source))
    network = NETWORKS[checked.architecture].from_pretrained(
        source, local_files_only=True, use_safetensors=True, dtype=torch.float32
    )
    picture = torch.zeros(1, 3, checked.input_size, checked.input_size)
    path = folder / "model.onnx"
    with warnings.catch_warnings():
        # Shapes that the tracer takes for constants are constants here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Maps(network).eval(), (picture,), path, dynamo=False, opset_version=_OPSET,
            # Folded into one another, weights are no longer those of half precision.
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
            input_names=["pixel_values"], output_names=list(_OUTPUTS),
        )
    graph = onnx.load(path)
    _halve(graph.graph)
    onnx.checker.check_model(graph)
    onnx.save(graph, path)
    settings = json.loads((source / "face_depth.json").read_text(encoding="utf-8"))
    settings |= {
        "input_size": checked.input_size, "mean": list(checked.mean), "std": list(checked.std),
    }
    path.with_suffix(".json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def _halve(graph: onnx.GraphProto) -> None:
    """Store weights in half precision where nothing is lost by it."""
    casts = []
    for weights in graph.initializer:
        if weights.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weights)
        half = values.astype(np.float16)
        if np.array_equal(half.astype(np.float32), values):
            name = weights.name
            weights.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [weights.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
