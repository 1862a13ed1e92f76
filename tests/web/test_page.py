"""The page's own routes, and what watches the server."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.tiny_store import COLOURS, photo_bytes


def test_the_page_is_there_and_allows_no_inline_script(client: TestClient) -> None:
    page = client.get("/")
    assert "<html" in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


def test_the_page_loads_only_what_is_there(client: TestClient) -> None:
    for url in ("/static/style.css", "/static/js/main.js", "/privacy", "/favicon.ico"):
        assert client.get(url).status_code == 200, url


def test_the_pages_files_are_asked_for_again_after_an_upgrade(client: TestClient) -> None:
    first = client.get("/static/style.css")
    assert first.headers["cache-control"] == "no-cache"
    assert client.get("/static/style.css", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_the_store_says_what_the_page_needs(client: TestClient) -> None:
    store = client.get("/api/v1/store").json()
    assert store["name"] == "My store"
    assert (store["has_prices"], store["has_stock"]) == (True, True)
    assert [sample["label"] for sample in store["samples"]] == list(COLOURS)
    for sample in store["samples"]:
        photo = client.get(sample["url"])
        answer = client.post("/api/v1/recommendations", files={"photo": photo.content}).json()
        assert answer["prediction"]["label"] == sample["label"]


@pytest.mark.parametrize("number", ["3", "-1", "../card.json"])
def test_a_sample_that_is_not_there(client: TestClient, number: str) -> None:
    assert client.get(f"/api/v1/samples/{number}").status_code in (404, 422)


def test_health_readiness_documentation_and_schema(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["model_id"] == "tiny-1"
    assert "swagger" in client.get("/docs").text.lower()
    paths = client.get("/openapi.json").json()["paths"]
    form = paths["/api/v1/recommendations"]["post"]["requestBody"]["content"]
    assert list(form) == ["multipart/form-data"]


def test_methods_that_strangers_make_up_are_counted_as_one(client: TestClient) -> None:
    for number in range(3):
        client.request(f"MADEUP{number}", "/")
    text = client.get("/metrics").text
    assert "MADEUP" not in text
    assert 'method="other"' in text


def test_metrics_count_requests_and_verdicts(client: TestClient) -> None:
    client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS["red thing"])})
    client.get("/api/v1/products/p00")
    text = client.get("/metrics").text
    assert 'snapshelf_verdicts_total{verdict="confident"} 1.0' in text
    assert 'route="/api/v1/products/{product_id:path}"' in text
    assert 'snapshelf_stage_seconds_count{stage="encode"} 1.0' in text


def test_an_unknown_address_is_a_problem_document(client: TestClient) -> None:
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
