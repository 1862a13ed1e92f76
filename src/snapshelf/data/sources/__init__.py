"""Where photos come from: one file a format, all behind `Source`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.feeds import FEEDS
from snapshelf.data.sources.coco import CocoSource, recognise_coco
from snapshelf.data.sources.fashion_mnist import FashionMnistSource, recognise_fashion_mnist
from snapshelf.data.sources.fashion_mnist_files import find_or_fetch
from snapshelf.data.sources.feed import FeedSource, recognise_feed
from snapshelf.data.sources.folder import FolderSource, recognise_folder
from snapshelf.data.sources.hugging_face import open_hugging_face, recognise_hugging_face
from snapshelf.data.sources.imagenet import ImagenetSource, recognise_imagenet
from snapshelf.data.sources.mnist import MnistSource, recognise_mnist
from snapshelf.data.sources.open_images import OpenImagesSource, recognise_open_images
from snapshelf.data.sources.options import SourceOptions
from snapshelf.data.sources.table import TABLE_SUFFIXES, TableSource, recognise_table
from snapshelf.errors import ConfigError, SourceError
from snapshelf.types import Photo, Rejected

FASHION_MNIST = "fashion-mnist"


class Source(Protocol):
    """Photos with labels, wherever they lie."""

    @property
    def format(self) -> str:
        """The name that `--format` knows it by."""

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo or bad row, one by one, always in the same order, none of them kept. Opens no photo.

        A path that comes twice is the reader's to refuse.
        """

    def read(self, path: str) -> bytes | NDArray[np.uint8]:
        """One file (`Photo.source_file`): its bytes, or, from a source that holds bare pixels, upright RGB (H, W, 3)
        uint8. May be called from several threads at once.

        Raises:
            PhotoError: it cannot be read.
        """

    def stamp(self, path: str) -> str:
        """What changes when a file does, such as its size and time of change. Opens no photo."""


@dataclass(frozen=True, slots=True)
class _Format:
    """How a format is recognised (the reason, or None where a path is not of that format), and opened."""

    recognise: Callable[[Path], str | None]
    open: Callable[[Path, SourceOptions], Source]


def _feed(name: str) -> _Format:
    return _Format(partial(recognise_feed, name), lambda path, options: FeedSource(name, path, options.allowed_hosts))


_FORMATS: dict[str, _Format] = {
    FASHION_MNIST: _Format(recognise_fashion_mnist, lambda path, _: FashionMnistSource(path)),
    "mnist": _Format(recognise_mnist, lambda path, _: MnistSource(path)),
    "imagenet": _Format(recognise_imagenet, lambda path, _: ImagenetSource(path)),
    "coco": _Format(recognise_coco, lambda path, options: CocoSource(path, options.box_padding)),
    "open-images": _Format(
        recognise_open_images,
        lambda path, options: OpenImagesSource(path, options.box_padding, options.min_confidence),
    ),
    "hugging-face": _Format(recognise_hugging_face, lambda path, options: open_hugging_face(path, options.columns)),
    **{name: _feed(name) for name in FEEDS},
    "table": _Format(recognise_table, lambda path, options: TableSource(path, options.columns, options.allowed_hosts)),
    "folder": _Format(recognise_folder, lambda path, _: FolderSource(path)),
}
"""In the order in which they are tried: what is most particular comes first."""

FORMATS = ("auto", *sorted(_FORMATS))
"""What `--format` takes."""


def open_source(
    source: str,
    format: str,  # noqa: A002 (the word of `--format`)
    options: SourceOptions,
) -> tuple[Source, str]:
    """Open what a user named as the source of photos.

    Args:
        source: a folder, a file, or `fashion-mnist`.
        format: one of `FORMATS`; `auto` finds out.
        options: how it is to be read.

    Returns:
        The source, and a sentence that says which format was taken and why.

    Raises:
        ConfigError: there is no such format.
        SourceError: the source is not there, or not of that format.
    """
    if format not in FORMATS:
        raise ConfigError(f"There is no format {format!r}; expected one of {', '.join(FORMATS)}.")
    path = Path(source)
    name, reason = _recognise(source, options) if format == "auto" else (format, "as asked for")
    if name == FASHION_MNIST and not path.is_dir():
        path = find_or_fetch(options.downloads)
        reason = f"{reason}; its files are in {path}"
    return _FORMATS[name].open(path, options), f"Reading {source} as {name}: {reason}."


def _recognise(source: str, options: SourceOptions) -> tuple[str, str]:
    path = Path(source)
    not_taken_for = ""
    for name, format_ in _FORMATS.items():
        reason = format_.recognise(path) if path.exists() else None
        if reason and name in FEEDS and options.columns and recognise_table(path):
            not_taken_for = f"; as snapshelf.toml has [catalogue_columns], it is not taken for {name}"
        elif reason:
            return name, reason + not_taken_for
    if source == FASHION_MNIST:
        return FASHION_MNIST, "that is its name, and there is no folder of that name here"
    found = "a file of another kind" if path.exists() else "not there"
    raise SourceError(
        f"{source} is {found}. Expected a folder of photos (SOURCE/<class>/photo.jpg), "
        f"a table ({', '.join(TABLE_SUFFIXES)}), a feed (Google Merchant, Shopify, WooCommerce), COCO, Open Images, "
        "ImageNet, Hugging Face or MNIST files, or the name "
        f"{FASHION_MNIST}."
    )
