"""Words, examples, attributes, facets, and where a photo matches."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.tiny_store import COLOURS, photo_bytes
from tests.web.conftest import ADMIN

URL = "/api/v1/recommendations"
RED = photo_bytes(COLOURS["red thing"], 99)


def put(client: TestClient, product_id: str, **changes: Any) -> None:
    """Change what is said of a product of the tiny store."""
    said = client.get(f"/api/v1/products/{product_id}").json()
    body = {name: said[name] for name in ("title", "category", "price", "currency", "in_stock", "attributes")} | changes
    assert client.put(f"/api/v1/products/{product_id}", json=body, headers=ADMIN).status_code == 200


def found(client: TestClient, **fields: Any) -> list[dict[str, Any]]:
    answer = client.post(URL, files={"photo": ("photo.png", RED)}, data=fields)
    assert answer.status_code == 200, answer.text
    recommendations: list[dict[str, Any]] = answer.json()["recommendations"]
    return recommendations


def ids(recommendations: list[dict[str, Any]]) -> list[str]:
    return [each["product"]["id"] for each in recommendations]


def test_words_beside_a_photo_bring_their_products_forward(client: TestClient) -> None:
    put(client, "p00", title="Leather strap")
    first = found(client, text="leather")[0]
    assert first["product"]["id"] == "p00"
    assert "has «leather»" in first["reason"]
    assert {"kind": "words", "values": ["leather"]} in first["reasons"]


def test_attributes_filter(client: TestClient) -> None:
    put(client, "p02", attributes={"brand": "Other", "size": 3.0})
    assert ids(found(client, attribute="brand:Other")) == ["p02"]
    assert ids(found(client, attribute=["brand:Other", "size:3"])) == ["p02"]
    assert len(found(client, attribute=["brand:Other", "brand:Acme"])) == 12
    assert found(client, attribute=["brand:Other", "size:4"]) == []


def test_an_attribute_that_cannot_be_read_is_a_problem(client: TestClient) -> None:
    answer = client.post(URL, files={"photo": ("photo.png", RED)}, data={"attribute": "brand"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:snapshelf:problem:bad-request-field")
    assert "expected name:value" in answer.json()["detail"]


def test_a_category_added_a_second_ago_is_recognised(client: TestClient) -> None:
    yellow = (240, 240, 10)

    def taken_for() -> tuple[str, str]:
        answer = client.post(URL, files={"photo": ("photo.png", photo_bytes(yellow, 1))}).json()["prediction"]
        return answer["label"], answer["verdict"]

    assert taken_for()[1] == "unknown"
    picture = base64.b64encode(photo_bytes(yellow, 2)).decode()
    body = {"title": "Lemon", "category": "yellow thing", "image_base64": picture}
    assert client.put("/api/v1/products/lemon", json=body, headers=ADMIN).status_code == 200
    assert taken_for() == ("yellow thing", "likely")
    assert client.delete("/api/v1/products/lemon", headers=ADMIN).status_code == 204
    assert taken_for()[1] == "unknown"


def test_reasons_name_a_shared_colour(client: TestClient) -> None:
    assert "also red" in found(client)[0]["reason"]
    assert {"kind": "colours", "values": ["red"]} in found(client)[0]["reasons"]


def test_more_like_a_product(client: TestClient) -> None:
    answer = client.get(URL, params={"like": "p02", "top_k": 3}).json()
    assert set(answer) == {"model_id", "recommendations", "timing_ms"}
    assert {each["product"]["category"] for each in answer["recommendations"]} == {"red thing"}
    assert "p02" not in ids(answer["recommendations"])
    assert "also by Acme" in answer["recommendations"][0]["reason"]


def test_like_this_but_not_that(client: TestClient) -> None:
    params: dict[str, Any] = {"like": ["p02"], "unlike": ["p00"], "top_k": 12}
    answer = client.get(URL, params=params).json()["recommendations"]
    assert not {"p00", "p02"} & set(ids(answer))
    assert answer[-1]["product"]["category"] == "blue thing"


@pytest.mark.parametrize(("params", "status"), [({}, 422), ({"like": "none"}, 404), ({"like": "p00", "top_k": 0}, 422)])
def test_examples_that_cannot_be_used(client: TestClient, params: dict[str, Any], status: int) -> None:
    answer = client.get(URL, params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_facets_count_what_each_choice_would_leave(client: TestClient) -> None:
    put(client, "p02", attributes={"brand": "Other"})
    everything = client.get("/api/v1/facets").json()
    assert everything["num_products"] == 12
    assert everything["categories"] == {"blue thing": 4, "green thing": 4, "red thing": 4}
    assert everything["num_in_stock"] == 6
    assert (everything["price_min"], everything["price_max"]) == (10.0, 21.0)
    assert everything["attributes"] == {"brand": {"Acme": 11, "Other": 1}}
    red = client.get("/api/v1/facets", params={"category": "red thing", "in_stock": True}).json()
    assert red["num_products"] == 2
    assert red["categories"] == {"blue thing": 2, "green thing": 2, "red thing": 2}
    assert red["num_in_stock"] == 2
    assert (red["price_min"], red["price_max"]) == (12.0, 18.0)
    assert red["attributes"] == {"brand": {"Acme": 1, "Other": 1}}


def test_facets_refuse_what_is_no_filter(client: TestClient) -> None:
    assert client.get("/api/v1/facets", params={"price_min": -1}).status_code == 422
    assert client.get("/api/v1/facets", params={"attribute": "x"}).status_code == 422


def test_a_map_shows_what_matched(client: TestClient) -> None:
    answer = client.post("/api/v1/products/p02/match", files={"photo": ("photo.png", RED)})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["similarity"] > 0.9
    assert [len(row) for row in body["map"]] == [7] * 7
    assert all(0 <= cell <= 1 for row in body["map"] for cell in row)


@pytest.mark.parametrize(
    ("product_id", "data", "fields", "status"),
    [("none", RED, {}, 404), ("p02", b"no photo", {}, 415), ("p02", RED, {"box": "0,0,2,2"}, 422)],
)
def test_a_map_of_what_cannot_be_matched(
    client: TestClient, product_id: str, data: bytes, fields: dict[str, str], status: int
) -> None:
    answer = client.post(f"/api/v1/products/{product_id}/match", files={"photo": ("p.png", data)}, data=fields)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
