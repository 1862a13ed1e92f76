"""Networks as other trainers export them, in every form that is taken here. They know three things by their colour.

What a network looks at is the mean of each channel, scaled; nearest to the colour of a thing is that thing.

Shapes: N photos, S pixels a side, C = 1 or 3 channels, K = 3 things, D = C + 1 features.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.conftest import COLOURS

LABELS = list(COLOURS)
SIZE_PX = 16
SHARPNESS = 40.0


def write_network(path: Path, **described: Any) -> Path:
    """Write what `network` makes."""
    onnx.save(network(**described), path)
    return path


def network(
    *,
    layout: str = "NCSS",
    channels: int = 3,
    element: int = TensorProto.FLOAT,
    batch: str | int = "N",
    last: str = "Softmax",
    opset: int = 18,
    mean: float = 127.5,
    std: float = 127.5,
    bgr: bool = False,
    size_px: int | str = SIZE_PX,
    extra: str = "",
) -> onnx.ModelProto:
    """A network for pixels that are scaled so.

    Args:
        layout: `NSSC`, `NCSS` or `NSS`.
        channels: 1 or 3.
        element: the type of its input.
        batch: how many photos at a time; a name for any number.
        last: `Softmax`, `LogSoftmax`, `Sigmoid`, `Gemm`, `MatMul` (and a sum), `Exp` (probabilities, but not by
            softmax) or `Relu` (numbers that no linear layer makes).
        opset: of its operations.
        mean: taken from pixels before it sees them; it does so itself where its input is uint8.
        std: then divided by.
        bgr: whether its channels are blue, green, red.
        size_px: the sides of its photos; a name where it takes any.
        extra: `embedding` for a second output (N, 5), `twin` for one that could be the logits.
    """
    whole = element == TensorProto.UINT8
    floats = TensorProto.FLOAT if whole else element
    features_CD, weights_DK = _weights(channels, mean, std, bgr=bgr)
    one = 1 if batch == 1 else 0
    constants: dict[str, NDArray[Any]] = {
        "features.weight": features_CD, "features.bias": np.eye(1, channels + 1, channels)[0],
        "head.weight": weights_DK, "head.bias": np.zeros(3), "mean": np.array(mean), "std": np.array(std),
        "embedding.weight": np.eye(channels + 1, 5) + 0.1,
    }  # fmt: skip
    initializers = [
        numpy_helper.from_array(value.astype(helper.tensor_dtype_to_np_dtype(floats)), name)
        for name, value in constants.items()
    ]
    initializers.append(numpy_helper.from_array(np.array([one, channels], np.int64), "flat"))
    if layout == "NSS":
        initializers.append(numpy_helper.from_array(np.array([one, 1, size_px, size_px], np.int64), "grey"))
    make, pixels, nodes = helper.make_node, "images", []
    if whole:
        nodes += [make("Cast", ["images"], ["float"], to=floats), make("Sub", ["float", "mean"], ["less"])]
        nodes, pixels = [*nodes, make("Div", ["less", "std"], ["scaled"])], "scaled"
    if layout == "NSSC":
        nodes, pixels = [*nodes, make("Transpose", [pixels], ["planes"], perm=[0, 3, 1, 2])], "planes"
    if layout == "NSS":
        nodes, pixels = [*nodes, make("Reshape", [pixels, "grey"], ["planes"])], "planes"
    nodes += [
        make("GlobalAveragePool", [pixels], ["pooled"]),
        make("Reshape", ["pooled", "flat"], ["vectors"]),  # for one photo alone where it was exported so
        make("Gemm", ["vectors", "features.weight", "features.bias"], ["features"]),
        *_ending(last),
    ]
    side: list[int | str] = [size_px, size_px]
    sides = {"NSSC": [*side, channels], "NCSS": [channels, *side], "NSS": side}[layout]
    outputs = [helper.make_tensor_value_info("answers", floats, [batch, 3])]
    if extra:
        inside = {"embedding": ["features", "embedding.weight"], "twin": ["features", "head.weight"]}[extra]
        nodes.append(make("MatMul", inside, [extra]))
        outputs.append(helper.make_tensor_value_info(extra, floats, [batch, None]))
    given = helper.make_tensor_value_info("images", element, [batch, *sides])
    graph = helper.make_graph(nodes, "colours", [given], outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _weights(channels: int, mean: float, std: float, *, bgr: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """The features are the means and a one; the likeness to a thing's colour is linear in them."""
    colours_KC = np.array(list(COLOURS.values()), np.float64)[:, :: -1 if bgr else 1]
    if channels == 1:
        colours_KC = colours_KC @ np.array([[0.299], [0.587], [0.114]])
    colours_KC = (colours_KC - mean) / std
    sharpness = SHARPNESS * std**2 / 127.5**2 * (20 if channels == 1 else 1)
    weights_KD = sharpness * np.column_stack([2 * colours_KC, -(colours_KC**2).sum(axis=1)])
    return np.eye(channels, channels + 1), weights_KD.T


def _ending(last: str) -> list[onnx.NodeProto]:
    make = helper.make_node
    if last == "MatMul":
        return [make("MatMul", ["features", "head.weight"], ["sums"]), make("Add", ["sums", "head.bias"], ["answers"])]
    gemm = make("Gemm", ["features", "head.weight", "head.bias"], ["answers" if last == "Gemm" else "sums"])
    if last == "Gemm":
        return [gemm]
    if last == "Exp":
        return [gemm, make("LogSoftmax", ["sums"], ["logs"], axis=1), make("Exp", ["logs"], ["answers"])]
    if last in ("Softmax", "LogSoftmax"):
        return [gemm, make(last, ["sums"], ["answers"], axis=1)]
    return [gemm, make(last, ["sums"], ["answers"])]
