"""`snapshelf index --sync`: what bringing an index to a catalogue comes to, found before anything is done.

Nothing is fetched or looked at for that: products are compared by what is said of them, photos by their names. So a
plan is cheap, and a photo that changed under its old name is only found when the sync is run.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from snapshelf.data.catalogue import Catalogue
from snapshelf.data.photo_ids import product_id_of
from snapshelf.errors import SourceError
from snapshelf.pipelines.index_photos import all_products, fingerprint
from snapshelf.ports import VectorIndex
from snapshelf.progress import console
from snapshelf.types import Product, Rejected

FEW_PRODUCTS = 10
"""So many products may go without being asked, whatever share they are."""


@dataclass(slots=True)
class Plan:
    """What a sync would do. Counts are of products where nothing else is said."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    """The ids of products that the catalogue no longer names."""
    kept: int = 0
    """Products that stay as they are although no row of theirs can be used."""
    kept_unnamed: int = 0
    """Products that stay because some rows could not be read, and may name them."""
    photos_added: int = 0
    photos_unchanged: int = 0
    """By their names."""
    photos_removed: int = 0
    num_products: int = 0
    """In the index afterwards."""
    rejected: list[Rejected] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    """Products that are not for sale, by the reason."""


def refuse_empty(rejected: list[Rejected], left_out: dict[str, int]) -> None:
    """Say that nothing of a catalogue can be used.

    Raises:
        SourceError: always.
    """
    reasons = "".join(f"\n  {bad.path}: {bad.reason}" for bad in rejected[:5])
    not_sold = f"; {sum(left_out.values()):,} products are not for sale" if left_out else ""
    raise SourceError(f"The catalogue has no row that can be used ({len(rejected):,} could not{not_sold}).{reasons}")


def make_plan(catalogue: Catalogue, index: VectorIndex | None, *, force: bool) -> Plan:
    """Compare a catalogue with an index, which is not changed.

    Args:
        catalogue: what the index shall hold.
        index: what there is; None is an empty one.
        force: remove however many products it is, and also where rows could not be read.

    Raises:
        SourceError: no row can be used; or more than half of the products would be removed, and `force` is not given.
    """
    said = {product.id: fingerprint(product) for product in all_products(index)} if index else {}
    photos = set(index.photo_hashes()) if index else set()
    comparison = _Comparison(said, photos)
    plan = Plan()
    for entry in catalogue.entries():
        if isinstance(entry, Rejected):
            plan.rejected.append(entry)
        else:
            comparison.see(entry.product, entry.photo_id)
    plan.left_out = catalogue.left_out()
    if not comparison.named:
        refuse_empty(plan.rejected, plan.left_out)
    comparison.fill(plan)
    if not force:
        _keep_what_may_have_been_named(plan)
        _refuse_many(plan, len(said))
    gone = set(plan.removed)
    plan.photos_removed += sum(product_id_of(photo) in gone for photo in photos)
    plan.num_products = len(said) + plan.added - len(plan.removed)
    return plan


class _Comparison:
    """What an index says of products, and what a catalogue does."""

    def __init__(self, said: dict[str, int], photos: set[str]) -> None:
        self._said = said
        self._photos = photos
        self._named_photos: set[str] = set()
        self._changed: set[str] = set()
        self.named: set[str] = set()

    def see(self, product: Product, photo_id: str) -> None:
        """Take one photo of the catalogue."""
        if product.id not in self.named and self._said.get(product.id) != fingerprint(product):
            self._changed.add(product.id)
        if photo_id not in self._photos:
            self._changed.add(product.id)
        self.named.add(product.id)
        self._named_photos.add(photo_id)

    def fill(self, plan: Plan) -> None:
        """Count, when everything was seen."""
        dropped = {photo for photo in self._photos - self._named_photos if product_id_of(photo) in self.named}
        self._changed |= {product_id_of(photo) for photo in dropped}
        there = self.named & self._said.keys()
        mentioned = {bad.product_id for bad in plan.rejected} - self.named
        plan.added = len(self.named) - len(there)
        plan.changed = len(self._changed & there)
        plan.unchanged = len(there) - plan.changed
        plan.kept = len(mentioned & self._said.keys())
        plan.removed = sorted(self._said.keys() - self.named - mentioned)
        plan.photos_added = len(self._named_photos - self._photos)
        plan.photos_unchanged = len(self._named_photos & self._photos)
        plan.photos_removed = len(dropped)


def _keep_what_may_have_been_named(plan: Plan) -> None:
    """Where rows could not be read, nobody knows which products they name: none is removed."""
    num_unread = sum(bad.unread for bad in plan.rejected)
    if num_unread and plan.removed:
        console.print(
            f"{num_unread:,} rows or parts of the catalogue could not be read, and may name any product. So "
            f"{len(plan.removed):,} products that the others do not name are kept. Mend the catalogue, or remove them "
            "with --force.",
            markup=False,
        )
        plan.kept_unnamed = len(plan.removed)
        plan.removed = []


def _refuse_many(plan: Plan, num_before: int) -> None:
    num_removed = len(plan.removed)
    if num_removed > FEW_PRODUCTS and num_removed > num_before / 2:
        raise SourceError(
            f"The catalogue no longer has {num_removed:,} of the index's {num_before:,} products, more than half; "
            "nothing was changed. Is it whole? To remove them, add --force."
        )
