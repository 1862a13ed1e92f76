"""The page on a device: it can be installed, opens without a connection, and is never of two versions at once."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from snapshelf.settings import Settings
from snapshelf.web.routes import page as page_routes
from snapshelf.wiring import open_shelf
from tests.browser.conftest import PHONE, ShowPhoto, browser_path, open_context
from tests.browser.test_accessible import faults
from tests.browser.test_search import CARDS
from tests.serving import served
from tests.tiny_store import build_tiny_store

pytestmark = pytest.mark.browser

KEPT = "caches.open('snapshelf-kept').then((cache) => cache.keys()).then((all) => all.map(({ url }) => url))"
READY = "navigator.serviceWorker.ready.then(() => true)"
SHELLS = "caches.keys().then((names) => names.filter((name) => name.startsWith('snapshelf-shell-')))"
WAITING = "(await navigator.serviceWorker.getRegistration()).waiting !== null"
KEPT_PICTURES = f"""(await {KEPT}).filter((url) => url.includes("/image")).length"""


@pytest.fixture
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """One for each test, which may keep the page."""
    context = open_context(browser, live_server, keeps_page=True)
    yield context
    context.close()


def test_a_browser_would_install_it(browser: Browser, live_server: str, tmp_path: Path) -> None:
    """In a profile on disk: what is private can never be installed."""
    with contextlib.ExitStack() as stack:
        context = browser.browser_type.launch_persistent_context(
            tmp_path, executable_path=browser_path(), args=["--no-sandbox", "--disable-gpu"], base_url=live_server
        )
        stack.callback(context.close)
        page = context.pages[0]
        page.goto("/")
        assert page.evaluate(READY)
        tools = context.new_cdp_session(page)
        found = tools.send("Page.getAppManifest")
        assert found["url"] == f"{live_server}/manifest.webmanifest"
        assert found["errors"] == []
        assert tools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []


def test_without_a_connection_the_page_opens_with_what_was_looked_at_last(page: Page, show_photo: ShowPhoto) -> None:
    page.evaluate("localStorage.setItem('snapshelf.recent', '[\"p02\", \"p03\"]')")
    page.reload()
    expect(page.locator("#recent li")).to_have_count(2)
    assert page.evaluate(READY)
    wait_until(page, f"{KEPT_PICTURES} === 2")
    cut_off(page)
    expect(page.locator("#offline")).to_contain_text("You’re offline")
    expect(page.locator("#store-name")).to_have_text("My store")
    expect(page.locator("#samples")).to_be_hidden()
    expect(page.locator(".recent-title")).to_have_text(["Red Thing 2", "Blue Thing 3"])
    for picture in page.locator("#recent img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("(image) => image.naturalWidth") > 0
    show_photo()
    expect(page.get_by_role("alert")).to_contain_text("You’re offline")
    expect(page.locator("#photo")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator("#offline")).to_be_empty()


def test_a_product_is_put_aside_as_soon_as_it_is_looked_at(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    page.locator(CARDS).filter(has_text="Green Thing 4").get_by_role("button", name="More like this").click()
    wait_until(page, f"{KEPT_PICTURES} === 1")
    assert page.evaluate(READY)
    cut_off(page, "/")
    expect(page.locator(".recent-title")).to_have_text(["Green Thing 4"])


def test_searches_are_not_kept_and_clearing_forgets_the_pictures(page: Page, show_photo: ShowPhoto) -> None:
    assert page.evaluate(READY)
    page.evaluate("localStorage.setItem('snapshelf.recent', '[\"p02\", \"gone\"]')")
    page.reload()
    wait_until(page, f"{KEPT_PICTURES} === 1")
    show_photo()
    expect(page.locator(CARDS)).to_have_count(12)
    addresses = page.evaluate(KEPT)
    assert sorted(url.split("/api/v1/")[1].split("?")[0] for url in addresses) == [
        "products/p02", "products/p02/image", "store"
    ]  # fmt: skip
    page.get_by_role("link", name="My store").click()
    page.get_by_role("button", name="Clear recently viewed").click()
    wait_until(page, f"{KEPT_PICTURES} === 0")
    assert [url.split("/api/v1/")[1] for url in page.evaluate(KEPT)] == ["store"]


def test_other_addresses_are_left_to_the_network(page: Page) -> None:
    assert page.evaluate(READY)
    page.reload()
    assert page.evaluate("navigator.serviceWorker.controller !== null")
    page.goto("/docs")
    expect(page.locator("body")).to_contain_text("snapshelf")
    page.goto("/privacy")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("What happens to your photo")


def test_a_new_version_takes_over_whole_and_the_old_one_is_removed(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two modules that name their version are never seen in two versions."""
    static = tmp_path / "static"
    shutil.copytree(page_routes.STATIC, static)
    monkeypatch.setattr(page_routes, "STATIC", static)
    settings = Settings(threads=1)
    store = build_tiny_store(tmp_path)
    port = free_port()
    with open_context(browser, f"http://127.0.0.1:{port}", keeps_page=True) as context:
        page = context.new_page()
        page.add_init_script("window.versions = []")
        write_version(static, 1)
        with served(open_shelf(store, settings), settings, port):
            page.goto("/")
            assert page.evaluate(READY)
            assert seen_versions(page) == [1, 1]
            first = page.evaluate(SHELLS)
        write_version(static, 2)
        with served(open_shelf(store, settings), settings, port):
            page.goto("/")
            assert seen_versions(page) == [1, 1]
            wait_until(page, WAITING)
            page.goto("/?like=p02", wait_until="commit")
            page.wait_for_function("() => window.versions.length === 2 && window.versions[0] === 2")
            assert seen_versions(page) == [2, 2]
            assert page.url.endswith("/?like=p02")
            second = page.evaluate(SHELLS)
            assert (len(first), len(second)) == (1, 1)
            assert first != second
            cut_off(page)
            assert seen_versions(page) == [2, 2]


