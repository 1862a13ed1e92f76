from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from snapshelf.recommend.recommender import Look
from snapshelf.settings import Settings
from snapshelf.types import Box, Encoding
from snapshelf.web.app import create_app
from snapshelf.web.looks import RecentLooks, key_of
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes


def look(number: int = 0) -> Look:
    return Look(Encoding(np.zeros((1, 2), np.float32), np.full((1, 3), number, np.float32)), ("red",), 0.1)


def test_the_oldest_go_where_there_are_too_many_and_all_after_a_while() -> None:
    clock = [0.0]
    looks = RecentLooks(capacity=2, kept_s=10, now=lambda: clock[0])
    keys = [key_of("m", bytes([number]), None) for number in range(3)]
    for number, key in enumerate(keys):
        looks.put(key, look(number))
    assert looks.get(keys[0]) is None
    assert looks.get(keys[2]) is not None
    clock[0] = 10.0
    assert looks.get(keys[2]) is None
    assert len(looks) == 0


def test_they_go_where_nobody_asks_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshelf.web.history.History.step_s", 0.02)
    settings = Settings(threads=1)
    app = create_app(open_shelf(build_tiny_store(tmp_path), settings), settings)
    with TestClient(app) as client:
        client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS["red thing"], 3)})
        looks = app.state.server.looks
        assert len(looks) == 1
        looks._kept_s = 0.0
        ends = time.monotonic() + 20
        while len(looks) and time.monotonic() < ends:
            time.sleep(0.01)
        assert len(looks) == 0


def test_looking_again_does_not_keep_them_longer() -> None:
    clock = [0.0]
    looks = RecentLooks(kept_s=10, now=lambda: clock[0])
    key = key_of("m", b"photo", None)
    looks.put(key, look())
    for second in range(10):
        clock[0] = second
        assert looks.get(key)
    clock[0] = 10.0
    assert looks.get(key) is None


def test_another_model_another_part_another_photo_is_another_look() -> None:
    keys = {
        key_of(*of) for of in (("m", b"p", None), ("n", b"p", None), ("m", b"q", None), ("m", b"p", Box(0, 0, 1, 1)))
    }
    assert len(keys) == 4


def test_the_same_photo_with_other_filters_is_not_decoded_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = {"photo": photo_bytes(COLOURS["red thing"], 3)}
    first = client.post("/api/v1/recommendations", files=photo, data={"top_k": 3}).json()
    monkeypatch.setattr("snapshelf.web.routes.recommendations.decode", lambda *_, **__: 1 // 0)
    again = client.post("/api/v1/recommendations", files=photo, data={"top_k": 3, "in_stock": True}).json()
    assert again["prediction"] == first["prediction"]
    assert again["request_id"] != first["request_id"]
    assert (again["timing_ms"]["decode"], again["timing_ms"]["encode"]) == (0, 0)
    assert "snapshelf_repeated_photos_total 1.0" in client.get("/metrics").text
    with pytest.raises(ZeroDivisionError):
        client.post("/api/v1/recommendations", files=photo, data={"box": "0,0,0.5,0.5"})
