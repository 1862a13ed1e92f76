"""Weights in 16 bits.

Shapes: N photos, K and M numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from snapshelf.exports.half_weights import halve_weights


def written(path: Path, weights_KM: NDArray[np.float32]) -> Path:
    """A model of one multiplication."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", weights_KM.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", weights_KM.shape[1]])],
        [numpy_helper.from_array(weights_KM, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def answer(path: Path, x_NK: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {"x": x_NK})[0]
    return found


def test_a_model_of_half_the_size_says_nearly_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    own = written(tmp_path / "own.onnx", random.standard_normal((200, 40), np.float32))
    halve_weights(own, tmp_path / "half.onnx")
    assert (tmp_path / "half.onnx").stat().st_size < 0.52 * own.stat().st_size
    onnx.checker.check_model(tmp_path / "half.onnx", full_check=True)
    x_NK = random.standard_normal((5, 200), np.float32)
    assert answer(tmp_path / "half.onnx", x_NK) == pytest.approx(answer(own, x_NK), abs=0.05)


@pytest.mark.parametrize("weights_KM", [np.ones((3, 3), np.float32), np.full((40, 40), 1e6, np.float32)])
def test_few_weights_and_those_beyond_16_bits_stay_as_they_are(tmp_path: Path, weights_KM: NDArray[np.float32]) -> None:
    own = written(tmp_path / "own.onnx", weights_KM)
    halve_weights(own, tmp_path / "half.onnx")
    assert onnx.load(tmp_path / "half.onnx") == onnx.load(own)
