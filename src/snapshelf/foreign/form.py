"""A network whose answers are known → a model in the store's form: uint8 RGB in, logits and embedding out.

Shapes: N photos, S pixels a side, 3 channels, C categories, D numbers an embedding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, version_converter

from snapshelf.foreign.answers import LEAST_PROBABILITY, AnswersOut
from snapshelf.foreign.reading import Network
from snapshelf.foreign.scaling import GREY, Scaling
from snapshelf.training.export import READ_EMBEDDING, READ_LOGITS

PHOTOS, LOGITS, EMBEDDING = "photos", "logits", "embedding"
_PREFIX = "network/"
"""Before every name of the network, so that none is one of ours."""

_LEAST_LENGTH = 1e-12


class _Nodes:
    """Operations, one after the other, and the constants that they need."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operation: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401 (as ONNX has them)
        """One more; the name of what it gives."""
        output = output or f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, value: NDArray[np.generic]) -> str:
        """The name of it."""
        name = f"constant_{len(self.constants)}_{len(self.nodes)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def in_form(network: Network, answers: AnswersOut, scaling: Scaling, size_px: int) -> onnx.ModelProto:
    """Input `photos`, uint8 (N, S, S, 3); outputs `logits` (N, C) and `embedding` (N, D), each of length 1."""
    inside = onnx.GraphProto()
    inside.CopyFrom(network.model.graph)
    _rename(inside)
    made = _Nodes()
    pixels = _scaled(made, network, scaling)
    scores, embedding = _looked(made, inside, network, answers, pixels, size_px)
    scores = made.add("Cast", scores, to=TensorProto.FLOAT)
    if answers.last == "probabilities":
        least = made.constant(np.array(LEAST_PROBABILITY, np.float32))
        scores = made.add("Log", made.add("Max", scores, least))
    made.add("Identity", scores, output=LOGITS)
    embedding = made.add("Cast", embedding, to=TensorProto.FLOAT)
    length = made.add("ReduceL2", embedding, made.constant(np.array([1], np.int64)), keepdims=1)
    least = made.constant(np.array(_LEAST_LENGTH, np.float32))
    made.add("Div", embedding, made.add("Max", length, least), output=EMBEDDING)
    graph = helper.make_graph(
        made.nodes,
        "snapshelf",
        [helper.make_tensor_value_info(PHOTOS, TensorProto.UINT8, ["N", size_px, size_px, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", None]) for name in (LOGITS, EMBEDDING)],
        [*inside.initializer, *made.constants],
        sparse_initializer=list(inside.sparse_initializer),
    )
    return helper.make_model(
        graph, opset_imports=list(network.model.opset_import), ir_version=max(10, network.model.ir_version)
    )


def _rename(graph: onnx.GraphProto) -> None:
    """Put the prefix before every name, at every depth. (`onnx.compose` forgets the weights that loops take from
    around them.)"""
    for node in graph.node:
        node.name = node.name and _PREFIX + node.name
        node.input[:] = [name and _PREFIX + name for name in node.input]
        node.output[:] = [name and _PREFIX + name for name in node.output]
        for attribute in node.attribute:
            for within in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _rename(within)
    weights = (*graph.initializer, *(each.values for each in graph.sparse_initializer))
    for named in (*graph.input, *graph.output, *graph.value_info, *weights):
        named.name = _PREFIX + named.name


def _scaled(made: _Nodes, network: Network, scaling: Scaling) -> str:
    """What `Scaling.apply` does, in ONNX's operations."""
    wanted = network.photos
    pixels = made.add("Cast", PHOTOS, to=TensorProto.FLOAT)
    if wanted.channels == 1:
        pixels = made.add("Round", made.add("MatMul", pixels, made.constant(np.array(GREY, np.float32)[:, None])))
    elif scaling.bgr:
        pixels = made.add("Gather", pixels, made.constant(np.array([2, 1, 0], np.int64)), axis=3)
    if not scaling.changes_nothing:
        pixels = made.add("Sub", pixels, made.constant(np.array(scaling.mean, np.float32)))
        pixels = made.add("Div", pixels, made.constant(np.array(scaling.std, np.float32)))
    if wanted.layout == "NCSS":
        pixels = made.add("Transpose", pixels, perm=[0, 3, 1, 2])
    elif wanted.layout == "NSS":
        pixels = made.add("Squeeze", pixels, made.constant(np.array([3], np.int64)))
    return made.add("Cast", pixels, to=wanted.element)


def _looked(
    made: _Nodes, inside: onnx.GraphProto, network: Network, answers: AnswersOut, pixels: str, size_px: int
) -> tuple[str, str]:
    """Put the network after the pixels; the names of its scores and of its embedding.

    One that was exported for a single photo becomes the body of a `Scan`, which shows it one after the other.
    """
    given, scores, embedding = (_PREFIX + name for name in (network.photos.name, answers.scores, answers.embedding))
    if not network.photos.one_at_a_time:
        made.add("Identity", pixels, output=given)
        made.nodes += inside.node
        return scores, embedding
    body = _Nodes()
    axis = made.constant(np.array([0], np.int64))
    body.add("Unsqueeze", "photo", axis, output=given)
    body.nodes += inside.node
    body.add("Squeeze", scores, axis, output="photo_scores")
    body.add("Squeeze", embedding, axis, output="photo_embedding")
    shapes = {"NSSC": [size_px, size_px, network.photos.channels], "NSS": [size_px, size_px]}
    shape = shapes.get(network.photos.layout, [network.photos.channels, size_px, size_px])
    graph = helper.make_graph(
        body.nodes,
        "photo",
        [helper.make_tensor_value_info("photo", network.photos.element, shape)],
        [onnx.ValueInfoProto(name=name) for name in ("photo_scores", "photo_embedding")],
    )
    made.nodes.append(
        helper.make_node("Scan", [pixels], ["all_scores", "all_embeddings"], body=graph, num_scan_inputs=1)
    )
    return "all_scores", "all_embeddings"


def followed_by(model: onnx.ModelProto, readout: onnx.ModelProto) -> onnx.ModelProto:
    """A model in the store's form with what is made of its answers after it: see `training.export.export_readout`."""
    opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
    if readout.opset_import[0].version < opset:
        readout = version_converter.convert_version(readout, opset)
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    graph, made = whole.graph, {each.name for each in readout.graph.output}
    embedding = EMBEDDING
    if EMBEDDING in made:  # the readout's takes the place of the network's
        embedding = graph.node[-1].output[0] = "embedding_in_full"
        graph.output.remove(next(each for each in graph.output if each.name == EMBEDDING))
    graph.node.append(helper.make_node("Identity", [LOGITS], [READ_LOGITS]))
    graph.node.append(helper.make_node("Identity", [embedding], [READ_EMBEDDING]))
    graph.node.extend(readout.graph.node)
    graph.initializer.extend(readout.graph.initializer)
    graph.output.extend(readout.graph.output)
    return whole
