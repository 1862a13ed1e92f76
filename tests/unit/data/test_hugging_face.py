"""Hugging Face data sets as `datasets` writes them and as the Hub lays them out."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshelf.data.sources import open_source, parquet_rows
from snapshelf.data.sources.hugging_face import open_hugging_face, recognise_hugging_face
from snapshelf.data.sources.hugging_face_layout import split_of_path
from snapshelf.data.sources.options import SourceOptions
from snapshelf.data.sources.parquet_rows import ParquetColumn, RowReader
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ["hat", "shoe"]


def schema(names: Sequence[str] | None = NAMES) -> pa.Schema:
    """What `Dataset.to_parquet` writes for a column of photos and one of labels."""
    label = {"names": names, "_type": "ClassLabel"} if names else {"dtype": "string", "_type": "Value"}
    info = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    fields = [("image", IMAGE), ("label", pa.int64() if names else pa.string())]
    return pa.schema(fields, metadata={"huggingface": json.dumps(info)})


def content(number: int) -> bytes:
    return b"photo %d" % number


def write_photos(
    file: Path, labels: Sequence[int | str | None], *, form: pa.Schema | None = None, rows: int = 2
) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": content(number), "path": f"{number}.jpg"} for number in range(len(labels))]
    table = pa.table({"image": pa.array(images, IMAGE), "label": labels}, schema=form or schema())
    pq.write_table(table, file, row_group_size=rows)
    return file


def rows(path: Path, columns: dict[str, str] | None = None) -> list[Photo | Rejected]:
    return list(open_hugging_face(path, columns or {}).rows())


def reasons(path: Path) -> dict[str, str]:
    return {row.path: row.reason for row in rows(path) if isinstance(row, Rejected)}


def test_shards_of_splits_with_names_from_the_schema(tmp_path: Path) -> None:
    write_photos(tmp_path / "data/train-00000-of-00002-0f1e2d3c4b5a6978.parquet", [0, 1, 1])
    write_photos(tmp_path / "data/train-00001-of-00002-0f1e2d3c4b5a6978.parquet", [1])
    write_photos(tmp_path / "data/validation-00000-of-00001-aa.parquet", [0])
    write_photos(tmp_path / "data/test-00000-of-00001-bb.parquet", [1])
    source, reason = open_source(str(tmp_path), "auto", SourceOptions(tmp_path))
    assert source.format == "hugging-face"
    assert "is a Parquet file with a column of photos" in reason
    assert list(source.rows()) == [
        Photo("data/test-00000-of-00001-bb.parquet#0", "shoe", "test"),
        Photo("data/train-00000-of-00002-0f1e2d3c4b5a6978.parquet#0", "hat", "train"),
        Photo("data/train-00000-of-00002-0f1e2d3c4b5a6978.parquet#1", "shoe", "train"),
        Photo("data/train-00000-of-00002-0f1e2d3c4b5a6978.parquet#2", "shoe", "train"),
        Photo("data/train-00001-of-00002-0f1e2d3c4b5a6978.parquet#0", "shoe", "train"),
        Photo("data/validation-00000-of-00001-aa.parquet#0", "hat", "validation"),
    ]
    assert source.read("data/train-00000-of-00002-0f1e2d3c4b5a6978.parquet#2") == content(2)


def test_the_hubs_own_conversion(tmp_path: Path) -> None:
    write_photos(tmp_path / "default/train/0000.parquet", [0])
    write_photos(tmp_path / "default/test/0000.parquet", [1])
    assert rows(tmp_path) == [
        Photo("default/test/0000.parquet#0", "shoe", "test"),
        Photo("default/train/0000.parquet#0", "hat", "train"),
    ]


def test_one_file_is_recognised_before_tables_are(tmp_path: Path) -> None:
    file = write_photos(tmp_path / "train-00000-of-00001.parquet", ["hat", "shoe"], form=schema(None))
    source, _ = open_source(str(file), "auto", SourceOptions(tmp_path))
    assert source.format == "hugging-face"
    assert list(source.rows()) == [
        Photo("train-00000-of-00001.parquet#0", "hat"),
        Photo("train-00000-of-00001.parquet#1", "shoe"),
    ]
    assert source.read("train-00000-of-00001.parquet#1") == content(1)
    assert source.stamp("train-00000-of-00001.parquet#1") not in ("", "missing")


def test_a_table_without_photos_in_it_stays_a_table(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": ["1.jpg"], "category": ["hat"]}), tmp_path / "products.parquet")
    source, _ = open_source(str(tmp_path / "products.parquet"), "auto", SourceOptions(tmp_path))
    assert source.format == "table"


def test_labels_that_cannot_be_used_are_rejected(tmp_path: Path) -> None:
    file = write_photos(tmp_path / "train.parquet", [0, None, -1, 2])
    assert reasons(file) == {
        "train.parquet#1": "has no label",
        "train.parquet#2": "has no label (-1); expected a number from 0 to 1, as 2 names are given",
        "train.parquet#3": "its label is 2; expected a number from 0 to 1, as 2 names are given",
    }


@pytest.mark.parametrize("empty", [-1, None])
def test_a_split_without_labels_is_named_once(tmp_path: Path, empty: int | None) -> None:
    write_photos(tmp_path / "data/test-00000-of-00001.parquet", [empty] * 5)
    write_photos(tmp_path / "data/train-00000-of-00001.parquet", [0, 1])
    assert reasons(tmp_path) == {
        "data/test-00000-of-00001.parquet": "has no labels: label is empty or -1 in all of its 5 rows"
    }
    assert sum(isinstance(row, Photo) for row in rows(tmp_path)) == 2


def test_a_label_that_is_not_utf_8_is_rejected_alone(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"hat", b"\xff"], pa.binary()).buffers())
    images = pa.array([{"bytes": b"1", "path": None}, {"bytes": b"2", "path": None}], IMAGE)
    pq.write_table(pa.table({"image": images, "label": bad}), tmp_path / "train.parquet")
    photo, rejected = rows(tmp_path / "train.parquet")
    assert photo == Photo("train.parquet#0", "hat")
    assert rejected == Rejected("train.parquet#1", "its label is not valid UTF-8; expected one text or number")


def test_a_path_that_is_not_utf_8_costs_no_other_photo(tmp_path: Path) -> None:
    paths = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff.jpg", b"2.jpg"], pa.binary()).buffers())
    images = pa.StructArray.from_arrays([pa.array([b"1", b"2"], pa.binary()), paths], ["bytes", "path"])
    pq.write_table(pa.table({"image": images, "label": ["a", "b"]}), tmp_path / "train.parquet")
    assert open_hugging_face(tmp_path, {}).read("train.parquet#1") == b"2"


def test_several_labels_a_photo_are_rejected(tmp_path: Path) -> None:
    form = pa.schema([("image", IMAGE), ("labels", pa.list_(pa.int64()))])
    pq.write_table(pa.table({"image": [{"bytes": b"1"}], "labels": [[0, 1]]}, schema=form), tmp_path / "train.parquet")
    assert "its label is a list" in reasons(tmp_path / "train.parquet")["train.parquet#0"]


def test_columns_of_other_names_are_asked_for_and_can_be_said(tmp_path: Path) -> None:
    table = pa.table({"img": pa.array([b"1"], pa.binary()), "fine_label": [3], "coarse_label": [1]})
    pq.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(SourceError, match=r"no column of labels .* has img, fine_label, coarse_label.*category = "):
        rows(tmp_path / "train.parquet")
    assert rows(tmp_path / "train.parquet", {"category": "fine_label"}) == [Photo("train.parquet#0", "3")]
    assert open_hugging_face(tmp_path, {"category": "fine_label"}).read("train.parquet#0") == b"1"


def test_a_photo_named_instead_of_embedded_is_read_from_its_file(tmp_path: Path) -> None:
    root = tmp_path / "source"
    named = ["photos/1.jpg", "../secret.jpg", "gone.jpg", None, "beside.jpg"]
    images = pa.array([{"bytes": None, "path": path} for path in named], IMAGE)
    (root / "data").mkdir(parents=True)
    pq.write_table(pa.table({"image": images, "label": [0] * 5}, schema=schema()), root / "data/train.parquet")
    (root / "photos").mkdir()
    (root / "photos/1.jpg").write_bytes(b"beside the tables")
    (root / "data/beside.jpg").write_bytes(b"in their folder")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    source = open_hugging_face(root, {})
    assert source.read("data/train.parquet#0") == b"beside the tables"
    assert source.read("data/train.parquet#4") == b"in their folder"
    for row, message in ((1, "leaves the source"), (2, "is not there: 'gone.jpg'"), (3, "its image is empty")):
        with pytest.raises(PhotoError, match=message):
            source.read(f"data/train.parquet#{row}")


@pytest.mark.parametrize("path", ["train.parquet#9", "train.parquet#-1", "train.parquet#x", "other.parquet#0", "x"])
def test_a_photo_that_is_not_there(tmp_path: Path, path: str) -> None:
    source = open_hugging_face(write_photos(tmp_path / "train.parquet", [0, 1]), {})
    with pytest.raises(PhotoError, match="There is no photo"):
        source.read(path)


def test_broken_files_are_rejected_and_the_others_read(tmp_path: Path) -> None:
    write_photos(tmp_path / "train-1.parquet", [0])
    (tmp_path / "train-2.parquet").write_bytes(b"PAR1 and nothing more")
    pq.write_table(pa.table({"n": [1]}), tmp_path / "train-3.parquet")
    outside = write_photos(tmp_path.parent / f"{tmp_path.name}-outside" / "x.parquet", [0])
    (tmp_path / "train-4.parquet").symlink_to(outside)
    found = reasons(tmp_path)
    assert "no Parquet file that can be read" in found["train-2.parquet"]
    assert "no column of photos that is known; it has n" in found["train-3.parquet"]
    assert "leaves the source's folder" in found["train-4.parquet"]
    assert len(rows(tmp_path)) == 4


def test_damaged_pages_are_a_photos_error_not_a_crash(tmp_path: Path) -> None:
    file = write_photos(tmp_path / "train.parquet", [0, 1] * 50, rows=100)
    damaged = bytearray(file.read_bytes())
    damaged[4:200] = bytes(196)
    source = open_hugging_face(file, {})
    file.write_bytes(damaged)
    with pytest.raises(PhotoError, match=r"Row 5 of train\.parquet cannot be read"):
        source.read("train.parquet#5")


@given(extra=st.binary(max_size=60) | st.just(b"null") | st.just(b'{"info": {"features": {"label": {"_type": 1}}}}'))
def test_wild_notes_in_the_schema_are_passed_over(tmp_path_factory: pytest.TempPathFactory, extra: bytes) -> None:
    form = schema(["a"]).with_metadata({b"huggingface": extra})
    file = write_photos(tmp_path_factory.mktemp("wild") / "train.parquet", [7], form=form)
    assert rows(file) == [Photo("train.parquet#0", "7")]


def test_several_threads_get_their_rows_and_little_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "BLOCK_BYTES", 100)
    file = write_photos(tmp_path / "train.parquet", [0] * 600, rows=250)
    column = ParquetColumn.of(file, "image", pq.read_metadata(file))
    reader = RowReader()
    wanted = [*range(600), *random.Random(0).sample(range(600), 40)]

    def read(row: int) -> bool:
        cell = reader.cell(column, row)
        return isinstance(cell, dict) and cell["bytes"] == content(row)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, wanted))
    assert column.block_rows < 20
    assert len(reader._blocks) <= 32
    assert len(reader._streams) <= 3


def test_rows_in_order_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "BLOCK_BYTES", 100)
    column = ParquetColumn.of(
        write_photos(tmp_path / "train.parquet", [0] * 300, rows=50),
        "image",
        pq.read_metadata(tmp_path / "train.parquet"),
    )
    opened: list[object] = []
    open_file = pq.ParquetFile

    def counting(*args: Any, **options: Any) -> Any:
        opened.append(args)
        return open_file(*args, **options)

    monkeypatch.setattr(pq, "ParquetFile", counting)
    reader = RowReader()
    starts = range(0, 300, 60)  # a second thread's rows come before those of the first
    in_threads = [row for start in starts for row in (*range(start + 30, start + 60), *range(start, start + 30))]
    for row in in_threads:
        reader.cell(column, row)
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("data/train-00000-of-00001.parquet", "train"),
        ("validation/0000.parquet", "validation"),
        ("default/partial-train/0000.parquet", "train"),
        ("my_dev_file.parquet", "validation"),
        ("eval.parquet", "test"),
        ("latest.parquet", None),
        ("trainers.parquet", None),
        ("", None),
    ],
)
def test_splits_are_told_by_whole_words(path: str, split: str | None) -> None:
    assert split_of_path(path) == split


def write_folder(root: Path, names: Sequence[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"content of " + name.encode())
    return root


METADATA = {
    "metadata.csv": b"file_name,label\n1.jpg,hat\nsub/2.jpg,shoe\n",
    "metadata.jsonl": b'{"file_name": "1.jpg", "label": "hat"}\n{"file_name": "sub/2.jpg", "label": "shoe"}\n',
}


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
def test_an_image_folder_with_metadata_in_each_split(tmp_path: Path, name: str) -> None:
    for split in ("train", "test"):
        write_folder(tmp_path, [f"{split}/1.jpg", f"{split}/sub/2.jpg"])
        (tmp_path / split / name).write_bytes(METADATA.get(name, b""))
        if name.endswith(".parquet"):
            table = pa.table({"file_name": ["1.jpg", "sub/2.jpg"], "label": ["hat", "shoe"]})
            pq.write_table(table, tmp_path / split / name)
    source, reason = open_source(str(tmp_path), "auto", SourceOptions(tmp_path))
    assert source.format == "hugging-face"
    assert f"test/{name} says which file shows what" in reason
    assert list(source.rows()) == [
        Photo("test/1.jpg", "hat", "test"),
        Photo("test/sub/2.jpg", "shoe", "test"),
        Photo("train/1.jpg", "hat", "train"),
        Photo("train/sub/2.jpg", "shoe", "train"),
    ]
    assert source.read("train/sub/2.jpg") == b"content of train/sub/2.jpg"
    assert source.stamp("train/sub/2.jpg") != "missing"


def test_metadata_at_the_root_with_splits_by_folder_or_column(tmp_path: Path) -> None:
    root = write_folder(tmp_path, ["train/1.jpg", "val/2.jpg", "other/dev board.jpg", "other/3.jpg"])
    (root / "metadata.csv").write_text(
        "image_file_name,category,split\ntrain/1.jpg,hat,\nval/2.jpg,hat,\n"
        "other/dev board.jpg,hat,\nother/3.jpg,hat,test\n"
    )
    assert [row.split for row in rows(root) if isinstance(row, Photo)] == ["train", "validation", None, "test"]


def test_training_alone_is_no_split(tmp_path: Path) -> None:
    (write_folder(tmp_path, ["train/1.jpg"]) / "train/metadata.csv").write_text("file_name,label\n1.jpg,4\n")
    assert rows(tmp_path) == [Photo("train/1.jpg", "4")]


def test_rows_that_cannot_be_used_are_rejected(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "source", ["1.jpg", "2.jpg"])
    write_folder(tmp_path, ["secret.jpg"])
    lines = [
        {"file_name": "1.jpg", "label": "hat"},
        {"file_name": "../secret.jpg", "label": "hat"},
        {"file_name": "gone.jpg", "label": "hat"},
        {"file_name": "2.jpg", "label": None},
        {"file_name": "2.jpg", "label": ["hat"]},
        {"label": "hat"},
    ]
    (root / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert rows(root)[0] == Photo("1.jpg", "hat")
    found = reasons(root)
    assert "leaves the source" in found["metadata.jsonl row 2"]
    assert found["metadata.jsonl row 3"] == "file_name is 'gone.jpg', which is not there"
    assert found["metadata.jsonl row 4"] == "has no label"
    assert found["metadata.jsonl row 5"] == "label is a list; expected one text or number"
    assert "file_name is empty" in found["metadata.jsonl row 6"]


@pytest.mark.parametrize(
    ("heading", "message"),
    [("file_name,text", "has no column label or labels or"), ("photo,label", "has no column file_name")],
)
def test_metadata_without_a_column_is_told_and_not_recognised(tmp_path: Path, heading: str, message: str) -> None:
    (tmp_path / "metadata.csv").write_text(f"{heading}\n1.jpg,hat\n")
    assert recognise_hugging_face(tmp_path) is None
    with pytest.raises(SourceError, match=message):
        open_hugging_face(tmp_path, {})
    image, category = heading.split(",")
    source = open_hugging_face(tmp_path, {"category": category, "image": image})
    assert [row.path for row in source.rows()] == ["metadata.csv row 2"]


def test_what_is_no_such_data_set(tmp_path: Path) -> None:
    write_folder(tmp_path, ["hat/1.jpg", "shoe/2.jpg"])
    assert recognise_hugging_face(tmp_path) is None
    with pytest.raises(SourceError, match=r"has none of metadata\.csv, .*nor Parquet files with photos"):
        open_hugging_face(tmp_path, {})
    with pytest.raises(SourceError, match="has no Parquet file with a column of photos"):
        open_hugging_face(tmp_path / "hat/1.jpg", {})
    assert recognise_hugging_face(tmp_path / "missing") is None
