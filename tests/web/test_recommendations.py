"""POST /api/v1/recommendations: the right answer, or a problem that says what to do."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo, photo_bytes

URL = "/api/v1/recommendations"
RED = COLOURS["red thing"]


def ask(client: TestClient, data: bytes = photo_bytes(RED, 99), **fields: str) -> dict[str, Any]:
    answer = client.post(URL, files={"photo": ("photo.png", data)}, data=fields)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(client: TestClient, data: bytes, status: int, kind: str, **fields: str) -> str:
    answer = client.post(URL, files={"photo": ("photo.jpg", data)}, data=fields)
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:snapshelf:problem:{kind}"
    return str(body["detail"])


def test_a_photo_is_recognised_and_like_products_come_first(client: TestClient) -> None:
    answer = ask(client)
    assert set(answer) == {"request_id", "model_id", "prediction", "recommendations", "timing_ms"}
    assert answer["prediction"]["label"] == "red thing"
    assert answer["prediction"]["verdict"] == "confident"
    assert answer["prediction"]["top"][0]["label"] == "red thing"
    assert sum(each["probability"] for each in answer["prediction"]["top"]) == pytest.approx(1, abs=0.01)
    assert len(answer["recommendations"]) == 12
    assert [each["product"]["category"] for each in answer["recommendations"][:4]] == ["red thing"] * 4
    similarities = [each["similarity"] for each in answer["recommendations"]]
    assert similarities == sorted(similarities, reverse=True)
    assert "same category" in answer["recommendations"][0]["reason"]
    assert answer["recommendations"][0]["reasons"][0] == {"kind": "same-category", "values": []}
    assert set(answer["timing_ms"]) == {"decode", "encode", "search", "total"}


def test_a_card_has_all_that_a_page_needs(client: TestClient) -> None:
    product = ask(client)["recommendations"][0]["product"]
    assert product["currency"] == "EUR"
    assert product["attributes"] == {"brand": "Acme"}
    assert product["url"].startswith("https://shop.example/")
    picture = client.get(product["image_url"])
    assert picture.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(picture.content)).format == "WEBP"


def test_an_unknown_colour_is_called_unknown(client: TestClient) -> None:
    assert ask(client, photo_bytes((240, 240, 10)))["prediction"]["verdict"] == "unknown"


def test_filters_are_obeyed_and_do_not_empty_the_list(client: TestClient) -> None:
    found = ask(client, category="blue thing", in_stock="true", price_min="10", price_max="16")["recommendations"]
    assert sorted(each["product"]["id"] for each in found) == ["p00", "p06"]


def test_top_k_is_the_number_of_products(client: TestClient) -> None:
    assert len(ask(client, top_k="3")["recommendations"]) == 3


def test_diversity_brings_other_products(client: TestClient) -> None:
    near = [each["product"]["category"] for each in ask(client, top_k="3")["recommendations"]]
    varied = [each["product"]["category"] for each in ask(client, top_k="3", diversity="1")["recommendations"]]
    assert len(set(near)) == 1
    assert len(set(varied)) > 1


def test_a_box_searches_for_its_part_of_the_photo(client: TestClient) -> None:
    both = Image.new("RGB", (200, 100))
    both.paste(photo(RED, 1, (100, 100)), (0, 0))
    both.paste(photo(COLOURS["blue thing"], 1, (100, 100)), (100, 0))
    buffer = io.BytesIO()
    both.save(buffer, "PNG")
    for box, label in (("0,0,0.5,1", "red thing"), ("0.5,0,0.5,1", "blue thing")):
        assert ask(client, buffer.getvalue(), box=box)["prediction"]["label"] == label


def test_every_exif_orientation_gives_the_same_answer(client: TestClient) -> None:
    scene = Image.new("RGB", (60, 40))
    scene.paste((200, 50, 40), (0, 0, 30, 40))
    scene.paste((60, 50, 40), (30, 0, 60, 20))
    undo = (None, 0, 3, 1, 5, 2, 6, 4)  # Pillow's numbers of the turns that store an upright scene
    answers = set()
    for orientation, turn in enumerate(undo, start=1):
        stored = scene if turn is None else scene.transpose(Image.Transpose(turn))
        exif = Image.Exif()
        exif[0x0112] = orientation
        buffer = io.BytesIO()
        stored.save(buffer, "PNG", exif=exif)
        answer = ask(client, buffer.getvalue(), box="0,0,0.5,1")
        answers.add(json.dumps([answer["prediction"], answer["recommendations"]]))
    assert len(answers) == 1


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "LA", "1"])
def test_every_colour_mode_is_answered(client: TestClient, mode: str) -> None:
    buffer = io.BytesIO()
    photo(RED).convert("L" if mode == "LA" else "RGB").convert(mode).save(buffer, "TIFF" if mode == "CMYK" else "PNG")
    assert ask(client, buffer.getvalue())["recommendations"]


def test_an_empty_file(client: TestClient) -> None:
    assert "empty" in refused(client, b"", 415, "not-a-photo")


def test_text_named_jpg(client: TestClient) -> None:
    assert "Not a picture" in refused(client, b"hello" * 100, 415, "not-a-photo")


def test_a_truncated_jpeg(client: TestClient) -> None:
    whole = photo_bytes(RED, 0, "JPEG")
    assert "cut off" in refused(client, whole[: len(whole) // 2], 422, "photo-broken")


def test_a_picture_over_the_pixel_limit(client: TestClient) -> None:
    buffer = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(buffer, "PNG")
    assert "at most 50 million" in refused(client, buffer.getvalue(), 413, "photo-too-many-pixels")


def test_a_file_over_the_byte_limit(client: TestClient) -> None:
    assert "20,000,000" in refused(client, b"\xff\xd8" + b"0" * 20_000_001, 413, "photo-too-many-bytes")


def test_an_unannounced_long_body_is_cut_off(client: TestClient) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    chunks = (head if number == 0 else b"0" * 1_000_000 for number in range(30))
    answer = client.post(URL, content=chunks, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:snapshelf:problem:photo-too-many-bytes"


def test_a_missing_photo(client: TestClient) -> None:
    answer = client.post(URL, data={"top_k": "3"})
    assert answer.status_code == 422
    assert "'photo' is missing" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_k", "0"),
        ("top_k", "many"),
        ("top_k", "101"),
        ("diversity", "2"),
        ("price_min", "-1"),
        ("price_max", "nan"),
        ("box", "0.9,0,0.5,1"),
        ("box", "0,0,0,0"),
        ("box", "1,2"),
        ("box", "nan,0,1,1"),
        ("in_stock", "perhaps"),
    ],
)
def test_a_bad_field_is_named(client: TestClient, field: str, value: str) -> None:
    assert field in refused(client, photo_bytes(RED), 422, "bad-request-field", **{field: value})


def test_a_price_range_upside_down(client: TestClient) -> None:
    assert "price" in refused(client, photo_bytes(RED), 422, "bad-request-field", price_min="9", price_max="2")


def test_too_many_requests_say_when_to_come_again(tmp_path: Path) -> None:
    settings = Settings(rate_limit=2, threads=1)
    with TestClient(create_app(open_shelf(build_tiny_store(tmp_path), settings), settings)) as client:
        statuses = [client.post(URL, files={"photo": photo_bytes(RED)}).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert 1 <= int(client.post(URL).headers["retry-after"]) <= 60
        assert client.get("/api/v1/categories").status_code == 200


def test_before_training_the_nearest_products_say_what_it_is(tmp_path: Path) -> None:
    settings = Settings(threads=1)
    store = build_tiny_store(tmp_path, with_labels=False)
    with TestClient(create_app(open_shelf(store, settings), settings)) as client:
        prediction = ask(client)["prediction"]
        assert prediction["label"] == "red thing"
        assert prediction["verdict"] in ("likely", "unsure")
