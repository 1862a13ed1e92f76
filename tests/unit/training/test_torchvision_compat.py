from __future__ import annotations

import importlib
import importlib.machinery
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
import torch

from snapshelf.training import torchvision_compat
from snapshelf.training.torchvision_compat import declare_missing_operators


def test_torchvision_can_be_imported_afterwards_and_a_second_call_does_nothing() -> None:
    declare_missing_operators()
    assert importlib.import_module("torchvision").__version__
    assert all(hasattr(torch.ops.torchvision, name) for name in ("nms", "qnms"))
    assert declare_missing_operators() is False


def test_nothing_is_declared_where_the_extension_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    declared: list[str] = []
    monkeypatch.setattr(torchvision_compat, "_declared", lambda: False)
    monkeypatch.setattr(torch.ops, "load_library", lambda path: None)
    monkeypatch.setattr(torch.library, "define", lambda name, schema: declared.append(name))
    assert declare_missing_operators() is False
    assert declared == []


@pytest.mark.parametrize("name", ["_C", "_C_stable"])
def test_the_extension_is_found_under_each_of_its_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    library = tmp_path / f"{name}{EXTENSION_SUFFIXES[-1]}"
    library.touch()
    package = importlib.machinery.ModuleSpec("torchvision", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: package)
    monkeypatch.setattr(torchvision_compat, "_declared", lambda: False)
    monkeypatch.setattr(torch.ops, "load_library", loaded.append)
    assert declare_missing_operators() is False
    assert loaded == [str(library)]
