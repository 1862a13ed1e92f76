"""The search within a shop's own page, on another origin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from snapshelf.settings import Settings
from snapshelf.types import Product
from snapshelf.web.routes.page import STATIC
from snapshelf.wiring import open_shelf
from tests.browser.conftest import DESKTOP, HOSTILE_TITLE, PHONE, RED, catch_choosers, open_context
from tests.browser.shop import Files, shop, shop_page
from tests.browser.test_accessible import faults
from tests.browser.test_failures import problem
from tests.browser.test_search import SEARCH
from tests.serving import served
from tests.tiny_store import build_tiny_store, photo_bytes

pytestmark = pytest.mark.browser

CARDS = "snapshelf-search .card:not(.skeleton)"
HEADLINE = "snapshelf-search .headline"
STRICT = (
    "default-src 'none'; style-src 'self'; script-src {0}; connect-src {0}; img-src {0}; "
    "require-trusted-types-for 'script'"
)
"""What docs/embed.md tells shops to allow, and no more."""

LISTEN = """window.heard = [];
for (const type of ["snapshelf-results", "snapshelf-select", "snapshelf-error"]) {
  document.addEventListener(type, ({ detail }) => window.heard.push([type, detail]));
}"""


class Shops:
    """Two shops and a server that allows the first of them."""

    def __init__(self, files: Files, allowed: str, other_files: Files, other: str, server: str) -> None:
        self.files, self.allowed, self.other_files, self.other, self.server = files, allowed, other_files, other, server


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    files: Files = {}
    other_files: Files = {}
    with shop(files) as allowed, shop(other_files) as other:
        settings = Settings(threads=1, allowed_origins=(allowed,), max_upload_bytes=2_000_000)
        shelf = open_shelf(build_tiny_store(tmp_path_factory.mktemp("embedded")), settings)
        hostile = Product("hostile", HOSTILE_TITLE, "red thing", url="javascript:document.title='taken'")
        shelf.gallery.put(hostile, [photo_bytes(RED, 500)])
        shelf.gallery.put(Product("path", "Told by a path", "red thing", url="/lamps/7"), [photo_bytes(RED, 501)])
        with served(shelf, settings) as server:
            yield Shops(files, allowed, other_files, other, server)


@pytest.fixture(scope="module")
def context(browser: Browser, shops: Shops) -> Iterator[BrowserContext]:
    context = open_context(browser, shops.allowed)
    context.add_init_script(LISTEN)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab in which no script may fail."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def visit(page: Page, shops: Shops, attributes: str = "", language: str = "en") -> Locator:
    """The shop's page, with the search ready."""
    shops.files.update(shop_page(shops.server, attributes=attributes, language=language))
    page.goto(shops.allowed)
    expect(page.locator("snapshelf-search .start")).to_be_visible()
    return page.locator("snapshelf-search")


def choose(page: Page, data: bytes | None = None, name: str = "photo.png", media_type: str = "image/png") -> None:
    content = photo_bytes(RED, 7) if data is None else data
    picker = page.locator("snapshelf-search label:visible input").first
    picker.set_input_files({"name": name, "mimeType": media_type, "buffer": content})


def heard(page: Page, type_name: str) -> list[dict[str, object]]:
    return [detail for name, detail in json.loads(page.evaluate("JSON.stringify(window.heard)")) if name == type_name]


