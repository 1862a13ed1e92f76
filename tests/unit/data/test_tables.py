"""Tables as stores save them, and as they break."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.data.tables import Row, column_names, read_table
from snapshelf.errors import SourceError
from snapshelf.types import Rejected


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def values(path: Path) -> list[dict[str, object]]:
    rows = list(read_table(path))
    assert not [row for row in rows if isinstance(row, Rejected)]
    return [row.values for row in rows if isinstance(row, Row)]


SHOES = [{"id": "1", "title": "Schuh, blau «Größe 42»"}, {"id": "2", "title": None}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.CSV", "|"), ("a.tsv", "\t")]
)
def test_text_in_every_encoding_and_with_every_separator(
    tmp_path: Path, name: str, delimiter: str, encoding: str
) -> None:
    lines = [["id", "title"], ["1", '"Schuh, blau «Größe 42»"'], ["2", " "]]
    path = write(tmp_path, name, "\r\n".join(delimiter.join(line) for line in lines).encode(encoding))
    assert values(path) == SHOES
    assert column_names(path) == ["id", "title"]


def test_windows_1252_is_said_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    column_names(write(tmp_path, "a.csv", "id\nGröße\n".encode("cp1252")))
    captured = capsys.readouterr()
    assert (captured.out, "not UTF-8" in captured.err) == ("", True)


def test_one_broken_byte_does_not_garble_the_other_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id\nGröße\nÄrmel\n".encode() + b"broken \xff\n" + "Mütze\n".encode())
    assert [row["id"] for row in values(path)] == ["Größe", "Ärmel", "broken \udcff", "Mütze"]


def test_json_lines(tmp_path: Path) -> None:
    content = "\ufeff" + "\n\n".join(json.dumps(row, ensure_ascii=False) for row in SHOES)
    for name in ("a.jsonl", "a.ndjson"):
        path = write(tmp_path, name, content)
        assert values(path) == SHOES
        assert column_names(path) is None


def test_parquet_keeps_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [{"id": n, "price": n / 2, "in_stock": n % 2 == 0, "title": None} for n in range(3000)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert values(path) == rows
    assert column_names(path) == ["id", "price", "in_stock", "title"]


def test_rows_have_the_numbers_that_the_owner_sees(tmp_path: Path) -> None:
    csv = write(tmp_path, "a.csv", 'id,title\n1,"two\nlines"\n\n3,c\n')
    jsonl = write(tmp_path, "a.jsonl", '{"id": 1}\n\n{"id": 3}\n')
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"id": 1}, {"id": 2}]), parquet)
    numbers = [[row.number for row in read_table(path) if isinstance(row, Row)] for path in (csv, jsonl, parquet)]
    assert numbers == [[2, 4], [1, 3], [1, 2]]


def test_broken_csv_rows_are_named_and_the_others_kept(tmp_path: Path) -> None:
    rows = list(read_table(write(tmp_path, "a.csv", "id,title,price\n1,a,2\n2,b\n3,c,4,5\n4,d,6,,\n")))
    assert [row.values["id"] for row in rows if isinstance(row, Row)] == ["1", "4"]
    assert [(bad.path, bad.reason[:30]) for bad in rows if isinstance(bad, Rejected)] == [
        ("a.csv row 3", "has 2 cells where the heading "),
        ("a.csv row 4", "has 4 cells where the heading "),
    ]


def test_a_quotation_mark_left_open_is_named(tmp_path: Path) -> None:
    content = 'id,title\n1,a\n2,"b\n' + "x" * 200_000 + "\n3,c\n"
    rows = list(read_table(write(tmp_path, "a.csv", content)))
    assert [row.values["id"] for row in rows if isinstance(row, Row)] == ["1", "3"]
    (bad,) = [row for row in rows if isinstance(row, Rejected)]
    assert bad.path == "a.csv row 3"
    assert "quotation mark" in bad.reason


def test_a_quotation_mark_that_is_never_closed_loses_no_row_in_silence(tmp_path: Path) -> None:
    good, bad = read_table(write(tmp_path, "a.csv", 'id,title\n1,a\n2,"b\n3,c\n4,d\n'))
    assert (isinstance(good, Row), isinstance(bad, Rejected)) == (True, True)
    assert isinstance(bad, Rejected)
    assert (bad.path, "never closed" in bad.reason) == ("a.csv row 3", True)


@pytest.mark.parametrize("cell", ["x" * 200_000, '"' + "x" * 200_000 + '"', '"' + "x, y " * 50_000 + '"'])
def test_a_cell_that_is_too_large_loses_its_own_row_only(tmp_path: Path, cell: str) -> None:
    rows = list(read_table(write(tmp_path, "a.csv", f"id,title\n1,a\n2,{cell}\n3,c\n4,{cell}\n")))
    assert [row.values["id"] for row in rows if isinstance(row, Row)] == ["1", "3"]
    assert [bad.path for bad in rows if isinstance(bad, Rejected)] == ["a.csv row 3", "a.csv row 5"]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_cell_may_have_line_breaks_also_the_last_one_and_in_the_heading(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, "a.csv", 'id,"title\n(English)"\n1,"two\nlines"' + end)
    assert values(path) == [{"id": "1", "title\n(English)": "two\nlines"}]


def test_broken_json_lines_are_named_and_the_others_kept(tmp_path: Path) -> None:
    deep = "[" * 100_000
    path = write(tmp_path, "a.jsonl", b'{"id": 1}\nnonsense\n[2]\n\xff\n' + deep.encode() + b'\n{"id": 5}\n')
    rows = list(read_table(path))
    assert [row.values for row in rows if isinstance(row, Row)] == [{"id": 1}, {"id": 5}]
    assert [bad.path for bad in rows if isinstance(bad, Rejected)] == [f"a.jsonl row {n}" for n in (2, 3, 4, 5)]


def test_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    assert values(write(tmp_path, "a.csv", ",id\n0,a\n1,b\n")) == [{"id": "a"}, {"id": "b"}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "begins with an empty line"),
        ("a.csv", b"id,title,id\n1,2,3\n", "more than one column id"),
        ("a.csv", b"PK\x00\x81\x8d\n", "is not text"),
        ("a.parquet", b"PAR1 nothing", "not a Parquet file"),
        ("a.xlsx", b"PK", r"ends in '\.xlsx'"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(SourceError, match=message):
        list(read_table(path))


def test_a_missing_table_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        list(read_table(tmp_path / "a.csv"))


def test_reading_begins_before_the_whole_table_is_held(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"id": 1}\n' * 200_000)
    reader = read_table(path)
    next(reader)
    assert reader.__sizeof__() < 1000
    with path.open("ab") as file:
        file.write(b'{"id": "late"}\n')
    assert sum(1 for _ in reader) == 200_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all the wild tables."""
    return tmp_path_factory.mktemp("tables")


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=400) | st.binary(max_size=100).map(lambda rest: b"\xff\xfei\x00\n\x00" + rest),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
)
def test_any_bytes_are_rows_or_a_clear_error(folder: Path, content: bytes, suffix: str) -> None:
    path = write(folder, f"a{suffix}", content)
    with contextlib.suppress(SourceError):
        assert all(isinstance(row, Row | Rejected) for row in read_table(path))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries({"id": st.text(min_size=1), "title": st.text()}),
        min_size=1,
        max_size=8,
    )
)
def test_json_lines_come_back_as_written(folder: Path, rows: list[dict[str, object]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    assert values(write(folder, "a.jsonl", lines)) == rows


def test_only_some_columns_of_a_parquet_table_are_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1], "image": ["a.jpg"], "note": ["long"]}), tmp_path / "shop.parquet")
    (row,) = read_table(tmp_path / "shop.parquet", only=["id", "image", "not there"])
    assert isinstance(row, Row)
    assert row.values == {"id": 1, "image": "a.jpg"}
