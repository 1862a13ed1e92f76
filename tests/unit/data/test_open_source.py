"""`--format auto` finds the format and says why; what it cannot read it says too."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf.data.sources import open_source
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import ConfigError, SourceError


def test_a_folder(photo_folder: Path, tmp_path: Path) -> None:
    source, reason = open_source(str(photo_folder), "auto", SourceOptions(tmp_path))
    assert source.format == "folder"
    assert reason == f"Reading {photo_folder} as folder: it is a folder; the folders in it are taken for the classes."


def test_a_folder_with_splits_says_so(photo_folder: Path, tmp_path: Path) -> None:
    photo_folder.rename(tmp_path / "train")
    (tmp_path / "whole").mkdir()
    (tmp_path / "train").rename(tmp_path / "whole" / "train")
    _, reason = open_source(str(tmp_path / "whole"), "auto", SourceOptions(tmp_path))
    assert "split folders" in reason


def test_a_table(tmp_path: Path) -> None:
    table = tmp_path / "products.csv"
    table.write_text("id,title,category,image\n1,Hat,hat,hat.jpg\n")
    source, reason = open_source(str(table), "auto", SourceOptions(tmp_path))
    assert source.format == "table"
    assert "ends in .csv" in reason


@pytest.mark.parametrize("name", ["missing", "file.pdf"])
def test_what_is_nothing_of_these(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.pdf").write_bytes(b"%PDF")
    with pytest.raises(SourceError, match=r"(not there|another kind).*Expected a folder of photos"):
        open_source(str(tmp_path / name), "auto", SourceOptions(tmp_path))


def test_an_unknown_format_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'zip'; expected one of auto, .*folder.*table"):
        open_source(str(tmp_path), "zip", SourceOptions(tmp_path))