def test_a_photo_is_named_and_products_of_the_store_are_shown(page: Page, shops: Shops) -> None:
    visit(page, shops)
    choose(page)
    expect(page.locator(HEADLINE)).to_have_text("Red thing")
    expect(page.locator("snapshelf-search .sureness")).to_contain_text("Very sure")
    expect(page.locator(CARDS)).to_have_count(12)
    first = page.locator(CARDS).filter(has_text="Red Thing 2")
    expect(first.get_by_role("link")).to_have_attribute("href", "https://shop.example/p02")
    picture = first.locator("img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 0
    assert str(picture.get_attribute("src")).startswith(shops.server)
    expect(page.get_by_role("img", name="Your photo")).to_be_visible()
    (answer,) = heard(page, "snapshelf-results")
    assert len(answer["recommendations"]) == 12  # type: ignore[arg-type]


def test_a_large_photo_is_made_small_on_the_device(page: Page, shops: Shops) -> None:
    visit(page, shops)
    page.evaluate("""async () => {
      const canvas = new OffscreenCanvas(4000, 3000);
      canvas.getContext("2d").fillRect(0, 0, 4000, 3000);
      const [type, original] = ["image/jpeg", fetch];
      window.fetch = (address, options) => {
        if (options?.body) window.sent = options.body.get("photo").size;
        return original(address, options);
      };
      const large = new Blob([await canvas.convertToBlob({ type }), new Uint8Array(3e6)], { type });
      await document.querySelector("snapshelf-search").search(large);
    }""")
    expect(page.locator(CARDS)).to_have_count(12)
    assert 1000 < page.evaluate("window.sent") < 200_000


def test_a_script_in_a_title_stays_text_and_a_script_address_is_no_link(page: Page, shops: Shops) -> None:
    visit(page, shops)
    choose(page)
    lamp = page.locator(CARDS).filter(has_text="taken over")
    expect(lamp.locator(".card-title")).to_have_text(HOSTILE_TITLE)
    expect(lamp.get_by_role("link")).to_have_count(0)
    lamp.locator(".card-picture").click()
    expect(page).to_have_title("A plain shop")
    by_path = page.locator(CARDS).filter(has_text="Told by a path").get_by_role("link")
    assert by_path.evaluate("(link) => link.href") == f"{shops.allowed}/lamps/7"


def test_attributes_narrow_the_search_and_a_change_searches_again(page: Page, shops: Shops) -> None:
    visit(page, shops, 'limit="3" category="green thing" in-stock')
    choose(page)
    expect(page.locator(CARDS)).to_have_count(2)
    expect(page.locator("snapshelf-search .stock")).to_have_text(["In stock", "In stock"])
    page.evaluate("""() => {
      const search = document.querySelector("snapshelf-search");
      for (const name of ["category", "in-stock"]) search.removeAttribute(name);
    }""")
    expect(page.locator(CARDS)).to_have_count(3)
    expect(page.locator("snapshelf-search .card-category").first).to_have_text("Red thing")


def test_the_shop_hears_of_a_choice_and_may_follow_it_itself(page: Page, shops: Shops) -> None:
    visit(page, shops)
    choose(page)
    page.evaluate("document.addEventListener('snapshelf-select', (event) => event.preventDefault())")
    page.locator(CARDS).filter(has_text="Red Thing 2").get_by_role("link").click()
    (chosen,) = heard(page, "snapshelf-select")
    assert chosen["product"]["id"] == "p02"  # type: ignore[index]
    assert page.url == f"{shops.allowed}/"


def test_the_keyboard_alone_leads_from_the_button_to_a_product(page: Page, shops: Shops) -> None:
    catch_choosers(page)
    visit(page, shops)
    page.keyboard.press("Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": photo_bytes(RED, 7)})
    expect(page.locator(HEADLINE)).to_be_focused()
    expect(page.locator("snapshelf-search [role=status]")).to_have_text("Red thing. 12 products")
    focused = "document.querySelector('snapshelf-search').shadowRoot.activeElement"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.type") == "file"
    page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.closest('.card') !== null")


def test_a_photo_may_be_dropped_on_it(page: Page, shops: Shops) -> None:
    visit(page, shops)
    page.evaluate(
        """(bytes) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
      const place = document.querySelector("snapshelf-search").shadowRoot.querySelector(".start");
      const how = { bubbles: true, composed: true, cancelable: true };
      place.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, ...how }));
    }""",
        list(photo_bytes(RED, 7)),
    )
    expect(page.locator(CARDS)).to_have_count(12)


def test_a_search_can_be_given_up(page: Page, shops: Shops) -> None:
    visit(page, shops)
    page.route(SEARCH, lambda route: None)
    choose(page)
    expect(page.locator("snapshelf-search .skeleton")).to_have_count(4)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("snapshelf-search .start")).to_be_visible()


