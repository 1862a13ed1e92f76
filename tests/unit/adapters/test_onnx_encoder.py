"""How many photos ONNX Runtime is handed at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snapshelf.adapters import onnx_encoder
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from tests.tiny_store import SIZE_PX, write_model


def handed_over(encoder: OnnxEncoder, number: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of photos each time, of so many."""
    sizes: list[int] = []
    session = encoder._session

    class Counting:
        def run(self, names: list[str], fed: dict[str, np.ndarray]) -> list[np.ndarray]:
            sizes.append(len(fed["photos"]))
            return list(session.run(names, fed))

    monkeypatch.setattr(encoder, "_session", Counting())
    photos_NSSC = np.zeros((number, SIZE_PX, SIZE_PX, 3), np.uint8)
    assert len(encoder.encode(photos_NSSC).embedding_ND) == number
    return sizes


@pytest.mark.parametrize(("num_threads", "sizes"), [(1, [2, 2, 2, 1]), (2, [4, 3]), (3, [6, 1])])
def test_two_photos_a_core(num_threads: int, sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it needed for more of them, it would keep."""
    write_model(tmp_path / "model")
    monkeypatch.setattr(onnx_encoder, "_A_CORE", 2 * SIZE_PX**2)
    encoder = OnnxEncoder(tmp_path / "model", num_threads=num_threads)
    assert handed_over(encoder, 7, monkeypatch) == sizes


def test_small_photos_go_together_and_large_ones_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "model")
    assert handed_over(OnnxEncoder(tmp_path / "model", num_threads=1), 70, monkeypatch) == [32, 32, 6]
    monkeypatch.setattr(onnx_encoder, "_A_CORE", SIZE_PX**2 // 2)
    assert handed_over(OnnxEncoder(tmp_path / "model", num_threads=1), 3, monkeypatch) == [1, 1, 1]
