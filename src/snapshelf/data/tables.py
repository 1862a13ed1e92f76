"""Tables of products as stores keep them, row by row: CSV, TSV, Parquet, JSON Lines. A million rows are no more memory
than one.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from snapshelf.errors import SourceError
from snapshelf.progress import console
from snapshelf.types import Rejected

_DELIMITERS = ",;\t|"
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
_BLOCK_BYTES = 1 << 20
_GLIMPSE_BYTES = 1 << 16
_BATCH_ROWS = 1024
_END = "\0end of the table\0"
"""A line put after the last one: where it comes out within a cell, that cell's quotation mark was never closed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values by the table's own column names, None where a cell is empty.

    `number` is what the owner sees: in CSV and TSV the heading is row 1, in JSON Lines it is the line, in Parquet the
    first row is 1.
    """

    number: int
    values: dict[str, object]


def column_names(path: Path) -> list[str] | None:
    """The columns that the table declares; None for JSON Lines, where every line has its own.

    Says on standard error when a table is not in UTF-8.

    Raises:
        SourceError: the table is missing, empty, or not of the kind that its name says.
    """
    kind = _kind(path)
    if kind == "jsonl":
        return None
    if kind == "parquet":
        with _open_parquet(path) as table:
            return list(table.schema_arrow.names)
    encoding = _encoding(path)
    if encoding.name == "cp1252":
        console.print(f"{path.name} is not UTF-8; it is read as Windows-1252.", markup=False)
    with path.open(encoding=encoding.name, errors=encoding.errors, newline="") as file:
        return _heading(path, file)[0]


def read_table(path: Path, only: Collection[str] | None = None) -> Iterator[Row | Rejected]:
    """Every row, in order; one that is broken comes as rejected, and reading goes on.

    CSV and TSV may be UTF-8, with or without a byte order mark, or UTF-16 with one. What is mostly not UTF-8 is read
    as Windows-1252, as Excel saves it. A CSV may be separated by commas,
    semicolons, tabs or bars: whichever the heading has most of. `only` spares the other columns of a Parquet table.

    Raises:
        SourceError: the table is missing, empty, or not of the kind that its name says.
    """
    kind = _kind(path)
    if kind == "parquet":
        yield from _read_parquet(path, only)
    elif kind == "jsonl":
        yield from _read_json_lines(path)
    else:
        yield from _read_csv(path)


def row_name(path: Path, number: int) -> str:
    """How a row is called in messages: `products.csv row 7`."""
    return f"{path.name} row {number}"


def glimpse_columns(path: Path) -> list[str]:
    """The heading of a CSV or TSV by its first bytes alone, to see what it is; empty where there is none.

    Letters beyond ASCII may come out wrong.
    """
    if path.suffix.lower() not in _TEXT_SUFFIXES or not path.is_file():
        return []
    with path.open("rb") as file:
        head = file.read(_GLIMPSE_BYTES)
    is_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return _heading(path, io.StringIO(head.decode("utf-16" if is_utf16 else "utf-8-sig", "replace"), newline=""))[0]
    except SourceError:
        return []


def _kind(path: Path) -> str:
    if not path.is_file():
        raise SourceError(f"{path} is {'not a file' if path.exists() else 'not there'}; a table was expected.")
    kinds = dict.fromkeys(_TEXT_SUFFIXES, "csv") | {".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise SourceError(f"{path} ends in {path.suffix!r}; a table ends in {', '.join(kinds)}.")
    return kind


def _read_csv(path: Path) -> Iterator[Row | Rejected]:
    encoding = _encoding(path)
    with path.open(encoding=encoding.name, errors=encoding.errors, newline="") as file:
        names, delimiter = _heading(path, file)
        cells = csv.reader(itertools.chain(file, [_END]), delimiter=delimiter)
        number = 1
        while True:
            number += 1
            try:
                row = next(cells, [_END])
            except csv.Error as error:
                yield _unread(path, number, f"cannot be read ({error}); is a quotation mark left open?")
                continue
            if row == [_END]:
                return
            if row[-1:] and row[-1].endswith(_END):
                yield _unread(path, number, "has a quotation mark that is never closed; the rows after it were lost")
                return
            if any(cell.strip() for cell in row):
                yield _csv_row(path, number, names, row)


def _unread(path: Path, number: int, reason: str) -> Rejected:
    return Rejected(row_name(path, number), reason, unread=True)


def _csv_row(path: Path, number: int, names: list[str], cells: list[str]) -> Row | Rejected:
    if len(cells) < len(names) or any(cell.strip() for cell in cells[len(names) :]):
        reason = f"has {len(cells)} cells where the heading has {len(names)}; is a cell with a separator not quoted?"
        return _unread(path, number, reason)
    named = zip(names, cells[: len(names)], strict=True)
    return Row(number, {name: cell if cell.strip() else None for name, cell in named if name})


def _heading(path: Path, file: TextIO) -> tuple[list[str], str]:
    """The names and the separator. A name may be empty (an index column): its cells are left out."""
    line = file.readline()
    if not line.strip():
        raise SourceError(f"{path} begins with an empty line; a heading with the names of the columns was expected.")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(_DELIMITERS, key=line.count)
    try:
        names = [name.strip() for name in next(csv.reader(itertools.chain([line], file), delimiter=delimiter))]
    except csv.Error as error:
        raise SourceError(f"The heading of {path} cannot be read ({error}).") from None
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise SourceError(f"{path} has more than one column {', '.join(doubled)}; rename or remove one.")
    return names, delimiter


@dataclass(frozen=True, slots=True)
class _Encoding:
    """How a text table is decoded. Bytes that do not fit become lone surrogates, which no cell may hold."""

    name: str
    errors: str = "strict"


def _encoding(path: Path) -> _Encoding:
    """The encoding of a text table; the whole file is looked at, a block at a time."""
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _Encoding("utf-16", "replace")
    if b"\0" in head.partition(b"\n")[0]:
        raise SourceError(f"{path} is not text. Save it as CSV in UTF-8 and try again.")
    num_foreign, num_broken = _count_foreign(path)
    if num_broken == 0:
        return _Encoding("utf-8-sig")
    if num_foreign > num_broken:
        return _Encoding("utf-8-sig", "surrogateescape")  # a few broken rows of many must not garble the others
    return _Encoding("cp1252", "replace")


def _count_foreign(path: Path) -> tuple[int, int]:
    """In UTF-8: the characters beyond ASCII, and the bytes that are no character."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    num_foreign = num_broken = 0
    with path.open("rb") as file:
        block = b"-"
        while block:
            block = file.read(_BLOCK_BYTES)
            text = decoder.decode(block, final=not block)
            num_beyond = len(text) - len(text.encode("ascii", "ignore"))
            num_valid = len(text.encode("utf-8", "ignore").decode()) if num_beyond else len(text)
            num_broken += len(text) - num_valid
            num_foreign += num_beyond - (len(text) - num_valid)
    return num_foreign, num_broken


def _read_json_lines(path: Path) -> Iterator[Row | Rejected]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not content.strip():
                continue
            try:
                values = json.loads(content)
            except (ValueError, RecursionError) as error:
                yield _unread(path, number, f"is not JSON ({error})")
                continue
            if isinstance(values, dict):
                yield Row(number, values)
            else:
                yield _unread(path, number, f"is a {type(values).__name__}; one {{…}} a line was expected")


def _read_parquet(path: Path, only: Collection[str] | None) -> Iterator[Row]:
    number = 0
    with _open_parquet(path) as table:
        columns = [name for name in table.schema_arrow.names if only is None or name in only]
        try:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(number, values)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise SourceError(f"{path} is broken after row {number} ({error}).") from None


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path} is not a Parquet file that can be read ({error}).") from None
