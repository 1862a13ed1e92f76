"""`ActivationMaps` over ONNX Runtime: what the exported model saw before it averaged its last maps.

Needs the `onnx` package, which comes with the `[train]` extra.

Shapes: N photos, S pixels a side, 3 channels, C classes, D maps of H × W.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import numpy_helper

_PASSED_OVER = ("Flatten", "Reshape", "Squeeze", "Identity", "Dropout", "Cast")
"""Between the average and the classifier these change nothing."""

_AFTER_CLASSIFIER = ("ReduceMean", "Reshape", "Identity", "Cast")
"""The mean over a photo and its mirror image; what changes nothing, where the network was trained elsewhere."""

_MEANS, _MAXIMA = ("GlobalAveragePool", "ReduceMean"), ("GlobalMaxPool", "MaxPool")


@dataclass(frozen=True, slots=True)
class OnnxActivationMaps:
    """A model whose logits are a linear function of the means, or the maxima, of its last maps."""

    _session: ort.InferenceSession
    _maps: str
    _weight_CD: NDArray[np.float32]
    _by_maxima: bool

    def has_a_weight_a_map(self) -> bool:
        """Whether the pooling took in the whole of each map, so that one number of it was left."""
        _, height, width, channels = self._session.get_inputs()[0].shape
        (maps_NDHW,) = self._session.run([self._maps], {"photos": np.zeros((1, height, width, channels), np.uint8)})
        return bool(maps_NDHW.shape[1] == self._weight_CD.shape[1])

    def of(self, photos_NSSC: NDArray[np.uint8], class_N: NDArray[np.int64]) -> NDArray[np.float32]:
        """Where each photo speaks for its class, (N, H, W): 0 not at all, 1 most.

        Class activation mapping (Zhou et al. 2016): the maps, weighted as the classifier weights their means, are its
        logit place by place. Where it takes maxima, a map counts where it is highest, and nowhere else.
        """
        (maps_NDHW,) = self._session.run([self._maps], {"photos": np.ascontiguousarray(photos_NSSC)})
        maps_NDHW = maps_NDHW[: len(photos_NSSC)]  # the mirror images, if it looks at them too, come after
        if self._by_maxima:
            maps_NDHW = np.where(maps_NDHW == maps_NDHW.max(axis=(2, 3), keepdims=True), maps_NDHW, 0.0)
        for_class_NHW = np.einsum("nd,ndhw->nhw", self._weight_CD[class_N], maps_NDHW)
        for_class_NHW = np.maximum(for_class_NHW, 0.0)
        highest_N11 = for_class_NHW.max(axis=(1, 2), keepdims=True)
        evidence_NHW: NDArray[np.float32] = for_class_NHW / np.maximum(highest_N11, 1e-9)
        return evidence_NHW


def open_activation_maps(path: Path, *, num_threads: int) -> OnnxActivationMaps | None:
    """Open a `model.onnx`; None where its classifier does not follow an average of maps, so that there are none."""
    model = onnx.load(str(path))
    found = _classifier(model.graph)
    if found is None:
        return None
    maps, weight_CD, by_maxima = found
    model.graph.output.append(onnx.ValueInfoProto(name=maps))
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    opened = OnnxActivationMaps(session, maps, weight_CD, by_maxima)
    return opened if opened.has_a_weight_a_map() else None


def _classifier(graph: onnx.GraphProto) -> tuple[str, NDArray[np.float32], bool] | None:
    """The name of the last maps, the weights of their means or maxima in the logits, and whether it is maxima."""
    made_by = {name: node for node in graph.node for name in node.output}
    constants = {each.name: each for each in graph.initializer}
    linear = made_by.get("logits")
    while linear is not None and linear.op_type in _AFTER_CLASSIFIER:
        linear = made_by.get(linear.input[0])
    if linear is None or linear.op_type != "Gemm" or linear.input[1] not in constants:
        return None
    node = made_by.get(linear.input[0])
    while node is not None and node.op_type in _PASSED_OVER:
        node = made_by.get(node.input[0])
    if node is None or node.op_type not in _MEANS + _MAXIMA:
        return None
    weight = numpy_helper.to_array(constants[linear.input[1]])
    is_transposed = any(each.name == "transB" and each.i for each in linear.attribute)
    weight_CD = np.asarray(weight if is_transposed else weight.T, np.float32)
    return node.input[0], weight_CD, node.op_type in _MAXIMA
