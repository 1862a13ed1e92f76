"""What customers say: kept for the staff, taken back, reviewed, and the photos that they leave."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from snapshelf.adapters.sqlite_feedback import Feedback, SqliteFeedback
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes
from tests.web.conftest import ADMIN

FEEDBACK = "/api/v1/feedback"
QUEUE = "/api/v1/admin/feedback"
REMARK = {"request_id": "r1", "helpful": False, "correct_label": "green thing"}


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def give(client: TestClient, **said: Any) -> dict[str, Any]:
    answer = client.post(FEEDBACK, json=REMARK | said)
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert isinstance(receipt, dict)
    return receipt


def queue(client: TestClient, **wanted: Any) -> dict[str, Any]:
    found = client.get(QUEUE, params=wanted, headers=ADMIN).json()
    assert isinstance(found, dict)
    return found


def test_feedback_waits_for_staff_with_what_was_said(client: TestClient) -> None:
    asked = client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS["red thing"])}).json()
    remark = {"request_id": asked["request_id"], "helpful": False, "correct_label": "green thing", "comment": "no <b>"}
    assert client.post("/api/v1/feedback", json=remark).status_code == 201
    kept = client.get("/api/v1/admin/feedback", headers=ADMIN).json()
    assert kept["total"] == 1
    assert kept["feedback"][0]["predicted_label"] == "red thing"
    assert kept["feedback"][0]["model_id"] == "tiny-1"
    assert {key: kept["feedback"][0][key] for key in remark} == remark


def test_feedback_on_a_forgotten_request_is_kept_without_a_guess(client: TestClient) -> None:
    assert client.post("/api/v1/feedback", json={"request_id": "long-ago", "helpful": True}).status_code == 201
    kept = client.get("/api/v1/admin/feedback", headers=ADMIN).json()["feedback"][0]
    assert kept["predicted_label"] is None


@pytest.mark.parametrize("remark", [{}, {"request_id": "x"}, {"helpful": True}, {"request_id": "x", "stars": 5}])
def test_feedback_that_says_nothing_is_refused(client: TestClient, remark: dict[str, object]) -> None:
    assert client.post("/api/v1/feedback", json=remark).status_code == 422


def test_a_photo_alone_says_nothing(client: TestClient) -> None:
    only = {"request_id": "r1", "image_base64": base64_of(photo_bytes(COLOURS["red thing"]))}
    assert client.post(FEEDBACK, json=only).status_code == 422


def phone_photo(size: tuple[int, int] = (3000, 2000)) -> bytes:
    """Red at its left, blue at its right, lying on its side by its metadata, which also has a place."""
    picture = Image.new("RGB", size, COLOURS["red thing"])
    picture.paste(COLOURS["blue thing"], (size[0] // 2, 0, *size))
    exif = Image.Exif()
    exif[0x0112] = 3
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 0.0)
    content = io.BytesIO()
    picture.save(content, "JPEG", exif=exif, comment=b"at home")
    return content.getvalue()


def test_a_photo_left_with_feedback_is_kept_small_upright_and_without_its_place(client: TestClient) -> None:
    receipt = give(client, image_base64=base64_of(phone_photo()))
    assert receipt["photo_kept"] is True
    assert queue(client)["feedback"][0]["has_photo"] is True
    kept = client.get(f"{QUEUE}/{receipt['id']}/photo", headers=ADMIN)
    assert (kept.headers["content-type"], kept.headers["cache-control"]) == ("image/jpeg", "no-store")
    picture = Image.open(io.BytesIO(kept.content))
    assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", (1024, 683), {})
    assert b"at home" not in kept.content
    left = picture.getpixel((10, 300))
    assert isinstance(left, tuple)
    assert left[2] > left[0]  # the blue half, since it was upside down


def test_of_a_photo_only_the_part_that_is_meant_is_kept(client: TestClient) -> None:
    receipt = give(client, image_base64=base64_of(phone_photo()), box=[0.5, 0.25, 0.4, 0.5])
    picture = Image.open(io.BytesIO(client.get(f"{QUEUE}/{receipt['id']}/photo", headers=ADMIN).content))
    assert picture.size == (1024, 853)
    colours_HWC = np.asarray(picture.convert("RGB"))
    assert (colours_HWC[..., 0] > colours_HWC[..., 2]).all()  # the red half


@pytest.mark.parametrize(
    ("changed", "status", "word"),
    [
        ({"image_base64": "not base64!"}, 422, "base64"),
        ({"image_base64": base64_of(b"%PDF-1.7")}, 415, "Not a picture"),
        ({"image_base64": base64_of(photo_bytes(COLOURS["red thing"])), "box": [0.9, 0.9, 0.5, 0.5]}, 422, "box"),
        ({"box": [0.1, 0.2]}, 422, "box"),
        ({"box": "0.1,0.2,0.3,0.4"}, 422, "box"),
    ],
)
def test_a_photo_that_is_none_is_refused_in_words(
    client: TestClient, changed: dict[str, Any], status: int, word: str
) -> None:
    answer = client.post(FEEDBACK, json=REMARK | changed)
    assert (answer.status_code, word in answer.json()["detail"]) == (status, True), answer.text
    assert queue(client)["total"] == 0


def test_as_large_a_photo_as_a_search_takes_may_be_left(tmp_path: Path) -> None:
    photo = phone_photo()
    settings = Settings(threads=1, max_upload_bytes=len(photo))
    with TestClient(create_app(open_shelf(build_tiny_store(tmp_path), settings), settings)) as client:
        assert give(client, image_base64=base64_of(photo))["photo_kept"] is True
        larger = client.post(FEEDBACK, json=REMARK | {"image_base64": base64_of(photo) * 2 + "A" * 100_000})
        assert larger.status_code == 413


def test_feedback_is_taken_back_with_its_token_alone(client: TestClient) -> None:
    receipt = give(client, image_base64=base64_of(photo_bytes(COLOURS["red thing"])))
    address = f"{FEEDBACK}/{receipt['id']}"
    assert client.delete(address).status_code == 422
    guessed = client.delete(address, headers={"Undo-Token": "guess"})
    assert (guessed.status_code, guessed.json()["type"]) == (404, "urn:snapshelf:problem:not-found")
    assert queue(client)["total"] == 1
    assert client.delete(address, headers={"Undo-Token": receipt["undo_token"]}).status_code == 204
    assert queue(client)["total"] == 0
    assert client.get(f"{QUEUE}/{receipt['id']}/photo", headers=ADMIN).status_code == 404
    assert client.delete(address, headers={"Undo-Token": receipt["undo_token"]}).status_code == 404


def review(client: TestClient, number: int, **said: Any) -> dict[str, Any]:
    answer = client.put(f"{QUEUE}/{number}/review", json=said, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def test_staff_accept_correct_reject_and_think_again(client: TestClient) -> None:
    one, two, three = (give(client)["id"] for _ in range(3))
    assert review(client, one, state="accepted")["label"] == "green thing"
    assert review(client, two, state="accepted", label="blue thing")["label"] == "blue thing"
    assert review(client, three, state="rejected")["label"] is None
    assert queue(client)["counts"] == {"waiting": 0, "accepted": 2, "rejected": 1}
    again = review(client, three, state="waiting")
    assert (again["state"], again["reviewed_at"]) == ("waiting", None)
    waiting = queue(client, state="waiting")
    assert [each["id"] for each in waiting["feedback"]] == [three]
    assert (waiting["total"], waiting["counts"]) == (1, {"waiting": 1, "accepted": 2, "rejected": 0})


def test_reviewed_feedback_is_not_taken_back_any_more(client: TestClient) -> None:
    receipt = give(client)
    review(client, receipt["id"], state="accepted")
    late = client.delete(f"{FEEDBACK}/{receipt['id']}", headers={"Undo-Token": receipt["undo_token"]})
    assert (late.status_code, "reviewed" in late.json()["detail"]) == (404, True)


@pytest.mark.parametrize(
    "said", [{}, {"state": "maybe"}, {"state": "accepted", "label": ""}, {"state": "waiting", "x": 1}]
)
def test_a_review_that_says_nothing_is_refused(client: TestClient, said: dict[str, Any]) -> None:
    number = give(client)["id"]
    assert client.put(f"{QUEUE}/{number}/review", json=said, headers=ADMIN).status_code == 422


def test_what_is_not_there_is_said(client: TestClient) -> None:
    for method, address in (("PUT", f"{QUEUE}/99/review"), ("GET", f"{QUEUE}/99/photo")):
        answer = client.request(method, address, json={"state": "accepted"}, headers=ADMIN)
        assert (answer.status_code, "There is no" in answer.json()["detail"]) == (404, True)


def test_staff_alone_review(client: TestClient) -> None:
    number = give(client)["id"]
    for method, address in (
        ("PUT", f"{QUEUE}/{number}/review"),
        ("GET", f"{QUEUE}/{number}/photo"),
        ("GET", QUEUE),
        ("GET", "/api/v1/admin/models"),
        ("PUT", "/api/v1/admin/models/current"),
        ("GET", "/api/v1/admin/health"),
    ):
        assert client.request(method, address, json={"state": "accepted", "id": "x"}).status_code in (401, 422), address
        assert client.request(method, address, json={"state": "accepted"}, headers={}).status_code != 200
    assert queue(client)["counts"]["waiting"] == 1


def test_when_its_days_are_over_a_starting_server_forgets_it(tmp_path: Path) -> None:
    settings = Settings(threads=1, feedback_days=30)
    store = build_tiny_store(tmp_path)
    for days in (31, 29):
        before = SqliteFeedback(store.feedback_path, lambda: datetime.now(UTC) - timedelta(days=days))  # noqa: B023
        before.add(Feedback("r1", helpful=True), b"jpeg")
        before.close()
    with TestClient(create_app(open_shelf(store, settings), settings)) as client:
        assert client.get("/api/v1/store").json()["feedback_days"] == 30
    after = SqliteFeedback(store.feedback_path)
    assert [each.id for each in after.newest(offset=0, limit=9)] == [2]
    after.close()
