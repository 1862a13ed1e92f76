"""A real Chromium in front of a real server on loopback, over the tiny store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, ViewportSize, sync_playwright

from snapshelf.client import Client
from snapshelf.settings import Settings
from snapshelf.types import Product
from snapshelf.wiring import open_shelf
from tests.serving import served
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

KEY = "open-sesame"
RED = COLOURS["red thing"]
HOSTILE_TITLE = "<script>document.title = 'taken over'</script> Lamp"
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_QUIET += ["--disable-component-update", "--disable-sync"]
_FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT_MS = 5000

PHONE: ViewportSize = {"width": 360, "height": 780}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}

ShowPhoto = Callable[..., None]


def browser_path() -> str | None:
    """Where the machine's Chromium is."""
    return os.environ.get("SNAPSHELF_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium."""
    path = browser_path()
    if path is None:
        pytest.skip(f"no Chromium: none of {', '.join(_NAMES)} is on PATH, and SNAPSHELF_CHROMIUM is not set")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_QUIET + _FAKE_CAMERA)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server; its store has twelve harmless products and one that means harm."""
    settings = Settings(threads=1)
    shelf = open_shelf(build_tiny_store(tmp_path_factory.mktemp("browser")), settings)
    hostile = Product(id="hostile", title=HOSTILE_TITLE, category="red thing", url="javascript:document.title='taken'")
    shelf.gallery.put(hostile, [photo_bytes(RED, 500)])
    with served(shelf, settings) as address:
        yield address


def open_context(
    browser: Browser,
    address: str,
    *,
    viewport: ViewportSize = DESKTOP,
    locale: str = "en-GB",
    keeps_page: bool = False,
) -> BrowserContext:
    """A customer's browser, on a desktop and in British English if nothing is said; moving things would only cost the
    tests time.

    What it keeps of the page for later (`keeps_page`) would pass by the answers that tests put in the server's place.
    """
    context = browser.new_context(
        base_url=address,
        viewport=viewport,
        locale=locale,
        reduced_motion="reduce",
        service_workers="allow" if keeps_page else "block",
    )
    context.set_default_timeout(_TIMEOUT_MS)
    return context


def catch_choosers(page: Page) -> None:
    """Have the browser tell of file choosers from now on. Asked for only along with the key that opens one, a busy
    machine may press the key before the browser knows, and a real chooser opens that nobody sees."""
    page.on("filechooser", lambda _: None)


@pytest.fixture(scope="package")
def context(browser: Browser, live_server: str) -> Iterator[BrowserContext]:
    """Shared, since the page keeps nothing between visits. Tests that change its clock or connection open their own."""
    context = open_context(browser, live_server)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """The customers' page. The test fails if a script fails or the page breaks its own policy.

    A context's tab is loaded anew for each test; a new tab would cost half of the time.
    """
    page = context.pages[0] if context.pages else context.new_page()
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    faults: list[str] = []

    def note_error(error: Error) -> None:
        faults.append(str(error))

    def note_policy(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    page.on("pageerror", note_error)
    page.on("console", note_policy)
    page.goto("/")
    page.get_by_role("button", name="Try Red thing").wait_for()
    yield page
    page.remove_listener("pageerror", note_error)
    page.remove_listener("console", note_policy)
    page.unroute_all()
    assert faults == []


@pytest.fixture
def staff(address: str) -> Iterator[Client]:
    """The staff of a file's own server, whose address is its fixture `address`, by the API."""
    with Client(address, admin_key=KEY) as client:
        yield client


@pytest.fixture
def show_photo(page: Page) -> ShowPhoto:
    """`show_photo(data, name)`: choose a file, at the start or from the results; a red picture by default."""

    def show(data: bytes | None = None, name: str = "photo.png", media_type: str = "image/png") -> None:
        picker = "#file" if page.locator("#start").is_visible() else "#file-again"
        content = photo_bytes(RED, 7) if data is None else data
        page.set_input_files(picker, {"name": name, "mimeType": media_type, "buffer": content})

    return show
