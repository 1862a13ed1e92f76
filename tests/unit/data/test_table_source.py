"""A table as a source of photos to train on."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf.data.sources import open_source
from snapshelf.data.sources.options import SourceOptions
from snapshelf.data.sources.table import TableSource
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected


def write(folder: Path, *lines: str) -> Path:
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(name.encode())
    path = folder / "photos.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_rows_are_photos_with_label_split_and_product(tmp_path: Path) -> None:
    path = write(tmp_path, "image,category,split,id", "a.png,hat,val,7", "b.png,bag,,")
    source = TableSource(path, {})
    assert list(source.rows()) == [Photo("a.png", "hat", "validation", "7"), Photo("b.png", "bag", None, None)]
    assert list(source.rows()) == list(source.rows())
    assert source.read("a.png") == b"a.png"


def test_bad_rows_are_named_and_the_others_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "image,category", "a.png,", "nowhere.png,hat", "../x,hat", "b.png,bag", "b.png,hat")
    rows = list(TableSource(path, {}).rows())
    assert [row for row in rows if isinstance(row, Photo)] == [Photo("b.png", "bag")]
    reasons = {bad.path: bad.reason for bad in rows if isinstance(bad, Rejected)}
    assert list(reasons) == [f"photos.csv row {number}" for number in (2, 3, 4, 6)]
    assert "category is empty" in reasons["photos.csv row 2"]
    assert "the same as in row 5" in reasons["photos.csv row 6"]


def test_category_and_image_are_needed(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'category'"):
        TableSource(write(tmp_path, "image,kind", "a.png,hat"), {})


def test_open_source_takes_a_table_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, "Foto,category", "a.png,hat")
    source, reason = open_source(str(path), "auto", SourceOptions(tmp_path, columns={"image": "Foto"}))
    assert (source.format, list(source.rows())) == ("table", [Photo("a.png", "hat")])
    assert "as table" in reason


def test_a_photo_that_changes_has_another_stamp(tmp_path: Path) -> None:
    source = TableSource(write(tmp_path, "image,category", "a.png,hat"), {})
    before = source.stamp("a.png")
    (tmp_path / "a.png").write_bytes(b"another picture")
    assert source.stamp("a.png") != before


def test_reading_stays_in_the_tables_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"")
    (tmp_path / "feed").mkdir()
    with pytest.raises(PhotoError, match="leaves the table's folder"):
        TableSource(write(tmp_path / "feed", "image,category"), {}).read("../secret")
