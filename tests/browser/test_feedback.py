"""What customers say of an answer, on a card and on the label, until it stands in the staff's queue."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from pydantic import SecretStr

from snapshelf.client import Client
from snapshelf.settings import Settings
from snapshelf.web.staff_schemas import FeedbackOut
from snapshelf.wiring import open_shelf
from tests.browser.conftest import KEY, ShowPhoto, open_context
from tests.browser.test_filters import with_guesses
from tests.browser.test_search import CARDS, SEARCH
from tests.serving import served
from tests.tiny_store import build_tiny_store

pytestmark = pytest.mark.browser

FEEDBACK = re.compile(r"/api/v1/feedback")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(threads=1, admin_key=SecretStr(KEY), feedback_days=30)
    shelf = open_shelf(build_tiny_store(tmp_path_factory.mktemp("said")), settings)
    with served(shelf, settings) as address:
        yield address


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """One for each test: its clock is moved on."""
    context = open_context(browser, address)
    yield context
    context.close()


def newest(staff: Client) -> FeedbackOut:
    return staff.feedback(limit=1).feedback[0]


def requests_of(page: Page) -> list[Request]:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if FEEDBACK.search(request.url) else None)
    return sent


def judgement(page: Page) -> Any:
    return page.locator("#judgement")


@pytest.mark.parametrize(("name", "helpful"), [("Not helpful", False), ("Helpful", True)])
def test_a_card_is_helpful_or_not(page: Page, show_photo: ShowPhoto, staff: Client, name: str, helpful: bool) -> None:
    show_photo()
    card = page.locator(CARDS).nth(1)
    with page.expect_response(FEEDBACK):
        card.get_by_role("button", name=re.compile(f"^{name}: ")).click()
    expect(card).to_contain_text("Thanks.")
    kept = newest(staff)
    shown = card.get_attribute("data-product-id")
    assert (kept.helpful, kept.product_id, kept.predicted_label) == (helpful, shown, "red thing")
    assert (kept.correct_label, kept.has_photo) == (None, False)


def test_it_is_taken_back_for_some_seconds(page: Page, show_photo: ShowPhoto, staff: Client) -> None:
    page.clock.install()
    before = staff.feedback().total
    show_photo()
    first, second = (page.locator(CARDS).nth(at) for at in (0, 1))
    first.get_by_role("button", name="Not helpful").click()
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as answer:
        first.get_by_role("button", name="Undo").click()
    assert answer.value.status == 204
    expect(first.get_by_role("button", name=re.compile("^Helpful: "))).to_be_focused()
    assert staff.feedback().total == before
    second.get_by_role("button", name="Not helpful").click()
    expect(second.get_by_role("button", name="Undo")).to_be_focused()
    page.clock.run_for(7_000)
    expect(second.get_by_role("button", name="Undo")).to_have_count(0)
    expect(second).to_contain_text("Thanks.")
    assert staff.feedback().total == before + 1


def test_what_could_not_be_sent_or_taken_back_says_so(page: Page, show_photo: ShowPhoto, staff: Client) -> None:
    show_photo()
    first = page.locator(CARDS).first
    page.route(FEEDBACK, lambda route: route.abort())
    first.get_by_role("button", name="Not helpful").click()
    expect(first).to_contain_text("Not sent.")
    page.unroute_all()
    first.get_by_role("button", name="Try again").click()
    first.get_by_role("button", name="Not helpful").click()
    expect(first).to_contain_text("Thanks.")
    page.route(FEEDBACK, lambda route: route.abort())
    first.get_by_role("button", name="Undo").click()
    expect(first.get_by_role("button", name="Undo")).to_be_visible()
    assert newest(staff).helpful is False


def test_the_label_is_right(page: Page, show_photo: ShowPhoto, staff: Client) -> None:
    show_photo()
    with page.expect_response(FEEDBACK):
        judgement(page).get_by_role("button", name="Yes, this is right").click()
    expect(judgement(page)).to_contain_text("Thanks.")
    kept = newest(staff)
    assert (kept.helpful, kept.predicted_label, kept.product_id) == (True, "red thing", None)


def test_where_nothing_was_claimed_there_is_nothing_to_confirm(
    page: Page, show_photo: ShowPhoto, staff: Client
) -> None:
    page.route(SEARCH, with_guesses)
    show_photo()
    page.get_by_role("button", name="Tell us what it is").click()
    expect(judgement(page).get_by_role("button", name="Yes, this is right")).to_have_count(0)
    page.get_by_label("It is really…").fill("Blue thing")
    with page.expect_response(FEEDBACK):
        page.get_by_role("button", name="Send").click()
    assert newest(staff).correct_label == "blue thing"


def test_it_is_really_something_else_by_keyboard(page: Page, show_photo: ShowPhoto, staff: Client) -> None:
    show_photo()
    page.get_by_role("button", name="Not right").press("Enter")
    field = page.get_by_label("It is really…")
    expect(field).to_be_focused()
    field.press("Escape")
    expect(judgement(page).get_by_role("button", name="Yes, this is right")).to_be_focused()
    page.get_by_role("button", name="Not right").press("Enter")
    assert page.locator("#correct-labels option").evaluate_all("(all) => all.map((each) => each.value)") == [
        "Blue thing",
        "Green thing",
        "Red thing",
    ]
    field.fill("Green thing")
    sent = requests_of(page)
    with page.expect_response(FEEDBACK):
        field.press("Enter")
    expect(judgement(page).get_by_role("button", name="Undo")).to_be_focused()
    said = json.loads(sent[0].post_data or "")
    assert set(said) == {"request_id", "helpful", "correct_label"}
    kept = newest(staff)
    assert (kept.helpful, kept.correct_label, kept.has_photo) == (False, "green thing", False)


def test_the_photo_is_left_only_if_that_is_ticked(page: Page, show_photo: ShowPhoto, staff: Client) -> None:
    show_photo()
    page.get_by_role("button", name="Not right").click()
    page.get_by_label("It is really…").fill("a lamp")
    consent = page.get_by_label("Leave my photo with it, for 30 days at most")
    expect(consent).not_to_be_checked()
    consent.check()
    with page.expect_response(FEEDBACK):
        page.get_by_role("button", name="Send").click()
    kept = newest(staff)
    assert (kept.correct_label, kept.has_photo) == ("a lamp", True)
    picture = Image.open(io.BytesIO(staff.feedback_photo(kept.id))).convert("RGB")
    assert picture.size == (48, 40)
    red, green, _ = picture.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert red > 150 > green


def test_of_a_part_that_was_searched_for_only_the_part_is_left(
    page: Page, show_photo: ShowPhoto, staff: Client
) -> None:
    show_photo()
    page.get_by_role("button", name="Choose a part").click()
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    page.get_by_role("button", name="Not right").click()
    page.get_by_label("Leave my photo with it").check()
    with page.expect_response(FEEDBACK):
        page.get_by_role("button", name="Send").click()
    width, height = Image.open(io.BytesIO(staff.feedback_photo(newest(staff).id))).size
    assert (width < 48, height < 40) == (True, True)


def test_other_filters_leave_what_was_said_and_another_photo_asks_anew(page: Page, show_photo: ShowPhoto) -> None:
    show_photo()
    judgement(page).get_by_role("button", name="Yes, this is right").click()
    page.get_by_role("button", name="In stock").click()
    expect(page.locator(CARDS)).to_have_count(6)
    expect(judgement(page)).to_contain_text("Thanks.")
    show_photo()
    expect(judgement(page).get_by_role("button", name="Yes, this is right")).to_be_visible()
    page.locator(CARDS).first.get_by_role("button", name="More like this").click()
    expect(judgement(page)).to_be_hidden()
