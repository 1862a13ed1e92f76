"""What staff change of the products is in every index that answers later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from pydantic import SecretStr

from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.adapters.sqlite_changes import ProductChange, SqliteChanges
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines import staff_changes
from snapshelf.pipelines.index import index
from snapshelf.pipelines.models import use_model
from snapshelf.settings import Settings
from snapshelf.types import Encoding, Product
from snapshelf.web.app import create_app
from snapshelf.web.product_changes import ProductChanges
from snapshelf.web.shelves import Shelves
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes, write_catalogue, write_model
from tests.web.conftest import ADMIN, ADMIN_KEY
from tests.web.test_products import NEW, PICTURE
from tests.web.test_shelves import wait_until

SETTINGS = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two models, the first one in use, each with an index of twelve products."""
    made = build_tiny_store(tmp_path)
    write_model(made.folder("models", "tiny-2"), "tiny-2")
    index_for(made, "tiny-2", tmp_path / "catalogue" / "catalogue.csv")
    return made


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as running:
        yield running


def index_for(store: Store, model_id: str, catalogue: Path | None, **options: Any) -> None:
    encoder = OnnxEncoder(store.folder("models", model_id), num_threads=1)
    given = str(catalogue) if catalogue else None
    index(store, options.pop("encoder", encoder), encoder.card, given, limits=DecodeLimits(), num_workers=1, **options)


def products(store: Store) -> dict[str, Product]:
    """Of the index in use, as a server that starts now has them."""
    shelf = open_shelf(store, SETTINGS)
    try:
        return {each.id: each for each in shelf.index.products(offset=0, limit=100)}
    finally:
        shelf.close()


def ids(client: TestClient) -> set[str]:
    return {each["id"] for each in client.get("/api/v1/products").json()["products"]}


def change(client: TestClient) -> None:
    """One is added, one removed, one gets another price, with its photo as it is."""
    assert client.put("/api/v1/products/s1", json=NEW | PICTURE, headers=ADMIN).status_code == 200
    assert client.delete("/api/v1/products/p00", headers=ADMIN).status_code == 204
    priced = {"title": "Green thing 1", "category": "green thing", "price": 77.0, "currency": "EUR"}
    assert client.put("/api/v1/products/p01", json=priced, headers=ADMIN).status_code == 200


def use(client: TestClient, store: Store, model_id: str) -> None:
    use_model(store, model_id)
    assert wait_until(lambda: client.get("/readyz").json()["model_id"] == model_id)


def test_another_model_knows_what_staff_changed_before_it_and_the_first_one_what_they_did_meanwhile(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_changes, "AT_ONCE", 2)
    change(client)
    use(client, store, "tiny-2")
    assert {"s1", "p00"} & ids(client) == {"s1"}
    assert client.get("/api/v1/products/p01").json()["price"] == 77.0
    found = client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS["red thing"], 500)}).json()
    assert found["recommendations"][0]["product"]["id"] == "s1"
    client.delete("/api/v1/products/s1", headers=ADMIN)
    use(client, store, "tiny-1")
    assert {"s1", "p00"} & ids(client) == set()


def test_the_last_word_counts_on_what_is_changed_again_while_an_index_takes_it_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as client:
        for product_id in ("s1", "s2"):
            client.put(f"/api/v1/products/{product_id}", json=NEW | PICTURE, headers=ADMIN)
    use_model(store, "tiny-2")
    read = SqliteChanges.unknown_to

    def changed_meanwhile(changes: SqliteChanges, index_id: str) -> Iterator[ProductChange]:
        for number, change in enumerate(read(changes, index_id)):
            yield change
            if number == 1:
                assert change.product
                changes.remove(["s1"])
                changes.update(replace(change.product, title="Another title"))

    monkeypatch.setattr(SqliteChanges, "unknown_to", changed_meanwhile)
    there = products(store)
    assert "s1" not in there
    assert there["s2"].title == "Another title"


