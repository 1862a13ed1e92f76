"""Take the pictures of the customers' page that docs/images has: python -m website.pictures STORE PHOTO

STORE has a model and an index; PHOTO is what is searched with. A real server and a real Chromium, at the size of a
phone and of a desktop. Run it when the page looks otherwise than in its pictures.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from snapshelf.artifacts.store import Store
from snapshelf.settings import Settings
from snapshelf.wiring import open_shelf
from tests.browser.conftest import browser_path
from tests.serving import served

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MAX_BYTES = 200_000
PHONE: ViewportSize = {"width": 360, "height": 780}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}

Steps = Callable[[Page, Path], None]


def start(page: Page, _: Path) -> None:
    """The page as it opens."""
    page.locator("#samples img").first.wait_for()


def result(page: Page, photo: Path) -> None:
    """What a photo was taken for, and the products."""
    page.set_input_files("#file", photo)
    page.locator("#grid .card:not(.skeleton) img").first.wait_for()
    page.evaluate("scrollTo(0, 0)")


def part(page: Page, photo: Path) -> None:
    """A part of the photo is chosen."""
    result(page, photo)
    page.locator("#crop-open").click()
    page.locator("#crop-box").wait_for()


def plain(page: Page, photo: Path) -> None:
    """The form that works without scripts."""
    page.set_input_files("input[type=file]", photo)
    page.locator("form button").first.click()
    page.wait_for_load_state("networkidle")


PICTURES: dict[str, tuple[ViewportSize, dict[str, object], Steps]] = {
    "page-start-desktop": (DESKTOP, {}, start),
    "page-start-phone": (PHONE, {}, start),
    "page-result-desktop": (DESKTOP, {}, result),
    "page-result-phone": (PHONE, {}, result),
    "page-result-phone-dark": (PHONE, {"color_scheme": "dark"}, result),
    "page-result-phone-german": (PHONE, {"locale": "de-DE"}, result),
    "page-result-phone-arabic": (PHONE, {"locale": "ar"}, result),
    "page-result-phone-plain": (PHONE, {"java_script_enabled": False}, plain),
    "page-part-phone": (PHONE, {}, part),
}
"""By name: the size of the window, what the browser is like, and what is done before."""


def take(browser: Browser, address: str, photo: Path, name: str) -> bytes:
    """A picture as WebP, phones at two pixels a point."""
    size, like, steps = PICTURES[name]
    options = {"locale": "en-GB", "reduced_motion": "reduce", **like}
    scale = 2 if size is PHONE else 1
    context = browser.new_context(base_url=address, viewport=size, device_scale_factor=scale, **options)  # type: ignore[arg-type]
    with context:
        page = context.new_page()
        page.goto("/")
        steps(page, photo)
        content = io.BytesIO()
        Image.open(io.BytesIO(page.screenshot())).save(content, "WEBP", quality=80, method=6)
        return content.getvalue()


def main() -> None:
    """Take all of them and write them into docs/images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--folder", type=Path, default=IMAGES)
    arguments = parser.parse_args()
    store, settings = Store(arguments.store), Settings()
    shelf = open_shelf(store, settings)
    with served(shelf, settings, store=store) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        for name in PICTURES:
            content = take(chromium, address, arguments.photo, name)
            if len(content) > MAX_BYTES:
                sys.exit(f"{name} has {len(content):,} bytes; at most {MAX_BYTES:,} are allowed.")
            (arguments.folder / f"{name}.webp").write_bytes(content)
            sys.stdout.write(f"{name}.webp  {len(content):,} bytes\n")
        chromium.close()


if __name__ == "__main__":
    main()
