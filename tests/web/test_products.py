"""Products over HTTP: for customers to look at, for staff to change."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes
from tests.web.conftest import ADMIN

NEW = {"title": "Scarlet scarf", "category": "red thing", "price": 5.5, "currency": "EUR", "in_stock": True}
PICTURE = {"image_base64": base64.b64encode(photo_bytes(COLOURS["red thing"], 500)).decode()}


def nearest_to_red(client: TestClient) -> list[str]:
    answer = client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS["red thing"], 500)})
    return [each["product"]["id"] for each in answer.json()["recommendations"]]


def test_products_come_in_pages_in_the_order_of_their_ids(client: TestClient) -> None:
    first = client.get("/api/v1/products", params={"limit": 5}).json()
    rest = client.get("/api/v1/products", params={"offset": 5, "limit": 50}).json()
    assert first["total"] == rest["total"] == 12
    assert [product["id"] for product in first["products"] + rest["products"]] == [f"p{n:02}" for n in range(12)]


def test_products_of_a_category(client: TestClient) -> None:
    page = client.get("/api/v1/products", params={"category": "blue thing"}).json()
    assert page["total"] == 4
    assert {product["category"] for product in page["products"]} == {"blue thing"}


def test_categories_are_counted(client: TestClient) -> None:
    assert client.get("/api/v1/categories").json() == {
        "categories": [{"name": name, "num_products": 4} for name in ("blue thing", "green thing", "red thing")]
    }


def test_a_picture_is_not_sent_twice(client: TestClient) -> None:
    url = "/api/v1/products/p00/image"
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


@pytest.mark.parametrize("url", ["/api/v1/products/nothing", "/api/v1/products/nothing/image"])
def test_a_product_that_is_not_there(client: TestClient, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:snapshelf:problem:product-not-found")


def test_a_new_product_is_found_by_photo_at_once(client: TestClient) -> None:
    assert client.put("/api/v1/products/new-1", json=NEW | PICTURE, headers=ADMIN).status_code == 200
    assert nearest_to_red(client)[0] == "new-1"
    assert client.get("/api/v1/products/new-1").json()["price"] == 5.5


def test_an_id_with_slashes_and_signs_works_everywhere(client: TestClient) -> None:
    url = f"/api/v1/products/{quote('a/b ü?.jpg', safe='')}"
    assert client.put(url, json=NEW | PICTURE, headers=ADMIN).status_code == 200
    product = client.get(url).json()
    assert product["id"] == "a/b ü?.jpg"
    assert client.get(product["image_url"]).status_code == 200


def test_price_and_stock_change_without_a_photo(client: TestClient) -> None:
    client.put("/api/v1/products/p02", json=NEW | {"price": 99, "in_stock": False}, headers=ADMIN)
    product = client.get("/api/v1/products/p02").json()
    assert (product["price"], product["in_stock"], product["title"]) == (99, False, "Scarlet scarf")
    assert "p02" in nearest_to_red(client)


def test_a_new_product_needs_a_photo(client: TestClient) -> None:
    answer = client.put("/api/v1/products/new-2", json=NEW, headers=ADMIN)
    assert answer.status_code == 422
    assert "send image_base64" in answer.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"price": -1},
        {"url": "javascript:alert(1)"},
        {"currency": "euros"},
        {"image_base64": "not base64!"},
        {"image_base64": base64.b64encode(b"no picture").decode()},
        {"colour": "red"},
        {"title": ""},
    ],
)
def test_a_bad_product_is_refused_and_changes_nothing(client: TestClient, change: dict[str, object]) -> None:
    before = client.get("/api/v1/products/p00").json()
    assert client.put("/api/v1/products/p00", json=NEW | change, headers=ADMIN).status_code in (415, 422)
    assert client.get("/api/v1/products/p00").json() == before


def test_a_removed_product_is_gone_with_its_picture(client: TestClient) -> None:
    assert client.delete("/api/v1/products/p02", headers=ADMIN).status_code == 204
    assert "p02" not in nearest_to_red(client)
    assert client.get("/api/v1/products/p02/image").status_code == 404
    assert client.delete("/api/v1/products/p02", headers=ADMIN).status_code == 404


def test_without_the_key_nothing_changes(client: TestClient) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    for headers in ({}, wrong):
        assert client.put("/api/v1/products/p00", json=NEW, headers=headers).status_code == 401
        assert client.delete("/api/v1/products/p00", headers=headers).status_code == 401
        assert client.get("/api/v1/admin/feedback", headers=headers).status_code == 401


def test_without_a_configured_key_staff_routes_are_closed(tmp_path: Path) -> None:
    settings = Settings(admin_key=None, threads=1)
    with TestClient(create_app(open_shelf(build_tiny_store(tmp_path), settings), settings)) as client:
        assert client.put("/api/v1/products/p00", json=NEW, headers=ADMIN).status_code == 403
        assert client.get("/api/v1/admin/feedback").status_code == 403


def test_products_are_found_by_words_and_by_id(client: TestClient) -> None:
    def found(**query: str | int) -> tuple[list[str], int]:
        answer = client.get("/api/v1/products", params=query).json()
        return [each["id"] for each in answer["products"]], answer["total"]

    assert found(text="green 4")[0][0] == "p04"
    assert found(text=" p07 ") == (["p07"], 1)
    assert found(text="red", limit=2) == (["p02", "p05"], 4)
    assert found(text="red", limit=2, offset=2) == (["p08", "p11"], 4)
    assert found(text="red", category="blue thing") == ([], 0)
    assert found(text="  ")[1] == 12
