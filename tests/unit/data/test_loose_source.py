"""Photos in a folder, whatever lies where in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from snapshelf.data.sources.loose import LooseSource
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected


def test_photos_are_found_wherever_they_lie_and_other_files_are_named(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/c.png", "a/deep/d.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.jpg").write_text("x")
    source = LooseSource(tmp_path)
    rows = list(source.rows())
    assert [row.path for row in rows if isinstance(row, Photo)] == ["a/c.png", "a/deep/d.webp", "b.jpg"]
    assert [row.path for row in rows if isinstance(row, Rejected)] == ["notes.txt"]
    assert source.read("b.jpg") == (tmp_path / "b.jpg").read_bytes()
    assert source.stamp("b.jpg") != source.stamp("none.jpg")


def test_none_at_all_and_none_outside(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside.jpg").write_bytes(b"x")
    source = LooseSource(tmp_path / "inside")
    with pytest.raises(SourceError, match="Found 0 photos"):
        list(source.rows())
    with pytest.raises(PhotoError, match="leaves the source's folder"):
        source.read("../outside.jpg")
