"""Where photos come from: one file a format, all behind `Source`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.sources.fashion_mnist import FashionMnistSource, holds_fashion_mnist
from snapshelf.data.sources.fashion_mnist_files import find_or_fetch
from snapshelf.data.sources.folder import FolderSource
from snapshelf.data.sources.table import TableSource
from snapshelf.errors import ConfigError, SourceError
from snapshelf.types import Photo, Rejected

FORMATS = ("auto", "folder", "table", "fashion-mnist")
"""What `--format` takes."""

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
FASHION_MNIST = "fashion-mnist"


class Source(Protocol):
    """Photos with labels, wherever they lie."""

    @property
    def format(self) -> str:
        """The name that `--format` knows it by."""

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo or bad row, one by one, always in the same order. Opens no photo."""

    def read(self, path: str) -> bytes | NDArray[np.uint8]:
        """One photo: its file's bytes, or, from a source that holds bare pixels, upright RGB (H, W, 3) uint8.

        Raises:
            PhotoError: it cannot be read.
        """

    def stamp(self, path: str) -> str:
        """What changes when the photo does, such as its file's size and time of change. Opens no photo."""


def open_source(
    source: str,
    format: str,  # noqa: A002 (the word of `--format`)
    *,
    downloads: Path,
    columns: Mapping[str, str] | None = None,
) -> tuple[Source, str]:
    """Open what a user named as the source of photos.

    Args:
        source: a folder, a table's file, or `fashion-mnist`.
        format: one of `FORMATS`; `auto` finds out.
        downloads: where fetched files are kept.
        columns: our names of a table's columns to the table's own, where they differ.

    Returns:
        The source, and a sentence that says which format was taken and why.

    Raises:
        ConfigError: there is no such format.
        SourceError: the source is not there, or not of that format.
    """
    if format not in FORMATS:
        raise ConfigError(f"There is no format {format!r}; expected one of {', '.join(FORMATS)}.")
    name, reason = _recognise(source) if format == "auto" else (format, "as asked for")
    opened: Source
    if name == "table":
        opened = TableSource(Path(source), columns or {})
    elif name == FASHION_MNIST:
        folder = Path(source) if Path(source).is_dir() else find_or_fetch(downloads)
        opened = FashionMnistSource(folder)
        reason = f"{reason}; its files are in {folder}"
    else:
        opened = FolderSource(Path(source))
    return opened, f"Reading {source} as {name}: {reason}."


def _recognise(source: str) -> tuple[str, str]:
    path = Path(source)
    if path.is_dir():
        if holds_fashion_mnist(path):
            return FASHION_MNIST, "it is a folder with the four Fashion-MNIST files"
        if FolderSource(path).has_splits:
            return "folder", "it is a folder with split folders (train, validation or test) and classes in them"
        return "folder", "it is a folder; the folders in it are taken for the classes"
    if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES:
        return "table", f"it is a file that ends in {path.suffix}"
    if source == FASHION_MNIST:
        return FASHION_MNIST, "that is its name, and there is no folder of that name here"
    found = "a file of another kind" if path.exists() else "not there"
    raise SourceError(
        f"{source} is {found}. Expected a folder of photos (SOURCE/<class>/photo.jpg), "
        f"a table ({', '.join(TABLE_SUFFIXES)}) or the name {FASHION_MNIST}."
    )
