"""Products' pictures: which photo, in which size, kept for how long."""

from __future__ import annotations

import base64
import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from snapshelf.web.pictures import fitted
from tests.tiny_store import COLOURS, photo
from tests.web.conftest import ADMIN

FOR_GOOD = "public, max-age=31536000, immutable"


def picture(colour: tuple[int, int, int], side_px: int = 400) -> bytes:
    """A large photo of one colour."""
    content = io.BytesIO()
    photo(colour, 1, (side_px, side_px // 2)).save(content, "JPEG")
    return content.getvalue()


def put(client: TestClient, colour: tuple[int, int, int]) -> str:
    """Put a product with a large photo there, and give its picture's address."""
    body = {"title": "Large", "category": "red thing", "image_base64": base64.b64encode(picture(colour)).decode()}
    assert client.put("/api/v1/products/large", json=body, headers=ADMIN).status_code == 200
    return str(client.get("/api/v1/products/large").json()["image_url"])


def size_of(client: TestClient, address: str) -> tuple[int, int]:
    """Of the picture at an address."""
    return Image.open(io.BytesIO(client.get(address).content)).size


def test_an_address_with_the_photos_hash_is_kept_for_good_and_changes_with_the_photo(client: TestClient) -> None:
    before = put(client, COLOURS["red thing"])
    assert client.get(before).headers["cache-control"] == FOR_GOOD
    after = put(client, COLOURS["blue thing"])
    assert after != before
    stale = client.get(before)
    assert (stale.status_code, stale.headers["cache-control"]) == (200, "public, max-age=300")
    assert client.get("/api/v1/products/large/image").headers["cache-control"] == "public, max-age=300"


def test_recommendations_show_the_photo_that_was_found(client: TestClient) -> None:
    found = client.get("/api/v1/recommendations", params={"like": "p00"}).json()["recommendations"]
    for each in found:
        assert client.get(each["product"]["image_url"]).headers["cache-control"] == FOR_GOOD


def test_pictures_come_in_two_sizes(client: TestClient) -> None:
    address = put(client, COLOURS["red thing"])
    assert size_of(client, address) == (320, 160)
    assert size_of(client, f"{address}&size=160") == (160, 80)
    whole, small = (client.get(each).headers["etag"] for each in (address, f"{address}&size=160"))
    assert whole != small
    assert client.get(f"{address}&size=160", headers={"If-None-Match": small}).status_code == 304


def test_a_small_picture_is_never_enlarged(client: TestClient) -> None:
    assert size_of(client, "/api/v1/products/p00/image?size=160") == (48, 40)


@pytest.mark.parametrize("query", ["size=161", "size=99999", "photo=../../x", "photo=ABC"])
def test_other_sizes_and_hashes_are_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/products/p00/image?{query}")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:snapshelf:problem:bad-request-field")


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP"])
def test_a_fitted_picture_keeps_its_format_and_proportions(format_name: str) -> None:
    content = io.BytesIO()
    photo(COLOURS["red thing"], 1, (320, 200)).save(content, format_name)
    small = Image.open(io.BytesIO(fitted(content.getvalue(), 160)))
    assert (small.format, small.size) == (format_name, (160, 100))
    assert fitted(content.getvalue(), 320) == content.getvalue()
