"""The models of a store: side by side, and which of them is in use."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMissingError, StoreError
from snapshelf.progress import console, print_table


def list_models(store: Store) -> list[dict[str, Any]]:
    """One row a model, oldest first; a model whose card cannot be read is named and passed over."""
    current = store.current("models").name if store.has_current("models") else None
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
        for card in _readable(store)
    ]


def _readable(store: Store) -> Iterator[ModelCard]:
    for model_id in store.ids("models"):
        try:
            yield ModelCard.read(store.folder("models", model_id))
        except StoreError as error:
            console.print(f"Passed over: {error}", markup=False)


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
    print_table(table)


def use_model(store: Store, model_id: str) -> str | None:
    """Put a model in use, and with it the newest index that it made; returns that index's id, None where the store has
    no index at all yet.

    Raises:
        ArtifactMissingError: there is no such model, or it has no index while another model has; says what builds one.
    """
    store.existing("models", model_id)
    index_id = index_made_by(store, model_id)
    if index_id is None and store.has_current("index"):
        raise ArtifactMissingError(
            f"The model {model_id} has no index, so customers would find nothing. "
            f"Run: {command_that_indexes(store, model_id)}"
        )
    store.use("models", model_id)
    if index_id is not None:
        store.use("index", index_id)
    return index_id


def command_that_indexes(store: Store, model_id: str) -> str:
    """What builds an index for a model that is not in use, of the catalogue of the index that is."""
    try:
        catalogue = IndexCard.read(store.current("index")).catalogue
    except StoreError:
        catalogue = "CATALOGUE"
    return f"snapshelf index {shlex.quote(catalogue)} --model {model_id} --store {shlex.quote(str(store.root))}"


def index_made_by(store: Store, model_id: str) -> str | None:
    """The newest index that a model made; None where there is none."""
    made = (each for each in reversed(store.ids("index")) if maker_of(store.folder("index", each)) == model_id)
    return next(made, None)


def maker_of(folder: Path) -> str | None:
    """The id of the model that made an index; None where its card is not read here, as of an older snapshelf."""
    try:
        return IndexCard.read(folder).model_id
    except StoreError:
        return None
