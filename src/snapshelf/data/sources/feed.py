"""A shop's feed as rows of products: Google Merchant, Shopify, WooCommerce."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from snapshelf.data.feeds import FEEDS
from snapshelf.data.feeds.google_xml import is_xml
from snapshelf.data.feeds.offers import to_row
from snapshelf.data.feeds.spool import Spool
from snapshelf.data.sources.product_rows import ProductRows
from snapshelf.data.tables import Row, column_names, glimpse_columns
from snapshelf.errors import SourceError
from snapshelf.types import Rejected


def recognise_feed(format_name: str, path: Path) -> str | None:
    """Why a file is a feed of this format, or None. What has our own columns is a table."""
    if not path.is_file() or {"category", "image"} <= {name.strip().casefold() for name in glimpse_columns(path)}:
        return None
    return FEEDS[format_name].recognise(path)


class FeedSource(ProductRows):
    """The products of a feed, one row each, in the order in which the feed first names them."""

    def __init__(self, format_name: str, path: Path, allowed_hosts: frozenset[str] = frozenset()) -> None:
        """Look at a table's heading only.

        Args:
            format_name: one of `data.feeds.FEEDS`.
            path: the feed.
            allowed_hosts: hosts that photos may be fetched from although their addresses are private.

        Raises:
            SourceError: there is no such file, or it is neither XML nor a table.
        """
        if not path.is_file():
            raise SourceError(f"{path} is {'not a file' if path.exists() else 'not there'}; a feed was expected.")
        if not is_xml(path):
            column_names(path)
        super().__init__(path, allowed_hosts)
        self._format = format_name
        self._feed = FEEDS[format_name]
        self._name = self._feed.name(path)
        self._spool: Spool | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the rows that were read: in another process, photos are read and rows are not."""
        return self.__dict__ | {"_spool": None}

    @property
    def format(self) -> str:
        """The name that `--format` knows it by."""
        return self._format

    def name(self, number: int) -> str:
        """How a row, or an item of XML, is called in messages."""
        return self._name(number)

    def cells(self) -> Iterator[Row | Rejected]:
        """Every product that is for sale; variants that cannot be used come as rejected.

        Raises:
            SourceError: the feed cannot be read.
        """
        if self._spool is None:
            self._spool = Spool(self._feed.read(self.path, datetime.now(UTC)), self.name)
        self.left_out.clear()
        for offers in self._spool.products():
            if reason := next((offer.left_out for offer in offers if offer.left_out), None):
                self.left_out[reason] += 1
                continue
            for offer in offers:
                if offer.problem:
                    yield Rejected(self.name(offer.number), offer.problem, product_id=offer.product_id)
            row = to_row(offers)
            if row is not None:
                yield row
        yield from self._spool.rejected()
