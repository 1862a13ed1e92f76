"""The models of a store: side by side, and which of them is in use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import StoreError

_UNFOLDED = 160
"""Characters of a line where nobody looks at it in a terminal."""


def list_models(store: Store) -> list[dict[str, Any]]:
    """One row a model, oldest first."""
    current = store.current("models").name if store.has_current("models") else None
    cards = [ModelCard.read(store.folder("models", model_id)) for model_id in store.ids("models")]
    return [
        {
            "id": card.id,
            "in_use": card.id == current,
            "created_at": card.created_at,
            "backbone": card.backbone,
            "recipe": card.recipe,
            "num_classes": len(card.labels),
            "validation": card.validation,
        }
        for card in cards
    ]


def print_models(rows: list[dict[str, Any]]) -> None:
    """The same for people, on standard output."""
    longest = max((len(row["id"]) for row in rows), default=0)  # to be copied, so never cut
    table = Table(
        "", Column("id", min_width=longest), "created", "classes", "accuracy", "macro F1", box=None, pad_edge=False
    )
    for row in rows:
        scores = [
            f"{row['validation'][name]:.4f}" if name in row["validation"] else "" for name in ("accuracy", "macro_f1")
        ]
        table.add_row("*" if row["in_use"] else "", row["id"], row["created_at"][:10], str(row["num_classes"]), *scores)
    Console(highlight=False, width=None if sys.stdout.isatty() else _UNFOLDED).print(table)


def use_model(store: Store, model_id: str) -> str | None:
    """Put a model in use, and with it the newest index that it made; returns that index's id, None where there is none.

    Raises:
        ArtifactMissingError: there is no such model.
    """
    store.use("models", model_id)
    index_id = index_made_by(store, model_id)
    if index_id is not None:
        store.use("index", index_id)
    return index_id


def index_made_by(store: Store, model_id: str) -> str | None:
    """The newest index that a model made; None where there is none."""
    made = (each for each in reversed(store.ids("index")) if _maker(store.folder("index", each)) == model_id)
    return next(made, None)


def _maker(folder: Path) -> str | None:
    """The id of the model that made an index; None where its card is not read here, as of an older snapshelf."""
    try:
        return IndexCard.read(folder).model_id
    except StoreError:
        return None
