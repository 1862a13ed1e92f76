"""Which engine runs a model: the one that is wanted, or the quickest of those that are installed."""

from __future__ import annotations

import logging
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.errors import ConfigError
from snapshelf.settings import Engine

_TRIES = 3
_LONG_S = 0.05
"""An engine that takes so long for one photo is not asked again."""

_log = logging.getLogger(__name__)


def open_model(folder: Path, *, num_threads: int, engine: Engine = "auto", side_by_side: bool = False) -> ModelEncoder:
    """A model folder, opened on `num_threads` cores.

    Args:
        engine: `auto` lets each engine look at a picture that is installed and can run the model, and takes the
            quickest.
        side_by_side: for many photos at once, each on one core.

    Raises:
        ConfigError: the engine that is wanted is not installed, or cannot run this model.
        StoreError: see `ModelEncoder`.
    """
    is_installed = find_spec("openvino") is not None
    if engine.startswith("openvino") and not is_installed:
        raise ConfigError(
            f"SNAPSHELF_ENGINE is {engine}, which is not installed. Run: pip install 'snapshelf[openvino]'"
        )
    if engine.startswith("openvino"):
        return _openvino(folder, num_threads, side_by_side=side_by_side, half=engine == "openvino-bf16")
    usual = partial(OnnxEncoder, folder, num_threads=1 if side_by_side else num_threads)
    if engine == "onnxruntime" or not is_installed:
        return usual()
    usual_s = _seconds(usual())  # and closed again: the memory of both at once would stay with the process
    try:
        other = _openvino(folder, num_threads, side_by_side=side_by_side)
    except ConfigError as error:
        _log.info("%s", error)
        return usual()
    other_s = _seconds(other)
    _log.info("%s looks at a photo in %.1f ms, onnxruntime in %.1f", other.engine, 1000 * other_s, 1000 * usual_s)
    return other if other_s < usual_s else usual()


def _openvino(folder: Path, num_threads: int, *, side_by_side: bool, half: bool = False) -> ModelEncoder:
    from snapshelf.adapters.openvino_encoder import OpenvinoEncoder  # noqa: PLC0415 (an extra)

    return OpenvinoEncoder(folder, num_threads=num_threads, side_by_side=side_by_side, half=half)


def _seconds(encoder: ModelEncoder) -> float:
    """The shortest of some times for one photo, the first not among them."""
    size_px = encoder.preprocess.size_px
    photo_NSSC = np.random.default_rng(0).integers(0, 256, (1, size_px, size_px, 3), dtype=np.uint8)
    taken: list[float] = []
    for _ in range(1 + _TRIES):
        started = time.perf_counter()
        encoder.encode(photo_NSSC)
        taken.append(time.perf_counter() - started)
        if len(taken) > 1 and taken[-1] > _LONG_S:
            break
    return min(taken[1:])
