"""Data sets of the Hugging Face Hub as they lie on a disk: Parquet files with photos, or photos beside metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from snapshelf.data.sources.hugging_face_metadata import MetadataPhotos, metadata_files, names_photos
from snapshelf.data.sources.hugging_face_parquet import ParquetPhotos, holds_photos, parquet_files
from snapshelf.errors import SourceError


def recognise_hugging_face(path: Path) -> str | None:
    """Why a path is such a data set, or None. Other Parquet files and other metadata are left to other formats."""
    if path.is_file():
        return "it is a Parquet file with a column of photos" if holds_photos(path) else None
    try:
        parquet = next(filter(holds_photos, parquet_files(path)), None)
        metadata = next(filter(names_photos, metadata_files(path)), None)
    except OSError:
        return None
    if parquet:
        return f"{parquet} is a Parquet file with a column of photos"
    return f"{metadata} says which file shows what" if metadata else None


def open_hugging_face(path: Path, columns: Mapping[str, str]) -> ParquetPhotos | MetadataPhotos:
    """The photos of a folder or a Parquet file. Parquet files with photos come before metadata.

    Args:
        path: a folder or one Parquet file.
        columns: our names of columns, `image` and `category`, to the files' own, where they are not found.

    Raises:
        SourceError: it is no such data set.
    """
    try:
        is_parquet = path.is_file() or any(map(holds_photos, parquet_files(path)))
        return ParquetPhotos(path, columns) if is_parquet else MetadataPhotos(path, columns)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None
