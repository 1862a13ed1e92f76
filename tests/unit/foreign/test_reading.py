from __future__ import annotations

import contextlib
import os
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from snapshelf.errors import ModelFileError
from snapshelf.foreign.answers import Asked
from snapshelf.foreign.reading import OPSET, read_network
from tests.foreign_networks import network, write_network


def test_a_network_is_brought_to_a_newer_opset(tmp_path: Path) -> None:
    assert read_network(write_network(tmp_path / "net.onnx", opset=9)).opset == OPSET
    assert read_network(write_network(tmp_path / "net.onnx", opset=21)).opset == 21


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x09", os.urandom(2000), b"PK\x03\x04" + bytes(100)])
def test_what_is_no_onnx(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"net\.onnx is not in ONNX's form"):
        read_network(tmp_path / "net.onnx")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is not there, or no file"):
        read_network(tmp_path / "net.onnx")
    with pytest.raises(ModelFileError, match="is not there, or no file"):
        read_network(tmp_path)


@given(st.data())
def test_damaged_files_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(network().SerializeToString())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with contextlib.suppress(ModelFileError):
        Asked(read_network(path), ["answers"], 1)


def external(folder: Path, location: str) -> Path:
    """A network whose weights are said to lie there."""
    folder.mkdir()
    model = network()
    onnx.save(model, folder / "net.onnx", save_as_external_data=True, location="weights.data", size_threshold=0)
    read = onnx.load(folder / "net.onnx", load_external_data=False)
    for each in read.graph.initializer:
        for entry in each.external_data:
            if entry.key == "location":
                entry.value = location
    (folder / "net.onnx").write_bytes(read.SerializeToString())
    return folder / "net.onnx"


def test_weights_beside_are_read(tmp_path: Path) -> None:
    model = read_network(external(tmp_path / "net", "weights.data")).model
    assert all(each.raw_data and not each.external_data for each in model.graph.initializer)


def test_weights_elsewhere_are_not(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(1000))
    places = {"out": "../secret", "absolute": str(secret), "missing": "gone.data", "folder": ".", "empty": ""}
    for name, location in places.items():
        with pytest.raises(ModelFileError, match="keeps weights in other files, which cannot be read"):
            read_network(external(tmp_path / name, location))
    linked = external(tmp_path / "linked", "link.data")
    (tmp_path / "linked" / "link.data").symlink_to(secret)
    with pytest.raises(ModelFileError, match=r"links, are not followed"):
        read_network(linked)


def test_weights_that_are_cut_off(tmp_path: Path) -> None:
    path = external(tmp_path / "net", "weights.data")
    os.truncate(path.with_name("weights.data"), 10)
    with pytest.raises(ModelFileError, match="keeps weights in other files, which cannot be read"):
        read_network(path)


def test_two_inputs_and_other_types(tmp_path: Path) -> None:
    model = network()
    model.graph.input.append(helper.make_tensor_value_info("training", TensorProto.BOOL, []))
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ModelFileError, match=r"has 2 inputs \(images, training\); expected one"):
        read_network(tmp_path / "net.onnx")
    model = network()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ModelFileError, match="takes INT64; expected float32, float16, uint8"):
        read_network(tmp_path / "net.onnx")


def test_photos_that_are_no_squares(tmp_path: Path) -> None:
    model = network()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 20
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ModelFileError, match=r"\(any, 3, 20, 16\): photos of 16 × 20 px; they are squares"):
        read_network(tmp_path / "net.onnx")


def test_operations_that_nobody_knows(tmp_path: Path) -> None:
    model = network()
    model.graph.node[0].domain = "their.own"
    model.opset_import.append(helper.make_opsetid("their.own", 1))
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ModelFileError, match="ONNX Runtime cannot run the model"):
        Asked(read_network(tmp_path / "net.onnx"), ["answers"], 1)
