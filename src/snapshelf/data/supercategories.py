"""What categories belong to, such as «Apple» for «Granny Smith»: a table of the store's, named in `snapshelf.toml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snapshelf.config import SupercategoriesConfig
from snapshelf.data import fields
from snapshelf.data.tables import Row, column_names, read_table, row_name
from snapshelf.errors import SourceError


def supercategories_of(labels: Sequence[str], config: SupercategoriesConfig, store: Path) -> list[str]:
    """The supercategory of each label, in their order; a label that the table lacks is its own. Empty without a table.

    Args:
        labels: the categories.
        config: where the table is, told from the store's folder, and which of its columns count.
        store: the store's folder.

    Raises:
        SourceError: the table is not there, lacks a column, or puts one category under two supercategories.
    """
    if not config.table:
        return []
    table = store / config.table
    _check_columns(table, config)
    known: dict[str, str] = {}
    for row in read_table(table):
        if not isinstance(row, Row):
            raise SourceError(f"{row.path}: {row.reason}")
        try:
            category = fields.required_text(row.values.get(config.category), config.category)
            above = fields.required_text(row.values.get(config.supercategory), config.supercategory)
        except SourceError as error:
            raise SourceError(f"{row_name(table, row.number)}: {error}") from None
        if known.setdefault(category, above) != above:
            raise SourceError(
                f"{row_name(table, row.number)} puts {category!r} under {above!r}, an earlier row under "
                f"{known[category]!r}; a category belongs to one supercategory."
            )
    return [known.get(label, label) for label in labels]


def _check_columns(table: Path, config: SupercategoriesConfig) -> None:
    found = column_names(table)
    for key, name in (("category", config.category), ("supercategory", config.supercategory)):
        if found is not None and name not in found:
            raise SourceError(
                f"{table} has no column {name!r}; it has {', '.join(found)}. Say which it is in snapshelf.toml, under "
                f'[supercategories]: {key} = "…"'
            )
