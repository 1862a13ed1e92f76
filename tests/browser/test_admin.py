"""The staff's page: signing in, the review queue, the products, the models, the server's health."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pydantic import SecretStr

from snapshelf.client import Client
from snapshelf.errors import ApiError
from snapshelf.settings import Settings
from snapshelf.web.feedback_schemas import FeedbackIn
from snapshelf.wiring import open_shelf
from tests.browser.conftest import DESKTOP, KEY, PHONE, open_context
from tests.browser.test_accessible import faults
from tests.browser.test_looks import OVERFLOW_PX, SMALL_TARGETS
from tests.serving import served
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes, write_model
from tests.web.test_shelves import rebuild, wait_until

pytestmark = pytest.mark.browser

RED = COLOURS["red thing"]
ROOMS = ("review", "products", "models", "health")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A store of its own for each test, with a second model that has an index and a third that has none."""
    store = build_tiny_store(tmp_path)
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    store.use("models", "tiny-2")
    rebuild(store, tmp_path / "more", 6)
    write_model(store.folder("models", "tiny-3"), "tiny-3")
    settings = Settings(threads=1, admin_key=SecretStr(KEY))
    with served(open_shelf(store, settings), settings, store=store) as address:
        yield address


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    context = open_context(browser, address)
    yield context
    context.close()


@pytest.fixture
def admin(context: BrowserContext) -> Iterator[Page]:
    """The staff's page, not signed in. The test fails if a script fails or the page breaks its own policy."""
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    page.goto("/admin")
    expect(page.get_by_label("Admin key")).to_be_visible()
    yield page
    assert wrong == []


def sign_in(page: Page, key: str = KEY) -> None:
    page.get_by_label("Admin key").fill(key)
    page.get_by_role("button", name="Enter").click()


def enter(page: Page, room: str) -> None:
    sign_in(page)
    page.get_by_role("link", name=room).click()
    expect(page.get_by_role("heading", name=room, level=1)).to_be_focused()


def remarks(staff: Client) -> list[int]:
    """Three remarks, oldest first: another category with its photo, a product that did not help, a right answer."""
    request_id = staff.recommend(photo_bytes(RED, 5)).request_id
    said = [
        (
            FeedbackIn(request_id=request_id, helpful=False, correct_label="green thing", comment="<b>"),
            photo_bytes(RED, 5),
        ),
        (FeedbackIn(request_id=request_id, helpful=False, product_id="p02"), None),
        (FeedbackIn(request_id=request_id, helpful=True), None),
    ]
    return [staff.give_feedback(feedback, photo=photo).id for feedback, photo in said]


def states(staff: Client) -> dict[int, tuple[str, str | None]]:
    return {each.id: (each.state, each.label) for each in staff.feedback().feedback}


def title(page: Page) -> str:
    return page.locator("#remark-title").inner_text()


def test_only_the_key_opens_it_and_a_reload_forgets_the_key(admin: Page) -> None:
    sign_in(admin, "guess")
    expect(admin.get_by_role("alert").first).to_have_text("This is not the admin key of this server.")
    expect(admin.locator("#rooms")).to_be_hidden()
    sign_in(admin)
    expect(admin.locator("#rooms")).to_be_visible()
    kept = admin.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")
    assert KEY not in kept
    assert KEY not in admin.content()
    admin.reload()
    expect(admin.locator("#rooms")).to_be_hidden()
    sign_in(admin)
    admin.get_by_role("button", name="Sign out").click()
    expect(admin.get_by_label("Admin key")).to_be_focused()
    expect(admin.get_by_label("Admin key")).to_have_value("")
    admin.goto("/admin#models")
    expect(admin.locator("#rooms")).to_be_hidden()


