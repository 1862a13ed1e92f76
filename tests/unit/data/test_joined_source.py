"""Two sources as one: every row of both, each read where it lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from snapshelf.data.sources.folder import FolderSource
from snapshelf.data.sources.joined import JoinedSource
from snapshelf.errors import PhotoError
from snapshelf.types import Photo, Rejected


def write(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade,) * 3).save(path)


@pytest.fixture
def joined(tmp_path: Path) -> JoinedSource:
    write(tmp_path / "own" / "train" / "hat" / "1.png", 10)
    write(tmp_path / "own" / "validation" / "hat" / "1.png", 20)
    write(tmp_path / "more" / "hat" / "1.png", 30)
    write(tmp_path / "more" / "lamp" / "1.png", 40)
    (tmp_path / "more" / "lamp" / "note.txt").write_text("x")
    write(tmp_path / "more" / "stray.png", 50)
    return JoinedSource(FolderSource(tmp_path / "own"), FolderSource(tmp_path / "more"))


def test_the_rows_of_one_and_then_of_the_other(joined: JoinedSource) -> None:
    rows = [(row.path, row.label, row.split) for row in joined.rows() if isinstance(row, Photo)]
    assert rows == [
        ("train/hat/1.png", "hat", "train"),
        ("validation/hat/1.png", "hat", "validation"),
        ("also:hat/1.png", "hat", None),
        ("also:lamp/1.png", "lamp", None),
    ]
    bad = [row.path for row in joined.rows() if isinstance(row, Rejected)]
    assert bad[-1] == "also:stray.png"
    assert joined.format == "folder"
    assert not joined.has_addresses()


def test_each_is_read_where_it_lies(joined: JoinedSource, tmp_path: Path) -> None:
    for row, file in zip(
        (row for row in joined.rows() if isinstance(row, Photo)),
        ("own/train/hat/1.png", "own/validation/hat/1.png", "more/hat/1.png", "more/lamp/1.png"),
        strict=True,
    ):
        assert joined.read(row.source_file) == (tmp_path / file).read_bytes()
        assert joined.stamp(row.source_file)
    with pytest.raises(PhotoError):
        joined.read("also:../own/train/hat/1.png")


def test_a_path_that_could_be_taken_for_one_from_elsewhere_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "own" / "also:hat" / "1.png", 10)
    write(tmp_path / "more" / "hat" / "1.png", 30)
    first, second = JoinedSource(FolderSource(tmp_path / "own"), FolderSource(tmp_path / "more")).rows()
    assert isinstance(first, Rejected)
    assert "begins with 'also:'" in first.reason
    assert isinstance(second, Photo)
