"""Photos recognised by the customer's own device, without a connection."""

from __future__ import annotations

import base64
import io
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from snapshelf.artifacts.store import Store
from snapshelf.imaging.preprocess import Fit, Preprocess
from snapshelf.settings import Settings
from snapshelf.web.on_device import RUNTIME
from snapshelf.wiring import open_shelf
from tests.browser.conftest import PHONE, ShowPhoto, open_context
from tests.browser.test_accessible import faults
from tests.browser.test_installed import READY, cut_off
from tests.browser.test_search import CARDS
from tests.pipeline.test_journey import type_command
from tests.serving import served
from tests.tiny_store import COLOURS, build_tiny_store, export_for_devices, photo_bytes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not any(RUNTIME.glob("*.wasm.gz")), reason="no ONNX Runtime Web: make web-runtime needs npm"),
]

CLOTHING = Path(__file__).parents[3] / "shared" / "datasets" / "clothing"
KEPT = "caches.has('snapshelf-on-device')"
DEVICE = "#device"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = build_tiny_store(tmp_path_factory.mktemp("on_device"))
    export_for_devices(store)
    return store


@pytest.fixture(scope="module")
def address(store: Store) -> Iterator[str]:
    settings = Settings(threads=1)
    with served(open_shelf(store, settings), settings, store=store) as address:
        yield address


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    context = open_context(browser, address, keeps_page=True)
    yield context
    context.close()


def install(page: Page) -> None:
    """As a page on the home screen of an iPhone sees itself."""
    page.add_init_script("Object.defineProperty(navigator, 'standalone', { value: true })")
    page.reload()


def fetch_model(page: Page) -> None:
    install(page)
    page.locator(DEVICE).get_by_role("button", name="Fetch what it needs (4 MB)").click()
    expect(page.locator(DEVICE)).to_contain_text("this device recognises photos by itself", timeout=20_000)


def test_without_a_connection_the_device_says_what_a_photo_shows(page: Page, show_photo: ShowPhoto) -> None:
    assert page.evaluate(READY)
    fetch_model(page)
    cut_off(page)
    expect(page.locator("#offline")).to_contain_text("This device recognises a photo that you choose now")
    show_photo()
    expect(page.locator("#headline")).to_have_text("Red thing", timeout=20_000)
    expect(page.locator("#sureness")).to_contain_text("Very sure")
    expect(page.get_by_role("alert")).to_contain_text("This device recognised your photo by itself")
    expect(page.locator("#live")).to_have_text("Red thing")
    expect(page.locator("#judgement")).to_be_hidden()
    show_photo(photo_bytes(COLOURS["blue thing"], 3))
    expect(page.locator("#headline")).to_have_text("Blue thing")
    page.context.set_offline(False)
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator("#headline")).to_have_text("Blue thing")


def test_what_the_store_does_not_sell_is_unknown_here_too(page: Page, show_photo: ShowPhoto) -> None:
    assert page.evaluate(READY)
    fetch_model(page)
    cut_off(page)
    show_photo(photo_bytes((250, 250, 20), 3))
    expect(page.locator("#headline")).to_have_text("We don’t seem to sell this.", timeout=20_000)


