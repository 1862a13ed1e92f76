"""Products into the gallery, and out of it: embeddings, thumbnails, nothing half done."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.adapters.sqlite_thumbnails import SqliteThumbnails
from snapshelf.errors import InputError, PhotoError, PhotoTooManyPixelsError
from snapshelf.gallery import Embedder, Gallery, Thumbnail, sha256, thumbnail
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.types import Filters, Product
from tests.mean_colour import MeanColour
from tests.tiny_store import COLOURS, photo, photo_bytes

BLUE, GREEN, RED = COLOURS.values()
SCARF = Product("scarf", "Scarf", "red thing", 5.0)


@pytest.fixture
def index() -> ExactIndex:
    return ExactIndex(3)


@pytest.fixture
def thumbnails(tmp_path: Path) -> Iterator[SqliteThumbnails]:
    store = SqliteThumbnails(tmp_path / "thumbnails.sqlite")
    yield store
    store.close()


@pytest.fixture
def gallery(index: ExactIndex, thumbnails: SqliteThumbnails) -> Gallery:
    return Gallery(MeanColour(), index, thumbnails, DecodeLimits(max_pixels=100_000))


def test_a_product_can_be_found_by_each_of_its_photos(gallery: Gallery, index: ExactIndex) -> None:
    gallery.put(SCARF, [photo_bytes(RED), np.asarray(photo(BLUE))])
    for colour in (RED, BLUE):
        (near,) = index.search(MeanColour().embedding(photo(colour)), limit=5, filters=Filters())
        assert (near.product, near.similarity > 0.99) == (SCARF, True)


def test_put_replaces_photos_and_data(gallery: Gallery, index: ExactIndex, thumbnails: SqliteThumbnails) -> None:
    gallery.put(SCARF, [photo_bytes(RED), photo_bytes(BLUE)])
    before = [each.photo_id for each in index.product_photos("scarf")]
    changed = Product("scarf", "Green scarf", "green thing")
    gallery.put(changed, [photo_bytes(GREEN)])
    (after,) = index.product_photos("scarf")
    assert after.product == changed
    assert after.photo_sha256 == sha256(photo_bytes(GREEN))
    assert [thumbnails.get(photo_id) for photo_id in before] == [None, None]
    assert thumbnails.get(after.photo_id) is not None


def test_the_same_photo_twice_is_one(gallery: Gallery, index: ExactIndex) -> None:
    gallery.put(SCARF, [photo_bytes(RED), photo_bytes(RED)])
    gallery.put(SCARF, [photo_bytes(RED)])
    assert len(index.product_photos("scarf")) == 1


@pytest.mark.parametrize(
    ("photos", "error"),
    [
        ([photo_bytes(RED), b"no picture"], PhotoError),
        ([photo_bytes(RED), b""], PhotoError),
        ([np.asarray(photo(RED)), photo_bytes(RED)[:100]], PhotoError),
        ([], InputError),
    ],
    ids=["text", "empty", "truncated", "none"],
)
def test_a_bad_photo_changes_nothing(
    gallery: Gallery, index: ExactIndex, photos: list[bytes], error: type[Exception]
) -> None:
    gallery.put(SCARF, [photo_bytes(BLUE)])
    with pytest.raises(error):
        gallery.put(Product("scarf", "Other", "red thing"), photos)
    assert index.product("scarf") == SCARF
    assert len(index.product_photos("scarf")) == 1


def test_too_many_pixels_are_refused(gallery: Gallery) -> None:
    large = io.BytesIO()
    Image.new("RGB", (400, 300)).save(large, "PNG")
    with pytest.raises(PhotoTooManyPixelsError):
        gallery.put(SCARF, [large.getvalue()])


@pytest.mark.parametrize("product_id", ["", "x" * 201, "a\tb", "a\nb"])
def test_an_id_that_is_none_is_refused(gallery: Gallery, index: ExactIndex, product_id: str) -> None:
    with pytest.raises(InputError, match="id is"):
        gallery.put(Product(product_id, "Scarf", "red thing"), [photo_bytes(RED)])
    assert index.count_products() == 0


def test_update_keeps_the_photos(gallery: Gallery, index: ExactIndex) -> None:
    gallery.put(SCARF, [photo_bytes(RED)])
    before = index.photo_hashes()
    gallery.update(Product("scarf", "Scarf", "red thing", 99.0))
    assert index.product("scarf") == Product("scarf", "Scarf", "red thing", 99.0)
    assert index.photo_hashes() == before


def test_remove_takes_the_thumbnails_along(gallery: Gallery, index: ExactIndex, thumbnails: SqliteThumbnails) -> None:
    gallery.put(SCARF, [photo_bytes(RED)])
    (kept,) = index.product_photos("scarf")
    assert gallery.remove(["scarf", "nobody"]) == 1
    assert (index.count_products(), thumbnails.get(kept.photo_id)) == (0, None)


def opened(made: Thumbnail) -> Image.Image:
    image = Image.open(io.BytesIO(made.content))
    assert made.media_type == f"image/{image.format}".lower()
    return image


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1600, 1200), (320, 240)), ((300, 900), (107, 320)), ((320, 100), (320, 100)), ((28, 28), (28, 28)),
     ((5000, 2), (320, 1))],
)  # fmt: skip
def test_thumbnails_are_small_and_never_enlarged(size: tuple[int, int], expected: tuple[int, int]) -> None:
    made = thumbnail(photo(RED, size=size))
    assert opened(made).size == expected
    assert made.media_type == ("image/webp" if max(size) <= 64 else "image/jpeg")


def test_thumbnails_of_tiny_photos_keep_every_pixel() -> None:
    image = photo(GREEN, size=(28, 28))
    np.testing.assert_array_equal(np.asarray(opened(thumbnail(image)).convert("RGB")), np.asarray(image))


def test_a_large_photo_keeps_enough_pixels_for_its_thumbnail() -> None:
    large = io.BytesIO()
    photo(RED, size=(2000, 1500)).save(large, "JPEG")
    embedder = Embedder(MeanColour(), DecodeLimits())
    assert opened(embedder.prepare(large.getvalue()).thumbnail).size == (320, 240)


def test_hashes_tell_contents_and_shapes_apart() -> None:
    flat = np.zeros((2, 6, 3), np.uint8)
    hashes = {sha256(b""), sha256(b"\0" * 36), sha256(flat), sha256(flat.reshape(3, 4, 3)), sha256(flat + 1)}
    assert len(hashes) == 5
    assert sha256(flat) == sha256(np.asfortranarray(flat))
