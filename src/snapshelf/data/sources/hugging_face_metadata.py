"""Hugging Face's image folders: photos beside a `metadata.csv`, `.jsonl` or `.parquet` that says what they show."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from snapshelf.data import fields
from snapshelf.data.sources.boxes import find_photo
from snapshelf.data.sources.files import FolderPhotos
from snapshelf.data.sources.hugging_face_layout import (
    LABEL_COLUMNS,
    file_name_columns,
    label_column,
    places,
    split_of_folder,
    split_of_path,
)
from snapshelf.data.sources.product_rows import split_of
from snapshelf.data.tables import Row, column_names, read_table
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected, Split

_DEEPEST_SPLIT = 2
METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


def metadata_files(root: Path) -> list[Path]:
    """The metadata files of a data set's folder, in the order of their paths."""
    return sorted(path for place in places(root) for name in METADATA_NAMES if (path := place / name).is_file())


def names_photos(path: Path) -> bool:
    """Whether a metadata file has a column for the photos' files and one for their labels. JSON Lines are asked for
    their first row.
    """
    try:
        names = column_names(path)
        if names is None:
            first = next((row for row in itertools.islice(read_table(path), 1) if isinstance(row, Row)), None)
            names = list(first.values) if first else []
    except (SourceError, OSError):
        return False
    return label_column(names) is not None and any(file_name_columns(names))


class MetadataPhotos(FolderPhotos):
    """The photos that metadata files name, row by row. A path is that of the photo below the source's folder."""

    format = "hugging-face"

    def __init__(self, root: Path, columns: Mapping[str, str]) -> None:
        """Look at the files' headings only.

        Args:
            root: the data set's folder.
            columns: our names of columns, `image` and `category`, to the files' own, where they are not found.

        Raises:
            SourceError: there is no metadata file, or one lacks a column.
        """
        super().__init__(root)
        self._columns = columns
        self._files = metadata_files(self._tree.root)
        splits = {split_of_path(place.name) for place in places(self._tree.root)[1:]}
        self._has_splits = len(splits - {None}) > 1
        if not self._files:
            raise SourceError(f"{root} has none of {', '.join(METADATA_NAMES)}, nor Parquet files with photos.")
        for file in self._files:
            self._require(file, column_names(file))

    def _require(self, file: Path, names: list[str] | None) -> None:
        if names is None:
            return
        asked = self._columns.get("category")
        if label_column(names, asked=asked) is None:
            raise SourceError(
                f"{file} has no column {asked or ' or '.join(LABEL_COLUMNS)}; it has {', '.join(names)}. If one of "
                'these is it, say so in snapshelf.toml under [catalogue_columns]: category = "…"'
            )
        if self._file_name(dict.fromkeys(names, "?")) is None:
            raise SourceError(f"{file} has no column file_name; it has {', '.join(names)}.")

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo, in the order of the files' rows.

        Photos that are all of one split have none: `datasets` calls everything train that has no split.
        """
        for file in self._files:
            folder = self._tree.name(file.parent).removeprefix(".")
            try:
                self._tree.inside(self._tree.name(file))
                for row in read_table(file):
                    yield self._photo(row, file, folder) if isinstance(row, Row) else row
            except (SourceError, PhotoError) as error:
                yield Rejected(self._tree.name(file), str(error))

    def _photo(self, row: Row, file: Path, folder: str) -> Photo | Rejected:
        try:
            name = fields.text(self._file_name(row.values), "file_name")
            if name is None:
                raise SourceError("file_name is empty; expected where the photo lies")
            path = find_photo(self._tree, (folder,), name)
            if path is None:
                raise SourceError(f"file_name is {name[:200]!r}, which is not there")
            column = label_column(row.values, asked=self._columns.get("category"))
            label = row.values.get(column) if column else None
            if isinstance(label, list | dict):
                raise SourceError(f"{column} is a {type(label).__name__}; expected one text or number")
            text = fields.text(label, column or "label")
            if text is None:
                raise SourceError(f"has no {column or 'label'}")
            return Photo(path, text, self._split(path, folder, row))
        except (SourceError, PhotoError) as error:
            return Rejected(f"{self._tree.name(file)} row {row.number}", str(error))

    def _file_name(self, values: Mapping[str, object]) -> object:
        asked = self._columns.get("image")
        named = (asked,) if asked else file_name_columns(values)
        return next((values[name] for name in named if values.get(name) is not None), None)

    def _split(self, path: str, folder: str, row: Row) -> Split | None:
        if not self._has_splits:
            return split_of(row)
        by_folder = (split_of_folder(name) for name in path.split("/")[:-1][:_DEEPEST_SPLIT])
        return split_of_path(folder) or next(filter(None, by_folder), None) or split_of(row)