def test_files_of_another_version_than_the_scripts_are_not_kept(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a server is replaced while a browser fetches the page: nothing is installed rather than a mixture."""
    static = tmp_path / "static"
    shutil.copytree(page_routes.STATIC, static)
    monkeypatch.setattr(page_routes, "STATIC", static)
    settings = Settings(threads=1)
    with (
        served(open_shelf(build_tiny_store(tmp_path), settings), settings) as address,
        open_context(browser, address, keeps_page=True) as context,
    ):
        write_version(static, 2)  # the server, and its script, are still of the one before
        page = context.new_page()
        page.goto("/privacy")
        outcome = """async () => {
          const { installing } = await navigator.serviceWorker.register("/service-worker.js");
          return new Promise((done) => installing.addEventListener("statechange", () => done(installing.state)));
        }"""
        assert page.evaluate(outcome) == "redundant"
        assert page.evaluate("caches.keys()") == []


def wait_until(page: Page, condition: str) -> None:
    """Until something holds that the page has to wait for itself to know; Playwright's own waiting does not."""
    page.evaluate(f"""async () => {{
      for (let tries = 0; !({condition}); tries += 1) {{
        if (tries > 500) throw new Error(`never so: {condition.replace("`", "'")}`);
        await new Promise((done) => setTimeout(done, 20));
      }}
    }}""")


def cut_off(page: Page, address: str | None = None) -> None:
    """Load the page anew, or another address, without a connection."""
    page.context.set_offline(True)
    if address is None:
        page.reload()
    else:
        page.goto(address)


def write_version(static: Path, number: int) -> None:
    for name in ("words.js", "dom.js"):
        file = static / "js" / name
        text = (page_routes.STATIC / "js" / name).read_text("utf-8").split("\nglobalThis.versions")[0]
        file.write_text(f"{text}\nglobalThis.versions?.push({number});\n", "utf-8")


def seen_versions(page: Page) -> list[int]:
    page.get_by_role("link", name="My store").wait_for()
    found = page.evaluate("window.versions")
    assert isinstance(found, list)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_line_of_a_lost_connection_fits_a_phone_and_is_for_everybody(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_contain_text("You’re offline")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert faults(page) == []
