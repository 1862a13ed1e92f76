"""The site as `make docs` builds it: without a warning, and whole without a network."""

from __future__ import annotations

import functools
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Request, ViewportSize, expect

from tests.browser.conftest import DESKTOP, PHONE, browser
from website import build as builder

pytest.importorskip("zensical", reason="Zensical is not installed; make setup installs it")

__all__ = ["browser"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builder.build(tmp_path_factory.mktemp("site") / "built")


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
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


class Loaded(HTMLParser):
    """What a page loads by itself, and where its links go."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self.links.append(found.get("href") or "")
        elif tag in ("script", "img", "source", "iframe"):
            self.loads.append(found.get("src") or "")
        elif tag == "link" and found.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(found.get("href") or "")


def test_pages_load_nothing_from_elsewhere_and_their_links_lead_somewhere(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    assert len(pages) > 40
    for page in pages:
        parser = Loaded()
        parser.feed(page.read_text("utf-8"))
        for address in [each for each in parser.loads if each]:
            assert not urlsplit(address).netloc, f"{page.relative_to(site)} loads {address}"
            assert (page.parent / unquote(urlsplit(address).path)).is_file(), f"{page.relative_to(site)}: {address}"
        for link in parser.links:
            if link and not urlsplit(link).scheme and urlsplit(link).path:
                target = page.parent / unquote(urlsplit(link).path)
                assert target.exists(), f"{page.relative_to(site)}: {link}"


@pytest.mark.parametrize("fault", ["[away](nowhere.md)", "[away](data.md#nowhere)"])
def test_a_link_that_leads_nowhere_ends_the_build(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_together = builder.put_together

    def spoilt(pages: Path) -> None:
        put_together(pages)
        (pages / "start.md").write_text(f"# Start\n\n{fault}\n", "utf-8")

    monkeypatch.setattr(builder, "put_together", spoilt)
    with pytest.raises(subprocess.CalledProcessError):
        builder.build(tmp_path / "built")


@pytest.mark.browser
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
