"""The search without scripts: pages of products, filters without the photo, and every problem as a page."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st

from snapshelf.imaging import heic
from snapshelf.settings import Settings
from snapshelf.types import Product
from snapshelf.web.app import create_app
from snapshelf.web.cards import safe_link
from snapshelf.web.shelves import Shelves
from snapshelf.web.words import words_for
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

RED = photo_bytes(COLOURS["red thing"], 7)
HOSTILE = "<script>alert(1)</script>"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64


def posted(client: TestClient, photo: bytes = b"", language: str = "en", **fields: str) -> Response:
    """As a browser sends the form: a picker that nothing was chosen in sends an empty file."""
    files = {"photo": ("photo.png" if photo else "", photo)}
    return client.post("/results", params={"language": language}, files=files, data=fields)


def titles(page: Response) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'card-title"><\w+[^>]*>(.*?)<', page.text)]


def test_a_photo_gives_a_page_of_what_it_is_and_of_products(client: TestClient) -> None:
    page = posted(client, RED)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<h1 id="headline">Red thing</h1>' in page.text
    assert re.search(r"Very sure, 9\d%", page.text)
    assert len(titles(page)) == 12
    assert titles(page)[0].startswith("Red Thing")
    assert "€12.00" in page.text
    assert "Same category, very similar look, also red" in page.text


def test_the_page_is_in_the_readers_language(client: TestClient) -> None:
    page = client.post("/results", files={"photo": RED}, headers={"Accept-Language": "de-DE"})
    assert page.headers["content-language"] == "de"
    assert "Gleiche Kategorie, sieht sehr ähnlich aus, auch rot" in page.text
    assert "12,00\xa0€" in page.text


def test_filters_go_on_without_the_photo_and_stay_in_the_form(client: TestClient) -> None:
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', posted(client, RED).text)
    assert seen
    assert seen[1] == hashlib.sha256(RED).hexdigest()
    page = posted(client, seen=seen[1], category="red thing", price_min="", price_max="14.5", in_stock="true")
    assert titles(page) == ["Red Thing 2"]
    assert '<option value="red thing" selected>' in page.text
    assert 'name="price_min" min="0" step="any" value=""' in page.text
    assert 'name="price_max" min="0" step="any" value="14.5"' in page.text
    assert re.search(r'name="in_stock" value="true" checked', page.text)
    assert f'value="{seen[1]}"' in page.text


def test_a_photo_that_is_not_known_any_more_is_asked_for_again(client: TestClient) -> None:
    for seen in ("0" * 64, ""):
        page = posted(client, seen=seen)
        assert page.status_code == 410
        assert "Please choose the photo again" in page.text
        assert 'type="file"' in page.text


def test_nothing_left_by_the_filters_is_said(client: TestClient) -> None:
    page = posted(client, RED, price_min="500")
    assert page.status_code == 200
    assert titles(page) == []
    assert "Nothing fits all of these filters" in page.text


def test_more_like_a_product_is_a_link_that_keeps_the_filters(client: TestClient) -> None:
    page = posted(client, RED, in_stock="true", price_max="100")
    found = re.search(r'href="(/results\?like=p02[^"]*)"', page.text)
    assert found
    more = client.get(html.unescape(found[1]) + "&price_min=&category=")
    assert "More like “Red Thing 2”" in more.text
    assert len(titles(more)) == 5
    assert 'name="like" value="p02"' in more.text
    assert 'value="100"' in more.text
    assert "€12.00 · In stock" in more.text


def test_the_address_alone_leads_to_the_start(client: TestClient) -> None:
    answer = client.get("/results", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?language=en")
    gone = client.get("/results?like=nothing")
    assert gone.status_code == 404
    assert "This product isn’t here any more" in gone.text


def test_what_stores_write_stays_text_and_script_addresses_are_no_links(client: TestClient) -> None:
    shelves: Shelves = client.app.state.shelves  # type: ignore[attr-defined]
    hostile = Product('"><b>', HOSTILE, 'red "<thing>', url="javascript:alert(1)")
    shelves.in_use.gallery.put(hostile, [photo_bytes(COLOURS["red thing"], 500)])
    for page in (posted(client, RED), client.get("/results", params={"like": hostile.id})):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "javascript:" not in page.text
        assert not re.search(r'"><b>|"<thing>', page.text)
    assert HOSTILE in titles(posted(client, RED))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "x\nhttps://y", "", None]
)
def test_links_that_are_none(url: str | None) -> None:
    assert safe_link(url) is None


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("photo", "fields", "status", "title"),
    [
        (b"text", {}, 415, {"en": "This file can’t be read as a photo", "de": "lässt sich nicht als Foto lesen"}),
        (RED[:200], {}, 422, {"en": "its end is missing", "de": "sein Ende fehlt"}),
        (RED, {"price_min": "cheap"}, 422, {"en": "This search can’t be done", "de": "So lässt sich nicht suchen"}),
        (b"", {"seen": "zz"}, 422, {"en": "This search can’t be done", "de": "So lässt sich nicht suchen"}),
    ],
    ids=["text", "cut off", "price", "hash"],
)
def test_problems_are_pages_with_the_form_again(
    client: TestClient, language: str, photo: bytes, fields: dict[str, str], status: int, title: dict[str, str]
) -> None:
    page = posted(client, photo, language, **fields)
    assert page.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert title[language] in page.text
    assert f'action="/results?language={language}"' in page.text


def test_heic_that_is_not_read_says_what_to_do_and_is_not_offered(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("snapshelf.imaging.heic", "snapshelf.web.pages", "snapshelf.web.readable"):
        monkeypatch.setattr(f"{place}.reads_heic", lambda: False)
    page = posted(client, HEIC)
    assert page.status_code == 415
    assert "HEIC photos can’t be read here" in page.text
    assert "export it as JPEG" in page.text
    assert "heic" not in re.findall(r'accept="([^"]*)"', page.text)[0]
    answer = client.post("/api/v1/recommendations", files={"photo": HEIC}).json()
    assert answer["type"] == "urn:snapshelf:problem:heic-not-read"


def test_heic_is_offered_where_it_is_read(client: TestClient) -> None:
    if not heic.reads_heic():
        pytest.skip("pillow-heif is not installed")
    accepted = re.findall(r'accept="([^"]*)"', client.get("/").text)
    assert len(set(accepted)) == 1
    assert accepted[0].startswith("image/jpeg,")
    assert "image/heic" in accepted[0]
    assert "JPEG, HEIC, PNG" in posted(client, b"text").text


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[TestClient]:
    """Two searches a minute, small photos."""
    limits = Settings(threads=1, rate_limit=2, max_upload_bytes=5_000)
    with TestClient(create_app(open_shelf(build_tiny_store(tmp_path), limits), limits)) as running:
        yield running


def test_the_limits_are_those_of_the_api(strict: TestClient) -> None:
    page = posted(strict, RED + bytes(100_000))
    assert page.status_code == 413
    assert "This photo is too large" in page.text
    assert posted(strict, photo_bytes(COLOURS["red thing"], 1, "JPEG")).status_code == 200
    page = posted(strict, RED)
    assert page.status_code == 429
    assert "A little too fast" in page.text
    assert words_for("en", "")("plain.wait", count=int(page.headers["retry-after"])) in page.text
    assert strict.post("/api/v1/recommendations").headers["content-type"] == "application/problem+json"


def test_a_busy_server_says_when_to_come_again(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshelf.web.photo_work.MOST_WAIT_S", 0.0)
    page = posted(client, RED)
    assert page.status_code == 503
    assert "The store is busy right now" in page.text
    assert "Wait a second, then choose the photo again." in page.text


def test_a_crash_is_a_page_too_and_says_nothing_of_itself(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("snapshelf.web.routes.results.cards_of", crash)
    calm = TestClient(client.app, raise_server_exceptions=False)
    page = posted(calm, RED)
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "Something went wrong on our side" in page.text
    assert "a secret" not in page.text
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One for all that is tried."""
    limits = Settings(threads=1)
    shelf = open_shelf(build_tiny_store(tmp_path_factory.mktemp("tried")), limits)
    with TestClient(create_app(shelf, limits)) as running:
        yield running


@given(
    st.sampled_from([b"", RED, RED[:99], HEIC, b"GIF89a"]) | st.binary(max_size=64),
    st.dictionaries(
        st.sampled_from(["seen", "category", "price_min", "price_max", "in_stock", "attribute", "other"]),
        st.sampled_from(["", "true", "1e999", "nan", "-1", "red thing", "a:b", "0" * 64]) | st.text(max_size=20),
    ),
    st.sampled_from(["en", "de", "ar", "xx", "../de", "<b>"]),
)
def test_whatever_is_sent_is_answered_with_a_page(
    lasting: TestClient, photo: bytes, fields: dict[str, str], language: str
) -> None:
    page = posted(lasting, photo, language, **{name: encodable(text) for name, text in fields.items()})
    assert page.status_code in (200, 400, 410, 415, 422)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    assert "<b>" not in page.text


def encodable(text: str) -> str:
    """Half of a pair of UTF-16 can't be sent."""
    return text.encode("utf-8", "ignore").decode()