def test_a_photo_over_a_limit_that_is_narrower_now_is_passed_over(store: Store) -> None:
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as client:
        change(client)
    use_model(store, "tiny-2")
    shelf = open_shelf(store, SETTINGS.model_copy(update={"max_pixels": 100}))
    assert shelf.index.product("s1") is None
    assert shelf.index.product("p00") is None
    shelf.close()


class Waiting:
    """An encoder that waits with its first photos until it may go on."""

    def __init__(self, encoder: OnnxEncoder) -> None:
        self.preprocess = encoder.preprocess
        self._encoder = encoder
        self.began, self.may = threading.Event(), threading.Event()

    def encode(self, photos_NSSC: NDArray[np.uint8]) -> Encoding:
        self.began.set()
        assert self.may.wait(20)
        return self._encoder.encode(photos_NSSC)


def test_what_is_changed_while_an_index_is_built_is_in_it_and_what_was_before_is_the_catalogues(
    client: TestClient, store: Store, tmp_path: Path
) -> None:
    client.put("/api/v1/products/s0", json=NEW | PICTURE, headers=ADMIN)
    waiting = Waiting(OnnxEncoder(store.folder("models", "tiny-1"), num_threads=1))
    table = tmp_path / "catalogue" / "catalogue.csv"
    options = {"replace": True, "encoder": waiting}
    builds = threading.Thread(target=index_for, args=(store, "tiny-1", table), kwargs=options)
    before = client.get("/readyz").json()["index_id"]
    builds.start()
    assert waiting.began.wait(20)
    change(client)
    waiting.may.set()
    builds.join()
    assert wait_until(lambda: client.get("/readyz").json()["index_id"] != before)
    assert ids(client) == {f"p{number:02}" for number in range(1, 12)} | {"s1"}
    assert client.get("/api/v1/products/p01").json()["price"] == 77.0


def test_a_change_that_comes_through_a_shelf_just_replaced_is_in_the_newer_one(store: Store) -> None:
    old = open_shelf(store, SETTINGS)
    shelves = Shelves(old)
    changes = ProductChanges(shelves, SqliteChanges(store.changes_path))
    use_model(store, "tiny-2")
    with shelves.lease() as leased:
        changes.exchange(open_shelf(store, SETTINGS))
        changes.put(leased, Product("s1", "Scarf", "red thing"), photo_bytes(COLOURS["red thing"], 500))
        changes.remove(leased, "p00")
        assert shelves.in_use.index.product("s1") == Product("s1", "Scarf", "red thing")
        assert shelves.in_use.index.product("p00") is None
    changes.close()
    shelves.close()


def test_an_index_of_a_new_model_has_what_staff_added_and_else_what_the_catalogue_says(
    client: TestClient, store: Store, tmp_path: Path
) -> None:
    change(client)
    write_model(store.folder("models", "tiny-3"), "tiny-3")
    index_for(store, "tiny-3", tmp_path / "catalogue" / "catalogue.csv")
    use(client, store, "tiny-3")
    assert ids(client) == {f"p{number:02}" for number in range(12)} | {"s1"}
    assert client.get("/api/v1/products/p01").json()["price"] == 11.0


def test_a_catalogue_has_the_last_word_in_the_other_indexes_too(store: Store, tmp_path: Path) -> None:
    with TestClient(create_app(open_shelf(store, SETTINGS), SETTINGS, store)) as client:
        change(client)
    index_for(store, "tiny-1", write_catalogue(tmp_path / "catalogue"), remove=["s1", "p05"])
    assert products(store)["p01"].price == 11.0
    use_model(store, "tiny-2")
    there = products(store)
    assert there["p01"].price == 11.0
    assert there.keys() & {"s1", "p00", "p05"} == {"p00"}


def test_the_file_is_small_again_when_an_index_was_built_anew_and_all_know_what_it_holds(
    client: TestClient, store: Store, tmp_path: Path
) -> None:
    change(client)
    use(client, store, "tiny-2")
    index_for(store, "tiny-2", tmp_path / "catalogue" / "catalogue.csv", replace=True)
    with closing(SqliteChanges(store.changes_path)) as changes:
        assert [each.product_id for each in changes.all()] == []
