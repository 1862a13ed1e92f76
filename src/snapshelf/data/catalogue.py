"""What a store sells, photo by photo: a table or feed of products, or any source of photos, each of them a product.

A product of a table may have several photos in one row, and several rows, each with more of its photos. The first row
says what the product is; later ones may leave everything but `id` and `image` empty, and must not say anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from snapshelf.data import fields as cell
from snapshelf.data.decoding import read_upright
from snapshelf.data.photo_ids import photo_id
from snapshelf.data.sources import Source, open_source
from snapshelf.data.sources.options import SourceOptions
from snapshelf.data.sources.product_rows import ProductRows, split_of
from snapshelf.data.sources.table import TableSource
from snapshelf.data.tables import Row
from snapshelf.errors import PhotoError, SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.types import Attribute, Photo, Product, Rejected, Split


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One photo of a product, not yet read; `Catalogue.read` does that.

    `name` is what the owner knows it by: the table's row or the photo's path. `photo` says where it lies.
    """

    product: Product
    photo_id: str
    name: str
    photo: Photo


class Catalogue:
    """A catalogue that can be gone through, more than once, without being held in memory.

    `description` says what it was read as, and why. Pickled, it reads photos wherever their files are seen.
    """

    def __init__(self, source: Source, description: str, split: Split | None, limits: DecodeLimits) -> None:
        self._source = source
        self._split = split
        self._limits = limits
        self.description = description

    def count(self) -> int:
        """How many photos and bad rows there are: what a progress bar needs to know."""
        if isinstance(self._source, ProductRows):
            return sum(_count_photos(self._source, row) for row in self._source.cells())
        return sum(1 for _ in self._source.rows())

    def waits_for_the_web(self) -> bool:
        """Whether the photos, or some of them, have to be fetched."""
        return isinstance(self._source, ProductRows) and self._source.has_addresses()

    def left_out(self) -> dict[str, int]:
        """How many products are not for sale, by the reason, as the last way through `entries` found them."""
        return dict(self._source.left_out) if isinstance(self._source, ProductRows) else {}

    def entries(self) -> Iterator[CatalogueEntry | Rejected]:
        """Every photo of every product, in the catalogue's order; bad rows come as rejected."""
        if isinstance(self._source, ProductRows):
            return _TableEntries(self._source, self._split).entries()
        return _photo_entries(self._source, self._split)

    def read(self, entry: CatalogueEntry) -> bytes | NDArray[np.uint8]:
        """One photo: its file's bytes, or upright RGB (H, W, 3) uint8. May be called from several threads at once.

        Raises:
            PhotoError: it cannot be read.
        """
        if entry.photo.box is None:
            return self._source.read(entry.photo.source_file)
        return np.asarray(read_upright(self._source, entry.photo, self._limits))


def open_catalogue(
    catalogue: str,
    format: str,  # noqa: A002 (the word of `--format`)
    options: SourceOptions,
    *,
    split: Split | None,
    limits: DecodeLimits,
) -> Catalogue:
    """Open what a user named as the catalogue.

    Args:
        catalogue: a table's or feed's file, a folder of photos, or another source: see `open_source`.
        format: one of `data.sources.FORMATS`.
        options: how it is to be read.
        split: only the photos of this part, where the source has parts.
        limits: what is refused of files that photos are cut out of.

    Raises:
        ConfigError: there is no such format or column.
        SourceError: the catalogue is not there, or a column is missing.
    """
    source, description = open_source(catalogue, format, options)
    if isinstance(source, TableSource):
        source.require("id", "title")
    return Catalogue(source, description, split, limits)


def _count_photos(source: ProductRows, row: Row | Rejected) -> int:
    try:
        return 1 if isinstance(row, Rejected) else len(source.images(row))
    except SourceError:
        return 1


