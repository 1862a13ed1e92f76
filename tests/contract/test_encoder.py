"""What every engine that runs a model must do.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from snapshelf.adapters.model_encoder import MODEL_FILE, ModelEncoder
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.adapters.openvino_encoder import OpenvinoEncoder
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError
from snapshelf.types import Encoding
from tests.tiny_store import COLOURS, SIZE_PX, write_model

ENGINES: dict[str, Callable[[Path], ModelEncoder]] = {
    "onnxruntime": partial(OnnxEncoder, num_threads=2),
    "openvino": partial(OpenvinoEncoder, num_threads=2),
    "openvino, one core": partial(OpenvinoEncoder, num_threads=1),
    "openvino, side by side": partial(OpenvinoEncoder, num_threads=2, side_by_side=True),
    "openvino, half precision": partial(OpenvinoEncoder, num_threads=2, half=True),
}


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest) -> Callable[[Path], ModelEncoder]:
    return ENGINES[request.param]


def photos(num: int) -> NDArray[np.uint8]:
    return np.random.default_rng(num).integers(0, 256, (num, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


def tolerance(encoder: ModelEncoder) -> float:
    """Three decimal digits are what bfloat16 has; the logits of this model go up to 17."""
    return 0.1 if encoder.runs_on == "openvino-bf16" else 1e-4


def check_same(found: Encoding, expected: Encoding, within: float) -> None:
    assert found.logits_NC == pytest.approx(expected.logits_NC, abs=within)
    assert found.embedding_ND == pytest.approx(expected.embedding_ND, abs=within)
    assert found.familiarity_N == pytest.approx(expected.familiarity_N, abs=within)


@pytest.mark.parametrize("num", [0, 1, 40])
def test_it_says_what_onnx_runtime_says(tmp_path: Path, opened: Callable[[Path], ModelEncoder], num: int) -> None:
    """Models without labels are in `tests/golden`."""
    write_model(tmp_path / "model")
    encoder = opened(tmp_path / "model")
    found = encoder.encode(photos(num))
    assert found.logits_NC.shape == (num, len(COLOURS))
    assert found.embedding_ND.shape == (num, encoder.embedding_dim)
    assert found.embedding_ND.dtype == found.logits_NC.dtype == np.float32
    check_same(found, OnnxEncoder(tmp_path / "model", num_threads=1).encode(photos(num)), tolerance(encoder))


def test_many_threads_at_once_get_the_answers_to_their_own_photos(
    tmp_path: Path, opened: Callable[[Path], ModelEncoder]
) -> None:
    write_model(tmp_path / "model")
    encoder = opened(tmp_path / "model")
    expected = OnnxEncoder(tmp_path / "model", num_threads=1).encode(photos(200)).embedding_ND
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda photo_SSC: encoder.encode(photo_SSC[None]).embedding_ND[0], photos(200)))
    assert np.stack(found) == pytest.approx(expected, abs=tolerance(encoder))


def test_what_was_said_of_one_photo_stays_when_another_one_comes(
    tmp_path: Path, opened: Callable[[Path], ModelEncoder]
) -> None:
    write_model(tmp_path / "model")
    encoder = opened(tmp_path / "model")
    first = encoder.encode(photos(2)[:1])
    kept = first.embedding_ND.copy()
    encoder.encode(photos(2)[1:])
    assert first.embedding_ND.tolist() == kept.tolist()


def test_a_model_that_is_not_there(tmp_path: Path, opened: Callable[[Path], ModelEncoder]) -> None:
    write_model(tmp_path / "model")
    (tmp_path / "model" / MODEL_FILE).unlink()
    with pytest.raises(ArtifactMissingError, match=r"model\.onnx is missing"):
        opened(tmp_path / "model")


def test_a_model_that_is_another_one(tmp_path: Path, opened: Callable[[Path], ModelEncoder]) -> None:
    write_model(tmp_path / "model")
    with (tmp_path / "model" / MODEL_FILE).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ArtifactMismatchError, match="sha256 differs"):
        opened(tmp_path / "model")


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_speaks_to_nobody(tmp_path: Path, engine: str) -> None:
    write_model(tmp_path / "model")
    program = f"""
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
        print(event, arguments)
sys.addaudithook(watch)
from pathlib import Path
import numpy as np
from snapshelf.adapters.engines import open_model
encoder = open_model(Path({str(tmp_path / "model")!r}), num_threads=2, engine={engine!r})
encoder.encode(np.zeros((1, {SIZE_PX}, {SIZE_PX}, 3), np.uint8))
"""
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout == ""
    # What is told by compiled code is not seen by the hook above; what it is told by is: a number for this machine.
    assert [path for path in home.rglob("*") if path.is_file()] == []
