"""Writing a model in a form.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.errors import ConfigError
from snapshelf.exports.recipe import Recipe, recipe_of

Form = Literal["onnx", "litert", "openvino", "web"]
Quantize = Literal["none", "int8"]

METADATA_KEY = "snapshelf"
_ONNX = "model.onnx"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written."""

    model_folder: Path
    card: ModelCard
    quantize: Quantize
    calibration_NSSC: NDArray[np.uint8]

    @property
    def recipe(self) -> Recipe:
        """With the names of `model.onnx`."""
        return recipe_of(self.card, self.quantize)


@dataclass(frozen=True, slots=True)
class Written:
    """What was."""

    model: Path
    recipe: Recipe


def write_onnx(wanted: Wanted, folder: Path) -> Written:
    """One file; the recipe is among its metadata."""
    return _with_recipe(wanted, folder, _source(wanted, folder))


def write_web(wanted: Wanted, folder: Path) -> Written:
    """As `write_onnx`, with its weights in 16 bits: customers download it. The store's server offers it to them.

    Raises:
        ConfigError: integers are wanted, or the model knows no categories.
    """
    if not wanted.card.labels:
        raise ConfigError(
            f"{wanted.card.id} knows no categories, so there is nothing that a customer's device could recognise. "
            "Run: snapshelf train"
        )
    if wanted.quantize != "none":
        raise ConfigError(
            f"--to web keeps its weights in 16 bits, half the size at the same answers; {wanted.quantize} would answer "
            "otherwise than the server. Leave --quantize out."
        )
    from snapshelf.exports.half_weights import halve_weights  # noqa: PLC0415 (of the [train] extra)

    half = folder / _ONNX
    halve_weights(wanted.model_folder / _ONNX, half)
    return _with_recipe(wanted, folder, half)


def _with_recipe(wanted: Wanted, folder: Path, source: Path) -> Written:
    import onnx  # noqa: PLC0415 (of the [train] extra)

    model = folder / _ONNX
    read = onnx.load(source)
    del read.metadata_props[:]
    read.metadata_props.add(key=METADATA_KEY, value=_as_text(wanted.recipe))
    read.producer_name = "snapshelf"
    onnx.save(read, model)
    return Written(model, wanted.recipe)


def write_openvino(wanted: Wanted, folder: Path) -> Written:
    """`model.xml` with the recipe among its information, and `model.bin` beside it.

    Raises:
        ConfigError: OpenVINO is not installed, or has no way to run this model.
    """
    try:
        from snapshelf.adapters.quiet_openvino import ov  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError:
        raise ConfigError("--to openvino needs OpenVINO. Run: pip install 'snapshelf[openvino]'") from None
    with tempfile.TemporaryDirectory() as work:
        source = _source(wanted, Path(work))
        try:
            read = ov.Core().read_model(source)
        except RuntimeError as error:
            raise ConfigError(f"OpenVINO cannot read {source}. Take --to onnx. It said: {error}") from error
        read.set_rt_info(_as_text(wanted.recipe), METADATA_KEY)
        ov.save_model(read, folder / "model.xml", compress_to_fp16=False)
    return Written(folder / "model.xml", wanted.recipe)


def write_litert(wanted: Wanted, folder: Path) -> Written:
    """One file, with `recipe.json` and `labels.txt` attached to it.

    Raises:
        ConfigError: the converter is not installed, or the model is none of the backbones that are known here.
        ArtifactMissingError: the model has no checkpoint.
    """
    try:
        from snapshelf.exports import litert  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--to litert needs {error.name}, which is not installed. In an environment of its own, run: "
            "pip install 'snapshelf[train,litert]'"
        ) from None
    model, recipe = folder / "model.tflite", litert.recipe_names(wanted.recipe)
    photos_NSSC = wanted.calibration_NSSC if wanted.quantize == "int8" else None
    litert.convert(wanted.model_folder, wanted.card.preprocess.size_px, model, photos_NSSC)
    labels = "".join(f"{label}\n" for label in wanted.card.labels)
    litert.attach(model, {"recipe.json": _as_text(recipe), "labels.txt": labels})
    return Written(model, recipe)


def _source(wanted: Wanted, work: Path) -> Path:
    """The store's `model.onnx`, or one in integers, for a moment in a folder."""
    model = wanted.model_folder / _ONNX
    if wanted.quantize == "none":
        return model
    from snapshelf.exports.quantized import quantize_int8  # noqa: PLC0415 (of the [train] extra)

    quantize_int8(model, work / _ONNX, wanted.calibration_NSSC)
    return work / _ONNX


def _as_text(recipe: Recipe) -> str:
    return json.dumps(recipe, ensure_ascii=False)


WRITERS: dict[Form, Callable[[Wanted, Path], Written]] = {
    "onnx": write_onnx,
    "litert": write_litert,
    "openvino": write_openvino,
    "web": write_web,
}
