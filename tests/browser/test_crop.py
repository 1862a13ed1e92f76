"""A part of the photo: by keyboard, mouse, finger and buttons; and how a photo is made ready for sending."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import PHONE, ShowPhoto
from tests.browser.test_search import CARDS, SEARCH
from tests.tiny_store import COLOURS

pytestmark = pytest.mark.browser

CALL = "async ([module, name, ...rest]) => (await import(`/static/js/${module}.js`))[name](...rest)"


def two_halves(size: tuple[int, int] = (80, 60), orientation: int = 1) -> bytes:
    """A photo whose left half is blue and whose right half is red, as a JPEG."""
    pixels_HWC = np.zeros((size[1], size[0], 3), np.uint8)
    pixels_HWC[:, : size[0] // 2] = COLOURS["blue thing"]
    pixels_HWC[:, size[0] // 2 :] = COLOURS["red thing"]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = io.BytesIO()
    Image.fromarray(pixels_HWC).save(content, "JPEG", exif=exif, quality=95)
    return content.getvalue()


def box_of(page: Page) -> list[float]:
    """The box as it is drawn: x, y, w, h, in hundredths of the photo."""
    style = page.locator("#crop-box").evaluate("({ style: s }) => [s.left, s.top, s.width, s.height].map(parseFloat)")
    return [float(part) for part in style]


NOTE_FORMS = """() => {
  window.forms = [];
  const { fetch } = window;
  window.fetch = (address, options) => {
    if (options?.body instanceof FormData) window.forms.push(Object.fromEntries(options.body));
    return fetch(address, options);
  };
}"""
LAST_PHOTO = "async () => [...new Uint8Array(await forms.at(-1).photo.arrayBuffer())]"


def sent(page: Page, name: str) -> str | None:
    """A field of the last search's form; the form itself cannot be read from outside, since it holds a file."""
    value = page.evaluate("(name) => forms.at(-1)[name] ?? null", name)
    return None if value is None else str(value)


def open_crop(page: Page, show_photo: ShowPhoto) -> Locator:
    """Show the two halves and begin to choose a part."""
    page.evaluate(NOTE_FORMS)
    show_photo(two_halves(), "halves.jpg", "image/jpeg")
    expect(page.locator(CARDS)).to_have_count(12)
    page.get_by_role("button", name="Choose a part").click()
    box = page.locator("#crop-box")
    expect(box).to_be_focused()
    return box


def test_arrows_move_the_box_and_the_products_follow(page: Page, show_photo: ShowPhoto) -> None:
    box = open_crop(page, show_photo)
    assert box_of(page) == pytest.approx([15, 15, 70, 70])
    for _ in range(10):
        box.press("Shift+ArrowLeft")
    narrow = box_of(page)
    assert narrow[2] == pytest.approx(40)
    for _ in range(12):
        box.press("ArrowRight")
    assert box_of(page)[0] == pytest.approx(60)
    expect(page.locator("#headline")).to_have_text("Red thing")
    for _ in range(22):
        box.press("ArrowLeft")
    expect(page.locator("#headline")).to_have_text("Blue thing")
    page.wait_for_function("() => forms.at(-1).box === '0.0000,0.1500,0.4000,0.7000'")
    expect(page.locator("#live")).to_contain_text("Blue thing")
    expect(box).to_be_focused()


def test_where_the_box_is_is_said_when_it_rests(page: Page, show_photo: ShowPhoto) -> None:
    box = open_crop(page, show_photo)
    page.route(SEARCH, lambda route: None)  # so that nothing else is said
    box.press("ArrowRight")
    words = "70% of the width and 70% of the height, 18% from the left, 15% from the top"
    expect(page.locator("#live")).to_have_text(words)


def test_escape_takes_the_whole_photo_and_keeps_the_focus_near(page: Page, show_photo: ShowPhoto) -> None:
    box = open_crop(page, show_photo)
    with page.expect_request(SEARCH):
        box.press("Escape")
    assert sent(page, "box") is None
    expect(box).to_be_hidden()
    expect(page.get_by_role("button", name="Choose a part")).to_be_focused()


def test_the_mouse_moves_the_box_and_its_corners(page: Page, show_photo: ShowPhoto) -> None:
    open_crop(page, show_photo)
    stage = page.locator("#crop-stage").bounding_box()
    assert stage is not None

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        at = [(stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]) for x, y in (start, end)]
        page.mouse.move(*at[0])
        page.mouse.down()
        page.mouse.move(*at[1], steps=4)
        page.mouse.up()

    drag((0.85, 0.85), (0.55, 0.95))
    assert box_of(page) == pytest.approx([15, 15, 40, 80], abs=1)
    drag((0.35, 0.5), (0.7, 0.5))
    assert box_of(page) == pytest.approx([50, 15, 40, 80], abs=1)
    expect(page.locator("#headline")).to_have_text("Red thing")


def test_without_dragging_a_tap_moves_the_box_and_buttons_size_it(page: Page, show_photo: ShowPhoto) -> None:
    open_crop(page, show_photo)
    for name, part, size in (("Narrower", 2, 64), ("Wider", 2, 70), ("Shorter", 3, 64), ("Taller", 3, 70)):
        page.get_by_role("button", name=name).click()
        assert box_of(page)[part] == pytest.approx(size), name
    for _ in range(6):
        page.get_by_role("button", name="Narrower").click()
    stage = page.locator("#crop-stage").bounding_box()
    assert stage is not None
    page.mouse.click(stage["x"] + 0.2 * stage["width"], stage["y"] + 0.5 * stage["height"])
    assert box_of(page)[0] == pytest.approx(2.5, abs=1)
    expect(page.locator("#headline")).to_have_text("Blue thing")
    page.get_by_role("button", name="Whole photo").click()
    expect(page.locator("#crop-box")).to_be_hidden()


