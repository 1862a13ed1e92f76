"""What strangers may try: the headers, the key, texts of products, addresses, and what is never fetched."""

from __future__ import annotations

import http.client
import logging
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.fuzz.hostile import HOSTILE
from tests.serving import served
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes
from tests.web.conftest import ADMIN, ADMIN_KEY

SECRET_WORDS = "a secret of the file system"
RED = photo_bytes(COLOURS["red thing"], 5)
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("guarded")
    (found / "secret.txt").write_text(SECRET_WORDS, "utf-8")
    return found


@pytest.fixture(scope="module")
def app(root: Path) -> FastAPI:
    limits = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)
    return create_app(open_shelf(build_tiny_store(root), limits), limits)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


@pytest.mark.parametrize(
    "path", ["/", "/privacy", "/static/style.css", "/healthz", "/nothing", "/api/v1/products?limit=0"]
)
def test_every_answer_has_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/privacy", "/results?like=p02", "/admin", "/docs"])
def test_pages_may_use_the_camera_and_nothing_else(client: TestClient, path: str) -> None:
    allowed = client.get(path).headers["Permissions-Policy"]
    assert "camera=(self)" in allowed
    assert "geolocation=()" in allowed


def test_pictures_of_products_may_be_shown_elsewhere(client: TestClient) -> None:
    assert client.get("/api/v1/products/p00/image").headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_a_crash_is_a_problem_with_the_headers_and_says_nothing_of_itself(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError(SECRET_WORDS)

    monkeypatch.setattr("snapshelf.web.routes.products.count_by_category", crash)
    answer = client.get("/api/v1/categories")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json()["type"] == "urn:snapshelf:problem:internal"
    assert SECRET_WORDS not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/privacy", "/results?like=p02", "/results?like=gone"])
def test_pages_have_no_inline_script_or_style(client: TestClient, path: str) -> None:
    text = client.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"(src|href)=[\"'](https?:)?//", re.sub(r"<a [^>]*>", "", text))  # links to products are


@pytest.mark.parametrize("method", ["POST", "PATCH", "PROPFIND"])
def test_a_method_that_is_not_there_is_a_problem_that_names_those_that_are(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/v1/products/p00")
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
    assert answer.headers["Allow"] == "DELETE, GET, PUT"
    assert "DELETE, GET, PUT is" in answer.json()["detail"]


def test_the_key_is_compared_in_constant_time(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def noted(given: bytes, wanted: bytes) -> bool:
        compared.append((given, wanted))
        return given == wanted

    monkeypatch.setattr(secrets, "compare_digest", noted)
    assert client.get("/api/v1/admin/feedback", headers={"Authorization": "Bearer guess"}).status_code == 401
    assert compared == [(b"guess", ADMIN_KEY.encode())]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic b3Blbg==", ADMIN_KEY, f"Bearer {ADMIN_KEY}x", "Bearer é"]
)
def test_other_keys_are_refused(client: TestClient, header: str) -> None:
    for method, path in (("GET", "/api/v1/admin/feedback"), ("DELETE", "/api/v1/products/p00")):
        answer = client.request(method, path, headers={b"Authorization": header.encode("latin-1")})
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_key_is_neither_logged_nor_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "the-key-of-the-staff"
    limits = Settings(admin_key=SecretStr(key), threads=1)
    told = [repr(limits), str(limits)]
    with TestClient(create_app(open_shelf(build_tiny_store(root / "own"), limits), limits)) as client:
        for path, body in (("p00", {"title": 1}), ("p00", {"title": "Lamp", "category": "lamp"})):
            answer = client.put(f"/api/v1/products/{path}", json=body, headers={"Authorization": f"Bearer {key}"})
            told += [answer.text, str(answer.headers)]
        told += [client.get("/metrics").text, client.get("/openapi.json").text]
    assert key not in caplog.text
    assert not any(key in text for text in told)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,hi",
        "vbscript:x",
        "x\nhttps://y",
    ],
)
def test_links_that_are_none_are_refused(client: TestClient, url: str) -> None:
    body = {"title": "Red", "category": "red thing", "url": url}
    answer = client.put("/api/v1/products/p02", json=body, headers=ADMIN)
    assert answer.status_code == 422
    assert "'url'" in answer.json()["detail"]


