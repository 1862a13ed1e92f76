"""Who may read answers from another site: nobody, or the origins that are named, on public routes alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Headers, Response
from pydantic import SecretStr

from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.web.guards.in_flight import InFlight
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes
from tests.web.conftest import ADMIN, ADMIN_KEY

SHOP = "https://shop.example"
FROM_SHOP = {"Origin": SHOP}
STRANGERS = [
    "https://other.example", "http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example",
    "https://evilshop.example", "https://SHOP.example", "null", "*", "",
]  # fmt: skip
PUBLIC = [
    "/api/v1/store",
    "/api/v1/products",
    "/api/v1/products/p00/image",
    "/static/js/api.js",
    "/static/words/en.json",
]
RED = photo_bytes(COLOURS["red thing"], 5)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cors")


@pytest.fixture(scope="module")
def shop_client(root: Path) -> Iterator[TestClient]:
    """Of a server that allows two origins."""
    origins = (SHOP, "http://localhost:3000")
    settings = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1, allowed_origins=origins, max_upload_bytes=200_000)
    app = create_app(open_shelf(build_tiny_store(root), settings), settings)
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def allowed(headers: Headers) -> dict[str, str]:
    """What an answer says of other origins."""
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


def asked(client: TestClient, path: str, method: str, origin: str = SHOP, headers: str = "") -> dict[str, str]:
    """What a browser hears when it asks beforehand."""
    question = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        question["Access-Control-Request-Headers"] = headers
    return allowed(client.options(path, headers=question).headers)


@pytest.mark.parametrize("path", PUBLIC)
def test_without_named_origins_nobody_is_allowed(client: TestClient, path: str) -> None:
    assert allowed(client.get(path, headers=FROM_SHOP).headers) == {}
    assert asked(client, path, "GET") == {}


@pytest.mark.parametrize("path", PUBLIC)
def test_a_named_origin_may_read_public_routes_without_credentials(shop_client: TestClient, path: str) -> None:
    answer = shop_client.get(path, headers=FROM_SHOP)
    assert answer.status_code == 200
    assert allowed(answer.headers) == {
        "access-control-allow-origin": SHOP,
        "access-control-expose-headers": "Retry-After, X-Request-ID",
    }
    assert answer.headers["Vary"].count("Origin") == 1


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize("path", PUBLIC)
def test_no_other_may_and_caches_are_told_that_it_depends(shop_client: TestClient, path: str, origin: str) -> None:
    answer = shop_client.get(path, headers={"Origin": origin})
    assert allowed(answer.headers) == {}
    assert "Origin" in answer.headers["Vary"]
    assert asked(shop_client, path, "GET", origin) == {}


def test_what_stays_with_the_server_without_an_origin_is_not_for_one(shop_client: TestClient) -> None:
    assert "Origin" in shop_client.get("/api/v1/products/p00/image").headers["Vary"]


def test_a_search_may_be_asked_for_beforehand(shop_client: TestClient) -> None:
    found = asked(shop_client, "/api/v1/recommendations", "POST", headers="content-type,x-request-id")
    assert found["access-control-allow-origin"] == SHOP
    assert found["access-control-allow-methods"] == "GET, HEAD, POST"
    assert "access-control-allow-credentials" not in found


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_products_are_never_changed_from_elsewhere(shop_client: TestClient, method: str) -> None:
    assert asked(shop_client, "/api/v1/products/p00", method) == {}
    answer = shop_client.request(method, "/api/v1/products/none", headers=FROM_SHOP | ADMIN)
    assert allowed(answer.headers) == {}


@pytest.mark.parametrize(
    "path",
    ["/api/v1/admin/feedback", "/api/v1/admin", "/", "/docs", "/openapi.json", "/metrics", "/readyz", "/results"],
)
def test_neither_staff_routes_nor_pages_nor_metrics_are_public(shop_client: TestClient, path: str) -> None:
    for method in ("GET", "POST"):
        assert allowed(shop_client.request(method, path, headers=FROM_SHOP | ADMIN).headers) == {}
        assert asked(shop_client, path, method, headers="authorization") == {}


def test_a_key_is_not_taken_from_elsewhere(shop_client: TestClient) -> None:
    question = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    assert shop_client.options("/api/v1/products", headers=question).status_code == 400


@pytest.mark.parametrize(
    ("photo", "status"), [(b"text", 415), (b"", 415), (RED[:200], 422), (b"x" * 300_000, 413), (None, 422)]
)
def test_refusals_can_be_read(shop_client: TestClient, photo: bytes | None, status: int) -> None:
    files = {"other": RED} if photo is None else {"photo": photo}
    answer = shop_client.post("/api/v1/recommendations", files=files, headers=FROM_SHOP)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert allowed(answer.headers)["access-control-allow-origin"] == SHOP


def test_too_many_can_be_read_with_the_seconds_to_wait(root: Path) -> None:
    limits = Settings(threads=1, allowed_origins=(SHOP,), rate_limit=1)
    with TestClient(create_app(open_shelf(build_tiny_store(root / "fast"), limits), limits)) as client:
        first, second = (client.post("/api/v1/recommendations", files={"photo": RED}, headers=FROM_SHOP) for _ in "12")
    assert (first.status_code, second.status_code) == (200, 429)
    assert_tells_when(second)


def test_busy_can_be_read_with_the_seconds_to_wait(shop_client: TestClient) -> None:
    guard = in_flight_of(shop_client.app)
    guard.in_flight += guard.most
    answer = shop_client.post("/api/v1/recommendations", files={"photo": RED}, headers=FROM_SHOP)
    guard.in_flight -= guard.most
    assert answer.status_code == 503
    assert_tells_when(answer)


def in_flight_of(app: Any) -> InFlight:
    """The guard that counts, among those that stand before the application."""
    stack = app.middleware_stack
    while not isinstance(stack, InFlight):
        stack = stack.app
    return stack


def assert_tells_when(answer: Response) -> None:
    assert allowed(answer.headers)["access-control-allow-origin"] == SHOP
    assert answer.headers["Retry-After"].isdigit()
    assert answer.headers["X-Request-ID"]


def test_a_crash_can_be_read(shop_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshelf.web.routes.products.count_by_category", lambda _: 1 / 0)
    answer = shop_client.get("/api/v1/categories", headers=FROM_SHOP)
    assert (answer.status_code, allowed(answer.headers)["access-control-allow-origin"]) == (500, SHOP)
    assert "Origin" in answer.headers["Vary"]
    assert allowed(shop_client.get("/api/v1/categories", headers={"Origin": STRANGERS[0]}).headers) == {}


def test_only_pictures_of_products_may_be_shown_elsewhere_without_asking(shop_client: TestClient) -> None:
    """What a browser loads without CORS, an <img> say. Scripts and searches are asked for with it."""
    policies = {
        path: shop_client.get(path, headers=FROM_SHOP).headers["Cross-Origin-Resource-Policy"] for path in PUBLIC
    }
    assert [path for path in PUBLIC if policies[path] == "cross-origin"] == ["/api/v1/products/p00/image"]
    assert set(policies.values()) == {"cross-origin", "same-origin"}
