"""A table as a source of photos to train on."""

from __future__ import annotations

import itertools
import json
import re
import tracemalloc
from pathlib import Path

import pytest

from snapshelf.data.download import DownloadLimits
from snapshelf.data.sources import open_source
from snapshelf.data.sources.options import SourceOptions
from snapshelf.data.sources.table import TableSource
from snapshelf.errors import DownloadError, PhotoError, SourceError
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
    path = write(tmp_path, "image,category", "a.png,", "nowhere.png,hat", "../x,hat", "b.png,bag")
    rows = list(TableSource(path, {}).rows())
    assert [row for row in rows if isinstance(row, Photo)] == [Photo("b.png", "bag")]
    reasons = {bad.path: bad.reason for bad in rows if isinstance(bad, Rejected)}
    assert list(reasons) == [f"photos.csv row {number}" for number in (2, 3, 4)]
    assert "category is empty" in reasons["photos.csv row 2"]


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


def photos(path: Path) -> list[str]:
    rows = list(TableSource(path, {}).rows())
    assert not [row for row in rows if isinstance(row, Rejected)]
    return [row.path for row in rows if isinstance(row, Photo)]


def test_a_row_may_have_several_photos_of_one_product(tmp_path: Path) -> None:
    path = write(tmp_path, "id,image,category", "7,a.png | b.png,hat", ",a.png|b.png|,bag", ",a.png,bag")
    assert list(TableSource(path, {}).rows()) == [
        Photo("a.png", "hat", None, "7"),
        Photo("b.png", "hat", None, "7"),
        Photo("a.png", "bag", None, "photos.csv row 3"),
        Photo("b.png", "bag", None, "photos.csv row 3"),
        Photo("a.png", "bag", None, None),
    ]


@pytest.mark.parametrize("between", ["|", " | ", ",", ", ", ";", " "])
def test_several_addresses_in_one_cell(tmp_path: Path, between: str) -> None:
    addresses = ["https://cdn.example/w_100,h_100/1.jpg?a=1;b=2", "HTTP://cdn.example/2.jpg"]
    assert photos(write(tmp_path, "image,category", f'"{between.join(addresses)}",hat')) == addresses


def test_several_photos_as_a_list(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "photos.jsonl"
    rows = [{"image": ["a.png", "", None, "b.png"], "category": "hat"}, {"image": [], "category": "hat"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    *good, bad = TableSource(path, {}).rows()
    assert [row.path for row in good] == ["a.png", "b.png"]
    assert bad == Rejected("photos.jsonl row 2", "image is empty; every product needs one.")


def test_of_several_photos_a_bad_one_is_named_and_the_others_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "id,image,category", "7,a.png|nowhere.png|b.png,hat")
    first, bad, last = TableSource(path, {}).rows()
    assert (first.path, bad.path, last.path) == ("a.png", "photos.csv row 2", "b.png")
    assert isinstance(bad, Rejected)
    assert "'nowhere.png'" in bad.reason


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("data:image/png;base64,iVBORw0KGgo=", r"begins with 'data:'; expected an address .* https:// or http://"),
        ("ftp://shop.example/a.png", "begins with 'ftp://'"),
        ("s3://bucket/a.png", "begins with 's3://'"),
        ("file:///etc/passwd", "begins with 'file://'"),
        ("a.png,b.png", r"not there. Several photos in one cell are separated by \|"),
        ("C:\\photos\\a.png", "not there"),
        ("..\\secret.png", "leaves the table's folder"),
        ("x" * 5000, "not there"),
        ("x/" * 5000, "not there"),
        ("a\0.png", "NUL"),
    ],
)
def test_what_is_no_photo_of_the_table_is_named(tmp_path: Path, image: str, reason: str) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "secret.png").write_bytes(b"")
    path = write(tmp_path / "feed", "image,category", f'"{image}",hat', "a.png,hat")
    bad, good = TableSource(path, {}).rows()
    assert isinstance(bad, Rejected)
    assert re.search(reason, bad.reason), bad.reason
    assert len(bad.reason) < 1000
    assert good == Photo("a.png", "hat")


def test_back_slashes_are_folders_where_no_file_has_them_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a.png").write_bytes(b"in a folder")
    (tmp_path / "b\\c.png").write_bytes(b"a name of its own")
    path = write(tmp_path, "image,category", "img\\a.png,hat", "b\\c.png,hat")
    source = TableSource(path, {})
    assert photos(path) == ["img/a.png", "b\\c.png"]
    assert [source.read(name) for name in photos(path)] == [b"in a folder", b"a name of its own"]


def test_whether_photos_come_from_the_web_is_told_by_the_first_rows(tmp_path: Path) -> None:
    far = ["https://shop.example/c.png,bag"]
    assert TableSource(write(tmp_path, "image,category", "a.png,hat", "x.png,hat", *far), {}).has_addresses()
    assert not TableSource(write(tmp_path, "image,category", *["a.png,hat"] * 100, *far), {}).has_addresses()


def test_private_hosts_are_those_of_the_options(tmp_path: Path) -> None:
    path = write(tmp_path, "image,category", "http://127.0.0.1:9/a.png,hat")
    for allowed, reason in ((["127.0.0.1"], "cannot be connected to"), ([], "allowed_hosts")):
        source, _ = open_source(str(path), "auto", SourceOptions(tmp_path, allowed_hosts=frozenset(allowed)))
        assert isinstance(source, TableSource)
        source._downloader._limits = DownloadLimits(num_tries=1)
        with pytest.raises(DownloadError, match=reason):
            source.read("http://127.0.0.1:9/a.png")


def test_a_large_table_is_read_as_a_stream(tmp_path: Path) -> None:
    num_rows = 200_000
    path = tmp_path / "photos.csv"
    with path.open("w") as file:
        file.write("id,image,category\n")
        file.writelines(f"{n},https://shop.example/photos/{n:06}.jpg,hat\n" for n in range(num_rows))
    tracemalloc.start()
    rows = TableSource(path, {}).rows()
    num_photos = sum(isinstance(row, Photo) for row in itertools.islice(rows, 50_000))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()  # it makes everything slow, and 50,000 rows that were kept are more than 15 MB
    num_photos += sum(isinstance(row, Photo) for row in rows)
    assert num_photos == num_rows
    assert peak_bytes < 4_000_000
