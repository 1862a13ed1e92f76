"""What customers bought: a table with a row for each product of each order → which products each order had.

Shapes: O orders, L lines (one product of one order), P products.
"""

from __future__ import annotations

import difflib
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.order_cells import identity, is_returned, moment
from snapshelf.data.tables import Row, column_names, read_table, row_name
from snapshelf.errors import ConfigError, SourceError
from snapshelf.types import Rejected

COLUMNS = ("order_id", "product_id", "quantity", "ordered_at")
"""Our names; the last two may be missing. A table's own are given by `[order_columns]` in snapshelf.toml."""

NUM_NAMED = 1000
"""Rows that cannot be used are all counted; so many are named."""

_MOST_REMEMBERED = 1 << 16
_TELL_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a table, without anything that says whose they are."""

    product_ids: list[str]
    """P ids, in the order in which they came up."""
    product_L: NDArray[np.int32]
    """The products order by order, 0 to P - 1; each once in an order, and ascending within it."""
    start_O: NDArray[np.int64]
    """Where each order's lines begin in `product_L`; one more at the end, (O + 1,)."""
    ordered_at_O: NDArray[np.float64]
    """Seconds since 1970 in UTC of each order's latest line; NaN where the table does not say."""
    num_rows: int = 0
    """Rows that were read, those that could not be used among them."""
    num_returned: int = 0
    """Rows with a quantity of 0 or less: given back or called off, so not bought."""
    num_rejected: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    """The first `NUM_NAMED` of them."""

    def __len__(self) -> int:
        """O."""
        return len(self.start_O) - 1

    @property
    def size_O(self) -> NDArray[np.int64]:
        """How many different products each order had."""
        return np.diff(self.start_O)

    def only(self, kept_O: NDArray[np.bool_]) -> Orders:
        """Some of the orders, with the same products."""
        size_O = self.size_O
        start_O = np.concatenate([[0], np.cumsum(size_O[kept_O])])
        return Orders(self.product_ids, self.product_L[np.repeat(kept_O, size_O)], start_O, self.ordered_at_O[kept_O])


def _nobody(_: int) -> None:
    """Nobody wants to know how many rows are read."""


def read_orders(path: Path, columns: Mapping[str, str], tell: Callable[[int], None] = _nobody) -> Orders:
    """Read a table of orders: CSV, TSV, Parquet or JSON Lines, row by row.

    The rows of an order may stand anywhere. A product that comes twice in an order counts once.

    Args:
        path: the table.
        columns: our names of columns to the table's, where they differ.
        tell: called with the number of rows read since the last call.

    Raises:
        ConfigError: `columns` has a name that is none of ours.
        SourceError: the table is not there, lacks a column, or has no row that can be used.
    """
    theirs = _their_names(path, columns)
    reading = _Reading(path, theirs)
    for number, row in enumerate(read_table(path, only=tuple(theirs.values())), start=1):
        reading.add(row)
        if number % _TELL_EVERY == 0:
            tell(_TELL_EVERY)
    return reading.orders()


def _their_names(path: Path, columns: Mapping[str, str]) -> dict[str, str]:
    for name in columns:
        if name not in COLUMNS:
            raise ConfigError(
                f"[order_columns] names {name!r}; expected names out of {', '.join(COLUMNS)}, "
                'for example: order_id = "Bestellung".'
            )
    found = column_names(path)
    return {name: _their_name(path, name, columns, found) for name in COLUMNS}


def _their_name(path: Path, name: str, columns: Mapping[str, str], found: list[str] | None) -> str:
    """The column as the table spells it: capitals and space around it make no other column."""
    wanted = columns.get(name, name)
    if found is None or wanted in found:
        return wanted
    alike = [their for their in found if their.strip().casefold() == wanted.strip().casefold()]
    if alike:
        return alike[0]
    if name in ("order_id", "product_id") or name in columns:
        near = difflib.get_close_matches(wanted.casefold(), found, n=1)
        raise SourceError(
            f"{path} has no column {wanted!r}; it has {', '.join(filter(None, found))}. If one of these is it, say so "
            f'in snapshelf.toml under [order_columns]: {name} = "{near[0] if near else "Its name there"}"'
        )
    return wanted


class _Reading:
    """One way through a table. Cells are remembered for a while: orders name the same few things often."""

    def __init__(self, path: Path, theirs: Mapping[str, str]) -> None:
        self._path = path
        self._columns = [theirs[name] for name in COLUMNS]
        remembered = lru_cache(_MOST_REMEMBERED, typed=True)
        self._order_id = remembered(partial(identity, name="order_id"))
        self._product_id = remembered(partial(identity, name="product_id"))
        self._is_returned, self._moment = remembered(is_returned), remembered(moment)
        self._orders: dict[str, int] = {}
        self._products: dict[str, int] = {}
        self._order_L, self._product_L, self._ordered_at_L = array("q"), array("q"), array("d")
        self._num_rows = self._num_returned = self._num_rejected = 0
        self._rejected: list[Rejected] = []

    def add(self, row: Row | Rejected) -> None:
        """Note a line, or why it is none."""
        self._num_rows += 1
        if isinstance(row, Rejected):
            self._reject(row)
            return
        try:
            self._add(row.values)
        except SourceError as error:
            self._reject(Rejected(row_name(self._path, row.number), str(error)))
        except TypeError:  # what cannot be remembered: a list or an object of JSON Lines or Parquet
            reason = "holds a list or an object where a text, a number or a date was expected."
            self._reject(Rejected(row_name(self._path, row.number), reason))

    def _add(self, values: Mapping[str, object]) -> None:
        order_cell, product_cell, quantity_cell, date_cell = map(values.get, self._columns)
        order, product = self._order_id(order_cell), self._product_id(product_cell)
        ordered_at = self._moment(date_cell)
        if self._is_returned(quantity_cell):
            self._num_returned += 1
            return
        self._order_L.append(self._orders.setdefault(order, len(self._orders)))
        self._product_L.append(self._products.setdefault(product, len(self._products)))
        self._ordered_at_L.append(ordered_at)

    def _reject(self, row: Rejected) -> None:
        self._num_rejected += 1
        if len(self._rejected) < NUM_NAMED:
            self._rejected.append(row)

    def orders(self) -> Orders:
        """What was read.

        Raises:
            SourceError: nothing was.
        """
        if not self._order_L:
            reasons = "".join(f"\n  {bad.path}: {bad.reason}" for bad in self._rejected[:5])
            raise SourceError(
                f"{self._path} has no row that can be used ({self._num_rows:,} rows, {self._num_rejected:,} of them "
                f"could not be read, {self._num_returned:,} were given back).{reasons}"
            )
        order_L, product_L = (np.frombuffer(part, np.int64) for part in (self._order_L, self._product_L))
        num_products = len(self._products)
        line_L = np.sort(order_L * num_products + product_L)
        line_L = line_L[np.diff(line_L, prepend=-1) > 0]
        ordered_at_O = np.full(len(self._orders), -np.inf)
        np.fmax.at(ordered_at_O, order_L, np.frombuffer(self._ordered_at_L))
        return Orders(
            product_ids=list(self._products),
            product_L=(line_L % num_products).astype(np.int32),
            start_O=np.searchsorted(line_L, np.arange(len(self._orders) + 1) * num_products),
            ordered_at_O=np.where(np.isneginf(ordered_at_O), np.nan, ordered_at_O),
            num_rows=self._num_rows,
            num_returned=self._num_returned,
            num_rejected=self._num_rejected,
            rejected=self._rejected,
        )
