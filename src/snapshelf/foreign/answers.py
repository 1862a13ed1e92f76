"""What in a network says which category a photo shows, and what describes its look.

Shapes: N photos, S pixels a side, C categories, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from snapshelf.errors import ModelFileError
from snapshelf.foreign.reading import Network
from snapshelf.metrics.calibration import softmax

Last = Literal["Softmax", "LogSoftmax", "Sigmoid", "probabilities", "logits"]
"""What a network ends with: an operation, or numbers that none of these made."""

LEAST_PROBABILITY = 1e-9
"""Below this, a network that ends with probabilities is not believed."""

_UNCHANGED = ("Identity", "Cast", "Dropout")
_RESHAPED = (*_UNCHANGED, "Reshape", "Flatten", "Squeeze")
_LINEAR = ("Gemm", "MatMul")
_LAST: dict[str, Last] = {"Softmax": "Softmax", "LogSoftmax": "LogSoftmax", "Sigmoid": "Sigmoid"}


@dataclass(frozen=True, slots=True)
class AnswersOut:
    """Names of tensors in a network, and what they are."""

    output: str
    """Its output for the categories, (N, C)."""
    last: Last
    scores: str
    """What is calibrated, (N, C): what went into the last operation, or the output itself."""
    embedding: str
    """(N, D)"""
    embedding_is: Literal["output", "features", "scores"]
    """A second output, what goes into the last layer, or, where neither is there, the scores once more."""


class Asked:
    """A network as it came, asked through ONNX Runtime; photos are those that `Scaling.apply` gives."""

    def __init__(self, network: Network, tensors: Sequence[str], num_threads: int) -> None:
        """Open it, to be asked for these tensors.

        Raises:
            ModelFileError: ONNX Runtime cannot run it.
        """
        self._photos, self._tensors = network.photos, list(tensors)
        model = onnx.ModelProto()
        model.CopyFrom(network.model)
        there = {each.name for each in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors if name not in there)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.log_severity_level = 4  # what it cannot do is said once, below
        try:
            self._session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has a class for each of its status codes, none of them a common one
            raise ModelFileError(f"ONNX Runtime cannot run the model: {_first_line(error)}") from None

    def __call__(self, pixels: NDArray[np.generic]) -> list[NDArray[Any]]:
        """The tensors, (N, …) each.

        Raises:
            ModelFileError: it fails at these photos.
        """
        size = 1 if self._photos.one_at_a_time else 32
        batches = (pixels[start : start + size] for start in range(0, len(pixels), size))
        try:
            parts = [self._session.run(self._tensors, {self._photos.name: batch}) for batch in batches]
        except Exception as error:  # see above
            raise ModelFileError(f"ONNX Runtime fails in the model: {_first_line(error)}") from None
        return [np.concatenate(each) for each in zip(*parts, strict=True)]


def answers_of(network: Network, pixels: NDArray[np.generic], num_labels: int) -> AnswersOut:
    """Find what a network answers by its graph, and by what it says of some photos.

    Args:
        network: any.
        pixels: at least two photos, as it takes them.
        num_labels: C.

    Raises:
        ModelFileError: no output is (N, C), or several are; or it says what is no number.
    """
    graph = _Graph(network.model.graph)
    outputs = [each.name for each in network.model.graph.output]
    behind = dict.fromkeys(name for each in outputs for name in graph.behind(each))
    candidates = [*outputs, *(name for name in behind if name not in outputs)]
    said: dict[str, NDArray[Any]] = dict(zip(candidates, Asked(network, candidates, 1)(pixels), strict=True))
    output = _output_for(num_labels, {name: said[name] for name in outputs}, len(pixels))
    _check_numbers(output, said[output])
    last, scores = graph.last(output)
    if said[scores].shape != said[output].shape:
        last, scores = "logits", output
    if last == "logits" and _are_probabilities(said[output]):
        last = "probabilities"
    others = [name for name in outputs if name != output and _is_matrix(said[name], len(pixels))]
    features = graph.features(scores)
    if len(others) == 1:
        return AnswersOut(output, last, scores, others[0], "output")
    if features and _is_matrix(said[features], len(pixels)):
        return AnswersOut(output, last, scores, features, "features")
    return AnswersOut(output, last, scores, scores, "scores")


def scores_as_logits(scores_NC: NDArray[Any], last: Last) -> NDArray[np.float32]:
    """Scores as `model.onnx` gives them."""
    scores_NC = scores_NC.astype(np.float32)
    return np.log(np.maximum(scores_NC, np.float32(LEAST_PROBABILITY))) if last == "probabilities" else scores_NC


def as_probabilities(logits_NC: NDArray[Any], last: Last) -> NDArray[np.float64]:
    """From logits to what a network that ends so says itself."""
    if last == "Sigmoid":
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits_NC.astype(np.float64)))
    return softmax(logits_NC)


def _output_for(num_labels: int, said: dict[str, NDArray[np.generic]], num_photos: int) -> str:
    fitting = [name for name, value in said.items() if value.shape == (num_photos, num_labels)]
    if len(fitting) == 1:
        return fitting[0]
    found = "; ".join(f"{name} ({', '.join(['N', *map(str, value.shape[1:])])})" for name, value in said.items())
    if fitting:
        raise ModelFileError(
            f"Several outputs of the model have {num_labels} numbers a photo: {found}. Export it with one of them for "
            "the categories, and at most another of a different length as the embedding."
        )
    one = " A single number a photo, of a sigmoid, is not taken: let it answer with one for each of the two labels."
    raise ModelFileError(
        f"--labels has {num_labels} labels, but no output of the model is (N, {num_labels}): it has {found}."
        + (one if any(value.shape == (num_photos, 1) for value in said.values()) else "")
    )


def _check_numbers(name: str, said_NC: NDArray[np.generic]) -> None:
    if not np.issubdtype(said_NC.dtype, np.floating) or not np.isfinite(said_NC).all():
        raise ModelFileError(
            f"The model's output {name} holds what is no number (NaN or infinite), or whole numbers, for the store's "
            "photos. Were its weights kept whole, and are --mean and --std right?"
        )


def _are_probabilities(said_NC: NDArray[Any]) -> bool:
    return bool((said_NC >= 0).all() and np.allclose(said_NC.astype(np.float64).sum(axis=1), 1, atol=1e-3))


def _is_matrix(said: NDArray[np.generic], num_photos: int) -> bool:
    return said.ndim == 2 and len(said) == num_photos and np.issubdtype(said.dtype, np.floating)


class _Graph:
    """Who makes what."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._made_by = {name: node for node in graph.node for name in node.output}
        self._initializers = {each.name for each in graph.initializer}

    def last(self, output: str) -> tuple[Last, str]:
        """The operation that an output ends with, and what goes into it."""
        node = self._through(output, _UNCHANGED)
        operation = _LAST.get(node.op_type) if node is not None else None
        return (operation, str(node.input[0])) if node is not None and operation else ("logits", output)

    def features(self, scores: str) -> str | None:
        """What goes into the linear layer that makes the scores."""
        node = self._through(scores, _RESHAPED)
        if node is not None and node.op_type == "Add":
            summed = [name for name in node.input if not self._is_constant(name)]
            node = self._through(summed[0], _RESHAPED) if len(summed) == 1 else None
        if node is None or node.op_type not in _LINEAR or not self._is_constant(node.input[1]):
            return None
        return str(node.input[0])

    def behind(self, output: str) -> Iterator[str]:
        """Tensors whose shapes decide."""
        _, scores = self.last(output)
        yield scores
        if features := self.features(scores):
            yield features

    def _through(self, name: str, passed: Sequence[str]) -> onnx.NodeProto | None:
        node = self._made_by.get(name)
        while node is not None and node.op_type in passed:
            node = self._made_by.get(node.input[0])
        return node

    def _is_constant(self, name: str) -> bool:
        node = self._made_by.get(name)
        if node is not None and node.op_type in _UNCHANGED:
            return self._is_constant(node.input[0])
        return name in self._initializers or (node is not None and node.op_type == "Constant")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]