def test_from_a_customers_word_to_the_queue_and_back(admin: Page, staff: Client) -> None:
    first, second, third = remarks(staff)
    sign_in(admin)
    expect(admin.locator("#review-count")).to_have_text("3")
    expect(admin.locator("#remark-title")).to_have_text("The answer was right")
    admin.get_by_role("button", name="Accept").click()
    expect(admin.locator("#said")).to_have_text("Accepted: red thing.")
    expect(admin.locator("#remark-title")).to_have_text("This product was not helpful")
    expect(admin.locator("#remark-title")).to_be_focused()
    expect(admin.locator(".remark-product")).to_contain_text("Red Thing 2")
    admin.get_by_role("button", name="Reject").click()
    expect(admin.locator("#remark-title")).to_have_text("It is really: green thing")
    expect(admin.get_by_alt_text("The customer’s photo")).to_be_visible()
    expect(admin.locator(".remark-facts")).to_contain_text("<b>")
    admin.get_by_label("What it really is").fill("blue thing")
    admin.get_by_role("button", name="Correct").click()
    expect(admin.locator("#remark")).to_contain_text("Nothing here.")
    expect(admin.locator("#review-count")).to_have_text("0")
    assert states(staff) == {
        third: ("accepted", "red thing"),
        second: ("rejected", None),
        first: ("accepted", "blue thing"),
    }
    admin.get_by_role("button", name="Undo the last decision").click()
    expect(admin.locator("#remark-title")).to_have_text("It is really: green thing")
    assert states(staff)[first] == ("waiting", None)
    admin.get_by_label("Show").select_option("Rejected")
    expect(admin.locator("#remark-title")).to_have_text("This product was not helpful")
    admin.get_by_role("button", name="Let it wait again").click()
    expect(admin.locator("#review-count")).to_have_text("2")
    assert states(staff)[second] == ("waiting", None)


def test_the_queue_by_keys_alone(admin: Page, staff: Client) -> None:
    first, second, third = remarks(staff)
    sign_in(admin)
    expect(admin.locator("#remark-title")).to_have_text("The answer was right")
    admin.keyboard.press("j")
    expect(admin.locator("#remark-title")).to_have_text("This product was not helpful")
    admin.keyboard.press("k")
    expect(admin.locator("#remark-title")).to_have_text("The answer was right")
    admin.keyboard.press("a")
    expect(admin.locator("#remark-title")).to_have_text("This product was not helpful")
    admin.keyboard.press("r")
    expect(admin.locator("#remark-title")).to_have_text("It is really: green thing")
    admin.keyboard.press("c")
    expect(admin.get_by_label("What it really is")).to_be_focused()
    admin.keyboard.type("car")  # typed, not taken for commands
    admin.keyboard.press("Enter")
    expect(admin.locator("#said")).to_have_text("Accepted: car.")
    admin.keyboard.press("u")
    expect(admin.locator("#remark-title")).to_have_text("It is really: green thing")
    assert states(staff) == {third: ("accepted", "red thing"), second: ("rejected", None), first: ("waiting", None)}
    admin.get_by_text("Keyboard shortcuts").click()
    admin.get_by_label("Use single keys").uncheck()
    admin.locator("#remark-title").focus()
    admin.keyboard.press("a")
    assert states(staff)[first] == ("waiting", None)


def test_a_photo_that_was_not_left_is_said_and_the_next_one_is_not_mixed_up(admin: Page, staff: Client) -> None:
    remarks(staff)
    sign_in(admin)
    expect(admin.locator("#remark-pictures")).to_have_text("No photo was left with this.")
    for key in ("j", "j", "k", "j"):
        admin.keyboard.press(key)
    expect(admin.get_by_alt_text("The customer’s photo")).to_be_visible()
    expect(admin.locator("#remark-pictures")).not_to_contain_text("No photo")


def rows(page: Page) -> list[str]:
    return page.locator("#products-rows .row-title").all_inner_texts()


