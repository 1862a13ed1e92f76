"""Photos named by a table: a column says where a photo lies, another what it shows."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from snapshelf.data.fields import COLUMNS
from snapshelf.data.sources.product_rows import ProductRows
from snapshelf.data.tables import Row, column_names, read_table, row_name
from snapshelf.errors import ConfigError, SourceError
from snapshelf.types import Rejected

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")


def recognise_table(path: Path) -> str | None:
    """Why a path is a table, or None."""
    is_table = path.is_file() and path.suffix.lower() in TABLE_SUFFIXES
    return f"it is a file that ends in {path.suffix}" if is_table else None


class TableSource(ProductRows):
    """The photos of a table, in the order of its rows. Where a photo lies is told from the table's own folder."""

    format = "table"

    def __init__(self, path: Path, columns: Mapping[str, str], allowed_hosts: frozenset[str] = frozenset()) -> None:
        """Look at the table's heading only.

        Args:
            path: a CSV, TSV, Parquet or JSON Lines file.
            columns: our names of columns to the table's, where they differ.
            allowed_hosts: hosts that photos may be fetched from although their addresses are private.

        Raises:
            ConfigError: `columns` has a name that is none of ours.
            SourceError: the table is not there, or has no column for the category or the image.
        """
        for name in columns:
            if name not in COLUMNS:
                raise ConfigError(
                    f"[catalogue_columns] names {name!r}; expected names out of {', '.join(COLUMNS)}, "
                    'for example: price = "Preis".'
                )
        super().__init__(path, allowed_hosts)
        self._found = column_names(path)
        self._theirs = {name: self._their_name(columns.get(name, name)) for name in COLUMNS}
        self.require("category", "image")

    def require(self, *names: str) -> None:
        """See to it that the table has some columns. JSON Lines declare none; there, each row is asked.

        Raises:
            SourceError: one is missing; names those that are there.
        """
        for name in names:
            theirs = self._theirs[name]
            if self._found is not None and theirs not in self._found:
                near = difflib.get_close_matches(theirs.casefold(), [found.casefold() for found in self._found], n=1)
                guess = next((found for found in self._found if near and found.casefold() == near[0]), "Its name there")
                raise SourceError(
                    f"{self.path} has no column {theirs!r}; it has {', '.join(filter(None, self._found))}. "
                    f'If one of these is it, say so in snapshelf.toml under [catalogue_columns]: {name} = "{guess}"'
                )

    def cells(self) -> Iterator[Row | Rejected]:
        """Every row, its values under our names; columns that have none keep their own."""
        ours = {theirs: name for name, theirs in self._theirs.items()}
        for row in read_table(self.path):
            if isinstance(row, Row):
                yield Row(row.number, {ours.get(name, name): value for name, value in row.values.items()})
            else:
                yield row

    def name(self, number: int) -> str:
        """How a row is called in messages."""
        return row_name(self.path, number)

    def _their_name(self, name: str) -> str:
        """The column as the table spells it: capitals and space around it make no other column."""
        wanted = name.strip().casefold()
        found = [their for their in self._found or [] if their.strip().casefold() == wanted]
        return name if name in found or not found else found[0]
