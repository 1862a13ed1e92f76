"""Writing a model in a form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from snapshelf.errors import ConfigError

Form = Literal["onnx", "openvino"]

METADATA_KEY = "snapshelf"


def write_onnx(model: Path, recipe: dict[str, Any], folder: Path) -> Path:
    """One file; the recipe is among its metadata."""
    import onnx  # noqa: PLC0415 (of the [train] extra)

    read = onnx.load(model)
    del read.metadata_props[:]
    read.metadata_props.add(key=METADATA_KEY, value=json.dumps(recipe, ensure_ascii=False))
    read.producer_name = "snapshelf"
    onnx.save(read, folder / "model.onnx")
    return folder / "model.onnx"


def write_openvino(model: Path, recipe: dict[str, Any], folder: Path) -> Path:
    """`model.xml` with the recipe among its information, and `model.bin` beside it.

    Raises:
        ConfigError: OpenVINO is not installed, or has no way to run this model.
    """
    try:
        from snapshelf.adapters.quiet_openvino import ov  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError:
        raise ConfigError("--to openvino needs OpenVINO. Run: pip install 'snapshelf[openvino]'") from None
    try:
        read = ov.Core().read_model(model)
    except RuntimeError as error:
        raise ConfigError(f"OpenVINO cannot read {model}. Take --to onnx. It said: {error}") from error
    read.set_rt_info(json.dumps(recipe, ensure_ascii=False), METADATA_KEY)
    ov.save_model(read, folder / "model.xml", compress_to_fp16=False)
    return folder / "model.xml"


WRITERS: dict[Form, Callable[[Path, dict[str, Any], Path], Path]] = {"onnx": write_onnx, "openvino": write_openvino}
