"""What `snapshelf index` did, or would do: for people on standard error, for programs as one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from snapshelf.artifacts.store import Store
from snapshelf.pipelines.sync import Plan
from snapshelf.progress import console
from snapshelf.types import Rejected

_MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class IndexResult:
    """What the index holds now, and what this run did. `added` to `dropped` count photos."""

    index_id: str
    num_products: int
    num_photos: int
    added: int
    updated: int
    """Photos that changed, or whose product did."""
    unchanged: int
    dropped: int
    """Photos that the catalogue no longer has."""
    embedded: int
    """Photos that the encoder looked at."""
    products_added: int
    products_changed: int
    products_unchanged: int
    products_kept: int
    """Products that stay as they are although no row of theirs can be used."""
    removed_products: int
    removed_photos: int
    """The photos of these products."""
    seconds: float
    rejected: list[Rejected] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    """Products that are not for sale, by the reason."""
    untaught: dict[str, int] = field(default_factory=dict)
    """Categories of the index that the model was not taught, and how many products each has."""

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints; the keys are in docs/data.md."""
        return {
            "dry_run": False,
            "index_id": self.index_id,
            "products": {
                "added": self.products_added,
                "changed": self.products_changed,
                "unchanged": self.products_unchanged,
                "removed": self.removed_products,
                "kept": self.products_kept,
                "total": self.num_products,
            },
            "photos": {
                "added": self.added,
                "updated": self.updated,
                "unchanged": self.unchanged,
                "removed": self.dropped + self.removed_photos,
                "embedded": self.embedded,
                "total": self.num_photos,
            },
            "untaught_categories": self.untaught,
            **_rest(self),
            "seconds": round(self.seconds, 3),
        }


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """What `--dry-run --json` prints: the same keys, but for what is only known when it is done."""
    return {
        "dry_run": True,
        "products": {
            "added": plan.added,
            "changed": plan.changed,
            "unchanged": plan.unchanged,
            "removed": len(plan.removed),
            "kept": plan.kept + plan.kept_unnamed,
            "total": plan.num_products,
        },
        "photos": {"added": plan.photos_added, "unchanged": plan.photos_unchanged, "removed": plan.photos_removed},
        **_rest(plan),
    }


def say(result: IndexResult, store: Store, model_id: str) -> None:
    """Tell a person what was done, what could not be, and what comes next."""
    photos = _counts(
        (result.added, "added"),
        (result.updated, "updated"),
        (result.unchanged, "unchanged"),
        (result.dropped, "no longer in the catalogue"),
    )
    products = _counts(
        (result.products_added, "added"),
        (result.products_changed, "changed"),
        (result.products_unchanged, "unchanged"),
        (result.removed_products, "removed"),
        (result.products_kept, "kept although no row of theirs can be used"),
    )
    _print(
        f"{result.num_products:,} products with {result.num_photos:,} photos, in {result.seconds:.1f} s",
        *([f"Products: {products}"] if products else []),
        *([f"Photos: {photos}; {result.embedded:,} were embedded"] if photos else []),
        *_said_of_rows(result),
        *_said_of_categories(result.untaught),
        *_said_of_use(result, store, model_id),
    )


def _said_of_use(result: IndexResult, store: Store, model_id: str) -> tuple[str, str]:
    if store.uses_another("models", model_id):
        return f"Made, not yet in use: {result.index_id}", f"Next: snapshelf models use {model_id} --store {store.root}"
    return f"In use: {result.index_id}", f"Next: snapshelf serve --store {store.root}"


def say_plan(plan: Plan) -> None:
    """Tell a person what a sync would do."""
    products = _counts(
        (plan.added, "to add"),
        (plan.changed, "to change"),
        (plan.unchanged, "unchanged"),
        (len(plan.removed), "to remove"),
        (plan.kept_unnamed, "to keep although nothing names them"),
        (plan.kept, "to keep although no row of theirs can be used"),
    )
    photos = _counts(
        (plan.photos_added, "to add"),
        (plan.photos_unchanged, "there by their names"),
        (plan.photos_removed, "to remove"),
    )
    _print(
        "Nothing was changed, and no photo was looked at or fetched: this is by what is said of products and the names "
        "of their photos.",
        f"Products: {products}",
        *([f"  to remove: {', '.join(plan.removed[:_MOST_SAID])}{_more(len(plan.removed))}"] if plan.removed else []),
        f"Photos: {photos}",
        *_said_of_rows(plan),
    )


def _rest(found: IndexResult | Plan) -> dict[str, Any]:
    rejected = [{"path": bad.path, "reason": bad.reason, "product_id": bad.product_id} for bad in found.rejected]
    return {"left_out": found.left_out, "num_rejected": len(rejected), "rejected": rejected}


def _said_of_rows(found: IndexResult | Plan) -> list[str]:
    lines = []
    if found.left_out:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in sorted(found.left_out.items()))
        lines.append(f"Products that are not for sale, left out: {reasons}")
    if found.rejected:
        lines.append(f"{len(found.rejected):,} rows could not be used:")
        lines += [f"  {bad.path}: {bad.reason}" for bad in found.rejected[:_MOST_SAID]]
    return lines


def _said_of_categories(untaught: dict[str, int]) -> list[str]:
    if not untaught:
        return []
    most = sorted(untaught, key=lambda name: (-untaught[name], name))[:_MOST_SAID]
    named = ", ".join(f"{name} ({untaught[name]:,})" for name in most)
    line = (
        f"The model was not taught {len(untaught):,} of the categories: {named}{_more(len(untaught))}. They are "
        "recognised by their products; train again with their photos to be surer."
    )
    return [line]


def _counts(*counts: tuple[int, str]) -> str:
    return ", ".join(f"{number:,} {what}" for number, what in counts if number)


def _more(number: int) -> str:
    return f" and {number - _MOST_SAID:,} more" if number > _MOST_SAID else ""


def _print(*lines: str) -> None:
    for line in lines:
        console.print(line, markup=False)
