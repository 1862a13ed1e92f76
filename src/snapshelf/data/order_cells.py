"""The cells of an order's row → values, or why they cannot be used."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

from snapshelf.data import fields
from snapshelf.errors import SourceError


def identity(cell: object, name: str) -> str:
    """An order's or a product's id: any text of 1 to 200 characters without control characters.

    Raises:
        SourceError: it is not such a text.
    """
    content = fields.text(cell, name)
    if content is None:
        raise SourceError(f"{name} is empty; every row needs one.")
    if len(content) > fields.MAX_ID_CHARACTERS or not content.isprintable():
        raise SourceError(
            f"{name} is {content[:40]!r} ({len(content)} characters); expected 1 to {fields.MAX_ID_CHARACTERS} "
            "characters, none of them a control character."
        )
    return content


def is_returned(cell: object) -> bool:
    """Whether a quantity says that nothing was bought: 0 or less. An empty cell is one piece.

    Raises:
        SourceError: it is no number.
    """
    content = fields.text(cell, "quantity")
    if content is None:
        return False
    try:
        number = float(content.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SourceError(f"quantity is {content[:40]!r}; expected a number such as 2, or nothing.")
    return number <= 0


def moment(cell: object) -> float:
    """When something was ordered, in seconds since 1970 in UTC; NaN where the cell is empty.

    ISO 8601, with or without a time; a time without a zone is taken for UTC.

    Raises:
        SourceError: it is nothing of the kind.
    """
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    if not isinstance(cell, datetime):
        content = fields.text(cell, "ordered_at")
        if content is None:
            return math.nan
        try:
            cell = datetime.fromisoformat(content)
        except ValueError:
            raise SourceError(
                f"ordered_at is {content[:40]!r}; expected a date such as 2026-03-01 or 2026-03-01T12:30:00."
            ) from None
    return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).timestamp()
