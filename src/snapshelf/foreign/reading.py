"""A file of ONNX from anywhere → a network whose photos are understood, or an error that says what is wrong with it.

Shapes: N photos, S pixels a side, C = 1 or 3 channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, external_data_helper, inliner, version_converter

from snapshelf.errors import ModelFileError

Layout = Literal["NSSC", "NCSS", "NSS"]

OPSET = 18
"""The oldest that models have here: what is put around a network is written in it, or newer."""

_LARGEST_BYTES = 2**31 - 1
"""What one file in protobuf's form can hold."""

_TYPES = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16", TensorProto.UINT8: "uint8"}
"""ONNX Runtime lacks many operations on float64."""


@dataclass(frozen=True, slots=True)
class PhotosIn:
    """How a network takes photos."""

    name: str
    """Of its input."""
    element: TensorProto.DataType
    """One of `onnx.TensorProto`'s types: FLOAT, FLOAT16 or UINT8."""
    layout: Layout
    channels: Literal[1, 3]
    size_px: int | None
    """S; None where it takes any."""
    one_at_a_time: bool
    """Whether it was exported for a single photo."""

    @property
    def is_whole(self) -> bool:
        """Whether it takes pixels as they are in photos, whole numbers from 0 to 255."""
        return self.element == TensorProto.UINT8

    @property
    def dtype(self) -> str:
        """NumPy's name for the type."""
        return _TYPES[self.element]


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a file, whole in memory, its functions written out, in opset 18 or newer."""

    model: onnx.ModelProto
    photos: PhotosIn

    @property
    def opset(self) -> int:
        """Of ONNX's own operations."""
        return _opset(self.model)


def read_network(path: Path) -> Network:
    """Read a file, and the files beside it that hold its weights, if it says so.

    Raises:
        ModelFileError: it is not there, no ONNX, broken, wants files from elsewhere, or takes no photos.
    """
    model = _upgraded(path, _checked(path, _loaded(path)))
    return Network(model, _photos_in(path, model.graph))


def _loaded(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise ModelFileError(f"{path} is not there, or no file. Expected a model in ONNX's form.")
    if path.stat().st_size > _LARGEST_BYTES:
        raise ModelFileError(f"{path} is over 2 GB, more than a file of ONNX can hold. Export it with float16 weights.")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError:
        raise ModelFileError(
            f"{path} is not in ONNX's form. Keras writes that with model.export(FILE, format='onnx'), PyTorch with "
            "torch.onnx.export."
        ) from None
    if not model.graph.node or not model.opset_import:
        raise ModelFileError(f"{path} is not in ONNX's form, or a model without layers.")
    _load_weights(path, model)
    return model


def _load_weights(path: Path, model: onnx.ModelProto) -> None:
    """From files beside the model, and nowhere else: `onnx` refuses paths that lead out of its folder, and links."""
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent.resolve()))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise ModelFileError(
            f"{path} keeps weights in other files, which cannot be read: {_first_line(error)} Put the files that its "
            "exporter wrote into one folder; paths that lead elsewhere, and links, are not followed."
        ) from None
    if model.ByteSize() > _LARGEST_BYTES:
        raise ModelFileError(f"{path} and its weights are over 2 GB, more than a file of ONNX can hold.")


def _checked(path: Path, model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, UnicodeDecodeError) as error:  # the latter of names that are no UTF-8
        raise ModelFileError(f"{path} is a broken model: {_first_line(error)}") from None
    if model.functions:
        model = inliner.inline_local_functions(model)
    del model.graph.value_info[:]  # shapes in between, which are not needed and hold for one batch size only
    named = [*model.graph.input, *model.graph.output, *model.graph.initializer]
    names = [each.name for each in named] + [name for node in model.graph.node for name in _names_in(node)]
    if not all(isinstance(name, str) for name in names):  # protobuf gives bytes for what is no UTF-8
        raise ModelFileError(f"{path} is a broken model: it has names that are no text.")
    return model


def _names_in(node: onnx.NodeProto) -> list[str]:
    return [node.name, *node.input, *node.output]


def _upgraded(path: Path, model: onnx.ModelProto) -> onnx.ModelProto:
    if _opset(model) >= OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except (RuntimeError, UnicodeDecodeError, version_converter.ConvertError) as error:
        raise ModelFileError(
            f"{path} has opset {_opset(model)}, which cannot be brought to {OPSET}: {_first_line(error)} Export it "
            f"anew with opset_version={OPSET}."
        ) from None


def _opset(model: onnx.ModelProto) -> int:
    return next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)


def _photos_in(path: Path, graph: onnx.GraphProto) -> PhotosIn:
    weights = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs) or "none"
        raise ModelFileError(f"{path} has {len(inputs)} inputs ({names}); expected one, which takes the photos.")
    given = inputs[0].type.tensor_type
    if given.elem_type not in _TYPES:
        known = {number: name for name, number in TensorProto.DataType.items()}
        found = known.get(given.elem_type, "what is no tensor")
        raise ModelFileError(f"{path} takes {found}; expected {', '.join(_TYPES.values())}.")
    dims = [each.dim_value if each.HasField("dim_value") else None for each in given.shape.dim]
    words = f"{path} takes ({', '.join('any' if each is None else str(each) for each in dims)})"
    layout, channels, sides = _axes(words, dims)
    if None not in sides and sides[0] != sides[1]:
        raise ModelFileError(
            f"{words}: photos of {sides[1]} × {sides[0]} px; they are squares here. Export it for one."
        )
    if dims[0] not in (None, 0, 1):
        raise ModelFileError(f"{words}: {dims[0]} photos at a time. Export it for any number of them, or for one.")
    size_px = next((side for side in sides if side), None)
    return PhotosIn(inputs[0].name, given.elem_type, layout, channels, size_px, one_at_a_time=dims[0] == 1)


def _axes(words: str, dims: list[int | None]) -> tuple[Layout, Literal[1, 3], list[int | None]]:
    """Where the channels are, how many there are, and how long the sides."""
    if len(dims) == 3 and dims[2] not in (1, 3):
        return "NSS", 1, dims[1:]
    if len(dims) == 4:
        if dims[3] in (1, 3) and dims[1] not in (1, 3):
            return "NSSC", 3 if dims[3] == 3 else 1, dims[1:3]
        if dims[1] in (1, 3) and dims[3] not in (1, 3):
            return "NCSS", 3 if dims[1] == 3 else 1, dims[2:]
    raise ModelFileError(
        f"{words}; expected photos: (N, S, S, 3) or (N, 3, S, S), or with 1 instead of 3 where they are grey, or "
        "(N, S, S). Export it with the number of channels fixed."
    )


def _first_line(error: Exception) -> str:
    line = str(error).strip().split("\n", maxsplit=1)[0].rstrip(".")
    return f"{line}."