def test_a_visitor_of_the_page_is_not_asked_and_fetches_nothing(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(page.get_by_role("button", name="Try Red thing")).to_be_visible()
    expect(page.locator(DEVICE)).to_be_hidden()
    assert not [url for url in asked if "/on-device/" in url or "device-offer" in url]


def test_what_was_fetched_can_be_removed(page: Page) -> None:
    fetch_model(page)
    assert page.evaluate(KEPT)
    page.get_by_role("button", name="Remove from this device").click()
    expect(page.get_by_role("button", name="Fetch what it needs")).to_be_focused()
    assert not page.evaluate(KEPT)


def test_what_the_store_offers_no_more_is_removed(page: Page, store: Store) -> None:
    fetch_model(page)
    exported = store.export_folder(store.current("models").name, "web")
    aside = exported.rename(exported.with_name("aside"))
    page.reload()
    expect(page.locator(DEVICE)).to_be_hidden()
    page.wait_for_function(f"() => {KEPT}.then((is) => !is)")
    aside.rename(exported)


def test_of_a_newer_model_only_what_changed_is_fetched(page: Page, store: Store) -> None:
    fetch_model(page)
    folder = store.export_folder(store.current("models").name, "web")
    recipe = (folder / "recipe.json").read_text("utf-8")
    (folder / "recipe.json").write_text(recipe + "\n", "utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.get_by_role("button", name="Update (1 MB)").click()
    expect(page.locator(DEVICE)).to_contain_text("this device recognises photos by itself")
    assert [url.rpartition("/")[2] for url in asked if "/on-device/" in url] == ["recipe.json"]


def test_a_file_that_is_not_what_was_named_is_not_kept(page: Page) -> None:
    """The page's own requests: those that pass through the script that keeps it can't be answered by a test."""
    damaged = "(async () => { const real = fetch; globalThis.fetch = async (...a) => /model.onnx/.test(a[0])"
    damaged += " ? new Response('not it') : real(...a) })()"
    install(page)
    page.evaluate(damaged)
    page.locator(DEVICE).get_by_role("button", name="Fetch what it needs").click()
    expect(page.locator(DEVICE)).to_contain_text("It could not be fetched")
    expect(page.locator(DEVICE).get_by_role("button", name="Fetch what it needs")).to_be_focused()
    assert page.evaluate("import('/static/js/on-device-files.js').then((files) => files.keptFiles())") is None


def test_the_offer_fits_a_phone_and_is_for_everybody(page: Page) -> None:
    install(page)
    page.set_viewport_size(PHONE)
    expect(page.locator(DEVICE)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert faults(page) == []


SIZES = [(640, 480), (131, 467), (40, 64), (224, 90), (97, 97)]


def test_a_picture_is_resized_as_on_the_server(page: Page) -> None:
    for size, fit in itertools.product(SIZES, get_args(Fit)):
        pixels_HWC = np.random.default_rng(list(size)).integers(0, 256, (size[1], size[0], 3), np.uint8)
        opaque_HWC = np.dstack([pixels_HWC, np.full(pixels_HWC.shape[:2], 255, np.uint8)])
        found = page.evaluate(
            """async ([data, width, height, side, fit]) => {
              const { fitted, withoutAlpha } = await import("/static/js/resample.js");
              const bytes = Uint8ClampedArray.from(atob(data), (one) => one.charCodeAt(0));
              return Array.from(fitted(withoutAlpha({ data: bytes, width, height }), side, fit));
            }""",
            [base64.b64encode(opaque_HWC.tobytes()).decode(), *size, 97, fit],
        )
        wanted_SSC = Preprocess(size_px=97, fit=fit).apply(Image.fromarray(pixels_HWC))
        off_SSC = np.abs(np.array(found).reshape(97, 97, 3) - wanted_SSC.astype(int))
        assert off_SSC.max() <= 2, (size, fit)
        assert off_SSC.mean() < 0.3, (size, fit)


def halves(format_name: str, *, scale: int = 1, **saved: Any) -> bytes:
    """A picture that is blue at the left and green at the right."""
    picture = Image.new("RGB", (60 * scale, 40 * scale), COLOURS["blue thing"])
    picture.paste(COLOURS["green thing"], (30 * scale, 0, 60 * scale, 40 * scale))
    if format_name == "PNG":
        picture.putalpha(200)
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **saved)
    return buffer.getvalue()


ROTATED = Image.Exif()
ROTATED[0x0112] = 6  # the left of the file is the top of the picture


@pytest.mark.parametrize(
    "data",
    [halves("PNG"), halves("JPEG", exif=ROTATED, quality=95), halves("JPEG", scale=20, quality=95)],
    ids=["alpha", "rotated", "large"],
)
def test_the_device_says_the_same_as_the_server_of_any_part(page: Page, address: str, data: bytes) -> None:
    page.evaluate(KEEP)
    for box in (None, [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.3, 0.1]):
        here = recognised_here(page, data, box)
        there = recognised_there(address, data, box)
        assert (here["label"], here["verdict"]) == (there["label"], there["verdict"])
        assert here["probability"] == pytest.approx(there["probability"], abs=0.02)


@pytest.mark.shared
@pytest.mark.skipif(not CLOTHING.is_dir(), reason="the data sets beside the checkout (../shared) are not there")
def test_of_500_photos_the_device_and_the_server_say_the_same(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Of at least 99 % of them. The model sees 160 pixels, so that this takes less than a minute."""
    shown = chosen_photos(tmp_path / "photos")
    for command in (
        ["prepare", tmp_path / "photos", "--size", 160], ["train", "--recipe", "quick"],
        ["index", tmp_path / "photos", "--split", "train"], ["export", "--to", "web"],
    ):  # fmt: skip
        assert type_command(monkeypatch, capfd, *command, "--store", tmp_path / "shop")[0] == 0
    store, settings = Store(tmp_path / "shop"), Settings()
    with (
        served(open_shelf(store, settings), settings, store=store) as address,
        open_context(browser, address) as context,
    ):
        page = context.new_page()
        page.goto("/")
        page.evaluate(KEEP)
        labels = [(recognised_here(page, data)["label"], recognised_there(address, data)["label"]) for data in shown]
    assert len(labels) == 500
    assert len({there for _, there in labels}) == 10
    assert sum(here == there for here, there in labels) >= 495


def chosen_photos(folder: Path) -> list[bytes]:
    """The bytes of 50 photos a class, laid into a folder with 20 others a class to train on."""
    shown: list[bytes] = []
    for label in sorted((CLOTHING / "train").iterdir()):
        for split, photos in (("train", sorted(label.iterdir())[:20]), ("validation", sorted(label.iterdir())[20:70])):
            target = folder / split / label.name
            target.mkdir(parents=True)
            for photo in photos:
                shutil.copy(photo, target)
                shown += [photo.read_bytes()] if split == "validation" else []
    return shown


KEEP = """async () => {
  const { on_device } = await (await fetch("/api/v1/store")).json();
  const { keepFiles } = await import("/static/js/on-device-files.js");
  await keepFiles(on_device.files, { signal: new AbortController().signal, onShare() {} });
}"""


def recognised_here(page: Page, data: bytes, box: list[float] | None = None) -> dict[str, Any]:
    """By the page's own modules."""
    found = page.evaluate(
        """async ([data, box]) => {
          const { recogniseHere } = await import("/static/js/recognise.js");
          const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          return recogniseHere(new Blob([bytes]), box && { x: box[0], y: box[1], w: box[2], h: box[3] });
        }""",
        [base64.b64encode(data).decode(), box],
    )
    assert isinstance(found, dict)
    return found


def recognised_there(address: str, data: bytes, box: list[float] | None = None) -> dict[str, Any]:
    """By the server."""
    fields = {} if box is None else {"box": ",".join(map(str, box))}
    answer = httpx.post(f"{address}/api/v1/recommendations", files={"photo": ("photo", data)}, data=fields)
    found = answer.raise_for_status().json()["prediction"]
    assert isinstance(found, dict)
    return found