@pytest.mark.parametrize(
    ("data", "name", "media_type", "kind", "words"),
    [
        (b"this is text", "a.jpg", "image/jpeg", "not-a-picture", "This file can’t be read as a photo"),
        (b"%PDF-1.7", "a.pdf", "application/pdf", "not-a-picture", "This file can’t be read as a photo"),
        (b"x" * 2_100_000, "a.heic", "image/heic", "too-large", "at most 2 MB"),
    ],
)
def test_what_is_no_photo_is_said_and_another_may_be_chosen(
    page: Page, shops: Shops, data: bytes, name: str, media_type: str, kind: str, words: str
) -> None:
    visit(page, shops)
    choose(page, data, name, media_type)
    expect(page.get_by_role("alert")).to_contain_text(words)
    assert heard(page, "snapshelf-error") == [{"kind": kind}]
    choose(page)
    expect(page.locator(CARDS)).to_have_count(12)


def test_what_comes_before_the_server_has_answered_is_looked_at_once(page: Page, shops: Shops) -> None:
    held: list[Route] = []
    page.route("**/api/v1/store", lambda route: held.append(route))  # noqa: PLW0108 (a builtin cannot be marked)
    visit(page, shops)
    choose(page, b"%PDF-1.7", "a.pdf", "application/pdf")  # which asks for the store again
    while len(held) < 2:
        page.wait_for_timeout(10)
    for route in held:
        route.continue_()
    ended = "(at) => performance.getEntriesByName(at).filter((each) => each.responseEnd > 0).length === 2"
    page.wait_for_function(ended, arg=f"{shops.server}/api/v1/store")
    expect(page.get_by_role("alert")).to_contain_text("This file can’t be read as a photo")
    page.wait_for_timeout(300)  # for what the other answer might lead to
    assert heard(page, "snapshelf-error") == [{"kind": "not-a-picture"}]


def test_where_the_server_is_busy_it_goes_on_by_itself(page: Page, shops: Shops) -> None:
    visit(page, shops)
    answers = {"Retry-After": "1", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
    page.route(SEARCH, lambda route: problem(route, 503, answers), times=1)
    choose(page)
    expect(page.get_by_role("alert")).to_contain_text("The store is busy right now")
    expect(page.locator(CARDS)).to_have_count(12)


def test_without_a_connection_the_photo_waits(page: Page, shops: Shops) -> None:
    visit(page, shops)
    page.context.set_offline(True)
    choose(page)
    expect(page.get_by_role("alert")).to_contain_text("You’re offline")
    page.context.set_offline(False)
    expect(page.locator(CARDS)).to_have_count(12)


def test_a_shop_that_is_not_allowed_gets_neither_script_nor_answer(browser: Browser, shops: Shops) -> None:
    shops.other_files.update(shop_page(shops.server))
    with open_context(browser, shops.other) as context:
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto("/")
        page.wait_for_load_state("networkidle")
        assert any("blocked by CORS policy" in text for text in refused)
        expect(page.get_by_role("link", name="Search by photo")).to_be_visible()
        asked = f"fetch('{shops.server}/api/v1/store').then(() => 'read', (error) => error.name)"
        assert page.evaluate(asked) == "TypeError"


def test_a_shop_that_is_not_allowed_but_has_the_script_says_so_to_customers(browser: Browser, shops: Shops) -> None:
    """As where a shop serves the script itself."""
    page_files = shop_page(shops.server, script="/static/js/snapshelf-search.js", attributes=f'server="{shops.server}"')
    shops.other_files.update(page_files | own_copies())
    with open_context(browser, shops.other) as context:
        page = context.new_page()
        logged: list[str] = []
        page.on("console", lambda message: logged.append(message.text))
        page.goto("/")
        expect(page.get_by_role("alert")).to_contain_text("Search by photo can’t be used on this page right now")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        expect(page.get_by_role("link", name="Open the photo search")).to_have_attribute("href", shops.server)
        assert any(f"gave no answer to {shops.other}" in text for text in logged)


def own_copies() -> Files:
    """The search's files, as a shop may serve them itself."""
    types = {".js": "text/javascript", ".json": "application/json", ".css": "text/css"}
    return {
        f"/static/{path.relative_to(STATIC).as_posix()}": (types[path.suffix], path.read_bytes())
        for path in STATIC.rglob("*")
        if path.suffix in types
    }


def test_it_works_under_the_policy_that_the_docs_name(page: Page, shops: Shops) -> None:
    named = "script-src {0}; connect-src {0}; img-src {0}"
    assert named in STRICT
    assert named.format("https://search.example") in Path("docs/embed.md").read_text("utf-8")
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text))
    shops.files.update(shop_page(shops.server, policy=STRICT.format(shops.server)))
    page.goto(shops.allowed)
    page.evaluate(
        "document.addEventListener('securitypolicyviolation', (event) => console.log(event.violatedDirective))"
    )
    choose(page)
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.get_by_role("img", name="Your photo")).to_be_visible()
    expect(page.locator("snapshelf-search .embed")).to_have_css("background-color", "rgb(255, 255, 255)")
    assert [text for text in broken if "Failed to load" not in text] == []


