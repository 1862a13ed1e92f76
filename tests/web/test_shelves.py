"""A newer model or index is put in use while requests go on."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from snapshelf.adapters import engines
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.index import index
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.web.shelves import Shelves
from snapshelf.wiring import open_shelf, reopen_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes, write_catalogue, write_model

SETTINGS = Settings(threads=1)


def rebuild(store: Store, root: Path, num_products: int) -> None:
    """A new index beside the one in use, put in its place."""
    encoder = OnnxEncoder(store.current("models"), num_threads=1)
    catalogue = str(write_catalogue(root, num_products))
    index(store, encoder, encoder.card, catalogue, replace=True, limits=DecodeLimits(), num_workers=1)


def wait_until(is_so: Callable[[], bool], seconds: float = 20.0) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if is_so():
            return True
        time.sleep(0.05)
    return False


def test_a_rebuilt_index_is_swapped_in_and_no_request_fails(tmp_path: Path) -> None:
    store = build_tiny_store(tmp_path)
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as client:
        statuses: list[int] = []
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                photo = photo_bytes(COLOURS["red thing"], len(statuses))
                statuses.append(client.post("/api/v1/recommendations", files={"photo": photo}).status_code)

        customers = [threading.Thread(target=ask) for _ in range(2)]
        for customer in customers:
            customer.start()
        before = client.get("/readyz").json()["index_id"]
        rebuild(store, tmp_path / "more", 30)
        swapped = wait_until(lambda: client.get("/api/v1/products").json()["total"] == 30)
        ended.set()
        for customer in customers:
            customer.join()
        assert swapped
        assert client.get("/readyz").json()["index_id"] != before
        assert set(statuses) == {200}


def test_a_running_server_follows_to_another_model_and_back(tmp_path: Path) -> None:
    store = build_tiny_store(tmp_path)
    first = store.in_use()
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as client:
        store.use("models", "tiny-2")  # it has no index yet: the old pair goes on
        time.sleep(1.2)
        assert client.get("/readyz").json()["model_id"] == "tiny-1"
        rebuild(store, tmp_path / "more", 6)
        assert wait_until(lambda: client.get("/readyz").json()["model_id"] == "tiny-2")
        for kind, artifact_id in zip(("models", "index"), first, strict=True):
            store.use(kind, artifact_id)  # type: ignore[arg-type]
        assert wait_until(lambda: client.get("/readyz").json()["model_id"] == "tiny-1")
        assert client.get("/api/v1/products").json()["total"] == 12


def test_of_a_replaced_shelf_nothing_is_kept(tmp_path: Path) -> None:
    store = build_tiny_store(tmp_path)
    app = create_app(open_shelf(store, SETTINGS), SETTINGS, store)
    shelves: Shelves = app.state.shelves
    first = [weakref.ref(each) for each in (shelves.in_use.recommender, shelves.in_use.gallery)]
    with TestClient(app) as client:
        client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS["red thing"], 1)})
        before = client.get("/readyz").json()["index_id"]
        rebuild(store, tmp_path / "more", 6)
        assert wait_until(lambda: client.get("/readyz").json()["index_id"] != before)
        gc.collect()
        assert [each() for each in first] == [None, None]


def test_a_newer_model_runs_on_the_engine_that_was_chosen_in_peace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = build_tiny_store(tmp_path)
    quicker = "onnxruntime"
    monkeypatch.setattr(engines, "_seconds", lambda encoder: 0.0 if encoder.runs_on == quicker else 1.0)
    before = open_shelf(store, SETTINGS)
    assert before.engine == "onnxruntime"
    before.close()
    quicker = "openvino"  # by chance, among requests
    after = reopen_shelf(store, SETTINGS, before)
    assert after.engine == "onnxruntime"
    after.close()
    anew = open_shelf(store, SETTINGS)
    assert anew.engine == "openvino"
    anew.close()


def test_a_model_that_the_engine_cannot_run_takes_another_one(tmp_path: Path) -> None:
    store = build_tiny_store(tmp_path)
    before = open_shelf(store, SETTINGS.model_copy(update={"engine": "openvino"}))
    before.close()
    write_model(store.folder("models", "plain"), "plain", with_labels=False)  # OpenVINO cannot run this one
    store.use("models", "plain")
    rebuild(store, tmp_path / "more", 6)
    after = reopen_shelf(store, SETTINGS, before)
    assert (after.model.id, after.engine) == ("plain", "onnxruntime")
    after.close()


def test_a_replaced_shelf_stays_open_for_those_who_use_it(tmp_path: Path) -> None:
    store = build_tiny_store(tmp_path)
    old = open_shelf(store, SETTINGS)
    rebuild(store, tmp_path / "more", 6)
    shelves = Shelves(old)
    with shelves.lease() as leased:
        shelves.replace(open_shelf(store, SETTINGS))
        assert leased.index.count_products() == 12
        with shelves.lease() as newer:
            assert newer.index.count_products() == 6
    assert shelves.in_use is newer
    store.use("index", old.index_card.id)
    open_shelf(store, SETTINGS).close()  # whose lock is free again only because the old one was closed
    shelves.close()