class _TableEntries:
    """One way through a table; what it remembers is each product and the photos it has had."""

    def __init__(self, source: ProductRows, split: Split | None) -> None:
        self._source = source
        self._split = split
        self._first: dict[str, tuple[int, Product]] = {}
        self._photo_rows: dict[str, int] = {}

    def entries(self) -> Iterator[CatalogueEntry | Rejected]:
        for row in self._source.cells():
            if isinstance(row, Rejected):
                yield row
                continue
            try:
                if self._split is None or split_of(row) == self._split:
                    yield from self._entries(row)
            except SourceError as error:
                yield Rejected(self._source.name(row.number), str(error), product_id=_id_of(row))

    def _entries(self, row: Row) -> Iterator[CatalogueEntry | Rejected]:
        product = self._product(row)
        for image in self._source.images(row):
            try:
                yield self._entry(row, product, self._source.locate(image))
            except (SourceError, PhotoError) as error:
                yield Rejected(self._source.name(row.number), str(error), product_id=product.id)

    def _entry(self, row: Row, product: Product, image: str) -> CatalogueEntry:
        identity = photo_id(product.id, image)
        if identity in self._photo_rows:
            raise SourceError(f"is the same product and photo as row {self._photo_rows[identity]}.")
        self._photo_rows[identity] = row.number
        return CatalogueEntry(product, identity, self._source.name(row.number), Photo(image, product.category))

    def _product(self, row: Row) -> Product:
        identity = cell.product_id(row.values.get("id"))
        if identity not in self._first:
            self._first[identity] = row.number, _read_product(identity, row)
        number, product = self._first[identity]
        if number != row.number:
            _refuse_contradiction(product, number, row)
        return product


def _id_of(row: Row) -> str | None:
    """The product that a row is about, also where the row cannot be used."""
    try:
        return cell.product_id(row.values.get("id"))
    except SourceError:
        return None


def _read_product(identity: str, row: Row) -> Product:
    others = {name: cell.attribute(value, name) for name, value in row.values.items() if name not in cell.COLUMNS}
    attributes: dict[str, Attribute] = {name: value for name, value in others.items() if value is not None}
    return Product(
        id=identity,
        title=cell.required_text(row.values.get("title"), "title"),
        category=cell.required_text(row.values.get("category"), "category"),
        price=cell.price(row.values.get("price")),
        currency=cell.currency(row.values.get("currency")),
        in_stock=cell.in_stock(row.values.get("in_stock")),
        url=cell.url(row.values.get("url")),
        attributes=attributes,
    )


_READERS: dict[str, Callable[[object], object]] = {
    "title": partial(cell.text, name="title"),
    "category": partial(cell.text, name="category"),
    "price": cell.price,
    "currency": cell.currency,
    "in_stock": cell.in_stock,
    "url": cell.url,
}


def _refuse_contradiction(product: Product, number: int, row: Row) -> None:
    for field in fields(product):
        if field.name not in _READERS:
            continue
        said, before = _READERS[field.name](row.values.get(field.name)), getattr(product, field.name)
        if said is not None and said != before:
            raise SourceError(
                f"{field.name} is {said!r}, but row {number} says {before!r} of the same id {product.id!r}. Rows with "
                "one id are photos of one product: leave the cell empty, or give another id."
            )


def _photo_entries(source: Source, split: Split | None) -> Iterator[CatalogueEntry | Rejected]:
    for row in source.rows():
        if isinstance(row, Rejected):
            yield replace(row, product_id=row.path)
        elif split is None or row.split == split:
            yield CatalogueEntry(_photo_product(row), row.path, row.path, row)


def _photo_product(photo: Photo) -> Product:
    return Product(id=photo.path, title=photo_title(photo), category=photo.label)


def photo_title(photo: Photo) -> str:
    """A title for people where nobody gave one: the category and the file's name, cut where it is long.

    `train/ankle_boot/00042.png` becomes `Ankle boot 00042`.
    """
    name = PurePosixPath(photo.path).stem
    short = name if len(name) <= 12 else name[:8]
    label = photo.label.replace("_", " ").strip()
    return f"{label[:1].upper()}{label[1:]} {short}"
