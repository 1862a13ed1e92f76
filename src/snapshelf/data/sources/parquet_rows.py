"""Cells of a Parquet column by the number of their row, for several threads, with bounded memory.

Parquet is read forwards, so a row is had by reading to it from where its row group begins. Rows are mostly asked for in
order, a few threads side by side: the readers stay where they are, and the last rows that they passed are kept.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from snapshelf.errors import PhotoError

BLOCK_BYTES = 4_000_000
"""What is read at a time, about: rows of a column, decompressed."""

_NUM_BLOCKS = 32
_NUM_STREAMS = 3
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ParquetColumn:
    """A column of a file: `starts` has the first row of each row group and, at its end, the number of rows."""

    path: Path
    name: str
    starts: tuple[int, ...]
    block_rows: int

    @classmethod
    def of(cls, path: Path, name: str, metadata: pq.FileMetaData) -> ParquetColumn:
        """A column whose size the file's metadata tells."""
        starts, num_bytes = [0], 0
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            starts.append(starts[-1] + group.num_rows)
            num_bytes += group.total_byte_size
        bytes_a_row = max(1, num_bytes // max(1, starts[-1]))
        return cls(path, name, tuple(starts), max(1, min(1024, BLOCK_BYTES // bytes_a_row)))

    @property
    def num_rows(self) -> int:
        """How many rows the file has."""
        return self.starts[-1]


@dataclass(eq=False, slots=True)
class _Stream:
    path: Path
    batches: Iterator[pa.RecordBatch]
    position: int


@dataclass(frozen=True, eq=False, slots=True)
class _Block:
    path: Path
    start: int
    cells: list[Any]

    def holds(self, path: Path, row: int) -> bool:
        return self.path == path and self.start <= row < self.start + len(self.cells)


class RowReader:
    """Reads cells. At most 32 blocks of about 4 MB are kept, and 3 readers, each with a page of its file."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks: list[_Block] = []
        self._streams: list[_Stream] = []

    def __reduce__(self) -> tuple[type[RowReader], tuple[()]]:
        """In another process, with files opened there."""
        return RowReader, ()

    def cell(self, column: ParquetColumn, row: int) -> object:
        """One cell as a Python value; None where it is null.

        Raises:
            PhotoError: the file cannot be read there.
        """
        try:
            with self._lock:
                block = self._block(column, row)
            return block.cells[row - block.start]
        except (pa.ArrowException, OSError, ValueError, StopIteration, IndexError) as error:
            raise PhotoError(f"Row {row} of {column.path.name} cannot be read ({error}).") from None

    def _block(self, column: ParquetColumn, row: int) -> _Block:
        block = next((block for block in self._blocks if block.holds(column.path, row)), None)
        if block:
            self._blocks.remove(block)
        else:
            block = self._read_to(self._stream(column, row), row)
        self._blocks.append(block)
        del self._blocks[:-_NUM_BLOCKS]
        return block

    def _read_to(self, stream: _Stream, row: int) -> _Block:
        """Read on until a row is there; what comes before it is kept too, as other threads are likely to want it."""
        self._streams.remove(stream)  # where reading fails, it does not come back
        while True:
            cells = next(stream.batches).column(0)
            block = _Block(stream.path, stream.position, values_of(cells))
            stream.position += len(cells)
            if block.holds(stream.path, row):
                break
            self._blocks = [*self._blocks, block][-_NUM_BLOCKS:]
        self._streams = [*self._streams, stream][-_NUM_STREAMS:]
        return block

    def _stream(self, column: ParquetColumn, row: int) -> _Stream:
        """The next reader before a row, where it is in the row's group or near it; else a new one where that begins."""
        group = bisect.bisect_right(column.starts, row, hi=len(column.starts) - 1) - 1
        start = column.starts[group]
        first = min(start, row - _NUM_BLOCKS * column.block_rows)
        near = [stream for stream in self._streams if stream.path == column.path and first <= stream.position <= row]
        if near:
            return max(near, key=lambda stream: stream.position)
        file = pq.ParquetFile(column.path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        groups = range(group, len(column.starts) - 1)
        batches = file.iter_batches(column.block_rows, row_groups=groups, columns=[column.name], use_threads=False)
        stream = _Stream(column.path, batches, start)
        self._streams.append(stream)
        return stream


def values_of(cells: pa.Array) -> list[Any]:
    """Cells as Python values. What is not valid UTF-8 becomes empty bytes, so that its neighbours can be read."""
    try:
        values: list[Any] = cells.to_pylist()
    except UnicodeDecodeError:
        return [_value_of(cell) for cell in cells]
    return values


def _value_of(cell: pa.Scalar) -> object:
    try:
        return cell.as_py()
    except UnicodeDecodeError:
        return b""
