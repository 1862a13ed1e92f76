"""`snapshelf orders`: a table of orders → which products are bought together, checked on orders held out."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snapshelf.adapters.index_folder import open_folder
from snapshelf.artifacts.cards import TogetherCard
from snapshelf.artifacts.publish import published_folder, sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.data.orders import Orders, read_orders
from snapshelf.errors import SourceError, StoreError
from snapshelf.progress import console, progress
from snapshelf.settings import QdrantServer
from snapshelf.together.bought_together import write_partners
from snapshelf.together.methods import METHODS
from snapshelf.together.pairs import MAX_PRODUCTS, MIN_ORDERS, count_products, is_evidence
from snapshelf.together.partners import Partners, find_partners
from snapshelf.together.validation import MIN_QUESTIONS, TOP, Validation, as_json, validate
from snapshelf.types import Rejected

_PAGE = 1000
_SEED = 0


@dataclass(frozen=True, slots=True)
class OrdersResult:
    """What was published, how the methods compared, and what could not be used."""

    card: TogetherCard
    validation: Validation
    unknown_products: list[str] | None
    """Products of the orders that are not in the index; None where the index could not be asked."""
    rejected: list[Rejected]
    """The first of them; all are counted in the card."""

    def to_json(self) -> dict[str, object]:
        """The card, with what else `--json` tells."""
        unknown = self.unknown_products
        return self.card.model_dump() | {
            "held_out": "latest" if self.validation.by_date else "random",
            "compared": as_json(self.validation.scores),
            "num_unknown_products": None if unknown is None else len(unknown),
            "rejected": [{"path": bad.path, "reason": bad.reason} for bad in self.rejected],
        }


def learn_orders(store: Store, table: Path, server: QdrantServer | None = None) -> OrdersResult:
    """Read a table of orders, choose how to rank, and put the result in use; what was there before is replaced.

    Args:
        store: where it goes.
        table: CSV, TSV, Parquet or JSON Lines; see `data.orders`.
        server: where the index is, if it is on one.

    Raises:
        ConfigError: `[order_columns]` has a name that is none of ours.
        SourceError: the table cannot be read, or no two products were bought together often enough.
    """
    with progress("Reading orders", None, "rows") as step:
        everything = read_orders(table, store.config().order_columns, step)
    orders = everything.only(is_evidence(everything))
    validation = validate(orders, seed=_SEED)
    partners = find_partners(orders, {validation.chosen: METHODS[validation.chosen]})[validation.chosen]
    if len(partners.other_K) == 0:
        raise SourceError(
            f"{table} has {len(orders):,} orders, and no two products that come together in {MIN_ORDERS} of them or "
            "more, more often than by chance; there is nothing to show. Is order_id the column that rows of one order "
            "share?"
        )
    card = _publish(store, table, everything, orders, validation, partners)
    ordered = [orders.product_ids[number] for number in np.flatnonzero(count_products(orders))]
    result = OrdersResult(card, validation, _unknown_products(store, ordered, server), everything.rejected)
    for line in _lines(result, store):
        console.print(line, markup=False)
    return result


def _publish(
    store: Store, table: Path, everything: Orders, orders: Orders, validation: Validation, partners: Partners
) -> TogetherCard:
    """Write the artefact beside the one in use, put it in its place, and remove the others."""
    num_orders_P = count_products(orders)
    together_id = f"orders-{secrets.token_hex(4)}"
    with published_folder(store.folder("together", together_id)) as work:
        card = TogetherCard(
            id=together_id,
            orders=str(table),
            orders_sha256=sha256_file(table),
            partners_sha256=write_partners(work, orders.product_ids, num_orders_P, partners),
            method=validation.chosen,
            num_orders=len(orders),
            num_products=int((num_orders_P > 0).sum()),
            num_pairs=len(partners.other_K),
            counts=_counts(everything, orders),
            validation=_score(validation),
        )
        card.write(work)
    store.use("together", together_id)
    for name in store.ids("together"):
        if name != together_id:
            shutil.rmtree(store.folder("together", name), ignore_errors=True)
    return card


def remove_orders(store: Store) -> None:
    """Forget what was learnt; the page then shows look-alikes alone.

    Raises:
        ArtifactMissingError: nothing was learnt.
    """
    store.current("together")
    (store.root / "together" / "current").unlink()
    shutil.rmtree(store.root / "together", ignore_errors=True)
    console.print("What was learnt from orders is removed.")


def _counts(everything: Orders, orders: Orders) -> dict[str, int]:
    return {
        "rows": everything.num_rows,
        "rejected": everything.num_rejected,
        "returned": everything.num_returned,
        "single": int((orders.size_O == 1).sum()),
        "large": len(everything) - len(orders),
    }


def _score(validation: Validation) -> dict[str, float]:
    if not validation.scores:
        return {}
    return as_json(validation.scores)[validation.chosen] | {"num_orders": float(validation.num_questions)}


def _unknown_products(store: Store, product_ids: list[str], server: QdrantServer | None) -> list[str] | None:
    """Those that the index in use does not have. A server may have it open; then nobody else can ask it."""
    try:
        index, thumbnails = open_folder(store.current("index"), server)
    except StoreError:
        return None
    try:
        total = index.count_products()
        pages = (index.products(offset=offset, limit=_PAGE) for offset in range(0, total, _PAGE))
        known = {product.id for page in pages for product in page}
    finally:
        index.close()
        thumbnails.close()
    return [product_id for product_id in product_ids if product_id not in known]


def _lines(result: OrdersResult, store: Store) -> Iterator[str]:
    """What a person is told: what was read, what was left out, how good it is, and what comes next."""
    card, counts = result.card, result.card.counts
    yield f"{card.num_orders:,} orders of {card.num_products:,} products; {card.num_pairs:,} pairs kept"
    if counts["single"]:
        yield f"{counts['single']:,} orders have a single product; they only count as orders without another one"
    if counts["large"]:
        yield f"{counts['large']:,} orders of more than {MAX_PRODUCTS} products were left out"
    if counts["returned"]:
        yield f"{counts['returned']:,} rows with a quantity of 0 or less were left out"
    if counts["rejected"]:
        yield f"{counts['rejected']:,} rows could not be used:"
        yield from (f"  {bad.path}: {bad.reason}" for bad in result.rejected[:5])
    yield from _words_on_unknown(result)
    yield from _words_on_validation(result.validation)
    yield f"In use: {card.id}"
    yield f"Next: snapshelf serve --store {store.root}; one that runs has it already"


def _words_on_unknown(result: OrdersResult) -> Iterator[str]:
    unknown = result.unknown_products
    if unknown is None:
        yield "There is no index yet, or a server has it open: whether it has these products was not looked at"
    elif unknown:
        yield (
            f"{len(unknown):,} products are not in the index and are not shown until they are, such as "
            f"{', '.join(unknown[:3])}"
        )
        if len(unknown) >= result.card.num_products:
            yield "None is there: does the column product_id hold the same ids as the catalogue?"


def _words_on_validation(validation: Validation) -> Iterator[str]:
    if validation.bestsellers is None:
        yield (
            f"Ranked by {validation.chosen}; {validation.num_questions} held-out orders of several products are too "
            f"few to compare methods, {MIN_QUESTIONS} were wanted"
        )
        return
    part = "the latest tenth" if validation.by_date else "a random tenth"
    best, bestsellers = validation.scores[validation.chosen], validation.bestsellers
    others = ", ".join(
        f"{name} {each.mrr:.3f}" for name, each in validation.scores.items() if name != validation.chosen
    )
    yield (
        f"Ranked by {validation.chosen}: of {validation.num_questions:,} held-out orders ({part}) one product was "
        f"hidden and one shown; {best.hit_rate_at_10:.1%} are among the first {TOP}, MRR {best.mrr:.3f} ({others})"
    )
    yield (
        f"Showing everybody the bestsellers would find {bestsellers.hit_rate_at_10:.1%}, MRR {bestsellers.mrr:.3f}"
        + ("" if best.mrr > bestsellers.mrr else "; these orders tell no more than that")
    )