def test_products_are_found_changed_and_added(admin: Page, staff: Client, tmp_path: Path) -> None:
    enter(admin, "Products")
    expect(admin.locator("#products-found")).to_have_text("6 products")
    admin.get_by_label("Words, or an id").fill("green 4")
    admin.keyboard.press("Enter")
    expect(admin.locator("#products-rows .row-title").first).to_have_text("Green Thing 4")
    admin.get_by_role("button", name="Edit: Green Thing 4").click()
    form = admin.get_by_role("dialog")
    form.get_by_label("Price").fill("19.5")
    form.get_by_label("Stock").select_option("Out of stock")
    form.get_by_role("button", name="Save").click()
    expect(admin.locator("#said")).to_contain_text("Saved: Green Thing 4")
    expect(admin.locator("#products-rows tr").first).to_contain_text("€19.50")
    changed = staff.product("p04")
    assert (changed.price, changed.in_stock, changed.attributes) == (19.5, False, {"brand": "Acme"})
    assert changed.url == "https://shop.example/p04"

    admin.get_by_role("button", name="Add a product").click()
    form.get_by_label("Id, as your shop has it").fill("lamp 1")
    form.get_by_label("Title").fill("<i>Lamp</i>")
    form.get_by_label("Category").fill("lamp")
    form.get_by_label("Price").fill("9")
    form.get_by_label("Currency").fill("EUR")
    photo = {"name": "lamp.png", "mimeType": "image/png", "buffer": photo_bytes((250, 250, 40), 900)}
    form.get_by_label("Photo").set_input_files(photo)  # type: ignore[arg-type]
    form.get_by_role("button", name="Save").click()
    expect(admin.locator("#said")).to_contain_text("Saved: <i>Lamp</i>")
    assert staff.recommend(photo_bytes((250, 250, 40), 900)).recommendations[0].product.id == "lamp 1"