@pytest.mark.parametrize("language", ["de", "ar", "fi"])
def test_it_speaks_the_language_of_the_page_around_it(page: Page, shops: Shops, language: str) -> None:
    search = visit(page, shops, language=language)
    words = {"de": "Foto wählen", "ar": "اختر صورة", "fi": "Choose a photo"}[language]
    expect(search.get_by_text(words)).to_be_visible()
    embed = search.locator(".embed")
    expect(embed).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    expect(embed).to_have_attribute("lang", "en" if language == "fi" else language)


def test_the_shops_colours_and_shapes_are_taken(page: Page, shops: Shops) -> None:
    shops.files.update(shop_page(shops.server))
    style = "--snapshelf-accent: rebeccapurple; --snapshelf-radius: 0px; --snapshelf-background: #fff0f5"
    shops.files["/shop.css"] = ("text/css", f"snapshelf-search {{ {style} }}".encode())
    page.goto(shops.allowed)
    button = page.locator("snapshelf-search .button.primary").first
    expect(button).to_have_css("background-color", "rgb(102, 51, 153)")
    expect(button).to_have_css("border-radius", "0px")
    expect(page.locator("snapshelf-search .embed")).to_have_css("background-color", "rgb(255, 240, 245)")


def test_it_is_dark_where_the_page_is_and_not_where_the_system_is(page: Page, shops: Shops) -> None:
    visit(page, shops)
    page.emulate_media(color_scheme="dark")
    embed = page.locator("snapshelf-search .embed")
    expect(embed).to_have_css("background-color", "rgb(26, 29, 28)")
    page.evaluate("document.documentElement.style.colorScheme = 'light'")
    expect(embed).to_have_css("background-color", "rgb(255, 255, 255)")


def test_phones_are_offered_the_camera(browser: Browser, shops: Shops) -> None:
    shops.files.update(shop_page(shops.server))
    context = browser.new_context(base_url=shops.allowed, viewport=PHONE, has_touch=True, is_mobile=True)
    with context:
        page = context.new_page()
        page.goto("/")
        take = page.locator("snapshelf-search label", has_text="Take a photo")
        expect(take).to_be_visible()
        expect(take.locator("input")).to_have_attribute("capture", "environment")
        for target in page.locator("snapshelf-search label").all():
            place = target.bounding_box()
            assert place is not None
            assert min(place["width"], place["height"]) >= 44


def start(page: Page) -> None:
    """Nothing is chosen yet."""


def working(page: Page) -> None:
    page.route(SEARCH, lambda route: None)
    choose(page)
    expect(page.locator("snapshelf-search .sureness")).to_contain_text("Still at it")


def result(page: Page) -> None:
    choose(page)
    expect(page.locator(CARDS)).to_have_count(12)


def failure(page: Page) -> None:
    choose(page, b"text")
    expect(page.get_by_role("alert")).to_be_visible()


@pytest.mark.parametrize("view", [start, working, result, failure], ids=lambda view: view.__name__)
def test_nothing_serious_and_nothing_sideways(page: Page, shops: Shops, view: object) -> None:
    visit(page, shops)
    assert callable(view)
    view(page)
    assert faults(page) == []
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_it_may_be_moved_and_made_by_script(page: Page, shops: Shops) -> None:
    visit(page, shops)
    choose(page)
    expect(page.locator(CARDS)).to_have_count(12)
    page.evaluate("""() => {
      document.body.append(document.querySelector("snapshelf-search"));
      document.body.append(document.createElement("snapshelf-search"));
    }""")
    expect(page.locator("snapshelf-search .start:visible")).to_have_count(1)
    expect(page.locator(CARDS)).to_have_count(12)