@pytest.fixture
def phone(browser: Browser, live_server: str) -> Iterator[Page]:
    """A phone with a touch screen."""
    context = browser.new_context(base_url=live_server, viewport=PHONE, has_touch=True, reduced_motion="reduce")
    context.set_default_timeout(5000)
    yield context.new_page()
    context.close()


def test_a_finger_on_the_box_does_not_scroll_the_page(phone: Page) -> None:
    phone.goto("/")
    phone.set_input_files("#file", {"name": "halves.jpg", "mimeType": "image/jpeg", "buffer": two_halves()})
    expect(phone.locator(CARDS)).to_have_count(12)
    phone.get_by_role("button", name="Choose a part").tap()
    box = phone.locator("#crop-box").bounding_box()
    assert box is not None
    touch = phone.context.new_cdp_session(phone)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, dy in (("touchStart", 0), ("touchMove", -10), ("touchMove", -20), ("touchEnd", None)):
        points = [] if dy is None else [{"x": x, "y": y + dy}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    phone.wait_for_function("() => parseFloat(document.querySelector('#crop-box').style.top) < 14")
    assert phone.evaluate("scrollY") == 0


def test_an_older_answer_never_overwrites_a_newer_one(page: Page, show_photo: ShowPhoto) -> None:
    box = open_crop(page, show_photo)
    held: list[Route] = []
    page.route(SEARCH, lambda route: held.append(route), times=1)  # noqa: PLW0108 (a bound method is refused)
    with page.expect_request(SEARCH):
        box.press("ArrowLeft")
    with page.expect_response(SEARCH):
        box.press("ArrowRight")
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    said = page.locator("#headline").text_content()
    held[0].fulfill(json={"prediction": {"label": "old", "probability": 1, "verdict": "confident", "top": []}})
    expect(page.locator("#headline")).to_have_text(said or "")


@pytest.mark.parametrize("decoder", ["quick", "ordinary"])
def test_a_large_photo_is_sent_small_and_upright_without_its_metadata(
    page: Page, show_photo: ShowPhoto, decoder: str
) -> None:
    page.evaluate(NOTE_FORMS)
    if decoder == "ordinary":
        page.evaluate("delete globalThis.ImageDecoder")
    content = noisy(two_halves((4000, 3000), orientation=6))
    assert len(content) > 1_500_000  # so that the quick way is taken where there is one
    with page.expect_request(SEARCH):
        show_photo(content, "large.jpg", "image/jpeg")
    photo = Image.open(io.BytesIO(bytes(page.evaluate(LAST_PHOTO))))
    assert (photo.format, photo.size) == ("JPEG", (960, 1280))
    assert not photo.getexif()
    top, bottom = (np.asarray(photo.convert("RGB"))[rows].mean(axis=(0, 1)) for rows in (slice(600), slice(680, None)))
    assert top == pytest.approx(COLOURS["blue thing"], abs=6)
    assert bottom == pytest.approx(COLOURS["red thing"], abs=6)
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator("#photo")).to_have_js_property("naturalHeight", 1280)


def noisy(content: bytes) -> bytes:
    """The same photo with a sensor's noise, so that its file is as large as a phone's."""
    image = Image.open(io.BytesIO(content))
    noise_HWC = np.random.default_rng(0).integers(-9, 10, (image.height, image.width, 3))
    larger = io.BytesIO()
    pixels_HWC = np.clip(np.asarray(image) + noise_HWC, 0, 255).astype(np.uint8)
    Image.fromarray(pixels_HWC).save(larger, "JPEG", exif=image.getexif(), quality=90)
    return larger.getvalue()


def test_what_the_browser_cannot_read_is_sent_as_it_is(page: Page, show_photo: ShowPhoto) -> None:
    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64
    page.evaluate("document.getElementById('file').accept += ',image/heic'")  # as where the [heic] extra is installed
    page.evaluate(NOTE_FORMS)
    with page.expect_request(SEARCH):
        show_photo(content, "IMG_1.HEIC", "image/heic")
    assert bytes(page.evaluate(LAST_PHOTO)) == content
    expect(page.locator("#no-preview")).to_be_visible()


@pytest.mark.parametrize(
    ("change", "arguments", "box"),
    [
        ("moved", [0.9, 0.9], [0.6, 0.5, 0.4, 0.5]),
        ("moved", [-0.9, 0.1], [0, 0.3, 0.4, 0.5]),
        ("sized", [-0.9, 0.0], [0.35, 0.2, 0.1, 0.5]),
        ("sized", [0.9, 0.9], [0, 0, 1, 1]),
        ("centred", [0.5, 0.5], [0.3, 0.25, 0.4, 0.5]),
        ("cornerMoved", ["nw", -0.9, -0.9], [0, 0, 0.6, 0.7]),
        ("cornerMoved", ["se", 0.9, 0.9], [0.2, 0.2, 0.8, 0.8]),
        ("cornerMoved", ["ne", -0.9, 0.9], [0.2, 0.6, 0.1, 0.1]),
    ],
)
def test_a_box_stays_inside_the_photo(page: Page, change: str, arguments: list[float], box: list[float]) -> None:
    begun = {"x": 0.2, "y": 0.2, "w": 0.4, "h": 0.5}
    found = page.evaluate(CALL, ["boxes", change, begun, *arguments])
    assert [found[part] for part in "xywh"] == pytest.approx(box)
