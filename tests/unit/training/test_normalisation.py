from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from snapshelf.errors import ConfigError
from snapshelf.training.normalisation import Normalisation, normalisation_of

HALF = Normalisation((127.5,) * 3, (127.5,) * 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    return path


def test_a_file_that_tells_nothing(path: Path) -> None:
    assert normalisation_of(path, {"conv": torch.zeros(4, 3, 3, 3)}) is None


def test_a_files_own_metadata_comes_first(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path, metadata=HALF.as_metadata())
    path.with_name("config.json").write_text(json.dumps({"mean": [0, 0, 0], "std": [1, 1, 1]}))
    assert normalisation_of(path, {}) == HALF


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_hubs_config_beside_the_file_is_read(path: Path, wrapped: bool) -> None:
    told = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    path.with_name("config.json").write_text(json.dumps({"pretrained_cfg": told} if wrapped else told))
    assert normalisation_of(path, {}) == HALF


@pytest.mark.parametrize("text", ["no JSON", '{"mean": [1, 2], "std": [1, 1, 1]}', '{"mean": "x", "std": 1}', "[1]"])
def test_a_config_that_cannot_be_used_is_named(path: Path, text: str) -> None:
    path.with_name("config.json").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.json, beside the weights"):
        normalisation_of(path, {})
