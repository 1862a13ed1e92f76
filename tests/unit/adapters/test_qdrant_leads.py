"""One photo of each product leads, whatever comes and goes."""

from __future__ import annotations

import numpy as np

from snapshelf.adapters.qdrant_leads import after_removal, after_update, after_upsert
from snapshelf.adapters.qdrant_points import StoredPhoto
from snapshelf.types import Product, ProductPhoto

A = Product("a", "A", "c")


def stored(photo_id: str, product: Product = A, *, leads: bool = False, sha256: str = "") -> StoredPhoto:
    return StoredPhoto(ProductPhoto(photo_id, sha256, product), np.ones(2, dtype=np.float32), leads)


def leads(photos: list[StoredPhoto]) -> dict[str, bool]:
    return {each.photo.photo_id: each.leads for each in photos}


def test_the_first_of_new_photos_leads() -> None:
    b = Product("b", "B", "c")
    written = after_upsert([], [stored("2"), stored("1"), stored("4", b), stored("3", b)])
    assert leads(written) == {"1": True, "2": False, "3": True, "4": False}


def test_a_lead_outside_the_batch_stays_and_is_not_written() -> None:
    assert leads(after_upsert([stored("9", leads=True)], [stored("1")])) == {"1": False}


def test_a_lead_in_the_batch_stays_the_lead() -> None:
    written = after_upsert([stored("1"), stored("9", leads=True)], [stored("0"), stored("9", sha256="new")])
    assert leads(written) == {"0": False, "9": True}
    assert [each.photo.photo_sha256 for each in written] == ["", "new"]


def test_what_the_last_new_photo_says_is_said_on_all() -> None:
    new = Product("a", "New", "c")
    written = after_upsert([stored("1"), stored("9", leads=True)], [stored("0"), stored("5", new)])
    assert leads(written) == {"0": False, "1": False, "5": False, "9": True}
    assert all(each.photo.product == new for each in written)


def test_an_attribute_that_python_takes_for_the_same_is_another() -> None:
    one, true = (Product("a", "A", "c", attributes={"sale": value}) for value in (1, True))
    assert leads(after_update([stored("1", one, leads=True)], {"a": true})) == {"1": True}
    assert after_update([stored("1", true, leads=True)], {"a": true}) == []


def test_where_a_lead_goes_the_first_that_stays_takes_over() -> None:
    photos = [stored("1", leads=True), stored("3"), stored("2"), stored("9", Product("b", "", ""), leads=True)]
    assert leads(after_removal(photos, {"1"})) == {"1": False, "2": True}
    assert after_removal(photos, {"2"}) == []
    assert after_removal(photos, {"1", "2", "3"}) == []
    assert leads(after_removal(photos, {"1", "2", "9"})) == {"1": False, "3": True}


def test_too_many_or_too_few_leads_are_mended_by_the_next_change() -> None:
    assert leads(after_update([stored("1"), stored("2")], {"a": A})) == {"1": True}
    assert leads(after_update([stored("1", leads=True), stored("2", leads=True)], {"a": A})) == {"2": False}


def test_only_a_lead_carries_words_and_only_where_there_are_any() -> None:
    assert stored("1", leads=True).words is not None
    assert stored("1").words is None
    assert stored("1", Product("a", "✨", ""), leads=True).words is None
