"""Which photo of a product leads, and which points a change writes anew. Pure: nothing is read or written here.

Each function returns whole points. Written in one operation, they leave every product with one lead, and all photos of
a product with what the lead says of it; what a crash interrupts is there wholly or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from snapshelf.adapters.qdrant_points import StoredPhoto
from snapshelf.types import Product


def after_upsert(stored: Sequence[StoredPhoto], new: Sequence[StoredPhoto]) -> list[StoredPhoto]:
    """The points to write so that new photos stand among the stored ones of their products.

    A photo that leads goes on leading, also where the photo itself is replaced. The last new photo of a product says
    what the product is.
    """
    leading = {each.photo.photo_id for each in stored if each.leads}
    new_ids = {each.photo.photo_id for each in new}
    said = {each.photo.product.id: each.photo.product for each in new}
    kept = [replace(each, leads=each.photo.photo_id in leading) for each in new]
    others = [each for each in stored if each.photo.photo_id not in new_ids]
    return _changed([*others, *kept], said, always=new_ids)


def after_update(stored: Sequence[StoredPhoto], said: Mapping[str, Product]) -> list[StoredPhoto]:
    """The points to write so that the photos of products say what is said of them now."""
    return _changed(stored, said, always=set())


def after_removal(stored: Sequence[StoredPhoto], removed_ids: Set[str]) -> list[StoredPhoto]:
    """The points to write before photos are removed: where a lead goes and others stay, the first of them leads."""
    going = [each for each in stored if each.photo.photo_id in removed_ids]
    staying = [each for each in stored if each.photo.photo_id not in removed_ids]
    successors = [each for each in _with_one_lead(staying) if each.leads]
    orphaned = {each.photo.product.id for each in successors} & {each.photo.product.id for each in going if each.leads}
    return [
        *(replace(each, leads=False) for each in going if each.leads and each.photo.product.id in orphaned),
        *(each for each in successors if each.photo.product.id in orphaned),
    ]


def _changed(photos: Sequence[StoredPhoto], said: Mapping[str, Product], *, always: Set[str]) -> list[StoredPhoto]:
    """The photos as they should be, where that is not what they are; those of the ids `always` in any case."""
    before = {each.photo.photo_id: each for each in photos}
    as_said = [
        replace(each, photo=replace(each.photo, product=said.get(each.photo.product.id, each.photo.product)))
        for each in before.values()
    ]
    return [
        each
        for each in _with_one_lead(as_said)
        if each.photo.photo_id in always or each.payload != before[each.photo.photo_id].payload
    ]


def _with_one_lead(photos: Sequence[StoredPhoto]) -> list[StoredPhoto]:
    """The same, with one lead for each product: the one that leads already, else the first by `photo_id`."""
    by_product: dict[str, list[StoredPhoto]] = defaultdict(list)
    for each in photos:
        by_product[each.photo.product.id].append(each)
    chosen = {
        min(group, key=lambda each: (not each.leads, each.photo.photo_id)).photo.photo_id
        for group in by_product.values()
    }
    return [replace(each, leads=each.photo.photo_id in chosen) for each in photos]
