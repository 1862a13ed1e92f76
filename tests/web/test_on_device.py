"""What a device is offered to recognise photos by itself."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from snapshelf.artifacts.store import Store
from snapshelf.settings import Settings
from snapshelf.web import on_device
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import build_tiny_store, export_for_devices

NAMES = ["model.onnx", "recipe.json", "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return build_tiny_store(tmp_path)


@pytest.fixture
def client(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """With something in the place of the engine, whose content nothing here looks at."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / NAMES[2]).write_text("export const env = {};", "utf-8")
    (runtime / f"{NAMES[3]}.gz").write_bytes(gzip.compress(b"\0asm" * 1000))
    monkeypatch.setattr(on_device, "RUNTIME", runtime)
    settings = Settings(threads=1)
    with TestClient(create_app(open_shelf(store, settings), settings, store)) as client:
        yield client


def offered(client: TestClient) -> list[dict[str, Any]]:
    found = client.get("/api/v1/store").json()["on_device"]
    return [] if found is None else found["files"]


def test_nothing_is_offered_before_the_model_was_exported_for_it(client: TestClient, store: Store) -> None:
    assert client.get("/api/v1/store").json()["on_device"] is None
    export_for_devices(store)
    assert client.get("/api/v1/store").json()["on_device"]["model_id"] == "tiny-1"


def test_every_file_is_what_was_named_and_may_be_kept_for_ever(client: TestClient, store: Store) -> None:
    export_for_devices(store)
    files = offered(client)
    assert [file["name"] for file in files] == NAMES
    for file in files:
        answer = client.get(file["url"])
        assert answer.status_code == 200
        assert len(answer.content) == file["num_bytes"]
        assert file["integrity"] == "sha256-" + base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
        assert int(answer.headers["Content-Length"]) == file["num_bytes_sent"]
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get(files[3]["url"]).headers["Content-Encoding"] == "gzip"
    assert client.get(files[3]["url"]).headers["Content-Type"] == "application/wasm"
    assert client.get(files[2]["url"]).headers["Content-Type"].startswith("text/javascript")


def test_an_older_version_is_not_found(client: TestClient, store: Store) -> None:
    folder = export_for_devices(store)
    before = offered(client)
    (folder / "recipe.json").write_text("{}", "utf-8")
    after = offered(client)
    assert [file["url"] for file in before if file not in after] == [before[1]["url"]]
    answer = client.get(before[1]["url"])
    assert answer.status_code == 404
    assert "GET /api/v1/store names them" in answer.json()["detail"]


@pytest.mark.parametrize(
    "address", ["/on-device/x/model.onnx", "/on-device/..%2f..%2f/model.onnx", "/on-device/x/card"]
)
def test_nothing_else_is_given_out(client: TestClient, store: Store, address: str) -> None:
    export_for_devices(store)
    assert client.get(address).status_code == 404


def test_without_the_engine_nothing_is_offered(client: TestClient, store: Store) -> None:
    export_for_devices(store)
    (on_device.RUNTIME / NAMES[2]).unlink()
    assert offered(client) == []


def test_only_the_worker_may_run_webassembly(client: TestClient) -> None:
    worker = client.get("/static/js/on-device-worker.js").headers["Content-Security-Policy"]
    assert worker == "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
    for address in ("/", "/static/js/main.js", "/static/js/recognise.js"):
        assert "wasm" not in client.get(address).headers["Content-Security-Policy"]
