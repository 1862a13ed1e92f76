"""A model that looks beside the one that answers: compared, never in the way, and gone with the server."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from snapshelf import cli
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.store import Store
from snapshelf.settings import Settings
from snapshelf.types import Encoding
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes, write_model
from tests.web.conftest import ADMIN, ADMIN_KEY
from tests.web.test_shelves import wait_until

SETTINGS = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """With a second model that takes green for blue, and blue for green."""
    store = build_tiny_store(tmp_path)
    folder = store.folder("models", "tiny-2")
    card = write_model(folder, "tiny-2")
    card.model_copy(update={"labels": ["green thing", "blue thing", "red thing"]}).write(folder)
    return store


@pytest.fixture
def shadow(store: Store) -> OnnxEncoder:
    return OnnxEncoder(store.folder("models", "tiny-2"), num_threads=1)


@pytest.fixture
def client(store: Store, shadow: OnnxEncoder) -> Iterator[TestClient]:
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store, shadow=shadow)) as running:
        yield running


def search(client: TestClient, colour: str, number: int, **fields: str) -> dict[str, Any]:
    answer = client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS[colour], number)}, data=fields)
    assert answer.status_code == 200
    found = answer.json()
    assert isinstance(found, dict)
    return found


def seen(client: TestClient) -> dict[str, Any] | None:
    models = client.get("/api/v1/admin/models", headers=ADMIN).json()["models"]
    (own,) = (each for each in models if each["id"] == "tiny-2")
    assert all(each["shadow"] is None for each in models if each["id"] != "tiny-2")
    found = own["shadow"]
    assert found is None or isinstance(found, dict)
    return found


def test_it_is_compared_and_answers_nobody(client: TestClient) -> None:
    assert seen(client) is None
    for number, (colour, fields) in enumerate(
        [("red thing", {}), ("green thing", {}), ("red thing", {"box": "0.1,0.1,0.5,0.5"}), ("blue thing", {})], start=1
    ):
        assert search(client, colour, number, **fields)["prediction"]["label"] == colour
        assert wait_until(lambda: (seen(client) or {}).get("num_photos") == number)  # noqa: B023
    found = seen(client)
    assert found is not None
    assert (found["num_photos"], found["agreement"]) == (4, 0.5)
    assert found["mean_difference"] < 0.01
    text = client.get("/metrics").text
    assert 'snapshelf_shadow_photos_total{agrees="yes",serving="confident",shadow="confident"} 2.0' in text
    assert 'agrees="no"' in text


def test_a_photo_that_was_looked_at_before_is_not_looked_at_again(client: TestClient) -> None:
    search(client, "red thing", 1)
    assert wait_until(lambda: seen(client) is not None)
    search(client, "red thing", 1, category="red thing")
    found = seen(client)
    assert found is not None
    assert found["num_photos"] == 1


def test_photos_that_come_meanwhile_are_passed_over_and_answered_at_once(
    client: TestClient, shadow: OnnxEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, encode = threading.Event(), shadow.encode

    def slow(photos: Any) -> Encoding:
        goes_on.wait(20)
        return encode(photos)

    monkeypatch.setattr(shadow, "encode", slow)
    for number in range(4):
        search(client, "red thing", number)
    assert "snapshelf_shadow_passed_over_total 3.0" in client.get("/metrics").text
    goes_on.set()
    assert wait_until(lambda: (seen(client) or {}).get("num_photos") == 1)
    search(client, "red thing", 9)
    assert wait_until(lambda: (seen(client) or {}).get("num_photos") == 2)


def test_where_it_fails_customers_are_answered_and_the_next_photo_may_do(
    client: TestClient, shadow: OnnxEncoder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: Any) -> Encoding:
        raise ZeroDivisionError

    with monkeypatch.context() as failing:
        failing.setattr(shadow, "encode", fails)
        search(client, "red thing", 1)
        assert wait_until(lambda: "The shadow tiny-2 failed on a photo" in caplog.text)
    others = itertools.count(100)
    assert wait_until(lambda: bool(search(client, "red thing", next(others))) and seen(client) is not None)


@pytest.mark.parametrize("name", ["tiny-9", "plain"])
def test_a_shadow_that_is_none_is_refused_in_words(
    store: Store, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_model(store.folder("models", "plain"), "plain", with_labels=False)
    monkeypatch.setattr("sys.argv", ["snapshelf", "serve", "--store", str(store.root), "--port", "0", "--shadow", name])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 2
    assert {"tiny-9": "has no 'tiny-9'", "plain": "knows no categories"}[name] in capfd.readouterr().err.replace(
        "\n", " "
    )
