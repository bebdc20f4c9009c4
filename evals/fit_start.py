"""Weights to go on from: an earlier run's checkpoint, or the scorer that ships.

Imports torch; only `evals.fit` and `evals.fit_model` import this module, and only while they run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from safetensors import SafetensorError
from safetensors.torch import load_file

from index.errors import PilotError

_LAYER = re.compile(r"^body\.encoder\.layer\.(\d+)\.", re.MULTILINE)  # of a scorer; a plain BERT has no "body"
_PREFIX = "tokens."
_MADE_BY = "name the checkpoint.safetensors or the evidence.onnx that an earlier `pilot evals fit` wrote"
_HOPS = 4  # nodes from a product of whole numbers to the sum with its bias: cast, two scalings, sum


def load_weights(path: Path, layers: int) -> dict[str, torch.Tensor]:
    """float32 weights by the names of `evals.fit_model.TokenScorer`, out of a checkpoint or an exported scorer.

    The scorer that ships is int8, so its weights come back rounded to 1/127 of the greatest of their column.

    Raises:
        PilotError: If the file is missing, is no scorer, or has another number of layers.
    """
    if not path.is_file():
        raise PilotError(f"{path} is missing; {_MADE_BY}")
    try:
        weights = _dequantized(path) if path.suffix == ".onnx" else load_file(path)
    except SafetensorError as error:
        raise PilotError(f"{path} is no safetensors file: {error}; {_MADE_BY}") from error
    except DecodeError as error:
        raise PilotError(f"{path} is no ONNX file: {error}; {_MADE_BY}") from error
    found = len(set(_LAYER.findall("\n".join(weights))))
    if not found:
        raise PilotError(f"{path} is not the evidence scorer; {_MADE_BY}")
    if found != layers:
        raise PilotError(f"{path} has {found} layers, this run {layers}; name another file or --layers")
    return weights


def _dequantized(path: Path) -> dict[str, torch.Tensor]:
    """The weights of an exported scorer, turned back from int8."""
    graph = onnx.load(str(path)).graph
    values = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    weights = {name: value for name, value in values.items() if name.startswith(_PREFIX) and value.is_floating_point()}
    quantized = [name.removesuffix("_quantized") for name in values if name.endswith("_quantized")]
    scaled = {name: _scaled(values, name) for name in quantized}
    weights |= {name: value for name, value in scaled.items() if name.startswith(_PREFIX)}
    weights |= {weight: scaled[name].T.contiguous() for name, weight in _products(graph)}
    return {
        name.removeprefix(_PREFIX): value.float()
        for name, value in weights.items()
        if not name.endswith(("_scale", "_zero_point", "_quantized"))
    }


def _scaled(values: Mapping[str, torch.Tensor], name: str) -> torch.Tensor:
    """A weight out of its whole numbers, its zero points and its scales."""
    whole, zero, scale = (values[f"{name}_{part}"].float() for part in ("quantized", "zero_point", "scale"))
    return (whole - zero) * scale


def _products(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """Of each product with int8 weights: the name of the weights in the graph, and the one that its bias tells."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for node in graph.node:
        if node.op_type != "MatMulInteger":
            continue
        after = [node]
        for _ in range(_HOPS):
            after = [reader for one in after for output in one.output for reader in readers.get(output, ())]
            biases = {name for one in after for name in one.input if name.endswith(".bias")}
            if biases:
                yield node.input[1].removesuffix("_quantized"), min(biases).removesuffix("bias") + "weight"
                break
