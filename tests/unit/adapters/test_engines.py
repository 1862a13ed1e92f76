"""Which engine runs a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf.adapters import engines
from snapshelf.adapters.engines import open_model
from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.errors import ConfigError
from snapshelf.settings import Engine
from tests.tiny_store import write_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("wanted", "taken"), [("onnxruntime", "onnxruntime"), ("openvino", "openvino"), ("openvino-bf16", "openvino")]
)
def test_the_one_that_is_wanted(folder: Path, wanted: Engine, taken: str) -> None:
    assert open_model(folder, num_threads=1, engine=wanted).engine.startswith(taken + " ")


@pytest.mark.parametrize("quicker", ["onnxruntime", "openvino"])
def test_the_quickest_where_none_is_wanted(folder: Path, quicker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(encoder: ModelEncoder) -> float:
        return 0.001 if encoder.engine.startswith(quicker) else 0.002

    monkeypatch.setattr(engines, "_seconds", seconds)
    assert open_model(folder, num_threads=1).engine.startswith(quicker)


def test_engines_are_timed_by_photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = open_model(folder, num_threads=1, engine="onnxruntime")
    clock = iter([0.0, 9.0, 10.0, 10.03, 11.0, 11.02, 12.0, 12.04])
    monkeypatch.setattr("snapshelf.adapters.engines.time.perf_counter", lambda: next(clock))
    assert engines._seconds(encoder) == pytest.approx(0.02)
    slow = iter([0.0, 9.0, 10.0, 10.2])
    monkeypatch.setattr("snapshelf.adapters.engines.time.perf_counter", lambda: next(slow))
    assert engines._seconds(encoder) == pytest.approx(0.2)


def test_without_openvino(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert open_model(folder, num_threads=1).engine.startswith("onnxruntime")
    with pytest.raises(ConfigError, match=r"SNAPSHELF_ENGINE is openvino-bf16.*pip install 'snapshelf\[openvino\]'"):
        open_model(folder, num_threads=1, engine="openvino-bf16")


def test_a_model_that_openvino_cannot_run(tmp_path: Path) -> None:
    """One of them: it takes weights of no columns for a number."""
    write_model(tmp_path / "plain", with_labels=False)
    assert open_model(tmp_path / "plain", num_threads=1).engine.startswith("onnxruntime")
    with pytest.raises(ConfigError, match=r"cannot run .*model\.onnx.*SNAPSHELF_ENGINE=onnxruntime"):
        open_model(tmp_path / "plain", num_threads=1, engine="openvino")
