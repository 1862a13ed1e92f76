"""`snapshelf models compare`: models side by side, by what their cards and files say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table

from snapshelf.adapters.model_encoder import MODEL_FILE
from snapshelf.artifacts.cards import ADDED, ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.pipelines.models import index_made_by
from snapshelf.progress import console, print_table

Row = dict[str, Any]


def compare_models(store: Store, model_ids: Sequence[str]) -> list[Row]:
    """One row a model, in the order that is asked for; all of the store, oldest first, if none is.

    Raises:
        ArtifactMissingError: there is no such model.
    """
    current = store.current("models").name if store.has_current("models") else None
    return [_row(store, model_id, is_current=model_id == current) for model_id in model_ids or store.ids("models")]


def _row(store: Store, model_id: str, *, is_current: bool) -> Row:
    folder = store.existing("models", model_id)
    card = ModelCard.read(folder)
    return {
        "id": card.id,
        "in_use": is_current,
        "index_id": index_made_by(store, card.id),
        "created_at": card.created_at,
        "backbone": card.backbone,
        "recipe": card.recipe,
        "dataset_id": card.dataset_id,
        "num_classes": len(card.labels),
        "size_px": card.preprocess.size_px,
        "embedding_dim": card.embedding_dim,
        "megabytes": round((folder / MODEL_FILE).stat().st_size / 1e6, 1),
        "validation": card.validation,
        "training": card.training,
        "verdicts": {"confident": card.verdicts.confident, "likely": card.verdicts.likely},
    }


def _score(name: str) -> Callable[[Row], str]:
    return lambda row: f"{row['validation'][name]:.4f}" if name in row["validation"] else "–"


def _counted(row: Row, name: str) -> str:
    """`?` where the model was trained elsewhere."""
    return "?" if row["recipe"] == ADDED else f"{row['training'].get(name, 0):,.0f}"


_LINES: Mapping[str, Callable[[Row], str]] = {
    "in use": lambda row: "yes" if row["in_use"] else "",
    "made": lambda row: str(row["created_at"][:10]),
    "network": lambda row: f"{row['backbone']}, {row['recipe']}",
    "accuracy": _score("accuracy"),
    "macro F1": _score("macro_f1"),
    "calibration error": _score("ece"),
    "on photos": lambda row: f"{row['validation'].get('num_photos', 0):,.0f} of {row['dataset_id'] or 'nothing'}",
    "learnt from": lambda row: f"{_counted(row, 'num_photos')} photos, {row['num_classes']} classes",
    "trained in": lambda row: f"{_counted(row, 'seconds')} s",
    "looks at": lambda row: f"{row['size_px']} px, {row['embedding_dim']} numbers",
    "file": lambda row: f"{row['megabytes']} MB",
    "index": lambda row: row["index_id"] or "none",
}


def print_comparison(rows: Sequence[Row]) -> None:
    """The same for people, on standard output: a column a model."""
    table = Table("", *(row["id"] for row in rows), box=None, pad_edge=False)
    for name, said in _LINES.items():
        table.add_row(name, *map(said, rows))
    print_table(table)
    if len({row["dataset_id"] for row in rows}) > 1:
        console.print(
            "The scores are on different photos. snapshelf evaluate --compare ID asks two models about the same ones.",
            markup=False,
        )
