"""Hugging Face data sets as Parquet files with a column of photos: `data/train-00000-of-00002.parquet`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from snapshelf.data import fields
from snapshelf.data.sources.boxes import find_photo
from snapshelf.data.sources.files import FolderTree, file_stamp, read_file
from snapshelf.data.sources.hugging_face_layout import class_names, image_column, label_column, places, split_of_path
from snapshelf.data.sources.parquet_rows import ParquetColumn, RowReader, values_of
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected, Split

_BATCH_ROWS = 1024
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _File:
    """A Parquet file with photos. `class_names` is empty where its labels are no numbers of classes."""

    path: Path
    split: Split | None
    image: ParquetColumn
    label: str
    class_names: tuple[str, ...]


def holds_photos(path: Path) -> bool:
    """Whether a file is Parquet and one of its columns holds photos."""
    try:
        return path.suffix.lower() == ".parquet" and image_column(pq.read_schema(path)) is not None
    except (pa.ArrowException, OSError):
        return False


def parquet_files(root: Path) -> list[Path]:
    """The Parquet files of a data set's folder, or the one that is named itself, in the order of their paths."""
    if root.is_file():
        return [root]
    return sorted({path for place in places(root) for path in place.glob("*.parquet") if path.is_file()})


class ParquetPhotos:
    """The photos of Parquet files, row by row. A path is the file and the row, from 0:
    `data/train-00000-of-00002.parquet#123`.
    """

    format = "hugging-face"

    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        """Look at the files' schemas only.

        Args:
            path: a folder or one Parquet file.
            columns: our names of columns, `image` and `category`, to the files' own, where they are not found.

        Raises:
            SourceError: none of the files has a column of photos and one of labels.
        """
        self._tree = FolderTree(path.parent if path.is_file() else path)
        self._reader = RowReader()
        self._files: dict[str, _File] = {}
        self._rejected: list[Rejected] = []
        for file in parquet_files(path):
            name = file.name if path.is_file() else file.relative_to(path).as_posix()
            try:
                self._files[name] = _look_at(file if path.is_file() else self._tree.inside(name), name, columns)
            except (SourceError, PhotoError) as error:
                self._rejected.append(Rejected(name, str(error)))
        if not self._files:
            reasons = "; ".join(f"{bad.path} {bad.reason}" for bad in self._rejected[:3])
            raise SourceError(f"{path} has no Parquet file with a column of photos and one of labels: {reasons}")
        self._has_splits = len({file.split for file in self._files.values()} - {None}) > 1

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo, in the order of the files' paths; of the photos themselves nothing is read.

        Photos that are all of one split have none: `datasets` calls everything train that has no split.
        """
        yield from self._rejected
        for name, file in self._files.items():
            row = 0
            try:
                for value in _labels(file):
                    yield self._photo(f"{name}#{row}", value, file)
                    row += 1
            except (pa.ArrowException, OSError) as error:
                yield Rejected(name, f"is broken after row {row} ({error})")

    def _photo(self, path: str, value: object, file: _File) -> Photo | Rejected:
        try:
            return Photo(path, _label(value, file.class_names), file.split if self._has_splits else None)
        except SourceError as error:
            return Rejected(path, str(error))

    def read(self, path: str) -> bytes:
        """One photo's bytes, out of its row, or out of the file that the row names instead.

        Raises:
            PhotoError: there is no such row, or it holds no photo.
        """
        file, row = self._find(path)
        cell = self._reader.cell(file.image, row)
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if isinstance(content, bytes):
            return content
        named = cell.get("path") if isinstance(cell, dict) else None
        if not isinstance(named, str) or not named:
            raise PhotoError(f"{path} holds no photo: its {file.image.name} is empty.")
        folder = path.rpartition("#")[0].rpartition("/")[0]
        found = find_photo(self._tree, dict.fromkeys((folder, "")), named)
        if found is None:
            raise PhotoError(f"{path} holds no photo, and the file that it names is not there: {named[:200]!r}.")
        return read_file(self._tree.inside(found))

    def stamp(self, path: str) -> str:
        """The Parquet file's size and time of change."""
        file = self._files.get(path.rpartition("#")[0])
        return file_stamp(file.path) if file else "missing"

    def _find(self, path: str) -> tuple[_File, int]:
        name, _, number = path.rpartition("#")
        file = self._files.get(name)
        try:
            row = int(number)
        except ValueError:
            row = -1
        if file is None or not 0 <= row < file.image.num_rows:
            raise PhotoError(f"There is no photo {path!r}; expected one such as {next(iter(self._files))}#0.")
        return file, row


def _look_at(path: Path, name: str, columns: Mapping[str, str]) -> _File:
    try:
        with pq.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"is no Parquet file that can be read ({error})") from None
    image = image_column(schema, columns.get("image"))
    label = label_column(schema.names, schema, columns.get("category"))
    if image is None or label is None:
        missing = "a column of photos" if image is None else "a column of labels"
        say = 'image = "…"' if image is None else 'category = "…"'
        raise SourceError(
            f"has no {missing[2:]} that is known; it has {', '.join(schema.names)}. If one of these is it, say so in "
            f"snapshelf.toml under [catalogue_columns]: {say}"
        )
    if _has_no_labels(metadata, label):
        raise SourceError(f"has no labels: {label} is empty or -1 in all of its {metadata.num_rows:,} rows")
    return _File(path, split_of_path(name), ParquetColumn.of(path, image, metadata), label, class_names(schema, label))


def _has_no_labels(metadata: pq.FileMetaData, label: str) -> bool:
    """Whether the file itself says so, as that of a contest's test split does; else its rows are looked at."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    labels = [column for column in columns if column.path_in_schema == label]
    return bool(labels) and all(_is_unlabelled(column) for column in labels)


def _is_unlabelled(column: pq.ColumnChunkMetaData) -> bool:
    said = column.statistics
    if said is None:
        return False
    if said.null_count == column.num_values:
        return True
    are_numbers = column.physical_type in ("INT32", "INT64")
    return are_numbers and said.has_min_max and said.min == said.max == -1


def _labels(file: _File) -> Iterator[object]:
    with pq.ParquetFile(file.path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as table:
        for batch in table.iter_batches(_BATCH_ROWS, columns=[file.label], use_threads=False):
            yield from values_of(batch.column(0))


def _label(value: object, names: tuple[str, ...]) -> str:
    """A cell as a label: numbers of classes by their names.

    Raises:
        SourceError: there is none, or it is none that there can be.
    """
    if names and isinstance(value, int):
        if not 0 <= value < len(names):
            said = "has no label (-1)" if value == -1 else f"its label is {value}"
            raise SourceError(f"{said}; expected a number from 0 to {len(names) - 1}, as {len(names)} names are given")
        value = names[value]
    if isinstance(value, list | dict | bytes):
        kind = "not valid UTF-8" if isinstance(value, bytes) else f"a {type(value).__name__}"
        raise SourceError(f"its label is {kind}; expected one text or number")
    label = fields.text(value, "label")
    if label is None:
        raise SourceError("has no label")
    return label
