"""The photos that rows of products name: where they lie, and how they are read."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from snapshelf.data import fields
from snapshelf.data.download import Downloader
from snapshelf.data.sources.files import file_stamp, read_file
from snapshelf.data.sources.folder import SPLIT_NAMES
from snapshelf.data.tables import Row
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected, Split

_BETWEEN_PHOTOS = re.compile(r"\s*\|\s*|(?:\s*[,;]\s*|\s+)(?=https?://)", re.IGNORECASE)
_SCHEME = re.compile(r"data:|[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NUM_FIRST_ROWS = 32


class ProductRows(ABC):
    """Rows of products in one file, under our column names. Where a photo lies is told from that file's folder."""

    def __init__(self, path: Path, allowed_hosts: frozenset[str] = frozenset()) -> None:
        """Nothing is read yet.

        Args:
            path: the file.
            allowed_hosts: hosts that photos may be fetched from although their addresses are private.
        """
        self.path = path
        self.left_out: Counter[str] = Counter()
        """Products that are not for sale, by the reason, as the last way through `cells` found them."""
        self._folder = path.resolve().parent
        self._downloader = Downloader(allowed_hosts)

    @property
    @abstractmethod
    def format(self) -> str:
        """The name that `--format` knows it by."""

    @abstractmethod
    def cells(self) -> Iterator[Row | Rejected]:
        """Every row, its values under our names; columns that have none keep their own."""

    @abstractmethod
    def name(self, number: int) -> str:
        """How a row is called in messages."""

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo, in a row's order where it has several; a photo or row that cannot be used comes as rejected."""
        for row in self.cells():
            if isinstance(row, Rejected):
                yield row
                continue
            try:
                yield from self._photos(row)
            except SourceError as error:
                yield Rejected(self.name(row.number), str(error))

    def _photos(self, row: Row) -> Iterator[Photo | Rejected]:
        label = fields.required_text(row.values.get("category"), "category")
        product_id = fields.text(row.values.get("id"), "id")
        split = split_of(row)
        images = self.images(row)
        if len(images) > 1 and product_id is None:
            product_id = self.name(row.number)  # photos of one row are of one product, and stay in one split
        for image in images:
            try:
                yield Photo(self.locate(image), label, split, product_id)
            except PhotoError as error:
                yield Rejected(self.name(row.number), str(error))

    def images(self, row: Row) -> list[str]:
        """The photos that a row names, at least one: see `several`. Whether they are there is not looked at.

        Raises:
            SourceError: no image is named.
        """
        value = row.values.get("image")
        if isinstance(value, list):
            images = [image for image in (fields.text(part, "image") for part in value) if image]
            return images or [fields.required_text(None, "image")]
        image = fields.required_text(value, "image")
        return several(image) or [image]

    def locate(self, image: str) -> str:
        """What `read` takes to be one of a row's photos: an address on the web, or a file that is there.

        Raises:
            PhotoError: the file is missing, or lies outside the table's folder; or photos cannot be had from there.
        """
        if _is_address(image):
            return image
        if scheme := _SCHEME.match(image):
            raise PhotoError(
                f"image begins with {scheme.group()!r}; expected an address that begins with https:// or http://, or a "
                f"file that is told from the table's folder {self._folder}."
            )
        for path in dict.fromkeys((image, image.replace("\\", "/"))):  # as Windows writes it
            if _is_file(self._file(path)):
                return path
        hint = " Several photos in one cell are separated by |." if "," in image or ";" in image else ""
        raise PhotoError(f"image is {_cut(image)}, but {_cut(str(self._file(image)))} is not there.{hint}")

    def has_addresses(self) -> bool:
        """Whether photos come from the web, by the first rows: reading then waits more than it works."""
        rows = (row for row in itertools.islice(self.rows(), _NUM_FIRST_ROWS) if isinstance(row, Photo))
        return any(_is_address(row.path) for row in rows)

    def read(self, path: str) -> bytes:
        """One photo's bytes, from its file or from the web.

        Raises:
            PhotoError: it cannot be had; DownloadError where it is on the web.
        """
        return self._downloader.fetch(path) if _is_address(path) else read_file(self._file(path))

    def stamp(self, path: str) -> str:
        """The file's size and time of change; of an address nothing is known without asking."""
        return "" if _is_address(path) else file_stamp(self._file(path))

    def _file(self, image: str) -> Path:
        """The photo's file. A leading slash is the table's folder, as in feeds made for a web server."""
        try:
            file = (self._folder / image.lstrip("/")).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise PhotoError(f"image is {_cut(image)}, which cannot be the name of a file ({error}).") from None
        if not file.is_relative_to(self._folder):
            raise PhotoError(
                f"image is {_cut(image)}, which leaves the table's folder {self._folder}; it was not read."
            )
        return file


def split_of(row: Row) -> Split | None:
    """The part of a data set that a row says it belongs to, or None.

    Raises:
        SourceError: it is none that there is.
    """
    word = fields.text(row.values.get("split"), "split")
    if word is None:
        return None
    if word.lower() not in SPLIT_NAMES:
        raise SourceError(f"split is {word!r}; expected {', '.join(SPLIT_NAMES)}, or nothing.")
    return SPLIT_NAMES[word.lower()]


def several(image: str) -> list[str]:
    """The photos in one cell: separated by bars; addresses also by a comma, a semicolon or a space
    before the next `http`.

    A bar that belongs to an address is written as `%7C`.
    """
    return [part for part in _BETWEEN_PHOTOS.split(image) if part]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name longer than the file system allows
        return False


def _cut(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:200]}…")


def _is_address(image: str) -> bool:
    return image.lower().startswith(("http://", "https://"))
