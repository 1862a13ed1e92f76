"""What a server tells of drift, and what it keeps for it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import SecretStr

from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.store import Store
from snapshelf.drift.baseline import FILE_NAME, Baseline
from snapshelf.drift.judgement import Usual
from snapshelf.drift.quantities import QUANTITIES
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.drift import new_baseline
from snapshelf.recommend.recommender import Look
from snapshelf.settings import Settings
from snapshelf.web import app as application
from snapshelf.web import drift as web_drift
from snapshelf.web.app import create_app
from snapshelf.web.drift import DriftWindow
from snapshelf.wiring import open_shelf
from tests.pipeline.test_drift import write_photos
from tests.tiny_store import COLOURS, build_tiny_store, photo, photo_bytes
from tests.web.conftest import ADMIN, ADMIN_KEY
from tests.web.test_shelves import rebuild, wait_until

SETTINGS = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """With a baseline of 60 photos."""
    store = build_tiny_store(tmp_path)
    encoder = OnnxEncoder(store.current("models"), num_threads=1)
    photos = str(write_photos(tmp_path / "usual", 0))
    new_baseline(store, encoder, encoder.card, photos, format="auto", limits=DecodeLimits(), num_threads=1)
    return store


@pytest.fixture
def client(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(application, "LEAST_PAUSE_S", 0.0)
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as running:
        assert wait_until(lambda: "snapshelf_drift_photos" in running.get("/metrics").text)
        yield running


def metrics(client: TestClient) -> dict[str, float]:
    """The drift metrics by name, or `name quantity`."""
    found = re.findall(
        r"^snapshelf_(drift\w*)(?:\{quantity=\"(\w+)\"\})? (\S+)$", client.get("/metrics").text, re.MULTILINE
    )
    return {f"{name} {quantity}".strip(): float(value) for name, quantity, value in found}


def send(client: TestClient, content: bytes, **fields: str) -> None:
    answer = client.post("/api/v1/recommendations", files={"photo": content}, data=fields)
    assert answer.status_code == 200


def send_usual(client: TestClient, number: int, first: int = 300) -> None:
    colours = list(COLOURS.values())
    for at in range(first, first + number):
        send(client, photo_bytes(colours[at % 3], at))


def drifted(found: dict[str, float]) -> set[str]:
    names = {name.split()[1] for name in found if " " in name}
    return {name for name in names if found[f"drift {name}"] > found[f"drift_limit {name}"]}


def test_usual_photos_are_quiet_once_there_are_enough(client: TestClient) -> None:
    send_usual(client, 49)
    assert metrics(client) == {"drift_photos": 49}
    send_usual(client, 2, first=500)
    found = metrics(client)
    assert found["drift_photos"] == 51
    assert {name for name in found if name.startswith("drift ")} == {
        f"drift {name}" for name in (*QUANTITIES, "embedding")
    }
    assert drifted(found) == set()
    assert client.get("/api/v1/admin/health", headers=ADMIN).status_code == 200
    history = client.app.state.server.history  # type: ignore[attr-defined]
    history.note()
    assert set(history.moments()[-1].drift) == {*QUANTITIES, "embedding"}
    assert max(history.moments()[-1].drift.values()) <= 1


def test_other_photos_are_named(client: TestClient) -> None:
    for number in range(55):
        dark = photo((250, 240, 60), number).point(lambda level: level * 0.4)
        send(client, _png(dark))
    assert {"brightness", "class", "embedding"} <= drifted(metrics(client))


def test_a_photo_counts_once_and_a_part_of_it_does_not(client: TestClient) -> None:
    content = photo_bytes(COLOURS["red thing"], 7)
    for fields in ({}, {"category": "red thing"}, {"box": "0.1,0.1,0.5,0.5"}):
        send(client, content, **fields)
    assert metrics(client) == {"drift_photos": 1}


def test_another_index_is_followed_and_only_similarities_are_forgotten(
    client: TestClient, store: Store, tmp_path: Path
) -> None:
    state = cast("FastAPI", client.app).state
    watch, shelves = web_drift.DriftWatch(state.server.drift, state.shelves, store), state.shelves
    watch.follow()
    send_usual(client, 60)
    assert "drift similarity" in metrics(client)
    before = shelves.in_use.index_card.id
    rebuild(store, tmp_path / "more", 6)
    assert wait_until(lambda: shelves.in_use.index_card.id != before)
    watch.follow()
    found = metrics(client)
    assert found["drift_photos"] == 60
    assert "drift similarity" not in found
    assert "drift brightness" in found


def test_a_model_without_a_baseline_has_no_metrics(store: Store) -> None:
    (store.current("models") / FILE_NAME).unlink()
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as client:
        send_usual(client, 1)
        assert metrics(client) == {}


def test_what_is_kept_is_bounded_and_holds_no_photo(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_drift, "WINDOW", 30)
    monkeypatch.setattr(web_drift, "_SUMMED", 10)
    shelf = open_shelf(store, SETTINGS)
    try:
        encoder = OnnxEncoder(store.current("models"), num_threads=1)
        window = DriftWindow()
        window.compare_with(_usual(store), shelf.model.id)
        for number in range(100):
            pixels_SSC = encoder.preprocess.apply(photo(COLOURS["red thing"], number))
            window.observe(Look(encoder.encode(pixels_SSC[None]), (), 0.0, (48, 40), pixels_SSC), shelf.model, 0.5)
        assert window.num_photos == 30
        assert {each.shape for each in window._values_MQ} == {(len(QUANTITIES),)}
        assert [number for number, _ in window._sums] == [10, 10, 10]
        window.compare_with(None, "")
        assert window.shifts() == {}
    finally:
        shelf.close()


def test_of_many_photos_at_once_some_are_passed_over(store: Store) -> None:
    encoder = OnnxEncoder(store.current("models"), num_threads=1)
    window = DriftWindow(pause_s=60)
    window.compare_with(_usual(store), encoder.card.id)
    pixels_SSC = np.zeros((16, 16, 3), np.uint8)
    for _ in range(3):
        window.observe(Look(encoder.encode(pixels_SSC[None]), (), 0.0, (48, 40), pixels_SSC), encoder.card, 0.5)
    assert window.num_photos == 1


def _usual(store: Store) -> Usual:
    card = OnnxEncoder(store.current("models"), num_threads=1).card
    return Usual(Baseline.read(store.current("models"), card), card.labels, None)


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
