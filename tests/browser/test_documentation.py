"""The documentation's site in a browser that reaches nothing but it: readable on a phone, dark, and searchable."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Request, ViewportSize, expect

from tests.browser.conftest import DESKTOP, PHONE
from website.build import build

pytest.importorskip("zensical", reason="Zensical is not installed; make setup installs it")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    site = build(tmp_path_factory.mktemp("site") / "built")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_reader_without_a_network_searches_and_nothing_scrolls_sideways(
    browser: Browser, address: str, size: ViewportSize
) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            asked.append(request.url)

    with browser.new_context(viewport=size, color_scheme="dark", base_url=address) as context:
        page = context.new_page()
        page.on("request", note)
        for path in ("/", "/commands/", "/results/", "/architecture/", "/routes/"):
            page.goto(path)
            too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(too_wide), path
        dark = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
        assert page.evaluate(dark) < 60
        page.locator(".md-search__button, .md-header label[for=__search]").locator("visible=true").first.click()
        page.locator("input[aria-label=Search]").fill("shadow")
        expect(page.get_by_role("option").filter(has_text="serve").first).to_be_visible()
    assert asked == []