@pytest.mark.parametrize(
    "attributes",
    ['{"a": NaN}', '{"a": 1e999}', '{"a": -Infinity}', '{"\\ud800": "\\udfff"}', '{"a": [1]}', "[" * 50_000],
    ids=["nan", "too large", "infinity", "half characters", "list", "deep"],
)
def test_what_json_cannot_hold_is_refused_in_words(client: TestClient, attributes: str) -> None:
    body = f'{{"title": "Red", "category": "red thing", "attributes": {attributes}}}'
    answer = client.put("/api/v1/products/p02", content=body, headers=ADMIN | {"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM
    assert client.get("/api/v1/products").status_code == 200


def test_script_in_a_title_stays_text(client: TestClient) -> None:
    title = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    body = {"title": title, "category": "red thing", "attributes": {"<b>": "</script>"}}
    answer = client.put("/api/v1/products/p05", json=body, headers=ADMIN)
    assert answer.headers["content-type"] == "application/json"
    assert client.get("/api/v1/products/p05").json()["title"] == title


TRAVERSALS = [
    "../secret.txt", "..%2f..%2fsecret.txt", "%2e%2e/%2e%2e/secret.txt", "....//secret.txt", "..\\..\\secret.txt",
    "..%5c..%5csecret.txt", "%252e%252e%252fsecret.txt", "%00", "secret.txt%00.png", "/etc/passwd", "%2fetc%2fpasswd",
    "file:///etc/passwd", "%c0%ae%c0%ae/secret.txt", "..;/secret.txt", ".", "..", "%ff%fe", "a%0d%0aSet-Cookie:x=1",
]  # fmt: skip
PLACES = ["/static/{}", "/api/v1/samples/{}", "/api/v1/products/{}", "/api/v1/products/{}/image", "/{}", "/docs/{}"]


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    limits = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)
    with served(open_shelf(build_tiny_store(root / "served"), limits), limits) as running:
        yield running


def fetched(address: str, path: str) -> tuple[int, bytes, str]:
    """As it is written: no client tidies the path up."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.putrequest("GET", path, skip_accept_encoding=True)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, str(answer.headers)


@pytest.mark.parametrize("place", PLACES)
def test_no_path_leads_out(address: str, place: str) -> None:
    for path in TRAVERSALS:
        status, body, headers = fetched(address, place.format(path))
        assert status in (400, 404, 405, 422) or (status == 200 and b"<!doctype html>" in body.lower()[:200]), path
        assert SECRET_WORDS.encode() not in body
        assert b"root:" not in body
        assert "set-cookie" not in headers.lower()


PIECES = ("..", "/", "%2f", "%2e", "\\", "%00", "secret.txt", "%5c", "a")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PLACES), st.lists(st.sampled_from(PIECES), max_size=12))
def test_nor_does_any_other(address: str, place: str, parts: list[str]) -> None:
    status, body, _ = fetched(address, place.format("".join(parts)))
    assert status < 500
    assert SECRET_WORDS.encode() not in body


def test_nothing_is_fetched_for_a_customer(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        asked.append(arguments)
        raise OSError("no outside here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    address = "http://169.254.169.254/latest/meta-data"
    svg = f"<svg xmlns:x='http://www.w3.org/1999/xlink'><image x:href='{address}'/></svg>".encode()
    for photo in (address.encode(), svg, HOSTILE["svg under a picture's name"](0), HOSTILE["eps"](0), RED):
        client.post("/api/v1/recommendations", files={"photo": photo}, data={"text": address, "category": address})
    assert client.post("/api/v1/recommendations", data={"photo": address}).status_code == 422
    body = {"title": address, "category": "red thing", "url": address, "attributes": {"image": address}}
    assert client.put("/api/v1/products/p08", json=body, headers=ADMIN).status_code == 200
    assert client.put("/api/v1/products/p08", json=body | {"image_base64": address}, headers=ADMIN).status_code == 422
    assert asked == []


def test_hostile_files_through_the_whole_application(client: TestClient) -> None:
    for name, make in HOSTILE.items():
        if "49 million" not in name and "7,000" not in name:
            answer = client.post("/api/v1/recommendations", files={"photo": make(100_000)})
            assert answer.status_code in (200, 413, 415, 422), name
            assert answer.status_code == 200 or answer.headers["content-type"] == PROBLEM
    assert client.post("/api/v1/recommendations", files={"photo": RED}).status_code == 200
