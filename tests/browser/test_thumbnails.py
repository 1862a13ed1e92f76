"""The thumbnail in a photo's head is what is shown first: upright, without bars, and never in the way of the photo."""

from __future__ import annotations

import base64
import io
import random
import struct
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import ShowPhoto
from tests.browser.test_search import CARDS
from tests.tiny_store import COLOURS, photo

pytestmark = pytest.mark.browser

THUMBNAIL_OF = """async ([files, type]) => {
  const { thumbnailOf } = await import("/static/js/thumbnail.js");
  const seen = [];
  for (const file of files) {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    const canvas = await thumbnailOf(new File([bytes], "photo", { type }));
    if (!canvas) { seen.push(null); continue; }
    const [red, green, blue] = canvas.getContext("2d").getImageData(4, 4, 1, 1).data;
    seen.push([canvas.width, canvas.height, red > 128, green > 128, blue > 128]);
  }
  return seen;
}"""
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def jpeg(image: Image.Image, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **how)
    return file.getvalue()


def corners(size: tuple[int, int]) -> Image.Image:
    """Red, green, white and blue, clockwise from the upper left."""
    image = Image.new("RGB", size, RED)
    half = (size[0] // 2, size[1] // 2)
    image.paste(GREEN, (half[0], 0, size[0], half[1]))
    image.paste(WHITE, (*half, *size))
    image.paste(BLUE, (0, half[1], half[0], size[1]))
    return image


def exif(orientation: int | None, thumbnail: bytes, order: str = "<") -> bytes:
    """Exif 2.3, 4.5: a directory with the orientation, if there is one, and one with the thumbnail."""
    turned = [struct.pack(f"{order}HHLHH", 0x0112, 3, 1, orientation, 0)] if orientation else []
    at = 8 + 2 + 12 * len(turned) + 4
    first = struct.pack(f"{order}H", len(turned)) + b"".join(turned) + struct.pack(f"{order}L", at)
    place = (0x0201, 4, 1, at + 30)
    second = struct.pack(f"{order}HHHLLHHLLL", 2, *place, 0x0202, 4, 1, len(thumbnail), 0)
    kind = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + kind + struct.pack(f"{order}L", 8) + first + second + thumbnail


def seen(page: Page, *files: bytes, media_type: str = "image/jpeg") -> list[Any]:
    found = page.evaluate(THUMBNAIL_OF, [[base64.b64encode(file).decode() for file in files], media_type])
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_it_is_turned_as_the_photo_is(page: Page, order: str) -> None:
    small = jpeg(corners((160, 120)))
    files = [jpeg(corners((400, 300)), exif=exif(turned, small, order)) for turned in (None, 1, 3, 6, 8)]
    assert seen(page, *files) == [
        [160, 120, True, False, False],
        [160, 120, True, False, False],
        [160, 120, True, True, True],
        [120, 160, False, False, True],
        [120, 160, False, True, False],
    ]


def test_black_bars_are_cut_off(page: Page) -> None:
    barred = Image.new("RGB", (160, 120))
    barred.paste(corners((160, 106)), (0, 7))
    narrow = Image.new("RGB", (160, 120))
    narrow.paste(corners((80, 120)), (40, 0))
    wide = jpeg(corners((600, 400)), exif=exif(1, jpeg(barred)))
    tall = jpeg(corners((400, 600)), exif=exif(1, jpeg(narrow)))
    assert seen(page, wide, tall) == [[160, 107, True, False, False], [80, 120, True, False, False]]


def test_where_there_is_none_it_is_not_missed(page: Page) -> None:
    small = jpeg(corners((160, 120)))
    mirrored = jpeg(corners((400, 300)), exif=exif(2, small))
    broken = jpeg(corners((400, 300)), exif=exif(1, b"no picture"))
    assert seen(page, jpeg(corners((400, 300))), mirrored, broken, b"", b"\xff\xd8", b"GIF89a") == [None] * 6
    assert seen(page, jpeg(corners((400, 300)), exif=exif(1, small)), media_type="image/png") == [None]


def test_damaged_heads_do_no_harm(page: Page) -> None:
    draw = random.Random(5)
    whole = jpeg(corners((400, 300)), exif=exif(6, jpeg(corners((160, 120)))))
    damaged = []
    for _ in range(300):
        file = bytearray(whole)
        for _ in range(draw.randint(1, 6)):
            file[draw.randrange(120)] = draw.randrange(256)
        damaged.append(bytes(file[: draw.randint(60, len(file))]))
    for found in seen(page, *damaged):
        assert found is None or found[0] <= 160


def test_it_is_shown_until_the_photo_is(page: Page, show_photo: ShowPhoto) -> None:
    page.evaluate(
        """() => {
          window.looks = [];
          const place = document.getElementById("first-look");
          new MutationObserver(() => {
            if (place.firstChild) window.looks.push([place.firstChild.width, place.firstChild.height]);
          }).observe(place, { childList: true });
        }"""
    )
    large = photo(COLOURS["red thing"], 7).resize((2600, 1950))
    show_photo(jpeg(large, exif=exif(6, jpeg(large.resize((160, 120))))), "photo.jpg", "image/jpeg")
    expect(page.locator(CARDS)).to_have_count(12)
    expect(page.locator("#photo")).to_be_visible()
    assert page.evaluate("window.looks") == [[120, 160], [960, 1280]]
    assert page.locator("#first-look canvas").count() == 0