def test_what_the_server_refuses_is_said_and_nothing_that_was_typed_is_lost(admin: Page) -> None:
    enter(admin, "Products")
    admin.get_by_role("button", name="Add a product").click()
    form = admin.get_by_role("dialog")
    form.get_by_label("Id, as your shop has it").fill("x")
    form.get_by_label("Title").fill("X")
    form.get_by_label("Category").fill("x")
    text = {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    form.get_by_label("Photo").set_input_files(text)  # type: ignore[arg-type]
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("The server says: Not a picture")
    expect(form.get_by_label("Title")).to_have_value("X")
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_be_hidden()


def test_a_product_is_removed_when_the_time_to_undo_is_over(admin: Page, staff: Client) -> None:
    admin.clock.install()
    enter(admin, "Products")
    admin.get_by_role("button", name="Remove: Red Thing 2").click()
    undo = admin.get_by_role("button", name="Undo: Red Thing 2")
    expect(undo).to_be_focused()
    undo.click()
    expect(admin.get_by_role("button", name="Edit: Red Thing 2")).to_be_focused()
    admin.clock.run_for(10_000)
    assert staff.product("p02").id == "p02"
    admin.get_by_role("button", name="Remove: Red Thing 2").click()
    with admin.expect_response(lambda answer: answer.request.method == "DELETE"):
        admin.clock.run_for(10_000)
    expect(admin.locator("#products-found")).to_have_text("5 products")
    with pytest.raises(ApiError):
        staff.product("p02")


def test_what_waits_to_be_removed_is_removed_when_the_page_is_left(admin: Page, staff: Client) -> None:
    enter(admin, "Products")
    admin.get_by_role("button", name="Remove: Red Thing 2").click()
    admin.goto("/privacy")
    assert wait_until(lambda: staff.products().total == 5)
    assert "p02" not in {each.id for each in staff.products().products}


def test_another_model_is_used_and_back(admin: Page, staff: Client) -> None:
    enter(admin, "Models")
    cards = admin.locator("#models-cards > li")
    expect(cards).to_have_count(3)
    card = {name: cards.filter(has_text=name) for name in ("tiny-1", "tiny-2", "tiny-3")}
    expect(card["tiny-2"]).to_contain_text("Answers now")
    expect(card["tiny-2"]).to_contain_text("100%")
    expect(card["tiny-3"]).to_contain_text("It has no index yet.")
    expect(card["tiny-3"].get_by_role("button")).to_have_count(0)
    card["tiny-1"].get_by_role("button", name="Roll back to this model").click()
    expect(admin.locator("#said")).to_have_text("tiny-1 answers now.", timeout=10_000)
    expect(card["tiny-1"]).to_contain_text("Answers now")
    assert staff.products().total == 12
    card["tiny-2"].get_by_role("button", name="Use this model").click()
    expect(card["tiny-2"]).to_contain_text("Answers now", timeout=10_000)


def test_health_in_charts_and_words(admin: Page, staff: Client) -> None:
    admin.clock.install()
    enter(admin, "Health")
    expect(admin.locator("#charts")).to_contain_text("Nothing yet")
    staff.recommend(photo_bytes(RED, 5))
    with pytest.raises(ApiError):
        staff.recommend(b"no picture")
    admin.route("**/api/v1/admin/health", lambda route: route.fulfill(json=HEALTH))
    admin.clock.run_for(11_000)
    charts = admin.locator("#charts figure")
    expect(charts).to_have_count(6)
    expect(charts.nth(0)).to_contain_text("Requests a minute")
    expect(charts.nth(0)).to_contain_text("now 30, at most 1,200")
    expect(charts.nth(1)).to_contain_text("now 9.5, at most 9.5")
    expect(charts.nth(3)).to_contain_text("not-a-photo")
    assert charts.nth(0).locator("path").count() == 2
    expect(charts.nth(5).locator("li bdi")).to_have_text(["Brightness", "Size", "Look as a whole", "Contrast"])
    expect(charts.nth(5)).to_contain_text("now 2.5, at most 2.5")


HEALTH = {
    "step_s": 10,
    "moments": [
        {"at": f"2026-05-04T10:1{at}:00+00:00", "requests": requests, "failures": 0, "refusals": {"not-a-photo": at},
         "verdicts": {"likely": at}, "stages": stages, "in_flight": 1, "waiting": 0,
         "drift": {"class": 0.1, "size": 0.9, "brightness": 2.5, "embedding": 0.8, "contrast": 0.4} if at else {}}
        for at, (requests, stages) in enumerate([(200, {}), (5, {"encode": {"p50_ms": 5.0, "p95_ms": 9.5}})])
    ],
}  # fmt: skip


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_serious_in_any_room(admin: Page, staff: Client, room: str) -> None:
    remarks(staff)
    admin.route("**/api/v1/admin/health", lambda route: route.fulfill(json=HEALTH))
    assert faults(admin) == []
    admin.set_viewport_size(DESKTOP)
    enter(admin, room.capitalize())
    expect(admin.locator(f"#{room} :is(.remark, td, .model, .chart)").first).to_be_visible()
    assert faults(admin) == []
    for size in (PHONE, DESKTOP):
        admin.set_viewport_size(size)
        assert admin.evaluate(OVERFLOW_PX) == 0
        assert admin.evaluate(SMALL_TARGETS) == []


def test_nothing_serious_in_the_form(admin: Page) -> None:
    enter(admin, "Products")
    admin.get_by_role("button", name="Add a product").click()
    expect(admin.get_by_role("dialog")).to_be_visible()
    assert faults(admin) == []


def test_the_page_in_another_language_without_a_word_left(admin: Page, staff: Client) -> None:
    remarks(staff)
    sign_in(admin)
    expect(admin.locator("#remark-title")).to_be_visible()
    admin.locator("#language").select_option("de")
    expect(admin.locator("#remark-title")).to_have_text("Die Antwort stimmt")
    expect(admin.get_by_role("button", name="Annehmen")).to_be_visible()
    for room in ("Produkte", "Modelle", "Zustand", "Prüfen"):
        admin.get_by_role("link", name=room).click()
        expect(admin.get_by_role("heading", name=room, level=1)).to_be_focused()
        english = re.compile(r"\b(Edit|Remove|Accept|the server|Answers|minute|Waiting)\b")
        expect(admin.locator("#rooms")).not_to_have_text(english)


def test_without_a_key_on_the_server_it_says_that_it_is_off(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(threads=1)
    shelf = open_shelf(build_tiny_store(tmp_path_factory.mktemp("off")), settings)
    with served(shelf, settings) as address, open_context(browser, address) as context:
        page = context.new_page()
        page.goto("/admin")
        sign_in(page)
        expect(page.get_by_role("alert").first).to_contain_text("This page is off")


def test_keys_pressed_too_fast_decide_nothing_unseen(admin: Page, staff: Client) -> None:
    first, second, third = remarks(staff)
    sign_in(admin)
    expect(admin.locator("#remark-title")).to_have_text("The answer was right")
    admin.evaluate("""() => {
      for (const _ of "123") document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
    }""")
    expect(admin.locator("#remark-title")).to_have_text("This product was not helpful")
    expect(admin.locator("#review-count")).to_have_text("2")
    assert states(staff) == {third: ("accepted", "red thing"), second: ("waiting", None), first: ("waiting", None)}
