"""The feeds that shops have already: each is turned into offers, and these into rows under our column names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from snapshelf.data.feeds.google_merchant import (
    name_google_merchant,
    read_google_merchant,
    recognise_google_merchant,
)
from snapshelf.data.feeds.offers import Offer
from snapshelf.data.feeds.shopify import name_shopify, read_shopify, recognise_shopify
from snapshelf.data.feeds.woocommerce import name_woocommerce, read_woocommerce, recognise_woocommerce
from snapshelf.types import Rejected


@dataclass(frozen=True, slots=True)
class Feed:
    """How a feed is recognised (the reason, or None), how its rows are called, and how they are read at a time."""

    recognise: Callable[[Path], str | None]
    name: Callable[[Path], Callable[[int], str]]
    read: Callable[[Path, datetime], Iterator[Offer | Rejected]]


FEEDS = {
    "shopify": Feed(recognise_shopify, name_shopify, read_shopify),
    "woocommerce": Feed(recognise_woocommerce, name_woocommerce, read_woocommerce),
    "google-merchant": Feed(recognise_google_merchant, name_google_merchant, read_google_merchant),
}
"""By the names that `--format` takes."""
