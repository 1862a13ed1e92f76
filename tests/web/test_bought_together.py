"""What was bought with a product, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from snapshelf.pipelines.orders import learn_orders
from snapshelf.settings import Settings
from snapshelf.types import Product
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.baskets import shoes_and_laces, write_orders
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

P00 = "/api/v1/products/p00/bought-together"


@pytest.fixture
def seller(tmp_path: Path) -> Iterator[TestClient]:
    """A store with orders; one of its products has an id with slashes, and one that is ordered is not sold."""
    store = build_tiny_store(tmp_path / "seller")
    baskets = [*shoes_and_laces(), *[{"p00", "old"}] * 20, *[{"p00", "a/b"}] * 5]
    learn_orders(store, write_orders(tmp_path / "orders.csv", baskets))
    shelf = open_shelf(store, Settings(threads=1))
    shelf.gallery.put(Product(id="a/b", title="Laces", category="red thing"), [photo_bytes(COLOURS["red thing"], 500)])
    with TestClient(create_app(shelf, Settings(threads=1))) as running:
        yield running


def test_products_come_with_true_figures_and_a_reason(seller: TestClient) -> None:
    answer = seller.get(P00).json()
    # p00: 60 + 10 + 11 alone + 20 + 5 of 265 orders; p01: 60 + 11.
    assert (answer["product_id"], answer["num_orders"]) == ("p00", 106)
    by_id = {each["product"]["id"]: each for each in answer["bought_together"]}
    assert list(by_id) == [
        "a/b",
        "p01",
        "p07",
    ]  # p01 and p07 are out of stock, «old» is not sold, p05 came along by chance
    p01 = by_id["p01"]
    assert (p01["support"], p01["confidence"]) == (60, round(60 / 106, 4))
    assert p01["lift"] == round(60 * 265 / (106 * 71), 2)
    assert p01["reason"] == "in 60 of 106 orders with this product"
    assert p01["product"]["image_url"] == "/api/v1/products/p01/image"


def test_limit_and_stock(seller: TestClient) -> None:
    assert len(seller.get(P00, params={"limit": 1}).json()["bought_together"]) == 1
    sold_out = seller.get(P00, params={"in_stock": False}).json()["bought_together"]
    assert [each["product"]["id"] for each in sold_out] == ["p01", "p07"]
    assert seller.get(P00, params={"in_stock": True}).json()["bought_together"] == []
    assert seller.get(P00, params={"limit": 0}).status_code == 422


def test_an_id_with_slashes(seller: TestClient) -> None:
    answer = seller.get("/api/v1/products/a%2Fb/bought-together").json()
    assert [each["product"]["id"] for each in answer["bought_together"]] == ["p00"]


def test_a_product_that_nobody_bought_with_another(seller: TestClient) -> None:
    assert seller.get("/api/v1/products/p03/bought-together").json()["bought_together"] == []


def test_a_product_that_is_not_there(seller: TestClient) -> None:
    answer = seller.get("/api/v1/products/old/bought-together")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:snapshelf:problem:product-not-found")


def test_the_page_is_told_whether_to_ask(seller: TestClient, client: TestClient) -> None:
    assert seller.get("/api/v1/store").json()["has_orders"] is True
    assert client.get("/api/v1/store").json()["has_orders"] is False


def test_without_orders_the_list_is_empty(client: TestClient) -> None:
    answer = client.get(P00)
    assert (answer.status_code, answer.json()) == (200, {"product_id": "p00", "num_orders": 0, "bought_together": []})
