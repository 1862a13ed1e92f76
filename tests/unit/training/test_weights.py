from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from snapshelf.errors import ConfigError
from snapshelf.training.backbones import load_backbone
from snapshelf.training.weights import load_body, read_weights


class Dangerous:
    """What a hostile file could hold: unpickling it would run code."""

    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("code ran",))


def test_both_kinds_of_file_are_read_alike(tmp_path: Path) -> None:
    state = nn.Linear(2, 3).state_dict()
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 3}, tmp_path / "a.pth"
    )
    save_file(state, tmp_path / "a.safetensors")
    for path in (tmp_path / "a.pth", tmp_path / "a.safetensors"):
        found = read_weights(path)
        assert found.keys() == state.keys()
        torch.testing.assert_close(found["weight"], state["weight"])


def test_a_file_that_would_run_code_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": Dangerous()}, tmp_path / "bad.pth")
    with pytest.raises(ConfigError, match="tensors and nothing else"):
        read_weights(tmp_path / "bad.pth")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.pth"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no weights at all, just some text")
    with pytest.raises(ConfigError, match=name):
        read_weights(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.pth: there is no such file"):
        read_weights(tmp_path / "nowhere.pth")


def test_what_does_not_fit_is_listed() -> None:
    state = {"weight": torch.zeros(4, 2), "extra": torch.zeros(1), "fc.weight": torch.zeros(9)}
    with pytest.raises(ConfigError) as caught:
        load_body(nn.Linear(2, 3), state, head=("fc",), source="some file")
    message = str(caught.value)
    assert "bias is missing" in message
    assert "extra is not part of it" in message
    assert "weight is (4, 2), expected (3, 2)" in message
    assert "fc.weight" not in message  # a head may differ


def test_our_own_checkpoint_fills_a_body() -> None:
    body, other = nn.Linear(2, 3), nn.Linear(2, 3)
    state = {f"body.{name}": value for name, value in other.state_dict().items()}
    load_body(body, state | {"head.weight": torch.zeros(5, 3)}, head=("head",), source="x")
    torch.testing.assert_close(body.weight, other.weight)


def test_other_names_in_the_same_order_fit_where_every_shape_and_kind_agrees() -> None:
    body = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    theirs = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), nn.Flatten(), nn.Linear(4, 9))
    load_body(body, theirs.state_dict(), head=("fc",), source="x")
    torch.testing.assert_close(body.state_dict()["0.weight"], theirs.state_dict()["0.0.weight"])
    swapped = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(3, 4, 1)).state_dict()
    with pytest.raises(ConfigError, match=r"it holds 7 tensors, the backbone 7.*0\.weight is \(4,\), expected"):
        load_body(body, swapped, head=("fc",), source="x")


def test_the_first_names_of_vggs_classifier_are_known() -> None:
    """torchvision's file has flat matrices where timm's network has convolutions."""
    body = load_backbone("vgg11", 0, size_px=32, weights="none").network.body
    state = {name: value for name, value in body.state_dict().items() if name.startswith("features.")}
    state |= {
        "classifier.0.weight": torch.ones(4096, 25088), "classifier.0.bias": torch.zeros(4096),
        "classifier.3.weight": torch.ones(4096, 4096), "classifier.3.bias": torch.zeros(4096),
        "classifier.6.weight": torch.zeros(1000, 4096), "classifier.6.bias": torch.zeros(1000),
    }  # fmt: skip
    load_body(body, state, head=("head.fc",), source="x")
    assert float(body.state_dict()["pre_logits.fc1.weight"].sum()) == 4096 * 25088
