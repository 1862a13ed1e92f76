"""Weights in 16 bits: half the size to download, computed in 32 bits all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

_SMALLEST = 256
"""Numbers; fewer are not worth a node of their own."""


def halve_weights(source: Path, target: Path) -> None:
    """Write a model whose larger weights lie as float16, each with a `Cast` to float32 behind it.

    An engine computes the casts once, when it opens the model. Weights beyond what float16 can hold stay as they are.
    """
    model = onnx.load(source)
    graph = model.graph
    casts: list[onnx.NodeProto] = []
    for place, weights in enumerate(graph.initializer):
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _SMALLEST or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        stored = f"{weights.name}/float16"
        casts.append(helper.make_node("Cast", [stored], [weights.name], to=onnx.TensorProto.FLOAT))
        graph.initializer[place].CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, target)
