"""What is said of a product's companions, and that the file brings back what was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf.artifacts.cards import TogetherCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMismatchError
from snapshelf.pipelines.orders import learn_orders, remove_orders
from snapshelf.together.bought_together import PARTNERS_FILE, BoughtTogether, Companion
from snapshelf.together.in_use import OrdersInUse
from snapshelf.types import Product
from tests.baskets import write_orders

BASKETS = [["a", "b"]] * 4 + [["a", "c"]] * 3 + [["a", "d"]] * 2 + [["a"]] + [["x"]] * 10
IN_STOCK = {"a": True, "b": False, "c": True, "d": None, "x": True}
SHOP = {
    name: Product(id=name, title=name.upper(), category="thing", in_stock=there) for name, there in IN_STOCK.items()
}


@pytest.fixture
def known(store: Store, tmp_path: Path) -> BoughtTogether:
    learn_orders(store, write_orders(tmp_path / "orders.csv", BASKETS))
    return BoughtTogether.open(store.current("together"))


def ids(companions: list[Companion]) -> list[str]:
    return [each.product.id for each in companions]


def test_figures_and_reason_are_what_the_table_says(known: BoughtTogether) -> None:
    (companion,) = known.companions("b", SHOP.get)
    assert (companion.product.id, companion.support, companion.confidence) == ("a", 4, 1.0)
    assert companion.lift == pytest.approx(20 * 4 / (4 * 10))
    assert companion.reason == "in 4 of 4 orders with this product"
    assert known.companions("a", SHOP.get)[0].reason == "in 3 of 10 orders with this product"


def test_what_is_out_of_stock_comes_last(known: BoughtTogether) -> None:
    assert ids(known.companions("a", SHOP.get)) == ["c", "d", "b"]
    assert ids(known.companions("a", SHOP.get, limit=2)) == ["c", "d"]


def test_only_what_is_in_stock_or_only_what_is_not(known: BoughtTogether) -> None:
    assert ids(known.companions("a", SHOP.get, in_stock=True)) == ["c"]
    assert ids(known.companions("a", SHOP.get, in_stock=False)) == ["b"]


def test_only_products_that_are_sold_are_listed(known: BoughtTogether) -> None:
    assert ids(known.companions("a", {"d": SHOP["d"]}.get)) == ["d"]


@pytest.mark.parametrize("product_id", ["x", "never-ordered"])
def test_where_nothing_is_known_the_list_is_empty(known: BoughtTogether, product_id: str) -> None:
    assert known.companions(product_id, SHOP.get) == []


def test_a_file_that_was_changed_is_refused_with_the_remedy(store: Store, known: BoughtTogether) -> None:
    folder = store.current("together")
    (folder / PARTNERS_FILE).write_bytes(b"no longer")
    with pytest.raises(ArtifactMismatchError, match=r"not the file that its card describes.*snapshelf orders ORDERS"):
        BoughtTogether.open(folder)


def test_a_server_follows_to_new_orders_and_to_none(store: Store, known: BoughtTogether, tmp_path: Path) -> None:
    in_use = OrdersInUse(store)
    first = in_use.latest()
    assert in_use.latest() is first
    learn_orders(store, write_orders(tmp_path / "orders.csv", BASKETS * 2))
    second = in_use.latest()
    assert second is not None
    assert second.num_orders("a") == 20
    remove_orders(store)
    assert in_use.latest() is None


def test_a_server_stays_with_what_it_has_when_the_new_one_is_broken(
    store: Store, known: BoughtTogether, caplog: pytest.LogCaptureFixture
) -> None:
    in_use = OrdersInUse(store)
    first = in_use.latest()
    broken = store.folder("together", "broken")
    broken.mkdir()
    TogetherCard.read(store.current("together")).write(broken)
    store.use("together", "broken")
    assert in_use.latest() is first
    assert in_use.latest() is first
    assert len(caplog.records) == 1


def test_a_broken_file_is_refused_at_the_start(store: Store, known: BoughtTogether) -> None:
    (store.current("together") / PARTNERS_FILE).unlink()
    with pytest.raises(ArtifactMismatchError):
        OrdersInUse(store)
